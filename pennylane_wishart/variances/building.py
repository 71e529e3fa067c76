"""``record_of``: the one maker of :class:`SecondMoments`; values where known, NaN beside a bound where not."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pennylane_wishart.conventions import EngineId, LowerBound, LowerBounds, UpperBound, UpperBounds, levels
from pennylane_wishart.errors import Status
from pennylane_wishart.variances.problem import Problem
from pennylane_wishart.variances.records import SecondMoments

__all__ = ["CLOSED_FORM", "Found", "is_constant", "log2_of", "record_of"]

CLOSED_FORM = "every angle independent of the others, averaged in closed form"


@dataclass(frozen=True, eq=False)
class Found:
    """What an engine found: float64 ``(n_params + 1,)``, row 0 the loss, row p + 1 the gradient by parameter p.

    Rows that are not known, or of dead parameters, may hold anything.
    """

    mean: np.ndarray
    mean_error: np.ndarray
    second: np.ndarray
    """E[x²] and its error; only the loss's row is kept."""
    second_error: np.ndarray
    variance: np.ndarray
    error: np.ndarray
    """Standard error of the variance; 0 where exact."""
    known: np.ndarray
    """bool: the variance is a value."""
    upper: np.ndarray
    """log2 of an upper limit of the variance; the value itself where exact."""
    confidence: np.ndarray
    """Of that limit."""
    dead: np.ndarray
    """bool ``(n_params,)``."""
    status: tuple[Status, ...]
    """One per parameter, of a value; replaced where there is none."""
    engine: EngineId
    averaging: str
    n_samples: int = 0
    log2: np.ndarray | None = None
    """log2 of the variance where it may be below the smallest float; None: of ``variance``."""
    lower: np.ndarray | None = None
    """log2 of a lower limit; None: of variance − 1.96 errors."""

    @property
    def log2_variance(self) -> np.ndarray:
        """log2 of the variance."""
        return log2_of(self.variance) if self.log2 is None else self.log2

    @property
    def log2_lower(self) -> np.ndarray:
        """log2 of the lower limit."""
        if self.lower is not None:
            return self.lower
        least = log2_of(np.maximum(self.variance - levels.NORMAL_REACH * self.error, 0.0))
        return np.where(self.error == 0, self.log2_variance, least)

    def with_rows_of(self, other: Found, take: np.ndarray) -> Found:
        """Return this with some rows, bool ``(n_params + 1,)``, taken from another engine's."""
        names = ("mean", "mean_error", "second", "second_error", "variance", "error", "known", "upper", "confidence")
        rows = {name: np.where(take, getattr(other, name), getattr(self, name)) for name in names}
        return replace(
            self,
            **rows,
            log2=np.where(take, other.log2_variance, self.log2_variance),
            lower=np.where(take, other.log2_lower, self.log2_lower),
            status=tuple(o if t else s for t, o, s in zip(take[1:], other.status, self.status, strict=True)),
            n_samples=self.n_samples or (other.n_samples if take.any() else 0),
        )


def log2_of(value: np.ndarray) -> np.ndarray:
    """Return log2 with −inf at 0 and NaN below, silently."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.log2(value))


def is_constant(problem: Problem, dead: np.ndarray) -> bool:
    """Whether the loss does not change: no living rotation has a living parameter or random data."""
    live = problem.live
    return bool(dead[live.parameter_of[problem.driven]].all()) and not bool((live.random_of >= 0).any())


def record_of(problem: Problem, found: Found) -> SecondMoments:
    """Make the record of what an engine found."""
    # proofs come first: what is dead is 0, whatever an engine estimated
    settled = np.append(is_constant(problem, found.dead), found.dead)  # variance exactly 0
    unknown = ~found.known & ~settled
    log2 = log2_of(found.variance) if found.log2 is None else found.log2
    lower = found.lower
    if lower is None:
        least = log2_of(np.maximum(found.variance - levels.NORMAL_REACH * found.error, 0.0))
        lower = np.where(found.error == 0, log2, least)

    def fill(array: np.ndarray, where_unknown: float, where_settled: float) -> np.ndarray:
        return np.where(settled, where_settled, np.where(unknown, where_unknown, array))

    variance, error = fill(found.variance, np.nan, 0.0), fill(found.error, np.nan, 0.0)
    lower, upper = fill(found.log2_lower, -np.inf, -np.inf), np.where(settled, -np.inf, found.upper)
    confidence = np.where(settled, 1.0, found.confidence)
    below = np.where(unknown, 1.0, confidence)  # nothing is known from below, and that for certain
    mean, mean_error = (np.append(m[0], np.where(found.dead, 0.0, m[1:])) for m in (found.mean, found.mean_error))
    second, second_error = (float(fill(v, np.nan, np.nan)[0]) for v in (found.second, found.second_error))
    if settled[0]:
        # the square of a mean that was estimated is only known as well as the mean
        second = float(mean[0] ** 2)
        second_error = float(2 * abs(mean[0]) * mean_error[0] + mean_error[0] ** 2)
    return SecondMoments(
        loss_mean=float(mean[0]),
        loss_mean_error=float(mean_error[0]),
        loss_second_moment=second,
        loss_second_moment_error=second_error,
        loss_variance=float(variance[0]),
        loss_variance_error=float(error[0]),
        loss_variance_upper=UpperBound(float(upper[0]), float(confidence[0])),
        loss_variance_lower=LowerBound(float(lower[0]), float(below[0])),
        gradient_mean=mean[1:],
        gradient_mean_error=mean_error[1:],
        gradient_variance=variance[1:],
        gradient_variance_error=error[1:],
        log2_gradient_variance=fill(found.log2_variance, np.nan, -np.inf)[1:],
        gradient_variance_upper=UpperBounds(upper[1:], confidence[1:]),
        gradient_variance_lower=LowerBounds(lower[1:], below[1:]),
        status=tuple(
            Status.OK if d else Status.UPPER_BOUND if u else s
            for d, u, s in zip(found.dead, unknown[1:], found.status, strict=True)
        ),
        engine=found.engine,
        n_samples=found.n_samples,
        averaging=found.averaging,
    )
