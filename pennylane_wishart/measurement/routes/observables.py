"""Estimating ⟨O⟩ together with its shot noise: tapes per measurement basis, and what they yield.

The noise of ⟨O⟩ comes from the same shots as ⟨O⟩ itself: closed form for an observable of two
eigenvalues, sample covariance for a sum of words measured in one basis. One shot has no spread:
its noise is given as the largest that the outcomes allow, the square of half their range.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pennylane as qml

from pennylane_wishart.conventions.arrays import Floats
from pennylane_wishart.errors import DeviceError
from pennylane_wishart.measurement.store.faults import checked_values

__all__ = ["Reading", "readings"]

Interpret: TypeAlias = "Callable[[Any, int], tuple[float, float]]"


@dataclass(frozen=True, eq=False)
class Reading:
    """One circuit to run for an observable: its extra gates, measurements and interpretation."""

    rotations: tuple[Any, ...]
    measurements: tuple[Any, ...]
    interpret: Interpret
    """``interpret(result, shots) -> (estimate, variance of the estimate)``; the variance is 0
    where shots is None, an upper bound where it is 1."""
    half_range: float = 0.0
    """Half the distance between the largest and the smallest outcome of one shot; 0 where analytic."""


def readings(
    observable: Any, shots: int | None, by_wire: bool = False, by_word: bool = False
) -> tuple[list[Reading], float]:
    """Return the circuits that measure an observable, and the constant to add.

    ``by_wire``: sample Z of each wire, for devices that give no bit strings; ``by_word``: one circuit
    for each Pauli word, for devices that give no samples at all.
    """
    if shots is None:
        return [Reading((), (qml.expval(observable),), _exact)], 0.0
    # Of two outcomes the mean tells the spread: no samples have to travel.
    bounds = _two_levels(observable)
    if bounds is not None:
        half = (bounds[1] - bounds[0]) / 2
        return [Reading((), (qml.expval(observable),), _TwoLevels(*bounds), half)], 0.0
    if observable.pauli_rep is not None:
        return _qubitwise(observable, by_wire, by_word)
    half = _half_range(observable)
    both = (qml.expval(observable), qml.var(observable))
    return [Reading((), both, _MeanAndVariance(half), half)], 0.0


def _exact(result: Any, shots: int) -> tuple[float, float]:
    return float(checked_values(result, 1, "an expectation value")[0]), 0.0


def _half_range(observable: Any) -> float:
    values = np.real(observable.eigvals())
    return float(np.max(values) - np.min(values)) / 2


@dataclass(frozen=True)
class _MeanAndVariance:
    half: float

    def __call__(self, result: Any, shots: int) -> tuple[float, float]:
        mean, variance = (float(v) for v in checked_values(result, 2, "expectation and variance"))
        return mean, max(variance, 0.0) / (shots - 1) if shots > 1 else self.half**2


@dataclass(frozen=True)
class _TwoLevels:
    low: float
    high: float

    def __call__(self, result: Any, shots: int) -> tuple[float, float]:
        mean = float(checked_values(result, 1, "an expectation value")[0])
        if shots == 1:
            return mean, ((self.high - self.low) / 2) ** 2
        spread = (self.high - mean) * (mean - self.low)
        # Beyond its range by more than rounding the value is noise-mitigated, not a mean of shots.
        return mean, max(spread, 0.0) / (shots - 1)


def _two_levels(observable: Any) -> tuple[float, float] | None:
    """Return the two eigenvalues of an observable that has just two, if that is plain to see."""
    if isinstance(observable, qml.Projector):
        return 0.0, 1.0
    if observable.pauli_rep is not None:
        words = [(w, float(np.real(c))) for w, c in observable.pauli_rep.items()]
        if len(words) == 1 and len(words[0][0]):
            return -abs(words[0][1]), abs(words[0][1])
    return None


def _qubitwise(observable: Any, by_wire: bool, by_word: bool) -> tuple[list[Reading], float]:
    """One reading per set of qubit-wise commuting words."""
    constant, words, coefficients = 0.0, [], []
    for word, coefficient in observable.pauli_rep.items():
        if len(word) == 0:
            constant += float(np.real(coefficient))
        else:
            words.append(word)
            coefficients.append(float(np.real(coefficient)))
    # The largest words choose the bases: their noise is what the estimate gains most from.
    groups: list[tuple[dict[Any, str], list[int]]] = []
    for k in sorted(range(len(words)), key=lambda i: -abs(coefficients[i])):
        for basis, members in groups:
            if not by_word and all(basis.get(w, p) == p for w, p in words[k].items()):
                basis.update(words[k])
                members.append(k)
                break
        else:
            groups.append((dict(words[k]), [k]))
    found = [_group(b, [words[k] for k in m], [coefficients[k] for k in m], by_wire) for b, m in groups]
    return found, constant


def _group(basis: dict[Any, str], words: list[Any], coefficients: list[float], by_wire: bool) -> Reading:
    if len(words) == 1:
        word = qml.pauli.PauliWord(words[0]).operation()
        return Reading((), (qml.expval(word),), _Scaled(coefficients[0], _TwoLevels(-1.0, 1.0)), abs(coefficients[0]))
    wires = list(basis)
    turns = {"X": qml.Hadamard, "Y": lambda w: qml.RX(np.pi / 2, w)}
    rotations = tuple(turns[p](w) for w, p in basis.items() if p in turns)
    masks = np.array([[w in word for w in wires] for word in words], float)
    sampled = tuple(qml.sample(qml.Z(w)) for w in wires) if by_wire else (qml.sample(wires=wires),)
    largest = float(np.sum(np.abs(coefficients)))
    return Reading(rotations, sampled, _Samples(masks, np.array(coefficients), by_wire), largest)


@dataclass(frozen=True)
class _Scaled:
    factor: float
    inner: _TwoLevels

    def __call__(self, result: Any, shots: int) -> tuple[float, float]:
        mean, variance = self.inner(result, shots)
        return self.factor * mean, self.factor**2 * variance


@dataclass(frozen=True, eq=False)
class _Samples:
    masks: Floats
    coefficients: Floats
    by_wire: bool = False

    def __call__(self, result: Any, shots: int) -> tuple[float, float]:
        bits = np.asarray(result, float)
        if self.by_wire:
            bits = (1 - bits.T) / 2
        n = self.masks.shape[1]
        # Plugins return samples in several shapes and signs; anything else than bits is refused, not guessed at.
        if bits.size != shots * n or not np.all((bits == 0) | (bits == 1)):
            raise DeviceError(
                f"samples of shape {np.shape(result)} came where {shots} bit strings of {n} wires were due"
            )
        # The value of a word is the parity of its bits; all words at once from one product.
        parity = 1 - 2 * np.mod(bits.reshape(shots, n) @ self.masks.T, 2)
        values = parity @ self.coefficients
        # The sample covariance of the words is in the variance of their sum.
        spread = values.var(ddof=1) if shots > 1 else float(np.sum(np.abs(self.coefficients))) ** 2
        return float(values.mean()), float(spread) / shots
