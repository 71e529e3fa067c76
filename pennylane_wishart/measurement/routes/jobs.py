"""Provider job ids, read from the device while it waits for the answer.

PennyLane has no common place for them, so the places that plugins use are looked at: the job or
task object that a device keeps (qiskit's ``_current_job``, Braket's ``_task``, IonQ's ``job``), its
session (qiskit.remote shows no job), and its tracker where that is active. Looking while a job waits pays:
benchmarks/measure.py, item 7, has the id of every job in the store before its answer (looking afterwards: of none),
at no cost of time. The guard: whatever cannot be read is no id, and stops nothing; tests/test_journal_jobs.py.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from pennylane_wishart.conventions import measurement as limits

__all__ = ["JobWatch", "job_ids"]

log = logging.getLogger("pennylane_wishart")
_HOLDERS = ("_current_job", "_job", "job", "_task", "task", "_jobs", "_tasks", "_session")
_NAMES = ("job_id", "session_id", "task_id", "id")
_TRACKED = ("braket_task_id", "job_id", "task_id")


def job_ids(device: Any) -> tuple[str, ...]:
    """Return the ids of the jobs that a device holds now; empty where it shows none."""
    found: list[str] = []
    for layer in _layers(device):
        values = [vars(layer).get(name) for name in _HOLDERS] if hasattr(layer, "__dict__") else []
        for value in values:
            for job in value if isinstance(value, (list, tuple)) else (value,):
                found.extend(filter(None, [_id_of(job)]))
        # Some devices keep the id itself, or tell only a tracker.
        found.extend(filter(None, [_text(getattr(layer, name, None)) for name in ("job_id", "_job_id")]))
        latest = getattr(getattr(layer, "tracker", None), "latest", None)
        found.extend(filter(None, [_text((latest or {}).get(name)) for name in _TRACKED]))
    return tuple(dict.fromkeys(found))


def _layers(device: Any) -> list[Any]:
    """The device, and the one of the old interface inside it."""
    inner = getattr(device, "target_device", None)
    return [device] if inner is None or inner is device else [device, inner]


def _id_of(job: Any) -> str | None:
    if job is None or isinstance(job, (str, int, float)):
        return None
    for name in _NAMES:
        found = _text(getattr(job, name, None))
        if found:
            return found
    return None


def _text(value: Any) -> str | None:
    """Read an id that is a string, an object holding one, or a method that returns one."""
    try:
        # Qiskit's jobs have a method ``job_id``, Braket's tasks an attribute ``id``.
        value = value() if callable(value) else value
    except Exception:  # a plugin's own method, which may ask the provider: a missing id stops no measurement
        log.debug("A job id could not be read", exc_info=True)
        return None
    value = getattr(value, "value", value)
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) and str(value) else None


class JobWatch:
    """Tells of job ids that appear on a device while a call is under way.

    ``notify(ids)`` is called from a thread of its own as soon as one shows, so that a process killed
    while it waits for an answer has left the id behind.
    """

    def __init__(self, device: Any, notify: Callable[[tuple[str, ...]], None]) -> None:
        self._device, self._notify = device, notify
        # Ids of earlier calls are still on the device: only new ones belong to this call.
        self._known = set(job_ids(device))
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._stop.wait(limits.JOB_INTERVAL):
            self._look()

    def _look(self) -> None:
        with self._lock:
            new = [job for job in job_ids(self._device) if job not in self._known]
            self._known.update(new)
            try:
                if new:
                    self._notify(tuple(new))
            except Exception as error:  # of this thread, where nobody would see it: raised at the end of the call
                self._error = error

    def __enter__(self) -> JobWatch:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._look()
        if self._error is not None and kind is None:
            raise self._error
