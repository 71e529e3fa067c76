"""Pauli route, the input's weight in each sector: characters of the conserved words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pennylane_wishart.algebra.f2forms import row_profile
from pennylane_wishart.circuit import InputState, StabilizerBlock
from pennylane_wishart.conventions import sectors as limits
from pennylane_wishart.paulis import F2Basis, PauliWords, f2_nullspace, subsets, unpack_bits
from pennylane_wishart.sectors.pauli.frame import PauliFrame

__all__ = ["Characters", "definite_and_free", "find_characters", "intersection", "known_stabilizers"]


@dataclass(frozen=True, eq=False)
class Characters:
    """The sectors, as signs of the conserved words, and the input's weight in each."""

    bits: np.ndarray
    """uint8 ``(m, c')``: 1 where a conserved word is −1; those with weight first."""
    weights: np.ndarray
    complete: bool
    """Whether sectors of weight zero are listed too."""
    free: PauliWords
    """The conserved words whose sign the input leaves open: 2^len(free) characters can carry weight."""


def known_stabilizers(state: InputState) -> tuple[PauliWords, bool]:
    """Return independent words with ⟨P⟩ = ±1, and whether they are all of the stabiliser group.

    One-qubit blocks on an axis and stabiliser blocks are recognised; larger dense blocks add none.
    """
    n = state.n_qubits
    maps, batches, complete = [], [], True
    for block in state.blocks:
        if isinstance(block, StabilizerBlock):
            batches.append(block.stabilizers[0].spread(block.qubits, n))
        elif len(block.qubits) == 1 and np.abs(block.bloch).max() > 1 - limits.BLOCH_AXIS:
            maps.append({block.qubits[0]: "XYZ"[int(np.argmax(np.abs(block.bloch)))]})
        else:
            complete = False
    return PauliWords.concatenate([PauliWords.from_maps(maps, n), *batches]), complete


def intersection(a: PauliWords, b: PauliWords) -> PauliWords:
    """Return a basis of span(a) ∩ span(b); b must be independent."""
    if len(a) == 0 or len(b) == 0:
        return PauliWords.identity(a.n_qubits, 0)
    # combinations of b whose remainder modulo span(a) vanishes
    return b.combine(f2_nullspace(_all_bits(F2Basis(a.packed).reduce(b.packed)).T))


def _all_bits(rows: np.ndarray) -> np.ndarray:
    return unpack_bits(rows, 64 * rows.shape[1])


def definite_and_free(frame: PauliFrame, state: InputState) -> tuple[PauliWords, PauliWords]:
    """Split the conserved words into those whose sign the input fixes and a complement."""
    conserved = frame.conserved
    definite = intersection(known_stabilizers(state)[0], conserved)
    # the definite words first: what is independent of them is free
    kept, _ = row_profile(_all_bits(np.concatenate([definite.packed, conserved.packed])))
    return definite, conserved[kept[kept >= len(definite)] - len(definite)]


def find_characters(frame: PauliFrame, state: InputState) -> Characters | None:
    """List the characters that can carry weight; None if there are more than 2^10.

    The weight of χ is ⟨Π_χ⟩ = 2^{−c'} Σ_r χ(r)⟨r⟩ over the group of conserved words r.
    """
    conserved = frame.conserved
    definite, free = definite_and_free(frame, state)
    f = len(free)
    if f > limits.FREE_WORDS:
        return None
    words, phase = free.products(subsets(f))
    # a Walsh transform of expectation values, one for each product of free words
    weights = _walsh(state.expectation(words) * (1.0 - (phase % 4))) / 2**f
    signs = (state.expectation(definite) < 0).astype(np.uint8)
    bits = _from_new_basis(conserved, definite, signs, free)
    weights = np.where(weights < limits.WALSH_WEIGHT, 0.0, weights)
    complete = len(conserved) <= limits.LISTED_WORDS
    if complete and len(definite):
        every = subsets(len(conserved)).astype(np.uint8)
        known = {row.tobytes() for row in bits}
        # characters against a definite sign have weight zero
        others = np.array([r for r in every if r.tobytes() not in known], np.uint8)
        bits = np.concatenate([bits, others.reshape(-1, len(conserved))])
        weights = np.concatenate([weights, np.zeros(len(bits) - len(weights))])
    # rounded, so that equal weights keep the order of their signs
    order = np.argsort(-np.round(weights, limits.CACHED_DIGITS), kind="stable")
    return Characters(bits[order], weights[order], complete or f == len(conserved), free)


def _walsh(values: np.ndarray) -> np.ndarray:
    """Return Σ_t (−1)^(b·t) values[t] for all b."""
    out = values.astype(float).copy()
    step = 1
    while step < len(out):
        pairs = out.reshape(-1, 2, step)
        out = np.concatenate([pairs[:, :1] + pairs[:, 1:], pairs[:, :1] - pairs[:, 1:]], axis=1).reshape(-1)
        step *= 2
    return out


def _from_new_basis(conserved: PauliWords, definite: PauliWords, signs: np.ndarray, free: PauliWords) -> np.ndarray:
    """Return all characters on ``conserved`` that have given signs on ``definite``, uint8 ``(2^f, c')``."""
    basis = PauliWords.concatenate([definite, free])
    _, coordinate = basis.coordinates(conserved)
    _, phase = basis.products(coordinate)
    choices = subsets(len(free))
    values = np.concatenate([np.broadcast_to(signs, (len(choices), len(definite))), choices], axis=1)
    # conserved_j = i^(−phase_j)·product: a phase of 2 flips its sign
    flips = values.astype(np.int64) @ coordinate.T.astype(np.int64) + (phase // 2)[None, :]
    return np.asarray(flips & 1, np.uint8)
