"""Stores that are damaged, old, read-only, or no path at all: a right result or one clear sentence, never a hang."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pennylane as qml
import pytest
from damaged_stores import KEPT, SAMPLES, Damaged, no_waiting
from measured_circuits import PAIR_ARGS, on, same
from stub_devices import JobHardware, StubHardware

from pennylane_wishart.errors import InputError, StoreError
from pennylane_wishart.measurement import collect as run_module
from pennylane_wishart.measurement import find_minima, measure, resume, stored_jobs, stored_runs
from pennylane_wishart.measurement.store.journal import row_digest

ARGS = PAIR_ARGS
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_module, "wait_for_others", no_waiting)
        yield Damaged(tmp_path_factory.mktemp("stores"))


# ---------------------------------------------------------------------- damage
@pytest.mark.filterwarnings("ignore:.*jobs were submitted earlier")
def test_any_flipped_byte_ends_in_a_right_result_or_one_sentence(damaged):
    """One byte in 300, in every page; ``damaged_stores.py`` does all of them."""
    rng = np.random.default_rng(3)
    found = []
    for start in range(0, len(damaged.bytes), 300):
        content = bytearray(damaged.bytes)
        at = min(start + int(rng.integers(300)), len(content) - 1)
        content[at] ^= int(rng.integers(1, 256))
        found.append(damaged.outcome(bytes(content)))
    assert 5 < sum(f != "right" for f in found) < len(found)


@pytest.mark.filterwarnings("ignore:.*jobs were submitted earlier")
def test_any_truncation_ends_in_a_right_result_or_one_sentence(damaged):
    size = len(damaged.bytes)
    lengths = {0, 1, 15, 16, 99, 100, 101, 511, 512, 1023, 4095, 4096, 4097, size - 4097, size - 4096, size - 1}
    lengths |= set(range(0, size, size // 12))
    found = {length: damaged.outcome(damaged.bytes[:length]) for length in sorted(lengths)}
    # What is empty is a new store; all else was cut, and is not taken for whole.
    # SQLite takes a single byte for nothing as well.
    assert found.pop(0) == found.pop(1) == "right"
    # It reads the missing end of a page as zeros: a digest that ends in a zero byte (one file in 256) lost nothing.
    assert not [length for length, f in found.items() if f == "right" and any(damaged.bytes[length:])]


EDITS = {
    "a sample under another number": "UPDATE samples SET sample = 40 WHERE sample = 3",
    "a sample of another run": "UPDATE samples SET run = 2 WHERE sample = 3",
    "two samples exchanged": """CREATE TEMP TABLE t AS SELECT * FROM samples WHERE sample IN (2, 3);
        UPDATE samples SET payload = (SELECT payload FROM t WHERE t.sample = 5 - samples.sample),
        digest = (SELECT digest FROM t WHERE t.sample = 5 - samples.sample) WHERE sample IN (2, 3)""",
    "a number": "UPDATE samples SET payload = zeroblob(length(payload)) WHERE sample = 3",
    "a sample set aside": "UPDATE samples SET suspect = 1 WHERE sample = 3",
    "a plan that is no JSON": "UPDATE runs SET plan = substr(plan, 2)",
    "a plan of another seed": "UPDATE runs SET plan = replace(plan, '[[7, 0', '[[8, 0')",
    "routes that are no JSON": "UPDATE runs SET routes = '[' || routes",
    "options that are a number": "UPDATE runs SET options = 3",
    "an identity of another device": "UPDATE runs SET identity = replace(identity, 'stub', 'real')",
    "a claim of someone who never dies": "UPDATE intents SET owner = 'elsewhere|1|1|x', at = 1e300",
    "a claim of nobody": "UPDATE intents SET owner = 'x'",
    "a job of another name": "UPDATE jobs SET job = 'job-99' WHERE sample = 2",
}


@pytest.mark.filterwarnings("ignore:.*jobs were submitted earlier")
@pytest.mark.parametrize("what", EDITS)
def test_rows_that_are_not_as_they_were_written_are_found(what, damaged, tmp_path):
    path = tmp_path / "edited.db"
    path.write_bytes(damaged.bytes)
    with sqlite3.connect(path) as database:
        database.executescript(EDITS[what])
    database.close()
    with pytest.raises(StoreError, match="is damaged"):
        stored_runs(path)
        stored_jobs(path)
        measure(on(JobHardware(wires=2, start=50)), samples=60, store=path, check=False)(*ARGS)


def test_a_file_that_lists_a_sample_and_does_not_yield_it_is_not_asked_for_ever(damaged, tmp_path, monkeypatch):
    """As after a flipped byte in the tree of the table: the row is found by one path and not by the other."""
    from pennylane_wishart.measurement.store.ledger import Ledger

    path = tmp_path / "journal.db"
    path.write_bytes(damaged.bytes)
    load = Ledger.load
    monkeypatch.setattr(Ledger, "load", lambda *args: (pair for pair in load(*args) if pair[0] != 3))
    with pytest.raises(StoreError, match="sample 3 is listed and cannot be read") as caught:
        measure(on(JobHardware(wires=2, start=50)), samples=KEPT, store=path, check=False)(*ARGS)
    assert caught.value.partial.samples == KEPT - 1


def test_the_digest_tells_values_of_other_places_and_types():
    digests = [
        row_digest("k", 1, b"ab"),
        row_digest("k", 1, "ab"),
        row_digest("k1", b"ab"),
        row_digest("k", 1, b"a", b"b"),
    ]
    assert len(set(digests)) == 4


# ---------------------------------------------------------------------- other versions
def test_a_store_of_the_earlier_schema_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "old.db"
    with sqlite3.connect(path) as database:
        database.executescript(
            """CREATE TABLE runs (id INTEGER PRIMARY KEY, key TEXT UNIQUE NOT NULL, kind TEXT NOT NULL, plan TEXT
            NOT NULL, device TEXT NOT NULL, routes TEXT NOT NULL, options TEXT NOT NULL, created REAL NOT NULL);
            CREATE TABLE samples (run INTEGER NOT NULL, sample INTEGER NOT NULL, payload BLOB NOT NULL, digest BLOB
            NOT NULL, at REAL NOT NULL, PRIMARY KEY (run, sample)) WITHOUT ROWID;
            PRAGMA application_id=1464423240; PRAGMA user_version=2;"""
        )
    database.close()
    before = path.read_bytes()
    for action in (stored_runs, stored_jobs, lambda p: measure(on(StubHardware(wires=2)), samples=2, store=p)(*ARGS)):
        with pytest.raises(StoreError, match="schema 2; this version reads 3.*do not say which device measured them"):
            action(path)
    assert path.read_bytes() == before


# ---------------------------------------------------------------------- what is given as store=
@pytest.mark.parametrize(
    ("store", "text"),
    [
        (":memory:", "in memory, which would be lost"),
        ("file::memory:", "in memory"),
        ("file:run?mode=memory", "in memory"),
        (3, "got 3"),
        (True, "got True"),
        (b"run.db", "got b'run.db'"),
        ("", "not empty"),
        ("run\0.db", "without NUL"),
        ("file:run.db?cache=shared", "mode= and immutable= only"),
        ("file://elsewhere/run.db", "local file"),
    ],
)
def test_what_is_no_path_is_said_at_the_door(store, text):
    qnode = on(qml.device("lightning.qubit", wires=2))
    for action in (
        lambda: measure(qnode, store=store), lambda: find_minima(qnode, store=store), lambda: resume(qnode, store),
        lambda: stored_runs(store), lambda: stored_jobs(store),
    ):  # fmt: skip
        with pytest.raises(InputError, match="^store") as caught:
            action()
        assert text in str(caught.value) and "\n" not in str(caught.value)


def test_places_where_no_file_can_be(tmp_path):
    qnode = on(qml.device("lightning.qubit", wires=2))
    os.mkfifo(tmp_path / "pipe")
    for store in (tmp_path, tmp_path / "no" / "where.db", tmp_path / "pipe", tmp_path / ("x" * 300), "/dev/null"):
        with pytest.raises(StoreError, match="give the path of a file"):
            measure(qnode, samples=2, store=store)(*ARGS)


# ---------------------------------------------------------------------- read-only media
READER = textwrap.dedent(
    """
    import os, sys
    sys.path.insert(0, sys.argv[2])
    from test_journal_damage import ARGS, StoreError, StubHardware, measure, on, resume, stored_jobs, stored_runs
    if os.geteuid() == 0:
        os.setuid(65534)
    store = sys.argv[1]
    device = StubHardware(wires=2)
    data = measure(on(device), samples=5, store=store)(*ARGS)
    assert device.calls == 0 and stored_runs(store)[0]["samples"] == 5 and stored_jobs(store) == []
    part = measure(on(device), samples=2, first=1, store=store)(*ARGS)
    again = resume(on(device), store)(*ARGS)
    assert (again.losses == data.losses).all() and (part.losses == data.losses[1:3]).all() and device.calls == 0
    for options in ({"samples": 9}, {"samples": 5, "seed": 8}):
        try:
            measure(on(device), store=store, **options)(*ARGS)
        except StoreError as error:
            print(error)
            print(error.partial.samples if error.partial else 0)
    assert device.calls == 0
    print(data.losses.tolist())
    """
)


@pytest.mark.parametrize("log", [False, True])
def test_a_finished_store_on_read_only_media_opens(log, tmp_path):
    """A read-only file in a read-only folder, also with the write-ahead log of a process that was killed."""
    folder = tmp_path / "medium"
    folder.mkdir()
    store = folder / "journal.db"
    if log:
        code = (
            "import os, sys; sys.path.insert(0, sys.argv[2]); from test_journal_damage import *; from "
            "pennylane_wishart.measurement.store.ledger import Ledger; Ledger.__exit__ = lambda *_: os._exit(0); "
            "measure(on(StubHardware(wires=2)), samples=5, store=sys.argv[1])(*ARGS)"
        )
        run_python(code, store)
        assert (folder / "journal.db-wal").stat().st_size > 0
        (folder / "journal.db-shm").unlink()
    else:
        measure(on(StubHardware(wires=2)), samples=5, store=store)(*ARGS)
    before = {f.name: f.read_bytes() for f in folder.iterdir()}
    whole = measure(on(StubHardware(wires=2)), samples=5)(*ARGS)
    for file in folder.iterdir():
        file.chmod(0o444)
    folder.chmod(0o555)
    for parent in folder.parents:
        if parent.stat().st_uid == os.geteuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o055)
        if parent.name.startswith("pytest-of"):
            break
    try:
        lines = run_python(READER, store).splitlines()
    finally:
        folder.chmod(0o755)
    assert "cannot be written and lacks 4 of 9 samples" in lines[0] and lines[1] == "5"
    assert "holds nothing of this question and cannot be written" in lines[2] and lines[3] == "0"
    assert lines[4] == str(whole.losses.tolist())
    assert {f.name: f.read_bytes() for f in folder.iterdir()} == before


def run_python(code: str, store) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, str(store), str(Path(__file__).parent)], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("query", ["immutable=1", "mode=ro", "mode=ro&immutable=1"])
def test_an_sqlite_uri_that_can_only_be_read(query, tmp_path):
    store = tmp_path / "a run.db"
    whole = measure(on(StubHardware(wires=2)), samples=SAMPLES, store=store)(*ARGS)
    uri = f"file:{str(store).replace(' ', '%20')}?{query}"
    before = store.read_bytes()
    device = StubHardware(wires=2)
    assert same(measure(on(device), samples=SAMPLES, store=uri)(*ARGS), whole) and device.calls == 0
    assert same(resume(on(device), uri)(*ARGS), whole) and stored_runs(uri)[0]["samples"] == SAMPLES
    with pytest.raises(StoreError, match="lacks 2 of 10 samples"):
        measure(on(device), samples=10, store=uri)(*ARGS)
    assert device.calls == 0 and store.read_bytes() == before and [f.name for f in tmp_path.iterdir()] == ["a run.db"]
