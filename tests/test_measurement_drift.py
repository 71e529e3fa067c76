"""Devices that drift: checked again during a run, and what was measured since the last good check is set aside."""

from __future__ import annotations

import concurrent.futures

import numpy as np
import pennylane as qml
import pytest
from measured_circuits import PAIR_ARGS, on, qnode_of
from stub_devices import DriftingHardware, FaultyHardware, StubHardware

from pennylane_wishart.errors import DeviceError, MeasurementInterrupted
from pennylane_wishart.measurement import find_minima, measure, quote, resume, stored_runs
from pennylane_wishart.measurement.routes.lightning import LightningAdjoint

ARGS = PAIR_ARGS


@pytest.fixture(scope="module")
def exact():
    return measure(on(qml.device("default.qubit", wires=2)), samples=120)(*ARGS)


def right(record, exact) -> list[int]:
    rows = [i for _, i in record.plan.indices()]
    assert np.abs(record.gradients - exact.gradients[rows]).max() < 1e-9
    return rows


@pytest.mark.parametrize("stored", [False, True])
def test_what_came_since_the_last_good_check_is_set_aside(stored, exact, tmp_path):
    """Checks come after 25, 50, 75 and 100 samples; the device turns wrong after 60."""
    store = tmp_path / "journal.db" if stored else None
    # One call a check, one a sample: 1 + 25 + 1 + 25 + 1 + 10 are right.
    device = DriftingHardware(wires=2, good=63)
    with pytest.raises(MeasurementInterrupted, match=r"measures one qubit wrongly.*25 samples earlier: those are") as e:
        measure(on(device), samples=120, store=store)(*ARGS)
    assert right(e.value.partial, exact) == list(range(50))
    suspect = [i for _, i in e.value.suspect.plan.indices()]
    assert suspect == list(range(50, 75))
    assert np.abs(e.value.suspect.gradients[:10] - exact.gradients[50:60]).max() < 1e-9
    assert np.abs(e.value.suspect.gradients[10:] + exact.gradients[60:75]).max() < 1e-9
    if stored:
        [run] = stored_runs(store)
        assert (run["samples"], run["suspect"]) == (50, 25)
        mended = DriftingHardware(wires=2, good=63)
        mended.calls = -(10**6)
        data = measure(on(mended), samples=120, store=store)(*ARGS)
        assert right(data, exact) == list(range(120))
        # 70 samples, and checks before them, after 25, after 50 and at the end.
        assert mended.calls + 10**6 == 70 + 4
        assert stored_runs(store)[0]["suspect"] == 0


def test_a_short_run_is_checked_at_its_end(exact):
    device = DriftingHardware(wires=2, good=4)
    with pytest.raises(MeasurementInterrupted, match="wrongly") as caught:
        measure(on(device), samples=6)(*ARGS)
    assert caught.value.partial is None and caught.value.suspect.samples == 6
    assert measure(on(DriftingHardware(wires=2, good=4)), samples=6, check=False)(*ARGS).samples == 6


class AtOnce:
    """Runs every job when it is submitted: jobs in flight were run before the answers in front of them are seen."""

    def submit(self, function, *args):
        future = concurrent.futures.Future()
        future.set_result(function(*args))
        return future


@pytest.mark.parametrize(("good", "kept"), [(40, 0), (65, 25)])
def test_on_an_executor_jobs_in_flight_are_set_aside_too(good, kept, exact, tmp_path):
    """32 jobs are in flight: the checks after 25 and 50 answers are the device's calls 58 and 84."""
    store = tmp_path / "journal.db"
    device = DriftingHardware(wires=2, good=good)
    # The job runs in this process: the device must be the one that is checked.
    device.__class__.__reduce_ex__ = lambda self, protocol: (_found, (id(self),))
    _devices[id(device)] = device
    try:
        with pytest.raises(MeasurementInterrupted, match="wrongly") as caught:
            measure(on(device), samples=120, store=store, executor=AtOnce())(*ARGS)
    finally:
        del device.__class__.__reduce_ex__
    assert (right(caught.value.partial, exact) if kept else []) == list(range(kept))
    [run] = stored_runs(store)
    assert (run["samples"], run["suspect"]) == (kept, 25 + 31)
    assert caught.value.suspect.samples == 25 + 31


