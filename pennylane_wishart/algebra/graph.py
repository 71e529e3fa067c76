"""The anticommutation graph of Pauli words: connected components and their F2 spans."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pennylane_wishart.conventions import algebra as limits
from pennylane_wishart.paulis import F2Basis, PauliWords

__all__ = ["Connected", "connected_components", "isolated_mask", "y_parity"]


def y_parity(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Return x·z mod 2 of packed rows, ``uint8 (m,)``: a quadratic form with polar form ω."""
    return np.asarray(np.bitwise_count(x & z).sum(axis=1) & 1, np.uint8)


@dataclass(frozen=True, eq=False)
class Connected:
    """One component of the graph: members, and a connected basis of their span."""

    members: np.ndarray
    """Indices into the words given."""
    basis: np.ndarray
    """Positions within ``members`` of a basis, each anticommuting with an earlier one."""
    pattern: np.ndarray
    """``uint8 (m, k)``: which member anticommutes with which basis word."""
    q_linear: np.ndarray | None
    """λ with q(w) = y_parity(w) + λ·w, q = 1 on all members; None if there is none."""


def isolated_mask(words: PauliWords) -> np.ndarray:
    """Return ``bool (m,)``: which words commute with all the others.

    A word that anticommutes with any other is missed by a random product of the words with
    probability one half, so 64 probes leave few candidates, which are then checked exactly.
    """
    m = len(words)
    if m == 0:
        return np.zeros(0, dtype=bool)
    if m <= limits.FEW_WORDS:
        return np.asarray(~words.anticommutation(words).any(axis=1))
    rng = np.random.default_rng(0)
    packed = words.packed
    probes = np.stack(
        [
            np.bitwise_xor.reduce(packed[rng.integers(0, 2, m).astype(bool)], axis=0, initial=0)
            for _ in range(limits.PROBES)
        ]
    ).astype(np.uint64)
    # a word that meets no probe is probably alone: only those are tested against the whole span
    odd = words.anticommutation(PauliWords.from_packed(probes, words.n_qubits))
    mask = np.logical_not(np.any(odd, axis=1))
    candidates = np.flatnonzero(mask)
    if len(candidates):
        span = PauliWords.from_packed(F2Basis(packed).rows, words.n_qubits)
        for chunk in np.array_split(candidates, 1 + len(candidates) // limits.PROBED_CHUNK):
            mask[chunk] = ~words[chunk].anticommutation(span).any(axis=1)
    return np.asarray(mask)


def connected_components(words: PauliWords) -> list[Connected]:
    """Return the components of distinct words of which none is isolated.

    Only words outside the span of those already expanded are expanded: a word in the span
    anticommutes with nothing that the expanded ones do not reach. So a component costs
    k = dim W expansions however many words it has.

    Cost: O(Σ k · m · n / 64).
    """
    left = np.arange(len(words))
    out = []
    while len(left):
        members, component = (_grow_few if len(left) <= limits.FEW_WORDS else _grow)(words[left])
        out.append(Connected(left[members], *component))
        left = np.delete(left, members)
    return out


def _grow(words: PauliWords) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray, np.ndarray | None]]:
    """Grow the component of the first word; return its members, basis, pattern and q."""
    m, width = len(words), 2 * words.x.shape[1]
    by_column = np.ascontiguousarray(words.packed.T)
    swapped = np.concatenate([words.z, words.x], axis=1)
    tag = (1 ^ y_parity(words.x, words.z)).astype(np.uint64)  # λ·w must equal it
    work = np.concatenate([words.packed, tag[:, None]], axis=1)
    reached = np.zeros(m, dtype=bool)
    reached[0] = True
    alive = np.any(work[:, :width], axis=1)
    basis, columns, echelon = [], [], []
    while True:
        open_words = reached & alive
        # the first reached word outside the span so far: it anticommutes with an earlier one
        i = int(np.argmax(open_words))
        if not open_words[i]:
            break
        row = work[i].copy()
        word = int(np.flatnonzero(row[:width])[0])
        value = int(row[word])
        bit = np.uint64(value & -value)
        hit = np.flatnonzero(work[:, word] & bit)
        # elimination carries the tag along: where a row vanishes but its tag does not, q has no solution
        work[hit] ^= row
        alive[hit] = work[hit, :width].any(axis=1)
        echelon.append((row, word, bit))
        used = np.flatnonzero(swapped[i])  # few, where words are local
        shared = np.bitwise_xor.reduce(by_column[used] & swapped[i, used, None], axis=0)
        column = (np.bitwise_count(shared) & 1).astype(bool)
        # all that the new basis word meets belong to the component
        reached |= column
        basis.append(i)
        columns.append(column)
    members = np.flatnonzero(reached)
    position = np.full(m, -1)
    position[members] = np.arange(len(members))
    pattern = np.stack(columns, axis=1)[members].astype(np.uint8)
    q_linear = None if work[members, width].any() else _solve_linear(echelon, width)
    return members, (position[basis], pattern, q_linear)


def _grow_few(words: PauliWords) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray, np.ndarray | None]]:
    """The same on Python's own integers: a few hundred words are done before numpy has been called a few times."""
    m, width = len(words), 2 * words.x.shape[1]
    anti = words.anticommutation(words)
    meets = [int.from_bytes(row.tobytes(), "little") for row in np.packbits(anti, axis=1, bitorder="little")]
    tag = 1 << (64 * width)  # above the word's own bits: λ·w must equal it
    work = [int.from_bytes(row.tobytes(), "little") for row in words.packed]
    work = [w if parity else w | tag for w, parity in zip(work, y_parity(words.x, words.z), strict=True)]
    alive = (1 << m) - 1
    reached = 1
    basis: list[int] = []
    echelon = []
    for j, w in enumerate(work):
        alive &= ~(0 if w & (tag - 1) else 1 << j)
    while open_words := reached & alive:
        i = (open_words & -open_words).bit_length() - 1
        row = work[i]
        bit = row & -row
        for j, w in enumerate(work):
            if w & bit:
                work[j] = w ^ row
                if not work[j] & (tag - 1):
                    alive &= ~(1 << j)
        echelon.append((row, bit))
        reached |= meets[i]
        basis.append(i)
    members = np.array([j for j in range(m) if reached >> j & 1])
    position = np.full(m, -1)
    position[members] = np.arange(len(members))
    pattern = anti[members][:, basis].astype(np.uint8)
    q_linear = None
    if not any(work[j] & tag for j in members):
        found = 0
        for row, bit in reversed(echelon):
            if ((row & found).bit_count() & 1) != (row >= tag):
                found ^= bit
        q_linear = np.frombuffer(found.to_bytes(8 * width, "little"), np.uint64).copy()
    return members, (position[basis], pattern, q_linear)


def _solve_linear(echelon: list[tuple[np.ndarray, int, np.uint64]], width: int) -> np.ndarray:
    """Back-substitute λ·row = tag; a row has no bit at the pivots of earlier rows."""
    out = np.zeros(width, dtype=np.uint64)
    for row, word, bit in reversed(echelon):
        value = int(np.bitwise_count(row[:width] & out).sum()) & 1
        if value != int(row[width]):
            out[word] ^= bit
    return out
