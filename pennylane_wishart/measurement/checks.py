"""Checks of a device and of a route: before, during and after a run, and what a failed one does to the samples.

The rule: a sample counts once a check after it has passed. Where a check is answered wrongly, the samples
since the last good one are set aside: they are not in ``partial``, they are marked in the store, and the
next call measures them again. A check that gets no answer says nothing about them, and they stay.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pennylane as qml

from pennylane_wishart.conventions import measurement as limits
from pennylane_wishart.conventions.arrays import Integers
from pennylane_wishart.errors import DeviceError
from pennylane_wishart.measurement.recipes import name_of

__all__ = ["Watch", "WrongDeviceError", "check_device", "check_shots"]


class WrongDeviceError(DeviceError):
    """A device answered a check, and wrongly."""


def check_shots(shots: int | None) -> int | None:
    """Return the shots of one circuit of the check."""
    return max(shots, limits.CHECK_SHOTS) if shots else None


def check_device(device: Any, wire: Any, shots: int | None, run: Callable[[list[Any]], Any]) -> None:
    """Measure X, Y and Z of one known qubit state and refuse a device that gets them wrong.

    Args:
        run: ``run(tapes) -> results``, the same door that the measurement will use.
    Raises:
        WrongDeviceError: if an expectation value is further off than noise explains.
    """
    polar, azimuth = limits.CHECK_POLAR, limits.CHECK_AZIMUTH
    expected = {
        "X": math.sin(polar) * math.cos(azimuth),
        "Y": math.sin(polar) * math.sin(azimuth),
        "Z": math.cos(polar),
    }
    # No fewer than a sample has: the check should run like the circuits that it stands for.
    shots = check_shots(shots)
    state = [qml.RY(polar, wire), qml.RZ(azimuth, wire)]
    tapes = [qml.tape.QuantumScript(state, [qml.expval(getattr(qml, p)(wire))], shots=shots) for p in expected]
    # Squeezed: devices answer with a number, a list of one, or an array of no dimension.
    got = {p: float(np.squeeze(np.asarray(r, float))) for p, r in zip(expected, run(tapes), strict=True)}
    allowed = limits.CHECK_DECOHERENCE + (limits.CHECK_SIGMAS / math.sqrt(shots) if shots else 0.0)
    # "not <=": a NaN is as wrong as any other number.
    wrong = {p: v for p, v in got.items() if not abs(v - expected[p]) <= allowed}
    if wrong:
        text = ", ".join(f"⟨{p}⟩ = {v:.3f} for {expected[p]:.3f}" for p, v in wrong.items())
        raise WrongDeviceError(
            f"device {name_of(device)} measures one qubit wrongly: {text} (allowed ±{allowed:.2f}). "
            "Report it to the plugin, use another device, or pass check=False."
        )


class Watch:
    """Counts answers and checks the device when it is time.

    Args:
        check: raises WrongDeviceError where the device answers wrongly.
        interval: samples between two checks.
        at_start: whether it is checked before anything runs.
    """

    def __init__(self, check: Callable[[], None], interval: int, at_start: bool = True) -> None:
        self._check, self._interval, self._at_start = check, interval, at_start
        self._since: list[Integers] = []
        self._count = 0
        self._failed = False
        self.is_starting = False
        """Whether the check before the run is under way."""

    @property
    def suspect(self) -> Integers:
        """Rows to set aside: those since the last good check where the latest one failed."""
        rows = np.concatenate(self._since) if self._failed and self._since else np.zeros(0, int)
        return np.unique(rows)

    def start(self) -> None:
        """Check before anything runs."""
        # A route has just been checked when it was chosen.
        if self._at_start:
            self.is_starting = True
            self._check()
            self.is_starting = False

    def answered(self, index: Integers) -> None:
        """Count answers; a check follows each time the count passes a multiple of the interval."""
        self._since.append(np.asarray(index))
        # Counted, not timed: the same run is checked at the same samples wherever it runs.
        before, self._count = self._count, self._count + len(index)
        if not self._failed and before // self._interval < self._count // self._interval:
            self._look()

    def finish(self) -> None:
        """Check after the last answer, unless that has just been done."""
        if self._since and not self._failed:
            self._look()

    def _look(self) -> None:
        try:
            self._check()
        except WrongDeviceError as error:
            self._failed = True
            raise DeviceError(
                f"{str(error).rstrip('.')}. It passed its last check {len(self.suspect)} samples earlier: those are "
                "set aside, and are measured again by the next call."
            ) from error
        # They have a good check on either side now.
        self._since.clear()
