"""Several inputs in the same sectors: what their joint law needs (THEORY §5, several inputs)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pennylane_wishart.sectors.blocks import full_blocks
from pennylane_wishart.sectors.dense import decompose_blocks
from pennylane_wishart.sectors.multiplicity import observe
from pennylane_wishart.sectors.observables import clustered
from pennylane_wishart.sectors.problem import pose
from pennylane_wishart.sectors.reality import find_reality
from pennylane_wishart.sectors.signature import Signature

__all__ = ["SectorInputs", "sector_inputs"]

_MAX_QUBITS = 10


@dataclass(frozen=True, eq=False)
class SectorInputs:
    """Several inputs in one sector, and the part of the observable that moves there."""

    values: tuple[float, ...]
    """Distinct eigenvalues of the traceless part of O^α."""
    multiplicities: tuple[int, ...]
    """Over F, summing to D."""
    beta: int
    columns: np.ndarray
    """complex ``(n_inputs, I, N)``: rows are the pure parts of each input, in the sector's basis
    (real for β = 1; quaternionic halves for β = 4)."""


def sector_inputs(
    signature: Signature, vectors: Sequence[np.ndarray]
) -> tuple[np.ndarray, tuple[SectorInputs, ...]] | None:
    """Return (E[ℓ_i] of every input, the sectors in which losses move); None beyond 10 qubits.

    Args:
        signature: inside the theory for its own input.
        vectors: state vectors ``(2^n,)``, in the circuit's frame.
    Cost: one dense decomposition, O(N³).
    """
    problem = pose(signature.circuit)
    if problem.n_qubits > _MAX_QUBITS:
        return None
    rng = np.random.default_rng(signature.seed)
    generators = [problem.generators[k] for k in problem.relevant]
    blocks = full_blocks(generators, problem.observable, problem.n_qubits)
    split = decompose_blocks(blocks, len(generators), rng)
    if split is None:
        return None
    matrices = [b.observable for b in blocks]
    everything = np.arange(2**problem.n_qubits)
    parts = [[b.part(everything, np.asarray(v)) for b in blocks] for v in vectors]
    means = np.zeros(len(vectors))
    found = []
    for irrep in split.irreps:
        observed, _ = observe(irrep, matrices, parts[0], rng)
        for b, frame in irrep.frames:
            moved = (matrices[b] @ frame.reshape(len(frame), -1)).reshape(frame.shape)
            conserved = np.einsum("xim,xin->mn", frame.conj(), moved) / irrep.dim
            for i, part in enumerate(parts):
                a = np.einsum("xim,x->im", frame.conj(), part[b])
                means[i] += float(np.einsum("im,mn,in->", a.conj(), conserved, a).real)
        for seen in observed:
            entry = _sector(seen.irrep, seen.operator, parts, rng)
            if entry is not None:
                found.append(entry)
    return means, tuple(found)


def _sector(irrep, operator: np.ndarray, parts, rng) -> SectorInputs | None:
    n = irrep.dim
    moving = operator - np.trace(operator).real / n * np.eye(n)
    if n == 1 or np.abs(moving).max() < 1e-12 * max(1.0, np.abs(operator).max()):
        return None
    columns = np.array([irrep.amplitudes(p).T for p in parts])
    if np.abs(columns).max() < 1e-9:
        return None
    reality = find_reality(irrep.traceless, irrep.elements, rng)
    beta = 2 if n == 2 else reality.beta  # Sp(1) = SU(2)
    if beta != 2 and reality.basis is not None:
        basis = reality.basis
        if beta == 4:  # pairs v, S v̄ side by side → all v first
            basis = np.concatenate([basis[:, 0::2], basis[:, 1::2]], axis=1)
        columns = columns @ basis.conj()
    values, counts = clustered(np.linalg.eigvalsh((moving + moving.conj().T) / 2))
    half = 2 if beta == 4 else 1
    return SectorInputs(tuple(float(v) for v in values), tuple(c // half for c in counts), beta, columns)
