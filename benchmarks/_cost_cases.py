"""Costs with nothing wrong, and costs with one planted fault: six kinds, five each; autograd, jax and torch.

Nothing here imports pennylane_wishart. A case is a function that returns (cost, arguments, options).
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qml
import torch
from pennylane import numpy as pnp

__all__ = ["FAULTS", "HEALTHY"]

DEVICE = qml.device("default.qubit")
RNG = np.random.default_rng(11)
DATA, LABELS = RNG.uniform(0, 2, (4, 2)), np.array([0.8, -0.6, 0.3, -0.2])
PAIRS = list(zip(DATA, LABELS, strict=True))
TENSORS = [(torch.tensor(x), y) for x, y in PAIRS]
START = RNG.uniform(0, 6, (2, 2, 2))


def layers(w):
    """Two rotations a wire and a CZ, so that every one but a few acts."""
    n = w.shape[1]
    for layer in w:
        for q in range(n):
            qml.RY(layer[q][0], q)
            qml.RX(layer[q][1], q)
        for q in range(n - 1):
            qml.CZ([q, q + 1])
    for q in range(n):
        qml.Hadamard(q)


@qml.qnode(DEVICE)
def energy(w):
    """⟨Z₀⟩."""
    layers(w)
    return qml.expval(qml.Z(0))


@qml.qnode(DEVICE)
def coupling(w):
    """⟨Z₀X₁⟩."""
    layers(w)
    return qml.expval(qml.Z(0) @ qml.X(1))


@qml.qnode(DEVICE)
def classifier(x, w):
    """Two features, then the layers."""
    qml.AngleEmbedding(x, range(2))
    layers(w)
    return qml.expval(qml.Z(0))


@qml.qnode(DEVICE)
def distribution(w):
    """Probabilities of two wires."""
    layers(w)
    return qml.probs(wires=range(2))


@qml.qnode(DEVICE)
def overlap(x, y, w):
    """A trainable fidelity kernel."""
    qml.AngleEmbedding(x, range(2))
    layers(w)
    qml.RY(x[0], 0)
    qml.RY(-y[0], 0)
    qml.adjoint(layers)(w)
    qml.adjoint(qml.AngleEmbedding)(y, range(2))
    return qml.probs(wires=range(2))


@qml.qnode(DEVICE)
def hadamard_test(w, part):
    """Re or Im of an amplitude, by an ancilla."""
    qml.Hadamard(2)
    qml.RZ(part, 2)
    for q in range(2):
        qml.CRY(w[0, q, 0], wires=[2, q])
    qml.CZ([2, 0])
    for q in range(2):
        qml.CRX(w[1, q, 1], wires=[2, q])
    qml.Hadamard(2)
    return qml.expval(qml.Z(2))


@qml.qnode(DEVICE)
def pair(w):
    """Two outputs."""
    layers(w)
    return qml.expval(qml.Z(0)), qml.expval(qml.Z(1))


def layer_model():
    """A TorchLayer between two linear layers."""

    @qml.qnode(DEVICE)
    def circuit(inputs, weights):
        qml.AngleEmbedding(inputs, range(2))
        layers(weights)
        return [qml.expval(qml.Z(q)) for q in range(2)]

    torch.manual_seed(3)
    layer = qml.qnn.TorchLayer(circuit, {"weights": (2, 2, 2)})
    return torch.nn.Sequential(torch.nn.Linear(2, 2), layer, torch.nn.Linear(2, 1))


def a(values=START):
    """Parameters of autograd."""
    return (pnp.array(values, requires_grad=True),)


def t(values=START):
    """Parameters of torch."""
    return (torch.tensor(values, requires_grad=True),)


def j(values=START):
    """Parameters of jax."""
    return (jnp.array(values),)


def alignment(w):
    """Kernel-target alignment of three data."""
    signs = np.array([1.0, -1.0, 1.0])
    k = [[overlap(x, y, w)[0] for y in DATA[:3]] for x in DATA[:3]]
    top = sum(signs[i] * signs[m] * k[i][m] for i in range(3) for m in range(3))
    return -top / pnp.sqrt(sum(v**2 for row in k for v in row))


def module_mse():
    """Mean squared error of a hybrid model."""
    model = layer_model()
    x, y = torch.tensor(DATA, dtype=torch.float32), torch.tensor(LABELS, dtype=torch.float32)
    return (lambda: ((model(x)[:, 0] - y) ** 2).mean()), (), {"parameters": model.parameters()}


def mmd(w):
    """Maximum mean discrepancy of two wires, bandwidth 1."""
    target = torch.tensor([0.5, 0.1, 0.1, 0.3], dtype=torch.float64)
    distance = np.array([[bin(i ^ k).count("1") for k in range(4)] for i in range(4)])
    kernel = torch.tensor(np.exp(-distance / 2))
    delta = distribution(w) - target
    return delta @ kernel @ delta


TARGET = np.array([0.5, 0.1, 0.1, 0.3])
HEALTHY = {
    "one QNode": lambda: (energy, a(), {}),
    "sum of terms": lambda: (lambda w: 0.7 * energy(w) - 0.4 * coupling(w), a(), {}),
    "ratio": lambda: (lambda w: energy(w) / (2 + coupling(w)), a(), {}),
    "squared error": lambda: (lambda w: sum((classifier(x, w) - y) ** 2 for x, y in PAIRS) / 4, a(), {}),
    "squared error of a batch": lambda: (lambda w: pnp.mean((classifier(DATA, w) - LABELS) ** 2), a(), {}),
    "mean over data": lambda: (lambda w: sum(classifier(x, w) for x in DATA) / 4, a(), {}),
    "cross entropy of outcomes": lambda: (lambda w: -pnp.sum(TARGET * pnp.log(distribution(w) + 0.05)), a(), {}),
    "kernel alignment": lambda: (alignment, a(), {}),
    "Hadamard tests": lambda: (lambda w: 1 - hadamard_test(w, 0.0) ** 2 - hadamard_test(w, np.pi / 2) ** 2, a(), {}),
    "deflation": lambda: (lambda w: energy(w) + 2 * (distribution(w)[3]) ** 2, a(), {}),
    "torch squared error": lambda: (
        lambda w: sum((classifier(x, w) - y) ** 2 for x, y in TENSORS) / 4, t(), {}),
    "torch logistic": lambda: (
        lambda w: -sum(torch.log(torch.sigmoid(3 * np.sign(y) * classifier(x, w))) for x, y in TENSORS), t(), {}),
    "torch two outputs": lambda: (lambda w: (torch.stack(pair(w)) - 0.3).abs().sum(), t(), {}),
    "torch hybrid model": module_mse,
    "torch MMD": lambda: (mmd, t(), {}),
    "jax sum of terms": lambda: (lambda w: energy(w) + 0.5 * coupling(w), j(), {}),
    "jax squared error": lambda: (
        lambda w: sum((classifier(jnp.array(x), w) - y) ** 2 for x, y in PAIRS[:2]) / 2, j(), {}),
    "jax compiled": lambda: (jax.jit(lambda w: jnp.tanh(energy(w)) + coupling(w) ** 2), j(), {}),
    "jax vmap": lambda: (lambda w: jnp.mean(jax.vmap(lambda x: classifier(x, w))(jnp.array(DATA)) ** 2), j(), {}),
    "jax log probability": lambda: (lambda w: -jnp.log(distribution(w)[0] + 0.02), j(), {}),
}  # fmt: skip


# ---------------------------------------------------------------------- faults
def wide(n, kind):
    """A product of rotations on many wires with a global observable: a plateau of known depth."""

    @qml.qnode(DEVICE)
    def circuit(w):
        for q in range(n):
            qml.RY(w[q], q)
        for q in range(n - 1):
            qml.CZ([q, q + 1])
        for q in range(n):
            qml.RX(w[n + q], q)
        if kind == "word":
            return qml.expval(qml.prod(*(qml.Z(q) for q in range(n))))
        return qml.expval(qml.Projector([0] * n, range(n)))

    return circuit, RNG.uniform(0, 6, 2 * n)


@qml.qnode(DEVICE)
def unseen(w):
    """Every parameter on a wire that nothing measures."""
    layers(w)
    return qml.expval(qml.Z(5))


@qml.qnode(DEVICE)
def diagonal(w):
    """Rotations that commute with what is measured, behind the only one that does not."""
    qml.RY(0.4, 0)
    for k in range(4):
        qml.RZ(w[k], 0)
    return qml.expval(qml.Z(0))


@qml.qnode(DEVICE)
def two_tensors(head, tail):
    """The second tensor acts behind the light cone."""
    layers(head)
    for q in range(2):
        qml.RZ(tail[q], q)
    return qml.expval(qml.Z(0))


@qml.qnode(DEVICE)
def first_layer(w):
    """RZ on |0⟩, then layers: the first row is dead."""
    for q in range(2):
        qml.RZ(w[0, q], q)
    for row in w[1:]:
        for q in range(2):
            qml.RY(row[q], q)
        qml.CNOT([0, 1])
        qml.CNOT([1, 0])
    return qml.expval(qml.Z(0))


@qml.qnode(DEVICE)
def phase(x, w):
    """cos(x + w)."""
    qml.RX(x, 0)
    qml.RX(w[0], 0)
    return qml.expval(qml.Z(0))


def wide_case(n, kind, make, finish=lambda value: value):
    """A plateau in one of the interfaces."""
    circuit, start = wide(n, kind)
    return (lambda w: finish(circuit(w))), make(start), {}


def getval(w):
    """Take the value out of autograd's box."""
    return w._value if hasattr(w, "_value") else w


