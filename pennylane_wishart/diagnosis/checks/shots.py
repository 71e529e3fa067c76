"""What does a gradient cost in shots?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pennylane_wishart.conventions import CheckId
from pennylane_wishart.diagnosis.checks.kinds import Case, Check, CheckKind, Side
from pennylane_wishart.diagnosis.words import number

__all__ = ["CHECK"]

_SMALL = (
    "Gradients are too small for the shots: use a more local observable, fewer layers, shared parameters, or an "
    "initialisation near the identity."
)
_BOUNDED = (
    "Of the median gradient's variance only a bound is known, which does not decide: raise n_walkers or max_work of "
    "pw.predict's engines, or diagnose a smaller or shallower circuit of the family."
)
_LARGEST = 1000.0
"""Bits: beyond, a float overflows, and no one counts such shots."""
_RARE = 0.5
"""Events that a run must expect: with fewer, most runs see none, whatever ratios of variances say."""


def _judge(case: Case) -> Check | None:
    pred, limit = case.prediction, case.limits.shots
    if not len(pred.live_parameters):
        return None
    rare = _RARE / pred.rare_outcome
    low, high = (max(float(np.exp2(min(bits, _LARGEST))), rare) for bits in pred.log2_median_shots)
    if low == high:
        return _worded(case, "shots per gradient, median live parameter", low, low <= limit, Side.VALUE, _SMALL)
    if high <= limit:
        return _worded(case, "shots per gradient, at most", high, True, Side.AT_MOST, _SMALL)
    failed = False if low > limit else None
    advice = _SMALL if failed is False else _BOUNDED
    return _worded(case, "shots per gradient, at least", low, failed, Side.AT_LEAST, advice)


def _worded(case: Case, name: str, value: float, passed: bool | None, side: Side, advice: str) -> Check:
    limit = number(case.limits.shots)
    shown = f"{side.value}{number(value)}"
    needs = f"may need more than {limit} shots"
    if value > 1:
        needs = f"needs at least {number(value)} shots and may need more than {limit}"
    found = Check(
        CheckId("shots"),
        name,
        value,
        case.limits.shots,
        passed,
        advice,
        fatal=True,
        side=side,
        wanted=f"at most {limit}",
        definition="Median over live parameters of Var_shot[ℓ]/Var[∂ℓ]: shots per gradient component for "
        "signal-to-noise 1. Limit: argument shots=.",
        failing=f"the median live gradient needs {shown} shots for signal-to-noise 1, more than {limit}",
        passing=f"the median live gradient is resolved with {shown} shots",
    )
    known = "of the median gradient's variance only an upper bound is known"
    return replace(found, open=f"{known}, so that signal-to-noise 1 {needs}")


CHECK = CheckKind(20, _judge)
