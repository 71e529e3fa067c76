"""Running chunks of samples here or on an executor, keeping every answer as it comes."""

from __future__ import annotations

import concurrent.futures
import functools
import logging
import queue
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pennylane_wishart.errors import InputError, WishartError, WishartWarning
from pennylane_wishart.measurement.engine import Rows, Task, engine_for, run_rows

__all__ = ["RowCodec", "Table", "Work", "collect"]

log = logging.getLogger("pennylane_wishart")
_WINDOW = 32
"""Chunks handed to an executor at a time; the rest stay free for another process on the store."""


class Table:
    """The numbers of a whole plan, filled as chunks come back."""

    def __init__(self, shape: tuple[int, int]):
        self.losses = np.full(shape[0], np.nan)
        self.gradients = np.full(shape, np.nan)
        self.gradient_error = np.full(shape, np.nan)
        self.shot_variance = np.full(shape[0], np.nan)
        self.done = np.zeros(shape[0], bool)

    def put(self, index: np.ndarray, rows: Rows):
        """Store the rows of one chunk."""
        self.losses[index], self.gradients[index] = rows.losses, rows.gradients
        self.gradient_error[index], self.shot_variance[index] = (
            rows.gradient_error,
            rows.shot_variance,
        )
        self.done[index] = True


class RowCodec:
    """How the numbers of one sample lie in a journal: ℓ, its variance, gradient, errors."""

    @staticmethod
    def width(n_params: int) -> int:
        """Number of float64."""
        return 2 + 2 * n_params

    @staticmethod
    def pack(rows: Rows, k: int) -> np.ndarray:
        """Return the numbers of sample k of a chunk."""
        return np.concatenate([[rows.losses[k], rows.shot_variance[k]], rows.gradients[k], rows.gradient_error[k]])

    @staticmethod
    def unpack(numbers: np.ndarray, n_params: int) -> Rows:
        """Return one sample as a chunk of its own."""
        return Rows(numbers[:1], numbers[None, 2 : 2 + n_params], numbers[None, 2 + n_params :], numbers[1:2])


@dataclass(frozen=True, eq=False)
class Work:
    """What is to be run: ``function(key, task, angles, …)`` at given angles, in chunks of rows."""

    task: Task
    angles: np.ndarray
    measured: np.ndarray | None
    """None where every component is measured."""
    seeds: np.ndarray | None
    chunks: list[np.ndarray]
    function: Callable = run_rows
    extra: tuple = ()
    """Further arguments of ``function``, the same for every chunk."""

    def arguments(self, index: np.ndarray) -> tuple:
        """Return what a worker needs besides the task."""
        if self.extra:
            return (self.angles[index], *self.extra)
        mask = None if self.measured is None else self.measured[index]
        return self.angles[index], mask, None if self.seeds is None else self.seeds[index]


def collect(work: Work, table, executor=None, ledger=None, bar=None, check: Callable | None = None) -> None:
    """Fill ``table``; whatever stops it, the table keeps what had been measured.

    Args:
        executor: None, or anything with ``submit`` (concurrent.futures, dask.distributed.Client).
        ledger: the run's journal, or None.
        check: called once before anything runs, and not where everything is known.
    """
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise InputError(
            f"executor needs a submit method (a concurrent.futures executor, a Dask client); got {executor!r}."
        )
    if ledger is not None:
        _take_known(work, table, ledger, bar)
    waiting = [c for c in (chunk[~table.done[chunk]] for chunk in work.chunks) if len(c)]
    if ledger is not None:
        _warn_of_lost_jobs(ledger, np.flatnonzero(~table.done))
    try:
        if waiting and check is not None:
            check()
        while waiting:
            later: list[np.ndarray] = []
            if executor is None:
                _run_here(work, waiting, later, table, ledger, bar)
            elif not _run_on(executor, work, waiting, later, table, ledger, bar):
                executor = None
                later = [c for c in (chunk[~table.done[chunk]] for chunk in waiting) if len(c)]
            if later and ledger is not None:
                _take_known(work, table, ledger, bar)
                later = [c for c in (chunk[~table.done[chunk]] for chunk in later) if len(c)]
                if later:
                    time.sleep(0.2)
            waiting = later
    finally:
        if ledger is not None:
            ledger.release()


