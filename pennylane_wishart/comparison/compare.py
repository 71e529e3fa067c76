"""``pw.compare``: a prediction held against a measurement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pennylane_wishart.comparison.dead import compare_dead
from pennylane_wishart.comparison.hessians import compare_hessians
from pennylane_wishart.comparison.reference import reference_gradients
from pennylane_wishart.comparison.shots import (
    gradient_estimate_law,
    gradient_estimates,
    gradient_noise,
    loss_estimate_law,
    loss_estimates,
    noise_bounds,
)
from pennylane_wishart.comparison.statistics import QuantityComparison, borne_out, compare_sample, not_compared
from pennylane_wishart.comparison.variances import compare_variances, gradient_bounds
from pennylane_wishart.conventions import Quantity, levels
from pennylane_wishart.conventions import comparison as limits
from pennylane_wishart.conventions.arrays import Floats, Integers
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.errors import ComparisonError, InputError, OutOfTheoryError
from pennylane_wishart.measurement import Measurement, MinimaMeasurement
from pennylane_wishart.measurement.recipes import IDEAL
from pennylane_wishart.prediction import Prediction
from pennylane_wishart.serialize import decode, encode

__all__ = ["Comparison", "compare"]


@dataclass(frozen=True, eq=False)
class Comparison(Shown):
    """Every quantity that could be compared, and why the others could not."""

    loss: QuantityComparison | None = None
    gradient: QuantityComparison | None = None
    variances: QuantityComparison | None = None
    minima: QuantityComparison | None = None
    dead: QuantityComparison | None = None
    """Whether parameters proved dead were measured as zero."""
    hessian: tuple[QuantityComparison, ...] = ()
    """Variances of second derivatives, and the ends of their spectrum; empty where they were not measured."""
    device: str = ""
    """The device that measured."""
    noise: str = ""
    """What a disagreement says about a device that is not an ideal simulator; empty where there is none."""

    @property
    def quantities(self) -> tuple[QuantityComparison, ...]:
        """The comparisons that were tried, in reading order."""
        every = (self.variances, self.dead, *self.hessian, self.loss, self.gradient, self.minima)
        return tuple(q for q in every if q is not None)

    @property
    def agrees(self) -> bool | None:
        """False if any quantity disagrees, None if nothing could be compared."""
        verdicts = [q.agrees for q in self.quantities if q.agrees is not None]
        return all(verdicts) if verdicts else None

    def __str__(self) -> str:
        lines = [str(q) for q in self.quantities]
        return "\n".join([*lines, self.noise] if self.noise else lines)

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python values, ready for JSON."""
        return {
            "schema_version": 1,
            "agrees": self.agrees,
            "device": self.device,
            "noise": self.noise,
            "quantities": [q.to_dict() for q in self.quantities],
            "record": encode(self),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Comparison:
        """Return the comparison that :meth:`to_dict` wrote, bit for bit.

        Raises:
            InputError: if ``data`` holds no record of a comparison of this version of the package.
        """
        found = decode(data["record"]) if "record" in data else None
        if not isinstance(found, cls):
            raise InputError("Comparison.from_dict needs what Comparison.to_dict wrote, with its 'record'.")
        return found


def compare(
    pred: Prediction, data: Measurement | MinimaMeasurement, alpha: float = levels.FALSE_ALARM, seed: int = 7
) -> Comparison:
    """Hold a prediction against measured losses and gradients, or against found minima.

    Losses and gradients are tested against the deep-limit laws only where the circuit is deep
    enough for them (``Prediction.is_deep``, ``deep_parameters``) and its own sample has their shape
    (``loss_check``, ``gradient_check``); the variances of all parameters
    are tested at this depth in any case. One gradient component per angle set enters the test of
    the law, because components of one set are dependent. Second derivatives are tested where they were measured.

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
    if not isinstance(data, (Measurement, MinimaMeasurement)):
        raise ComparisonError(
            f"compare needs a Measurement or MinimaMeasurement; got {type(data).__name__}. Use pw.measure."
        )
    if data.law != pred.angles:
        raise ComparisonError(
            f"The measurement drew angles from {data.law.name!r}, the prediction is for {pred.angles.name!r}: "
            "use one angles= for both."
        )
    # a model of a machine's noise is held against the plain circuit that ran there
    if data.circuit_hash not in (pred.circuit.content_hash, pred.signature.circuit.content_hash):
        raise ComparisonError("The measurement is of another circuit (content hashes differ).")
    if isinstance(data, MinimaMeasurement):
        return _minima(pred, data, alpha, seed)
    found = Comparison(
        loss=_loss(pred, data, alpha, seed),
        gradient=_gradient(pred, data, alpha, seed),
        variances=_variances(pred, data, alpha),
        dead=_dead(pred, data, alpha),
        hessian=compare_hessians(pred, data, alpha, seed),
        device=data.device,
    )
    return replace(found, noise=_noise(found) if pred.noise is None else _unexplained(found))


def _unexplained(found: Comparison) -> str:
    """Say what a noise model leaves unexplained of a device."""
    variances = found.variances
    if variances is None or variances.agrees is not False:
        return ""
    low, high = variances.interval
    text = (
        f"the noise model does not explain {found.device}: its gradient variances are "
        f"{variances.ratio_of_variances:.2f} [{low:.2f}, {high:.2f}] times those predicted"
    )
    if high < 1:
        return text + ", so it has noise that the model lacks (routing, crosstalk, idle time, readout)."
    return text + (", so it has less noise than the model says." if low > 1 else ".")


def _noise(found: Comparison) -> str:
    """Say what a discrepancy means on a device that may be noisy."""
    # An ideal simulator leaves the theory, or this package, to explain it.
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


def _variances(pred: Prediction, data: Measurement, alpha: float) -> QuantityComparison:
    noise = gradient_noise(pred, data)
    if isinstance(noise, str):
        return not_compared(Quantity.GRADIENT_VARIANCES, noise, alpha)
    values, errors, largest = pred.gradient_variance, pred.gradient_variance_error, gradient_bounds(pred.circuit)
    bounds, own = noise_bounds(pred, data), reference_gradients(pred)
    found = compare_variances(data.gradients, values, errors, noise, alpha, largest, bounds, own)
    if data.plan.shots == 1 and found.agrees is not None:
        return replace(found, note=found.note + "; the noise of one shot is the predicted one")
    return found


def _dead(pred: Prediction, data: Measurement, alpha: float) -> QuantityComparison | None:
    dead = list(pred.dead_parameters)
    if not dead:
        return None
    largest, bounds = gradient_bounds(pred.circuit)[dead], noise_bounds(pred, data)[dead]
    return compare_dead(data.gradients[:, dead], data.gradient_error[:, dead], largest, bounds, alpha, _size(pred))


def _loss(pred: Prediction, data: Measurement, alpha: float, seed: int) -> QuantityComparison:
    name = Quantity.LOSS
    try:
        law, check = pred.loss, pred.loss_check
    except OutOfTheoryError as err:
        return not_compared(name, err.what, alpha)
    # Without the variance at this depth nobody knows whether the deep limit is near.
    if pred.is_deep is None:
        return not_compared(name, "only a bound on the loss variance at this depth is known", alpha)
    if not check.established:
        return not_compared(name, str(check), alpha)
    seen = loss_estimate_law(law, pred, data)
    if isinstance(seen, str):
        return not_compared(name, seen, alpha)
    found = compare_sample(name, data.losses, seen, alpha, seed, rounding=limits.ROUNDING * _size(pred))
    return borne_out(found, data.losses, loss_estimates(check.sample, pred, data, seed))


def _gradient(pred: Prediction, data: Measurement, alpha: float, seed: int) -> QuantityComparison:
    name = Quantity.GRADIENT
    try:
        _ = pred.gradient
    except OutOfTheoryError as err:
        return not_compared(name, err.what, alpha)
    deep = np.flatnonzero(pred.deep_parameters & data.measured.any(axis=0))
    if len(deep) == 0:
        return not_compared(name, "no measured parameter is deep enough for the deep-limit law", alpha)
    check = pred.gradient_check(deep)
    if not check.established:
        return not_compared(name, str(check), alpha)
    values, used = _one_per_sample(data, deep, np.random.default_rng(seed))
    seen = gradient_estimate_law(pred.gradient_mixture(used), pred, data, deep)
    if isinstance(seen, str):
        return not_compared(name, seen, alpha)
    found = compare_sample(name, values, seen, alpha, seed)
    return borne_out(found, values, gradient_estimates(check.sample, data, deep, seed))


def _size(pred: Prediction) -> float:
    """The largest loss that the observable allows."""
    return float(np.abs(pred.circuit.observable.coefficients).sum())


def _one_per_sample(data: Measurement, deep: Integers, rng: np.random.Generator) -> tuple[Floats, Integers]:
    """Pick one measured deep component of every angle set."""
    allowed = data.measured[:, deep]
    # The largest of random keys: every measured component is equally likely.
    pick = np.argmax(np.where(allowed, rng.random(allowed.shape), -1.0), axis=1)
    rows = np.flatnonzero(allowed.any(axis=1))
    return data.gradients[rows, deep[pick[rows]]], deep[pick[rows]]


def _minima(pred: Prediction, data: MinimaMeasurement, alpha: float, seed: int) -> Comparison:
    name = Quantity.MINIMA
    try:
        law: Any = pred.minima_found  # a law with another base than those of the losses
    except OutOfTheoryError as err:
        return Comparison(minima=not_compared(name, err.what, alpha))
    losses = data.losses[data.converged]
    # Above p* there is no law of minima to test, only the optimum.
    if law.is_point_mass:
        return Comparison(minima=_optimal(law, losses, alpha, name))
    found = compare_sample(name, losses, law, alpha, seed, independent=_distinct(losses))
    return Comparison(minima=found, device=data.device)


def _distinct(losses: Floats) -> float:
    """Return how many independent minima the end points are worth: (Σc)²/Σc² over distinct losses.

    The law is over minima of random circuits; descents of one circuit that end in the same minimum, or in
    copies of it under a symmetry, say the same thing twice.
    """
    if len(losses) == 0:
        return 0.0
    ordered = np.sort(losses)
    new = np.diff(ordered, prepend=-np.inf) > limits.SAME_LOSS * max(float(np.ptp(ordered)), limits.LEAST_RANGE)
    counts = np.bincount(np.cumsum(new) - 1)
    return float(counts.sum() ** 2 / (counts**2).sum())


def _optimal(law: Any, losses: Floats, alpha: float, name: str) -> QuantityComparison:
    """At and above p*, minima should lie within 1% of the optimum."""
    energy = (losses - law.ground) / (law.center - law.ground)
    near = float(np.mean(energy < limits.NEAR_OPTIMUM))
    nan, good = float("nan"), near >= limits.ENOUGH_NEAR
    note = f"above p*: {near:.0%} of the found minima lie within {limits.NEAR_OPTIMUM:.0%} of the optimum"
    mean = float(np.mean(energy))
    return QuantityComparison(name, 1 - near, nan, nan, (nan, nan), mean, 1.0, good, alpha, len(losses), note)
