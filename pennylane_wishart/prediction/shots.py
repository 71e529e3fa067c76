"""Shots: the single-shot variance of the loss and what a gradient component needs."""

from __future__ import annotations

import numpy as np
import pennylane as qml

from pennylane_wishart.circuit import AngleLaw, RotationCircuit
from pennylane_wishart.conventions import LowerBounds
from pennylane_wishart.moments import SecondMoments
from pennylane_wishart.paulis import PauliSum

__all__ = ["log2_shots_to_resolve", "mean_shot_variance", "median_bracket", "rare_outcome", "shots_at_least"]

_MAX_TERMS = 400


def first_moment(circuit: RotationCircuit, law: AngleLaw, operator: PauliSum) -> float | None:
    """Return E⟨A⟩ over the angles, exact for independent one-word rotations; None otherwise.

    Backwards, a word that anticommutes with the rotation's word keeps E[cos φ] of itself and
    moves E[sin φ] away; symmetric laws have no second part.
    """
    if not circuit.is_pauli or circuit.shared.any():
        return None
    moments = circuit.rotation_moments(law)
    if np.any(np.abs(moments.sin) > 1e-12):
        return None
    words, values = operator.words, operator.coefficients.astype(float)
    for k in range(circuit.n_rotations - 1, -1, -1):
        if len(values) == 0:
            return 0.0
        anti = circuit.words[k].anticommutation(words)[0]
        if anti.any():
            values = np.where(anti, values * moments.cos[k], values)
            keep = np.abs(values) > 0
            words, values = words[keep], values[keep]
    return float(values @ circuit.state.expectation(words))


def mean_shot_variance(circuit: RotationCircuit, law: AngleLaw, moments: SecondMoments) -> tuple[float, str]:
    """Return (E[⟨O²⟩ − ⟨O⟩²], method): the variance of one shot, averaged over the angles."""
    observable = circuit.observable
    if len(observable) <= 1:
        square = observable.norm_squared
        return max(square - moments.loss_second_moment, 0.0), "exact"
    if len(observable) <= _MAX_TERMS:
        found = first_moment(circuit, law, observable.multiply(observable))
        if found is not None:
            return max(found - moments.loss_second_moment, 0.0), "exact"
    # The trace is what ⟨O²⟩ averages to in the deep limit of a circuit without symmetries.
    return max(observable.norm_squared - moments.loss_second_moment, 0.0), "deep-limit trace"


def rare_outcome(circuit: RotationCircuit, moments: SecondMoments) -> float:
    """Return the mean probability of the rarer outcome of a projector, 1/2 otherwise."""
    if circuit.trace is None or not isinstance(circuit.trace.observable, qml.Projector):
        return 0.5
    return float(np.clip(min(moments.loss_mean, 1 - moments.loss_mean), 1e-300, 0.5))


def log2_shots_to_resolve(shot_variance: float, moments: SecondMoments) -> np.ndarray:
    """Return log2 of the shots per gradient component for signal-to-noise 1, ``(n_params,)``.

    Var_shot[ℓ]/Var[∂ℓ] (THEORY §9); +inf for dead parameters, NaN where a variance is only bounded.
    """
    signal = moments.log2_gradient_variance
    return np.where(moments.dead, np.inf, _log2(shot_variance) - np.where(moments.dead, 0.0, signal))


def shots_at_least(shot_variance: float, moments: SecondMoments) -> LowerBounds:
    """Return lower bounds on log2 of the shots per gradient component; the value itself where it is exact.

    Args:
        shot_variance: of one shot, or a lower bound on it.
    """
    upper = moments.gradient_variance_upper
    with np.errstate(invalid="ignore"):
        least = np.where(moments.dead, np.inf, _log2(shot_variance) - np.where(moments.dead, 0.0, upper.at_most_log2))
    return LowerBounds(np.where(np.isnan(least), -np.inf, least), upper.confidence)


def median_bracket(values: np.ndarray, at_least: np.ndarray) -> tuple[float, float]:
    """Return (low, high) around a median of which some members (NaN in ``values``) are only bounded below.

    Equal where the members in the middle are known.
    """
    unknown = np.isnan(values)
    if not unknown.any():
        return (float(np.median(values)),) * 2
    low = np.sort(np.where(unknown, at_least, values))
    high = np.sort(np.where(unknown, np.inf, values))
    middle = [(len(values) - 1) // 2, len(values) // 2]
    (a, b), (c, d) = low[middle], high[middle]
    # next to an infinity the half-way point says nothing: keep the side that is safe
    least = (a + b) / 2 if np.isfinite(a + b) else min(a, b)
    most = (c + d) / 2 if np.isfinite(c + d) else max(c, d)
    return float(least), float(most)


def _log2(value: float) -> float:
    if np.isnan(value):
        return float("nan")
    return float(np.log2(value)) if value > 0 else -np.inf
