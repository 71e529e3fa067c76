"""Wording: a judged diagnosis → the sections of its report."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from pennylane_wishart import plots
from pennylane_wishart.diagnosis.checks import Verdict
from pennylane_wishart.errors import OutOfTheoryError, Status
from pennylane_wishart.report import Row, Section

if TYPE_CHECKING:
    from pennylane_wishart.diagnosis.record import Diagnosis

__all__ = ["build_sections", "headline"]


def number(value: float) -> str:
    """Return a number in four digits, tiny ones as powers of two."""
    if value == 0 or not np.isfinite(value) or abs(value) >= 1e-4:
        return f"{value:,.4g}" if abs(value) < 1e15 else f"2^{np.log2(value):.1f}"
    return f"2^{np.log2(abs(value)):.1f}"


def headline(diag: Diagnosis) -> str:
    """Return the verdict in one sentence with its reason."""
    failed = [c for c in diag.checks if c.passed is False]
    fatal = [c for c in failed if c.fatal]
    if diag.verdict is Verdict.NOT_TRAINABLE:
        return f"Not trainable: {_reason(fatal[0])}."
    if diag.verdict is Verdict.CANNOT_TELL:
        return "Cannot tell: no engine gives the gradients of this circuit at this depth."
    if diag.verdict is Verdict.WARNING:
        return "Trainable, with warnings: " + "; ".join(_reason(c) for c in failed) + "."
    shots = next((c.value for c in diag.checks if c.name.startswith("shots")), float("nan"))
    return f"Trainable: the median live gradient is resolved with {number(shots)} shots, no parameter is dead."


def _reason(check) -> str:
    if check.name == "live parameters":
        return "every parameter is dead, all gradients are exactly zero"
    if check.name.startswith("shots"):
        least = "at least " if "at least" in check.name else ""
        return (
            f"the median live gradient needs {least}{number(check.value)} shots for signal-to-noise 1, "
            f"more than {number(check.threshold)}"
        )
    if check.name == "dead parameters":
        return f"{check.value:.0f} parameter{'s are' if check.value != 1 else ' is'} dead"
    if check.name.startswith("height"):
        return f"half of the local minima lie above {check.value:.0%} of the mean loss (limit {check.threshold:.0%})"
    return "the measurement disagrees with the prediction"


def build_sections(diag: Diagnosis) -> tuple[Section, ...]:
    """Return the sections in reading order."""
    parts = [
        _verdict(diag), _dead(diag), _gradients(diag), _parameters(diag), _scaling(diag), _minima(diag),
        _shots(diag), _advice(diag), _scope(diag),
    ]  # fmt: skip
    return tuple(parts)


def _verdict(diag: Diagnosis) -> Section:
    limits = diag.thresholds
    sig = diag.signature
    rows = [
        Row("qubits, parameters", f"{sig.circuit.n_qubits}, {sig.n_params}"),
        Row(
            "dynamical Lie algebra", f"{sig.algebra.name}, dimension {_size(sig.algebra.dim)}",
            "Real Lie algebra spanned by nested commutators of the gates' generators (THEORY §2).",
            "exact" if sig.algebra.is_closed else "lower bound",
        ),
    ]  # fmt: skip
    rows.append(
        Row(
            "thresholds",
            f"{number(limits.shots)} shots per gradient, minima within {limits.minima_tolerance:.0%} of the mean",
            "Arguments shots= and minima_tolerance= of diagnose and preflight.",
        )
    )
    return Section("Verdict", (headline(diag),), tuple(rows))


def _size(value: int) -> str:
    return f"{value:,}" if value < 10**12 else f"about 2^{math.log2(value):.0f}"


def _dead(diag: Diagnosis) -> Section:
    pred = diag.prediction
    if not pred.dead_parameters:
        return Section("Dead parameters", ("None was proved dead.",))
    groups: dict[str, list[int]] = {}
    for k, reason in zip(pred.dead_parameters, pred.dead_reasons, strict=True):
        groups.setdefault(reason, []).append(k)
    rows = tuple(
        Row(_indices(ks), reason, "Variance exactly zero, proved by a support or symmetry argument.", "proved")
        for reason, ks in groups.items()
    )
    n = len(pred.dead_parameters)
    sentence = f"{n} of {pred.n_params} parameters cannot change the loss at this depth, whatever the others are."
    return Section("Dead parameters", (sentence,), rows)


def _indices(ks: list[int]) -> str:
    shown = ", ".join(str(k) for k in ks[:8])
    return f"{shown}, … ({len(ks)})" if len(ks) > 8 else shown


def _gradients(diag: Diagnosis) -> Section:
    pred, title = diag.prediction, "Gradient law, predicted and measured"
    rows: list[Row] = []
    if diag.comparison is not None:
        for q in diag.comparison.quantities:
            text = str(q).split(": ", 1)[1]
            rows.append(Row(q.name, text, "Kolmogorov–Smirnov test, or corrected test of all variances.", "measured"))
    try:
        law = pred.gradient
    except OutOfTheoryError as err:
        return Section(title, (f"No law is predicted. {err}",), tuple(rows))
    rows.insert(
        0,
        Row(
            "deep-limit standard deviation", number(float(np.exp2(law.log2_var / 2))),
            "Root variance of a gradient component with deep layers on both sides (THEORY §6).", law.engine,
        ),
    )  # fmt: skip
    deep = int(np.sum(pred.deep_parameters))
    sentence = f"{deep} of {pred.n_params} parameters are deep enough for the deep-limit law (variance within 5%)."
    if deep == 0:
        sentence += " The law below is what more depth would tend to, not this circuit."
    figure = partial(plots.plot_gradient_law, pred, diag.measurement)
    return Section(title, (sentence,), tuple(rows), figure, "Gradient components over random angles.")


def _parameters(diag: Diagnosis) -> Section:
    pred = diag.prediction
    live = np.setdiff1d(np.arange(pred.n_params), pred.dead_parameters)
    rows = []
    if len(live):
        log2 = pred.log2_gradient_variance[live]
        rows.append(
            Row(
                "live standard deviations",
                f"{number(float(np.exp2(np.min(log2) / 2)))} to {number(float(np.exp2(np.max(log2) / 2)))}",
                "Root of Var[∂ℓ/∂θ_k] over random angles, at this depth (THEORY §4).",
                pred.moments.engine,
            )
        )
        bounds = sum(pred.moments.status[k] is Status.UPPER_BOUND for k in live)
        if bounds:
            rows.append(Row("only bounded", f"{bounds} parameters", str(Status.UPPER_BOUND), "bound"))
    rows.append(
        Row(
            "loss at this depth", f"{number(pred.moments.loss_mean)} ± {number(pred.moments.loss_variance**0.5)}",
            "Mean and standard deviation of the loss over random angles.", pred.moments.engine,
        )
    )  # fmt: skip
    figure = partial(plots.plot_parameter_variances, pred, diag.measurement)
    return Section(
        "Every parameter at this depth", (), tuple(rows), figure, "Gradient variance of every parameter."
    )


def _scaling(diag: Diagnosis) -> Section:
    title = "Scaling"
    if diag.family is None:
        return Section(title, ("Not assessed: pass family=make_qnode to see how gradients shrink with size.",))
    low, high = diag.family.slope_interval
    row = Row(
        "log2 variance per qubit", f"{diag.family.slope:.3f} [{low:.3f}, {high:.3f}]",
        "Slope of log2 Var[gradient] against the number of qubits, with its 95% interval.", "fit",
    )  # fmt: skip
    sentence = f"Decay with size: {diag.family.verdict}."
    return Section(title, (sentence,), (row,), partial(plots.plot_scaling, diag.family), "Gradient variance by size.")


def _minima(diag: Diagnosis) -> Section:
    pred, title = diag.prediction, "Local minima"
    try:
        law = pred.minima
        star, published = pred.transition, pred.transition_asymptotic
    except OutOfTheoryError as err:
        return Section(title, (f"Not predicted: {err}",))
    scale = law.center - law.ground
    exact = pred.signature.n_independent_status is Status.OK
    rows = [
        Row("independent parameters p", str(pred.n_independent), "Rank of the quantum Fisher information at "
            "random angles.", "computed" if exact else "upper bound"),
        Row("transition p*", f"{star:g} (published rule: {published:.4g})", "β·rank(O − λ_min): from here on "
            "descent reaches the optimum; an onset, not a guarantee (THEORY §7c).", "exact"),
    ]  # fmt: skip
    if law.is_point_mass:
        sentence = f"p = {pred.n_independent} is at or above p* = {star:g}: minima are predicted at the optimum."
        return Section(title, (sentence,), tuple(rows))
    band = [(float(law.ppf(q)) - law.ground) / scale for q in (0.05, 0.5, 0.95)]
    rows.append(
        Row("E at minima: median, 90% band", f"{band[1]:.3f} [{band[0]:.3f}, {band[2]:.3f}]",
            "E = (ℓ − ℓ*)/ō: 0 is the optimum, 1 the mean over random angles (THEORY §7a).", law.engine)
    )  # fmt: skip
    if law.status is not Status.OK:
        rows.append(Row("note", str(law.status), "", ""))
    sentence = (
        f"p = {pred.n_independent} is below p* = {star:g}: minima above the optimum are expected. Each minimum "
        "counts once; descent from random starts favours deeper ones."
    )
    return Section(title, (sentence,), tuple(rows), partial(plots.plot_minima, pred), "Law of local minima.")


def _shots(diag: Diagnosis) -> Section:
    pred = diag.prediction
    live = np.setdiff1d(np.arange(pred.n_params), pred.dead_parameters)
    if not len(live):
        return Section("Shots", ("No number of shots resolves a gradient that is zero.",))
    shots = np.exp2(np.clip(pred.log2_shots_to_resolve[live], -1000, 1000))
    low, middle, high = np.quantile(shots, [0.1, 0.5, 0.9])
    row = Row(
        "shots per gradient component", f"{number(middle)} [{number(low)}, {number(high)}]",
        "Median and 80% range over live parameters of Var_shot[ℓ]/Var[∂ℓ]: signal-to-noise 1 (THEORY §9).",
        pred.shot_variance[1],
    )  # fmt: skip
    return Section("Shots needed", (), (row,))


def _advice(diag: Diagnosis) -> Section:
    advice = [c.advice for c in diag.checks if c.passed is False] + list(diag.advice)
    return Section("What to change", tuple(advice) or ("Nothing: train it.",))


def _scope(diag: Diagnosis) -> Section:
    pred = diag.prediction
    sentences = [
        "Inside the theory: " + pred.reason if pred.in_theory else "Outside the Wishart theory: " + pred.reason
    ]
    if not pred.in_theory:
        sentences.append("Variances at this depth and dead parameters above hold all the same.")
    elif not pred.is_deep:
        sentences.append("The circuit is shallower than the deep limit: laws of loss and minima are its limit.")
    definitions = {
        "loss": "Law of the loss in the deep limit.",
        "gradient": "Law of gradient components in the deep limit.",
        "gradient_variance": "Second moments at this depth.",
        "shot_variance": "Variance of a single shot, averaged over angles.",
        "transition": "Number of parameters from which minima are optimal.",
        "n_independent": "How independent parameters were counted.",
    }
    rows = tuple(
        Row(name.replace("_", " "), engine.split(" Use ")[0][:200], definitions.get(name, ""))
        for name, engine in pred.engine.items()
        if not engine.startswith("none")
    )
    return Section("What is exact, what is asymptotic", tuple(sentences), rows, _sector_figure(diag), "Sectors.")


def _sector_figure(diag: Diagnosis):
    if not diag.signature.sectors or len(diag.signature.sectors) < 2:
        return None
    return partial(plots.plot_sectors, diag.signature)
