"""Independent parameters are those that the loss can see: rank of the Fisher information of live ones.

Right values: dense states and their central differences from default.qubit matrices; a parameter is
live where the loss's own difference is not zero.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp
from references import sectors as oracle
from scipy.linalg import expm
from test_sectors import on

import pennylane_wishart as pw
from pennylane_wishart.circuit import RotationCircuit
from pennylane_wishart.conventions import Evidence
from pennylane_wishart.errors import OutOfTheoryError, Status
from pennylane_wishart.sectors import Rank, RankAtMost, build_signature

GATES = (qml.RX, qml.RY, qml.RZ)


def planted(seed: int):
    """A random circuit with RZ on |0⟩ before it and gates outside the light cone of Z0 behind it."""
    rng = np.random.default_rng(seed)
    n, count = 3 + seed % 2, 8 + seed
    body = [(int(rng.integers(5)), [int(q) for q in rng.permutation(n)[:2]]) for _ in range(count)]
    tail = [(int(rng.integers(3)), int(rng.integers(1, n))) for _ in range(4)]

    def operations(w):
        ops = [qml.RZ(w[0], wires=0)]
        for k, (kind, wires) in enumerate(body, start=1):
            if kind < 3:
                ops.append(GATES[kind](w[k], wires=wires[0]))
            else:
                ops.append((qml.IsingZZ if kind == 3 else qml.CRY)(w[k], wires=wires))
            if k % 3 == 0:
                ops.append(qml.CNOT(wires=wires))
        ops.append(qml.CZ(wires=[0, 1]))
        return ops + [GATES[kind](w[1 + count + k], wires=q) for k, (kind, q) in enumerate(tail)]

    @qml.qnode(qml.device("default.qubit", wires=n))
    def circuit(w):
        operations(w)  # made here, so queued here
        return qml.expval(qml.Z(0))

    return circuit, operations, n, count + 5


def fisher(operations, n: int, count: int, seed: int) -> tuple[int, np.ndarray]:
    """Rank of the Fisher matrix of live parameters, and which are live, by dense matrices."""
    rng, step = np.random.default_rng(seed + 99), 1e-5

    def state(w):
        vector = np.zeros(2**n, complex)
        vector[0] = 1
        for op in operations(w):
            vector = qml.matrix(op, wire_order=range(n)) @ vector
        return vector

    z = np.where(np.arange(2**n) < 2 ** (n - 1), 1.0, -1.0)
    live = np.zeros(count, bool)
    for _ in range(3):
        w = rng.uniform(0, 2 * np.pi, count)
        ends = [[state(w + s * step * np.eye(count)[k]) for s in (1, -1)] for k in range(count)]
        live |= np.array([abs(np.sum(z * (np.abs(a) ** 2 - np.abs(b) ** 2))) > 1e-9 for a, b in ends])
    if not live.any():
        return 0, live
    psi = state(w)
    tangents = np.array([(a - b) / (2 * step) for a, b in ends]).T[:, live]
    overlap = tangents.conj().T @ psi
    matrix = (tangents.conj().T @ tangents - np.outer(overlap, overlap.conj())).real
    return int(np.sum(np.linalg.eigvalsh(matrix) > 1e-8)), live


@pytest.mark.parametrize("seed", range(14))
def test_planted_dead_gates_do_not_count(seed):
    circuit, operations, n, count = planted(seed)
    w = pnp.array(np.random.default_rng(1).uniform(0, 6, count))
    rank, live = fisher(operations, n, count, seed)
    signature = pw.signature(circuit)(w)
    assert signature.n_independent == rank and signature.n_independent_status is Status.OK
    assert signature.independent_rank == Rank(rank)
    assert rank <= live.sum() < count


def eleven_of_sixteen() -> RotationCircuit:
    """Five gates that Z0 sees, and eleven behind its light cone that move the state all the same."""
    seen = ["XIII", "IXII", "ZYII", "YIII", "XIII"]
    behind = ["IXII", "IYII", "IIXI", "IIYI", "IIIX", "IIIY", "IZZI", "IIZZ", "IXIX", "IYYI", "IIZI"]
    return RotationCircuit.from_words(seen + behind, {"ZIII": 1.0})


def dense_rank(circuit: RotationCircuit, live: int) -> int:
    """Fisher rank of the first parameters, by exponentials of dense words."""
    rng, n = np.random.default_rng(7), circuit.n_qubits
    words = [oracle.matrix({w: 0.5}) for w in circuit.terms.strings()]
    psi = np.eye(2**n, dtype=complex)[0]
    tangents = np.zeros((2**n, 0), complex)
    for k, word in enumerate(words):
        turn = expm(-1j * rng.uniform(0, 6) * word)
        psi, tangents = turn @ psi, turn @ tangents
        if k < live:
            tangents = np.concatenate([tangents, -1j * (word @ psi)[:, None]], axis=1)
    tangents -= np.outer(psi, psi.conj() @ tangents)
    return int(np.linalg.matrix_rank(np.concatenate([tangents.real, tangents.imag]), tol=1e-9))


def test_directions_that_only_the_state_sees_do_not_count():
    circuit = eleven_of_sixteen()
    pred = pw.predict(circuit)
    assert circuit.n_params == 16 and pred.dead_parameters == tuple(range(5, 16))
    # X, then Y, then X on one qubit: no more than its two directions and one of the other qubit
    assert pred.n_independent == pred.signature.n_independent == dense_rank(circuit, 5)
    assert pred.gamma == pred.n_independent / pred.transition < 1
    assert pred.minima.n_parameters == pred.n_independent and not pred.minima.is_point_mass


def gate_list(words):
    letters = {"X": qml.X, "Y": qml.Y, "Z": qml.Z}

    @qml.qnode(qml.device("default.qubit", wires=2))
    def circuit(w):
        qml.Hadamard(1)
        for k, word in enumerate(words):
            qml.PauliRot(w[k], word, wires=range(2))
        return qml.expval(letters["Z"](0))

    return circuit, pnp.array(np.random.default_rng(0).uniform(0, 6, len(words)))


@pytest.mark.parametrize("words", [["IX", "IY", "ZI", "IZ", "ZZ"], ["ZI", "ZX"]])
def test_a_wholly_dead_circuit_has_no_parameter_and_no_optimum_to_reach(words):
    qnode, w = gate_list(words)
    diagnosis = pw.diagnose(qnode, run=False)(w)
    pred, text = diagnosis.prediction, " ".join(diagnosis.details().split())
    assert pred.signature.n_independent == 0 and diagnosis.trainable is False
    assert "at or above p*" not in text and "at the optimum" not in text
    with pytest.raises(OutOfTheoryError):
        _ = pred.minima


def test_the_transition_is_an_onset_and_never_a_promise():
    words = ["XI", "YI", "ZZ", "IX", "IY", "XX", "YY", "ZX", "XI", "YI"] * 2
    tail = ["IX", "IY", "IZ"]  # behind the light cone of Z0
    for qnode_words, dead in ((words, False), (words + tail, True)):
        qnode, w = gate_list(qnode_words)
        diagnosis = pw.diagnose(qnode, run=False)(w)
        pred = diagnosis.prediction
        assert pred.minima.is_point_mass and bool(pred.dead_parameters) is dead
        text = " ".join(diagnosis.details().split())
        assert "onset, not a guarantee" in text and "minima are predicted at the optimum" not in text
        # what is claimed rests on this circuit: a certificate or its own descents, never on p ≥ p*
        (check,) = [c for c in diagnosis.checks if c.id == "traps"]
        assert check.passed is True and diagnosis.descent.evidence in (Evidence.CERTIFICATE, Evidence.DESCENTS)


def test_beyond_twelve_qubits_the_count_is_a_bound_of_its_own_type():
    n = 14
    behind = [on(n, {q: p}) for q in range(6, n) for p in "XY"]
    circuit = RotationCircuit.from_words([on(n, {0: "X"}), on(n, {0: "Y"}), *behind], {on(n, {0: "Z"}): 1.0})
    signature = build_signature(circuit)
    assert signature.independent_rank == RankAtMost(2) and signature.n_independent_status is Status.BOUND
    pred = pw.predict(signature)
    assert pred.n_independent == 2 and pred.n_independent_status is Status.BOUND
    with pytest.raises(OutOfTheoryError, match="at most 2"):
        _ = pred.minima


def test_a_slow_gate_is_live_and_one_whose_turns_cancel_is_not():
    slow = RotationCircuit.from_words(["XI", "YI"], {"ZI": 1.0}, coefficient=1e-9)
    assert build_signature(slow).n_independent == 2

    words = RotationCircuit.from_words(["Y", "Z", "X", "X"], {"X": 1.0}, parameter_of=[0, 1, 2, 2])
    cancelling = replace(words, coefficients=np.array([1.0, 1.0, 1.0, -1.0]))
    assert build_signature(cancelling).n_independent == 2
