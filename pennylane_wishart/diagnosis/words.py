"""Numbers and verdicts in words."""

from __future__ import annotations

import math

import numpy as np

from pennylane_wishart.circuit import RotationCircuit
from pennylane_wishart.conventions import diagnosis as limits
from pennylane_wishart.conventions import display

__all__ = ["chance", "count", "indices", "number", "share", "size", "whole_shots"]


def number(value: float, rounding: float = 0.0) -> str:
    """Return a number in four digits, tiny and huge ones as powers of two, what ``rounding`` may have made as 0."""
    if abs(value) <= rounding:
        return "0"
    if value == 0 or not np.isfinite(value):
        return f"{value:,.4g}"
    low, high = limits.PLAIN_NUMBERS
    if low <= abs(value) < high:
        return f"{value:,.0f}" if abs(value) >= limits.WHOLE_NUMBERS else f"{value:,.4g}"
    return f"{'-' if value < 0 else ''}2^{np.log2(abs(value)):.1f}"


def whole_shots(value: float) -> float:
    """Round up, as shots are counted: 6.125 are seven, and 1.0000000002, which rounding made, are one."""
    return float(np.ceil(value * (1 - limits.SHOT_ROUNDING)))


def share(value: float) -> str:
    """Return a part of a whole in per cent, three digits."""
    if not 0 < abs(value) < limits.LEAST_SHARE:
        return f"{100 * value:,.3g}%"
    return f"below {100 * limits.LEAST_SHARE:.3g}%"


def chance(probability: float) -> str:
    """Return a probability in per cent; none that was computed in floating point is called certain."""
    return f"over {limits.NEARLY_SURE:.1%}" if probability > limits.NEARLY_SURE else share(probability)


def size(value: int) -> str:
    """Return an exact integer, or its size as a power of two."""
    return f"{value:,}" if value < display.PLAIN_SIZE else f"about 2^{math.log2(value):.0f}"


def count(n: int, singular: str, plural: str = "") -> str:
    """Return "1 parameter", "2 parameters"."""
    return f"{n:,} {singular if n == 1 else plural or singular + 's'}"


def indices(circuit: RotationCircuit, ks: list[int]) -> str:
    """Return the names of parameters, the first few where they are many."""
    shown = ", ".join(circuit.parameter_name(k) for k in ks[: limits.NAMES])
    return f"{shown} and {len(ks) - limits.NAMES} more" if len(ks) > limits.NAMES else shown
