"""``pw.compare``: a prediction held against a measurement."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import singledispatch

import numpy as np
from scipy import stats

from pennylane_wishart.comparison.dead import compare_dead
from pennylane_wishart.comparison.reference import reference_gradients
from pennylane_wishart.comparison.shots import (
    gradient_estimate_law,
    gradient_estimates,
    gradient_noise,
    loss_estimate_law,
    loss_estimates,
    noise_bounds,
)
from pennylane_wishart.comparison.statistics import (
    ROUNDING,
    QuantityComparison,
    compare_sample,
    not_compared,
)
from pennylane_wishart.comparison.variances import compare_variances, gradient_bounds
from pennylane_wishart.errors import ComparisonError, OutOfTheoryError
from pennylane_wishart.measurement import Measurement, MinimaMeasurement
from pennylane_wishart.measurement.machines import IDEAL
from pennylane_wishart.prediction import Prediction

__all__ = ["Comparison", "compare"]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Every quantity that could be compared, and why the others could not."""

    loss: QuantityComparison | None = None
    gradient: QuantityComparison | None = None
    variances: QuantityComparison | None = None
    minima: QuantityComparison | None = None
    dead: QuantityComparison | None = None
    """Whether parameters proved dead were measured as zero."""
    device: str = ""
    """The device that measured."""
    noise: str = ""
    """What a disagreement says about a device that is not an ideal simulator; empty where there is none."""

    @property
    def quantities(self) -> tuple[QuantityComparison, ...]:
        """The comparisons that were tried, in reading order."""
        every = (self.variances, self.dead, self.loss, self.gradient, self.minima)
        return tuple(q for q in every if q is not None)

    @property
    def agrees(self) -> bool | None:
        """False if any quantity disagrees, None if nothing could be compared."""
        verdicts = [q.agrees for q in self.quantities if q.agrees is not None]
        return all(verdicts) if verdicts else None

    def __str__(self) -> str:
        lines = [str(q) for q in self.quantities]
        return "\n".join([*lines, self.noise] if self.noise else lines)

    def to_dict(self) -> dict:
        """Return plain Python values, ready for JSON."""
        return {
            "schema_version": 1,
            "agrees": self.agrees,
            "device": self.device,
            "noise": self.noise,
            "quantities": [q.to_dict() for q in self.quantities],
        }


def compare(pred: Prediction, data, alpha: float = 0.001, seed: int = 7) -> Comparison:
    """Hold a prediction against measured losses and gradients, or against found minima.

    Losses and gradients are tested against the deep-limit laws only where the circuit is deep
    enough for them (``Prediction.is_deep``, ``deep_parameters``) and its own sample has their shape
    (``loss_check``, ``gradient_check``); the variances of all parameters
    are tested at this depth in any case. One gradient component per angle set enters the test of
    the law, because components of one set are dependent.

    Args:
        pred: a :class:`Prediction`.
        data: a :class:`Measurement` or :class:`MinimaMeasurement` of the same circuit and law.
        alpha: false-alarm rate of each quantity's ``agrees``.
        seed: seed of the choice of components and of the power simulation.
    Returns:
        :class:`Comparison`.
    Raises:
        ComparisonError: if the records are of different circuits or laws of angles.
    """
    return _compare(data, pred, alpha, seed)


@singledispatch
def _compare(data, pred, alpha, seed) -> Comparison:
    raise ComparisonError(
        f"compare needs a Measurement or MinimaMeasurement; got {type(data).__name__}. Use pw.measure."
    )


def _check_same(pred: Prediction, data) -> None:
    if data.law != pred.angles:
        raise ComparisonError(
            f"The measurement drew angles from {data.law.name!r}, the prediction is for {pred.angles.name!r}: "
            "use one angles= for both."
        )
    if data.circuit_hash != pred.circuit.content_hash:
        raise ComparisonError("The measurement is of another circuit (content hashes differ).")


@_compare.register
def _(data: Measurement, pred, alpha, seed) -> Comparison:
    _check_same(pred, data)
    gradients = np.where(data.measured, data.gradients, np.nan)
    found = Comparison(
        loss=_loss(pred, data, alpha, seed),
        gradient=_gradient(pred, data, gradients, alpha, seed),
        variances=_variances(pred, data, gradients, alpha),
        dead=_dead(pred, gradients, data, alpha),
        device=data.device,
    )
    return replace(found, noise=_noise(found))


def _noise(found: Comparison) -> str:
    """Say what a discrepancy means on a device that may be noisy."""
    if found.agrees is not False or found.device in IDEAL:
        return ""
    text = f"{found.device} is not a simulator known to be ideal, and the laws are those of the noiseless circuit: "
    known = [q for q in (found.variances, found.loss) if q is not None and np.isfinite(q.ratio_of_variances)]
    if not known or not known[0].interval[1] < 1:
        return text + "the discrepancy is a statement about this device or its circuit, not about the theory."
    kept, low, high = (float(np.sqrt(max(r, 0.0))) for r in (known[0].ratio_of_variances, *known[0].interval))
    return text + (
        f"noise that keeps {kept:.0%} [{low:.0%}, {high:.0%}] of every signal explains the variances "
        f"({known[0].name}); the theory is not refuted by it."
    )


