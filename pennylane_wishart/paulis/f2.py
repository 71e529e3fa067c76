"""Bits packed in uint64 rows, and linear algebra over F2 on them."""

from __future__ import annotations

import numpy as np

__all__ = ["F2Basis", "f2_nullspace", "pack_bits", "subsets", "unpack_bits"]


def pack_bits(bits: np.ndarray) -> np.ndarray:
    """Pack boolean rows ``(m, n)`` into ``uint64`` rows ``(m, ceil(n / 64))``."""
    bits = np.atleast_2d(np.asarray(bits, dtype=np.uint8))
    rows, n = bits.shape
    padded = np.zeros((rows, 64 * max(1, -(-n // 64))), dtype=np.uint8)
    padded[:, :n] = bits
    return np.packbits(padded, axis=1, bitorder="little").view("<u8").astype(np.uint64)


def unpack_bits(rows: np.ndarray, n: int) -> np.ndarray:
    """Unpack ``uint64`` rows ``(m, W)`` into ``uint8`` bits ``(m, n)``."""
    rows = np.ascontiguousarray(rows, dtype="<u8")
    if rows.shape[0] == 0:
        return np.zeros((0, n), dtype=np.uint8)
    return np.unpackbits(rows.view(np.uint8), axis=1, bitorder="little")[:, :n]


def subsets(k: int) -> np.ndarray:
    """Return all subsets of k things, ``int64 (2^k, k)`` of 0 and 1, the first thing changing fastest."""
    return (np.arange(2**k)[:, None] >> np.arange(k)) & 1


class F2Basis:
    """A reduced row-echelon basis of packed F2 rows, with the combination that made it.

    Args:
        rows: ``uint64 (m, K)``.
    Cost: O(rank · m · K) word operations, vectorised over the rows.
    """

    def __init__(self, rows: np.ndarray, track: bool = False):
        rows = np.array(rows, dtype=np.uint64)
        m, k = rows.shape
        if track:
            # each row carries which input rows it is a sum of
            tags = pack_bits(np.eye(m, dtype=np.uint8)) if m else np.zeros((0, 1), np.uint64)
            rows = np.concatenate([rows, tags], axis=1)
        rank = 0
        pivots: list[tuple[int, np.uint64]] = []
        for word in range(k):
            while True:
                column = rows[rank:, word]
                union = int(np.bitwise_or.reduce(column)) if len(column) else 0
                if union == 0:
                    break
                # lowest bit of any row left: the next pivot, found without a loop over columns
                bit = np.uint64(union & -union)
                hit = np.flatnonzero(rows[:, word] & bit)
                first = hit[np.searchsorted(hit, rank)]
                if first != rank:
                    rows[[rank, first]] = rows[[first, rank]]
                    hit = np.flatnonzero(rows[:, word] & bit)
                others = hit[hit != rank]
                # rows above too: the form is reduced, and coordinates are bits at the pivots
                rows[others] ^= rows[rank]
                pivots.append((word, bit))
                rank += 1
        self.rank = rank
        self.pivots = pivots
        self.rows = rows[:rank, :k]
        self.combinations = rows[:rank, k:] if track else None
        self.dependencies = rows[rank:, k:] if track else None
        """Packed subsets of the input rows that sum to zero (with ``track=True``)."""

    def reduce(self, vectors: np.ndarray) -> np.ndarray:
        """Return the remainders of packed vectors ``(m, K)`` modulo the span."""
        out = np.array(vectors, dtype=np.uint64)
        for row, (word, bit) in zip(self.rows, self.pivots, strict=True):
            out[(out[:, word] & bit) != 0] ^= row
        return out

    def coordinates(self, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (which vectors lie in the span, packed subsets of the input rows that sum to each); with ``track``."""
        assert self.combinations is not None
        rest = np.array(vectors, dtype=np.uint64)
        tags = np.zeros((len(rest), self.combinations.shape[1]), dtype=np.uint64)
        for row, tag, (word, bit) in zip(self.rows, self.combinations, self.pivots, strict=True):
            hit = (rest[:, word] & bit) != 0
            rest[hit] ^= row
            tags[hit] ^= tag
        return np.asarray(~rest.any(axis=1)), tags

    def contains(self, vectors: np.ndarray) -> np.ndarray:
        """Return ``bool (m,)``: which vectors lie in the span."""
        return np.asarray(~self.reduce(vectors).any(axis=1))


def f2_nullspace(matrix: np.ndarray) -> np.ndarray:
    """Return a basis, bits ``(d, n)``, of {v : M v = 0} for a 0/1 matrix ``(m, n)``."""
    matrix = np.atleast_2d(np.asarray(matrix, dtype=np.uint8))
    columns = np.ascontiguousarray(matrix.T)
    dependent = F2Basis(pack_bits(columns), track=True).dependencies
    return unpack_bits(dependent, matrix.shape[1]) if dependent is not None else columns[:0]
