"""Checks of single arguments that the laws share."""

from __future__ import annotations

import math
from numbers import Integral
from typing import SupportsFloat

from pennylane_wishart.errors import InputError

__all__ = ["check_beta", "check_dim", "check_size", "finite_number", "freeze"]


def freeze(record: object, **fields: object) -> None:
    """Set fields of a frozen record while it is made: its arguments, checked."""
    for name, value in fields.items():
        object.__setattr__(record, name, value)


def finite_number(value: SupportsFloat, name: str, *, positive: bool = False) -> float:
    """Check that an argument is a finite (positive) number and return it as a float."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or (positive and number <= 0):
        kind = "a positive finite number" if positive else "a finite number"
        raise InputError(f"{name} must be {kind}; got {value!r}.")
    return number


def check_size(size: object, name: str = "size") -> int:
    """Check that ``size`` is a non-negative integer."""
    # bool is an Integral, but True samples is a slip
    if isinstance(size, bool) or not isinstance(size, Integral) or int(size) < 0:
        raise InputError(f"{name} must be a non-negative integer; got {size!r}.")
    return int(size)


def check_dim(dim: object, name: str, minimum: int = 1) -> int:
    """Check that a dimension is an integer ≥ minimum (of any size)."""
    if isinstance(dim, bool) or not isinstance(dim, Integral) or int(dim) < minimum:
        raise InputError(f"{name} must be an integer of at least {minimum}; got {dim!r}.")
    return int(dim)


def check_beta(beta: object) -> int:
    """Check that ``beta`` is 1, 2 or 4 and return it as an int."""
    if beta not in (1, 2, 4):
        raise InputError(f"beta must be 1 (real), 2 (complex) or 4 (quaternionic); got {beta!r}.")
    return int(beta)
