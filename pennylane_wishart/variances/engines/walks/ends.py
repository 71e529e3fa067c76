"""What the input state makes of the words where walkers end: ⟨Q⟩², and ⟨Q⟩⟨R⟩ for pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pennylane_wishart.circuit import InputState, StabilizerBlock
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.paulis import PauliWords
from pennylane_wishart.variances.engines.walks.bits import WordRows, bits_at
from pennylane_wishart.variances.engines.walks.zone import Cluster

__all__ = ["EndValues", "Weights"]


@dataclass(frozen=True, eq=False)
class Weights:
    """End weights of the walkers of one chunk: a few values with a mask each, or one each."""

    values: np.ndarray
    """float64: one per level, or one per listed walker."""
    masks: np.ndarray | None
    """``uint64 (levels, words)``; None where every walker has its own value."""
    walkers: np.ndarray | None = None

    def listed(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the weights that are not 0 and the walkers that have them."""
        if self.masks is None:
            walkers = np.arange(len(self.values)) if self.walkers is None else self.walkers
            return self.values, walkers
        bits = np.unpackbits(self.masks.view(np.uint8), axis=1, bitorder="little")
        level, walkers = np.nonzero(bits)
        return self.values[level], walkers

    def sums(self, rows: np.ndarray) -> np.ndarray:
        """Return (Σ w, Σ w², count) over the walkers in each mask of ``rows (m, words)``."""
        powers = np.stack([self.values, self.values**2, np.ones(len(self.values))], axis=1)
        if self.masks is not None:
            counts = np.empty((len(rows), len(self.masks)))
            for level, mask in enumerate(self.masks):
                counts[:, level] = np.bitwise_count(rows & mask).sum(axis=1, dtype=np.int64)
            return np.asarray(counts @ powers)
        return self._dense_sums(rows, powers)

    def _dense_sums(self, rows: np.ndarray, powers: np.ndarray) -> np.ndarray:
        """Single precision is enough: a million terms leave 1e-5, far below the sampling error."""
        out = np.zeros((len(rows), 3))
        if len(self.values) == 0:
            return out
        scale = np.maximum(np.abs(powers).max(axis=0), np.finfo(float).tiny)
        columns = np.zeros((64 * rows.shape[1], 3), np.float32)
        columns[self.walkers] = powers / scale
        for low in range(0, len(rows), limits.BLOCK_ROWS):
            part = rows[low : low + limits.BLOCK_ROWS]
            bits = np.unpackbits(part.view(np.uint8), axis=1, bitorder="little")
            out[low : low + limits.BLOCK_ROWS] = (bits.astype(np.float32) @ columns) * scale
        return out

    def by_code(self, codes: np.ndarray, size: int) -> np.ndarray:
        """Return (Σ w, Σ w², count) over the walkers of each code, ``(size, 3)``."""
        powers = np.stack([self.values, self.values**2, np.ones(len(self.values))], axis=1)
        if self.masks is not None:
            level = np.zeros(len(codes), np.uint16)
            for number, mask in enumerate(self.masks):
                bits = np.unpackbits(mask.view(np.uint8), bitorder="little")
                level += bits.astype(np.uint16) * np.uint16(number + 1)
            joint = np.bincount(level.astype(np.int64) * size + codes, minlength=(len(powers) + 1) * size)
            return np.asarray(joint.reshape(-1, size)[1:].T @ powers)
        own = codes[self.walkers]
        return np.stack([np.bincount(own, weights=p, minlength=size) for p in powers.T], axis=1)

    def total(self) -> np.ndarray:
        """Return (Σ w, Σ w²) over all walkers."""
        if self.masks is None:
            return np.array([self.values.sum(), (self.values**2).sum()])
        counts = np.bitwise_count(self.masks).sum(axis=1, dtype=np.int64)
        return np.array([counts @ self.values, counts @ self.values**2])


