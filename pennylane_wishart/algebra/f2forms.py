"""Quadratic forms over F2 on Pauli words, and independent rows of 0/1 matrices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pennylane_wishart.conventions import algebra as limits
from pennylane_wishart.paulis import PauliWords, gram_schmidt, pack_bits, unpack_bits

__all__ = ["ReducedForm", "reduce_form", "row_profile"]


def row_profile(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the first rows that are independent, and all dependencies of a 0/1 matrix.

    Unlike a reduced basis, this keeps the earliest rows in the given order, which is what
    keeps a connected sequence of generators connected.

    Args:
        matrix: ``uint8 (m, n)``.
    Returns:
        ``(rows, dependencies)``: row indices, and bits ``(m − rank, m)`` of subsets of the
        rows that sum to zero.
    Cost: O(rank · m · n / 64).
    """
    m = matrix.shape[0]
    if 0 < m <= limits.FEW_WORDS:
        return _profile_of_few(matrix)
    values = pack_bits(matrix) if m else np.zeros((0, 1), np.uint64)
    width = values.shape[1]
    # each row carries which rows it is a sum of, so that a zero row is a dependency
    work = np.concatenate([values, pack_bits(np.eye(m, dtype=np.uint8))], axis=1) if m else values
    kept, dependent = [], []
    for i in range(m):
        nonzero = np.flatnonzero(work[i, :width])
        if len(nonzero) == 0:
            dependent.append(i)
            continue
        kept.append(i)
        word = int(nonzero[0])
        value = int(work[i, word])
        bit = np.uint64(value & -value)
        # only later rows are cleared: earlier ones keep their place in the profile
        hit = i + 1 + np.flatnonzero(work[i + 1 :, word] & bit)
        work[hit] ^= work[i]
    return np.array(kept, dtype=np.int64), unpack_bits(work[dependent, width:], m)


def _profile_of_few(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same on Python's own integers: low bits are the row, high ones say of which rows it is a sum."""
    m, n = matrix.shape
    kept: list[int] = []
    dependent: list[np.ndarray] = []
    pivots: dict[int, int] = {}
    for i, bits in enumerate(np.packbits(matrix, axis=1, bitorder="little")):
        row = int.from_bytes(bits.tobytes(), "little") | 1 << (n + i)
        # the lowest bit of a row that is not zero stands below its marks
        while (bit := row & -row) in pivots:
            row ^= pivots[bit]
        if bit >> n:
            marks = (row >> n).to_bytes(-(-m // 8), "little")
            dependent.append(np.unpackbits(np.frombuffer(marks, np.uint8), bitorder="little")[:m])
        else:
            kept.append(i)
            pivots[bit] = row
    return np.array(kept, dtype=np.int64), np.array(dependent, np.uint8).reshape(-1, m)


@dataclass(frozen=True)
class ReducedForm:
    """A quadratic form up to a change of basis."""

    pairs: int
    """Number of hyperbolic pairs (half the rank of the polar form)."""
    arf: int
    """Sum of q_i·q_j over the pairs, mod 2."""
    linear: bool
    """Whether q is non-zero on the radical of the polar form."""


def reduce_form(words: PauliWords, q: Callable[[PauliWords], np.ndarray]) -> ReducedForm:
    """Reduce a quadratic form q whose polar form is ω, on the span of independent words."""
    # on hyperbolic pairs q is Σ x_i y_i up to its values there, so Arf is Σ q(e_i)q(f_i)
    first, second, rest = gram_schmidt(words)
    return ReducedForm(len(first), int(np.sum(q(first) & q(second))) & 1, bool(q(rest).any()))
