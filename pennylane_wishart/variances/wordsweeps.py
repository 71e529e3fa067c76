"""Losses and gradients at given angles by sweeps of the observable, word by word, in the Heisenberg picture.

What noise needs, and what circuits whose observable reaches few words are fastest with at any number of qubits:
those of free fermions, and shallow ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pennylane_wishart.circuit import RotationCircuit
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import InputError, ModuleTooLargeError
from pennylane_wishart.variances.actions import Row, WordAction, noise_actions
from pennylane_wishart.variances.actions import rotation_action as action_of
from pennylane_wishart.variances.engines.tuples import WordImages
from pennylane_wishart.variances.parts import split_sums
from pennylane_wishart.variances.reach import WordIndex
from pennylane_wishart.variances.sweeps import Drawn

__all__ = ["WordSweeps"]


@dataclass(frozen=True, eq=False)
class _Turn:
    """One gate on the words that it turns or makes, which are numbered here among themselves."""

    rotation: int
    """−1 for a channel."""
    words: np.ndarray
    """int64: their numbers in the index."""
    turned: np.ndarray
    """Places in ``words``: those that the gate turns."""
    rows: tuple[Row, ...]
    branches: tuple[tuple[tuple[np.ndarray, np.ndarray, np.ndarray], ...], ...]
    """Per row, per shift: places after the gate, before it, signs."""

    def entries(self, angles: np.ndarray, slope: bool = False) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Yield (after, before, coefficients ``(m, batch)``) at angles ``(batch,)``, or their derivatives."""
        for row, branches in zip(self.rows, self.branches, strict=True):
            waves = np.exp(1j * angles[:, None] * row.frequencies)
            values = (waves @ (1j * row.frequencies[:, None] * row.amplitudes if slope else row.amplitudes)).real
            for (after, before, sign), value in zip(branches, values.T, strict=True):
                yield after, before, sign[:, None] * value[None, :]


class WordSweeps(Drawn):
    """A circuit made ready for sweeps of its observable, with its noise.

    Args:
        max_words: most words that are followed.
        max_work: amplitudes that one sweep may touch: no more is made ready.
    Raises:
        InputError: for noise beyond ``limits.MAX_NOISY_QUBITS`` qubits.
        ModuleTooLargeError: beyond ``max_words`` or ``max_work``, or for a generator of too many independent words.
    """

    def __init__(self, circuit: RotationCircuit, max_words: float = np.inf, max_work: float = np.inf):
        if circuit.channels and circuit.n_qubits > limits.MAX_NOISY_QUBITS:
            raise InputError(
                f"Circuits with noise are simulated to {limits.MAX_NOISY_QUBITS} qubits; got {circuit.n_qubits}."
            )
        self.circuit = circuit
        self.index = WordIndex(circuit.observable.words)
        self._images: dict[int, WordImages] = {}
        alive = np.ones(len(self.index), bool)
        turns = []
        self.work = 0.0
        for rotation, action in reversed(_steps(circuit)):
            turn, alive = self._turn(rotation, action, alive)
            turns.append(turn)
            self.work += limits.WORD_COST * sum(len(after) for made in turn.branches for after, _, _ in made)
            if len(self.index) > max_words:
                raise ModuleTooLargeError(f"The observable reaches more than {int(max_words)} words.")
            if self.work > max_work:
                raise ModuleTooLargeError(f"Sweeps of {len(self.index)} words and more are too dear.")
        self.turns = turns[::-1]
        self.ends = circuit.state.expectation(self.index.words())

    def _turn(self, rotation: int, action: WordAction, alive: np.ndarray) -> tuple[_Turn, np.ndarray]:
        images = self._images.setdefault(id(action), WordImages(self.index, action))
        active = np.flatnonzero(alive)
        codes = images.syndromes()[active]
        turned = images.turns(codes[:, None])[:, 0]
        rows, found = [], []
        for s in np.unique(codes[turned]):
            row, members = action.row(int(s)), active[turned & (codes == s)]
            rows.append(row)
            made = [images.of(members, int(shift), bool(odd)) for shift, odd in zip(row.shifts, row.odd, strict=True)]
            found.append([(members, before, sign) for before, sign in made])
        alive = np.append(alive, np.zeros(len(self.index) - len(alive), bool))
        alive[active[turned]] = False
        for _, before, _ in (entry for made in found for entry in made):
            alive[before] = True
        words = np.unique(np.concatenate([active[turned], *(b for made in found for _, b, _ in made)]))
        branches = tuple(
            tuple((np.searchsorted(words, a), np.searchsorted(words, b), sign) for a, b, sign in made) for made in found
        )
        return _Turn(rotation, words, np.searchsorted(words, active[turned]), tuple(rows), branches), alive

    @property
    def floats(self) -> int:
        """Numbers kept of one sample: what each gate has changed, and the observable at both ends."""
        return 2 * len(self.index) + sum(len(t.words) for t in self.turns)

    def batch(self, n_samples: int) -> int:
        """Return how many samples to hold at one time."""
        return max(1, min(n_samples, limits.WORD_BATCH, limits.KEPT_FLOATS // self.floats))

    def __call__(self, angles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return losses ``(batch,)`` and gradients ``(batch, n_params)`` at rotation angles ``(batch, n_rotations)``.

        Cost: O(words turned by a gate, summed over gates, · batch).
        """
        circuit, batch = self.circuit, len(angles)
        value = np.zeros((len(self.index), batch))
        value[: len(circuit.observable)] = circuit.observable.coefficients[:, None]
        kept = []
        for turn in reversed(self.turns):
            before = value[turn.words]
            kept.append(before)
            after = before.copy()
            after[turn.turned] = 0.0
            for source, target, c in turn.entries(self._angles(turn, angles)):
                after[target] += c * before[source]
            value[turn.words] = after
        ends = np.repeat(self.ends[:, None], batch, axis=1)
        losses = np.einsum("wb,wb->b", value, ends)
        gradients = np.zeros((batch, circuit.n_params))
        for turn, made in zip(self.turns, reversed(kept), strict=True):
            own, seen = self._angles(turn, angles), ends[turn.words]
            p = int(circuit.parameter_of[turn.rotation]) if turn.rotation >= 0 else -1
            if p >= 0:
                for source, target, c in turn.entries(own, slope=True):
                    slope = np.einsum("wb,wb,wb->b", c, made[source], seen[target])
                    gradients[:, p] += circuit.coefficients[turn.rotation] * slope
            after = seen.copy()
            after[turn.turned] = 0.0
            for source, target, c in turn.entries(own):
                after[source] += c * seen[target]
            ends[turn.words] = after
        return losses, gradients

    def _angles(self, turn: _Turn, angles: np.ndarray) -> np.ndarray:
        return angles[:, turn.rotation] if turn.rotation >= 0 else np.zeros(len(angles))


def _steps(circuit: RotationCircuit) -> list[tuple[int, WordAction]]:
    """Return rotations, sums of commuting words taken apart, and channels (−1), first gate first."""
    parts, bounds = split_sums(circuit)
    owner = np.searchsorted(circuit.starts, bounds[:-1], side="right") - 1
    made: dict[bytes, WordAction] = {}
    steps = []
    for k in range(parts.n_rotations):
        generator = parts.generator(k)
        key = generator.words.packed.tobytes() + generator.coefficients.tobytes()
        if key not in made:  # the same object for equal generators: its images of words are found once
            made[key] = action_of(generator)
        steps.append((int(owner[k]), made[key]))
    for position, action in reversed(noise_actions(parts)):
        steps.insert(position, (-1, action))
    return steps
