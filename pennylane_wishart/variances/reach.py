"""The words that the observable can reach, and how each rotation pairs them.

Going backwards through a circuit, a word Q that anticommutes with the generator P may become
Q·P. The set of reachable words only grows, so words are numbered in the order in which they
are found and the set at any step is a prefix of the numbering.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pennylane_wishart.errors import ModuleTooLargeError
from pennylane_wishart.paulis import PauliWords

__all__ = ["Reach", "closed_reach", "linear_keys", "reach"]


def linear_keys(words: PauliWords, others: PauliWords) -> tuple[np.ndarray, np.ndarray]:
    """Return ``uint64`` keys of two batches with key(PQ) = key(P) ^ key(Q).

    Exact (all bits kept) to 32 qubits; beyond, a random F2-linear hash to 64 bits, whose
    matches the caller checks on the words themselves.
    """
    n = words.n_qubits
    if n <= 32:
        shift = np.uint64(n % 64)
        return tuple((w.x[:, 0] << shift) | w.z[:, 0] for w in (words, others))  # type: ignore[return-value]
    rng = np.random.default_rng(0x9E3779B97F4A7C15)
    table = rng.integers(0, 2**64, size=2 * 64 * words.x.shape[1], dtype=np.uint64)
    return _hash(words, table), _hash(others, table)


def _hash(words: PauliWords, table: np.ndarray) -> np.ndarray:
    packed = words.packed
    out = np.zeros(len(words), np.uint64)
    one = np.uint64(1)
    for column in range(packed.shape[1]):
        for bit in range(64):
            hit = (packed[:, column] >> np.uint64(bit)) & one
            out ^= hit * table[64 * column + bit]
    return out


@dataclass(frozen=True, eq=False)
class Reach:
    """Reachable words and their pairing under each distinct generator."""

    words: PauliWords
    """All words found, in order of discovery; the observable's own come first."""
    sizes: np.ndarray
    """int64 ``(L + 1,)``: ``words[:sizes[k]]`` are reachable once rotations l ≥ k are undone."""
    distinct: np.ndarray
    """int64 ``(L,)``: which distinct generator each rotation is."""
    kinds: PauliWords
    """The distinct generators."""
    pairs: tuple[tuple[np.ndarray, np.ndarray, np.ndarray], ...]
    """Per distinct generator P: sorted i, partner j, and the sign of iP·word_i = sign·word_j."""

    def generator(self, k: int) -> PauliWords:
        """Return the word of rotation k."""
        return self.kinds[int(self.distinct[k])]

    def step(self, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return (i, j, sign) of rotation k on the words reachable after it."""
        i, j, sign = self.pairs[self.distinct[k]]
        cut = np.searchsorted(i, self.sizes[k + 1])
        return i[:cut], j[:cut], sign[:cut]

    @property
    def entries(self) -> int:
        """Total number of pairings over all rotations: the cost of one sweep."""
        return int(sum(len(self.step(k)[0]) for k in range(len(self.distinct))))


class _Index:
    """An append-only numbering of words with sorted keys for look-up."""

    def __init__(self, words: PauliWords, keys: np.ndarray):
        self.x, self.z, self.keys = words.x, words.z, keys
        self.n_qubits = words.n_qubits
        self.order = np.argsort(keys)
        self.sorted = keys[self.order]

    def __len__(self) -> int:
        return len(self.keys)

    def find(self, keys: np.ndarray) -> np.ndarray:
        """Return the number of each key, −1 where it is new."""
        at = np.searchsorted(self.sorted, keys)
        at[at == len(self.sorted)] = 0
        return np.where(self.sorted[at] == keys, self.order[at], -1)

    def append(self, x: np.ndarray, z: np.ndarray, keys: np.ndarray) -> None:
        numbers = len(self) + np.arange(len(keys))
        rank = np.argsort(keys)
        at = np.searchsorted(self.sorted, keys[rank])
        self.sorted = np.insert(self.sorted, at, keys[rank])
        self.order = np.insert(self.order, at, numbers[rank])
        self.keys = np.concatenate([self.keys, keys])
        self.x, self.z = np.concatenate([self.x, x]), np.concatenate([self.z, z])


def _anticommute(x, z, px, pz) -> np.ndarray:
    out = np.zeros(len(x), np.uint8)
    for w in range(x.shape[1]):
        if px[w] or pz[w]:
            out ^= np.bitwise_count((x[:, w] & pz[w]) ^ (z[:, w] & px[w]))
    return np.flatnonzero(out & 1)


def reach(generators: PauliWords, start: PauliWords, max_words: int) -> Reach:
    """Find every word reachable from ``start`` backwards through single-word rotations.

    Args:
        generators: one word per rotation, first gate first.
        start: distinct words of the observable.
        max_words: stop beyond this many words.
    Raises:
        ModuleTooLargeError: if more than ``max_words`` words are reachable.
    Cost: O(distinct generators · words) word operations.
    """
    kinds, distinct = generators.unique()
    start_keys, kind_keys = linear_keys(start, kinds)
    index = _Index(start, start_keys)
    seen = np.zeros(len(kinds), np.int64)
    sizes = np.empty(len(generators) + 1, np.int64)
    sizes[-1] = len(index)
    for k in range(len(generators) - 1, -1, -1):
        d = distinct[k]
        low = seen[d]
        if low < len(index):
            px, pz = kinds.x[d], kinds.z[d]
            i = low + _anticommute(index.x[low:], index.z[low:], px, pz)
            seen[d] = len(index)
            keys = index.keys[i] ^ kind_keys[d]
            new = index.find(keys) < 0
            if new.any():
                if len(index) + int(new.sum()) > max_words:
                    raise ModuleTooLargeError(
                        f"The observable reaches more than max_support={max_words} words: "
                        "raise max_support, or use walkers."
                    )
                i = i[new]
                index.append(index.x[i] ^ px, index.z[i] ^ pz, keys[new])
        sizes[k] = len(index)
    words = PauliWords(index.x, index.z, index.n_qubits)
    pairs = tuple(_pairing(index, kinds, kind_keys, d) for d in range(len(kinds)))
    return Reach(words, sizes, distinct, kinds, pairs)


def closed_reach(generators: PauliWords, start: PauliWords, max_words: int) -> Reach:
    """Reach in any order of the generators: repeat the list until nothing is added."""
    size = -1
    while True:
        found = reach(generators, start, max_words)
        if len(found.words) == size:
            return found
        size, start = len(found.words), found.words


def _pairing(index: _Index, kinds: PauliWords, kind_keys: np.ndarray, d: int):
    px, pz = kinds.x[d], kinds.z[d]
    i = _anticommute(index.x, index.z, px, pz)
    j = index.find(index.keys[i] ^ kind_keys[d])
    i, j = i[j >= 0], j[j >= 0]
    left, right = index.x[i] ^ px, index.z[i] ^ pz
    if not (np.array_equal(left, index.x[j]) and np.array_equal(right, index.z[j])):
        raise ModuleTooLargeError("Two reachable words have the same 64-bit key: lower max_support, or use walkers.")
    _, phase = kinds[int(d)].multiply(PauliWords(index.x[i], index.z[i], index.n_qubits))
    sign = np.where((phase + 1) % 4 == 0, 1, -1).astype(np.int8)
    return i.astype(np.int32), j.astype(np.int32), sign
