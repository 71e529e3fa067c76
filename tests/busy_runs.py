"""Run the default suite in random orders while other work keeps every core busy; stop at the first failure.

    python busy_runs.py [--runs 10] [--first 1] [--together 1] [--loops N] [pytest arguments]

One line a run: its seed, what pytest counted, how long it took. A failed order is repeated by
``make test-random SEED=…``; the whole output of the failed run is shown. ``--together`` runs several
orders at once: they are each other's other work, and as many loops fewer are needed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@contextlib.contextmanager
def busy_cores(loops_wanted: int) -> Iterator[None]:
    """Keep cores busy; the loops end with this process, whatever ends it."""
    loop = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    sum(range(10**6))"
    loops = [subprocess.Popen([sys.executable, "-c", loop]) for _ in range(loops_wanted)]
    try:
        yield
    finally:
        for process in loops:
            process.kill()
            process.wait()


def run(seed: int, arguments: list[str]) -> tuple[int, str, float]:
    """Run the suite in the order of one seed; return its exit status, output and seconds."""
    start = time.monotonic()
    order = ["--random-order", f"--random-order-seed={seed}"]
    command = [sys.executable, "-m", "pytest", "-q", "-m", "not slow", *order, *arguments]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout, time.monotonic() - start


def main() -> int:
    """Return 0 where every run passed, else the exit status of the first that did not."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=10, help="how many orders (10)")
    parser.add_argument("--first", type=int, default=1, help="seed of the first (1)")
    parser.add_argument("--together", type=int, default=1, help="orders that run at the same time (1)")
    parser.add_argument("--loops", type=int, help="loops that keep cores busy (as many as cores that no suite needs)")
    options, arguments = parser.parse_known_args()
    loops = max(0, (os.cpu_count() or 1) + 1 - options.together) if options.loops is None else options.loops
    with busy_cores(loops), ThreadPoolExecutor(options.together) as pool:
        seeds = range(options.first, options.first + options.runs)
        for seed, (status, output, seconds) in zip(seeds, pool.map(lambda s: run(s, arguments), seeds), strict=True):
            last = output.strip().splitlines()[-1].strip("= ") if output.strip() else "no output"
            print(f"seed {seed}: {'green' if status == 0 else 'RED'}, {last}, {seconds:.0f} s", flush=True)
            if status:
                print(output)
                pool.shutdown(cancel_futures=True)
                return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
