"""Numbers and verdicts in words."""

from __future__ import annotations

import inspect
import math
from typing import TYPE_CHECKING

import numpy as np

from pennylane_wishart.diagnosis.checks import Check, Verdict

if TYPE_CHECKING:
    from pennylane_wishart.diagnosis.record import Diagnosis

__all__ = ["count", "headline", "indices", "number", "parameter_name", "size"]

_SHOWN = 8


def number(value: float) -> str:
    """Return a number in four digits, tiny and huge ones as powers of two."""
    if value == 0 or not np.isfinite(value):
        return f"{value:,.4g}"
    if 1e-4 <= abs(value) < 1e15:
        return f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:,.4g}"
    return f"{'-' if value < 0 else ''}2^{np.log2(abs(value)):.1f}"


def size(value: int) -> str:
    """Return an exact integer, or its size as a power of two."""
    return f"{value:,}" if value < 10**12 else f"about 2^{math.log2(value):.0f}"


def count(n: int, singular: str, plural: str = "") -> str:
    """Return "1 parameter", "2 parameters"."""
    return f"{n:,} {singular if n == 1 else plural or singular + 's'}"


def headline(diag: Diagnosis) -> str:
    """Return the verdict in one sentence with its reason."""
    failed = [c for c in diag.checks if c.passed is False]
    fatal = [c for c in failed if c.fatal]
    if diag.verdict is Verdict.NOT_TRAINABLE:
        return f"Not trainable: {_reason(fatal[0])}."
    if diag.verdict is Verdict.CANNOT_TELL:
        return _undecided(diag)
    if diag.verdict is Verdict.WARNING:
        return "Trainable, with warnings: " + "; ".join(_reason(c) for c in failed) + "."
    shots = next((c for c in diag.checks if c.name.startswith("shots")), None)
    dead = "no parameter is dead" if diag.prediction.moments.known.all() else "no parameter is proved dead"
    value = "nan" if shots is None else f"{shots.side.value}{number(shots.value)}"
    return f"Trainable: the median live gradient is resolved with {value} shots, {dead}."


def _undecided(diag: Diagnosis) -> str:
    """What keeps the verdict open."""
    open_ = next((c for c in diag.checks if c.fatal and c.passed is None and c.name.startswith("shots")), None)
    if open_ is None:
        return "Cannot tell: no engine gives the gradients of this circuit at this depth."
    limit = number(open_.threshold)
    needs = f"may need more than {limit} shots"
    if open_.value > 1:
        needs = f"needs at least {number(open_.value)} shots and may need more than {limit}"
    known = "Cannot tell: of the median gradient's variance only an upper bound is known"
    return f"{known}, so that signal-to-noise 1 {needs}."


def _reason(check: Check) -> str:
    if check.name == "live parameters":
        return "every parameter is dead, all gradients are exactly zero"
    if check.name.startswith("shots"):
        return (
            f"the median live gradient needs {check.side.value}{number(check.value)} shots for signal-to-noise 1, "
            f"more than {number(check.threshold)}"
        )
    if check.name == "dead parameters":
        return f"{check.value:.0f} parameter{'s are' if check.value != 1 else ' is'} dead"
    if check.name.startswith("height"):
        return f"half of the local minima lie above {check.value:.0%} of the mean loss (limit {check.threshold:.0%})"
    return "the measurement disagrees with the prediction"


def parameter_name(circuit, k: int) -> str:
    """Return "weights[1,2,0]" for flat index k; "parameter 7" where the call is not known."""
    trace = circuit.trace
    if trace is None:
        return f"parameter {k}"
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


def _argument_names(qnode) -> list[str]:
    """Names of a quantum function's arguments; none where it hides them."""
    func = getattr(qnode, "func", None)
    try:
        parameters = inspect.signature(func).parameters.values() if func is not None else ()
    except (ValueError, TypeError):
        return []
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in parameters if p.kind in positional]


def indices(circuit, ks: list[int]) -> str:
    """Return the names of parameters, the first few where they are many."""
    shown = ", ".join(parameter_name(circuit, k) for k in ks[:_SHOWN])
    return f"{shown} and {len(ks) - _SHOWN} more" if len(ks) > _SHOWN else shown
