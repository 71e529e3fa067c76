"""Bit-packed Pauli words and sums, and linear algebra over F2 on packed rows.

A word on n qubits is two rows of ``uint64``, ``x`` and ``z``: bit ``q % 64`` of entry
``q // 64`` belongs to qubit ``q``. The word is the Hermitian operator
``i^(x·z) X^x Z^z`` (both bits set is Y), so words carry no phase; products return one.
Qubit 0 is the leftmost letter of a string and the most significant bit of a matrix index,
as in PennyLane.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pennylane_wishart.errors import InputError

__all__ = ["F2Basis", "PauliSum", "PauliWords", "f2_nullspace", "f2_rank", "pack_bits", "unpack_bits"]

_LETTER_BITS = {"I": (0, 0), "X": (1, 0), "Y": (1, 1), "Z": (0, 1)}
_BITS_LETTER = np.array([["I", "Z"], ["X", "Y"]])
_PHASES = np.array([1, 1j, -1, -1j])


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

    def __post_init__(self):
        if self.x.shape != self.z.shape or self.x.ndim != 2:
            raise InputError(
                f"PauliWords needs x and z of one shape (m, W); got {self.x.shape} and {self.z.shape}."
            )

    @classmethod
    def from_bits(cls, x_bits, z_bits) -> PauliWords:
        """Build from boolean arrays ``(m, n)``."""
        x_bits, z_bits = np.atleast_2d(x_bits), np.atleast_2d(z_bits)
        return cls(pack_bits(x_bits), pack_bits(z_bits), x_bits.shape[1])

    @classmethod
    def from_strings(cls, words: Sequence[str]) -> PauliWords:
        """Build from strings of the letters I, X, Y, Z, all of one length."""
        words = [words] if isinstance(words, str) else list(words)
        n = len(words[0]) if words else 0
        for word in words:
            if len(word) != n or set(word) - set("IXYZ"):
                raise InputError(
                    f"A Pauli word is a string of I, X, Y, Z of length {n}; got {word!r}."
                )
        letters = np.array([list(w) for w in words]).reshape(len(words), n)
        return cls.from_bits(np.isin(letters, ["X", "Y"]), np.isin(letters, ["Z", "Y"]))

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
        return self.x.shape[0]

    def __getitem__(self, index) -> PauliWords:
        if isinstance(index, (int, np.integer)):
            index = [index]
        return PauliWords(self.x[index], self.z[index], self.n_qubits)

    def __eq__(self, other) -> bool:
        return (
            isinstance(other, PauliWords)
            and self.n_qubits == other.n_qubits
            and np.array_equal(self.x, other.x)
            and np.array_equal(self.z, other.z)
        )

    __hash__ = None  # type: ignore[assignment]

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
        return np.bitwise_count(self.x | self.z).sum(axis=1).astype(np.int64)

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
        for w in range(self.x.shape[1]):
            out ^= np.bitwise_count(self.x[:, w, None] & other.z[None, :, w]).astype(np.uint8)
            out ^= np.bitwise_count(self.z[:, w, None] & other.x[None, :, w]).astype(np.uint8)
        return (out & 1).astype(bool)

    def anticommutes(self, other: PauliWords) -> np.ndarray:
        """Return ``bool (m,)`` elementwise (a batch of one broadcasts)."""
        count = np.bitwise_count(self.x & other.z).astype(np.int64) + np.bitwise_count(self.z & other.x)
        return (count.sum(axis=1) & 1).astype(bool)

    def multiply(self, other: PauliWords) -> tuple[PauliWords, np.ndarray]:
        """Return ``(words, k)`` with self·other = i^k·words elementwise, ``k`` in 0..3."""
        x, z = self.x ^ other.x, self.z ^ other.z

        def count(a, b):
            return np.bitwise_count(a & b).sum(axis=1).astype(np.int64)

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

    def matrices(self) -> np.ndarray:
        """Return dense matrices ``complex128 (m, 2^n, 2^n)``; for n ≤ 12 only."""
        if self.n_qubits > 12:
            raise InputError(f"Dense matrices of {self.n_qubits} qubits are not built; use n ≤ 12.")
        dim = 2**self.n_qubits
        out = np.zeros((len(self), dim, dim), dtype=complex)
        for m in range(len(self)):
            flipped, phases = self._action(m)
            out[m, flipped, np.arange(dim)] = phases
        return out

    def _action(self, m: int) -> tuple[np.ndarray, np.ndarray]:
        """Return (target index, phase) of word m on each computational basis state."""
        n = self.n_qubits
        x, z = self[m].bits()
        powers = 1 << np.arange(n - 1, -1, -1, dtype=np.int64)
        x_mask, z_mask = int(x[0] @ powers), int(z[0] @ powers)
        index = np.arange(2**n, dtype=np.int64)
        sign = 1 - 2 * (np.bitwise_count(index & z_mask).astype(np.int64) & 1)
        return index ^ x_mask, sign * _PHASES[int(np.bitwise_count(x_mask & z_mask)) % 4]

    def apply(self, m: int, vector: np.ndarray) -> np.ndarray:
        """Apply word ``m`` to state vectors ``(2^n, ...)``."""
        flipped, phases = self._action(m)
        out = np.empty(vector.shape, dtype=complex)
        out[flipped] = phases.reshape(-1, *[1] * (vector.ndim - 1)) * vector
        return out


@dataclass(frozen=True, eq=False)
class PauliSum:
    """A linear combination of distinct Pauli words, sorted, without zero terms.

    Coefficients are real (a Hermitian operator) or complex.

    Example:
        >>> h = PauliSum.from_terms({"ZZ": 1.0, "XI": 0.5})
        >>> h.commutator(h).words.strings()
        []
    """

    words: PauliWords
    coefficients: np.ndarray

    @classmethod
    def of(cls, words: PauliWords, coefficients, tol: float = 1e-12) -> PauliSum:
        """Combine equal words and drop coefficients below ``tol`` of the largest."""
        coefficients = np.asarray(coefficients)
        kept, inverse = words.unique()
        total = np.zeros(len(kept), dtype=np.result_type(coefficients.dtype, float))
        np.add.at(total, inverse, coefficients)
        if np.iscomplexobj(total) and np.all(np.abs(total.imag) <= tol * max(1e-300, np.abs(total).max(initial=0))):
            total = total.real
        keep = np.abs(total) > tol * np.abs(coefficients).max(initial=0.0)
        return cls(kept[keep], total[keep])

    @classmethod
    def from_terms(cls, terms: Mapping[str, float]) -> PauliSum:
        """Build from a mapping string → coefficient."""
        return cls.of(PauliWords.from_strings(list(terms)), np.array(list(terms.values())))

    @classmethod
    def from_matrix(cls, matrix: np.ndarray, tol: float = 1e-12) -> PauliSum:
        """Expand a dense ``(2^n, 2^n)`` matrix in Pauli words. Cost O(n 4^n)."""
        matrix = np.asarray(matrix, dtype=complex)
        n = int(matrix.shape[0]).bit_length() - 1
        if matrix.shape != (2**n, 2**n):
            raise InputError(f"A matrix of shape (2^n, 2^n) is needed; got {matrix.shape}.")
        tensor = matrix.reshape((2,) * (2 * n))
        for q in range(n):
            a = np.moveaxis(tensor, (q, n + q), (0, 1))
            letters = np.stack(
                [a[0, 0] + a[1, 1], a[0, 0] - a[1, 1], a[0, 1] + a[1, 0], 1j * (a[0, 1] - a[1, 0])]
            ).reshape(2, 2, *a.shape[2:])
            tensor = np.moveaxis(letters / 2, (0, 1), (q, n + q))  # axes: x bit, z bit
        flat = tensor.reshape(-1)
        index = np.flatnonzero(np.abs(flat) > tol * max(np.abs(flat).max(initial=0), 1e-300))
        shifts = np.arange(2 * n - 1, -1, -1)
        bits = (index[:, None] >> shifts) & 1
        words = PauliWords.from_bits(bits[:, :n], bits[:, n:])
        return cls.of(words, flat[index])

    @property
    def n_qubits(self) -> int:
        """Number of qubits."""
        return self.words.n_qubits

    def __len__(self) -> int:
        return len(self.words)

    def __repr__(self) -> str:
        terms = [f"{c:.4g} {s}" for c, s in zip(self.coefficients[:4], self.words[:4].strings(), strict=True)]
        return f"PauliSum({' + '.join(terms)}{' + …' if len(self) > 4 else ''})"

    @cached_property
    def norm_squared(self) -> float:
        """Normalised Hilbert–Schmidt norm Tr(A†A)/2^n."""
        return float(np.sum(np.abs(self.coefficients) ** 2))

    def scale(self, factor: complex) -> PauliSum:
        """Return ``factor`` times the sum."""
        return PauliSum.of(self.words, self.coefficients * factor)

    def add(self, other: PauliSum) -> PauliSum:
        """Return the sum of both."""
        return PauliSum.of(
            PauliWords.concatenate([self.words, other.words]),
            np.concatenate([self.coefficients, other.coefficients]),
        )

    def _products(self, other: PauliSum, anticommuting_only: bool) -> PauliSum:
        anti = self.words.anticommutation(other.words)
        i, j = np.nonzero(anti) if anticommuting_only else np.indices(anti.shape).reshape(2, -1)
        if len(i) == 0:
            return PauliSum(PauliWords.identity(self.n_qubits, 0), np.zeros(0))
        words, k = self.words[i].multiply(other.words[j])
        return PauliSum.of(words, self.coefficients[i] * other.coefficients[j] * _PHASES[k])

    def multiply(self, other: PauliSum) -> PauliSum:
        """Return the operator product."""
        return self._products(other, anticommuting_only=False)

    def commutator(self, other: PauliSum) -> PauliSum:
        """Return AB − BA."""
        product = self._products(other, anticommuting_only=True)
        return PauliSum(product.words, 2 * product.coefficients)

    def commutes_with(self, other: PauliSum) -> bool:
        """Tell whether AB = BA."""
        if not self.words.anticommutation(other.words).any():
            return True
        return len(self.commutator(other)) == 0

    def trace_free(self) -> PauliSum:
        """Return the sum without its identity term."""
        keep = ~self.words.is_identity()
        return PauliSum(self.words[keep], self.coefficients[keep])

    def matrix(self) -> np.ndarray:
        """Return the dense matrix ``(2^n, 2^n)``; for n ≤ 12."""
        dim = 2**self.n_qubits
        if self.n_qubits > 12:
            raise InputError(f"Dense matrices of {self.n_qubits} qubits are not built; use n ≤ 12.")
        out = np.zeros((dim, dim), dtype=complex)
        columns = np.arange(dim)
        for m, c in enumerate(self.coefficients):
            rows, phases = self.words._action(m)
            out[rows, columns] += c * phases
        return out

    def apply(self, vector: np.ndarray) -> np.ndarray:
        """Apply to state vectors ``(2^n, ...)``. Words with equal flips are added up once."""
        out = np.zeros(vector.shape, dtype=complex)
        for flipped, phases in self._flips:
            out[flipped] += phases.reshape(-1, *[1] * (vector.ndim - 1)) * vector
        return out

    @cached_property
    def _flips(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """(target index, amplitude) per distinct flip pattern."""
        groups: dict[bytes, list[int]] = {}
        for m, row in enumerate(self.words.x):
            groups.setdefault(row.tobytes(), []).append(m)
        out = []
        for members in groups.values():
            actions = [self.words._action(m) for m in members]
            total = sum(self.coefficients[m] * phases for m, (_, phases) in zip(members, actions, strict=True))
            out.append((actions[0][0], np.asarray(total)))
        return out


# ---------------------------------------------------------------- F2 on packed rows
class F2Basis:
    """A growing, reduced row-echelon basis of packed F2 rows, with the combination that made it.

    Args:
        rows: ``uint64 (m, K)``.
    Cost: O(rank · m · K) word operations, vectorised over the rows.
    """

    def __init__(self, rows: np.ndarray, track: bool = False):
        rows = np.array(rows, dtype=np.uint64)
        m, k = rows.shape
        if track:
            tags = pack_bits(np.eye(m, dtype=np.uint8)) if m else np.zeros((0, 1), np.uint64)
            rows = np.concatenate([rows, tags], axis=1)
        rank, pivots = 0, []
        for word in range(k):
            while True:
                column = rows[rank:, word]
                union = int(np.bitwise_or.reduce(column)) if len(column) else 0
                if union == 0:
                    break
                bit = np.uint64(union & -union)
                hit = np.flatnonzero(rows[:, word] & bit)
                first = hit[np.searchsorted(hit, rank)]
                if first != rank:
                    rows[[rank, first]] = rows[[first, rank]]
                    hit = np.flatnonzero(rows[:, word] & bit)
                others = hit[hit != rank]
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

    def contains(self, vectors: np.ndarray) -> np.ndarray:
        """Return ``bool (m,)``: which vectors lie in the span."""
        return np.asarray(~self.reduce(vectors).any(axis=1))


def f2_rank(rows: np.ndarray) -> int:
    """Return the F2 rank of packed rows."""
    return F2Basis(rows).rank


def f2_nullspace(matrix: np.ndarray) -> np.ndarray:
    """Return a basis, bits ``(d, n)``, of {v : M v = 0} for a 0/1 matrix ``(m, n)``."""
    matrix = np.atleast_2d(np.asarray(matrix, dtype=np.uint8))
    columns = np.ascontiguousarray(matrix.T)
    dependent = F2Basis(pack_bits(columns), track=True).dependencies
    return unpack_bits(dependent, matrix.shape[1]) if dependent is not None else columns[:0]
