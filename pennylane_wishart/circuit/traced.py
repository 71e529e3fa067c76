"""``TracedCircuit``: a circuit as it was read, with the affine map from parameters to its gates."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pennylane as qml
from pennylane.operation import Operator
from pennylane.tape import QuantumScript as Tape
from scipy.sparse import csr_array, issparse

from pennylane_wishart.circuit.affine import significant
from pennylane_wishart.circuit.arguments import Arguments, Slot
from pennylane_wishart.circuit.channels import MachineNoise
from pennylane_wishart.circuit.expand import Gate
from pennylane_wishart.circuit.gate_matrices import array_bytes
from pennylane_wishart.circuit.layers import read_call
from pennylane_wishart.circuit.outputs import Output
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.errors import InputError

__all__ = ["TracedCircuit"]


@dataclass(frozen=True, eq=False)
class TracedCircuit(Shown):
    """A QNode at one call: its elementary gates and d(angle)/d(parameter)."""

    gates: tuple[Gate, ...]
    """Elementary gates of the (first) datum at the traced arguments."""
    rotations: np.ndarray
    """int64: indices of the gates that are rotations; rows of ``map``."""
    map: csr_array
    """d(rotation value)/d(parameter), ``(len(rotations), n_params)``."""
    data_map: csr_array | None
    """The same for the data inputs, only with ``encoding="random"``."""
    offsets: np.ndarray
    """Rotation values where every trainable parameter is 0."""
    arguments: Arguments
    observable: Operator
    wires: tuple[Hashable, ...]
    qnode: Any = field(default=None, repr=False)
    device: Any = field(default=None, repr=False)
    data_gates: tuple[tuple[Gate, ...], ...] = field(default=(), repr=False)
    """Gates of every datum of a batch; empty without a batch."""
    encoding: str = "fixed"
    outputs: tuple[Output, ...] = field(default=(), repr=False)
    """Everything that the QNode returns; ``observable`` is that of one."""
    compilations: tuple[TracedCircuit, ...] = field(default=(), repr=False)
    """The circuit with the noise of several programs of its device, where the compiler makes different ones."""

    # ------------------------------------------------------------------ parameters
    @property
    def n_params(self) -> int:
        """Number of flat trainable parameters."""
        return int(self.map.shape[1])

    @property
    def values(self) -> np.ndarray:
        """Flat parameters at the traced arguments."""
        return self.arguments.values

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the trainable arguments."""
        return self.arguments.shapes

    @property
    def argnums(self) -> tuple[Slot, ...]:
        """Slots of the trainable arguments."""
        return self.arguments.slots

    @property
    def interface(self) -> str:
        """One of "autograd", "jax", "torch", "numpy"."""
        return self.arguments.interface

    @property
    def batch_size(self) -> int | None:
        """Number of data of a batch; None without one."""
        return len(self.data_gates) or None

    def parameters(self, *args: Any, **kwargs: Any) -> np.ndarray:
        """Return flat parameters ``(n_params,)`` from QNode arguments.

        Raises:
            InputError: if the data arguments differ from the traced ones.
        """
        if self.qnode is None:
            return np.asarray(args[0], float).reshape(-1) if args else self.values
        call = read_call(self.qnode, args, kwargs, list(self.argnums))
        if call.shapes != self.shapes:
            raise InputError(
                f"The trainable arguments have shapes {call.shapes}; the circuit was read with "
                f"{self.shapes}: read it again with pw.normal_form(qnode)(*args)."
            )
        if self.encoding == "fixed" and not call.same_data(self.arguments):
            raise InputError(
                "The data arguments differ from those the circuit was read at: read it again with "
                "pw.normal_form(qnode)(*args)."
            )
        return call.values

    # ------------------------------------------------------------------ tapes
    @cached_property
    def _trainable_rows(self) -> np.ndarray:
        return np.flatnonzero(np.diff(self.map.indptr))

    @cached_property
    def jacobian(self) -> csr_array:
        """d(trainable gate parameter of ``tape``)/d(parameter), sparse."""
        signs = np.array([self._op_sign(self.gates[g]) for g in self.rotations[self._trainable_rows]])
        rows = self.map[self._trainable_rows]
        return csr_array(rows.multiply(signs[:, None])) if len(signs) else rows

    @staticmethod
    def _op_sign(gate: Gate) -> float:
        """Gate value = sign × operation parameter (an adjoint's angle is minus its base's)."""
        parameter = _op_parameter(gate.op)
        # 0 has no sign to compare
        if parameter == 0 or gate.value == 0:
            return _sign_of_kind(gate)
        return float(np.sign(gate.value * parameter))

    @cached_property
    def gate_offsets(self) -> np.ndarray:
        """Trainable gate parameters of ``tape`` at θ = 0."""
        rows = self._trainable_rows
        signs = np.array([self._op_sign(self.gates[g]) for g in self.rotations[rows]])
        return signs * self.offsets[rows] if len(rows) else np.zeros(0)

    def gate_values(self, theta: Any) -> np.ndarray:
        """Return trainable gate parameters ``(…, m)`` at flat parameters ``(…, n_params)``."""
        theta = np.asarray(theta, float)
        flat = theta.reshape(-1, self.n_params)
        return np.asarray((self.jacobian @ flat.T).T.reshape(*theta.shape[:-1], -1) + self.gate_offsets)

    @cached_property
    def tape(self) -> Tape:
        """Elementary gates and one expectation value, trainable gate parameters marked."""
        return self._tape_of(self.gates)

    @cached_property
    def tapes(self) -> tuple[Tape, ...]:
        """One tape per datum of a batch; one in all without a batch."""
        return tuple(self._tape_of(g) for g in self.data_gates) or (self.tape,)

    def _tape_of(self, gates: Sequence[Gate]) -> Tape:
        trainable = set(self.rotations[self._trainable_rows].tolist())
        ops, indices, at = [], [], 0
        for i, gate in enumerate(gates):
            op = gate.op
            if isinstance(op, MachineNoise):  # the device adds it when the tape runs there
                continue
            ops.append(op)
            if i in trainable:
                indices.append(at)
            at += len(op.data)
        with qml.queuing.QueuingManager.stop_recording():
            return qml.tape.QuantumScript(ops, [qml.expval(self.observable)], trainable_params=indices)

    def bind(self, theta: Any) -> Tape:
        """Return ``tape`` at flat parameters ``(n_params,)``."""
        values = self.gate_values(np.asarray(theta, float))
        return self.tape.bind_new_parameters(list(values), self.tape.trainable_params)

    @cached_property
    def content_hash(self) -> str:
        """sha256 of operations, numbers rounded to 1e-12, wires and measurement."""
        digest = hashlib.sha256()
        for gates in self.data_gates or (self.gates,):
            for gate in gates:
                digest.update(repr((gate.op.name, gate.key, tuple(gate.op.wires))).encode())
                for d in gate.op.data if gate.kind not in ("rotation", "channel") else ():
                    digest.update(np.round(np.asarray(qml.math.toarray(d), complex), 12).tobytes())
        # twelve digits, not decimals: a slope of 1e-13 is a slope
        digest.update(significant(self.map.data).tobytes())
        digest.update(self.map.indices.tobytes() + self.map.indptr.tobytes())
        digest.update(np.round(self.offsets, 10).tobytes())
        # the observable as PennyLane prints it: coefficients and wires are in it
        digest.update(str(self.observable).encode())
        for d in self.observable.data:  # of a large matrix the corners alone are printed
            if issparse(d) or np.ndim(d) > 1:
                digest.update(array_bytes(d))
        return digest.hexdigest()


def _op_parameter(op: Operator) -> float:
    base = op
    while isinstance(base, qml.ops.op_math.Adjoint):
        base = base.base
    parameter = getattr(base, "param", None) if base.name == "Evolution" else None
    if parameter is None:
        parameter = base.data[0]
    return float(np.real(np.asarray(qml.math.toarray(qml.math.unwrap([parameter])[0]))))


def _sign_of_kind(gate: Gate) -> float:
    """The sign where the angle happens to be 0: minus for each adjoint around the gate."""
    depth = 0
    for part in gate.key:
        if part != "adjoint":
            break
        depth += 1
    return float((-1) ** depth)


# ---------------------------------------------------------------------- tracing
