"""What Pauli channels leave of each walker, sixty-four walkers to a word.

A walker's weight is a product of a few numbers, each to the power of how often a channel has met its word. So
the meetings are counted, in binary and bit-sliced, and the powers are taken once, at the input.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pennylane_wishart.circuit import Channel
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.paulis import PauliWords
from pennylane_wishart.variances.engines.walks.bits import WordRows

__all__ = ["DampingCounts", "Letters", "WalkedChannel"]


class Letters:
    """The words that channels ask of every walker whether it anticommutes; the last few answers are kept up to date.

    Args:
        channels: that walkers meet.
        kinds: the distinct generators that may move walkers.
        qubits: the qubits that walkers live on.
    """

    def __init__(self, channels: Sequence[Channel], kinds: PauliWords, qubits: np.ndarray):
        sizes = [len(c.frame) for c in channels]
        frames = PauliWords.concatenate([PauliWords.identity(kinds.n_qubits, 0), *(c.frame for c in channels)])
        words, index = frames.unique()
        x, z = words.bits()
        self.rows = [WordRows(a, b) for a, b in zip(x[:, qubits], z[:, qubits], strict=True)]
        self.anti = words.anticommutation(kinds)
        self.of_channel = np.split(index, np.cumsum(sizes)[:-1]) if channels else []
        """Per channel: which words its frame's are."""
        self._known: dict[int, np.ndarray] = {}
        self._keep = True

    def reset(self, paired: bool = False) -> None:
        """Forget the answers: the walkers are others. Pairs have two words each, of which none are kept."""
        self._known.clear()
        self._keep = not paired

    def ask(self, letter: int, state: np.ndarray) -> np.ndarray:
        """Return the mask of walkers whose word anticommutes with one of the words."""
        if letter not in self._known:
            rows = self.rows[letter]
            # a word outside the qubits that walkers live on meets none of them
            found = rows.anticommutes(state) if len(rows.anti) else np.zeros(state.shape[1], np.uint64)
            if len(self._known) >= limits.KEPT_LETTERS:
                del self._known[next(iter(self._known))]
            self._known[letter] = found
        return self._known[letter]

    def moved(self, kind: int, mask: np.ndarray) -> None:
        """Bring the answers up to date after walkers were multiplied by a generator."""
        if not self._keep:
            self._known.clear()
        for letter in self._known:
            if self.anti[letter, kind]:
                self._known[letter] = self._known[letter] ^ mask


class WalkedChannel:
    """A Pauli channel on the walkers' array of bits."""

    def __init__(self, channel: Channel, letters: np.ndarray):
        self.letters = [int(letter) for letter in letters]
        left = np.round(channel.fidelities, limits.FIDELITY_DIGITS)
        self.values = [(float(v), np.flatnonzero(left == v)) for v in np.unique(left) if v != 1]
        """Each factor other than 1, and the syndromes that it belongs to."""

    def hits(self, letters: Letters, state: np.ndarray) -> list[tuple[float, np.ndarray]]:
        """Return (factor, mask of the walkers whose words it scales by it)."""
        bits = [letters.ask(letter, state) for letter in self.letters]
        return [(value, _members(bits, syndromes)) for value, syndromes in self.values]


def _members(bits: Sequence[np.ndarray], syndromes: np.ndarray) -> np.ndarray:
    """Return the walkers of some syndromes."""
    k = len(bits)
    # depolarising: whatever the word is on these qubits
    if len(syndromes) == 2**k - 1 and syndromes[0] == 1:
        out = bits[0] | bits[1]
        for bit in bits[2:]:
            out |= bit
        return np.asarray(out)
    out = np.zeros_like(bits[0])
    for s in syndromes:
        part = bits[0] if s & 1 else ~bits[0]
        for b in range(1, k):
            part = part & (bits[b] if (s >> b) & 1 else ~bits[b])
        out |= part
    return out


class DampingCounts:
    """How often each factor has met each walker, bit-sliced: masks of weight 2^j whose sum is the count."""

    def __init__(self, size: int):
        self.size = size
        self.masks: dict[float, list[list[np.ndarray]]] = {}
        self.dead = np.zeros(size, np.uint64)
        """Walkers that met a factor of 0."""
        self.negative = np.zeros(size, np.uint64)
        """Walkers that met an odd number of negative factors."""

    def add(self, value: float, mask: np.ndarray, power: int) -> None:
        """Multiply the walkers of a mask by value^power."""
        if value == 0:
            self.dead |= mask
            return
        if value < 0 and power % 2:
            self.negative ^= mask
        levels = self.masks.setdefault(abs(value) ** power, [])
        at = 0
        while True:
            if at == len(levels):
                levels.append([])
            level = levels[at]
            level.append(mask)
            if len(level) < 3:
                return
            # a full adder on all walkers at once: three masks of one weight are one of it and one of the next
            a, b, c = level
            both = a ^ b
            levels[at], mask, at = [both ^ c], (a & b) | (both & c), at + 1

    def factors(self) -> np.ndarray:
        """Return what is left of every walker, float64 ``(64·size,)``, with its sign."""
        logs = np.zeros(64 * self.size, np.float64)
        for value, levels in self.masks.items():
            for j, level in enumerate(levels):
                for mask in level:
                    logs += np.unpackbits(mask.view(np.uint8), bitorder="little") * (np.log(value) * 2.0**j)
        out = np.exp(logs)
        out[np.unpackbits(self.dead.view(np.uint8), bitorder="little").astype(bool)] = 0.0
        out *= 1 - 2.0 * np.unpackbits(self.negative.view(np.uint8), bitorder="little")
        return out
