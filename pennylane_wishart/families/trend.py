"""Exponential, polynomial or no decay with size: the evidence of a handful of points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp
from scipy.stats import norm

from pennylane_wishart.conventions import Decay
from pennylane_wishart.conventions import families as limits
from pennylane_wishart.conventions.arrays import Floats
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.errors import InputError
from pennylane_wishart.families.evidence import MODELS, log_evidence, rounding_steps
from pennylane_wishart.families.line import LineFit, line_fit
from pennylane_wishart.families.table import interval

__all__ = ["Trend", "trend_of"]

_Lines = tuple[LineFit | None, LineFit | None]
_Three = tuple[float, float, float]


@dataclass(frozen=True)
class Trend(Shown):
    """How a variance in bits falls with the number of qubits, and how sure that is."""

    exponential: LineFit | None
    """Line in n: its slope is bits per qubit. None with fewer than two sizes."""
    polynomial: LineFit | None
    """Line in log2 n: its slope is minus the degree."""
    weights: _Three
    """Posterior weights of exponential, polynomial, no decay; NaN where not assessed."""
    criterion: _Three
    """−2 ln(evidence) of each: smaller is better; NaN where not assessed."""
    verdict: Decay
    """``Decay.EXPONENTIAL`` is a barren plateau."""
    reason: str
    confidence: float = limits.CONFIDENCE

    @property
    def plateau(self) -> bool | None:
        """Whether the variance falls exponentially; None where that cannot be told."""
        return None if self.verdict is Decay.UNKNOWN else self.verdict is Decay.EXPONENTIAL

    def lines(self) -> list[str]:
        """Return the fits and the weights of the laws, one line each; nothing with fewer than two sizes."""
        if self.exponential is None or self.polynomial is None:
            return []
        e, p = self.exponential, self.polynomial
        lines = [
            f"slope   {e.slope:+.3f} bits per qubit ({interval(e)}), rms {e.rms:.2f}",
            f"degree  n^{p.slope:+.3f} ({interval(p)}), rms {p.rms:.2f}",
        ]
        if np.isfinite(self.weights[0]):
            weights = ", ".join(f"{m} {w:.3f}" for m, w in zip(MODELS, self.weights, strict=True))
            lines.append(f"weight  {weights} (needed: {self.confidence:g})")
        return lines

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python values, ready for JSON."""
        return {
            "verdict": self.verdict.value,
            "reason": self.reason,
            "confidence": self.confidence,
            "weights": {m.value: _plain(w) for m, w in zip(MODELS, self.weights, strict=True)},
            "criterion": {m.value: _plain(c) for m, c in zip(MODELS, self.criterion, strict=True)},
            "exponential": None if self.exponential is None else self.exponential.to_dict(),
            "polynomial": None if self.polynomial is None else self.polynomial.to_dict(),
        }


def trend_of(
    sizes: ArrayLike,
    values: ArrayLike,
    errors: ArrayLike | None = None,
    upper: ArrayLike | None = None,
    layers: ArrayLike | None = None,
    confidence: float = limits.CONFIDENCE,
) -> Trend:
    """Judge whether ``values`` fall exponentially, polynomially or not with size.

    Three laws are compared: ``a − c·n`` and ``a − d·log2 n``, with c and d in ``limits.RATES``, and a
    constant or growing one. Each gets its integrated likelihood, which is what the Bayesian information
    criterion approximates for many points; with a handful of them the approximation would cost more than the difference
    it measures. NOT valid as a proof: a law outside the three, such as exponential decay slower
    than that, is not seen.

    Args:
        sizes: qubits ``(points,)``.
        values: bits ``(points,)``; −inf (dead) or NaN where there is none: left out of the fit.
        errors: standard errors in bits; 0 where exact.
        upper: bits ``(points,)``: upper limit where only that is known, NaN elsewhere.
        layers: depth of each circuit, NaN where unknown. A depth such as ceil(log2 n) makes steps,
            which are not evidence against a smooth law.
        confidence: weight that one side needs, between 0.5 and 1.
    Returns:
        :class:`Trend`.
    Raises:
        InputError: for arrays of different lengths.
    Cost: milliseconds.
    Example:
        >>> sizes = [4, 6, 8, 10, 12]
        >>> trend_of(sizes, [-n for n in sizes]).verdict
        'exponential'
        >>> trend_of(sizes, -2 * np.log2(sizes)).verdict
        'polynomial'
    """
    n, y = np.asarray(sizes, float), np.asarray(values, float)
    error = np.zeros(len(n)) if errors is None else np.nan_to_num(np.asarray(errors, float))
    limit = np.full(len(n), np.nan) if upper is None else np.asarray(upper, float)
    depth = np.full(len(n), np.nan) if layers is None else np.asarray(layers, float)
    if not len(n) == len(y) == len(error) == len(limit) == len(depth):
        raise InputError("sizes, values, errors, upper and layers need the same length.")
    if not limits.EVEN_ODDS < confidence < 1:
        raise InputError(f"confidence={confidence}: needs a weight above 0.5 and below 1.")
    use = np.isfinite(y) & ~np.isfinite(limit)
    lines = _lines(n[use], y[use], error[use])
    if len(np.unique(n[use])) < limits.MIN_POINTS:
        return _unjudged(lines, n[use], y, confidence)
    order = np.flatnonzero(use)[np.argsort(n[use], kind="stable")]
    data = n[order], y[order], error[order], depth[order]
    log_weights = np.array([_evidence(data, model) for model in MODELS])
    log_weights += _limit_evidence(lines, y[use], error[use], n[~use], limit[~use])
    weights = np.exp(log_weights - logsumexp(log_weights))
    verdict = _verdict(weights, confidence)
    reason = _reason(verdict, weights, lines, n, confidence)
    return Trend(*lines, _three(weights), _three(-2 * log_weights), verdict, reason, confidence)


