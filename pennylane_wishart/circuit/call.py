"""``Call``: the arguments that a QNode was read at, by name."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pennylane_wishart.conventions.showing import Shown

__all__ = ["Call"]


@dataclass(frozen=True)
class Call(Shown):
    """Which arguments are trained, and at which values the others were fixed.

    Example:
        >>> Call((("x", ()), ("weights", (2, 3))), (("data", "0.3"),)).parameter(4)
        'weights[1,0]'
    """

    trained: tuple[tuple[str, tuple[int, ...]], ...]
    """(name, shape) in the order of the call, which is that of flat indices."""
    fixed: tuple[tuple[str, str], ...] = ()
    """(name, value in a few characters) of every other argument: whatever is found holds for these values."""

    def parameter(self, k: int) -> str:
        """Return "weights[1,2,0]" for flat index k."""
        for name, shape in self.trained:
            length = math.prod(shape)
            if k < length:
                return f"{name}[{','.join(str(int(i)) for i in np.unravel_index(k, shape))}]" if shape else name
            k -= length
        return f"parameter {k}"
