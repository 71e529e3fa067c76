"""From a span modulo a prime to a rational basis, and what certifies its dimension.

The rank modulo p never exceeds the true rank. If the reduced echelon rows lift to small
fractions, and the lifted rows hold the generators and are closed under their brackets in
exact integer arithmetic, the true rank does not exceed it either.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import sparse

from pennylane_wishart.algebra.modular import ModularSpan, rational_reconstruction

__all__ = ["RationalRows", "certify_closed", "closed_in_floats", "lift"]

_EXACT_FLOAT = 1 << 53
_MAX_DISTINCT = 20_000
_LARGEST_NUMERATOR = 1 << 12  # far below √p, so that a residue lifts by chance only rarely
_FLOAT_TOL = 1e-9


class RationalRows:
    """Echelon rows over the rationals: ``integers / denominator``, sparse."""

    def __init__(self, integers: sparse.csr_array, denominator: int, pivots: np.ndarray):
        self.integers, self.denominator, self.pivots = integers, denominator, pivots

    def floats(self) -> sparse.csr_array:
        """Return the rows as floats."""
        return sparse.csr_array(self.integers / self.denominator)


def lift(span: ModularSpan) -> RationalRows | None:
    """Lift reduced rows to fractions with a common small denominator; None if they do not."""
    row, column = np.nonzero(span.rows)
    distinct, inverse = np.unique(span.rows[row, column], return_inverse=True)
    if len(distinct) > _MAX_DISTINCT:
        return None
    fractions = rational_reconstruction(distinct.astype(np.int64), span.p)
    if fractions is None:
        return None
    denominator = math.lcm(1, *(f.denominator for f in fractions))
    largest = max((max(abs(f.numerator), f.denominator) for f in fractions), default=1)
    if largest > _LARGEST_NUMERATOR or denominator > 1 << 20:
        return None
    values = np.array([int(f * denominator) for f in fractions], dtype=np.int64)
    integers = sparse.csr_array((values[inverse], (row, column)), shape=span.rows.shape)
    return RationalRows(integers, denominator, span.pivots)


def certify_closed(rows: RationalRows, matrices, starts: sparse.csr_array) -> bool:
    """Tell whether the rows hold the starts and are closed under the maps, in exact integers.

    A vector v lies in the span iff v = Σ v[pivot]·row; both sides are compared as integers.

    Args:
        rows: lifted echelon rows.
        matrices: integer sparse maps on coordinates, one per generator.
        starts: integer vectors ``(m, words)``.
    """
    images = [(m @ rows.integers.T).T.tocsr() for m in matrices]
    for vectors in [starts, *images]:
        factors = vectors[:, rows.pivots]
        reach = abs(factors).sum(axis=1).max(initial=0) if factors.nnz else 0
        if reach * max(1, abs(rows.integers).max()) * rows.denominator >= _EXACT_FLOAT:
            return False
        difference = vectors * rows.denominator - factors @ rows.integers
        if np.any(difference.data):
            return False
    return True


def closed_in_floats(rows: RationalRows, matrices, starts: np.ndarray) -> bool:
    """Tell whether the rows hold the starts and are closed under real maps, to 1e-9."""
    basis = rows.floats()
    for vectors in [sparse.csr_array(starts), *((m @ basis.T).T.tocsr() for m in matrices)]:
        difference = vectors - vectors[:, rows.pivots] @ basis
        if difference.nnz and abs(difference).max() > _FLOAT_TOL * abs(vectors).max():
            return False
    return True
