"""Measuring at the device's speed, losing nothing: figures beside their goals.

    python benchmarks/measure.py                 all items
    python benchmarks/measure.py --fast          fewer repetitions, under a minute on a quiet machine
    python benchmarks/measure.py --items 1 6     some items

1  gradients per second, 10 qubits and 10 layers, against a plain qml.grad loop of the same run
2  one plan on every device that is installed; quotes against what was executed
3  killed and resumed: nothing acknowledged is lost, none is paid twice, same bits
4  Dask: two workers, one killed
5  faults injected into a device
6  52 descents, 8 qubits and 60 parameters, against SciPy over qml.grad
7  ids of jobs kept while the jobs still wait, against looking after the answer

Ratios are medians of interleaved rounds, so that a busy machine slows both sides alike. Linear
algebra has one thread. `make test-devices` runs item 2 in an environment for each plugin.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys

# Read by the libraries when they are loaded.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402
import pennylane as qml  # noqa: E402
from _measure_common import FAILED, hold, info, seconds  # noqa: E402
from _measure_jobs import item_7  # noqa: E402
from _measure_keeping import item_3, item_4, item_5  # noqa: E402
from _measure_speed import item_1, item_6  # noqa: E402
from pennylane import numpy as pnp  # noqa: E402

from pennylane_wishart.measurement import measure, quote  # noqa: E402


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
            info(f"{name}: not installed here")


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


ITEMS = {1: item_1, 2: item_2, 3: item_3, 4: item_4, 5: item_5, 6: item_6, 7: item_7}


def main() -> int:
    """Run the items asked for; 1 where a goal was not met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", nargs="+", type=int, choices=ITEMS, default=list(ITEMS))
    parser.add_argument("--fast", action="store_true")
    options = parser.parse_args()
    for k in options.items:
        info(f"({seconds(lambda k=k: ITEMS[k](options.fast)):.0f} s)\n")
    print("All goals met." if not FAILED else "Not met: " + "; ".join(FAILED))
    return 1 if FAILED else 0


if __name__ == "__main__":
    sys.exit(main())
