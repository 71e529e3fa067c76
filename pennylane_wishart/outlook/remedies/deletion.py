"""Dead parameters deleted: the circuit without their gates, and the code that trains without them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pennylane_wishart.circuit import Script, Step, TracedCircuit
from pennylane_wishart.circuit.names import argument_names, gates_of
from pennylane_wishart.conventions import circuit as exactness
from pennylane_wishart.conventions import outlook as limits

__all__ = ["deletion_code", "without"]


def without(script: Script, dead: Sequence[int]) -> Script:
    """Return the circuit without parameters that cannot change the loss.

    A dead parameter may take any value, so that its gates are deleted where they do nothing at 0, and fixed
    at their angle of the call otherwise.
    """
    gone = frozenset(dead)
    # angles with an offset of their own are not 0 where the parameter is: then all stay at those of the call
    stay = any(abs(s.offset) > exactness.NO_OFFSET for s in script.steps if s.parameters & gone)
    steps = []
    for step in script.steps:
        shift = sum(c * script.values[p] for p, c in step.slopes if p in gone) if stay else 0.0
        slopes = tuple((p, c) for p, c in step.slopes if p not in gone)
        if slopes or not step.slopes:
            steps.append(replace(step, slopes=slopes, offset=step.offset + shift) if step.slopes else step)
        elif stay:
            steps.append(Step(step.gate, (), step.gate.value))
    return replace(script, steps=tuple(steps))


def deletion_code(trace: TracedCircuit, dead: Sequence[int]) -> str:
    """Return Python that calls the QNode without its dead parameters, and names their gates; empty for a tape.

    Example:
        >>> import pennylane as qml
        >>> from pennylane_wishart.circuit import trace_qnode
        >>> @qml.qnode(qml.device("default.qubit"))
        ... def f(x):
        ...     qml.RZ(x[0], 0)
        ...     qml.RX(x[1], 0)
        ...     return qml.expval(qml.Z(0))
        >>> print(deletion_code(trace_qnode(f, (qml.numpy.zeros(2),)), [0]))
        # To delete: RZ on wire 0.
        # Or leave them in and train 1 of 2 numbers:
        import numpy as np
        import pennylane as qml
        <BLANKLINE>
        def trimmed(x):
            slots = np.full(2, 1)
            slots[np.delete(np.arange(2), [0])] = np.arange(1)
            x = qml.math.concatenate([x, qml.math.zeros_like(x[:1])])[slots].reshape((2,))
            return f(x)
    """
    names, name = argument_names(trace.qnode), getattr(getattr(trace.qnode, "func", None), "__name__", "")
    if not name.isidentifier() or len(trace.arguments.args) > len(names):
        return ""
    body, at, live = [], 0, trace.n_params - len(dead)
    for slot, shape in zip(trace.argnums, trace.shapes, strict=True):
        size = int(np.prod(shape, dtype=int))
        own = [int(k) - at for k in dead if at <= k < at + size]
        at += size
        if not own:
            continue
        x = slot if isinstance(slot, str) else names[slot]
        if len(own) == size:  # nothing of it is left to train: any array will do
            body.append(f"{x} = np.zeros({shape})")
            continue
        body += [
            f"slots = np.full({size}, {size - len(own)})",
            f"slots[np.delete(np.arange({size}), {own})] = np.arange({size - len(own)})",
            f"{x} = qml.math.concatenate([{x}, qml.math.zeros_like({x}[:1])])[slots].reshape({shape})",
        ]
    given = [*names[: len(trace.arguments.args)], *(f"{k}" for k in trace.arguments.kwargs)]
    passed = [*names[: len(trace.arguments.args)], *(f"{k}={k}" for k in trace.arguments.kwargs)]
    lines = [
        f"# To delete: {_gates(trace, dead)}.",
        f"# Or leave them in and train {live} of {trace.n_params} numbers:",
        "import numpy as np",
        "import pennylane as qml",
        "",
        f"def trimmed({', '.join(given)}):",
        *(f"    {line}" for line in body),
        f"    return {name}({', '.join(passed)})",
    ]
    return "\n".join(lines)


def _gates(trace: TracedCircuit, dead: Sequence[int]) -> str:
    """Name the gates that dead parameters alone turn, the first of many."""
    gates = gates_of(trace)
    named = [g for k in dead for g in gates[k]]
    more = f" and {len(named) - limits.GATES_NAMED} more" if len(named) > limits.GATES_NAMED else ""
    return "; ".join(named[: limits.GATES_NAMED]) + more
