"""Records → matplotlib axes. matplotlib is imported on first use; nothing is ever shown."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pennylane_wishart.conventions import Decay, display
from pennylane_wishart.ensembles import Law
from pennylane_wishart.errors import InputError, Status
from pennylane_wishart.families import ScalingStudy
from pennylane_wishart.measurement import Measurement, MinimaMeasurement
from pennylane_wishart.minima import MinimaLaw, concentration_energy
from pennylane_wishart.outlook import DescentOutlook, Trials
from pennylane_wishart.plots.axes import LINE, MEASURED, OTHER, PREDICTED, finished, ink, new_axes, whole_numbers
from pennylane_wishart.prediction import Prediction
from pennylane_wishart.sectors import Signature

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "deep_gradients",
    "plot_depth",
    "plot_descents",
    "plot_gradient_law",
    "plot_gradient_qq",
    "plot_loss_law",
    "plot_minima",
    "plot_neighbourhoods",
    "plot_parameter_variances",
    "plot_remedies",
    "plot_scaling",
    "plot_sectors",
    "plot_transition",
]

_MARKERS = "osD^vP*X"
_LOSS, _GRADIENT = "log₂ Var[ℓ] (observable²)", "log₂ Var[∂ℓ/∂θ] (observable²/rad²)"


def _axes(ax: Axes | None) -> Axes:
    return new_axes() if ax is None else ax


def _law_and_histogram(ax: Axes, law: Law, values: NDArray[np.float64] | None, unit: str, engine: str) -> Axes:
    low, high = (float(law.ppf(q)) for q in display.TAILS)
    if values is not None and len(values):
        low, high = min(low, float(np.min(values))), max(high, float(np.max(values)))
        fewest, most = display.HISTOGRAM_BINS
        bins = min(most, max(fewest, len(values) // display.VALUES_A_BIN))
        ax.hist(values, bins=bins, density=True, color=MEASURED, alpha=0.45,
                label=f"measured, n = {len(values):,}")  # fmt: skip
    if high > low:
        # differences of the distribution function: a density that is sampled or singular draws as a line too
        edges = np.linspace(low, high, display.LAW_POINTS)
        density = np.diff(law.cdf(edges)) / np.diff(edges)
        ax.plot((edges[1:] + edges[:-1]) / 2, density, color=PREDICTED, lw=2, label=f"predicted: {engine}")
    else:
        ax.axvline(low, color=PREDICTED, lw=2, label="predicted: one value")
    return finished(ax, unit, "probability density", ncols=1)


def plot_loss_law(pred: Prediction, data: Measurement | None = None, ax: Axes | None = None) -> Axes:
    """Draw the predicted loss law over the measured losses.

    Every plot returns the Axes that it drew on: ``ax``, or new ones.

    Raises:
        OutOfTheoryError: where there is no law.
    """
    values = None if data is None else np.asarray(data.losses)
    return _law_and_histogram(_axes(ax), pred.loss, values, "loss (observable)", pred.engine["loss"])


def deep_gradients(pred: Prediction, data: Measurement) -> NDArray[np.float64]:
    """Return the measured gradients of parameters deep enough for the law; of all live ones where none is."""
    live = ~np.isin(np.arange(pred.n_params), pred.dead_parameters)
    chosen = pred.deep_parameters if pred.deep_parameters.any() else live
    columns = np.where(data.measured, data.gradients, np.nan)[:, chosen]
    return np.asarray(columns[np.isfinite(columns)])


def plot_gradient_law(pred: Prediction, data: Measurement | None = None, ax: Axes | None = None) -> Axes:
    """Draw the predicted gradient law over the measured gradients of deep parameters.

    Raises:
        OutOfTheoryError: where there is no law.
    """
    values = None if data is None else deep_gradients(pred, data)
    unit = "gradient component (observable/rad)"
    return _law_and_histogram(_axes(ax), pred.gradient, values, unit, pred.engine["gradient"])


def plot_gradient_qq(pred: Prediction, data: Measurement, ax: Axes | None = None) -> Axes:
    """Draw measured against predicted quantiles of the gradient: on the line where the law is right.

    Raises:
        InputError: with too few measured components.
    """
    ax = _axes(ax)
    values = np.sort(deep_gradients(pred, data))
    if len(values) < (fewest := display.FEWEST_QUANTILES):
        raise InputError(f"A quantile plot needs {fewest} measured gradient components; there are {len(values)}.")
    # the middle of each step of the empirical cdf: 0 and 1 have infinite quantiles under many laws
    levels = (np.arange(len(values)) + 0.5) / len(values)
    pick = np.unique(np.linspace(0, len(values) - 1, display.QUANTILE_POINTS).astype(int))
    predicted = pred.gradient.ppf(levels[pick])
    ax.plot(predicted, predicted, color=PREDICTED, lw=1.5, label="predicted law")
    ax.plot(predicted, values[pick], "o", ms=3, color=MEASURED, label=f"measured, n = {len(values):,}")
    return finished(ax, "predicted quantile (observable/rad)", "measured quantile")


def plot_parameter_variances(pred: Prediction, data: Measurement | None = None, ax: Axes | None = None) -> Axes:
    """Draw every parameter's gradient variance at this depth, dead ones marked."""
    ax = _axes(ax)
    live = np.setdiff1d(np.arange(pred.n_params), pred.dead_parameters)
    log2 = pred.log2_gradient_variance
    bounded = ~pred.moments.known[live]
    if not bounded.all():
        ax.plot(live[~bounded], log2[live[~bounded]], "o", ms=4, color=PREDICTED,
                label=f"predicted ({pred.moments.engine})")  # fmt: skip
    if bounded.any():
        upper = pred.gradient_variance_upper.at_most_log2[live[bounded]]
        ax.plot(live[bounded], upper, "v", ms=4, mfc="none", color=PREDICTED, label="upper bound")
    if data is not None:
        with np.errstate(all="ignore"):
            columns = np.where(data.measured, data.gradients, np.nan)
            seen = live[np.isfinite(columns[:, live]).sum(axis=0) > display.FEW_VALUES]
            ax.plot(seen, np.log2(np.nanvar(columns[:, seen], axis=0)), "x", ms=5, color=MEASURED, label="measured")
    # the dead ones are drawn below whatever else is shown, so all of that is collected
    shown = np.where(bounded, pred.gradient_variance_upper.at_most_log2[live], log2[live])
    if pred.in_theory and np.isfinite(pred.deep_variance).any():
        deep = np.nanmedian(pred.deep_variance)
        if deep > 0:
            ax.axhline(np.log2(deep), color=LINE, ls="--", lw=1.2, label="deep limit")
            shown = np.append(shown, np.log2(deep))
    if pred.dead_parameters:  # below everything else: log2 0 has no place of its own
        dead = list(pred.dead_parameters)
        floor = np.min(shown) - 1 if len(shown) else -1.0
        ax.plot(dead, np.full(len(dead), floor), "v", ms=5, color=ink(), label="dead: exactly 0")
    whole_numbers(ax)
    if pred.circuit.call is not None:  # as they are written in the code
        ax.xaxis.get_major_locator().set_params(nbins=display.NAMED_TICKS)  # type: ignore[call-arg]
        ax.xaxis.set_major_formatter(
            lambda k, _: pred.circuit.parameter_name(round(k)) if 0 <= k < pred.n_params else ""
        )
    return finished(ax, "parameter", _GRADIENT)


