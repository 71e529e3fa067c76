"""Deep chains of benchmarks/depth.py: log2 variances beside exact values and the orbit floor."""

from __future__ import annotations

import time

import numpy as np
import pennylane as qml
from pennylane import numpy as pnp

from pennylane_wishart.circuit import normal_form
from pennylane_wishart.variances import deep_limit, exact_moments, log2_moments

FAILED: list[str] = []
NARROW = 0.15
"""Standard deviation of the angles of the circuit with log2 values near −200."""


def verdict(label: str, value: float, goal: float, unit: str = "", at_least: bool = False) -> None:
    """Print a figure, its goal and whether it is met."""
    good = value >= goal if at_least else value <= goal
    sign, word = (">=" if at_least else "<="), ("met" if good else "NOT MET")
    print(f"  {label:<62} {value:11.4g} {unit:<3} goal {sign} {goal:g}  {word}", flush=True)
    if not good:
        FAILED.append(label)


def clock(function, *args):
    """Return (result, process seconds)."""
    begin = time.process_time()
    out = function(*args)
    return out, time.process_time() - begin


def brick_qnode(n: int, layers: int, entangler="CZ", gates=("RZ", "RY", "RZ"), observable=None):
    """Rotations on every qubit, entanglers on alternating bonds, Z in the middle by default."""

    @qml.qnode(qml.device("default.qubit", wires=n))
    def qnode(w):
        for layer in range(layers):
            for q in range(n):
                for i, gate in enumerate(gates):
                    getattr(qml, gate)(w[layer, q, i], wires=q)
            for q in range(layer % 2, n - 1, 2):
                if entangler == "IsingZZ":
                    qml.IsingZZ(w[layer, q, len(gates)], wires=[q, q + 1])
                else:
                    getattr(qml, entangler)(wires=[q, q + 1])
        return qml.expval(observable(n) if observable else qml.Z(n // 2))

    width = len(gates) + (entangler == "IsingZZ")
    return qnode, pnp.zeros((layers, n, width), requires_grad=True)


def deep(fast: bool) -> None:
    """Exponentially small values."""
    print("4  deep chains: log2 of E[ℓ²] by matrix products, with the stated error")
    for entangler in ("CZ", "CNOT", "IsingZZ"):
        for n, layers in ((4, 8), (6, 10)) if fast else ((4, 12), (6, 12), (8, 12)):
            _against_exact(entangler, n, layers)
    n, layers, bond = (40, 40, 16) if fast else (100, 100, 32)
    _deep_chain("CZ", n, layers, bond)
    _deep_chain("CNOT", *((40, 20, 32) if fast else (100, 100, 32)))
    _two_hundred_bits()


def _against_exact(entangler: str, n: int, layers: int) -> None:
    """Loss and every gradient, worst error against the stated one."""
    qnode, weights = brick_qnode(n, layers, entangler)
    circuit = normal_form(qnode)(weights)
    exact = exact_moments(circuit, circuit.angle_law())
    live = np.flatnonzero(np.isfinite(exact.log2_gradient_variance))
    got = log2_moments(circuit, circuit.angle_law(), 32, live)
    truth = float(np.log2(exact.loss_second_moment))
    gap = np.abs(got.log2_gradient - exact.log2_gradient_variance[live])
    worst = max(abs(got.log2_second_moment - truth), float(gap.max()))
    outside = abs(got.log2_second_moment - truth) > got.log2_second_moment_error + 1e-9
    outside += int(np.sum(gap > got.log2_gradient_error + 1e-9))
    label = f"{entangler}, n = {n}, {layers} layers ({truth:.3f}): bits off, {len(live)} gradients too"
    verdict(label, worst, 0.1)
    verdict("  of them outside the stated error", outside, 0)


def _deep_chain(entangler: str, n: int, layers: int, bond: int) -> None:
    qnode, weights = brick_qnode(n, layers, entangler)
    circuit = normal_form(qnode)(weights)
    width = weights.shape[2]
    middle = width * n * (layers // 2) + width * (n // 2) + 1
    got, seconds = clock(log2_moments, circuit, circuit.angle_law(), bond, [middle])
    floor = deep_limit(circuit)
    print(f"  {entangler}, n = {n}, {layers} layers, bond {bond}, {seconds:.0f} s:", end=" ")
    print(f"log2 Var[ℓ] = {got.log2_second_moment:.4f} ± {got.log2_second_moment_error:.2g},", end=" ")
    print(f"log2 Var[∂ℓ] in the middle {got.log2_gradient[0]:.3f} ± {got.log2_gradient_error[0]:.2g};")
    print(f"    orbit floor {floor.log2_variance:.3f} ({floor.engine}), ", end="")
    print(f"{got.log2_second_moment - floor.log2_variance:.2f} bits above it")
    verdict("  stated error of log2 Var[ℓ], bits", got.log2_second_moment_error, 0.1)
    above = got.log2_second_moment + got.log2_second_moment_error - floor.log2_variance
    verdict("  not below the floor, bits", above, -0.01, at_least=True)


def _two_hundred_bits() -> None:
    """X on every qubit behind RX, RY and CNOT bricks, narrow angles: below 2^-2n."""

    def everywhere(m):
        return qml.prod(*[qml.X(q) for q in range(m)])

    law, layers = ("normal", NARROW), 4
    values = {}
    for n in (4, 6, 8):
        qnode, weights = brick_qnode(n, layers, "CNOT", ("RX", "RY"), everywhere)
        circuit = normal_form(qnode)(weights)
        exact = float(np.log2(exact_moments(circuit, circuit.angle_law(law)).loss_second_moment))
        got = log2_moments(circuit, circuit.angle_law(law), 32)
        values[n] = exact
        label = f"X on all, CNOT bricks, normal({NARROW}), n = {n} ({exact:.3f}): bits off"
        verdict(label, abs(got.log2_second_moment - exact), max(1e-6, got.log2_second_moment_error))
    qnode, weights = brick_qnode(100, layers, "CNOT", ("RX", "RY"), everywhere)
    circuit = normal_form(qnode)(weights)
    got = log2_moments(circuit, circuit.angle_law(law), 64)
    line = values[8] + (values[8] - values[6]) / 2 * 92
    print(f"  n = 100: log2 E[ℓ²] = {got.log2_second_moment:.4f} ± {got.log2_second_moment_error:.2g},", end=" ")
    print(f"weight cut off {got.discarded:.1e}; the line through n = 6 and 8 says {line:.1f}")
    verdict("  log2 E[ℓ²] at 100 qubits", got.log2_second_moment, -200)
    verdict("  its stated error, bits", got.log2_second_moment_error, 0.1)
    verdict("  bits per qubit off the line of exact values", abs(got.log2_second_moment - line) / 92, 0.1)
