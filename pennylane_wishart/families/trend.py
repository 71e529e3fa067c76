"""Exponential, polynomial or no decay with size: the evidence of a handful of points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp
from scipy.stats import norm

from pennylane_wishart.errors import InputError
from pennylane_wishart.families.evidence import MODELS, log_evidence, rounding_steps
from pennylane_wishart.families.line import LineFit, line_fit

__all__ = ["CONFIDENCE", "VERDICTS", "Trend", "trend_of"]

CONFIDENCE = 0.95
"""Weight that a side needs before it is named: odds of 19 to 1."""
VERDICTS = ("exponential", "polynomial", "no decay", "cannot tell")
_MIN_POINTS = 3
_MIN_ALTERNATING = 5
"""Fewer sizes cannot tell an alternation from a slope."""
_DOUBT = 0.001
"""Probability that an upper limit is wrong for a reason outside its statistics."""
_SEPARATION = 3.0
"""Bits between the two lines at the size advised next."""


@dataclass(frozen=True)
class Trend:
    """How a variance in bits falls with the number of qubits, and how sure that is."""

    exponential: LineFit | None
    """Line in n: its slope is bits per qubit. None with fewer than two sizes."""
    polynomial: LineFit | None
    """Line in log2 n: its slope is minus the degree."""
    weights: tuple[float, float, float]
    """Posterior weights of exponential, polynomial, no decay; NaN where not assessed."""
    criterion: tuple[float, float, float]
    """−2 ln(evidence) of each: smaller is better; NaN where not assessed."""
    verdict: str
    """One of ``VERDICTS``; "exponential" is a barren plateau."""
    reason: str
    confidence: float = CONFIDENCE

    @property
    def plateau(self) -> bool | None:
        """Whether the variance falls exponentially; None where that cannot be told."""
        return {"exponential": True, "cannot tell": None}.get(self.verdict, False)

    def to_dict(self) -> dict:
        """Return plain Python values, ready for JSON."""
        return {
            "verdict": self.verdict,
            "reason": self.reason,
            "confidence": self.confidence,
            "weights": {m: _plain(w) for m, w in zip(MODELS, self.weights, strict=True)},
            "criterion": {m: _plain(c) for m, c in zip(MODELS, self.criterion, strict=True)},
            "exponential": None if self.exponential is None else self.exponential.to_dict(),
            "polynomial": None if self.polynomial is None else self.polynomial.to_dict(),
        }


def trend_of(sizes, values, errors=None, upper=None, layers=None, confidence: float = CONFIDENCE) -> Trend:
    """Judge whether ``values`` fall exponentially, polynomially or not with size.

    Three laws are compared: ``a − c·n`` with c up to 4 bits per qubit (and at least 0.2, or 1.6
    bits over all sizes), ``a − d·log2 n`` with 0.2 ≤ d ≤ 8, and a constant or growing one. Each
    gets its integrated likelihood, which is what the Bayesian information criterion approximates
    for many points; with a handful of them the approximation would cost more than the difference
    it measures. NOT valid as a proof: a law outside the three, such as exponential decay slower
    than that, is not seen.

    Args:
        sizes: qubits ``(points,)``.
        values: bits ``(points,)``; −inf (dead) or NaN where there is none: left out of the fit.
        errors: standard errors in bits; 0 where exact.
        upper: bits ``(points,)``: 97.5% upper limit where only that is known, NaN elsewhere.
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
    if not 0.5 < confidence < 1:
        raise InputError(f"confidence={confidence}: needs a weight above 0.5 and below 1.")
    use = np.isfinite(y) & ~np.isfinite(limit)
    lines = _lines(n[use], y[use], error[use])
    if len(np.unique(n[use])) < _MIN_POINTS:
        return _unjudged(lines, n, y, use, confidence)
    order = np.flatnonzero(use)[np.argsort(n[use], kind="stable")]
    data = n[order], y[order], error[order], depth[order]
    log_weights = np.array([_evidence(data, model) for model in MODELS])
    log_weights += _limit_evidence(lines, y[use], error[use], n[~use], limit[~use])
    weights = np.exp(log_weights - logsumexp(log_weights))
    verdict = _verdict(weights, confidence)
    return Trend(
        lines[0],
        lines[1],
        _three(weights),
        _three(-2 * log_weights),
        verdict,
        _reason(verdict, weights, lines, n, confidence),
        confidence,
    )


