"""lightning.qubit against lightning.gpu at 20 to 28 qubits: all gradients of two entangling layers.

    python benchmarks/gpu.py                          sizes 20 to 28
    python benchmarks/gpu.py --sizes 20 22 --out table.md
    python benchmarks/gpu.py --fast                   20 qubits only

Needs an NVIDIA GPU with its CUDA driver and pennylane-lightning-gpu; says so and stops elsewhere.
Times are those of ``pw.measure`` per sample (loss and every gradient component), set-up left out.
Both devices must agree on every number to 1e-6.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pennylane as qml
from pennylane import numpy as pnp

from pennylane_wishart.errors import DeviceError
from pennylane_wishart.measurement import measure

LAYERS = 2


def hardware() -> str:
    """Name processor and GPU."""
    command = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        gpu = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        gpu = "no NVIDIA GPU"
    model = (
        [
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ]
        if Path("/proc/cpuinfo").exists()
        else []
    )
    return f"{model[0] if model else platform.processor()}; {gpu}"


def per_sample(n: int, device: str, samples: int):
    """Return the record and the seconds of one sample, from two lengths of run."""

    def circuit(w):
        qml.StronglyEntanglingLayers(w, wires=range(n))
        return qml.expval(qml.Z(0))

    qnode = qml.QNode(circuit, qml.device("lightning.qubit", wires=n))
    w = pnp.zeros((LAYERS, n, 3))
    took = []
    for count in (1, 1 + samples):
        start = time.perf_counter()
        data = measure(qnode, samples=count, device=device)(w)
        took.append(time.perf_counter() - start)
    return data, (took[1] - took[0]) / samples


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", type=int, default=[20, 22, 24, 26, 28])
    parser.add_argument("--samples", type=int, default=3)
    parser.add_argument("--most-on-cpu", type=int, default=26, help="largest size on lightning.qubit")
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--fast", action="store_true", help="20 qubits only")
    options = parser.parse_args()
    if options.fast:
        options.sizes = [20]
    try:
        per_sample(4, "lightning.gpu", 1)
    except DeviceError as error:
        print(f"Not run: {error}")
        return 0
    lines = [
        f"Hardware: {hardware()}. pennylane {qml.__version__}. {LAYERS} layers, all gradients, double precision.",
        "",
        "| qubits | parameters | lightning.qubit, s | lightning.gpu, s | speed-up | GPU route | largest difference |",
        "|---|---|---|---|---|---|---|",
    ]
    print("\n".join(lines))
    good = True
    for n in options.sizes:
        fast, gpu_time = per_sample(n, "lightning.gpu", options.samples)
        cells = [str(n), str(fast.n_params), "not run", f"{gpu_time:.3f}", "", fast.route, ""]
        if n <= options.most_on_cpu:
            slow, cpu_time = per_sample(n, "lightning.qubit", max(1, options.samples // 3))
            gap = np.abs(fast.gradients[: slow.samples] - slow.gradients).max()
            good &= bool(gap < 1e-6)
            cells[2], cells[4], cells[6] = (
                f"{cpu_time:.3f}",
                f"{cpu_time / gpu_time:.1f}",
                f"{gap:.1e}",
            )
        lines.append("| " + " | ".join(cells) + " |")
        print(lines[-1], flush=True)
    if options.out is not None:
        options.out.write_text("\n".join(lines) + "\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
