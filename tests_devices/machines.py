"""The devices of the matrix: how each is built, what it promises, and where its runs are counted.

Importable anywhere: plugins are imported only by the functions that build their devices.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from unittest import mock

import numpy as np
import pennylane as qml

__all__ = ["MACHINES", "Machine", "Meter", "installed", "metered"]


class Meter:
    """Circuits and shots that went through a device's last door, and when to cut the power."""

    def __init__(self, stop_after: int | None = None):
        self.circuits = 0
        self.shots = 0
        self._stop = stop_after

    def add(self, circuits: int, shots: int):
        """Count one call; KeyboardInterrupt, as from a user, once ``stop_after`` is passed."""
        if self._stop is not None and self.circuits + circuits > self._stop:
            raise KeyboardInterrupt
        self.circuits += circuits
        self.shots += shots


@dataclass(frozen=True)
class Machine:
    """One device of the matrix."""

    name: str
    package: str
    """Distribution whose version the table shows."""
    module: str
    """Importable where the plugin is installed."""
    make: Callable
    """``make(wires) -> device``"""
    door: Callable
    """``door() -> (class, method name, count(arguments, options) -> (circuits, shots))``: the last
    call before the simulator or provider, so that what is counted was really run."""
    noisy: bool = False
    samples_only: bool = False
    """Whether it has no analytic mode."""
    precision: float = 1e-8
    """How closely its analytic numbers equal lightning.qubit's."""
    samples: int = 160
    """Angle sets of the matrix's plan: fewer where a circuit is slow."""

    def __str__(self) -> str:
        return self.name

    @property
    def version(self) -> str:
        """Version of the distribution."""
        return importlib.metadata.version(self.package)


@contextmanager
def metered(machine: Machine, stop_after: int | None = None):
    """Count what ``machine`` runs inside the context; yields a :class:`Meter`."""
    owner, method, count = machine.door()
    meter, original = Meter(stop_after), getattr(owner, method)

    def counted(self, *args, **options):
        meter.add(*count(args, options))
        return original(self, *args, **options)

    with mock.patch.object(owner, method, counted):
        yield meter


# ---------------------------------------------------------------------- last doors
def _tapes(args, options) -> tuple[int, int]:
    circuits = args[0] if args else options["circuits"]
    return len(circuits), sum(c.shots.total_shots or 0 for c in circuits)


def _pennylane_door(name: str) -> Callable:
    return lambda: (type(qml.device(name, wires=1)), "execute", _tapes)


def _aer_door():
    from qiskit_aer.backends.aerbackend import AerBackend

    def count(args, options):
        circuits = args[0] if args else options["circuits"]
        number = len(circuits) if isinstance(circuits, (list, tuple)) else 1
        return number, number * (options.get("shots") or 0)

    return AerBackend, "run", count


def _braket_door():
    from braket.devices import LocalSimulator

    return LocalSimulator, "run", lambda args, options: (1, options.get("shots") or 0)


def _cirq_door():
    import cirq

    return cirq.SimulatesSamples, "run", lambda args, options: (1, options.get("repetitions", 1))


# ---------------------------------------------------------------------- devices
def _named(name: str, **options) -> Callable:
    return lambda wires: qml.device(name, wires=wires, **options)


def _fake_manila(wires):
    from qiskit_ibm_runtime.fake_provider import FakeManilaV2

    # No seed_simulator: one seed for every circuit gives the two sides of a shift the same shot noise.
    return qml.device("qiskit.remote", wires=wires, backend=FakeManilaV2())


def _noisy_aer(wires):
    from qiskit_aer.noise import NoiseModel
    from qiskit_ibm_runtime.fake_provider import FakeManilaV2

    return qml.device("qiskit.aer", wires=wires, noise_model=NoiseModel.from_backend(FakeManilaV2()))


def _noisy_braket(wires):
    from braket.circuits import Gate
    from braket.circuits.noise_model import GateCriteria, NoiseModel
    from braket.circuits.noises import Depolarizing, TwoQubitDepolarizing

    model = NoiseModel()
    model.add_noise(TwoQubitDepolarizing(0.03), GateCriteria([Gate.CNot]))
    model.add_noise(Depolarizing(0.002), GateCriteria([Gate.Rx, Gate.Ry, Gate.Rz]))
    return qml.device("braket.local.qubit", wires=wires, backend="braket_dm", noise_model=model)


def _cirq_double(wires):
    import cirq

    return qml.device("cirq.simulator", wires=wires, simulator=cirq.Simulator(dtype=np.complex128, seed=7))


_BRAKET = ("amazon-braket-pennylane-plugin", "braket.pennylane_plugin")
_QISKIT = ("pennylane-qiskit", "pennylane_qiskit")
_CIRQ = ("pennylane-cirq", "pennylane_cirq")

MACHINES = (
    Machine(
        "lightning.qubit", "pennylane-lightning", "pennylane_lightning.lightning_qubit",
        _named("lightning.qubit"), _pennylane_door("lightning.qubit"),
    ),
    Machine(
        "default.qubit", "pennylane", "pennylane",
        _named("default.qubit"), _pennylane_door("default.qubit"), samples=80,
    ),
    Machine(
        "lightning.kokkos", "pennylane-lightning-kokkos", "pennylane_lightning.lightning_kokkos",
        _named("lightning.kokkos"), _pennylane_door("lightning.kokkos"),
    ),
    Machine(
        "lightning.gpu", "pennylane-lightning-gpu", "pennylane_lightning.lightning_gpu",
        _named("lightning.gpu"), _pennylane_door("lightning.gpu"),
    ),
    Machine("qiskit.aer", *_QISKIT, _named("qiskit.aer", method="statevector"), _aer_door, samples=80),
    Machine("qiskit.aer + noise", *_QISKIT, _noisy_aer, _aer_door, noisy=True, samples_only=True, samples=80),
    Machine(
        "qiskit.remote + FakeManilaV2", *_QISKIT,
        _fake_manila, _aer_door, noisy=True, samples_only=True, samples=60,
    ),
    Machine("braket.local.qubit", *_BRAKET, _named("braket.local.qubit"), _braket_door, samples=80),
    Machine("braket_dm + noise", *_BRAKET, _noisy_braket, _braket_door, noisy=True, samples=80),
    Machine("cirq.simulator", *_CIRQ, _cirq_double, _cirq_door),
    # Cirq's density matrices are of single precision.
    Machine("cirq.mixedsimulator", *_CIRQ, _named("cirq.mixedsimulator"), _cirq_door, precision=1e-5),
)  # fmt: skip


def installed() -> tuple[list[Machine], dict[str, str]]:
    """Return the machines that can be built here, and why the others cannot."""
    here, missing = [], {}
    for machine in MACHINES:
        try:
            found = importlib.util.find_spec(machine.module) is not None
        except ModuleNotFoundError:
            found = False
        if not found:
            missing[machine.name] = f"{machine.package} is not installed in this environment"
            continue
        try:
            machine.make(1)
        except (RuntimeError, ImportError) as error:
            if machine.name != "lightning.gpu":
                raise
            missing[machine.name] = f"it needs an NVIDIA GPU with its CUDA driver ({str(error).split(': ')[-1]})"
            continue
        here.append(machine)
    return here, missing
