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
from typing import Any

import numpy as np

from pennylane_wishart.conventions import measurement as limits
from pennylane_wishart.conventions.arrays import Bools, Floats, Integers
from pennylane_wishart.errors import InputError, StoreError, WishartError, WishartWarning
from pennylane_wishart.measurement.checks import Watch
from pennylane_wishart.measurement.store.ledger import Claim, Ledger
from pennylane_wishart.measurement.tables import Ends, Rows, Table
from pennylane_wishart.measurement.task import Task
from pennylane_wishart.measurement.workers import engine_for, run_rows

__all__ = ["Work", "collect"]

log = logging.getLogger("pennylane_wishart")


@dataclass(frozen=True, eq=False)
class Work:
    """What is to be run: ``function(key, task, angles, …)`` at given angles, in chunks of rows."""

    task: Task
    angles: Floats
    measured: Bools | None
    """None where every component is measured."""
    seeds: Integers | None
    chunks: list[Integers]
    function: Callable[..., Any] = run_rows
    extra: tuple[Any, ...] = ()
    """Further arguments of ``function``, the same for every chunk."""

    def arguments(self, index: Integers) -> tuple[Any, ...]:
        """Return what a worker needs besides the task."""
        if self.extra:
            return (self.angles[index], *self.extra)
        mask = None if self.measured is None else self.measured[index]
        return self.angles[index], mask, None if self.seeds is None else self.seeds[index]


class _Run:
    """Work under way: puts every answer into the table at once, and into the journal at the latest when it ends."""

    def __init__(self, work: Work, table: Table, ledger: Ledger | None, bar: Any, watch: Watch | None) -> None:
        self.work, self.table, self.ledger, self.bar, self.watch = work, table, ledger, bar, watch
        self._unsaved: list[tuple[Integers, Any]] = []

    # ------------------------------------------------------------------ what is known already
    def take_known(self) -> None:
        """Fill the table with what the journal holds."""
        if self.ledger is not None:
            for row, rows in self.ledger.load(np.flatnonzero(~self.table.done), self.table.shape[1]):
                self.table.put(np.array([row]), rows)
                self.bar.update(1)

    def missing(self, chunks: list[Integers]) -> list[Integers]:
        """Return what of some chunks is not in the table."""
        return [c for c in (chunk[~self.table.done[chunk]] for chunk in chunks) if len(c)]

    def await_others(self, later: list[Integers]) -> list[Integers]:
        """Return what is still missing, after a look at what other processes have measured."""
        later = self.missing(later)
        if later and self.ledger is not None:
            self.take_known()
            later = self.missing(later)
            if later:
                wait_for_others()
        return later

    def claimed(self, chunk: Integers, later: list[Integers]) -> bool:
        """Whether this process may measure a chunk; what another one has measured is taken over."""
        claim = Claim.TAKEN if self.ledger is None else self.ledger.claim(chunk)
        if claim is Claim.KNOWN and self.ledger is not None:
            before = int(self.table.done[chunk].sum())
            self.take_known()
            # A file that lists samples which it does not yield would be asked for ever.
            if int(self.table.done[chunk].sum()) == before:
                raise self.ledger.contradiction(chunk)
        if claim is not Claim.TAKEN:
            later.append(chunk)
        return claim is Claim.TAKEN

    # ------------------------------------------------------------------ what is answered
    def keep(self, index: Integers, rows: Rows | Ends) -> None:
        """Keep the answers to ``index``; a check of the device may be due after them."""
        if not len(index):
            return
        # The table first: a store that fails must not lose what has just been measured.
        self._unsaved.append((index, rows))
        self.table.put(index, rows)
        self._save()
        self.bar.update(len(index))
        if self.watch is not None:
            self.watch.answered(index)

    def keep_part(self, chunk: Integers, error: BaseException) -> Integers:
        """Keep what a chunk had answered when it failed, and return the rest of it."""
        rows = getattr(error, "answered", None)
        count = 0 if rows is None else len(rows.losses)
        if rows is not None:
            self.keep(chunk[:count], rows)
        return chunk[count:]

    def _save(self) -> None:
        """Write what is not in the journal yet."""
        while self._unsaved:
            index, rows = self._unsaved[0]
            if self.ledger is not None:
                jobs = getattr(rows, "jobs", ())
                if jobs:
                    self.ledger.note_jobs(index, jobs)
                self.ledger.acknowledge(index, rows)
            # Only now: an interrupt while it is written finds it here, and it is written once more.
            self._unsaved.pop(0)

    def close(self) -> None:
        """Save what a failure left unsaved, and set aside what a device measured that then failed its check."""
        try:
            self._save()
        except StoreError:
            log.warning("answers could not be written to the store; they are in the record", exc_info=True)
        suspect = np.zeros(0, int) if self.watch is None else self.watch.suspect
        if len(suspect):
            self.table.done[suspect] = False
            if self.ledger is not None:
                self.ledger.set_aside(suspect)


