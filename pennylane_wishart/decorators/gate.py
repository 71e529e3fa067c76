"""The check that ``preflight`` puts before a QNode's quantum function: when it runs and what it does then.

The function is called by PennyLane for many purposes, most of them no real call of the QNode: who is
calling is read from the stack. A verdict is kept by the shapes of the arguments, but a failure is not
forgiven for having been told once.
"""

from __future__ import annotations

import contextvars
import functools
import inspect
import logging
import sys
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any, TypeAlias

import numpy as np
import pennylane as qml

from pennylane_wishart.conventions import decorators as limits
from pennylane_wishart.conventions import outlook
from pennylane_wishart.diagnosis import Diagnosis, diagnose, options_of
from pennylane_wishart.errors import UntrainableError, WishartError, WishartWarning

__all__ = ["Gate"]

_logger = logging.getLogger("pennylane_wishart")
_ACTIVE: contextvars.ContextVar[bool] = contextvars.ContextVar("wishart_active", default=False)


_Key: TypeAlias = tuple[Any, ...]


class _Verdicts(dict[_Key, "Diagnosis | None"]):
    """Stays here when a QNode is sent to another process: verdicts are large, and found again there."""

    def __reduce__(self) -> tuple[type[_Verdicts], tuple[()]]:
        return _Verdicts, ()


