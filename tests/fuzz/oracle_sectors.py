"""Dense sectors of a small circuit: the commutant's blocks, and what the observable is on each.

Everything comes from matrices; nothing here imports pennylane_wishart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from oracle_algebra import Group, Unclear, bracket, close, module, svd

__all__ = [
    "DenseSector",
    "connected_generators",
    "conserved_part",
    "reachable",
    "relevant_generators",
    "sectors",
]


@dataclass(frozen=True)
class DenseSector:
    """One sector, or one linked part of it; fields as in THEORY §5."""

    dim: int
    multiplicity: int
    beta: int | None
    weight: float
    center: float
    ground: float
    mean: float
    dof: float
    resolved: bool
    """Whether the observable is o ⊗ 1 here, so that the numbers above exist."""
    between: float = 0.0
    """On the first part of a term: what coherences between its parts add to the mean."""

    @property
    def key(self) -> tuple:
        """What sectors are sorted by."""
        return (self.dim, self.multiplicity, round(self.weight, 7), round(self.ground, 6), round(self.dof, 6))


def _commutant(generators: np.ndarray) -> np.ndarray:
    """Return a basis of the matrices that commute with all generators."""
    n = generators.shape[-1]
    eye = np.eye(n)
    total = np.zeros((n * n, n * n), complex)
    for g in generators:
        ad = np.kron(g, eye) - np.kron(eye, g.T)
        total += ad.conj().T @ ad / max(np.abs(g).max() ** 2, 1e-300)
    values, vectors = np.linalg.eigh(total)
    k = int(np.sum(values < 1e-9))
    if k < len(values) and values[k] < 1e-6:
        raise Unclear("the commutant is not clear")
    return vectors[:, :k].T.reshape(k, n, n)


def _hermitian(basis: np.ndarray, rng) -> np.ndarray:
    c = rng.normal(size=len(basis)) + 1j * rng.normal(size=len(basis))
    x = np.tensordot(c, basis, 1)
    return (x + x.conj().T) / np.linalg.norm(x)


def _eigenspaces(matrix: np.ndarray, gap: float = 1e-7) -> list[np.ndarray]:
    values, vectors = np.linalg.eigh(matrix)
    cuts = np.flatnonzero(np.diff(values) > gap) + 1
    return np.split(vectors, cuts, axis=1)


def isotypic(generators: np.ndarray, seed: int = 0) -> list[np.ndarray]:
    """Return one isometry (2^n, N, I) a term: the generators act as g ⊗ 1 on it."""
    rng = np.random.default_rng(seed)
    commutant = _commutant(generators)
    r1, r2 = _hermitian(commutant, rng), _hermitian(commutant, rng)
    rows = np.concatenate([(commutant @ r - r @ commutant).reshape(len(commutant), -1) for r in (r1, r2)], axis=1)
    left = np.linalg.svd(rows.T)[2].conj() if len(commutant) > 1 else np.ones((1, 1))
    size = np.linalg.svd(rows, compute_uv=False)
    rank = int(np.sum(size > 1e-7))
    centre = np.tensordot(left[rank:], commutant, 1) if len(commutant) > 1 else commutant
    out = []
    for space in _eigenspaces(_hermitian(centre, rng)):
        inner = [space @ v for v in _eigenspaces(space.conj().T @ r1 @ space)]
        if len({v.shape[1] for v in inner}) != 1:
            raise Unclear("copies of different sizes")
        aligned = [inner[0]]
        for v in inner[1:]:
            link = v.conj().T @ r2 @ inner[0]
            aligned.append(v @ link / np.sqrt(np.linalg.norm(link) ** 2 / len(link.T)))
        out.append(np.stack(aligned, axis=2))
    return out


def _beta(generators: np.ndarray) -> int | None:
    """Return 1, 2, 4 where the algebra is so(N), su(N), sp(N/2) in its defining representation."""
    n = generators.shape[-1]
    if n == 1:
        return None
    eye = np.eye(n)
    g = generators - np.trace(generators, axis1=1, axis2=2)[:, None, None] / n * eye
    dim = close(g).dim
    if dim == n * n - 1:
        return 2
    total = np.zeros((n * n, n * n), complex)
    for m in g:  # G S + S Ḡ = 0
        a = np.kron(m, eye) + np.kron(eye, m)  # row-major vec of S: S Ḡ → (1 ⊗ Ḡᵀ) = (1 ⊗ G)
        total += a.conj().T @ a
    values, vectors = np.linalg.eigh(total)
    if values[0] > 1e-8:
        return None
    s = vectors[:, 0].reshape(n, n)
    symmetric = np.abs(s - s.T).max() < 1e-6
    if symmetric:
        return 1 if dim == n * (n - 1) // 2 else None
    return 4 if dim == n * (n + 1) // 2 else None


def _parts(o: np.ndarray, scale: float) -> list[tuple[np.ndarray, bool]]:
    """Split C^I where the observable resolves the copies: pairs (isometry, whether O is o ⊗ 1 there)."""
    n, i = o.shape[0], o.shape[1]
    if i == 1:
        return [(np.eye(1), True)]
    conserved = np.einsum("aiaj->ij", o) / n
    rest = o - np.einsum("ab,ij->aibj", np.eye(n), conserved)
    blocks = rest.transpose(0, 2, 1, 3).reshape(n * n, i, i)
    # beside the whole observable: where it vanishes, what is left of it is rounding and resolves nothing
    blocks = blocks[np.abs(blocks).max(axis=(1, 2)) > 1e-10 * scale]
    if not len(blocks):
        return [(np.eye(i), True)]
    rng = np.random.default_rng(5)
    mixes = np.tensordot(rng.normal(size=(2, len(blocks), 2)) @ [1, 1j], blocks, 1) / scale
    for left in mixes:
        for right in mixes.conj().transpose(0, 2, 1):
            # generic mixtures commute with each other and their adjoints only if all blocks do
            if np.abs(left @ right - right @ left).max() > 1e-8:
                return [(np.eye(i), False)]
    if np.abs(mixes[0] @ mixes[1] - mixes[1] @ mixes[0]).max() > 1e-8:
        return [(np.eye(i), False)]
    return [(v, True) for v in _eigenspaces(mixes[0] + mixes[0].conj().T)]


def conserved_part(found: list[DenseSector]) -> float:
    """Return what coherences between the copies of one isotypic term add to the mean, a constant of the motion."""
    return sum(s.between for s in found)


def sectors(relevant, observable, state, split: bool = True, seed: int = 0) -> tuple[list[DenseSector], bool]:
    """Return (sectors, whether the observable connects different ones).

    ``relevant`` are the generators that move the observable (:func:`relevant_generators`); ``split``
    lists the copies apart that the observable's own blocks resolve.
    """
    dim = len(observable)
    g = np.asarray(relevant).reshape(-1, dim, dim)
    terms = isotypic(g, seed) if len(g) else [np.eye(dim).reshape(dim, 1, dim)]
    flats = [iso.reshape(dim, -1) for iso in terms]
    inside = sum(np.linalg.norm(flat.conj().T @ observable @ flat) ** 2 for flat in flats)
    total = np.linalg.norm(observable) ** 2
    connects = bool(total - inside > 1e-9 * max(total, 1e-300))
    out = []
    for iso, flat in zip(terms, flats, strict=True):
        n, i = iso.shape[1:]
        small = np.einsum("dai,gde,ebi->gab", iso.conj(), g, iso, optimize=True) / i
        o = (flat.conj().T @ observable @ flat).reshape(n, i, n, i)
        psi = np.tensordot(flat.conj(), state, (0, 0)).reshape(n, i)
        beta = _beta(small) if len(g) else None
        parts = _parts(o, np.abs(observable).max()) if split else [(np.eye(i), False)]
        found = [_sector(o, psi, v, resolved, beta) for v, resolved in parts]
        conserved = np.einsum("aiaj,bi,bj->", o, psi.conj(), psi).real / n
        found[0] = replace(found[0], between=float(conserved - sum(s.weight * s.center for s in found)))
        out += found
    return out, connects


def _sector(o, psi, v, resolved, beta) -> DenseSector:
    n, k = o.shape[0], v.shape[1]
    part = np.einsum("aibj,ik,jl->akbl", o, v.conj(), v, optimize=True)
    amplitude = psi @ v.conj()
    weight = float(np.linalg.norm(amplitude) ** 2)
    conserved = np.einsum("akal->kl", part) / n
    shift = np.trace(conserved).real / k
    if weight > 1e-12:
        shift = np.einsum("ak,kl,al->", amplitude.conj(), conserved, amplitude).real / weight
    small = np.einsum("akbk->ab", part) / k
    small = small - np.trace(small) / n * np.eye(n)
    values = np.linalg.eigvalsh(small)
    variance = float(np.mean(values**2))
    mean = -float(values[0])
    field = n // 2 if beta == 4 else n
    constant = variance <= 1e-18 * max(1.0, shift**2)
    dof = 0.0 if constant else field * mean**2 / (mean**2 + variance)
    return DenseSector(n, k, beta, weight, shift, shift - mean, 0.0 if constant else mean, dof, resolved)


def reachable(generators, observable, state, seed: int = 0):
    """Compress to the space that the input reaches under some generators: the three of them there."""
    group = Group(generators, len(state), seed)
    rows = np.array([state, *(group.element() @ state for _ in range(2 * len(state)))])
    values, basis = svd(rows)
    iso = basis[: int(np.sum(values > 1e-8 * values[0]))].T
    small = [iso.conj().T @ g @ iso for g in generators]
    # one that does nothing there is rounding, which must not be scaled up to a generator
    small = [s for s, g in zip(small, generators, strict=True) if np.linalg.norm(s) > 1e-9 * np.linalg.norm(g)]
    return small, iso.conj().T @ observable @ iso, iso.conj().T @ state


def connected_generators(generators, chosen) -> list[np.ndarray]:
    """Return some generators and those that do not commute with them, or with one that does not, and so on."""
    inside = [any(g is c for c in chosen) for g in generators]
    before = -1
    while before != sum(inside):
        before = sum(inside)
        some = np.array([g for g, k in zip(generators, inside, strict=True) if k])
        inside = [k or bool(np.abs(bracket(some, g)).max(initial=0) > 1e-9)
                  for g, k in zip(generators, inside, strict=True)]  # fmt: skip
    return [g for g, k in zip(generators, inside, strict=True) if k]


def relevant_generators(generators, observable) -> list[np.ndarray]:
    """Return the generators that do not commute with everything that the observable becomes."""
    what = module(generators, observable).basis
    return [g for g in generators if np.abs(bracket(what, g)).max(initial=0) > 1e-9]
