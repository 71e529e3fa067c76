"""A growing set of words, asked what anticommutes with it: what a light cone is made of."""

from __future__ import annotations

import numpy as np

from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.paulis import PauliWords

__all__ = ["ActiveWords"]


class ActiveWords:
    """A growing set of distinct words, asked whether anything in it anticommutes with a word.

    The set only grows, so a word that once anticommuted with it always will.
    """

    def __init__(self, words: PauliWords):
        width = words.x.shape[1]
        self.x, self.z = np.empty((64, width), np.uint64), np.empty((64, width), np.uint64)
        self.size = 0
        self.any_x, self.any_z = np.zeros(width, np.uint64), np.zeros(width, np.uint64)
        self.known: dict[bytes, int] = {}
        self.hot: set[bytes] = set()
        for x, z in zip(words.x, words.z, strict=True):
            self.add(x, z)

    def add(self, x: np.ndarray, z: np.ndarray) -> int:
        """Add a word, where it is new; return its number."""
        key = x.tobytes() + z.tobytes()
        if key in self.known:
            return self.known[key]
        self.known[key] = self.size
        if self.size == len(self.x):
            self.x, self.z = np.concatenate([self.x, self.x]), np.concatenate([self.z, self.z])
        self.x[self.size], self.z[self.size] = x, z
        self.size += 1
        self.any_x |= x
        self.any_z |= z
        return self.size - 1

    def meeting(self, terms: PauliWords) -> np.ndarray:
        """Return the numbers of the words that anticommute with some term."""
        met = np.zeros(self.size, bool)
        for x, z in zip(terms.x, terms.z, strict=True):
            columns = np.flatnonzero(x | z)
            own_x, own_z = self.x[: self.size, columns], self.z[: self.size, columns]
            met |= (np.bitwise_count((own_x & z[columns]) ^ (own_z & x[columns])).sum(axis=1) & 1).astype(bool)
        return np.flatnonzero(met)

    def anticommutes(self, x: np.ndarray, z: np.ndarray) -> bool:
        key = x.tobytes() + z.tobytes()
        if key in self.hot:
            return True
        if not ((x & self.any_z) | (z & self.any_x)).any():
            return False
        # Recent words first: neighbours in time are neighbours in space.
        for stop in range(self.size, 0, -limits.RECENT):
            part = slice(max(0, stop - limits.RECENT), stop)
            count = np.bitwise_count((self.x[part] & z) ^ (self.z[part] & x)).sum(axis=1)
            if (count & 1).any():
                self.hot.add(key)
                return True
        return False
