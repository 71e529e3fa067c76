"""What the user calls things: arguments of a QNode, parameters, the gates that they turn."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pennylane_wishart.circuit.records import RotationCircuit
    from pennylane_wishart.circuit.trace import TracedCircuit

__all__ = ["argument_names", "gates_of", "parameter_name"]


def parameter_name(circuit: RotationCircuit, k: int) -> str:
    """Return "weights[1,2,0]" for flat index k; "parameter 7" where the call is not known."""
    trace = circuit.trace
    if trace is None:
        return f"parameter {k}"
    # flat indices run through the arguments in the order of the call
    names = argument_names(trace.qnode)
    at = k
    for slot, shape in zip(trace.argnums, trace.shapes, strict=True):
        length = int(np.prod(shape, dtype=int))
        if at < length:
            name = slot if isinstance(slot, str) else names[slot] if slot < len(names) else f"argument {slot}"
            where = ",".join(str(int(i)) for i in np.unravel_index(at, shape)) if shape else ""
            return f"{name}[{where}]" if shape else str(name)
        at -= length
    return f"parameter {k}"


def argument_names(qnode: object) -> list[str]:
    """Names of a quantum function's arguments; none where it hides them."""
    func = getattr(qnode, "func", None)
    try:
        parameters = inspect.signature(func).parameters.values() if func is not None else ()
    except (ValueError, TypeError):
        return []
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in parameters if p.kind in positional]


def gates_of(trace: TracedCircuit) -> list[list[str]]:
    """Return, for every parameter, the elementary gates that it turns: "RZ on wire 3"."""
    out: list[list[str]] = [[] for _ in range(trace.n_params)]
    rows = trace.map.tocoo()
    for row, parameter in zip(rows.row.tolist(), rows.col.tolist(), strict=True):
        op = trace.gates[trace.rotations[row]].op
        word = op.hyperparameters.get("pauli_word", "")
        wires = ", ".join(str(w) for w in op.wires)
        name = f"{op.name} {word}".strip()
        out[parameter].append(f"{name} on wire{'s' if len(op.wires) > 1 else ''} {wires}")
    return out
