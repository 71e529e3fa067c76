"""The journal: resuming after a kill, two processes on one file, and files that cannot be used."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pennylane as qml
import pytest
from measured_circuits import PAIR_ARGS, on, same
from stub_devices import FaultyHardware, StubHardware

from pennylane_wishart.errors import MeasurementInterrupted, StoreError
from pennylane_wishart.measurement import measure, stored_runs
from pennylane_wishart.measurement.store import ledger as ledger_module
from pennylane_wishart.measurement.store.journal import Journal
from pennylane_wishart.measurement.store.ledger import Claim, Question, open_ledger
from pennylane_wishart.measurement.tables import ROWS as RowCodec

ARGS = PAIR_ARGS
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def whole():
    return measure(on(qml.device("lightning.qubit", wires=2)), samples=60)(*ARGS)


# ---------------------------------------------------------------------- resuming
def test_only_what_is_missing_is_paid(tmp_path):
    store = tmp_path / "journal.db"
    device = FaultyHardware(wires=2, fault="exception", every=1, after=5)
    with pytest.raises(MeasurementInterrupted, match="the same call resumes") as caught:
        measure(on(device), samples=7, store=store, check=False, retries=0)(*ARGS)
    assert caught.value.partial.samples == 5
    assert stored_runs(store)[0]["samples"] == 5
    again = FaultyHardware(wires=2, fault=None)
    data = measure(on(again), samples=7, store=store, check=False)(*ARGS)
    assert again.calls == 2
    assert same(data, measure(on(StubHardware(wires=2)), samples=7)(*ARGS))
    # Nothing is missing now: not even the check of the device runs.
    assert measure(on(again), samples=7, store=store)(*ARGS).samples == 7
    assert again.calls == 2


def test_more_samples_of_the_same_question_continue_the_run(tmp_path, whole):
    store = tmp_path / "journal.db"
    qnode = on(qml.device("lightning.qubit", wires=2))
    measure(qnode, samples=31, store=store)(*ARGS)
    assert same(measure(qnode, samples=60, store=store)(*ARGS), whole)
    tail = measure(qnode, samples=20, first=40, store=store)(*ARGS)
    assert np.array_equal(tail.losses, whole.losses[40:])
    assert [run["samples"] for run in stored_runs(store)] == [60]


def test_other_questions_get_their_own_rows(tmp_path, whole):
    store = tmp_path / "journal.db"
    qnode = on(qml.device("lightning.qubit", wires=2))
    for options in (
        {},
        {"seed": 8},
        {"angles": "small"},
        {"parameters": 1},
        {"shots": 5},
        {"device": "default.qubit"},
    ):
        data = measure(qnode, samples=3, store=store, **options)(*ARGS)
        assert same(data, measure(qnode, samples=3, **options)(*ARGS))
    assert [run["samples"] for run in stored_runs(store)] == [3] * 6
    assert {run["device"] for run in stored_runs(store)} == {"lightning.qubit", "default.qubit"}


WORKER = textwrap.dedent(
    """
    import sys
    sys.path.insert(0, sys.argv[3])
    from test_journal import ARGS, StubHardware, measure, on

    class Logging(StubHardware):
        def execute(self, circuits, execution_config=None):
            with open(sys.argv[2], "a") as log:
                log.write("call\\n")
            return super().execute(circuits, execution_config)

    print("ready", flush=True)
    sys.stdin.readline()
    data = measure(on(Logging(wires=2)), samples=12, store=sys.argv[1], check=False, chunk=2)(*ARGS)
    print(repr(data.losses.tolist()), flush=True)
    """
)


def test_kills_at_every_stage_lose_nothing_and_pay_nothing_twice(tmp_path):
    """SIGKILL before and after every statement of the journal and every call of the device, one a session.

    The device keeps its own log of what it was asked to run; a call that was under way or not yet acknowledged
    when the process died is the only thing paid again. Where the kill falls is counted, not timed.
    """
    script = Path(__file__).parent / "killed_runs.py"
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), "24", "30"],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["kills"] == 24
    assert found["lost"] == 0 and found["paid_twice"] == 0 and found["identical"]
    assert found["to_finish"] == found["missing_at_the_end"]
    assert 30 < found["executions"] <= 30 + 24
    kept = found["kept_at_each_kill"]
    assert kept == sorted(kept) and kept[-1] >= 3


@pytest.mark.slow
def test_two_processes_share_one_file(tmp_path):
    """Both begin at the same moment: every sample is asked for once, whoever asks."""
    store, log = tmp_path / "journal.db", tmp_path / "calls.txt"
    here = str(Path(__file__).parent)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(store), str(log), here], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        for _ in range(2)
    ]  # fmt: skip
    assert [p.stdout.readline() for p in processes] == ["ready\n", "ready\n"]
    for p in processes:
        p.stdin.write("go\n")
        p.stdin.flush()
    outputs = [p.communicate()[0] for p in processes]
    assert all(p.returncode == 0 for p in processes)
    expected = measure(on(StubHardware(wires=2)), samples=12)(*ARGS).losses.tolist()
    assert all(o.splitlines()[-1] == repr(expected) for o in outputs)
    assert len(log.read_text().splitlines()) == 12


# ---------------------------------------------------------------------- claims
def claims(tmp_path, whole):
    question = Question("Measurement", whole.plan, "lightning.qubit", whole.identity, whole.route)
    return open_ledger(tmp_path / "journal.db", question, RowCodec)


def test_claims_of_the_living_hold_and_those_of_the_dead_do_not(tmp_path, whole):
    chunk = np.arange(3)
    with claims(tmp_path, whole) as one, claims(tmp_path, whole) as two:
        assert one.claim(chunk) is Claim.TAKEN
        assert two.claim(chunk) is Claim.HELD and two.claim(np.array([2, 3])) is Claim.HELD
        assert two.claim(np.array([5])) is Claim.TAKEN
        one.release()
        assert two.claim(chunk) is Claim.TAKEN
    # Both are gone without having released anything: as after a kill.
    with claims(tmp_path, whole) as three:
        assert three.claim(chunk) is Claim.TAKEN


def test_a_claim_of_another_host_expires(tmp_path, whole, monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(ledger_module, "_now", lambda: clock[0])
    with claims(tmp_path, whole) as ledger, claims(tmp_path, whole) as other:
        other.owner = "elsewhere|1|1|x"
        assert other.claim(np.array([0])) is Claim.TAKEN
        clock[0] += 599
        assert ledger.claim(np.array([0])) is Claim.HELD
        clock[0] += 2
        assert ledger.claim(np.array([0])) is Claim.TAKEN


def test_intents_are_on_disk_before_anything_is_submitted(tmp_path):
    store = tmp_path / "journal.db"

    class Looks(StubHardware):
        def execute(self, circuits, execution_config=None):
            connection = sqlite3.connect(store)
            seen.append(connection.execute("SELECT count(*) FROM intents").fetchone()[0])
            connection.close()
            return super().execute(circuits, execution_config)

    seen: list[int] = []
    measure(on(Looks(wires=2)), samples=3, store=store, check=False)(*ARGS)
    assert seen == [1, 1, 1]
    with sqlite3.connect(store) as database:
        assert database.execute("SELECT count(*) FROM intents").fetchone()[0] == 0
        assert database.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    database.close()


# ---------------------------------------------------------------------- files that cannot be used
def test_foreign_and_corrupt_files_are_left_as_they_were(tmp_path):
    qnode = on(qml.device("lightning.qubit", wires=2))
    text = tmp_path / "notes.txt"
    text.write_text("these are my notes, not a database, and longer than a header of 100 bytes " * 4)
    foreign = tmp_path / "other.db"
    with sqlite3.connect(foreign) as database:
        database.execute("CREATE TABLE samples (x)")
    database.close()
    for path, match in ((text, "of another kind"), (foreign, "another application")):
        before = path.read_bytes()
        with pytest.raises(StoreError, match=match):
            measure(qnode, samples=2, store=path)(*ARGS)
        assert path.read_bytes() == before
    with pytest.raises(StoreError, match="existing folder"):
        measure(qnode, samples=2, store=tmp_path / "no" / "where.db")(*ARGS)
    with pytest.raises(StoreError, match="existing folder"):
        measure(qnode, samples=2, store=tmp_path)(*ARGS)
    with pytest.raises(StoreError, match="does not exist"):
        stored_runs(tmp_path / "none.db")


def test_damage_is_found(tmp_path):
    store = tmp_path / "journal.db"
    qnode = on(qml.device("lightning.qubit", wires=2))
    measure(qnode, samples=30, store=store)(*ARGS)
    with sqlite3.connect(store) as database:
        database.execute("UPDATE samples SET payload = zeroblob(length(payload)) WHERE sample = 11")
    database.close()
    with pytest.raises(StoreError, match="sample 11 is damaged") as caught:
        measure(qnode, samples=40, store=store)(*ARGS)
    assert caught.value.partial.samples == 11
    raw = bytearray(store.read_bytes())
    raw[4096 + 200 : 8192] = os.urandom(8192 - 4096 - 200)
    broken = tmp_path / "broken.db"
    broken.write_bytes(raw)
    with pytest.raises(StoreError, match="corrupt|of another kind|damaged"):
        measure(qnode, samples=40, store=broken)(*ARGS)


LIMITED = textwrap.dedent(
    """
    import os, resource, signal, sys
    sys.path.insert(0, sys.argv[3])
    from test_journal import ARGS, StoreError, measure, on, qml, stored_runs
    qnode = on(qml.device("lightning.qubit", wires=2))
    import json
    if sys.argv[2] == "full":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        measure(qnode, samples=25, store=sys.argv[1])(*ARGS)
        resource.setrlimit(resource.RLIMIT_FSIZE, (120_000, resource.RLIM_INFINITY))
    elif os.geteuid() == 0:
        os.setuid(65534)
    try:
        measure(qnode, samples=4000, store=sys.argv[1])(*ARGS)
    except StoreError as error:
        print(json.dumps([str(error), error.partial.samples if error.partial else 0]))
    """
)


def limited(store, kind) -> tuple[str, int]:
    here = str(Path(__file__).parent)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(store), kind, here],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout, done.stderr
    return tuple(json.loads(done.stdout))


def test_a_full_disk_keeps_what_was_measured(tmp_path):
    store = tmp_path / "journal.db"
    message, samples = limited(store, "full")
    assert "the disk is full or failing" in message
    stored = stored_runs(store)[0]["samples"]
    # The chunk that could not be written is in .partial all the same.
    assert samples == stored + 25 and stored >= 25
    data = measure(on(qml.device("lightning.qubit", wires=2)), samples=samples, store=store)(*ARGS)
    assert same(data, measure(on(qml.device("lightning.qubit", wires=2)), samples=samples)(*ARGS))


def test_a_read_only_file(tmp_path):
    store = tmp_path / "journal.db"
    measure(on(qml.device("lightning.qubit", wires=2)), samples=3, store=store)(*ARGS)
    tmp_path.chmod(0o555)
    store.chmod(0o444)
    for parent in tmp_path.parents:
        if parent.stat().st_uid == os.geteuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o055)
        if parent.name.startswith("pytest-of"):
            break
    try:
        message, _ = limited(store, "read-only")
    finally:
        tmp_path.chmod(0o755)
    assert "cannot be written" in message


def test_a_journal_of_a_later_schema_is_refused(tmp_path):
    store = tmp_path / "journal.db"
    Journal(store).close()
    with sqlite3.connect(store) as database:
        database.execute("PRAGMA user_version = 9")
    database.close()
    with pytest.raises(StoreError, match="schema 9"):
        Journal(store)
