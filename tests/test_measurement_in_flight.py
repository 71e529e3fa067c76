"""Jobs in flight: whatever ends a run, every answer that is there is kept, in ``partial`` and in the store."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import threading

import numpy as np
import pennylane as qml
import pytest
from measured_circuits import PAIR_ARGS, on
from stub_devices import FaultyHardware, StubHardware

from pennylane_wishart.errors import DeviceError, MeasurementInterrupted
from pennylane_wishart.measurement import measure, stored_runs

ARGS = PAIR_ARGS


@pytest.fixture(scope="module")
def whole():
    return measure(on(StubHardware(wires=2)), samples=30)(*ARGS)


class Future:
    """Like Dask's: no concurrent.futures behind it, cancelling takes effect at once."""

    def __init__(self):
        self._callbacks, self._outcome, self._cancelled = [], None, False

    def add_done_callback(self, function):
        self._callbacks.append(function)
        if self._outcome is not None:
            function(self)

    def finish(self, value=None, error=None):
        self._outcome = (value, error)
        for function in self._callbacks:
            function(self)

    def result(self):
        value, error = self._outcome
        if error is not None:
            raise error
        return value

    def done(self):
        return self._outcome is not None or self._cancelled

    def cancelled(self):
        return self._cancelled

    def cancel(self):
        self._cancelled = self._outcome is None


class Client:
    """Answers all jobs but one before anyone looks, and that one, in the middle, with an error."""

    def __init__(self, jobs: int, failing: int, error: BaseException, unanswered: int = 0):
        self._jobs, self._failing, self._error, self._unanswered = jobs, failing, error, unanswered
        self._sent: list = []

    def submit(self, function, *args):
        future = Future()
        self._sent.append((future, function, args))
        if len(self._sent) == self._jobs:
            order = [self._failing, *(k for k in range(self._jobs) if k != self._failing)]
            for k in order[: self._jobs - self._unanswered]:
                future_k, function_k, args_k = self._sent[k]
                if k == self._failing:
                    future_k.finish(error=self._error)
                else:
                    future_k.finish(function_k(*args_k))
        return future


def kept(error: MeasurementInterrupted, whole) -> list[int]:
    """Numbers of the samples in ``partial``, after a look at every number."""
    rows = [i for _, i in error.partial.plan.indices()]
    assert np.array_equal(error.partial.gradients, whole.gradients[rows])
    return rows


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("error", [DeviceError("the job was rejected"), KeyboardInterrupt()])
def test_a_client_whose_one_job_fails_loses_none_of_the_others(error, stored, tmp_path, whole):
    """The failure is heard of first: 16 jobs are answered, and 16 are kept; three never are."""
    store = tmp_path / "journal.db" if stored else None
    client = Client(20, failing=7, error=error, unanswered=3)
    with pytest.raises(MeasurementInterrupted) as caught:
        measure(on(StubHardware(wires=2)), samples=20, store=store, executor=client, check=False)(*ARGS)
    assert kept(caught.value, whole) == [k for k in range(17) if k != 7]
    if stored:
        assert stored_runs(store)[0]["samples"] == 16


class Gated(StubHardware):
    """The sample whose number is ``bad`` fails for good, once ``others`` jobs are waiting for an answer."""

    def __init__(self, bad_angles, others: int, error):
        super().__init__(wires=2)
        self.bad_angles, self.others, self.error = bad_angles, others, error
        self.entered, self.failed, self.lock = threading.Semaphore(0), threading.Event(), threading.Lock()

    def execute(self, circuits, execution_config=None):
        if np.isclose(circuits[0].get_parameters(trainable_only=False)[0], self.bad_angles):
            for _ in range(self.others):
                self.entered.acquire()
            self.failed.set()
            raise self.error
        self.entered.release()
        self.failed.wait()
        with self.lock:
            return super().execute(circuits, execution_config)


@pytest.mark.parametrize("chunk", [1, 2])
def test_threads_that_work_when_another_fails_are_waited_for(chunk, tmp_path, whole):
    """Four threads: three are at work when the fourth fails for good; what they answer is kept."""
    device = Gated(whole.angles[0, 0], 3, ConnectionError("rejected"))
    store = tmp_path / "journal.db"
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        with pytest.raises(MeasurementInterrupted, match="rejected") as caught:
            measure(on(device), samples=24, store=store, executor=pool, check=False, retries=0, chunk=chunk)(*ARGS)
    rows = kept(caught.value, whole)
    assert set(range(chunk, 4 * chunk)) <= set(rows) and 0 not in rows
    assert stored_runs(store)[0]["samples"] == len(rows)


class FailsAtOneAngle(StubHardware):
    """Fails for good at one angle set; made anew in every process."""

    def __init__(self, angle):
        super().__init__(wires=2)
        self.angle = angle

    def execute(self, circuits, execution_config=None):
        if np.isclose(circuits[0].get_parameters(trainable_only=False)[0], self.angle):
            raise ConnectionError("rejected")
        return super().execute(circuits, execution_config)


