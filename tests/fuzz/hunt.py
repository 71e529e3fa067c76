"""Run any range of seeds: ``python tests/fuzz/hunt.py --first 0 --count 2000``, or ``make fuzz N=2000``.

Prints a line for every difference with the seed, and a summary. A refusal is not a pass: it is
counted and listed by kind. ``--show SEED`` prints a circuit as a snippet and all that differs. ``--large N``:
walkers, pair walkers and wishart.lie on N circuits of 6 to 10 qubits instead.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before numpy is loaded: small matrices, many times
_HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(_HERE), str(_HERE.parents[1])]

import oracle  # noqa: E402
from checks import Finding, Report, check  # noqa: E402
from generator import draw  # noqa: E402
from large import lie_differences, walker_differences  # noqa: E402

from pennylane_wishart.errors import WishartError  # noqa: E402

PARTS = ("moments", "algebra", "deep", "sectors")


SECONDS = 60


class TooLong(BaseException):
    """A circuit took too long."""


def _too_long(*_):
    raise TooLong


def run(seed: int, parts=PARTS) -> tuple[int, list[str], list[str], list[str]]:
    """Return (seed, comparisons made, findings, notes); nothing compared where the grid is too large."""
    signal.signal(signal.SIGVTALRM, _too_long)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            report = check(draw(seed), parts)
        except TooLong:
            return seed, [], [f"too long: more than {SECONDS} s of processor time"], []
        except oracle.TooLarge:
            return seed, [], [], ["too large for the exact expansion"]
        except Exception as err:
            return seed, [], [f"ORACLE {type(err).__name__}: {err}"], []
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return seed, report.compared, [str(f) for f in report.findings], report.notes


def run_large(seed: int, parts=("lie", "walkers")) -> tuple[int, list[str], list[str], list[str]]:
    """Return the same of a large circuit."""
    report = Report()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, compare in (("lie", lie_differences), ("walkers", walker_differences)):
            try:
                compare(seed, report)
            except Exception as err:
                kind = "refused" if isinstance(err, WishartError) else "crash"
                report.findings.append(Finding(f"{kind} {name} {type(err).__name__}", str(err)[:200]))
    return seed, report.compared, [str(f) for f in report.findings], report.notes


def main() -> None:
    """Run a range of seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--show", type=int)
    parser.add_argument("--large", type=int, default=0)
    options = parser.parse_args()
    parts = tuple(options.parts.split(","))
    if options.show is not None:
        print(draw(options.show))
        _, _, findings, notes = run(options.show, parts)
        print("\n".join(findings + notes))
        return
    seeds = range(options.first, options.first + (options.large or options.count))
    task = run_large if options.large else run
    start = time.perf_counter()
    if options.processes > 1:
        with ProcessPoolExecutor(options.processes) as pool:
            summary(pool.map(task, seeds, [parts] * len(seeds), chunksize=8))
    else:
        summary(task(seed, parts) for seed in seeds)
    print(f"{time.perf_counter() - start:.0f} s")


def summary(results) -> None:
    """Print differences as they come, then how many circuits were compared and wrong, by kind."""
    circuits, wrong, notes, seen = Counter(), Counter(), Counter(), 0
    for seed, compared, findings, remarks in results:
        seen += bool(compared or findings)
        circuits.update({c.split(":")[0] for c in compared})
        wrong.update({f.split(":")[0] for f in findings})
        notes.update(n.split(":")[0] for n in remarks)
        for line in findings:
            print(f"seed {seed}: {line}", flush=True)
    print(f"{seen} circuits; wrong of compared:")
    for kind in sorted({*circuits, *wrong}):
        print(f"  {kind}: {wrong[kind]} of {circuits[kind]}")
    for note, count in notes.most_common():
        print(f"  ({note}: {count})")


if __name__ == "__main__":
    main()
