"""The report of a QNode that returns several values: the whole, then a row an output."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from pennylane_wishart import plots
from pennylane_wishart.conventions import diagnosis as limits
from pennylane_wishart.diagnosis.findings import Findings
from pennylane_wishart.diagnosis.sections.verdict import advice_section, arguments, verdict_rows
from pennylane_wishart.diagnosis.words import count, indices, number
from pennylane_wishart.report import Figure, Row, Section, Sentence

__all__ = ["outputs_sections"]


def outputs_sections(whole: Findings, outputs: Sequence[Findings], dead: tuple[int, ...]) -> tuple[Section, ...]:
    """Return the sections in reading order."""
    circuit = outputs[0].prediction.circuit
    read = (
        f"{count(circuit.n_qubits, 'qubit')}, {count(circuit.n_params, 'trainable parameter')}, "
        f"{count(len(outputs), 'output')}, all from one reading of the circuit."
    )
    if len(outputs) > limits.FULL_OUTPUTS:
        read += " So many are predicted and not run: output=i diagnoses one in full, pw.diagnose_cost the cost."
    figures = tuple(
        Figure(
            partial(plots.plot_parameter_variances, o.prediction, o.measurement),
            f"Gradient variance of every parameter in {o.name}, in bits; triangles at the bottom are dead parameters.",
        )
        for o in outputs[: limits.FULL_OUTPUTS]
    )
    said = [Sentence("Each row is one output; its own report is str(diag.outputs[i]).", _DEFINITION, "THEORY §4")]
    if dead:
        named = indices(circuit, list(dead))
        said.append(Sentence(f"Dead in all of them: {named}.", "Zero gradient at every angle, proved.", "THEORY §4"))
    rows = (_row(o) for o in outputs)
    return (
        verdict_rows(whole, read, arguments(circuit)),
        advice_section(whole),
        Section("Outputs", tuple(said), (_mean(outputs), *rows), figures),
    )


_DEFINITION = (
    "Gradient standard deviations: roots of the smallest and largest Var[∂ℓ/∂θ] over the parameters that are not dead "
    "in this output, random angles, at this depth."
)


def _mean(outputs: Sequence[Findings]) -> Row:
    """The mean over outputs, or over data where it is a batch, and how far single ones are from it."""
    totals = np.array([np.nansum(o.prediction.gradient_variance) for o in outputs])
    definition = "Σ_k Var[∂ℓ/∂θ_k] of each output (each datum of a batch): mean, smallest and largest."
    low, high = (number(float(v)) for v in (totals.min(), totals.max()))
    value = f"{number(float(totals.mean()))} [{low} to {high}]"
    return Row("total gradient variance, mean", value, definition, "", "THEORY §4")


def _row(output: Findings) -> Row:
    pred = output.prediction
    live = pred.live_parameters
    known = pred.log2_gradient_variance[live]
    known = known[~np.isnan(known)]
    method = str(pred.moments.engine)
    if not len(live):
        value = "constant: every parameter is dead"
    elif not len(known):
        value, method = "gradients only bounded from above", f"{method}, bound"
    else:
        low, high = (number(float(np.exp2(f(known) / 2))) for f in (np.min, np.max))
        value = f"gradient deviation {low if low == high else f'{low} to {high}'}"
    if pred.dead_parameters and len(live):
        value += f"; {len(pred.dead_parameters)} dead"
    return Row(output.name, value, _DEFINITION, method, "THEORY §4")
