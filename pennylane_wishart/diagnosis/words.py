"""Numbers and verdicts in words."""

from __future__ import annotations

import math

import numpy as np

from pennylane_wishart.circuit import RotationCircuit
from pennylane_wishart.circuit.names import parameter_name
from pennylane_wishart.conventions import diagnosis as limits

__all__ = ["count", "indices", "number", "size"]


def number(value: float) -> str:
    """Return a number in four digits, tiny and huge ones as powers of two."""
    if value == 0 or not np.isfinite(value):
        return f"{value:,.4g}"
    low, high = limits.PLAIN_NUMBERS
    if low <= abs(value) < high:
        return f"{value:,.0f}" if abs(value) >= limits.WHOLE_NUMBERS else f"{value:,.4g}"
    return f"{'-' if value < 0 else ''}2^{np.log2(abs(value)):.1f}"


def size(value: int) -> str:
    """Return an exact integer, or its size as a power of two."""
    return f"{value:,}" if value < limits.PLAIN_SIZE else f"about 2^{math.log2(value):.0f}"


def count(n: int, singular: str, plural: str = "") -> str:
    """Return "1 parameter", "2 parameters"."""
    return f"{n:,} {singular if n == 1 else plural or singular + 's'}"


def indices(circuit: RotationCircuit, ks: list[int]) -> str:
    """Return the names of parameters, the first few where they are many."""
    shown = ", ".join(parameter_name(circuit, k) for k in ks[: limits.NAMES])
    return f"{shown} and {len(ks) - limits.NAMES} more" if len(ks) > limits.NAMES else shown
