"""wishart.lie on controlled, inverted and repeated gates, where a gate's own phase can be measured.

The reference multiplies the state by PennyLane's dense matrix of the wrapped gate; gradients are the
four-point differences of the same.
"""

from __future__ import annotations

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp

N = 5
ANGLES = np.array([0.71, -0.43, 1.29])
PHASED = np.exp(0.3j) * np.array([[0, 1], [1, 0]])
WITH_IDENTITY = qml.Hamiltonian([0.4, 0.3, 0.8], [qml.Z(2) @ qml.Z(3), qml.X(2) @ qml.X(3), qml.I(2)])

GATES = {
    "FermionicSWAP": lambda a: qml.FermionicSWAP(a[0], [2, 3]),
    "PhaseShift": lambda a: qml.PhaseShift(a[0], 2),
    "U1": lambda a: qml.U1(a[0], 2),
    "U2": lambda a: qml.U2(a[0], a[1], 2),
    "U3": lambda a: qml.U3(*a, 2),
    "Rot": lambda a: qml.Rot(*a, 2),
    "IsingXY": lambda a: qml.IsingXY(a[0], [2, 3]),
    "SingleExcitation": lambda a: qml.SingleExcitation(a[0], [2, 3]),
    "SingleExcitationPlus": lambda a: qml.SingleExcitationPlus(a[0], [2, 3]),
    "SingleExcitationMinus": lambda a: qml.SingleExcitationMinus(a[0], [2, 3]),
    "OrbitalRotation": lambda a: qml.OrbitalRotation(a[0], [3, 1, 2, 0]),
    "PSWAP": lambda a: qml.PSWAP(a[0], [2, 3]),
    "PCPhase": lambda a: qml.PCPhase(a[0], 3, [2, 3]),
    "CPhaseShift01": lambda a: qml.CPhaseShift01(a[0], [2, 3]),
    "PauliRot of I": lambda a: qml.PauliRot(a[0], "II", [2, 3]),
    "GlobalPhase": lambda a: qml.GlobalPhase(a[0], 2),
    "GlobalPhase without wires": lambda a: qml.GlobalPhase(a[0]),
    "evolve": lambda a: qml.evolve(WITH_IDENTITY, a[0]),
    "exp": lambda a: qml.exp(WITH_IDENTITY, -1j * a[0]),
    "evolve of I": lambda a: qml.evolve(0.7 * qml.I(2), a[0]),
    "evolve of a projector": lambda a: qml.evolve(qml.Projector([1], 2), a[0]),
    "TrotterProduct": lambda a: qml.TrotterProduct(WITH_IDENTITY, a[0], n=1),
    "product": lambda a: qml.prod(qml.PhaseShift(a[0], 2), qml.FermionicSWAP(a[1], [2, 3]), qml.RX(a[2], 2)),
    "change of basis": lambda a: qml.change_op_basis(qml.RX(a[1], 2), qml.PhaseShift(a[0], 2)),
    "Select": lambda a: qml.Select([qml.PhaseShift(a[0], 3), qml.FermionicSWAP(a[1], [2, 3])], [1]),
    "phased X": lambda a: qml.QubitUnitary(PHASED, 2),
    "T": lambda a: qml.T(2),
}

WRAPPERS = {
    "plain": lambda g: g,
    "control": lambda g: qml.ctrl(g, 4),
    "control value 0": lambda g: qml.ctrl(g, 4, control_values=[0]),
    "adjoint of control": lambda g: qml.adjoint(qml.ctrl(g, 4)),
    "control of adjoint": lambda g: qml.ctrl(qml.adjoint(g, lazy=True), 4),
    "two controls": lambda g: qml.ctrl(g, ["c", 4], control_values=[1, 0]),
    "nested": lambda g: qml.ctrl(qml.ctrl(g, 4), "c", control_values=[0]),
    "control of adjoint of control": lambda g: qml.ctrl(qml.adjoint(qml.ctrl(g, 4)), "c"),
    "square of control": lambda g: qml.pow(qml.ctrl(g, 4), 2),
}
WIRES = [*range(N), "c"]


