"""A growing span of vectors modulo a 31-bit prime, in reduced echelon form.

Products run through floating-point matrix multiplication and stay exact: one factor is split
in two 15-bit halves, and at most 256 terms of at most 2^45 are added before reduction.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from scipy import sparse

from pennylane_wishart.conventions import algebra as limits

__all__ = ["ModularSpan", "matmul_mod", "rational_reconstruction"]


def matmul_mod(a: np.ndarray, b: np.ndarray, p: int) -> np.ndarray:
    """Return a @ b mod p exactly, ``int64``, for residues in [0, p), p < 2^31."""
    # balanced residues are half as large, which buys a bit in the exact sums
    half = p >> 1
    a = a - p * (a > half)
    b = b.astype(np.float64)
    b -= p * (b > half)
    bits = limits.MODULAR_HALF_BITS
    high = (a + (1 << bits - 1)) >> bits  # rounded, so that the low half is balanced too
    low = a - (high << bits)
    out = np.zeros((a.shape[0], b.shape[1]), dtype=np.int64)
    for start in range(0, a.shape[1], limits.MODULAR_TERMS):
        part = slice(start, start + limits.MODULAR_TERMS)
        top = (high[:, part].astype(np.float64) @ b[part]).astype(np.int64) % p
        bottom = (low[:, part].astype(np.float64) @ b[part]).astype(np.int64)
        out = (out + (top << bits) + bottom) % p
    return out


class ModularSpan:
    """The span of the vectors added so far, as reduced echelon rows modulo p on the coordinates that they use."""

    def __init__(self, p: int):
        self.p = p
        self.width = 0
        """Coordinates of the vectors."""
        self.columns = np.zeros(0, dtype=np.int64)
        """The coordinate that each column of the rows stands for: brackets of local sums use few."""
        self.pivots = np.zeros(0, dtype=np.int64)
        """Columns."""
        self.work = 0
        """Multiply-adds so far: counted, not timed, so that a limit on it stops every machine alike."""
        self._place = np.zeros(0, dtype=np.int64)
        self._room = np.zeros((0, 0), dtype=np.int32)  # residues below 2^31, with room for more

    @property
    def rank(self) -> int:
        """Dimension of the span."""
        return len(self.pivots)

    @property
    def rows(self) -> np.ndarray:
        """The rows, ``int32 (rank, columns)``."""
        return self._room[: self.rank, : len(self.columns)]

    def _widen(self, vectors: sparse.csr_array) -> None:
        """Give the coordinates that are met for the first time a column."""
        self.width = vectors.shape[1]
        self._place = np.append(self._place, np.full(self.width - len(self._place), -1))
        used = np.unique(vectors.indices)
        fresh = used[self._place[used] < 0]
        self._place[fresh] = len(self.columns) + np.arange(len(fresh))
        self.columns = np.append(self.columns, fresh)

    def _reserve(self, rank: int) -> None:
        """Make room: twice what is needed, so that rows are copied a few times only."""
        need = (rank, len(self.columns))
        if any(n > have for n, have in zip(need, self._room.shape, strict=True)):
            grown = np.zeros([2 * n if n > have else have for n, have in zip(need, self._room.shape)], np.int32)
            grown[: self.rank, : self._room.shape[1]] = self._room[: self.rank]
            self._room = grown

    def reduce(self, vectors: np.ndarray) -> np.ndarray:
        """Return vectors modulo the span, with zeros at all pivots."""
        if self.rank == 0 or len(vectors) == 0:
            return np.asarray(vectors % self.p)
        # rows are reduced, so the pivots of a vector are the coefficients to subtract
        factors = vectors[:, self.pivots]
        used = factors.any(axis=0)
        if not used.any():
            return vectors
        self.work += len(vectors) * int(used.sum()) * vectors.shape[1]
        return np.asarray((vectors - matmul_mod(factors[:, used], self.rows[used], self.p)) % self.p)

    def add(self, vectors: sparse.csr_array) -> np.ndarray:
        """Add vectors; return the positions of those that were independent of all before."""
        self._widen(vectors)
        self._reserve(self.rank)
        independent = []
        for start in range(0, vectors.shape[0], limits.MODULAR_PANEL):
            part = vectors[start : start + limits.MODULAR_PANEL].tocoo()
            panel = np.zeros((part.shape[0], len(self.columns)), dtype=np.int64)
            panel[part.row, self._place[part.col]] = part.data
            panel = self.reduce(panel)
            kept, pivots = self._eliminate(panel)
            if len(kept) == 0:
                continue
            fresh, rows = panel[kept], self.rows
            factors = rows[:, pivots]
            # old rows are cleared at the new pivots: the form stays reduced
            hit = np.flatnonzero(factors.any(axis=1))
            if len(hit):
                self.work += len(hit) * fresh.size
                rows[hit] = (rows[hit] - matmul_mod(factors[hit], fresh, self.p)) % self.p
            self._reserve(self.rank + len(kept))
            self.pivots = np.concatenate([self.pivots, pivots])
            self.rows[-len(kept) :] = fresh
            independent.append(start + kept)
        return np.concatenate(independent) if independent else np.zeros(0, dtype=np.int64)

    def _eliminate(self, panel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Bring a panel to reduced echelon form in place."""
        p = self.p
        kept: list[int] = []
        pivots: list[int] = []
        for i in range(len(panel)):
            nonzero = np.flatnonzero(panel[i])
            if len(nonzero) == 0:
                continue
            column = int(nonzero[0])
            value = int(panel[i, column])
            if value != 1:
                panel[i, nonzero] = panel[i, nonzero] * pow(value, -1, p) % p
            hit = np.flatnonzero(panel[:, column])
            hit = hit[hit != i]
            if len(hit):
                block = np.ix_(hit, nonzero)
                panel[block] = (panel[block] - panel[hit, column][:, None] * panel[i, nonzero]) % p
            kept.append(i)
            pivots.append(column)
        return np.array(kept, dtype=np.int64), np.array(pivots, dtype=np.int64)


def rational_reconstruction(values: np.ndarray, p: int) -> list[Fraction] | None:
    """Return the fractions a/b, |a|, b < √(p/2), that residues stand for; None if any fails."""
    bound = int((p // 2) ** 0.5)
    out = []
    for value in values.tolist():
        r0, r1, t0, t1 = p, value, 0, 1
        # the extended Euclidean algorithm, stopped halfway: numerator and denominator are then small
        while r1 > bound:
            quotient = r0 // r1
            r0, r1, t0, t1 = r1, r0 - quotient * r1, t1, t0 - quotient * t1
        if t1 == 0 or abs(t1) > bound:
            return None
        out.append(Fraction(r1, t1))
    return out
