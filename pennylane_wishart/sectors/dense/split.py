"""Dense route, first half: split the Hilbert space into irreducible sectors (THEORY §5).

The circuit's group spans an associative *-algebra 𝒜 ≅ ⊕ M(N_α) ⊗ 1(I_α). Eigenspaces of a
generic Hermitian element X of 𝒜 are the lines e_i ⊗ C^I; a second generic element Y tells
which belong together and aligns their C^I factors. No commutant is ever solved for. The
split is verified on every generator, so a wrong one cannot pass. Irreps that are equivalent
come out as one sector, whatever the observable does: see ``multiplicity.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array, eye_array, issparse
from scipy.sparse.csgraph import breadth_first_order, connected_components, minimum_spanning_tree

from pennylane_wishart.conventions import sectors as limits
from pennylane_wishart.sectors.dense.blocks import Block
from pennylane_wishart.sectors.dense.elements import Matrix, group_elements, hermitian_element
from pennylane_wishart.sectors.observables import hermitian

__all__ = ["Irrep", "apply", "decompose_blocks", "spanning_tree"]


@dataclass(frozen=True, eq=False)
class Irrep:
    """An irreducible sector: isometries C^N ⊗ C^(I_b) → block b, and what acts on C^N."""

    frames: tuple[tuple[int, np.ndarray], ...]
    """(block index, T) with T complex ``(N_b, N, I_b)``."""
    generators: tuple[Matrix, ...]
    """Restricted generators, ``(N, N)``, real where all are; sparse where a whole sparse block is irreducible."""
    elements: tuple[np.ndarray, ...]
    """Restricted elements of the group of ``traceless``: the same random elements in every sector."""

    @cached_property
    def traceless(self) -> tuple[Matrix, ...]:
        """The generators without what they have of the centre, a number on this sector.

        It turns a phase of the sector, which no loss sees; but it hides the antiunitary symmetry and
        shifts the weights of the rest of the group.
        """
        means = [g.trace().real / self.dim for g in self.generators]
        return tuple(
            g if mean == 0 else g - mean * (eye_array(self.dim) if issparse(g) else np.eye(self.dim))
            for g, mean in zip(self.generators, means, strict=True)
        )

    @property
    def dim(self) -> int:
        """N."""
        return int(self.frames[0][1].shape[1])

    @property
    def multiplicity(self) -> int:
        """I, the number of copies found in the blocks."""
        return sum(int(t.shape[2]) for _, t in self.frames)

    def restrict(self, operators: Sequence[Matrix]) -> np.ndarray:
        """Return Tr_I T†AT/I of a Hermitian operator given per block, ``(N, N)``."""
        # the mean over copies: where the operator acts as a ⊗ 1 they are all equal
        out = np.zeros((self.dim, self.dim))
        for b, frame in self.frames:
            moved = apply(operators[b], frame)
            for m in range(frame.shape[2]):
                out = out + frame[:, :, m].conj().T @ moved[:, :, m]
        return hermitian(out / self.multiplicity)

    def residual(self, operators: Sequence[Matrix], restricted: Matrix) -> float:
        """Return the largest entry of A·T − T·(a ⊗ 1): 0 iff A acts here as a ⊗ 1.

        Past N = 256 it is taken on random vectors of norm about √N, which a nonzero gap
        cannot all miss.
        """
        if any(restricted is operators[b] for b, _ in self.frames):
            return 0.0  # the whole block
        worst, probe = 0.0, np.eye(self.dim)
        if self.dim > limits.PROBED_DIM:
            probe = np.random.default_rng(0).normal(size=(self.dim, 4))
        image = restricted @ probe
        for b, frame in self.frames:
            there = apply(operators[b], np.einsum("xim,ip->xpm", frame, probe, optimize=True))
            gap = there - np.einsum("xim,ip->xpm", frame, image, optimize=True)
            worst = max(worst, float(np.abs(gap).max()))
        return worst

    def amplitudes(self, vectors: Sequence[np.ndarray]) -> np.ndarray:
        """Return the input's amplitudes, complex ``(N, I)``, from its parts on the blocks."""
        parts = [np.einsum("xim,x->im", t.conj(), vectors[b]) for b, t in self.frames]
        return np.concatenate(parts, axis=1)


def apply(operator: Matrix, frame: np.ndarray) -> np.ndarray:
    """Return an operator times a frame ``(N_b, N, I)``."""
    return np.asarray(operator @ frame.reshape(frame.shape[0], -1)).reshape(frame.shape)


def decompose_blocks(blocks: Sequence[Block], n_generators: int, rng: np.random.Generator) -> list[Irrep] | None:
    """Split blocks into irreducible sectors; None if no attempt passes verification.

    Cost: O(Σ N_b³) per attempt, 8 or 16·Σ N_b² bytes for a handful of matrices.
    """
    given = [b.generators for b in blocks]
    scales = np.array([max(limits.SMALLEST, *(_size(g[k]) for g in given)) for k in range(n_generators)])
    for attempt in range(limits.ATTEMPTS):
        irreps = _try_split(blocks, scales, attempt, rng)
        if irreps is None:
            continue
        elements = group_elements(n_generators, 3 + attempt, scales, rng)
        # every generator must act as G ⊗ 1: a wrong split cannot pass
        residual = max(
            (
                irrep.residual([g[k] for g in given], irrep.generators[k])
                for irrep in irreps
                for k in range(n_generators)
            ),
            default=0.0,
        )
        scale = max((abs(g).max() for b in blocks for g in b.generators), default=1.0)
        if residual <= limits.VERIFIED * max(scale, 1.0):
            return [replace(i, elements=elements.on(i.traceless)) for i in irreps]
    return None


