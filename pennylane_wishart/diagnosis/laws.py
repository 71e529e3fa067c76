"""Wording of what the theory predicts and the device measured: gradients, depth, scaling, minima."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from pennylane_wishart import plots
from pennylane_wishart.diagnosis.words import count, number
from pennylane_wishart.errors import OutOfTheoryError, Status
from pennylane_wishart.report import Figure, Row, Section, Sentence

if TYPE_CHECKING:
    from pennylane_wishart.diagnosis.record import Diagnosis

__all__ = ["depth_section", "gradient_section", "minima_section", "parameter_section", "scaling_section"]

_QQ = 20
_COMPARED = {
    "gradient variances at this depth": (
        "All measured gradient variances against the predicted ones: the largest |z| over parameters, corrected "
        "for their number; then the measured over the predicted variance with its 95% interval, and the power: "
        "the chance to notice a standard deviation 25% larger.",
        "THEORY §4; the corrected test is ours",
    ),
    "dead parameters": (
        "Every measured gradient of a parameter that was proved dead, against zero.",
        "support and symmetry proofs of the normal form (ours)",
    ),
}
_LAW = (
    "Kolmogorov–Smirnov test of measured values against the predicted law; then the measured over the predicted "
    "variance with its 95% interval, and the power: the chance to notice a standard deviation 25% larger."
)


def gradient_section(diag: Diagnosis) -> Section:
    """The deep-limit law of gradient components, with histogram and quantiles of what was measured."""
    pred, title = diag.prediction, "Gradient law, predicted and measured"
    rows = _compared(diag)
    try:
        law = pred.gradient
    except OutOfTheoryError as err:
        said = Sentence(f"No law is predicted. {err}", "The law needs a circuit inside the theory.", "THEORY §5, §6")
        return Section(title, (said,), tuple(rows))
    rows.insert(
        0,
        Row(
            "deep-limit standard deviation", number(float(np.exp2(law.log2_var / 2))),
            "Root variance of a gradient component with deep layers on both sides, in units of the observable per "
            "radian.", law.engine, "THEORY §6; Anschuetz, arXiv:2408.11901, sharpened to finite size (ours)",
        ),
    )  # fmt: skip
    deep = int(np.sum(pred.deep_parameters))  # a bound does not say how deep a parameter is
    sentence = f"{deep:,} of {pred.n_params:,} parameters are deep enough for the deep-limit law (variance within 5%)."
    if deep == 0 and not pred.moments.known[pred.live_parameters].any():
        sentence += " Only bounds on the variances are known: how deep the others are cannot be told."
    elif deep == 0:
        sentence += " The law below is what more depth would tend to, not this circuit."
    said = Sentence(
        sentence,
        "A parameter is deep where its variance at this depth is within 5% of the deep limit and no parameter "
        "nearer to the middle of the circuit misses it.", "THEORY §3, §4",
    )  # fmt: skip
    return Section(title, (said,), tuple(rows), _gradient_figures(pred, diag.measurement))


def _gradient_figures(pred, data) -> tuple[Figure, ...]:
    if data is None:
        caption = "Predicted density of gradient components over random angles; nothing was measured."
        return (Figure(partial(plots.plot_gradient_law, pred, None), caption),)
    law = Figure(
        partial(plots.plot_gradient_law, pred, data),
        "Gradient components over random angles: predicted density over the measured histogram.",
    )
    if len(plots.deep_gradients(pred, data)) < _QQ:
        return (law,)
    caption = "Measured against predicted quantiles: points on the line mean that the law holds into its tails."
    return law, Figure(partial(plots.plot_gradient_qq, pred, data), caption)


def _compared(diag: Diagnosis) -> list[Row]:
    if diag.comparison is None:
        return []
    rows = []
    for q in diag.comparison.quantities:
        definition, source = _COMPARED.get(q.name, (_LAW, "THEORY §5, §6"))
        if q.agrees is None:
            value = f"not compared: {q.note}"
        elif not np.isfinite(q.ratio_of_variances):
            value = f"{'agrees' if q.agrees else 'DISAGREES'}: {q.note} ({count(q.n, 'value')})"
        else:
            low, high = q.interval
            value = (
                f"{'agrees' if q.agrees else 'DISAGREES'} (p-value {q.pvalue:.2g}); measured/predicted variance "
                f"{q.ratio_of_variances:.3f} [{low:.3f}, {high:.3f}], power {q.power:.2f}, n = {q.n:,}"
            )
        rows.append(Row(q.name, value, definition, "" if q.agrees is None else "measured", source))
    return rows


def parameter_section(diag: Diagnosis) -> Section:
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
                "gradient standard deviations", low if low == high else f"{low} to {high}",
                "Smallest and largest root of Var[∂ℓ/∂θ] over the live parameters, random angles, at this depth.",
                pred.moments.engine, "THEORY §4",
            )
        )  # fmt: skip
    if len(unknown):
        most = number(float(np.exp2(np.max(pred.gradient_variance_upper.at_most_log2[unknown]) / 2)))
        rows.append(
            Row("only bounded from above", f"{count(len(unknown), 'parameter')}, standard deviation at most {most}",
                str(Status.UPPER_BOUND), f"{pred.moments.engine}, bound", "THEORY §4")
        )  # fmt: skip
    rows.append(_loss_row(pred.moments))
    figure = Figure(
        partial(plots.plot_parameter_variances, pred, diag.measurement),
        "Gradient variance of every parameter at this depth, in bits; triangles at the bottom are dead parameters.",
    )
    return Section("Every parameter at this depth", (), tuple(rows), (figure,))


def _loss_row(m) -> Row:
    """Mean and spread of the loss, a bound where walkers saw none of it."""
    label, method = "loss: mean ± standard deviation", m.engine
    if np.isnan(m.loss_variance):
        spread, method = f"at most {number(2 ** (m.loss_variance_upper.at_most_log2 / 2))}", f"{m.engine}, bound"
    elif m.loss_variance_error >= m.loss_variance > 0:
        spread = f"at most {number((m.loss_variance + 2 * m.loss_variance_error) ** 0.5)}"
    else:
        spread = f"{number(m.loss_variance**0.5)}"
    definition = "Mean and standard deviation of the loss over random angles, in units of the observable."
    return Row(label, f"{number(m.loss_mean)} ± {spread}", definition, method, "THEORY §4")


def depth_section(diag: Diagnosis) -> Section | None:
    """How the loss variance approaches the deep limit as the circuit grows; None where that was not found."""
    curve = diag.depth
    if curve is None:
        return None
    total, limit = curve.rotations[-1], curve.deep_limit
    if not np.isfinite(limit):
        text = "The deep limit of this circuit is not known; the curve shows where its variance stands."
    elif np.isnan(curve.log2_variance[-1]):
        text = "Of this circuit's loss variance only a bound is known: how deep it is cannot be told."
    elif curve.reached is None:
        text = f"{count(total, 'rotation')} are not enough: the loss variance has not come within 5% of its deep limit."
    elif curve.reached == total:
        text = f"The loss variance comes within 5% of its deep limit with the last of the {total} rotations."
    else:
        text = f"From {curve.reached} of {total} rotations on, the loss variance stays within 5% of its deep limit."
    said = Sentence(text, "Loss variance of the circuit's last j rotations, the others at angle zero; j is sampled at "
                    f"{len(curve.rotations)} values.", "THEORY §3, §4; the cut circuit is ours")  # fmt: skip
    figure = Figure(
        partial(plots.plot_depth, curve.rotations, curve.log2_variance, limit),
        "Loss variance in bits as rotations are added, counted from the observable; dashed: the deep limit.",
    )
    return Section("Depth", (said,), (), (figure,))


def scaling_section(diag: Diagnosis) -> Section:
    """What a family of sizes says; not assessed without one."""
    title, study = "Scaling", diag.family
    if study is None:
        return Section(title, ("Not assessed: pass family=make_qnode to see how gradients shrink with size.",))
    low, high = study.slope_interval
    rows = (
        Row("log2 variance per qubit", f"{study.slope:.3f} [{low:.3f}, {high:.3f}]", "Slope of log2 of the median live "
            "gradient variance against the number of qubits, with its 95% interval.", "weighted fit", "THEORY §9"),
        Row("sizes", ", ".join(str(n) for n in study.sizes), "Numbers of qubits that were studied: the verdict "
            "speaks of these.", "", "argument sizes="),
    )  # fmt: skip
    said = Sentence(
        f"Decay with size: {study.verdict} ({study.trend.reason}).",
        "Exponential, polynomial or no decay, by the integrated likelihood of each fit.",
        "THEORY §9; McClean et al., arXiv:1803.11173; the evidence is ours",
    )
    figure = Figure(partial(plots.plot_scaling, study), "Gradient variance in bits by number of qubits, with its fit.")
    return Section(title, (said,), rows, (figure,))


def minima_section(diag: Diagnosis) -> Section:
    """The law of local minima, p and p*."""
    pred, title = diag.prediction, "Local minima"
    try:
        star, published = pred.transition, pred.transition_asymptotic
    except OutOfTheoryError as err:
        said = Sentence(f"Not predicted. {err}", "The law of minima needs a circuit inside the theory.", "THEORY §7")
        return Section(title, (said,))
    if pred.n_independent == 0:
        text = "No parameter moves the loss: it is constant, and there is nothing to train."
        return Section(title, (Sentence(text, "Every parameter is dead.", "THEORY §4"),))
    known = pred.n_independent_status is Status.OK
    p, stars = f"{'' if known else 'at most '}{pred.n_independent:,}", number(float(star))
    rows = [
        Row("independent parameters p", p, "Rank of the quantum Fisher information of the live parameters at random "
            "angles: directions in which the state really moves, and the loss with it.",
            "computed" if known else "upper bound", "THEORY §7"),
        Row("transition p*", f"{stars}; published rule: {number(float(published))}",
            "β·rank(O − λ_min), summed over sectors: around here poor minima of a generic circuit give way to the "
            "optimum. An onset, not a guarantee.", "exact",
            "THEORY §7c (ours); published: βm − 2, Anschuetz, arXiv:2109.06957"),
    ]  # fmt: skip
    stand = Figure(
        partial(plots.plot_transition, pred),
        "Height of local minima against the number of parameters: the large-size limit, p*, and this circuit.",
    )
    what = Sentence("", "p counts independent parameters, p* is the transition.", "THEORY §7")
    try:
        law = pred.minima
    except OutOfTheoryError as err:
        text = str(err)
        if known or pred.n_independent < star:
            text = f"p {_is(known, p)} {'at or above' if pred.n_independent >= star else 'below'} p* = {stars}. {err}"
        return Section(title, (_said(what, text),), tuple(rows), (stand,))
    if law.is_point_mass:
        text = (
            f"p = {p} is at or above p* = {stars}: around p* the poor minima of a generic circuit with so many "
            "parameters give way to the optimum. That is an onset, not a guarantee for this circuit: real ones keep "
            "traps beside it, so descend from a few starts (pw.find_minima)."
        )
        return Section(title, (_said(what, text),), tuple(rows), (stand,))
    rows += _heights(law)
    text = (
        f"p {_is(known, p)} below p* = {stars}: minima above the optimum are expected. Each minimum "
        "counts once; descent from random starts favours deeper ones. The law is that of generic gates between the "
        "trainable ones"
    )
    text += (
        "."
        if pred.is_deep
        else "; whether this circuit is deep enough for it is not known."
        if pred.is_deep is None
        else (
            "; this circuit is shallower than that, so read it as what a generic circuit with so many parameters "
            "would do, and train from a few starts (pw.find_minima) to see what this one does."
        )
    )
    density = Figure(
        partial(plots.plot_minima, pred, None),
        "Predicted density of the loss at local minima, with its 90% band and the optimum.",
    )
    return Section(title, (_said(what, text),), tuple(rows), (density, stand))


def _is(known: bool, p: str) -> str:
    return f"= {p} is" if known else f"is {p},"


def _said(sentence: Sentence, text: str) -> Sentence:
    return Sentence(text, sentence.definition, sentence.source)


def _heights(law) -> list[Row]:
    scale = law.center - law.ground
    low, middle, high = ((float(law.ppf(q)) - law.ground) / scale for q in (0.05, 0.5, 0.95))
    rows = [
        Row("E at minima: median, 90% band", f"{middle:.3f} [{low:.3f}, {high:.3f}]",
            "E = (ℓ − ℓ*)/ō: 0 is the optimum, 1 the mean over random angles.", law.engine,
            "THEORY §7a: Kac–Rice integral at finite size (ours)")
    ]  # fmt: skip
    if law.status is not Status.OK:
        rows.append(Row("how sure", str(law.status), "Status of the integral.", "", "THEORY §7a"))
    return rows
