"""Kill a measurement with SIGKILL and resume it: what was paid, kept and found.

Run as a program, by a test and by a benchmark: one process that has everything imported forks the
one that measures, so that a kill costs milliseconds. The child counts the steps it takes (statements of
the journal, calls of the device) and stops dead at one of them, where it is killed: no clock decides
where. It prints one JSON object.

    python killed_runs.py FOLDER KILLS SAMPLES [SEED]
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sqlite3
import sys
from pathlib import Path

import numpy as np
import pennylane as qml
from pennylane import numpy as pnp
from stub_devices import StubHardware

from pennylane_wishart.measurement import measure, stored_runs
from pennylane_wishart.measurement.store.journal import Journal

ARGS = (pnp.zeros((2, 2, 3)),)
STRIDE = 2
"""Steps by which each kill falls later than the one before, on average."""


class Steps:
    """Counts steps of a child process; at the chosen one it tells its parent and stops for good."""

    def __init__(self):
        self.left, self.pipe = -1, -1

    def take(self, *_):
        """Take one step."""
        self.left -= 1
        if self.left == 0:
            os.write(self.pipe, b".")
            signal.pause()


STEPS = Steps()


class Connection(sqlite3.Connection):
    """A connection whose every statement is a step, before it runs; COMMIT is one after it as well."""

    def execute(self, statement, *arguments):
        STEPS.take()
        found = super().execute(statement, *arguments)
        if statement == "COMMIT":
            STEPS.take()
        return found

    def executemany(self, statement, *arguments):
        STEPS.take()
        return super().executemany(statement, *arguments)


_connect = sqlite3.connect
sqlite3.connect = lambda *args, **options: _connect(*args, **{**options, "factory": Connection})


class LoggingHardware(StubHardware):
    """Writes down what it was asked to run, in a file of its own, before and after running it."""

    def __init__(self, log):
        super().__init__(wires=2)
        self.log = log

    def execute(self, circuits, execution_config=None):
        name = fingerprint(circuits[0])
        self.write(f"asked {name}")
        STEPS.take()
        result = super().execute(circuits, execution_config)
        self.write(f"ran {name}")
        STEPS.take()
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


def run(log, samples: int, store=None):
    """Measure one random component of each sample."""
    qnode = qml.QNode(body, LoggingHardware(log))
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


def killed_once(log, store, samples: int, step: int) -> bool:
    """Fork a measurement and kill it at one of its steps; False where it was done before."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        STEPS.left, STEPS.pipe = step, writing
        try:
            run(log, samples, store)
        finally:
            os._exit(0)
    os.close(writing)
    # Empty where the child is done: then nobody holds the other end.
    os.read(reading, 1)
    os.close(reading)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def experiment(folder: Path, kills: int, samples: int, seed: int) -> dict:
    """Kill and resume, then compare with a run that nobody interrupted."""
    rng = np.random.default_rng(seed)
    whole = run(folder / "whole.txt", samples)
    order = names_of(folder / "whole.txt", "ran")
    store, log = folder / "journal.db", folder / "log.txt"
    kept: dict[int, bytes] = {}
    landed = lost = twice = 0
    progress = []
    for number in range(kills):
        known = len(names_of(log, "asked"))
        # Every stage in turn, from the first statement on the file to the second sample's.
        landed += killed_once(log, store, samples, 1 + number * STRIDE + int(rng.integers(STRIDE)))
        asked_again = set(names_of(log, "asked")[known:])
        twice += len(asked_again & {order[k] for k in kept})
        now = acknowledged(store)
        lost += sum(now.get(k) != v for k, v in kept.items())
        kept = now
        progress.append(len(kept))
    known = len(names_of(log, "asked"))
    data = run(log, samples, store)
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
