"""What public threads and repositories hand over, in small: eight kinds that were refused, one each.

Nothing here imports pennylane_wishart. A case is a function that returns (the door's name, its subject, arguments,
options); DOORS are "diagnose" and "diagnose_cost".
"""

from __future__ import annotations

import pennylane as qml
import torch
from _cost_cases import DATA, DEVICE, LABELS, START, a, classifier, energy, layer_model, layers
from pennylane import numpy as pnp

__all__ = ["PUBLIC"]


def several():
    """A classifier that returns one expectation value a class."""

    @qml.qnode(DEVICE)
    def classes(w):
        layers(w)
        return [qml.expval(qml.Z(0)), qml.expval(qml.Z(1))]

    return "diagnose", classes, a(), {}


def probabilities():
    """A generator that returns the distribution of its wires."""

    @qml.qnode(DEVICE)
    def generator(w):
        layers(w)
        return qml.probs(wires=[0, 1])

    return "diagnose", generator, a(), {}


def batch():
    """Features uploaded again in every layer, all data in one call."""

    @qml.qnode(DEVICE)
    def uploading(x, w):
        for layer in w:
            for q in range(2):
                qml.RX(x[..., q] * layer[q, 0], q)
                qml.RY(layer[q, 1], q)
            qml.CZ([0, 1])
        return qml.expval(qml.Z(0) @ qml.Z(1))

    return "diagnose", uploading, (pnp.array(DATA, requires_grad=False), *a()), {}


def layer():
    """A TorchLayer called with its input, as in training."""
    return "diagnose", layer_model()[1], (torch.tensor(DATA),), {}


def largest():
    """A cost that is to become large: the overlap with a target."""

    @qml.qnode(DEVICE)
    def overlap(w):
        layers(w)
        return qml.expval(qml.Projector([0, 1], wires=[0, 1]))

    return "diagnose", overlap, a(), {"sense": "max"}


def squared_error():
    """A mean squared error over data: the cost and not the QNode."""

    def cost(w):
        return sum((classifier(x, w) - y) ** 2 for x, y in zip(DATA, LABELS, strict=True)) / len(DATA)

    return "diagnose_cost", cost, a(), {}


def sign():
    """A classifier that trains on its decision."""

    def cost(w):
        return sum((pnp.sign(classifier(x, w)) - y) ** 2 for x, y in zip(DATA, LABELS, strict=True)) / len(DATA)

    return "diagnose_cost", cost, a(), {}


def detached():
    """A torch loop that takes the value out of the graph."""

    def cost(w):
        return torch.tensor(energy(w).item(), requires_grad=True) ** 2

    return "diagnose_cost", cost, (torch.tensor(START, requires_grad=True),), {}


PUBLIC = {
    "several expectation values": several,
    "probabilities": probabilities,
    "a batch, uploaded again": batch,
    "a TorchLayer called as a layer": layer,
    "maximisation": largest,
    "a cost made of QNodes": squared_error,
    "sign in the cost": sign,
    "a detached tensor": detached,
}