def collect(
    work: Work, table: Table, executor: Any, ledger: Ledger | None, bar: Any, watch: Watch | None = None
) -> None:
    """Fill ``table``; whatever stops it, the table and the journal keep what had been measured.

    Args:
        executor: None, or anything with ``submit`` (concurrent.futures, dask.distributed.Client).
        ledger: the run's journal, or None.
        watch: checks the device before anything runs, in between and at the end; not where everything
            is known. What was measured since its last good check is set aside where it fails.
    """
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise InputError(
            f"executor needs a submit method (a concurrent.futures executor, a Dask client); got {executor!r}."
        )
    run = _Run(work, table, ledger, bar, watch)
    run.take_known()
    waiting = run.missing(work.chunks)
    if ledger is not None and waiting:
        if ledger.read_only:
            raise ledger.incomplete(int(np.sum(~table.done)), len(table.done))
        _warn_of_lost_jobs(ledger.unanswered(np.flatnonzero(~table.done)))
    try:
        if waiting and watch is not None:
            watch.start()
        while waiting:
            later: list[Integers] = []
            if executor is None:
                _run_here(run, waiting, later)
            elif not _run_on(executor, run, waiting, later):
                executor, later = None, waiting
            waiting = run.await_others(later)
        if watch is not None:
            watch.finish()
    finally:
        try:
            run.close()
        finally:
            if ledger is not None:
                ledger.release()


def wait_for_others() -> None:
    """Give another process time to finish what it has claimed."""
    time.sleep(limits.OTHERS_PATIENCE)


def _warn_of_lost_jobs(jobs: list[str]) -> None:
    if jobs:
        shown = ", ".join(jobs[: limits.SHOWN_JOBS]) + (", …" if len(jobs) > limits.SHOWN_JOBS else "")
        warnings.warn(
            f"{len(jobs)} jobs were submitted earlier and never answered here: {shown}. They are submitted again; "
            "the provider may still hold their results (pw.measurement.stored_jobs lists all ids).",
            WishartWarning,
            stacklevel=3,
        )


def _run_here(run: _Run, waiting: list[Integers], later: list[Integers]) -> None:
    # Tasks are used as they are: an instance of a device need not pickle.
    task = run.work.task
    engine = engine_for(task.name, task)
    for chunk in waiting:
        if not run.claimed(chunk, later):
            continue
        if run.ledger is not None:
            engine.on_jobs = functools.partial(run.ledger.note_jobs, chunk)
        try:
            rows = run.work.function(task.name, task, *run.work.arguments(chunk))
        except BaseException as error:
            run.keep_part(chunk, error)
            raise
        run.keep(chunk, rows)


def _payload(executor: Any, task: Task) -> tuple[str, Task | bytes]:
    if isinstance(executor, concurrent.futures.ThreadPoolExecutor):
        # Threads share memory: nothing has to pickle.
        return task.name, task
    try:
        return task.pack()
    except Exception as error:
        raise InputError(
            f"executor: device {task.recipe.name} cannot be sent to workers ({error}); give device= as a "
            "name, or as a module-level function that builds it."
        ) from error


def _run_on(executor: Any, run: _Run, waiting: list[Integers], later: list[Integers]) -> bool:
    """Run chunks on an executor; False where it broke and the rest must be run here."""
    session = _Session(executor, run)
    try:
        session.measure(waiting, later)
    except concurrent.futures.BrokenExecutor as error:
        session.salvage(wait=False)
        warnings.warn(
            f"The executor broke ({error}): a worker was killed. The remaining chunks run in this process.",
            WishartWarning,
            stacklevel=2,
        )
        return False
    except BaseException as error:
        # Jobs that have begun will be paid for: their answers are waited for, unless the user wants to stop.
        try:
            session.salvage(wait=isinstance(error, Exception))
        except KeyboardInterrupt:
            session.salvage(wait=False)
            raise
        raise
    return True


