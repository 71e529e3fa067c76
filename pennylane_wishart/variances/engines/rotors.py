"""Averages of rotations on an operator module, in the eigenbasis of each generator.

With A = U diag(iλ) U† the average of R⊗R over the angle multiplies entry (j, k) of U†CU by
E[exp(i·angle·(λ_j − λ_k))], so any law of angles whose characteristic function is known is
averaged exactly.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.variances.actions import Transform

__all__ = ["Rotor", "block_spectrum"]


def block_spectrum(hermitian: sparse.csr_array) -> tuple[np.ndarray, sparse.csr_array]:
    """Return the eigenvalues ``(m,)`` and eigenvectors, columns of a sparse ``(m, m)``, of a sparse Hermitian matrix.

    Each set of rows that the pattern connects is diagonalised by itself, so that vectors are as sparse as the matrix.
    """
    m = hermitian.shape[0]
    # the search reads real numbers
    count, label = connected_components(abs(hermitian), directed=False)
    rows, columns, values = [], [], []
    rates = np.zeros(m)
    order = np.argsort(label, kind="stable")
    bounds = np.searchsorted(label[order], np.arange(count + 1))
    sizes = np.diff(bounds)
    # blocks of one size are diagonalised in one call: a generator pairs most words two by two
    for size in np.unique(sizes):
        members = np.flatnonzero(sizes == size)
        index = order[bounds[members][:, None] + np.arange(size)]
        spectrum, vectors = np.linalg.eigh(_blocks(hermitian, index))
        rates[index] = spectrum
        rows.append(np.repeat(index[:, :, None], size, axis=2).reshape(-1))
        columns.append(np.repeat(index[:, None, :], size, axis=1).reshape(-1))
        values.append(vectors.reshape(-1))
    at = (np.concatenate(rows), np.concatenate(columns))
    return rates, sparse.csr_array((np.concatenate(values), at), shape=(m, m))


def _blocks(matrix: sparse.csr_array, index: np.ndarray) -> np.ndarray:
    """Return the dense blocks on rows ``index`` ``(blocks, size)``."""
    size = index.shape[1]
    if len(index) == 1:
        return np.asarray(matrix[index[0]][:, index[0]].toarray()[None])
    place = np.full(matrix.shape[0], -1)
    owner = np.full(matrix.shape[0], -1)
    place[index] = np.arange(size)[None]
    owner[index] = np.arange(len(index))[:, None]
    coo = matrix.tocoo()
    keep = owner[coo.row] >= 0
    out = np.zeros((len(index), size, size), matrix.dtype)
    # an entry may stand twice in a sum that was not tidied
    np.add.at(out, (owner[coo.row[keep]], place[coo.row[keep]], place[coo.col[keep]]), coo.data[keep])
    return out


class Rotor:
    """The spectral decomposition of one skew matrix, real or skew-Hermitian, block by block."""

    def __init__(self, skew: sparse.csr_array):
        m = skew.shape[0]
        rates, matrix = block_spectrum(sparse.csr_array(-1j * skew))
        # fancy sparse products lose against dense ones surprisingly early
        filled = matrix.nnz > limits.DENSE_SHARE * m * m
        self.forward = matrix.toarray() if filled else matrix
        self.adjoint = self.forward.conj().T if filled else matrix.conj().T.tocsr()
        self.rates = np.round(rates, limits.FREQUENCY_DIGITS)
        self.levels, self.level_of = np.unique(self.rates, return_inverse=True)
        self.moved = np.flatnonzero(np.diff(skew.indptr))
        """Rows that the matrix has; it turns nothing else."""
        self.skew = skew[self.moved].toarray() if filled else skew[self.moved]
        self._real = not np.iscomplexobj(skew.data)
        # eigenvectors of opposite rates of a real matrix are conjugate: one of each two is enough
        self._up = np.flatnonzero(self.rates > 0 if self._real else self.rates != 0)
        turning = self.forward[:, self._up]
        self._lift, self._lower = turning[self.moved], turning.conj().T
        if not filled:
            self._lower = self._lower.tocsr()

    def table(self, transform: Transform) -> np.ndarray:
        """Return E[e^{ia(λ_j−λ_k)}] on pairs of levels; ``transform(f)`` = E[e^{iaf}]."""
        return np.asarray(transform(self.levels[:, None] - self.levels[None, :]))

    def expand(self, table: np.ndarray) -> np.ndarray:
        """Spread a table over pairs of levels to ``(m, m)``."""
        return table[self.level_of[:, None], self.level_of[None, :]]

    def change(self, table: np.ndarray) -> np.ndarray:
        """Return what :meth:`averaged` asks of a table over pairs of levels."""
        # pairs of two rates that turn are met from both sides, pairs with a rate of 0 from one
        sides = np.where(self.rates == 0, 1.0, 0.5)[:, None] * (2 if self._real else 1)
        return np.asarray((table[self.level_of[self._up], self.level_of[:, None]] - 1) * sides)

    def averaged(self, matrix: np.ndarray, change: np.ndarray, hermitian: bool = True) -> np.ndarray:
        """Return E[R C R†] from what :meth:`change` makes of the table; C must be real where the skew matrix is.

        Entries between vectors that the rotation leaves as they are stay; to the others the average adds.
        """

        def added(c: np.ndarray) -> np.ndarray:
            eigen = change * (self.forward.T @ (self._lower @ c).T)
            rows = self._lift @ (self.adjoint.T @ eigen).T
            return np.asarray(rows.real if self._real else rows)

        out, rows = matrix.copy(), added(matrix)
        out[self.moved] += rows
        out[:, self.moved] += (rows if hermitian else added(matrix.conj().T)).conj().T
        return out

    def to_eigen(self, matrix: np.ndarray) -> np.ndarray:
        """Return U† C U."""
        return np.asarray((self.forward.T @ (self.adjoint @ matrix).T).T)

    def from_eigen(self, matrix: np.ndarray) -> np.ndarray:
        """Return U C U† of a matrix that is real in the original basis."""
        return np.asarray((self.adjoint.T @ (self.forward @ matrix).T).T.real)

    def average_vector(self, vector: np.ndarray, transform: Transform, derivative: bool = False) -> np.ndarray:
        """Return E[R]·v, or E[A R]·v."""
        factor = transform(self.rates)
        if derivative:
            factor = factor * 1j * self.rates
        return np.asarray((self.forward @ (factor * (self.adjoint @ vector))).real)

    def rotation(self, angle: float) -> np.ndarray:
        """Return the dense rotation exp(angle·A), ``(m, m)``."""
        phase = np.exp(1j * angle * self.rates)
        if sparse.issparse(self.forward):
            return np.asarray((self.forward @ sparse.diags_array(phase) @ self.adjoint).toarray().real)
        return np.asarray(((self.forward * phase) @ self.adjoint).real)
