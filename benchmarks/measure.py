"""Measuring at the device's speed, losing nothing: figures beside their goals.

    python benchmarks/measure.py            all items
    python benchmarks/measure.py --fast     fewer repetitions
    python benchmarks/measure.py 1 6        some items

1  gradients per second, 10 qubits and 10 layers, against a plain qml.grad loop of the same run
2  one plan on every device that is installed; quotes against what was executed
3  killed and resumed: nothing acknowledged is lost, none is paid twice, same bits
4  Dask: two workers, one killed
5  faults injected into a device
6  52 descents, 8 qubits and 60 parameters, against SciPy over qml.grad

Ratios are medians of interleaved rounds, so that a busy machine slows both sides alike. Pin one
thread: OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import importlib.util
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pennylane as qml
from pennylane import numpy as pnp
from scipy.optimize import minimize

from pennylane_wishart.errors import MeasurementInterrupted
from pennylane_wishart.measurement import find_minima, measure, quote, stored_runs

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
FAILED: list[str] = []


def verdict(label: str, value: float, goal: float, unit: str = "", at_least: bool = True):
    """Print a figure, its goal and the distance from it."""
    good = value >= goal if at_least else value <= goal
    sign, word = (">=" if at_least else "<="), ("met" if good else "MISSED")
    print(f"  {label:<58} {value:10.2f} {unit:<4} goal {sign} {goal:g}   {word} ({value / goal:.2f} of it)")
    if not good:
        FAILED.append(label)


def hold(label: str, good: bool):
    """Print whether something that must hold does."""
    print(f"  {label:<58} {'yes' if good else 'NO':>10}")
    if not good:
        FAILED.append(label)


def entangling(n: int):
    def circuit(w):
        qml.StronglyEntanglingLayers(w, wires=range(n))
        return qml.expval(qml.Z(0))

    return circuit


def seconds(action) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


# ---------------------------------------------------------------------- 1
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
    from pennylane_wishart.measurement.machines import device_recipe
    from pennylane_wishart.measurement.target import resolve_target

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
    print("1. All 300 gradients, 10 qubits, 10 layers of StronglyEntanglingLayers")
    rounds, samples = (3, 500) if fast else (7, 500)
    w = pnp.zeros((10, 10, 3))
    qnode = qml.QNode(entangling(10), qml.device("lightning.qubit", wires=10))
    run, chunk = measure(qnode, samples=samples), 25
    plain, raw = plain_loop("lightning.qubit", 5), raw_call(100)
    run(w), plain(), raw()
    table = []
    for _ in range(rounds):
        table.append((samples / seconds(lambda: run(w)), 5 / seconds(plain), 100 / seconds(raw)))
    ours, loop, alone = np.median(table, axis=0)
    ratios = np.array(table)
    print(f"  lightning.qubit: {ours:.0f}/s; plain loop {loop:.1f}/s; C++ path alone {alone:.0f}/s")
    verdict("times the plain qml.grad loop", float(np.median(ratios[:, 0] / ratios[:, 1])), 25)
    verdict(
        "slower than the C++ path alone",
        float(np.median(ratios[:, 2] / ratios[:, 0])),
        1.5,
        at_least=False,
    )
    pools = {
        k: concurrent.futures.ProcessPoolExecutor(k, mp_context=multiprocessing.get_context("spawn")) for k in (1, 2)
    }
    gains = []
    for pool in pools.values():
        measure(qnode, samples=100, executor=pool, chunk=chunk)(w)
    for _ in range(1 if fast else 5):
        took = {
            k: seconds(lambda p=p: measure(qnode, samples=4 * samples, executor=p, chunk=chunk)(w))
            for k, p in pools.items()
        }
        gains.append(took[1] / took[2])
    for pool in pools.values():
        pool.shutdown()
    verdict(f"two processes against one ({os.cpu_count()} cores here)", float(np.median(gains)), 1.6)
    default = measure(qnode, samples=256, device="default.qubit", chunk=64)
    plain = plain_loop("default.qubit", 2)
    default(w), plain()
    table = [(256 / seconds(lambda: default(w)), 2 / seconds(plain)) for _ in range(rounds)]
    ratios = np.array(table)
    print(f"  default.qubit: {np.median(ratios[:, 0]):.0f}/s; plain loop {np.median(ratios[:, 1]):.1f}/s")
    verdict(
        "default.qubit, times the plain qml.grad loop",
        float(np.median(ratios[:, 0] / ratios[:, 1])),
        20,
    )


# ---------------------------------------------------------------------- 2
def small(x):
    for layer in range(2):
        for w in range(3):
            qml.RX(x[layer, w], w)
            qml.RY(x[layer, w + 3], w)
        for w in range(3):
            qml.CNOT([w, (w + 1) % 3])
    return qml.expval(qml.Z(0) @ qml.Z(1) + 0.5 * qml.X(2))


def devices():
    """Every device installed here that stands for a kind, and whether it is noisy."""
    from stub_devices import SplittingHardware

    yield "lightning.qubit", lambda: qml.device("lightning.qubit", wires=3), False
    yield "default.qubit", lambda: qml.device("default.qubit", wires=3), False
    yield "stub, one basis per circuit", lambda: SplittingHardware(wires=3), False
    for name, module in (
        ("lightning.kokkos", "pennylane_lightning.lightning_kokkos"),
        ("braket.local.qubit", "braket.pennylane_plugin"),
        ("cirq.simulator", "pennylane_cirq"),
        ("qiskit.aer", "pennylane_qiskit"),
    ):
        try:
            found = importlib.util.find_spec(module) is not None
        except ModuleNotFoundError:
            found = False
        if found:
            yield name, lambda name=name: qml.device(name, wires=3), False
        else:
            print(f"  {name}: not installed here")


def item_2(fast: bool):
    print("2. One plan on every device installed, 200 shots a circuit")
    x, samples = pnp.zeros((2, 6)), 20 if fast else 60
    exact = measure(qml.QNode(small, qml.device("lightning.qubit", wires=3)), samples=samples)(x)
    for name, make, _ in devices():
        device = make()
        qnode = qml.QNode(small, device)
        asked = quote(qnode, samples=samples, shots=200, parameters=2)(x)
        with qml.Tracker(device) as tracker:
            data = measure(qnode, samples=samples, shots=200, parameters=2)(x)
        z = (data.gradients - exact.gradients)[data.measured] / data.gradient_error[data.measured]
        hold(
            f"{name}: residuals have variance {np.var(z):.2f} (5 sigma of 1)",
            abs(np.var(z) - 1) < 5 * np.sqrt(2 / len(z)) + 0.1,
        )
        executed = getattr(device, "circuits", tracker.totals.get("executions"))
        if data.device not in ("lightning.qubit", "default.qubit") and executed is not None:
            hold(
                f"{name}: quoted {asked.executions}, executed {executed}",
                executed == asked.executions,
            )


# ---------------------------------------------------------------------- 3
WORKER = textwrap.dedent(
    """
    import sys, time
    import numpy as np, pennylane as qml
    from pennylane import numpy as pnp
    sys.path.insert(0, sys.argv[3])
    from measure import entangling
    from stub_devices import StubHardware
    from pennylane_wishart.measurement import measure

    class Slow(StubHardware):
        def execute(self, circuits, execution_config=None):
            with open(sys.argv[2], "a") as log:
                log.write("call\\n")
            time.sleep(0.02)
            return super().execute(circuits, execution_config)

    print("ready", flush=True)
    qnode = qml.QNode(entangling(2), Slow(wires=2))
    measure(qnode, samples=60, store=sys.argv[1], check=False, parameters=1)(pnp.zeros((2, 2, 3)))
    """
)


def item_3(fast: bool):
    from stub_devices import StubHardware

    kills = 4 if fast else 20
    print(f"3. SIGKILL at {kills} random moments, resumed each time")
    rng = np.random.default_rng(4)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).resolve().parents[1]), *sys.path]),
    }
    lost = twice = 0
    with tempfile.TemporaryDirectory() as folder:
        store, log = Path(folder) / "journal.db", Path(folder) / "calls.txt"
        kept = done = 0
        for _ in range(kills):
            process = subprocess.Popen(
                [sys.executable, "-c", WORKER, str(store), str(log), str(Path(__file__).parent)],
                stdout=subprocess.PIPE, text=True, env=environment,
            )  # fmt: skip
            process.stdout.readline()
            time.sleep(rng.uniform(0.02, 0.25))
            process.send_signal(signal.SIGKILL)
            process.wait()
            process.stdout.close()
            done += 1
            has_rows = store.exists() and store.stat().st_size > 0
            runs = stored_runs(store) if has_rows else []
            found = runs[0]["samples"] if runs else 0
            lost += max(0, kept - found)
            kept = found
        paid = len(log.read_text().splitlines()) if log.exists() else 0
        # One call may have been under way, unanswered, at each kill.
        twice = max(0, paid - kept - done)
        device = StubHardware(wires=2)
        qnode = qml.QNode(entangling(2), device)
        w = pnp.zeros((2, 2, 3))
        data = measure(qnode, samples=60, store=store, check=False, parameters=1)(w)
        whole = measure(qml.QNode(entangling(2), StubHardware(wires=2)), samples=60, parameters=1)(w)
    print(f"  samples kept at the kills: {kept} of 60; calls paid {paid}; calls to finish {device.calls}")
    hold("every acknowledged sample kept", lost == 0)
    hold("none paid twice", twice == 0 and device.calls == 60 - kept)
    same = all(
        np.array_equal(getattr(data, k), getattr(whole, k), equal_nan=True) for k in ("losses", "gradients", "angles")
    )
    hold("final numbers bit-identical to an uninterrupted run", same)


# ---------------------------------------------------------------------- 4
def item_4(fast: bool):
    print("4. Dask: two workers, one killed mid-run")
    if importlib.util.find_spec("distributed") is None:
        print("  dask.distributed is not installed here: skipped (pip install 'pennylane-wishart[distributed]')")
        return
    from dask.distributed import Client, LocalCluster

    w, samples = pnp.zeros((4, 6, 3)), 2000 if fast else 8000
    qnode = qml.QNode(entangling(6), qml.device("lightning.qubit", wires=6))
    alone = measure(qnode, samples=samples)(w)
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        measure(qnode, samples=100, executor=client)(w)
        victim = next(iter(client.run(os.getpid).values()))
        timer = threading.Timer(0.3, os.kill, (victim, signal.SIGKILL))
        timer.start()
        data = measure(qnode, samples=samples, executor=client)(w)
        timer.join()
        hold(
            "complete, identical numbers, client left open",
            np.array_equal(alone.gradients, data.gradients) and client.status == "running",
        )


# ---------------------------------------------------------------------- 5
def item_5(fast: bool):
    from stub_devices import FaultyHardware

    print("5. Faults injected into a device")
    w = pnp.zeros((2, 2, 3))
    exact = measure(qml.QNode(entangling(2), qml.device("lightning.qubit", wires=2)), samples=10)(w)
    for fault in ("exception", "timeout", "nan", "shape", "missing", "hang"):
        limit = 1.0 if fault == "hang" else None
        device = FaultyHardware(wires=2, fault=fault, every=4)
        data = measure(qml.QNode(entangling(2), device), samples=10, backoff=0.01, timeout=limit)(w)
        right = np.abs(data.gradients - exact.gradients).max() < 1e-9
        hold(f"{fault} at every 4th call: retried, right numbers", right)
        device = FaultyHardware(wires=2, fault=fault, every=1, after=6)
        try:
            measure(qml.QNode(entangling(2), device), samples=10, backoff=0.01, timeout=limit)(w)
            hold(f"{fault} for good: a clear error", False)
        except MeasurementInterrupted as error:
            kept = error.partial is not None and error.partial.samples == 5
            hold(
                f"{fault} for good: a clear error, 5 samples kept",
                kept and "failed 3 times" in str(error),
            )


# ---------------------------------------------------------------------- 6
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
    print("6. find_minima: 52 starts, 8 qubits, 60 parameters, lightning.qubit")
    qnode = qml.QNode(sixty, qml.device("lightning.qubit", wires=8))
    w = pnp.array(np.zeros(60), requires_grad=True)
    gradient = qml.grad(qnode)
    starts = 12 if fast else 52
    few = 2 if fast else 4

    def plain(x):
        value = gradient(pnp.array(x, requires_grad=True))
        return float(gradient.forward), np.asarray(value)

    begin = measure(qnode, samples=starts, parameters=0)(w).angles
    find_minima(qnode, starts=1)(w)
    spent: dict[str, list[float]] = {"ours": [], "plain": []}
    calls = 0
    for k in range(few):
        took = time.perf_counter()
        result = minimize(
            plain,
            begin[k],
            jac=True,
            method="L-BFGS-B",
            options={"gtol": 1e-7, "ftol": 0.0, "maxiter": 2000, "maxcor": 20},
        )
        spent["plain"].append(time.perf_counter() - took)
        calls += result.nfev
        search = find_minima(qnode, starts=starts // few, seed=7 + k)
        spent["ours"].append(seconds(lambda search=search: search(w)) / (starts // few))
    found = find_minima(qnode, starts=starts)(w)
    print("  " + str(found).replace("\n", "\n  "))
    print(f"  SciPy over qml.grad: {np.mean(spent['plain']):.2f} s a start ({calls / few:.0f} gradients each)")
    print(f"  find_minima with Hessians and clusters: {1e3 * np.mean(spent['ours']):.0f} ms a start")
    verdict(
        "times faster than SciPy over qml.grad",
        float(np.mean(spent["plain"]) / np.mean(spent["ours"])),
        15,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("items", nargs="*", type=int, choices=range(1, 7), default=[])
    parser.add_argument("--fast", action="store_true")
    options = parser.parse_args()
    for k in options.items or range(1, 7):
        took = seconds(lambda k=k: globals()[f"item_{k}"](options.fast))
        print(f"  ({took:.0f} s)\n")
    print("All goals met." if not FAILED else "Not met: " + "; ".join(FAILED))
    return 1 if FAILED else 0


if __name__ == "__main__":
    sys.exit(main())
