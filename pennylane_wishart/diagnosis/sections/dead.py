"""Which parameters cannot change the loss, and why."""

from __future__ import annotations

from pennylane_wishart.conventions import diagnosis as limits
from pennylane_wishart.diagnosis.findings import Findings
from pennylane_wishart.diagnosis.words import count, indices
from pennylane_wishart.prediction import Prediction
from pennylane_wishart.report import Row, Section, Sentence
from pennylane_wishart.variances import DeadReason
from pennylane_wishart.variances.dead.reasons import worded

__all__ = ["dead_section"]


def dead_section(diag: Findings) -> Section:
    """Which parameters cannot change the loss, one row a reason."""
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


def _dead_row(pred: Prediction, codes: tuple[DeadReason, ...], ks: list[int]) -> Row:
    """The parameters that are dead for one reason."""
    listed = (
        f"flat indices {', '.join(str(k) for k in ks[: limits.INDICES])}{' …' if len(ks) > limits.INDICES else ''}."
    )
    if all(code.is_proof for code in codes):
        definition, method = f"Variance exactly zero, by a support or symmetry argument; {listed}", "proved"
    else:
        definition = (
            "The derivative was evaluated exactly at random settings of all angles; one that is not zero everywhere "
            f"vanishes at none of them; {listed}"
        )
        method = "identity test"
    return Row(indices(pred.circuit, ks), worded(codes), definition, method, "THEORY §4")
