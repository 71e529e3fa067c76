"""Circuits that the tests of measurement run, and PennyLane's own gradients of them."""

from __future__ import annotations

import numpy as np
import pennylane as qml
from pennylane import numpy as pnp

from pennylane_wishart.measurement import Measurement


def layers(w):
    qml.StronglyEntanglingLayers(w, wires=range(3))
    return qml.expval(qml.Z(0) @ qml.Y(1))


def qaoa(g, b):
    for w in range(4):
        qml.Hadamard(w)
    for layer in range(2):
        for i in range(4):
            qml.IsingZZ(2 * g[layer], wires=[i, (i + 1) % 4])
        for i in range(4):
            qml.RX(2 * b[layer], wires=i)
    return qml.expval(sum(qml.Z(i) @ qml.Z((i + 1) % 4) for i in range(4)))


def mixed_gates(x):
    """Gates of one, two and four frequencies, adjoints, controls, sums of generators."""
    qml.BasisState(np.array([1, 1, 0, 0]), wires=range(4))
    qml.RX(0.7, 0)
    qml.DoubleExcitation(x[0], wires=range(4))
    qml.CRX(-x[1], wires=[0, 2])
    qml.adjoint(qml.RY)(x[2] + 0.3, 1)
    qml.PauliRot(0.4 * x[0], "XYZ", wires=[0, 1, 3])
    qml.IsingXY(x[1], wires=[1, 2])
    qml.SingleExcitation(x[2], wires=[2, 3])
    qml.ctrl(qml.PhaseShift, 0)(x[0], 1)
    qml.QubitUnitary(np.diag([1, 1j, -1, np.exp(0.3j)]), wires=[0, 3])
    qml.MultiRZ(x[2], wires=[0, 1, 2])
    return qml.expval(qml.Z(0) + 0.5 * qml.X(1) @ qml.Y(2) - 0.2 * qml.I(0))


def projector(x):
    qml.RY(x[0], "a")
    qml.CNOT(["a", 7])
    qml.RX(x[1], 7)
    return qml.expval(qml.Projector([1, 0], wires=["a", 7]))


def hermitian(x):
    qml.RY(x[0], 0)
    qml.IsingXX(x[1], wires=[0, 1])
    return qml.expval(qml.Hermitian(np.array([[1.0, 0.5j], [-0.5j, 0.2]]), wires=1))


PAIR_ARGS = (pnp.array([0.1, 0.2]),)


def pair(x):
    """Two qubits, two parameters that both move the loss: small enough to be measured a thousand times."""
    qml.RX(x[0], 0)
    qml.CNOT([0, 1])
    qml.RY(x[1], 1)
    return qml.expval(qml.Z(1))


def on(device):
    """The pair on a device."""
    return qml.QNode(pair, device)


def same(a, b) -> bool:
    """Whether two records hold the same arrays, bit for bit."""
    arrays = [k for k, v in vars(a).items() if isinstance(v, np.ndarray)]
    return all(np.array_equal(getattr(a, k), getattr(b, k), equal_nan=True) for k in arrays)


CASES = {
    "layers": (layers, (pnp.zeros((2, 3, 3)),), range(3)),
    "qaoa": (qaoa, (pnp.zeros(2), pnp.zeros(2)), range(4)),
    "mixed gates": (mixed_gates, (pnp.zeros(3),), range(4)),
    "projector, named wires": (projector, (pnp.zeros(2),), ["a", 7]),
    "hermitian": (hermitian, (pnp.zeros(2),), range(2)),
}


def qnode_of(case: str, device="lightning.qubit"):
    function, args, wires = CASES[case]
    return qml.QNode(function, qml.device(device, wires=wires)), args


def reference(data: Measurement, function, wires, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Losses and gradients by QNodes on default.qubit with backpropagation: PennyLane's own way."""
    qnode = qml.QNode(function, qml.device("default.qubit", wires=wires), diff_method="backprop")
    losses, gradients = [], []
    for row in range(rows):
        args = [pnp.array(a, requires_grad=True) for a in data.unflatten(data.angles[row])]
        losses.append(float(qnode(*args)))
        jacobian = qml.jacobian(qnode, argnums=list(range(len(args))))(*args)
        gradients.append(np.concatenate([np.ravel(j) for j in jacobian]))
    return np.array(losses), np.array(gradients)


def node(n, body, observable, shape):
    """A QNode of one argument around a body, and zeros for it."""

    @qml.qnode(qml.device("default.qubit", wires=n))
    def circuit(x):
        body(x)
        return qml.expval(observable)

    return circuit, pnp.zeros(shape, requires_grad=True)
