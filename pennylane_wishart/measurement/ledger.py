"""What is kept of a run, and when: intents before anything is submitted, answers after.

Only the parent process writes. Two processes may share a file: each claims chunks, and a claim
of a dead process is taken over. Provider job ids are kept as soon as the device shows them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pennylane_wishart.errors import StoreError
from pennylane_wishart.measurement.journal import Journal
from pennylane_wishart.measurement.plan import SamplingPlan

__all__ = ["Ledger", "Question", "open_ledger"]

_LEASE = 600.0
"""Seconds after which a claim of another host counts as dead without a sign of life."""
_active: set[str] = set()
"""Owners alive in this process."""


@dataclass(frozen=True, eq=False)
class Question:
    """What a run of a journal is about: equal questions continue one run."""

    kind: str
    """"Measurement" or "MinimaMeasurement"."""
    plan: SamplingPlan
    device: str
    route: str
    settings: dict = field(default_factory=dict)
    """What else decides the numbers, as plain data."""
    options: dict = field(default_factory=dict)
    """What else the call was given: needed to repeat it, without a say in the numbers."""

    @property
    def key(self) -> str:
        """Content address of the run."""
        content = [self.kind, self.plan.content, self.device, self.plan.ranges[0][0], self.settings]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class Ledger:
    """One run of a journal, as the collector sees it."""

    def __init__(self, journal: Journal, question: Question, codec):
        self._journal, self._first, self._codec = journal, question.plan.ranges[0][1], codec
        self._run, self.routes = self._enter(question)
        self.owner = f"{socket.gethostname()}|{os.getpid()}|{_start_time(os.getpid())}|{uuid.uuid4().hex}"
        _active.add(self.owner)
        self._stop = threading.Event()
        threading.Thread(target=self._beat, daemon=True).start()

    def _enter(self, question: Question) -> tuple[int, list[str]]:
        """Find or make the run; it remembers the widest plan asked for and every route taken."""
        with self._journal.transaction() as db:
            found = db.execute("SELECT id, plan, routes FROM runs WHERE key = ?", (question.key,)).fetchone()
            if found is None:
                run = db.execute(
                    "INSERT INTO runs (key, kind, plan, device, routes, options, created) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (
                        question.key, question.kind, json.dumps(question.plan.to_dict()), question.device,
                        json.dumps([question.route]),
                        json.dumps({**question.settings, **question.options}), time.time(),
                    ),
                ).lastrowid  # fmt: skip
                return int(run or 0), [question.route]
            run, plan, routes = found[0], json.loads(found[1]), json.loads(found[2])
            if sum(question.plan.ranges[0][1:]) > sum(plan["ranges"][0][1:]):
                first = min(question.plan.ranges[0][1], plan["ranges"][0][1])
                plan["ranges"] = [[question.plan.ranges[0][0], first, sum(question.plan.ranges[0][1:]) - first]]
            if question.route not in routes:
                routes.append(question.route)
            db.execute("UPDATE runs SET plan = ?, routes = ? WHERE id = ?", (json.dumps(plan), json.dumps(routes), run))
        return run, routes

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

    def load(self, rows: np.ndarray, n_params: int) -> Iterator[tuple[int, Any]]:
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
            if hashlib.sha256(payload).digest() != digest or len(payload) != 8 * self._codec.width(n_params):
                raise StoreError(
                    f"store={str(self._journal.path)!r}: sample {sample} is damaged; restore the file from "
                    "a backup, or measure into a new one."
                )
            yield sample - self._first, self._codec.unpack(np.frombuffer(payload), n_params)

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

    def acknowledge(self, index: np.ndarray, rows):
        """Keep the numbers of a chunk for good."""
        entries = []
        for k, row in enumerate(index):
            payload = self._codec.pack(rows, k).tobytes()
            digest = hashlib.sha256(payload).digest()
            entries.append((self._run, int(row) + self._first, payload, digest, time.time()))
        with self._journal.transaction() as db:
            db.executemany(
                "INSERT OR IGNORE INTO samples (run, sample, payload, digest, at) VALUES (?, ?, ?, ?, ?)",
                entries,
            )
            db.executemany("DELETE FROM intents WHERE run = ? AND sample = ?", [(r, s) for r, s, *_ in entries])

    def note_jobs(self, index: np.ndarray, jobs: Sequence[str]):
        """Keep the provider's ids of the jobs that measure a chunk."""
        entries = [(self._run, int(row) + self._first, job, time.time()) for row in index for job in jobs]
        with self._journal.transaction() as db:
            db.executemany("INSERT OR IGNORE INTO jobs (run, sample, job, at) VALUES (?, ?, ?, ?)", entries)

    def unanswered(self, index: np.ndarray) -> list[str]:
        """Return ids of jobs that dead processes submitted for these rows, and never saw answered."""
        if not len(index):
            return []
        low, high = int(index.min()) + self._first, int(index.max()) + self._first
        wanted = {int(i) + self._first for i in index}
        found = self._journal.query(
            "SELECT jobs.sample, jobs.job, intents.owner, intents.at FROM jobs LEFT JOIN intents "
            "ON intents.run = jobs.run AND intents.sample = jobs.sample "
            "WHERE jobs.run = ? AND jobs.sample BETWEEN ? AND ? ORDER BY jobs.at",
            (self._run, low, high),
        )
        lost = [job for sample, job, owner, at in found if sample in wanted and not (owner and _is_alive(owner, at))]
        return list(dict.fromkeys(lost))

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


def open_ledger(path, question: Question, codec) -> Ledger:
    """Open a journal for one run.

    Args:
        codec: how the numbers of a sample become float64: ``width(n_params)``, ``pack(rows, k)`` and
            ``unpack(numbers, n_params)``.
    """
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