class Gate:
    """Diagnoses the calling QNode once for each kind of call and acts on the verdict."""

    def __init__(self, on_fail: str | Callable[[Diagnosis], object], options: dict[str, Any]):
        self.seen: dict[_Key, Diagnosis | None] = _Verdicts()
        """Diagnoses by kind of call; None where the circuit could not be read."""
        self._on_fail, self._options = on_fail, options
        self._data: dict[_Key, _Key] = {}
        self._told_of_tracers = False
        # Two threads that make the first call together wait for one verdict: neither may slip through.
        self._lock = threading.RLock()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_data": {}, "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.RLock())

    def check(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Check the QNode whose call is running; nothing where it is no real call.

        Raises:
            UntrainableError: with "raise", at every call until the check passes.
        """
        caller = None if _ACTIVE.get() else _calling_qnode()
        if caller is None or any(t.is_informative or t.is_final_transform for t in caller.compile_pipeline):
            return
        call = _Call.read(caller, args, kwargs)
        if call is None:
            if not self._told_of_tracers:
                _logger.warning("preflight skipped: the arguments are abstract tracers (jit); call once outside jit.")
            self._told_of_tracers = True
            return
        with self._lock:
            found, new = self._verdict(call)
        if found is not None:
            self._act(found, new)

    def _verdict(self, call: _Call) -> tuple[Diagnosis | None, bool]:
        """Return the diagnosis, and whether it is of this very call."""
        key = call.key
        # whoever only warns has warned; whoever raises must raise until it passes
        if key in self.seen:
            known = self.seen[key]
            if self._on_fail != "raise" or known is None or known.trainable is not False:
                return known, False
            if call.data(known) == self._data.get(key):
                return known, False
            # other data may pass where those failed: raising on would be as false as letting through
        found = call.diagnose(self._options)
        self.seen[key] = found
        if found is not None:
            self._data[key] = call.data(found)
        return found, True

    def _act(self, found: Diagnosis, new: bool) -> None:
        bad = found.trainable is not True or any(c.passed is False and not c.remark for c in found.checks)
        if callable(self._on_fail):
            if bad and new:
                self._on_fail(found)
        elif found.trainable is False and self._on_fail == "raise":
            raise UntrainableError(f"{found.headline} {found.what_to_change}", found)
        elif bad and new and self._on_fail != "ignore":
            _warn(f"preflight of {found.name}: {found.headline}")


@dataclass(frozen=True, eq=False)
class _Call:
    """One real call of a QNode, its arguments without the wrappers of whoever differentiates."""

    qnode: qml.QNode
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    traced: list[int]
    """Positions of the arguments that a gradient is being taken of."""

    @classmethod
    def read(cls, qnode: qml.QNode, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Call | None:
        """Return None where an argument has no value yet."""
        plain, named = tuple(map(_concrete, args)), {k: _concrete(v) for k, v in kwargs.items()}
        if any(map(_is_tracer, (*plain, *named.values()))):
            return None
        traced = [i for i, (new, old) in enumerate(zip(plain, args, strict=True)) if new is not old]
        return cls(qnode, plain, named, traced)

    @functools.cached_property
    def key(self) -> _Key:
        """What makes another circuit: shapes, plain values, transforms, shots."""
        kinds = tuple(map(_kind, self.args)), tuple((k, _kind(v)) for k, v in sorted(self.kwargs.items()))
        return (*kinds, tuple(map(repr, self.qnode.compile_pipeline)), self.qnode.shots.total_shots)

    def data(self, found: Diagnosis) -> _Key:
        """Return the arguments that are no parameters, to be compared."""
        trace = found.signature.circuit.trace
        slots = set() if trace is None else set(trace.argnums)
        try:
            bound = inspect.signature(self.qnode.func).bind(*self.args, **self.kwargs)
            args, kwargs = bound.args, bound.kwargs
        except (TypeError, ValueError):  # no signature to be had: then the slots are those of the call
            args, kwargs = self.args, self.kwargs
        values: dict[Any, Any] = {**dict(enumerate(args)), **kwargs}
        return tuple((slot, _content(v)) for slot, v in values.items() if slot not in slots)

    def diagnose(self, options: dict[str, Any]) -> Diagnosis | None:
        """Predict; None, with a warning, where that fails: a check may not stop what it checks."""
        token = _ACTIVE.set(True)
        try:
            # the check runs inside the QNode's own tape: its gates must not be recorded there
            with qml.queuing.QueuingManager.stop_recording():
                settings = {
                    "descent_budget": outlook.PREFLIGHT_BUDGET,
                    **options_of(self.qnode),
                    **options,
                    "run": False,
                }
                settings.setdefault("argnums", self.traced or None)
                return diagnose(self.qnode, **settings)(*self.args, **self.kwargs)
        except WishartError as err:
            _logger.debug("preflight could not read the circuit", exc_info=True)
            _warn(f"preflight could not read the circuit: {err}")
        except Exception as err:  # also what the quantum function raises: the real call is about to say it again
            _logger.debug("preflight failed", exc_info=True)
            _warn(f"preflight failed and says nothing of the circuit ({type(err).__name__}: {err})")
        finally:
            _ACTIVE.reset(token)
        return None


def _warn(message: str) -> None:
    warnings.warn(message, WishartWarning, stacklevel=6)


def _calling_qnode() -> qml.QNode | None:
    """Return the QNode whose call is running, or None inside draw, specs and their like."""
    # PennyLane says nowhere who asks for the tape: only the stack knows whether this is a real call
    frame: FrameType | None = sys._getframe(2)
    for _ in range(limits.CALL_FRAMES):
        if frame is None:
            return None
        name = frame.f_code.co_name
        owner = frame.f_locals.get("self")
        if name in ("__call__", "_impl_call") and isinstance(owner, qml.QNode):
            return owner
        if name in ("construct_batch", "construct_tape") and "_impl_call" not in _names_above(frame):
            return None
        frame = frame.f_back
    return None


def _names_above(frame: FrameType) -> set[str]:
    names = set()
    above = frame.f_back
    for _ in range(limits.ABOVE_FRAMES):
        if above is None:
            break
        names.add(above.f_code.co_name)
        above = above.f_back
    return names


def _kind(value: Any) -> Any:
    """Two calls with the same kinds make the same circuit, but for the values of arrays and floats."""
    if value is None or isinstance(value, (bool, int, str)):
        return type(value).__name__, value
    return np.shape(value) if hasattr(value, "shape") or np.isscalar(value) else type(value).__name__


def _content(value: Any) -> Any:
    if hasattr(value, "detach"):  # a torch tensor with a gradient has no array
        value = value.detach()
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError):
        _logger.debug("An argument of type %s is compared by its text", type(value).__name__, exc_info=True)
        return repr(value)
    return repr(value) if array.dtype == object else (array.shape, array.dtype.str, array.tobytes())


def _concrete(value: Any) -> Any:
    """Return the value inside autograd's boxes and jax's tracers, still trainable; others as they are."""
    from autograd.tracer import Box, getval

    if isinstance(value, Box):
        while isinstance(value, Box):
            value = getval(value)
        return qml.numpy.array(value, requires_grad=True)
    # a gradient's tracer holds a value, a jit's does not
    while _is_tracer(value) and hasattr(value, "primal"):
        value = value.primal
    return value


def _is_tracer(value: Any) -> bool:
    jax = sys.modules.get("jax")  # where nobody has imported it there are none
    return jax is not None and isinstance(value, jax.core.Tracer)
