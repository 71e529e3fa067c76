"""``diagnosed`` and ``preflight``: decorators that leave the QNode what it was.

Both mutate the QNode and return it: a wrapper object or a subclass would break ``qml.specs``,
``qml.set_shots`` and gradient transforms. Options live on the quantum function, which survives copies,
``qnode.update``, ``set_shots`` and every other transform.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pennylane as qml

from pennylane_wishart.decorators.gate import Gate
from pennylane_wishart.decorators.inspector import DIAGNOSED, open_doors
from pennylane_wishart.diagnosis import DiagnoseOptions, Diagnosis, options_of
from pennylane_wishart.errors import InputError

__all__ = ["diagnosed", "preflight"]

_DIAGNOSE_OPTIONS = {f.name for f in fields(DiagnoseOptions)}


def diagnosed(qnode: Any = None, **options: Any) -> Any:
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
    _check(qnode, "diagnosed", options)
    _mark(qnode, options)
    open_doors()
    return qnode


def _check(qnode: Any, name: str, options: dict[str, Any]) -> None:
    """Refuse what a decorator cannot take, at the line that it stands on."""
    if not isinstance(qnode, qml.QNode):
        raise InputError(
            f"@{name} goes above @qml.qnode and takes a QNode; got {type(qnode).__name__}."
            " For a qjit object decorate the QNode inside."
        )
    unknown = set(options) - _DIAGNOSE_OPTIONS
    if unknown:
        near = difflib.get_close_matches(min(unknown), (*_DIAGNOSE_OPTIONS, "on_fail"), 1)
        hint = f"did you mean {near[0]!r}? Known" if near else "known"
        raise InputError(f"{name} got unknown options {sorted(unknown)}; {hint} are {sorted(_DIAGNOSE_OPTIONS)}.")


def _mark(qnode: Any, options: dict[str, Any]) -> None:
    """Leave options on a function of this QNode's own: other QNodes may be made of the same function."""
    func = qnode.func

    @functools.wraps(func)
    def marked(*args: Any, **kwargs: Any) -> Any:
        return func(*args, **kwargs)

    # decorated twice, the first function is still the user's
    marked.__dict__.setdefault("__wishart_original__", func)
    marked.__dict__.update({DIAGNOSED: True, "__wishart_options__": {**options_of(qnode), **options}})
    _replace_func(qnode, marked)


def _replace_func(qnode: Any, func: Callable[..., Any]) -> None:
    qnode.func = func
    # what qnode.update() makes the new QNode of; shared between copies, so replaced and not written into
    if hasattr(qnode, "_init_args"):
        qnode._init_args = {**qnode._init_args, "func": func}


# ---------------------------------------------------------------------- preflight
def preflight(qnode: Any = None, *, on_fail: str | Callable[[Diagnosis], object] = "warn", **options: Any) -> Any:
    """Check trainability at the first real call with new argument shapes.

    Predicts only; nothing is measured. Warnings come, and functions are called, once for the same
    shapes, transforms and shots (and the same whole numbers, words and flags among the arguments);
    "raise" raises again at every call until the check passes. The check does not run inside
    ``qml.draw``, ``qml.specs``, ``qml.set_shots`` or a gradient transform, nor on abstract tracers (it
    says so once).

    Args:
        qnode: the QNode; None when used with options.
        on_fail: "warn", "raise" (UntrainableError at every call; what is not wholly good but no failure
            only warns), "ignore", or a function of the Diagnosis.
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
    _check(qnode, "preflight", options)
    original = qnode.func
    gate = Gate(on_fail, options)

    @functools.wraps(original)
    def checked(*args: Any, **kwargs: Any) -> Any:
        gate.check(args, kwargs)
        return original(*args, **kwargs)

    checked.__dict__.setdefault("__wishart_original__", original)
    checked.__dict__["__wishart_diagnoses__"] = gate.seen
    _replace_func(qnode, checked)
    return qnode
