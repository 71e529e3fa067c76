"""What every adjoint route offers, and the public one: the device's own Jacobian on tapes prepared once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
import pennylane as qml

from pennylane_wishart.conventions.arrays import Floats
from pennylane_wishart.measurement.routes.prepare import PreparedCircuit, PreparedTape, bind_values

__all__ = ["AdjointRoute", "DeviceAdjoint", "UnsupportedRouteError", "on_numbered_wires", "only_tape"]


class UnsupportedRouteError(Exception):
    """A route cannot take this circuit; the caller falls back and says so."""


def only_tape(circuit: PreparedCircuit) -> PreparedTape:
    """Return the one tape of a circuit that a device runs as it is."""
    # A gradient of several tapes would need the derivative of what joins them.
    if circuit.rebuild is not None or circuit.executions != 1:
        raise UnsupportedRouteError("the device splits or reshapes the circuit")
    return circuit.tapes[0]


def on_numbered_wires(tape: qml.tape.QuantumScript, wires: Any) -> qml.tape.QuantumScript:
    """Return the tape with the device's wires numbered in order."""
    if tuple(wires) == tuple(range(len(wires))):
        return tape
    [mapped], _ = qml.map_wires(tape, {w: i for i, w in enumerate(wires)})
    return mapped


class AdjointRoute(ABC):
    """ℓ and dℓ/d(gate value) of many points, through the parameters of one prepared tape."""

    route: ClassVar[str]

    def __init__(self, part: PreparedTape) -> None:
        self._part = part

    def evaluate(self, gate_values: Floats) -> tuple[Floats, Floats]:
        """Return losses ``(batch,)`` and gate gradients ``(batch, n_gates)``."""
        losses, slopes = self._gradients(self._part.values(np.atleast_2d(gate_values)))
        return losses, slopes @ self._part.matrix

    def loss(self, gate_values: Floats) -> Floats:
        """Return losses ``(batch,)`` without gradients."""
        return self._losses(self._part.values(np.atleast_2d(gate_values)))

    @abstractmethod
    def _gradients(self, values: Floats) -> tuple[Floats, Floats]:
        """Return losses and slopes in the tape's varying parameters ``(batch, n_positions)``."""

    @abstractmethod
    def _losses(self, values: Floats) -> Floats:
        """Return losses alone."""


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
            # Nothing to differentiate: there is no Jacobian to ask for.
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
