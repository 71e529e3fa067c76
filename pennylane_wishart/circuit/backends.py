"""What a device will really run: programs as its plugin compiles them, with the machine's own errors.

The only file that knows plugins; each is imported when one of its devices is read, and has one converter.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pennylane as qml
from pennylane.tape import QuantumScript as Tape

from pennylane_wishart.circuit.channels import LocalChannel, channel_of
from pennylane_wishart.circuit.compiled import Native, Program, with_program
from pennylane_wishart.circuit.expand import expand_operations
from pennylane_wishart.circuit.traced import TracedCircuit
from pennylane_wishart.conventions import circuit as limits
from pennylane_wishart.errors import UnsupportedCircuitError, WishartError, WishartWarning

__all__ = ["with_device_noise"]


def with_device_noise(trace: TracedCircuit) -> TracedCircuit:
    """Return a traced circuit with the noise of its device, read from programs that the plugin compiles.

    Compiled at several random angles, since compilers need not be seeded. Where programs differ, that of the median
    noise is taken, and all are in ``TracedCircuit.compilations``.

    Raises:
        UnsupportedCircuitError: for a device that is not understood or has no noise, and for a program that is not
            recognised as the circuit.
    """
    device = getattr(trace.device, "target_device", trace.device)
    convert = _CONVERTERS.get(type(device).__module__.split(".")[0])
    if convert is None:
        raise _refused(trace.device, "is not read from it")
    if any(g.kind == "channel" for g in trace.gates) and convert is not _pennylane:
        raise UnsupportedCircuitError(
            'noise="device": the circuit has noise channels of its own beside the device\'s noise. Take them out, or '
            "pass both as one qml.NoiseModel."
        )
    rng = np.random.default_rng(limits.COMPILED_SEED)
    with warnings.catch_warnings():
        # of plugins, on their compilers and on shots that are never drawn
        warnings.simplefilter("ignore")
        found = [_compiled(trace, device, convert, rng) for _ in range(limits.COMPILATIONS)]
    bits = np.array([_bits(one) for one in found])
    median = found[int(np.argsort(bits, kind="stable")[len(bits) // 2])]
    if np.ptp(bits) <= limits.SAME_NOISE * np.median(bits):
        return median
    warnings.warn(
        f"The compiler of {trace.device.name} is not pinned: {len(bits)} programs of the same circuit lose "
        f"{bits.min():.3g} to {bits.max():.3g} bits to noise, and the median one is read. Pin it (seed_transpiler=7, "
        "initial_layout=...), or see what the others give in Prediction.noise.compiled_ratios.",
        WishartWarning,
        stacklevel=5,
    )
    return replace(median, compilations=tuple(found))


def _compiled(trace: TracedCircuit, device: Any, convert: _Converter, rng: np.random.Generator) -> TracedCircuit:
    """Compile a circuit at random angles, and read what comes out."""
    tape = trace.bind(rng.uniform(0, 2 * np.pi, trace.n_params))
    word = tape.observables[0].pauli_rep
    # several words are measured one after the other: what turns to the basis of one is not part of the circuit
    turns = tape.diagonalizing_gates if word is None or len(word) == 1 else []
    gates = [replace(g, op=op) for g, op in zip(trace.gates, tape.operations, strict=True)]
    try:
        program = convert(device, tape, turns)
    except WishartError:
        raise
    except Exception as err:  # plugins raise what they like
        raise UnsupportedCircuitError(
            f'noise="device": the plugin of {trace.device.name} does not compile the circuit ({type(err).__name__}: '
            f"{err}). Decompose it to gates that the device has."
        ) from err
    if not any(step.channel for step in program.natives) and not any(map(any, program.readout.values())):
        raise _refused(trace.device, "is none that can be read")
    return with_program(trace, [*gates, *expand_operations(turns)], program)


def _bits(trace: TracedCircuit) -> float:
    """Bits of its words, in the mean, that a circuit's noise takes."""
    left = [np.diag(g.channel.transfer).mean() for g in trace.gates if g.channel is not None]
    return float(-np.sum(np.log2(np.abs(left))))


def _refused(device: Any, why: str) -> UnsupportedCircuitError:
    return UnsupportedCircuitError(
        f'noise="device": the noise of {getattr(device, "name", device)} {why}. Fit a model with '
        "pw.fit_noise(device, wires) and pass its .model, or give a qml.NoiseModel."
    )


# ---------------------------------------------------------------------- plugins
def _pennylane(device: Any, tape: Tape, turns: Sequence[Any]) -> Program:
    """default.mixed runs the circuit as it is, and may flip what is read."""
    rate = float(getattr(device, "readout_err", None) or 0.0)
    wires = list(tape.wires)
    return Program((), {w: q for q, w in enumerate(wires)}, {q: (rate, rate) for q in range(len(wires))})


