"""``HessianMoments``: mean and variance of every second derivative, and which of them are 0 everywhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pennylane_wishart.conventions import EngineId, Estimate, UpperBound, levels
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import InputError
from pennylane_wishart.serialize import Written
from pennylane_wishart.variances.building import log2_of
from pennylane_wishart.variances.hessian.dead import dead_pairs
from pennylane_wishart.variances.problem import Problem

__all__ = ["HessianMoments", "hessian_record"]


@dataclass(frozen=True, eq=False)
class HessianMoments(Written):
    """E and Var of ∂²ℓ/∂θ_k∂θ_l under a law of angles, for all pairs of parameters.

    Every array is ``(n_params, n_params)`` and symmetric. Values and bounds are kept apart: where only
    ``log2_upper`` is known the value is NaN.
    """

    mean: np.ndarray
    variance: np.ndarray
    """NaN where only a bound is known."""
    error: np.ndarray
    """Standard errors of ``variance``; 0 where exact, NaN where only a bound is known."""
    log2: np.ndarray
    """log2 of ``variance``; −inf only for dead pairs, NaN where only a bound is known."""
    log2_upper: np.ndarray
    """log2 of an upper bound; of the value itself where exact."""
    dead: np.ndarray
    """bool: the second derivative is proved to vanish at every setting of the angles."""
    engine: EngineId
    n_samples: int = 0
    """Walkers or sampled parameter vectors; 0 for an exact engine."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "engine", EngineId(self.engine))
        shape = (len(self.variance),) * 2
        for name in ("mean", "variance", "error", "log2", "log2_upper", "dead"):
            if np.shape(getattr(self, name)) != shape:
                raise InputError(f"HessianMoments.{name} needs shape {shape}; got {np.shape(getattr(self, name))}.")
        if not np.array_equal(np.isnan(self.variance), np.isnan(self.log2)):
            raise InputError("HessianMoments: a pair has a value in both variance and log2, or NaN in both.")

    @property
    def known(self) -> np.ndarray:
        """bool: a value is known, and not only a bound."""
        return np.asarray(~np.isnan(self.log2))

    @property
    def is_exact(self) -> bool:
        """Whether no value carries a sampling error."""
        return self.engine.is_exact

    def entry(self, k: int, l: int) -> Estimate | UpperBound:  # noqa: E741  the pair (k, l)
        """Return Var[∂²ℓ/∂θ_k∂θ_l] as what it is: a value with its error, or only a bound."""
        if not self.known[k, l]:
            return UpperBound(float(self.log2_upper[k, l]), 1.0 if self.is_exact else levels.UPPER_LIMIT)
        return Estimate(float(self.log2[k, l]), float(self.error[k, l]))


def hessian_record(
    problem: Problem,
    engine: EngineId,
    averages: tuple[np.ndarray, np.ndarray, np.ndarray],
    dead: np.ndarray,
    known: np.ndarray | None = None,
    upper: np.ndarray | None = None,
    n_samples: int = 0,
) -> HessianMoments:
    """Make the record of what an engine found, symmetric and with rounding told from 0.

    Args:
        averages: E[H], E[H²] and the error of E[H²], ``(n_params, n_params)`` each.
        dead: pairs that the engine proved dead; those of a dead parameter are added.
        known: pairs whose value is one; all that are above rounding where None.
        upper: bounds on the variance of the others.
    """
    mean, second, error = averages
    gone = dead | problem.dead[:, None] | problem.dead[None, :]
    variance = np.maximum(second - mean**2, 0.0)
    # |∂_k∂_l ℓ| ≤ (bound on |∂_kℓ|)(bound on |∂_lℓ|)/‖O‖: each derivative brings its own factor
    size = np.maximum(problem.sizes, np.finfo(float).tiny)
    most = np.outer(size[1:], size[1:]) / size[0]
    floor = limits.SIGNED_ROUNDING * (1 + problem.live.n_rotations / limits.ROUNDING_STEPS) * most**2
    sure = variance > floor if known is None else known & (variance > floor)
    limit = np.maximum(2 * floor, np.finfo(float).tiny) if upper is None else np.maximum(upper, floor)
    open_ = ~sure & ~gone
    if open_.any():
        gone = gone | dead_pairs(problem, open_)
    value = np.where(gone, 0.0, np.where(sure, variance, np.nan))
    return HessianMoments(
        mean=np.where(gone, 0.0, mean),
        variance=value,
        error=np.where(gone, 0.0, np.where(sure, error, np.nan)),
        log2=log2_of(value),
        log2_upper=np.where(gone, -np.inf, log2_of(np.where(sure, variance + levels.NORMAL_REACH * error, limit))),
        dead=gone,
        engine=engine,
        n_samples=n_samples,
    )
