"""Averages of noisy PennyLane tapes over uniform angles, two copies of the density matrix at once, n ≤ 4.

No code of the package is used here: superoperators are made from PennyLane's own matrices and Kraus operators.
"""

import numpy as np
import pennylane as qml

NODES = 9
"""Equispaced angles: exact for products of two losses of gates with frequencies up to 2 (period 4π: halves)."""


def superoperator(op, wires):
    """Return vec(ρ) → vec of what an operation makes of it, row-major, ``(4^n, 4^n)``."""
    if isinstance(op, qml.operation.Channel):
        kraus = [qml.math.expand_matrix(k, op.wires, wires) for k in op.kraus_matrices()]
    else:
        kraus = [qml.matrix(op, wire_order=wires)]
    return sum(np.kron(k, np.conj(k)) for k in kraus)


def moved(op, angle):
    return qml.ops.functions.bind_new_parameters(op, [angle])


def rotation_nodes(op, wires):
    """Superoperators of a one-parameter gate and their derivatives at equispaced angles of its period 4π."""
    angles = 4 * np.pi * np.arange(NODES) / NODES
    turns = [superoperator(moved(op, a), wires) for a in angles]
    frequencies = (0.5, 1.0)
    rule = qml.gradients.generate_shift_rule(frequencies) if op.num_wires == 2 and op.name.startswith("C") else None
    if rule is None:
        slopes = [
            (superoperator(moved(op, a + np.pi / 2), wires) - superoperator(moved(op, a - np.pi / 2), wires)) / 2
            for a in angles
        ]
    else:
        slopes = [sum(c * superoperator(moved(op, a + s), wires) for c, s in rule) for a in angles]
    return turns, slopes


def averages(operations, observable, wires, trainable):
    """Return E[ℓ], E[ℓ²], E[∂ℓ], E[(∂ℓ)²]: the gates numbered in ``trainable`` have uniform angles, one each."""
    dim = 4 ** len(wires)
    start = np.zeros(dim, complex)
    start[0] = 1.0
    final = np.conj(qml.matrix(observable, wire_order=wires).T.reshape(-1))
    steps = []
    for i, op in enumerate(operations):
        if i in trainable:
            steps.append(rotation_nodes(op, wires))
        else:
            steps.append(([superoperator(op, wires)], None))
    vectors, pairs = [start], [np.outer(start, start.conj())]
    for turns, _ in steps:
        vectors.append(sum(s @ vectors[-1] for s in turns) / len(turns))
        pairs.append(sum(s @ pairs[-1] @ s.conj().T for s in turns) / len(turns))
    mean, second = [np.vdot(final, vectors[-1]).real], [np.vdot(final, pairs[-1] @ final).real]
    back, square = final, np.outer(final, final.conj())
    slopes = {}
    for i in range(len(steps) - 1, -1, -1):
        turns, own = steps[i]
        if own is not None:
            first = np.mean([np.vdot(back, s @ vectors[i]).real for s in own])
            two = np.mean([np.vdot(square, s @ pairs[i] @ s.conj().T).real for s in own])
            slopes[i] = (first, two)
        back = sum(s.conj().T @ back for s in turns) / len(turns)
        square = sum(s.conj().T @ square @ s for s in turns) / len(turns)
    for i in trainable:
        mean.append(slopes[i][0])
        second.append(slopes[i][1])
    return np.array(mean), np.array(second)
