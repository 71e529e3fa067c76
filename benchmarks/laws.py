"""The laws of losses and gradients held against dense oracles, real circuits and the literature.

    python benchmarks/laws.py [--items 1,2,3,5,6] [--fast]

1  coverage: 12 circuits, law against 5,000 dense Haar samples, 20 seeds each
2  the same against the deep PennyLane circuits themselves, measured on lightning.qubit
3  special cases of the literature, to 1e-12
5  the transition of arXiv:2609.27488
6  speed
(4, the experiment on local minima, is benchmarks/minima.py.)

One thread unless OMP_NUM_THREADS says otherwise; times are process times. In full about two
minutes of a core, --fast under one.
"""

from __future__ import annotations

import argparse
import math
import os
import time
import warnings
from collections.abc import Callable

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # read when numpy is imported: one core, and its time

import numpy as np  # noqa: E402
import pennylane as qml  # noqa: E402
from _laws_cases import CASES, LAWS, LawCase, fermi_hubbard  # noqa: E402
from pennylane import numpy as pnp  # noqa: E402
from scipy import stats  # noqa: E402

import pennylane_wishart as pw  # noqa: E402
from pennylane_wishart.ensembles import HaarCompression, HaarGradient  # noqa: E402
from pennylane_wishart.minima import minima_law, transition, transition_asymptotic  # noqa: E402

FAILED: list[str] = []
DRAWS, SEEDS, BLOCKS = 5000, 20, 20
NULL_LEVEL = 0.01
"""p-values of a true law must be uniform at this level; four such tests are made here."""


def verdict(label: str, value: float, goal: float, unit: str = "", at_least: bool = False) -> None:
    """Print a figure, its goal and whether it is met."""
    good = bool(value >= goal if at_least else value <= goal)
    sign = ">=" if at_least else "<="
    word = "met" if good else "NOT MET"
    print(f"  {label:<66} {value:10.4g} {unit:<2} goal {sign} {goal:g}  {word}", flush=True)
    if not good:
        FAILED.append(label)


def uniformity(pvalues) -> float:
    """p-value of the hypothesis that p-values are uniform."""
    return float(stats.kstest(np.ravel(pvalues), "uniform").pvalue)


def two_sample(first, second) -> float:
    return float(stats.ks_2samp(first, second).pvalue)


