"""Variances in bits: per parameter, and condensed to one value that knows how well it is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pennylane_wishart.errors import Status
from pennylane_wishart.moments import SecondMoments

__all__ = ["Bits", "Log2Value", "loss_log2", "pack", "unpack"]

_Z95 = 1.96
_UNDERFLOW = -1074.0
_AGREE = 0.1


@dataclass(frozen=True)
class Log2Value:
    """log2 of a variance, with how well it is known."""

    value: float
    """Bits; a 97.5% upper limit where ``status`` is UPPER_BOUND, −inf where all is dead."""
    error: float
    """Standard error in bits: 0 where exact, NaN for an upper bound."""
    status: Status = Status.OK

    @property
    def known(self) -> bool:
        """Whether there is a finite value and not only a limit."""
        return bool(np.isfinite(self.value)) and self.status is not Status.UPPER_BOUND

    def __str__(self) -> str:
        if np.isneginf(self.value):
            return "dead"
        if self.status is Status.UPPER_BOUND:
            return f"< {self.value:.2f}"
        return f"{self.value:.2f}" + (f" ± {self.error:.2f}" if self.error > 0 else "")

    def to_dict(self) -> dict:
        """Return plain Python values; −inf as the string "-inf"."""
        return {"value": pack(self.value), "error": pack(self.error), "status": self.status.name}

    @classmethod
    def from_dict(cls, data: dict) -> Log2Value:
        """Rebuild a record written by :meth:`to_dict`."""
        return cls(unpack(data["value"]), unpack(data["error"]), Status[data["status"]])


@dataclass(frozen=True, eq=False)
class Bits:
    """log2 of one variance per parameter, all arrays ``(n_params,)``."""

    value: np.ndarray
    """−inf where proved dead."""
    upper: np.ndarray
    """97.5% upper limit."""
    error: np.ndarray
    """Standard error in bits."""
    bound: np.ndarray
    """bool: only ``upper`` is known."""
    status: np.ndarray
    """object: the engine's Status of each."""

    @classmethod
    def of(cls, moments: SecondMoments) -> Bits:
        """Read the gradient variances of a record."""
        value = np.asarray(moments.log2_gradient_variance, float)
        upper = np.asarray(moments.log2_gradient_variance_upper, float)
        upper = np.where(np.isfinite(upper), upper, value)
        status = np.array(moments.status, object)
        bound = np.array([s is Status.UPPER_BOUND for s in moments.status], bool) | np.isnan(value)
        bound &= ~np.isneginf(value)
        variance = np.asarray(moments.gradient_variance, float)
        seen = (variance > 0) & ~bound
        error = np.zeros(len(value))
        error[seen] = np.asarray(moments.gradient_variance_error)[seen] / (variance[seen] * np.log(2))
        tiny = ~seen & ~bound & np.isfinite(value)  # below the smallest float
        error[tiny] = (upper[tiny] - value[tiny]) / _Z95
        return cls(value, upper, error, bound, status)

    @property
    def live(self) -> np.ndarray:
        """``bool``: not proved dead."""
        return ~np.isneginf(self.value)

    def take(self, mask) -> Bits:
        """Return the parameters of a mask."""
        return Bits(*(a[mask] for a in (self.value, self.upper, self.error, self.bound, self.status)))

    def plus(self, known) -> Bits:
        """Return the bits of variance + known, ``known`` given in bits without error."""
        value = np.logaddexp2(np.where(self.bound, self.upper, self.value), known)
        upper = np.logaddexp2(self.upper, known)
        with np.errstate(invalid="ignore"):
            share = np.exp2(np.where(self.live, self.value - value, -np.inf))
        # Where the known part is a hundred times the limit, the sum is known to 1%.
        bound = self.bound & ~(known > self.upper + 7)
        error = np.where(self.bound, 0.0, self.error * np.nan_to_num(share))
        return Bits(value, upper, error, bound, self.status)

    # ------------------------------------------------------------------ condensed
    def median(self) -> Log2Value:
        """Return the median, or its upper limit where that hangs on parameters only bounded.

        The error is that of the parameters in the middle, not divided by their number:
        parameters share their walkers.
        """
        if len(self.value) == 0:
            return Log2Value(float("-inf"), 0.0)
        high = float(np.median(np.where(self.bound, self.upper, self.value)))
        known = np.sort(np.where(self.bound, -np.inf, self.value))
        middle = known[[(len(known) - 1) // 2, len(known) // 2]]
        if not (np.isfinite(middle).all() and abs(middle.mean() - high) < 1e-9):
            return Log2Value(high, float("nan"), Status.UPPER_BOUND)
        gap = np.abs(self.value[:, None] - middle).min(1)
        return self._estimate(high, ~self.bound & (gap < 1e-12))

    def mean(self) -> Log2Value:
        """Return log2 of the mean variance, or its upper limit."""
        if len(self.value) == 0:
            return Log2Value(float("-inf"), 0.0)
        high = _log2_mean(np.where(self.bound, self.upper, self.value))
        if not self.bound.any():
            return self._estimate(high, np.exp2(self.value - self.value.max()) > 0.01)
        low = _log2_mean(np.where(self.bound, -np.inf, self.value))
        # Bounded parameters matter where they could move the mean by more than its error.
        slack = float(np.max(self.error[~self.bound], initial=0.0))
        if not high - low <= max(slack, 0.01):
            return Log2Value(high, float("nan"), Status.UPPER_BOUND)
        found = self._estimate(low, ~self.bound)
        return Log2Value(low, max(found.error, high - low), found.status)

    def max(self) -> Log2Value:
        """Return the largest, or its upper limit."""
        if len(self.value) == 0:
            return Log2Value(float("-inf"), 0.0)
        best = int(np.argmax(np.where(self.bound, -np.inf, self.value)))
        highest = float(np.max(self.upper[self.bound], initial=-np.inf))
        if self.bound.all() or highest > self.value[best]:
            limit = max(highest, float(self.upper[best]))
            return Log2Value(limit, float("nan"), Status.UPPER_BOUND)
        return self._estimate(float(self.value[best]), np.arange(len(self.value)) == best)

    def _estimate(self, value: float, which) -> Log2Value:
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
    variance, error = float(moments.loss_variance), float(moments.loss_variance_error)
    limit = max(variance, 0.0) + _Z95 * error
    if limit <= 0:
        value = _UNDERFLOW if alive else float("-inf")
        return Log2Value(value, float("nan") if alive else 0.0, Status.UPPER_BOUND if alive else Status.OK)
    if variance <= _Z95 * error:
        return Log2Value(float(np.log2(limit)), float("nan"), Status.UPPER_BOUND)
    bits = error / (variance * np.log(2))
    if moments.engine == "matrix product":
        status = Status.NOT_CONVERGED if bits > _AGREE else Status.OK
    else:
        status = Status.ESTIMATED if not moments.is_exact and error > 0 else Status.OK
    return Log2Value(float(np.log2(variance)), float(bits), status)


def _log2_mean(bits) -> float:
    return float(np.logaddexp2.reduce(bits) - np.log2(len(bits)))


def pack(value: float) -> float | str | None:
    """Return a number that JSON can hold: infinities as strings, NaN as null."""
    if np.isnan(value):
        return None
    return str(value) if np.isinf(value) else float(value)


def unpack(value: float | str | None) -> float:
    """Return the number that :func:`pack` wrote."""
    return float("nan") if value is None else float(value)