class EndValues:
    """Squared expectations of bit-packed words on one input state, behind a product zone.

    Args:
        state: the input.
        qubits: the qubits that the walkers live on, in their order; they act as I elsewhere.
        zone: clusters of input qubits behind averaged rotations.
    """

    def __init__(self, state: InputState, qubits: np.ndarray, zone: tuple[Cluster, ...]):
        self.state, self.qubits, self.zone = state, np.asarray(qubits), zone
        self.place = np.full(state.n_qubits, -1)
        self.place[self.qubits] = np.arange(len(self.qubits))
        self._checks: list[WordRows] = []
        self._dense = []
        for block in state.blocks:
            local = self.place[list(block.qubits)]
            if (local < 0).all():
                continue
            if isinstance(block, StabilizerBlock):
                self._add_checks(block.stabilizers[0], local)
            # one-qubit blocks are in the zone's tables
            elif len(block.qubits) > 1:
                self._dense.append((block, local))

    @property
    def graded(self) -> bool:
        """Whether some end weights lie strictly between 0 and 1."""
        return bool(self._dense) or any(((c.table > 0) & (c.table < 1)).any() for c in self.zone)

    def _add_checks(self, words: PauliWords, local: np.ndarray) -> None:
        """A stabiliser state sees exactly the words that commute with its stabilisers."""
        inside = local >= 0
        for x, z in zip(*words.bits(), strict=True):
            x_bits, z_bits = np.zeros((2, len(self.qubits)), np.uint8)
            x_bits[local[inside]], z_bits[local[inside]] = x[inside], z[inside]
            if x_bits.any() or z_bits.any():
                self._checks.append(WordRows(x_bits, z_bits))

    def codes(self, state: np.ndarray, cluster: Cluster) -> np.ndarray:
        """Return the number of every walker's word on a cluster, ``uint8 (64·words,)``."""
        out = np.zeros(64 * state.shape[1], np.uint8)
        for i, q in enumerate(cluster.qubits):
            place = self.place[q]
            for row, shift in ((place, 2 * i + 1), (len(self.qubits) + place, 2 * i)):
                bits = np.unpackbits(state[row].view(np.uint8), bitorder="little")
                out |= bits << np.uint8(shift)
        return out

    def weights(
        self, state: np.ndarray, thin: np.random.Generator | None = None, factors: np.ndarray | None = None
    ) -> Weights:
        """Return ⟨Q⟩² of every walker, averaged over the zone's rotations.

        Args:
            thin: a generator for Russian roulette: walkers far below the mean weight survive
                with a small probability and a larger weight, so that few need to be counted.
            factors: float64 ``(64·words,)``: what noise has left of each walker's square.
        """
        dead = np.zeros(state.shape[1], np.uint64)
        for check in self._checks:
            dead |= check.anticommutes(state)
        soft = []
        for cluster in self.zone:
            # sees every word alike
            if (cluster.table == 1).all():
                continue
            if len(cluster.qubits) == 1 and np.isin(cluster.table, (0.0, 1.0)).all():
                place = self.place[cluster.qubits[0]]
                x, z = state[place], state[len(self.qubits) + place]
                for letter in np.flatnonzero(cluster.table == 0):
                    dead |= (z & ~x, x & ~z, x & z)[letter - 1]
            else:
                soft.append(cluster)
        # weights 0 or 1: sums are popcounts
        if not soft and not self._dense and factors is None:
            return Weights(np.ones(1), (~dead)[None])
        return self._graded(state, ~dead, soft, thin, factors)

    def _graded(
        self,
        state: np.ndarray,
        alive: np.ndarray,
        soft: list[Cluster],
        thin: np.random.Generator | None,
        factors: np.ndarray | None,
    ) -> Weights:
        values = np.unpackbits(alive.view(np.uint8), bitorder="little").astype(float)
        if factors is not None:
            values *= factors
        for cluster in soft:
            values *= cluster.table[self.codes(state, cluster)]
        walkers = np.flatnonzero(values)
        values = values[walkers]
        for block, local in self._dense:
            unique, inverse = self._restricted(state, walkers, local).unique()
            if len(unique):
                values *= block.expectation(unique)[inverse] ** 2
        if thin is not None and len(values):
            floor = limits.THIN_SHARE * values.mean()
            values = np.where(values < floor, floor * (thin.random(len(values)) * floor < values), values)
        keep = values > 0
        return _levels(walkers[keep], values[keep], state.shape[1])

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

    def pair_weights(
        self, state: np.ndarray, products: np.ndarray, negative: np.ndarray, factors: np.ndarray | None = None
    ) -> Weights:
        """Return the signed ⟨Q⟩⟨R⟩ with R = Q·product; bit-packed arrays, no zone; ``factors``: left by noise."""
        walkers = np.arange(64 * state.shape[1])
        first = self.words(state, walkers)
        second = self.words(state ^ products, walkers)
        _, phase = first.multiply(second)
        values = self.state.expectation(first)
        keep = np.flatnonzero(values)
        values = values[keep] * self.state.expectation(second[keep]) * np.where(phase[keep] < 2, 1.0, -1.0)
        values = values * (1 - 2.0 * bits_at(negative[None], keep)[0])
        if factors is not None:
            values = values * factors[keep]
        alive = values != 0
        return Weights(values[alive], None, keep[alive])


def _levels(walkers: np.ndarray, values: np.ndarray, size: int) -> Weights:
    """Group walkers of equal weight, so that sums become popcounts."""
    # Products of the same factors in another order differ in the last bits.
    keys = (values.view(np.int64) + (1 << (limits.LEVEL_BITS - 1))) >> limits.LEVEL_BITS
    distinct, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    if len(distinct) > limits.MAX_LEVELS:
        return Weights(values, None, walkers)
    bits = np.zeros((len(distinct), 64 * size), np.uint8)
    bits[inverse, walkers] = 1
    masks = np.packbits(bits, axis=1, bitorder="little").view(np.uint64)
    return Weights(values[first], masks)
