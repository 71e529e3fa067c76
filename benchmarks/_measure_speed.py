"""Speed of measuring: gradients a second (item 1) and descents (item 6), with goals beside them."""

from __future__ import annotations

import os
import time

import numpy as np
import pennylane as qml
from _measure_common import entangling, hold, info, seconds, verdict
from pennylane import numpy as pnp
from scipy.optimize import minimize

from pennylane_wishart.measurement import find_minima, measure, process_pool


def plain_loop(device: str, count: int):
    """The loop that everyone writes."""
    qnode = qml.QNode(entangling(10), qml.device(device, wires=10))
    gradient = qml.grad(qnode)
    rng = np.random.default_rng(0)

    def loop():
        for _ in range(count):
            gradient(pnp.array(rng.uniform(0, 2 * np.pi, (10, 10, 3)), requires_grad=True))

    return loop


def raw_call(count: int):
    """State preparation, serialisation and the C++ call alone."""
    from pennylane_wishart.measurement.engine import Engine
    from pennylane_wishart.measurement.recipes import device_recipe
    from pennylane_wishart.measurement.setup import resolve_target

    qnode = qml.QNode(entangling(10), qml.device("lightning.qubit", wires=10))
    target = resolve_target(qnode, (pnp.zeros((10, 10, 3)),), {})
    route = Engine(target.task(device_recipe(None, qnode.device, target.trace.wires)))._derivative
    numbers = np.random.default_rng(0).uniform(0, 2 * np.pi, 300).tolist()

    def loop():
        for _ in range(count):
            route._state(numbers)
            route._slopes()

    return loop


def item_1(fast: bool):
    """Gradients a second at 10 qubits and 10 layers."""
    print("1. All 300 gradients, 10 qubits, 10 layers of StronglyEntanglingLayers")
    rounds, samples = (3, 500) if fast else (7, 500)
    w = pnp.zeros((10, 10, 3))
    qnode = qml.QNode(entangling(10), qml.device("lightning.qubit", wires=10))
    run = measure(qnode, samples=samples)
    plain, raw = plain_loop("lightning.qubit", 5), raw_call(100)
    run(w), plain(), raw()
    table = []
    for _ in range(rounds):
        table.append((samples / seconds(lambda: run(w)), 5 / seconds(plain), 100 / seconds(raw)))
    ours, loop, alone = np.median(table, axis=0)
    ratios = np.array(table)
    info(f"lightning.qubit: {ours:.0f}/s, set-up included; plain loop {loop:.1f}/s; C++ path alone {alone:.0f}/s")
    verdict("times the plain qml.grad loop", float(np.median(ratios[:, 0] / ratios[:, 1])), 25)
    verdict("slower than the C++ path alone", float(np.median(ratios[:, 2] / ratios[:, 0])), 1.5, at_least=False)
    two_processes(qnode, w, 2000 if fast else 4000, 3 if fast else 5)
    default_qubit(w, rounds)


def two_processes(qnode, w, samples: int, rounds: int):
    """Two worker processes against one, their start timed apart."""
    start = time.perf_counter()
    with process_pool(1) as one, process_pool(2) as two:
        info(f"starting 1 + 2 processes, import of PennyLane included: {time.perf_counter() - start:.1f} s, once")
        gains = []
        for pool in (one, two):
            measure(qnode, samples=100, executor=pool)(w)
        for _ in range(rounds):
            took = [seconds(lambda p=p: measure(qnode, samples=samples, executor=p)(w)) for p in (one, two)]
            gains.append(took[0] / took[1])
        alone = measure(qnode, samples=100)(w)
        shared = measure(qnode, samples=100, executor=two)(w)
    verdict(f"two processes against one, median of {rounds} ({os.cpu_count()} cores)", float(np.median(gains)), 1.6)
    hold("two processes: the same bits", alone.gradients.tobytes() == shared.gradients.tobytes())


