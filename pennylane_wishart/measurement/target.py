"""What is measured: the first argument of ``measure`` resolved to one traced circuit and its law."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pennylane as qml

from pennylane_wishart.circuit.angles import AngleLaw
from pennylane_wishart.circuit.normal_form import normal_form
from pennylane_wishart.circuit.periods import Ranges, ranges_of
from pennylane_wishart.circuit.records import RotationCircuit
from pennylane_wishart.circuit.trace import TracedCircuit, trace_qnode
from pennylane_wishart.conventions.arrays import Floats
from pennylane_wishart.errors import InputError, ModuleTooLargeError, UnsupportedCircuitError
from pennylane_wishart.measurement.engine import Task
from pennylane_wishart.measurement.options import MeasureOptions
from pennylane_wishart.measurement.recipes import DeviceRecipe
from pennylane_wishart.measurement.routes.shifts import gate_frequencies

__all__ = ["Target", "resolve_target"]


@dataclass(frozen=True, eq=False)
class Target:
    """A traced circuit of one datum, the normal form where there is one, and the periods."""

    trace: TracedCircuit
    circuit: RotationCircuit | None
    tape: qml.tape.QuantumScript
    circuit_hash: str

    @property
    def n_params(self) -> int:
        """Number of flat trainable parameters."""
        return self.trace.n_params

    def law(self, spec: Any) -> AngleLaw:
        """Resolve ``angles=``, exactly as prediction does wherever a normal form exists."""
        if self.circuit is not None:
            return self.circuit.angle_law(spec)
        found = _gate_ranges(self.tape, self.trace.jacobian)
        return AngleLaw.resolve(spec, found.width, found.incommensurate)

    def periods(self) -> Floats:
        """Period of the loss in each parameter, radians ``(n_params,)``."""
        if self.circuit is not None:
            return np.asarray(self.circuit.periods)
        return _gate_periods(self.tape, self.trace.jacobian)

    def task(self, recipe: DeviceRecipe, **options: Any) -> Task:
        """Return the picklable description of the work."""
        tape, order = self.tape, tuple(range(len(recipe.wires)))
        if recipe.is_seedable and tuple(recipe.wires) != order:
            # Our own device may as well have the wires in the order that costs nothing.
            [tape], _ = qml.map_wires(tape, dict(zip(recipe.wires, order, strict=True)))
            tape.trainable_params = self.tape.trainable_params
            recipe = replace(recipe, wires=order)
        offsets = np.asarray(self.trace.gate_offsets)
        return Task(tape, self.trace.jacobian, offsets, recipe, **options)


def resolve_target(first: Any, args: Any, kwargs: Any, options: MeasureOptions | None = None) -> Target:
    """Accept a QNode (or anything the circuit room reads), a TracedCircuit or a RotationCircuit."""
    options = options or MeasureOptions()
    circuit: RotationCircuit | None = None
    if isinstance(first, RotationCircuit):
        if first.trace is None:
            raise InputError(
                "This RotationCircuit was built from words and has no gates to run: pass the QNode, or a "
                "circuit made by pw.normal_form(qnode)(*args)."
            )
        circuit, trace = first, first.trace
    else:
        if isinstance(first, TracedCircuit):
            trace = first
        else:
            trace = trace_qnode(first, args, kwargs, options.argnums, options.output, options.encoding)
        try:
            circuit = normal_form(trace)()
        except (UnsupportedCircuitError, ModuleTooLargeError, MemoryError):
            # It can be measured all the same; periods then come from the gates.
            circuit = None
    tapes, datum = trace.tapes, options.datum
    if not 0 <= datum < len(tapes):
        raise InputError(f"datum={datum} was asked for, but the call has {len(tapes)} data.")
    name = trace.content_hash if circuit is None else circuit.content_hash
    return Target(trace, circuit, tapes[datum], name if datum == 0 else f"{name}:{datum}")


def _gate_periods(tape: qml.tape.QuantumScript, jacobian: Any) -> Floats:
    return np.asarray(_gate_ranges(tape, jacobian).width)


def _gate_ranges(tape: qml.tape.QuantumScript, jacobian: Any) -> Ranges:
    """Ranges from the gates' own frequencies, for circuits without a normal form."""
    found: dict[int, list[float]] = {}
    rows = jacobian.tocoo()
    for gate, parameter, rate in zip(rows.row, rows.col, rows.data, strict=True):
        operation = tape.get_operation(int(gate))[0]
        rates = [abs(rate) * f for f in gate_frequencies(operation)]
        found.setdefault(int(parameter), []).extend(rates)
    return ranges_of(jacobian.shape[1], found)
