"""Records of the room: second moments at a circuit's own depth, and their deep limit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from pennylane_wishart.conventions import EngineId, Estimate, LowerBound, LowerBounds, UpperBound, UpperBounds, levels
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.errors import InputError, Status

__all__ = ["DeepLimit", "SecondMoments"]


@dataclass(frozen=True, eq=False)
class SecondMoments(Shown):
    """Mean and variance of the loss and of every gradient component under a law of angles.

    Gradients are with respect to the QNode's parameters: for ``RX(θ)`` the entry is the
    variance of ``∂ℓ/∂θ``. Standard errors are 0 where the engine is exact.
    The matrix product has a truncation error instead: its difference from half the bond.
    Values and bounds are kept apart: where only a bound is known the value is NaN, never the bound.
    :meth:`gradient` and :meth:`loss` give one number with its type.
    """

    loss_mean: float
    loss_second_moment: float
    """E[ℓ²]; NaN where only a bound is known."""
    loss_variance: float
    """NaN where only ``loss_variance_upper`` is known."""
    loss_mean_error: float
    loss_second_moment_error: float
    loss_variance_error: float
    loss_variance_upper: UpperBound
    loss_variance_lower: LowerBound
    gradient_mean: np.ndarray
    """float64 ``(n_params,)``: E[∂ℓ/∂θ_k]"""
    gradient_variance: np.ndarray
    """float64 ``(n_params,)``: Var[∂ℓ/∂θ_k]; NaN where only a bound is known."""
    gradient_variance_error: np.ndarray
    """Standard errors, 0 where exact; NaN where only a bound is known."""
    log2_gradient_variance: np.ndarray
    """float64 ``(n_params,)``; −inf only for dead parameters, NaN where only a bound is known."""
    gradient_variance_upper: UpperBounds
    """The value itself, confidence 1, where exact; confidence 0: a truncation error that proves nothing."""
    gradient_variance_lower: LowerBounds
    status: tuple[Status, ...]
    """One per parameter; ``UPPER_BOUND`` exactly where the value is NaN."""
    engine: EngineId
    n_samples: int = 0
    """Walkers or sampled parameter vectors; 0 for an exact engine."""
    averaging: str = ""
    """How the angles were averaged: closed form, a set of exact angles, or draws."""
    gradient_mean_error: np.ndarray = field(default_factory=lambda: np.zeros(0))
    """Standard errors of ``gradient_mean``; 0 where exact, and where none are given."""

    def __post_init__(self) -> None:
        n = len(self.status)
        object.__setattr__(self, "engine", EngineId(self.engine))
        if len(self.gradient_mean_error) == 0:
            object.__setattr__(self, "gradient_mean_error", np.zeros(n))
        arrays = {
            "gradient_mean": self.gradient_mean,
            "gradient_mean_error": self.gradient_mean_error,
            "gradient_variance": self.gradient_variance,
            "gradient_variance_error": self.gradient_variance_error,
            "log2_gradient_variance": self.log2_gradient_variance,
            "gradient_variance_upper": self.gradient_variance_upper.at_most_log2,
            "gradient_variance_lower": self.gradient_variance_lower.at_least_log2,
        }
        for name, value in arrays.items():
            if np.shape(value) != (n,):
                raise InputError(
                    f"SecondMoments.{name} needs shape ({n},), one entry per status; got {np.shape(value)}."
                )
        # a bound must never be read as a value: both fields and the status say the same
        known = ~np.isnan(self.log2_gradient_variance)
        if not np.array_equal(known, ~np.isnan(self.gradient_variance)) or not np.array_equal(
            known, np.array([s is not Status.UPPER_BOUND for s in self.status], bool)
        ):
            raise InputError(
                "SecondMoments: a parameter has a value (gradient_variance, log2_gradient_variance and a status "
                "other than UPPER_BOUND) or only a bound (NaN in both and UPPER_BOUND)."
            )

    # ------------------------------------------------------------------ typed
    def gradient(self, k: int) -> Estimate | UpperBound:
        """Return Var[∂ℓ/∂θ_k] as what it is: a value with its error, or only a bound."""
        if not self.known[k]:
            return self.gradient_variance_upper[k]
        return Estimate(float(self.log2_gradient_variance[k]), float(self.gradient_variance_error[k]))

    def loss(self) -> Estimate | UpperBound:
        """Return Var[ℓ] as what it is: a value with its error, or only a bound."""
        if np.isnan(self.loss_variance):
            return self.loss_variance_upper
        with np.errstate(divide="ignore"):
            return Estimate(float(np.log2(self.loss_variance)), self.loss_variance_error)

    @property
    def known(self) -> np.ndarray:
        """``bool (n_params,)``: a value is known, and not only a bound."""
        return np.asarray(~np.isnan(self.log2_gradient_variance))

    @property
    def dead(self) -> np.ndarray:
        """``bool (n_params,)``: the gradient is known to vanish at every setting of the angles."""
        return np.isneginf(self.log2_gradient_variance)

    @property
    def loss_second_moment_at_most(self) -> float:
        """A bound on E[ℓ²]: the value and two errors of it where there is one."""
        if not np.isnan(self.loss_second_moment):
            return self.loss_second_moment + levels.NORMAL_REACH * self.loss_second_moment_error
        mean = abs(self.loss_mean) + levels.NORMAL_REACH * self.loss_mean_error
        return float(np.exp2(self.loss_variance_upper.at_most_log2)) + mean**2

    @property
    def n_params(self) -> int:
        """Number of trainable parameters."""
        return len(self.status)

    @property
    def is_exact(self) -> bool:
        """Whether no value on the record carries a sampling or truncation error."""
        return self.engine.is_exact

    def with_dead(self, parameters: Iterable[int]) -> SecondMoments:
        """Return the record with the gradients of these parameters exactly 0: they are dead for another reason."""
        mask = np.zeros(self.n_params, bool)
        mask[list(parameters)] = True
        if not (mask & ~self.dead).any():
            return self
        upper, lower = self.gradient_variance_upper, self.gradient_variance_lower

        def put(array: np.ndarray, value: float) -> np.ndarray:
            return np.where(mask, value, array)

        return replace(
            self,
            gradient_mean=put(self.gradient_mean, 0.0),
            gradient_mean_error=put(self.gradient_mean_error, 0.0),
            gradient_variance=put(self.gradient_variance, 0.0),
            gradient_variance_error=put(self.gradient_variance_error, 0.0),
            log2_gradient_variance=put(self.log2_gradient_variance, -np.inf),
            gradient_variance_upper=UpperBounds(put(upper.at_most_log2, -np.inf), put(upper.confidence, 1.0)),
            gradient_variance_lower=LowerBounds(put(lower.at_least_log2, -np.inf), put(lower.confidence, 1.0)),
            status=tuple(Status.OK if d else s for d, s in zip(mask, self.status, strict=True)),
        )


@dataclass(frozen=True, eq=False)
class DeepLimit(Shown):
    """Moments of the loss and its gradients where the depth has mixed completely (THEORY §3)."""

    mean: float
    variance: float
    log2_variance: float
    gradient_variance: np.ndarray
    """float64 ``(n_params,)``: deep layers on both sides of the gate."""
    log2_gradient_variance: np.ndarray
    engine: EngineId
    """``EngineId.NONE`` where no formula applied."""
    status: Status
    reason: str = ""
    """Why there is no value, where there is none."""

    @property
    def available(self) -> bool:
        """Whether a value was found."""
        return self.engine is not EngineId.NONE
