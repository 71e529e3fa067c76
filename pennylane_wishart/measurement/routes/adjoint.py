"""Gradients by the device's own Jacobian, on tapes prepared once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pennylane as qml

from pennylane_wishart.conventions.arrays import Floats
from pennylane_wishart.measurement.routes.base import AdjointRoute, only_tape
from pennylane_wishart.measurement.routes.prepare import PreparedCircuit, bind_values

__all__ = ["DeviceAdjoint"]


class DeviceAdjoint(AdjointRoute):
    """The public way: one tape per point. The other routes are compared with it."""

    route = "device-adjoint"

    def __init__(self, device: Any, prepared: PreparedCircuit) -> None:
        super().__init__(only_tape(prepared))
        self._device, self._config = device, prepared.config

    def _tape(self, values: Floats) -> qml.tape.QuantumScript:
        return bind_values(self._part.tape, values, self._part.positions)

    def _gradients(self, values: Floats) -> tuple[Floats, Floats]:
        if not self._part.positions:
            # Devices differentiate nothing by failing.
            return self._losses(values), np.zeros(values.shape)
        losses, slopes = np.empty(len(values)), np.empty(values.shape)
        for row, numbers in enumerate(values):
            tapes = (self._tape(numbers),)
            results, jacobians = self._device.execute_and_compute_derivatives(tapes, self._config)
            losses[row] = _scalar(results[0])
            slopes[row] = np.asarray(jacobians[0], float).reshape(-1)
        return losses, slopes

    def _losses(self, values: Floats) -> Floats:
        tapes = [self._tape(numbers) for numbers in values]
        return np.array([_scalar(r) for r in self._device.execute(tapes, self._config)])


def _scalar(result: Any) -> float:
    return float(np.squeeze(np.asarray(result, float)))
