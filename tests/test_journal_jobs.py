"""The journal beyond samples: provider job ids, descents, and finishing a run from its file alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import types
from pathlib import Path

import numpy as np
import pennylane as qml
import pytest
from measured_circuits import PAIR_ARGS, on, same
from stub_devices import FaultyHardware, JobHardware, StubHardware

from pennylane_wishart.errors import InputError, MeasurementInterrupted, StoreError, WishartWarning
from pennylane_wishart.measurement import find_minima, measure, resume, stored_jobs, stored_runs
from pennylane_wishart.measurement.routes.jobs import job_ids

ARGS = PAIR_ARGS
ROOT = Path(__file__).resolve().parents[1]


# ---------------------------------------------------------------------- job ids
@pytest.mark.parametrize("style", ["qiskit", "braket", "ionq"])
def test_job_ids_are_kept_beside_the_samples(style, tmp_path):
    store = tmp_path / "journal.db"
    measure(on(JobHardware(wires=2, style=style)), samples=4, store=store, check=False)(*ARGS)
    expected = [{"run": 0, "sample": k, "job": f"job-{k}", "answered": True} for k in range(4)]
    assert stored_jobs(store) == expected


def test_places_where_plugins_show_their_jobs():
    session = types.SimpleNamespace(_session=types.SimpleNamespace(session_id="s-1"))
    tracked = types.SimpleNamespace(tracker=types.SimpleNamespace(latest={"braket_task_id": "arn:1"}))
    facade = types.SimpleNamespace(target_device=types.SimpleNamespace(_job=types.SimpleNamespace(job_id="j-1")))
    several = types.SimpleNamespace(_tasks=[types.SimpleNamespace(id="a"), types.SimpleNamespace(id="b")])
    # qiskit.remote keeps a result where others keep the job.
    result = types.SimpleNamespace(_current_job=np.zeros(3))
    found = [job_ids(device) for device in (session, tracked, facade, several, result, StubHardware(wires=1))]
    assert found == [("s-1",), ("arn:1",), ("j-1",), ("a", "b"), (), ()]


def test_job_ids_come_back_from_workers(tmp_path):
    import concurrent.futures

    store = tmp_path / "journal.db"
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        device = JobHardware(wires=2)
        measure(on(device), samples=3, store=store, check=False, executor=pool)(*ARGS)
    assert [j["job"] for j in stored_jobs(store)] == ["job-0", "job-1", "job-2"]


WORKER = textwrap.dedent(
    """
    import sys
    sys.path.insert(0, sys.argv[3])
    from test_journal_jobs import ARGS, JobHardware, measure, on
    from pennylane_wishart.measurement.store.ledger import Ledger

    note = Ledger.note_jobs

    def and_tell(self, index, jobs):
        note(self, index, jobs)
        print("noted", *jobs, flush=True)

    Ledger.note_jobs = and_tell
    device = JobHardware(wires=2, log=sys.argv[2], delay=None)
    measure(on(device), samples=3, store=sys.argv[1], check=False)(*ARGS)
    """
)


def test_the_id_of_an_unanswered_job_survives_a_kill(tmp_path):
    store, log = tmp_path / "journal.db", tmp_path / "log.txt"
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(store), str(log), str(Path(__file__).parent)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    # It waits for an answer that never comes; the id is written down meanwhile, and then it is killed.
    assert process.stdout.readline() == "noted job-0\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert log.read_text() == "submitted job-0\n"
    assert stored_jobs(store) == [{"run": 0, "sample": 0, "job": "job-0", "answered": False}]
    again = JobHardware(wires=2, start=1)
    with pytest.warns(WishartWarning, match=r"1 jobs were submitted earlier and never answered here: job-0\."):
        data = measure(on(again), samples=3, store=store, check=False)(*ARGS)
    assert again.calls == 3 and same(data, measure(on(StubHardware(wires=2)), samples=3)(*ARGS))
    assert [(j["job"], j["sample"]) for j in stored_jobs(store)] == [
        ("job-0", 0), ("job-1", 0), ("job-2", 1), ("job-3", 2),
    ]  # fmt: skip


# ---------------------------------------------------------------------- descents
def test_an_interrupted_search_pays_only_for_missing_starts(tmp_path):
    store = tmp_path / "journal.db"
    whole_device = FaultyHardware(wires=2, fault=None)
    whole = find_minima(on(whole_device), starts=6)(*ARGS)
    device = FaultyHardware(wires=2, fault="exception", every=1, after=40)
    with pytest.raises(MeasurementInterrupted, match="in the store; the same call resumes") as caught:
        find_minima(on(device), starts=6, store=store, retries=0)(*ARGS)
    ended = caught.value.partial.starts
    assert 0 < ended < 6 and stored_runs(store)[0]["samples"] == ended
    assert stored_runs(store)[0]["kind"] == "MinimaMeasurement"
    again = FaultyHardware(wires=2, fault=None)
    found = find_minima(on(again), starts=6, store=store)(*ARGS)
    assert same(found, whole) and found.to_dict() == whole.to_dict()
    assert again.calls < whole_device.calls
    # Nothing but the grouping of the ends is left to do, and the same again for more starts.
    third = FaultyHardware(wires=2, fault=None)
    assert same(find_minima(on(third), starts=6, store=store)(*ARGS), whole)
    more = find_minima(on(third), starts=7, store=store)(*ARGS)
    assert np.array_equal(more.start_index, np.arange(7))
    assert stored_runs(store)[0]["plan"].samples == 7


def test_searches_of_other_settings_do_not_mix(tmp_path):
    store = tmp_path / "journal.db"
    qnode = on(qml.device("lightning.qubit", wires=2))
    for options in ({}, {"tolerance": 1e-4}, {"hessian": False}, {"seed": 8}, {"max_iterations": 3}):
        found = find_minima(qnode, starts=2, store=store, **options)(*ARGS)
        assert same(found, find_minima(qnode, starts=2, **options)(*ARGS))
    measure(qnode, samples=2, store=store)(*ARGS)
    kinds = [run["kind"] for run in stored_runs(store)]
    assert kinds == ["MinimaMeasurement"] * 5 + ["Measurement"]
    assert [run["samples"] for run in stored_runs(store)] == [2] * 6


# ---------------------------------------------------------------------- resuming from the file alone
def test_resume_needs_only_the_circuit(tmp_path):
    store = tmp_path / "journal.db"
    device = FaultyHardware(wires=2, fault="exception", every=1, after=5)
    options = {"seed": 11, "angles": "small", "shots": 40, "parameters": 1}
    with pytest.raises(MeasurementInterrupted):
        measure(on(device), samples=9, store=store, check=False, retries=0, **options)(*ARGS)
    again = FaultyHardware(wires=2, fault=None)
    data = resume(on(again), store, check=False)(*ARGS)
    assert (data.samples, data.seed, data.shots, again.calls) == (9, 11, 40, 4)
    whole = measure(on(StubHardware(wires=2)), samples=9, **options)(*ARGS)
    assert data.content_hash == whole.content_hash and np.array_equal(data.angles, whole.angles)


def test_resume_finishes_a_search_for_minima(tmp_path):
    store = tmp_path / "journal.db"
    device = FaultyHardware(wires=2, fault="exception", every=1, after=60)
    with pytest.raises(MeasurementInterrupted):
        find_minima(on(device), starts=8, store=store, retries=0, tolerance=1e-5)(*ARGS)
    found = resume(on(FaultyHardware(wires=2, fault=None)), store)(*ARGS)
    assert same(found, find_minima(on(StubHardware(wires=2)), starts=8, tolerance=1e-5)(*ARGS))


def test_resume_says_what_it_cannot_finish(tmp_path):
    store = tmp_path / "journal.db"
    qnode = on(qml.device("lightning.qubit", wires=2))
    custom = (lambda rng, size, n: rng.exponential(size=(size, n)), lambda k, f: 1 / (1 - 1j * f))
    with pytest.raises(StoreError, match="does not exist"):
        resume(qnode, store)(*ARGS)
    measure(qnode, samples=2, store=store, angles=custom)(*ARGS)
    with pytest.raises(InputError, match="custom law of angles"):
        resume(qnode, store)(*ARGS)
    assert resume(qnode, store, angles=custom)(*ARGS).samples == 2

    @qml.qnode(qml.device("lightning.qubit", wires=2))
    def other(x):
        qml.RX(x[0], 0)
        qml.RX(x[1], 1)
        return qml.expval(qml.Z(0))

    with pytest.raises(StoreError, match="none of this circuit"):
        resume(other, store)(*ARGS)
    with pytest.raises(StoreError, match="run=3"):
        resume(qnode, store, run=3)(*ARGS)


def test_a_run_finished_by_another_route_says_both(tmp_path):
    store = tmp_path / "journal.db"
    qnode = on(qml.device("lightning.qubit", wires=2))
    measure(qnode, samples=25, store=store)(*ARGS)
    data = measure(qnode, samples=50, store=store, route="device-adjoint")(*ARGS)
    assert data.route == "device-adjoint + lightning-cpp-adjoint"
    assert np.allclose(data.gradients, measure(qnode, samples=50)(*ARGS).gradients, atol=1e-12)
