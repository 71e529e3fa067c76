"""The answer, its checks, and what to change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pennylane_wishart.circuit import RotationCircuit
from pennylane_wishart.diagnosis.checks import Check, Verdict, headline
from pennylane_wishart.diagnosis.findings import Findings
from pennylane_wishart.diagnosis.sections.remedies import remedy_advice
from pennylane_wishart.diagnosis.words import count, indices
from pennylane_wishart.measurement.routes.wrongadjoint import wrong_gradient_notice
from pennylane_wishart.report import Row, Section, Sentence

__all__ = ["advice_section", "arguments", "next_section", "verdict_rows", "verdict_section"]

_TONES = {
    Verdict.TRAINABLE: "good",
    Verdict.WARNING: "warning",
    Verdict.NOT_TRAINABLE: "bad",
    Verdict.CANNOT_TELL: "unknown",
}


def verdict_section(diag: Findings) -> Section:
    """The headline, what it was read from, and every check with its limit."""
    circuit = diag.signature.circuit
    read = f"{count(circuit.n_qubits, 'qubit')}, {count(circuit.n_params, 'trainable parameter')}"
    data = diag.measurement
    if data is None:
        read += "; nothing was measured."
    else:
        shots = "exact expectation values" if data.plan.shots is None else f"{data.plan.shots:,} shots a circuit"
        read += f"; measured at {len(data.losses):,} random angle sets on {data.device} ({shots}, seed {data.seed})."
    return verdict_rows(diag, read, (*arguments(circuit), *_notices(diag)))


def verdict_rows(diag: Findings, read: str, notices: Sequence[Sentence] = ()) -> Section:
    """The headline, what it was read from in words, notices, and every check with its limit."""
    first = Sentence(
        headline(diag.checks),
        "Not trainable: every parameter is dead, descents end in traps, or the median live gradient needs more shots "
        "than shots= or the device has. A warning: the measurement disagrees. Cannot tell: something was not assessed.",
        "THEORY §9",
    )  # fmt: skip
    second = Sentence(read, "What was read from the QNode and what was run to check it.", "normal form, THEORY §1")
    said = (first, second, *notices)
    return Section("Verdict", said, tuple(_judged(c) for c in diag.checks), tone=_TONES[diag.verdict])


def arguments(circuit: RotationCircuit) -> list[Sentence]:
    """What was trained, and at which values the rest was fixed: another value is another circuit."""
    call = circuit.call
    if call is None:
        return []
    shapes = [f"{name} of shape {shape}" if shape else name for name, shape in call.trained]
    said = f"Trained: {', '.join(shapes)}."
    random = bool((circuit.random_of >= 0).any())
    if call.fixed:
        fixed = ", ".join(f"{name} = {value}" for name, value in call.fixed)
        said += f" Drawn at random with the angles: {fixed}." if random else f" Fixed: {fixed}."
    definition = "Flat indices run through the trained arguments in this order; argnums= chooses others."
    if call.fixed and not random:
        definition += (
            " All that is said holds for the fixed values; encoding='random' averages over data that gates read."
        )
    return [Sentence(said, definition, "the call of the QNode")]


def _notices(diag: Findings) -> list[Sentence]:
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


def _judged(check: Check) -> Row:
    """One check: its value, its limit, and whether it passed."""
    definition = check.definition + ("" if check.passed else f" {check.advice}")
    return Row(check.name, check.row, definition, "measured" if check.shown else "", "THEORY §9", check.alarm)


def advice_section(diag: Findings) -> Section:
    """What to change: the advice of every check that failed, or that nothing needs to be."""
    return Section("What to change", _advice(diag) or ("Nothing: train it.",))


def next_section(diag: Findings) -> Section:
    """The verdict once more in a word, and the next step: where a terminal leaves the reader."""
    verdict = diag.verdict.value.capitalize()
    return Section(f"{verdict}. Next:", _advice(diag) or ("Train it.",))


def _advice(diag: Findings) -> tuple[Sentence | str, ...]:
    advice = [c.advice for c in diag.checks if c.passed is False] + list(diag.advice)
    if not advice and diag.verdict is Verdict.CANNOT_TELL:
        advice = [c.advice for c in diag.checks if c.fatal and c.passed is None]
    if diag.wrong_gradient_gates:
        advice.append("Differentiate with diff_method='parameter-shift' or on default.qubit: your gradient is wrong.")
    said = [*remedy_advice(diag), *(Sentence(text) for text in advice)]
    if len(said) > 1:
        said = [replace(sentence, text=f"{i}. {sentence.text}") for i, sentence in enumerate(said, 1)]
    return tuple(said)
