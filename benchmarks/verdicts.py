"""Verdicts held against descents of code that shares nothing with the package.

    python benchmarks/verdicts.py [--first 0] [--count 60] [--starts 40] [--largest 6] [--edge 0]

For every circuit of a seeded zoo: what ``pw.diagnose`` says of traps and reach, and where ``--starts``
descents (BFGS of SciPy on a dense simulation written here) end. Goals (issue J): of the decided at least
98.5% right, at most 8% undecided, no certificate wrong; ``trainable is True`` on none whose median end lies
above its best by more than the tolerance, ``reaches_ground is True`` on none that ends higher. ``--edge N``:
certificates of N random circuits whose parameters are about as many as they need, each against descents.
"""

from __future__ import annotations

import argparse
import os
import time

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402
import pennylane as qml  # noqa: E402
from _zoo import Circuit, draw, rotations, word_matrix  # noqa: E402
from scipy.optimize import minimize  # noqa: E402

import pennylane_wishart as pw  # noqa: E402
from pennylane_wishart.conventions.outlook import MARGIN  # noqa: E402
from pennylane_wishart.outlook import certify, reached_space  # noqa: E402

NEAR = 0.02
"""Truths this close to the tolerance, in units of the scale, are not counted: forty ends do not decide them."""


class Dense:
    """Loss and gradient of a circuit by dense matrices."""

    def __init__(self, circuit: Circuit):
        n, self.circuit = circuit.n, circuit
        self.steps = []
        for kind, wires, parameter, factor in circuit.gates:
            if parameter is None:
                op = getattr(qml, kind)(wires=list(wires))
                self.steps.append((qml.matrix(op, wire_order=range(n)), None, 0.0))
            else:
                word = word_matrix(n, dict(zip(wires, kind, strict=True)))
                self.steps.append((word, parameter, factor / 2))
        self.observable = sum(c * word_matrix(n, word) for c, word in circuit.observable)

    def __call__(self, x):
        """Return (ℓ, ∇ℓ): forward, then backward with the observable's image."""
        psi = np.zeros(2**self.circuit.n, complex)
        psi[0] = 1
        for matrix, parameter, factor in self.steps:
            if parameter is None:
                psi = matrix @ psi
            else:
                t = factor * x[parameter]
                psi = np.cos(t) * psi - 1j * np.sin(t) * (matrix @ psi)
        image, gradient = self.observable @ psi, np.zeros(len(x))
        loss = float((psi.conj() @ image).real)
        for matrix, parameter, factor in self.steps[::-1]:
            if parameter is None:
                psi, image = matrix.conj().T @ psi, matrix.conj().T @ image
            else:
                turned = matrix @ psi
                gradient[parameter] += 2 * factor * float((image.conj() @ turned).imag)
                t = -factor * x[parameter]
                psi = np.cos(t) * psi - 1j * np.sin(t) * turned
                image = np.cos(t) * image - 1j * np.sin(t) * (matrix @ image)
        return loss, gradient


def ends_of(circuit: Circuit, starts: int, seed: int) -> np.ndarray:
    """Return where descents from random angles end."""
    loss, rng = Dense(circuit), np.random.default_rng([77, seed])
    periods = 4 * np.pi  # a whole number of periods of every gate of the zoo
    out = []
    for _ in range(starts):
        x = rng.uniform(0, periods, circuit.n_params)
        for _ in range(2):  # a second run drops stale curvature
            found = minimize(loss, x, jac=True, method="BFGS", options={"gtol": 1e-6, "maxiter": 3000})
            x = found.x
        out.append(found.fun)
    return np.array(out)


def judge(seed: int, starts: int, largest: int) -> dict:
    """Return what was said and what is true of one circuit."""
    circuit = draw(seed, largest)
    qnode, x = circuit.qnode()
    begin = time.process_time()
    diag = pw.diagnose(qnode, samples=60, progress=False)(x)
    seconds = time.process_time() - begin
    row = {"seed": seed, "name": circuit.name, "seconds": seconds, "trainable": diag.trainable, "said": diag.headline}
    found = diag.descent
    if found is None:
        return row | {"evidence": "none", "traps": None, "reach": None}
    ends = ends_of(circuit, starts, seed)
    best = min(ends.min(), found.best if np.isfinite(found.best) else np.inf)
    return row | {
        "evidence": found.evidence.value,
        "traps": found.has_traps,
        "reach": found.reaches_ground,
        "height": (float(np.median(ends)) - best) / found.scale,
        "gap": (best - np.linalg.eigvalsh(Dense(circuit).observable)[0]) / found.scale,
        "below bound": ends.min() < found.reachable_ground - 1e-6 * found.scale,
        "certified wrong": found.evidence.value == "certificate"
        and float(np.max(ends)) > found.best + 1e-3 * found.scale,
        "tolerance": found.tolerance,
    }


