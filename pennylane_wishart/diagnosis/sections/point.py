"""One point of the loss: its gradients, curvature and neighbourhoods, beside random starts."""

from __future__ import annotations

from functools import partial

import numpy as np

from pennylane_wishart import plots
from pennylane_wishart.conventions import Unavailable
from pennylane_wishart.conventions import diagnosis as limits
from pennylane_wishart.diagnosis.findings import Findings
from pennylane_wishart.diagnosis.words import number
from pennylane_wishart.outlook import DescentOutlook, PointOutlook
from pennylane_wishart.report import Figure, Row, Section, Sentence

__all__ = ["point_section"]


def point_section(diag: Findings) -> Section | None:
    """What is known of the point ``at=``; None where none was given."""
    point, title = diag.point, "At the given point"
    if point is None:
        return None
    if isinstance(point, Unavailable):
        return Section(title, (f"Not assessed: {point.reason}",))
    figure = Figure(
        partial(plots.plot_neighbourhoods, point.widths, point.gradient_norm, point.random_norm),
        "Root mean square of the gradient's norm in normal neighbourhoods of the point; dashed: at random angles.",
    )
    return Section(title, _said(point, diag.descent), tuple(_rows(point)), (figure,))


def _said(point: PointOutlook, found: DescentOutlook | None) -> tuple[Sentence, ...]:
    text = f"The loss is {_number(point.loss)} here; a descent from here ends at {_number(point.end)}"
    if not point.converged:
        text += ", not converged"
    if found is not None and np.isfinite(found.best):
        half = (
            f"half of the random starts at {number(float(np.median(found.ends)))}, the best"
            if len(found.ends)
            else ("every random start, certified,")
        )
        text += f"; {half} at {number(found.best)}"
    said = [Sentence(f"{text}.", "L-BFGS from the point, until the gradient is gone.", "ours")]
    if point.is_stationary:
        text = "No gradient is left here: no first-order step leaves this point."
        said.append(Sentence(text, "Norm of the gradient against that at random angles.", "ours"))
    return tuple(said)


def _number(loss: float) -> str:
    return number(round(loss, limits.LOSS_DIGITS))  # rounding of a state vector is no loss


def _rows(point: PointOutlook) -> list[Row]:
    listed = point.order[: limits.NAMES]
    rows = [
        Row(f"∂ℓ/∂{point.names[k]}", f"{point.gradient[k]:.4g}", f"{point.gates[k] or 'turns no gate'}.", "exact",
            "argument at=") for k in listed
    ]  # fmt: skip
    if len(listed) < len(point.order):
        rest = float(np.abs(point.gradient[list(point.order[limits.NAMES :])]).max())
        rows.append(Row("all others", f"at most {number(rest)} in size", "The whole list: diag.point.order.", "exact"))
    curvature = point.curvature
    if isinstance(curvature, Unavailable):
        rows.append(Row("curvature", str(curvature), "Eigenvalues of the Hessian."))
    elif len(curvature):
        down = int(np.sum(curvature < -limits.FLAT_CURVATURE * np.abs(curvature).max()))
        rows.append(
            Row("curvature, lowest and highest", f"{number(float(curvature[0]))} to {number(float(curvature[-1]))}, "
                f"{down} of {len(curvature)} negative", "Eigenvalues of the Hessian, observable per radian².",
                "differences of exact gradients", "ours")
        )  # fmt: skip
    for width, norm, error, loss in zip(
        point.widths, point.gradient_norm, point.gradient_norm_error, point.mean_loss, strict=True
    ):
        rows.append(
            Row(f"‖∇ℓ‖ within {width:g} rad", f"{number(float(norm))} ± {number(float(error))}, mean loss "
                f"{_number(float(loss))}", "Root mean square over a normal neighbourhood of this standard deviation.",
                "sampled", "ours")
        )  # fmt: skip
    if np.isfinite(point.random_norm):
        rows.append(
            Row("‖∇ℓ‖ at random angles", number(point.random_norm), "Root of the sum of the gradient variances.",
                "variances", "THEORY §4")
        )  # fmt: skip
    return rows
