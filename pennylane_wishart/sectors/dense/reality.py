"""Frobenius–Schur type of an irreducible sector: real, complex or quaternionic.

An antiunitary S·K that commutes with the group (S matrix, K complex conjugation) satisfies
G S = −S Ḡ for every generator G. It exists with S symmetric (β = 1), antisymmetric (β = 4),
or not at all (β = 2). S is read off the eigenvectors of a generic *real* combination X of
group elements, which commutes with S·K, and is then verified on every generator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pennylane_wishart.conventions import sectors as limits
from pennylane_wishart.sectors.dense.elements import Matrix, combination
from pennylane_wishart.sectors.dense.split import spanning_tree

__all__ = ["Reality", "find_reality"]


@dataclass(frozen=True, eq=False)
class Reality:
    """The type of a sector and its antiunitary symmetry.

    ``basis`` (complex, unitary ``(N, N)``): for β = 1 the group is real orthogonal in it; for
    β = 4 its columns come as quaternionic pairs v, S v̄; for β = 2 it is None.
    """

    beta: int
    form: np.ndarray | None
    basis: np.ndarray | None

    def commutes(self, operator: np.ndarray) -> bool:
        """Tell whether a Hermitian operator lies in the Jordan algebra: O S = S Ō."""
        if self.form is None:
            return True
        gap = operator @ self.form - self.form @ operator.conj()
        return bool(np.abs(gap).max() <= limits.JORDAN * max(1.0, np.abs(operator).max()))


def find_reality(generators: Sequence[Matrix], elements: Sequence[np.ndarray], rng: np.random.Generator) -> Reality:
    """Find the Frobenius–Schur type of an irreducible set of Hermitian generators.

    Args:
        generators: Hermitian, ``(N, N)`` each, sparse or dense, jointly irreducible.
        elements: a few group elements (products of exp(−iθG)), unitary.
    Cost: one Hermitian eigenproblem of size N.
    """
    n = elements[0].shape[0]
    complex_type = Reality(2, None, None)
    if n == 1:
        trivial = all(abs(g[0, 0]) < limits.INVARIANT_FORM for g in generators)
        return Reality(1, np.eye(1, dtype=complex), np.eye(1, dtype=complex)) if trivial else complex_type
    x, y = _real_combination(elements, rng), _real_combination(elements, rng)
    x = x + x.conj().T
    values, vectors = np.linalg.eigh(x)
    scale = max(1.0, float(np.abs(values).max()))
    # real type: X has simple eigenvalues; quaternionic: Kramers pairs; complex: neither need hold
    gaps = np.diff(values) > limits.GAP * scale
    turned = vectors.conj().T @ y @ vectors
    if gaps.all():
        form, basis = _real_form(vectors, turned)
        beta = 1
    elif n % 2 == 0 and gaps[1::2].all() and not gaps[::2].any():
        form, basis = _quaternionic_form(vectors, turned)
        beta = 4
    else:
        return complex_type
    size = max((abs(g).max() for g in generators), default=1.0)
    fits = all(  # stops at the first generator that is not invariant
        np.abs(g @ form + form @ g.conj()).max() <= limits.INVARIANT_FORM * max(size, 1.0) for g in generators
    )
    return Reality(beta, form, basis) if fits else complex_type


def _real_combination(elements: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    first, second = (combination(elements, row) for row in rng.normal(size=(2, len(elements))))
    return np.asarray(first + second @ first)


def _real_form(vectors: np.ndarray, turned: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return S = Σ s_i v_i v_iᵀ and the basis in which S = 1: s_j/s_i = Ȳ_ij/Y_ij."""
    n = len(turned)
    # an entry that is small one way is rounding
    strength = np.minimum(np.abs(turned), np.abs(turned).T)
    phase = np.ones(n, dtype=complex)
    for child, parent in spanning_tree(strength):
        entry = turned[parent, child]
        phase[child] = phase[parent] * entry.conj() / entry if entry else phase[parent]
    # eigenvectors are fixed up to a phase: S fixes it, to a sign
    basis = vectors * np.sqrt(phase)
    return basis @ basis.T, basis


def _quaternionic_form(vectors: np.ndarray, turned: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return S = Σ s_i V_i ε V_iᵀ over Kramers pairs: s_j/s_i = conj(phase of det Y_ij)."""
    half = len(turned) // 2
    blocks = turned.reshape(half, 2, half, 2).transpose(0, 2, 1, 3)
    determinant = blocks[..., 0, 0] * blocks[..., 1, 1] - blocks[..., 0, 1] * blocks[..., 1, 0]
    size = np.abs(determinant)
    phase = np.ones(half, dtype=complex)
    for child, parent in spanning_tree(np.minimum(size, size.T)):
        entry = determinant[parent, child]
        phase[child] = phase[parent] * entry.conj() / abs(entry) if entry else phase[parent]
    first, second = vectors[:, 0::2], vectors[:, 1::2]
    form = (first * phase) @ second.T - (second * phase) @ first.T
    basis = np.empty_like(vectors)
    basis[:, 0::2] = first
    basis[:, 1::2] = form @ first.conj()
    return form, basis
