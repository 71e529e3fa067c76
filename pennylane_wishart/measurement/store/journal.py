"""The journal file: an SQLite database that keeps every acknowledged sample through a kill.

Every write is one durable transaction (WAL, synchronous FULL), and every row carries a digest of
itself and of where it belongs. ``ledger.py`` says what is written when; this file opens, checks and reads.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

from pennylane_wishart.conventions import measurement as limits
from pennylane_wishart.errors import StoreError
from pennylane_wishart.measurement.identity.devices import DeviceIdentity
from pennylane_wishart.measurement.records.plan import SamplingPlan
from pennylane_wishart.measurement.store.store_file import StoreFile, StoreProblem, guard, problem_of, store_file

__all__ = ["Journal", "RunRow", "row_digest", "stored_jobs", "stored_runs"]

_TABLES = {
    "runs": """CREATE TABLE runs (
    id INTEGER PRIMARY KEY, key TEXT UNIQUE NOT NULL, kind TEXT NOT NULL, plan TEXT NOT NULL,
    device TEXT NOT NULL, identity TEXT NOT NULL, routes TEXT NOT NULL, options TEXT NOT NULL,
    created REAL NOT NULL, digest BLOB NOT NULL)""",
    "samples": """CREATE TABLE samples (
    run INTEGER NOT NULL, sample INTEGER NOT NULL, payload BLOB NOT NULL, suspect INTEGER NOT NULL,
    digest BLOB NOT NULL, at REAL NOT NULL, PRIMARY KEY (run, sample)) WITHOUT ROWID""",
    "intents": """CREATE TABLE intents (
    run INTEGER NOT NULL, sample INTEGER NOT NULL, owner TEXT NOT NULL, at REAL NOT NULL, digest BLOB NOT NULL,
    PRIMARY KEY (run, sample)) WITHOUT ROWID""",
    "jobs": """CREATE TABLE jobs (
    run INTEGER NOT NULL, sample INTEGER NOT NULL, job TEXT NOT NULL, at REAL NOT NULL, digest BLOB NOT NULL,
    PRIMARY KEY (run, sample, job)) WITHOUT ROWID""",
}


def row_digest(*values: Any) -> bytes:
    """Return the sha256 of a row: of every value, its type and its length."""
    digest = hashlib.sha256()
    for value in values:
        body = value if isinstance(value, bytes) else repr(value).encode(errors="replace")
        # Type and length keep apart what runs together: ("ab", "c") and ("a", "bc").
        digest.update(f"{type(value).__name__}:{len(body)}:".encode() + body)
    return digest.digest()


@dataclass(frozen=True)
class RunRow:
    """One row of the table of runs, as text."""

    key: str
    kind: str
    plan: str
    device: str
    identity: str
    routes: str
    options: str
    created: float

    @property
    def values(self) -> tuple[Any, ...]:
        """What is stored, in the order of the columns, with its digest."""
        values = tuple(getattr(self, f.name) for f in fields(self))
        return (*values, row_digest(*values))


class Journal:
    """One journal file, opened and checked.

    Raises:
        StoreError: if the file is damaged, of another kind, or of another version.
    """

    def __init__(self, path: Any) -> None:
        self.file: StoreFile = store_file(path)
        self.path = self.file.path
        self.file.check_place()
        self._lock = threading.RLock()
        with self._guard("opened"):
            self._connection, self.read_only, self._closing = self.file.connect()
        try:
            self._check_and_create()
        except BaseException:
            self.close()
            raise

    def _check_and_create(self) -> None:
        try:
            fresh = self._check()
            if not self.read_only:
                self._prepare_writing(fresh)
        except StoreError as error:
            cannot_write = problem_of(error.__cause__) is StoreProblem.READ_ONLY
            if self.read_only or not self.path.exists() or not cannot_write:
                raise
            # The medium cannot be written, whatever its permissions say.
            self.close()
            with self._guard("opened"):
                self._connection, self.read_only, self._closing = self.file.connect_to_read()
            fresh = self._check()
        if self.read_only and fresh:
            raise StoreError(f"{self.file.name} is empty and cannot be written; give the path of a journal.")

    def _check(self) -> bool:
        """Check an existing file; True where it is a new one."""
        with self._guard("read"):
            owner = self._connection.execute("PRAGMA application_id").fetchone()[0]
            tables = dict(self._connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
            version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if not tables:
            return True
        # Before anything is written: the file may be somebody else's only copy.
        if owner != limits.JOURNAL_APPLICATION:
            raise StoreError(
                f"{self.file.name} is an SQLite file of another application; it was left as it "
                "was. Give the path of a new file."
            )
        if version != limits.JOURNAL_SCHEMA:
            advice = "Read it with the version that wrote it."
            if 0 < version < limits.JOURNAL_SCHEMA:
                advice = (
                    "Its runs do not say which device measured them: finish it with the version that wrote it, or "
                    "measure into a new file; it was left as it was."
                )
            schemas = f"has journal schema {version}; this version reads {limits.JOURNAL_SCHEMA}."
            raise StoreError(f"{self.file.name} {schemas} {advice}")
        # All of it, at every opening: a damaged file must not be written to.
        with self._guard("checked"):
            verdict = self._connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if verdict != "ok":
            raise self.damage(str(verdict).replace("\n", " "))
        if {name: _squeezed(sql) for name, sql in tables.items()} != {k: _squeezed(v) for k, v in _TABLES.items()}:
            raise self.damage("its tables are not those of a journal")
        numbers = {number for number, _ in self.runs()}
        # A run that was deleted by hand would leave samples that no digest can be checked with.
        for table in ("samples", "intents", "jobs"):
            if {run for (run,) in self.query(f"SELECT DISTINCT run FROM {table}")} - numbers:
                raise self.damage(f"its {table} are of no run")
        return False

    def _prepare_writing(self, fresh: bool) -> None:
        with self._guard("prepared for writing"):
            # Every acknowledged sample survives a kill and a power cut: that is what FULL costs a write for.
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
        if fresh:
            with self.transaction():
                for statement in _TABLES.values():
                    # Another process may have made the file meanwhile.
                    self._connection.execute(statement.replace("TABLE", "TABLE IF NOT EXISTS", 1))
                self._connection.execute(f"PRAGMA application_id={limits.JOURNAL_APPLICATION}")
                self._connection.execute(f"PRAGMA user_version={limits.JOURNAL_SCHEMA}")

    def damage(self, what: str) -> StoreError:
        """Return the error of a file that is not as it was written."""
        return StoreError(
            f"{self.file.name} is damaged ({what}): restore the file from a backup, or measure into a new one."
        )

    def _guard(self, action: str) -> contextlib.AbstractContextManager[None]:
        return guard(self.file.name, action)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run statements as one durable transaction; StoreError where that fails."""
        if self.read_only:
            raise StoreError(f"{self.file.name} cannot be written: copy it into a folder where it can.")
        with self._lock, self._guard("written"):
            # The lock on the file comes first: two that read and then write would otherwise deadlock.
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise

    def query(self, statement: str, arguments: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a SELECT."""
        with self._lock, self._guard("read"):
            return self._connection.execute(statement, arguments).fetchall()

    def runs(self) -> list[tuple[int, RunRow]]:
        """Return (id, row) of every run, each checked against its digest."""
        out = []
        for number, *values, digest in self.query("SELECT * FROM runs ORDER BY id"):
            if row_digest(*values) != digest:
                raise self.damage(f"run {number} is not as it was written")
            out.append((number, RunRow(*values)))
        return out

    def close(self) -> None:
        """Close the file."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()
        self._closing.close()


def _squeezed(sql: str) -> str:
    return re.sub(r"\s+", " ", sql)


def stored_runs(path: Any) -> list[dict[str, Any]]:
    """Return what a journal holds, one dictionary for each run, oldest first.

    ``kind`` ("Measurement" or "MinimaMeasurement"), ``plan`` (a SamplingPlan with the most samples
    that were ever asked for), ``device``, ``identity`` (a DeviceIdentity: what else decides its numbers),
    ``routes``, ``options`` (what else the call was given), ``samples``: how many are kept, and
    ``suspect``: how many more were set aside because the device failed its check after them.

    Raises:
        StoreError: if the file is missing, damaged, or no journal.
    """
    with _opened(path) as journal:
        found = journal.query("SELECT run, sum(suspect = 0), sum(suspect != 0) FROM samples GROUP BY run")
        counts = {run: (good, suspect) for run, good, suspect in found}
        rows = journal.runs()
    return [
        {
            "kind": row.kind,
            "plan": SamplingPlan.from_dict(json.loads(row.plan)),
            "device": row.device,
            "identity": DeviceIdentity.from_dict(json.loads(row.identity)),
            "routes": json.loads(row.routes),
            "options": json.loads(row.options),
            "samples": counts.get(number, (0, 0))[0],
            "suspect": counts.get(number, (0, 0))[1],
            "key": row.key,
        }
        for number, row in rows
    ]


def stored_jobs(path: Any) -> list[dict[str, Any]]:
    """Return the provider's job ids that a journal holds, oldest first.

    Each has ``run`` (position in :func:`stored_runs`), ``sample``, ``job`` and ``answered``: False for
    a job that was submitted and whose result never came back here; ask the provider for that.

    Raises:
        StoreError: if the file is missing, damaged, or no journal.
    """
    with _opened(path) as journal:
        keys = {number: (k, row.key) for k, (number, row) in enumerate(journal.runs())}
        found = journal.query(
            "SELECT jobs.run, jobs.sample, jobs.job, jobs.at, jobs.digest, samples.sample IS NOT NULL FROM jobs "
            "LEFT JOIN samples ON samples.run = jobs.run AND samples.sample = jobs.sample ORDER BY jobs.at"
        )
        out = []
        for run, sample, job, at, digest, answered in found:
            if run not in keys or row_digest(keys[run][1], sample, job, at) != digest:
                raise journal.damage(f"a job of sample {sample} is not as it was written")
            out.append({"run": keys[run][0], "sample": sample, "job": job, "answered": bool(answered)})
    return out


@contextlib.contextmanager
def _opened(path: Any) -> Iterator[Journal]:
    """Open a journal that must exist."""
    file = store_file(path)
    file.check_place()
    if not file.path.exists():
        raise StoreError(f"{file.name} does not exist.")
    journal = Journal(file)
    try:
        yield journal
    finally:
        journal.close()