def around(apply):
    """An entangled input, one gate, a change of basis, four observables."""
    for q, wire in enumerate(WIRES):
        qml.RY(0.3 + 0.37 * q, wire)
        qml.RX(0.2 + 0.23 * q, wire)
    for pair in zip(WIRES[:-1], WIRES[1:], strict=True):
        qml.CNOT(list(pair))
    apply()
    for q, wire in enumerate(WIRES):
        qml.RX(0.4 - 0.21 * q, wire)
    words = (
        qml.X(4),
        qml.X(4) @ qml.Y("c"),
        qml.Y(4) @ qml.Z(2) @ qml.X(3),
        qml.Z("c") @ qml.Y(0) @ qml.X(1),
    )
    return tuple(qml.expval(word) for word in words)


def on_lie(gate, device):
    """The values on wishart.lie as one array."""
    qnode = qml.QNode(lambda a: around(lambda: gate(a)), device)
    return lambda a: qml.math.stack(qnode(a))


def by_matrix(gate, a):
    """The values where the gate is a dense matrix."""
    with qml.queuing.QueuingManager.stop_recording():
        matrix = qml.matrix(gate(a), wire_order=WIRES)
    qnode = qml.QNode(lambda: around(lambda: qml.QubitUnitary(matrix, WIRES)), qml.device("default.qubit"))
    return np.array(qnode())


@pytest.fixture(scope="module")
def device():
    """One device for all: programs kept for one gate must not serve another."""
    return qml.device("wishart.lie", wires=WIRES)


@pytest.mark.parametrize("name", GATES)
def test_a_controlled_gate_keeps_its_phase(name, device):
    for wrapper, wrap in WRAPPERS.items():
        gate = lambda a, wrap=wrap: wrap(GATES[name](a))  # noqa: E731
        assert np.allclose(on_lie(gate, device)(ANGLES), by_matrix(gate, ANGLES), atol=1e-10), wrapper


@pytest.mark.parametrize("name", ["FermionicSWAP", "IsingXY", "evolve", "PhaseShift", "product"])
@pytest.mark.parametrize("wrapper", ["control value 0", "adjoint of control", "nested"])
def test_gradients_through_the_phase(name, wrapper, device):
    gate = lambda a: WRAPPERS[wrapper](GATES[name](a))  # noqa: E731
    got = qml.jacobian(on_lie(gate, device))(pnp.array(ANGLES, requires_grad=True))
    h = 1e-2
    for k in range(3):
        step = h * np.eye(3)[k]
        near = by_matrix(gate, ANGLES + step) - by_matrix(gate, ANGLES - step)
        far = by_matrix(gate, ANGLES + 2 * step) - by_matrix(gate, ANGLES - 2 * step)
        assert np.allclose(got[:, k], (8 * near - far) / (12 * h), atol=1e-7)


@pytest.mark.parametrize("power", [2, 3, -1, -2])
@pytest.mark.parametrize("name", ["PhaseShift", "FermionicSWAP", "evolve"])
def test_powers_turn_by_their_multiple(name, power, device):
    """exp(−iθG) to the power k is the gate at kθ, controlled or not, in values and gradients."""
    for wrap in (lambda g: g, lambda g: qml.ctrl(g, 4)):
        repeated = lambda a, wrap=wrap: wrap(qml.pow(GATES[name](a), power))  # noqa: E731
        direct = lambda a, wrap=wrap: wrap(GATES[name](power * a))  # noqa: E731
        x = pnp.array(ANGLES, requires_grad=True)
        assert np.allclose(on_lie(repeated, device)(x), by_matrix(direct, ANGLES), atol=1e-10)
        slopes = qml.jacobian(on_lie(direct, device))(x)
        assert np.allclose(qml.jacobian(on_lie(repeated, device))(x), slopes, atol=1e-10)
