"""Circuits of second derivatives: random ones whose Hessians are averaged exactly, and one with a symmetry."""

from __future__ import annotations

import numpy as np
import pennylane as qml
import random_rotations as rotations
from references import averages, second

from pennylane_wishart.circuit import AngleLaw


def drawn(rng, kind, n):
    """Draw a small circuit of one kind, and the quadrature rules that average its Hessian exactly."""
    length = int(rng.integers(2, 4 if kind == "normal" else 5))
    state = rotations.state(rng, n, ("basis", "product", "stabilizer", "vector")[int(rng.integers(4))])
    if "sums" in kind:
        generators = [second.commuting_sum(rng, n) for _ in range(length)]
        owner = np.r_[np.arange(length - 1), 0] if kind == "shared sums" else None
        observable = {rotations.word(rng, n): float(rng.normal()) for _ in range(2)}
        found = rotations.sum_circuit(generators, observable, state, owner)
    else:
        found = rotations.pauli_circuit(
            rng, n, length, int(rng.integers(1, 4)), fixed=0.3 * (kind == "fixed"), shared=2 * (kind == "shared")
        )
    circuit = found.circuit
    if kind == "normal":
        return found, AngleLaw.normal(0.6, circuit.n_params), [averages.normal_nodes(0.6, count=14)] * circuit.n_params
    law = circuit.angle_law()
    rules = []
    for p in range(circuit.n_params):
        own = [found.generators[g] for g in np.flatnonzero(circuit.parameter_of == p)]
        # the Hessian's square turns four times as fast as a word with coefficient 1/4 in half the period
        nodes, weights = averages.uniform_nodes(1 + round(8 * sum(abs(c) for g in own for c in g.values())))
        rules.append((nodes * law.high[p] / (2 * np.pi), weights))
    return found, law, rules


def conserving(w):
    """Layers that keep the number of particles: two on four wires; ``w`` of shape ``(layers, 3, 3)``."""
    qml.BasisState(np.array([0, 1, 1, 0]), wires=range(4))
    for layer in w:
        for q in range(3):
            qml.IsingXY(layer[q, 0], [q, q + 1])
            qml.IsingZZ(layer[q, 1], [q, q + 1])
            qml.RZ(layer[q, 2], q)
    return qml.expval(qml.Z(0) @ qml.Z(1))
