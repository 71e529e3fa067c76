"""Several outputs, and costs made of QNodes: figure beside goal.

    python benchmarks/costs.py [--fast] [--only outputs|time|variances|causes|words|public]

outputs: dead lists of 40 circuits against the union and intersection of 100 sampled Jacobians, variances against a
sample of their own. time: the prediction of many outputs against that of one. public: the message of each
kind of public case that was refused before. variances: 20 healthy costs
against 2,000 samples of their own. causes: 30 planted faults and the healthy ones. words: what bad input is told.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections.abc import Sequence

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import jax  # noqa: E402
import numpy as np  # noqa: E402
import pennylane as qml  # noqa: E402
from _cost_cases import FAULTS, HEALTHY, energy  # noqa: E402
from _cost_public import PUBLIC  # noqa: E402
from pennylane import numpy as pnp  # noqa: E402

import pennylane_wishart as pw  # noqa: E402
from pennylane_wishart.circuit import normal_forms  # noqa: E402
from pennylane_wishart.errors import WishartError  # noqa: E402
from pennylane_wishart.outlook.space import _explored  # noqa: E402
from pennylane_wishart.sectors.door import forget as signatures  # noqa: E402
from pennylane_wishart.sectors.independent import _every_tangent  # noqa: E402
from pennylane_wishart.variances import moments_of, moments_together  # noqa: E402


def _met(right: bool) -> str:
    return "met" if right else "NOT MET"


def random_circuit(seed: int) -> tuple[qml.QNode, pnp.tensor]:
    """Rotations about random words and CZs on 3 or 4 wires; two to four outputs, sometimes probabilities."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 5))
    p = int(rng.integers(6, 14))
    gates = [(rng.choice(["RX", "RY", "RZ"]), int(rng.integers(n)), rng.permutation(n)[:2].tolist()) for _ in range(p)]
    words = ["".join(rng.choice(list("IXYZ"), n)) for _ in range(int(rng.integers(2, 5)))]
    words = [w if set(w) != {"I"} else "Z" + w[1:] for w in words]
    probabilities = seed % 4 == 0

    @qml.qnode(qml.device("default.qubit", wires=n), diff_method="parameter-shift" if seed % 8 == 1 else "best")
    def circuit(x):
        for k, (name, wire, wires) in enumerate(gates):
            getattr(qml, name)(x[k], wire)
            if k % 2:
                qml.CNOT(wires)
        if probabilities:
            return qml.probs(wires=[0, 1])
        return tuple(qml.expval(qml.pauli.string_to_pauli_word(w)) for w in words)

    return circuit, pnp.array(rng.uniform(0, 6, p), requires_grad=True)


def jacobians(circuit: qml.QNode, p: int, count: int, seed: int) -> np.ndarray:
    """Parameter shift on broadcast angles: (count, outputs, p)."""
    points = np.random.default_rng(seed).uniform(0, 2 * np.pi, (count, p))

    def values(x: np.ndarray) -> np.ndarray:
        found = circuit(x.T)
        parts = found if isinstance(found, tuple) else (found,)
        return np.concatenate([np.asarray(v).reshape(len(x), -1) for v in parts], axis=1)

    return np.stack([(values(points + s) - values(points - s)) / 2 for s in np.pi / 2 * np.eye(p)], axis=2)


def outputs(count: int, samples: int) -> None:
    """Dead lists and variances."""
    wrong, worst, numbers = 0, 0.0, 0
    for seed in range(count):
        circuit, x = random_circuit(seed)
        diag = pw.diagnose(circuit, run=False, descent_budget=0, progress=False)(x)
        found = jacobians(circuit, len(x), samples, seed)
        dead = np.abs(found).max(axis=0) < 1e-10
        union = sorted({k for o in diag.outputs for k in o.dead_parameters})
        wrong += union != np.flatnonzero(dead.any(axis=0)).tolist()
        wrong += list(diag.dead_parameters) != np.flatnonzero(dead.all(axis=0)).tolist()
        numbers += len(diag.outputs)
        for o, row in zip(diag.outputs, found.transpose(1, 0, 2), strict=True):
            sample = (row**2).mean(axis=0)
            error = np.sqrt(np.maximum((row**4).mean(axis=0) - sample**2, 0) / samples) + 1e-9
            expected = o.prediction.gradient_variance + o.prediction.moments.gradient_mean**2
            worst = max(worst, float(np.max(np.abs(expected - sample) / error)))
    said = f"dead lists, {count} circuits, {numbers} outputs: {wrong} of {2 * count} wrong"
    print(f"{said}        goal 0: {_met(not wrong)}")
    print(f"variances in small samples: largest |z| over all {worst:.1f}        goal below 6: {_met(worst < 6)}")


def timing() -> None:
    """Processor time of a prediction of all outputs over that of one (the mean of them, each from nothing)."""
    for n, depth, turned in ((12, 4, False), (8, 4, True), (8, 6, True), (30, 4, False), (100, 3, False)):
        _timed(n, depth, turned)


def _pass(circuits) -> str:
    """Time the second moments of all outputs in one pass over those of one."""
    laws = [c.angle_law() for c in circuits]

    def best(run) -> float:
        times = []
        for _ in range(3):
            start = time.process_time()
            run()
            times.append(time.process_time() - start)
        return min(times)

    one = np.mean([best(lambda c=c, law=law: moments_of(c, law)) for c, law in zip(circuits, laws, strict=True)])
    every = best(lambda: moments_together(circuits, laws[0]))
    ratio = every / one
    verdict = "met" if ratio <= 2 else "NOT MET"
    said = f"second moments alone: {every:.3f} s for {one:.3f} s of one, ratio {ratio:.2f}"
    return f"{said}        goal at most 2: {verdict}"


