"""Sixty-four walkers to a word: random bits of any probability, row operations, counting."""

from __future__ import annotations

import numpy as np

from pennylane_wishart.conventions import variances as limits

__all__ = ["RandomBits", "WordRows", "bits_at", "mask_of_range"]


class RandomBits:
    """Random ``uint64`` words whose bits are 1 with a given probability."""

    def __init__(self, rng: np.random.Generator):
        self.raw = np.random.SFC64(rng.integers(0, 2**63, size=4)).random_raw

    def draw(self, probability: float, size: int) -> np.ndarray:
        """Return ``uint64 (size,)``; the probability is rounded to 40 binary digits."""
        if probability == 0.5:
            return self.raw(size)
        scaled = int(round(probability * 2**limits.BINARY_DIGITS))
        if scaled <= 0:
            return np.zeros(size, np.uint64)
        if scaled >= 2**limits.BINARY_DIGITS:
            return np.full(size, ~np.uint64(0))
        digits = limits.BINARY_DIGITS
        # trailing zero digits decide nothing: fewer random words are drawn
        while scaled % 2 == 0:
            scaled, digits = scaled // 2, digits - 1
        # Digits from the last to the first: "r or bit" halves towards 1, "r and bit" towards 0.
        out = self.raw(size)
        for digit in range(1, digits):
            if (scaled >> digit) & 1:
                out |= self.raw(size)
            else:
                out &= self.raw(size)
        return out


class WordRows:
    """A generator as rows of the walkers' array ``state (2n, words)``: x rows, then z rows."""

    __slots__ = ("anti", "flip")

    def __init__(self, x_bits: np.ndarray, z_bits: np.ndarray):
        n = len(x_bits)
        x, z = np.flatnonzero(x_bits), np.flatnonzero(z_bits)
        self.anti = np.concatenate([x + n, z])
        """Rows whose parity says whether a walker's word anticommutes with the generator."""
        self.flip = np.concatenate([x, z + n])
        """Rows that multiplying by the generator flips."""

    def anticommutes(self, state: np.ndarray) -> np.ndarray:
        """Return the mask of walkers whose word anticommutes, ``uint64 (words,)``."""
        if len(self.anti) <= limits.FEW_ROWS:
            out = state[self.anti[0]].copy()
            for row in self.anti[1:]:
                out ^= state[row]
            return np.asarray(out)
        return np.asarray(np.bitwise_xor.reduce(state[self.anti], axis=0))

    def multiply(self, state: np.ndarray, moved: np.ndarray) -> None:
        """Multiply the words of the walkers in ``moved`` by the generator."""
        if len(self.flip) <= limits.FEW_ROWS:
            for row in self.flip:
                state[row] ^= moved
        else:
            state[self.flip] ^= moved


def mask_of_range(low: int, high: int, size: int) -> np.ndarray:
    """Return the mask ``uint64 (size,)`` of walkers low … high − 1."""
    bits = np.zeros(64 * size, np.uint8)
    bits[low:high] = 1
    return np.packbits(bits, bitorder="little").view(np.uint64)


def bits_at(masks: np.ndarray, walkers: np.ndarray) -> np.ndarray:
    """Return bits ``uint8 (rows, len(walkers))`` of masks ``(rows, words)`` at given walkers."""
    view = masks.view(np.uint8)
    return (view[:, walkers >> 3] >> (walkers & 7).astype(np.uint8)) & np.uint8(1)
