"""Variances under noise: figures beside their goals.

    python benchmarks/noise.py              all items
    python benchmarks/noise.py --fast       fewer circuits and walkers
    python benchmarks/noise.py 1 4          some items
    python benchmarks/noise.py 4 6 --figure docs/noise.png

1  exact engines against density matrices averaged by an independent program; walkers against exact ones
2  backends and noisy simulators: what noise="device" predicts against exact runs of what their plugins compile
3  100 qubits, 10 layers, depolarising noise after every gate: time and errors beside those without noise
4  known results: damping by hits, the plateau's slope, what non-unital noise keeps alive
5  a noise model fitted from calibration runs: intervals that hold the hidden rates
6  families: where noise, not the ansatz, is the limit

Pin one thread: OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1. Times are process times of one core.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pennylane as qml
from pennylane import numpy as pnp

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import _noisy_machines  # noqa: E402
import noisy_circuits as drawn  # noqa: E402
from _depth_chains import FAILED, verdict  # noqa: E402
from _noise_circuits import bricks, brickwork, hidden, layered, small_qnode  # noqa: E402
from references import noisy  # noqa: E402

import pennylane_wishart as pw  # noqa: E402
from pennylane_wishart.circuit import RotationCircuit, noise_free, normal_form  # noqa: E402
from pennylane_wishart.variances import can_walk, exact_moments, walk  # noqa: E402
from pennylane_wishart.variances.sweepers import sweeps_of  # noqa: E402


def circuit_of(case: tuple) -> RotationCircuit:
    return normal_form(drawn.tape_of(*case))()


# ------------------------------------------------------------------ 1
def accuracy(fast: bool) -> None:
    """Exact against density matrices, walkers against exact."""
    print("1  accuracy")
    count, worst = 12 if fast else 210, 0.0
    for seed in range(count):
        n = (2, 3, 2, 3, 4)[seed % 5] if not fast else 2
        kinds = drawn.PAULI if seed % 2 else drawn.EVERY
        case = drawn.draw(seed, n, kinds, n_gates=10, terms=3 if seed % 4 == 3 else 1, rich=seed % 3 > 0)
        mean, second = noisy.averages(*case[:2], list(range(n)), case[2])
        circuit = circuit_of(case)
        found = exact_moments(circuit, circuit.angle_law())
        worst = max(worst, abs(found.loss_variance - second[0] + mean[0] ** 2), abs(found.loss_mean - mean[0]))
        worst = max(worst, float(np.abs(found.gradient_variance - (second - mean**2)[1:]).max()))
    verdict(f"exact − density matrices, {count} circuits, n ≤ 4, every channel", worst, 1e-9)
    _walkers(10 if fast else 100)


def _walkers(count: int) -> None:
    outside, total, at = 0, 0, 0
    for seed in range(1000, 3000):
        n = 6 + seed % 3
        case = drawn.draw(seed, n, drawn.PAULI, n_gates=30, rich=False)
        circuit = circuit_of(case)
        law = circuit.angle_law()
        exact = exact_moments(circuit, law)
        if can_walk(circuit, law) or exact.dead.all():
            continue
        found = walk(circuit, law, 50_000, seed)
        known = found.known & ~exact.dead
        gap = np.abs(found.gradient_variance - exact.gradient_variance)[known]
        outside += int(np.sum(gap > 3 * found.gradient_variance_error[known] + 1e-12))
        total += int(known.sum())
        at += 1
        if at == count:
            break
    # a normal law leaves 0.27% outside three errors
    verdict(f"walkers outside three errors, {total} gradients of {at} circuits, n = 6–8", outside / total, 0.01)


# ------------------------------------------------------------------ 2
RATES = ((0.004, 0.003), (0.02, 0.01))
"""(depolarising, damping) of one-wire and of two-wire gates."""
ONE, ZERO = (0.02, 0.04, 0.03), (0.06, 0.03, 0.05)
"""Readout: 0 read as 1, 1 read as 0."""


def devices(fast: bool) -> None:
    """What noise="device" predicts against density matrices of what the plugins run, six circuits a device.

    Truth: E[g²] by parameter shifts at random angles, every shifted circuit compiled by its plugin and run exactly; the
    predicted model's own gradients at the same angles, whose average is exact, are the control variate. Devices whose
    plugin is missing are skipped.
    """
    mixed = hidden(RATES, ONE, ZERO, qml.expval)
    own = (lambda n: qml.device("default.mixed", wires=n), _noisy_machines.plugin_losses, mixed)
    for name, (make, losses, noise) in {"default.mixed under a model": own, **_noisy_machines.MACHINES}.items():
        try:
            make(2)
        except (ImportError, qml.exceptions.DeviceError) as error:
            print(f"2  {name}: SKIPPED, {error}")
            continue
        print(f"2  {name}")
        for n, layers, ring in ((2, 2, False), (2, 4, False), (3, 2, False), (3, 3, False), (3, 2, True), (4, 2, True)):
            _device(make(n), losses, noise, (n, layers, ring), 3 if fast else 6)


def _device(device: qml.devices.Device, losses: Callable, noise: str | qml.NoiseModel, shape: tuple, samples: int):
    n, layers, ring = shape
    qnode = small_qnode(n, layers, ring, device)
    x = pnp.array(np.full((layers, n, 2), 0.1), requires_grad=True)
    pred = pw.predict(qnode, noise=noise)(x)
    run = qnode if isinstance(noise, str) else qml.add_noise(qnode, noise)
    points = np.random.default_rng(5).uniform(0, 2 * np.pi, (samples, x.size))
    live = np.flatnonzero(pred.gradient_variance > 0)
    shifted = [p + side * np.pi / 2 * np.eye(x.size)[k] for p in points for k in live for side in (1, -1)]
    values = losses(run, [np.reshape(p, x.shape) for p in shifted])
    true = (np.reshape(values, (samples, len(live), 2)) @ [0.5, -0.5]) ** 2
    noisy = pred.noise.circuit
    model = sweeps_of(noisy)(np.array([noisy.angles_of(p) for p in points]))[1][:, live] ** 2
    exact = (pred.gradient_variance + pred.moments.gradient_mean**2)[live]
    plain = float(pred.noise.free.gradient_variance.sum())
    # leaving one set of angles out in turn gives the error of a ratio of sums
    kept = [np.arange(samples), *(np.delete(np.arange(samples), i) for i in range(samples))]
    totals = np.array([true[i].sum() / model[i].sum() for i in kept]) * exact.sum()
    each = np.array([true[i].sum(axis=0) / model[i].sum(axis=0) for i in kept])
    spread = np.sqrt((samples - 1) * np.var(each[1:], axis=0))
    off = np.abs(1 / each[0] - 1) > np.maximum(0.1, 2 * spread)
    doubt = float(np.sqrt((samples - 1) * np.var(totals[1:])) / totals[0])
    where = f"{n} wires, {layers} layers, {'ring' if ring else 'chain'}"
    verdict(
        f"{where}: |predicted/true − 1| (truth ± {doubt:.3f}; without noise {plain / totals[0]:.2f}; {off.sum()} of "
        f"{len(live)} parameters off by over 10% and two errors, {exact[off].sum() / exact.sum():.1%} of the total)",
        abs(float(exact.sum()) / totals[0] - 1),
        0.05,
    )


# ------------------------------------------------------------------ 3
def large(fast: bool) -> None:
    """Time and precision at 100 qubits."""
    n, layers, walkers = (40, 4, 100_000) if fast else (100, 10, 1_000_000)
    for name, make in (("chains of CNOT", layered), ("brickwork of CZ", brickwork)):
        print(f"3  {n} qubits, {layers} layers, {name}, {walkers:,} walkers")
        _timed(normal_form(make(n, layers, 1e-3))(), walkers, precise=make is brickwork)


def _timed(circuit: RotationCircuit, walkers: int, precise: bool) -> None:
    """Time with and without noise; precision where words stay short enough for walkers to give values at all."""
    plain = noise_free(circuit)
    seconds, found = {}, {}
    for name, one in (("without", plain), ("with", circuit)):
        start = time.process_time()
        found[name] = walk(one, one.angle_law(), walkers, 1)
        seconds[name] = time.process_time() - start
    print(
        f"   {len(circuit.channels):,} channels: {seconds['without']:.1f} s without, {seconds['with']:.1f} s with noise"
    )
    verdict("time with noise over time without", seconds["with"] / seconds["without"], 2.0)
    for name, m in found.items():
        live = ~m.dead
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = np.where(m.known, m.gradient_variance_error / m.gradient_variance, np.inf)[live]
        print(f"   {name} noise: {live.sum()} live parameters, median error {np.median(relative):.3f}")
        if precise and name == "with":
            verdict("share of live parameters whose error is above 5%", float(np.mean(relative > 0.05)), 0.05)


# ------------------------------------------------------------------ 4
def known_results(fast: bool) -> None:
    """Damping by hits, the plateau's slope, gradients that non-unital noise keeps."""
    print("4  known results")
    verdict("damping λ^(2·hits), exact − product", _hits(), 1e-12)
    slope, expected = _plateau(30 if fast else 60)
    verdict("Pauli-channel plateau: relative error of its slope", abs(slope / expected - 1), 0.01)
    depths = [2, 4, 8] if fast else [2, 4, 8, 12, 16]
    curves = {}
    for name, channel in (("none", None), ("depolarising", qml.DepolarizingChannel), ("damping", qml.AmplitudeDamping)):
        curves[name] = [_last_layer(depth, channel) for depth in depths]
        print("   last layer's Σ Var[∂ℓ],", name.ljust(12), " ".join(f"{v:.2e}" for v in curves[name]))
    fall = {name: curve[-1] / curve[0] for name, curve in curves.items()}
    verdict("last layer: fall under depolarising over fall under damping", fall["depolarising"] / fall["damping"], 1e-2)
    DRAWN["layers"] = (depths, curves)