def _timed(n: int, depth: int, turned: bool) -> None:
    """Layers of RY (and RZ where turned) and CZ on n wires, ⟨Z⟩ on up to 12 of them."""

    def make(wires: Sequence[int]) -> qml.QNode:
        @qml.qnode(qml.device("default.qubit", wires=n))
        def circuit(w):
            for row in w:
                for q in range(n):
                    qml.RY(row[q, 0], q)
                    if turned:
                        qml.RZ(row[q, 1], q)
                for q in range(n - 1):
                    qml.CZ([q, q + 1])
            return tuple(qml.expval(qml.Z(q)) for q in wires)

        return circuit

    w = pnp.array(np.random.default_rng(0).uniform(0, 6, (depth, n, 2)), requires_grad=True)[..., : 1 + turned]

    def seconds(wires: Sequence[int]) -> float:
        for kept in (signatures, _explored.cache_clear, _every_tangent.cache_clear):
            kept()  # what the last one left for the next
        start = time.process_time()
        pw.diagnose(make(wires), progress=False, run=False, descent_budget=0)(w)
        return time.process_time() - start

    wires = [round(q) for q in np.linspace(0, n - 1, min(n, 12))]
    seconds(wires[:1])  # imports and first uses
    one, every = np.mean([seconds([q]) for q in wires[:: max(1, len(wires) // 4)]]), seconds(wires)
    print(
        f"{len(wires)} outputs, {n} qubits, {depth} layers of {'RY RZ' if turned else 'RY'} and CZ, "
        f"prediction alone: {every:.2f} s for {one:.2f} s of one, "
        f"ratio {every / one:.2f}        goal at most 2: {'met' if every <= 2 * one else 'NOT MET'}"
    )
    print("    " + _pass(normal_forms(make(wires))(w)))


def public() -> None:
    """The message of each kind of public case that was refused before."""
    answered = 0
    for name, make in PUBLIC.items():
        door, subject, args, options = make()
        try:
            found = getattr(pw, door)(subject, progress=False, samples=60, **options)(*args)
            answered += 1
            print(f"  {name}: {found.headline}")
        except WishartError as err:
            print(f"  {name}: REFUSED: {err}")
    print(f"public cases that answer: {answered} of {len(PUBLIC)}        goal all: {_met(answered == len(PUBLIC))}")


def variances(samples: int, own: int) -> None:
    """Total gradient variance of healthy costs against samples with another seed."""
    outside = 0
    for name, make in HEALTHY.items():
        cost, args, options = make()
        found = pw.diagnose_cost(cost, samples=samples, progress=False, **options)(*args)
        cost, args, options = make()
        oracle = pw.diagnose_cost(cost, samples=own, seed=99, progress=False, **options)(*args)
        ratio = found.gradient_variance.sum() / oracle.gradients.var(axis=0).sum()
        outside += abs(ratio - 1) > 0.1
        print(f"  {name:28s} {found.method:22s} {ratio:.3f}")
    verdict = "met" if not outside else "NOT MET"
    print(f"variances of {len(HEALTHY)} costs: {outside} off by more than 10%        goal 0: {verdict}")


def causes(samples: int) -> None:
    """The cause of each planted fault, and of none."""
    right, total = 0, 0
    for kind, cases in FAULTS.items():
        for name, make in cases.items():
            cost, args, options = make()
            found = pw.diagnose_cost(cost, samples=samples, progress=False, **options)(*args)
            total += 1
            right += str(found.cause) == kind
            if str(found.cause) != kind:
                print(f"  {kind}, {name}: {found.headline}")
    alarms = 0
    for name, make in HEALTHY.items():
        cost, args, options = make()
        found = pw.diagnose_cost(cost, samples=samples, progress=False, **options)(*args)
        alarms += str(found.cause) != "nothing wrong"
        if str(found.cause) != "nothing wrong":
            print(f"  healthy, {name}: {found.headline}")
    print(f"planted faults named: {right} of {total}        goal all: {_met(right == total)}")
    print(f"false alarms on healthy costs: {alarms} of {len(HEALTHY)}        goal 0: {_met(not alarms)}")


def words() -> None:
    """Bad input, and what is said."""
    import torch

    start = np.random.default_rng(0).uniform(0, 6, (2, 2, 2))
    w, tensor = pnp.array(start, requires_grad=True), torch.tensor(start, requires_grad=True)

    def in_place(w):
        w += 1
        return energy(w)

    bad = {
        "a vector": (lambda w: w * energy(w), w),
        "no QNode": (lambda w: (w**2).sum(), w),
        "random data order": (lambda w: energy(w) * np.random.rand(), w),
        "in-place torch": (in_place, tensor),
        "NaN": (lambda w: pnp.log(energy(w) - 2), w),
    }
    for name, (cost, args) in bad.items():
        try:
            pw.diagnose_cost(cost, samples=4, progress=False)(args)
            print(f"  {name}: NOTHING WAS SAID")
        except WishartError as err:
            print(f"  {name}: {err}")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--only", choices=["outputs", "time", "variances", "causes", "words", "public"])
    asked = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    warnings.simplefilter("ignore")
    parts = {
        "outputs": lambda: outputs(8 if asked.fast else 40, 100),
        "time": timing,
        "causes": lambda: causes(12 if asked.fast else 40),
        "words": words,
        "public": public,
        "variances": lambda: variances(30 if asked.fast else 1000, 60 if asked.fast else 2000),
    }
    for name, part in parts.items():
        if asked.only in (None, name):
            part()


if __name__ == "__main__":
    main()
