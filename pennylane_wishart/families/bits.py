"""Variances in bits: per parameter, and condensed to one value that knows how well it is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pennylane_wishart.conventions import EngineId, UpperBound, levels
from pennylane_wishart.conventions import families as limits
from pennylane_wishart.errors import InputError, Status
from pennylane_wishart.variances import SecondMoments

__all__ = ["Bits", "Log2Value", "loss_log2", "pack", "unpack"]


@dataclass(frozen=True)
class Log2Value:
    """log2 of a variance, with how well it is known; or only an upper bound on it."""

    value: float
    """Bits; −inf where all is dead, NaN where only ``at_most`` is known."""
    error: float
    """Standard error in bits: 0 where exact, NaN for an upper bound."""
    status: Status = Status.OK
    at_most: UpperBound | None = None
    """The bound, where that is all that is known."""

    def __post_init__(self) -> None:
        if (self.at_most is None) == np.isnan(self.value):
            raise InputError("Log2Value holds a value, or NaN and an upper bound.")

    @classmethod
    def bounded(cls, log2: float, confidence: float = levels.UPPER_LIMIT) -> Log2Value:
        """Return what is only known to be at most ``2**log2``."""
        nan = float("nan")
        return cls(nan, nan, Status.UPPER_BOUND, UpperBound(float(log2), float(confidence)))

    @property
    def limit(self) -> float:
        """Bits of the bound; NaN where there is a value."""
        return float("nan") if self.at_most is None else self.at_most.at_most_log2

    @property
    def known(self) -> bool:
        """Whether there is a finite value and not only a limit."""
        return bool(np.isfinite(self.value))

    def __str__(self) -> str:
        if self.at_most is not None:
            return f"< {self.limit:.2f}"
        if np.isneginf(self.value):
            return "dead"
        return f"{self.value:.2f}" + (f" ± {self.error:.2f}" if self.error > 0 else "")

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python values; −inf as the string "-inf"."""
        out: dict[str, Any] = {"value": pack(self.value), "error": pack(self.error), "status": self.status.name}
        if self.at_most is not None:
            out["at_most"] = pack(self.limit)
            out["confidence"] = self.at_most.confidence
        return out

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Log2Value:
        """Rebuild a record written by :meth:`to_dict`; earlier ones held a bound where now the value is."""
        if Status[data["status"]] is Status.UPPER_BOUND:
            return cls.bounded(unpack(data.get("at_most", data["value"])), data.get("confidence", levels.UPPER_LIMIT))
        return cls(unpack(data["value"]), unpack(data["error"]), Status[data["status"]])


_DEAD = Log2Value(float("-inf"), 0.0)


