"""Laws of local minima against trained random circuits, and what they cost.

    python benchmarks/minima.py [all|minima|transition|training|speed] [--fast] [--out FIGURE.png]

Every figure stands beside its goal and every part prints its time: with --fast transition takes 5 s
and training 11 s of one core; in full the exhaustive search of ``minima`` takes most of the time.
``training`` is the experiment of arXiv:2109.06957, Fig. 1 and 2: 52 trained
instances per point at Hilbert dimension 64 and 256.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "references"))
import descents  # noqa: E402

from pennylane_wishart.minima import (  # noqa: E402
    asymptotic_minima_law,
    minima_law,
    transition,
    transition_asymptotic,
)

OPTIMAL = 0.01
"""E below which a minimum counts as within 1% of the optimum."""


def ising_levels(n_qubits: int) -> tuple[np.ndarray, np.ndarray]:
    """Levels and multiplicities of −Σ Z_i Z_{i+1} − ½ Σ X_i on an open chain."""
    z, x, one = np.diag([1.0, -1.0]), np.array([[0.0, 1.0], [1.0, 0.0]]), np.eye(2)

    def place(operators: dict[int, np.ndarray]) -> np.ndarray:
        out = np.eye(1)
        for site in range(n_qubits):
            out = np.kron(out, operators.get(site, one))
        return out

    h = -sum(place({i: z, i + 1: z}) for i in range(n_qubits - 1))
    h = h - 0.5 * sum(place({i: x}) for i in range(n_qubits))
    return np.unique(np.round(np.linalg.eigvalsh(h), 10), return_counts=True)


def spectra(dim: int) -> dict[str, tuple[np.ndarray, list[int]]]:
    """Return the five spectra, as values and multiplicities."""
    values, counts = ising_levels(dim.bit_length() - 1)
    return {
        "Pauli": (np.array([-1.0, 1.0]), [dim // 2, dim // 2]),
        "projector, rank 4": (np.array([0.0, 1.0]), [dim - 4, 4]),
        "evenly spaced": (np.arange(float(dim)), [1] * dim),
        "one level apart": (np.array([0.0, 1.0, 6.0]), [dim // 4, dim - dim // 4 - 1, 1]),
        "Ising chain": (values, [int(c) for c in counts]),
    }


def line(*cells: object) -> None:
    print("  ".join(str(cell) for cell in cells), flush=True)


def word(good: bool) -> str:
    """Return how a goal is reported."""
    return "met" if good else "NOT MET"


def step_verdict(ratio: float, reached: float) -> str:
    """Judge the far ends of the step: no descent optimal well below p*, nearly all well above."""
    if ratio <= 0.76:
        return f"   goal < 0.1  {word(reached < 0.1)}"
    return f"   goal > 0.9  {word(reached > 0.9)}" if ratio >= 1.24 else ""


def observed_minima(sector: tuple, p: int, count: int, starts: int, seed: int) -> dict | None:
    """Train random circuits; return E at all distinct minima, numbers and descents."""
    found = descents.all_minima([sector], p, count, starts, seed)
    values, multiplicities = sector[0], sector[1]
    ground = float(min(values))
    unit = float(np.dot(values, multiplicities) / sum(multiplicities)) - ground
    whole = [(x - ground) / unit for x, done in zip(found.losses, found.exhausted, strict=True) if done]
    if len(whole) < 0.5 * count:
        return None
    sums, sizes = np.array([w.sum() for w in whole]), np.array([w.size for w in whole])
    mean = sums.sum() / sizes.sum()
    return {
        "mean": mean,
        "error": np.sqrt(((sums - mean * sizes) ** 2).sum()) / sizes.sum(),
        "number": np.mean([x.size for x in found.losses]),
        "share": len(whole) / count,
        "descent": ((found.descents - ground) / unit).mean(),
    }


def bench_minima(fast: bool) -> None:
    """All distinct minima by exhaustive multi-start against the exact law."""
    line("ALL DISTINCT MINIMA  goal: mean E within 8% of the exact law or two standard errors")
    passed = total = 0
    for dim in (16, 32):
        for beta in (1, 2):
            depths = (2, 3, 4) if fast else (2, 3, 4, 6, 8, 10)
            for name, (values, multiplicities) in spectra(dim).items():
                for p in depths:
                    if p >= transition(values, multiplicities, beta):
                        continue
                    law = minima_law(values, multiplicities, p, beta, seed=1).in_units_of_E()
                    starts = int(min(max(30, 25 * law.expected_number), 200 if fast else 1000))
                    if starts < 20 * law.expected_number:
                        line(
                            f"  N={dim} beta={beta} {name:18s} p={p:2d}",
                            f"not tried: {law.expected_number:.0f} minima per circuit expected",
                        )
                        continue
                    count = 60 if fast else int(np.clip(16000 // starts, 16, 160))
                    seen = observed_minima((values, multiplicities, beta, 1.0), p, count, starts, p)
                    if seen is None:
                        line(f"  N={dim} beta={beta} {name:18s} p={p:2d}  not searched to the end")
                        continue
                    gap = law.mean() / seen["mean"] - 1
                    joint = np.hypot(seen["error"], law.standard_error)
                    good = abs(gap) < 0.08 or abs(law.mean() - seen["mean"]) < 2 * joint
                    passed, total = passed + good, total + 1
                    descent = minima_law(values, multiplicities, p, beta, seed=1, weighting="descent").in_units_of_E()
                    line(
                        f"  N={dim} beta={beta} {name:18s} p={p:2d}",
                        f"E {seen['mean']:.4f}±{seen['error']:.4f}",
                        f"law {law.mean():.4f}±{law.standard_error:.4f} ({gap:+.1%})",
                        f"number {seen['number']:.2f} law {law.expected_number:.2f}",
                        f"descents {seen['descent']:.4f} law {descent.mean():.4f}",
                        f"circuits {seen['share']:.0%}",
                        "ok" if good else "FAR",
                    )
    line(f"  {passed} of {total} within the goal  {word(passed == total)}")


def bench_transition(fast: bool) -> None:
    """Fraction of descents at the optimum against p/p*."""
    line(
        "TRANSITION  goal: the fraction within 1e-7 of the optimum steps from 0 to 1 at p* "
        "(within 1% of the mean loss: earlier)"
    )
    cases = [
        ("N=16 beta=2 Pauli", [-1, 1], [8, 8], 2),
        ("N=16 beta=1 projector 4", [0, 1], [12, 4], 1),
        ("D=8  beta=4 projector 1", [0, 1], [7, 1], 4),
        ("N=16 beta=2 projector 4", [0, 1], [12, 4], 2),
    ]
    circuits, starts = (10, 6) if fast else (30, 10)
    for name, values, multiplicities, beta in cases:
        exact = transition(values, multiplicities, beta)
        levels = np.repeat(np.asarray(values, float), multiplicities)
        ground, unit = levels.min(), levels.mean() - levels.min()
        dof = unit**2 * levels.size / ((levels - levels.min()) ** 2).sum() * levels.size
        finite = 1 / (1 / dof - 1 / levels.size) if dof < levels.size else float("inf")
        published = transition_asymptotic(finite, beta) / exact
        line(f"  {name}: p* = {exact}; the published rule gives {published:.2f} p*")
        for p in sorted({max(1, round(exact * x)) for x in (0.5, 0.75, 0.9, 1.0, 1.15, 1.3)}):
            loss, _, _ = descents.descend(
                [(values, multiplicities, beta, 1.0)], p, circuits, starts, p, iterations=2500
            )
            depth = (loss - ground) / unit
            reached = np.mean(depth < 1e-7)
            line(
                f"    p/p* = {p / exact:.2f} (p = {p:2d})  within 1e-7: "
                f"{reached:.2f}   within 1%: {np.mean(depth < OPTIMAL):.2f}"
                f"{step_verdict(p / exact, reached)}"
            )


def bench_training(fast: bool, out: str | None) -> None:
    """52 training instances per point beside both laws."""
    line(
        "TRAINING INSTANCES  goal: below p* the bulk of 52 found minima lies in the predicted 90% "
        "band of descents, above it at the optimum"
    )
    panels = []
    for dim, rank in ((64, 4), (64, 32), (256, 4)) if not fast else ((64, 4),):
        values, multiplicities = [0, 1], [dim - rank, rank]
        exact = transition(values, multiplicities, 2)
        dof = 1 / (1 / rank - 1 / dim)
        fractions = (0.4, 0.75, 1.0, 1.25) if exact < 20 else (0.15, 0.3, 1.0, 1.1)
        for p in (max(2, round(exact * f)) for f in fractions):
            depth = trained_instances(values, multiplicities, p, 52)
            law = minima_law(values, multiplicities, p, 2, seed=1, weighting="descent")
            scaled = law.in_units_of_E()
            published = None
            if p < 2 * dof - 2:
                published = asymptotic_minima_law(dof, p, 2, seed=1)
            if scaled.is_point_mass:
                share, goal = np.mean(depth < OPTIMAL), f"E < {OPTIMAL:g}"
            else:
                low, high = scaled.ppf(0.05), scaled.ppf(0.95)
                share = np.mean((depth >= low) & (depth <= high))
                goal = f"[{low:.3f}, {high:.3f}]"
            line(
                f"  N={dim} rank {rank} p={p:2d} (p/p* = {p / exact:.2f})",
                f"found {depth.mean():.4f}±{depth.std() / np.sqrt(depth.size):.4f}",
                f"law {scaled.mean():.4f}",
                f"published {published.mean():.4f}" if published else "published: optimal",
                f"{share:.0%} in {goal}  {word(share > 0.5)}",
            )
            panels.append((dim, rank, p, exact, depth, scaled, published))
    if out:
        draw(panels, out)
        line(f"  figure written to {out}")


def trained_instances(values: list, multiplicities: list, p: int, count: int) -> np.ndarray:
    """E where ``count`` random circuits, trained once each, end."""
    found = []
    batch = 13 if sum(multiplicities) > 64 else 26
    for seed in range(count // batch):
        loss, _, _ = descents.descend([(values, multiplicities, 2, 1.0)], p, batch, 1, seed, iterations=1500)
        found.append(loss.ravel())
    mean = np.dot(values, multiplicities) / sum(multiplicities)
    return (np.concatenate(found) - min(values)) / (mean - min(values))


def draw(panels: list, out: str) -> None:
    """Histogram of found minima beside the two laws."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    columns = 4
    rows = -(-len(panels) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(4 * columns, 3 * rows), squeeze=False)
    for axis in axes.ravel()[len(panels) :]:
        axis.set_visible(False)
    for axis, (dim, rank, p, exact, depth, law, published) in zip(axes.ravel(), panels, strict=False):
        top = max(float(depth.max()), 0.05) * 1.3
        axis.hist(depth, bins=np.linspace(0, top, 16), density=True, alpha=0.5, label="52 trained")
        grid = np.linspace(1e-4, top, 300)
        if law.is_point_mass:
            axis.axvline(0, color="C1", label="this package: optimal")
        else:
            axis.plot(grid, law.pdf(grid), color="C1", label="this package (descents)")
            axis.axvspan(law.ppf(0.05), law.ppf(0.95), color="C1", alpha=0.15, label="90% band")
        if published is not None:
            axis.plot(grid, published.pdf(grid), "--", color="C2", label="published law")
        axis.set_title(f"N = {dim}, rank {rank}, p = {p}, p* = {exact}")
        axis.set_xlabel("E")
        axis.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(out, dpi=120)