def test_processes_keep_what_a_chunk_had_answered_when_it_failed(tmp_path, whole):
    """Sample 12 of chunks of 5 fails: 10 and 11 come back with the error, and the other chunks whole."""
    store, device = tmp_path / "journal.db", FailsAtOneAngle(float(whole.angles[12, 0]))
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        with pytest.raises(MeasurementInterrupted, match="rejected") as caught:
            measure(on(device), samples=15, store=store, executor=pool, check=False, retries=0, chunk=5)(*ARGS)
    assert kept(caught.value, whole)[:12] == list(range(12))
    assert stored_runs(store)[0]["samples"] == caught.value.partial.samples
    assert 12 not in kept(caught.value, whole)


@pytest.mark.parametrize("fault", ["exception", "interrupt"])
@pytest.mark.parametrize("chunk", [1, 4, 20])
def test_here_a_chunk_that_fails_keeps_what_it_had_answered(fault, chunk, tmp_path, whole):
    """Eleven calls are answered, the twelfth is not: eleven samples are kept, whatever the chunks."""
    store = tmp_path / "journal.db"
    device = FaultyHardware(wires=2, fault=fault, every=1, after=11)
    options = {"samples": 20, "store": store, "check": False, "retries": 0, "chunk": chunk}
    with pytest.raises(MeasurementInterrupted) as caught:
        measure(on(device), **options)(*ARGS)
    assert kept(caught.value, whole) == list(range(11)) and stored_runs(store)[0]["samples"] == 11
    mended = FaultyHardware(wires=2, fault=None)
    data = measure(on(mended), **options)(*ARGS)
    assert np.array_equal(data.gradients, whole.gradients[:20]) and mended.calls == 9


def test_an_interrupt_while_the_store_is_written_loses_nothing(tmp_path, whole, monkeypatch):
    """Ctrl-C in the middle of a write: the answer is in the table already, and goes into the store at the end."""
    from pennylane_wishart.measurement.store.ledger import Ledger

    acknowledge, calls = Ledger.acknowledge, []

    def interrupted(self, index, rows, suspect=False):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        acknowledge(self, index, rows, suspect)

    monkeypatch.setattr(Ledger, "acknowledge", interrupted)
    store = tmp_path / "journal.db"
    with pytest.raises(MeasurementInterrupted, match="stopped by the user") as caught:
        measure(on(StubHardware(wires=2)), samples=20, store=store, check=False)(*ARGS)
    assert kept(caught.value, whole) == [0, 1, 2, 3] and stored_runs(store)[0]["samples"] == 4


# ---------------------------------------------------------------------- seeds
def noisy_mixed():
    model = qml.NoiseModel({qml.noise.op_eq(qml.RX): qml.noise.partial_wires(qml.DepolarizingChannel, 0.1)})
    return qml.add_noise(qml.device("default.mixed", wires=2), model)


@pytest.mark.parametrize(
    "make",
    [
        lambda: "default.mixed",
        lambda: qml.device("default.mixed", wires=2),
        noisy_mixed,
        lambda: lambda: qml.device("default.mixed", wires=2),
        lambda: qml.device("wishart.lie", wires=2),
        lambda: "reference.qubit",
    ],
)
def test_shots_of_every_device_that_takes_a_seed_are_those_of_the_plan(make):
    """The same numbers twice, in other chunks, on threads, and from the middle of the plan."""
    qnode = on(qml.device("lightning.qubit", wires=2))
    options = {"shots": 60, "device": make()}
    alone = measure(qnode, samples=8, **options)(*ARGS)
    assert alone.reproducible and "not reproducible" not in str(alone)
    for other in ({"device": make()}, {"chunk": 3}, {"seed": 7}):
        assert np.array_equal(measure(qnode, samples=8, **(options | other))(*ARGS).gradients, alone.gradients)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        data = measure(qnode, samples=8, chunk=2, executor=pool, **options)(*ARGS)
    assert np.array_equal(data.gradients, alone.gradients) and np.array_equal(data.losses, alone.losses)
    tail = measure(qnode, samples=3, first=5, **options)(*ARGS)
    assert np.array_equal(tail.gradients, alone.gradients[5:])
    assert not np.array_equal(measure(qnode, samples=8, **options, seed=8)(*ARGS).gradients, alone.gradients)
    # The shots differ between samples and scatter as they should: 8 losses within 5 standard errors.
    exact = measure(qnode, samples=8, **(options | {"shots": None}))(*ARGS)
    assert np.abs(alone.losses - exact.losses).max() < 5 / np.sqrt(60)
    assert len(set(alone.losses)) > 4


def test_a_device_without_seed_says_so():
    data = measure(on(StubHardware(wires=2)), samples=4, shots=50)(*ARGS)
    assert not data.reproducible and "not reproducible: the device takes no seed" in str(data)
    assert measure(on(StubHardware(wires=2)), samples=4)(*ARGS).reproducible
    both = data + measure(on(StubHardware(wires=2)), samples=4, shots=50, seed=8)(*ARGS)
    assert not both.reproducible and data.to_dict()["reproducible"] is False