def _variances(pred: Prediction, data: Measurement, gradients, alpha) -> QuantityComparison:
    noise = gradient_noise(pred, data)
    if isinstance(noise, str):
        return not_compared("gradient variances at this depth", noise, alpha)
    found = compare_variances(
        gradients,
        pred.gradient_variance,
        pred.gradient_variance_error,
        noise,
        alpha,
        gradient_bounds(pred.circuit),
        noise_bounds(pred, data),
        reference_gradients(pred),
    )
    if data.plan.shots == 1 and found.agrees is not None:
        return replace(found, note=found.note + "; the noise of one shot is the predicted one")
    return found


def _loss(pred: Prediction, data: Measurement, alpha, seed) -> QuantityComparison:
    name = "loss law"
    try:
        law, check = pred.loss, pred.loss_check
    except OutOfTheoryError as err:
        return not_compared(name, err.what, alpha)
    if pred.is_deep is None:
        return not_compared(name, "only a bound on the loss variance at this depth is known", alpha)
    if not check.established:
        return not_compared(name, str(check), alpha)
    seen = loss_estimate_law(law, pred, data)
    if isinstance(seen, str):
        return not_compared(name, seen, alpha)
    found = compare_sample(name, data.losses, seen, alpha, seed, rounding=ROUNDING * _size(pred))
    return _borne_out(found, data.losses, loss_estimates(check.sample, pred, data, seed))


def _borne_out(found: QuantityComparison, values, own: np.ndarray) -> QuantityComparison:
    """Let a disagreement with a law stand only if the measurement also differs from the circuit's own sample.

    The law holds to some per cent at this depth, not exactly, so it alone would be rejected by enough
    data; two samples of one circuit have one law whatever it is, which keeps the false-alarm rate.
    """
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    if found.agrees is not False or float(np.ptp(own)) == 0.0:
        return found
    same = float(stats.ks_2samp(values, own, method="asymp").pvalue)
    pvalue = max(found.pvalue, same)
    return replace(found, pvalue=pvalue, agrees=bool(pvalue >= found.alpha))


def _size(pred: Prediction) -> float:
    """The largest loss that the observable allows."""
    return float(np.abs(pred.circuit.observable.coefficients).sum())


def _gradient(pred: Prediction, data: Measurement, gradients, alpha, seed) -> QuantityComparison:
    name = "gradient law"
    try:
        _ = pred.gradient
    except OutOfTheoryError as err:
        return not_compared(name, err.what, alpha)
    deep = np.flatnonzero(pred.deep_parameters & np.isfinite(gradients).any(axis=0))
    if len(deep) == 0:
        return not_compared(name, "no measured parameter is deep enough for the deep-limit law", alpha)
    check = pred.gradient_check(deep)
    if not check.established:
        return not_compared(name, str(check), alpha)
    values, used = _one_per_sample(gradients, deep, np.random.default_rng(seed))
    seen = gradient_estimate_law(pred.gradient_mixture(used), pred, data, deep)
    if isinstance(seen, str):
        return not_compared(name, seen, alpha)
    found = compare_sample(name, values, seen, alpha, seed)
    return _borne_out(found, values, gradient_estimates(check.sample, data, deep, seed))


def _one_per_sample(gradients, deep, rng) -> tuple[np.ndarray, np.ndarray]:
    """Pick one measured deep component of every angle set."""
    allowed = np.isfinite(gradients[:, deep])
    keys = np.where(allowed, rng.random(allowed.shape), -1.0)
    pick = np.argmax(keys, axis=1)
    rows = np.flatnonzero(allowed.any(axis=1))
    return gradients[rows, deep[pick[rows]]], deep[pick[rows]]


def _dead(pred: Prediction, gradients, data, alpha) -> QuantityComparison | None:
    if not pred.dead_parameters:
        return None
    dead = list(pred.dead_parameters)
    return compare_dead(
        gradients[:, dead],
        data.gradient_error[:, dead],
        gradient_bounds(pred.circuit)[dead],
        noise_bounds(pred, data)[dead],
        alpha,
        _size(pred),
    )


@_compare.register
def _(data: MinimaMeasurement, pred, alpha, seed) -> Comparison:
    _check_same(pred, data)
    name = "minima law"
    try:
        law = pred.minima_found
    except OutOfTheoryError as err:
        return Comparison(minima=not_compared(name, err.what, alpha))
    losses = np.asarray(data.losses)[np.asarray(data.converged, bool)]
    if law.is_point_mass:
        return Comparison(minima=_optimal(law, losses, alpha, name))
    return Comparison(
        minima=compare_sample(name, losses, law, alpha, seed, independent=_distinct(losses)), device=data.device
    )


def _distinct(losses: np.ndarray) -> float:
    """Return how many independent minima the end points are worth: (Σc)²/Σc² over distinct losses.

    The law is over minima of random circuits; descents of one circuit that end in the same minimum, or in
    copies of it under a symmetry, say the same thing twice.
    """
    if len(losses) == 0:
        return 0.0
    ordered = np.sort(losses)
    new = np.diff(ordered, prepend=-np.inf) > 1e-6 * max(float(np.ptp(ordered)), 1e-3)
    counts = np.bincount(np.cumsum(new) - 1)
    return float(counts.sum() ** 2 / (counts**2).sum())


def _optimal(law, losses, alpha, name) -> QuantityComparison:
    """At and above p*, minima should lie within 1% of the optimum."""
    energy = (losses - law.ground) / (law.center - law.ground)
    near = float(np.mean(energy < 0.01))
    nan = float("nan")
    return QuantityComparison(
        name, 1 - near, nan, nan, (nan, nan), float(np.mean(energy)), 1.0, near >= 0.5, alpha, len(losses),
        f"above p*: {near:.0%} of the found minima lie within 1% of the optimum",
    )  # fmt: skip
