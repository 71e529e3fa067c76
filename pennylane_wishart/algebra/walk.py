"""Orbits of Pauli words by vectorised breadth-first search in F2 coordinates."""

from __future__ import annotations

import numpy as np

from pennylane_wishart.conventions import algebra as limits
from pennylane_wishart.errors import ModuleTooLargeError
from pennylane_wishart.paulis import F2Basis, PauliWords, pack_bits

__all__ = ["LinearHash", "walk"]


def walk(starts: PauliWords, generators: PauliWords, limit: int) -> PauliWords:
    """Walk all words reached from ``starts`` by multiplying with anticommuting generators.

    Words are held as coordinates in a basis of the F2 span of starts and generators, so that
    a step is one popcount and one XOR per word and generator. Visited words are marked in a
    bitmap up to 26 coordinates, in sorted lists of keys beyond.

    Args:
        starts, generators: words on the same qubits.
        limit: largest number of words to hold.
    Returns:
        The distinct words, sorted by their packed rows.
    Raises:
        ModuleTooLargeError: if more than ``limit`` words are reached.
    Cost: O(words · generators) popcounts; 8–24 bytes per word while walking.
    """
    generators = generators[~generators.is_identity()]
    everything = PauliWords.concatenate([generators, starts])
    basis = F2Basis(everything.packed)
    span = PauliWords.from_packed(basis.rows, starts.n_qubits)
    # in coordinates a generator is one XOR, and commutation one popcount with its syndrome
    steps = _coordinates(basis, generators)
    syndromes = _pack(generators.anticommutation(span))
    state = _coordinates(basis, starts)
    # 64 MB of marks are quicker than sorting while they fit
    if basis.rank <= limits.BITMAP_BITS:
        reached = _walk_bitmap(state[:, 0], steps[:, 0], syndromes[:, 0], basis.rank, limit)[:, None]
    else:
        reached = _walk_keys(state, steps, syndromes, limit)
    return PauliWords.from_packed(_decode(basis, reached), starts.n_qubits).unique()[0]


def _too_large(limit: int) -> ModuleTooLargeError:
    return ModuleTooLargeError(
        f"The walk passed {limit} words. Raise limit, or use the counts that need no enumeration (classify, orbit)."
    )


def _pack(bits: np.ndarray) -> np.ndarray:
    if len(bits) == 0:
        return np.zeros((0, max(1, -(-bits.shape[1] // 64))), np.uint64)
    return pack_bits(bits)


def _coordinates(basis: F2Basis, words: PauliWords) -> np.ndarray:
    """Return packed coordinates: in reduced echelon form they are the bits at the pivots."""
    packed = words.packed
    bits = np.zeros((len(words), max(1, basis.rank)), dtype=np.uint8)
    for i, (word, bit) in enumerate(basis.pivots):
        bits[:, i] = (packed[:, word] & bit) != 0
    return _pack(bits)


def _decode(basis: F2Basis, coordinates: np.ndarray) -> np.ndarray:
    out = np.zeros((len(coordinates), basis.rows.shape[1]), dtype=np.uint64)
    for i, row in enumerate(basis.rows):
        word, bit = divmod(i, limits.WORD_BITS)
        out[(coordinates[:, word] >> np.uint64(bit)) & np.uint64(1) == 1] ^= row
    return out


def _walk_bitmap(state: np.ndarray, steps: np.ndarray, syndromes: np.ndarray, rank: int, limit: int) -> np.ndarray:
    visited = np.zeros(1 << rank, dtype=bool)
    frontier = np.unique(state)
    visited[frontier] = True
    total = len(frontier)
    while len(frontier):
        found = []
        for step, syndrome in zip(steps, syndromes, strict=True):
            moved = frontier[(np.bitwise_count(frontier & syndrome) & 1).astype(bool)] ^ step
            moved = moved[~visited[moved]]
            visited[moved] = True
            found.append(moved)
        frontier = np.concatenate(found) if found else frontier[:0]
        total += len(frontier)
        if total > limit:
            raise _too_large(limit)
    return np.flatnonzero(visited).astype(np.uint64)


def _walk_keys(state: np.ndarray, steps: np.ndarray, syndromes: np.ndarray, limit: int) -> np.ndarray:
    """Walk with sorted 64-bit keys; beyond 64 coordinates a key is a hash."""
    seed = 0
    while True:
        keyed = _Keyed(steps.shape[1], seed)
        try:
            return _walk_sorted(state, steps, syndromes, keyed, limit)
        except _Collision:
            seed += 1


def _walk_sorted(state: np.ndarray, steps: np.ndarray, syndromes: np.ndarray, keyed: _Keyed, limit: int) -> np.ndarray:
    keys, rows = keyed.unique(state)
    frontier = rows
    size = max(1, limits.WALK_CHUNK // max(1, len(steps) * steps.shape[1]))
    while len(frontier):
        batches = []
        for begin in range(0, len(frontier), size):
            part = frontier[begin : begin + size]
            odd = np.zeros((len(part), len(steps)), dtype=np.uint8)
            for w in range(steps.shape[1]):
                odd ^= np.bitwise_count(part[:, None, w] & syndromes[None, :, w]).astype(np.uint8)
            i, j = np.nonzero(odd & 1)
            batches.append(keyed.unique(part[i] ^ steps[j])[1])
        new_keys, moved = keyed.unique(np.concatenate(batches))
        at = np.minimum(np.searchsorted(keys, new_keys), len(keys) - 1)
        known = keys[at] == new_keys
        # a hash of more than 64 coordinates can collide: the rows decide
        if not np.array_equal(rows[at[known]], moved[known]):
            raise _Collision
        frontier = moved[~known]
        where = np.searchsorted(keys, new_keys[~known])
        keys = np.insert(keys, where, new_keys[~known])
        rows = np.insert(rows, where, frontier, axis=0)
        if len(rows) > limit:
            raise _too_large(limit)
    return rows


class _Collision(Exception):
    """Two rows share a key: walk again with another hash."""


class _Keyed:
    """Keys of packed rows: the row itself if it is one integer, else a linear hash."""

    def __init__(self, width: int, seed: int):
        self.hash = None if width == 1 else LinearHash(8 * width, seed)

    def unique(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return sorted distinct keys and their rows."""
        keys = rows[:, 0] if self.hash is None else self.hash(rows)
        keys, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        if self.hash is not None and not np.array_equal(rows[first][inverse], rows):
            raise _Collision
        return keys, rows[first]


class LinearHash:
    """A random linear map of packed rows to 64 bits, by one table per byte."""

    def __init__(self, n_bytes: int, seed: int = 0):
        rng = np.random.default_rng((0x5EED, seed))
        bits = rng.integers(0, 2**63, size=(n_bytes, 8), dtype=np.uint64) * np.uint64(2)
        bits ^= rng.integers(0, 2, size=(n_bytes, 8), dtype=np.uint64)
        self.tables = np.zeros((n_bytes, 256), dtype=np.uint64)
        for bit in range(8):
            with_bit = np.flatnonzero((np.arange(256) >> bit) & 1)
            self.tables[:, with_bit] ^= bits[:, bit : bit + 1]

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        as_bytes = np.ascontiguousarray(rows, dtype="<u8").view(np.uint8)
        out = np.zeros(len(rows), dtype=np.uint64)
        for i in range(as_bytes.shape[1]):
            out ^= self.tables[i, as_bytes[:, i]]
        return out
