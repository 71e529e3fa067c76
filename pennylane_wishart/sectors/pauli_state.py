"""Pauli route, the input: weights of the characters, purity and spectrum of each block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pennylane_wishart.algebra.f2forms import row_profile
from pennylane_wishart.circuit import DenseBlock, InputState, StabilizerBlock
from pennylane_wishart.paulis import F2Basis, PauliSum, PauliWords, f2_nullspace
from pennylane_wishart.sectors.pauli_frame import PauliFrame, coordinates, ordered_product

__all__ = [
    "Characters",
    "block_density",
    "block_expectations",
    "definite_and_free",
    "find_characters",
    "known_stabilizers",
]

_MAX_FREE = 10
_MAX_LISTED = 6
_MAX_WORDS_PRODUCT = 10**6
_MAX_WORDS_VECTOR = 10**5
_MAX_DENSITY_QUBITS = 8
_MAX_FLAT = 10**6


@dataclass(frozen=True, eq=False)
class Characters:
    """The sectors, as signs of the conserved words, and the input's weight in each."""

    bits: np.ndarray
    """uint8 ``(m, c')``: 1 where a conserved word is −1; those with weight first."""
    weights: np.ndarray
    complete: bool
    """Whether sectors of weight zero are listed too."""
    definite: PauliWords
    """Conserved words whose sign the input fixes."""
    free: PauliWords
    """The other conserved words: 2^len(free) characters can carry weight."""


def known_stabilizers(state: InputState) -> tuple[PauliWords, bool]:
    """Return independent words with ⟨P⟩ = ±1, and whether they are all of the stabiliser group.

    One-qubit blocks on an axis and stabiliser blocks are recognised; larger dense blocks add none.
    """
    n = state.n_qubits
    maps, batches, complete = [], [], True
    for block in state.blocks:
        if isinstance(block, StabilizerBlock):
            words, _ = block.stabilizers
            x, z = words.bits()
            wide_x, wide_z = (
                np.zeros((len(words), n), np.uint8),
                np.zeros((len(words), n), np.uint8),
            )
            wide_x[:, list(block.qubits)], wide_z[:, list(block.qubits)] = x, z
            batches.append(PauliWords.from_bits(wide_x, wide_z))
        elif len(block.qubits) == 1 and np.abs(block.bloch).max() > 1 - 1e-12:
            maps.append({block.qubits[0]: "XYZ"[int(np.argmax(np.abs(block.bloch)))]})
        else:
            complete = False
    return PauliWords.concatenate([PauliWords.from_maps(maps, n), *batches]), complete


def _intersection(a: PauliWords, b: PauliWords) -> PauliWords:
    """Return a basis of span(a) ∩ span(b); b must be independent."""
    if len(a) == 0 or len(b) == 0:
        return PauliWords.identity(a.n_qubits, 0)
    f2 = F2Basis(a.packed)
    # b combinations whose remainder modulo span(a) vanishes
    null = f2_nullspace(_bits(f2.reduce(b.packed)).T)
    return ordered_product(b, null)[0]


def _bits(rows: np.ndarray) -> np.ndarray:
    return np.unpackbits(np.ascontiguousarray(rows, "<u8").view(np.uint8), axis=1, bitorder="little")


def definite_and_free(frame: PauliFrame, state: InputState) -> tuple[PauliWords, PauliWords]:
    """Split the conserved words into those whose sign the input fixes and a complement."""
    conserved = frame.conserved
    definite = _intersection(known_stabilizers(state)[0], conserved)
    kept, _ = row_profile(_bits(np.concatenate([definite.packed, conserved.packed])))
    return definite, conserved[kept[kept >= len(definite)] - len(definite)]


