"""Losses and gradients of noisy circuits at given angles: the observable as a sum of words, small circuits only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pennylane_wishart.circuit import AngleLaw, RotationCircuit
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import InputError
from pennylane_wishart.variances.actions import Row, WordAction, noise_actions
from pennylane_wishart.variances.actions import rotation_action as action_of
from pennylane_wishart.variances.engines.tuples import WordImages
from pennylane_wishart.variances.parts import split_sums
from pennylane_wishart.variances.reach import WordIndex
from pennylane_wishart.variances.sweeps import Sweeps, rotation_angles

__all__ = ["NoisySweeps", "sweeps_of"]


def sweeps_of(circuit: RotationCircuit) -> Sweeps | NoisySweeps:
    """Return a circuit made ready for losses and gradients, with its noise where it has any.

    Raises:
        InputError: where it is too large.
    """
    return NoisySweeps(circuit) if circuit.channels else Sweeps(circuit)


@dataclass(frozen=True, eq=False)
class _Turn:
    """One gate on the words that it turns: entry (source, target, sign) of every branch of every syndrome."""

    rotation: int
    """−1 for a channel."""
    turned: np.ndarray
    rows: tuple[Row, ...]
    branches: tuple[tuple[tuple[np.ndarray, np.ndarray, np.ndarray], ...], ...]
    """Per row, per shift: numbers after the gate, before it, signs."""

    def entries(self, angles: np.ndarray, slope: bool = False) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Yield (after, before, coefficients ``(m, batch)``) at angles ``(batch,)``, or their derivatives."""
        for row, branches in zip(self.rows, self.branches, strict=True):
            waves = np.exp(1j * angles[:, None] * row.frequencies)
            values = (waves @ (1j * row.frequencies[:, None] * row.amplitudes if slope else row.amplitudes)).real
            for (after, before, sign), value in zip(branches, values.T, strict=True):
                yield after, before, sign[:, None] * value[None, :]


class NoisySweeps:
    """A circuit with noise made ready for sweeps of the observable, word by word, in the Heisenberg picture.

    Raises:
        InputError: beyond ``limits.MAX_NOISY_QUBITS`` qubits.
    """

    def __init__(self, circuit: RotationCircuit):
        if circuit.n_qubits > limits.MAX_NOISY_QUBITS:
            raise InputError(
                f"Circuits with noise are simulated to {limits.MAX_NOISY_QUBITS} qubits; got {circuit.n_qubits}."
            )
        self.circuit = circuit
        self.index = WordIndex(circuit.observable.words)
        self._images: dict[int, WordImages] = {}
        alive = np.ones(len(self.index), bool)
        turns = []
        for rotation, action in reversed(_steps(circuit)):
            turn, alive = self._turn(rotation, action, alive)
            turns.append(turn)
        self.turns = turns[::-1]
        self.ends = circuit.state.expectation(self.index.words())

    def _turn(self, rotation: int, action: WordAction, alive: np.ndarray) -> tuple[_Turn, np.ndarray]:
        images = self._images.setdefault(id(action), WordImages(self.index, action))
        active = np.flatnonzero(alive)
        codes = images.syndromes()[active]
        turned = images.turns(codes[:, None])[:, 0]
        rows, branches = [], []
        for s in np.unique(codes[turned]):
            row, members = action.row(int(s)), active[turned & (codes == s)]
            rows.append(row)
            found = [images.of(members, int(shift), bool(odd)) for shift, odd in zip(row.shifts, row.odd, strict=True)]
            branches.append(tuple((members, before, sign) for before, sign in found))
        alive = np.append(alive, np.zeros(len(self.index) - len(alive), bool))
        alive[active[turned]] = False
        for row_branches in branches:
            for _, before, _ in row_branches:
                alive[before] = True
        return _Turn(rotation, active[turned], tuple(rows), tuple(branches)), alive

    def batch(self, n_samples: int) -> int:
        """Return how many samples to hold at one time: the observable after every gate is kept."""
        return max(1, min(n_samples, limits.NOISY_FLOATS // (len(self.index) * (len(self.turns) + 1))))

    def batches(self, law: AngleLaw, n_samples: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
        """Yield rotation angles ``(batch, n_rotations)`` drawn from a law."""
        size = self.batch(n_samples)
        for low in range(0, n_samples, size):
            yield rotation_angles(self.circuit, law.sample(rng, min(size, n_samples - low)), rng)

    def __call__(self, angles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return losses ``(batch,)`` and gradients ``(batch, n_params)`` at rotation angles ``(batch, n_rotations)``.

        Cost: O(gates · words · batch), words up to 4^n.
        """
        circuit, batch = self.circuit, len(angles)
        fixed = np.zeros(batch)
        value = np.zeros((len(self.index), batch))
        value[: len(circuit.observable)] = circuit.observable.coefficients[:, None]
        kept = [value]
        for turn in reversed(self.turns):
            before = value.copy()
            before[turn.turned] = 0.0
            own = angles[:, turn.rotation] if turn.rotation >= 0 else fixed
            for source, target, c in turn.entries(own):
                before[target] += c * value[source]
            value = before
            kept.append(value)
        ends = np.repeat(self.ends[:, None], batch, axis=1)
        losses = np.einsum("wb,wb->b", value, ends)
        gradients = np.zeros((batch, circuit.n_params))
        for turn, value in zip(self.turns, kept[-2::-1], strict=True):
            own = angles[:, turn.rotation] if turn.rotation >= 0 else fixed
            p = int(circuit.parameter_of[turn.rotation]) if turn.rotation >= 0 else -1
            if p >= 0:
                for source, target, c in turn.entries(own, slope=True):
                    slope = np.einsum("wb,wb,wb->b", c, value[source], ends[target])
                    gradients[:, p] += circuit.coefficients[turn.rotation] * slope
            after = ends.copy()
            after[turn.turned] = 0.0
            for source, target, c in turn.entries(own):
                after[source] += c * ends[target]
            ends = after
        return losses, gradients


def _steps(circuit: RotationCircuit) -> list[tuple[int, WordAction]]:
    """Return rotations, sums of commuting words taken apart, and channels (−1), first gate first."""
    parts, bounds = split_sums(circuit)
    owner = np.searchsorted(circuit.starts, bounds[:-1], side="right") - 1
    steps = [(int(owner[k]), action_of(parts.generator(k))) for k in range(parts.n_rotations)]
    for position, action in reversed(noise_actions(parts)):
        steps.insert(position, (-1, action))
    return steps
