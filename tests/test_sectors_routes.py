"""Routes fall back to one another: whole space, else what the input reaches, else second moments with a reason.

Molecules are in STO-3G (``tests/data/molecules.json``: Jordan–Wigner Pauli coefficients, from
PennyLane's own Hartree–Fock): LiH with 2 electrons in 3 and in 5 orbitals, H3+ in 3.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp
from references import sectors as oracle
from scipy.linalg import expm
from test_sectors import on

import pennylane_wishart as pw
from pennylane_wishart.algebra import close, module_of
from pennylane_wishart.circuit import InputState, RotationCircuit
from pennylane_wishart.conventions import sectors as limits
from pennylane_wishart.errors import Status
from pennylane_wishart.paulis import PauliSum
from pennylane_wishart.prediction.minima import predicted_transition
from pennylane_wishart.sectors import build, build_signature, problem

MOLECULES = json.loads((Path(__file__).parent / "data" / "molecules.json").read_text())


def hamiltonian(name: str):
    terms = MOLECULES[name]
    return qml.dot(list(terms.values()), [qml.pauli.string_to_pauli_word(w) for w in terms])


def uccsd(name: str, n: int):
    singles, doubles = qml.qchem.excitations(2, n)
    s_wires, d_wires = qml.qchem.excitations_to_wires(singles, doubles)
    state, energy = qml.qchem.hf_state(2, n), hamiltonian(name)

    def ansatz(w):
        qml.UCCSD(w, wires=range(n), s_wires=s_wires, d_wires=d_wires, init_state=state)
        return qml.expval(energy)

    return ansatz, len(singles) + len(doubles), n


def excitations(name: str, n: int):
    singles, doubles = qml.qchem.excitations(2, n)
    state, energy = qml.qchem.hf_state(2, n), hamiltonian(name)

    def ansatz(w):
        qml.BasisState(state, wires=range(n))
        for k, wires in enumerate(doubles):
            qml.DoubleExcitation(w[k], wires=wires)
        for k, wires in enumerate(singles):
            qml.SingleExcitation(w[len(doubles) + k], wires=wires)
        return qml.expval(energy)

    return ansatz, len(singles) + len(doubles), n


def template(op, name: str, n: int, shape: tuple, **options):
    state, energy = qml.qchem.hf_state(2, n), hamiltonian(name)

    def ansatz(w):
        op(pnp.reshape(w, shape), wires=range(n), init_state=state, **options)
        return qml.expval(energy)

    return ansatz, int(np.prod(shape)), n


def xxz(n: int):
    energy = qml.sum(
        *(c * p(i) @ p((i + 1) % n) for i in range(n) for p, c in ((qml.X, 1.0), (qml.Y, 1.0), (qml.Z, 0.5)))
    )

    def ansatz(w):
        for i in range(0, n, 2):
            qml.X(i)
        for k, start in ((0, 0), (2, 1)):
            for i in range(start, n, 2):
                qml.IsingXY(w[k], wires=[i, (i + 1) % n])
                qml.IsingZZ(w[k + 1], wires=[i, (i + 1) % n])
        return qml.expval(energy)

    return ansatz, 4, n


ANSATZE = {
    "UCCSD, LiH": uccsd("lih_2_3", 6),
    "bare excitations, LiH": excitations("lih_2_3", 6),
    "GateFabric, H3+": template(qml.GateFabric, "h3+", 6, qml.GateFabric.shape(n_layers=2, n_wires=6), include_pi=True),
    "ParticleConservingU1, LiH": template(qml.ParticleConservingU1, "lih_2_3", 6, qml.ParticleConservingU1.shape(1, 6)),
    "ParticleConservingU2, H3+": template(qml.ParticleConservingU2, "h3+", 6, qml.ParticleConservingU2.shape(1, 6)),
    "kUpCCGSD, H3+": template(qml.kUpCCGSD, "h3+", 6, qml.kUpCCGSD.shape(k=1, n_wires=6, delta_sz=0), k=1, delta_sz=0),
    "XXZ": xxz(6),
}


def read(ansatz, count: int, n: int):
    qnode = qml.QNode(ansatz, qml.device("default.qubit", wires=n))
    return qnode, pnp.array(np.random.default_rng(0).uniform(0, 2 * np.pi, count))


def reached(circuit: RotationCircuit, samples: int) -> np.ndarray:
    """An orthonormal basis of what the input reaches: states of deep random circuits, dense."""
    rng = np.random.default_rng(3)
    distinct = {}
    for k in range(circuit.n_rotations):
        g = circuit.generator(k)
        key = (g.words.packed.tobytes(), np.round(g.coefficients, 9).tobytes())
        distinct[key] = dict(zip(g.words.strings(), g.coefficients, strict=True))
    turns = [expm(-1j * rng.uniform(0.5, 1.5) * oracle.matrix(g)) for g in distinct.values()]
    states, out = circuit.state.vector(), []
    for _ in range(samples):
        for k in rng.permutation(len(turns)):
            states = turns[k] @ states
        out.append(states)
    left, size, _ = np.linalg.svd(np.array(out).T, full_matrices=False)
    return left[:, size > 1e-7 * size[0]]


@pytest.mark.parametrize("name", ANSATZE)
def test_conserving_ansatze_reach_the_ground_state_of_their_sector(name):
    qnode, w = read(*ANSATZE[name])
    signature = pw.signature(qnode)(w)
    basis = reached(signature.circuit, 80)
    terms = dict(zip(signature.observable.words.strings(), signature.observable.coefficients, strict=True))
    inside = basis.conj().T @ oracle.matrix(terms) @ basis
    assert signature.method == "dense route"
    # sectors of the whole space may hold more copies than the input reaches
    assert sum(s.dim for s in signature.weighted_sectors) == basis.shape[1]
    lowest = min(s.ground for s in signature.weighted_sectors)
    assert lowest == pytest.approx(np.linalg.eigvalsh(inside)[0], abs=1e-8)


def fci(name: str, n: int) -> float:
    """Lowest energy with one electron of each spin: even wires spin up, odd ones down."""
    kept = [i for i in range(2**n) if [f"{i:0{n}b}"[s::2].count("1") for s in (0, 1)] == [1, 1]]
    matrix = PauliSum.from_terms(MOLECULES[name])
    columns = np.zeros((2**n, len(kept)))
    columns[kept, range(len(kept))] = 1.0
    return float(np.linalg.eigvalsh(matrix.apply(columns.astype(complex))[kept])[0])


@pytest.mark.parametrize("ansatz", [uccsd, excitations])
def test_ten_qubits_of_lithium_hydride(ansatz):
    qnode, w = read(*ansatz("lih_2_5", 10))
    circuit = pw.normal_form(qnode)(w)
    signature = build_signature(circuit, route="reachable")
    (sector,) = signature.sectors
    assert signature.in_theory and (sector.dim, sector.beta, sector.weight) == (25, 1, pytest.approx(1.0))
    assert predicted_transition(signature, exact=True) == 24 and sector.ground == pytest.approx(
        fci("lih_2_5", 10), abs=1e-9
    )


def test_an_irrep_and_the_transposed_one_are_told_apart(monkeypatch):
    """Of UCCSD: particle-hole partners have equal spectra of every palindrome of the generators."""
    monkeypatch.setattr(limits, "CLOSURE_WORK", 1e6)  # the algebra is not what is asked
    qnode, w = read(*uccsd("lih_2_5", 10))
    signature = pw.signature(qnode)(w)
    assert signature.in_theory and signature.n_sectors == len(signature.sectors)  # the whole space was split
    assert [s.dim for s in signature.weighted_sectors] == [25]
    assert sum(s.dim * s.multiplicity for s in signature.sectors) == 2**10


@pytest.mark.parametrize("name", ["UCCSD, LiH", "XXZ"])
def test_where_the_whole_space_gives_no_split_the_reached_one_answers(name, monkeypatch):
    real = build.dense_sectors
    monkeypatch.setattr(
        build, "dense_sectors", lambda p, rng, limit, whole: None if whole else real(p, rng, limit, whole)
    )
    qnode, w = read(*ANSATZE[name])
    signature = pw.signature(qnode)(w)
    assert signature.in_theory and signature.n_sectors is None and signature.weighted_sectors


def test_where_no_route_answers_second_moments_are_left(monkeypatch):
    monkeypatch.setattr(build, "dense_sectors", lambda *_: None)
    qnode, w = read(*ANSATZE["XXZ"])
    diagnosis = pw.diagnose(qnode, run=False)(w)
    signature = diagnosis.signature
    assert signature.method == "none" and not signature.in_theory and "No route" in signature.reason
    assert diagnosis.prediction.moments.loss_variance > 0 and "No route" in diagnosis.details()


def test_words_whose_observable_connects_sectors_are_judged_where_the_input_is():
    # Z0 X2 leaves the sectors of Z2, which is a generator: from |0…0⟩ that part is never seen
    words = ["XII", "YII", "IXI", "IYI", "ZZI", "IIZ"]
    for state, inside in ((None, True), (InputState.from_vector(np.kron([1, 0, 0, 0], [0.6, 0.8])), False)):
        circuit = RotationCircuit.from_words(words, {"ZII": 1.0, "ZIX": 0.7}, state)
        signature = build_signature(circuit)
        assert signature.in_theory is inside
        if inside:
            (sector,) = signature.weighted_sectors
            assert sector.variance == pytest.approx(1.0) and (sector.dim, sector.beta) == (4, 2)


def reuploading(n: int, layers: int):
    x = np.linspace(0.3, 1.7, n)

    def ansatz(w):
        for row in pnp.reshape(w, (layers, n)):
            qml.AngleEmbedding(x, wires=range(n), rotation="Y")
            for i in range(n):
                qml.RX(row[i], wires=i)
            for i in range(n):
                qml.CNOT([i, (i + 1) % n])
        return qml.expval(qml.Z(0) @ qml.Z(1))

    return ansatz, layers * n, n


def test_fixed_gates_that_are_too_large_to_conjugate_leave_second_moments():
    qnode, w = read(*reuploading(8, 5))
    diagnosis = pw.diagnose(qnode, run=False)(w)
    signature = diagnosis.signature
    assert not signature.in_theory and "too large to conjugate" in signature.reason
    assert signature.module.status is Status.TRUNCATED and signature.status == (Status.NOT_ASSESSED,)
    assert diagnosis.prediction.moments.loss_variance > 0
    assert "too large to conjugate" in diagnosis.details() and diagnosis.to_dict()["signature"]["method"] == "none"


def test_data_between_trainable_gates_make_long_sums_that_still_split():
    qnode, w = read(*reuploading(5, 5))
    signature = pw.signature(qnode)(w)
    assert max(len(g) for g in signature.generators) > 400
    assert signature.in_theory and signature.algebra.name == "su(32)"


@pytest.mark.parametrize("commute", [True, False])
def test_long_sums_commute_or_not(commute):
    rng = np.random.default_rng(5)
    a = rng.normal(size=(32, 32)) + 1j * rng.normal(size=(32, 32))
    a = a + a.conj().T
    b = a @ a - 2 * a
    b[0, 0] += 0 if commute else 1e-6
    first, second = (PauliSum.from_matrix(m / np.linalg.norm(m)) for m in (a, b))
    assert len(first) * len(second) > limits.COMMUTATOR_PRODUCTS
    assert problem._commute(first, second) is commute


def test_work_of_a_closure_is_limited_and_said():
    n = 5
    fields = {on(n, {q: "X"}): 1.0 for q in range(n)}
    bonds = {on(n, {q: "Z", q + 1: "Z"}): 1.0 for q in range(n - 1)}
    parts = [PauliSum.from_terms(g) for g in (fields, bonds, {on(n, {0: "Y"}): 1.0, on(n, {1: "Z"}): 1.0})]
    whole, limited = close(parts), close(parts, max_work=1e5)
    assert whole.is_closed and whole.dim == 1023
    assert not limited.is_closed and limited.status is Status.TRUNCATED and limited.dim < whole.dim
    observable = PauliSum.from_terms({on(n, {0: "Z"}): 1.0, on(n, {4: "X"}): 0.5})
    assert module_of(parts, observable).dim == 1023
    part = module_of(parts, observable, max_work=1e5)
    assert part.status is Status.TRUNCATED and part.dim < 1023
