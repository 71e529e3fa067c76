"""A pool of processes that are ready to measure: started, imported, one thread each."""

from __future__ import annotations

import concurrent.futures
import contextlib
import multiprocessing
import os
import threading
from collections.abc import Iterator
from typing import Any

from pennylane_wishart.conventions import measurement as limits
from pennylane_wishart.errors import DeviceError, InputError

__all__ = ["process_pool"]

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def process_pool(workers: int) -> concurrent.futures.ProcessPoolExecutor:
    """Start worker processes and wait until each has imported PennyLane.

    A plain ``ProcessPoolExecutor`` starts its processes one by one while it works, each of which
    imports for seconds; and their linear algebra would fight for the cores. Any executor can be
    given to ``measure``: this one is merely ready. Call it under ``if __name__ == "__main__":``.

    Args:
        workers: number of processes; one for each free core.
    Returns:
        A ``concurrent.futures.ProcessPoolExecutor``, to be used as ``executor=`` and shut down by you
        (it is a context manager).
    Raises:
        InputError: if ``workers`` is no positive integer.
        DeviceError: if the processes do not start.
    Cost: a few seconds of import in each process, once.
    """
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise InputError(f"workers needs a positive integer; got {workers!r}.")
    # Forked processes would share the locks of threads that lightning and Python run here, and may hang.
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(workers)
    # Libraries read these once, when a process loads them: processes inherit them from here.
    with _one_thread():
        pool = concurrent.futures.ProcessPoolExecutor(
            workers, mp_context=context, initializer=_import, initargs=(barrier,)
        )
        try:
            for future in [pool.submit(_meet) for _ in range(workers)]:
                future.result(timeout=limits.START_PATIENCE)
        except (concurrent.futures.BrokenExecutor, TimeoutError, threading.BrokenBarrierError) as error:
            pool.shutdown(wait=False, cancel_futures=True)
            raise DeviceError(
                f"{workers} worker processes did not start ({type(error).__name__}: {error}); call process_pool under "
                '`if __name__ == "__main__":`, or give measure another executor.'
            ) from error
    return pool


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Let processes started here use one thread each; this process is put back as it was."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


_barrier: Any = None


def _import(barrier: Any) -> None:
    """Make a new process ready."""
    global _barrier
    import pennylane_wishart.measurement.engine  # noqa: F401

    _barrier = barrier


def _meet() -> None:
    """Wait for the other processes: each then has taken exactly one of these calls."""
    _barrier.wait(limits.START_PATIENCE)
