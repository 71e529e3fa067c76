"""Observables that connect sectors, or mix their copies: the loss holds more than the diagonal blocks.

Right values: ranks of {U†OU} for dense random group elements (modules), and losses sampled from
dense random products of the generators' exponentials.
"""

from __future__ import annotations

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp
from references import sectors as oracle
from test_sectors import dense, on, random_state

import pennylane_wishart as pw
from pennylane_wishart.circuit import InputState, RotationCircuit
from pennylane_wishart.errors import Status
from pennylane_wishart.sectors import Fit, build_signature


def module_dim(circuit: RotationCircuit) -> int:
    """Rank of U†OU over random products U of the generators' exponentials, dense."""
    generators, observable, _ = dense(circuit)
    eigen = [np.linalg.eigh(g) for g in generators]
    rng = np.random.default_rng(2)
    rows = []
    for _ in range(len(observable) ** 2 + 5):
        u = np.eye(len(observable), dtype=complex)
        for _ in range(6):
            for k in rng.permutation(len(eigen)):
                values, basis = eigen[k]
                u = u @ (basis * np.exp(-1j * values * rng.uniform(0, 30))) @ basis.conj().T
        turned = u.conj().T @ observable @ u
        rows.append(np.concatenate([turned.real.ravel(), turned.imag.ravel()]))
    return int(np.linalg.matrix_rank(np.array(rows), tol=1e-7))


def spread(circuit: RotationCircuit) -> float:
    return float(oracle.sample_losses(*dense(circuit), 500, 12, np.random.default_rng(1)).std())


def controlled(observable, layers: int = 1):
    """Controlled rotations: the control's Z is conserved, and X on it connects the two sectors."""

    @qml.qnode(qml.device("default.qubit", wires=2))
    def circuit(p):
        qml.RY(0.7, wires=0)
        qml.Hadamard(1)
        for l in range(layers):
            qml.CRX(p[3 * l], wires=[1, 0])
            qml.RZ(p[3 * l + 1], wires=0)
            qml.CRX(p[3 * l + 2], wires=[1, 0])
        return qml.expval(observable)

    return circuit, pnp.array(np.random.default_rng(0).uniform(0, 6, 3 * layers))


# the observable off-diagonal, with a diagonal part too, and on three qubits
CONNECTING = {
    "off-diagonal": controlled(qml.Z(0) @ qml.X(1)),
    "and diagonal": controlled(qml.Z(0) @ qml.X(1) + 0.4 * qml.Z(0) @ qml.Z(1) + 0.3 * qml.Y(0)),
}


@pytest.mark.parametrize("name, dim", [("off-diagonal", 4), ("and diagonal", None)])
def test_an_observable_that_connects_sectors_is_seen(name, dim):
    qnode, p = CONNECTING[name]
    diagnosis = pw.diagnose(qnode, run=False)(p)
    signature, circuit = diagnosis.signature, diagnosis.signature.circuit
    assert not signature.in_theory and "connects sectors" in signature.reason
    assert signature.module.dim == module_dim(circuit) and dim in (None, signature.module.dim)
    assert signature.module.status is Status.OK
    assert {s.fit for s in signature.weighted_sectors} == {Fit.CONNECTS}
    assert not any(s.is_constant for s in signature.weighted_sectors)
    text = " ".join(diagnosis.details().split())
    assert "constant loss" not in text and "connects it with other sectors" in text
    assert {s["fit"] for s in diagnosis.to_dict()["signature"]["sectors"]} == {"CONNECTS"}
    angles = np.random.default_rng(4).uniform(0, 4 * np.pi, (3000, 3))
    losses = np.array([circuit.loss(circuit.angles_of(a)) for a in angles])
    moments = diagnosis.prediction.moments
    error = np.sqrt(np.var((losses - losses.mean()) ** 2) / len(losses))
    assert losses.std() > 0.4 and abs(losses.var() - moments.loss_variance) < 5 * error


@pytest.mark.parametrize("route", ["pauli", "dense"])
def test_words_that_connect_sectors_leave_none_constant(route):
    # Z2 is conserved (a generator); X2 connects: O is off-diagonal alone, then with a part that is not
    words = ["XII", "YII", "IXI", "ZZI", "IIZ", "IYI"]
    rng = np.random.default_rng(3)
    for observable in ({"ZIX": 1.0}, {"ZIX": 1.0, "IZI": 0.5}):
        circuit = RotationCircuit.from_words(words, observable, random_state(3, rng))
        signature = build_signature(circuit, route=route)
        assert not signature.in_theory and "connects sectors" in signature.reason
        assert all(s.fit is Fit.CONNECTS and not s.is_constant for s in signature.sectors)
        assert signature.module.dim == module_dim(circuit) and spread(circuit) > 0.05


