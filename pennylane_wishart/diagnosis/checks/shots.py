"""What does a gradient cost in shots?"""

from __future__ import annotations

import math

import numpy as np

from pennylane_wishart.conventions import CheckId
from pennylane_wishart.conventions import diagnosis as sizes
from pennylane_wishart.diagnosis.checks.kinds import Case, Check, CheckKind, Side
from pennylane_wishart.diagnosis.words import number

__all__ = ["CHECK"]

_SMALL = (
    "Gradients are too small for the shots. What may enlarge them, and was not tried here: a more local observable, "
    "fewer layers, shared parameters, an initialisation near the identity."
)
_BOUNDED = (
    "Of the median gradient's variance only a bound is known, which does not decide: raise n_walkers or max_work of "
    "pw.predict's engines, or diagnose a smaller or shallower circuit of the family."
)
_ONE_SIDED = "of the median gradient's variance only an upper bound is known"


def _judge(case: Case) -> Check | None:
    pred, limit = case.prediction, case.limits.shots
    if not len(pred.live_parameters):
        return None
    rare = sizes.RARE_EVENTS / pred.rare_outcome
    low, high = (max(float(np.exp2(min(bits, sizes.LARGEST_BITS))), rare) for bits in pred.log2_median_shots)
    if low == high:
        side, value, name = Side.VALUE, low, "shots per gradient (median)"
    elif limit is not None and high <= limit:
        side, value, name = Side.AT_MOST, high, "shots per gradient, at most"
    else:
        side, value, name = Side.AT_LEAST, low, "shots per gradient, at least"
    if limit is None:
        return _cost(name, value, side)
    passed = True if side is not Side.AT_LEAST and value <= limit else False if value > limit else None
    return _worded(case, name, value, limit, passed, side)


_DEFINITION = (
    "Median over live parameters of Var_shot[ℓ]/Var[∂ℓ]: shots per gradient component for signal-to-noise 1. "
    "Limit: argument shots=, or what the device runs."
)


def _shots(value: float) -> str:
    # as it is written: 1.0000000002 shots are one
    shown = number(value)
    return f"{shown} shot{'' if shown == number(1.0) else 's'}"


def _cost(name: str, value: float, side: Side) -> Check:
    """On an exact simulator: a cost that hardware would have, and no reason to fail."""
    said = f"gradients are exact here, and on hardware the median one would take {side.value}{_shots(value)}"
    if side is Side.AT_LEAST:
        said = "gradients are exact here; what they cost on hardware is open, for " + _ONE_SIDED
        said += f" (at least {_shots(value)})" if value > 1 else ""
    return Check(
        CheckId("shots"),
        name,
        value,
        math.inf,
        True,
        _SMALL,
        remark=True,
        side=side,
        wanted="no limit on an exact simulator",
        definition=_DEFINITION,
        passing=said,
    )


def _worded(case: Case, name: str, value: float, most: float, passed: bool | None, side: Side) -> Check:
    limit, shown = number(most), f"{side.value}{_shots(value)}"
    needs = f"may need more than {limit} shots"
    if value > 1:
        needs = f"needs at least {_shots(value)} and may need more than {limit}"
    return Check(
        CheckId("shots"),
        name,
        value,
        most,
        passed,
        _BOUNDED if passed is None else _SMALL,
        fatal=True,
        side=side,
        wanted=f"at most {limit}",
        definition=_DEFINITION,
        failing=f"the median live gradient needs {shown} for signal-to-noise 1, more than {limit}",
        passing=f"the median live gradient is resolved with {shown}",
        open=f"{_ONE_SIDED}, so that signal-to-noise 1 {needs}",
    )


CHECK = CheckKind(20, _judge)
