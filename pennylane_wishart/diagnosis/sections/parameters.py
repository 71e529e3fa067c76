"""Every parameter at this depth."""

from __future__ import annotations

from functools import partial

import numpy as np

from pennylane_wishart import plots
from pennylane_wishart.conventions import diagnosis as limits
from pennylane_wishart.diagnosis.findings import Findings
from pennylane_wishart.diagnosis.words import count, number
from pennylane_wishart.errors import Status
from pennylane_wishart.report import Figure, Row, Section
from pennylane_wishart.variances import SecondMoments

__all__ = ["parameter_section"]


def parameter_section(diag: Findings) -> Section:
    """Every parameter's variance at this depth, dead ones marked."""
    pred = diag.prediction
    live = pred.live_parameters
    bounded = ~pred.moments.known[live]
    known, unknown = live[~bounded], live[bounded]
    rows = []
    if len(known):
        log2 = pred.log2_gradient_variance[known]
        low, high = (number(float(np.exp2(f(log2) / 2))) for f in (np.min, np.max))
        rows.append(
            Row(
                "gradient standard deviations", f"{low if low == high else f'{low} to {high}'} per rad",
                "Smallest and largest root of Var[∂ℓ/∂θ] over the live parameters, random angles, at this depth; in "
                "units of the observable per radian.",
                pred.moments.engine, "THEORY §4",
            )
        )  # fmt: skip
    if len(unknown):
        most = number(float(np.exp2(np.max(pred.gradient_variance_upper.at_most_log2[unknown]) / 2)))
        rows.append(
            Row("only bounded from above", f"{count(len(unknown), 'parameter')}, standard deviation at most {most}",
                str(Status.UPPER_BOUND), f"{pred.moments.engine}, bound", "THEORY §4")
        )  # fmt: skip
    size = float(np.abs(pred.circuit.observable.coefficients).sum())
    rows.append(_loss_row(pred.moments, limits.LOSS_ROUNDING * size))
    figure = Figure(
        partial(plots.plot_parameter_variances, pred, diag.measurement),
        "Gradient variance of every parameter at this depth, in bits; triangles at the bottom are dead parameters.",
    )
    return Section("Every parameter at this depth", (), tuple(rows), (*_circuit(diag), figure))


def _circuit(diag: Findings) -> tuple[Figure, ...]:
    """The circuit itself, where it is at hand and small enough to be read."""
    size = plots.drawn_size(diag.prediction)
    if size is None:
        return ()
    dead = count(len(diag.prediction.dead_parameters), "parameter is dead", "parameters are dead")
    caption = (
        "The circuit, each gate the darker the larger the gradient variance of its parameter at this depth; dead gates "
        f"are grey ({dead}), and what the observable reaches is shaded."
    )
    return (Figure(partial(plots.circuit_map, diag.prediction), caption, size),)


def _loss_row(m: SecondMoments, rounding: float) -> Row:
    """Mean and spread of the loss, a bound where walkers saw none of it."""
    label, method = "loss: mean ± standard deviation", str(m.engine)
    if np.isnan(m.loss_variance):
        spread, method = f"at most {number(2 ** (m.loss_variance_upper.at_most_log2 / 2))}", f"{m.engine}, bound"
    elif m.loss_variance_error >= m.loss_variance > 0:  # a value below its own error is none
        spread = f"at most {number((m.loss_variance + limits.BOUND_ERRORS * m.loss_variance_error) ** 0.5)}"
    else:
        spread = f"{number(m.loss_variance**0.5)}"
    definition = "Mean and standard deviation of the loss over random angles, in units of the observable."
    return Row(label, f"{number(m.loss_mean, rounding)} ± {spread}", definition, method, "THEORY §4")
