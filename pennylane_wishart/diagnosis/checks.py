"""Thresholds and checks: judging, without wording the report."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

from pennylane_wishart.comparison import Comparison
from pennylane_wishart.errors import InputError, OutOfTheoryError
from pennylane_wishart.prediction import Prediction

__all__ = ["Check", "Side", "Thresholds", "Verdict", "judge", "run_checks"]


class Verdict(enum.Enum):
    """The answer; the value is how the report words it."""

    TRAINABLE = "trainable"
    WARNING = "trainable, with warnings"
    NOT_TRAINABLE = "not trainable"
    CANNOT_TELL = "cannot tell"


class Side(enum.Enum):
    """What a judged number is; the value is put before it."""

    VALUE = ""
    AT_LEAST = "at least "
    AT_MOST = "at most "


@dataclass(frozen=True)
class Thresholds:
    """What counts as trainable; printed with every verdict."""

    shots: float = 1000
    """Shots per gradient component that one is ready to spend for signal-to-noise 1."""
    minima_tolerance: float = 0.1
    """Local minima may lie this far above the optimum, as a fraction of the mean loss above it."""

    def __post_init__(self):
        for name in ("shots", "minima_tolerance"):
            value = getattr(self, name)
            if not np.isfinite(value) or value <= 0:
                raise InputError(f"{name} must be a positive number; got {value!r}.")


@dataclass(frozen=True)
class Check:
    """One judged number."""

    name: str
    value: float
    threshold: float
    passed: bool | None
    """None where it could not be assessed."""
    advice: str
    fatal: bool = False
    """Whether failing it means not trainable rather than a warning."""
    side: Side = Side.VALUE
    """Whether ``value`` is the number or a bound on it."""

    def to_dict(self) -> dict:
        """Return plain Python values."""
        return {**vars(self), "side": self.side.name}


def run_checks(pred: Prediction, comparison: Comparison | None, limits: Thresholds) -> tuple[Check, ...]:
    """Judge a prediction, and a comparison where something was measured."""
    checks = [*_gradient_checks(pred, limits), _minima_check(pred, limits)]
    if comparison is not None:
        agrees = comparison.agrees
        checks.append(
            Check(
                "measurement agrees with prediction",
                float("nan") if agrees is None else float(agrees),
                1.0,
                agrees,
                "On an ideal device a disagreement points to a bug in the circuit or in this tool; on hardware "
                "it measures the noise.",
            )
        )
    return tuple(checks)


def _gradient_checks(pred: Prediction, limits: Thresholds) -> list[Check]:
    dead = len(pred.dead_parameters)
    live = pred.live_parameters
    known = int(pred.moments.known[live].sum())
    # parameters of which only a bound is known may be alive or not
    alive = True if known else None if len(live) else False
    out = [
        Check(
            "live parameters", known, 1, alive,
            "Every gradient is exactly zero: the observable does not see the parameters. Measure wires that the "
            "gates reach, or change the input." if not len(live) else
            "No gradient variance is known, only bounds on them: a smaller or shallower circuit of the family can "
            "be computed exactly.", fatal=True,
        ),
        Check(
            "dead parameters", dead, 0, dead == 0,
            "Remove the dead gates, or add depth so that they reach the observable.",
        ),
    ]  # fmt: skip
    if len(live):
        out.insert(1, _shots_check(pred, limits))
    return out


def _shots_check(pred: Prediction, limits: Thresholds) -> Check:
    advice = (
        "Gradients are too small for the shots: use a more local observable, fewer layers, shared parameters, "
        "or an initialisation near the identity."
    )
    # a ratio of variances says nothing where most runs see no event at all
    rare = 0.5 / pred.rare_outcome
    low, high = (max(float(np.exp2(min(bits, 1000.0))), rare) for bits in pred.log2_median_shots)
    if low == high:
        name = "shots per gradient, median live parameter"
        return Check(name, low, limits.shots, low <= limits.shots, advice, True)
    if high <= limits.shots:
        return Check("shots per gradient, at most", high, limits.shots, True, advice, True, Side.AT_MOST)
    if low <= limits.shots:
        advice = (
            "Of the median gradient's variance only a bound is known, which does not decide: raise n_walkers or "
            "max_work of pw.predict's engines, or diagnose a smaller or shallower circuit of the family."
        )
    failed = False if low > limits.shots else None
    return Check("shots per gradient, at least", low, limits.shots, failed, advice, True, Side.AT_LEAST)


def _minima_check(pred: Prediction, limits: Thresholds) -> Check:
    name = "height of the median local minimum"
    advice = (
        "Poor local minima are expected: add parameters (p above p*), lower the rank of O above its ground "
        "level, or start near a known good point."
    )
    try:
        law = pred.minima
    except OutOfTheoryError as err:
        return Check(name, float("nan"), limits.minima_tolerance, None, str(err).split(" Use ")[0])
    if law.is_point_mass and pred.dead_parameters:
        onset = "p ≥ p* is an onset for generic circuits; one with dead gates is not such: descend from a few starts."
        return Check(name, float("nan"), limits.minima_tolerance, None, onset)
    if pred.is_deep is None:
        advice += " The law is that of a deep circuit; whether this one is deep enough is not known."
    elif not pred.is_deep:
        advice += " The law is that of a generic circuit with so many parameters; this one is shallower."
    energy = float((law.median() - law.ground) / (law.center - law.ground))
    return Check(name, energy, limits.minima_tolerance, energy <= limits.minima_tolerance, advice)


def judge(checks: tuple[Check, ...]) -> Verdict:
    """Turn checks into a verdict; a gradient that cannot be assessed means: cannot tell."""
    if any(c.fatal and c.passed is False for c in checks):
        return Verdict.NOT_TRAINABLE
    if any(c.fatal and c.passed is None for c in checks):
        return Verdict.CANNOT_TELL
    return Verdict.WARNING if any(c.passed is False for c in checks) else Verdict.TRAINABLE