def plot_depth(
    rotations: Sequence[int], log2_variance: Sequence[float], deep_limit: float, ax: Axes | None = None
) -> Axes:
    """Draw the loss variance as the circuit grows, and the deep limit that it tends to.

    Args:
        rotations: numbers of rotations, counted from the observable.
        log2_variance: log2 Var[ℓ] with these rotations.
        deep_limit: log2 Var[ℓ] of the deep limit; NaN where it is not known.
    """
    ax = _axes(ax)
    shown = np.isfinite(np.asarray(log2_variance, float))
    ax.plot(np.asarray(rotations)[shown], np.asarray(log2_variance)[shown], "o-", ms=4, color=PREDICTED,
            label="exact at this depth")  # fmt: skip
    if np.isfinite(deep_limit):
        ax.axhline(deep_limit, color=LINE, ls="--", lw=1.2, label="deep limit")
    whole_numbers(ax)
    return finished(ax, "rotations, counted from the observable", _LOSS)


def plot_neighbourhoods(
    widths: NDArray[np.float64], gradient_norm: NDArray[np.float64], random_norm: float, ax: Axes | None = None
) -> Axes:
    """Draw the size of the gradient in neighbourhoods of a point against their width.

    Args:
        widths: radians ``(k,)``, standard deviations.
        gradient_norm: root mean square of ‖∇ℓ‖ ``(k,)``.
        random_norm: the same at random angles; NaN where it is not known.
    """
    ax = _axes(ax)
    ax.loglog(widths, gradient_norm, "o-", ms=4, color=MEASURED, label="around the point")
    if random_norm > 0:
        ax.axhline(random_norm, color=LINE, ls="--", lw=1.2, label="random angles")
    return finished(ax, "width of the neighbourhood (rad)", "rms ‖∇ℓ‖ (observable/rad)")


