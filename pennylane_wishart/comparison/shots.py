"""What shots do to each comparison: noise that is taken off, bounds on it, and laws of the estimates.

The error that a few shots report of themselves is 0 whenever they agree, so no test here rests on it
alone: means of it are unbiased from two shots on, bounds and exact laws hold from one.
"""

from __future__ import annotations

import numpy as np
import pennylane as qml

from pennylane_wishart.comparison.estimates import CountedLaw, NoisyLaw, noisy_law
from pennylane_wishart.comparison.variances import gradient_bounds
from pennylane_wishart.ensembles import Distribution, Law
from pennylane_wishart.errors import DeviceError
from pennylane_wishart.measurement import Measurement
from pennylane_wishart.measurement.noise import ShotBounds, shot_bounds
from pennylane_wishart.prediction import Prediction

__all__ = [
    "gradient_estimate_law",
    "gradient_estimates",
    "gradient_noise",
    "loss_estimate_law",
    "loss_estimates",
    "noise_bounds",
    "two_levels",
]


def two_levels(pred: Prediction) -> tuple[float, float] | None:
    """Return the two outcomes of a shot of the observable, where it has just two."""
    trace, observable = pred.circuit.trace, pred.circuit.observable
    if trace is not None and isinstance(trace.observable, qml.Projector):
        return 0.0, 1.0
    if len(observable) == 1 and observable.words.weights()[0] > 0:
        size = float(np.abs(observable.coefficients[0]))
        return -size, size
    return None


def _bounds_of(pred: Prediction) -> ShotBounds | None:
    """Return the bounds on shot noise; None for a circuit of words, or with a gate that has no shift rule."""
    if pred.circuit.trace is None:
        return None
    try:
        return shot_bounds(pred.circuit.trace)
    except DeviceError:
        return None


def _is_shared(pred: Prediction) -> bool:
    """Whether a parameter drives several gates: shifting one of them is then no shift of the parameter."""
    trace = pred.circuit.trace
    return trace is not None and bool(np.any(np.diff(trace.jacobian.tocsc().indptr) > 1))


def noise_bounds(pred: Prediction, data: Measurement) -> np.ndarray:
    """Return the largest possible shot-noise variance of each gradient component, 0 without shots."""
    shots = data.plan.shots
    if not shots:
        return np.zeros(pred.circuit.n_params)
    found = _bounds_of(pred)
    if found is None:  # two shifts of ±½ each for every rotation, the whole observable in one reading
        return gradient_bounds(pred.circuit) ** 2 / shots
    return found.gradient / shots


def gradient_noise(pred: Prediction, data: Measurement) -> np.ndarray | str:
    """Return an unbiased estimate of the shot noise of every measured gradient, or why there is none.

    ``(samples, n_params)`` from two shots on. A single shot has no spread: for two outcomes a < b and angles
    uniform over whole periods, each in one gate, its mean variance follows from the prediction,
    E[(b − ℓ)(ℓ − a)], which no shift changes; otherwise it is not known.
    """
    shots = data.plan.shots
    if shots != 1:
        return np.where(data.measured, data.gradient_error, 0.0) ** 2
    levels, found = two_levels(pred), _bounds_of(pred)
    if levels is None or found is None or pred.angles.name != "uniform" or _is_shared(pred):
        return (
            "one shot has no spread of its own, and its noise is known only for an observable of two outcomes and "
            "uniform angles that drive one gate each"
        )
    low, high = levels
    moments = pred.moments
    single = (low + high) * moments.loss_mean - low * high - moments.loss_second_moment
    return found.gradient * (max(single, 0.0) / ((high - low) / 2) ** 2)


def loss_estimate_law(law: Law, pred: Prediction, data: Measurement) -> Distribution | CountedLaw | NoisyLaw | str:
    """Return the law of the measured losses where the true ones follow ``law``, or why there is none."""
    shots = data.plan.shots
    if not shots:
        return law
    levels = two_levels(pred)
    if levels is not None:
        low, high = levels
        counted = CountedLaw.of(law, low, high, shots)
        return counted or law.with_shots(shots, lambda value: np.maximum((high - value) * (value - low), 0.0))
    found = _bounds_of(pred)
    return noisy_law(law, shots, data.shot_variance, 0.0 if found is None else found.loss_step)


def gradient_estimate_law(law: Law, pred: Prediction, data: Measurement, deep) -> Law | NoisyLaw | str:
    """Return the law of measured gradients where the true ones follow ``law``, or why there is none."""
    shots = data.plan.shots
    if not shots:
        return law
    found = _bounds_of(pred)
    errors = data.gradient_error[:, deep]
    step = 0.0 if found is None else float(np.max(found.gradient_step[deep]))
    return noisy_law(law, shots, errors[np.isfinite(errors)] ** 2, step)


def loss_estimates(own: np.ndarray, pred: Prediction, data: Measurement, seed: int) -> np.ndarray:
    """Return what a device with the measurement's shots would read of exact losses ``own``: coins, else normal."""
    shots = data.plan.shots
    if not shots:
        return own
    rng = np.random.default_rng([seed, 1])
    levels = two_levels(pred)
    if levels is not None:
        low, high = levels
        up = np.clip((own - low) / (high - low), 0.0, 1.0)
        return low + (high - low) * rng.binomial(shots, up) / shots
    return own + np.sqrt(_mean(data.shot_variance)) * rng.standard_normal(own.shape)


def gradient_estimates(own: np.ndarray, data: Measurement, deep: np.ndarray, seed: int) -> np.ndarray:
    """Return exact gradient components ``own`` with normal noise of the measurement's size."""
    if not data.plan.shots:
        return own
    errors = data.gradient_error[:, deep]
    return own + np.sqrt(_mean(errors**2)) * np.random.default_rng([seed, 1]).standard_normal(own.shape)


def _mean(variances: np.ndarray) -> float:
    """Mean of the variances that are known; 0 where none is."""
    known = variances[np.isfinite(variances)]
    return float(known.mean()) if known.size else 0.0
