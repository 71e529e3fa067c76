"""Centre, simple ideals and Cartan types of a closed algebra of sums of words, from its root system."""

from __future__ import annotations

import numpy as np

from pennylane_wishart.algebra.ideal import Ideal
from pennylane_wishart.algebra.roots import ideals_of_roots
from pennylane_wishart.algebra.walk import LinearHash
from pennylane_wishart.conventions import algebra as limits
from pennylane_wishart.conventions.numbers import TINY
from pennylane_wishart.errors import ModuleTooLargeError, WishartError
from pennylane_wishart.paulis import PauliSum, PauliWords

__all__ = ["structure_of_basis"]


def structure_of_basis(basis: tuple[PauliSum, ...], dim: int, seed: int) -> tuple[tuple[Ideal, ...], int]:
    """Return (simple ideals, dimension of the centre) of a closed algebra: see ``decompose``."""
    if dim > limits.DECOMPOSED_DIM:
        raise ModuleTooLargeError(
            f"decompose: dimension {dim} is beyond {limits.DECOMPOSED_DIM}; use Pauli-word generators."
        )
    words, rows = _orthonormal(basis)
    rng = np.random.default_rng(seed)
    for _ in range(limits.ATTEMPTS):
        values = _root_values(words, rows, rng)
        if values is None or (found := ideals_of_roots(values)) is None:
            continue
        ideals, rank = found
        center = dim - 2 * len(values) - rank
        if center >= 0 and sum(i.dim * i.copies for i in ideals) + center == dim:
            return ideals, center
    raise WishartError(
        f"decompose: the {dim} basis elements gave no consistent root system in "
        f"{limits.ATTEMPTS} attempts; is the basis closed under commutators?"
    )


def _orthonormal(basis: tuple[PauliSum, ...]) -> tuple[PauliWords, np.ndarray]:
    """Return the words that occur, and orthonormal rows of coefficients on them."""
    words, inverse = PauliWords.concatenate([b.words for b in basis]).unique()
    if len(words) * len(basis) > limits.DECOMPOSED_ENTRIES:
        raise ModuleTooLargeError(
            f"decompose: {len(basis)} elements on {len(words)} words exceed {limits.DECOMPOSED_ENTRIES} numbers."
        )
    rows = np.repeat(np.arange(len(basis)), [len(b) for b in basis])
    dense = np.zeros((len(words), len(basis)))
    dense[inverse, rows] = np.concatenate([b.coefficients for b in basis])
    dense /= np.linalg.norm(dense, axis=0)
    orthonormal, _ = np.linalg.qr(dense)
    return words, np.ascontiguousarray(orthonormal.T)


def _root_values(words: PauliWords, basis: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """Return (α(h₁), α(h₂)) of the positive roots, or None if h₁ came out degenerate."""
    dim = len(basis)
    first = _adjoint_matrix(words, basis, rng.normal(size=dim) @ basis)
    squares, vectors = np.linalg.eigh(first.T @ first)
    # ad h is antisymmetric: the null space of its square is a Cartan subalgebra, and roots come in pairs
    null = int(np.sum(squares < limits.CARTAN * max(squares[-1], TINY)))
    if squares[-1] < limits.ROOT_RESIDUAL:
        return np.zeros((0, 2))
    if (dim - null) % 2 or null == 0:
        return None
    # a second generic element of the Cartan subalgebra: with two values roots are points in a plane
    cartan = vectors[:, :null] @ rng.normal(size=null)
    second = _adjoint_matrix(words, basis, cartan @ basis)
    # eigenvalues of the square come in pairs: (u, v) span one root plane each
    u, v = vectors[:, null::2], vectors[:, null + 1 :: 2]
    first_u, second_u = first @ u, second @ u
    alpha, beta = np.sum(v * first_u, axis=0), np.sum(v * second_u, axis=0)
    scale = max(np.abs(alpha).max(), np.abs(beta).max())
    error = max(np.abs(first_u - v * alpha).max(), np.abs(second_u - v * beta).max())
    if error > limits.ROOT_RESIDUAL * scale:
        return None
    # of each pair ±α the one that is positive on h₁
    sign = np.sign(alpha)
    return np.stack([alpha * sign, beta * sign], axis=1)


def _adjoint_matrix(words: PauliWords, basis: np.ndarray, element: np.ndarray) -> np.ndarray:
    """Return ad(element) on orthonormal rows: [a, b] = ⟨basis_a, i[element, basis_b]/2⟩."""
    packed = words.packed
    keys = LinearHash(8 * packed.shape[1])(packed)  # linear: a product's key is the keys' XOR
    # look-up of products without making them: their keys are known
    order = np.argsort(keys)
    ranked = keys[order]
    support = np.flatnonzero(element)
    acting = words[support]
    ys = np.bitwise_count(words.x & words.z).sum(axis=1).astype(np.int64)
    out = np.zeros((len(basis), len(basis)))
    size = max(1, limits.ADJOINT_ENTRIES // len(words))
    for begin in range(0, len(words), size):
        columns = np.arange(begin, min(begin + size, len(words)))
        i, j = np.nonzero(acting.anticommutation(words[columns]))
        key = keys[support[i]] ^ keys[columns[j]]
        at = np.minimum(np.searchsorted(ranked, key), len(words) - 1)
        # what leaves the span of the words cancels in the sum
        inside = np.flatnonzero(ranked[at] == key)
        target, i, j = order[at[inside]], support[i[inside]], columns[j[inside]]
        crossings = np.bitwise_count(words.z[i] & words.x[j]).sum(axis=1).astype(np.int64)
        # the phase of the product, from counts of Y and of crossings
        k = (ys[i] + ys[j] - ys[target] + 2 * crossings) % 4
        block = np.zeros((len(words), len(columns)))
        block[target, j - begin] = np.where(k == 3, element[i], -element[i])
        out += (basis @ block) @ basis[:, columns].T
    return out
