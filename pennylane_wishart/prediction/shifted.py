"""The variance of a shot at the shifted points of a parameter-shift rule.

A shift by a quarter turn leaves the average over a uniform angle that turns one word as it is. Under
narrow laws, or where one gate of several that share an angle is shifted, it does not: near the identity a
loss can be almost free of noise and its shifted points full of it.
"""

from __future__ import annotations

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
    for i, k in places:
        generator = circuit.generator(k)
        for m in range(len(generator)):
            share = float(generator.coefficients[m] * circuit.coefficients[k]) ** 2
            word = BatchRotation(PauliSum(generator.words[m : m + 1], np.ones(1)))
            total[i] += share * _mean_spread(sweeps, law, found, k, word, size, seed)
            weight[i] += share
    return total / np.maximum(weight, TINY)


def _mean_spread(
    sweeps: Sweeps, law: AngleLaw, found: MeasuredGroups, place: int, word: BatchRotation, size: int, seed: int
) -> float:
    values = []
    for angles in sweeps.batches(law, size, np.random.default_rng(seed)):
        start = np.repeat(sweeps.vector[:, None], len(angles), axis=1)
        for sign in (1.0, -1.0):
            psi = start
            for k, rotate in enumerate(sweeps.rotations):
                psi = rotate(angles[:, k], psi)
                if k == place:
                    psi = word(np.full(len(angles), sign * np.pi / 4), psi)
            values.append(state_spread(psi, found.parts)[0])
    return float(np.mean(np.concatenate(values)))
