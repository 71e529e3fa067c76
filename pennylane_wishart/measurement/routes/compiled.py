"""Gradients compiled by Catalyst, for QNodes that are ``qjit`` objects (needs pennylane-catalyst)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pennylane as qml

from pennylane_wishart.conventions.arrays import Floats
from pennylane_wishart.measurement.routes.adjoint import AdjointRoute, UnsupportedRouteError, only_tape
from pennylane_wishart.measurement.routes.prepare import PreparedCircuit, PreparedTape

__all__ = ["CatalystAdjoint"]


class CatalystAdjoint(AdjointRoute):
    """ℓ and dℓ/d(gate value) by Catalyst's compiled adjoint differentiation, one point per call.

    The tape is compiled rather than the user's function: it is the same circuit, it takes flat gate
    values, and it travels to workers.
    """

    route = "catalyst"

    def __init__(self, device: Any, prepared: PreparedCircuit) -> None:
        try:
            import catalyst
        except ImportError as error:
            raise UnsupportedRouteError("Catalyst is not installed (pip install pennylane-catalyst)") from error
        super().__init__(only_tape(prepared))
        if not self._part.positions:
            raise UnsupportedRouteError("the circuit has no gate to differentiate")
        qnode = qml.QNode(_replay(self._part), device, diff_method="adjoint")
        self._compiled_loss = catalyst.qjit(qnode)
        self._compiled_both = catalyst.qjit(catalyst.value_and_grad(qnode))

    def _gradients(self, values: Floats) -> tuple[Floats, Floats]:
        # Compiled functions read rows that do not lie in one piece as if they did (Catalyst 0.15).
        found = [self._compiled_both(row) for row in np.ascontiguousarray(values)]
        losses = np.array([float(loss) for loss, _ in found])
        return losses, np.array([np.asarray(slope, float) for _, slope in found])

    def _losses(self, values: Floats) -> Floats:
        return np.array([float(self._compiled_loss(row)) for row in np.ascontiguousarray(values)])


def _replay(part: PreparedTape) -> Callable[[Any], Any]:
    """Return a quantum function of the varying parameters that queues the tape's operations."""
    driven: dict[int, dict[int, int]] = {}
    for k, position in enumerate(part.positions):
        place = part.tape.par_info[position]
        driven.setdefault(place["op_idx"], {})[place["p_idx"]] = k

    def circuit(values: Any) -> Any:
        for index, op in enumerate(part.tape.operations):
            slots = driven.get(index)
            if slots is None:
                qml.apply(op)
                continue
            data = [values[slots[slot]] if slot in slots else x for slot, x in enumerate(op.data)]
            # Binding makes a gate, which would be queued a second time.
            with qml.QueuingManager.stop_recording():
                bound = qml.ops.functions.bind_new_parameters(op, data)
            qml.apply(bound)
        return qml.expval(part.tape.measurements[0].obs)

    return circuit
