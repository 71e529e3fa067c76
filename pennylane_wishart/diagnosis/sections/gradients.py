"""The law of gradients, predicted and measured."""

from __future__ import annotations

from functools import partial

import numpy as np

from pennylane_wishart import plots
from pennylane_wishart.conventions import Quantity, Unavailable, display, levels
from pennylane_wishart.diagnosis.findings import Findings
from pennylane_wishart.diagnosis.words import count, number
from pennylane_wishart.measurement import Measurement
from pennylane_wishart.prediction import Prediction
from pennylane_wishart.report import Figure, Row, Section, Sentence

__all__ = ["gradient_section"]

_RATIO = (
    f"the measured over the predicted variance with its {levels.INTERVAL:.0%} interval, and the power: the chance to "
    f"notice a standard deviation {levels.POWER_SPREAD - 1:.0%} larger."
)

_COMPARED: dict[str, tuple[str, str]] = {
    Quantity.GRADIENT_VARIANCES: (
        "All measured gradient variances against the predicted ones: the largest |z| over parameters, corrected "
        f"for their number; then {_RATIO}",
        "THEORY §4; the corrected test is ours",
    ),
    Quantity.DEAD: (
        "Every measured gradient of a parameter that was proved dead, against zero.",
        "support and symmetry proofs of the normal form (ours)",
    ),
}
_LAW = f"Kolmogorov–Smirnov test of measured values against the predicted law; then {_RATIO}"


def gradient_section(diag: Findings) -> Section:
    """The deep-limit law of gradient components, with histogram and quantiles of what was measured."""
    pred, title = diag.prediction, "Gradient law, predicted and measured"
    rows = _compared(diag)
    law = pred.find("gradient")
    if isinstance(law, Unavailable):
        said = Sentence(
            f"No law is predicted. {law.reason}", "The law needs a circuit inside the theory.", "THEORY §5, §6"
        )
        return Section(title, (said,), tuple(rows))
    # the prediction first, then what was measured against it
    rows.insert(
        0,
        Row(
            "deep-limit standard deviation", number(float(np.exp2(law.log2_var / 2))),
            "Root variance of a gradient component with deep layers on both sides, in units of the observable per "
            "radian.", law.engine, "THEORY §6; Anschuetz, arXiv:2408.11901, sharpened to finite size (ours)",
        ),
    )  # fmt: skip
    deep = int(np.sum(pred.deep_parameters))  # a bound does not say how deep a parameter is
    near = f"variance within {levels.DEEP:.0%}"
    sentence = f"{deep:,} of {pred.n_params:,} parameters are deep enough for the deep-limit law ({near})."
    if deep == 0 and not pred.moments.known[pred.live_parameters].any():
        sentence += " Only bounds on the variances are known: how deep the others are cannot be told."
    elif deep == 0:
        sentence += " The law below is what more depth would tend to, not this circuit."
    said = Sentence(
        sentence,
        f"A parameter is deep where its variance at this depth is within {levels.DEEP:.0%} of the deep limit and no "
        "parameter nearer to the middle of the circuit misses it.", "THEORY §3, §4",
    )  # fmt: skip
    return Section(title, (said,), tuple(rows), _gradient_figures(pred, diag.measurement))


def _gradient_figures(pred: Prediction, data: Measurement | None) -> tuple[Figure, ...]:
    if data is None:
        caption = "Predicted density of gradient components over random angles; nothing was measured."
        return (Figure(partial(plots.plot_gradient_law, pred, None), caption),)
    law = Figure(
        partial(plots.plot_gradient_law, pred, data),
        "Gradient components over random angles: predicted density over the measured histogram.",
    )
    if len(plots.deep_gradients(pred, data)) < display.FEWEST_QUANTILES:
        return (law,)
    caption = "Measured against predicted quantiles: points on the line mean that the law holds into its tails."
    return law, Figure(partial(plots.plot_gradient_qq, pred, data), caption)


def _compared(diag: Findings) -> list[Row]:
    if diag.comparison is None:
        return []
    rows = []
    for q in diag.comparison.quantities:
        definition, source = _COMPARED.get(q.name, (_LAW, "THEORY §5, §6"))
        verdict = "agrees" if q.agrees else "DISAGREES"
        alarm = verdict if q.agrees is False else ""
        if q.agrees is None:
            value = f"not compared: {q.note}"
        elif not np.isfinite(q.ratio_of_variances):
            value = f"{verdict}: {q.note} ({count(q.n, 'value')})"
        else:
            low, high = q.interval
            value = (
                f"{verdict} (p-value {q.pvalue:.2g}); measured/predicted variance "
                f"{q.ratio_of_variances:.3f} [{low:.3f}, {high:.3f}], power {q.power:.2f}, n = {q.n:,}"
            )
        rows.append(Row(q.name, value, definition, "" if q.agrees is None else "measured", source, alarm))
    return rows
