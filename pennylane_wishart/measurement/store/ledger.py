"""What is kept of a run, and when: intents before anything is submitted, answers after.

Only the parent process writes. Two processes may share a file: each claims chunks, and a claim
of a dead process is taken over. Provider job ids are kept as soon as the device shows them.
"""

from __future__ import annotations

import contextlib
import enum
import hashlib
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from pennylane_wishart.conventions import measurement as limits
from pennylane_wishart.conventions.arrays import Integers
from pennylane_wishart.errors import StoreError
from pennylane_wishart.measurement.identity.devices import DeviceIdentity
from pennylane_wishart.measurement.records.plan import SamplingPlan
from pennylane_wishart.measurement.store.journal import Journal, RunRow, row_digest
from pennylane_wishart.measurement.tables import Layout

__all__ = ["Claim", "Ledger", "Question", "open_ledger"]

_active: set[str] = set()
"""Owners alive in this process."""
_now = time.time
"""The clock that leases are told by."""


class Claim(enum.Enum):
    """What came of the intent to measure a chunk."""

    TAKEN = "taken"
    HELD = "held by a living process"
    KNOWN = "known, in part at least"


@dataclass(frozen=True, eq=False)
class Question:
    """What a run of a journal is about: equal questions continue one run."""

    kind: str
    """"Measurement" or "MinimaMeasurement"."""
    plan: SamplingPlan
    device: str
    identity: DeviceIdentity
    route: str
    settings: dict[str, Any] = field(default_factory=dict)
    """What else decides the numbers, as plain data."""
    options: dict[str, Any] = field(default_factory=dict)
    """What else the call was given: needed to repeat it, without a say in the numbers."""

    @property
    def key(self) -> str:
        """Content address of the run."""
        content = [self.kind, self.plan.content, self.identity.to_dict(), self.plan.ranges[0][0], self.settings]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def row(self) -> RunRow:
        """Return the run as it is first written."""
        plan, identity = json.dumps(self.plan.to_dict()), json.dumps(self.identity.to_dict())
        routes, options = json.dumps([self.route]), json.dumps({**self.settings, **self.options})
        return RunRow(self.key, self.kind, plan, self.device, identity, routes, options, _now())


