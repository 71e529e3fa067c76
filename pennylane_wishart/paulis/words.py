"""``PauliWords``: batches of bit-packed Hermitian Pauli words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pennylane_wishart.conventions import paulis as limits
from pennylane_wishart.errors import InputError
from pennylane_wishart.paulis.f2 import F2Basis, pack_bits, unpack_bits

__all__ = ["PHASES", "PauliWords"]


_LETTER_BITS = {"I": (0, 0), "X": (1, 0), "Y": (1, 1), "Z": (0, 1)}
_BITS_LETTER = np.array([["I", "Z"], ["X", "Y"]])
PHASES = np.array([1, 1j, -1, -1j])
"""Powers of i."""


def matrix_dim(n_qubits: int) -> int:
    """Return 2^n, or say that no matrix is built for so many qubits."""
    if n_qubits > limits.MAX_MATRIX_QUBITS:
        raise InputError(f"Dense matrices of {n_qubits} qubits are not built; use n ≤ {limits.MAX_MATRIX_QUBITS}.")
    return int(2**n_qubits)


@dataclass(frozen=True, eq=False)
class PauliWords:
    """A batch of ``m`` Hermitian Pauli words on ``n_qubits`` qubits.

    Example:
        >>> words = PauliWords.from_strings(["XX", "ZI"])
        >>> words.anticommutation(words).astype(int).tolist()
        [[0, 1], [1, 0]]
    """

    x: np.ndarray
    """``uint64 (m, W)``: where the word has an X or a Y."""
    z: np.ndarray
    """``uint64 (m, W)``: where the word has a Z or a Y."""
    n_qubits: int

    def __post_init__(self) -> None:
        if self.x.shape != self.z.shape or self.x.ndim != 2:
            raise InputError(f"PauliWords needs x and z of one shape (m, W); got {self.x.shape} and {self.z.shape}.")

    @classmethod
    def from_bits(cls, x_bits: np.ndarray, z_bits: np.ndarray) -> PauliWords:
        """Build from boolean arrays ``(m, n)``."""
        x_bits, z_bits = np.atleast_2d(x_bits), np.atleast_2d(z_bits)
        return cls(pack_bits(x_bits), pack_bits(z_bits), x_bits.shape[1])

    @classmethod
    def from_strings(cls, words: Sequence[str]) -> PauliWords:
        """Build from strings of the letters I, X, Y, Z, all of one length."""
        words = [words] if isinstance(words, str) else list(words)
        n = len(words[0]) if words else 0
        # as bytes: an array of letters would cost a Python string each
        letters = np.frombuffer("".join(words).encode("utf-8", "replace"), dtype=np.uint8)
        if any(len(w) != n for w in words) or not np.isin(letters, list(b"IXYZ")).all():
            bad = next(w for w in words if len(w) != n or set(w) - set("IXYZ"))
            raise InputError(f"A Pauli word is a string of I, X, Y, Z of length {n}; got {bad!r}.")
        letters = letters.reshape(len(words), n)
        y = letters == ord("Y")
        return cls.from_bits((letters == ord("X")) | y, (letters == ord("Z")) | y)

    @classmethod
    def from_maps(cls, maps: Sequence[Mapping[int, str]], n_qubits: int) -> PauliWords:
        """Build from mappings qubit index → letter (missing qubits are I)."""
        width = max(1, -(-n_qubits // 64))
        x = np.zeros((len(maps), width), dtype=np.uint64)
        z = np.zeros_like(x)
        for row, letters in enumerate(maps):
            for q, letter in letters.items():
                xb, zb = _LETTER_BITS[letter]
                bit = np.uint64(1 << (q % 64))
                if xb:
                    x[row, q // 64] |= bit
                if zb:
                    z[row, q // 64] |= bit
        return cls(x, z, n_qubits)

    @classmethod
    def from_packed(cls, packed: np.ndarray, n_qubits: int) -> PauliWords:
        """Build from rows ``[x | z]`` as returned by :attr:`packed`."""
        half = packed.shape[1] // 2
        return cls(np.ascontiguousarray(packed[:, :half]), np.ascontiguousarray(packed[:, half:]), n_qubits)

    @classmethod
    def identity(cls, n_qubits: int, m: int = 1) -> PauliWords:
        """Build ``m`` identity words."""
        width = max(1, -(-n_qubits // 64))
        return cls(np.zeros((m, width), np.uint64), np.zeros((m, width), np.uint64), n_qubits)

    @classmethod
    def concatenate(cls, batches: Iterable[PauliWords]) -> PauliWords:
        """Stack batches on the same qubits."""
        batches = list(batches)
        return cls(
            np.concatenate([b.x for b in batches]),
            np.concatenate([b.z for b in batches]),
            batches[0].n_qubits,
        )

    def __len__(self) -> int:
        return int(self.x.shape[0])

    def __getitem__(self, index: Any) -> PauliWords:
        if isinstance(index, (int, np.integer)):
            index = [index]
        return PauliWords(self.x[index], self.z[index], self.n_qubits)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, PauliWords)
            and self.n_qubits == other.n_qubits
            and np.array_equal(self.x, other.x)
            and np.array_equal(self.z, other.z)
        )

    __hash__ = None  # type: ignore[assignment]  # arrays are compared, not hashed

    def __repr__(self) -> str:
        shown = ", ".join(self[:4].strings())
        return f"PauliWords({len(self)} on {self.n_qubits} qubits: {shown}{', …' if len(self) > 4 else ''})"

    @property
    def packed(self) -> np.ndarray:
        """``uint64 (m, 2W)``: rows ``[x | z]``, one per word; equal rows are equal words."""
        return np.concatenate([self.x, self.z], axis=1)

    def bits(self) -> tuple[np.ndarray, np.ndarray]:
        """Return ``uint8`` bits ``(m, n)`` of x and of z."""
        return unpack_bits(self.x, self.n_qubits), unpack_bits(self.z, self.n_qubits)

    def strings(self) -> list[str]:
        """Return the words as strings."""
        x, z = self.bits()
        return ["".join(row) for row in _BITS_LETTER[x, z]] if len(self) else []

    def maps(self) -> list[dict[int, str]]:
        """Return mappings qubit index → letter, identities left out."""
        x, z = self.bits()
        out: list[dict[int, str]] = [{} for _ in range(len(self))]
        for row, q in zip(*np.nonzero(x | z), strict=True):
            out[row][int(q)] = str(_BITS_LETTER[x[row, q], z[row, q]])
        return out

    def weights(self) -> np.ndarray:
        """Return the number of non-identity letters of each word, ``int64 (m,)``."""
        return np.asarray(np.bitwise_count(self.x | self.z).sum(axis=1), np.int64)

    def support(self) -> np.ndarray:
        """Return the sorted qubit indices on which any word acts."""
        if len(self) == 0:
            return np.zeros(0, dtype=np.int64)
        union = np.bitwise_or.reduce(self.x | self.z, axis=0)
        return np.flatnonzero(unpack_bits(union[None], self.n_qubits)[0])

    def is_identity(self) -> np.ndarray:
        """Return a mask ``bool (m,)`` of the identity words."""
        return np.asarray(~((self.x | self.z).any(axis=1)))

    def is_diagonal(self) -> np.ndarray:
        """Return a mask ``bool (m,)`` of words of I and Z only."""
        return np.asarray(~self.x.any(axis=1))

    def anticommutation(self, other: PauliWords) -> np.ndarray:
        """Return ``bool (m, m')``: which word of self anticommutes with which of other."""
        out = np.zeros((len(self), len(other)), dtype=np.uint8)
        # word by word of 64 qubits: the whole (m, m', W) array would not fit
        for w in range(self.x.shape[1]):
            out ^= np.bitwise_count(self.x[:, w, None] & other.z[None, :, w]).astype(np.uint8)
            out ^= np.bitwise_count(self.z[:, w, None] & other.x[None, :, w]).astype(np.uint8)
        return (out & 1).astype(bool)

    def anticommutes(self, other: PauliWords) -> np.ndarray:
        """Return ``bool (m,)`` elementwise (a batch of one broadcasts)."""
        count = np.bitwise_count(self.x & other.z).astype(np.int64) + np.bitwise_count(self.z & other.x)
        return np.asarray(count.sum(axis=1) & 1, bool)

    def multiply(self, other: PauliWords) -> tuple[PauliWords, np.ndarray]:
        """Return ``(words, k)`` with self·other = i^k·words elementwise, ``k`` in 0..3."""
        x, z = self.x ^ other.x, self.z ^ other.z

        def count(a: np.ndarray, b: np.ndarray) -> np.ndarray:
            return np.asarray(np.bitwise_count(a & b).sum(axis=1), np.int64)

        # i^(x·z) of each factor, −1 for every Z of self that passes an X of other, and i^−(x·z) of the product
        k = count(self.x, self.z) + count(other.x, other.z) + 2 * count(self.z, other.x) - count(x, z)
        return PauliWords(x, z, self.n_qubits), (k % 4).astype(np.int64)

    def unique(self) -> tuple[PauliWords, np.ndarray]:
        """Return the distinct words, sorted, and the inverse index ``(m,)``."""
        if len(self) == 0:
            return self, np.zeros(0, dtype=np.int64)
        rows, inverse = np.unique(self.packed, axis=0, return_inverse=True)
        return PauliWords.from_packed(rows, self.n_qubits), np.asarray(inverse).reshape(-1)

    def restrict(self, qubits: Sequence[int] | np.ndarray) -> PauliWords:
        """Return the words cut down to the given qubits, in that order."""
        x, z = self.bits()
        qubits = list(qubits)
        return PauliWords.from_bits(x[:, qubits], z[:, qubits])

    def spread(self, qubits: Sequence[int] | np.ndarray, n_qubits: int) -> PauliWords:
        """Return the words moved to the given qubits of ``n_qubits``: undoes :meth:`restrict`."""
        x, z = self.bits()
        wide_x, wide_z = (np.zeros((len(self), n_qubits), np.uint8) for _ in range(2))
        wide_x[:, list(qubits)], wide_z[:, list(qubits)] = x, z
        return PauliWords.from_bits(wide_x, wide_z)

    def combine(self, subsets: np.ndarray) -> PauliWords:
        """Return the products of the words over subsets, bits ``(r, m)``, phases left out."""
        x, z = self.bits()
        weights = subsets.astype(np.float32)  # sums stay below 2^24, so they are exact, and BLAS is fast
        return PauliWords.from_bits((weights @ x).astype(np.int64) & 1, (weights @ z).astype(np.int64) & 1)

    def products(self, subsets: np.ndarray) -> tuple[PauliWords, np.ndarray]:
        """Return (words, k): word_0^b0·word_1^b1·… = i^k·word, one product a row of bits ``(r, m)``."""
        out = PauliWords.identity(self.n_qubits, len(subsets))
        phase = np.zeros(len(subsets), dtype=np.int64)
        for j in range(len(self)):
            rows = np.flatnonzero(subsets[:, j])
            if len(rows) == 0:
                continue
            product, k = out[rows].multiply(self[np.full(len(rows), j)])
            out.x[rows], out.z[rows] = product.x, product.z
            phase[rows] += k
        return out, phase % 4

    def coordinates(self, words: PauliWords) -> tuple[np.ndarray, np.ndarray]:
        """Return (which words are products of these, as ``bool (r,)``, of which: bits ``(r, m)``)."""
        if len(self) == 0 or len(words) == 0:
            return np.atleast_1d(words.is_identity()), np.zeros((len(words), len(self)), dtype=np.uint8)
        inside, packed = F2Basis(self.packed, track=True).coordinates(words.packed)
        return inside, unpack_bits(packed, len(self))

    def matrices(self) -> np.ndarray:
        """Return dense matrices ``complex128 (m, 2^n, 2^n)``; for n ≤ 12 only."""
        dim = matrix_dim(self.n_qubits)
        out = np.zeros((len(self), dim, dim), dtype=complex)
        for m in range(len(self)):
            flipped, phases = self.action(m)
            out[m, flipped, np.arange(dim)] = phases
        return out

    def action(self, m: int) -> tuple[np.ndarray, np.ndarray]:
        """Return (target index, phase) of word m on each computational basis state."""
        n = self.n_qubits
        x, z = self[m].bits()
        powers = 1 << np.arange(n - 1, -1, -1, dtype=np.int64)
        x_mask, z_mask = int(x[0] @ powers), int(z[0] @ powers)
        index = np.arange(2**n, dtype=np.int64)
        # Z gives the sign of its bits, X the flip, and Y a factor i besides
        sign = 1 - 2 * (np.bitwise_count(index & z_mask).astype(np.int64) & 1)
        return index ^ x_mask, sign * PHASES[int(np.bitwise_count(x_mask & z_mask)) % 4]

    def apply(self, m: int, vector: np.ndarray) -> np.ndarray:
        """Apply word ``m`` to state vectors ``(2^n, ...)``."""
        flipped, phases = self.action(m)
        out = np.empty(vector.shape, dtype=complex)
        out[flipped] = phases.reshape(-1, *[1] * (vector.ndim - 1)) * vector
        return out
