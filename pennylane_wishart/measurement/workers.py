"""What workers call: engines, each built once a thread, and the chunks that they run."""

from __future__ import annotations

import pickle
import threading

from pennylane_wishart.conventions import measurement as limits
from pennylane_wishart.conventions.arrays import Bools, Floats, Integers
from pennylane_wishart.measurement.cones import ConeEngine
from pennylane_wishart.measurement.engine import Engine
from pennylane_wishart.measurement.tables import Rows
from pennylane_wishart.measurement.task import Task
from pennylane_wishart.threads import one_thread

__all__ = ["drop_engine", "engine_for", "keep_engine", "make_engine", "run_rows"]


def make_engine(task: Task) -> Engine:
    """Return the engine of a task: in parts where it has any."""
    return ConeEngine(task) if task.parts else Engine(task)


_local = threading.local()


def _engines() -> dict[str, Engine]:
    """This thread's engines: devices are not safe to share between threads."""
    kept: dict[str, Engine] = _local.__dict__.setdefault("engines", {})
    return kept


def keep_engine(key: str, engine: Engine) -> None:
    """Keep an engine for this thread; the oldest of too many goes."""
    engines = _engines()
    while len(engines) >= limits.KEPT_ENGINES:
        # Dictionaries keep their order: the first is the one kept for longest.
        engines.pop(next(iter(engines)))
    engines[key] = engine


def drop_engine(key: str) -> None:
    """Forget an engine of this thread."""
    _engines().pop(key, None)


def engine_for(key: str, task: Task | bytes) -> Engine:
    """Return this thread's engine for a task, building it once."""
    if key not in _engines():
        keep_engine(key, make_engine(pickle.loads(task) if isinstance(task, bytes) else task))
    return _engines()[key]


def run_rows(
    key: str, task: Task | bytes, angles: Floats, measured: Bools | None, seeds: Integers | None, attempt: int = 0
) -> Rows:
    """Run one chunk; the function that executors call (``attempt`` only tells retries apart)."""
    engine = engine_for(key, task)
    with one_thread(engine.n_qubits):
        return engine.run(angles, measured, seeds)
