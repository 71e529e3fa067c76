"""One thread for small work, where threads that wait for each other cost more than they help."""

from __future__ import annotations

import contextlib

import threadpoolctl

from pennylane_wishart.conventions import display

__all__ = ["one_thread"]


def one_thread(n_qubits: int) -> contextlib.AbstractContextManager[object]:
    """Hold OpenMP and BLAS to one thread while a small circuit is worked on; leave them alone beyond.

    Lightning and BLAS start a thread a core for matrices of a few kilobytes; where another process wants
    a core, they wait for each other at every gate (140 times the time at 4 qubits on 2 busy cores).
    ``OMP_NUM_THREADS`` would do the same, but only if it is set before Python starts.
    """
    if n_qubits > display.ONE_THREAD_QUBITS:
        return contextlib.nullcontext()
    # Found anew each time (2 ms): a library may have been loaded since.
    limits: contextlib.AbstractContextManager[object] = threadpoolctl.threadpool_limits(1)
    return limits