def plot_sectors(sig: Signature, ax: Axes | None = None, most: int = display.SECTOR_BARS) -> Axes:
    """Draw the sectors: input weight against dimension, those outside the theory hatched."""
    ax = _axes(ax)
    sectors = sorted(sig.sectors, key=lambda s: -s.weight)[:most]
    names = [
        f"N = {s.dim if s.dim < display.PLAIN_DIMENSION else f'2^{s.log2_dim:.0f}'}\nβ = {s.beta or '–'}"
        for s in sectors
    ]
    bars = ax.bar(range(len(sectors)), [s.weight for s in sectors], color=PREDICTED, width=0.7)
    for bar, s in zip(bars, sectors, strict=True):
        if not s.in_theory:
            bar.set(hatch="//", facecolor="none", edgecolor=LINE)
        ax.annotate(f"{s.weight:.2g}", (bar.get_x() + 0.35, s.weight), ha="center", va="bottom", fontsize="small")
    ax.set_xticks(range(len(sectors)), names, fontsize="small")
    left = len(sig.sectors) - len(sectors)
    ax.set_xlabel("sector (hatched: outside the theory)" + (f"; {left} lighter ones not shown" if left else ""))
    ax.set_ylabel("weight of the input (probability)")
    ax.set_ylim(0, 1.1 * max((s.weight for s in sectors), default=1) + 1e-3)
    return ax


def plot_minima(pred: Prediction, found: MinimaMeasurement | None = None, ax: Axes | None = None) -> Axes:
    """Draw the law of local minima, found minima over it, and p against p*.

    Raises:
        OutOfTheoryError: where no law is predicted.
    """
    ax = _axes(ax)
    law = pred.minima
    if found is not None:
        losses = np.asarray(found.losses)
        ax.hist(losses, bins=30, density=not law.is_point_mass, color=MEASURED, alpha=0.45, label="found")
    if law.is_point_mass:
        ax.axvline(law.ground, color=PREDICTED, lw=2, label="predicted: the optimum")
        counted = "minima found"
    else:
        x = np.linspace(law.support()[0], float(law.ppf(display.TAILS[1])), display.MINIMA_POINTS)
        ax.plot(x, law.pdf(x), color=PREDICTED, lw=2, label="predicted, each minimum once")
        low, _, high = (float(law.ppf(q)) for q in display.BAND)
        band = f"{display.BAND[-1] - display.BAND[0]:.0%} band"
        ax.axvspan(low, high, color=PREDICTED, alpha=0.15, label=band, lw=0)
        ax.axvline(law.ground, color=LINE, ls="--", lw=1.2, label="optimum")
        counted = "probability density"
    x_label = f"loss at local minima (observable); p = {law.n_parameters}, p* = {law.transition:g}"
    return finished(ax, x_label, counted, ncols=3)


def plot_descents(outlook: DescentOutlook, ax: Axes | None = None) -> Axes:
    """Draw where the descents of this circuit ended, beside the observable's ground and the reachable optimum.

    Raises:
        InputError: where nothing was descended (a certificate needs no descents).
    """
    if not len(outlook.ends):
        raise InputError(f"plot_descents needs descents; there are none: {outlook.reason}")
    ax = _axes(ax)
    sign = -1.0 if outlook.sense == "max" else 1.0
    ends = sign * np.sort(sign * outlook.ends)
    ax.plot(np.arange(1, len(ends) + 1), ends, "o", ms=5, color=MEASURED, label="descents")
    edge = sign * outlook.scale * outlook.tolerance
    ax.axhspan(outlook.best, outlook.best + edge, color=PREDICTED, alpha=0.15, lw=0, label="counts as the best end")
    ax.axhline(outlook.reachable_ground, color=PREDICTED, lw=1.5, label="no angle passes")
    if np.isfinite(outlook.ground):
        ax.axhline(outlook.ground, color=LINE, ls="--", lw=1.2, label="observable's optimum")
    whole_numbers(ax)
    return finished(ax, "descents, the best first", "loss at the end (observable)")


def plot_remedies(trials: Trials, ax: Axes | None = None) -> Axes:
    """Draw every change of the circuit that was tried: where half of its descents end, before → after.

    Changes that help are green; a bar is the interval of the end after it.

    Raises:
        InputError: where no change was tried.
    """
    tried = [r for r in (*trials.remedies, *trials.others) if not r.is_saving]
    if not tried:
        reason = "" if trials.reason is None else f": {trials.reason.text}"
        raise InputError(f"plot_remedies needs changes that were tried; there are none{reason}")
    ax = _axes(ax)
    for y, remedy in enumerate(tried):
        colour = OTHER if any(remedy is helpful for helpful in trials.remedies) else LINE
        ax.plot(remedy.after.interval, [y, y], color=colour, lw=6, alpha=0.3, solid_capstyle="butt")
        ax.plot([remedy.before.loss, remedy.after.loss], [y, y], color=colour, lw=1)
        ax.plot(remedy.before.loss, y, "o", ms=5, mfc="none", color=MEASURED, label="" if y else "before")
        ax.plot(remedy.after.loss, y, "o", ms=5, color=colour, label="" if y else "after")
    names = [textwrap.fill(remedy.words, display.REMEDY_WIDTH) for remedy in tried]
    ax.set_yticks(range(len(tried)), names, fontsize="small")
    ax.set_ylim(len(tried) - 0.5, -0.5)  # the best first, as in the report
    return finished(ax, "median loss at the end (observable)", "change")


