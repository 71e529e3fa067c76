"""Remedies judged by descents of independent code: does the first one that is shown halve the trouble?

    python benchmarks/remedies.py [--first 300] [--count 30] [--starts 24] [--largest 6] [--record]

Circuits of the seeded zoo whose median descent ends above the ground by more than the tolerance: the first remedy of
at most 1.5 times the parameters, and the first of at most 4 times, each against ``--starts`` fresh descents (SciPy's
BFGS on the state vectors of ``_zoo_loss.py``, from the QNode of the remedy); of "keep the best of k starts" the median
of the best of k. Goals: halved by 26 and 29 of 30; none makes it worse. ``--record`` keeps the output in the
documentation.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402
from _zoo import draw  # noqa: E402
from _zoo_loss import Loss, descents, find_grounds, find_unit  # noqa: E402
from _zoo_truth import TOLERANCE  # noqa: E402

import pennylane_wishart as pw  # noqa: E402
from pennylane_wishart.conventions.outlook import FEW_PARAMETERS, MOST_PARAMETERS  # noqa: E402

GOALS = {FEW_PARAMETERS: 26 / 30, MOST_PARAMETERS: 29 / 30}
WORSE = 0.02
"""Of the scale: half of the descents end so much higher, and the remedy makes it worse."""
ROUNDING = 1e-6
"""Of the scale: levels half as high as another are so to what descents converge to."""
KEPT = Path(__file__).parent.parent / "docs" / "benchmarks" / "remedies.txt"


@dataclass(frozen=True)
class Changed:
    """A changed circuit as the independent code asks for it."""

    name: str
    n: int
    n_params: int
    node: object

    def qnode(self):
        """Return (QNode, zero parameters)."""
        return self.node, np.zeros(self.n_params)


def judged(loss: Loss, circuit, remedy, starts: int, seed: int, unit: float) -> float:
    """Return the loss where the median training under a remedy ends."""
    if remedy.trace is not None:
        loss = Loss(Changed(remedy.words, circuit.n, remedy.trace.n_params, remedy.qnode()))
    ends = descents(loss, starts, seed + 10_000, unit)
    return float(np.quantile(ends, 1 - 0.5 ** (1 / remedy.starts)))


class Tally:
    """What was found of the circuits in trouble."""

    def __init__(self, starts: int, budget: float | None):
        self.budget = budget
        self.starts, self.halved, self.worse, self.seconds = starts, {most: [] for most in GOALS}, 0, []

    def look(self, seed: int, largest: int) -> str:
        """Judge the remedies of one circuit; return a line, or nothing where there is no trouble."""
        circuit = draw(seed, largest)
        loss = Loss(circuit)
        ground, reachable, drawn = find_grounds(loss)
        unit = find_unit(reachable, drawn)
        before = float(np.median(descents(loss, self.starts, seed, unit)))
        if before - ground <= TOLERANCE * unit:
            return ""
        qnode, x = circuit.qnode()
        begin = time.process_time()
        diag = pw.diagnose(qnode, samples=40, remedy_budget=self.budget, progress=False)(x)
        self.seconds.append(time.process_time() - begin)
        told, after = [], {None: before}
        for most, counts in self.halved.items():
            first = next((r for r in diag.remedies if not r.is_saving and
                          r.after.n_params <= most * r.before.n_params), None)  # fmt: skip
            if first not in after:
                after[first] = judged(loss, circuit, first, self.starts, seed, unit)
                self.worse += after[first] > before + WORSE * unit
            counts.append(after[first] - ground <= 0.5 * (before - ground) + ROUNDING * unit)
            told.append("none" if first is None else f"{first.words} (p={first.after.n_params}): {after[first]:.3f}")
            told[-1] += "" if counts[-1] else "  NOT HALVED"
        return (
            f"seed {seed} ({circuit.name}), ground {ground:.3f}, half of the descents at {before:.3f}; "
            f"{' | '.join(dict.fromkeys(told))}; {self.seconds[-1]:.1f} s"
        )

    def lines(self) -> list[str]:
        """Return the figures beside the goals."""
        seen, out = len(self.seconds), []
        for most, goal in GOALS.items():
            hit, wanted = sum(self.halved[most]), int(np.ceil(goal * seen - 1e-9))
            out.append(f"first remedy of at most {most:g} times the parameters halves the trouble: {hit} of {seen} "
                       f"(goal {wanted})  {'met' if hit >= wanted else 'NOT MET'}")  # fmt: skip
        out.append(f"remedies that make it worse: {self.worse} (goal 0)  {'NOT MET' if self.worse else 'met'}")
        spent = f"median {np.median(self.seconds):.1f}, largest {max(self.seconds):.1f}"
        return [*out, f"processor seconds of a diagnosis with its remedies: {spent}"]


def main() -> None:
    """Collect circuits in trouble, judge their remedies, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name, value in (("first", 300), ("count", 30), ("starts", 24), ("largest", 6)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--budget", type=float, help="seconds that remedies may take (as by default)")
    parser.add_argument("--fast", action="store_true", help="two circuits of up to four qubits")
    parser.add_argument("--record", action="store_true", help="keep the output in the documentation")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.fast:
        options.count, options.starts, options.largest = 2, 8, 4
    arguments = " ".join(f"--{k} {getattr(options, k)}" for k in ("first", "count", "starts", "largest"))
    arguments += "" if options.budget is None else f" --budget {options.budget:g}"
    told, seed = [f"python benchmarks/remedies.py {arguments}"], options.first
    tally = Tally(options.starts, options.budget)
    print(told[0])
    while len(tally.seconds) < options.count:
        if line := tally.look(seed, options.largest):
            told.append(line)
            print(line, flush=True)
        seed += 1
    told += [f"circuits drawn: {seed - options.first}; processor seconds in all: {time.process_time():.0f}"]
    told += tally.lines()
    print("\n".join(told[-5:]))
    if options.record:
        KEPT.write_text("\n".join(told) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
