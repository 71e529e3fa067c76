"""Kill a measurement with SIGKILL at random moments and resume it: what was paid, kept and found.

Run as a program, by a test and by a benchmark: one process that has everything imported forks the
one that measures, so that a kill costs milliseconds. It prints one JSON object.

    python killed_runs.py FOLDER KILLS SAMPLES [SEED]
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pennylane as qml
from pennylane import numpy as pnp
from stub_devices import StubHardware

from pennylane_wishart.measurement import measure, stored_runs
from pennylane_wishart.measurement.journal import Journal

ARGS = (pnp.zeros((2, 2, 3)),)
DELAY = 0.01


class LoggingHardware(StubHardware):
    """Writes down what it was asked to run, in a file of its own, before and after running it."""

    def __init__(self, log, delay=DELAY):
        super().__init__(wires=2)
        self.log, self.delay = log, delay

    def execute(self, circuits, execution_config=None):
        name = fingerprint(circuits[0])
        self.write(f"asked {name}")
        time.sleep(self.delay)
        result = super().execute(circuits, execution_config)
        self.write(f"ran {name}")
        return result

    def write(self, line: str):
        """Append one line; a single write of this size is whole or absent."""
        descriptor = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, (line + "\n").encode())
        os.close(descriptor)


def fingerprint(tape) -> str:
    """Name the angle set of a circuit."""
    values = np.array(tape.get_parameters(trainable_only=False), float)
    return hashlib.sha256(np.round(values, 9).tobytes()).hexdigest()[:16]


def body(w):
    qml.StronglyEntanglingLayers(w, wires=range(2))
    return qml.expval(qml.Z(0))


def run(log, samples: int, store=None, delay=DELAY):
    """Measure one random component of each sample."""
    qnode = qml.QNode(body, LoggingHardware(log, delay))
    return measure(qnode, samples=samples, store=store, check=False, parameters=1)(*ARGS)


def names_of(log, word: str) -> list[str]:
    """Angle sets in the order in which they were asked for, or ran."""
    lines = Path(log).read_text().split("\n") if Path(log).exists() else []
    return [line.split()[1] for line in lines if line.startswith(word + " ")]


def acknowledged(store) -> dict[int, bytes]:
    """What the journal holds, by sample."""
    if not Path(store).exists() or not Path(store).stat().st_size or not stored_runs(store):
        return {}
    journal = Journal(store)
    rows = dict(journal.query("SELECT sample, payload FROM samples"))
    journal.close()
    return rows


def killed_once(log, store, samples: int, after: float, running: bool) -> bool:
    """Fork a measurement and kill it, counted from its first call or from its start.

    Returns False where it was done before.
    """
    known = len(names_of(log, "asked"))
    child = os.fork()
    if child == 0:
        try:
            run(log, samples, store)
        finally:
            os._exit(0)
    end = time.time() + 60
    while running and len(names_of(log, "asked")) == known and time.time() < end:
        time.sleep(0.002)
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def experiment(folder: Path, kills: int, samples: int, seed: int) -> dict:
    """Kill and resume, then compare with a run that nobody interrupted."""
    rng = np.random.default_rng(seed)
    whole = run(folder / "whole.txt", samples, delay=0.0)
    order = names_of(folder / "whole.txt", "ran")
    store, log = folder / "journal.db", folder / "log.txt"
    kept: dict[int, bytes] = {}
    landed = lost = twice = 0
    progress = []
    # on average the kills leave time for 0.6 of the samples, so each finds a run to kill
    span = 1.2 * DELAY * samples / kills
    for number in range(kills):
        known = len(names_of(log, "asked"))
        landed += killed_once(log, store, samples, rng.uniform(0, span), number % 4 > 0)
        asked_again = set(names_of(log, "asked")[known:])
        twice += len(asked_again & {order[k] for k in kept})
        now = acknowledged(store)
        lost += sum(now.get(k) != v for k, v in kept.items())
        kept = now
        progress.append(len(kept))
    known = len(names_of(log, "asked"))
    data = run(log, samples, store, delay=0.0)
    last = names_of(log, "asked")[known:]
    twice += len(set(last) & {order[k] for k in kept})
    names = ("losses", "gradients", "gradient_error", "shot_variance", "angles")
    return {
        "kills": landed,
        "kept_at_each_kill": progress,
        "lost": lost,
        "paid_twice": twice,
        "executions": len(names_of(log, "asked")),
        "samples": samples,
        "to_finish": len(last),
        "missing_at_the_end": samples - len(kept),
        "identical": all(getattr(data, k).tobytes() == getattr(whole, k).tobytes() for k in names),
    }


if __name__ == "__main__":
    arguments = [*sys.argv[2:], "4"]
    print(json.dumps(experiment(Path(sys.argv[1]), int(arguments[0]), int(arguments[1]), int(arguments[2]))))