def bench_speed(fast: bool) -> None:
    """Time and error of the two stated laws."""
    line("SPEED  goal: under 20 s on one core, standard error of the mean below 2%")
    for name, dim, p in (("N = 64,   p = 32", 64, 32), ("N = 2^20, p = 20", 2**20, 20)):
        start, start_cpu = time.perf_counter(), time.process_time()
        samples = 8192 if fast else None
        law = minima_law([-1, 1], [dim // 2, dim // 2], p, 2, seed=1, n_samples=samples)
        seconds, cpu = time.perf_counter() - start, time.process_time() - start_cpu
        scaled = law.in_units_of_E()
        depth = scaled.standard_error / max(1 - scaled.mean(), 1e-300)
        line(
            f"  {name}  {cpu:5.1f} s of processor, {seconds:.1f} s of wall ({cpu / 20:.0%})",
            f"E {scaled.mean():.5f}, error {scaled.standard_error / scaled.mean():.2%} of E,",
            f"{depth:.2%} of 1 - E; log2 number {law.log2_expected_number:.1f}±{law.log2_expected_number_error:.2f}",
            word(cpu < 20 and max(min(depth, 1), scaled.standard_error / scaled.mean()) < 0.02),
        )


def main() -> None:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "part",
        nargs="?",
        default="all",
        choices=["all", "minima", "transition", "training", "speed"],
    )
    parser.add_argument("--fast", action="store_true", help="smaller counts, about two minutes")
    parser.add_argument("--out", default=None, help="write the training figure to this path")
    options = parser.parse_args()
    parts: dict[str, Callable[[], None]] = {
        "speed": lambda: bench_speed(options.fast),
        "transition": lambda: bench_transition(options.fast),
        "training": lambda: bench_training(options.fast, options.out),
        "minima": lambda: bench_minima(options.fast),
    }
    for name, bench in parts.items():
        if options.part in ("all", name):
            start, cpu = time.perf_counter(), time.process_time()
            bench()
            cpu, wall = time.process_time() - cpu, time.perf_counter() - start
            line(f"  elapsed: {cpu:.1f} s of processor, {wall:.1f} s of wall")


if __name__ == "__main__":
    main()
