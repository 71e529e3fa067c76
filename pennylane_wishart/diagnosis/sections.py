"""Wording: a judged diagnosis → the sections of its report."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from pennylane_wishart import plots
from pennylane_wishart.diagnosis.checks import Check, Verdict
from pennylane_wishart.diagnosis.laws import (
    depth_section,
    gradient_section,
    minima_section,
    parameter_section,
    scaling_section,
)
from pennylane_wishart.diagnosis.words import count, indices, number, size
from pennylane_wishart.errors import Status
from pennylane_wishart.measurement.routes.wrongadjoint import wrong_gradient_notice
from pennylane_wishart.moments import DeadReason
from pennylane_wishart.moments.reasons import worded
from pennylane_wishart.report import Figure, Row, Section, Sentence
from pennylane_wishart.sectors import Fit

if TYPE_CHECKING:
    from pennylane_wishart.diagnosis.record import Diagnosis

__all__ = ["advice_section", "build_sections"]

ADVICE = "What to change"
_TONES = {
    Verdict.TRAINABLE: "good",
    Verdict.WARNING: "warning",
    Verdict.NOT_TRAINABLE: "bad",
    Verdict.CANNOT_TELL: "unknown",
}
_MOST_SECTORS = 4


def build_sections(diag: Diagnosis) -> tuple[Section, ...]:
    """Return the sections in reading order."""
    parts = [
        _verdict(diag), advice_section(diag), _dead(diag), parameter_section(diag), _shots(diag),
        gradient_section(diag), depth_section(diag), scaling_section(diag), minima_section(diag), _signature(diag),
        _scope(diag),
    ]  # fmt: skip
    return tuple(p for p in parts if p is not None)


# ------------------------------------------------------------------ the answer
def _verdict(diag: Diagnosis) -> Section:
    circuit = diag.signature.circuit
    first = Sentence(
        diag.headline,
        "Not trainable: every parameter is dead, or the median live gradient needs more shots than shots=. Warnings: "
        "some parameters are dead, poor local minima are expected, or the measurement disagrees.", "THEORY §9",
    )  # fmt: skip
    read = f"{count(circuit.n_qubits, 'qubit')}, {count(circuit.n_params, 'trainable parameter')}"
    data = diag.measurement
    if data is None:
        read += "; nothing was measured."
    else:
        shots = "exact expectation values" if data.plan.shots is None else f"{data.plan.shots:,} shots a circuit"
        read += f"; measured at {len(data.losses):,} random angle sets on {data.device} ({shots}, seed {data.seed})."
    second = Sentence(read, "What was read from the QNode and what was run to check it.", "normal form, THEORY §1")
    said = (first, second, *_notices(diag))
    return Section("Verdict", said, tuple(_judged(c) for c in diag.checks), tone=_TONES[diag.verdict])


def _notices(diag: Diagnosis) -> list[Sentence]:
    """What the numbers rest on that a user would not expect."""
    out = []
    if diag.wrong_gradient_gates:
        definition = "Compared with difference quotients of the same device's expectation values."
        out.append(Sentence(wrong_gradient_notice(diag.wrong_gradient_gates), definition))
    law = diag.prediction.angles
    if law.incommensurate:
        few = indices(diag.prediction.circuit, list(law.incommensurate))
        out.append(
            Sentence(
                f"The gates of {few} have no common period: random angles are drawn from one period of the slowest.",
                "Uniform on [0, 2π/f), f the lowest frequency of the gates that the parameter drives; variances are "
                "exact for that law.", "THEORY §4",
            )
        )  # fmt: skip
    return out


_LIMITS = {
    "live": ("at least 1", "Parameters with a known gradient variance that is not zero."),
    "shots": ("at most {}", "Median over live parameters of Var_shot[ℓ]/Var[∂ℓ]: shots per gradient component for "
                            "signal-to-noise 1. Limit: argument shots=."),
    "dead": ("none", "Parameters whose gradient is zero at every angle at this depth: proved, or by an identity test."),
    "height": ("at most {}", "E = (ℓ − ℓ*)/ō at the median local minimum: 0 is the optimum, 1 the mean over random "
                             "angles. Limit: argument minima_tolerance=."),
    "measurement": ("agreement", "Whether no compared quantity is rejected at a false-alarm rate of 0.001 each."),
}  # fmt: skip


def _judged(check: Check) -> Row:
    """One check: its value, its limit, and whether it passed."""
    limit, definition = _LIMITS[check.name.split()[0]]
    verdict = {True: "pass", False: "FAIL" if check.fatal else "warning", None: "not assessed"}[check.passed]
    definition += "" if check.passed else f" {check.advice}"
    if check.name.startswith("measurement"):
        return Row(check.name, {True: "yes", False: "NO", None: verdict}[check.passed], definition, "measured",
                   "THEORY §9")  # fmt: skip
    wanted = limit.format(number(check.threshold))
    shown = f"{check.side.value}{number(check.value)}"
    value = verdict if not np.isfinite(check.value) else f"{verdict}: {shown}, wanted {wanted}"
    return Row(check.name, value, definition, "", "THEORY §9")


def advice_section(diag: Diagnosis) -> Section:
    """What to change: the advice of every check that failed, or that nothing needs to be."""
    advice = [c.advice for c in diag.checks if c.passed is False] + list(diag.advice)
    if not advice and diag.verdict is Verdict.CANNOT_TELL:
        advice = [c.advice for c in diag.checks if c.fatal and c.passed is None]
    if diag.wrong_gradient_gates:
        advice.append("Differentiate with diff_method='parameter-shift' or on default.qubit: your gradient is wrong.")
    if len(advice) > 1:
        advice = [f"{i}. {text}" for i, text in enumerate(advice, 1)]
    return Section(ADVICE, tuple(advice) or ("Nothing: train it.",))


def _dead(diag: Diagnosis) -> Section:
    pred = diag.prediction
    if not pred.dead_parameters:
        return Section("Dead parameters", ("None was proved dead.",))
    groups: dict[tuple[DeadReason, ...], list[int]] = {}
    for k, codes in zip(pred.dead_parameters, pred.dead_codes, strict=True):
        groups.setdefault(codes, []).append(k)
    rows = tuple(_dead_row(pred, codes, ks) for codes, ks in groups.items())
    n = len(pred.dead_parameters)
    text = f"{n} of {count(pred.n_params, 'parameter')} cannot change the loss at this depth, whatever the others are."
    said = Sentence(text, "A dead parameter's gradient is zero at every angle; that no sample saw it is never a "
                    "reason.", "THEORY §4")  # fmt: skip
    return Section("Dead parameters", (said,), rows)


def _dead_row(pred, codes: tuple[DeadReason, ...], ks: list[int]) -> Row:
    """The parameters that are dead for one reason."""
    listed = f"flat indices {', '.join(str(k) for k in ks[:20])}{' …' if len(ks) > 20 else ''}."
    if all(code.is_proof for code in codes):
        definition, method = f"Variance exactly zero, by a support or symmetry argument; {listed}", "proved"
    else:
        definition = (
            "The derivative was evaluated exactly at random settings of all angles; one that is not zero everywhere "
            f"vanishes at none of them; {listed}"
        )
        method = "identity test"
    return Row(indices(pred.circuit, ks), worded(codes), definition, method, "THEORY §4")


def _shots(diag: Diagnosis) -> Section:
    pred = diag.prediction
    live = pred.live_parameters
    if not len(live):
        return Section("Shots needed", ("No number of shots resolves a gradient that is zero.",))
    log2, least = pred.log2_shots_to_resolve[live], pred.shots_at_least.at_least_log2[live]
    bounded = bool(np.isnan(log2).any())
    # Of a value that is only bounded the bound is shown, as such; no information is no shots at all.
    shown = np.clip(np.where(np.isnan(log2), least, log2), -1000, 1000)
    low, middle, high = np.exp2(np.quantile(shown, [0.1, 0.5, 0.9]))
    sides, shot = pred.log2_median_shots, pred.shot_variance
    value = f"{number(middle)} [{number(low)}, {number(high)}]"
    if bounded and sides[0] == sides[1]:
        value = f"{number(middle)}, 80% range from {number(low)} on, in part only bounded"
    elif bounded and sides[0] > 0:
        value = f"at least {value}"
    elif bounded and np.isfinite(sides[1]):
        value = f"at most {number(np.exp2(min(sides[1], 1000.0)))} for the median parameter"
    elif bounded:
        value = "not known: the bounds on the variances do not limit them"
    row = Row(
        "shots per gradient component", value,
        "Median and 80% range over live parameters of the variance of one shot of a parameter-shift estimate over "
        "Var[∂ℓ]: what signal-to-noise 1 costs, over the two or more circuits of the rule together. "
        f"The observable is {shot.grouping.value} ({count(shot.groups, 'circuit')}).",
        "bound" if bounded else str(shot.method), "THEORY §4f, §9",
    )  # fmt: skip
    return Section("Shots needed", (), (row,))


# ------------------------------------------------------------------ why
def _signature(diag: Diagnosis) -> Section:
    sig = diag.signature
    closed = sig.algebra.is_closed
    rows = [
        Row("dynamical Lie algebra", f"{sig.algebra.name}, dimension {size(sig.algebra.dim)}",
            "Real Lie algebra spanned by nested commutators of the gates' generators: what the circuit can reach with "
            "enough depth.", "exact" if closed else "lower bound", "THEORY §2; Aguilar et al., arXiv:2408.00081"),
        Row("observable's module", f"dimension {_module(sig)}", "Span of everything that the observable becomes: the "
            "larger, the more the loss concentrates.", _SIDE.get(sig.module.status, ""),
            "THEORY §2; Ragone et al., arXiv:2309.09342"),
    ]  # fmt: skip
    rows += [_sector(i, s) for i, s in enumerate(sig.weighted_sectors[:_MOST_SECTORS])]
    left = len(sig.weighted_sectors) - _MOST_SECTORS
    if left > 0:
        rows.append(Row("further sectors", f"{left:,}", "Sectors that carry weight of the input and are not listed.",
                        "", "THEORY §5"))  # fmt: skip
    if sig.spin_factor is not None:
        f = sig.spin_factor
        rows.append(
            Row("spin factor", f"unit vector in {f.d} dimensions, amplitude {number(f.amplitude * f.norm)}",
                "The loss is one coordinate of a uniform unit vector, times the amplitude.", "exact", "THEORY §5")
        )  # fmt: skip
    figure = Figure(
        partial(plots.plot_sectors, sig),
        "Weight of the input in each sector, the heaviest first; hatched sectors are outside the theory.",
    )
    return Section("Signature", (), tuple(rows), (figure,) if len(sig.sectors) > 1 else ())


_SIDE = {Status.TRUNCATED: "lower bound", Status.BOUND: "upper bound"}
_FITS = {Fit.CONNECTS: "observable connects it with other sectors", Fit.MIXES: "observable mixes its copies"}


def _module(sig) -> str:
    try:
        return size(sig.module.dim)
    except OverflowError:
        return f"about 2^{sig.module.log2_dim:.0f}"


def _sector(i: int, s) -> Row:
    dim = f"{s.dim:,}" if s.dim < 10**6 else f"2^{s.log2_dim:.0f}"
    free = (
        _FITS[s.fit] if s.fit in _FITS else
        "constant loss" if s.is_constant else
        f"r = {number(s.dof)}, m = {number(s.dof_finite)}" if np.isfinite(s.dof) else f"r = 2^{s.log2_dof:.1f}"
    )  # fmt: skip
    return Row(
        f"sector {i + 1}", f"N = {dim}, β = {s.beta or 'none'}, {free}, input weight {number(s.weight)}",
        "N: complex dimension; β = 1, 2, 4: real, complex or quaternionic; r: degrees of freedom of the published "
        "Wishart law; m: the same at finite size, 1/m = 1/r − 1/N; weight: probability of finding the input here.",
        "in the theory" if s.in_theory else "outside the theory", "THEORY §5; Anschuetz, arXiv:2408.11901",
    )  # fmt: skip


_ENGINES = {
    "loss": ("law of the loss", "Law of the loss in the deep limit.", "THEORY §5"),
    "gradient": ("law of gradients", "Law of gradient components in the deep limit.", "THEORY §6"),
    "gradient_variance": ("gradient variances", "Second moments at this depth.", "THEORY §4"),
    "shot_variance": ("shot variance", "Variance of a single shot, averaged over angles.", "THEORY §9"),
    "transition": ("transition p*", "Number of parameters from which minima are optimal.", "THEORY §7c"),
    "n_independent": ("independent parameters", "How independent parameters were counted.", "THEORY §7"),
}


def _scope(diag: Diagnosis) -> Section:
    pred = diag.prediction
    why = ("Inside the theory. " if pred.in_theory else "Outside the Wishart theory. ") + pred.reason
    definition = "Laws of loss, gradient and minima need the whole of SO, SU or Sp on each sector, or a spin factor."
    sentences = [Sentence(why, definition, "THEORY §5")]
    if not pred.in_theory:
        sentences.append(
            Sentence("What is said above of variances at this depth and of dead parameters holds all the same.")
        )
    elif pred.is_deep is None:
        text = "Whether the circuit is deep enough for its laws is not known: its loss variance is only bounded."
        sentences.append(Sentence(text))
    elif not pred.is_deep:
        text = "The circuit is shallower than the deep limit: laws of loss and minima are its limit."
        sentences.append(Sentence(text))
    rows = tuple(
        Row(_ENGINES[name][0], engine.split(" Use ")[0][:200], _ENGINES[name][1], "", _ENGINES[name][2])
        for name, engine in pred.engine.items()
        if not engine.startswith("none") and name in _ENGINES
    )
    sentences.append(Sentence("THEORY § refers to the numbered sections of the documentation's theory page."))
    return Section("What is exact, what is asymptotic", tuple(sentences), rows)