def find_characters(frame: PauliFrame, state: InputState) -> Characters | None:
    """List the characters that can carry weight; None if there are more than 2^10.

    The weight of χ is ⟨Π_χ⟩ = 2^{−c'} Σ_r χ(r)⟨r⟩ over the group of conserved words r.
    """
    conserved = frame.conserved
    definite, free = definite_and_free(frame, state)
    if len(free) > _MAX_FREE:
        return None
    f = len(free)
    subsets = (np.arange(2**f)[:, None] >> np.arange(f)) & 1
    words, phase = ordered_product(free, subsets)
    values = state.expectation(words) * (1.0 - (phase % 4))
    weights = _walsh(values) / 2**f
    values_definite = state.expectation(definite)
    bits = _from_new_basis(conserved, definite, (values_definite < 0).astype(np.uint8), free, subsets)
    weights = np.where(weights < 1e-13, 0.0, weights)
    complete = len(conserved) <= _MAX_LISTED
    if complete and len(definite):
        every = (np.arange(2 ** len(conserved))[:, None] >> np.arange(len(conserved))) & 1
        known = {row.tobytes() for row in bits.astype(np.uint8)}
        others = np.array([r for r in every.astype(np.uint8) if r.tobytes() not in known], np.uint8)
        bits = np.concatenate([bits, others.reshape(-1, len(conserved))])
        weights = np.concatenate([weights, np.zeros(len(bits) - len(weights))])
    order = np.argsort(-np.round(weights, 12), kind="stable")
    return Characters(
        bits[order].astype(np.uint8),
        weights[order],
        complete or f == len(conserved),
        definite,
        free,
    )


def _walsh(values: np.ndarray) -> np.ndarray:
    """Return Σ_t (−1)^(b·t) values[t] for all b."""
    out = values.astype(float).copy()
    step = 1
    while step < len(out):
        pairs = out.reshape(-1, 2, step)
        out = np.concatenate([pairs[:, :1] + pairs[:, 1:], pairs[:, :1] - pairs[:, 1:]], axis=1).reshape(-1)
        step *= 2
    return out


