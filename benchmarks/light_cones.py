"""Descents of shallow circuits of a hundred qubits, each term of the observable on its own light cone.

    python benchmarks/light_cones.py [--fast] [--qubits 100] [--layers 1,2,3,4,5] [--starts 8] [--out FIGURE.png]

Layers of RY on every wire and a brickwork of CZ, an open Ising chain in a transverse field. Printed: where the
descents end above the ground, which free fermions give exactly, against depth; seconds of processor; and at ten
qubits the largest difference from the state vector of the whole circuit. Goals: 4 layers of 100 qubits within
300 s of processor, difference at most 1e-10.
"""

from __future__ import annotations

import argparse
import os
import time

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402
import pennylane as qml  # noqa: E402
from pennylane import numpy as pnp  # noqa: E402

import pennylane_wishart as pw  # noqa: E402
from pennylane_wishart.conventions.outlook import GRADIENT  # noqa: E402

FIELD = 0.5
SECONDS, DIFFERENCE = 300, 1e-10


def bricks(n: int, layers: int):
    """Return (QNode, zero parameters)."""
    bonds = [qml.Z(q) @ qml.Z(q + 1) for q in range(n - 1)]
    energy = qml.dot([1.0] * (n - 1) + [FIELD] * n, [*bonds, *map(qml.X, range(n))])

    @qml.qnode(qml.device("default.qubit", wires=n))
    def circuit(x):
        for k in range(layers):
            for q in range(n):
                qml.RY(x[k, q], q)
            for q in range(k % 2, n - 1, 2):
                qml.CZ([q, q + 1])
        return qml.expval(energy)

    return circuit, pnp.zeros((layers, n), requires_grad=True)


def ground(n: int) -> float:
    """Lowest eigenvalue of the open chain: minus the sum of the singular values of its bidiagonal matrix."""
    return -float(np.linalg.svd(np.diag(np.full(n, FIELD)) + np.diag(np.ones(n - 1), 1), compute_uv=False).sum())


def check() -> None:
    """Hold losses, gradients and the ground against the whole state at ten qubits."""
    circuit, x = bricks(10, 4)
    whole, parts = (pw.measure(circuit, samples=5, route=r, progress=False)(x) for r in (None, "light-cones"))
    off = max(np.abs(whole.losses - parts.losses).max(), np.abs(whole.gradients - parts.gradients).max())
    tape = qml.workflow.construct_tape(circuit)(x)
    exact = float(np.linalg.eigvalsh(qml.matrix(tape.measurements[0].obs, wire_order=range(10)))[0])
    print(f"10 qubits: ground by free fermions {ground(10):.10f}, by a matrix {exact:.10f}")
    print(f"10 qubits, 4 layers: largest difference from the whole state {off:.1e} (goal {DIFFERENCE:g})"
          f"{'' if off <= DIFFERENCE else '  NOT MET'}")  # fmt: skip


def main() -> None:
    """Descend at every depth, print the table, draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--qubits", type=int, default=100)
    parser.add_argument("--layers", default="1,2,3,4,5")
    parser.add_argument("--starts", type=int, default=8)
    parser.add_argument("--fast", action="store_true", help="20 qubits, 1 and 2 layers, 4 starts")
    parser.add_argument("--out", help="draw the figure here")
    options = parser.parse_args()
    if options.fast:
        options.qubits, options.layers, options.starts = 24, "1,2", 4
    check()
    n, lowest, rows = options.qubits, ground(options.qubits), []
    print(f"{n} qubits, open Ising chain, field {FIELD:g}: ground {lowest:.4f}; {options.starts} descents a depth")
    print("layers  widest cone  best above  median above  worst above  (of |ground|)   gradients  seconds of processor")
    for layers in map(int, options.layers.split(",")):
        circuit, x = bricks(n, layers)
        begin = time.process_time()
        found = pw.find_minima(circuit, starts=options.starts, hessian=False, tolerance=GRADIENT * abs(lowest),
                               route="light-cones", progress=False)(x)  # fmt: skip
        seconds = time.process_time() - begin
        above = np.sort(found.losses - lowest) / abs(lowest)
        width = pw.circuit.light_cones(pw.normal_form(circuit)(x).trace).width
        goal = f" (goal {SECONDS})" if layers == 4 and n == 100 else ""
        print(f"{layers:6d}  {width:11d}  {above[0]:10.2%}  {np.median(above):12.2%}  {above[-1]:11.2%}  "
              f"{'':14s}  {found.evaluations.sum():9,d}  {seconds:.0f}{goal}", flush=True)  # fmt: skip
        rows.append((layers, above))
    if options.out:
        draw(rows, n, options.out)


def draw(rows: list, n: int, path: str) -> None:
    """Draw every end above the ground against depth."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    _, ax = plt.subplots(figsize=(5.2, 3.4), layout="constrained")
    for layers, above in rows:
        ax.plot(np.full(len(above), layers), 100 * above, "o", ms=4, color="#d55e00", alpha=0.6,
                label="ends of descents" if layers == rows[0][0] else None)  # fmt: skip
    ax.plot([r[0] for r in rows], [100 * np.median(r[1]) for r in rows], "-", color="#0072b2", label="median")
    ax.set_xlabel(f"layers of a brickwork of {n} qubits")
    ax.set_ylabel("energy above the ground (%)")
    ax.set_xticks([r[0] for r in rows])
    ax.set_ylim(bottom=0)
    ax.legend(frameon=False)
    ax.figure.savefig(path, dpi=160)


if __name__ == "__main__":
    main()
