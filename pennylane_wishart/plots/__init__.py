"""Records → matplotlib axes. matplotlib is imported on first use; nothing is ever shown."""

from pennylane_wishart.plots.axes import LINE, MEASURED, OTHER, PREDICTED
from pennylane_wishart.plots.circuit import circuit_map, drawn_size
from pennylane_wishart.plots.records import (
    deep_gradients,
    plot_depth,
    plot_descents,
    plot_gradient_law,
    plot_gradient_qq,
    plot_loss_law,
    plot_minima,
    plot_neighbourhoods,
    plot_parameter_variances,
    plot_remedies,
    plot_scaling,
    plot_sectors,
    plot_transition,
)
from pennylane_wishart.plots.slices import plot_slices

__all__ = [
    "LINE",
    "MEASURED",
    "OTHER",
    "PREDICTED",
    "circuit_map",
    "deep_gradients",
    "drawn_size",
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
    "plot_slices",
    "plot_transition",
]
