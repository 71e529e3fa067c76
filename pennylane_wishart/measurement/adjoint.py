"""Gradients by the device's own Jacobian, on tapes prepared once."""

from __future__ import annotations

import numpy as np

from pennylane_wishart.measurement.lightning import UnsupportedRouteError
from pennylane_wishart.measurement.prepare import PreparedCircuit

__all__ = ["DeviceAdjoint"]


class DeviceAdjoint:
    """The device's own Jacobian on prepared tapes, one tape per point."""

    route = "device-adjoint"

    def __init__(self, device, prepared: PreparedCircuit):
        if prepared.rebuild is not None or prepared.executions != 1:
            raise UnsupportedRouteError("the device splits or reshapes the circuit")
        self._device, self._circuit, self._part = device, prepared, prepared.tapes[0]

    def evaluate(self, gate_values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return losses ``(batch,)`` and gate gradients ``(batch, n_gates)``."""
        values = self._part.values(np.atleast_2d(gate_values))
        losses, slopes = np.empty(len(values)), np.empty(values.shape)
        for row, gates in enumerate(np.atleast_2d(gate_values)):
            tape = self._part.bind(gates)
            if not self._part.positions:
                losses[row] = _scalar(self._device.execute((tape,), self._circuit.config)[0])
                continue
            results, jacobians = self._device.execute_and_compute_derivatives((tape,), self._circuit.config)
            losses[row] = _scalar(results[0])
            slopes[row] = np.asarray(jacobians[0], float).reshape(-1)
        return losses, slopes @ self._part.matrix

    def loss(self, gate_values: np.ndarray) -> np.ndarray:
        """Return losses ``(batch,)`` without gradients."""
        tapes = [self._part.bind(g) for g in np.atleast_2d(gate_values)]
        return np.array([_scalar(r) for r in self._device.execute(tapes, self._circuit.config)])


def _scalar(result) -> float:
    return float(np.squeeze(np.asarray(result, float)))
