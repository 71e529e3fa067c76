"""Shots: the single-shot variance of the loss at this depth, and what a gradient component needs.

Conventions. One *shot* of the loss is one shot in every group of words that the device measures
together (:func:`measured_groups`), so the variance of one shot is the sum over groups g of
⟨O_g²⟩ − ⟨O_g⟩²; it is averaged over the law of the angles. The shots of a *gradient component* are
those of all circuits of its parameter-shift rule together, equally many in each: with R circuits
and coefficients a_i the variance of the estimate is R·Σa_i²·v over all shots, v the variance of one
shot at the shifted points. A shift leaves the law of a uniform angle that turns one word as it is, so
there v is the average at the unshifted points, exactly; elsewhere it is sampled at the shifted ones
(``shifted.py``) where state vectors are affordable, and taken for that at the unshifted ones beyond.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
import pennylane as qml

from pennylane_wishart.circuit import AngleLaw, Grouping, MeasuredGroups, RotationCircuit, measured_groups
from pennylane_wishart.conventions import EngineId, LowerBounds, UpperBound
from pennylane_wishart.conventions import prediction as limits
from pennylane_wishart.conventions.arrays import Floats
from pennylane_wishart.conventions.numbers import TINY
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.errors import InputError, ModuleTooLargeError, UnsupportedCircuitError
from pennylane_wishart.paulis import PauliSum, PauliWords
from pennylane_wishart.prediction.budget import affordable, readings
from pennylane_wishart.variances import SecondMoments, first_moments, walk_pairs
from pennylane_wishart.variances.drivers import check_law
from pennylane_wishart.variances.engines.reached import reached_average
from pennylane_wishart.variances.grouped import grouped_pairs, grouped_second_moment, module_mean, sampled_spread

__all__ = [
    "ShotMethod",
    "ShotVariance",
    "log2_shots_to_resolve",
    "mean_shot_variance",
    "median_bracket",
    "rare_outcome",
    "shift_costs",
    "shots_at_least",
    "whole",
]

_Found = TypeVar("_Found")


class ShotMethod(enum.StrEnum):
    """How the variance of a shot was found."""

    EXACT = "exact"
    WALKERS = "walkers"
    SAMPLED = "sampled"
    BOUND = "upper bound"


@dataclass(frozen=True)
class ShotVariance(Shown):
    """E over the angles of the variance of one shot of the loss, as the device measures it.

    Unpacks as ``value, method``.
    """

    value: float
    """In squared units of the observable; NaN where only ``bound`` is known."""
    error: float
    """Standard error of ``value``; 0 where exact."""
    method: ShotMethod
    groups: int
    """Circuits that one estimate of the loss takes, the shots of the QNode in each."""
    grouping: Grouping
    bound: UpperBound | None = None
    """Where no engine gives the value."""

    def __iter__(self) -> Iterator[Any]:
        return iter((self.value, self.method))

    def __getitem__(self, index: int) -> Any:
        return (self.value, self.method)[index]

    @property
    def log2_at_most(self) -> float:
        """log2 of the bound, or of the value where it is known."""
        if self.bound is not None:
            return self.bound.at_most_log2
        return float(np.log2(self.value)) if self.value > 0 else -np.inf

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python values; NaN as None."""
        return {
            "value": self.value if np.isfinite(self.value) else None,
            "error": self.error if np.isfinite(self.error) else None,
            "method": str(self.method),
            "groups": self.groups,
            "grouping": self.grouping.value,
            "log2_at_most": None if self.bound is None else self.bound.at_most_log2,
        }


