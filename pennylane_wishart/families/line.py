"""A weighted straight line with an interval that admits misfit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student

from pennylane_wishart.conventions import families as limits
from pennylane_wishart.conventions import levels
from pennylane_wishart.errors import InputError

__all__ = ["LineFit", "line_fit"]


@dataclass(frozen=True)
class LineFit:
    """``y = intercept + slope·x`` through points in bits."""

    variable: str
    """"qubits", "log2 qubits" or "depth": what x is."""
    intercept: float
    slope: float
    slope_error: float
    low: float
    """Lower end of the slope's interval (``levels.INTERVAL``)."""
    high: float
    rms: float
    """Bits: root mean square distance of the points from the line."""
    n_points: int

    def at(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the line at x."""
        return self.intercept + self.slope * np.asarray(x, float)

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python values."""
        return dict(vars(self))


def line_fit(x: ArrayLike, y: ArrayLike, error: ArrayLike | None = None, variable: str = "qubits") -> LineFit:
    """Fit a straight line by weighted least squares.

    Each point has variance ``error² + τ²``: τ is the misfit that the points show beyond their
    errors, and never less than ``limits.MISFIT_FLOOR``, because exact points follow an asymptotic law only
    up to finite-size corrections. NOT an interval for the slope at infinite size.

    Args:
        x, y: float ``(points,)``, at least two different x; y in bits.
        error: standard errors of y; 0 where exact.
    Returns:
        :class:`LineFit`; its interval is Student's with ``points − 2`` degrees of freedom and
        infinite for two points.
    Raises:
        InputError: for fewer than two different x.
    Cost: O(points).
    Example:
        >>> fit = line_fit([4, 6, 8, 10], [-4, -6, -8, -10])
        >>> round(fit.slope, 9), fit.low < -1 < fit.high
        (-1.0, True)
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    error = np.zeros_like(y) if error is None else np.asarray(error, float)
    if len(np.unique(x)) < 2 or not np.all(np.isfinite(y)):
        raise InputError(f"A line needs finite values at two different x or more; got x = {x}, y = {y}.")
    misfit = _misfit(x, y, error)
    weight = 1 / (error**2 + misfit**2)
    center = float(weight @ x / weight.sum())
    spread = float(weight @ (x - center) ** 2)
    slope = float(weight @ ((x - center) * y)) / spread
    intercept = float(weight @ y / weight.sum()) - slope * center
    slope_error = float(np.sqrt(1 / spread))
    reach = float(student.ppf(levels.UPPER_LIMIT, len(x) - 2)) * slope_error if len(x) > 2 else float("inf")
    residual = y - intercept - slope * x
    rms = float(np.sqrt(np.mean(residual**2)))
    return LineFit(variable, intercept, slope, slope_error, slope - reach, slope + reach, rms, len(x))


def _misfit(x: NDArray[np.float64], y: NDArray[np.float64], error: NDArray[np.float64]) -> float:
    """Standard deviation beyond ``error``, by the residual mean square (Mandel and Paule)."""
    if len(x) < 3:
        return limits.MISFIT_FLOOR

    def excess(misfit: float) -> float:
        weight = 1 / (error**2 + misfit**2)
        root = np.sqrt(weight)
        design = np.stack([np.ones_like(x), x], 1) * root[:, None]
        left = y * root - design @ np.linalg.lstsq(design, y * root, rcond=None)[0]
        return float(left @ left) / (len(x) - 2) - 1

    low = high = limits.MISFIT_FLOOR
    if excess(low) <= 0:
        return low
    while excess(high) > 0:
        high *= 2
    # the excess falls with the misfit; both ends are positive, so the bracket is halved in the logarithm
    for _ in range(limits.BISECTIONS):
        middle = np.sqrt(low * high)
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return float(high)