class Ledger:
    """One run of a journal, as the collector sees it."""

    def __init__(self, journal: Journal, question: Question, codec: Layout[Any]) -> None:
        self._journal, self._first, self._codec = journal, question.plan.ranges[0][1], codec
        self._key = question.key
        self._run, self.routes = self._enter(question)
        self.owner = f"{socket.gethostname()}|{os.getpid()}|{_start_time(os.getpid())}|{uuid.uuid4().hex}"
        _active.add(self.owner)
        self._stop = threading.Event()
        if not self.read_only:
            threading.Thread(target=self._beat, daemon=True).start()

    @property
    def read_only(self) -> bool:
        """Whether nothing can be added."""
        return self._journal.read_only

    def _enter(self, question: Question) -> tuple[int, list[str]]:
        """Find or make the run; it remembers the widest plan asked for and every route taken."""
        found = self._find()
        if self.read_only and found is None:
            raise StoreError(
                f"{self._journal.file.name} holds nothing of this question and cannot be written: copy it into a "
                "folder where it can, or give another store."
            )
        if found is None or (not self.read_only and self._widened(found[1], question) != found[1]):
            found = self._write_run(question)
        return found[0], json.loads(found[1].routes)

    def _find(self) -> tuple[int, RunRow] | None:
        return next(((number, row) for number, row in self._journal.runs() if row.key == self._key), None)

    def _write_run(self, question: Question) -> tuple[int, RunRow]:
        with self._journal.transaction() as db:
            # Read again inside the transaction: another process may have written meanwhile.
            found = self._find()
            if found is None:
                row = question.row()
                number = db.execute("INSERT INTO runs VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row.values).lastrowid
                return int(number or 0), row
            row = self._widened(found[1], question)
            changed = (row.plan, row.routes, row.values[-1], found[0])
            db.execute("UPDATE runs SET plan = ?, routes = ?, digest = ? WHERE id = ?", changed)
        return found[0], row

    @staticmethod
    def _widened(row: RunRow, question: Question) -> RunRow:
        plan, routes = json.loads(row.plan), json.loads(row.routes)
        if sum(question.plan.ranges[0][1:]) > sum(plan["ranges"][0][1:]):
            first = min(question.plan.ranges[0][1], plan["ranges"][0][1])
            plan["ranges"] = [[question.plan.ranges[0][0], first, sum(question.plan.ranges[0][1:]) - first]]
        if question.route not in routes:
            routes.append(question.route)
        return replace(row, plan=json.dumps(plan), routes=json.dumps(routes))

    def _beat(self) -> None:
        while not self._stop.wait(limits.LEASE / limits.BEATS_PER_LEASE):
            with contextlib.suppress(StoreError):
                self.refresh()

    def refresh(self) -> None:
        """Tell other processes that this one is alive."""
        if self.read_only:
            return
        now = _now()
        # What was written since half a beat ago need not be written again.
        recent = now - limits.LEASE / limits.BEATS_PER_LEASE / 2
        with self._journal.transaction() as db:
            mine = "SELECT sample FROM intents WHERE run = ? AND owner = ? AND at < ?"
            samples = self._journal.query(mine, (self._run, self.owner, recent))
            rows = [(now, self._digest(s, self.owner, now), self._run, s) for (s,) in samples]
            db.executemany("UPDATE intents SET at = ?, digest = ? WHERE run = ? AND sample = ?", rows)

    def _digest(self, sample: int, *values: Any) -> bytes:
        return row_digest(self._key, sample, *values)

    def _samples(self, index: Integers) -> list[int]:
        """Numbers in the plan of some rows of the table."""
        return [int(row) + self._first for row in index]

    def load(self, rows: Integers, n_params: int) -> Iterator[tuple[int, Any]]:
        """Yield (row, numbers) for those of ``rows`` that the journal holds."""
        wanted = set(self._samples(rows))
        found = self._journal.query(
            "SELECT sample, payload, suspect, digest, at FROM samples WHERE run = ? AND sample BETWEEN ? AND ? "
            "ORDER BY sample",
            (self._run, min(wanted, default=0), max(wanted, default=-1)),
        )
        for sample, payload, suspect, digest, at in found:
            whole = self._digest(sample, payload, suspect, at) == digest
            if not whole or len(payload) != limits.FLOAT_BYTES * self._codec.width(n_params):
                raise self._journal.damage(f"sample {sample} is damaged")
            if sample in wanted and not suspect:
                yield sample - self._first, self._codec.unpack(np.frombuffer(payload), n_params)

    def claim(self, index: Integers) -> Claim:
        """Record the intent to measure a chunk, unless it is known or a living process measures it."""
        samples, now = self._samples(index), _now()
        among = f"WHERE run = ? AND sample IN ({','.join('?' * len(samples))})"
        asked = (self._run, *samples)
        with self._journal.transaction() as db:
            if self._journal.query(f"SELECT 1 FROM samples {among} AND suspect = 0 LIMIT 1", asked):
                return Claim.KNOWN
            held = self._journal.query(f"SELECT sample, owner, at, digest FROM intents {among}", asked)
            if any(owner != self.owner and self._is_alive(s, owner, at, seal) for s, owner, at, seal in held):
                return Claim.HELD
            rows = [(self._run, s, self.owner, now, self._digest(s, self.owner, now)) for s in samples]
            db.executemany("INSERT OR REPLACE INTO intents VALUES (?, ?, ?, ?, ?)", rows)
        return Claim.TAKEN

    def contradiction(self, index: Integers) -> StoreError:
        """Return the error of a file that lists samples as known and does not yield them."""
        return self._journal.damage(f"sample {int(index[0]) + self._first} is listed and cannot be read")

    def incomplete(self, missing: int, count: int) -> StoreError:
        """Return the error of a file that can only be read and lacks samples."""
        return StoreError(
            f"{self._journal.file.name} cannot be written and lacks {missing} of {count} samples: copy it into a "
            "folder that can be written, and call again to resume."
        )

    def _is_alive(self, sample: int, owner: str, at: float, digest: bytes) -> bool:
        if self._digest(sample, owner, at) != digest:
            raise self._journal.damage(f"the claim of sample {sample} is not as it was written")
        return _is_alive(owner, at)

    def acknowledge(self, index: Integers, rows: Any, suspect: bool = False) -> None:
        """Keep the numbers of a chunk for good; ``suspect``: set aside, and measured again when asked for."""
        entries, now = [], _now()
        for k, sample in enumerate(self._samples(index)):
            payload = self._codec.pack(rows, k).tobytes()
            seal = self._digest(sample, payload, int(suspect), now)
            entries.append((self._run, sample, payload, int(suspect), seal, now))
        with self._journal.transaction() as db:
            # Only what was set aside is replaced: of two processes that measured one sample the first is kept.
            db.executemany(
                "INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (run, sample) DO UPDATE SET payload = "
                "excluded.payload, suspect = excluded.suspect, digest = excluded.digest, at = excluded.at "
                "WHERE samples.suspect != 0",
                entries,
            )
            db.executemany("DELETE FROM intents WHERE run = ? AND sample = ?", [e[:2] for e in entries])

    def set_aside(self, index: Integers) -> None:
        """Mark samples as suspect: they stay in the file, and are measured again when asked for."""
        with self._journal.transaction() as db:
            for sample in self._samples(index):
                place = (self._run, sample)
                kept = self._journal.query("SELECT payload, at FROM samples WHERE run = ? AND sample = ?", place)
                for payload, at in kept:
                    marked = (self._digest(sample, payload, 1, at), *place)
                    db.execute("UPDATE samples SET suspect = 1, digest = ? WHERE run = ? AND sample = ?", marked)

    def note_jobs(self, index: Integers, jobs: Sequence[str]) -> None:
        """Keep the provider's ids of the jobs that measure a chunk."""
        now, pairs = _now(), [(sample, job) for sample in self._samples(index) for job in jobs]
        entries = [(self._run, sample, job, now, self._digest(sample, job, now)) for sample, job in pairs]
        with self._journal.transaction() as db:
            db.executemany("INSERT OR IGNORE INTO jobs VALUES (?, ?, ?, ?, ?)", entries)

    def unanswered(self, index: Integers) -> list[str]:
        """Return ids of jobs that dead processes submitted for these rows, and never saw answered."""
        wanted = set(self._samples(index))
        found = self._journal.query(
            "SELECT jobs.sample, jobs.job, jobs.at, jobs.digest, intents.owner, intents.at, intents.digest, "
            "samples.sample IS NOT NULL FROM jobs "
            "LEFT JOIN intents ON intents.run = jobs.run AND intents.sample = jobs.sample "
            "LEFT JOIN samples ON samples.run = jobs.run AND samples.sample = jobs.sample "
            "WHERE jobs.run = ? AND jobs.sample BETWEEN ? AND ? ORDER BY jobs.at",
            (self._run, min(wanted, default=0), max(wanted, default=-1)),
        )
        lost = []
        for sample, job, at, digest, owner, claimed, seal, answered in found:
            if self._digest(sample, job, at) != digest:
                raise self._journal.damage(f"a job of sample {sample} is not as it was written")
            held = owner is not None and self._is_alive(sample, owner, claimed, seal)
            if sample in wanted and not held and not answered:
                lost.append(job)
        return list(dict.fromkeys(lost))

    def release(self) -> None:
        """Give back claims that were not fulfilled."""
        # A file that cannot be written holds no claims; one that fails now has been told of, and leases end.
        with contextlib.suppress(StoreError), self._journal.transaction() as db:
            db.execute("DELETE FROM intents WHERE run = ? AND owner = ?", (self._run, self.owner))

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        _active.discard(self.owner)
        self._journal.close()


def open_ledger(path: Any, question: Question, codec: Layout[Any]) -> Ledger:
    """Open a journal for one run."""
    journal = Journal(path)
    try:
        return Ledger(journal, question, codec)
    except BaseException:
        journal.close()
        raise


def _start_time(pid: int) -> str:
    """When a process began: a number reused by the system then does not count as the same one."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    except OSError:
        return ""


def _is_alive(owner: str, at: float) -> bool:
    # Another host cannot be asked whether a process lives: there the lease decides.
    host, pid, started, _ = owner.split("|")
    if host != socket.gethostname():
        return _now() - at < limits.LEASE
    if int(pid) == os.getpid():
        return owner in _active
    try:
        # Signal 0 asks and does nothing.
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _start_time(int(pid)) == started
