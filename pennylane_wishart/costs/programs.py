"""A cost as a function of flat parameters and taps, in the interface that it is written for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from pennylane_wishart.circuit.arguments import Arguments
from pennylane_wishart.conventions import costs as limits
from pennylane_wishart.conventions.arrays import Floats
from pennylane_wishart.costs.calls import Call, Watch, plain, watching
from pennylane_wishart.errors import InputError, WishartError

__all__ = ["Differentiated", "Program", "Run"]

Pullback = Callable[[float, Floats], tuple[Floats, Floats]]
"""(weight of the cost, weights of the outputs) → (gradient by parameters, by taps)."""


@dataclass(frozen=True, eq=False)
class Run:
    """One plain run of the cost."""

    cost: float
    calls: tuple[Call, ...]

    @property
    def outputs(self) -> Floats:
        """Every number that QNodes returned, flat."""
        parts = [plain(leaf).reshape(-1) for call in self.calls for leaf in call.leaves]
        return np.concatenate([np.zeros(0), *parts])


@dataclass(frozen=True, eq=False)
class Differentiated:
    """One run of the cost, ready to be differentiated."""

    cost: float
    outputs: Floats
    pull: Pullback


class Program(ABC):
    """One call ``cost(*args, **kwargs)``; its parameters are the trainable arguments, or tensors that it holds."""

    precision = limits.ZERO_DOUBLE
    """Below this part of what is usual, a derivative counts as rounding."""

    def __init__(
        self, cost: Callable[..., Any], arguments: Arguments, values: Floats, shapes: Sequence[tuple[int, ...]]
    ):
        self.cost, self.arguments, self.values, self.shapes = cost, arguments, values, tuple(shapes)

    @property
    def bounds(self) -> np.ndarray:
        """int64: where each tensor of parameters begins in the flat vector, and the end."""
        return np.concatenate([[0], np.cumsum([int(np.prod(s, dtype=int)) for s in self.shapes])]).astype(np.int64)

    def run(self, x: Floats, taps: Floats | None = None) -> Run:
        """Run the cost at flat parameters ``(p,)``, with taps ``(m,)`` added to what QNodes return."""
        at = 0

        def tap(_: int, leaf: Any) -> Any:
            nonlocal at
            if taps is None:
                return leaf
            size = int(np.prod(np.shape(leaf), dtype=int))
            part = taps[at : at + size].reshape(np.shape(leaf))
            at += size
            return leaf + self._constant(part, leaf)

        watch = Watch(tap)
        with self._context(), watching(watch):
            value = self._call(self._leaves(x))
        return Run(self._scalar(value), tuple(watch.calls))

    def differentiate(self, x: Floats, leaves: Sequence[tuple[int, ...]], taps: Floats | None = None) -> Differentiated:
        """Run the cost once and return its derivatives by parameters and taps.

        Args:
            x: flat parameters.
            leaves: shape of everything that QNodes return, in order.
            taps: added to what they return, flat; 0 where None.
        Raises:
            InputError: where the interface cannot differentiate the cost, or QNodes are called otherwise than before.
        """
        try:
            with self._context():
                start = np.zeros(sum(int(np.prod(s, dtype=int)) for s in leaves)) if taps is None else taps
                return self._differentiate(x, leaves, start)
        except WishartError:
            raise
        except Exception as err:  # the user's own function may raise anything while it is traced
            raise InputError(
                f"The cost runs, but {self.arguments.interface} cannot differentiate it ({type(err).__name__}: "
                f"{str(err).splitlines()[0] if str(err) else ''}). float(), .item(), .numpy(), numpy functions or "
                "in-place changes of tensors take values out of the computation: keep to the interface's own functions."
            ) from err

    def _watch(self, x_leaves: Any, leaves: Sequence[tuple[int, ...]], taps: Sequence[Any]) -> tuple[Any, list[Any]]:
        """Run with taps; return the cost and what QNodes returned, still in the interface."""

        def tap(i: int, leaf: Any) -> Any:
            if i >= len(leaves) or tuple(np.shape(leaf)) != tuple(leaves[i]):
                raise InputError(
                    "The cost calls QNodes otherwise at other parameters (another number of calls, or other shapes): "
                    "fix the data, their order and the branches while it is diagnosed."
                )
            return self._tapped(leaf, taps[i])

        watch = Watch(tap)
        with watching(watch):
            value = self._call(x_leaves)
        self._check_scalar(value)
        return value, watch.leaves

    def forget(self) -> None:  # noqa: B027  # nothing to forget but for jax
        """Run the cost's own code again at the next run, where it was kept compiled."""

    def _scalar(self, value: Any) -> float:
        self._check_scalar(value)
        return self._number(value)

    @staticmethod
    def _check_scalar(value: Any) -> None:
        if value is None or isinstance(value, (str, dict)):
            raise InputError(f"The cost returns {'nothing' if value is None else repr(value)}: return one number.")
        shape = tuple(np.shape(value))
        if int(np.prod(shape, dtype=int)) != 1:
            raise InputError(
                f"The cost returns an array of shape {shape}: return one number, for instance the mean over the data."
            )

    def _number(self, value: Any) -> float:
        found = float(plain(value).reshape(()))
        if not np.isfinite(found):
            raise InputError(
                f"The cost is {found} at some parameters: keep logarithms and divisions away from 0 (add 1e-9 inside)."
            )
        return found

    def _call(self, leaves: Sequence[Any]) -> Any:
        """Call the cost with its trainable arguments replaced."""
        args, kwargs = list(self.arguments.args), dict(self.arguments.kwargs)
        # a module's tensors are no arguments: it has no slots
        for slot, leaf in zip(self.arguments.slots, leaves, strict=bool(self.arguments.slots)):
            if isinstance(slot, int):
                args[slot] = leaf
            else:
                kwargs[slot] = leaf
        return self.cost(*args, **kwargs)

    def _tapped(self, leaf: Any, tap: Any) -> Any:
        return leaf + tap

    def _context(self) -> AbstractContextManager[Any]:
        return nullcontext()

    @abstractmethod
    def _leaves(self, x: Floats) -> list[Any]:
        """Flat parameters as the arguments that the cost is used to."""

    @abstractmethod
    def _constant(self, value: Floats, like: Any) -> Any:
        """An array of the interface."""

    @abstractmethod
    def _differentiate(self, x: Floats, leaves: Sequence[tuple[int, ...]], taps: Floats) -> Differentiated: ...

    def _cut(self, flat: Any, shapes: Sequence[tuple[int, ...]]) -> list[Any]:
        """Cut a flat vector into arrays of these shapes."""
        ends = np.cumsum([0, *(int(np.prod(s, dtype=int)) for s in shapes)])
        return [flat[a:b].reshape(s) for a, b, s in zip(ends[:-1], ends[1:], shapes, strict=True)]
