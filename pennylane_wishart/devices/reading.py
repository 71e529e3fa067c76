"""Tape → ``Reading``: its key, its elementary gates, and which of them only prepare the input."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import pennylane as qml
from pennylane.operation import StatePrepBase

from pennylane_wishart.circuit.expand import Gate, expand_operation
from pennylane_wishart.circuit.gate_matrices import operation_key
from pennylane_wishart.circuit.operators import operator_to_sum
from pennylane_wishart.circuit.prefix import build_state
from pennylane_wishart.circuit.states import InputState
from pennylane_wishart.conventions import devices as limits
from pennylane_wishart.errors import UnsupportedCircuitError
from pennylane_wishart.paulis import PauliSum

__all__ = ["NO_EFFECT", "Operator", "Reading", "Step", "Tape", "read_tape"]

Operator: TypeAlias = qml.operation.Operator
Tape: TypeAlias = qml.tape.QuantumScript
NO_EFFECT = ("Barrier", "Snapshot", "Identity", "GlobalPhase", "WireCut", "Adjoint(GlobalPhase)")


@dataclass(frozen=True, eq=False)
class Step:
    """One gate after the input state."""

    gate: Gate
    targets: list[int]
    source: int
    """Index of the tape parameter that is its angle; −1 if it has none."""
    slope: float
    """d(gate value)/d(tape parameter): −1 under an adjoint, the exponent of a power."""
    fixed: bool
    """Whether the angle is a fixed quarter turn, so that the gate may be Clifford."""


@dataclass(frozen=True, eq=False)
class Reading:
    """A tape as the device sees it: what prepares the input, what follows, what is measured."""

    tape: Tape
    wires: tuple[Hashable, ...]
    key: tuple[Hashable, ...]
    """Equal keys: equal programs."""
    prepared: tuple[int, ...]
    """Indices of the operations that only prepare the input state."""
    first_parameter: tuple[int, ...] = field(repr=False)
    """Index of each operation's first tape parameter."""
    quarter: tuple[int | None, ...] = field(repr=False)
    """Quarter turns of each operation with a fixed angle that is a multiple of π/2."""

    @property
    def n_qubits(self) -> int:
        """Number of wires in use."""
        return len(self.wires)

    @property
    def steps(self) -> list[Step]:
        """The gates after the input state."""
        index = {w: q for q, w in enumerate(self.wires)}
        skipped, out = set(self.prepared), []
        for i, op in enumerate(self.tape.operations):
            if i in skipped:
                continue
            gates = _gates_of(op)
            targets = [[index[w] for w in g.op.wires] for g in gates]
            driven = len(op.data) == 1 and len(gates) == 1 and gates[0].kind == "rotation"
            source = self.first_parameter[i] if driven else -1
            for gate, where in zip(gates, targets, strict=True):
                slope = _slope_of(op) if driven else 1.0
                out.append(Step(gate, where, source, slope, self.quarter[i] is not None))
        return out

    def observables(self) -> list[PauliSum]:
        """Return the measured observables as Pauli sums on the wires in use.

        Raises:
            UnsupportedCircuitError: if one is not Hermitian.
        """
        sums = [operator_to_sum(m.obs, self.wires) for m in self.tape.measurements]
        for m, s in zip(self.tape.measurements, sums, strict=True):
            if np.iscomplexobj(s.coefficients):
                raise UnsupportedCircuitError(
                    f"{m.obs} is not Hermitian: its Pauli coefficients are not real. Measure its real and imaginary "
                    "parts by themselves."
                )
        return sums

    def state_key(self) -> bytes:
        """Return bytes that are equal for equal input states."""
        values = [d for i in self.prepared for d in self.tape.operations[i].data]
        return b"".join(np.ascontiguousarray(np.asarray(v, complex)).tobytes() for v in values)

    def states(self) -> list[InputState]:
        """Return the input states, one per batch entry (one in all where nothing is batched)."""
        index = {w: q for q, w in enumerate(self.wires)}
        ops = [self.tape.operations[i] for i in self.prepared]
        size = max((op.batch_size or 1 for op in ops), default=1)
        out = []
        for entry in range(size):
            gates: list[Gate] = []
            for op in ops:
                gates += _gates_of(_entry(op, entry))
            out.append(build_state(gates, index, self.n_qubits))
        return out


