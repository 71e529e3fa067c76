"""What is printed: the verdict, a few numbers behind it, and the verdict again with the next step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pennylane_wishart.diagnosis.findings import Findings
from pennylane_wishart.diagnosis.sections.dead import dead_section
from pennylane_wishart.diagnosis.sections.parameters import parameter_section
from pennylane_wishart.diagnosis.sections.point import point_section
from pennylane_wishart.diagnosis.sections.scaling import scaling_section
from pennylane_wishart.diagnosis.sections.verdict import verdict_section
from pennylane_wishart.diagnosis.words import size
from pennylane_wishart.report import Row, Section

__all__ = ["plainly", "summary_sections"]


def plainly(rows: Sequence[Row], *found: Findings) -> tuple[Row, ...]:
    """Rows of exact variances without the engine's name: the details have it, and explain it."""
    exact = all(one.prediction.moments.engine.is_exact for one in found)
    return tuple(replace(row, method="exact" if row.method and exact else row.method) for row in rows)


def summary_sections(diag: Findings) -> tuple[Section, ...]:
    """Return what a terminal shows at once; ``build_sections`` has everything."""
    sig, study = diag.signature, diag.family
    scope = "inside the theory" if sig.in_theory else "outside the theory, which no verdict rests on"
    rows = (
        *plainly(parameter_section(diag).rows, diag),
        Row("dynamical Lie algebra", f"{sig.algebra.described(size)}; {scope}"),
        *(() if study is None else scaling_section(diag).rows[:1]),
        *dead_section(diag).rows,  # last: a long list may be cut
    )
    asked = () if (point := point_section(diag)) is None else (replace(point, figures=()),)
    return verdict_section(diag), *asked, Section("Behind it", (), rows)
