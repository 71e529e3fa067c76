"""Noisy devices of plugins, and exact expectation values of what they run, made without the package."""

from __future__ import annotations

import copy
import importlib.util
import warnings
from collections.abc import Callable, Sequence

import numpy as np
import pennylane as qml

__all__ = ["MACHINES", "hidden_device", "hidden_name", "plugin_losses"]


def _remote(wires: int) -> qml.devices.Device:
    from qiskit_ibm_runtime.fake_provider import FakeManilaV2

    return qml.device("qiskit.remote", wires=wires, backend=FakeManilaV2(), seed_transpiler=11)


def _aer(wires: int) -> qml.devices.Device:
    from qiskit_aer.noise import NoiseModel
    from qiskit_ibm_runtime.fake_provider import FakeManilaV2

    return qml.device("qiskit.aer", wires=wires, noise_model=NoiseModel.from_backend(FakeManilaV2()), seed_transpiler=3)


def _braket(wires: int) -> qml.devices.Device:
    from braket.circuits import Gate
    from braket.circuits.noise_model import GateCriteria, NoiseModel
    from braket.circuits.noises import AmplitudeDamping, Depolarizing, TwoQubitDepolarizing

    model = NoiseModel()
    model.add_noise(TwoQubitDepolarizing(0.03), GateCriteria([Gate.CNot]))
    model.add_noise(Depolarizing(0.004), GateCriteria([Gate.Rx, Gate.Ry, Gate.Rz]))
    model.add_noise(AmplitudeDamping(0.02), GateCriteria([Gate.Rx]))
    return qml.device("braket.local.qubit", wires=wires, backend="braket_dm", noise_model=model)


def _cirq(wires: int) -> qml.devices.Device:
    import cirq

    device = qml.device("cirq.mixedsimulator", wires=wires)
    noise = cirq.ConstantQubitNoiseModel(cirq.amplitude_damp(0.02))
    # the plugin has no option for it
    device.target_device._simulator = cirq.DensityMatrixSimulator(noise=noise, dtype=np.complex128)
    return device


def plugin_losses(qnode: qml.QNode, points: Sequence[np.ndarray]) -> np.ndarray:
    """Of analytic devices: the QNode itself."""
    return np.array([float(qnode(p)) for p in points])


def _aer_losses(qnode: qml.QNode, points: Sequence[np.ndarray]) -> np.ndarray:
    """Of Qiskit's devices: each circuit compiled by the plugin, Aer's density matrix, and the qubits' confusion."""
    from qiskit_aer import AerSimulator

    device = getattr(qnode.device, "target_device", qnode.device)
    backend = device.backend
    own = getattr(backend, "_get_noise_model_from_backend_v2", None)
    model = own() if own else backend.options.noise_model
    simulator = AerSimulator(method="density_matrix", noise_model=model)
    programs, measured = [], []
    for p in points:
        tape = qml.workflow.construct_tape(qnode, level="top")(p)
        program, qubits = _program(device, tape)
        program.save_probabilities([qubits[w] for w in tape.measurements[0].wires])
        programs.append(program)
        measured.append([qubits[w] for w in tape.measurements[0].wires])
    # run as they are: another compilation would be of another program
    result = simulator.run(programs).result()
    out = []
    for i, qubits in enumerate(measured):
        cube = np.asarray(result.data(i)["probabilities"]).reshape((2,) * len(qubits))
        for axis, q in enumerate(reversed(qubits)):  # Qiskit counts from the right
            error = model._local_readout_errors.get((q,))
            confusion = np.eye(2) if error is None else np.asarray(error.probabilities)
            cube = np.moveaxis(np.tensordot(cube, confusion, (axis, 0)), -1, axis)
        for _ in qubits:
            cube = np.tensordot(cube, [1.0, -1.0], (0, 0))
        out.append(float(cube))
    return np.array(out)


def _program(device: object, tape: qml.tape.QuantumScript) -> tuple[object, dict[int, int]]:
    """A compiled circuit without its measurements, and the qubit that each wire is measured on."""
    if hasattr(device, "create_circuit_object"):
        own = copy.copy(device)
        own.reset()
        own.create_circuit_object(tape.operations, rotations=tape.diagonalizing_gates)
        program = own.compile()
        ends = {}
        for step in program.data:
            if step.operation.name == "measure":
                ends[program.find_bit(step.clbits[0]).index] = program.find_bit(step.qubits[0]).index
        program.data = [step for step in program.data if step.operation.name not in ("measure", "barrier")]
        return program, ends
    from pennylane_qiskit.converter import circuit_to_qiskit

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = device.compile_circuits([circuit_to_qiskit(tape, len(device.wires), False, False)])[0]
    return program, dict(enumerate(program.layout.final_index_layout()))


def hidden_name() -> str:
    """The device that hidden models are put on: Aer where its plugin is installed."""
    return "qiskit.aer" if importlib.util.find_spec("pennylane_qiskit") else "default.mixed"


def hidden_device(name: str, seed: int, rates: tuple, one: tuple, zero: tuple, model: qml.NoiseModel) -> object:
    """Depolarising and damping behind every gate, by its wires, and readout errors: ``model``, or the same in Aer."""
    if name == "default.mixed":
        return qml.add_noise(qml.device("default.mixed", wires=2, seed=seed), model)
    from qiskit_aer.noise import NoiseModel, ReadoutError, amplitude_damping_error, depolarizing_error

    found = NoiseModel(basis_gates=["rx", "ry", "rz", "cx"])
    single, double = (depolarizing_error(4 * p / 3, 1).compose(amplitude_damping_error(g)) for p, g in rates)
    found.add_all_qubit_quantum_error(single, ["rx", "ry", "rz"])
    found.add_all_qubit_quantum_error(double.tensor(double), ["cx"])
    for q, (a, b) in enumerate(zip(one, zero, strict=True)):
        found.add_readout_error(ReadoutError([[1 - a, a], [b, 1 - b]]), [q])
    # gates as they are written: what is merged has no rates of its own
    return qml.device("qiskit.aer", wires=2, noise_model=found, optimization_level=0, seed_simulator=1000 + seed)


MACHINES: dict[str, tuple[Callable, Callable, str]] = {
    "qiskit.remote, FakeManilaV2": (_remote, _aer_losses, "device"),
    "qiskit.aer, noise model of FakeManilaV2": (_aer, _aer_losses, "device"),
    "braket.local.qubit, braket_dm, depolarising and damping": (_braket, plugin_losses, "device"),
    "cirq.mixedsimulator, damping a moment": (_cirq, plugin_losses, "device"),
}
"""How each is built, how its losses are had exactly, and the noise that is asked for."""
