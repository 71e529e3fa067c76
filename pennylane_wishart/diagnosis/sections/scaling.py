"""What a family of sizes says."""

from __future__ import annotations

from functools import partial

from pennylane_wishart import plots
from pennylane_wishart.diagnosis.findings import Findings
from pennylane_wishart.report import Figure, Row, Section, Sentence

__all__ = ["scaling_section"]


def scaling_section(diag: Findings) -> Section:
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
