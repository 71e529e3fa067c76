"""``diagnosed`` and ``preflight``: decorators that leave the QNode what it was.

Both mutate the QNode and return it: a wrapper object or a subclass would break ``qml.specs``,
``qml.set_shots`` and gradient transforms. Options live on the quantum function, which survives
``qnode.update`` and ``set_shots``, so nothing stale is bound.
"""

from __future__ import annotations

import contextvars
import functools
import logging
import sys
import warnings
from collections.abc import Callable
from types import FrameType

import numpy as np
import pennylane as qml

from pennylane_wishart.circuit import normal_form
from pennylane_wishart.comparison import compare
from pennylane_wishart.diagnosis import Diagnosis, diagnose, options_of
from pennylane_wishart.errors import InputError, UntrainableError, WishartError, WishartWarning
from pennylane_wishart.measurement import find_minima, measure, quote
from pennylane_wishart.prediction import predict
from pennylane_wishart.sectors.door import signature

__all__ = ["Inspector", "diagnosed", "preflight"]

_logger = logging.getLogger("pennylane_wishart")
_ACTIVE: contextvars.ContextVar[bool] = contextvars.ContextVar("wishart_active", default=False)
_READING = ("argnums", "output", "encoding")


class Inspector:
    """What ``qnode.wishart`` is: the inspection functions, bound to one QNode and its options."""

    def __init__(self, qnode):
        self._qnode = qnode

    def _options(self, *names: str) -> dict:
        options = options_of(self._qnode)
        return {k: v for k, v in options.items() if k in (*_READING, *names)}

    def normal_form(self, *args, **kwargs):
        """Return the RotationCircuit at these arguments."""
        return normal_form(self._qnode, **self._options())(*args, **kwargs)

    def signature(self, *args, **kwargs):
        """Return the Signature at these arguments."""
        return signature(self._qnode, **self._options("seed"))(*args, **kwargs)

    def predict(self, *args, **kwargs):
        """Return the Prediction at these arguments."""
        return predict(self._qnode, **self._options("angles", "engine", "seed"))(*args, **kwargs)

    def measure(self, *args, **kwargs):
        """Return the Measurement at these arguments."""
        names = ("angles", "samples", "seed", "device", "progress", "executor", "store")
        return measure(self._qnode, **self._options(*names))(*args, **kwargs)

    def find_minima(self, *args, **kwargs):
        """Return the MinimaMeasurement at these arguments."""
        return find_minima(self._qnode, **self._options("angles", "seed", "device", "progress"))(*args, **kwargs)

    def quote(self, *args, **kwargs):
        """Return the Quote at these arguments."""
        return quote(self._qnode, **self._options("samples", "device"))(*args, **kwargs)

    def compare(self, *args, **kwargs):
        """Return the Comparison of the prediction with a measurement."""
        return compare(self.predict(*args, **kwargs), self.measure(*args, **kwargs))

    def diagnose(self, *args, **kwargs) -> Diagnosis:
        """Return the Diagnosis at these arguments."""
        return diagnose(self._qnode, **options_of(self._qnode))(*args, **kwargs)


_DIAGNOSE_OPTIONS = set(diagnose.__kwdefaults__ or ())


def diagnosed(qnode=None, **options):
    """Add ``qnode.wishart`` with the inspection functions; the QNode itself is unchanged.

    Args:
        qnode: the QNode; None when used with options.
        **options: defaults for the inspection functions, as in :func:`diagnose`.
    Returns:
        The same QNode.
    Raises:
        InputError: for something that is not a QNode, or an unknown option.
    Example:
        >>> @diagnosed(samples=50)
        ... @qml.qnode(qml.device("default.qubit"))
        ... def f(x):
        ...     qml.RX(x, 0)
        ...     return qml.expval(qml.Z(0))
        >>> f.wishart.signature(qml.numpy.array(0.3)).algebra.dim
        1
    """
    if qnode is None:
        return functools.partial(diagnosed, **options)
    _require_qnode(qnode, "diagnosed")
    unknown = set(options) - _DIAGNOSE_OPTIONS
    if unknown:
        raise InputError(f"diagnosed got unknown options {sorted(unknown)}; known are {sorted(_DIAGNOSE_OPTIONS)}.")
    _mark(qnode, options)
    qnode.wishart = Inspector(qnode)
    return qnode


def _require_qnode(qnode, name: str) -> None:
    if not isinstance(qnode, qml.QNode):
        raise InputError(
            f"@{name} goes above @qml.qnode and takes a QNode; got {type(qnode).__name__}."
            " For a qjit object decorate the QNode inside."
        )


def _mark(qnode, options: dict) -> None:
    func = qnode.func
    try:
        func.__wishart_options__ = {**getattr(func, "__wishart_options__", {}), **options}
    except AttributeError:  # bound methods and builtins take no attributes

        def plain(*args, **kwargs):
            return func(*args, **kwargs)

        functools.update_wrapper(plain, func)
        plain.__wishart_options__ = dict(options)  # type: ignore[attr-defined]
        qnode.func = plain