def _from_new_basis(conserved, definite, definite_bits, free, free_bits) -> np.ndarray:
    """Return characters on ``conserved`` from their values on the basis (definite, free)."""
    basis = PauliWords.concatenate([definite, free])
    _, coordinate = coordinates(basis, conserved)
    _, phase = ordered_product(basis, coordinate)
    values = np.concatenate([np.broadcast_to(definite_bits, (len(free_bits), len(definite))), free_bits], axis=1)
    # conserved_j = i^(−phase_j)·product: a phase of 2 flips its sign
    flips = values.astype(np.int64) @ coordinate.T.astype(np.int64) + (phase // 2)[None, :]
    return (flips & 1).astype(np.uint8)


# ------------------------------------------------------------------ the block of the input
def block_density(
    frame: PauliFrame,
    characters: Characters,
    rows: np.ndarray,
    state: InputState,
    beta: int | None,
    jordan,
    real_linear: np.ndarray | None = None,
) -> tuple[float | None, np.ndarray | None]:
    """Return (purity over F, non-zero eigenvalues over F) of one block; None where unknown.

    ``rows`` are the characters that are copies of the sector: ρ is traced over them.
    ``jordan(bits)`` tells which products of ``frame.symplectic`` lie in the Jordan algebra;
    None for β = 2, where all do. ``real_linear`` is the packed row λ of a real structure (β =
    1). Three exact ways: stabiliser inputs at any size (their blocks are flat), pure blocks,
    and summing ⟨L⟩² over all logical words L of a small sector.
    """
    rows = rows[characters.weights[rows] > 0]
    weight = float(characters.weights[rows].sum())
    if weight == 0.0:
        return 0.0, np.zeros(0)
    stabilizers, complete = known_stabilizers(state)
    if complete:
        return _flat(frame, stabilizers, characters, rows, beta, jordan)
    if len(rows) == 1 and _is_pure(frame, state):
        if beta != 1:
            return weight**2, np.array([weight])
        overlap = _real_overlap(frame, characters, int(rows[0]), state, real_linear)
        if overlap is not None:  # Re ρ of a pure ρ has rank 2
            pair = np.array([weight + overlap, weight - overlap]) / 2
            return float(np.sum(pair**2)), pair[pair > 1e-12 * weight]
    return _by_words(frame, characters, rows, state, weight, beta, jordan)


def _is_pure(frame: PauliFrame, state: InputState) -> bool:
    """Tell whether blocks are pure: no multiplicity on qubits that the input entangles."""
    used = PauliWords.concatenate([frame.symplectic, frame.conserved]).support()
    straddles = any(0 < np.isin(block.qubits, used).sum() < len(block.qubits) for block in state.blocks)
    return not straddles and len(used) == frame.s + len(frame.conserved)


def _real_overlap(frame, characters, row, state, linear) -> float | None:
    """Return |⟨ψ_χ|S|ψ̄_χ⟩| of a product input, S = P·K the real structure (β = 1).

    q(w) = |x·z| + λ·w is the sign that S gives w; K alone gives |x·z|, so P is the word whose
    commutation signs are λ.
    """
    if linear is None or state.bloch is None or len(frame.conserved) != len(frame.radical):
        return None
    half = len(linear) // 2
    used = PauliWords.concatenate([frame.symplectic, frame.conserved]).support()
    swapped = np.concatenate([linear[half:], linear[:half]])[None]
    x, z = PauliWords.from_packed(swapped, frame.n_qubits).bits()
    mask = np.isin(np.arange(frame.n_qubits), used)
    word = PauliWords.from_bits(x * mask, z * mask)
    subsets, signs = _character_signs(frame, characters, row)
    total = 0.0 + 0.0j
    for subset, sign in zip(subsets, signs, strict=True):
        product, phase = ordered_product(characters.free, subset[None])
        both, k = product.multiply(word)
        total += sign * 1j ** int(phase[0] + k[0]) * _conjugate_element(state, both, used)
    return min(abs(total) / len(subsets), float(characters.weights[row]))


def _conjugate_element(state: InputState, word: PauliWords, used: np.ndarray) -> complex:
    """Return ⟨ψ|word|ψ̄⟩ over the used qubits of a product state."""
    letters = {(0, 0): np.eye(2), (1, 0): np.array([[0, 1], [1, 0]])}
    letters |= {(1, 1): np.array([[0, -1j], [1j, 0]]), (0, 1): np.diag([1.0, -1.0])}
    x, z = word.bits()
    out = 1.0 + 0.0j
    for block in state.blocks:
        q = block.qubits[0]
        if q in used and isinstance(block, DenseBlock):
            v = block.vector.conj()
            out *= v @ letters[int(x[0, q]), int(z[0, q])] @ v
    return out


def _character_signs(frame, characters, row) -> tuple[np.ndarray, np.ndarray]:
    """Return all subsets of the free words, and the sign of each ordered product in a sector."""
    f = len(characters.free)
    _, coordinate = coordinates(frame.conserved, characters.free)
    _, unit = ordered_product(frame.conserved, coordinate)
    flips = characters.bits[row].astype(np.int64) @ coordinate.T.astype(np.int64) + unit // 2
    subsets = (np.arange(2**f)[:, None] >> np.arange(f)) & 1
    return subsets, 1.0 - 2.0 * ((subsets @ flips) & 1)


def _flat(frame, stabilizers, characters, rows, beta, jordan) -> tuple[float, np.ndarray | None]:
    """Blocks of a stabiliser state: in each all non-zero eigenvalues are equal.

    Copies whose logical stabilisers have equal signs add up; others are orthogonal.
    """
    whole = PauliWords.concatenate([frame.symplectic, frame.conserved])
    shared = _intersection(stabilizers, whole)
    _, bits = coordinates(whole, shared)
    if jordan is not None and len(shared):
        outside = np.flatnonzero(~jordan(bits[:, : 2 * frame.s]))
        if len(outside):  # q is linear on commuting words: half of them are in the Jordan algebra
            bits[outside] ^= bits[outside[0]]
            bits = np.delete(bits, outside[0], axis=0)
    logical = bits[:, : 2 * frame.s]
    k = F2Basis(PauliWords.from_bits(logical, np.zeros_like(logical)).packed).rank if len(bits) else 0
    signs = (characters.bits[rows].astype(np.int64) @ bits[:, 2 * frame.s :].T.astype(np.int64)) & 1
    distinct, owner = np.unique(signs, axis=0, return_inverse=True)
    weights = np.bincount(np.asarray(owner).reshape(-1), characters.weights[rows], len(distinct))
    log2_rank = frame.s - k - (1 if beta == 4 else 0)
    purity = float(np.sum(weights**2)) * 2.0 ** (-log2_rank)
    if 2.0**log2_rank * len(weights) > _MAX_FLAT:
        return purity, None
    rank = 2**log2_rank
    return purity, np.sort(np.repeat(weights / rank, rank))[::-1]


def _by_words(frame, characters, rows, state, weight, beta, jordan):
    s, f = frame.s, len(characters.free)
    product = state.bloch is not None
    if not product and state.n_qubits > 12:
        return None, None
    if 2 * s + f > np.log2(_MAX_WORDS_PRODUCT if product else _MAX_WORDS_VECTOR):
        return None, None
    subsets = ((np.arange(4**s)[:, None] >> np.arange(2 * s)) & 1).astype(np.uint8)
    if jordan is not None:
        subsets = subsets[jordan(subsets)]
    logical, _ = ordered_product(frame.symplectic, subsets)
    values = np.sum([block_expectations(frame, characters, row, state, logical) for row in rows], axis=0)
    purity = float(np.sum(values**2)) / 2**s * (2 if beta == 4 else 1)
    if s > _MAX_DENSITY_QUBITS:
        return purity, None
    x_part, z_part = _standard_bits(frame, subsets)
    matrix = PauliSum(PauliWords.from_bits(x_part, z_part), values * _signs(frame, subsets) / 2**s).matrix()
    spectrum = np.linalg.eigvalsh(matrix)[::-1]
    if beta == 4:
        spectrum = 2 * spectrum[::2]
    return purity, spectrum[spectrum > 1e-12 * weight]


def block_expectations(
    frame: PauliFrame, characters: Characters, row: int, state: InputState, logical: PauliWords
) -> np.ndarray:
    """Return Re ⟨Π_χ L⟩ = 2^{−f} Σ_r χ(r)⟨rL⟩ over products r of the free conserved words."""
    subsets, signs = _character_signs(frame, characters, row)
    out = np.zeros(len(logical))
    for subset, sign in zip(subsets, signs, strict=True):
        word, phase = ordered_product(characters.free, subset[None])
        product, k = word[np.zeros(len(logical), int)].multiply(logical)
        out += sign * (1.0 - phase[0]) * (1.0 - k) * state.expectation(product)
    return out / len(subsets)


def _standard_bits(frame: PauliFrame, subsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return X and Z bits of logical words on s qubits, by a symplectic change of basis."""
    x, z, _ = _standard(frame)
    return (subsets.astype(np.int64) @ x) & 1, (subsets.astype(np.int64) @ z) & 1


def _signs(frame: PauliFrame, subsets: np.ndarray) -> np.ndarray:
    """Return the signs that make the map of logical words to s-qubit words a homomorphism."""
    x, z, _ = _standard(frame)
    _, own = ordered_product(frame.symplectic, subsets)
    _, image = ordered_product(PauliWords.from_bits(x, z), subsets)
    return 1.0 - ((image - own) % 4)


def _standard(frame: PauliFrame):
    from pennylane_wishart.sectors.pauli_spectrum import reduce_words

    reduced = reduce_words(frame.symplectic)
    x, z = reduced.words.bits()
    return x.astype(np.int64), z.astype(np.int64), reduced.signs