def edge(count: int, first: int, starts: int) -> None:
    """Hunt for false certificates where a circuit has hardly more parameters than one takes."""
    given = wrong = near = 0
    for seed in range(first, first + count):
        rng = np.random.default_rng([5, seed])
        n, layers = int(rng.integers(1, 4)), int(rng.integers(3, 9))
        name, gates, n_params, observable = rotations(n, layers, rng)
        circuit = Circuit(name, n, n_params, tuple(gates), observable)
        qnode, x = circuit.qnode()
        found = certify(reached_space(pw.normal_form(qnode)(x)), np.random.default_rng(seed))
        near += found.complete and abs(found.live - found.dimension - MARGIN) <= MARGIN
        if not found.holds:
            continue
        given += 1
        above = ends_of(circuit, starts, seed).max() - found.ground
        width = float(np.ptp(np.linalg.eigvalsh(Dense(circuit).observable)))
        if above > 1e-3 * width:
            wrong += 1
            print(f"seed {seed} ({name}): certified, and a descent ends {above / width:.3f} of the width above")
    print(f"{count} circuits, {near} within {MARGIN} of the margin: {given} certified, {wrong} wrong (goal 0)")


def main() -> None:
    """Judge the zoo and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name, value in (("first", 0), ("count", 60), ("starts", 40), ("largest", 6), ("edge", 0)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--fast", action="store_true", help="a dozen circuits, eight descents each")
    options = parser.parse_args()
    if options.fast:
        options.count, options.starts, options.largest = 12, 8, 4
    if options.edge:
        edge(options.edge, options.first, options.starts)
        return
    rows = []
    for seed in range(options.first, options.first + options.count):
        row = judge(seed, options.starts, options.largest)
        rows.append(row)
        wrong = _wrong(row)
        if wrong:
            print(f"seed {seed} ({row['name']}): {', '.join(wrong)}: height {row['height']:.3f}, gap {row['gap']:.3f}; "
                  f"{row['said']}", flush=True)  # fmt: skip
    _tables(rows)


def _wrong(row: dict) -> list[str]:
    if row["evidence"] == "none" and "height" not in row:
        return []
    limit, out = row["tolerance"], []
    clear = {name: abs(row[name] - limit) > NEAR for name in ("height", "gap")}
    if row["traps"] is not None and clear["height"] and row["traps"] != (row["height"] > limit):
        out.append("traps")
    if row["reach"] is not None and clear["gap"] and row["reach"] != (row["gap"] <= limit):
        out.append("reach")
    out += [name for name in ("below bound", "certified wrong") if row[name]]
    if row["trainable"] is True and row["height"] > limit + NEAR:
        out.append("trainable is True above traps")
    return out


def _tables(rows: list[dict]) -> None:
    judged = [r for r in rows if "height" in r]
    print(f"{len(rows)} circuits, {len(judged)} with parameters that move the loss")
    for name, truth in (("traps", "height"), ("reach", "gap")):
        decided = [r for r in judged if r[name] is not None]
        clear = [r for r in decided if abs(r[truth] - r["tolerance"]) > NEAR]
        wrong = sum(name in _wrong(r) for r in clear)
        share = len(judged) - len(decided)
        print(f"  {name}: {len(decided)} decided, {wrong} of {len(clear)} clear ones wrong (goal ≤ 1.5%),", end="")
        print(f" {share} undecided (goal ≤ 8%)")
    kinds = {kind: sum(r["evidence"] == kind for r in rows) for kind in ("certificate", "descents", "law", "none")}
    print(f"  evidence: {kinds}; certificates wrong: {sum(r.get('certified wrong', False) for r in rows)} (goal 0)")
    real = sum(r["height"] > r["tolerance"] for r in judged)
    print(f"  circuits with real traps: {real}; with a reach gap: {sum(r['gap'] > r['tolerance'] for r in judged)}")
    print(
        f"  trainable is True above traps: {sum('trainable is True above traps' in _wrong(r) for r in judged)} (goal 0)"
    )
    times = np.array([r["seconds"] for r in rows])
    middle, most = np.median(times), np.quantile(times, 0.95)
    print(f"  diagnose: median {middle:.1f} s, 95% {most:.1f} s (goal 10), largest {times.max():.1f} s (goal 30)")


if __name__ == "__main__":
    main()
