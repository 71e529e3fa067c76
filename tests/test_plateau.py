"""Plateaus and their causes: each cause planted, its bits held against closed forms and dense averages."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp

import pennylane_wishart as pw
from pennylane_wishart.circuit import RotationCircuit
from pennylane_wishart.conventions import PlateauCause
from pennylane_wishart.errors import Status
from pennylane_wishart.prediction import Prediction
from pennylane_wishart.prediction.plateau import Plateau, plateau_of
from pennylane_wishart.variances import moments_of

DEVICE = qml.device("default.qubit")


def plateau(gates, shape, observable, angles="uniform", log2_shots=None):
    """Without a signature, which costs seconds; one shot has a variance of at most 1."""

    def f(w):
        gates(w)
        return qml.expval(observable)

    circuit = pw.normal_form(qml.QNode(f, DEVICE))(pnp.array(np.zeros(shape), requires_grad=True))
    law = circuit.angle_law(angles)
    found = moments_of(circuit, law, seed=7)
    shots = -np.nanmax(found.log2_gradient_variance) if log2_shots is None else log2_shots
    return plateau_of(circuit, law, found, shots, 7)


def turned(n, kinds):
    return lambda w: [kind(w[i, q], q) for i, kind in enumerate(kinds) for q in range(n)]


def global_z(n):
    return qml.prod(*[qml.Z(q) for q in range(n)])


def test_product_of_cosines_is_the_observable_s_fault():
    # ℓ = Π cos θ_k: E(∂ℓ)² = 2^-n; of one letter alone 1/2
    found = plateau(turned(11, [qml.RY]), (1, 11), global_z(11))
    assert found.is_plateau and found.log2_square == pytest.approx(-11) and found.cause is PlateauCause.GLOBAL
    assert found.shares[0].bits == pytest.approx(10) and found.shares[0].engine.is_exact
    assert found.terms[0][1] == pytest.approx(10) and "Z10" in found.terms[0][0]
    assert "global observable: 10.0 bits" in str(found)


def test_star_of_commuting_generators():
    def gates(w):
        for q in range(12):
            qml.Hadamard(q)
        for q in range(1, 12):
            qml.IsingZZ(w[q - 1], [0, q])

    found = plateau(gates, (11,), qml.X(0))
    assert found.log2_square == pytest.approx(-11) and found.cause is PlateauCause.COMMUTING


def test_ladder_before_the_measurement():
    def gates(w):
        turned(11, [qml.RY])(w)
        for q in range(10):
            qml.CNOT([q, q + 1])

    # Z of the last qubit is Z…Z before the ladder
    found = plateau(gates, (1, 11), qml.Z(10))
    assert found.cause is PlateauCause.MEASURED and found.shares[0].bits == pytest.approx(10)


def test_narrow_angles():
    found = plateau(turned(3, [qml.RX]), (1, 3), qml.Z(0), ("normal", 0.01))
    # ∂ℓ = −sin θ: E = (1 − e^{−2σ²})/2, uniform 1/2; the shots are those of the shifted points
    assert found.log2_square == pytest.approx(np.log2((1 - np.exp(-2e-4)) / 2))
    assert found.cause is PlateauCause.ANGLES and found.shares[0].bits == pytest.approx(-1 - found.log2_square)


def test_entangled_input():
    psi = np.random.default_rng(0).normal(size=2**11)

    def gates(w):
        qml.StatePrep(psi / np.linalg.norm(psi), wires=range(11))
        turned(11, [qml.RY])(w)

    found = plateau(gates, (1, 11), qml.Z(4))
    # E(∂ℓ)² = (⟨Z⟩² + ⟨X⟩²)/2 of the input on that qubit
    block = np.moveaxis((psi / np.linalg.norm(psi)).reshape((2,) * 11), 4, 0).reshape(2, -1)
    rho = block @ block.T
    square = ((rho[0, 0] - rho[1, 1]) ** 2 + (2 * rho[0, 1]) ** 2) / 2
    assert found.log2_square == pytest.approx(np.log2(square)) and found.cause is PlateauCause.INPUT
    assert found.shares[0].bits == pytest.approx(-1 - np.log2(square))


def test_noise_and_depth_share():
    def gates(w):
        for k in range(8):
            qml.RX(w[k, 0], 0)
            qml.DepolarizingChannel(0.6, 0)
            qml.RY(w[k, 1], 0)

    found = plateau(gates, (8, 2), qml.Z(0))
    # each depolarising channel leaves (1 − 4p/3)² = 1/25 of a square
    assert found.cause is PlateauCause.NOISE and found.shares[0].bits > 20
    assert "without noise" in found.shares[0].repair


def test_deep_circuits_of_many_qubits_lose_to_depth():
    def gates(w):
        for k in range(16):
            turned(10, [qml.RX, qml.RZ])(w[k])
            for q in range(k % 2, 9, 2):
                qml.CNOT([q, q + 1])

    found = plateau(gates, (16, 2, 10), qml.Z(5))
    assert found.cause is PlateauCause.DEPTH
    # what is left when all is mended is a shallow circuit's
    assert found.log2_square + sum(s.bits for s in found.shares) > -5


@pytest.mark.parametrize("layers", [1, 3])
def test_no_plateau_no_cause(layers):
    def gates(w):
        qml.StronglyEntanglingLayers(w, wires=range(4))

    found = plateau(gates, (layers, 4, 3), qml.Z(0))
    assert not found.is_plateau and found.causes == () and found.cause is None and "No plateau" in str(found)


def test_dead_circuits_have_no_plateau():
    found = plateau(turned(2, [qml.RZ]), (1, 2), qml.Z(0), log2_shots=np.inf)
    assert not found.is_plateau and np.isneginf(found.log2_square)


def test_where_only_a_bound_is_known_shares_are_bounds():
    circuit = RotationCircuit.from_words(["I" * q + "Y" + "I" * (10 - q) for q in range(11)], {"Z" * 11: 1.0})
    m, none = moments_of(circuit), np.full(11, np.nan)
    bounded = replace(
        m, gradient_variance=none, gradient_variance_error=none, log2_gradient_variance=none,
        status=(Status.UPPER_BOUND,) * 11,
    )  # fmt: skip
    found = plateau_of(circuit, circuit.angle_law(), bounded, 11.0, 7)
    assert found.at_most and found.shares[0].at_least and "at least 10.0 bits" in str(found)


def test_report_names_the_first_cause_and_the_record_survives():
    def f(w):
        turned(3, [qml.RX])(w)
        return qml.expval(qml.Z(0))

    w = pnp.array(np.zeros((1, 3)), requires_grad=True)
    how = {"shots": 1000, "run": False, "descent_budget": 0.0, "angles": ("normal", 0.01)}
    diag = pw.diagnose(qml.QNode(f, DEVICE), **how)(w)
    found = diag.prediction.plateau
    assert found.cause is PlateauCause.ANGLES and "a plateau, first by its narrow angles" in diag.headline
    assert "First cause: narrow angles." in diag.details() and "pw.best_init" in diag.what_to_change
    again = Prediction.from_dict(json.loads(json.dumps(diag.prediction.to_dict())))
    assert again.plateau.causes == found.causes
    for copy in (Plateau.from_dict(json.loads(json.dumps(found.to_dict()))), pickle.loads(pickle.dumps(found))):
        assert copy.to_dict() == found.to_dict()
