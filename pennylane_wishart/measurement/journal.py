"""The journal of a measurement: an SQLite file that keeps every acknowledged sample through a kill.

Intents are written before anything is submitted and answers after, each in its own durable
transaction (WAL, synchronous FULL). Only the parent process writes. Two processes may share a
file: each claims chunks, and a claim of a dead process is taken over.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pennylane_wishart.errors import StoreError
from pennylane_wishart.measurement.engine import Rows
from pennylane_wishart.measurement.plan import SamplingPlan

__all__ = ["Journal", "Ledger", "open_ledger", "stored_runs"]

_APPLICATION = 0x57495348
_SCHEMA = 1
_LEASE = 600.0
"""Seconds after which a claim of another host counts as dead without a sign of life."""
_TABLES = """
CREATE TABLE IF NOT EXISTS runs (
    id INTEGER PRIMARY KEY, key TEXT UNIQUE NOT NULL, plan TEXT NOT NULL, device TEXT NOT NULL,
    created REAL NOT NULL);
CREATE TABLE IF NOT EXISTS samples (
    run INTEGER NOT NULL, sample INTEGER NOT NULL, payload BLOB NOT NULL, digest BLOB NOT NULL,
    at REAL NOT NULL, PRIMARY KEY (run, sample)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS intents (
    run INTEGER NOT NULL, sample INTEGER NOT NULL, owner TEXT NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (run, sample)) WITHOUT ROWID;
"""

_active: set[str] = set()
"""Owners alive in this process."""


class Journal:
    """One journal file, opened and checked."""

    def __init__(self, path):
        self.path = Path(path)
        if self.path.is_dir() or not self.path.parent.is_dir():
            raise StoreError(f"store={str(path)!r}: give the path of a file in an existing folder.")
        with self._guard("opened"):
            self._connection = sqlite3.connect(self.path, timeout=60, isolation_level=None, check_same_thread=False)
        self._lock = threading.RLock()
        try:
            self._check_and_create()
        except BaseException:
            self._connection.close()
            raise

    def _check_and_create(self):
        with self._guard("read"):
            owner = self._connection.execute("PRAGMA application_id").fetchone()[0]
            tables = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if tables and owner != _APPLICATION:
            raise StoreError(
                f"store={str(self.path)!r} is an SQLite file of another application; it was left as it "
                "was. Give the path of a new file."
            )
        if tables and version != _SCHEMA:
            raise StoreError(f"store={str(self.path)!r} has journal schema {version}; this version reads {_SCHEMA}.")
        if tables:
            with self._guard("checked"):
                verdict = self._connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                raise StoreError(f"store={str(self.path)!r} is corrupt ({verdict}); restore it from a backup.")
        with self._guard("prepared for writing"):
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
            with self.transaction():
                for statement in filter(str.strip, _TABLES.split(";")):
                    self._connection.execute(statement)
                if owner != _APPLICATION:
                    self._connection.execute(f"PRAGMA application_id={_APPLICATION}")
                    self._connection.execute(f"PRAGMA user_version={_SCHEMA}")

    @contextlib.contextmanager
    def _guard(self, action: str):
        try:
            yield
        except sqlite3.Error as error:
            text = str(error)
            advice = "see that the file is on a healthy local disk"
            if "not a database" in text or "malformed" in text:
                advice = "it is corrupt or of another kind; it was left as it was, give the path of a new file"
            elif "readonly" in text or "unable to open" in text:
                advice = "it cannot be written; check the permissions of the file and its folder"
            elif "full" in text or "disk I/O" in text:
                advice = "the disk is full or failing; free some space and call again to resume"
            elif "locked" in text:
                advice = "another process holds it; wait for that to finish"
            raise StoreError(f"store={str(self.path)!r} cannot be {action} ({text}): {advice}.") from error

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run statements as one durable transaction; StoreError where that fails."""
        with self._lock, self._guard("written"):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise

    def query(self, statement: str, arguments=()) -> list[tuple]:
        """Return all rows of a SELECT."""
        with self._lock, self._guard("read"):
            return self._connection.execute(statement, arguments).fetchall()

    def close(self):
        """Close the file."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()


class Ledger:
    """One run (a plan's content, a device and a seed) of a journal, as the collector sees it."""

    def __init__(self, journal: Journal, plan: SamplingPlan, device: str, seed: int, first: int):
        self._journal, self._first = journal, first
        key = hashlib.sha256(json.dumps([plan.content, device, seed], sort_keys=True).encode()).hexdigest()
        with journal.transaction() as db:
            db.execute(
                "INSERT OR IGNORE INTO runs (key, plan, device, created) VALUES (?, ?, ?, ?)",
                (key, json.dumps(plan.to_dict()), device, time.time()),
            )
        self._run = journal.query("SELECT id FROM runs WHERE key = ?", (key,))[0][0]
        self.owner = f"{socket.gethostname()}|{os.getpid()}|{_start_time(os.getpid())}|{uuid.uuid4().hex}"
        _active.add(self.owner)
        self._stop = threading.Event()
        threading.Thread(target=self._beat, daemon=True).start()

    def _beat(self):
        while not self._stop.wait(_LEASE / 10):
            with contextlib.suppress(StoreError):
                self.refresh()

    def refresh(self):
        """Tell other processes that this one is alive."""
        with self._journal.transaction() as db:
            db.execute(
                "UPDATE intents SET at = ? WHERE run = ? AND owner = ? AND at < ?",
                (time.time(), self._run, self.owner, time.time() - _LEASE / 20),
            )

    def load(self, rows: np.ndarray, n_params: int) -> Iterator[tuple[int, Rows]]:
        """Yield (row, numbers) for those of ``rows`` that the journal holds."""
        if not len(rows):
            return
        low, high = int(rows.min()) + self._first, int(rows.max()) + self._first
        wanted = {int(r) + self._first for r in rows}
        found = self._journal.query(
            "SELECT sample, payload, digest FROM samples WHERE run = ? AND sample BETWEEN ? AND ? ORDER BY sample",
            (self._run, low, high),
        )
        for sample, payload, digest in found:
            if sample not in wanted:
                continue
            if hashlib.sha256(payload).digest() != digest or len(payload) != 8 * (2 + 2 * n_params):
                raise StoreError(
                    f"store={str(self._journal.path)!r}: sample {sample} is damaged; restore the file from "
                    "a backup, or measure into a new one."
                )
            numbers = np.frombuffer(payload)
            yield (
                sample - self._first,
                Rows(
                    numbers[:1],
                    numbers[None, 2 : 2 + n_params],
                    numbers[None, 2 + n_params :],
                    numbers[1:2],
                ),
            )

    def claim(self, index: np.ndarray) -> bool:
        """Record the intent to measure a chunk; False where a living process has or had it."""
        samples = [int(i) + self._first for i in index]
        marks = ",".join("?" * len(samples))
        with self._journal.transaction() as db:
            known = db.execute(
                f"SELECT 1 FROM samples WHERE run = ? AND sample IN ({marks}) LIMIT 1",
                (self._run, *samples),
            ).fetchone()
            owners = db.execute(
                f"SELECT DISTINCT owner, at FROM intents WHERE run = ? AND sample IN ({marks})",
                (self._run, *samples),
            ).fetchall()
            if known or any(o != self.owner and _is_alive(o, at) for o, at in owners):
                return False
            db.executemany(
                "INSERT OR REPLACE INTO intents (run, sample, owner, at) VALUES (?, ?, ?, ?)",
                [(self._run, s, self.owner, time.time()) for s in samples],
            )
        return True

    def acknowledge(self, index: np.ndarray, rows: Rows):
        """Keep the numbers of a chunk for good."""
        entries = []
        for k, row in enumerate(index):
            payload = np.concatenate(
                [[rows.losses[k], rows.shot_variance[k]], rows.gradients[k], rows.gradient_error[k]]
            ).tobytes()
            digest = hashlib.sha256(payload).digest()
            entries.append((self._run, int(row) + self._first, payload, digest, time.time()))
        with self._journal.transaction() as db:
            db.executemany(
                "INSERT OR IGNORE INTO samples (run, sample, payload, digest, at) VALUES (?, ?, ?, ?, ?)",
                entries,
            )
            db.executemany("DELETE FROM intents WHERE run = ? AND sample = ?", [(r, s) for r, s, *_ in entries])

    def release(self):
        """Give back claims that were not fulfilled."""
        with contextlib.suppress(StoreError):
            with self._journal.transaction() as db:
                db.execute("DELETE FROM intents WHERE run = ? AND owner = ?", (self._run, self.owner))

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_):
        self._stop.set()
        _active.discard(self.owner)
        self._journal.close()
        return False


def open_ledger(path, plan: SamplingPlan, device: str, seed: int, first: int = 0) -> Ledger:
    """Open a journal for one run of a plan."""
    journal = Journal(path)
    try:
        return Ledger(journal, plan, device, seed, first)
    except BaseException:
        journal.close()
        raise


def stored_runs(path) -> list[dict]:
    """Return what a journal holds: for each run its plan, device, seed and number of samples."""
    if not Path(path).exists():
        raise StoreError(f"store={str(path)!r} does not exist.")
    journal = Journal(path)
    try:
        found = journal.query(
            "SELECT runs.plan, runs.device, count(samples.sample) FROM runs LEFT JOIN samples "
            "ON samples.run = runs.id GROUP BY runs.id ORDER BY runs.id"
        )
    finally:
        journal.close()
    return [
        {"plan": SamplingPlan.from_dict(json.loads(plan)), "device": device, "samples": count}
        for plan, device, count in found
    ]


def _start_time(pid: int) -> str:
    """When a process began: a number reused by the system then does not count as the same one."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    except OSError:
        return ""


def _is_alive(owner: str, at: float) -> bool:
    host, pid, started, _ = owner.split("|")
    if host != socket.gethostname():
        return time.time() - at < _LEASE
    if int(pid) == os.getpid():
        return owner in _active
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _start_time(int(pid)) == started
