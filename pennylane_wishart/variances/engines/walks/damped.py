"""What Pauli channels leave of each walker, sixty-four walkers to a word.

A walker's weight is a product of a few numbers, each to the power of how often a channel has met its word. So
the meetings are counted, in binary and bit-sliced, and the powers are taken once, at the input.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pennylane_wishart.circuit import Channel
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.variances.actions import WordAction
from pennylane_wishart.variances.engines.walks.bits import WordRows

__all__ = ["DampingCounts", "WalkedChannel"]


class WalkedChannel:
    """A Pauli channel on the walkers' array of bits."""

    def __init__(self, channel: Channel, action: WordAction, qubits: np.ndarray):
        x, z = channel.frame.bits()
        self.probes = [WordRows(a, b) for a, b in zip(x[:, qubits], z[:, qubits], strict=True)]
        scales = action.scales
        self.values: list[tuple[float, np.ndarray]] = []
        """Each factor other than 1, and the syndromes that it belongs to."""
        for value in np.unique(np.round(scales, limits.TABLE_DIGITS)):
            if abs(value - 1) > limits.ZERO:
                self.values.append((float(value), np.flatnonzero(np.abs(scales - value) <= limits.ZERO)))

    def hits(self, state: np.ndarray) -> list[tuple[float, np.ndarray]]:
        """Return (factor, mask of the walkers whose words it scales by it)."""
        # a letter outside the qubits that walkers live on meets none of them
        none = np.zeros(state.shape[1], np.uint64)
        bits = [probe.anticommutes(state) if len(probe.anti) else none for probe in self.probes]
        return [(value, self._members(bits, syndromes)) for value, syndromes in self.values]

    def _members(self, bits: Sequence[np.ndarray], syndromes: np.ndarray) -> np.ndarray:
        k = len(bits)
        # depolarising: whatever the word is on these qubits
        if len(syndromes) == 2**k - 1 and syndromes[0] == 1:
            return np.asarray(np.bitwise_or.reduce(bits))
        out = np.zeros_like(bits[0])
        for s in syndromes:
            part = np.full_like(out, ~np.uint64(0))
            for b, bit in enumerate(bits):
                part &= bit if (s >> b) & 1 else ~bit
            out |= part
        return out


class DampingCounts:
    """How often each factor has met each walker, as bit planes: plane j of a factor holds bit j of the count."""

    def __init__(self, size: int):
        self.size = size
        self.planes: dict[float, list[np.ndarray]] = {}
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
        planes = self.planes.setdefault(abs(value) ** power, [])
        carry = mask
        for plane in planes:
            # a half adder on all walkers at once
            plane ^= carry
            carry = carry & ~plane
            if not carry.any():
                return
        planes.append(carry.copy())

    def factors(self) -> np.ndarray:
        """Return what is left of every walker, float64 ``(64·size,)``, with its sign."""
        logs = np.zeros(64 * self.size, np.float64)
        for value, planes in self.planes.items():
            for j, plane in enumerate(planes):
                logs += np.unpackbits(plane.view(np.uint8), bitorder="little") * (np.log(value) * 2.0**j)
        out = np.exp(logs)
        out[np.unpackbits(self.dead.view(np.uint8), bitorder="little").astype(bool)] = 0.0
        out *= 1 - 2.0 * np.unpackbits(self.negative.view(np.uint8), bitorder="little")
        return out
