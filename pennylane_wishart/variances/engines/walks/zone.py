"""The rotations next to a product input, averaged exactly instead of walked.

While rotations have acted on small clusters of qubits only, the squared expectation of a word,
averaged over them, is a product over clusters of a table with 4^size entries. Walkers stop at
that boundary and carry the product as their weight, which replaces many rare hits by a few
numbers (3^−w for a word of weight w behind uniform rotations about three axes).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pennylane_wishart.circuit import InputState, RotationCircuit, RotationMoments, StabilizerBlock
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.paulis import PauliWords
from pennylane_wishart.variances.actions import syndromes_of

__all__ = ["Cluster", "one_qubit_blocks", "product_zone"]

Pull = tuple[np.ndarray, np.ndarray, float | np.ndarray, float]
"""One gate on a table: the words that it turns, their partners, and the weights of staying and of moving."""


@dataclass(eq=False)
class Cluster:
    """A few input qubits and the rotations that are averaged on them.

    A word on the cluster is numbered by the base-4 digits 2·x + z, first qubit least significant.
    """

    qubits: list[int]
    rotations: list[int]
    table: np.ndarray
    """float64 ``(4^size,)``: average of ⟨word⟩² behind the rotations."""
    slopes: dict[int, np.ndarray]
    """Per rotation: the table of E[(∂⟨word⟩/∂φ)²]."""
    bends: dict[tuple[int, int], np.ndarray] = field(default_factory=dict)
    """Per pair of rotations, earlier first: the table of E[(∂²⟨word⟩/∂φ∂φ')²], where asked for."""
    channels: list[int] = field(default_factory=list)
    """Channels among those rotations, by their number in the circuit."""

    def ratios(self) -> dict[int, np.ndarray]:
        """Return slope/table per rotation."""
        return {k: self.share(slope) for k, slope in self.slopes.items()}

    def share(self, values: np.ndarray) -> np.ndarray:
        """Return values/table, 0 where the input sees nothing."""
        return np.asarray(np.divide(values, self.table, out=np.zeros_like(values), where=self.table > 0))


def product_zone(
    circuit: RotationCircuit, moments: RotationMoments, qubits: np.ndarray, averaged: bool = True, bends: bool = False
) -> tuple[Cluster, ...]:
    """Find the rotations that see a product input and average them, cluster by cluster.

    Args:
        qubits: the qubits that walkers live on.
        averaged: False leaves every rotation to the walkers; the tables are the input's own.
        bends: whether tables of second derivatives are wanted.
    Returns:
        Clusters that cover the one-qubit blocks of the input among ``qubits``.
    """
    blochs = one_qubit_blocks(circuit.state)
    home = {int(q): Cluster([int(q)], [], np.ones(4), {}) for q in qubits if int(q) in blochs}
    blocked = np.array([q not in home for q in range(circuit.n_qubits)])
    x_bits, z_bits = circuit.words.bits()
    random = (circuit.parameter_of < 0) | ((moments.cos2 > 0) & (moments.sin2 > 0))
    for kind, k in _order(circuit) if averaged else ():
        channel = kind == "channel"
        support = circuit.channels[k].frame.support() if channel else np.flatnonzero(x_bits[k] | z_bits[k])
        # Where a law is one point a table may vanish while its slope does not: walk that.
        if len(support) > limits.ZONE_QUBITS or blocked[support].any() or not (channel or random[k]):
            blocked[support] = True
            continue
        parts = list({id(home[int(q)]): home[int(q)] for q in support}.values())
        # a gate that joins two clusters would make too large a table: it and all behind it are walked
        if sum(len(c.qubits) for c in parts) > limits.ZONE_QUBITS:
            blocked[support] = True
            continue
        merged = parts[0]
        for other in parts[1:]:
            merged.qubits += other.qubits
            merged.rotations += other.rotations
            merged.channels += other.channels
            for q in other.qubits:
                home[q] = merged
        (merged.channels if channel else merged.rotations).append(k)
    clusters = tuple({id(c): c for c in home.values()}.values())
    for cluster in clusters:
        _fill(cluster, blochs, (x_bits, z_bits), circuit, moments, bends)
    return clusters


def _order(circuit: RotationCircuit) -> list[tuple[str, int]]:
    """Return rotations and channels, first one first."""
    order = [("rotation", k) for k in range(circuit.n_rotations)]
    for c in range(len(circuit.channels) - 1, -1, -1):
        order.insert(circuit.channels[c].position, ("channel", c))
    return order


def _fill(
    cluster: Cluster,
    blochs: dict[int, np.ndarray],
    bits: tuple[np.ndarray, np.ndarray],
    circuit: RotationCircuit,
    m: RotationMoments,
    bends: bool,
) -> None:
    """Average the cluster's rotations, first gate first, with the noise between them, and their derivatives."""
    ends = np.ones(1)
    for q in cluster.qubits:
        b = blochs[q]
        ends = np.multiply.outer(np.array([1.0, b[2], b[0], b[1]]) ** 2, ends).reshape(-1)
    words = np.arange(len(ends))
    steps: list[tuple[int, Pull]] = []
    # a channel stands before the rotation whose number is its position
    places = [(k, 1, k) for k in cluster.rotations] + [(circuit.channels[c].position, 0, c) for c in cluster.channels]
    for _, is_rotation, k in sorted(places):
        if not is_rotation:
            scales = _scales(circuit, k, cluster.qubits)
            steps.append((-1, (scales < 1, words, scales, 0.0)))
            continue
        letters = [int(2 * bits[0][k, q] + bits[1][k, q]) for q in cluster.qubits]
        code = sum(p << (2 * i) for i, p in enumerate(letters))
        swapped = sum(((p >> 1) | ((p & 1) << 1)) << (2 * i) for i, p in enumerate(letters))
        anti = (np.bitwise_count(words & swapped) & 1).astype(bool)
        steps.append((k, (anti, words ^ code, m.cos2[k], m.sin2[k])))
    slopes, pairs = cluster.slopes, cluster.bends
    for k, pull in steps:
        anti, partner, stay, move = pull
        turned = _pull(ends, *pull)
        # a derivative swaps cos² and sin², and is averaged over the rotations that follow it in the cluster
        for earlier, slope in list(slopes.items()):
            if bends and k >= 0:
                pairs[earlier, k] = np.where(anti, _pull(slope, anti, partner, move, float(stay)), 0.0)
            slopes[earlier] = _pull(slope, *pull)
        for pair, table in pairs.items():
            if pair[1] != k:
                pairs[pair] = _pull(table, *pull)
        if k >= 0:
            slopes[k] = np.where(anti, _pull(ends, anti, partner, move, float(stay)), 0.0)
            if bends:
                pairs[k, k] = np.where(anti, turned, 0.0)
        ends = turned
    cluster.table = ends


def _scales(circuit: RotationCircuit, c: int, qubits: list[int]) -> np.ndarray:
    """What channel c leaves of the squares of a cluster's words."""
    number = np.arange(4 ** len(qubits))[:, None] >> (2 * np.arange(len(qubits)))
    x, z = np.zeros((2, len(number), circuit.n_qubits), np.uint8)
    x[:, qubits], z[:, qubits] = (number >> 1) & 1, number & 1
    channel = circuit.channels[c]
    return np.asarray(channel.fidelities[syndromes_of(channel.frame, PauliWords.from_bits(x, z))] ** 2)


def _pull(
    values: np.ndarray, anti: np.ndarray, partner: np.ndarray, stay: float | np.ndarray, move: float
) -> np.ndarray:
    return np.where(anti, stay * values + move * values[partner], values)


def one_qubit_blocks(state: InputState) -> dict[int, np.ndarray]:
    """Return the Bloch vector of every qubit that the input holds by itself."""
    out = {}
    for block in state.blocks:
        if len(block.qubits) == 1 and not isinstance(block, StabilizerBlock):
            out[block.qubits[0]] = block.bloch
    return out
