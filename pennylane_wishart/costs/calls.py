"""The QNodes that run while a cost does: what they were called with, what they gave, and a tap on each result.

A tap is added to a result before the cost sees it: the cost's derivative by it is the chain factor.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pennylane as qml

from pennylane_wishart.errors import InputError

__all__ = ["Call", "Watch", "exact", "plain", "watching"]

_LOCK = threading.RLock()


@dataclass(frozen=True, eq=False)
class Call:
    """One call of a QNode."""

    qnode: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    leaves: tuple[Any, ...]
    """What it returned, flat, before the taps."""
    mapped: bool = False
    """Whether it ran inside ``jax.vmap``: the arguments are then of the first row, the results means over rows."""


class Watch:
    """Hands on results with a tap added to each leaf, and keeps the calls."""

    def __init__(self, tap: Callable[[int, Any], Any]) -> None:
        self.calls: list[Call] = []
        self._tap, self._count = tap, 0

    @property
    def leaves(self) -> list[Any]:
        """Every result so far, before the taps."""
        return [leaf for call in self.calls for leaf in call.leaves]

    def __call__(self, qnode: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> Any:
        leaves, structure = qml.pytrees.flatten(result)
        kept = (tuple(map(_kept, args)), {k: _kept(v) for k, v in kwargs.items()})
        self.calls.append(Call(qnode, *kept, tuple(leaves)))
        out = [self._tap(self._count + i, leaf) for i, leaf in enumerate(leaves)]
        self._count += len(leaves)
        return qml.pytrees.unflatten(out, structure)


def _kept(value: Any) -> Any:
    """The value as it is now: tensors of a module are written over later."""
    return value.detach().clone() if qml.math.get_interface(value) == "torch" else value


@contextmanager
def watching(watch: Watch) -> Iterator[None]:
    """Let ``watch`` see every QNode that this thread calls; undone at the end, also after an exception.

    A QNode that another one's execution calls is not seen. Shots are left out: the exact value runs.
    """
    me, inside = threading.get_ident(), False
    with _LOCK:  # one cost at a time: the class of all QNodes is what is changed
        original = qml.QNode.__call__

        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            nonlocal inside
            if inside or threading.get_ident() != me:
                return original(self, *args, **kwargs)
            inside = True
            try:
                result = original(exact(self), *args, **kwargs)
            finally:
                inside = False
            return watch(self, args, kwargs, result)

        qml.QNode.__call__ = call
        try:
            yield
        finally:
            qml.QNode.__call__ = original


def exact(qnode: Any) -> Any:
    """Return the QNode without shots, and without a decorator's check at its first call."""
    bare = getattr(qnode.func, "__wishart_original__", None)
    if bare is None and not qnode.shots:
        return qnode
    found = copy.copy(qnode)
    if bare is not None:
        found.func = bare
    return qml.set_shots(found, None) if qnode.shots else found


def plain(value: Any) -> np.ndarray:
    """Return a result or argument of any interface as float64.

    Raises:
        InputError: inside ``jax.vmap``, where there is no one value.
    """
    value = qml.math.unwrap([value])[0]
    if qml.math.get_interface(value) == "torch":
        value = value.detach().cpu().numpy()
    try:
        return np.asarray(value, float)
    except (TypeError, ValueError) as err:
        raise InputError(f"A {type(value).__name__} has no one value here: call QNodes outside jax.vmap.") from err
