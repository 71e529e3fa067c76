"""Builders of :class:`SecondMoments`: values where they are known, NaN beside a bound where not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pennylane_wishart.circuit import RotationCircuit
from pennylane_wishart.conventions import LowerBound, LowerBounds, UpperBound, UpperBounds
from pennylane_wishart.errors import Status

__all__ = ["Z975", "GradientColumns", "LossColumns", "is_constant", "loss_size"]

Z975 = 1.96
"""One-sided 97.5% limits of a normal estimate."""


def is_constant(live: RotationCircuit, dead: np.ndarray) -> bool:
    """Whether the loss does not change: no living rotation is driven by a living parameter or by random data."""
    driven = live.parameter_of[live.parameter_of >= 0]
    return not (~dead[driven]).any() and not (live.random_of >= 0).any()


def loss_size(circuit: RotationCircuit) -> float:
    """Return a bound on |ℓ − (identity's part)|: the sum of the other terms' sizes."""
    heavy = circuit.observable.words.weights() > 0
    return float(np.abs(circuit.observable.coefficients[heavy]).sum())


@dataclass(frozen=True, eq=False)
class GradientColumns:
    """Gradient variances of all parameters: estimates, and which of them are only bounds or dead.

    All arrays ``(n_params,)``; what is not known or dead may hold anything.
    """

    log2: np.ndarray
    error: np.ndarray
    known: np.ndarray
    dead: np.ndarray
    upper: np.ndarray
    """log2 of the upper limit; of the value where exact."""
    confidence: np.ndarray
    """of the upper limit."""
    status: tuple[Status, ...]
    """of a known value; replaced where there is none."""
    lower: np.ndarray | None = None
    """log2 of the lower limit; None: of value − 1.96 errors."""
    variance: np.ndarray | None = None
    """The value where 2^log2 would lose digits."""

    def fields(self) -> dict:
        """Return the fields of a :class:`SecondMoments`."""
        unknown = ~self.known & ~self.dead
        value = np.exp2(self.log2) if self.variance is None else self.variance
        exact = self.error == 0
        lower = self.lower
        if lower is None:
            with np.errstate(divide="ignore", invalid="ignore"):
                least = np.log2(np.maximum(value - Z975 * self.error, 0.0))
                lower = np.where(exact, self.log2, least)

        def fill(array, unknown_value, dead_value):
            return np.where(self.dead, dead_value, np.where(unknown, unknown_value, array))

        return {
            "gradient_variance": fill(value, np.nan, 0.0),
            "gradient_variance_error": fill(self.error, np.nan, 0.0),
            "log2_gradient_variance": fill(self.log2, np.nan, -np.inf),
            "gradient_variance_upper": UpperBounds(
                np.where(self.dead, -np.inf, self.upper), np.where(self.dead, 1.0, self.confidence)
            ),
            "gradient_variance_lower": LowerBounds(fill(lower, -np.inf, -np.inf), fill(self.confidence, 1.0, 1.0)),
            "status": tuple(
                Status.OK if d else Status.UPPER_BOUND if u else s
                for d, u, s in zip(self.dead, unknown, self.status, strict=True)
            ),
        }


@dataclass(frozen=True)
class LossColumns:
    """The loss's own moments."""

    mean: float
    mean_error: float
    second: float
    second_error: float
    variance: float
    variance_error: float
    upper: float
    """log2 of the upper limit of the variance; used where it is only bounded or estimated."""
    confidence: float
    known: bool
    constant: bool
    """The loss is known not to change: its variance is 0."""

    def fields(self) -> dict:
        """Return the fields of a :class:`SecondMoments`."""
        head = {"loss_mean": self.mean, "loss_mean_error": self.mean_error}
        if self.constant:
            # the square of a mean that was estimated is only known as well as the mean
            error = 2 * abs(self.mean) * self.mean_error + self.mean_error**2
            zero = {"loss_second_moment_error": error, "loss_variance": 0.0, "loss_variance_error": 0.0}
            bounds = {"loss_variance_upper": UpperBound(-np.inf), "loss_variance_lower": LowerBound(-np.inf)}
            return {**head, "loss_second_moment": self.mean**2, **zero, **bounds}
        if not self.known:
            nan = float("nan")
            names = ("loss_second_moment", "loss_second_moment_error", "loss_variance", "loss_variance_error")
            bounds = {
                "loss_variance_upper": UpperBound(self.upper, self.confidence),
                "loss_variance_lower": LowerBound(-np.inf),
            }
            return {**head, **dict.fromkeys(names, nan), **bounds}
        exact = self.variance_error == 0
        with np.errstate(divide="ignore"):
            value = float(np.log2(self.variance))
            least = float(np.log2(max(self.variance - Z975 * self.variance_error, 0.0)))
        return {
            **head,
            "loss_second_moment": self.second,
            "loss_second_moment_error": self.second_error,
            "loss_variance": self.variance,
            "loss_variance_error": self.variance_error,
            "loss_variance_upper": UpperBound(value) if exact else UpperBound(self.upper, self.confidence),
            "loss_variance_lower": LowerBound(value) if exact else LowerBound(least, self.confidence),
        }
