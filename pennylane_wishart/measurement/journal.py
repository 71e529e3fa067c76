"""The journal file: an SQLite database that keeps every acknowledged sample through a kill.

Every write is one durable transaction (WAL, synchronous FULL). ``ledger.py`` says what is written
when; this file opens, checks and reads.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from pennylane_wishart.errors import StoreError
from pennylane_wishart.measurement.plan import SamplingPlan

__all__ = ["Journal", "stored_jobs", "stored_runs"]

_APPLICATION = 0x57495348
_SCHEMA = 2
_TABLES = """
CREATE TABLE IF NOT EXISTS runs (
    id INTEGER PRIMARY KEY, key TEXT UNIQUE NOT NULL, kind TEXT NOT NULL, plan TEXT NOT NULL,
    device TEXT NOT NULL, routes TEXT NOT NULL, options TEXT NOT NULL, created REAL NOT NULL);
CREATE TABLE IF NOT EXISTS samples (
    run INTEGER NOT NULL, sample INTEGER NOT NULL, payload BLOB NOT NULL, digest BLOB NOT NULL,
    at REAL NOT NULL, PRIMARY KEY (run, sample)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS intents (
    run INTEGER NOT NULL, sample INTEGER NOT NULL, owner TEXT NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (run, sample)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS jobs (
    run INTEGER NOT NULL, sample INTEGER NOT NULL, job TEXT NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (run, sample, job)) WITHOUT ROWID;
"""


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


def stored_runs(path) -> list[dict]:
    """Return what a journal holds, one dictionary for each run, oldest first.

    ``kind`` ("Measurement" or "MinimaMeasurement"), ``plan`` (a SamplingPlan with the most samples
    that were ever asked for), ``device``, ``routes``, ``options`` (what else the call was given) and
    ``samples``: how many are kept.

    Raises:
        StoreError: if the file is missing or is no journal.
    """
    with _opened(path) as journal:
        found = journal.query(
            "SELECT runs.kind, runs.plan, runs.device, runs.routes, runs.options, count(samples.sample) "
            "FROM runs LEFT JOIN samples ON samples.run = runs.id GROUP BY runs.id ORDER BY runs.id"
        )
    return [
        {
            "kind": kind,
            "plan": SamplingPlan.from_dict(json.loads(plan)),
            "device": device,
            "routes": json.loads(routes),
            "options": json.loads(options),
            "samples": count,
        }
        for kind, plan, device, routes, options, count in found
    ]


def stored_jobs(path) -> list[dict]:
    """Return the provider's job ids that a journal holds, oldest first.

    Each has ``run`` (position in :func:`stored_runs`), ``sample``, ``job`` and ``answered``: False for
    a job that was submitted and whose result never came back here; ask the provider for that.

    Raises:
        StoreError: if the file is missing or is no journal.
    """
    with _opened(path) as journal:
        numbers = {run: k for k, (run,) in enumerate(journal.query("SELECT id FROM runs ORDER BY id"))}
        found = journal.query(
            "SELECT jobs.run, jobs.sample, jobs.job, samples.sample IS NOT NULL FROM jobs LEFT JOIN samples "
            "ON samples.run = jobs.run AND samples.sample = jobs.sample ORDER BY jobs.at"
        )
    return [
        {"run": numbers[run], "sample": sample, "job": job, "answered": bool(answered)}
        for run, sample, job, answered in found
    ]


@contextlib.contextmanager
def _opened(path) -> Iterator[Journal]:
    """Open a journal that must exist."""
    if not Path(path).exists():
        raise StoreError(f"store={str(path)!r} does not exist.")
    journal = Journal(path)
    try:
        yield journal
    finally:
        journal.close()
