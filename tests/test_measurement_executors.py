"""Executors: identical numbers whoever computes them, lost chunks and killed workers survived."""

from __future__ import annotations

import concurrent.futures
import contextlib
import multiprocessing
import os
import signal
import warnings

import numpy as np
import pytest
from measured_circuits import qnode_of

from pennylane_wishart.errors import InputError, WishartWarning
from pennylane_wishart.measurement import measure, process_pool


def test_threads_and_processes_give_identical_numbers():
    qnode, args = qnode_of("layers")
    alone = measure(qnode, samples=60)(*args)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        assert np.array_equal(measure(qnode, samples=60, executor=pool)(*args).gradients, alone.gradients)
        assert pool.submit(int, 1).result() == 1
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        data = measure(qnode, samples=60, executor=pool)(*args)
        assert np.array_equal(data.gradients, alone.gradients) and data.route == alone.route
        assert pool.submit(int, 1).result() == 1


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"shots": 20}, {"device": "default.qubit"}])
def test_identical_numbers_for_one_and_two_worker_processes(options):
    qnode, args = qnode_of("qaoa")
    alone = measure(qnode, samples=8, chunk=3, **options)(*args)
    for workers in (1, 2):
        context = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(workers, mp_context=context) as pool:
            data = measure(qnode, samples=8, chunk=3, executor=pool, **options)(*args)
        assert np.array_equal(data.gradients, alone.gradients)
        assert np.array_equal(data.gradient_error, alone.gradient_error)


@pytest.mark.parametrize("device", ["lightning.qubit", "default.qubit", "wishart.lie"])
def test_shots_do_not_depend_on_chunks_or_threads(device):
    qnode, args = qnode_of("hermitian" if device != "wishart.lie" else "qaoa")
    alone = measure(qnode, samples=6, shots=20, device=device)(*args)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        data = measure(qnode, samples=6, shots=20, chunk=2, executor=pool, device=device)(*args)
    assert np.array_equal(alone.gradients, data.gradients)
    assert np.array_equal(alone.shot_variance, data.shot_variance)


@pytest.mark.parametrize("case", ["layers", "mixed gates", "qaoa"])
def test_chunks_change_no_bit_on_default_qubit(case):
    """Batches of other sizes go through other loops of numpy; the numbers must not notice."""
    qnode, args = qnode_of(case, "default.qubit")
    alone = measure(qnode, samples=40)(*args)
    assert alone.route == "broadcast-adjoint"
    for chunk in (1, 2, 7, 40):
        data = measure(qnode, samples=40, chunk=chunk)(*args)
        assert data.gradients.tobytes() == alone.gradients.tobytes()
        assert data.losses.tobytes() == alone.losses.tobytes()


def test_a_pool_that_is_ready_gives_identical_numbers():
    """Every process has started and imported before the pool is handed over, with one thread each."""
    before = dict(os.environ)
    qnode, args = qnode_of("layers")
    with process_pool(2) as pool:
        assert os.environ == before
        data = measure(qnode, samples=60, chunk=10, executor=pool)(*args)
        assert pool.submit(os.getenv, "OMP_NUM_THREADS").result() == "1"
    assert data.gradients.tobytes() == measure(qnode, samples=60)(*args).gradients.tobytes()
    for wrong in (0, True, 2.0):
        with pytest.raises(InputError, match="workers needs a positive integer"):
            process_pool(wrong)


class KillingClient:
    """Hands chunks on to a Dask client, and kills a worker process once some have been answered."""

    def __init__(self, client, victim: int, after: int):
        self._client, self._victim, self._after = client, victim, after
        self.sent = self.answered = self.left_when_killed = 0

    def submit(self, function, *args):
        self.sent += 1
        future = self._client.submit(function, *args)
        future.add_done_callback(self._count)
        return future

    def _count(self, _):
        self.answered += 1
        if self.answered == self._after:
            self.left_when_killed = self.sent - self.answered
            os.kill(self._victim, signal.SIGKILL)


@pytest.mark.slow
def test_dask_survives_a_killed_worker():
    """Two worker processes, one of them killed while it measures: complete, the same bits."""
    distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed (extra: distributed)")
    qnode, args = qnode_of("layers")
    samples = 1500
    alone = measure(qnode, samples=samples)(*args)
    # Dask warns of ports in use and of workers that take long to start.
    with warnings.catch_warnings(action="ignore"), contextlib.ExitStack() as stack:
        cluster = stack.enter_context(
            distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0")
        )
        client = stack.enter_context(distributed.Client(cluster))
        workers = client.run(os.getpid)
        killing = KillingClient(client, next(iter(workers.values())), after=20)
        data = measure(qnode, samples=samples, executor=killing)(*args)
        assert killing.answered >= 20 and killing.left_when_killed > 0
        assert client.status == "running" and client.submit(int, 1).result() == 1
        assert set(client.run(os.getpid).values()) != set(workers.values())
    assert data.gradients.tobytes() == alone.gradients.tobytes() and data.route == alone.route


class BreakingExecutor:
    """Answers a few chunks, then behaves as a pool whose worker was killed."""

    def __init__(self, after: int):
        self.left = after

    def submit(self, function, *args):
        if self.left == 0:
            raise concurrent.futures.process.BrokenProcessPool("a child process terminated abruptly")
        self.left -= 1
        future = concurrent.futures.Future()
        future.set_result(function(*args))
        return future


class FlakyExecutor:
    """Loses the first answer to every chunk; the attempt is the last argument."""

    def __init__(self):
        self.count = 0

    def submit(self, function, *args):
        future = concurrent.futures.Future()
        self.count += 1
        if args[-1] == 0:
            future.set_exception(ConnectionError("worker lost"))
        else:
            future.set_result(function(*args))
        return future


def test_a_broken_pool_is_survived():
    qnode, args = qnode_of("layers")
    alone = measure(qnode, samples=60, chunk=10)(*args)
    with pytest.warns(WishartWarning, match="remaining chunks run in this process"):
        data = measure(qnode, samples=60, chunk=10, executor=BreakingExecutor(2))(*args)
    assert np.array_equal(data.gradients, alone.gradients)


def test_lost_chunks_are_sent_again():
    qnode, args = qnode_of("layers")
    flaky = FlakyExecutor()
    data = measure(qnode, samples=60, chunk=10, executor=flaky, backoff=0.0)(*args)
    assert np.array_equal(data.gradients, measure(qnode, samples=60)(*args).gradients)
    assert flaky.count == 12
