"""Axes, colours and labels that all figures share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LINE", "MEASURED", "OTHER", "PREDICTED", "finished", "ground_colour", "ink", "new_axes", "whole_numbers"]

# Okabe–Ito: told apart in every common colour-vision deficiency. Blue predicts, vermilion was measured.
PREDICTED, MEASURED, OTHER, LINE = "#0072b2", "#d55e00", "#009e73", "#7d8590"
_GROUND = "#fdfdfe"
"""Stands for the ground of a figure whose own is transparent; reports make it that of the page."""


def new_axes(size: tuple[float, float] | None = None) -> Axes:
    """Return new Axes, of a size in inches where one is given."""
    import matplotlib.pyplot as plt

    new: Axes = plt.subplots(layout="constrained", figsize=size)[1]
    return new


def ink() -> str:
    """Return the colour of the text around the figure: whatever the style in force says."""
    import matplotlib

    return str(matplotlib.rcParams["text.color"])


def ground_colour() -> str:
    """Return the colour behind the data."""
    import matplotlib

    found = str(matplotlib.rcParams["axes.facecolor"])
    return _GROUND if found == "none" else found


def finished(ax: Axes, x: str, y: str, ncols: int = 2, **options: Any) -> Axes:
    """Return the axes with their labels, and a legend on top of them, where it hides no data."""
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    options.update(bbox_to_anchor=(0, 1), borderaxespad=0.2)
    ax.legend(fontsize="small", frameon=False, loc="lower left", ncols=ncols, **options)
    return ax


def whole_numbers(ax: Axes) -> None:
    """Let the ticks of the x axis be integers."""
    ax.xaxis.get_major_locator().set_params(integer=True)  # type: ignore[call-arg]  # of a linear axis's MaxNLocator
