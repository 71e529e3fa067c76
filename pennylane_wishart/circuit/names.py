"""What the user calls things: arguments of a QNode, and the gates that its parameters turn."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pennylane_wishart.circuit.traced import TracedCircuit

__all__ = ["argument_names", "gates_of"]


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