_devices: dict[int, DriftingHardware] = {}


def _found(number: int):
    return _devices[number]


def test_a_check_without_an_answer_sets_nothing_aside(exact, tmp_path):
    """The device is gone when the check after 25 samples is due: that says nothing about the samples."""
    store = tmp_path / "journal.db"
    device = FaultyHardware(wires=2, every=1, after=26)
    with pytest.raises(MeasurementInterrupted, match="the queue dropped the job") as caught:
        measure(on(device), samples=120, store=store, retries=0)(*ARGS)
    assert right(caught.value.partial, exact) == list(range(25)) and caught.value.suspect is None
    assert stored_runs(store)[0]["samples"] == 25 and stored_runs(store)[0]["suspect"] == 0


def test_a_device_that_is_wrong_from_the_start_of_a_resumed_run(exact, tmp_path):
    """What an earlier session measured between good checks stays, and is in ``partial``."""
    store = tmp_path / "journal.db"
    device = FaultyHardware(wires=2, every=1, after=20)
    with pytest.raises(MeasurementInterrupted):
        measure(on(device), samples=30, store=store, retries=0)(*ARGS)

    class Wrong(FaultyHardware):
        def execute(self, circuits, execution_config=None):
            return tuple(-np.asarray(r) for r in super().execute(circuits, execution_config))

    with pytest.raises(DeviceError, match="wrongly"):
        measure(on(Wrong(wires=2, fault=None)), samples=30, store=store)(*ARGS)
    with pytest.raises(MeasurementInterrupted, match="wrongly") as caught:
        resume(on(Wrong(wires=2, fault=None)), store, run=0, same_device=True)(*ARGS)
    assert right(caught.value.partial, exact) == list(range(19))


@pytest.mark.parametrize("samples", [1, 24, 25, 26, 60, 130])
@pytest.mark.parametrize("options", [{"shots": 2000}, {"shots": 20, "parameters": 1}, {"shots": None}])
def test_a_quote_counts_every_check(samples, options):
    device = StubHardware(wires=2)
    asked = quote(on(device), samples=samples, **options)(*ARGS)
    assert device.circuits == 0
    measure(on(device), samples=samples, **options)(*ARGS)
    assert (device.circuits, device.shots_run) == (asked.executions, asked.shots)
    assert asked.check_executions >= 6 and asked.check_executions % 3 == 0


def test_checks_do_not_depend_on_chunks_or_threads():
    asked = quote(on(StubHardware(wires=2)), samples=60, shots=None)(*ARGS)
    for chunk in (7, 60):
        device = StubHardware(wires=2)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            measure(on(device), samples=60, chunk=chunk, executor=pool)(*ARGS)
        assert device.circuits == asked.executions


@pytest.mark.parametrize("action", [lambda q: measure(q, samples=250), lambda q: find_minima(q, starts=2)])
def test_a_fast_route_that_changes_its_mind_is_found(action, monkeypatch):
    """Lightning's C++ route agrees with the public one at first use, and differs by one percent later."""
    evaluate, calls = LightningAdjoint.evaluate, []

    def drifting(self, gate_values):
        calls.append(1)
        losses, slopes = evaluate(self, gate_values)
        return losses, slopes * (1.0 if len(calls) < 4 else 1.01)

    monkeypatch.setattr(LightningAdjoint, "evaluate", drifting)
    qnode, args = qnode_of("layers")
    with pytest.raises(MeasurementInterrupted, match="gives another gradient than at first use") as caught:
        action(qnode)(*args)
    assert caught.value.partial is None


def test_a_fast_route_that_stays_as_it_is_passes():
    qnode, args = qnode_of("layers")
    assert measure(qnode, samples=250)(*args).route == "lightning-cpp-adjoint"
