"""Does the best end lie at the observable's own ground?"""

from __future__ import annotations

import math

from pennylane_wishart.conventions import CheckId, Evidence
from pennylane_wishart.conventions import diagnosis as limits
from pennylane_wishart.diagnosis.checks.kinds import Case, Check, CheckKind
from pennylane_wishart.diagnosis.words import count, number, share
from pennylane_wishart.outlook import DescentOutlook

__all__ = ["CHECK"]


def _judge(case: Case) -> Check | None:
    found = case.descent
    if found is None:
        return None
    ends = "highest" if found.sense == "max" else "lowest"
    return Check(
        CheckId("reach"),
        f"best end from the {ends} eigenvalue",
        found.reach_gap,
        found.tolerance,
        found.reaches_ground,
        _advice(found, bool(case.prediction.circuit.channels)),
        remark=True,
        written=f"{share(found.reach_gap)} of the scale",
        wanted=f"at most {share(found.tolerance)}",
        definition=f"(best − {ends} eigenvalue of the observable), in the same units: what the circuit cannot express, "
        "or a symmetry forbids. A classifier need not reach it.",
        failing=_failing(found, ends),
        passing=_passing(found, ends),
        open=_open(found, ends),
    )


def _loss(found: DescentOutlook, value: float) -> str:
    return number(value, limits.END_ROUNDING * found.scale)


def _passing(found: DescentOutlook, ends: str) -> str:
    best, ground = _loss(found, found.best), _loss(found, found.ground)
    if best == ground or not math.isfinite(found.best):
        return f"the best end is the observable's {ends} value, {ground}"
    gap = f"{share(found.reach_gap)} of the scale from the observable's {ends} value, {ground}"
    return f"the best end, {best}, lies {gap}, within the tolerance of {share(found.tolerance)}"


def _failing(found: DescentOutlook, ends: str) -> str:
    said = f"the observable's {ends} value, {_loss(found, found.ground)}, is not reached"
    if math.isfinite(found.best):
        once = "at best " if found.evidence is Evidence.DESCENTS and found.hits < 2 else ""
        said += f": the best end is {once}{_loss(found, found.best)}, {share(found.reach_gap)} of the scale away"
    return f"{said} ({found.blocked_by})" if found.blocked_by else said


def _open(found: DescentOutlook, ends: str) -> str:
    if math.isnan(found.ground):
        return f"the observable's {ends} value is not known at this size"
    if not math.isfinite(found.best):
        return ""  # the traps say already that nothing was descended
    times, best, ground = count(found.hits, "time"), _loss(found, found.best), _loss(found, found.ground)
    return f"the best end, {best}, was found {times} only: whether {ground} is reached is open"


def _advice(found: DescentOutlook, is_noisy: bool) -> str:
    if found.reaches_ground is None:
        return "More starts decide: raise starts= and descent_budget=."
    if found.blocked_by and found.is_held:
        blocked = f"{found.blocked_by[:1].upper()}{found.blocked_by[1:]}"
        return f"{blocked}: only another input, or gates that break it, can end lower."
    if is_noisy:
        return "Less noise, other gates or more parameters can end lower."
    return "Only other gates or more parameters can end lower: diag.remedies says which of them do."


CHECK = CheckKind(45, _judge)
