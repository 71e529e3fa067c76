"""Gates that a lightning device differentiates wrongly, found out by trying, and how to go round them.

Lightning's adjoint Jacobian counts parameters by its own kernels. A gate that it applies as a
matrix although it has a parameter (OrbitalRotation, the adjoint of a PauliRot, a diagonal
unitary) is not counted, and the gradient comes back as zeros or belongs to other gates,
without an error (pennylane-lightning 0.45). Every kind of gate is therefore compared once with
a difference quotient of the same device's values; what fails is written in Pauli rotations.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import pennylane as qml
from pennylane.devices import ExecutionConfig
from pennylane.exceptions import QuantumFunctionError

from pennylane_wishart.circuit.expand import Gate, expand_operation
from pennylane_wishart.circuit.gate_matrices import array_bytes, gate_matrix, operation_key
from pennylane_wishart.circuit.pipeline import build_tape
from pennylane_wishart.circuit.traced import TracedCircuit
from pennylane_wishart.conventions import measurement as limits
from pennylane_wishart.measurement.recipes import LIGHTNING
from pennylane_wishart.paulis import PauliWords

__all__ = ["is_wrong", "lowering", "wrong_gradient_gates", "wrong_gradient_notice"]

log = logging.getLogger("pennylane_wishart")
_WRONG: dict[tuple[Any, ...], bool] = {}
"""What was found of each kind of gate on each device: a kind is tried once in a process."""


def is_wrong(device: Any, op: Any, trainable: bool) -> bool:
    """Tell whether a tape with this gate comes back with a wrong gradient.

    Args:
        device: a lightning device.
        op: an operation as the device's preprocessing leaves it.
        trainable: whether its parameter is differentiated; a fixed gate can spoil the others' gradients.
    Cost: a few milliseconds for the first gate of a kind.
    """
    if not len(op.data) or len(op.wires) > limits.GENERATOR_WIRES or isinstance(op, (qml.StatePrep, qml.BasisState)):
        return False
    if trainable and np.ndim(op.data[0]):
        return False
    dtype = np.dtype(getattr(device, "c_dtype", np.complex128))
    arrays = tuple(array_bytes(d) for d in op.data if np.ndim(d))
    key = (device.name, str(dtype), operation_key(op), arrays, trainable)
    if key not in _WRONG:
        # Plain numbers: boxed ones would ask for gradients of the trial itself.
        op = qml.ops.functions.bind_new_parameters(op, [_plain(d) for d in op.data])
        try:
            _WRONG[key] = _differs(device, op, trainable, dtype)
        except (QuantumFunctionError, qml.exceptions.DeviceError, NotImplementedError, RuntimeError) as error:
            # a device that cannot run the little tape says nothing about its derivative
            log.info("the derivative of %s on %s was not tried: %s", op.name, device.name, error)
            _WRONG[key] = False
    return _WRONG[key]


def _plain(value: Any) -> Any:
    array = np.asarray(qml.math.toarray(qml.math.unwrap([value])[0]))
    return array if array.ndim or np.iscomplexobj(array) else float(array)


def _differs(device: Any, op: Any, trainable: bool, dtype: np.dtype[Any]) -> bool:
    """Compare the device's gradient of a small circuit around the gate with difference quotients."""
    wires = list(op.wires)
    small = qml.map_wires(op, {w: i for i, w in enumerate(wires)})
    n = len(wires)
    rng = np.random.default_rng(limits.WRONG_SEED)
    angles = rng.uniform(*limits.WRONG_ANGLES, 3 * n)
    # A generic state before and generic rotations after: no derivative is 0 by symmetry.
    first = [qml.RY(a, q) for q, a in enumerate(angles[:n])] + [qml.RX(a, q) for q, a in enumerate(angles[n : 2 * n])]
    last = [qml.RY(a, q) for q, a in enumerate(angles[2 * n :])]
    words = ["XYZ"[q % 3] for q in range(n)]
    observable = qml.prod(*(getattr(qml, w)(q) for q, w in enumerate(words))) + qml.Z(0) + qml.X(n - 1)
    positions = [*range(2 * n), *range(2 * n + len(op.data), 3 * n + len(op.data))]
    if trainable:
        positions = sorted([*positions, 2 * n])
    tape = qml.tape.QuantumScript([*first, small, *last], [qml.expval(observable)], trainable_params=positions)
    # A device of its own, as wide as the gate: trying costs milliseconds at any size of the circuit.
    own = qml.device(device.name, wires=n, c_dtype=dtype.type)
    config = own.setup_execution_config(ExecutionConfig(gradient_method="adjoint", use_device_gradient=True), tape)
    _, jacobian = own.execute_and_compute_derivatives((tape,), config)
    slopes = np.asarray(jacobian[0], float).reshape(-1)
    values = np.array([float(qml.math.toarray(p)) for p in tape.get_parameters()])
    single = dtype == np.complex64
    step = limits.WRONG_STEP_SINGLE if single else limits.WRONG_STEP
    allowed = limits.WRONG_TOLERANCE_SINGLE if single else limits.WRONG_TOLERANCE
    for k in range(len(positions)):
        moved = [tape.bind_new_parameters([values[k] + s], [positions[k]]) for s in (step, -step)]
        ahead, behind = (float(np.squeeze(r)) for r in own.execute(tuple(moved), config))
        if not abs((ahead - behind) / (2 * step) - slopes[k]) <= allowed:
            return True
    return False


