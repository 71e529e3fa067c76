"""The words that the observable can reach, and how each rotation pairs them.

Going backwards through a circuit, a word Q that anticommutes with the generator P may become
Q·P. The set of reachable words only grows, so words are numbered in the order in which they
are found and the set at any step is a prefix of the numbering.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import ModuleTooLargeError
from pennylane_wishart.paulis import PauliWords

__all__ = ["Reach", "WordIndex", "closed_reach", "linear_keys", "reach"]

Pairing = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Sorted words i, partners j, and the sign of iP·word_i = sign·word_j."""


def linear_keys(words: PauliWords) -> np.ndarray:
    """Return ``uint64`` keys with key(PQ) = key(P) ^ key(Q).

    Exact (all bits kept) to 32 qubits; beyond, a random F2-linear hash to 64 bits, whose
    matches are checked on the words themselves.
    """
    n, packed = words.n_qubits, words.packed
    if n <= limits.KEY_QUBITS:
        return np.asarray((words.x[:, 0] << np.uint64(n % 64)) | words.z[:, 0])
    table = _key_table(packed.shape[1])
    letters = np.ascontiguousarray(packed, "<u8").view(np.uint8)
    out = np.zeros(len(words), np.uint64)
    # words of a wide circuit are the identity nearly everywhere
    for place in np.flatnonzero(letters.any(axis=0)):
        out ^= table[place][letters[:, place]]
    return out


@lru_cache(maxsize=limits.KEY_TABLES)
def _key_table(columns: int) -> np.ndarray:
    """Return the keys of every byte at every place, uint64 ``(8·columns, 256)``, from one random key a bit."""
    bits = np.random.default_rng(limits.KEY_SEED).integers(0, 2**64, size=(8 * columns, 8), dtype=np.uint64)
    table = np.zeros((8 * columns, 256), np.uint64)
    for bit in range(8):
        table[:, 1 << bit : 2 << bit] = table[:, : 1 << bit] ^ bits[:, bit : bit + 1]
    return table


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
    pairs: tuple[Pairing, ...]
    """One per distinct generator P."""

    def generator(self, k: int) -> PauliWords:
        """Return the word of rotation k."""
        return self.kinds[int(self.distinct[k])]

    def step(self, k: int) -> Pairing:
        """Return (i, j, sign) of rotation k on the words reachable after it."""
        i, j, sign = self.pairs[self.distinct[k]]
        # numbers grow with time of discovery, so what is reachable at a step is a prefix
        cut = np.searchsorted(i, self.sizes[k + 1])
        return i[:cut], j[:cut], sign[:cut]

    @property
    def entries(self) -> int:
        """Total number of pairings over all rotations: the cost of one sweep."""
        return int(sum(len(self.step(k)[0]) for k in range(len(self.distinct))))


class WordIndex:
    """An append-only numbering of words, with sorted keys for look-up."""

    def __init__(self, words: PauliWords):
        self.x, self.z, self.n_qubits = words.x, words.z, words.n_qubits
        self.keys = linear_keys(words)
        self.order = np.argsort(self.keys)
        self.sorted = self.keys[self.order]

    def __len__(self) -> int:
        return len(self.keys)

    def words(self, start: int = 0) -> PauliWords:
        """Return all words from a number on."""
        return PauliWords(self.x[start:], self.z[start:], self.n_qubits)

    def find(self, keys: np.ndarray) -> np.ndarray:
        """Return the number of each key, −1 where it is new."""
        at = np.searchsorted(self.sorted, keys)
        at[at == len(self.sorted)] = 0
        return np.where(self.sorted[at] == keys, self.order[at], -1)

    def append(self, x: np.ndarray, z: np.ndarray, keys: np.ndarray) -> None:
        """Add distinct new words."""
        numbers = len(self) + np.arange(len(keys))
        rank = np.argsort(keys)
        at = np.searchsorted(self.sorted, keys[rank])
        self.sorted = np.insert(self.sorted, at, keys[rank])
        self.order = np.insert(self.order, at, numbers[rank])
        self.keys = np.concatenate([self.keys, keys])
        self.x, self.z = np.concatenate([self.x, x]), np.concatenate([self.z, z])

    def number(self, words: PauliWords, keys: np.ndarray) -> np.ndarray:
        """Return the number of each of some distinct words; new ones are added."""
        numbers = self.find(keys)
        new = np.flatnonzero(numbers < 0)
        if len(new):
            numbers[new] = len(self) + np.arange(len(new))
            self.append(words.x[new], words.z[new], keys[new])
        self.check(words, numbers)
        return numbers

    def check(self, words: PauliWords, numbers: np.ndarray) -> None:
        """Raise where two words have one key: beyond 32 qubits a key is a hash."""
        if not (np.array_equal(words.x, self.x[numbers]) and np.array_equal(words.z, self.z[numbers])):
            raise ModuleTooLargeError(
                "Two reachable words have the same 64-bit key: lower max_support, or use walkers."
            )


def _anticommute(x: np.ndarray, z: np.ndarray, px: np.ndarray, pz: np.ndarray) -> np.ndarray:
    """Return the rows that anticommute with one word."""
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
    kind_keys = linear_keys(kinds)
    index = WordIndex(start)
    seen = np.zeros(len(kinds), np.int64)
    sizes = np.empty(len(generators) + 1, np.int64)
    sizes[-1] = len(index)
    for k in range(len(generators) - 1, -1, -1):
        d = distinct[k]
        # words that this generator has met before are paired already: only the newer ones are asked
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
    words = index.words()
    pairs = tuple(_pairing(index, kinds, kind_keys, d) for d in range(len(kinds)))
    return Reach(words, sizes, distinct, kinds, pairs)


def closed_reach(generators: PauliWords, start: PauliWords, max_words: int) -> Reach:
    """Reach in any order of the generators: repeat the list until nothing is added."""
    size = -1
    # each pass adds at least one word, and words are finite
    while True:
        found = reach(generators, start, max_words)
        if len(found.words) == size:
            return found
        size, start = len(found.words), found.words


def _pairing(index: WordIndex, kinds: PauliWords, kind_keys: np.ndarray, d: int) -> Pairing:
    px, pz = kinds.x[d], kinds.z[d]
    i = _anticommute(index.x, index.z, px, pz)
    j = index.find(index.keys[i] ^ kind_keys[d])
    i, j = i[j >= 0], j[j >= 0]
    found, phase = kinds[d].multiply(index.words()[i])
    index.check(found, j)
    sign = np.where((phase + 1) % 4 == 0, 1, -1).astype(np.int8)
    return i.astype(np.int32), j.astype(np.int32), sign
