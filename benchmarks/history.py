"""Speed kept: processor seconds of the diagnosis of 40 zoo circuits, by commit.

    python benchmarks/history.py                      append this tree's figures to benchmarks/data/speed_history.jsonl
    python benchmarks/history.py OLD [NEW]            compare two commits (NEW: this tree) in one run, as ratios

The same circuits, drawn by the zoo's generator from fixed seeds, go to two processes in turn, so that both meet the
same machine at the same time. A ratio above 1 is slower. Exit status 1 where the geometric mean is above 1.1.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parent.parent
KEPT = ROOT / "benchmarks" / "data" / "speed_history.jsonl"
CIRCUITS = 40
SLOWER = 1.1
"""Geometric mean of ratios above which a commit is slower: 40 ratios of 10% scatter each are known to 2%."""


def _child() -> None:
    """Diagnose the circuit of each seed that comes in, and answer its processor seconds."""
    import warnings

    from _zoo import draw

    import pennylane_wishart as pw

    warnings.simplefilter("ignore")
    for line in sys.stdin:
        qnode, x = draw(int(line)).qnode()
        begin = time.process_time()
        str(pw.diagnose(qnode, progress=False)(x))
        print(time.process_time() - begin, flush=True)


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


class Tree:
    """A commit's package in a process of its own."""

    def __init__(self, commit: str | None, stack: ExitStack):
        path = ROOT
        if commit is not None:
            path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "tree"
            _git("worktree", "add", "--detach", str(path), commit)
            stack.callback(_git, "worktree", "remove", "--force", str(path))
        changed = commit is None and bool(_git("status", "--porcelain", "pennylane_wishart"))
        self.name = _git("rev-parse", "--short", commit or "HEAD") + ("+" if changed else "")
        threads = {k: "1" for k in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--child"],
            env={**os.environ, **threads, "PYTHONPATH": str(path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        stack.callback(self._process.kill)

    def seconds(self, seed: int) -> float:
        """Diagnose one circuit."""
        assert self._process.stdin is not None and self._process.stdout is not None
        print(seed, file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())


def main() -> int:
    """Record this tree, or compare two commits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("commits", nargs="*", help="OLD, or OLD NEW")
    parser.add_argument("--circuits", type=int, default=CIRCUITS)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        _child()
        return 0
    with ExitStack() as stack:
        trees = [Tree(c, stack) for c in options.commits or [None]]
        if len(options.commits) == 1:
            trees.append(Tree(None, stack))
        for tree in trees:
            tree.seconds(0)  # what is loaded with the first circuit is not measured
        found = np.array([[tree.seconds(seed) for tree in trees] for seed in range(options.circuits)])
    for tree, own in zip(trees, found.T, strict=True):
        print(f"{tree.name}: {own.sum():.1f} s for {len(own)} diagnoses, median {np.median(own):.2f} s")
        row = {"commit": tree.name, "day": time.strftime("%Y-%m-%d"), "seconds": np.round(own, 3).tolist()}
        if len(own) == CIRCUITS:  # a shorter run is a trial
            with KEPT.open("a") as file:
                print(json.dumps(row), file=file)
    if len(trees) < 2:
        return 0
    ratios = found[:, 1] / found[:, 0]
    mean = float(np.exp(np.log(ratios).mean()))
    low, middle, high = np.quantile(ratios, [0.0, 0.5, 1.0])
    print(f"{trees[1].name} / {trees[0].name}: geometric mean {mean:.3f}  goal <= {SLOWER:g}  ", end="")
    print(f"{'met' if mean <= SLOWER else 'NOT MET'}; median {middle:.2f}, {low:.2f} to {high:.2f}")
    return int(mean > SLOWER)


if __name__ == "__main__":
    raise SystemExit(main())