def mean_shot_variance(
    circuit: RotationCircuit, law: AngleLaw, moments: SecondMoments, seed: int = 7, found: MeasuredGroups | None = None
) -> ShotVariance:
    """Return E[Σ_g ⟨O_g²⟩ − ⟨O_g⟩²] over the angles, at this depth and in the space that is reached.

    The sharpest engine that is affordable: exact averages of the words, or on the observable's module;
    statevectors at random angles (n ≤ 20); walkers; else a bound.

    Args:
        circuit: the normal form.
        law: law of the angles.
        moments: second moments of the loss, used where it is measured in one group.
        seed: of what is sampled.
        found: how the observable is measured; as a simulator with shots does where None.
    Cost: as the exact engines with a tenth of their limits, or some seconds of sampling.
    Source: THEORY §4f.
    """
    check_law(circuit, law)
    found = measured_groups(circuit) if found is None else found
    limit = sum(_largest(p) ** 2 for p in found.parts)
    if not found.parts:
        return ShotVariance(0.0, 0.0, ShotMethod.EXACT, 0, found.grouping)
    if found.grouping is Grouping.WHOLE and _is_projector(circuit):
        return _of_projector(moments, found, limit)
    # exact, else states, else walkers: of a difference of two estimates little would be left
    squares, second = _exact_parts(circuit, law, moments, found)
    if squares is not None and second is not None:
        return _record(squares - second, 0.0, ShotMethod.EXACT, found, limit)
    if squares is not None and _is_the_loss(circuit, found):
        # nothing is sampled for what the loss's own second moment gives already
        value, error = squares - moments.loss_second_moment, moments.loss_second_moment_error
        if error <= limits.SHOT_ERROR * value:
            return _record(value, error, ShotMethod.WALKERS, found, limit)
    sampled = _sampled(circuit, law, found, squares, seed)
    if sampled is not None:
        return _record(*sampled, ShotMethod.SAMPLED, found, limit)
    if squares is not None:
        walked = _walked(circuit, law, moments, found, seed)
        if walked is not None:
            return _record(squares - walked[0], walked[1], ShotMethod.WALKERS, found, limit)
    most = UpperBound(float(np.log2(min(limit, np.inf if squares is None else max(squares, limit * limits.ROUNDING)))))
    nan = float("nan")
    return ShotVariance(nan, nan, ShotMethod.BOUND, len(found), found.grouping, most)


def _is_projector(circuit: RotationCircuit) -> bool:
    return circuit.trace is not None and isinstance(circuit.trace.observable, qml.Projector)


def _of_projector(moments: SecondMoments, found: MeasuredGroups, limit: float) -> ShotVariance:
    """O² = O: the mean of the loss less its second moment."""
    error = float(np.hypot(moments.loss_mean_error, moments.loss_second_moment_error))
    inexact = ShotMethod.WALKERS if moments.engine is EngineId.WALKERS else ShotMethod.SAMPLED
    method = ShotMethod.EXACT if moments.is_exact else inexact
    return _record(moments.loss_mean - moments.loss_second_moment, error, method, found, limit)


def whole(circuit: RotationCircuit) -> MeasuredGroups:
    """Return the observable as one group: measured in its own eigenbasis."""
    return MeasuredGroups((circuit.observable.trace_free(),), Grouping.WHOLE)


def _record(value: float, error: float, method: ShotMethod, found: MeasuredGroups, limit: float) -> ShotVariance:
    value = 0.0 if abs(value) <= limits.ROUNDING * limit else float(value)
    if value < 0 or (value == 0 and error > 0):
        # an estimate below its own error says only how small the variance is
        top = max(value, 0.0) + limits.BOUND_ERRORS * error + limits.ROUNDING * limit
        nan = float("nan")
        bound = UpperBound(float(np.log2(top)), limits.BOUND_CONFIDENCE)
        return ShotVariance(nan, nan, ShotMethod.BOUND, len(found), found.grouping, bound)
    return ShotVariance(value, float(error), method, len(found), found.grouping)


def _largest(part: PauliSum) -> float:
    return float(np.abs(part.coefficients).sum())


def _exact_parts(
    circuit: RotationCircuit, law: AngleLaw, moments: SecondMoments, found: MeasuredGroups
) -> tuple[float | None, float | None]:
    """Return (E[Σ_g ⟨O_g²⟩], E[Σ_g ⟨O_g⟩²]); None where it is not affordable."""
    reached = None if circuit.is_pauli else _exact_or_none(lambda: reached_average(circuit, law))
    if reached is not None:
        return reached.squares(found.parts), reached.second(found.parts)
    squares = _exact_or_none(lambda: _mean_of_squares(circuit, law, found))
    second = None
    if squares is not None:  # without the first part the second decides nothing, and is the dearer one
        second = _exact_or_none(lambda: _second_moment(circuit, law, moments, found))
    return squares, second


def _exact_or_none(compute: Callable[[], _Found]) -> _Found | None:
    try:
        return compute()
    except (ModuleTooLargeError, UnsupportedCircuitError):
        return None


