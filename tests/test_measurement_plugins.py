"""Habits of hardware plugins, on stubs: ``make test-devices`` checks the plugins themselves."""

from __future__ import annotations

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp
from stub_devices import LegacyStub, StubHardware

from pennylane_wishart.errors import DeviceError
from pennylane_wishart.measurement import find_minima, measure, quote


def two_bases(x):
    """Three words in two bases; two of them share one."""
    qml.RY(x[0], 0)
    qml.CNOT([0, 1])
    qml.RX(x[1], 1)
    return qml.expval(qml.Z(0) @ qml.Z(1) + 0.5 * qml.X(0) + 0.25 * qml.Y(1))


class SilentSampler(LegacyStub):
    """Turns shots=None into shots of its own, as qiskit.aer does."""

    def batch_transform(self, circuit):
        return super().batch_transform(circuit if circuit.shots else circuit.copy(shots=1024))


@qml.transform
def analytic_warning(tape):
    """Stand-in for the transform by which qiskit.remote says that it always samples."""
    return [tape], lambda results: results[0]


class WarningSampler(StubHardware):
    """Announces in its preprocessing that it has no analytic mode."""

    def preprocess_transforms(self, execution_config=None):
        program = qml.CompilePipeline()
        program.add_transform(analytic_warning)
        return program + super().preprocess_transforms(execution_config)


@pytest.mark.parametrize("make", [SilentSampler, WarningSampler])
def test_a_device_that_only_samples_is_never_taken_for_exact(make):
    """Its shot noise would be recorded as zero and pass for signal."""
    qnode = qml.QNode(two_bases, make(wires=range(2)))
    for action in (measure(qnode), quote(qnode, shots=None), find_minima(qnode)):
        with pytest.raises(DeviceError, match=r"no analytic mode.*Give shots="):
            action(pnp.zeros(2))
    data = measure(qnode, samples=2, shots=50)(pnp.zeros(2))
    assert np.all(data.shot_variance > 0)


class NoBitStrings(StubHardware):
    """Samples observables only, as Braket's plugin does."""

    def execute(self, circuits, execution_config=None):
        if any(isinstance(m, qml.measurements.SampleMP) and m.obs is None for c in circuits for m in c.measurements):
            raise NotImplementedError("Unsupported return type: SampleMP")
        return super().execute(circuits, execution_config)


def test_words_that_share_a_basis_on_a_device_without_bit_strings():
    x, samples = pnp.zeros(2), 12
    exact = measure(qml.QNode(two_bases, qml.device("lightning.qubit", wires=2)), samples=samples)(x)
    device = NoBitStrings(wires=range(2), name="braket.stub")
    data = measure(qml.QNode(two_bases, device), samples=samples, shots=400, retries=0, check=False)(x)
    asked = quote(qml.QNode(two_bases, device), samples=samples, shots=400, check=False)(x)
    assert (device.circuits, device.shots_run) == (asked.executions, asked.shots)
    z = (data.losses - exact.losses) / np.sqrt(data.shot_variance)
    # Mean square of 12 standard normals: 1 ± 0.41; false alarms below 1 in 1,000 at 2.8.
    assert np.mean(z**2) < 2.8 and np.abs(z).max() > 0.1


def test_quote_counts_the_shots_that_qiskits_estimator_takes():
    """It is asked for the precision 1/√shots and rounds the shots that this needs up."""
    device = StubHardware(wires=range(2), name="qiskit.remote")
    qnode, x = qml.QNode(two_bases, device), pnp.zeros(2)
    # Two readings a circuit: Z₀Z₁ goes to the Estimator, bit strings for X₀ and Y₁ to the Sampler.
    for shots, taken in ((100, 100), (1000, 1001), (1024, 1024), (4000, 4001)):
        asked = quote(qnode, samples=2, shots=shots)(x)
        # Checked before the two samples and after them.
        checks = 2 * 3 * max(taken, 1001)
        assert asked.shots == asked.circuits * (shots + taken) + checks
    device = StubHardware(wires=range(2), name="other.remote")
    asked = quote(qml.QNode(two_bases, device), samples=2, shots=1000)(x)
    assert asked.shots == 1000 * asked.executions
