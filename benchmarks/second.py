"""Second derivatives, tangent kernels, truncation, expressibility, initial angles: figures beside their goals.

    python benchmarks/second.py              all items
    python benchmarks/second.py --fast       fewer circuits and samples
    python benchmarks/second.py 1 4          some items

1  Hessian variances: 300 circuits against dense averages; 100 qubits, 200 parameters, a million walkers
2  spectra of deep Hessians: smallest and largest eigenvalue of what measure(hessian=True) finds
3  tangent kernels against measured ones; steps of plain gradient descent against the curve before training
4  truncation errors against a propagation that is really run; 100 qubits timed
5  expressibility against known values; symmetric circuits inside their sector
6  initial angles: gradient norms at the start, and losses after 200 Adam steps
7  causes of a plateau: planted in 35 circuits, against the first one that is named

A second interpreter that has the package pauli-prop (PAULI_PROP=/path/to/python) is timed in item 4.

Pin one thread: OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1. Times are process times of one core.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from pathlib import Path

import numpy as np
import pennylane as qml
from pennylane import numpy as pnp
from scipy import stats

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from _second_common import DEVICE, FAILED, ising, sel, verdict  # noqa: E402
from _second_doors import causes, expressed, propagated, starts  # noqa: E402
from circuits import SP8_WORDS  # noqa: E402
from hessian_cases import drawn  # noqa: E402
from references import second  # noqa: E402

import pennylane_wishart as pw  # noqa: E402
from pennylane_wishart.circuit import RotationCircuit  # noqa: E402
from pennylane_wishart.comparison.hessians import separated_block  # noqa: E402
from pennylane_wishart.measurement.options import MeasureOptions  # noqa: E402
from pennylane_wishart.measurement.setup import prepare_measurement  # noqa: E402
from pennylane_wishart.paulis import PauliSum, PauliWords  # noqa: E402
from pennylane_wishart.variances import hessian_moments, walk  # noqa: E402
from pennylane_wishart.variances.hessian.walked import hessian_by_walk  # noqa: E402
from pennylane_wishart.variances.problem import Problem  # noqa: E402

KINDS = ("plain", "shared", "fixed", "sums", "normal", "shared sums")


def ry_cz(n: int, layers: int, observable: object) -> tuple[object, object]:
    """Return layers of RY and a chain of CZ."""

    def f(w):
        for k in range(layers):
            for q in range(n):
                qml.RY(w[k, q], q)
            for q in range(n - 1):
                qml.CZ([q, q + 1])
        return qml.expval(observable)

    return qml.QNode(f, DEVICE), pnp.array(np.zeros((layers, n)), requires_grad=True)


def orthogonal(layers: int, observable: object) -> tuple[object, object]:
    """Return layers of RY and a ring of CZ and CNOT on 4 qubits, so(16)."""

    def f(w):
        for layer in w:
            for q in range(4):
                qml.RY(layer[q], q)
            qml.CZ([0, 1])
            for q in (1, 2, 3):
                qml.CNOT([q, (q + 1) % 4])
        return qml.expval(observable)

    return qml.QNode(f, DEVICE), pnp.array(np.zeros((layers, 4)), requires_grad=True)


# ------------------------------------------------------------------ 1
def hundred_qubits(rng: np.random.Generator) -> RotationCircuit:
    """Return 200 rotations about neighbouring pairs that all reach the observable in the middle."""
    maps = []
    for k in range(200):
        reach = 1 + (199 - k) // 5
        q = int(np.clip(49 + rng.integers(-reach, reach + 1), 0, 98))
        maps.append({q: str(rng.choice(list("XYZ"))), q + 1: str(rng.choice(list("XYZ")))})
    words = PauliWords.from_maps([{q: "Z"} for q in range(100)], 100)
    return RotationCircuit.from_words(PauliWords.from_maps(maps, 100), PauliSum.of(words, np.ones(100)))


def hessians(fast: bool) -> None:
    """Variances of second derivatives."""
    rng, worst, count, engines = np.random.default_rng(1), 0.0, 0, set()
    wanted = 30 if fast else 300
    for kind in itertools.cycle(KINDS):
        found, law, rules = drawn(rng, kind, int(rng.integers(1, 5)))
        if np.prod([len(x) for x, _ in rules]) > 1000:
            continue
        mean, square = second.hessian_averages(found, rules)
        got = hessian_moments(found.circuit, law, seed=1)
        if got.is_exact:
            gap = np.abs(np.nan_to_num(got.variance) - (square - mean**2)).max()
            worst, count = max(worst, float(gap), float(np.abs(got.mean - mean).max())), count + 1
            engines.add(str(got.engine))
        if count == wanted:
            break
    verdict(f"1 Hessian variances, {count} circuits, {len(engines)} engines", f"{worst:.1e}", "1e-9", worst < 1e-9)
    circuit, walkers = hundred_qubits(rng), 10**5 if fast else 10**6
    problem = Problem(circuit, circuit.angle_law())
    _ = problem.dead
    times = []
    for run in (walk, None):
        start = time.process_time()
        if run is not None:
            walk(circuit, problem.law, walkers, seed=1)
        else:
            got = hessian_by_walk(problem, walkers, np.random.default_rng(1))
        times.append(time.process_time() - start)
    name = f"1 100 qubits, {int((~problem.dead).sum())} live parameters, {got.known.sum()} of 40,000 entries known"
    verdict(name, f"{times[0]:.2f} s, {times[1]:.2f} s = {times[1] / times[0]:.2f}x", "4x", times[1] < 4 * times[0])


# ------------------------------------------------------------------ 2
def symplectic(layers: int, observable: object) -> tuple[object, object]:
    """Return layers of fourteen words of sp(8) on 4 qubits, and their weights."""

    def f(w):
        for layer in w:
            for word, angle in zip(SP8_WORDS, layer, strict=True):
                qml.PauliRot(angle, word, wires=range(4))
        return qml.expval(observable)

    return qml.QNode(f, DEVICE), pnp.array(np.zeros((layers, len(SP8_WORDS))), requires_grad=True)


def observables(n: int, beta: int) -> list[tuple[str, object]]:
    """Return a word, a projector and a Hamiltonian; for beta = 4 such as commute with J = Y on the first wire."""
    if beta == 4:
        return [
            ("word", qml.Z(1)),
            ("projector", qml.Projector([0, 0, 0], wires=[1, 2, 3])),
            ("Hamiltonian", qml.Hamiltonian([1.0, 0.5], [qml.Z(1), qml.Z(2) @ qml.Z(3)])),
        ]
    return [("word", qml.Z(0)), ("projector", qml.Projector([0] * n, wires=range(n))), ("Hamiltonian", ising(n))]


def spectra(fast: bool) -> None:
    """Smallest and largest eigenvalues of measured Hessians against the law; blocks as ``compare`` chooses them."""
    makers = [(2, 3, lambda o: sel(3, 12, o)), (2, 4, lambda o: sel(4, 10, o)), (1, 4, lambda o: orthogonal(40, o)),
              (4, 4, lambda o: symplectic(10, o))]  # fmt: skip
    cases = [(beta, n, name, make(o)) for beta, n, make in makers for name, o in observables(n, beta)]
    kept = agreed = judged = wrong = 0
    picked = cases[:: 4 if fast else 1]
    for beta, n, name, (qnode, w) in picked:
        pred = pw.predict(qnode)(w)
        if not pred.hessian_law:
            print(f"  beta {beta}, {n} qubits, {name}: {pred.hessian_law}", flush=True)
            continue
        at = separated_block(pred.hessian_law, np.arange(w.size), 7).tolist()
        p, data = ends(qnode, w, pred, at, 60 if fast else 250)
        kept += min(p) > 1e-3
        said = [q.agrees for q in pw.compare(pred, data).hessian[1:]]
        judged, agreed = judged + sum(x is not None for x in said), agreed + said.count(True)
        wrong += said.count(False)
        print(f"  beta {beta}, {n} qubits, {name:<12} {len(at)} of {w.size} parameters, p smallest {p[0]:.3f}, "
              f"largest {p[1]:.3f}; compare says {said}", flush=True)  # fmt: skip
    verdict("2 deep circuits not rejected at 0.1%", f"{kept} of {len(picked)}", "12 of 12", kept == len(picked))
    verdict("2 ends that compare judged, and called wrong", f"{judged}, {wrong}", "none wrong", not wrong)
    rejected = 0
    for make, o in (
        (lambda o: sel(4, 2, o), qml.Z(0)),
        (lambda o: sel(3, 1, o), qml.Z(0)),
        (lambda o: orthogonal(2, o), qml.Z(0)),
    ):
        qnode, w = make(o)
        pred = pw.predict(qnode)(w)
        live = [k for k in range(w.size) if k not in pred.dead_parameters]
        p, data = ends(qnode, w, pred, live, 60 if fast else 2000)  # enough to see a law that is nearly right
        said = [q.agrees for q in pw.compare(pred, data).hessian[1:]]
        rejected += min(p) < 1e-3
        print(f"  shallow, {w.size} parameters: p {p[0]:.1e}, {p[1]:.1e}; compare says {said}", flush=True)
        wrong += said.count(True)
    verdict("2 shallow circuits rejected", f"{rejected} of 3", "3 of 3", rejected == 3)
    verdict("2 ends of shallow circuits that compare tests", f"{wrong}", "0", not wrong)


def ends(qnode, w, pred, at: list[int], samples: int) -> tuple[list[float], object]:
    """Return p-values of the smallest and the largest eigenvalue of a measured block, and the measurement."""
    data = pw.measure(qnode, samples=samples, seed=3, hessian=True, parameters=at)(w)
    seen = np.linalg.eigvalsh(data.hessians[:, np.array(at)[:, None], at])
    got = pred.hessian_law.of(at).spectra(10_000, rng=1)[1]
    return [float(stats.ks_2samp(got[:, k], seen[:, k]).pvalue) for k in (0, -1)], data


# ------------------------------------------------------------------ 3
def training(fast: bool) -> None:
    """Tangent kernels, and steps of plain gradient descent."""
    off, draws = [], 500 if fast else 6000
    for make in (lambda: sel(4, 3, qml.Z(0)), lambda: sel(3, 6, ising(3)), lambda: ry_cz(4, 4, qml.Z(0) @ qml.Z(1)),
                 lambda: orthogonal(6, qml.Projector([0] * 4, wires=range(4)))):  # fmt: skip
        qnode, w = make()
        gradients = pw.measure(qnode, samples=draws, parameters="all")(w).gradients
        off.append(np.mean(np.sum(gradients**2, axis=1)) / pw.predict(qnode)(w).ntk()[0, 0])
    said = " ".join(f"{x:.3f}" for x in off)
    met = max(abs(x - 1) for x in off) < 0.05
    verdict(f"3 mean tangent kernels, {len(off)} circuits, measured/predicted", said, "0.95 to 1.05", met)
    pairs = two_inputs(500 if fast else 4000)
    verdict("3 kernel of two inputs, measured / predicted", f"{pairs:.3f}", "0.95 to 1.05", abs(pairs - 1) < 0.05)
    makers = [(n, k, o) for n in (3, 4, 5) for k in (6, 8, 10) for o in (qml.Z(0), qml.Z(0) @ qml.Z(1))]
    makers += [(3, 8, qml.Projector([0, 0, 0], wires=range(3))), (4, 10, qml.Projector([0] * 4, wires=range(4)))]
    ratios, applied = [], 0
    for n, layers, observable in makers[:: 5 if fast else 1]:
        ratio, applies = descended(*sel(n, layers, observable), starts=12)
        ratios.append(ratio)
        applied += applies
    inside = sum(0.5 <= r <= 2 for r in ratios)
    print("  measured / predicted steps: " + " ".join(f"{r:.2f}" for r in ratios))
    figure = f"{inside} of {len(ratios)}, median {np.median(ratios):.2f}"
    verdict("3 steps to a tenth of the height within a factor of 2", figure, "90%", inside >= 0.9 * len(ratios))
    near = sum(0.8 <= r <= 1.25 for r in ratios)
    print(f"  within 25%: {near} of {len(ratios)} (what is missing is open)")
    verdict("3 curves of circuits above p* said to apply", f"{applied} of {len(ratios)}", "all", applied == len(ratios))
    below = [pw.predict(q)(w).training_curve() for q, w in (sel(5, 1, qml.Z(0) @ qml.Z(4)), sel(5, 1, ising(5)))]
    told = sum(not (c and c.applies) for c in below)
    verdict("3 below p* said not to apply", f"{told} of {len(below)}", "all", told == len(below))


def two_inputs(draws: int) -> float:
    """Return E Σ_k ∂_kℓ_1 ∂_kℓ_2 of two input states, measured over predicted."""
    halves = [np.array([1, 0, 0, 0, 0, 0, 0, 0], complex), np.array([1, 0, 0, 1, 0, 0, 0, 0]) / np.sqrt(2) + 0j]

    def f(w, state):
        qml.StatePrep(state, wires=range(3))
        qml.StronglyEntanglingLayers(w, wires=range(3))
        return qml.expval(qml.Z(0))

    qnode, w = qml.QNode(f, DEVICE), pnp.array(np.zeros((3, 3, 3)), requires_grad=True)
    first, second_ = (pw.measure(qnode, samples=draws, argnums=0, parameters="all")(w, x).gradients for x in halves)
    kernel = pw.predict(qnode, argnums=0)(w, halves[0]).ntk(np.array(halves))
    return float(np.mean(np.sum(first * second_, axis=1)) / kernel[0, 1])


def descended(qnode, w, starts: int) -> tuple[float, bool]:
    """Return the median over starts of steps until a tenth of the height is left over those predicted, and whether
    the curve is said to apply.
    """
    pred, step = pw.predict(qnode)(w), 0.05
    run = prepare_measurement(qnode, (w,), {}, MeasureOptions(samples=1)).engine.run
    x = np.random.default_rng(2).uniform(0, 2 * np.pi, (starts, w.size))
    rows = run(x, None, None)
    curves = [pred.training_curve(start=float(value), step=step) for value in rows.losses]
    goal = curves[0].lowest + 0.1 * (rows.losses - curves[0].lowest)
    taken = np.full(starts, 3000)
    for count in range(3000):
        taken = np.where((rows.losses <= goal) & (taken == 3000), count, taken)
        if (taken < 3000).all():
            break
        x = x - step * rows.gradients
        rows = run(x, None, None)
    return float(np.median(taken / [c.steps_to(0.1) for c in curves])), all(c.applies for c in curves)


ITEMS = {"1": hessians, "2": spectra, "3": training, "4": propagated, "5": expressed, "6": starts, "7": causes}


def main() -> int:
    """Run the items that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("items", nargs="*", help="numbers of items; all where none")
    parser.add_argument("--fast", action="store_true", help="fewer circuits and samples")
    options = parser.parse_args()
    for name in options.items or ITEMS:
        ITEMS[name](options.fast)
    return 1 if FAILED else 0


if __name__ == "__main__":
    raise SystemExit(main())