def _evidence(data, model: str) -> float:
    """Evidence of a law with and without an alternation of period four, equally likely beforehand.

    Where the depth is rounded to layers, so that it stands still between some sizes, its steps are the
    known cause, and no other is looked for.
    """
    sizes, values, errors, depth = data
    plain = log_evidence(sizes, values, errors, depth, model)
    stands = len(np.unique(depth)) < len(np.unique(sizes))
    if len(np.unique(sizes)) < _MIN_ALTERNATING or (stands and rounding_steps(sizes, np.log2(sizes), depth).any()):
        return plain
    return float(np.logaddexp(plain, log_evidence(sizes, values, errors, depth, model, alternating=True)) - np.log(2))


def _lines(n, y, error) -> tuple[LineFit | None, LineFit | None]:
    if len(np.unique(n)) < 2:
        return None, None
    return line_fit(n, y, error, "qubits"), line_fit(np.log2(n), y, error, "log2 qubits")


def _limit_evidence(lines, y, error, n, limit) -> np.ndarray:
    """log-probability that each law stays below the upper limits, the tightest one counted.

    Limits of different sizes come from the same scarcity of walkers, so they are not multiplied,
    and none is trusted beyond odds of 1000 to 1.
    """
    seen = np.isfinite(limit)
    out = np.zeros(3)
    if not seen.any():
        return out
    level = float(np.average(y, weights=1 / (error**2 + 0.25)))
    for i, (line, x) in enumerate(zip(lines, (n[seen], np.log2(n[seen])), strict=True)):
        spread = np.sqrt(1 + (line.slope_error * (x - x.min() + 1)) ** 2)
        inside = norm.cdf((limit[seen] - line.at(x)) / spread)
        out[i] = np.log(_DOUBT + (1 - _DOUBT) * inside).min()
    out[2] = np.log(_DOUBT + (1 - _DOUBT) * norm.cdf(limit[seen] - level)).min()
    return out


def _verdict(weights, confidence: float) -> str:
    if weights[0] >= confidence:
        return "exponential"
    if weights[0] > 1 - confidence:
        return "cannot tell"
    return "polynomial" if weights[1] > weights[2] else "no decay"


def _reason(verdict: str, weights, lines, n, confidence: float) -> str:
    if verdict == "exponential":
        return (
            f"an exponential law has weight {weights[0]:.3f} against "
            f"{weights[1] + weights[2]:.3f} for a polynomial or none: a barren plateau"
        )
    if verdict != "cannot tell":
        return f"an exponential law has weight {weights[0]:.3f} only: no plateau at these sizes"
    return (
        f"the weight of an exponential law, {weights[0]:.3f}, is between {1 - confidence:.2f} and "
        f"{confidence:.2f}: {_advice(lines, n)}"
    )


def _advice(lines, n) -> str:
    """Name the first larger size where the two lines are far apart."""
    step = max(2.0, float(np.round((n.max() - n.min()) / max(len(n) - 1, 1))))
    for size in np.arange(n.max() + step, 50 * n.max(), step):
        if abs(lines[0].at(size) - lines[1].at(np.log2(size))) >= _SEPARATION:
            return f"add sizes up to n = {size:.0f}, where the two laws are far apart"
    return "add larger sizes"


def _unjudged(lines, n, y, use, confidence: float) -> Trend:
    nan = _three(np.full(3, np.nan))
    if len(y) and np.all(np.isneginf(y)):
        reason = "every parameter is dead at every size: there is no variance to follow"
    else:
        have = len(np.unique(n[use]))
        reason = f"a trend over sizes needs values at {_MIN_POINTS} sizes, better 5; there are {have}"
    return Trend(lines[0], lines[1], nan, nan, "cannot tell", reason, confidence)


def _three(values) -> tuple[float, float, float]:
    a, b, c = (float(v) for v in values)
    return a, b, c


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
