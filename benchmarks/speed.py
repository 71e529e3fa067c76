"""Processor seconds and peak memory of circuits nobody tuned to: figures beside their goals.

    python benchmarks/speed.py                    every row, each in a process of its own
    python benchmarks/speed.py --fast             without the rows that take longest
    python benchmarks/speed.py "qaoa 8" "T 12"    some rows

Pin one thread: OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1. Times are process times of one core; memory is the
largest resident set of the row's process, PennyLane itself (about 300 MB) included.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
from dataclasses import asdict

PATIENCE = 240
"""Seconds of the processor after which a row is given up."""
DEAR = ("T 16", "gradients 20", "ratio 12")


def _child(name: str) -> None:
    """Run one row and write its figures as one line."""
    import warnings

    resource.setrlimit(resource.RLIMIT_CPU, (PATIENCE, PATIENCE + 5))
    from _speed_rows import ROWS, Figure

    warnings.simplefilter("ignore")
    row = ROWS[name]
    figures = row.run()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures.append(Figure("peak memory", peak, row.megabytes, "MB"))
    print("FIGURES " + json.dumps([{**asdict(f), "met": f.met} for f in figures]))


def _show(name: str) -> tuple[int, int]:
    """Run a row in a fresh process and print it; return (met, all)."""
    threads = {k: "1" for k in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    command = [sys.executable, __file__, "--child", name]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **threads})
    lines = [line for line in done.stdout.splitlines() if line.startswith("FIGURES ")]
    if not lines:
        last = (done.stderr.strip().splitlines() or [""])[-1]
        print(f"{name:<14} no figures: stopped after {PATIENCE} s or failed. {last}", flush=True)
        return 0, 1
    figures = json.loads(lines[0].removeprefix("FIGURES "))
    for f in figures:
        sign, word = (">=" if f["at_least"] else "<="), ("met" if f["met"] else "NOT MET")
        print(
            f"{name:<14} {f['name']:<40} {f['value']:9.3g} {f['unit']:<2} "
            f"goal {sign} {f['goal']:<6g} {word:<8}{f['note']}",
            flush=True,
        )
        name = ""
    return sum(f["met"] for f in figures), len(figures)


def main() -> int:
    """Run the chosen rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("rows", nargs="*", default=[])
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        _child(options.child)
        return 0
    from _speed_rows import ROWS

    unknown = set(options.rows) - set(ROWS)
    if unknown:
        parser.error(f"no rows {sorted(unknown)}; there are {', '.join(ROWS)}")
    chosen = options.rows or [r for r in ROWS if not (options.fast and r in DEAR)]
    counts = [_show(name) for name in chosen]
    met, total = (sum(c[i] for c in counts) for i in (0, 1))
    print(f"{met} of {total} goals met")
    return 0 if met == total else 1


if __name__ == "__main__":
    raise SystemExit(main())
