"""Devices that fail or measure wrongly: retries, clear errors, and nothing measured is lost."""

from __future__ import annotations

import threading

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp
from stub_devices import FaultyHardware, HangingHardware, StubHardware, ZOnlyHardware

from pennylane_wishart.errors import DeviceError, InputError, MeasurementInterrupted
from pennylane_wishart.measurement import find_minima, measure
from pennylane_wishart.measurement.store import faults

FAULTS = ("exception", "timeout", "nan", "shape", "missing")
ARGS = (pnp.array([0.1, 0.2]),)


def body(x):
    qml.RX(x[0], 0)
    qml.CNOT([0, 1])
    qml.RY(x[1], 1)
    return qml.expval(qml.Z(1))


def on(device):
    return qml.QNode(body, device)


@pytest.fixture(scope="module")
def expected():
    return measure(on(qml.device("lightning.qubit", wires=2)), samples=6)(*ARGS)


@pytest.mark.parametrize("fault", FAULTS)
def test_occasional_faults_are_retried(fault, expected):
    device = FaultyHardware(wires=2, fault=fault, every=3)
    data = measure(on(device), samples=6, backoff=0.0)(*ARGS)
    assert np.abs(data.gradients - expected.gradients).max() < 1e-9
    # One call checks the device, six measure, one checks it again; every third fails and comes again.
    assert device.calls == 11


def until_it_hangs(device):
    """A stand-in for the clock: the time is up as soon as the device hangs, however long that takes here."""

    def wait(finished: threading.Event, timeout: float) -> bool:
        while not finished.wait(0.001):
            if device.hangs.is_set():
                device.hangs.clear()
                return False
        return True

    return wait


def test_hanging_calls_time_out(expected, monkeypatch):
    device = HangingHardware(wires=2, every=4)
    monkeypatch.setattr(faults, "wait_for", until_it_hangs(device))
    data = measure(on(device), samples=4, backoff=0.0, timeout=0.5)(*ARGS)
    assert np.abs(data.gradients - expected.gradients[:4]).max() < 1e-9 and device.calls == 7
    device.release.set()
    dead = HangingHardware(wires=2, every=1, after=1)
    monkeypatch.setattr(faults, "wait_for", until_it_hangs(dead))
    with pytest.raises(MeasurementInterrupted, match=r"timeout=0.05 s"):
        measure(on(dead), samples=4, backoff=0.0, retries=0, timeout=0.05)(*ARGS)
    dead.release.set()


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("exception", "the queue dropped the job"),
        ("timeout", "no answer from the machine"),
        ("nan", "not finite"),
        ("shape", "where 1 values were due"),
        ("missing", "for 5 circuits"),
    ],
)
def test_lasting_faults_end_clearly_with_all_samples_kept(fault, text, expected):
    device = FaultyHardware(wires=2, fault=fault, every=1, after=4)
    with pytest.raises(MeasurementInterrupted, match=text) as caught:
        measure(on(device), samples=6, backoff=0.0, retries=2)(*ARGS)
    # The check and three samples went well; the fourth was tried three times.
    assert device.calls == 4 + 3
    partial = caught.value.partial
    assert partial.samples == 3 and partial.plan.ranges == ((7, 0, 3),)
    assert np.abs(partial.gradients - expected.gradients[:3]).max() < 1e-9
    rest = measure(on(FaultyHardware(wires=2, fault=None)), samples=3, first=3)(*ARGS)
    assert (partial + rest).samples == 6


def test_a_failing_device_with_nothing_measured():
    device = FaultyHardware(wires=2, fault="exception", every=1)
    with pytest.raises(DeviceError, match="the queue dropped the job"):
        measure(on(device), samples=2, backoff=0.0)(*ARGS)
    with pytest.raises(MeasurementInterrupted) as caught:
        measure(on(device), samples=2, backoff=0.0, check=False)(*ARGS)
    assert caught.value.partial is None


def test_stopping_by_hand_keeps_what_was_measured(expected):
    device = FaultyHardware(wires=2, fault="interrupt", every=1, after=3)
    with pytest.raises(MeasurementInterrupted, match="stopped by the user") as caught:
        measure(on(device), samples=6)(*ARGS)
    assert caught.value.partial.samples == 2
    assert np.abs(caught.value.partial.losses - expected.losses[:2]).max() < 1e-9


def test_back_off_doubles(monkeypatch):
    waits = []
    monkeypatch.setattr("pennylane_wishart.measurement.store.faults.time.sleep", waits.append)
    device = FaultyHardware(wires=2, fault="exception", every=1, after=1)
    with pytest.raises(MeasurementInterrupted):
        measure(on(device), samples=2, retries=3, backoff=0.5)(*ARGS)
    assert waits == [0.5, 1.0, 2.0]


@pytest.mark.parametrize("shots", [None, 200])
def test_a_device_that_measures_wrongly_is_refused(shots):
    device = ZOnlyHardware(wires=2)
    with pytest.raises(DeviceError, match="measures one qubit wrongly.*⟨X⟩"):
        measure(on(device), samples=2, shots=shots)(*ARGS)
    assert device.circuits == 3


def test_a_right_device_passes_the_check_at_any_number_of_shots():
    for seed in range(20):
        device = StubHardware(wires=2, seed=seed)
        measure(on(device), samples=1, shots=5, parameters=0)(*ARGS)
        # Three to check, one to measure, three to check again.
        assert device.circuits == 7


def test_interrupted_descents_keep_those_that_ended():
    device = FaultyHardware(wires=2, fault="exception", every=1, after=250)
    with pytest.raises(MeasurementInterrupted, match="descents ended") as caught:
        find_minima(on(device), starts=40, backoff=0.0, retries=0)(*ARGS)
    assert 0 < caught.value.partial.starts < 40
    assert np.allclose(caught.value.partial.losses, -1)


def test_devices_that_cannot_be_sent_to_workers_are_named():
    class Submits:
        def submit(self, *args):
            raise AssertionError("never reached")

    class Locked(StubHardware):
        def __reduce__(self):
            raise TypeError("holds a connection")

    with pytest.raises(InputError, match=r"stub\.hardware cannot be sent.*holds a connection"):
        measure(on(Locked(wires=2)), samples=2, executor=Submits())(*ARGS)
