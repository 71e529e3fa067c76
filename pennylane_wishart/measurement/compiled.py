"""Gradients compiled by Catalyst, for QNodes that are ``qjit`` objects (needs pennylane-catalyst)."""

from __future__ import annotations

import numpy as np
import pennylane as qml

from pennylane_wishart.measurement.lightning import UnsupportedRouteError
from pennylane_wishart.measurement.prepare import PreparedCircuit

__all__ = ["CatalystAdjoint"]


class CatalystAdjoint:
    """ℓ and dℓ/d(gate value) by Catalyst's compiled adjoint differentiation, one point per call.

    The tape is compiled rather than the user's function: it is the same circuit, it takes flat gate
    values, and it travels to workers.
    """

    route = "catalyst"

    def __init__(self, device, prepared: PreparedCircuit):
        try:
            import catalyst
        except ImportError as error:
            raise UnsupportedRouteError("Catalyst is not installed (pip install pennylane-catalyst)") from error
        if prepared.rebuild is not None or prepared.executions != 1:
            raise UnsupportedRouteError("the device splits or reshapes the circuit")
        part = self._part = prepared.tapes[0]
        if not part.positions:
            raise UnsupportedRouteError("the circuit has no gate to differentiate")
        qnode = qml.QNode(_replay(part), device, diff_method="adjoint")
        self._loss = catalyst.qjit(qnode)
        self._both = catalyst.qjit(catalyst.value_and_grad(qnode))

    def evaluate(self, gate_values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return losses ``(batch,)`` and gate gradients ``(batch, n_gates)``."""
        found = [self._both(row) for row in self._rows(gate_values)]
        losses = np.array([float(loss) for loss, _ in found])
        return losses, np.array([np.asarray(slope, float) for _, slope in found]) @ self._part.matrix

    def loss(self, gate_values: np.ndarray) -> np.ndarray:
        """Return losses ``(batch,)`` without gradients."""
        return np.array([float(self._loss(row)) for row in self._rows(gate_values)])

    def _rows(self, gate_values: np.ndarray) -> np.ndarray:
        # Compiled functions read rows that do not lie in one piece as if they did (Catalyst 0.15).
        return np.ascontiguousarray(self._part.values(np.atleast_2d(gate_values)))


def _replay(part):
    """Return a quantum function of the varying parameters that queues the tape's operations."""
    driven: dict[int, dict[int, int]] = {}
    for k, position in enumerate(part.positions):
        place = part.tape.par_info[position]
        driven.setdefault(place["op_idx"], {})[place["p_idx"]] = k

    def circuit(values):
        for index, op in enumerate(part.tape.operations):
            slots = driven.get(index)
            if slots is None:
                qml.apply(op)
                continue
            data = [values[slots[slot]] if slot in slots else x for slot, x in enumerate(op.data)]
            with qml.QueuingManager.stop_recording():
                bound = qml.ops.functions.bind_new_parameters(op, data)
            qml.apply(bound)
        return qml.expval(part.tape.measurements[0].obs)

    return circuit