def _slope_of(op: Operator) -> float:
    """Return d(gate value)/d(operation parameter): gate values are proportional to their parameters.

    Wrappers are not read one by one (adjoints and powers nest in any order): the gate is expanded at 1.
    """
    if getattr(op, "base", None) is None:
        return 1.0
    with qml.queuing.QueuingManager.stop_recording():
        return _gates_of(qml.ops.functions.bind_new_parameters(op, [1.0]))[0].value


def _gates_of(op: Operator) -> list[Gate]:
    gates: list[Gate] = []
    with qml.queuing.QueuingManager.stop_recording():
        expand_operation(_entry(op, 0), gates)
    return gates


def _entry(op: Operator, entry: int) -> Operator:
    """Return one entry of a batched operation."""
    if op.batch_size is None:
        return op
    data = [np.asarray(d)[entry] if np.ndim(d) > n else d for d, n in zip(op.data, op.ndim_params, strict=True)]
    return qml.ops.functions.bind_new_parameters(op, data)


def read_tape(tape: Tape, device_wires: Iterable[Hashable] | None = None) -> Reading:
    """Read a preprocessed tape: numpy parameters, operations that ``accepts`` takes.

    A gate on one wire that nothing entangling has touched yet, with an angle that nobody
    differentiates, prepares the input; so do state preparations. Everything else is evolved.

    Cost: a few microseconds per operation.
    """
    wires = _wires_of(tape, device_wires)
    trainable = set(tape.trainable_params)
    touched: set[Hashable] = set()
    key: list[Hashable] = [wires]
    prepared, first, quarters = [], [], []
    at = 0
    for i, op in enumerate(tape.operations):
        first.append(at)
        moving = any(at + j in trainable for j in range(len(op.data)))
        at += len(op.data)
        quarter = None
        if op.name not in NO_EFFECT:
            absorbed = _prepares(op, moving, touched)
            if absorbed:
                prepared.append(i)
            else:
                touched.update(op.wires)
            quarter = None if moving or absorbed else _quarter_turns(op)
            key.append((_key_of(op), tuple(op.wires), absorbed, quarter))
        quarters.append(quarter)
    return Reading(tape, wires, tuple(key), tuple(prepared), tuple(first), tuple(quarters))


def _wires_of(tape: Tape, device_wires: Iterable[Hashable] | None) -> tuple[Hashable, ...]:
    used = tape.wires
    if device_wires is None:
        return tuple(used)
    inside = set(used)
    return tuple(w for w in device_wires if w in inside)


def _prepares(op: Operator, moving: bool, touched: set[Hashable]) -> bool:
    if isinstance(op, StatePrepBase):
        if touched.intersection(op.wires):
            raise UnsupportedCircuitError(
                f"{op.name} prepares wires {list(op.wires)} that other gates have already changed: "
                "put it first in the circuit."
            )
        return True
    return not moving and len(op.wires) == 1 and op.wires[0] not in touched


def _quarter_turns(op: Operator) -> int | None:
    """Return the quarter turns of a fixed angle; None where it is none."""
    if len(op.data) != 1 or np.ndim(op.data[0]) or np.iscomplexobj(op.data[0]):
        return None
    turns = float(op.data[0]) / (np.pi / 2)
    whole = round(turns)
    return whole if abs(turns - whole) < limits.QUARTER_TURN else None


def _key_of(op: Operator) -> tuple[Hashable, ...]:
    """A key that is equal for operations that differ in their angle only."""
    if any(np.ndim(d) == 2 for d in op.data) and not isinstance(op, StatePrepBase):
        return (operation_key(op), *(np.asarray(d).tobytes() for d in op.data))
    return operation_key(op)
