"""Certificates that a group is all of SU(N), SO(N) or Sp(N/2) in its defining representation.

Let h be the Lie algebra that acts on a sector, X a generic element of it with eigenvectors
v_i and eigenvalues λ_i. h_C is a sum of its parts in the eigenspaces of ad_X. Where an
eigenvalue of ad_X on the ambient sl(N), so(N) or sp(N/2) belongs to one root vector only
(the pair is *isolated*), that root vector lies in h_C as soon as some Y ∈ h has a component
along it. Root vectors so obtained generate a closed root subsystem. If they connect all N
weights, it acts irreducibly on C^N together with the torus, and by the classification of
closed subsystems (Borel–de Siebenthal) it is the whole root system: subsystems of D_n of
type A_k or D_k × D_l, of B_n of type D_n or B_k × D_l, and of C_n of type A_k or C_k × C_l
leave a set of weights apart. So h is everything; the algebra is never enumerated.

The certificate is one-sided: a missing one proves nothing, and ``algebra_dim`` then counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from pennylane_wishart.conventions import sectors as limits
from pennylane_wishart.conventions.numbers import TINY
from pennylane_wishart.sectors.dense.elements import Matrix, combination
from pennylane_wishart.sectors.observables import hermitian

__all__ = [
    "Certificate",
    "algebra_dim",
    "certify",
    "full_dim",
    "lie_coefficients",
    "lie_element",
    "root_values",
]


@dataclass(frozen=True, eq=False)
class Certificate:
    """What is known of the group on one sector."""

    kind: str
    """"su", "so", "sp", "trivial", or "other" where nothing was certified."""
    roots: tuple[np.ndarray, ...]
    """Per simple ideal: sorted positive root values of the shared generic element X. They do
    not depend on the representation, so equal lists mean ideals that turn together."""


def lie_coefficients(n_generators: int, n_elements: int, rng: np.random.Generator) -> np.ndarray:
    """Draw the coefficients of a generic Lie element, shared by all sectors."""
    return rng.normal(size=(n_elements + 1, n_generators))


def lie_element(generators: Sequence[Matrix], elements: Iterable[np.ndarray], coefficients: np.ndarray) -> np.ndarray:
    """Return Σ_j u_j (Σ_k c_jk G_k) u_j†, u_0 = 1: a generic Hermitian element of the algebra.

    The orbit of the generators under the group spans the algebra, so no commutators are needed.
    """
    out = combination(generators, coefficients[0])
    for row, u in zip(coefficients[1:], elements, strict=True):
        out = out + u @ combination(generators, row) @ u.conj().T
    return hermitian(out)


def full_dim(kind: str, n: int) -> int:
    """Return dim su(N), so(N) or sp(N/2)."""
    return {"su": n * n - 1, "so": n * (n - 1) // 2, "sp": n * (n + 1) // 2}[kind]


def certify(x: np.ndarray, y: np.ndarray, beta: int) -> Certificate:
    """Certify that the algebra of two generic elements is the full one of its type.

    Args:
        x, y: Hermitian ``(N, N)``, generic elements of the algebra on an irreducible sector.
        beta: Frobenius–Schur type; N = 2 with a quaternionic form is su(2).
    Cost: one eigenproblem of size N and a sort of N² differences.
    """
    n = len(x)
    if n == 1:
        return Certificate("trivial", ())
    # a quaternionic C² is su(2) = sp(1)
    kind = "su" if beta == 2 or n == 2 else {1: "so", 4: "sp"}[beta]
    values, vectors = np.linalg.eigh(x)
    # Y in the eigenbasis of X: its entries are its parts along root vectors
    turned = np.abs(vectors.conj().T @ y @ vectors)
    rows, columns = _root_pairs(kind, n)
    roots = values[columns] - values[rows]
    # a root alone with its value has its root vector in the algebra, if it has a part in Y at all
    scale = max(float(np.abs(values).max()), TINY)
    order = np.argsort(roots)
    gaps = np.diff(roots[order]) > limits.ISOLATED_ROOT * scale
    lonely = np.concatenate([[True], gaps]) & np.concatenate([gaps, [True]])
    lonely &= roots[order] > limits.ISOLATED_ROOT * scale  # a root that vanishes hides in the torus
    size = max(float(turned.max()), TINY)
    found = order[lonely]
    found = found[turned[rows[found], columns[found]] > limits.PRESENT_ROOT * size]
    if not _connected(kind, n, rows[found], columns[found]):
        return Certificate("other", ())
    return Certificate(kind, root_values(kind, x, values))


def root_values(kind: str, x: np.ndarray, values: np.ndarray | None = None) -> tuple[np.ndarray, ...]:
    """Return the sorted positive root values of a Lie element, per simple ideal."""
    n = len(x)
    if n == 1:
        return ()
    values = np.linalg.eigvalsh(x) if values is None else values
    if kind == "so" and n == 4:  # so(4) = su(2) ⊕ su(2): one root each
        return np.array([abs(values[0] + values[1])]), np.array([abs(values[0] - values[1])])
    rows, columns = _root_pairs(kind, n)
    return (np.sort(values[columns] - values[rows]),)


def _root_pairs(kind: str, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return weights i < j, one pair per positive root λ_j − λ_i (eigenvalues ascending)."""
    rows, columns = np.triu_indices(n, 1)
    if kind == "su":
        return rows, columns
    # E_ij and its partner E_(n−1−j, n−1−i) are one root vector of so(N) and sp(N/2); the pairs
    # with i + j = n − 1 are the long roots of sp and absent from so.
    keep = rows + columns < n - 1 if kind == "so" else rows + columns <= n - 1
    return rows[keep], columns[keep]


def _connected(kind: str, n: int, rows: np.ndarray, columns: np.ndarray) -> bool:
    if kind != "su":
        rows, columns = (
            np.concatenate([rows, n - 1 - columns]),
            np.concatenate([columns, n - 1 - rows]),
        )
    graph = csr_array((np.ones(len(rows)), (rows, columns)), shape=(n, n))
    return bool(connected_components(graph, directed=False)[0] == 1)


def algebra_dim(generators: Sequence[np.ndarray], rng: np.random.Generator) -> int | None:
    """Return the dimension of the algebra on a sector, numerically; None for large sectors.

    It is the rank of random elements u G u†, u a long product of exp(−iθG). An estimate from
    a rank at tolerance 1e-8, good for a sentence, not for a certificate.
    """
    n = len(generators[0])
    if n * n > limits.COUNTED_ENTRIES:
        return None
    eigen = [np.linalg.eigh(g) for g in generators]
    walk = np.eye(n, dtype=complex)
    rows = []
    for _ in range(n * n + 10):  # a few more than the largest dimension, so that the rank is seen to stop
        for k in rng.permutation(len(generators)):
            values, basis = eigen[k]
            walk = walk @ (basis * np.exp(-1j * rng.normal(scale=2.0) * values)) @ basis.conj().T
        mix = combination(generators, rng.normal(size=len(generators)))
        element = walk @ mix @ walk.conj().T
        # the centre is no part of the group on the sector
        element = element - np.eye(n) * np.trace(element) / n
        rows.append(np.concatenate([element.real.ravel(), element.imag.ravel()]))
    # the orbit of one element spans the algebra it generates
    singular = np.linalg.svd(np.array(rows), compute_uv=False)
    return int(np.sum(singular > limits.COUNTED_RANK * singular[0])) if singular[0] > limits.COUNTED_ZERO else 0