def _size(generator: Matrix) -> float:
    """Return the largest norm of a row."""
    return float(np.sqrt((abs(generator) ** 2).sum(axis=1).max(initial=0.0)))


def _try_split(
    blocks: Sequence[Block], scales: np.ndarray, attempt: int, rng: np.random.Generator
) -> list[Irrep] | None:
    given = [b.generators for b in blocks]
    x, y = (hermitian_element(given, scales, attempt, rng) for _ in range(2))
    eigen = [np.linalg.eigh(m) for m in x]
    values = np.concatenate([e[0] for e in eigen])
    cluster, count = _clusters(values)
    if cluster is None:
        return None
    starts = np.concatenate([[0], np.cumsum([b.dim for b in blocks])])
    ids = [cluster[starts[i] : starts[i + 1]] for i in range(len(blocks))]
    turned = [v.conj().T @ m @ v for m, (_, v) in zip(y, eigen, strict=True)]
    strength = _strength(turned, ids, count)
    scale = max(float(np.abs(m).max()) for m in y)  # not that of the links: all may be noise
    # eigenspaces of X that Y links belong to one irrep; those of different irreps are never linked
    linked = np.where(strength > limits.GAP * scale, strength, 0.0)
    n_sectors, label = connected_components(csr_array(linked), directed=False)
    irreps = []
    for s in range(n_sectors):
        members = np.flatnonzero(label == s)
        holders = [i for i, own in enumerate(ids) if np.isin(own, members).any()]
        if len(holders) == 1 and len(members) == blocks[holders[0]].dim:
            # the whole block is irreducible, in the basis that it came in
            whole = (holders[0], np.eye(len(members))[:, :, None])
            irreps.append(Irrep((whole,), given[holders[0]], ()))
            continue
        # the strongest links carry the least rounding
        tree = spanning_tree(strength[np.ix_(members, members)])
        frames = []
        for i in holders:
            frame = _frame(eigen[i][1], turned[i], ids[i], members, tree)
            if frame is None:
                return None
            frames.append((i, frame))
        bare = Irrep(tuple(frames), (), ())
        small = tuple(bare.restrict([g[k] for g in given]) for k in range(len(scales)))
        irreps.append(Irrep(bare.frames, small, ()))
    return irreps


def _strength(turned: Sequence[np.ndarray], ids: Sequence[np.ndarray], count: int) -> np.ndarray:
    """Return the norm of Y between each two eigenspaces of X; zero on the diagonal."""
    total = np.zeros((count, count))
    for block, own in zip(turned, ids, strict=True):
        # norms of all pairs of eigenspaces at once
        pick = csr_array((np.ones(len(own)), (np.arange(len(own)), own)), shape=(len(own), count))
        total += pick.T @ (np.abs(block) ** 2 @ pick)
    total = np.sqrt(total)
    np.fill_diagonal(total, 0.0)
    return total


def _clusters(values: np.ndarray) -> tuple[np.ndarray | None, int]:
    """Group equal eigenvalues; None if some gap is neither noise nor clearly a gap."""
    order = np.argsort(values, kind="stable")
    gaps = np.diff(values[order])
    scale = max(1.0, float(np.abs(values).max()))
    if np.any((gaps > limits.GAP_NOISE * scale) & (gaps < limits.GAP * scale)):
        return None, 0
    ids = np.concatenate([[0], np.cumsum(gaps > limits.GAP * scale)])
    out = np.empty(len(values), dtype=np.int64)
    out[order] = ids
    return out, int(ids[-1]) + 1


def spanning_tree(strength: np.ndarray) -> list[tuple[int, int]]:
    """Return (child, parent) pairs of the strongest spanning tree, parents first."""
    n = len(strength)
    if n == 1:
        return []
    # the minimum spanning tree of 1 + max − strength; scipy takes 0 for no edge
    weight = np.where(strength > 0, 1.0 + strength.max() - strength, 0.0)
    forest = minimum_spanning_tree(csr_array(weight))
    order, parents = breadth_first_order(forest, 0, directed=False)
    return [(int(c), int(parents[c])) for c in order[1:]]


def _frame(
    vectors: np.ndarray, turned: np.ndarray, ids: np.ndarray, members: np.ndarray, tree: Sequence[tuple[int, int]]
) -> np.ndarray | None:
    """Align the eigenspaces of one sector inside one block; None if they do not fit."""
    columns = [np.flatnonzero(ids == m) for m in members]
    copies = len(columns[0])
    if copies == 0 or any(len(c) != copies for c in columns):
        return None
    out = np.zeros((vectors.shape[0], len(members), copies), dtype=vectors.dtype)
    turn: dict[int, np.ndarray] = {0: np.eye(copies, dtype=vectors.dtype)}
    for child, parent in tree:
        link = turned[np.ix_(columns[child], columns[parent])] @ turn[parent]
        left, size, right = np.linalg.svd(link)
        if size[0] - size[-1] > limits.UNITARY_LINK * size[0] or size[0] == 0.0:
            return None
        turn[child] = left @ right  # Schur: the link is a multiple of a unitary
    if len(turn) != len(members):
        return None
    for i, c in enumerate(columns):
        out[:, i, :] = vectors[:, c] @ turn[i]
    return out