def _evidence(data: tuple[Floats, Floats, Floats, Floats], model: Decay) -> float:
    """Evidence of a law with and without an alternation of period four, equally likely beforehand.

    Where the depth is rounded to layers, so that it stands still between some sizes, its steps are the
    known cause, and no other is looked for.
    """
    sizes, values, errors, depth = data
    plain = log_evidence(sizes, values, errors, depth, model)
    count = len(np.unique(sizes))
    stands = len(np.unique(depth)) < count
    if count < limits.MIN_ALTERNATING or (stands and rounding_steps(sizes, np.log2(sizes), depth).any()):
        return plain
    return float(np.logaddexp(plain, log_evidence(sizes, values, errors, depth, model, alternating=True)) - np.log(2))


def _lines(n: Floats, y: Floats, error: Floats) -> _Lines:
    if len(np.unique(n)) < 2:
        return None, None
    return line_fit(n, y, error, "qubits"), line_fit(np.log2(n), y, error, "log2 qubits")


def _limit_evidence(lines: _Lines, y: Floats, error: Floats, n: Floats, limit: Floats) -> Floats:
    """log-probability that each law stays below the upper limits, the tightest one counted.

    Limits of different sizes come from the same scarcity of walkers, so they are not multiplied,
    and none is trusted beyond odds of 1 to ``limits.DOUBT``.
    """
    seen = np.isfinite(limit)
    out = np.zeros(3)
    if not seen.any():
        return out
    level = float(np.average(y, weights=1 / (error**2 + limits.LEVEL_VARIANCE)))
    for i, (line, x) in enumerate(zip(lines, (n[seen], np.log2(n[seen])), strict=True)):
        assert line is not None  # a verdict needs three sizes
        # one bit for a limit, and the line's own error, which grows away from its points
        spread = np.sqrt(1 + (line.slope_error * (x - x.min() + 1)) ** 2)
        inside = norm.cdf((limit[seen] - line.at(x)) / spread)
        out[i] = np.log(limits.DOUBT + (1 - limits.DOUBT) * inside).min()
    out[2] = np.log(limits.DOUBT + (1 - limits.DOUBT) * norm.cdf(limit[seen] - level)).min()
    return out


def _verdict(weights: Floats, confidence: float) -> Decay:
    if weights[0] >= confidence:
        return Decay.EXPONENTIAL
    if weights[0] > 1 - confidence:
        return Decay.UNKNOWN
    return Decay.POLYNOMIAL if weights[1] > weights[2] else Decay.NONE


def _reason(verdict: Decay, weights: Floats, lines: _Lines, n: Floats, confidence: float) -> str:
    if verdict is Decay.EXPONENTIAL:
        return (
            f"an exponential law has weight {weights[0]:.3f} against "
            f"{weights[1] + weights[2]:.3f} for a polynomial or none: a barren plateau"
        )
    if verdict is not Decay.UNKNOWN:
        return f"an exponential law has weight {weights[0]:.3f} only: no plateau at these sizes"
    return (
        f"the weight of an exponential law, {weights[0]:.3f}, is between {1 - confidence:.2f} and "
        f"{confidence:.2f}: {_advice(lines, n)}"
    )


def _advice(lines: _Lines, n: Floats) -> str:
    """Name the first larger size where the two lines are far apart."""
    exponential, polynomial = lines
    assert exponential is not None and polynomial is not None  # a verdict needs three sizes
    step = max(2.0, float(np.round((n.max() - n.min()) / max(len(n) - 1, 1))))
    for size in np.arange(n.max() + step, limits.FARTHEST * n.max(), step):
        if abs(exponential.at(size) - polynomial.at(np.log2(size))) >= limits.SEPARATION:
            return f"add sizes up to n = {size:.0f}, where the two laws are far apart"
    return "add larger sizes"


def _unjudged(lines: _Lines, n: Floats, y: Floats, confidence: float) -> Trend:
    nan = (float("nan"),) * 3
    if len(y) and np.all(np.isneginf(y)):
        reason = "every parameter is dead at every size: there is no variance to follow"
    else:
        reason = (
            f"a trend over sizes needs values at {limits.MIN_POINTS} sizes, better {limits.WANTED_POINTS}; "
            f"there are {len(np.unique(n))}"
        )
    return Trend(*lines, nan, nan, Decay.UNKNOWN, reason, confidence)


def _three(values: Floats) -> _Three:
    a, b, c = (float(v) for v in values)
    return a, b, c


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
