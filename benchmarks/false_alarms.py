"""False alarms, coverage and power of every comparison on ideal devices.

    python benchmarks/false_alarms.py [--items 1,2,3,4,5] [--fast]

1  false-alarm rates of variances, dead parameters, laws of loss and gradient: ten circuits, without shots and
   with 1, 2, 5, 20 and 100, 20, 40 and 300 angle sets, 400 replicates of each
2  the law of minima: values drawn from it, some of them found more than once
3  coverage of the 95% intervals: variances (thirteen families of values), m̂ and r̂ (Haar losses), variances from
   few shots, and the intervals of the comparisons of item 1
4  the same false alarms where the devices themselves measure
5  power: against variances 1.5 times off, and a dead parameter that moves by 0.3

A p-value below 5% (0.1%) on an ideal device is a false alarm at that level. The goal is twice the nominal rate.
With 400 replicates a rate of exactly 10% (0.2%) shows at most 64 (6) alarms in all but 1 of 10,000 cells, so that is
the limit of a single cell at 5% (0.1%); and pooled over cells, where there are enough replicates to resolve it, the
rates themselves must lie below twice nominal.

One thread unless OMP_NUM_THREADS says otherwise. In full about ten minutes of a core, --fast about one.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Callable
from functools import cache, lru_cache

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # read when numpy is imported: one core, and its time

import numpy as np  # noqa: E402
from _alarm_cases import CASES, Pool, families  # noqa: E402
from _depth_chains import FAILED, verdict  # noqa: E402
from scipy import stats  # noqa: E402

import pennylane_wishart as pw  # noqa: E402
from pennylane_wishart.comparison import estimates, shots, statistics  # noqa: E402
from pennylane_wishart.comparison.compare import _distinct  # noqa: E402
from pennylane_wishart.comparison.dead import compare_dead  # noqa: E402
from pennylane_wishart.comparison.variances import compare_variances, gradient_bounds  # noqa: E402
from pennylane_wishart.ensembles import BetaLoss, HaarCompression, MixtureLaw  # noqa: E402
from pennylane_wishart.measurement.statistics import degrees_of_freedom, gradient_variance  # noqa: E402

compare_room = sys.modules["pennylane_wishart.comparison.compare"]  # its package has a function of that name
SHOTS, SAMPLES, LEVELS = (None, 1, 2, 5, 20, 100), (20, 40, 300), (0.05, 0.001)
COVERED = 0.93
NOTICED = 0.9
COMPARISONS = {"variances": "variances", "dead": "dead parameters", "loss": "loss law", "gradient": "gradient law"}


def keep_what_does_not_change() -> None:
    """Compute laws and reference draws once a case instead of once a replicate, and no power: p-values stay."""
    tables: dict = {}
    plain = estimates.gridded_cdf

    def table(law, seed: int = 0):
        if isinstance(law, MixtureLaw):
            parts = [(w, table(part)) for w, part in zip(law.probabilities, law.laws, strict=True)]
            return lambda x: sum(w * part(x) for w, part in parts)
        if law not in tables:
            tables[law] = plain(law, seed)
        return tables[law]

    estimates.gridded_cdf = statistics.gridded_cdf = table
    statistics._power = statistics._counted_power = lambda *_: float("nan")
    by_identity = lru_cache(maxsize=64)
    compare_room.reference_gradients = by_identity(compare_room.reference_gradients)
    shots.shot_bounds = by_identity(shots.shot_bounds)
    estimates.CountedLaw.of = by_identity(estimates.CountedLaw.of)  # type: ignore[method-assign]
    compare_room.gradient_bounds = by_identity(compare_room.gradient_bounds)


@cache
def pool_of(name: str, size: int) -> Pool:
    """Return a circuit's pool, made once."""
    return Pool(next(case for case in CASES if case.name == name), size, 11)


