"""The observable on a sector's multiplicity space: what it tells apart, and what it conserves.

A sector is first of all one of the algebra: all copies of one irrep, C^N ⊗ C^I, on which the
group acts as g ⊗ 1. There the observable is Σ E_ij ⊗ B_ij. Its part 1 ⊗ C is conserved and adds
a constant to the loss. Where the rest is not o ⊗ 1 but the B_ij commute, the observable itself
resolves C^I: it splits into the joint eigenspaces of the B_ij, on each of which the observable is
some o ⊗ 1. They are listed as sectors of their own, *linked*: the same group element turns
them, so they are not independent. Copies on which the observables agree stay one sector. Where the
B_ij do not commute nothing is split, and the observable is outside the algebra.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pennylane_wishart.conventions import sectors as limits
from pennylane_wishart.sectors.dense.elements import Matrix
from pennylane_wishart.sectors.dense.split import Irrep, apply
from pennylane_wishart.sectors.observables import hermitian
from pennylane_wishart.sectors.records import Fit

Tensors = Sequence[np.ndarray]
"""Per block: the observable between lines i, j and copies m, n of an irrep, complex ``(N, I_b, N, I_b)``."""

__all__ = ["ResolvedSector", "observe"]


@dataclass(frozen=True, eq=False)
class ResolvedSector:
    """A sector with its observable in the form (o + constant) ⊗ 1."""

    irrep: Irrep
    operator: np.ndarray
    """o with the mean constant of the input's part added, Hermitian ``(N, N)``."""
    fit: Fit = Fit.EXACT


def observe(
    irrep: Irrep, observables: Sequence[Matrix], parts: Sequence[np.ndarray], rng: np.random.Generator
) -> tuple[list[ResolvedSector], float]:
    """Bring the observable to the form o ⊗ 1 on one irreducible sector, or say why it has none.

    Returns:
        (sectors, constant that belongs to no single one of them).
    """
    dim = irrep.dim
    tensors, leak = [], 0.0
    for b, frame in irrep.frames:
        moved = apply(observables[b], frame)
        tensor = np.einsum("xim,xjn->imjn", frame.conj(), moved, optimize=True)
        back = np.einsum("xim,imjn->xjn", frame, tensor, optimize=True)
        # what leads out of the sector shows as a part outside its frame
        leak = max(leak, float(np.abs(moved - back).max()))
        tensors.append(tensor)
    scale = max(1.0, max(float(np.abs(t).max()) for t in tensors))
    # the partial trace over C^N acts on copies alone: it commutes with the group
    conserved = [np.einsum("imin->mn", t) / dim for t in tensors]
    moving = [t - np.einsum("ij,mn->imjn", np.eye(dim), c) for t, c in zip(tensors, conserved, strict=True)]
    turns, ids, count = _split(moving, dim, scale, rng)
    if not _commute(moving, dim, scale, rng):
        turns = [np.eye(t.shape[1]) for t in moving]
        ids, count = [np.zeros(t.shape[1], dtype=np.int64) for t in moving], 1
    amplitude = [np.einsum("xim,x->im", t.conj(), parts[b]) for b, t in irrep.frames]
    total = sum(float(np.einsum("im,mn,in->", a.conj(), c, a).real) for a, c in zip(amplitude, conserved, strict=True))
    out = []
    for group in range(count):
        bases = [q[:, ids_b == group] for q, ids_b in zip(turns, ids, strict=True)]
        frames = tuple(
            (b, np.einsum("xim,mn->xin", t, q)) for (b, t), q in zip(irrep.frames, bases, strict=True) if q.shape[1]
        )
        operator, worst = _form(moving, bases)
        fit = (
            Fit.CONNECTS
            if leak > limits.LEAK * scale
            else Fit.MIXES
            if worst > limits.SAME_OBSERVABLE * scale
            else Fit.EXACT
        )
        constant, share = _constant(conserved, bases, amplitude)
        total -= share
        out.append(ResolvedSector(replace(irrep, frames=frames), operator + constant * np.eye(dim), fit))
    return out, total


def _split(
    moving: Tensors, dim: int, scale: float, rng: np.random.Generator
) -> tuple[list[np.ndarray], list[np.ndarray], int]:
    """Diagonalise a generic combination of the B_ij; equal eigenvalues stay together."""
    r = rng.normal(size=(dim, dim)) + 1j * rng.normal(size=(dim, dim))
    # Hermitian, so that the combination of the B_ij is
    r = (r + r.conj().T) / np.linalg.norm(r)
    values, turns = [], []
    for tensor in moving:
        b = np.einsum("ij,jmin->mn", r, tensor, optimize=True)
        v, q = np.linalg.eigh(hermitian(b))
        values.append(v)
        turns.append(q)
    flat = np.sort(np.concatenate(values))
    # one numbering for all blocks: a copy in another block may agree
    edges = flat[1:][np.diff(flat) > limits.SAME_OBSERVABLE * scale]
    ids = [np.searchsorted(edges, v, side="right") for v in values]
    return turns, ids, len(edges) + 1


def _commute(moving: Tensors, dim: int, scale: float, rng: np.random.Generator) -> bool:
    """Tell whether all B_ij commute: two generic combinations do, with probability one."""
    if all(t.shape[1] == 1 for t in moving):
        return True
    draws = rng.normal(size=(2, dim, dim)) + 1j * rng.normal(size=(2, dim, dim))
    draws /= np.linalg.norm(draws[0])
    for tensor in moving:
        a, b = (np.einsum("ij,jmin->mn", r, tensor, optimize=True) for r in draws)
        if np.abs(a @ b - b @ a).max() > limits.SAME_OBSERVABLE * scale**2:
            return False
    return True


def _form(moving: Tensors, bases: Sequence[np.ndarray]) -> tuple[np.ndarray, float]:
    """Return o and the largest entry by which the moving part misses o ⊗ 1."""
    turned = [np.einsum("imjn,na->imja", t, q, optimize=True) for t, q in zip(moving, bases, strict=True)]
    copies = sum(q.shape[1] for q in bases)
    operator = (
        sum(np.einsum("ma,imja->ij", q.conj(), t, optimize=True) for t, q in zip(turned, bases, strict=True)) / copies
    )
    worst = 0.0
    for t, q in zip(turned, bases, strict=True):
        gap = t - np.einsum("ij,ma->imja", operator, q)
        worst = max(worst, float(np.abs(gap).max(initial=0.0)))
    return hermitian(operator), worst


def _constant(
    conserved: Sequence[np.ndarray], bases: Sequence[np.ndarray], amplitude: Sequence[np.ndarray]
) -> tuple[float, float]:
    """Return the mean of the conserved part in the input's share, and its contribution."""
    weight = value = trace = 0.0
    for c, q, a in zip(conserved, bases, amplitude, strict=True):
        inner = q.conj().T @ c @ q
        part = a @ q.conj()
        weight += float(np.sum(np.abs(part) ** 2))
        value += float(np.einsum("im,mn,in->", part.conj(), inner, part).real)
        trace += float(np.trace(inner).real)
    if weight < limits.NO_WEIGHT:
        return trace / sum(q.shape[1] for q in bases), 0.0
    return value / weight, value