def _mean_of_squares(circuit: RotationCircuit, law: AngleLaw, found: MeasuredGroups) -> float | None:
    """E[Σ_g ⟨O_g²⟩]: one first moment, of the words of the squares."""
    if sum(len(p) ** 2 for p in found.parts) > limits.MAX_PRODUCTS:
        return None
    # words of a group commute: the square of a group is Hermitian term by term
    parts = [p.multiply(p) for p in found.parts]
    square = PauliSum.of(
        PauliWords.concatenate([p.words for p in parts]), np.concatenate([np.real(p.coefficients) for p in parts])
    )
    constant = square.words.is_identity()
    rest, offset = square.trace_free(), float(np.sum(square.coefficients[constant]))
    if len(rest) == 0:
        return offset
    if circuit.is_pauli and not circuit.shared.any() and not np.any(circuit.random_of >= 0):
        joint = circuit.with_observable(rest)
        return offset + first_moments(joint, joint.rotation_moments(law))[0]
    return offset + module_mean(circuit, law, rest)


def _is_the_loss(circuit: RotationCircuit, found: MeasuredGroups) -> bool:
    """One group without the identity is the loss itself, whose second moment is there already."""
    return len(found) == 1 and not circuit.observable.words.is_identity().any()


def _second_moment(circuit: RotationCircuit, law: AngleLaw, moments: SecondMoments, found: MeasuredGroups) -> float:
    known = moments.is_exact and np.isfinite(moments.loss_second_moment)
    if known and _is_the_loss(circuit, found):
        return moments.loss_second_moment
    return grouped_second_moment(circuit, law, found.parts)


def _sampled(
    circuit: RotationCircuit, law: AngleLaw, found: MeasuredGroups, squares: float | None, seed: int
) -> tuple[float, float] | None:
    """Return the mean over sampled states and its standard error; None where too few are affordable."""
    n_samples = affordable(circuit, readings(found), limits.SPREAD)
    if not n_samples:
        return None
    try:
        spread, second = sampled_spread(circuit, law, found.parts, n_samples, seed)
    except InputError:
        return None
    error = float(spread.std(ddof=1) / np.sqrt(n_samples))
    if squares is not None and second.std() < spread.std():  # the exact part is not sampled again
        return squares - float(second.mean()), float(second.std(ddof=1) / np.sqrt(n_samples))
    return float(spread.mean()), error


def _walked(
    circuit: RotationCircuit, law: AngleLaw, moments: SecondMoments, found: MeasuredGroups, seed: int
) -> tuple[float, float] | None:
    if _is_the_loss(circuit, found):
        if np.isnan(moments.loss_second_moment):
            return None  # only a bound is known, which is no value
        return moments.loss_second_moment, moments.loss_second_moment_error
    observable, gram = grouped_pairs(found.parts)
    try:
        return walk_pairs(circuit.with_observable(observable), law, gram, limits.WALKERS, seed)
    except (UnsupportedCircuitError, ModuleTooLargeError):
        return None


# ---------------------------------------------------------------------- shots of a gradient
def shift_costs(circuit: RotationCircuit) -> Floats:
    """Return R·Σa_i² of every parameter's shift rule, ``(n_params,)``: 1 for a plain rotation.

    Every gate that a parameter drives has its own rule, from the frequencies of its generator; without
    a trace every word of a generator counts as a gate.
    """
    runs, squares = np.zeros(circuit.n_params), np.zeros(circuit.n_params)
    for parameter, rate, generator in _driven_gates(circuit):
        count, square = _rule(_frequencies(generator))
        runs[parameter] += count
        squares[parameter] += square * rate**2
    return runs * squares


def _driven_gates(circuit: RotationCircuit) -> Iterator[tuple[int, float, PauliSum]]:
    trace = circuit.trace
    if trace is not None:
        for row, gate in enumerate(trace.rotations):
            part = slice(trace.map.indptr[row], trace.map.indptr[row + 1])
            for p, rate in zip(trace.map.indices[part], trace.map.data[part], strict=True):
                generator = trace.gates[int(gate)].generator
                if generator is not None:
                    yield int(p), float(rate), generator
        return
    for k in np.flatnonzero(circuit.parameter_of >= 0):
        generator = circuit.generator(int(k))
        for m in range(len(generator)):
            word = PauliSum(generator.words[m : m + 1], generator.coefficients[m : m + 1])
            yield int(circuit.parameter_of[k]), float(circuit.coefficients[k]), word