# ------------------------------------------------------------------ 1
class Tally:
    """p-values and covered intervals of every comparison in every cell."""

    def __init__(self) -> None:
        self.pvalues: dict[tuple, list[float]] = defaultdict(list)
        self.covered: dict[tuple, list[bool]] = defaultdict(list)

    def add(self, case: str, shots_of: int | None, samples: int, found) -> None:
        """Note one comparison of one measurement."""
        for name, label in COMPARISONS.items():
            q = getattr(found, name)
            if q is None or q.agrees is None:
                continue
            self.pvalues[label, case, shots_of, samples].append(q.pvalue)
            low, high = q.interval
            if np.isfinite(low):
                self.covered[label, case, shots_of, samples].append(low <= 1 <= high)

    def rate(self, level: float, *wanted) -> tuple[float, int, int]:
        """Return (alarms / replicates, alarms, replicates) over the cells that match; "any" matches all."""
        cells = [
            values for key, values in self.pvalues.items()
            if all(w in ("any", k) for w, k in zip(wanted, key, strict=True))
        ]  # fmt: skip
        every = np.concatenate(cells) if cells else np.zeros(0)
        alarms = int(np.sum(every < level))
        return (alarms / len(every) if len(every) else float("nan")), alarms, len(every)


def false_alarms(replicates: int, pool_size: int) -> Tally:
    """Compare what an ideal device measures with what is predicted of it, again and again."""
    print(f"1  false alarms: {replicates} replicates a cell; alarms at 5% and at 0.1%, in percent of the replicates")
    tally = Tally()
    for case in CASES:
        start = time.process_time()
        pool = pool_of(case.name, pool_size)
        for shots_of in SHOTS:
            for samples in SAMPLES:
                rng = np.random.default_rng([5, samples, shots_of or 0, *case.name.encode()])
                for _ in range(replicates):
                    data = pool.draw(samples, shots_of, rng)
                    tally.add(case.name, shots_of, samples, pw.compare(pool.prediction, data))
        kinds = sorted({key[0] for key in tally.pvalues if key[1] == case.name})
        print(f"    {case.name:10s} {case.kind:32s} {len(pool.prediction.gradient_variance):3d} parameters; compared: "
              f"{', '.join(kinds)}; {time.process_time() - start:.0f} s", flush=True)  # fmt: skip
    for label in COMPARISONS.values():
        table(tally, label)
    judge(tally, replicates)
    return tally


def table(tally: Tally, label: str) -> None:
    """Print one comparison: rates pooled over circuits, the worst circuit's behind the slash."""
    print(f"    {label}: alarms at 5% (worst circuit) | at 0.1% (worst circuit); - where it is not compared")
    print("      shots   " + "".join(f"{n:>15} samples" + " " * 6 for n in SAMPLES))
    for shots_of in SHOTS:
        row = ""
        for samples in SAMPLES:
            parts = []
            for level in LEVELS:
                rate, _, count = tally.rate(level, label, "any", shots_of, samples)
                worst = max((tally.rate(level, label, c.name, shots_of, samples)[0] for c in CASES), default=0,
                            key=lambda r: -1 if np.isnan(r) else r)  # fmt: skip
                digits = 1 if level > 0.01 else 2
                parts.append(f"{100 * rate:.{digits}f} ({100 * worst:.{digits}f})" if count else "-")
            row += f"{' | '.join(parts):>28}"
        print(f"      {shots_of or 'none':>5} {row}")


def judge(tally: Tally, replicates: int) -> None:
    """Hold cells and pooled rates against twice the nominal rate."""
    for level in LEVELS:
        limit = int(stats.binom.ppf(1 - 1e-4, replicates, 2 * level))
        alarms = max(int(np.sum(np.array(p) < level)) for p in tally.pvalues.values())
        verdict(f"most alarms of one cell at {level:.1%} ({len(tally.pvalues)} cells)", alarms, limit)
        for label in COMPARISONS.values():
            rate, _, count = tally.rate(level, label, "any", "any", "any")
            verdict(f"{label}: alarms at {level:.1%} of {count:,}", 100 * rate, 200 * level, "%")
            fewest = min((tally.rate(level, label, "any", s, n) for s in SHOTS for n in SAMPLES),
                         key=lambda r: -r[0] if r[2] else 0)  # fmt: skip
            few = int(stats.binom.ppf(1 - 1e-3, fewest[2], 2 * level))
            verdict(f"{label}: most alarms of a number of shots and samples, of {fewest[2]:,}", fewest[1], few)


