"""Preflight on twelve circuits, six on each side, with the default thresholds.

The circuits were chosen before any threshold was touched; what makes each of them trainable or not
is written beside it and does not come from this package.
"""

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp

import pennylane_wishart as pw


def qnode(n, body):
    return qml.qnode(qml.device("lightning.qubit", wires=n))(body)


def weights(*shape):
    return pnp.array(np.random.default_rng(9).uniform(0, 2 * np.pi, shape), requires_grad=True)


def all_z(n):
    return qml.prod(*(qml.Z(q) for q in range(n)))


# ---------------------------------------------------------------- not trainable
def rz_on_zero():
    """Rotations about Z on |0…0⟩ and a diagonal observable: the loss is constant."""

    def f(w):
        for q in range(3):
            qml.RZ(w[q], q)
        return qml.expval(qml.Z(0))

    return qnode(3, f), (weights(3),)


def unseen_wire():
    """The parameters act on wires that the observable does not see."""

    def f(w):
        for q in (1, 2):
            qml.Rot(*w[q - 1], q)
        qml.CNOT([1, 2])
        return qml.expval(qml.Z(0))

    return qnode(3, f), (weights(2, 3),)


def deep_hardware_efficient():
    """A 2-design on 12 qubits: variance 2^-13 (McClean et al., 2018), 8,192 shots."""

    def f(w):
        qml.StronglyEntanglingLayers(w, range(12))
        return qml.expval(qml.Z(0))

    return qnode(12, f), (weights(24, 12, 3),)


def global_product():
    """Z on all of 11 qubits after one RX each: variance 2^-11 (Cerezo et al., 2021)."""

    def f(w):
        for q in range(11):
            qml.RX(w[q], q)
        return qml.expval(all_z(11))

    return qnode(11, f), (weights(11),)


def global_projector():
    """Fidelity with |0…0⟩ of 12 qubits after two layers: exponentially small (Cerezo et al., 2021)."""

    def f(w):
        for layer in range(2):
            for q in range(12):
                qml.RY(w[layer, q], q)
            for q in range(11):
                qml.CZ([q, q + 1])
        return qml.expval(qml.Projector([0] * 12, range(12)))

    return qnode(12, f), (weights(2, 12),)


def deep_real():
    """Random real circuits of 12 qubits: variance of order 2^-12, as every 2-design of SO(2^12)."""

    def f(w):
        for layer in range(40):
            for q in range(12):
                qml.RY(w[layer, q], q)
            for q in range(12):
                qml.CNOT([q, (q + 1) % 12])
        return qml.expval(qml.Z(5))

    return qnode(12, f), (weights(40, 12),)


# ---------------------------------------------------------------- trainable
def small_entangling():
    """Four qubits: gradients are a few per cent at any depth."""

    def f(w):
        qml.StronglyEntanglingLayers(w, range(4))
        return qml.expval(qml.Z(0))

    return qnode(4, f), (weights(4, 4, 3),)


def ising_ansatz():
    """TFIM ansatz: free fermions, gradients shrink polynomially (Larocca et al., 2022)."""

    def f(w):
        for q in range(8):
            qml.H(q)
        for layer in range(4):
            for q in range(7):
                qml.IsingZZ(w[layer, q], [q, q + 1])
            for q in range(8):
                qml.RX(w[layer, 7 + q], q)
        return qml.expval(qml.Z(3) @ qml.Z(4))

    return qnode(8, f), (weights(4, 15),)


def qaoa_ring():
    """QAOA on a ring: free fermions with shared angles."""

    def f(gamma, beta):
        for q in range(8):
            qml.H(q)
        for g, b in zip(gamma, beta):
            for q in range(8):
                qml.IsingZZ(2 * g, [q, (q + 1) % 8])
            for q in range(8):
                qml.RX(2 * b, q)
        return qml.expval(qml.sum(*(qml.Z(q) @ qml.Z((q + 1) % 8) for q in range(8))))

    return qnode(8, f), (weights(3), weights(3))


def shallow_local():
    """Two layers on 12 qubits and a local observable: no plateau (Cerezo et al., 2021)."""

    def f(w):
        for layer in range(2):
            for q in range(12):
                qml.RY(w[layer, q], q)
            for q in range(11):
                qml.CZ([q, q + 1])
        return qml.expval(qml.sum(*(qml.Z(q) for q in range(12))))

    return qnode(12, f), (weights(2, 12),)


def number_conserving():
    """One excitation on six sites: the reachable space has dimension 6."""

    def f(w):
        qml.X(2)
        for layer in range(3):
            for q in range(5):
                qml.IsingXY(w[layer, q], [q, q + 1])
            for q in range(6):
                qml.RZ(w[layer, 5 + q], q)
        return qml.expval(qml.Z(3))

    return qnode(6, f), (weights(3, 11),)


def tree():
    """A binary tree of two-qubit blocks (QCNN-like): log depth, polynomial gradients (Pesah et al., 2021)."""

    def f(w):
        alive, at = list(range(8)), 0
        while len(alive) > 1:
            for a, b in zip(alive[::2], alive[1::2]):
                qml.RY(w[at], a)
                qml.RY(w[at + 1], b)
                qml.CNOT([a, b])
                at += 2
            alive = alive[1::2]
        return qml.expval(qml.Z(alive[0]))

    return qnode(8, f), (weights(14),)


NEVER = [rz_on_zero, unseen_wire]
PLATEAUS = [deep_hardware_efficient, global_product, global_projector, deep_real]
"""Gradients that a device with shots cannot resolve; an exact simulator can."""
TRAINABLE = [small_entangling, ising_ansatz, qaoa_ring, shallow_local, number_conserving, tree]


@pytest.mark.parametrize("make", [*NEVER, *PLATEAUS], ids=lambda f: f.__name__)
def test_not_trainable(make):
    circuit, args = make()
    options = {"shots": 1000, "descent_budget": 0} if make in PLATEAUS else {}
    checked = pw.preflight(circuit, on_fail="raise", **options)
    with pytest.raises(pw.errors.UntrainableError):
        checked(*args)


@pytest.mark.filterwarnings("ignore::pennylane_wishart.errors.WishartWarning")
def test_an_exact_simulator_has_no_plateau():
    """Gradients of 2^-11 are exact there: every descent reaches the optimum, and hardware's cost is said."""
    circuit, args = global_product()
    checked = pw.preflight(circuit, on_fail="raise")
    checked(*args)
    (diag,) = checked.func.__wishart_diagnoses__.values()
    assert diag.trainable is True and diag.reaches_ground is True
    assert "on hardware the median one would take" in diag.headline


@pytest.mark.filterwarnings("ignore::pennylane_wishart.errors.WishartWarning")
@pytest.mark.parametrize("make", TRAINABLE, ids=lambda f: f.__name__)
def test_trainable(make):
    circuit, args = make()
    checked = pw.preflight(circuit, on_fail="raise")
    checked(*args)
    (diag,) = checked.func.__wishart_diagnoses__.values()
    assert diag.trainable is True
