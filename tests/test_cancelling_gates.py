"""Gates that undo each other through fixed gates that undo each other: none of them is left."""

from __future__ import annotations

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp

import pennylane_wishart as pw
from pennylane_wishart.circuit import effective_generators

DEVICE = qml.device("default.qubit")
UNITARY = qml.matrix(qml.prod(qml.CRX(0.7, [1, 0]), qml.CRZ(np.pi, [0, 1]), qml.RY(1.1, 0)), wire_order=[0, 1])


def controlled_hadamards(x):
    qml.RY(-x[0] + 1.1, 0)
    qml.ECR([2, 0])
    qml.CH([2, 0])
    qml.adjoint(qml.CH([2, 0]))
    qml.adjoint(qml.ECR([2, 0]))
    qml.adjoint(qml.RY(-x[0] + 1.1, 0))
    return qml.expval(2.0 * qml.X(1) + 0.5 * qml.Z(0) @ qml.Z(1))


def itself(x):
    """CH is its own inverse, CCZ too; the ladder between makes their words long."""
    qml.RX(x[0], 0)
    for q in range(5):
        qml.CNOT([q, q + 1])
    qml.CH([2, 5])
    qml.CCZ([0, 3, 5])
    qml.RY(x[1], 1)
    qml.RY(-x[1], 1)
    qml.CCZ([0, 3, 5])
    qml.CH([2, 5])
    for q in range(5)[::-1]:
        qml.CNOT([q, q + 1])
    qml.RX(-x[0], 0)
    return qml.expval(qml.Z(0) + 0.5 * qml.X(1))


def block(x):
    qml.RY(x[1], 0)
    qml.ControlledPhaseShift(x[0], [0, 1])
    qml.Rot(-1.2, x[1], x[0], 0)
    qml.evolve(1 * qml.Y(0) @ qml.Y(1) + 1 * qml.Z(0), x[0])


def evolutions(x):
    """Terms of one generator that do not commute; a parameter with several places."""
    block(x)
    qml.adjoint(block)(x)
    return qml.expval(0.3 * qml.X(0) @ qml.Z(1) - 1.0 * qml.Y(1) + 2.0 * qml.Z(0))


def scaled(x):
    qml.RY(0.5 * x[0], 0)
    qml.U3(x[0], x[0], -x[0] + 1.1, 1)
    qml.RY(-x[0], 0)
    qml.adjoint(qml.RY(-x[0], 0))
    qml.adjoint(qml.U3(x[0], x[0], -x[0] + 1.1, 1))
    qml.adjoint(qml.RY(0.5 * x[0], 0))
    return qml.expval(-0.8 * qml.Z(0) @ qml.Z(1) + qml.X(1))


def swaps(x):
    qml.PhaseShift(x[0], 0)
    qml.PhaseShift(x[0], 1)
    qml.MultiRZ(x[0], [0, 1])
    qml.FermionicSWAP(x[0], [0, 1])
    qml.adjoint(qml.FermionicSWAP(x[0], [0, 1]))
    qml.adjoint(qml.MultiRZ(x[0], [0, 1]))
    qml.adjoint(qml.PhaseShift(x[0], 1))
    qml.adjoint(qml.PhaseShift(x[0], 0))
    return qml.expval(-1.7 * qml.Z(0))


def three_angles(x):
    """Constants that add up to nothing, one of them the offset of a rotation that cancels."""
    qml.RY(x[0], 0)
    qml.RX(-0.3, 0)
    qml.RX(x[1] + 0.3, 0)
    qml.RX(-x[1], 0)
    qml.RZ(0.2, 0)
    qml.RZ(0.5, 0)
    qml.RZ(-0.7, 0)
    qml.RY(-x[0], 0)
    return qml.expval(qml.Z(0) + 0.3 * qml.X(0))


def matrices(x):
    """A gate given by a matrix, with an eigenvalue −1 whose logarithm has two signs, and its inverse."""
    qml.RX(x[0], 1)
    qml.QubitUnitary(UNITARY, [0, 1])
    qml.QubitUnitary(UNITARY.conj().T, [0, 1])
    qml.RX(-x[0], 1)
    return qml.expval(qml.Z(0) @ qml.Z(1) + 0.3 * qml.Y(1))


CANCELLED = [controlled_hadamards, itself, evolutions, scaled, swaps, three_angles, matrices]


@pytest.mark.parametrize("body", CANCELLED, ids=lambda body: body.__name__)
def test_gates_that_cancel_through_fixed_pairs_turn_nothing(body):
    x = pnp.array([0.6, 1.7], requires_grad=True)
    qnode = qml.QNode(body, DEVICE)
    # a constant: default.qubit at any angles. Plain ones: PennyLane 0.45's matrix of an evolution under a sum is
    # not unitary at a trainable coefficient
    value = float(qnode(np.array([0.6, 1.7])))
    assert float(qnode(np.array([-2.3, 0.4]))) == pytest.approx(value, abs=1e-12)
    diagnosis = pw.diagnose(qnode)(x)
    assert str(diagnosis) and diagnosis.to_dict()
    signature = pw.signature(qnode)(x)
    assert signature.circuit.n_rotations == 0 and signature.algebra.dim == 0
    prediction = pw.predict(signature)
    assert prediction.deep.mean == pytest.approx(value, abs=1e-12)
    assert prediction.deep.variance == pytest.approx(0.0, abs=1e-14)
    assert set(prediction.dead_parameters) == set(range(2))


def commutator(x):
    """F g F† g†: the fixed gates cannot meet."""
    qml.CH([0, 1])
    qml.RX(x[0], 1)
    qml.adjoint(qml.CH([0, 1]))
    qml.RX(-x[0], 1)


def three_halves(x):
    """T·T·T is no number, nor are fixed rotations whose generators only share their qubits."""
    qml.RX(x[0], 0)
    qml.T(0)
    qml.T(0)
    qml.T(0)
    qml.RX(x[1], 0)
    qml.evolve(0.4 * qml.X(0) @ qml.Y(1) + 0.3 * qml.Z(0), 1.0)
    qml.evolve(-0.4 * qml.X(0) @ qml.Y(1) + 0.2 * qml.Z(0), 1.0)
    qml.RX(-x[1], 0)


@pytest.mark.parametrize("body", [commutator, three_halves], ids=lambda body: body.__name__)
def test_gates_that_do_not_cancel_stay(body, rng):
    @qml.qnode(DEVICE)
    def qnode(x):
        qml.RY(0.9, 0)
        qml.RY(0.4, 1)
        body(x)
        return qml.expval(qml.Z(0) + 0.5 * qml.Y(0) @ qml.X(1))

    x = pnp.array([0.6, 1.7], requires_grad=True)
    circuit = pw.normal_form(qnode)(x)
    assert len(effective_generators(circuit).generators) >= 2
    for theta in rng.uniform(-7, 7, (4, 2)):
        assert float(circuit.loss(circuit.angles_of(theta))) == pytest.approx(float(qnode(theta)), abs=1e-10)
    prediction = pw.predict(pw.signature(qnode)(x))
    grid = 2 * np.pi * np.arange(9) / 9  # exact: frequencies up to 2 in each angle, 4 in the squares
    losses = np.array([[float(qnode(np.array([a, b]))) for b in grid] for a in grid])
    assert prediction.moments.loss_mean == pytest.approx(losses.mean(), abs=1e-9)
    assert prediction.moments.loss_variance == pytest.approx(losses.var(), abs=1e-9)
