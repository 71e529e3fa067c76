"""What the items of ``second.py`` share: how a figure is printed, and circuits that several of them take."""

from __future__ import annotations

import numpy as np
import pennylane as qml
from pennylane import numpy as pnp

__all__ = ["DEVICE", "FAILED", "ising", "sel", "verdict"]

DEVICE = qml.device("default.qubit")
FAILED: list[str] = []


def verdict(name: str, figure: str, goal: str, met: bool) -> None:
    """Print one figure beside its goal."""
    print(f"{name:<58} {figure:>26}   goal {goal:<22} {'met' if met else 'NOT MET'}", flush=True)
    if not met:
        FAILED.append(name)


def sel(n: int, layers: int, observable: object) -> tuple[object, object]:
    """Return a StronglyEntanglingLayers QNode and its weights."""

    def f(w):
        qml.StronglyEntanglingLayers(w, wires=range(n))
        return qml.expval(observable)

    return qml.QNode(f, DEVICE), pnp.array(np.zeros((layers, n, 3)), requires_grad=True)


def ising(n: int) -> object:
    """Return Σ Z_q Z_{q+1} on a ring."""
    return qml.sum(*[qml.Z(q) @ qml.Z((q + 1) % n) for q in range(n)])