def default_qubit(w, rounds: int):
    """Broadcast adjoint on default.qubit, and gates that are Pauli words of several wires."""
    qnode = qml.QNode(entangling(10), qml.device("default.qubit", wires=10))
    run, plain = measure(qnode, samples=200), plain_loop("default.qubit", 2)
    run(w), plain()
    ratios = np.array([(200 / seconds(lambda: run(w)), 2 / seconds(plain)) for _ in range(rounds)])
    info(f"default.qubit: {np.median(ratios[:, 0]):.0f}/s; plain loop {np.median(ratios[:, 1]):.1f}/s")
    verdict("default.qubit, times the plain qml.grad loop", float(np.median(ratios[:, 0] / ratios[:, 1])), 20)

    @qml.qnode(qml.device("default.qubit", wires=3))
    def words(x):
        for layer in range(12):
            for k, word in enumerate(("XIZ", "ZXI", "YIX", "ZZI", "IYX", "XYY")):
                qml.PauliRot(x[layer, k], word, wires=range(3))
        return qml.expval(qml.Z(1))

    gradient, x = qml.grad(words), pnp.zeros((12, 6), requires_grad=True)
    run = measure(words, samples=500)
    run(x), gradient(x)
    ratios = np.array([(500 / seconds(lambda: run(x)), 1 / seconds(lambda: gradient(x))) for _ in range(rounds)])
    info(f"72 Pauli rotations on 3 qubits: {np.median(ratios[:, 0]):.0f}/s; plain {np.median(ratios[:, 1]):.1f}/s")
    verdict("the same for Pauli rotations", float(np.median(ratios[:, 0] / ratios[:, 1])), 20)


def sixty(w):
    """8 qubits, 60 parameters."""
    k = 0
    while k < 60:
        for gate in (qml.RY, qml.RZ):
            for i in range(8):
                if k < 60:
                    gate(w[k], i)
                    k += 1
        for i in range(8):
            qml.CNOT([i, (i + 1) % 8])
    return qml.expval(
        qml.dot(
            [1.0] * 8 + [0.7] * 8,
            [qml.Z(i) @ qml.Z((i + 1) % 8) for i in range(8)] + [qml.X(i) for i in range(8)],
        )
    )


def item_6(fast: bool):
    """Descents against SciPy over qml.grad."""
    print("6. find_minima: 52 starts, 8 qubits, 60 parameters, lightning.qubit")
    qnode = qml.QNode(sixty, qml.device("lightning.qubit", wires=8))
    w = pnp.array(np.zeros(60), requires_grad=True)
    gradient = qml.grad(qnode)
    starts, few = (12, 2) if fast else (52, 4)

    def plain(x):
        value = gradient(pnp.array(x, requires_grad=True))
        return float(gradient.forward), np.asarray(value)

    begin = measure(qnode, samples=starts, parameters=0)(w).angles
    find_minima(qnode, starts=1)(w)
    slow, quick, ends, calls = [], [], [], 0
    for k in range(few):
        # The same optimiser with the same settings, in turn with ours: a busy machine slows both.
        start = time.perf_counter()
        options = {"gtol": 1e-7, "ftol": 0.0, "maxiter": 2000, "maxcor": 20}
        result = minimize(plain, begin[k], jac=True, method="L-BFGS-B", options=options)
        slow.append(time.perf_counter() - start)
        calls, ends = calls + result.nfev, [*ends, float(result.fun)]
        share = starts // few
        quick.append(seconds(lambda k=k, n=share: find_minima(qnode, starts=n, seed=7 + k)(w)) / share)
    found = find_minima(qnode, starts=starts)(w)
    for line in str(found).split("\n"):
        info(line.strip())
    info(f"SciPy over qml.grad: {np.mean(slow):.2f} s a start, {calls / few:.0f} gradients each")
    info(f"find_minima with Hessians and clusters: {1e3 * np.mean(quick):.0f} ms a start")
    info(f"ends of the same {few} starts: SciPy {np.round(ends, 5)}, ours {np.round(found.losses[:few], 5)}")
    verdict("times faster than SciPy over qml.grad", float(np.mean(slow) / np.mean(quick)), 15)
    hold("every end is a minimum or is said not to be", bool(np.all(found.converged | ~found.is_minimum)))
