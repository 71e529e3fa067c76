"""Devices for tests: faulty, counting, wrongly measuring, and of the legacy kind."""

from __future__ import annotations

import threading
import time
import types

import numpy as np
import pennylane as qml
from pennylane.devices import Device, ExecutionConfig


class StubHardware(Device):
    """default.qubit behind a name that is not PennyLane's own; counts what it runs."""

    def __init__(self, wires=None, name="stub.hardware", seed=5):
        super().__init__(wires=wires)
        self._name = name
        self._inner = qml.device("default.qubit", wires=wires, seed=seed)
        self.circuits = 0
        self.shots_run = 0
        self.calls = 0

    @property
    def name(self):
        return self._name

    def setup_execution_config(self, config=None, circuit=None):
        return config or ExecutionConfig()

    def preprocess_transforms(self, execution_config=None):
        return self._inner.preprocess_transforms(ExecutionConfig())

    def execute(self, circuits, execution_config=None):
        self.calls += 1
        self.circuits += len(circuits)
        self.shots_run += sum(c.shots.total_shots or 0 for c in circuits)
        return self._inner.execute(circuits, ExecutionConfig())


class SplittingHardware(StubHardware):
    """Measures one Pauli basis per circuit, as real machines do."""

    def preprocess_transforms(self, execution_config=None):
        program = qml.CompilePipeline()
        program.add_transform(qml.transforms.split_non_commuting)
        return program + super().preprocess_transforms(execution_config)


class FaultyHardware(StubHardware):
    """Fails at every ``every``-th call, in one of the ways that devices fail; ``fault=None`` is the mended one."""

    def __init__(self, wires=None, fault="exception", every=3, after=0, **options):
        super().__init__(wires, **options)
        self.fault, self.every, self.after = fault, every, after

    def execute(self, circuits, execution_config=None):
        result = super().execute(circuits, execution_config)
        if self.fault is None or self.calls <= self.after or (self.calls - self.after) % self.every:
            return result
        if self.fault == "exception":
            raise ConnectionError("the queue dropped the job")
        if self.fault == "timeout":
            raise TimeoutError("no answer from the machine")
        if self.fault == "hang":
            time.sleep(3.0)
            return result
        if self.fault == "nan":
            return tuple(np.full(np.shape(r), np.nan) for r in result)
        if self.fault == "shape":
            return tuple(np.zeros(7) for _ in result)
        if self.fault == "missing":
            return result[:-1]
        raise KeyboardInterrupt


class HangingHardware(StubHardware):
    """Gives no answer at every ``every``-th call until ``release`` is set; ``hangs`` tells that it has come to that."""

    def __init__(self, wires=None, every=4, after=0, **options):
        super().__init__(wires, **options)
        self.every, self.after = every, after
        self.hangs, self.release = threading.Event(), threading.Event()

    def execute(self, circuits, execution_config=None):
        result = super().execute(circuits, execution_config)
        if self.calls > self.after and not (self.calls - self.after) % self.every:
            self.hangs.set()
            self.release.wait()
        return result


class NoisyHardware(StubHardware):
    """Answers with every expectation value shrunk: a noisy machine of the same name."""

    def __init__(self, wires=None, strength=0.2, **options):
        super().__init__(wires, **options)
        self.strength = strength

    def execute(self, circuits, execution_config=None):
        return tuple((1 - self.strength) * np.asarray(r) for r in super().execute(circuits, execution_config))


class DriftingHardware(StubHardware):
    """Right for ``good`` calls, then measures everything with the wrong sign."""

    def __init__(self, wires=None, good=10, **options):
        super().__init__(wires, **options)
        self._good_calls = good

    def execute(self, circuits, execution_config=None):
        result = super().execute(circuits, execution_config)
        return result if self.calls <= self._good_calls else tuple(-np.asarray(r) for r in result)


class JobHardware(StubHardware):
    """Submits each batch as a job with an id, and waits for the answer; keeps a log of both.

    ``delay=None``: it waits for an answer that never comes.
    """

    def __init__(self, wires=None, log=None, delay=0.0, start=0, style="qiskit", **options):
        super().__init__(wires, **options)
        self.log, self.delay, self.submitted, self.style = log, delay, start, style
        if style == "qiskit":
            self._current_job = None
        elif style == "braket":
            self._task = None

    def execute(self, circuits, execution_config=None):
        name = f"job-{self.submitted}"
        self.submitted += 1
        if self.style == "qiskit":
            self._current_job = types.SimpleNamespace(job_id=lambda: name)
        elif self.style == "braket":
            self._task = types.SimpleNamespace(id=name, state=lambda: "QUEUED")
        else:
            self.job = types.SimpleNamespace(id=types.SimpleNamespace(value=name))
        self._write(f"submitted {name}")
        if self.delay is None:
            threading.Event().wait()
        time.sleep(self.delay)
        results = super().execute(circuits, execution_config)
        self._write(f"answered {name}")
        return results

    def _write(self, line: str):
        if self.log is not None:
            with open(self.log, "a") as file:
                file.write(line + "\n")


class ZOnlyHardware(StubHardware):
    """Measures X and Y in the Z basis."""

    def preprocess_transforms(self, execution_config=None):
        return qml.CompilePipeline()

    def execute(self, circuits, execution_config=None):
        return super().execute([c.copy(measurements=[qml.expval(qml.Z(c.wires[0]))], shots=c.shots) for c in circuits])


class LegacyStub(qml.devices.QubitDevice):
    """A device of the old interface, analytic or with shots."""

    name = "Stub of the legacy interface"
    short_name = "stub.legacy"
    pennylane_requires = ">=0.40"
    version = "0.1"
    author = "tests"
    operations = {"RX", "RY", "RZ", "CNOT", "CZ", "Hadamard", "PauliX", "PauliY", "PauliZ"}  # noqa: RUF012
    observables = {"PauliX", "PauliY", "PauliZ", "Identity", "Prod", "Hadamard"}  # noqa: RUF012

    def __init__(self, wires, shots=None):
        super().__init__(wires=wires, shots=shots)
        self._state = None

    @classmethod
    def capabilities(cls):
        return {
            **super().capabilities(),
            "returns_state": False,
            "supports_tensor_observables": True,
        }

    def apply(self, operations, rotations=(), **kwargs):
        script = qml.tape.QuantumScript([*operations, *rotations], [qml.state()])
        mapped = qml.map_wires(script, {w: i for i, w in enumerate(self.wires)})[0][0]
        n = self.num_wires
        state = np.zeros(2**n, complex)
        state[0] = 1
        for op in mapped.operations:
            state = qml.matrix(op, wire_order=range(n)) @ state
        self._state = state

    def analytic_probability(self, wires=None):
        return self.marginal_prob(np.abs(self._state) ** 2, wires)

    def reset(self):
        self._state = None