def plot_transition(pred: Prediction, ax: Axes | None = None) -> Axes:
    """Draw how high minima lie against the number of parameters, with p* and where this circuit stands.

    The curve is the published limit of large size, E*(p/p*); the point with its bar is this
    circuit's own law (median and band), where one is predicted.

    Raises:
        OutOfTheoryError: where p* is not known.
    """
    ax = _axes(ax)
    star, p = float(pred.transition), pred.n_independent
    count = f"p = {p}" if pred.n_independent_status is Status.OK else f"p ≤ {p}"
    gamma = np.linspace(*display.GAMMA_RANGE)
    ax.plot(np.append(gamma, 1) * star, np.append(concentration_energy(gamma), 0), color=LINE, ls="--", lw=1.2,
            label="large-size limit")  # fmt: skip
    ax.plot([star, max(1.25 * star, 1.1 * p)], [0, 0], color=LINE, ls="--", lw=1.2)
    ax.axvline(star, color=PREDICTED, lw=2, label=f"p* = {star:g}")
    law = pred.computed("minima")  # an integral of seconds: drawn where it was asked for
    if not isinstance(law, MinimaLaw):
        ax.axvline(p, color=MEASURED, lw=2, ls=":", label=f"this circuit, {count}")
    else:
        low, middle, high = ((float(law.ppf(q)) - law.ground) / (law.center - law.ground) for q in display.BAND)
        bar = [[max(middle - low, 0.0)], [max(high - middle, 0.0)]]
        ax.errorbar([p], [middle], yerr=bar, fmt="o", color=MEASURED, capsize=3, label=f"this circuit, {count}")
    x, y = "independent parameters p", "E at minima (0 optimum, 1 mean)"
    return finished(ax, x, y, ncols=3, columnspacing=1.0, handlelength=1.5)


def _decade(slope: float) -> str:
    """How many qubits a factor of ten takes, where that is a step that a reader may plan with."""
    step = np.log2(10) / abs(slope) if slope else np.inf
    return f", ten times in {step:.1f} qubits" if step < display.LONGEST_DECADE else ""


def plot_scaling(study: ScalingStudy, ax: Axes | None = None) -> Axes:
    """Draw log2 of the followed variance against the number of qubits, with the fitted line and its verdict."""
    ax = _axes(ax)
    colours = (PREDICTED, OTHER, LINE)
    for i, depth in enumerate(sorted({p.depth for p in study.points}, key=lambda d: (d is not None, d or 0))):
        points = [p for p in study.points if p.depth == depth]
        # a bound has no error bar, and no point: it is an arrow that points down
        known = [p for p in points if p.followed.at_most is None]
        ax.errorbar([p.n for p in known], [p.log2_variance for p in known],
                    yerr=[p.log2_variance_error for p in known], fmt=_MARKERS[i % len(_MARKERS)],
                    color=colours[i % 3], label="at its own depth" if depth is None else f"depth {depth}")  # fmt: skip
        limits = [(p.n, p.followed.limit) for p in points if p.followed.at_most is not None]
        if limits:
            ax.plot(*zip(*limits, strict=True), "v", mfc="none", color=colours[i % 3], label="upper bound")
    trend, n = study.trend, np.linspace(min(study.sizes), max(study.sizes), display.LINE_POINTS)
    if study.verdict is Decay.POLYNOMIAL and trend.polynomial is not None:
        ax.plot(n, trend.polynomial.at(np.log2(n)), color=MEASURED, lw=1.5,
                label=f"fit: power {trend.polynomial.slope:.2f} of n")  # fmt: skip
    elif trend.exponential is not None:
        slope = trend.exponential.slope
        label = f"fit: {slope:.2f} bits per qubit{_decade(slope)}"
        ax.plot(n, trend.exponential.at(n), color=MEASURED, lw=1.5, label=label)
    whole_numbers(ax)
    return finished(ax, f"qubits (verdict: {study.verdict})", _LOSS if study.quantity == "loss" else _GRADIENT)
