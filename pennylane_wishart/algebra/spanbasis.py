"""From a span modulo a prime to a rational basis, and what certifies its dimension.

The rank modulo p never exceeds the true rank. If the reduced echelon rows lift to small
fractions, and the lifted rows hold the generators and are closed under their brackets in
exact integer arithmetic, the true rank does not exceed it either.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from pennylane_wishart.algebra.modular import ModularSpan, rational_reconstruction
from pennylane_wishart.conventions import algebra as limits

__all__ = ["RationalRows", "certify_closed", "closed_in_floats", "lift"]


@dataclass(frozen=True, eq=False)
class RationalRows:
    """Echelon rows over the rationals: ``integers / denominator``, sparse."""

    integers: sparse.csr_array
    denominator: int
    pivots: np.ndarray

    def floats(self) -> sparse.csr_array:
        """Return the rows as floats."""
        return sparse.csr_array(self.integers / self.denominator)


def lift(span: ModularSpan) -> RationalRows | None:
    """Lift reduced rows to fractions with a common small denominator; None if they do not."""
    row, column = np.nonzero(span.rows)
    distinct, inverse = np.unique(span.rows[row, column], return_inverse=True)
    if len(distinct) > limits.LIFTED_VALUES:
        return None
    fractions = rational_reconstruction(distinct.astype(np.int64), span.p)
    if fractions is None:
        return None
    denominator = math.lcm(1, *(f.denominator for f in fractions))
    largest = max((max(abs(f.numerator), f.denominator) for f in fractions), default=1)
    # a wrong lift gives fractions with large numerators: they are refused
    if largest > limits.LIFTED_NUMERATOR or denominator > limits.LIFTED_DENOMINATOR:
        return None
    values = np.array([int(f * denominator) for f in fractions], dtype=np.int64)
    at = (row, span.columns[column])
    integers = sparse.csr_array((values[inverse], at), shape=(span.rank, span.width))
    return RationalRows(integers, denominator, span.columns[span.pivots])


def certify_closed(rows: RationalRows, matrices: Sequence[sparse.csr_array], starts: sparse.csr_array) -> bool:
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
        # every integer of the test stays exact in float64 arithmetic
        reach = abs(factors).sum(axis=1).max(initial=0) if factors.nnz else 0
        if reach * max(1, abs(rows.integers).max()) * rows.denominator >= limits.EXACT_FLOAT:
            return False
        difference = vectors * rows.denominator - factors @ rows.integers
        if np.any(difference.data):
            return False
    return True


def closed_in_floats(rows: RationalRows, matrices: Sequence[sparse.csr_array], starts: np.ndarray) -> bool:
    """Tell whether the rows hold the starts and are closed under real maps, to 1e-9."""
    basis = rows.floats()
    for vectors in [sparse.csr_array(starts), *((m @ basis.T).T.tocsr() for m in matrices)]:
        difference = vectors - vectors[:, rows.pivots] @ basis
        if difference.nnz and abs(difference).max() > limits.CLOSED_FLOAT * abs(vectors).max():
            return False
    return True
