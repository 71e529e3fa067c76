"""The law of gradients, predicted and measured."""

from __future__ import annotations

from functools import partial

import numpy as np

from pennylane_wishart import plots
from pennylane_wishart.comparison import QuantityComparison
from pennylane_wishart.conventions import Quantity, Unavailable, display, levels
from pennylane_wishart.diagnosis.findings import Findings
from pennylane_wishart.diagnosis.words import chance, count, number, share
from pennylane_wishart.report import Figure, Row, Section, Sentence

__all__ = ["gradient_section"]

_RATIO = (
    "the chance of a larger discrepancy if the prediction is right (p-value), the measured over the predicted variance "
    f"with its {levels.INTERVAL:.0%} interval, and the power: the chance to notice a standard deviation "
    f"{levels.POWER_SPREAD - 1:.0%} larger, which is the alternative that it is held against."
)

_COMPARED: dict[str, tuple[str, str]] = {
    Quantity.GRADIENT_VARIANCES: (
        "All measured gradient variances against the predicted ones: the largest |z| over parameters, corrected "
        f"for their number; then {_RATIO}",
        "THEORY §4; the corrected test is ours",
    ),
    Quantity.HESSIAN_VARIANCES: (
        f"All measured variances of second derivatives against the predicted ones, as for gradients; {_RATIO}",
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
    return Section(title, (said,), tuple(rows), _gradient_figures(diag))


def _gradient_figures(diag: Findings) -> tuple[Figure, ...]:
    pred, data = diag.prediction, diag.measurement
    held = None if diag.comparison is None else diag.comparison.gradient
    if data is None or held is None or held.agrees is None:  # never over data that it does not describe
        caption = "Predicted density of gradient components over random angles in the deep limit."
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
        alarm = "DISAGREES" if q.agrees is False else ""
        method = "" if q.agrees is None else "measured"
        rows.append(Row(q.name, _outcome(q, alarm or "agrees"), definition, method, source, alarm))
    return rows


def _outcome(q: QuantityComparison, verdict: str) -> str:
    """What was tested, what speaks against it, and what the test would have noticed."""
    if q.agrees is None:
        return f"not compared: {q.note}"
    if not np.isfinite(q.ratio_of_variances):
        return f"{verdict}: {q.note} ({count(q.n, 'value')})"
    low, high = q.interval
    found = f"{verdict} with the prediction"
    if np.isfinite(q.pvalue):
        found += (
            f": were it right, {chance(q.pvalue)} of such measurements would differ more (called a disagreement below "
            f"{share(q.alpha)})"
        )
    noticed = f"{chance(q.power)} chance to notice a spread {levels.POWER_SPREAD - 1:.0%} larger"
    few = "" if q.power >= levels.ENOUGH_POWER else ", so agreement says little"
    return (
        f"{found}; measured/predicted variance {q.ratio_of_variances:.3f} [{low:.3f}, {high:.3f}]; {noticed} with "
        f"{count(q.n, 'value')}{few}"
    )
