"""What a gradient costs in shots."""

from __future__ import annotations

import numpy as np

from pennylane_wishart.conventions import diagnosis as limits
from pennylane_wishart.conventions import levels
from pennylane_wishart.diagnosis.findings import Findings
from pennylane_wishart.diagnosis.words import count, number, whole_shots
from pennylane_wishart.report import Row, Section, Sentence

__all__ = ["shots_section"]


def shots_section(diag: Findings) -> Section:
    """Median and range of the shots that a gradient component takes."""
    pred = diag.prediction
    live = pred.live_parameters
    if not len(live):
        return Section("Shots needed", ("No number of shots resolves a gradient that is zero.",))
    log2, least = pred.log2_shots_to_resolve[live], pred.shots_at_least.at_least_log2[live]
    bounded = bool(np.isnan(log2).any())
    # Of a value that is only bounded the bound is shown, as such; no information is no shots at all.
    shown = np.clip(np.where(np.isnan(log2), least, log2), -limits.LARGEST_BITS, limits.LARGEST_BITS)
    low, middle, high = map(whole_shots, np.exp2(np.quantile(shown, limits.SHOTS_RANGE)))
    spread = f"{limits.SHOTS_RANGE[-1] - limits.SHOTS_RANGE[0]:.0%} range"
    # of bounds, only the side that they are on may be quoted
    sides, shot = pred.log2_median_shots, pred.shot_variance
    value = f"{number(middle)} [{number(low)}, {number(high)}]"
    if bounded and sides[0] == sides[1]:
        value = f"{number(middle)}, {spread} from {number(low)} on, in part only bounded"
    elif bounded and sides[0] > 0:
        value = f"at least {value}"
    elif bounded and np.isfinite(sides[1]):
        value = f"at most {number(whole_shots(np.exp2(min(sides[1], limits.LARGEST_BITS))))} for the median parameter"
    elif bounded:
        value = "not known: the bounds on the variances do not limit them"
    row = Row(
        "shots per gradient component", value,
        f"Median and {spread} over live parameters of the variance of one shot of a parameter-shift estimate over "
        "Var[∂ℓ]: what signal-to-noise 1 costs, over the two or more circuits of the rule together. "
        f"The observable is {shot.grouping.value} ({count(shot.groups, 'circuit')}).",
        "bound" if bounded else str(shot.method), "THEORY §4f, §9",
    )  # fmt: skip
    return Section("Shots needed", _plateau(diag), (row, *_causes(diag)))


def _plateau(diag: Findings) -> tuple[Sentence, ...]:
    """Name the first cause of a plateau."""
    found = diag.prediction.plateau
    if not found.is_plateau:
        return ()
    said = f"A plateau: no component is resolved by {number(levels.SHOTS)} shots. "
    said += "No repair that was looked at explains it." if found.cause is None else f"First cause: {found.cause}."
    definition = "Second moments of the circuit with one cause after the other mended; bits of the largest component."
    return (Sentence(said, definition, "THEORY §4; attribution by edited circuits is ours"),)


def _causes(diag: Findings) -> list[Row]:
    rows = []
    for s in diag.prediction.plateau.shares:
        bits = f"{'at least ' if s.at_least else ''}{number(s.bits)} bits"
        rows.append(Row(f"lost to {s.cause}", bits, f"Largest mean square {s.repair}, over that without this repair.",
                        str(s.engine), "THEORY §4"))  # fmt: skip
    return rows