def _hits() -> float:
    """A word that never moves is damped by every channel that it meets, squared."""
    p, count = 0.07, 9
    ops = [qml.RX(0.1, 0)]
    for _ in range(count):
        ops.append(qml.DepolarizingChannel(p, 0))
    tape = qml.tape.QuantumScript(ops, [qml.expval(qml.Z(0))], trainable_params=[0])
    circuit = normal_form(tape)()
    return abs(exact_moments(circuit, circuit.angle_law()).gradient_variance[0] - 0.5 * (1 - 4 * p / 3) ** (2 * count))


def _plateau(layers: int) -> tuple[float, float]:
    """Bits a layer that log2 Var[ℓ] falls by, and what the plateau says: one qubit, depolarising behind RX, RY, RX.

    Uniform rotations about two axes mix X, Y, Z completely within the layer, whose three channels leave λ⁶ each.
    """
    p, bits = 0.03, []
    for depth in (layers // 2, layers):
        circuit = normal_form(layered(1, depth, p))()
        bits.append(np.log2(exact_moments(circuit, circuit.angle_law()).loss_second_moment))
    return (bits[1] - bits[0]) / (layers - layers // 2), 6 * np.log2(1 - 4 * p / 3)


def _last_layer(depth: int, channel: type | None) -> float:
    """Summed variances of the last layer's gradients, four qubits."""
    tape = layered(4, depth, 0.0 if channel is None else 0.1, channel or qml.DepolarizingChannel)
    circuit = normal_form(tape)()
    found = exact_moments(circuit, circuit.angle_law())
    return float(found.gradient_variance[-12:].sum())


# ------------------------------------------------------------------ 5
def fits(fast: bool) -> None:
    """Hidden rates within their intervals, over trials; the prediction from a fit beside that from the hidden model."""
    trials = 4 if fast else 40
    name = _noisy_machines.hidden_name()
    print(f"5  fit_noise on {name} with a hidden model, {trials} trials")
    rng = np.random.default_rng(0)
    inside, worst = [], 0.0
    for trial in range(trials):
        rates = tuple((rng.uniform(0, 0.01 + 0.03 * two), rng.uniform(0, 0.01 + 0.02 * two)) for two in (0, 1))
        one, zero = tuple(rng.uniform(0.005, 0.05, 2)), tuple(rng.uniform(0.01, 0.1, 2))
        device = _noisy_machines.hidden_device(name, trial, rates, one, zero, hidden(rates, one, zero, qml.probs))
        found = pw.fit_noise(device, [0, 1], seed=trial)
        fitted = (*found.read_one, *found.read_zero, *found.depolarizing, *found.damping)
        true = (*one, *zero, rates[0][0], rates[1][0], rates[0][1], rates[1][1])
        inside += [r.low <= t <= r.high for r, t in zip(fitted, true, strict=True)]
        qnode = small_qnode(2, 3, False, qml.device("default.mixed", wires=2))
        x = pnp.array(np.full((3, 2, 2), 0.1), requires_grad=True)
        models = (found.model, hidden(rates, one, zero, qml.expval))
        totals = [float(pw.predict(qnode, noise=m)(x).gradient_variance.sum()) for m in models]
        worst = max(worst, abs(totals[0] / totals[1] - 1))
    verdict("share of rates within their 95% intervals", float(np.mean(inside)), 0.9, at_least=True)
    verdict("worst prediction from a fit, relative", worst, 0.15)


# ------------------------------------------------------------------ 6
def families(fast: bool) -> None:
    """Sizes and depths at which noise, not the ansatz, is the limit."""
    sizes, depths = ([4, 6], [2, 8]) if fast else ([4, 6, 8], [2, 4, 8, 16, 32])
    print(f"6  families: brickwork of CZ under depolarising noise of 0.2% a gate and wire, sizes {sizes}")

    def behind(op: qml.operation.Operator, **_: object) -> None:
        for w in op.wires:
            qml.DepolarizingChannel(2e-3, w)

    model = qml.NoiseModel({qml.BooleanFn(lambda op: op.name in ("RY", "RX", "CZ")): behind})
    study = pw.scaling(
        bricks, sizes, lambda n, depth: pnp.zeros((depth, n, 2)), depths=depths, noise=model, progress=False
    )
    print("   " + str(study).replace("\n", "\n   "))
    limited = {(p.n, p.depth) for p in study.noise_limited}
    # unital noise takes more with every layer, whatever the ansatz does
    kept = [all((n, e) in limited for e in depths if e > d) for n, d in limited]
    verdict("depths beyond a limited one that are not limited", float(np.sum(~np.array(kept, bool))), 0)
    verdict("variances that noise raises", float(sum(p.noise_bits < 0 for p in study.points)), 0)
    DRAWN["family"] = study


# ------------------------------------------------------------------ figure
DRAWN: dict[str, object] = {}
"""What items 4 and 6 leave to be drawn."""


def draw(path: str) -> None:
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    depths, curves = DRAWN["layers"]
    for name, curve in curves.items():
        left.semilogy(depths, curve, "o-", label=name)
    left.set(
        xlabel="layers", ylabel="Σ Var[∂ℓ] of the last layer", title="Non-unital noise keeps the last layers alive"
    )
    left.legend(title="noise")
    study = DRAWN["family"]
    for at, n in enumerate(study.sizes):
        points = [p for p in study.points if p.n == n]
        line = [p.depth for p in points]
        right.plot(line, [p.free.value for p in points], "--", color=f"C{at}")
        right.plot(line, [p.log2_variance for p in points], "-", color=f"C{at}", label=f"{n} qubits")
    hit = study.noise_limited
    right.plot([p.depth for p in hit], [p.log2_variance for p in hit], "kx", ms=9, label="noise is the limit")
    right.set(xlabel="layers", ylabel="log2 median Var[∂ℓ]", title="With noise (full) and without (dashed)")
    right.legend()
    figure.savefig(path, dpi=110)
    print(f"figure: {path}")


ITEMS = {1: accuracy, 2: devices, 3: large, 4: known_results, 5: fits, 6: families}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("items", nargs="*", type=int, default=list(ITEMS))
    parser.add_argument("--fast", action="store_true", help="fewer circuits and walkers")
    parser.add_argument("--figure", help="file for the figure of items 4 and 6")
    asked = parser.parse_args()
    warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
    for item in asked.items:
        start = time.process_time()
        ITEMS[item](asked.fast)
        print(f"   {time.process_time() - start:.1f} s", flush=True)
    if asked.figure:
        draw(asked.figure)
    sys.exit(bool(FAILED))


if __name__ == "__main__":
    main()
