"""A growing table of distinct Pauli words with look-up, and ad of generators as sparse matrices."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from pennylane_wishart.algebra.walk import LinearHash
from pennylane_wishart.conventions import algebra as limits
from pennylane_wishart.paulis import PauliSum, PauliWords

__all__ = ["AdjointTable", "WordTable", "bracket_signs"]


def bracket_signs(a: PauliWords, b: PauliWords) -> tuple[PauliWords, np.ndarray]:
    """Return (words, signs) with i[A, B]/2 = sign·word for anticommuting words, elementwise."""
    product, k = a.multiply(b)
    return product, np.where(k == 3, 1, -1)


class WordTable:
    """Distinct words, numbered in the order in which they were met."""

    def __init__(self, n_qubits: int, width: int):
        self.n_qubits = n_qubits
        self.packed = np.zeros((0, 2 * width), dtype=np.uint64)
        self._seed = 0
        self._rehash()

    def __len__(self) -> int:
        return len(self.packed)

    @property
    def words(self) -> PauliWords:
        """The words in order."""
        return PauliWords.from_packed(self.packed, self.n_qubits)

    def _rehash(self) -> None:
        self._hash = LinearHash(8 * self.packed.shape[1], self._seed)
        keys = self._hash(self.packed)
        self._order = np.argsort(keys)
        self._keys = keys[self._order]

    def index(self, words: PauliWords, grow: bool = True) -> np.ndarray:
        """Return the numbers of words, ``int64 (m,)``; unknown ones are added, or are −1."""
        packed = words.packed
        while True:
            found = self._find(packed)
            unknown = np.flatnonzero(found < 0)
            if len(unknown) == 0 or not grow:
                return found
            # sorted, so that numbers do not depend on the order of a batch
            fresh = np.unique(packed[unknown], axis=0)
            self.packed = np.concatenate([self.packed, fresh])
            self._insert(fresh)

    def _insert(self, fresh: np.ndarray) -> None:
        keys = self._hash(fresh)
        order = np.argsort(keys)
        at = np.searchsorted(self._keys, keys[order])
        numbers = np.arange(len(self.packed) - len(fresh), len(self.packed))
        self._keys = np.insert(self._keys, at, keys[order])
        self._order = np.insert(self._order, at, numbers[order])

    def _find(self, packed: np.ndarray) -> np.ndarray:
        if len(self) == 0:
            return np.full(len(packed), -1)
        keys = self._hash(packed)
        at = np.minimum(np.searchsorted(self._keys, keys), len(self) - 1)
        numbers = self._order[at]
        same_key = self._keys[at] == keys
        if not np.array_equal(self.packed[numbers[same_key]], packed[same_key]):
            self._seed += 1  # two words share a key: draw another hash
            self._rehash()
            return self._find(packed)
        return np.where(same_key, numbers, -1)


class AdjointTable:
    """The maps b → i[g, b]/2 of fixed generators on a growing table of words.

    Args:
        words: the generators' distinct words per generator.
        coefficients: one array per generator (integers or floats).
    """

    def __init__(self, words: list[PauliWords], coefficients: list[np.ndarray]):
        n_qubits, width = words[0].n_qubits, words[0].x.shape[1]
        self.table = WordTable(n_qubits, width)
        self.terms = PauliWords.concatenate(words)
        self.owner = np.repeat(np.arange(len(words)), [len(w) for w in words])
        self.coefficients = np.concatenate(coefficients)
        self.n_generators = len(words)
        self._expanded = np.zeros(0, dtype=bool)
        self._entries: list[tuple[np.ndarray, ...]] = []

    def expand(self, numbers: np.ndarray) -> None:
        """Make sure that the images of these words are known."""
        self._pad()
        fresh = numbers[~self._expanded[numbers]]
        if len(fresh) == 0:
            return
        words = self.table.words[fresh]
        source, term = self._brackets(words)
        image, sign = bracket_signs(self.terms[term], words[source])
        target = self.table.index(image)
        self._pad()
        self._expanded[fresh] = True
        self._entries.append((target, fresh[source], term, sign))

    def bytes_to_expand(self, numbers: np.ndarray) -> float:
        """Return about how many bytes :meth:`expand` would keep: half of all pairs do not commute."""
        self._pad()
        return 16.0 * float(np.sum(~self._expanded[numbers])) * len(self.terms)

    def _brackets(self, words: PauliWords) -> tuple[np.ndarray, np.ndarray]:
        """Return (word, term) of every pair that does not commute, a block of words at a time."""
        block = max(1, limits.BLOCK_PAIRS // max(len(self.terms), 1))
        parts = []
        for low in range(0, len(words), block):
            source, term = np.nonzero(words[low : low + block].anticommutation(self.terms))
            parts.append((source + low, term))
        sources, terms = zip(*parts, strict=True)
        return np.concatenate(sources), np.concatenate(terms)

    def _pad(self) -> None:
        grown = np.zeros(len(self.table), dtype=bool)
        grown[: len(self._expanded)] = self._expanded
        self._expanded = grown

    def matrices(self, coefficients: np.ndarray | None = None) -> list[sparse.csr_array]:
        """Return the maps as sparse matrices on the words known so far.

        Args:
            coefficients: other values for all terms, in their order (default: those given).
        """
        size = len(self.table)
        target, source, term, sign = (np.concatenate(parts) for parts in zip(*self._entries, strict=True))
        value = sign * (self.coefficients if coefficients is None else coefficients)[term]
        # one matrix for all generators, then cut: building many small ones costs more
        rows = self.owner[term] * size + target
        stacked = sparse.csr_array((value, (rows, source)), shape=(self.n_generators * size, size))
        return [stacked[j * size : (j + 1) * size] for j in range(self.n_generators)]

    def coordinates(self, sums: list[PauliSum]) -> np.ndarray:
        """Return the coefficients of sums on the table's words, ``float64 (m, words)``."""
        out = np.zeros((len(sums), len(self.table)))
        for row, item in enumerate(sums):
            out[row, self.table.index(item.words, grow=False)] = item.coefficients
        return out