def _frequencies(generator: PauliSum) -> tuple[float, ...]:
    """Positive differences of a generator's eigenvalues."""
    if len(generator) == 1:
        return (round(2 * abs(float(generator.coefficients[0])), limits.FREQUENCY_DIGITS),)
    support = generator.words.support()
    if len(support) > limits.WIDEST_GATE:  # too large for a matrix: as if each word were a gate
        return tuple(sorted({round(2 * abs(float(c)), limits.FREQUENCY_DIGITS) for c in generator.coefficients}))
    local = PauliSum.of(generator.words.restrict(support), generator.coefficients).matrix()
    values = np.linalg.eigvalsh(local)
    # a gate's spectrum repeats its gaps up to rounding: without it the rule would have as many circuits as gaps
    gaps = np.unique(np.round(np.abs(values[:, None] - values[None, :]), limits.GAP_DIGITS))
    return tuple(float(g) for g in gaps if g > limits.LEAST_GAP)


@lru_cache(maxsize=256)
def _rule(frequencies: tuple[float, ...]) -> tuple[int, float]:
    """Return (circuits, Σa²) of the shift rule of some frequencies."""
    if not frequencies:
        return 0, 0.0
    coefficients = np.asarray(qml.gradients.generate_shift_rule(frequencies))[:, 0]
    return len(coefficients), float(np.sum(coefficients**2))


def rare_outcome(circuit: RotationCircuit, moments: SecondMoments) -> float:
    """Return the mean probability of the rarer outcome of a projector, 1/2 otherwise."""
    if not _is_projector(circuit):
        return 0.5
    return float(np.clip(min(moments.loss_mean, 1 - moments.loss_mean), TINY, 0.5))


def log2_shots_to_resolve(shot_variance: float | Floats, moments: SecondMoments, costs: Floats | None = None) -> Floats:
    """Return log2 of the shots per gradient component for signal-to-noise 1, ``(n_params,)``.

    R·Σa_i²·Var_shot[ℓ]/Var[∂ℓ] (THEORY §9; the factor is 1 for a plain rotation): the shots of all
    circuits of the component's parameter-shift rule together. +inf for dead parameters, NaN where
    one of the two variances is only bounded.
    """
    signal, dead = moments.log2_gradient_variance, moments.dead
    noise = _log2(shot_variance) + _log2_costs(costs, len(signal))
    return np.where(dead, np.inf, noise - np.where(dead, 0.0, signal))


def shots_at_least(shot_variance: float | Floats, moments: SecondMoments, costs: Floats | None = None) -> LowerBounds:
    """Return lower bounds on log2 of the shots per gradient component; the value itself where it is exact.

    Args:
        shot_variance: of one shot, or a lower bound on it; NaN where neither is known.
        costs: of every parameter's shift rule, as for :func:`log2_shots_to_resolve`.
    """
    upper, dead = moments.gradient_variance_upper, moments.dead
    noise = _log2(shot_variance) + _log2_costs(costs, len(upper))
    with np.errstate(invalid="ignore"):
        least = np.where(dead, np.inf, noise - np.where(dead, 0.0, upper.at_most_log2))
    return LowerBounds(np.where(np.isnan(least), -np.inf, least), upper.confidence)


def median_bracket(values: Floats, at_least: Floats) -> tuple[float, float]:
    """Return (low, high) around a median of which some members (NaN in ``values``) are only bounded below.

    Equal where the members in the middle are known.
    """
    unknown = np.isnan(values)
    if not unknown.any():
        return (float(np.median(values)),) * 2
    # each side is sorted on its own: the member in the middle need not be the same one at both ends
    low = np.sort(np.where(unknown, at_least, values))
    high = np.sort(np.where(unknown, np.inf, values))
    middle = [(len(values) - 1) // 2, len(values) // 2]
    (a, b), (c, d) = low[middle], high[middle]
    # next to an infinity the half-way point says nothing: keep the side that is safe
    least = (a + b) / 2 if np.isfinite(a + b) else min(a, b)
    most = (c + d) / 2 if np.isfinite(c + d) else max(c, d)
    return float(least), float(most)


def _log2(value: float | Floats) -> Floats:
    """log2 of what is not negative: −inf of 0, NaN of NaN."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log2(np.asarray(value, float)))


def _log2_costs(costs: Floats | None, n_params: int) -> Floats:
    """A parameter that drives no gate has a rule of no circuits: it costs nothing, and is dead anyway."""
    if costs is None:
        return np.zeros(n_params)
    return np.asarray(np.log2(np.where(costs > 0, costs, 1.0)))