# ---------------------------------------------------------------------- going round them
def lowering(device: Any) -> tuple[Callable[[qml.tape.QuantumScript], qml.tape.QuantumScript], dict[str, None]]:
    """Return ``lower(tape)`` and the names of the gates that it has replaced so far, in order.

    Parameters that ask for gradients go on into the new gates; a gate that cannot be written in
    commuting Pauli rotations stays, and the route that uses it fails its own check.
    """
    replaced: dict[str, None] = {}

    def lower(tape: qml.tape.QuantumScript) -> qml.tape.QuantumScript:
        operations: list[Any] = []
        for op in tape.operations:
            trainable = any(qml.math.requires_grad(d) for d in op.data)
            parts = _rewritten(op, trainable) if is_wrong(device, op, trainable) else None
            if parts is not None:
                replaced[op.name] = None
            operations += [op] if parts is None else parts
        # The tape itself where nothing was replaced: devices keep what they know of it.
        if [id(op) for op in operations] == [id(op) for op in tape.operations]:
            return tape
        return qml.tape.QuantumScript(operations, tape.measurements, shots=tape.shots)

    return lower, replaced


def _rewritten(op: Any, trainable: bool) -> list[Any] | None:
    """Return gates with the same action up to a phase; None where there are none."""
    if not trainable:
        return [qml.QubitUnitary(gate_matrix(op), op.wires)]
    slots = [i for i, d in enumerate(op.data) if qml.math.requires_grad(d)]
    if len(slots) != 1:
        return None
    # Two values tell the rate at which the gate turns, and that its generator does not depend on the value.
    gate, further = (_as_gate(op, slots[0], value) for value in (1.0, 2.0))
    if gate is None or further is None or gate.key != further.key:
        return None
    rate = further.value - gate.value
    generator = gate.generator
    # Words that do not commute would need a product formula, which is another circuit.
    if generator is None or generator.words.anticommutation(generator.words).any():
        return None
    angle = op.data[slots[0]] * rate + (gate.value - rate)
    out: list[Any] = []
    for c, letters in zip(generator.coefficients, _letters(generator.words, list(op.wires)), strict=True):
        out += _word_rotation(2 * float(c) * angle, letters)
    return out


