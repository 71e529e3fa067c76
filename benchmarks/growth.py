"""How the cost of second moments grows with qubits and with depth, for six families of circuits.

    python benchmarks/growth.py                       8 to 1,000 qubits at four layers; 2 to 16 layers at 32 qubits
    python benchmarks/growth.py --largest 100         the same to fewer qubits

Processor seconds of ``normal_form`` and ``moments_of`` together, one core (OMP_NUM_THREADS=1), and the exponent of a
straight line through the logarithms. Two exponents an axis: of reading the circuit and of its second moments.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable

import numpy as np
import pennylane as qml
from _scaling_families import Family, brickwork, heisenberg, matchgates, single, tfim

from pennylane_wishart.circuit import normal_form
from pennylane_wishart.variances import moments_of

SIZES = (8, 32, 100, 320, 1000)
LAYERS = 4
DEPTHS = (2, 4, 8, 16)
DEPTH_QUBITS = 32


def controlled(n: int, depth: int) -> list:
    """RY on every qubit and a line of controlled rotations: generators are sums of words."""
    return [g for _ in range(depth) for g in [*single(n, ("RY",)), *(("CRX", (w, w + 1)) for w in range(n - 1))]]


def middle(n: int):
    """Z on the middle qubit."""
    return qml.Z(n // 2)


def bond(n: int):
    """ZZ on the middle bond."""
    return qml.Z(n // 2) @ qml.Z(n // 2 + 1)


FAMILIES: dict[str, tuple[Callable[[int, int], list], Callable]] = {
    "hardware-efficient brick": (brickwork, middle),
    "Ising chain, angles of their own": (matchgates, middle),
    "Heisenberg brick": (heisenberg, bond),
    "Ising ring, shared angles": (tfim, bond),
    "RY and a line of CRX": (controlled, middle),
    "rotations alone": (lambda n, depth: depth * single(n, ("RX", "RZ")), bond),
}


def seconds(program: Callable[[int, int], list], observable: Callable, n: int, depth: int) -> tuple[float, float, str]:
    """Return processor seconds of reading and of second moments, and the engine that gave them."""
    family = Family("", None, "", lambda m: program(m, depth), observable)
    qnode, args = family.make(n), family.args(n)
    begin = time.process_time()
    circuit = normal_form(qnode)(args)
    read = time.process_time()
    found = moments_of(circuit, seed=1)
    return read - begin, time.process_time() - read, str(found.engine)


def exponent(x: list[int], y: list[float]) -> float:
    """Slope of log y over log x, from the half of the points where cost is not all constant."""
    half = len(x) // 2
    return float(np.polyfit(np.log(x[half:]), np.log(np.maximum(y[half:], 1e-3)), 1)[0])


def main() -> None:
    """Print one line a family and axis."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--largest", type=int, default=SIZES[-1])
    parser.add_argument("--only", default="", help="part of a family's name")
    options = parser.parse_args()
    largest = options.largest
    warnings.simplefilter("ignore")
    axes = (("n", [(n, LAYERS) for n in SIZES if n <= largest]), ("depth", [(DEPTH_QUBITS, d) for d in DEPTHS]))
    for name, (program, observable) in FAMILIES.items():
        if options.only not in name:
            continue
        seconds(program, observable, 4, 2)  # what is loaded with the first circuit is not measured
        for axis, points in axes:
            x = [n if axis == "n" else depth for n, depth in points]
            reads, moments, engines = zip(*(seconds(program, observable, *point) for point in points), strict=True)
            row = ", ".join(f"{v}: {r:.2f} + {m:.2f}" for v, r, m in zip(x, reads, moments, strict=True))
            orders = f"reading {axis}^{exponent(x, list(reads)):.2f}, moments {axis}^{exponent(x, list(moments)):.2f}"
            print(f"{name:<34} {axis:<5} {orders:<40} s at {row}; {', '.join(dict.fromkeys(engines))}", flush=True)


if __name__ == "__main__":
    main()
