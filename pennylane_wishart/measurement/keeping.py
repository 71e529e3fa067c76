"""What a run keeps, and when it stops early: its table, its journal, and the record of what there is."""

from __future__ import annotations

import contextlib
import functools
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pennylane_wishart.conventions import measurement as limits
from pennylane_wishart.conventions.arrays import Integers
from pennylane_wishart.errors import DeviceError, InputError, MeasurementInterrupted, StoreError, WishartWarning
from pennylane_wishart.measurement.checks import Watch, check_device
from pennylane_wishart.measurement.collect import Work, collect
from pennylane_wishart.measurement.options import MeasureOptions
from pennylane_wishart.measurement.quotes import check_interval
from pennylane_wishart.measurement.routes.shifts import direct_executor
from pennylane_wishart.measurement.setup import Setup, notice_state
from pennylane_wishart.measurement.store.ledger import Ledger, Question, open_ledger
from pennylane_wishart.measurement.tables import Table
from pennylane_wishart.measurement.workers import drop_engine, keep_engine
from pennylane_wishart.progress import progress_bar

__all__ = ["Kept", "collect_into", "question_of", "watch_of"]


@dataclass(frozen=True, eq=False)
class Kept:
    """What a run keeps: its kind in a journal, and the record of some rows."""

    kind: str
    said: str
    """What has happened to some of so many rows: ``said.format(done, count)``."""
    doing: str
    """What is going on while it runs."""
    routes: list[str]
    record: Callable[[Integers], Any]
    """``record(rows)``, of at least one row."""
    settings: dict[str, Any] = field(default_factory=dict)


def collect_into(
    table: Table, work: Work, setup: Setup, options: MeasureOptions, kept: Kept, watch: Watch | None
) -> None:
    """Fill a table, with a journal where one was given, and say what was kept when that stops early."""
    task, count = setup.task, len(table.done)
    # The engine that was built to choose the route: building it again would cost as much as a small run.
    keep_engine(task.name, setup.engine)
    bar = progress_bar(options.progress, count, 0, f"{kept.doing} on {setup.recipe.label}")

    def record(rows: Integers) -> Any:
        return kept.record(rows) if len(rows) else None

    try:
        with _ledger_of(setup, options, kept, table) as ledger:
            kept.routes.extend(r for r in (ledger.routes if ledger else ()) if r not in kept.routes)
            collect(work, table, options.executor, ledger, bar, watch)
    except StoreError as error:
        error.partial = record(np.flatnonzero(table.done))
        raise
    except (KeyboardInterrupt, Exception) as error:
        done = int(table.done.sum())
        nothing = done == 0 and (watch is None or not len(watch.suspect))
        at_the_door = isinstance(error, DeviceError) and watch is not None and watch.is_starting
        # Nothing was begun: the error itself says more than "0 of 100 samples" would.
        if nothing and (isinstance(error, InputError) or at_the_door):
            raise
        # Ctrl-C has no message of its own.
        reason = "stopped by the user" if isinstance(error, KeyboardInterrupt) else str(error).rstrip(".")
        stored = "" if options.store is None else " and in the store; the same call resumes"
        raise MeasurementInterrupted(
            f"{kept.said.format(done, count)}, then: {reason}. What was measured is in .partial{stored}.",
            record(np.flatnonzero(table.done)),
            None if watch is None else record(watch.suspect),
        ) from error
    finally:
        bar.close()
        drop_engine(task.name)
        notice_state(setup.recipe)


# ---------------------------------------------------------------------- checks
def watch_of(setup: Setup, check: bool) -> Watch | None:
    """Return what checks the device or the route of a run, or None where there is nothing to check."""
    route_check = setup.engine.route_check
    if route_check is not None:
        return Watch(route_check, limits.ROUTE_INTERVAL, at_start=False)
    if not (check and setup.recipe.is_hardware):
        return None
    return Watch(functools.partial(_check, setup), check_interval(setup))


def _check(setup: Setup) -> None:
    device = setup.engine.device
    execute = direct_executor(device, setup.task.policy)

    def run(tapes: list[Any]) -> Any:
        # Through the device's own preprocessing: a check must fail where the measurement would.
        config = device.setup_execution_config(None, tapes[0])
        batch, post = device.preprocess_transforms(config)(tapes)
        return post(execute(batch, config, list))

    check_device(device, setup.recipe.wires[0], setup.task.shots, run)


# ---------------------------------------------------------------------- the journal
_REPEATED = ("argnums", "output", "encoding", "datum")
"""Options that are needed to repeat a call, without a say in the numbers."""


def question_of(setup: Setup, options: MeasureOptions, kind: str, settings: dict[str, Any]) -> Question:
    """Return what a run is about, as a journal keeps it."""
    repeated = {name: getattr(options, name) for name in _REPEATED if _is_plain(getattr(options, name))}
    return Question(kind, setup.plan, setup.recipe.label, setup.identity, setup.engine.route, settings, repeated)


def _ledger_of(
    setup: Setup, options: MeasureOptions, kept: Kept, table: Table
) -> contextlib.AbstractContextManager[Ledger | None]:
    """Open the journal of a run; a context of None where there is no ``store=``."""
    file = options.file
    if file is None:
        return contextlib.nullcontext()
    question = question_of(setup, options, kept.kind, kept.settings)
    # Said before anything is paid for, not when the resumed run finds its samples missing.
    if not question.identity.is_certain:
        warnings.warn(
            f"{question.device} cannot be identified ({question.identity.unidentified}): no other session will take "
            f"what it measures for the same device's. To finish an interrupted run, vouch for it: pw.resume(qnode, "
            f"{str(file.path)!r}, same_device=True).",
            WishartWarning,
            stacklevel=5,
        )
    return open_ledger(file, question, table.layout)


def _is_plain(value: Any) -> bool:
    """Whether a value survives JSON as it is."""
    if isinstance(value, (list, tuple)):
        return all(isinstance(v, int) for v in value)
    return value is None or isinstance(value, (bool, int, str))
