"""Known answers of size and depth studies, and a confusion table of their verdicts.

Run: python benchmarks/scaling.py [--fast] [--seed N] [--count K]. ``--fast`` stops at 8 qubits,
where fewer families can be told apart; the goals below are for the full run. The seed draws the
families of the second table: the classifier was frozen before it was chosen. ``--count 40`` gives
its error rates. Trees and logarithmic depths look alike under both laws from 4 to 12 qubits: "cannot
tell" is their honest verdict, a wrong one is not.
"""

from __future__ import annotations

import argparse
import math
import time

import numpy as np
import pennylane as qml
from _scaling_families import (
    AMBIGUOUS,
    NAMED,
    Family,
    brickwork,
    drawn_families,
    projector,
    single,
    tree,
)
from pennylane import numpy as pnp

from pennylane_wishart.families import ScalingStudy, scaling

SIZES = tuple(range(4, 13))
FAST_SIZES = (4, 5, 6, 7, 8)
DRAW_SEED = 20250


def line(what: str, value, goal: str, met: bool) -> bool:
    """Print one figure beside its goal."""
    print(f"{what:<52} {value:>12}  goal {goal:<14} {'met' if met else 'NOT MET'}")
    return met


def study(family: Family, sizes, quantity: str = "gradient") -> ScalingStudy:
    """Run one family."""
    return scaling(family.make, sizes, family.args, angles=family.angles, progress=False, quantity=quantity)


def judged(study_: ScalingStudy) -> str:
    """Return "plateau", "none" or "cannot tell"."""
    return {True: "plateau", False: "none", None: "cannot tell"}[study_.plateau]


def confusion(title: str, families, sizes) -> tuple[int, int]:
    """Print the verdict of every family; return (wrong, not told)."""
    print(f"\n{title}, n in {list(sizes)}")
    print(f"{'family':<42} {'truth':<8} {'verdict':<12} {'slope':>7} {'degree':>7} {'w(exp)':>7} {'s':>6}")
    table: dict[tuple[str, str], int] = {}
    for family in families:
        start = time.perf_counter()
        found = study(family, sizes)
        truth = "plateau" if family.plateau else "none"
        table[truth, judged(found)] = table.get((truth, judged(found)), 0) + 1
        degree = found.trend.polynomial.slope if found.trend.polynomial else float("nan")
        print(
            f"{family.name[:42]:<42} {truth:<8} {found.verdict:<12} "
            f"{found.slope:>7.3f} {degree:>7.2f} "
            f"{found.trend.weights[0]:>7.3f} {time.perf_counter() - start:>6.1f}"
        )
    print(f"\n{'truth':<10} {'plateau':>8} {'none':>8} {'cannot tell':>12}")
    for truth in ("plateau", "none"):
        counts = [table.get((truth, seen), 0) for seen in ("plateau", "none", "cannot tell")]
        print(f"{truth:<10} {counts[0]:>8} {counts[1]:>8} {counts[2]:>12}")
    wrong = table.get(("plateau", "none"), 0) + table.get(("none", "plateau"), 0)
    return wrong, sum(v for (_, seen), v in table.items() if seen == "cannot tell")


def known_answers(sizes) -> bool:
    """Variances and laws that have closed forms."""
    print("Known answers")
    glob = study(NAMED[0], sizes)
    gap = max(abs(p.log2_variance + p.n) for p in glob.points)
    good = line("global parity, one layer: log2 Var = -n, error", f"{gap:.1e}", "< 1e-9", gap < 1e-9)
    family = Family("projector", True, "", lambda n: single(n, ("RY",)), projector)
    found = study(family, [n for n in sizes if n <= 8])
    # E[cos^4(θ/2)] = 3/8 on the other qubits, E[sin^2 θ]/4 = 1/8 on the differentiated one.
    gap = max(abs(p.log2_variance - (p.n - 1) * math.log2(3 / 8) + 3) for p in found.points)
    good &= line("global projector: (3/8)^(n-1)/8, error", f"{gap:.1e}", "< 1e-9", gap < 1e-9)
    mean = Family("mean Z", False, "", lambda n: single(n, ("RY",)), NAMED[4].observable)
    found = study(mean, SIZES)
    gap = max(abs(p.log2_variance + 1 + 2 * math.log2(p.n)) for p in found.points)
    good &= line("local cost, one layer: 1/(2 n^2), error", f"{gap:.1e}", "< 1e-9", gap < 1e-9)
    good &= line("  its verdict", found.verdict, "polynomial", found.verdict == "polynomial")
    qcnn = study(Family("tree", False, "", tree, lambda n: qml.Z(0)), (4, 8, 16, 32, 64), "loss")
    print(f"\n{qcnn}\n")
    good &= line("convolutional tree to n = 64", qcnn.verdict, "polynomial", qcnn.verdict == "polynomial")
    return good & depth_decay(8 if max(sizes) > 8 else 6)


def depth_decay(n: int) -> bool:
    """The noise-free one-dimensional brickwork against depth."""

    def make(size, depth):
        return Family("", None, "", lambda m: brickwork(m, depth), lambda m: qml.Z(m // 2)).make(size)

    def args(size, depth):
        return pnp.zeros(3 * size * (depth + 1), requires_grad=True)

    depths = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64]
    found = scaling(make, [n], args, depths=depths, quantity="loss", progress=False)
    print(f"\n{found}\n")
    values = np.array([p.loss.value for p in found.points])
    reached = found.depth_reached[n]
    falls = bool(np.all(np.diff(values) < 1e-9))
    good = line(f"brickwork, n = {n}: variance falls with depth", str(falls), "True", falls)
    return good & line("  depth that reaches the deep limit", str(reached), "some", reached is not None)


def main() -> int:
    """Run everything; exit status 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fast", action="store_true", help="sizes 4 to 8")
    parser.add_argument("--seed", type=int, default=DRAW_SEED, help="seed of the drawn families")
    parser.add_argument("--count", type=int, default=8, help="how many families are drawn")
    options = parser.parse_args()
    sizes = FAST_SIZES if options.fast else SIZES
    good = known_answers(sizes)
    wrong, unsure = confusion("Eight named families", NAMED, sizes)
    good &= line("named: wrong verdicts", wrong, "0", wrong == 0)
    good &= line("named: not told", unsure, "0" if not options.fast else "any", unsure == 0 or options.fast)
    drawn = drawn_families(options.seed, options.count)
    wrong, unsure = confusion(f"{len(drawn)} drawn families, seed {options.seed}", drawn, sizes)
    good &= line("drawn: wrong verdicts", wrong, "0", wrong == 0)
    good &= line(
        "drawn: not told",
        unsure,
        f"<= {len(drawn) // 4}" if not options.fast else "any",
        unsure <= len(drawn) // 4 or options.fast,
    )
    found = study(AMBIGUOUS, sizes)
    print(f"\n{found}\n")
    good &= line("made to be ambiguous", found.verdict, "cannot tell", found.plateau is None)
    found = study(AMBIGUOUS, (*sizes, 16, 24, 32, 48))
    good &= line("  with sizes to 48", found.verdict, "exponential", found.plateau is True)
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
