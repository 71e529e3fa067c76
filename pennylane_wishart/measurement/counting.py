"""What a measurement costs before anything runs: circuits, executions, checks."""

from __future__ import annotations

import math

import numpy as np

from pennylane_wishart.conventions import measurement as limits
from pennylane_wishart.conventions.arrays import Integers
from pennylane_wishart.measurement.checks import check_shots
from pennylane_wishart.measurement.routes.shifts import ParameterShift
from pennylane_wishart.measurement.setup import Setup

__all__ = ["check_interval", "executions_per_sample", "number_of_checks"]


def executions_per_sample(setup: Setup) -> tuple[Integers, int]:
    """Return the circuits of each sample ``(samples,)`` and the executions that one circuit takes."""
    _, measured = setup.plan.draw()
    if setup.engine.route != ParameterShift.route:
        return np.ones(len(measured), int), 1
    shift = setup.engine.shift
    rules = np.array([len(r) for r in shift.rules], int)
    drives = (abs(setup.task.jacobian) > 0).astype(int)
    if measured.all():
        # Every gate once, whatever parameters share it.
        counts = np.full(len(measured), 1 + int(rules.sum()))
    else:
        touched = (drives @ measured.T.astype(int)).T > 0
        counts = 1 + touched @ rules
    return counts, shift.circuits_per_point


def check_interval(setup: Setup) -> int:
    """Return the samples between two checks of a device that is not PennyLane's own.

    So many that the checks in between add a tenth of the shots (circuits where analytic), at least 25,
    and at most a quarter of a long run.
    """
    counts, per_circuit = executions_per_sample(setup)
    shots = setup.plan.shots
    sample = float(counts.mean()) * per_circuit * (shots or 1)
    one_check = limits.CHECK_CIRCUITS * (check_shots(shots) or 1)
    most = max(limits.CHECK_LEAST, math.ceil(setup.plan.samples / limits.CHECK_PARTS))
    return int(np.clip(math.ceil(one_check / (limits.CHECK_SHARE * sample)), limits.CHECK_LEAST, most))


def number_of_checks(setup: Setup, check: bool = True) -> int:
    """Return how often the device is checked in a whole run: before it, in between, and after it."""
    if not (check and setup.recipe.is_hardware):
        return 0
    return 1 + math.ceil(setup.plan.samples / check_interval(setup))