# ---------------------------------------------------------------------- preflight
def preflight(qnode=None, *, on_fail: str | Callable = "warn", **options):
    """Check trainability once, at the first real call with new argument shapes.

    Predicts only; nothing is measured. The check does not run inside ``qml.draw``, ``qml.specs``,
    ``qml.set_shots`` or a gradient transform, nor on abstract tracers (it says so once).

    Args:
        qnode: the QNode; None when used with options.
        on_fail: "warn", "raise" (UntrainableError), "ignore", or a function of the Diagnosis.
        **options: as in :func:`diagnose`.
    Returns:
        The same QNode; the last diagnosis is in ``qnode.func.__wishart_diagnoses__`` by shapes.
    Raises:
        InputError: for something that is not a QNode, or an unknown option or ``on_fail``.
    Example:
        >>> @preflight(on_fail="raise")
        ... @qml.qnode(qml.device("default.qubit"))
        ... def f(x):
        ...     qml.RX(x, 0)
        ...     return qml.expval(qml.Z(0))
        >>> float(f(qml.numpy.array(0.0)))
        1.0
    """
    if on_fail not in ("warn", "raise", "ignore") and not callable(on_fail):
        raise InputError(f"on_fail={on_fail!r}: use 'warn', 'raise', 'ignore' or a function of the Diagnosis.")
    if qnode is None:
        return functools.partial(preflight, on_fail=on_fail, **options)
    _require_qnode(qnode, "preflight")
    unknown = set(options) - _DIAGNOSE_OPTIONS
    if unknown:
        raise InputError(f"preflight got unknown options {sorted(unknown)}; known are {sorted(_DIAGNOSE_OPTIONS)}.")
    original = qnode.func
    seen: dict[tuple, Diagnosis | None] = {}

    @functools.wraps(original)
    def checked(*args, **kwargs):
        caller = None if _ACTIVE.get() else _calling_qnode()
        if caller is not None and _plain_call(caller, qnode):
            _check_once(caller, args, kwargs, seen, on_fail, options)
        return original(*args, **kwargs)

    checked.__wishart_original__ = original  # type: ignore[attr-defined]
    checked.__wishart_diagnoses__ = seen  # type: ignore[attr-defined]
    qnode.func = checked
    return qnode


def _calling_qnode():
    """Return the QNode whose call is running, or None inside draw, specs and their like."""
    frame: FrameType | None = sys._getframe(2)
    for _ in range(60):
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


def _names_above(frame) -> set[str]:
    names = set()
    for _ in range(12):
        frame = frame.f_back
        if frame is None:
            break
        names.add(frame.f_code.co_name)
    return names


def _plain_call(caller, qnode) -> bool:
    """Tell whether the caller has no transform that the decorated QNode does not have."""
    return len(getattr(caller, "compile_pipeline", ())) == len(getattr(qnode, "compile_pipeline", ()))


def _shapes(args, kwargs) -> tuple:
    def one(value):
        return np.shape(value) if hasattr(value, "shape") or np.isscalar(value) else type(value).__name__

    return tuple(one(a) for a in args), tuple((k, one(v)) for k, v in sorted(kwargs.items()))


def _concrete(value):
    """Unbox autograd boxes and tensors to plain values that keep their trainability."""
    from autograd.tracer import Box, getval

    if isinstance(value, Box):
        while isinstance(value, Box):
            value = getval(value)
        return qml.numpy.array(value, requires_grad=True)
    return value


def _check_once(caller, args, kwargs, seen, on_fail, options) -> None:
    key = _shapes(args, kwargs)
    if key in seen:
        return
    if any(qml.math.is_abstract(v) for v in (*args, *kwargs.values()) if hasattr(v, "shape")):
        seen[key] = None
        _logger.warning("preflight skipped: the arguments are abstract tracers (jit); call once outside jit.")
        return
    token = _ACTIVE.set(True)
    seen[key] = None
    try:
        with qml.queuing.QueuingManager.stop_recording():
            plain = [_concrete(a) for a in args]
            settings = {**options_of(caller), **options, "run": False}
            settings.setdefault("argnums", _boxed(args))
            found = diagnose(caller, **settings)(*plain, **{k: _concrete(v) for k, v in kwargs.items()})
    except UntrainableError:
        raise
    except WishartError as err:
        warnings.warn(f"preflight could not read the circuit: {err}", WishartWarning, stacklevel=2)
        return
    finally:
        _ACTIVE.reset(token)
    seen[key] = found
    _report(found, on_fail)


def _boxed(args):
    """Under a gradient the boxed arguments are the trainable ones; None otherwise."""
    from autograd.tracer import isbox

    boxed = [i for i, a in enumerate(args) if isbox(a)]
    return boxed or None


def _report(found: Diagnosis, on_fail) -> None:
    if callable(on_fail):
        if found.trainable is not True or any(c.passed is False for c in found.checks):
            on_fail(found)
        return
    if found.trainable is False and on_fail == "raise":
        raise UntrainableError(f"{found.headline} {found.what_to_change}", found)
    bad = found.trainable is not True or any(c.passed is False for c in found.checks)
    if bad and on_fail in ("warn", "raise"):
        warnings.warn(f"preflight of {found.name}: {found.headline}", WishartWarning, stacklevel=2)
