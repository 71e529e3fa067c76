"""Oracle for sectors: dense commutants and closures, n ≤ 4. Shares no code with the package.

Route: null space of all commutators → a random Hermitian element of the commutant → its
eigenspaces are irreducible copies → intertwiners tell equal copies → nested commutators on one
copy give the algebra's dimension → null space of G S + S Ḡ = 0 gives the invariant form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PAULI = {
    "I": np.eye(2, dtype=complex),
    "X": np.array([[0, 1], [1, 0]], complex),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1.0, -1.0]).astype(complex),
}


def matrix(terms: dict[str, float]) -> np.ndarray:
    """Dense matrix of {word: coefficient}."""
    out = 0
    for word, c in terms.items():
        m = np.ones((1, 1), complex)
        for letter in word:
            m = np.kron(m, PAULI[letter])
        out = out + c * m
    return out


@dataclass
class OracleSector:
    dim: int
    multiplicity: int
    weight: float
    algebra_dim: int
    form: int  # +1 symmetric, −1 antisymmetric, 0 none
    frame: np.ndarray  # (2^n, N, I)


def _null(a: np.ndarray, tol=1e-9) -> np.ndarray:
    _, s, vh = np.linalg.svd(a, full_matrices=True)
    rank = int(np.sum(s > tol))
    return vh[rank:].conj().T


def commutant(generators) -> list[np.ndarray]:
    d = len(generators[0])
    eye = np.eye(d)
    rows = np.concatenate([np.kron(g, eye) - np.kron(eye, g.T) for g in generators])
    gram = rows.conj().T @ rows
    values, vectors = np.linalg.eigh(gram)
    return [vectors[:, k].reshape(d, d) for k in np.flatnonzero(values < 1e-9)]


def closure_dim(generators) -> int:
    """Dimension of the real Lie algebra of traceless parts, by nested commutators."""
    d = len(generators[0])
    basis: list[np.ndarray] = []

    def add(m) -> bool:
        m = m - np.eye(d) * np.trace(m) / d
        v = np.concatenate([m.real.ravel(), m.imag.ravel()])
        if np.linalg.norm(v) < 1e-10:
            return False
        v = v / np.linalg.norm(v)
        for _ in range(2):
            for b in basis:
                v = v - (b @ v) * b
        if np.linalg.norm(v) < 1e-7:
            return False
        basis.append(v / np.linalg.norm(v))
        return True

    elements = []
    for g in generators:
        if add(g):
            elements.append(g)
    done = 0
    while done < len(elements):
        for g in generators:
            c = 1j * (g @ elements[done] - elements[done] @ g)
            size = np.linalg.norm(c)
            if size > 1e-10 and add(c / size):
                elements.append(c / size)
        done += 1
    return len(basis)


def invariant_form(generators) -> int:
    d = len(generators[0])
    eye = np.eye(d)
    rows = np.concatenate([np.kron(g, eye) + np.kron(eye, g) for g in generators])  # gS + S gᵀ
    space = _null(rows)
    if space.shape[1] == 0:
        return 0
    s = space[:, 0].reshape(d, d)
    return 1 if np.linalg.norm(s - s.T) < np.linalg.norm(s + s.T) else -1


def sectors(generators, state, seed=0) -> list[OracleSector]:
    """All sectors of dense Hermitian generators, with the weight of a state vector."""
    rng = np.random.default_rng(seed)
    space = commutant(generators)
    c = sum((rng.normal() + 1j * rng.normal()) * m for m in space)
    c = c + c.conj().T
    other = sum((rng.normal() + 1j * rng.normal()) * m for m in space)
    values, vectors = np.linalg.eigh(c)
    groups = np.split(np.arange(len(values)), np.flatnonzero(np.diff(values) > 1e-6) + 1)
    copies = [vectors[:, g] for g in groups]
    found: list[list[np.ndarray]] = []
    for copy in copies:
        for family in found:
            link = family[0].conj().T @ other @ copy
            if np.linalg.norm(link) > 1e-7:
                u, _, vh = np.linalg.svd(link)
                family.append(copy @ (u @ vh).conj().T)
                break
        else:
            found.append([copy])
    out = []
    for family in found:
        frame = np.stack(family, axis=2)
        small = [family[0].conj().T @ g @ family[0] for g in generators]
        weight = float(sum(np.linalg.norm(f.conj().T @ state) ** 2 for f in family))
        out.append(
            OracleSector(
                frame.shape[1],
                len(family),
                weight,
                closure_dim(small),
                invariant_form(small),
                frame,
            )
        )
    return out


@dataclass
class Seen:
    """A sector as the observable sees it: O = (moving + center)⊗1 there, in the mean."""

    sector: OracleSector
    moving: np.ndarray  # traceless (N, N)
    center: float
    resolved: bool  # whether O = moving ⊗ 1 + 1 ⊗ C holds exactly


def relevant(generators, observable) -> list[np.ndarray]:
    """The generators in those connected components of [·, ·] ≠ 0 that move the observable."""

    def meets(a, b) -> bool:
        return bool(np.abs(a @ b - b @ a).max() > 1e-9)

    wanted = [k for k, g in enumerate(generators) if meets(g, observable)]
    done = 0
    while done < len(wanted):
        a = generators[wanted[done]]
        wanted += [k for k, g in enumerate(generators) if k not in wanted and meets(g, a)]
        done += 1
    return [generators[k] for k in sorted(wanted)]


def _joint_eigenspaces(matrices, dim: int) -> list[np.ndarray]:
    """Split C^dim by commuting Hermitian matrices, one after the other."""
    spaces = [np.eye(dim, dtype=complex)]
    for m in matrices:
        finer = []
        for v in spaces:
            values, turn = np.linalg.eigh(v.conj().T @ m @ v)
            cuts = np.flatnonzero(np.diff(values) > 1e-7) + 1
            finer += [v @ turn[:, group] for group in np.split(np.arange(len(values)), cuts)]
        spaces = finer
    return spaces


def refined(generators, observable, state) -> list[Seen]:
    """All sectors in the convention above; conserved parts between sectors go to every centre."""
    out, left = [], 0.0
    for s in sectors(generators, state):
        n, copies = s.dim, s.multiplicity
        block = np.einsum("xim,xy,yjn->imjn", s.frame.conj(), observable, s.frame)
        conserved = np.einsum("imin->mn", block) / n
        whole = np.einsum("xim,x->im", s.frame.conj(), state)
        left += float(np.einsum("im,mn,in->", whole.conj(), conserved, whole).real)
        moving = block - np.einsum("ij,mn->imjn", np.eye(n), conserved)
        pieces = [moving[i, :, j, :] for i in range(n) for j in range(n)]
        hermitian = [h for b in pieces for h in (b + b.conj().T, 1j * (b - b.conj().T))]
        commute = all(np.abs(a @ b - b @ a).max() < 1e-8 for a in hermitian for b in hermitian)
        for space in _joint_eigenspaces(hermitian, copies) if commute else [np.eye(copies, dtype=complex)]:
            frame = np.einsum("xim,ma->xia", s.frame, space)
            amplitudes = np.einsum("xia,x->ia", frame.conj(), state)
            weight = float(np.sum(np.abs(amplitudes) ** 2))
            inner = space.conj().T @ conserved @ space
            value = float(np.einsum("ia,ab,ib->", amplitudes.conj(), inner, amplitudes).real)
            center = value / weight if weight > 1e-13 else float(np.trace(inner).real) / space.shape[1]
            left -= value
            small = np.einsum("ma,imjn,na->ij", space.conj(), moving, space) / space.shape[1]
            part = OracleSector(n, space.shape[1], weight, s.algebra_dim, s.form, frame)
            out.append(Seen(part, small, center, commute))
    for seen in out:
        seen.center += left
    return out


def kind(sector: OracleSector) -> str:
    """Name by dimension and form."""
    n = sector.dim
    if n == 1:
        return "trivial"
    if sector.algebra_dim == n * n - 1:
        return "su"
    if sector.form == 1 and sector.algebra_dim == n * (n - 1) // 2:
        return "so"
    if sector.form == -1 and sector.algebra_dim == n * (n + 1) // 2:
        return "sp"
    return "other"


def restricted(sector: OracleSector, operator) -> np.ndarray:
    """Tr_I T†AT/I."""
    return np.einsum("xim,xy,yjm->ij", sector.frame.conj(), operator, sector.frame) / sector.multiplicity


def independent(a: OracleSector, b: OracleSector, generators) -> bool:
    """Whether the algebras on two sectors are independent: joint dimension is the sum."""
    joint = []
    for g in generators:
        ga = a.frame[:, :, 0].conj().T @ g @ a.frame[:, :, 0]
        gb = b.frame[:, :, 0].conj().T @ g @ b.frame[:, :, 0]
        ga = ga - np.eye(a.dim) * np.trace(ga) / a.dim
        gb = gb - np.eye(b.dim) * np.trace(gb) / b.dim
        joint.append(np.block([[ga, np.zeros((a.dim, b.dim))], [np.zeros((b.dim, a.dim)), gb]]))
    return closure_dim(joint) == a.algebra_dim + b.algebra_dim


def sample_losses(generators, observable, state, samples, layers, rng) -> np.ndarray:
    """Losses of deep circuits: ``layers`` rounds of all generators in random order and angle."""
    eigen = [np.linalg.eigh(g) for g in generators]
    psi = np.repeat(state[:, None], samples, axis=1).astype(complex)
    for _ in range(layers):
        for k in rng.permutation(len(generators)):
            values, basis = eigen[k]
            span = max(values[-1] - values[0], 1e-9)
            phases = np.exp(-1j * np.outer(values, rng.uniform(0, 40 * np.pi / span, samples)))
            psi = basis @ (phases * (basis.conj().T @ psi))
    return np.einsum("is,ij,js->s", psi.conj(), observable, psi).real
