"""``PauliSum``: linear combinations of Pauli words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pennylane_wishart.conventions import paulis as limits
from pennylane_wishart.conventions.numbers import TINY
from pennylane_wishart.errors import InputError
from pennylane_wishart.paulis.words import PHASES, PauliWords, matrix_dim

__all__ = ["PauliSum"]


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
    def of(cls, words: PauliWords, coefficients: np.ndarray, tol: float = limits.ZERO_TERM) -> PauliSum:
        """Combine equal words and drop coefficients below ``tol`` of the largest."""
        coefficients = np.asarray(coefficients)
        kept, inverse = words.unique()
        total = np.zeros(len(kept), dtype=np.result_type(coefficients.dtype, float))
        np.add.at(total, inverse, coefficients)
        if np.iscomplexobj(total) and np.all(np.abs(total.imag) <= tol * max(TINY, np.abs(total).max(initial=0))):
            total = total.real  # products of Hermitian words: an imaginary part that small is rounding
        # compared with what came in: terms that cancel leave rounding of their own size
        keep = np.abs(total) > tol * np.abs(coefficients).max(initial=0.0)
        return cls(kept[keep], total[keep])

    @classmethod
    def from_terms(cls, terms: Mapping[str, float]) -> PauliSum:
        """Build from a mapping string → coefficient."""
        return cls.of(PauliWords.from_strings(list(terms)), np.array(list(terms.values())))

    @classmethod
    def from_matrix(cls, matrix: np.ndarray, tol: float = limits.ZERO_TERM) -> PauliSum:
        """Expand a dense ``(2^n, 2^n)`` matrix in Pauli words. Cost O(n 4^n)."""
        matrix = np.asarray(matrix, dtype=complex)
        n = int(matrix.shape[0]).bit_length() - 1
        if matrix.shape != (2**n, 2**n):
            raise InputError(f"A matrix of shape (2^n, 2^n) is needed; got {matrix.shape}.")
        tensor = matrix.reshape((2,) * (2 * n))
        # qubit by qubit, (1, Z; X, Y) from the four entries of its 2 × 2 block: n 4^n work, not 16^n
        for q in range(n):
            a = np.moveaxis(tensor, (q, n + q), (0, 1))
            letters = np.stack(
                [a[0, 0] + a[1, 1], a[0, 0] - a[1, 1], a[0, 1] + a[1, 0], 1j * (a[0, 1] - a[1, 0])]
            ).reshape(2, 2, *a.shape[2:])
            tensor = np.moveaxis(letters / 2, (0, 1), (q, n + q))  # axes: x bit, z bit
        flat = tensor.reshape(-1)
        index = np.flatnonzero(np.abs(flat) > tol * max(np.abs(flat).max(initial=0), TINY))
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
        # commuting pairs drop out of a commutator, and the rest counts twice
        anti = self.words.anticommutation(other.words)
        i, j = np.nonzero(anti) if anticommuting_only else np.indices(anti.shape).reshape(2, -1)
        if len(i) == 0:
            return PauliSum(PauliWords.identity(self.n_qubits, 0), np.zeros(0))
        words, k = self.words[i].multiply(other.words[j])
        return PauliSum.of(words, self.coefficients[i] * other.coefficients[j] * PHASES[k])

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
        dim = matrix_dim(self.n_qubits)
        out = np.zeros((dim, dim), dtype=complex)
        columns = np.arange(dim)
        for m, c in enumerate(self.coefficients):
            rows, phases = self.words.action(m)
            out[rows, columns] += c * phases
        return out

    def apply(self, vector: np.ndarray) -> np.ndarray:
        """Apply to state vectors ``(2^n, ...)``. Words with equal flips are added up once."""
        out = np.zeros(vector.shape, dtype=complex)
        for flipped, phases in self.flips:
            out[flipped] += phases.reshape(-1, *[1] * (vector.ndim - 1)) * vector
        return out

    @cached_property
    def flips(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """(target index, amplitude) per distinct flip pattern."""
        groups: dict[bytes, list[int]] = {}
        for m, row in enumerate(self.words.x):
            groups.setdefault(row.tobytes(), []).append(m)
        out = []
        for members in groups.values():
            actions = [self.words.action(m) for m in members]
            total = sum(self.coefficients[m] * phases for m, (_, phases) in zip(members, actions, strict=True))
            out.append((actions[0][0], np.asarray(total)))
        return out
