"""QNode or tape → ``TracedCircuit``: elementary gates and the sparse map of their angles."""

from __future__ import annotations

import hashlib
import logging
import warnings
from collections.abc import Callable, Hashable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pennylane as qml
from pennylane.operation import Operator
from pennylane.tape import QuantumScript as Tape
from scipy.sparse import csr_array

from pennylane_wishart.circuit.affine import AffineMap, affine_map, significant
from pennylane_wishart.circuit.arguments import Arguments, Context, Slot
from pennylane_wishart.circuit.channels import is_channel
from pennylane_wishart.circuit.checks import check_tape, check_wires, unwrap
from pennylane_wishart.circuit.expand import Gate, expand_operations
from pennylane_wishart.circuit.gate_matrices import array_bytes
from pennylane_wishart.circuit.layers import holds_arguments, read_call
from pennylane_wishart.circuit.outputs import Output, Which, named
from pennylane_wishart.circuit.pipeline import build_tape, transform_names, with_noise, without_rewrites
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.errors import InputError, UnsupportedCircuitError, WishartError, WishartWarning

__all__ = ["TracedCircuit", "trace_qnode"]

_logger = logging.getLogger("pennylane_wishart")


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
def trace_qnode(
    circuit: Any,
    args: Any = (),
    kwargs: dict[str, Any] | None = None,
    argnums: Any = None,
    output: Which = None,
    encoding: str = "fixed",
    noise: Any = None,
) -> TracedCircuit:
    """Trace a QNode, qjit object, layer or tape at one call.

    Args:
        circuit: what to read.
        args, kwargs: the arguments of the call.
        argnums: trainable arguments, by position or name; PennyLane's rule where None.
        output: which of several expectation values.
        encoding: "fixed" keeps data gates at the given data; "random" treats each data gate that
            follows a trainable one as having its own uniform angle.
        noise: a ``qml.NoiseModel`` that the circuit is read under.
    """
    if encoding not in ("fixed", "random"):
        raise InputError(f"encoding={encoding!r}: use 'fixed' or 'random'.")
    # a layer keeps its own weights, a partial its first arguments: they are what later calls are made of
    source, circuit = circuit, with_noise(unwrap(circuit), noise)
    if isinstance(circuit, qml.tape.QuantumScript):
        return _trace_tape(circuit, argnums, output)
    source = source if holds_arguments(source) else circuit
    arguments = read_call(source, args, kwargs or {}, argnums)
    try:
        found = _trace(circuit, arguments, output, encoding)
    except UnsupportedCircuitError as err:
        # transforms that only rewrite gates may depend on the angles: the loss is that of the QNode without
        plain = without_rewrites(circuit)
        if plain is None:
            raise
        try:
            found = _trace(plain, arguments, output, encoding)
        except UnsupportedCircuitError:
            _logger.debug("The circuit cannot be read before its transforms either", exc_info=True)
            raise err from None
        warnings.warn(
            f"The gates that the QNode's transforms ({', '.join(transform_names(circuit))}) make are not read: they "
            "change with the angles. Those that only rewrite gates are left out, which does not change the loss.",
            WishartWarning,
            stacklevel=4,
        )
    return replace(found, qnode=source)


def _trace(circuit: Any, arguments: Arguments, output: Which, encoding: str) -> TracedCircuit:
    """Trace a QNode whose arguments have been read."""
    tape, precise = _first_tape(circuit, arguments)
    outputs = check_tape(tape, getattr(circuit.device, "wires", None) or (), output)
    outputs = outputs if len(outputs) == 1 else _with_keys(circuit, arguments, outputs)
    wires = check_wires(tape, circuit.device)
    slots = arguments.slots + (arguments.data_slots if encoding == "random" else ())
    data_gates = tuple(tuple(expand_operations(t.operations)) for t in _batch(tape))
    gates = data_gates[0]

    def probe(flat: np.ndarray) -> Tape:
        called, context = precise
        with context():
            try:
                return _batch(build_tape(circuit, *called.rebuild(flat, slots)))[0]
            except (AttributeError, TypeError):  # the function wants its own interface's arrays
                return _batch(build_tape(circuit, *called.rebuild(flat, slots, native=True)))[0]

    x0 = arguments.flatten(slots)
    rotations, found = _angles(gates, tape, probe, x0)
    n_params = len(arguments.values)
    # parameters first, then the data that are treated as random
    split, inputs = csr_array(found.matrix[:, :n_params]), csr_array(found.matrix[:, n_params:])
    if n_params and split.nnz == 0:
        raise UnsupportedCircuitError(
            "No trainable parameter: no gate depends on the trainable arguments "
            f"(slots {list(arguments.slots)}); check argnums= and requires_grad."
        )
    return TracedCircuit(
        gates=gates,
        rotations=rotations,
        map=split,
        data_map=inputs if encoding == "random" else None,
        offsets=found.offsets + inputs @ x0[n_params:],
        arguments=arguments,
        observable=outputs[0].operator,
        wires=wires,
        qnode=circuit,
        device=circuit.device,
        data_gates=data_gates if tape.batch_size is not None else (),
        encoding=encoding,
        outputs=outputs,
    )


