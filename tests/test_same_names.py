"""Two gates of the user's may have the same class name: what is known of one is not taken for the other."""

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp

import pennylane_wishart as pw

X = pnp.array([0.3, 0.8], requires_grad=True)


def rotation(pauli):
    """A class called Turn, about an axis of its own."""
    generator = qml.matrix(pauli)

    class Turn(qml.operation.Operation):
        num_params, num_wires, ndim_params = 1, 1, (0,)

        @staticmethod
        def compute_matrix(angle):
            return np.cos(angle / 2) * np.eye(2) - 1j * np.sin(angle / 2) * generator

    return Turn


def fixed(matrix):
    """A class called Flip, with a matrix of its own."""

    class Flip(qml.operation.Operation):
        num_params, num_wires = 0, 1

        @staticmethod
        def compute_matrix():
            return np.asarray(matrix, complex)

    return Flip


def circuits():
    for pauli in (qml.X(0), qml.Z(0), qml.Y(0)):
        turn = rotation(pauli)

        def plain(x, turn=turn):
            turn(x[0], 0)
            qml.RY(x[1], 0)

        def controlled(x, turn=turn):
            qml.Hadamard(1)
            qml.ctrl(turn(x[0], 0), 1)
            qml.RY(x[1], 0)

        yield from (plain, controlled)
    for matrix in (np.eye(2)[::-1], np.diag([1, -1]), np.array([[1, 1], [1, -1]]) / np.sqrt(2)):
        flip = fixed(matrix)

        def between(x, flip=flip):
            qml.RX(x[0], 0)
            flip(0)
            qml.RY(x[1], 0)

        yield between


@pytest.mark.parametrize("backwards", [False, True])
def test_gates_of_one_name_are_told_apart(backwards):
    bodies = list(circuits())
    for body in bodies[::-1] if backwards else bodies:

        def loss(x, body=body):
            body(x)
            return qml.expval(qml.Z(0) + 0.5 * qml.X(0))

        qnode = qml.QNode(loss, qml.device("default.qubit", wires=2))
        try:
            circuit = pw.normal_form(qnode, argnums=0)(X)
        except pw.errors.UnsupportedCircuitError as error:
            assert body.__name__ == "controlled" and "decomposition" in str(error)
            continue
        for x in (X, X + 1.3):
            assert float(circuit.loss(circuit.angles(x))) == pytest.approx(float(qnode(x)), abs=1e-10)
