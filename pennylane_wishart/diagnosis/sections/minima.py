"""The law of local minima, p and p*."""

from __future__ import annotations

from functools import partial

from pennylane_wishart import plots
from pennylane_wishart.conventions import Unavailable
from pennylane_wishart.diagnosis.findings import Findings
from pennylane_wishart.diagnosis.words import number
from pennylane_wishart.errors import Status
from pennylane_wishart.report import Figure, Row, Section, Sentence

__all__ = ["minima_section"]


def minima_section(diag: Findings) -> Section:
    """The law of local minima, p and p*."""
    pred, title = diag.prediction, "Local minima"
    star = pred.find("transition")
    if isinstance(star, Unavailable):
        text = f"Not predicted. {star.reason}"
        return Section(title, (Sentence(text, "The law of minima needs a circuit inside the theory.", "THEORY §7"),))
    if pred.n_independent == 0:
        text = "No parameter moves the loss: it is constant, and there is nothing to train."
        return Section(title, (Sentence(text, "Every parameter is dead.", "THEORY §4"),))
    known = pred.n_independent_status is Status.OK
    p, stars = f"{'' if known else 'at most '}{pred.n_independent:,}", number(float(star))
    rows = [
        Row("independent parameters p", p, "Rank of the quantum Fisher information of the live parameters at random "
            "angles: directions in which the state really moves, and the loss with it.",
            "computed" if known else "upper bound", "THEORY §7"),
        Row("transition p*", f"{stars}; published rule: {number(float(pred.transition_asymptotic))}",
            "β·rank(O − λ_min), summed over sectors: around here poor minima of a generic circuit give way to the "
            "optimum. An onset, not a guarantee.", "exact",
            "THEORY §7c (ours); published: βm − 2, Anschuetz, arXiv:2109.06957"),
    ]  # fmt: skip
    stand = Figure(
        partial(plots.plot_transition, pred),
        "Height of local minima against the number of parameters: the large-size limit, p*, and this circuit.",
    )
    what = Sentence("", "p counts independent parameters, p* is the transition.", "THEORY §7")
    law = pred.find("minima")
    if isinstance(law, Unavailable):
        text = law.reason.text
        if known or pred.n_independent < star:
            where = "at or above" if pred.n_independent >= star else "below"
            text = f"p {_is(known, p)} {where} p* = {stars}. {law.reason}"
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