def _take_known(work: Work, table: Table, ledger, bar):
    for row, rows in ledger.load(np.flatnonzero(~table.done), work.angles.shape[1]):
        table.put(np.array([row]), rows)
        bar.update(1)


def _warn_of_lost_jobs(ledger, index: np.ndarray):
    jobs = ledger.unanswered(index)
    if jobs:
        shown = ", ".join(jobs[:5]) + (", …" if len(jobs) > 5 else "")
        warnings.warn(
            f"{len(jobs)} jobs were submitted earlier and never answered here: {shown}. They are submitted again; "
            "the provider may still hold their results (pw.measurement.stored_jobs lists all ids).",
            WishartWarning,
            stacklevel=3,
        )


def _keep(index: np.ndarray, rows, table, ledger, bar):
    # The table first: a store that fails must not lose what has just been measured.
    table.put(index, rows)
    if ledger is not None:
        jobs = getattr(rows, "jobs", ())
        if jobs:
            ledger.note_jobs(index, jobs)
        ledger.acknowledge(index, rows)
    bar.update(len(index))


def _run_here(work: Work, waiting, later, table: Table, ledger, bar):
    # Tasks are used as they are: an instance of a device need not pickle.
    key = work.task.name
    engine = engine_for(key, work.task)
    for chunk in waiting:
        if ledger is not None:
            if not ledger.claim(chunk):
                later.append(chunk)
                continue
            engine.on_jobs = functools.partial(ledger.note_jobs, chunk)
        rows = work.function(key, work.task, *work.arguments(chunk))
        _keep(chunk, rows, table, ledger, bar)


def _payload(executor, task: Task):
    if isinstance(executor, concurrent.futures.ThreadPoolExecutor):
        return task.name, task
    try:
        return task.pack()
    except Exception as error:
        raise InputError(
            f"executor: device {task.recipe.name} cannot be sent to workers ({error}); give device= as a "
            "name, or as a module-level function that builds it."
        ) from error


def _run_on(executor, work: Work, waiting, later, table: Table, ledger, bar) -> bool:
    """Run chunks on an executor; False where it broke and the rest must be run here."""
    key, payload = _payload(executor, work.task)
    policy, answers = work.task.policy, queue.SimpleQueue()  # type: ignore[var-annotated]
    running: dict = {}
    todo = [(chunk, 0) for chunk in reversed(waiting)]

    def submit(chunk, attempt):
        # The attempt number makes a retried call a new one for schedulers that cache by content.
        future = executor.submit(work.function, key, payload, *work.arguments(chunk), attempt)
        running[id(future)] = (future, chunk, attempt)
        future.add_done_callback(answers.put)

    try:
        while todo or running:
            while todo and len(running) < _WINDOW:
                chunk, attempt = todo.pop()
                if attempt == 0 and ledger is not None and not ledger.claim(chunk):
                    later.append(chunk)
                    continue
                submit(chunk, attempt)
            if not running:
                break
            try:
                answer = answers.get(timeout=1.0)
            except queue.Empty:
                if ledger is not None:
                    ledger.refresh()
                continue
            future, chunk, attempt = running.pop(id(answer))
            try:
                rows = future.result()
            except concurrent.futures.BrokenExecutor:
                raise
            except (Exception, concurrent.futures.CancelledError) as error:
                if isinstance(error, WishartError) or attempt >= policy.retries:
                    raise
                log.warning("a chunk failed on a worker (%s); sending it again", error)
                time.sleep(policy.backoff * 2**attempt)
                todo.append((chunk, attempt + 1))
                continue
            _keep(chunk, rows, table, ledger, bar)
    except concurrent.futures.BrokenExecutor as error:
        warnings.warn(
            f"The executor broke ({error}): a worker was killed. The remaining chunks run in this process.",
            WishartWarning,
            stacklevel=2,
        )
        return False
    finally:
        for future, _, _ in running.values():
            future.cancel()
    return True
