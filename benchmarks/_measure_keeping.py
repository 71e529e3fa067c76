"""Losing nothing: kills (item 3), Dask (item 4) and faulty devices (item 5), with what must hold."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np
import pennylane as qml
from _measure_common import TESTS, entangling, hold, info, verdict
from pennylane import numpy as pnp

from pennylane_wishart.errors import MeasurementInterrupted
from pennylane_wishart.measurement import measure


def item_3(fast: bool):
    """Kill and resume; the work is in tests/killed_runs.py."""
    kills, samples = (5, 30) if fast else (20, 80)
    print(f"3. SIGKILL at {kills} stages of a run, resumed each time")
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, str(TESTS / "killed_runs.py"), folder, str(kills), str(samples)],
            capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS.parent), *filter(None, sys.path)])},
        )  # fmt: skip
    found = json.loads(done.stdout)
    info(f"samples kept at each kill, of {samples}: {found['kept_at_each_kill']}")
    info(f"executions: {found['executions']}, of which {found['executions'] - samples} were under way at a kill")
    verdict("kills that hit a running measurement", found["kills"], kills)
    verdict("acknowledged samples lost", found["lost"], 0, at_least=False)
    verdict("acknowledged samples paid again", found["paid_twice"], 0, at_least=False)
    verdict("executions beyond the plan, at most one a kill", found["executions"] - samples, kills, at_least=False)
    hold("the last call paid for what was missing, and no more", found["to_finish"] == found["missing_at_the_end"])
    hold("final numbers bit-identical to an uninterrupted run", found["identical"])


def item_4(fast: bool):
    """Dask with a killed worker."""
    print("4. Dask: two workers, one killed mid-run")
    if importlib.util.find_spec("distributed") is None:
        info("not run: dask.distributed is not installed (pip install 'pennylane-wishart[distributed]')")
        return
    from dask.distributed import Client, LocalCluster

    # Dask says that a worker is gone and comes back, which is the point.
    logging.disable(logging.WARNING)
    w, samples = pnp.zeros((4, 6, 3)), 2000 if fast else 8000
    qnode = qml.QNode(entangling(6), qml.device("lightning.qubit", wires=6))
    alone = measure(qnode, samples=samples)(w)
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        workers = client.run(os.getpid)
        killing = Killing(client, next(iter(workers.values())), samples // 25 // 2)
        data = measure(qnode, samples=samples, executor=killing)(w)
        info(f"worker killed when {killing.answered} of {samples // 25} chunks had been answered")
        hold("killed mid-run", 0 < killing.answered < samples // 25)
        same = all(getattr(alone, k).tobytes() == getattr(data, k).tobytes() for k in ("losses", "gradients"))
        hold("complete, identical numbers", same and data.samples == samples)
        hold("client left open and working", client.submit(int, 1).result() == 1)
    logging.disable(logging.NOTSET)


class Killing:
    """Hands chunks on to a client, and kills a worker process once enough have been answered."""

    def __init__(self, client, victim: int, after: int):
        self._client, self._victim, self._after = client, victim, after
        self._done, self.answered = 0, 0

    def submit(self, function, *arguments):
        """Submit to the client; every chunk counts when its answer is there."""
        future = self._client.submit(function, *arguments)
        future.add_done_callback(self._count)
        return future

    def _count(self, _):
        self._done += 1
        if self._done == self._after:
            self.answered = self._done
            os.kill(self._victim, signal.SIGKILL)


def item_5(fast: bool):
    """Every way in which devices fail."""
    from stub_devices import FaultyHardware

    print("5. Faults injected into a device")
    w = pnp.zeros((2, 2, 3))
    exact = measure(qml.QNode(entangling(2), qml.device("lightning.qubit", wires=2)), samples=10)(w)
    whole = {"parameters": "all"}  # devices are not asked for what is proved dead
    for fault in ("exception", "timeout", "nan", "shape", "missing", "hang"):
        limit = 1.0 if fault == "hang" else None
        device = FaultyHardware(wires=2, fault=fault, every=4)
        data = measure(qml.QNode(entangling(2), device), samples=10, backoff=0.01, timeout=limit, **whole)(w)
        right = np.abs(data.gradients - exact.gradients).max() < 1e-9
        hold(f"{fault} at every 4th call: retried, right numbers", bool(right))
        device = FaultyHardware(wires=2, fault=fault, every=1, after=6)
        start, backoff = time.perf_counter(), 0.1
        try:
            measure(qml.QNode(entangling(2), device), samples=10, backoff=backoff, retries=2, timeout=limit, **whole)(w)
            hold(f"{fault} for good: a clear error", False)
        except MeasurementInterrupted as error:
            waited = time.perf_counter() - start >= 3 * backoff
            kept = error.partial is not None and error.partial.samples == 5 and device.calls == 6 + 3
            same = kept and np.abs(error.partial.gradients - exact.gradients[:5]).max() < 1e-9
            clear = "failed 3 times" in str(error) and "5 of 10 samples" in str(error)
            hold(f"{fault} for good: 2 retries after 0.1 and 0.2 s, clear error, 5 kept", same and clear and waited)
