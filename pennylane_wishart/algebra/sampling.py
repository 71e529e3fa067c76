"""A real basis of a closed span by sampling it with its own adjoint group.

Products of exp(t·ad g), applied to combinations of the generators, stay in the algebra to
rounding error and spread over it, so the singular values of enough samples fall off a cliff
after the dimension. Nested commutators do not: their independent parts shrink with depth.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array

from pennylane_wishart.conventions import algebra as limits

__all__ = ["sample_orthonormal"]


def sample_orthonormal(
    matrices: Sequence[csr_array],
    starts: np.ndarray,
    rng: np.random.Generator,
    max_dim: int,
    expected: int | None = None,
) -> np.ndarray | None:
    """Sample the smallest span that holds ``starts`` and is closed under the maps.

    Args:
        matrices: real antisymmetric sparse maps ad(g) on coordinates.
        starts: ``(m, words)``.
        rng: draws group elements.
        max_dim: largest dimension to look for.
        expected: the dimension, where it is known.
    Returns:
        An orthonormal basis ``(rank, words)`` where the singular values show a clear gap (kept
        above 1e-6, dropped below 1e-10 of the largest); None where they show none.
    Cost: O(samples · non-zeros of the maps) per layer, and one SVD.
    """
    # generators of any size give samples of one size
    starts = starts / np.linalg.norm(starts, axis=1, keepdims=True)
    norms = [float(abs(m).sum(axis=0).max(initial=0.0)) for m in matrices]
    size = min(max_dim, starts.shape[1]) if expected is None else expected
    count = limits.FIRST_SAMPLES if expected is None else expected + limits.SPARE_SAMPLES
    while True:
        count = min(count, size + limits.SPARE_SAMPLES)
        for layers in limits.SAMPLE_LAYERS:
            values, basis = _sample(matrices, norms, starts, count, layers, rng)
            rank = int(np.sum(values > limits.KEPT * values[0]))
            # samples that are all independent show no cliff
            full = rank > size if expected is None else rank != expected
            if np.all(values[rank:] < limits.DROPPED * values[0]) and not full:
                break
        else:
            return None
        if rank <= count - limits.SPARE_SAMPLES or rank == starts.shape[1]:
            return basis[:rank]
        if count == size + limits.SPARE_SAMPLES:
            return None
        count *= 4


def _sample(
    matrices: Sequence[csr_array],
    norms: Sequence[float],
    starts: np.ndarray,
    count: int,
    layers: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Return singular values and right singular vectors of ``count`` samples."""
    vectors = (rng.normal(size=(count, len(starts))) @ starts).T
    for _ in range(layers):
        for j in rng.permutation(len(matrices)):
            if norms[j]:
                # each sample has its own angle, of order one on the scale of the map
                times = rng.uniform(-2, 2, size=count) / norms[j]
                vectors = _flow(matrices[j], vectors, times)
    left, values, _ = np.linalg.svd(vectors, full_matrices=False)
    return values, np.ascontiguousarray(left.T)


def _flow(matrix: csr_array, vectors: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Apply exp(t_c · matrix) to column c by Taylor series, |t| · norm ≤ 2."""
    term = vectors
    for order in range(1, limits.TAYLOR_TERMS):
        term = (matrix @ term) * (times / order)
        if order > 4 and np.abs(term).max() < limits.TAYLOR_SMALL:
            break
        vectors = vectors + term
    return vectors