# ------------------------------------------------------------------ 2
def minima(replicates: int) -> None:
    """The comparison of minima: descents that end in the same minimum must not count twice."""
    print("2  minima: values of the law, each found as often as a draw of basins says")
    law = BetaLoss(-1.0, 1.0, 3, 9, 2)
    for samples in SAMPLES:
        rng, pvalues, worth = np.random.default_rng([2, samples]), [], []
        for _ in range(replicates):
            distinct = law.sample(samples, rng)
            basins = rng.dirichlet(np.full(samples, 2.0))
            found = np.repeat(distinct, rng.multinomial(2 * samples, basins))
            q = statistics.compare_sample("minima law", found, law, independent=_distinct(found))
            if q.agrees is not None:
                pvalues.append(q.pvalue)
                worth.append(q.n)
        for level in LEVELS:
            limit = int(stats.binom.ppf(1 - 1e-4, len(pvalues), 2 * level))
            alarms = int(np.sum(np.array(pvalues) < level))
            verdict(
                f"{samples} minima: alarms at {level:.1%} of {len(pvalues)} (worth {np.median(worth):.0f})",
                alarms,
                limit,
            )


# ------------------------------------------------------------------ 3
def coverage(replicates: int, tally: Tally | None, pool_size: int) -> None:
    """How often the 95% intervals hold the truth."""
    print(f"3  coverage of 95% intervals, {replicates} replicates; goal {COVERED} from 20 samples on")
    sizes = (20, 30, 40, 100, 300)
    print("    variances (GradientVariance, and QuantityComparison.interval by the sample alone)")
    print(f"      {'values':30s} {'kurtosis':>8} " + "".join(f"{n:>8}" for n in sizes) + "   median high/low at 20")
    lowest = 1.0
    for index, name in enumerate(families(np.random.default_rng(0))):
        draw = families(np.random.default_rng([3, index]))[name]
        many = draw((10**6,))
        truth, row = many.var(), []
        for n in sizes:
            values = draw((n, replicates))
            found = gradient_variance(values, np.zeros_like(values), replicates=2)
            row.append(float(np.mean((found.low <= truth) & (truth <= found.high))))
            if n == 20:
                width = float(np.median(found.high / found.low))
        lowest = min(lowest, *row)
        print(f"      {name:30s} {stats.kurtosis(many):8.1f} " + "".join(f"{r:8.3f}" for r in row) + f"   {width:.1f}")
    verdict("lowest coverage of a variance", lowest, COVERED, at_least=True)
    freedom(replicates // 4, sizes)
    from_shots(max(replicates // 20, 100), pool_size)
    if tally is not None:
        compared(tally)


def freedom(replicates: int, sizes) -> None:
    """Coverage of m̂ and r̂ for losses of Haar states."""
    print("    m̂ and r̂ (degrees_of_freedom), losses of Haar states: coverage of m̂, of r̂")
    cases = {
        "Pauli, N = 16, β = 2": (HaarCompression([-1.0, 1.0], [8, 8], 2), 16, 2, -1.0),
        "Pauli, N = 16, β = 1": (HaarCompression([-1.0, 1.0], [8, 8], 1), 16, 1, -1.0),
        "Pauli, N = 4, β = 2": (HaarCompression([-1.0, 1.0], [2, 2], 2), 4, 2, -1.0),
        "projector, N = 16, β = 2": (HaarCompression([0.0, 1.0], [15, 1], 2), 16, 2, 0.0),
        "Ising chain, N = 8, β = 2": (HaarCompression([-2.0, 0.0, 2.0], [2, 4, 2], 2), 8, 2, -2.0),
    }
    lowest = 1.0
    for index, (name, (law, dim, beta, minimum)) in enumerate(cases.items()):
        rng, row = np.random.default_rng([4, index]), []
        truth = (2 / beta) * (law.mean() - minimum) ** 2 / law.var() * dim / (dim + 2 / beta)
        rank = 1 / (1 / truth + 1 / dim)
        for n in sizes:
            losses = law.sample(n * replicates, rng).reshape(replicates, n)
            found = [degrees_of_freedom(x, np.zeros(n), dim, beta, minimum) for x in losses]
            m = np.mean([f.dof_finite_interval[0] <= truth <= f.dof_finite_interval[1] for f in found])
            r = np.mean([f.dof_interval[0] <= rank <= f.dof_interval[1] for f in found])
            row += [f"{m:.3f} {r:.3f}"]
            lowest = min(lowest, m, r)
        print(f"      {name:30s} " + "".join(f"{r:>14}" for r in row))
    verdict("lowest coverage of m̂ and r̂", lowest, COVERED, at_least=True)


def from_shots(replicates: int, pool_size: int) -> None:
    """Coverage of gradient variances with the shot noise taken out; one shot: between all noise and none."""
    print("    variances with shot noise taken out (GradientVariance): coverage, mean over the parameters")
    lowest = 1.0
    for case in CASES:
        if case.name not in ("ry_cz", "dead", "groups", "qaoa", "product"):
            continue
        pool, row = pool_of(case.name, pool_size), []
        truth = np.asarray(pool.prediction.gradient_variance)
        for shots_of in SHOTS[1:]:
            for n in (20, 300):
                rng, hits = np.random.default_rng([6, n, shots_of]), []
                for _ in range(replicates):
                    data = pool.draw(n, shots_of, rng)
                    found = gradient_variance(data.gradients, data.gradient_error, replicates=2, shots=shots_of)
                    hits.append(np.mean(((found.low <= truth) & (truth <= found.high))[truth > 0]))
                row.append(float(np.mean(hits)))
        lowest = min(lowest, *row)
        print(
            f"      {case.name:12s} shots 1, 2, 5, 20, 100 at 20 and 300 samples: " + " ".join(f"{r:.3f}" for r in row)
        )
    verdict("lowest coverage with shots, mean over parameters", lowest, COVERED, at_least=True)


def compared(tally: Tally) -> None:
    """Coverage of the intervals of item 1: the true ratio is 1 in every cell."""
    for label in sorted({key[0] for key in tally.covered}):
        rates = {key: float(np.mean(hits)) for key, hits in tally.covered.items() if key[0] == label}
        # a cell of 400 with 0.95 true shows 0.93 or more in all but 4%; below 0.915 in one of 1,000
        count = len(next(iter(tally.covered.values())))
        slack = 3 * np.sqrt(COVERED * (1 - COVERED) / count)
        worst = min(rates, key=rates.__getitem__)
        mean = float(np.mean(list(rates.values())))
        verdict(f"{label}: interval of the comparison, {len(rates)} cells", mean, COVERED, at_least=True)
        where = f"{worst[1]}, {worst[2] or 'no'} shots, {worst[3]} samples"
        verdict(f"{label}: lowest cell ({where})", rates[worst], round(COVERED - slack, 3), at_least=True)


# ------------------------------------------------------------------ 4
def devices(runs: int) -> None:
    """False alarms where devices measure, through pw.measure and pw.compare."""
    print(f"4  devices themselves, {runs} runs each of 20 samples: alarms at 5%, at 0.1%, comparisons")
    total = [0, 0, 0]
    for device in ("default.qubit", "lightning.qubit"):
        for case in CASES:
            if case.name not in ("dead", "qaoa", "plateau", "constant"):
                continue
            qnode, args = case.make()
            pred, found = pw.predict(qnode)(*args), []
            for shots_of in (1, 2, 5):
                for run in range(runs):
                    data = pw.measure(qnode, samples=20, shots=shots_of, seed=1000 * shots_of + run, device=device,
                                      progress=False)(*args)  # fmt: skip
                    result = pw.compare(pred, data)
                    found += [q.pvalue for q in result.quantities if q.agrees is not None]
            row = [int(np.sum(np.array(found) < level)) for level in LEVELS] + [len(found)]
            total = [a + b for a, b in zip(total, row, strict=True)]
            print(f"    {device:16s} {case.name:10s} shots 1, 2, 5: {row[0]:3d} {row[1]:3d} {row[2]:5d}", flush=True)
    for level, alarms in zip(LEVELS, total, strict=False):
        limit = int(stats.binom.ppf(1 - 1e-3, total[2], 2 * level))
        verdict(f"alarms at {level:.1%} of {total[2]} comparisons", alarms, limit)


# ------------------------------------------------------------------ 5
def power(replicates: int, pool_size: int) -> None:
    """Chance to notice what is really wrong, 300 samples, at 0.1%."""
    print(f"5  power at 300 samples and 0.1%, {replicates} replicates: predicted variances off by 1.5, both ways")
    for case in CASES:
        if case.name not in ("deep_su4", "ry_cz", "dead", "groups", "projector", "qaoa"):
            continue
        pool = pool_of(case.name, pool_size)
        pred = pool.prediction
        for shots_of in (None, 100):
            rng = np.random.default_rng([8, shots_of or 0])
            seen = {1.5: 0, 1 / 1.5: 0}
            for _ in range(replicates):
                data = pool.draw(300, shots_of, rng)
                for factor in seen:
                    q = compare_variances(
                        data.gradients, pred.gradient_variance * factor, 0 * pred.gradient_variance,
                        shots.gradient_noise(pred, data), 0.001, gradient_bounds(pred.circuit),
                        shots.noise_bounds(pred, data), compare_room.reference_gradients(pred),
                    )  # fmt: skip
                    seen[factor] += q.agrees is False
            label = f"{case.name}, {shots_of or 'no'} shots: measured 1.5 times too "
            verdict(label + "small", seen[1.5] / replicates, NOTICED, at_least=True)
            verdict(label + "large", seen[1 / 1.5] / replicates, NOTICED, at_least=True)
    moving(replicates)


def moving(replicates: int) -> None:
    """A parameter said to be dead whose gradient is 0.3·cos: two circuits of ±0.3·cos, shots drawn from them."""
    for shots_of in (None, 100, 20, 5):
        rng, noticed = np.random.default_rng([9, shots_of or 0]), 0
        for _ in range(replicates):
            true = 0.3 * np.cos(rng.uniform(0, 2 * np.pi, (300, 1)))
            if shots_of is None:
                gradients, errors, bound = true, 0 * true, np.zeros(1)
            else:
                up, down = (2 * rng.binomial(shots_of, (1 + s * true) / 2) / shots_of - 1 for s in (1, -1))
                gradients = (up - down) / 2
                errors = np.sqrt((2 - up**2 - down**2) / 4 / (shots_of - 1))
                bound = np.full(1, 0.5 / shots_of)
            noticed += compare_dead(gradients, errors, np.ones(1), bound, 0.001).agrees is False
        label = f"dead parameter that moves by 0.3, {shots_of or 'no'} shots"
        if shots_of in (None, 100):
            verdict(label, noticed / replicates, NOTICED, at_least=True)
        else:
            print(f"  {label:<66} {noticed / replicates:10.4g}")


def main() -> None:
    """Run the items that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", default="1,2,3,4,5", help="comma-separated numbers")
    parser.add_argument("--fast", action="store_true", help="fewer replicates, about a minute")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    keep_what_does_not_change()
    fast, kept = options.fast, {}
    size = 1500 if fast else 12_000

    def first() -> None:
        kept["tally"] = false_alarms(20 if fast else 400, size)

    items: dict[str, Callable[[], object]] = {
        "1": first,
        "2": lambda: minima(100 if fast else 400),
        "3": lambda: coverage(1000 if fast else 4000, None if fast else kept.get("tally"), size),
        "4": lambda: devices(1 if fast else 10),
        "5": lambda: power(10 if fast else 100, size),
    }
    for item in options.items.split(","):
        if item not in items:
            parser.error(f"--items: {item!r} is none of {', '.join(items)}")
        cpu, wall = time.process_time(), time.perf_counter()
        items[item]()
        print(f"  elapsed: {time.process_time() - cpu:.1f} s of processor, {time.perf_counter() - wall:.1f} s of wall")
    print("all goals met" if not FAILED else f"NOT MET: {'; '.join(FAILED)}")


if __name__ == "__main__":
    main()
