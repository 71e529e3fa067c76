"""The law of local minima, p and p*."""

from __future__ import annotations

from functools import partial

from pennylane_wishart import plots
from pennylane_wishart.conventions import Unavailable, display
from pennylane_wishart.diagnosis.findings import Findings
from pennylane_wishart.diagnosis.words import number
from pennylane_wishart.errors import Status
from pennylane_wishart.minima import MinimaLaw, concentration_energy
from pennylane_wishart.prediction import Prediction
from pennylane_wishart.report import Figure, Row, Section, Sentence

__all__ = ["minima_section"]


_BAND = f"{display.BAND[-1] - display.BAND[0]:.0%} band"
_CONTEXT = "It is context, and no verdict rests on it: a particular observable can do better or worse."


def minima_section(diag: Findings) -> Section:
    """What a generic observable of this spectrum would have: the law of its minima, p and p*."""
    pred, title = diag.prediction, "A generic observable of this spectrum"
    star = pred.find("transition")
    if isinstance(star, Unavailable):
        text = f"Nothing is known of it. {star.reason}"
        return Section(title, (Sentence(text, "The law of minima needs a circuit inside the theory.", "THEORY §7"),))
    if pred.computed("independent_rank") is None:
        text = f"p* = {number(float(star))}; the independent parameters of a circuit of this size were not counted."
        return Section(title, (Sentence(text, "pred.n_independent counts them.", "THEORY §7"),))
    if pred.n_independent == 0:
        text = "No parameter moves the loss: it is constant, and there is nothing to train."
        return Section(title, (Sentence(text, "Every parameter is dead.", "THEORY §4"),))
    rows, law = _counts(pred, star), pred.computed("minima")
    figures = [
        Figure(
            partial(plots.plot_transition, pred),
            "Height of local minima against the number of parameters: the large-size limit, p*, and this circuit.",
        )
    ]
    if isinstance(law, MinimaLaw) and not law.is_point_mass:
        rows += _heights(law)
        caption = f"Predicted density of the loss at local minima, with its {_BAND} and the optimum."
        figures.insert(0, Figure(partial(plots.plot_minima, pred, None), caption))
    said = Sentence(_said(pred, star), "p counts independent parameters, p* is the transition.", "THEORY §7")
    return Section(title, (said,), tuple(rows), tuple(figures))


def _said(pred: Prediction, star: float) -> str:
    known, p, stars = _exact(pred), _count(pred), number(float(star))
    stands = f"p = {p} is" if known else f"p is {p},"
    if pred.n_independent >= star:
        onset = f"around p* = {stars} its poor minima give way to the optimum: an onset, not a guarantee"
        return f"{stands} at or above p*, and {onset}. {_CONTEXT}" if known else f"{stands} and {onset}. {_CONTEXT}"
    height = float(concentration_energy(pred.n_independent / star))
    return (
        f"{stands} below p* = {stars}: its minima would lie near E = {height:.2g} (0 the optimum, 1 the mean; limit of "
        f"large size). {_CONTEXT}"
    )


def _exact(pred: Prediction) -> bool:
    return pred.n_independent_status is Status.OK


def _count(pred: Prediction) -> str:
    return f"{'' if _exact(pred) else 'at most '}{pred.n_independent:,}"


def _counts(pred: Prediction, star: float) -> list[Row]:
    rule = f"{number(float(star))}; published rule: {number(float(pred.transition_asymptotic))}"
    return [
        Row("independent parameters p", _count(pred), "Rank of the quantum Fisher information of the live parameters "
            "at random angles: directions in which the state really moves, and the loss with it.",
            "computed" if _exact(pred) else "upper bound", "THEORY §7"),
        Row("transition p*", rule, "β·rank(O − λ_min), summed over sectors: around here poor minima of a generic "
            "circuit give way to the optimum. An onset, not a guarantee.", "exact",
            "THEORY §7c (ours); published: βm − 2, Anschuetz, arXiv:2109.06957"),
    ]  # fmt: skip


def _heights(law: MinimaLaw) -> list[Row]:
    scale = law.center - law.ground
    low, middle, high = ((float(law.ppf(q)) - law.ground) / scale for q in display.BAND)
    rows = [
        Row(f"E at minima: median, {_BAND}", f"{middle:.3f} [{low:.3f}, {high:.3f}]",
            "E = (ℓ − ℓ*)/ō: 0 is the optimum, 1 the mean over random angles.", law.engine,
            "THEORY §7a: Kac–Rice integral at finite size (ours)")
    ]  # fmt: skip
    if law.status is not Status.OK:
        rows.append(Row("how sure", str(law.status), "Status of the integral.", "", "THEORY §7a"))
    return rows