# ------------------------------------------------------------------ 1
def dense_draw(oracle: list, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Losses and gradients of one parameter, summed over the dense sectors."""
    parts = [sector.draw(size, rng) for sector in oracle]
    return np.sum([p[0] for p in parts], axis=0), np.sum([p[1] for p in parts], axis=0)


def coverage(fast: bool) -> None:
    """Every law against group elements acting on the circuit's own input and observable."""
    print("1  coverage: two-sample KS between law and dense Haar samples; the gradient of one deep parameter")
    seeds, draws = (4, 2000) if fast else (SEEDS, DRAWS)
    loss_p, gradient_p, wrong_p, ratios = [], [], [], []
    for index, case in enumerate(LAWS):
        qnode, args = case.circuit()
        pred = pw.predict(qnode)(*args)
        published = None if pred.signature.spin_factor else pw.predict(qnode, engine="asymptotic")(*args).loss
        loss, gradient, oracle = pred.loss, pred.gradient_of(case.parameter), case.oracle()
        rows, squares = [], []
        for seed in range(seeds):
            dense, slope = dense_draw(oracle, draws, np.random.default_rng([index, seed, 0]))
            rng = np.random.default_rng([index, seed, 1])
            row = [two_sample(dense, loss.sample(draws, rng)), two_sample(slope, gradient.sample(draws, rng)), 1.0]
            if published is not None:
                row[2] = two_sample(dense, published.sample(draws, rng))
            rows.append(row)
            squares.append(slope**2)
        ratio, error = _variance_ratio(oracle, np.concatenate(squares), gradient.var(), index, fast)
        table = np.array(rows)
        loss_p.append(table[:, 0])
        gradient_p.append(table[:, 1])
        ratios.append(ratio)
        caught = "-" if published is None else f"{np.mean(table[:, 2] < 1e-3):.0%}"
        if published is not None:
            wrong_p.append(table[:, 2])
        print(
            f"    {case.name:16s} {case.kind:24s} median p: loss {np.median(table[:, 0]):.2f}, gradient "
            f"{np.median(table[:, 1]):.2f}; variance ratio {ratio:.4f}±{error:.4f}; r for m caught {caught}",
            flush=True,
        )
    count = len(LAWS) * seeds
    verdict(f"uniformity of {count} p-values of losses", uniformity(loss_p), NULL_LEVEL, at_least=True)
    verdict(f"uniformity of {count} p-values of gradients", uniformity(gradient_p), NULL_LEVEL, at_least=True)
    verdict("uniformity of the same with r in place of m", uniformity(wrong_p), 1e-6)
    verdict("largest error of a gradient variance", 100 * max(abs(r - 1) for r in ratios), 6 if fast else 2, "%")


def _variance_ratio(oracle, squares: np.ndarray, predicted: float, index: int, fast: bool) -> tuple[float, float]:
    """Dense over predicted variance of the gradient, drawn until its standard error is 0.5%."""
    rng = np.random.default_rng([index, 99])
    total, fourth, count = squares.sum(), (squares**2).sum(), squares.size
    while True:
        mean = total / count
        error = math.sqrt(max(fourth / count - mean**2, 0.0) / count) / mean
        if fast or error < 0.005 or count > 10**6:
            return mean / predicted, error
        more = dense_draw(oracle, DRAWS, rng)[1] ** 2
        total, fourth, count = total + more.sum(), fourth + (more**2).sum(), count + more.size


# ------------------------------------------------------------------ 2
def real_circuits(fast: bool) -> None:
    """The same laws against lightning.qubit running the circuits at random angles."""
    samples = 200 if fast else DRAWS
    blocks = 2 if fast else BLOCKS
    print(f"2  real circuits on lightning.qubit: {samples} angle sets each, in {blocks} blocks of one KS test each")
    losses, gradients, wrong, whole = [], [], [], []
    for index, case in enumerate(LAWS):
        row = _measured(case, index, samples, blocks)
        losses.append(row[0])
        gradients.append(row[1])
        if row[2] is not None:
            wrong.append(row[2])
        whole += row[3]
    count = len(LAWS) * blocks
    verdict(f"uniformity of {count} p-values of losses", uniformity(losses), NULL_LEVEL, at_least=True)
    verdict(f"uniformity of {count} p-values of gradients", uniformity(gradients), NULL_LEVEL, at_least=True)
    verdict("smallest p-value of all samples of a circuit, times their number", len(whole) * min(whole), 0.01,
            at_least=True)  # fmt: skip
    verdict("uniformity of the same with r in place of m", uniformity(wrong), 1e-2 if fast else 1e-6)


def _measured(case: LawCase, index: int, samples: int, blocks: int) -> tuple:
    """p-values of blocks of losses, of gradients, of losses under r, and of all samples at once."""
    qnode, args = case.circuit()
    pred = pw.predict(qnode)(*args)
    if not pred.is_deep:
        raise RuntimeError(f"{case.name} is not deep enough for the laws of the deep limit")
    device = qml.device("lightning.qubit", wires=case.wires)
    data = pw.measure(qnode, samples=samples, seed=index, device=device, progress=False)(*args)
    rng = np.random.default_rng([index, 7])
    deep = np.flatnonzero(pred.deep_parameters)
    pick = rng.choice(deep, samples)
    slopes = data.gradients[np.arange(samples), pick]
    drawn = np.empty((4, samples))
    for k in np.unique(pick):
        rows = pick == k
        drawn[:, rows] = pred.gradient_of(int(k)).sample(4 * int(rows.sum()), rng).reshape(4, -1)
    parts = np.array_split(np.arange(samples), blocks)
    whole = [two_sample(data.losses, pred.loss.sample(DRAWS, rng)), two_sample(slopes, drawn.ravel())]
    loss_p = [two_sample(data.losses[part], pred.loss.sample(DRAWS, rng)) for part in parts]
    # each block has its own part of the drawn gradients: the same parameters, and independent
    slope_p = [two_sample(slopes[part], drawn[:, part].ravel()) for part in parts]
    wrong_p = None
    if pred.signature.spin_factor is None:
        published = pw.predict(qnode, engine="asymptotic")(*args).loss
        wrong_p = [two_sample(data.losses[part], published.sample(DRAWS, rng)) for part in parts]
    ratio = data.losses.var() / pred.loss.var()
    print(
        f"    {case.name:16s} {pred.n_params} parameters, {len(deep)} deep; whole sample: loss p = {whole[0]:.3f}, "
        f"gradient p = {whole[1]:.3f}; variance ratio {ratio:.3f}",
        flush=True,
    )
    return loss_p, slope_p, wrong_p, whole


# ------------------------------------------------------------------ 3
def two_design_variance(n, v2, v1, purity, h2) -> float:
    """Var[∂ℓ] with 2-designs on both sides of exp(−iθV), by Weingarten sums over S₂.

    H traceless: E_H = −Tr H²·Tr([V, ρ]²)/(N² − 1); E[ρ⊗ρ] = a·1 + b·SWAP with b = (N Tr ρ² − 1)/(N(N² − 1)),
    a = (N − Tr ρ²)/(N(N² − 1)), and Tr(VρVρ) = a Tr V² + b (Tr V)².
    """
    a = (n - purity) / (n * (n**2 - 1))
    b = (n * purity - 1) / (n * (n**2 - 1))
    commutator = 2 * (v2 * purity / n - a * v2 - b * v1**2)
    return h2 * commutator / (n**2 - 1)


def special_cases() -> None:
    """McClean's 2-design, Ragone and Fontana's algebras, the projector's Beta law."""
    print("3  special cases of the literature, relative to 1e-12")
    worst = 0.0
    for values, counts, levels, g_counts, rho in (
        ((-1.0, 1.0), (8, 8), (-0.5, 0.5), (8, 8), (1.0,)),
        ((-1.0, 0.25, 3.0), (5, 9, 2), (-1.0, 0.0, 0.5), (3, 4, 9), (1.0,)),
        ((0.0, 1.0), (30, 2), (-0.5, 0.5), (16, 16), (0.6, 0.3, 0.1)),
    ):
        n = sum(counts)
        mean = np.dot(values, counts) / n
        h2 = np.dot((np.array(values) - mean) ** 2, counts)
        v1, v2 = np.dot(levels, g_counts), np.dot(np.square(levels), g_counts)
        ours = HaarGradient(values, counts, 2, levels, g_counts, rho).var()
        theirs = two_design_variance(n, v2, v1, sum(p * p for p in rho), h2)
        worst = max(worst, abs(ours / theirs - 1))
    verdict("2-design (McClean 2018) by Weingarten sums, three observables", worst, 1e-12)
    n = 2**45  # its printed form is the leading order: 2 Tr H² Tr ρ² (Tr V²/N³ − (Tr V)²/N⁴)
    law = HaarGradient((-1.0, 1.0), (n // 2, n // 2), 2, (-0.5, 0.5), (n // 2, n // 2))
    printed = math.log2(2 * n * (n / 4) / n**3)
    verdict("2-design as printed (leading order), 45 qubits, log2", abs(law.log2_var - printed), 1e-12)
    for name, words, observable, state in algebra_cases():
        verdict(f"Ragone, Fontana: {name}", abs(orbit_variance(words, observable, state)), 1e-12)
    worst = 0.0
    for rank, dim, beta in ((1, 16, 2), (1, 16, 1), (3, 8, 4), (5, 64, 2)):
        x = np.linspace(0.001, 0.9, 60)
        law = HaarCompression((0.0, 1.0), (dim - rank, rank), beta)
        beta_law = stats.beta(beta * rank / 2, beta * (dim - rank) / 2)
        worst = max(worst, float(np.max(np.abs(law.cdf(x) - beta_law.cdf(x)))))
    qnode, args = CASES["su16_projector"].make()
    law = pw.predict(qnode)(*args).loss
    worst = max(worst, float(np.max(np.abs(law.cdf(x) - (1 - (1 - x) ** 15)))))
    verdict("Beta law of a projector, five cases, cdf", worst, 1e-12)


def algebra_cases() -> list[tuple]:
    """Observables inside three algebras: free fermions, all of su(16), a symplectic one; and a product."""
    fermions = ["ZIII", "IZII", "IIZI", "IIIZ", "XXII", "IXXI", "IIXX"]
    universal = [p + "III" for p in "XZ"] + ["I" + p + "II" for p in "XZ"] + ["II" + p + "I" for p in "XZ"]
    universal += ["III" + p for p in "XZ"] + ["ZZII", "IZZI", "IIZZ"]
    symplectic = ["XII", "ZXI", "YIX", "ZZI", "XIZ", "IYI", "IIY", "IYX", "IZY", "XYY"]
    product = [p for q in range(3) for p in ("I" * q + "X" + "I" * (2 - q), "I" * q + "Z" + "I" * (2 - q))]
    rng = np.random.default_rng(4)

    def state(n: int) -> np.ndarray:
        v = rng.standard_normal(2**n) + 1j * rng.standard_normal(2**n)
        return v / np.linalg.norm(v)

    return [
        ("so(8), free fermions, O = Z₀ + X₀X₁/2", fermions, {"ZIII": 1.0, "XXII": 0.5}, state(4)),
        ("su(16), O = Z₀Z₁ + X₃/4", universal, {"ZZII": 1.0, "IIIX": 0.25}, state(4)),
        ("sp(4), O = a generator", symplectic, {"ZZI": 1.0}, state(3)),
        ("su(2)³, one ideal each, O = Z₀ + 2X₂", product, {"ZII": 1.0, "IIX": 2.0}, state(3)),
    ]


def orbit_variance(words: list[str], observable: dict, state: np.ndarray) -> float:
    """Relative difference of the package's deep variance to Σ_ideals P(O)P(ρ)/dim."""
    n = len(words[0])
    circuit = pw.RotationCircuit.from_words(words * 3, observable, state=pw.InputState.from_vector(state))
    ours = pw.predict(circuit).deep.variance
    basis = qml.lie_closure([qml.pauli.string_to_pauli_word(w).pauli_rep for w in words], pauli=True)
    matrices = [m / np.linalg.norm(m) for m in (qml.matrix(op, wire_order=range(n)) for op in basis)]
    o = sum(c * qml.matrix(qml.pauli.string_to_pauli_word(w), wire_order=range(n)) for w, c in observable.items())
    theirs = 0.0
    for ideal in ideals(matrices):
        own = [matrices[j] for j in ideal]
        p_o = sum(np.vdot(m, o).real ** 2 for m in own)
        p_rho = sum(np.vdot(state, m @ state).real ** 2 for m in own)
        theirs += p_o * p_rho / len(own)
    return ours / theirs - 1


def ideals(matrices: list[np.ndarray]) -> list[list[int]]:
    """Connected components under "does not commute": the simple ideals, for words of simple algebras."""
    stack = np.array(matrices)
    left, out = set(range(len(stack))), []
    while left:
        group, frontier = set(), [left.pop()]
        while frontier:
            j = frontier.pop()
            group.add(j)
            rest = np.array(sorted(left), dtype=int)
            moved = stack[j] @ stack[rest] - stack[rest] @ stack[j]
            near = rest[np.abs(moved).max(axis=(1, 2), initial=0.0) > 1e-9] if len(rest) else []
            left -= set(near)
            frontier += list(near)
        out.append(sorted(group))
    return out


# ------------------------------------------------------------------ 5
def transitions() -> None:
    """The asymptotic rule βm − 2 on the cases of arXiv:2609.27488, and the exact rule beside it."""
    print("5  transition against arXiv:2609.27488: published rule βm − 2, exact rule β·rank beside it")
    verdict("m = 8, β = 2: |p* − 14|", abs(transition_asymptotic(8, 2) - 14), 0)
    qnode, args = CASES["su8_pauli"].make()
    pred = pw.predict(qnode)(*args)
    verdict(
        f"the same from a circuit (su(8), Pauli: m = {pred.signature.sectors[0].dof_finite:g}; exact rule "
        f"{pred.transition})", abs(pred.transition_asymptotic - 14), 0,
    )  # fmt: skip
    found = {}
    for bonds in (1, 2):
        for u in (2.0, 4.0, 8.0):
            energies = np.linalg.eigvalsh(fermi_hubbard(u, bonds))
            above = energies - energies[0]
            r = above.sum() ** 2 / (above @ above)
            m = 1 / (1 / r - 1 / 16)
            levels, counts = np.unique(np.round(energies, 9), return_counts=True)
            star = transition_asymptotic(m, 2)
            found[u, bonds] = (star, transition_asymptotic(math.floor(m + 1e-9), 2))
            print(
                f"    2-site Fermi–Hubbard, U = {u:g}t, {'open' if bonds == 1 else 'ring'}: r = {r:.4f}, m = {m:.4f}: "
                f"p* = {star:.2f}, with m rounded down {found[u, bonds][1]:g}; exact rule "
                f"{transition(levels, counts.tolist(), 2)}",
            )
    verdict("U = 2t on the open pair, or U = 4t with the bond counted twice: |p* − 62|",
            max(abs(found[2.0, 1][0] - 62), abs(found[4.0, 2][0] - 62)), 1e-9)  # fmt: skip
    verdict("U = 4t on the open pair, m = 144/7 rounded down: |p* − 38|", abs(found[4.0, 1][1] - 38), 0)


# ------------------------------------------------------------------ 6
def clock(function: Callable, *args):
    """Return (result, process seconds)."""
    begin = time.process_time()
    out = function(*args)
    return out, time.process_time() - begin


def everything(qnode, args):
    """Predict, and read every number of the prediction except the law of minima."""
    pred = pw.predict(qnode)(*args)
    laws = (pred.loss, pred.gradient)
    numbers = [f(law) for law in laws for f in (lambda x: x.var(), lambda x: x.kurtosis(), lambda x: x.ppf(0.95))]
    return pred, numbers, pred.shots_to_resolve, pred.transition, pred.transition_asymptotic, pred.dead_parameters


def speed(fast: bool) -> None:
    """Wall figures of the issue, as process time of one core."""
    print("6  speed, process seconds of one core")

    @qml.qnode(qml.device("lightning.qubit", wires=10))
    def layers(w):
        qml.StronglyEntanglingLayers(w, wires=range(10))
        return qml.expval(qml.Z(0))

    def arguments(depth: int) -> tuple:
        return (pnp.array(np.random.default_rng(1).uniform(0, 6, (depth, 10, 3)), requires_grad=True),)

    everything(layers, arguments(2))  # imports and caches are not the prediction
    for depth in (5, 10):
        _, seconds = clock(everything, layers, arguments(depth))
        verdict(f"pw.predict, 10 qubits, {depth} layers ({30 * depth} parameters), all laws", seconds, 1.0, "s")
    half, quarter = 2**19, 2**18
    for name, law in (
        ("Pauli, pure", HaarCompression((-1, 1), (half, half))),
        ("three levels, mixed of rank 3", HaarCompression((-1, 0, 2), (quarter, half, quarter), 2, (0.5, 0.3, 0.2))),
    ):
        _, seconds = clock(law.sample, 10**5, 1)
        verdict(f"HaarCompression.sample(1e5) at N = 2^20, {name}", seconds, 2.0, "s")
    for dim, p in ((64, 32), (2**20, 20)):
        samples = 8192 if fast else None
        law, seconds = clock(lambda d=dim, q=p, s=samples: minima_law((-1, 1), [d // 2] * 2, q, 2, 1, s))
        scaled = law.in_units_of_E()
        verdict(f"minima law, p = {p}, N = 2^{int(math.log2(dim))}, E = {scaled.mean():.4f}", seconds, 20.0, "s")
        # in a huge sector E itself is 1 up to concentration: the honest error is that of 1 − E
        error = scaled.standard_error / min(scaled.mean(), 1 - scaled.mean())
        verdict("  its standard error, of E or 1 − E, whichever is smaller", 100 * error, 2.0, "%")


def main() -> None:
    """Run the items that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", default="1,2,3,5,6", help="comma-separated numbers")
    parser.add_argument("--fast", action="store_true", help="fewer seeds and samples, under a minute")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    items: dict[str, Callable[[], None]] = {
        "1": lambda: coverage(options.fast),
        "2": lambda: real_circuits(options.fast),
        "3": special_cases,
        "5": transitions,
        "6": lambda: speed(options.fast),
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
