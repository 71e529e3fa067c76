"""What the items of benchmarks/measure.py share: circuits, clocks, and verdicts beside their goals."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pennylane as qml

TESTS = Path(__file__).resolve().parents[1] / "tests"
if str(TESTS) not in sys.path:
    sys.path.insert(0, str(TESTS))
FAILED: list[str] = []


def verdict(label: str, value: float, goal: float, at_least: bool = True):
    """Print a figure, its goal and whether it is met."""
    good = value >= goal if at_least else value <= goal
    share = f" ({value / goal:.2f} of it)" if goal else ""
    print(f"  {label:<74} {value:9.2f}   goal {'>=' if at_least else '<='} {goal:g}: {_word(good, label)}{share}")


def hold(label: str, good: bool):
    """Print whether something that must hold does."""
    print(f"  {label:<74} {'yes' if good else 'no':>9}   goal yes: {_word(good, label)}")


def _word(good: bool, label: str) -> str:
    if not good:
        FAILED.append(label)
    return "met" if good else "NOT MET"


def info(text: str):
    """Print a line that has no goal."""
    print(f"    {text}")


def seconds(action) -> float:
    """Return the wall time of a call."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def entangling(n: int):
    """StronglyEntanglingLayers on n wires, Z of the first."""

    def circuit(w):
        qml.StronglyEntanglingLayers(w, wires=range(n))
        return qml.expval(qml.Z(0))

    return circuit
