"""Text of the room's records, at most 80 columns."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np

from pennylane_wishart.families.evidence import MODELS
from pennylane_wishart.families.points import QUANTITIES

if TYPE_CHECKING:
    from pennylane_wishart.families.inits import InitComparison
    from pennylane_wishart.families.line import LineFit
    from pennylane_wishart.families.study import ScalingStudy

__all__ = ["init_text", "study_text"]

_WIDTH = 80
_STUDY = (5, 5, 6, 5, 14, 14, 7, -17)
_INITS = (-20, 14, 14, 9, 5, -13)


def study_text(study: ScalingStudy) -> str:
    """Return the table of a study, its fits and its verdict."""
    lines = _wrap(f"Scaling of the {QUANTITIES[study.quantity]}: {study.verdict}")
    lines += _wrap(f"({study.trend.reason})")
    lines.append("")
    head = ("n", "depth", "params", "dead", "log2 Var", "loss", "deep", "engine")
    lines.append(_columns(_STUDY, head))
    for p in study.points:
        depth = "-" if p.depth is None else p.depth
        deep = f"{p.deep_limit:.2f}" if np.isfinite(p.deep_limit) else "-"
        cells = (p.n, depth, p.n_params, p.n_dead, p.followed, p.loss, deep, p.engine)
        lines.append(_columns(_STUDY, cells))
    lines.append("")
    lines += _fit_lines(study)
    lines += _depth_lines(study)
    lines += _wrap(f"log2 of variances over angles of the law {study.angles!r}; deep: the deep limit.")
    return "\n".join(lines)


def _fit_lines(study: ScalingStudy) -> list[str]:
    trend = study.trend
    if trend.exponential is None or trend.polynomial is None:
        return []
    e, p = trend.exponential, trend.polynomial
    lines = [
        f"slope   {e.slope:+.3f} bits per qubit ({_interval(e)}), rms {e.rms:.2f}",
        f"degree  n^{p.slope:+.3f} ({_interval(p)}), rms {p.rms:.2f}",
    ]
    if np.isfinite(trend.weights[0]):
        weights = ", ".join(f"{m} {w:.3f}" for m, w in zip(MODELS, trend.weights, strict=True))
        lines.append(f"weight  {weights} (needed: {trend.confidence:g})")
    return lines


def _depth_lines(study: ScalingStudy) -> list[str]:
    if not study.depths:
        return []
    found = study.depth_reached.items()
    reached = ", ".join(f"n = {n}: {'not reached' if d is None else d}" for n, d in found)
    lines = _wrap(f"deep limit within 5% from depth: {reached}")
    for n, fit in study.depth_slopes.items():
        if fit is not None:
            lines.append(f"n = {n}: {fit.slope:+.3f} bits per unit of depth ({_interval(fit)})")
    return lines


def init_text(record: InitComparison) -> str:
    """Return the table of compared initialisations."""
    lines = _wrap(f"Largest gradients, by the median live parameter: {record.best}")
    head = ("initialisation", "log2 E[grad^2]", "log2 Var", "mean loss", "dead", "engine")
    lines.append(_columns(_INITS, head))
    for row in record.rows:
        mean = f"{row.loss_mean:.3g}"
        cells = (row.name, row.median, row.median_variance, mean, row.n_dead, row.engine)
        lines.append(_columns(_INITS, cells))
    lines += _wrap(f"{record.n_params} parameters; log2 of the median over the live ones; E[grad^2] = Var + mean^2.")
    if record.tied:
        names = ", ".join(record.tied)
        lines += _wrap(f"Not told apart from {record.best} within two standard errors: {names}.")
    return "\n".join(lines)


def _interval(fit: LineFit) -> str:
    return f"95%: {fit.low:+.3f} to {fit.high:+.3f}"


def _columns(widths: tuple[int, ...], cells) -> str:
    """Right-aligned cells one space apart; a negative width aligns left and cuts."""
    parts = [f"{str(c)[:-w]:<{-w}}" if w < 0 else f"{str(c):>{w}}" for c, w in zip(cells, widths, strict=True)]
    return " ".join(parts).rstrip()


def _wrap(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH)
