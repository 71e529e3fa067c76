"""The lowest eigenvalue of an observable, exact or not at all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import LinearOperator, eigsh

from pennylane_wishart.conventions import outlook as limits
from pennylane_wishart.paulis import PauliSum

__all__ = ["lowest_eigenvalue"]


def lowest_eigenvalue(observable: PauliSum) -> float:
    """Return λ_min; NaN where it is too large to find.

    Parts that share no qubit are minimised apart: their minima add up.

    Cost: 2^k·words for each part of k qubits; diagonal parts to 20 qubits, others to 14.
    Example:
        >>> from pennylane_wishart.paulis import PauliWords
        >>> round(lowest_eigenvalue(PauliSum.of(PauliWords.from_strings(["ZI", "XI", "IZ"]), np.ones(3))), 9)
        -2.414213562
    """
    constant = observable.words.is_identity()
    total = float(np.sum(observable.coefficients[constant]).real)
    rest = PauliSum(observable.words[~constant], observable.coefficients[~constant])
    return total + sum(_part(part) for part in _apart(rest))


def _apart(observable: PauliSum) -> list[PauliSum]:
    """Return sums that share no qubit, each on its own qubits only."""
    if not len(observable):
        return []
    x, z = observable.words.bits()
    touched = (x | z).astype(np.int64)
    count, label = connected_components(touched @ touched.T, directed=False)
    out = []
    for i in range(count):
        chosen = np.flatnonzero(label == i)
        words = observable.words[chosen]
        out.append(PauliSum.of(words.restrict(words.support()), observable.coefficients[chosen]))
    return out


def _part(observable: PauliSum) -> float:
    n = observable.n_qubits
    if not observable.words.x.any():
        return float(_diagonal(observable).min()) if n <= limits.GROUND_DIAGONAL_QUBITS else float("nan")
    if n <= limits.GROUND_DENSE_QUBITS:
        return float(np.linalg.eigvalsh(observable.matrix())[0])
    if n > limits.GROUND_SPARSE_QUBITS:
        return float("nan")
    size = 2**n
    operator = LinearOperator((size, size), matvec=observable.apply, dtype=complex)
    # a start of fixed seed: the same circuit has the same number every time
    start = np.random.default_rng(0).normal(size=size).astype(complex)
    return float(eigsh(operator, k=1, which="SA", v0=start, return_eigenvectors=False)[0])


def _diagonal(observable: PauliSum) -> NDArray[np.float64]:
    """Return all diagonal entries of a sum of Z words: a Walsh–Hadamard transform of its coefficients."""
    n = observable.n_qubits
    _, z = observable.words.bits()
    values = np.zeros(2**n)
    np.add.at(values, z.astype(np.int64) @ (1 << np.arange(n)), observable.coefficients.real)
    for q in range(n):
        pairs = values.reshape(-1, 2, 2**q)
        values = np.stack([pairs[:, 0] + pairs[:, 1], pairs[:, 0] - pairs[:, 1]], axis=1).reshape(-1)
    return values
