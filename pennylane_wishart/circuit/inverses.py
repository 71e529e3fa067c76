"""What PennyLane's adjoints, powers and evolutions need before their angles can be read and bound."""

from __future__ import annotations

from typing import Any

import numpy as np
import pennylane as qml
from pennylane.operation import Operation, Operator

__all__ = ["AngleEvolution", "whole_power", "wraps_angles"]

_WRAPPED = {"U2", "U3"}
"""Gates whose own adjoint takes angles modulo 2π (pennylane 0.45)."""


def wraps_angles(op: Operator) -> bool:
    """Tell whether an operation is, or is made of, one whose ``adjoint()`` wraps its angles."""
    if op.name in _WRAPPED:
        return True
    inner = [getattr(op, "base", None), *getattr(op, "operands", ())]
    return any(wraps_angles(part) for part in inner if isinstance(part, Operation))


def whole_power(op: Operator) -> int | None:
    """Return the exponent of a power that is a whole number, None for anything else."""
    if not isinstance(op, qml.ops.op_math.Pow) or not isinstance(op.z, (int, np.integer, float)):
        return None
    return round(op.z) if op.z == round(op.z) else None


class AngleEvolution(qml.ops.Evolution):  # type: ignore[misc]  # PennyLane has no types
    """exp(−i·angle·H) with the real angle as its one parameter, so that a tape can bind it.

    An Exp holds the complex coefficient, and PennyLane cannot bind an evolution under a sum.
    """


@qml.ops.functions.bind_new_parameters.register  # type: ignore[untyped-decorator]  # PennyLane has no types
def _bind_evolution(op: AngleEvolution, params: Any) -> AngleEvolution:
    return AngleEvolution(op.base, params[0])
