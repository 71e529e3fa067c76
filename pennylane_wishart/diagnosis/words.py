"""Numbers and verdicts in words."""

from __future__ import annotations

import inspect
import math

import numpy as np

from pennylane_wishart.circuit import RotationCircuit
from pennylane_wishart.conventions import diagnosis as limits

__all__ = ["count", "indices", "number", "parameter_name", "size"]


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


def parameter_name(circuit: RotationCircuit, k: int) -> str:
    """Return "weights[1,2,0]" for flat index k; "parameter 7" where the call is not known."""
    trace = circuit.trace
    if trace is None:
        return f"parameter {k}"
    # flat indices run through the arguments in the order of the call
    names = _argument_names(trace.qnode)
    at = k
    for slot, shape in zip(trace.argnums, trace.shapes, strict=True):
        length = int(np.prod(shape, dtype=int))
        if at < length:
            name = slot if isinstance(slot, str) else names[slot] if slot < len(names) else f"argument {slot}"
            where = ",".join(str(int(i)) for i in np.unravel_index(at, shape)) if shape else ""
            return f"{name}[{where}]" if shape else str(name)
        at -= length
    return f"parameter {k}"


def _argument_names(qnode: object) -> list[str]:
    """Names of a quantum function's arguments; none where it hides them."""
    func = getattr(qnode, "func", None)
    try:
        parameters = inspect.signature(func).parameters.values() if func is not None else ()
    except (ValueError, TypeError):
        return []
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in parameters if p.kind in positional]


def indices(circuit: RotationCircuit, ks: list[int]) -> str:
    """Return the names of parameters, the first few where they are many."""
    shown = ", ".join(parameter_name(circuit, k) for k in ks[: limits.NAMES])
    return f"{shown} and {len(ks) - limits.NAMES} more" if len(ks) > limits.NAMES else shown
