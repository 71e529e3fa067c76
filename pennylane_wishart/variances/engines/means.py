"""E[ℓ] and E[∂_kℓ]: paths of single words (THEORY §4), at any number of qubits."""

from __future__ import annotations

import numpy as np

from pennylane_wishart.circuit import RotationCircuit, RotationMoments
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import ModuleTooLargeError
from pennylane_wishart.paulis import PauliWords

__all__ = ["first_moments"]


def first_moments(
    circuit: RotationCircuit, moments: RotationMoments, max_rows: int = limits.MAX_PATHS
) -> tuple[float, np.ndarray]:
    """Return E[ℓ] and E[∂ℓ/∂φ_k] per rotation, φ = 2·c·angle, for independent angles.

    A word that anticommutes with a generator is multiplied by E[cos φ], and branches where
    E[sin φ] ≠ 0; under uniform angles nearly every path ends at once.

    Raises:
        ModuleTooLargeError: if more than ``max_rows`` paths are alive at one time.
    Cost: O(rotations · live paths).
    """
    n_rot, n = circuit.n_rotations, circuit.n_qubits
    words, weights = circuit.observable.words, circuit.observable.coefficients.astype(float)
    origin = np.full(len(words), -1)
    x, z = words.x, words.z
    for k in range(n_rot - 1, -1, -1):
        px, pz = circuit.words.x[k], circuit.words.z[k]
        count = np.bitwise_count((x & pz) ^ (z & px)).sum(axis=1)
        anti = np.flatnonzero(count & 1)
        if len(anti) == 0:
            continue
        c, s = moments.cos[k], moments.sin[k]
        moved = PauliWords(x[anti] ^ px, z[anti] ^ pz, n)
        _, phase = circuit.words[k].multiply(PauliWords(x[anti], z[anti], n))
        sign = np.where(phase == 3, 1.0, -1.0)
        here = weights[anti]
        own = origin[anti] < 0
        parts = [(x, z, weights, origin)]
        weights = weights.copy()
        weights[anti] = c * here
        parts = [(x, z, weights, origin)]
        if s:
            parts.append((moved.x, moved.z, s * sign * here, origin[anti]))
        if circuit.parameter_of[k] >= 0 and own.any():
            mark = np.full(int(own.sum()), k)
            if c:
                parts.append((moved.x[own], moved.z[own], c * (sign * here)[own], mark))
            if s:
                parts.append((x[anti][own], z[anti][own], -s * here[own], mark))
        x, z, weights, origin = (np.concatenate([p[i] for p in parts]) for i in range(4))
        keep = np.abs(weights) > limits.NEGLIGIBLE
        if s:
            x, z, weights, origin = _merge(x[keep], z[keep], weights[keep], origin[keep])
        elif not keep.all():
            x, z, weights, origin = x[keep], z[keep], weights[keep], origin[keep]
        if len(weights) > max_rows:
            raise ModuleTooLargeError(f"E[ℓ] needs more than {max_rows} paths: use sampling.")
    gradient = np.zeros(n_rot)
    values = weights * circuit.state.expectation(PauliWords(x, z, n)) if len(weights) else weights
    np.add.at(gradient, origin[origin >= 0], values[origin >= 0])
    return float(values[origin < 0].sum()), gradient


def _merge(
    x: np.ndarray, z: np.ndarray, weights: np.ndarray, origin: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Add up the weights of equal words of one origin."""
    rows = np.concatenate([x, z, origin[:, None].astype(np.int64).view(np.uint64)], axis=1)
    kept, inverse = np.unique(rows, axis=0, return_inverse=True)
    total = np.zeros(len(kept))
    np.add.at(total, np.asarray(inverse).reshape(-1), weights)
    half = x.shape[1]
    alive = np.abs(total) > limits.NEGLIGIBLE
    kept = kept[alive]
    return (
        kept[:, :half].copy(),
        kept[:, half : 2 * half].copy(),
        total[alive],
        kept[:, -1].copy().view(np.int64),
    )
