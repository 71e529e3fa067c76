"""Dense Haar oracle for O(N), U(N) and Sp(N): random frames by QR, no formula of the package.

Quaternionic matrices of size D are complex ones of size 2D that commute with the
antiunitary J: v → Ω conj(v), Ω = [[0, 1], [−1, 0]] in blocks of D.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array


def haar_unitary(dim: int, beta: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Haar matrices of O(dim), U(dim) or Sp(dim), the last as complex 2dim × 2dim."""
    if beta == 4:
        return haar_frame(dim, 4, dim, size, rng)
    g = rng.standard_normal((size, dim, dim))
    if beta == 2:
        g = g + 1j * rng.standard_normal((size, dim, dim))
    q, r = np.linalg.qr(g)
    diagonal = np.einsum("sii->si", r)
    return q * (diagonal / np.abs(diagonal))[:, None, :]


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


# ------------------------------------------------------------------ circuits: sectors given by hand
def haar_frame(dim: int, beta: int, count: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """First ``count`` columns over F of Haar matrices, by Gram–Schmidt over all samples at once.

    Shape (size, dim, count), for β = 4 (size, 2dim, 2count) with the columns J v behind.
    """
    n, kind = (2 * dim, 2) if beta == 4 else (dim, beta)
    first: list[np.ndarray] = []
    for _ in range(count):
        v = rng.standard_normal((size, n))
        if kind == 2:
            v = v + 1j * rng.standard_normal((size, n))
        known = first + [_partner(u) for u in first] if beta == 4 else first
        for _ in range(2):  # twice, for orthogonality to rounding
            for u in known:
                v = v - u * np.einsum("sn,sn->s", np.conj(u), v)[:, None]
        first.append(v / np.linalg.norm(v, axis=1)[:, None])
    columns = first + [_partner(u) for u in first] if beta == 4 else first
    return np.stack(columns, axis=2)


def _partner(v: np.ndarray) -> np.ndarray:
    """J v for rows of v, with the sign that makes [v, Jv] an embedded quaternion."""
    half = v.shape[1] // 2
    return np.concatenate([-np.conj(v[:, half:]), np.conj(v[:, :half])], axis=1)


class Sector:
    """C^N ⊗ C^I in the Hilbert space, on which the circuit acts as SO, SU or Sp of C^N.

    ``frame`` has shape (2^n, N, I) with orthonormal columns, on which the group is the standard
    one (β = 1: real matrices; β = 4: those that commute with v → Ω conj(v)).
    """

    def __init__(self, frame: np.ndarray, beta: int, observable: np.ndarray, gate: np.ndarray, state: np.ndarray):
        self.beta, self.n = beta, frame.shape[1]
        self.dim = self.n // 2 if beta == 4 else self.n
        self.observable = self._block(frame, observable)
        self.gate = self._block(frame, gate)
        self.state = np.einsum("xni,x->ni", np.conj(frame), state)

    @staticmethod
    def _block(frame: np.ndarray, operator: np.ndarray) -> np.ndarray:
        """Operator on C^N; it must be the same in every copy and stay in the sector."""
        moved = np.einsum("xy,yni->xni", operator, frame)
        block = np.einsum("xmj,xni->mjni", np.conj(frame), moved)
        first = block[:, 0, :, 0]
        copies = frame.shape[2]
        whole = np.einsum("mn,ji->mjni", first, np.eye(copies))
        if np.abs(block - whole).max() > 1e-10 or abs(np.linalg.norm(moved) - np.linalg.norm(block)) > 1e-9:
            raise ValueError("an operator does not act as A ⊗ 1 on the sector: wrong frame")
        return first

    def _rotate(self, vectors: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
        """Apply one Haar matrix per sample to columns (…, N, c); only their span is drawn."""
        columns = vectors.shape[-1]
        if self.beta != 2 or columns >= self.n:
            u = haar_frame(self.dim, self.beta, self.dim, size, rng)
            return u @ vectors
        basis, coordinates = np.linalg.qr(vectors)  # U·basis is a Haar frame of that many columns
        return haar_frame(self.n, 2, columns, size, rng) @ coordinates

    def draw(self, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Losses and gradients of a gate e^{−iθG} between two Haar matrices, each (size,)."""
        copies = self.state.shape[1]
        before = np.broadcast_to(self._rotate(self.state, size, rng), (size, self.n, copies))
        turned = -1j * _apply(self.gate, before)
        after = self._rotate(np.concatenate([before, turned], axis=2), size, rng)
        seen = _apply(self.observable, after[:, :, :copies])
        loss = np.einsum("sni,sni->s", np.conj(seen), after[:, :, :copies]).real
        return loss, 2 * np.einsum("sni,sni->s", np.conj(seen), after[:, :, copies:]).real


def _apply(operator: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Operator (N, N) on vectors (size, N, c); most operators are sparse."""
    columns = np.ascontiguousarray(np.swapaxes(vectors, 0, 1)).reshape(len(operator), -1)
    out = csr_array(operator) @ columns
    return np.swapaxes(out.reshape(len(operator), vectors.shape[0], -1), 0, 1)


class SpinSector:
    """Observable linear in Majoranas, on which the circuit acts as SO(d) by conjugation."""

    def __init__(self, majoranas: list, observable: np.ndarray, gate: np.ndarray, state: np.ndarray):
        stack = np.array(majoranas)
        n = stack.shape[1]
        self.input = np.einsum("x,jxy,y->j", np.conj(state), stack, state).real
        self.output = np.einsum("jxy,yx->j", stack, observable).real / n
        change = 1j * (gate @ stack - stack @ gate)
        self.turn = np.einsum("jxy,kyx->jk", stack, change).real / n
        rebuilt = np.einsum("jk,jxy->kxy", self.turn, stack)
        if (
            np.abs(rebuilt - change).max() > 1e-10
            or np.linalg.norm(np.einsum("j,jxy->xy", self.output, stack) - observable) > 1e-9
        ):
            raise ValueError("the observable or the gate leaves the span of the Majoranas")

    def draw(self, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """As :meth:`Sector.draw`; improper rotations are as good, the loss being linear (d > 2)."""
        before, after = (haar_unitary(len(self.input), 1, size, rng) for _ in range(2))
        here = before @ self.input
        seen = np.swapaxes(after, 1, 2) @ self.output
        return np.einsum("sj,sj->s", seen, here), np.einsum("sk,jk,sj->s", seen, self.turn, here)