def _qiskit(device: Any, tape: Tape, turns: Sequence[Any]) -> Program:
    """The transpiled circuit with Aer's errors; qiskit.remote leaves the measured basis to the Estimator."""
    from qiskit.circuit import Gate as QiskitGate
    from qiskit.quantum_info import Operator

    model = _aer_model(device.backend)
    if model is None:
        return Program((), {}, {})
    circuit = _transpiled(device, tape, turns)
    if any(step.operation.name == "delay" for step in circuit.data):
        from qiskit.transpiler import PassManager

        # idle noise, which Aer puts behind each delay
        circuit = PassManager(model._custom_noise_passes).run(circuit)
    natives: list[Native] = []
    known: dict[int, LocalChannel] = {}
    for step in circuit.data:
        name, qubits = step.operation.name, tuple(circuit.find_bit(q).index for q in step.qubits)
        if isinstance(step.operation, QiskitGate):
            natives.append(Native(name, qubits, _leftmost(np.asarray(Operator(step.operation).data, complex))))
        error = getattr(step.operation, "_quantum_error", None)
        if error is None:
            own = model._local_quantum_errors.get(name, {})
            error = own.get(qubits, model._default_quantum_errors.get(name))
        if error is not None and not error.ideal():
            if id(error) not in known:
                known[id(error)] = _aer_channel(error)
            natives.append(Native(name, qubits, channel=known[id(error)]))
        elif name == "reset":
            raise UnsupportedCircuitError('noise="device": the compiled program resets qubits within the circuit.')
    start, end = _layouts(circuit)
    places = {w: i for i, w in enumerate(device.wires)}
    measured = {w: end[i] for w, i in places.items() if w in tape.wires} if end else None
    rates = {}
    for q in range(circuit.num_qubits):
        error = model._local_readout_errors.get((q,), model._default_readout_error)
        if error is not None:
            rates[q] = (float(error.probabilities[0][1]), float(error.probabilities[1][0]))
    return Program(
        tuple(natives), {w: start[i] if start else i for w, i in places.items() if w in tape.wires}, rates, measured
    )


def _transpiled(device: Any, tape: Tape, turns: Sequence[Any]) -> Any:
    """The circuit as the plugin hands it to its backend."""
    if hasattr(device, "create_circuit_object"):
        own = copy.copy(device)  # it keeps the circuit that it makes
        own.reset()
        own.create_circuit_object(tape.operations, rotations=list(turns))
        return own.compile()
    from pennylane_qiskit.converter import circuit_to_qiskit

    [mapped], _ = qml.map_wires(tape, {w: i for i, w in enumerate(device.wires)})
    sampled = tape.observables[0].pauli_rep is None
    return device.compile_circuits([circuit_to_qiskit(mapped, len(device.wires), sampled, sampled)])[0]


def _layouts(circuit: Any) -> tuple[list[int], list[int]]:
    """Qubits of the plugin's register at the start and at the end; empty where they stay."""
    if circuit.layout is None:
        return [], []
    start, end = circuit.layout.initial_index_layout(filter_ancillas=True), circuit.layout.final_index_layout()
    return list(start), list(end)


def _aer_model(backend: Any) -> Any:
    """Return the noise that a backend runs with, or has been calibrated to; None for an ideal simulator."""
    model = getattr(backend.options, "noise_model", None)
    own = getattr(backend, "_get_noise_model_from_backend_v2", None)
    # a fake backend puts its own model in place of all others with its first job
    if own is not None and (model is None or backend.sim is None):
        return own()
    if model is None and not type(backend).__module__.startswith("qiskit_aer"):
        from qiskit_aer.noise import NoiseModel

        return NoiseModel.from_backend(backend)
    return model


def _aer_channel(error: Any) -> LocalChannel:
    from qiskit.quantum_info import Kraus, SuperOp

    return channel_of(np.array([_leftmost(np.asarray(k, complex)) for k in Kraus(SuperOp(error)).data]))


def _leftmost(matrix: np.ndarray) -> np.ndarray:
    """A matrix of Qiskit's with its first qubit leftmost."""
    if len(matrix) != 4:
        return matrix
    return matrix.reshape((2,) * 4).transpose(1, 0, 3, 2).reshape(4, 4)


def _braket(device: Any, tape: Tape, turns: Sequence[Any]) -> Program:
    """Braket's circuit with the noise model of the device applied; simulators compile nothing."""
    from braket.circuits import Noise

    natives = []
    for step in device.apply(tape.operations).instructions:
        qubits, made = tuple(int(q) for q in step.target), step.operator.to_matrix()
        noise = channel_of(np.array(made)) if isinstance(step.operator, Noise) else None
        matrix = None if noise else np.asarray(made, complex)
        natives.append(Native(step.operator.name, qubits, matrix, noise))
    return Program(tuple(natives), _indices(device, tape), {})


def _cirq(device: Any, tape: Tape, turns: Sequence[Any]) -> Program:
    """Cirq's circuit with the noise of the simulator that stands behind the device."""
    import cirq
    from pennylane_cirq.cirq_device import CirqDevice

    own = copy.copy(device)  # it keeps the circuit that it makes
    own.reset()
    # of the base class, which does not simulate
    CirqDevice.apply(own, tape.operations)
    place = {qubit: i for i, qubit in enumerate(own.qubits)}
    natives = []
    for step in own.circuit.with_noise(getattr(own._simulator, "noise", None)).all_operations():
        qubits = tuple(place[q] for q in step.qubits)
        if cirq.has_unitary(step):
            natives.append(Native(str(step.gate), qubits, cirq.unitary(step)))
        else:
            natives.append(Native(type(step.gate).__name__, qubits, channel=channel_of(np.array(cirq.kraus(step)))))
    return Program(tuple(natives), _indices(device, tape), {})


def _indices(device: Any, tape: Tape) -> dict[Hashable, int]:
    return {w: i for i, w in enumerate(device.wires) if w in tape.wires}


_Converter = Callable[[Any, Tape, Sequence[Any]], Program]
_CONVERTERS: dict[str, _Converter] = {
    "braket": _braket,
    "pennylane": _pennylane,
    "pennylane_cirq": _cirq,
    "pennylane_qiskit": _qiskit,
}
"""By the package of a device's class."""
