"""The plain evaluator of a rotation circuit: dense statevectors, n ≤ 20."""

from __future__ import annotations

import numpy as np
from scipy.sparse.linalg import LinearOperator, expm_multiply

from pennylane_wishart.circuit.rotations import Rotations
from pennylane_wishart.conventions import circuit as limits
from pennylane_wishart.errors import InputError
from pennylane_wishart.paulis import PauliSum

__all__ = ["apply_rotation", "evaluate", "local_unitary"]


def apply_rotation(generator: PauliSum, angle: float, vector: np.ndarray) -> np.ndarray:
    """Return exp(−i·angle·G)·vector for vectors ``(2^n, m)``."""
    words = generator.words
    # commuting words: a product of rotations of one word each
    if len(words) == 1 or not words.anticommutation(words).any():
        for m, c in enumerate(generator.coefficients):
            phi = angle * c
            vector = np.cos(phi) * vector - 1j * np.sin(phi) * words.apply(m, vector)
        return vector
    return _noncommuting(generator, angle, vector)


def local_unitary(generator: PauliSum, angle: float, qubits: np.ndarray) -> np.ndarray:
    """Return exp(−i·angle·G) as a dense matrix on a few qubits that hold all of G."""
    local = PauliSum.of(generator.words.restrict(qubits), generator.coefficients).matrix()
    values, basis = np.linalg.eigh(local)
    return np.asarray((basis * np.exp(-1j * angle * values)) @ basis.conj().T)


def _noncommuting(generator: PauliSum, angle: float, vector: np.ndarray) -> np.ndarray:
    n = generator.n_qubits
    support = generator.words.support()
    if len(support) <= limits.LOCAL_QUBITS:
        unitary = local_unitary(generator, angle, support)
        tensor = vector.reshape((2,) * n + (-1,))
        # the support first, so that one matrix product turns all columns
        tensor = np.moveaxis(tensor, support, np.arange(len(support)))
        shape = tensor.shape
        tensor = (unitary @ tensor.reshape(len(unitary), -1)).reshape(shape)
        return np.asarray(np.moveaxis(tensor, np.arange(len(support)), support)).reshape(vector.shape)
    dim = 2**n
    scale = float(np.abs(generator.coefficients).sum())
    operator = LinearOperator(
        (dim, dim),
        matvec=lambda v: -1j * generator.apply(v.reshape(dim, -1)).reshape(v.shape),
        matmat=lambda v: -1j * generator.apply(v),
        rmatvec=lambda v: 1j * generator.apply(v.reshape(dim, -1)).reshape(v.shape),
        rmatmat=lambda v: 1j * generator.apply(v),
        dtype=complex,
    )
    # the exponential's action in steps whose Taylor series keeps its digits
    steps = max(1, int(np.ceil(abs(angle) * scale / limits.TAYLOR_ANGLE)))
    for _ in range(steps):
        vector = expm_multiply(operator * (angle / steps), vector, traceA=0.0)
    return vector


def final_states(circuit: Rotations, angles: np.ndarray) -> np.ndarray:
    """Return the final state vectors ``(2^n, n_states)`` in the conjugated frame."""
    vectors = np.stack([s.vector() for s in circuit.states], axis=1)
    for k, angle in enumerate(angles):
        vectors = apply_rotation(circuit.generator(k), float(angle), vectors)
    return vectors


def evaluate(circuit: Rotations, angles: np.ndarray) -> np.ndarray:
    """Return losses: scalar array, ``(batch,)``, or ``(…, n_states)`` for several states."""
    if circuit.n_qubits > limits.STATE_QUBITS:
        raise InputError(
            f"loss() builds state vectors and stops at {limits.STATE_QUBITS} qubits; this circuit has "
            f"{circuit.n_qubits}. Use pw.measure(qnode, device='wishart.lie') or a PennyLane device."
        )
    if angles.shape[-1:] != (circuit.n_rotations,) or angles.ndim > 2:
        raise InputError(
            f"angles need shape ({circuit.n_rotations},) or (batch, {circuit.n_rotations}); got {angles.shape}."
        )
    rows = np.atleast_2d(angles)
    out = np.empty((len(rows), len(circuit.states)))
    for i, row in enumerate(rows):
        vectors = final_states(circuit, row)
        out[i] = np.einsum("is,is->s", vectors.conj(), circuit.observable.apply(vectors)).real
    if len(circuit.states) == 1:
        out = out[:, 0]
    return out[0] if angles.ndim == 1 else out
