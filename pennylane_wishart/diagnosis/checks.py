"""Thresholds and checks: judging, without wording the report."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

from pennylane_wishart.comparison import Comparison
from pennylane_wishart.errors import InputError, OutOfTheoryError, Status
from pennylane_wishart.prediction import Prediction

__all__ = ["Check", "Thresholds", "Verdict", "judge", "run_checks"]


class Verdict(enum.Enum):
    """The answer; the value is how the report words it."""

    TRAINABLE = "trainable"
    WARNING = "trainable, with warnings"
    NOT_TRAINABLE = "not trainable"
    CANNOT_TELL = "cannot tell"


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
    live = np.setdiff1d(np.arange(pred.n_params), pred.dead_parameters)
    out = [
        Check(
            "live parameters", len(live), 1, len(live) > 0,
            "Every gradient is exactly zero: the observable does not see the parameters. Measure wires that the "
            "gates reach, or change the input.", fatal=True,
        ),
        Check(
            "dead parameters", dead, 0, dead == 0,
            "Remove the dead gates, or add depth so that they reach the observable.",
        ),
    ]  # fmt: skip
    if len(live):
        out.insert(1, _shots_check(pred, live, limits))
    return out


def _shots_check(pred: Prediction, live: np.ndarray, limits: Thresholds) -> Check:
    advice = (
        "Gradients are too small for the shots: use a more local observable, fewer layers, shared parameters, "
        "or an initialisation near the identity."
    )
    log2_shots = pred.log2_shots_to_resolve[live]
    unseen = np.array([pred.moments.status[k] is Status.UPPER_BOUND for k in live])
    if unseen.mean() > 0.5:
        # Only an upper bound on the variance is known, hence a lower bound on the shots.
        noise = np.log2(max(pred.shot_variance[0], 1e-300))
        least = noise - pred.moments.log2_gradient_variance_upper[live]
        value = float(np.exp2(np.median(least)))
        failed = value > limits.shots
        return Check("shots per gradient, at least", value, limits.shots, False if failed else None, advice, True)
    value = float(np.exp2(min(float(np.median(log2_shots)), 1000.0)))
    # a ratio of variances says nothing where most runs see no event at all
    value = max(value, 0.5 / pred.rare_outcome)
    return Check("shots per gradient, median live parameter", value, limits.shots, value <= limits.shots, advice, True)


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
    if not pred.is_deep:
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
