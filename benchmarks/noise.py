"""Variances under noise: figures beside their goals.

    python benchmarks/noise.py              all items
    python benchmarks/noise.py --fast       fewer circuits and walkers
    python benchmarks/noise.py 1 4          some items
    python benchmarks/noise.py 4 --figure noise.png

1  exact engines against density matrices averaged by an independent program; walkers against exact ones
2  backends and noisy simulators: predicted against measured gradient variances
3  100 qubits, 10 layers, depolarising noise after every gate: time and errors beside those without noise
4  known results: damping by hits, the plateau's slope, what non-unital noise keeps alive
5  a noise model fitted from calibration runs: intervals that hold the hidden rates

Pin one thread: OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1. Times are process times of one core.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pennylane as qml
from pennylane import numpy as pnp

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import noisy_circuits as drawn  # noqa: E402
from _depth_chains import FAILED, verdict  # noqa: E402
from references import noisy  # noqa: E402

import pennylane_wishart as pw  # noqa: E402
from pennylane_wishart.circuit import RotationCircuit, noise_free, normal_form  # noqa: E402
from pennylane_wishart.variances import can_walk, exact_moments, walk  # noqa: E402


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


def hidden(rates: tuple, one: tuple, zero: tuple, measured: type) -> qml.NoiseModel:
    """Depolarising and damping behind every gate, readout errors before what is measured."""

    def behind(op: qml.operation.Operator, **_: object) -> None:
        p, gamma = rates[len(op.wires) > 1]
        for w in op.wires:
            qml.DepolarizingChannel(p, w)
            qml.AmplitudeDamping(gamma, w)

    def before(op: qml.measurements.MeasurementProcess, **_: object) -> None:
        for w in op.wires:
            qml.ResetError(zero[w], one[w], w)

    gates = qml.BooleanFn(lambda op: op.name in ("RX", "RY", "RZ", "CNOT"))
    return qml.NoiseModel({gates: behind}, meas_map={qml.noise.meas_eq(measured): before})


def small_qnode(n: int, layers: int, ring: bool, device: qml.devices.Device) -> qml.QNode:
    bonds = [(q, (q + 1) % n) for q in range(n if ring and n > 2 else n - 1)]

    @qml.qnode(device)
    def circuit(x):
        for layer in x:
            for q in range(n):
                qml.RX(layer[q, 0], q)
                qml.RZ(layer[q, 1], q)
            for bond in bonds:
                qml.CNOT(bond)
        return qml.expval(qml.Z(0) @ qml.Z(1))

    return circuit


def devices(fast: bool) -> None:
    """Predicted against measured totals, the noise-free gradients at the same angles as control variate."""
    print("2  default.mixed under a noise model, six circuits")
    samples = 10 if fast else 60
    for n, layers, ring in ((2, 2, False), (2, 3, False), (2, 4, False), (3, 2, False), (3, 2, True), (3, 3, True)):
        device = qml.device("default.mixed", wires=n)
        qnode = small_qnode(n, layers, ring, device)
        x = pnp.array(np.full((layers, n, 2), 0.1), requires_grad=True)
        model = hidden(RATES, ONE, ZERO, qml.expval)
        pred = pw.predict(qnode, noise=model)(x)
        data = pw.measure(qnode, samples=samples, device=qml.add_noise(device, model), progress=False)(x)
        free = pw.measure(qnode, samples=samples, device=qml.device("lightning.qubit", wires=n), progress=False)(x)
        scale = np.nansum(data.gradients**2) / np.nansum(np.where(data.measured, free.gradients, 0.0) ** 2)
        total = scale * float(np.sum(pred.noise.free.gradient_variance))
        plain = float(np.sum(pred.noise.free.gradient_variance)) / total
        ratio = float(np.sum(pred.gradient_variance)) / total
        where = f"{n} wires, {layers} layers, {'ring' if ring else 'chain'}: |predicted/measured − 1|"
        verdict(f"{where} (without noise {plain:.2f})", abs(ratio - 1), 0.05)


# ------------------------------------------------------------------ 3
def layered(n: int, layers: int, p: float, channel: type = qml.DepolarizingChannel) -> qml.tape.QuantumScript:
    """Three rotations a qubit and a chain of CNOTs a layer, a channel behind every gate."""
    ops: list[qml.operation.Operator] = []
    trainable, at = [], 0

    def noise(*wires: int) -> None:
        nonlocal at
        for w in wires if p else ():
            ops.append(channel(p, w))
            at += 1

    for _ in range(layers):
        for q in range(n):
            for gate in (qml.RZ, qml.RY, qml.RZ):
                trainable.append(at)
                ops.append(gate(0.1, q))
                at += 1
                noise(q)
        for q in range(n - 1):
            ops.append(qml.CNOT([q, q + 1]))
            noise(q, q + 1)
    return qml.tape.QuantumScript(ops, [qml.expval(qml.Z(n // 2))], trainable_params=trainable)


def brickwork(n: int, layers: int, p: float) -> qml.tape.QuantumScript:
    """RY and RX on every qubit and CZ on alternating bonds, depolarising noise behind every gate."""
    ops: list[qml.operation.Operator] = []
    trainable, at = [], 0
    for layer in range(layers):
        bonds = [(q, q + 1) for q in range(layer % 2, n - 1, 2)]
        for gate, *wires in (*((g, q) for q in range(n) for g in (qml.RY, qml.RX)), *((qml.CZ, *b) for b in bonds)):
            if gate is not qml.CZ:
                trainable.append(at)
                at += 1
            ops.append(qml.CZ(wires) if gate is qml.CZ else gate(0.1, wires[0]))
            for w in wires:
                ops.append(qml.DepolarizingChannel(p, w))
                at += 1
    return qml.tape.QuantumScript(ops, [qml.expval(qml.Z(n // 2))], trainable_params=trainable)


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
def known_results(fast: bool, figure: str | None = None) -> None:
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
    if figure:
        _draw(depths, curves, figure)


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


def _draw(depths: list[int], curves: dict[str, list[float]], path: str) -> None:
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots()
    for name, curve in curves.items():
        axis.semilogy(depths, curve, "o-", label=name)
    axis.set(xlabel="layers", ylabel="summed gradient variances of the last layer")
    axis.legend(title="noise")
    figure.savefig(path)
    print(f"   figure: {path}")


# ------------------------------------------------------------------ 5
def fits(fast: bool) -> None:
    """Hidden rates within their intervals, over trials; the prediction from a fit beside that from the hidden model."""
    trials = 4 if fast else 40
    print(f"5  fit_noise on default.mixed with a hidden model, {trials} trials")
    rng = np.random.default_rng(0)
    inside, worst = [], 0.0
    for trial in range(trials):
        rates = tuple((rng.uniform(0, 0.01 + 0.03 * two), rng.uniform(0, 0.01 + 0.02 * two)) for two in (0, 1))
        one, zero = tuple(rng.uniform(0.005, 0.05, 2)), tuple(rng.uniform(0.01, 0.1, 2))
        device = qml.add_noise(qml.device("default.mixed", wires=2, seed=trial), hidden(rates, one, zero, qml.probs))
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


ITEMS = {1: accuracy, 2: devices, 3: large, 4: known_results, 5: fits}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("items", nargs="*", type=int, default=list(ITEMS))
    parser.add_argument("--fast", action="store_true", help="fewer circuits and walkers")
    parser.add_argument("--figure", help="file for the figure of item 4")
    asked = parser.parse_args()
    warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
    for item in asked.items:
        start = time.process_time()
        if item == 4:
            known_results(asked.fast, asked.figure)
        else:
            ITEMS[item](asked.fast)
        print(f"   {time.process_time() - start:.1f} s")
    sys.exit(bool(FAILED))


if __name__ == "__main__":
    main()
