"""Records → matplotlib axes. matplotlib is imported on first use; nothing is ever shown."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = [
    "plot_gradient_law",
    "plot_gradient_qq",
    "plot_loss_law",
    "plot_minima",
    "plot_parameter_variances",
    "plot_scaling",
    "plot_sectors",
]

# Okabe–Ito: told apart in every common colour-vision deficiency.
BLUE, ORANGE, GREEN, RED, GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#7d8590"


def _axes(ax=None) -> Any:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(layout="constrained")[1]


def _law_and_histogram(ax, law, values, unit: str, engine: str):
    low, high = law.ppf(0.001), law.ppf(0.999)
    if values is not None and len(values):
        low, high = min(low, float(np.min(values))), max(high, float(np.max(values)))
        ax.hist(values, bins=min(60, max(10, len(values) // 15)), density=True, color=ORANGE, alpha=0.55,
                label=f"measured, n = {len(values)}")  # fmt: skip
    if high > low:
        inset = 1e-3 * (high - low)
        x = np.linspace(low + inset, high - inset, 400)
        ax.plot(x, law.pdf(x), color=BLUE, lw=2, label=f"predicted: {engine}")
    ax.set_xlabel(unit)
    ax.set_ylabel("probability density")
    ax.legend(fontsize="small", frameon=False)
    return ax


def plot_loss_law(pred, data=None, ax=None):
    """Draw the predicted loss law over the measured losses."""
    values = None if data is None else np.asarray(data.losses)
    return _law_and_histogram(_axes(ax), pred.loss, values, "loss (units of the observable)", pred.engine["loss"])


def _deep_gradients(pred, data) -> np.ndarray:
    chosen = pred.deep_parameters if pred.deep_parameters.any() else np.ones(pred.n_params, bool)
    columns = np.where(data.measured, data.gradients, np.nan)[:, chosen]
    return columns[np.isfinite(columns)]


def plot_gradient_law(pred, data=None, ax=None):
    """Draw the predicted gradient law over the measured gradients of deep parameters."""
    values = None if data is None else _deep_gradients(pred, data)
    unit = "gradient component (units of the observable per radian)"
    return _law_and_histogram(_axes(ax), pred.gradient, values, unit, pred.engine["gradient"])


def plot_gradient_qq(pred, data, ax=None):
    """Draw measured against predicted quantiles of the gradient."""
    ax = _axes(ax)
    values = np.sort(_deep_gradients(pred, data))
    levels = (np.arange(len(values)) + 0.5) / len(values)
    pick = np.unique(np.linspace(0, len(values) - 1, 200).astype(int))
    predicted = pred.gradient.ppf(levels[pick])
    ax.plot(predicted, predicted, color=GREY, lw=1)
    ax.plot(predicted, values[pick], ".", color=BLUE)
    ax.set_xlabel("predicted quantile of the gradient")
    ax.set_ylabel("measured quantile")
    return ax


def plot_parameter_variances(pred, data=None, ax=None):
    """Draw every parameter's gradient variance at this depth, dead ones marked."""
    ax = _axes(ax)
    k = np.arange(pred.n_params)
    live = np.setdiff1d(k, pred.dead_parameters)
    log2 = pred.log2_gradient_variance
    ax.plot(live, log2[live], "o", ms=4, color=BLUE, label=f"predicted at this depth ({pred.moments.engine})")
    if data is not None:
        with np.errstate(all="ignore"):
            columns = np.where(data.measured, data.gradients, np.nan)
            seen = live[np.isfinite(columns[:, live]).sum(axis=0) > 2]
            ax.plot(seen, np.log2(np.nanvar(columns[:, seen], axis=0)), "x", ms=4, color=ORANGE, label="measured")
    floor = np.min(log2[live]) - 1 if len(live) else -1.0
    if pred.dead_parameters:
        dead = list(pred.dead_parameters)
        ax.plot(dead, np.full(len(dead), floor), "v", color=RED, label="dead (variance exactly 0)")
    if pred.in_theory and np.isfinite(pred.deep_variance).any():
        deep = np.nanmedian(pred.deep_variance)
        if deep > 0:
            ax.axhline(np.log2(deep), color=GREY, ls="--", lw=1, label="deep limit")
    ax.set_xlabel("parameter (flat index)")
    ax.set_ylabel("log2 Var[gradient]")
    ax.legend(fontsize="small", frameon=False)
    return ax


def plot_sectors(sig, ax=None, most: int = 12):
    """Draw the sectors: input weight against dimension, those outside the theory hatched."""
    ax = _axes(ax)
    sectors = list(sig.sectors)[:most]
    names = [f"N={s.dim if s.dim < 10**6 else f'2^{s.log2_dim:.0f}'}\nβ={s.beta or '–'}" for s in sectors]
    bars = ax.bar(range(len(sectors)), [s.weight for s in sectors], color=BLUE)
    for bar, s in zip(bars, sectors, strict=True):
        if not s.in_theory:
            bar.set(hatch="//", color=GREY)
    ax.set_xticks(range(len(sectors)), names, fontsize="small")
    ax.set_xlabel("Jordan sector (grey: outside the theory)")
    ax.set_ylabel("weight of the input")
    return ax


def plot_minima(pred, found=None, ax=None):
    """Draw the law of local minima, found minima over it, and where p stands against p*."""
    ax = _axes(ax)
    law = pred.minima
    if found is not None:
        losses = np.asarray(found.losses)
        ax.hist(losses, bins=30, density=not law.is_point_mass, color=ORANGE, alpha=0.55, label="found")
    if law.is_point_mass:
        ax.axvline(law.ground, color=BLUE, lw=2, label="predicted: the global minimum")
    else:
        low, high = law.support()
        x = np.linspace(low, high, 500)
        ax.plot(x, law.pdf(x), color=BLUE, lw=2, label=f"predicted: {law.engine}")
        ax.axvspan(float(law.ppf(0.05)), float(law.ppf(0.95)), color=BLUE, alpha=0.12, label="90% band")
    ax.set_title(f"p = {law.n_parameters} independent parameters, p* = {law.transition:g}", fontsize="medium")
    ax.set_xlabel("loss at local minima (units of the observable)")
    ax.set_ylabel("probability density")
    ax.legend(fontsize="small", frameon=False)
    return ax


def plot_scaling(study, ax=None):
    """Draw log2 of the median gradient variance against the number of qubits, with its fit."""
    ax = _axes(ax)
    for depth in sorted({p.depth for p in study.points}, key=lambda d: (d is not None, d or 0)):
        points = [p for p in study.points if p.depth == depth]
        label = "median live gradient" if depth is None else f"depth {depth}"
        ax.errorbar([p.n for p in points], [p.log2_variance for p in points],
                    yerr=[p.log2_variance_error for p in points], fmt="o-", label=label)  # fmt: skip
    ax.set_xlabel("qubits")
    ax.set_ylabel("log2 Var[gradient]")
    ax.set_title(f"verdict: {study.verdict}", fontsize="medium")
    ax.legend(fontsize="small", frameon=False)
    return ax
