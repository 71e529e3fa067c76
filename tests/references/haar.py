"""Dense Haar oracle for O(N), U(N) and Sp(N): random frames by QR, no formula of the package.

Quaternionic matrices of size D are complex ones of size 2D that commute with the
antiunitary J: v → Ω conj(v), Ω = [[0, 1], [−1, 0]] in blocks of D.
"""

from __future__ import annotations

import numpy as np


def haar_unitary(dim: int, beta: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Haar matrices of O(dim), U(dim) or Sp(dim), the last as complex 2dim × 2dim."""
    if beta == 4:
        return np.stack([_symplectic(dim, rng) for _ in range(size)])
    g = rng.standard_normal((size, dim, dim))
    if beta == 2:
        g = g + 1j * rng.standard_normal((size, dim, dim))
    q, r = np.linalg.qr(g)
    diagonal = np.einsum("sii->si", r)
    return q * (diagonal / np.abs(diagonal))[:, None, :]


def _symplectic(dim: int, rng: np.random.Generator) -> np.ndarray:
    """Gram–Schmidt on pairs (v, Jv), one quaternionic column at a time."""
    first, second = [], []
    for _ in range(dim):
        v = rng.standard_normal(2 * dim) + 1j * rng.standard_normal(2 * dim)
        for u in first + second:
            v = v - u * np.vdot(u, v)
        v = v / np.linalg.norm(v)
        first.append(v)
        # (x, −ȳ) pairs with (y, x̄): the second column block of an embedded quaternion
        second.append(np.concatenate([-np.conj(v[dim:]), np.conj(v[:dim])]))
    return np.array(first + second).T


def diagonal_observable(values, multiplicities, beta: int) -> np.ndarray:
    """A diagonal observable over F in complex form (each level doubled for β = 4)."""
    levels = np.repeat(np.asarray(values, float), multiplicities)
    return np.diag(np.concatenate([levels, levels]) if beta == 4 else levels)


def generator(values, multiplicities, beta: int) -> np.ndarray:
    """A Hermitian G with −iG in so, u or sp, from levels over F (|g| pairs for β = 1)."""
    levels = np.repeat(np.asarray(values, float), multiplicities)
    if beta == 2:
        return np.diag(levels).astype(complex)
    if beta == 4:
        return np.diag(np.concatenate([levels, -levels])).astype(complex)
    out = np.zeros((levels.size, levels.size), complex)
    position = 0
    for value, count in zip(values, multiplicities, strict=True):
        for _ in range(count // 2):
            out[position, position + 1], out[position + 1, position] = -1j * value, 1j * value
            position += 2
        position += count % 2
    return out


def input_state(eigenvalues, dim: int, beta: int) -> np.ndarray:
    """A density matrix over F with the given eigenvalues, in complex form with that trace."""
    levels = np.zeros(dim)
    levels[: len(eigenvalues)] = eigenvalues
    return np.diag(np.concatenate([levels, levels]) / 2 if beta == 4 else levels)


def loss_and_gradient(observable, gate, rho, beta: int, size: int, rng) -> tuple:
    """Tr[O V ρ V†] and its derivative at a gate e^{−iθG} between two Haar matrices."""
    n = observable.shape[0]
    dim = n // 2 if beta == 4 else n
    before, after = (haar_unitary(dim, beta, size, rng) for _ in range(2))
    state = before @ rho @ np.conj(np.swapaxes(before, 1, 2))
    seen = np.conj(np.swapaxes(after, 1, 2)) @ observable @ after
    loss = np.real(np.einsum("sij,sji->s", seen, state))
    change = -1j * (gate @ state - state @ gate)
    return loss, np.real(np.einsum("sij,sji->s", seen, change))
