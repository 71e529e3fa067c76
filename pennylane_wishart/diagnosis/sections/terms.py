"""What the words of the report mean, for a reader who has nothing else at hand."""

from __future__ import annotations

from pennylane_wishart.conventions import levels
from pennylane_wishart.diagnosis.findings import Findings
from pennylane_wishart.report import Row, Section

__all__ = ["terms_section"]

_GLOSSARY = "The glossary of the documentation has more of them."
_POWER = f"the chance that a test would notice a spread {levels.POWER_SPREAD - 1:.0%} larger than predicted"
_TERMS = (
    ("dead parameter", "cannot change the loss, whatever the others are: its gradient is zero at every angle", "§4"),
    ("this depth, deep limit", "the circuit as it stands; what it tends to as layers are added", "§3, §4"),
    ("exact words, walkers", "variances by following every Pauli word of the observable; by sampling them", "§4"),
    ("dynamical Lie algebra", "what the gates can generate together; the larger, the smaller gradients get", "§2"),
    ("module", "all operators that the gates can turn the observable into", "§2"),
    ("sector", "a part of the state space that no gate leaves; the input has a weight in each", "§5"),
    (
        "N, β, r, m",
        "a sector's dimension; real, complex, quaternionic (1, 2, 4); its degrees of freedom, published "
        "and at finite size",
        "§5",
    ),
    ("scale", "the way from the mean loss over random angles to the lowest loss that the gates can reach", "§7f"),
    ("trap", "an end of training above the best one by more than the tolerance", "§7e"),
    ("p-value", "the chance of a larger discrepancy if the prediction is right; small values speak against it", "§9"),
    ("power", _POWER, "§9"),
)


def terms_section(diag: Findings) -> Section:
    """One line a term."""
    rows = tuple(Row(term, text, _GLOSSARY, "", f"THEORY {where}") for term, text, where in _TERMS)
    return Section("Words", (), rows)