def _as_gate(op: Any, slot: int, value: float) -> Gate | None:
    """Read an operation, one of its parameters set, as one rotation."""
    data = [_plain(d) for d in op.data]
    data[slot] = value
    gates: list[Gate] = []
    expand_operation(qml.ops.functions.bind_new_parameters(op, data), gates)
    return gates[0] if len(gates) == 1 and gates[0].kind == "rotation" else None


def _letters(words: PauliWords, wires: list[Any]) -> list[dict[Any, str]]:
    return [{wires[q]: letter for q, letter in found.items()} for found in words.maps()]


def _word_rotation(angle: Any, letters: dict[Any, str]) -> list[Any]:
    """Return exp(−i·angle/2·P) in gates that every simulator differentiates."""
    wires = list(letters)
    if len(wires) == 1:
        return [{"X": qml.RX, "Y": qml.RY, "Z": qml.RZ}[letters[wires[0]]](angle, wires[0])]
    before = [_turn(letters[w], w, 1) for w in wires if letters[w] != "Z"]
    after = [_turn(letters[w], w, -1) for w in wires if letters[w] != "Z"]
    return [*before, qml.MultiRZ(angle, wires), *after]


def _turn(letter: str, wire: Any, sign: int) -> Any:
    """Return the gate that turns X or Y into Z, or back."""
    return qml.Hadamard(wire) if letter == "X" else qml.RX(sign * np.pi / 2, wire)


# ---------------------------------------------------------------------- the user's own gradient
def wrong_gradient_gates(trace: TracedCircuit) -> tuple[str, ...]:
    """Return the gates for which the QNode's own gradient is wrong on its own device; () where it is right.

    Only lightning devices with ``diff_method`` "best", "adjoint" or "device" are looked at; the gates are
    those that the device's preprocessing leaves.
    """
    qnode = trace.qnode
    device = getattr(qnode, "device", None)
    if device is None or device.name not in LIGHTNING or qnode.diff_method not in ("best", "adjoint", "device"):
        return ()
    # With shots PennyLane shifts parameters, which is right.
    if qnode.shots or device.shots:
        return ()
    try:
        operations = _device_operations(trace)
    except Exception:  # what the device refuses, the user sees refused
        log.debug("the device did not take the circuit", exc_info=True)
        return ()
    found = (op.name for op, trainable in operations if is_wrong(device, op, trainable))
    return tuple(dict.fromkeys(found))


def wrong_gradient_notice(gates: tuple[str, ...]) -> str:
    """Return the sentence for a user whose own gradients are wrong."""
    return (
        f"Your QNode's own gradient is wrong: the adjoint method of its device fails, without an error, where the "
        f"circuit holds {', '.join(gates)}. Use diff_method='parameter-shift', or default.qubit."
    )


def _device_operations(trace: TracedCircuit) -> list[tuple[Any, bool]]:
    """Return (operation, whether it is differentiated) as the QNode's device runs it."""
    device, arguments = trace.qnode.device, trace.arguments
    with qml.queuing.QueuingManager.stop_recording():
        tapes = [
            build_tape(trace.qnode, *arguments.rebuild(arguments.values + shift)) for shift in (0.0, limits.MOVED_BY)
        ]
        values = [t.get_parameters(trainable_only=False) for t in tapes]
        moving = [
            i
            for i, (a, b) in enumerate(zip(*values, strict=True))
            if not qml.math.allclose(a, b, atol=limits.SAME_PARAMETER)
        ]
        boxed = [
            qml.numpy.array(qml.math.toarray(qml.math.unwrap([values[0][i]])[0]), requires_grad=True) for i in moving
        ]
        tape = tapes[0].bind_new_parameters(boxed, moving)
        tape.trainable_params = moving
        config = ExecutionConfig(gradient_method="adjoint", use_device_gradient=True)
        config = device.setup_execution_config(config, tape)
        batch, _ = device.preprocess_transforms(config)([tape])
    return [(op, any(qml.math.requires_grad(d) for d in op.data)) for t in batch for op in t.operations]