def test_an_input_in_one_sector_does_not_see_the_connecting_part():
    words = ["XII", "YII", "IXI", "IYI", "ZZI", "IIZ"]
    alone = {"ZIX": 1.0}
    for observable, variance in ((alone, 0.0), (alone | {"IZI": 0.5, "XIZ": 0.3}, 0.34)):
        circuit = RotationCircuit.from_words(words, observable, InputState.basis([0, 1, 1]))
        signature = build_signature(circuit)
        assert signature.in_theory and signature.module.dim == module_dim(circuit)
        (sector,) = signature.weighted_sectors
        assert sector.fit is Fit.EXACT and sector.variance == pytest.approx(variance, abs=1e-12)
        losses = oracle.sample_losses(*dense(circuit), 4000, 20, np.random.default_rng(1))
        law = pw.predict(signature).loss
        error = np.sqrt(np.var((losses - losses.mean()) ** 2) / len(losses))
        assert abs(losses.var() - law.var()) <= 5 * error + 1e-12


def test_a_sector_without_the_connecting_part_keeps_its_verdict():
    # X1(1 + Z2)/2 connects the sectors of Z1 where Z2 = 1 alone
    words = ["XII", "YII", "ZIZ", "IZI"]
    state = random_state(3, np.random.default_rng(8))
    circuit = RotationCircuit.from_words(words, {"ZXI": 0.5, "ZXZ": 0.5, "ZII": 0.3}, state)
    signature = build_signature(circuit)
    assert not signature.in_theory
    assert sorted(s.fit.name for s in signature.sectors) == ["CONNECTS", "CONNECTS", "EXACT", "EXACT"]


@pytest.mark.parametrize("route", [None, "pauli", "dense"])
def test_copies_that_are_mixed_are_not_called_constant(route):
    # Z0 X1 + X0 Z1: the mean over the copies of qubit 0 is nothing, the loss is not
    circuit = RotationCircuit.from_words(
        ["XI", "YI"], {"ZX": 1.0, "XZ": 1.0}, InputState.from_vector(np.array([0.5, 0.1, 0.7, 0.5]))
    )
    signature = build_signature(circuit, route=route)
    if route is None:
        assert signature.module.dim == module_dim(circuit)
    if not signature.in_theory:
        assert [s.fit for s in signature.sectors] == [Fit.MIXES]
        assert not signature.sectors[0].is_constant and "outside the algebra" in signature.reason
    assert spread(circuit) > 0.05


def test_what_is_conserved_is_one_direction_of_the_module():
    # Z2 is idle and ⟨Z2⟩ = 0: a centre of 0, and a direction all the same
    plus = np.kron([1, 0, 0, 0], [1, 1]) / np.sqrt(2)
    words = ["XII", "YII", "IXI", "IYI", "ZZI"]
    for observable in ({"ZII": 1.0, "IIZ": 0.5}, {"ZII": 1.0, "IXI": 0.2}):
        circuit = RotationCircuit.from_words(words, observable, InputState.from_vector(plus))
        assert build_signature(circuit).module.dim == module_dim(circuit)


def test_large_circuits_say_that_the_observable_connects():
    n = 20
    words = [on(n, {q: p}) for q in range(4) for p in "XY"] + [on(n, {0: "Z", q: "Z"}) for q in range(1, 4)]
    words.append(on(n, {9: "Z"}))
    vector = np.zeros(2**n)
    vector[[0, 1 << (n - 10)]] = 0.6, 0.8
    circuit = RotationCircuit.from_words(words, {on(n, {0: "Z", 9: "X"}): 1.0}, InputState.from_vector(vector))
    signature = build_signature(circuit)
    assert not signature.in_theory and "connects sectors" in signature.reason
    assert not any(s.is_constant for s in signature.weighted_sectors)
    one = build_signature(circuit.with_state(InputState.basis([0] * n)))
    assert one.in_theory and one.weighted_sectors[0].is_constant  # |0…0⟩ lies in one sector
