"""Pauli route, the block of the input in a sector: its purity and spectrum, in three exact ways."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pennylane_wishart.circuit import DenseBlock, InputState
from pennylane_wishart.conventions import sectors as limits
from pennylane_wishart.paulis import F2Basis, PauliSum, PauliWords, pack_bits, reduce_words, subsets
from pennylane_wishart.sectors.pauli.family import Family
from pennylane_wishart.sectors.pauli.frame import PauliFrame
from pennylane_wishart.sectors.pauli.weights import Characters, intersection, known_stabilizers

__all__ = ["BlockDensities", "block_expectations"]

Density = tuple[float | None, np.ndarray | None]
"""Purity over F and non-zero eigenvalues over F; None where unknown."""


@dataclass(frozen=True, eq=False)
class BlockDensities:
    """The input's blocks in the sectors of one frame."""

    frame: PauliFrame
    characters: Characters
    state: InputState
    family: Family

    def of(self, rows: np.ndarray) -> Density:
        """Return the purity over F and the non-zero eigenvalues over F of one block; None where unknown.

        ``rows`` are the characters that are copies of the sector: ρ is traced over them. Three exact
        ways: stabiliser inputs at any size (their blocks are flat), pure blocks, and summing ⟨L⟩² over
        all logical words L of a small sector.
        """
        frame, characters, state, family = self.frame, self.characters, self.state, self.family
        rows = rows[characters.weights[rows] > 0]
        weight = float(characters.weights[rows].sum())
        if weight == 0.0:
            return 0.0, np.zeros(0)
        if self._logical is not None:
            return _flat(frame, self._logical, characters, rows, family)
        if len(rows) == 1 and _is_pure(frame, state):
            if family.beta != 1:
                return weight**2, np.array([weight])
            overlap = _real_overlap(frame, characters, int(rows[0]), state, family.real_linear)
            if overlap is not None:  # Re ρ of a pure ρ has rank 2
                pair = np.array([weight + overlap, weight - overlap]) / 2
                return float(np.sum(pair**2)), pair[pair > limits.SPECTRUM * weight]
        return _by_words(frame, characters, rows, state, family)

    @cached_property
    def _logical(self) -> np.ndarray | None:
        """Bits, on the symplectic and the conserved words, of the stabilisers of all blocks; None of other inputs."""
        stabilizers, complete = known_stabilizers(self.state)
        if not complete:
            return None
        frame, jordan = self.frame, self.family.jordan
        whole = PauliWords.concatenate([frame.symplectic, frame.conserved])
        _, bits = whole.coordinates(intersection(stabilizers, whole))
        if jordan is not None and len(bits):
            outside = np.flatnonzero(~jordan(bits[:, : 2 * frame.s]))
            if len(outside):  # q is linear on commuting words: half of them are in the Jordan algebra
                bits[outside] ^= bits[outside[0]]
                bits = np.delete(bits, outside[0], axis=0)
        return bits


def _used(frame: PauliFrame) -> np.ndarray:
    return PauliWords.concatenate([frame.symplectic, frame.conserved]).support()


def _is_pure(frame: PauliFrame, state: InputState) -> bool:
    """Tell whether blocks are pure: no multiplicity on qubits that the input entangles."""
    used = _used(frame)
    # an entangled block that is partly outside leaves a mixed state inside
    straddles = any(0 < np.isin(block.qubits, used).sum() < len(block.qubits) for block in state.blocks)
    return not straddles and len(used) == frame.s + len(frame.conserved)


def _real_overlap(
    frame: PauliFrame, characters: Characters, row: int, state: InputState, linear: np.ndarray | None
) -> float | None:
    """Return |⟨ψ_χ|S|ψ̄_χ⟩| of a product input, S = P·K the real structure (β = 1).

    q(w) = |x·z| + λ·w is the sign that S gives w; K alone gives |x·z|, so P is the word whose
    commutation signs are λ.
    """
    if linear is None or state.bloch is None or len(frame.conserved) != len(frame.radical):
        return None
    half = len(linear) // 2
    used = _used(frame)
    swapped = np.concatenate([linear[half:], linear[:half]])[None]
    word = PauliWords.from_packed(swapped, frame.n_qubits).restrict(used).spread(used, frame.n_qubits)
    choices, signs = _character_signs(frame, characters, row)
    products, phases = characters.free.products(choices)
    total = 0.0 + 0.0j
    for r, (sign, phase) in enumerate(zip(signs, phases, strict=True)):
        both, k = products[r].multiply(word)
        total += sign * 1j ** int(phase + k[0]) * _conjugate_element(state, both, used)
    return min(abs(total) / len(choices), float(characters.weights[row]))


