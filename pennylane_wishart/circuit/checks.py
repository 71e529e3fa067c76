"""What no normal form exists for, refused at the door with its own message."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Hashable, Sequence
from typing import Any

import pennylane as qml
from pennylane.tape import QuantumScript as Tape

from pennylane_wishart.circuit.outputs import EVERY, Output, Which, outputs_of
from pennylane_wishart.errors import InputError, UnsupportedCircuitError

__all__ = ["check_tape", "check_wires", "unwrap"]


def unwrap(circuit: Any) -> Any:
    """Return the QNode or tape behind a qjit object or a Torch layer."""
    if qml.capture.enabled():
        raise UnsupportedCircuitError(
            "qml.capture is enabled: informative functions cannot see the circuit. Call qml.capture.disable() first."
        )
    if isinstance(circuit, qml.tape.QuantumScript):
        return circuit
    if isinstance(circuit, functools.partial):
        return unwrap(circuit.func)
    inner = getattr(circuit, "qnode", None)
    if inner is not None and not isinstance(circuit, qml.QNode) and isinstance(inner, qml.QNode):
        return inner
    if isinstance(circuit, qml.QNode):
        return circuit
    # qjit and jax.jit keep the QNode that they compiled
    # a plain function may do more than the QNode that it wraps
    compiled = None if inspect.isfunction(circuit) else getattr(circuit, "__wrapped__", None)
    original = getattr(circuit, "original_function", compiled)
    if original is not None:
        return unwrap(original)
    if type(circuit).__name__ in ("QJIT", "CompiledFunction"):
        raise UnsupportedCircuitError(
            "This qjit object does not give its original function: pass the QNode that was compiled."
        )
    raise InputError(
        f"A QNode, a qjit object, a TorchLayer or a tape is needed; got {type(circuit).__name__}."
        + (" Decorate the function with @qml.qnode(device)." if callable(circuit) else "")
    )


def check_tape(tape: Tape, wires: Sequence[Hashable] = (), output: Which = EVERY) -> tuple[Output, ...]:
    """Return what the tape returns as expectation values, or say what is in the way."""
    for op in tape.operations:
        if isinstance(op, (qml.measurements.MeasurementProcess,)) or op.name in (
            "MidMeasureMP",
            "PauliMeasure",
            "Conditional",
        ):
            raise UnsupportedCircuitError(
                f"The circuit has a mid-circuit measurement ({op.name}): the loss is not Tr[O U ρ U†]. "
                "Remove it, or use qml.defer_measurements and diagnose the deferred circuit."
            )
        if isinstance(op, (qml.SparseHamiltonian, qml.Hermitian, qml.Projector)):
            raise UnsupportedCircuitError(
                f"{op.name} on wires {list(op.wires)} stands among the gates, and PennyLane applies it as one: build "
                "it outside the QNode, where a number times a SparseHamiltonian leaves it, and only measure it."
            )
        if op.name.startswith(("T", "Q", "G")) and op.name in _QUTRIT:
            raise UnsupportedCircuitError(f"{op.name} acts on qutrits: only qubits are supported.")
    found = outputs_of(tape, wires, output)
    for one in found:
        if one.operator.name in _QUTRIT:
            raise UnsupportedCircuitError(f"{one.operator.name} acts on qutrits: only qubits are supported.")
    return found


_QUTRIT = {
    name for name in dir(qml) if name.startswith("Qutrit")
} | {"TShift", "TClock", "TAdd", "TSWAP", "THadamard", "TRX", "TRY", "TRZ", "GellMann", "THermitian"}  # fmt: skip


def check_wires(tape: Tape, device: Any) -> tuple[Hashable, ...]:
    """Return the wires of the circuit, in the device's order where it has one."""
    used = list(tape.wires)
    if device is None or device.wires is None:
        return tuple(used)
    missing = [w for w in used if w not in device.wires]
    if missing:
        raise InputError(
            f"The circuit uses wires {missing} that device {device.name!r} lacks (it has "
            f"{list(device.wires)}): give the device those wires."
        )
    # idle wires of the device are no qubits of the circuit
    return tuple(w for w in device.wires if w in set(used))