PHASES = 2 * np.pi * np.arange(5) / 5
FAULTS = {
    "classical step with zero derivative": {
        "sign of the output": lambda: (lambda w: np.sign(energy(w)), a(), {}),
        "accuracy": lambda: (lambda w: sum((classifier(x, w) > 0) * 1.0 for x in DATA) / 4 + 0.0 * energy(w), a(), {}),
        "rounded angles": lambda: (lambda w: energy(torch.round(w)), t(), {}),
        "argmax": lambda: (lambda w: jnp.where(jnp.argmax(distribution(w)) == 0, 1.0, 0.0), j(), {}),
        "rounded error": lambda: (lambda w: torch.round(4 * classifier(torch.tensor(DATA[0]), w)) / 4, t(), {}),
    },
    "parameters detached": {
        "detached tensor": lambda: (lambda w: energy(w.detach()), t(), {}),
        "detached output": lambda: (lambda w: sum((classifier(x, w).detach() - y) ** 2 for x, y in TENSORS), t(), {}),
        "stopped gradient": lambda: (lambda w: jax.lax.stop_gradient(energy(w)) ** 2, j(), {}),
        "unboxed": lambda: (lambda w: energy(getval(w)) ** 2, a(), {}),
        "integers": lambda: (energy, (pnp.array([[[1, 2], [3, 4]], [[0, 1], [2, 5]]]),), {}),
    },
    "dead in the circuit": {
        "another wire": lambda: (unseen, a(), {}),
        "commutes with what is measured": lambda: (diagonal, a(np.arange(4.0)), {}),
        "behind the light cone": lambda: (lambda h, w: (two_tensors(h, w) - 0.2) ** 2, t() + t(np.arange(2.0)), {}),
        "a dead layer": lambda: (lambda w: (first_layer(w) - 0.4) ** 2, a(RNG.uniform(0, 6, (3, 2))), {}),
        "in jax": lambda: (lambda w: diagonal(w) ** 2, j(np.arange(4.0)), {}),
    },
    "small gradients in the circuit": {
        "global word": lambda: wide_case(11, "word", a),
        "global projector": lambda: wide_case(11, "projector", a, lambda v: 1 - v),
        "square of a global word": lambda: wide_case(11, "word", t, lambda v: (v - 1) ** 2),
        "projector in torch": lambda: wide_case(11, "projector", t),
        "projector in jax": lambda: wide_case(11, "projector", j, lambda v: 1 - v),
    },
    "small chain factor": {
        "scaled": lambda: (lambda w: 1e-4 * energy(w), a(), {}),
        "saturated": lambda: (lambda w: torch.sigmoid(12 + energy(w)), t(), {}),
        "flat exponential": lambda: (lambda w: jnp.exp(-9 - energy(w)), j(), {}),
        "high power": lambda: (lambda w: ((1 + energy(w)) / 6) ** 8, a(), {}),
        "slow angles": lambda: (lambda w: energy(1e-4 * w), a(), {}),
    },
    "cancellation over the batch": {
        "equal terms": lambda: (lambda w: energy(w) - energy(w) + 0.0 * coupling(w), a(), {}),
        "balanced labels": lambda: (
            lambda w: sum(s * classifier(DATA[0], w) for s in (1.0, -1.0, 1.0, -1.0)) / 4, a(), {}),
        "all probabilities": lambda: (lambda w: (torch.sum(distribution(w)) - 0.5) ** 2, t(), {}),
        "phases": lambda: (lambda w: sum(phase(x, w) for x in PHASES) / 5, a([0.4]), {}),
        "nearly equal data": lambda: (
            lambda w: classifier(jnp.array(DATA[0]), w) - classifier(jnp.array(DATA[0]) + 1e-3, w), j(), {}),
    },
}  # fmt: skip
