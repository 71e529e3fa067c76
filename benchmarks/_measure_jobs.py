"""Job ids (item 7): what looking for them while a job waits gains, and what it costs."""

from __future__ import annotations

import tempfile
from pathlib import Path
from unittest import mock

import numpy as np
import pennylane as qml
from _measure_common import hold, info, seconds, verdict
from pennylane import numpy as pnp
from stub_devices import JobHardware

from pennylane_wishart.measurement import measure, stored_jobs
from pennylane_wishart.measurement.routes import shifts
from pennylane_wishart.measurement.routes.jobs import JobWatch


class Watched(JobHardware):
    """Counts the jobs whose id is in the store just before they are answered: what a kill then would leave."""

    def __init__(self, store=None, **options):
        super().__init__(**options)
        self.store, self.kept = store, 0

    def _write(self, line: str):
        if self.store is not None and line.startswith("answered"):
            self.kept += line.split()[-1] in {job["job"] for job in stored_jobs(self.store)}


class AfterTheAnswer(JobWatch):
    """Looks once, when the call has come back."""

    def __enter__(self):
        self._thread = mock.Mock()
        return self


def run(watch: type, samples: int, delay: float, store: Path | None) -> Watched:
    """Measure one loss a job on a device that answers after ``delay`` seconds."""
    device = Watched(store, wires=1, delay=delay)

    @qml.qnode(device)
    def f(x):
        qml.RX(x, 0)
        return qml.expval(qml.Z(0))

    with tempfile.TemporaryDirectory() as folder, mock.patch.object(shifts, "JobWatch", watch):
        place = store or Path(folder) / "run.db"
        measure(f, samples=samples, parameters=0, shots=10, store=place, check=False)(pnp.array(0.1))
    return device


def item_7(fast: bool):
    """A process that is killed while it waits for an answer has left the job's id behind."""
    samples, delay, rounds = (8, 0.3, 3) if fast else (20, 0.5, 5)
    print(f"7. Ids of {samples} jobs that take {delay} s each")
    found = []
    for watch in (JobWatch, AfterTheAnswer):
        with tempfile.TemporaryDirectory() as folder:
            found.append(run(watch, samples, delay, Path(folder) / "run.db").kept)
    info(f"ids in the store while the job is still waiting: {found[0]}, looking after the answer only: {found[1]}")
    verdict("share of ids that a kill would leave behind", found[0] / samples, 1.0)
    hold("looking after the answer leaves none", found[1] == 0)
    ratios = [
        seconds(lambda: run(JobWatch, samples, delay, None))
        / seconds(lambda: run(AfterTheAnswer, samples, delay, None))
        for _ in range(rounds)
    ]
    verdict("time of the run, against looking once", float(np.median(ratios)), 1.1, at_least=False)
