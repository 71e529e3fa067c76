"""Damage a journal and see what comes of it: a right result, or a StoreError of one sentence.

Run as a program it flips every STEP-th byte: ``python damaged_stores.py FOLDER [STEP]``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from measured_circuits import PAIR_ARGS, on
from stub_devices import JobHardware

from pennylane_wishart.errors import StoreError
from pennylane_wishart.measurement import collect as run_module
from pennylane_wishart.measurement import measure, stored_jobs, stored_runs
from pennylane_wishart.measurement.store.ledger import Claim, Question, open_ledger
from pennylane_wishart.measurement.tables import ROWS as RowCodec

SAMPLES, KEPT = 8, 6


class Damaged:
    """A journal of 8 samples, of which 2 are missing and claimed by a dead process, and its right numbers."""

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        self.whole = measure(on(JobHardware(wires=2)), samples=SAMPLES, check=False)(*PAIR_ARGS)
        self.path = self.folder / "whole.db"
        measure(on(JobHardware(wires=2)), samples=KEPT, store=self.path, check=False)(*PAIR_ARGS)
        question = Question("Measurement", self.whole.plan, self.whole.device, self.whole.identity, self.whole.route)
        dead = open_ledger(self.path, question, RowCodec)
        assert dead.claim(np.arange(KEPT, SAMPLES)) is Claim.TAKEN
        # It goes without releasing its claim, as after a kill.
        dead.__exit__()
        self.bytes = self.path.read_bytes()

    def outcome(self, content: bytes) -> str:
        """Read and finish a journal of these bytes: "right", or the sentence of the StoreError."""
        path = self.folder / "damaged.db"
        for name in (path, path.with_name("damaged.db-wal"), path.with_name("damaged.db-shm")):
            name.unlink(missing_ok=True)
        path.write_bytes(content)
        try:
            stored_runs(path)
            stored_jobs(path)
            data = measure(on(JobHardware(wires=2, start=100)), samples=SAMPLES, store=path, check=False)(*PAIR_ARGS)
        except StoreError as error:
            partial = error.partial
            if partial is not None:
                first = [i for _, i in partial.plan.indices()]
                assert np.array_equal(partial.gradients, self.whole.gradients[first])
            assert "\n" not in str(error) and str(path.name) in str(error)
            return str(error)
        assert np.array_equal(data.gradients, self.whole.gradients) and np.array_equal(data.losses, self.whole.losses)
        return "right"


def no_waiting(*_):
    """Instead of a pause: a damaged file must not be waited for."""
    raise AssertionError("the run waits for another process")


if __name__ == "__main__":
    import collections
    import re
    import warnings

    warnings.simplefilter("ignore")
    run_module.wait_for_others = no_waiting
    damaged, step = Damaged(Path(sys.argv[1])), int((*sys.argv[2:], "1")[0])
    print(len(damaged.bytes), "bytes")
    seen = collections.Counter()
    rng = np.random.default_rng(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    for at in range(int(rng.integers(step)), len(damaged.bytes), step):
        content = bytearray(damaged.bytes)
        content[at] ^= int(rng.integers(1, 256))
        try:
            found = damaged.outcome(bytes(content))
        except BaseException as error:
            print(at, type(error).__name__, str(error)[:300])
            found = f"FAILED {type(error).__name__}"
        seen[re.sub(r"[0-9]+", "#", found.split(":", 1)[0] + found.split("damaged", 1)[-1])[:110]] += 1
    for text, count in seen.most_common():
        print(count, text)
