"""QNode or tape → ``TracedCircuit``: elementary gates and the sparse map of their angles."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Hashable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import pennylane as qml
from pennylane.tape import QuantumScript as Tape
from scipy.sparse import csr_array

from pennylane_wishart.circuit.affine import AffineMap, affine_map
from pennylane_wishart.circuit.arguments import Arguments, Context
from pennylane_wishart.circuit.backends import with_device_noise
from pennylane_wishart.circuit.channels import is_channel
from pennylane_wishart.circuit.checks import check_tape, check_wires, unwrap
from pennylane_wishart.circuit.expand import Gate, expand_operations
from pennylane_wishart.circuit.gate_matrices import array_bytes
from pennylane_wishart.circuit.layers import holds_arguments, read_call
from pennylane_wishart.circuit.outputs import Output, Which, named
from pennylane_wishart.circuit.pipeline import build_tape, transform_names, with_noise, without_rewrites
from pennylane_wishart.circuit.traced import TracedCircuit
from pennylane_wishart.errors import InputError, UnsupportedCircuitError, WishartError, WishartWarning

__all__ = ["trace_qnode"]

_logger = logging.getLogger("pennylane_wishart")


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
        noise: a ``qml.NoiseModel`` that the circuit is read under, or "device" for that of its device.
    """
    if encoding not in ("fixed", "random"):
        raise InputError(f"encoding={encoding!r}: use 'fixed' or 'random'.")
    # a layer keeps its own weights, a partial its first arguments: they are what later calls are made of
    of_device = isinstance(noise, str) and noise == "device"
    source, circuit = circuit, with_noise(unwrap(circuit), None if of_device else noise)
    if isinstance(circuit, qml.tape.QuantumScript) and of_device:
        raise InputError('noise="device" needs a QNode: a tape has no device.')
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
    return replace(with_device_noise(found) if of_device else found, qnode=source)


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
            f"No trainable parameter: no gate depends on the trainable arguments ({arguments.named}); "
            "check argnums= and requires_grad."
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