def _with_keys(circuit: Any, arguments: Arguments, outputs: tuple[Output, ...]) -> tuple[Output, ...]:
    """Name outputs by the user's own keys: a tape does not keep what the function returned."""
    with qml.queuing.AnnotatedQueue():
        func = getattr(circuit.func, "__wishart_original__", circuit.func)
        return named(outputs, func(*arguments.args, **arguments.kwargs))


def _angles(
    gates: Sequence[Gate], tape: Tape, probe: Callable[[np.ndarray], Tape], x0: np.ndarray
) -> tuple[np.ndarray, AffineMap]:
    """Return which gates are rotations, and their angles as an affine map of the parameters that ``probe`` binds."""
    rotations = np.array([i for i, g in enumerate(gates) if g.kind == "rotation"], np.int64)
    # what must not change when parameters do: gates, wires, states, what is measured
    wanted = _structure(gates, tape)

    def values_at(flat: np.ndarray) -> np.ndarray:
        tape = probe(flat)
        found = expand_operations(tape.operations)
        _check_structure(found, tape, wanted)
        return np.array([found[i].value for i in rotations])

    base = np.array([gates[i].value for i in rotations])
    return rotations, affine_map(values_at, x0, base, lambda i: _describe(gates[rotations[i]]))


def _first_tape(circuit: Any, arguments: Arguments) -> tuple[Tape, tuple[Arguments, Context]]:
    """Return the tape of the call, and (arguments, context) for the calls that vary them."""
    # slopes of single-precision angles are off by 1e-8, and periods with them
    doubled, context = arguments.doubled()
    if doubled is not arguments:
        try:
            with context():
                return build_tape(circuit, doubled.args, doubled.kwargs), (doubled, context)
        except (TypeError, RuntimeError):  # single-precision constants in the function: its own precision then
            _logger.debug("The function does not take double precision", exc_info=True)
    try:
        return build_tape(circuit, arguments.args, arguments.kwargs), (arguments, nullcontext)
    except (IndexError, KeyError, ValueError) as err:
        if isinstance(err, WishartError):
            raise
        shapes = ", ".join(str(shape) for shape in arguments.shapes)
        raise InputError(
            f"The QNode's own function raised {type(err).__name__}: {str(err).rstrip('.')}. Trainable arguments "
            f"came with shapes {shapes}; call the QNode itself with the same arguments first."
        ) from err


def _batch(tape: Tape) -> list[Tape]:
    if tape.batch_size is None:
        return [tape]
    return list(qml.transforms.broadcast_expand(tape)[0])


def _structure(gates: Sequence[Gate], tape: Tape) -> list[Hashable]:
    found: list[Hashable] = [(g.kind, g.key, tuple(g.op.wires)) for g in gates]
    for m in tape.measurements:
        data = () if m.obs is None else tuple(array_bytes(d) for d in m.obs.data)
        found.append((str(type(m)), getattr(m.obs, "name", ""), tuple(m.wires), data))
    return found


def _check_structure(gates: Sequence[Gate], tape: Tape, wanted: list[Hashable]) -> None:
    """Refuse gates, states or observables that change as a whole with the parameters; name the first."""
    found = _structure(gates, tape)
    if found == wanted:
        return
    at = next(
        (i for i, (a, b) in enumerate(zip(found, wanted, strict=False)) if a != b), min(len(found), len(gates)) - 1
    )
    what = _describe(gates[at]) if 0 <= at < len(gates) else f"what is measured ({tape.measurements[0]})"
    raise UnsupportedCircuitError(
        f"The circuit's structure depends on the values of the trainable parameters, from {what} on: a prepared "
        "state, a gate given by a matrix, the strength of a noise channel, the observable, or which gates there are. "
        "No normal form exists: only "
        "rotation angles may be trainable."
    )


def _describe(gate: Gate) -> str:
    return f"{gate.op.name} on wires {list(gate.op.wires)}"


def _trace_tape(tape: Tape, argnums: Any, output: Which) -> TracedCircuit:
    """A tape: its trainable parameters are the parameters, one each."""
    outputs = check_tape(tape, output=output)
    if tape.batch_size is not None:
        raise UnsupportedCircuitError("Pass the tapes of a batch one by one.")
    # a tape counts the strengths of its channels as trainable: none of them is an angle
    strengths = {i for i, entry in enumerate(tape.par_info) if is_channel(entry["op"])}
    trainable = [i for i in tape.trainable_params if i not in strengths] if argnums is None else np.atleast_1d(argnums)
    all_values = tape.get_parameters(trainable_only=False)
    values = np.array([float(qml.math.toarray(qml.math.unwrap([all_values[i]])[0])) for i in trainable])
    if not len(values):
        raise UnsupportedCircuitError("No trainable parameter: set tape.trainable_params.")
    if not np.all(np.isfinite(values)):
        raise InputError("The tape's parameters hold NaN or infinite values: give finite numbers.")
    gates = tuple(expand_operations(tape.operations))
    rotations, found = _angles(gates, tape, lambda flat: tape.bind_new_parameters(list(flat), trainable), values)
    arguments = Arguments((values,), {}, (0,), (values.shape,), (), "numpy")
    return TracedCircuit(
        gates=gates,
        rotations=rotations,
        map=found.matrix,
        data_map=None,
        offsets=found.offsets,
        arguments=arguments,
        observable=outputs[0].operator,
        wires=check_wires(tape, None),
        outputs=outputs,
    )
