"""The variance of a shot at the shifted points of a parameter-shift rule.

A shift by a quarter turn leaves the average over a uniform angle that turns one word as it is. Under
narrow laws, or where one gate of several that share an angle is shifted, it does not: near the identity a
loss can be almost free of noise and its shifted points full of it.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from pennylane_wishart.circuit import AngleLaw, MeasuredGroups, RotationCircuit
from pennylane_wishart.conventions import prediction as limits
from pennylane_wishart.conventions.numbers import TINY
from pennylane_wishart.errors import InputError
from pennylane_wishart.paulis import PauliSum
from pennylane_wishart.prediction.budget import affordable, readings
from pennylane_wishart.variances.grouped import state_spread
from pennylane_wishart.variances.sweeps import BatchRotation, Sweeps

__all__ = ["shift_invariant", "shifted_spread"]


def shift_invariant(circuit: RotationCircuit, law: AngleLaw) -> NDArray[np.bool_]:
    """Return for which parameters a shift leaves every second moment as it is, bool ``(n_params,)``.

    So it is where the parameter turns one word and its angle has no first or second harmonic.
    """
    words = np.zeros(circuit.n_params, np.int64)
    driven = np.flatnonzero(circuit.parameter_of >= 0)
    np.add.at(words, circuit.parameter_of[driven], np.diff(circuit.starts)[driven])
    flat, turns = np.ones(circuit.n_params, bool), circuit.parameter_of[driven]
    frequency = 2 * np.abs(circuit.term_coefficients[circuit.starts[driven]] * circuit.coefficients[driven])
    harmonics = law.characteristic(np.stack([frequency, 2 * frequency]), np.stack([turns, turns]))
    np.logical_and.at(flat, turns, np.all(np.abs(harmonics) < limits.FLAT_HARMONIC, axis=0))
    return flat & (words <= 1)


def shifted_spread(
    circuit: RotationCircuit, law: AngleLaw, found: MeasuredGroups, parameters: NDArray[np.int64], seed: int
) -> NDArray[np.float64] | None:
    """Return E of the variance of a shot where one word of a parameter is a quarter turn away, sampled.

    Averaged over the words that each parameter turns, by their shares of the estimate's variance, and over
    both signs. None where that is too dear.

    Returns:
        float64 ``(len(parameters),)``.
    Cost: O(words of the parameters · samples · terms · 2^n), bounded to some seconds.
    """
    places = [(i, int(k)) for i, p in enumerate(parameters) for k in np.flatnonzero(circuit.parameter_of == p)]
    shifts = 2 * sum(len(circuit.generator(k)) for _, k in places)
    size = affordable(circuit, readings(found), limits.SHIFTED, max(shifts, 1))
    if not size:
        return None
    total, weight = np.zeros(len(parameters)), np.zeros(len(parameters))
    try:
        sweeps = Sweeps(circuit)
    except InputError:
        return None
    words = {k: [_word(circuit.generator(k), m) for m in range(len(circuit.generator(k)))] for _, k in places}
    spreads = _mean_spreads(sweeps, law, found, words, size, seed)
    for i, k in places:
        shares = (circuit.generator(k).coefficients * circuit.coefficients[k]) ** 2
        total[i] += shares @ spreads[k]
        weight[i] += shares.sum()
    return total / np.maximum(weight, TINY)


def _word(generator: PauliSum, m: int) -> BatchRotation:
    return BatchRotation(PauliSum(generator.words[m : m + 1], np.ones(1)))


def _mean_spreads(
    sweeps: Sweeps, law: AngleLaw, found: MeasuredGroups, words: dict[int, list[BatchRotation]], size: int, seed: int
) -> dict[int, NDArray[np.float64]]:
    """Return the mean over samples and both signs where each word is turned behind its rotation, by rotation."""
    values: dict[int, list[NDArray[np.float64]]] = {k: [] for k in words}
    for angles in sweeps.batches(law, size, np.random.default_rng(seed)):
        psi = np.repeat(sweeps.vector[:, None], len(angles), axis=1)
        for k, rotate in enumerate(sweeps.rotations):
            # all shifts behind a rotation start from the same states
            psi = rotate(angles[:, k], psi)
            here = []
            for word, sign in product(words.get(k, ()), (1.0, -1.0)):
                turned = word(np.full(len(angles), sign * np.pi / 4), psi)
                for later in range(k + 1, len(sweeps.rotations)):
                    turned = sweeps.rotations[later](angles[:, later], turned)
                here.append(state_spread(turned, found.parts)[0])
            if here:
                values[k].append(np.reshape(here, (len(here) // 2, -1)))
    return {k: np.concatenate(rows, axis=1).mean(axis=1) if rows else np.zeros(0) for k, rows in values.items()}