def _conjugate_element(state: InputState, word: PauliWords, used: np.ndarray) -> complex:
    """Return ⟨ψ|word|ψ̄⟩ over the used qubits of a product state."""
    out = 1.0 + 0.0j
    for block in state.blocks:
        if block.qubits[0] in used and isinstance(block, DenseBlock):
            v = block.vector.conj()
            out *= complex(v @ word.restrict(block.qubits).matrices()[0] @ v)
    return out


def _character_signs(frame: PauliFrame, characters: Characters, row: int) -> tuple[np.ndarray, np.ndarray]:
    """Return all subsets of the free words, and the sign of each ordered product in a sector."""
    _, coordinate = frame.conserved.coordinates(characters.free)
    _, unit = frame.conserved.products(coordinate)
    flips = characters.bits[row].astype(np.int64) @ coordinate.T.astype(np.int64) + unit // 2
    choices = subsets(len(characters.free))
    return choices, 1.0 - 2.0 * ((choices @ flips) & 1)


def _flat(frame: PauliFrame, bits: np.ndarray, characters: Characters, rows: np.ndarray, family: Family) -> Density:
    """Blocks of a stabiliser state: in each all non-zero eigenvalues are equal.

    Copies whose logical stabilisers have equal signs add up; others are orthogonal.
    """
    # logical stabilisers: each halves the rank of the block
    k = F2Basis(pack_bits(bits[:, : 2 * frame.s])).rank if len(bits) else 0
    signs = (characters.bits[rows].astype(np.int64) @ bits[:, 2 * frame.s :].T.astype(np.int64)) & 1
    # copies with equal signs hold the same state
    distinct, owner = np.unique(signs, axis=0, return_inverse=True)
    weights = np.bincount(np.asarray(owner).reshape(-1), characters.weights[rows], len(distinct))
    log2_rank = frame.s - k - (1 if family.beta == 4 else 0)
    purity = float(np.sum(weights**2)) * 2.0 ** (-log2_rank)
    if 2.0**log2_rank * len(weights) > limits.FLAT_VALUES:
        return purity, None
    rank = 2**log2_rank
    return purity, np.sort(np.repeat(weights / rank, rank))[::-1]


def _by_words(
    frame: PauliFrame, characters: Characters, rows: np.ndarray, state: InputState, family: Family
) -> Density:
    """Sum ⟨L⟩² over the logical words in the Jordan algebra; diagonalise Σ⟨L⟩L where it is small."""
    s, product = frame.s, state.bloch is not None
    if not product and state.n_qubits > limits.DENSITY_VECTOR_QUBITS:
        return None, None
    most = limits.DENSITY_WORDS_PRODUCT if product else limits.DENSITY_WORDS_VECTOR
    if 2 * s + len(characters.free) > np.log2(most):
        return None, None
    chosen = subsets(2 * s).astype(np.uint8)
    if family.jordan is not None:
        chosen = chosen[family.jordan(chosen)]
    logical, own = frame.symplectic.products(chosen)
    values = np.sum([block_expectations(frame, characters, int(row), state, logical) for row in rows], axis=0)
    purity = float(np.sum(values**2)) / 2**s * (2 if family.beta == 4 else 1)
    if s > limits.DENSITY_QUBITS:
        return purity, None
    # a symplectic change of basis makes words on s qubits of logical ones; signs make it a homomorphism
    standard, image = reduce_words(frame.symplectic).words.products(chosen)
    signs = 1.0 - ((image - own) % 4)
    spectrum = np.linalg.eigvalsh(PauliSum(standard, values * signs / 2**s).matrix())[::-1]
    if family.beta == 4:  # Kramers pairs (p, p) are one quaternionic eigenvalue 2p
        spectrum = 2 * spectrum[::2]
    return purity, spectrum[spectrum > limits.SPECTRUM * float(characters.weights[rows].sum())]


def block_expectations(
    frame: PauliFrame, characters: Characters, row: int, state: InputState, logical: PauliWords
) -> np.ndarray:
    """Return Re ⟨Π_χ L⟩ = 2^{−f} Σ_r χ(r)⟨rL⟩ over products r of the free conserved words."""
    choices, signs = _character_signs(frame, characters, row)
    products, phases = characters.free.products(choices)
    out = np.zeros(len(logical))
    for r, (sign, phase) in enumerate(zip(signs, phases, strict=True)):
        product, k = products[np.full(len(logical), r)].multiply(logical)
        out += sign * (1.0 - phase) * (1.0 - k) * state.expectation(product)
    return out / len(choices)