@dataclass(frozen=True, eq=False)
class Bits:
    """log2 of one variance per parameter, all arrays ``(n_params,)``."""

    value: NDArray[np.float64]
    """−inf where dead, NaN where only ``upper`` is known."""
    upper: NDArray[np.float64]
    """Upper bound; the value itself where exact."""
    error: NDArray[np.float64]
    """Standard error in bits."""
    bound: NDArray[np.bool_]
    """Where only ``upper`` is known."""
    status: NDArray[np.object_]
    """The engine's Status of each."""
    confidence: NDArray[np.float64]
    """of ``upper``."""

    @classmethod
    def of(cls, moments: SecondMoments) -> Bits:
        """Read the gradient variances of a record."""
        value = np.asarray(moments.log2_gradient_variance, float)
        upper = np.asarray(moments.gradient_variance_upper.at_most_log2, float)
        confidence = np.asarray(moments.gradient_variance_upper.confidence, float)
        status = np.array(moments.status, object)
        bound = ~moments.known
        variance = np.asarray(moments.gradient_variance, float)
        seen = ~bound & (variance > 0)
        error = np.zeros(len(value))
        error[seen] = np.asarray(moments.gradient_variance_error)[seen] / (variance[seen] * np.log(2))
        # below the smallest float there is no error in its own units: the bound, in bits, tells it
        tiny = ~seen & ~bound & np.isfinite(value)
        error[tiny] = (upper[tiny] - value[tiny]) / levels.NORMAL_REACH
        return cls(value, upper, error, bound, status, confidence)

    @property
    def live(self) -> NDArray[np.bool_]:
        """Not proved dead."""
        return ~np.isneginf(self.value)

    def take(self, mask: NDArray[np.bool_]) -> Bits:
        """Return the parameters of a mask."""
        return Bits(**{name: column[mask] for name, column in vars(self).items()})

    def plus(self, known: NDArray[np.float64]) -> Bits:
        """Return the bits of variance + known, ``known`` given in bits without error."""
        upper = np.logaddexp2(self.upper, known)
        # a known part that outweighs the limit makes the sum a value again
        bound = self.bound & ~(known > self.upper + limits.OUTWEIGHED_BITS)
        value = np.logaddexp2(np.where(self.bound, self.upper, self.value), known)
        with np.errstate(invalid="ignore"):  # −inf − −inf: a dead parameter, which has no error
            share = np.exp2(np.where(self.live, self.value - value, -np.inf))
            above = upper - known
        error = np.where(self.bound, above, self.error * np.nan_to_num(share))
        status = self.status.copy()
        status[self.bound & ~bound] = Status.ESTIMATED
        return Bits(np.where(bound, np.nan, value), upper, np.where(bound, 0.0, error), bound, status, self.confidence)

    # ------------------------------------------------------------------ condensed
    def median(self) -> Log2Value:
        """Return the median, or its upper limit where that hangs on parameters only bounded.

        The error is that of the parameters in the middle, not divided by their number:
        parameters share their walkers.
        """
        if not len(self.value):
            return _DEAD
        high = float(np.median(np.where(self.bound, self.upper, self.value)))
        known = np.sort(np.where(self.bound, -np.inf, self.value))
        middle = known[[(len(known) - 1) // 2, len(known) // 2]]
        if not (np.isfinite(middle).all() and abs(middle.mean() - high) < limits.SAME_BITS):
            return Log2Value.bounded(high, self._confidence())
        gap = np.abs(self.value[:, None] - middle).min(1)
        return self._estimate(high, ~self.bound & (gap < limits.MIDDLE_BITS))

    def mean(self) -> Log2Value:
        """Return log2 of the mean variance, or its upper limit."""
        if not len(self.value):
            return _DEAD
        high = _log2_mean(np.where(self.bound, self.upper, self.value))
        if not self.bound.any():
            # a parameter of less than a percent of the largest does not carry the mean, nor its error
            return self._estimate(high, np.exp2(self.value - self.value.max()) > limits.FEW_PERCENT)
        low = _log2_mean(np.where(self.bound, -np.inf, self.value))
        # Bounded parameters matter where they could move the mean by more than its error.
        slack = float(np.max(self.error[~self.bound], initial=0.0))
        if not high - low <= max(slack, limits.FEW_PERCENT):
            return Log2Value.bounded(high, self._confidence())
        found = self._estimate(low, ~self.bound)
        return Log2Value(low, max(found.error, high - low), found.status)

    def max(self) -> Log2Value:
        """Return the largest, or its upper limit."""
        if not len(self.value):
            return _DEAD
        best = int(np.argmax(np.where(self.bound, -np.inf, self.value)))
        highest = float(np.max(self.upper[self.bound], initial=-np.inf))
        # one that is only bounded may be the largest as long as its bound is above every value
        if self.bound.all() or highest > self.value[best]:
            return Log2Value.bounded(float(np.max(self.upper)), self._confidence())
        return self._estimate(float(self.value[best]), np.arange(len(self.value)) == best)

    def _confidence(self) -> float:
        """The weakest confidence among the bounds that a condensed bound rests on."""
        return float(np.min(self.confidence))

    def _estimate(self, value: float, which: NDArray[np.bool_]) -> Log2Value:
        """A value with the largest error and the worst status of the parameters it rests on."""
        error = float(np.max(self.error[which], initial=0.0))
        seen = set(self.status[which])
        worst = (Status.NOT_CONVERGED, Status.LOW_SAMPLE_SIZE, Status.ESTIMATED)
        return Log2Value(float(value), error, next((s for s in worst if s in seen), Status.OK))


def loss_log2(moments: SecondMoments, alive: bool) -> Log2Value:
    """Return log2 Var[ℓ] with its error, or an upper limit.

    Args:
        alive: whether some gradient is not proved dead; the loss then varies, and a variance of
            0 is one below the smallest float.
    """
    found = moments.loss()
    if isinstance(found, UpperBound):
        return Log2Value.bounded(found.at_most_log2, found.confidence)
    if found.value == 0:
        return Log2Value.bounded(limits.UNDERFLOW, 1.0) if alive else _DEAD
    reach = levels.NORMAL_REACH * found.error
    if found.value <= reach:  # its interval reaches 0, whose logarithm is no lower end
        return Log2Value.bounded(float(np.log2(found.value + reach)))
    bits = found.error / (found.value * np.log(2))
    if moments.engine == EngineId.MATRIX_PRODUCT:  # its error is one of truncation, not of sampling
        status = Status.NOT_CONVERGED if bits > limits.MATRIX_PRODUCT_BITS else Status.OK
    else:
        status = Status.ESTIMATED if not moments.is_exact and found.error > 0 else Status.OK
    return Log2Value(found.log2, float(bits), status)


def _log2_mean(bits: ArrayLike) -> float:
    return float(np.logaddexp2.reduce(bits) - np.log2(np.size(bits)))


def pack(value: float) -> float | str | None:
    """Return a number that JSON can hold: infinities as strings, NaN as null."""
    if np.isnan(value):
        return None
    return str(value) if np.isinf(value) else float(value)


def unpack(value: float | str | None) -> float:
    """Return the number that :func:`pack` wrote."""
    return float("nan") if value is None else float(value)
