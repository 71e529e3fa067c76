"""What does a gradient cost in shots?"""

from __future__ import annotations

import math

import numpy as np

from pennylane_wishart.conventions import CheckId, PlateauCause, levels
from pennylane_wishart.conventions import diagnosis as sizes
from pennylane_wishart.diagnosis.checks.kinds import Case, Check, CheckKind, Side
from pennylane_wishart.diagnosis.words import number, whole_shots
from pennylane_wishart.prediction import Prediction

__all__ = ["CHECK"]

_SMALL = (
    "Gradients are too small for the shots. What may enlarge them, and was not tried here: a more local observable, "
    "fewer layers, shared parameters, an initialisation near the identity."
)
_MENDED = {
    PlateauCause.NOISE: "Noise takes the gradients: fewer gates, a better device, or error mitigation.",
    PlateauCause.ANGLES: "The angles start too near a point without gradient: pw.best_init finds their width.",
    PlateauCause.INPUT: "The input is too entangled for local gates to be seen: start from a product state.",
    PlateauCause.MEASURED: "Measure before the fixed gates that end the circuit, or what they leave local.",
    PlateauCause.GLOBAL: "The observable acts on too many qubits: measure a sum of local terms with the same optimum.",
    PlateauCause.COMMUTING: "The generators commute and only multiply cosines: turn about axes that do not commute.",
    PlateauCause.DEPTH: "The circuit is too deep: take fewer layers, or start near the identity (pw.best_init).",
}
"""What to do about the first cause of a plateau."""
_BOUNDED = (
    "The bounds that are known do not decide: raise n_walkers or max_work of pw.predict's engines, or diagnose a "
    "smaller or shallower circuit of the family."
)


def _judge(case: Case) -> Check | None:
    pred, limit = case.prediction, case.limits.shots
    if not len(pred.live_parameters):
        return None
    rare = levels.RARE_EVENTS / pred.rare_outcome
    low, high = (whole_shots(max(float(np.exp2(min(b, sizes.LARGEST_BITS))), rare)) for b in pred.log2_median_shots)
    if low == high:
        side, value, name = Side.VALUE, low, "shots per gradient (median)"
    elif pred.log2_median_shots[1] < sizes.LARGEST_BITS and (limit is None or high <= limit):
        side, value, name = Side.AT_MOST, high, "shots per gradient, at most"
    else:
        side, value, name = Side.AT_LEAST, low, "shots per gradient, at least"
    if limit is None:
        return _cost(case, name, value, side, low)
    passed = True if side is not Side.AT_LEAST and value <= limit else False if value > limit else None
    return _worded(case, name, value, limit, passed, side)


_DEFINITION = (
    "Median over live parameters of Var_shot[ℓ]/Var[∂ℓ]: shots per gradient component for signal-to-noise 1. "
    "Limit: argument shots=, or what the device runs."
)


def _shots(value: float) -> str:
    return f"{number(value)} shot{'' if value == 1 else 's'}"


def _lost(case: Case) -> tuple[str, str]:
    """Name the first cause of a plateau, and what to do about it."""
    cause = case.prediction.plateau.cause
    return ("", _SMALL) if cause is None else (f" (a plateau, first by its {cause})", _MENDED[cause])


def _one_sided(pred: Prediction) -> str:
    """Say of which variance only a bound is known: that of a shot, of gradients, or both."""
    noise = pred.shot_variance.bound is not None
    signal = bool(np.isnan(pred.moments.gradient_variance[pred.live_parameters]).any())
    if noise and signal:
        return "of the variances of a shot and of some gradients only upper bounds are known"
    return f"of the variance of {'a shot' if noise else 'the median gradient'} only an upper bound is known"


def _cost(case: Case, name: str, value: float, side: Side, low: float) -> Check:
    """On an exact simulator: a cost that hardware would have, and no reason to fail."""
    why, advice = _lost(case)
    least = f"at least {number(low)} and " if side is Side.AT_MOST and low > 1 else ""
    said = (
        f"gradients are exact here, and on hardware the median one would take {least}{side.value}{_shots(value)}{why}"
    )
    if side is Side.AT_LEAST:
        said = "gradients are exact here; what they cost on hardware is open, for " + _one_sided(case.prediction)
        said += f" (at least {_shots(value)})" if value > 1 else ""
    return Check(
        CheckId("shots"),
        name,
        value,
        math.inf,
        True,
        advice,
        remark=True,
        side=side,
        wanted="no limit on an exact simulator",
        definition=_DEFINITION,
        passing=said,
    )


def _worded(case: Case, name: str, value: float, most: float, passed: bool | None, side: Side) -> Check:
    limit, shown = number(most), f"{side.value}{_shots(value)}"
    why, advice = _lost(case)
    needs = f"may need more than {limit} shots"
    if value > 1:
        needs = f"needs at least {_shots(value)} and may need more than {limit}"
    return Check(
        CheckId("shots"),
        name,
        value,
        most,
        passed,
        _BOUNDED if passed is None else advice,
        fatal=True,
        side=side,
        wanted=f"at most {limit}",
        definition=_DEFINITION,
        failing=f"the median live gradient needs {shown} for signal-to-noise 1, more than {limit}{why}",
        passing=f"the median live gradient is resolved with {shown}",
        open=f"{_one_sided(case.prediction)}, so that signal-to-noise 1 {needs}",
    )


CHECK = CheckKind(20, _judge)
