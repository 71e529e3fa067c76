"""Wording: the sections of a report, in reading order. A new section is a file here and a line below."""

from __future__ import annotations

from pennylane_wishart.diagnosis.findings import Findings
from pennylane_wishart.diagnosis.sections.dead import dead_section
from pennylane_wishart.diagnosis.sections.depth import depth_section
from pennylane_wishart.diagnosis.sections.descents import descent_section
from pennylane_wishart.diagnosis.sections.gradients import gradient_section
from pennylane_wishart.diagnosis.sections.minima import minima_section
from pennylane_wishart.diagnosis.sections.noise import noise_section
from pennylane_wishart.diagnosis.sections.parameters import parameter_section
from pennylane_wishart.diagnosis.sections.point import point_section
from pennylane_wishart.diagnosis.sections.remedies import remedy_section
from pennylane_wishart.diagnosis.sections.scaling import scaling_section
from pennylane_wishart.diagnosis.sections.scope import scope_section
from pennylane_wishart.diagnosis.sections.shots import shots_section
from pennylane_wishart.diagnosis.sections.signature import signature_section
from pennylane_wishart.diagnosis.sections.summary import plainly, summary_sections
from pennylane_wishart.diagnosis.sections.terms import terms_section
from pennylane_wishart.diagnosis.sections.verdict import advice_section, next_section, verdict_section
from pennylane_wishart.report import Section

__all__ = ["advice_section", "build_sections", "next_section", "plainly", "summary_sections"]

_IN_ORDER = (
    verdict_section,
    advice_section,
    descent_section,
    point_section,
    remedy_section,
    dead_section,
    noise_section,
    parameter_section,
    shots_section,
    gradient_section,
    depth_section,
    scaling_section,
    minima_section,
    signature_section,
    scope_section,
    terms_section,
)


def build_sections(findings: Findings) -> tuple[Section, ...]:
    """Return the sections in reading order."""
    parts = (build(findings) for build in _IN_ORDER)
    return tuple(part for part in parts if part is not None)
