"""What the input state makes of the words where walkers end: ⟨Q⟩², and ⟨Q⟩⟨R⟩ for pairs."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from pennylane_wishart.circuit import InputState, StabilizerBlock
from pennylane_wishart.paulis import PauliWords, unpack_bits
from pennylane_wishart.walkers.bits import WordRows, bits_at

__all__ = ["EndValues"]

_AXIS = 1e-12


class EndValues:
    """Squared expectations of bit-packed words on one input state.

    Args:
        state: the input.
        qubits: the qubits that the walkers live on, in their order; they act as I elsewhere.
    """

    def __init__(self, state: InputState, qubits: np.ndarray):
        self.state, self.qubits = state, np.asarray(qubits)
        self.place = np.full(state.n_qubits, -1)
        self.place[self.qubits] = np.arange(len(self.qubits))
        self._checks: list[WordRows] = []
        self._products: list[tuple[int, np.ndarray]] = []
        self._dense = []
        for block in state.blocks:
            local = self.place[list(block.qubits)]
            if (local < 0).all():
                continue
            if isinstance(block, StabilizerBlock):
                words, _ = block.stabilizers
                self._add_checks(words, local)
            elif len(block.qubits) == 1:
                self._add_qubit(int(local[0]), block.bloch)
            else:
                self._dense.append((block, local))

    def _add_checks(self, words: PauliWords, local: np.ndarray) -> None:
        """A stabiliser state sees exactly the words that commute with its stabilisers."""
        inside = local >= 0
        for x, z in zip(*words.bits(), strict=True):
            x_bits, z_bits = np.zeros((2, len(self.qubits)), np.uint8)
            x_bits[local[inside]], z_bits[local[inside]] = x[inside], z[inside]
            if x_bits.any() or z_bits.any():
                self._checks.append(WordRows(x_bits, z_bits))

    def _add_qubit(self, place: int, bloch: np.ndarray) -> None:
        axis = int(np.argmax(np.abs(bloch)))
        if abs(abs(bloch[axis]) - 1) < _AXIS:
            x_bits, z_bits = np.zeros((2, len(self.qubits)), np.uint8)
            x_bits[place], z_bits[place] = axis in (0, 1), axis in (1, 2)
            self._checks.append(WordRows(x_bits, z_bits))
        else:
            self._products.append((place, np.array([1.0, bloch[2], bloch[0], bloch[1]]) ** 2))

    @cached_property
    def is_binary(self) -> bool:
        """Whether every squared expectation is 0 or 1."""
        return not self._products and not self._dense

    def alive(self, state: np.ndarray) -> np.ndarray:
        """Return the mask of walkers whose word the stabilised part of the input sees."""
        dead = np.zeros(state.shape[1], np.uint64)
        for check in self._checks:
            dead |= check.anticommutes(state)
        return ~dead

    def squares(self, state: np.ndarray, alive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (walkers, ⟨Q⟩²) of the walkers in ``alive``."""
        walkers = np.flatnonzero(np.unpackbits(alive.view(np.uint8), bitorder="little"))
        values = np.ones(len(walkers))
        n = len(self.qubits)
        for place, table in self._products:
            x, z = bits_at(state[[place, n + place]], walkers)
            values *= table[2 * x + z]
        for block, local in self._dense:
            words = self._restricted(state, walkers, local)
            unique, inverse = words.unique()
            if len(unique):
                values *= block.expectation(unique)[inverse] ** 2
        keep = values > 0
        return walkers[keep], values[keep]

    def _restricted(self, state: np.ndarray, walkers: np.ndarray, local: np.ndarray) -> PauliWords:
        n = len(self.qubits)
        x, z = np.zeros((2, len(local), len(walkers)), np.uint8)
        inside = np.flatnonzero(local >= 0)
        x[inside] = bits_at(state[local[inside]], walkers)
        z[inside] = bits_at(state[n + local[inside]], walkers)
        return PauliWords.from_bits(x.T, z.T)

    def words(self, state: np.ndarray, walkers: np.ndarray) -> PauliWords:
        """Return the walkers' words on all qubits of the circuit."""
        n, total = len(self.qubits), self.state.n_qubits
        x, z = np.zeros((2, total, len(walkers)), np.uint8)
        x[self.qubits] = bits_at(state[:n], walkers)
        z[self.qubits] = bits_at(state[n:], walkers)
        return PauliWords.from_bits(x.T, z.T)

    def pairs(self, state: np.ndarray, products: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (walkers, signed ⟨Q⟩⟨R⟩), R = Q·product with both arrays bit-packed."""
        walkers = np.arange(64 * state.shape[1])
        first = self.words(state, walkers)
        second = self.words(state ^ products, walkers)
        _, phase = first.multiply(second)
        values = self.state.expectation(first)
        keep = np.flatnonzero(values)
        values = values[keep] * self.state.expectation(second[keep]) * np.where(phase[keep] < 2, 1.0, -1.0)
        alive = values != 0
        return walkers[keep][alive], values[alive]


def unpacked(mask: np.ndarray) -> np.ndarray:
    """Return the bits of one mask, ``uint8 (64·words,)``."""
    return unpack_bits(mask[None], 64 * len(mask))[0]
