"""Checks of a device before, during and after a run: how often, and what a failed one does to the samples.

The rule: a sample counts once a check after it has passed. Where a check is answered wrongly, the samples
since the last good one are set aside: they are not in ``partial``, they are marked in the store, and the
next call measures them again. A check that gets no answer says nothing about them, and they stay.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from pennylane_wishart.errors import DeviceError
from pennylane_wishart.measurement.machines import WrongDeviceError, check_shots

__all__ = ["Watch", "check_interval", "executions_per_sample", "number_of_checks"]

_LEAST = 25
"""Samples between two checks, at least."""
_SHARE = 0.1
"""Shots that checks in between may add, as a share of what they watch over."""
_PARTS = 4
"""Parts of a long run that are checked in any case."""
ROUTE_INTERVAL = 100
"""Samples between two checks of a fast route, each of which costs one gradient."""


class Watch:
    """Counts answers and checks the device when it is time.

    Args:
        check: raises WrongDeviceError where the device answers wrongly.
        interval: samples between two checks.
        at_start: whether it is checked before anything runs.
    """

    def __init__(self, check: Callable[[], None], interval: int, at_start: bool = True):
        self._check, self._interval, self._at_start = check, interval, at_start
        self._since: list[np.ndarray] = []
        self._count = 0
        self._failed = False
        self.is_starting = False
        """Whether the check before the run is under way."""

    @property
    def suspect(self) -> np.ndarray:
        """Rows to set aside: those since the last good check where the latest one failed."""
        rows = np.concatenate(self._since) if self._failed and self._since else np.zeros(0, int)
        return np.unique(rows)

    def start(self):
        """Check before anything runs."""
        if self._at_start:
            self.is_starting = True
            self._check()
            self.is_starting = False

    def answered(self, index: np.ndarray):
        """Count answers; a check follows each time the count passes a multiple of the interval."""
        self._since.append(np.asarray(index))
        before, self._count = self._count, self._count + len(index)
        if not self._failed and before // self._interval < self._count // self._interval:
            self._look()

    def finish(self):
        """Check after the last answer, unless that has just been done."""
        if self._since and not self._failed:
            self._look()

    def _look(self):
        try:
            self._check()
        except WrongDeviceError as error:
            self._failed = True
            raise DeviceError(
                f"{str(error).rstrip('.')}. It passed its last check {len(self.suspect)} samples earlier: those are "
                "set aside, and are measured again by the next call."
            ) from error
        self._since.clear()


def executions_per_sample(setup) -> tuple[np.ndarray, int]:
    """Return the circuits of each sample ``(samples,)`` and the executions that one circuit takes."""
    _, measured = setup.plan.draw()
    if setup.engine.route != "parameter-shift":
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


def check_interval(setup) -> int:
    """Return the samples between two checks of a device that is not PennyLane's own.

    So many that the checks in between add a tenth of the shots (circuits where analytic), at least 25,
    and at most a quarter of a long run.
    """
    counts, per_circuit = executions_per_sample(setup)
    shots = setup.plan.shots
    sample = float(counts.mean()) * per_circuit * (shots or 1)
    one_check = 3 * (check_shots(shots) or 1)
    most = max(_LEAST, math.ceil(setup.plan.samples / _PARTS))
    return int(np.clip(math.ceil(one_check / (_SHARE * sample)), _LEAST, most))


def number_of_checks(setup, check: bool = True) -> int:
    """Return how often the device is checked in a whole run: before it, in between, and after it."""
    if not (check and setup.recipe.is_hardware):
        return 0
    return 1 + math.ceil(setup.plan.samples / check_interval(setup))