class _Session:
    """Chunks in flight on one executor."""

    def __init__(self, executor: Any, run: _Run) -> None:
        self._executor, self._work, self._run = executor, run.work, run
        self._key, self._payload = _payload(executor, run.work.task)
        self._answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._running: dict[int, tuple[Any, Integers, int]] = {}
        self._arrived: set[int] = set()

    def _submit(self, chunk: Integers, attempt: int) -> None:
        # The attempt number makes a retried call a new one for schedulers that cache by content.
        arguments = self._work.arguments(chunk)
        future = self._executor.submit(self._work.function, self._key, self._payload, *arguments, attempt)
        self._running[id(future)] = (future, chunk, attempt)
        future.add_done_callback(self._answers.put)

    def measure(self, waiting: list[Integers], later: list[Integers]) -> None:
        """Submit chunks, a window of them at a time, and keep the answers as they come."""
        todo = [(chunk, 0) for chunk in reversed(waiting)]
        while todo or self._running:
            while todo and len(self._running) < limits.WINDOW:
                chunk, attempt = todo.pop()
                if attempt or self._run.claimed(chunk, later):
                    self._submit(chunk, attempt)
            if not self._running:
                break
            try:
                answer = self._answers.get(timeout=limits.ANSWER_PATIENCE)
            except queue.Empty:
                # A long job is no reason for others to take over its claim.
                if self._run.ledger is not None:
                    self._run.ledger.refresh()
                continue
            future, chunk, attempt = self._running[id(answer)]
            again = self._take(future, chunk, attempt)
            # Only now: an interrupt in between finds it among the running and keeps it.
            del self._running[id(answer)]
            if again is not None:
                todo.append((again, attempt + 1))

    def _take(self, future: Any, chunk: Integers, attempt: int) -> Integers | None:
        """Keep the answer of a chunk, or return what of it is to be sent again."""
        policy = self._work.task.policy
        try:
            rows = future.result()
        except concurrent.futures.BrokenExecutor:
            raise
        except BaseException as error:
            rest = self._run.keep_part(chunk, error)
            # Our own errors are bad arguments, or a device that was tried often enough on the worker.
            expected = isinstance(error, (Exception, concurrent.futures.CancelledError))
            if not expected or isinstance(error, WishartError) or attempt >= policy.retries:
                del self._running[id(future)]
                raise
            log.warning("a chunk failed on a worker (%s); sending it again", error)
            policy.pause(attempt)
            return rest
        self._run.keep(chunk, rows)
        return None

    def salvage(self, wait: bool) -> None:
        """Cancel what has not begun and keep every answer of the rest.

        Args:
            wait: for the jobs that have begun; otherwise only what is answered by now is kept.
        """
        while not self._answers.empty():
            self._arrived.add(id(self._answers.get()))
        for future, _, _ in list(self._running.values()):
            if not self._is_answered(future):
                future.cancel()
        for name, (future, chunk, _) in list(self._running.items()):
            answered = self._is_answered(future)
            if answered or (wait and not _asked(future, "cancelled")):
                self._save_answer(future, chunk, answered)
            self._running.pop(name, None)

    def _save_answer(self, future: Any, chunk: Integers, answered: bool) -> None:
        try:
            rows = future.result()
        except BaseException as error:
            # Raised by the job, or by the user while this process waits for it: only the second is for here.
            if not answered and isinstance(error, KeyboardInterrupt):
                raise
            self._run.keep_part(chunk, error)
            log.warning("a job in flight failed too (%s)", error)
            return
        try:
            self._run.keep(chunk, rows)
        except (WishartError, OSError) as error:
            # The table has it; why the run stopped is said by the first error.
            log.warning("an answer in flight was kept, but: %s", error)

    def _is_answered(self, future: Any) -> bool:
        """Whether a future has its answer, asked of it or learnt from its callback."""
        if _asked(future, "cancelled"):
            return False
        return _asked(future, "done") or id(future) in self._arrived


def _asked(future: Any, question: str) -> bool:
    """Ask a future ``done()`` or ``cancelled()``; False where it has no such method."""
    method = getattr(future, question, None)
    return bool(method()) if callable(method) else False
