"""``decompose``: centre, simple ideals and Cartan types of a closed algebra."""

from __future__ import annotations

import numpy as np

from pennylane_wishart.algebra.records import Ideal, LieAlgebra
from pennylane_wishart.algebra.roots import ideals_of_roots
from pennylane_wishart.algebra.walk import LinearHash
from pennylane_wishart.algebra.words import classify
from pennylane_wishart.errors import ModuleTooLargeError, NotClosedError, WishartError
from pennylane_wishart.paulis import PauliSum, PauliWords

__all__ = ["decompose"]

_MAX_DIM = 4096
_MAX_ENTRIES = 2 * 10**8
_CHUNK_ENTRIES = 1 << 22
_ZERO = 1e-13
_RESIDUAL = 1e-6
_ATTEMPTS = 4


def decompose(algebra: LieAlgebra, seed: int = 0) -> tuple[tuple[Ideal, ...], int]:
    """Decompose a closed algebra into simple ideals and its centre.

    A random element h of the algebra is regular: the null space of ad h is a Cartan subalgebra
    and the other eigenvalues ±iα(h) are its roots. With a second element of that subalgebra
    every root is a point in the plane; sums of roots that are roots give the Dynkin diagram.
    Never valid for a truncated closure. Word generators are classified instead.

    Args:
        algebra: closed, with a basis (or with known structure).
        seed: draws the elements.
    Returns:
        ``(ideals, centre dimension)``.
    Raises:
        NotClosedError: if the algebra was truncated, or has no basis.
        ModuleTooLargeError: beyond dimension 4,096, or if the basis does not fit in memory.
        WishartError: if no attempt gave a consistent root system (the basis is inaccurate).
    Cost: O(dim³ + dim · words²) flops; dim 1,000 in a second, 4,095 in a minute.
    Source: the structure theory of compact Lie algebras; root strings as in Humphreys,
        "Introduction to Lie Algebras and Representation Theory", sections 8-11.
    Example:
        >>> from pennylane_wishart.algebra import close
        >>> a = close([{"XI": 1.0, "IX": 1.0}, {"ZZ": 1.0}])
        >>> a.dim, [str(i) for i in decompose(a)[0]], decompose(a)[1]
        (4, ['su(2)'], 1)
    """
    if not algebra.is_closed:
        raise NotClosedError(f"decompose: the closure was truncated at dimension {algebra.dim}; raise max_dim.")
    if algebra.known_structure is not None:
        return algebra.known_structure
    if isinstance(algebra.basis, PauliWords):
        return classify(algebra.basis).structure
    if algebra.basis is None:
        raise NotClosedError(
            "decompose: no real basis of this algebra is known (close found none for these "
            "coefficients); write them as fractions, decimals or square roots."
        )
    if algebra.dim > _MAX_DIM:
        raise ModuleTooLargeError(
            f"decompose: dimension {algebra.dim} is beyond {_MAX_DIM}; use Pauli-word generators."
        )
    words, basis = _orthonormal(algebra.basis)
    rng = np.random.default_rng(seed)
    for _ in range(_ATTEMPTS):
        values = _root_values(words, basis, rng)
        if values is None or (found := ideals_of_roots(values)) is None:
            continue
        ideals, rank = found
        center = algebra.dim - 2 * len(values) - rank
        if center >= 0 and sum(i.dim * i.copies for i in ideals) + center == algebra.dim:
            return ideals, center
    raise WishartError(
        f"decompose: the {algebra.dim} basis elements gave no consistent root system in "
        f"{_ATTEMPTS} attempts; is the basis closed under commutators?"
    )


def _orthonormal(basis: tuple[PauliSum, ...]) -> tuple[PauliWords, np.ndarray]:
    """Return the words that occur, and orthonormal rows of coefficients on them."""
    words, inverse = PauliWords.concatenate([b.words for b in basis]).unique()
    if len(words) * len(basis) > _MAX_ENTRIES:
        raise ModuleTooLargeError(
            f"decompose: {len(basis)} elements on {len(words)} words exceed {_MAX_ENTRIES} numbers."
        )
    rows = np.repeat(np.arange(len(basis)), [len(b) for b in basis])
    dense = np.zeros((len(words), len(basis)))
    dense[inverse, rows] = np.concatenate([b.coefficients for b in basis])
    dense /= np.linalg.norm(dense, axis=0)
    orthonormal, _ = np.linalg.qr(dense)
    return words, np.ascontiguousarray(orthonormal.T)


def _root_values(words: PauliWords, basis: np.ndarray, rng) -> np.ndarray | None:
    """Return (α(h₁), α(h₂)) of the positive roots, or None if h₁ came out degenerate."""
    dim = len(basis)
    first = adjoint_matrix(words, basis, rng.normal(size=dim) @ basis)
    squares, vectors = np.linalg.eigh(first.T @ first)
    null = int(np.sum(squares < _ZERO * max(squares[-1], 1e-300)))
    if squares[-1] < _RESIDUAL:
        return np.zeros((0, 2))
    if (dim - null) % 2 or null == 0:
        return None
    cartan = vectors[:, :null] @ rng.normal(size=null)
    second = adjoint_matrix(words, basis, cartan @ basis)
    u, v = vectors[:, null::2], vectors[:, null + 1 :: 2]
    first_u, second_u = first @ u, second @ u
    alpha, beta = np.sum(v * first_u, axis=0), np.sum(v * second_u, axis=0)
    scale = max(np.abs(alpha).max(), np.abs(beta).max())
    error = max(np.abs(first_u - v * alpha).max(), np.abs(second_u - v * beta).max())
    if error > _RESIDUAL * scale:
        return None
    sign = np.sign(alpha)
    return np.stack([alpha * sign, beta * sign], axis=1)


def adjoint_matrix(words: PauliWords, basis: np.ndarray, element: np.ndarray) -> np.ndarray:
    """Return ad(element) on orthonormal rows: [a, b] = ⟨basis_a, i[element, basis_b]/2⟩."""
    packed = words.packed
    keys = LinearHash(8 * packed.shape[1])(packed)  # linear: a product's key is the keys' XOR
    order = np.argsort(keys)
    ranked = keys[order]
    support = np.flatnonzero(element)
    acting = words[support]
    ys = np.bitwise_count(words.x & words.z).sum(axis=1).astype(np.int64)
    out = np.zeros((len(basis), len(basis)))
    size = max(1, _CHUNK_ENTRIES // len(words))
    for begin in range(0, len(words), size):
        columns = np.arange(begin, min(begin + size, len(words)))
        i, j = np.nonzero(acting.anticommutation(words[columns]))
        key = keys[support[i]] ^ keys[columns[j]]
        at = np.minimum(np.searchsorted(ranked, key), len(words) - 1)
        # what leaves the span of the words cancels in the sum
        inside = np.flatnonzero(ranked[at] == key)
        target, i, j = order[at[inside]], support[i[inside]], columns[j[inside]]
        crossings = np.bitwise_count(words.z[i] & words.x[j]).sum(axis=1).astype(np.int64)
        k = (ys[i] + ys[j] - ys[target] + 2 * crossings) % 4
        block = np.zeros((len(words), len(columns)))
        block[target, j - begin] = np.where(k == 3, element[i], -element[i])
        out += (basis @ block) @ basis[:, columns].T
    return out
