"""Text of the room's records, at most 80 columns."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np

from pennylane_wishart.families.evidence import MODELS
from pennylane_wishart.families.points import QUANTITIES

if TYPE_CHECKING:
    from pennylane_wishart.families.inits import InitComparison
    from pennylane_wishart.families.study import ScalingStudy

__all__ = ["init_text", "study_text"]

_WIDTH = 80


def study_text(study: ScalingStudy) -> str:
    """Return the table of a study, its fits and its verdict."""
    lines = _wrap(f"Scaling of the {QUANTITIES[study.quantity]}: {study.verdict}")
    lines += _wrap(f"({study.trend.reason})")
    lines.append("")
    lines.append(f"{'n':>5} {'depth':>5} {'params':>6} {'dead':>5} {'log2 Var':>14} {'loss':>14} {'deep':>7}  engine")
    for p in study.points:
        depth = "-" if p.depth is None else str(p.depth)
        deep = f"{p.deep_limit:.2f}" if np.isfinite(p.deep_limit) else "-"
        lines.append(
            f"{p.n:>5} {depth:>5} {p.n_params:>6} {p.n_dead:>5} {p.followed!s:>14} {p.loss!s:>14} {deep:>7}"
            f"  {p.engine[:16]}"
        )
    lines.append("")
    lines += _fit_lines(study)
    lines += _depth_lines(study)
    lines += _wrap(f"log2 of variances over angles drawn from the law {study.angles!r}; deep: its deep limit.")
    return "\n".join(lines)


def _fit_lines(study: ScalingStudy) -> list[str]:
    trend = study.trend
    if trend.exponential is None or trend.polynomial is None:
        return []
    e, p = trend.exponential, trend.polynomial
    lines = [
        f"slope   {e.slope:+.3f} bits per qubit (95%: {e.low:+.3f} to {e.high:+.3f}), rms {e.rms:.2f}",
        f"degree  n^{p.slope:+.2f} (95%: {p.low:+.2f} to {p.high:+.2f}), rms {p.rms:.2f}",
    ]
    if np.isfinite(trend.weights[0]):
        weights = ", ".join(f"{m} {w:.3f}" for m, w in zip(MODELS, trend.weights, strict=True))
        lines.append(f"weight  {weights} (needed: {trend.confidence:g})")
    return lines


def _depth_lines(study: ScalingStudy) -> list[str]:
    if not study.depths:
        return []
    reached = ", ".join(f"n = {n}: {'not reached' if d is None else d}" for n, d in study.depth_reached.items())
    lines = _wrap(f"deep limit within 5% from depth: {reached}")
    for n, fit in study.depth_slopes.items():
        if fit is not None:
            lines.append(
                f"n = {n}: {fit.slope:+.3f} bits per unit of depth (95%: {fit.low:+.3f} to {fit.high:+.3f})"
            )
    return lines


def init_text(record: InitComparison) -> str:
    """Return the table of compared initialisations."""
    lines = _wrap(f"Largest gradients, by the median live parameter: {record.best}")
    lines.append(f"{'initialisation':<22} {'log2 E[grad^2]':>16} {'log2 Var':>14} {'mean loss':>10} {'dead':>5}  engine")
    for row in record.rows:
        lines.append(
            f"{row.name[:22]:<22} {row.median!s:>16} {row.median_variance!s:>14} {row.loss_mean:>10.3g} "
            f"{row.n_dead:>5}  {row.engine[:7]}"
        )
    lines += _wrap(
        f"{record.n_params} parameters; log2 of the median over those that are live; E[grad^2] = Var + mean^2."
    )
    if record.tied:
        lines += _wrap(f"Not told apart from {record.best} within two standard errors: {', '.join(record.tied)}.")
    return "\n".join(lines)


def _wrap(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH)
