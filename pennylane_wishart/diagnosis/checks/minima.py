"""How high do local minima lie?"""

from __future__ import annotations

import math

from pennylane_wishart.conventions import CheckId, Unavailable
from pennylane_wishart.diagnosis.checks.kinds import Case, Check, CheckKind
from pennylane_wishart.diagnosis.words import number

__all__ = ["CHECK"]

_POOR = (
    "Poor local minima are expected: add parameters (p above p*), lower the rank of O above its ground level, or "
    "start near a known good point."
)
_ONSET = "p ≥ p* is an onset for generic circuits; one with dead gates is not such: descend from a few starts."


def _judge(case: Case) -> Check:
    pred, limit = case.prediction, case.limits.minima_tolerance
    law = pred.find("minima")
    if isinstance(law, Unavailable):
        return _worded(math.nan, limit, None, law.reason.text)
    if law.is_point_mass and pred.dead_parameters:
        return _worded(math.nan, limit, None, _ONSET)
    advice = _POOR
    if pred.is_deep is None:
        advice += " The law is that of a deep circuit; whether this one is deep enough is not known."
    elif not pred.is_deep:
        advice += " The law is that of a generic circuit with so many parameters; this one is shallower."
    energy = float((law.median() - law.ground) / (law.center - law.ground))
    return _worded(energy, limit, energy <= limit, advice)


def _worded(energy: float, limit: float, passed: bool | None, advice: str) -> Check:
    return Check(
        CheckId("minima"),
        "height of the median local minimum",
        energy,
        limit,
        passed,
        advice,
        wanted=f"at most {number(limit)}",
        definition="E = (ℓ − ℓ*)/ō at the median local minimum: 0 is the optimum, 1 the mean over random angles. "
        "Limit: argument minima_tolerance=.",
        failing=f"half of the local minima lie above {energy:.0%} of the mean loss (limit {limit:.0%})",
    )


CHECK = CheckKind(40, _judge)
