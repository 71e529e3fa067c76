"""What no normal form exists for, refused at the door with its own message."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import pennylane as qml
from pennylane.operation import Operator
from pennylane.tape import QuantumScript as Tape

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
    inner = getattr(circuit, "qnode", None)
    if inner is not None and not isinstance(circuit, qml.QNode) and isinstance(inner, qml.QNode):
        return inner
    if isinstance(circuit, qml.QNode):
        return circuit
    # qjit keeps the QNode that it compiled
    original = getattr(circuit, "original_function", None)
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


def check_tape(tape: Tape, output: int | None = None) -> Operator:
    """Return the observable of the one expectation value, or say what is in the way."""
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
        if op.name.startswith(("T", "Q", "G")) and op.name in _QUTRIT:
            raise UnsupportedCircuitError(f"{op.name} acts on qutrits: only qubits are supported.")
    return _observable(tape.measurements, output)


_QUTRIT = {
    name for name in dir(qml) if name.startswith("Qutrit")
} | {"TShift", "TClock", "TAdd", "TSWAP", "THadamard", "TRX", "TRY", "TRZ", "GellMann", "THermitian"}  # fmt: skip


def _observable(measurements: Sequence[Any], output: int | None) -> Operator:
    listing = ", ".join(f"{i}: {m}" for i, m in enumerate(measurements))
    if not measurements:
        raise UnsupportedCircuitError("The QNode returns nothing: return one qml.expval(...).")
    # one loss, one circuit: which of several is the caller's to say
    if output is None and len(measurements) > 1:
        raise UnsupportedCircuitError(
            f"The QNode returns {len(measurements)} values ({listing}): choose one with output=i."
        )
    index = 0 if output is None else output
    if not isinstance(index, int) or not 0 <= index < len(measurements):
        raise InputError(f"output={output!r}: the QNode returns {len(measurements)} values ({listing}).")
    chosen = measurements[index]
    # the theory is of Tr[Oρ]; probabilities are expectation values of projectors
    if not isinstance(chosen, qml.measurements.ExpectationMP):
        kind = {"ProbabilityMP": "qml.probs", "StateMP": "qml.state", "CountsMP": "qml.counts"}.get(
            type(chosen).__name__, type(chosen).__name__
        )
        raise UnsupportedCircuitError(
            f"The QNode returns {kind}: the theory is for expectation values. Return qml.expval(O), for "
            "instance of a qml.Projector for a probability."
        )
    if chosen.obs is None or chosen.mv is not None:
        raise UnsupportedCircuitError(
            "The expectation value is of a mid-circuit measurement: return qml.expval of an observable."
        )
    if chosen.obs.name in _QUTRIT:
        raise UnsupportedCircuitError(f"{chosen.obs.name} acts on qutrits: only qubits are supported.")
    return chosen.obs


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
