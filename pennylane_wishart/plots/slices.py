"""A plane of losses, coloured by predicted standard deviations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pennylane_wishart.conventions import display
from pennylane_wishart.outlook.slices import Slices
from pennylane_wishart.plots.axes import MEASURED, ink, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_slices"]


def plot_slices(slices: Slices, ax: Axes | None = None) -> Axes:
    """Draw a plane of losses; colours are standard deviations of the loss at random angles, from its mean there.

    A plane of one colour is flat beside random angles. Where no standard deviation is known, or it is 0, colours are
    losses.
    """
    ax = new_axes() if ax is None else ax
    known = slices.scale > 0
    values = (slices.heights if known else slices.losses).T
    most = display.SLICE_DEVIATIONS
    low, high = (-most, most) if known else (None, None)
    drawn = ax.pcolormesh(slices.first, slices.second, values, cmap="cividis", shading="gouraud", vmin=low, vmax=high)
    unit = (
        f"loss less its mean, in predicted standard deviations ({slices.scale:.3g})" if known else "loss (observable)"
    )
    # a loss beyond the colours is said to be: extend draws a tip
    over = known and bool(np.abs(values).max() > most)
    bar = ax.get_figure().colorbar(drawn, ax=ax, extend="both" if over else "neither")  # type: ignore[union-attr]
    bar.set_label(unit, fontsize="small")
    if np.ptp(slices.losses) > 0:
        ax.contour(slices.first, slices.second, slices.losses.T, levels=display.SLICE_LEVELS, colors=ink(),
                   linewidths=0.5, alpha=0.5)  # fmt: skip
    for name, x, y in slices.marks:
        ax.plot([x], [y], "o", ms=5, color=MEASURED)
        ax.annotate(name, (x, y), textcoords="offset points", xytext=(5, 5), color=MEASURED, fontsize="small")
    ax.set_xlabel(f"{slices.labels[0]} (rad)")
    ax.set_ylabel(f"{slices.labels[1]} (rad)")
    return ax
