"""Doors with many options: the options are one frozen record, and the door still shows each of them."""

from __future__ import annotations

import difflib
import functools
import inspect
import textwrap
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

__all__ = ["Asked", "asks", "takes"]

_P = ParamSpec("_P")
_Options = TypeVar("_Options")
_Result = TypeVar("_Result")
_Function = TypeVar("_Function", bound=Callable[..., Any])


def takes(
    record: Callable[_P, _Options], first: str = "qnode", rest: str = ""
) -> Callable[[Callable[[Any, _Options], _Result]], Callable[Concatenate[Any, _P], _Result]]:
    """Give a function of (``first``, record) the public signature ``f(first, <fields of the record>)``.

    ``inspect`` and ``help`` show every option with its default; keyword-only fields stay keyword-only, and
    the field ``rest`` takes every keyword that is no other's. The function is one that :func:`asks`.
    ``{options}`` in the function's docstring becomes the words of the record's own.
    """
    own = inspect.signature(record)
    subject = inspect.Parameter(first, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    fields = [p.replace(kind=p.VAR_KEYWORD, default=p.empty) if p.name == rest else p for p in own.parameters.values()]
    signature = own.replace(parameters=[subject, *fields], return_annotation=inspect.Signature.empty)

    words = textwrap.dedent("    " + (record.__doc__ or "").split("\n", 1)[-1]).strip("\n")

    def wrap(function: Callable[[Any, _Options], _Result]) -> Callable[Concatenate[Any, _P], _Result]:
        @functools.wraps(function)
        def door(*args: Any, **kwargs: Any) -> _Result:
            try:
                bound = signature.bind(*args, **kwargs)
            except TypeError as err:  # Python's own message, with the name that the user called
                raise TypeError(f"{function.__name__}() {err}") from None
            subject = bound.arguments.pop(first)
            return function(subject, record(**bound.arguments))  # type: ignore[call-arg]  # bound by its signature

        door.__doc__ = (function.__doc__ or "").replace("{options}", textwrap.indent(words, " " * 8).lstrip())
        door.__signature__ = signature  # type: ignore[attr-defined]  # what inspect and help read
        # a door whose options are open takes arrays among them
        return door if rest else asks(door)

    return wrap


def asks(function: _Function) -> _Function:
    """Wrap a door ``f(qnode, **options)`` whose result is a function of the QNode's arguments.

    What is commonly mistaken about it says what to write: the QNode's arguments among the options, a second call
    that was forgotten, a misspelt option.
    """
    parameters = inspect.signature(function).parameters
    named = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    places = sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters.values())

    @functools.wraps(function)
    def door(*args: Any, **kwargs: Any) -> Any:
        # no option is an array: the QNode's arguments are
        if args[1:] and (len(args) > places or any(getattr(a, "ndim", 0) for a in args[1:])):
            written = _written(function.__name__, args[0])
            raise TypeError(
                f"{function.__name__}() takes options by name and returns a function of the QNode's arguments: "
                f"write {written}."
            )
        for name in () if named else kwargs:
            if name not in parameters:
                near = difflib.get_close_matches(name, parameters, 1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                if args and name in _names(args[0]):
                    hint = f": it is the QNode's own, write {_written(function.__name__, args[0])}"
                raise TypeError(f"{function.__name__}() got an unexpected keyword argument {name!r}{hint}")
        found = function(*args, **kwargs)
        return Asked(found, _written(function.__name__, args[0])) if args and inspect.isfunction(found) else found

    return cast(_Function, door)


class Asked:
    """What a door returns: a question that still needs the QNode's arguments, and says so when it is printed."""

    def __init__(self, run: Callable[..., Any], written: str):
        functools.update_wrapper(self, run)
        self._run, self._written = run, written

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Answer it at these arguments of the QNode."""
        return self._run(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<nothing has run yet: write {self._written}>"

    def __getattr__(self, name: str) -> Any:
        # protocols (pickle, copy, notebooks) ask for underscored names and expect a plain no
        hint = "" if name.startswith("_") else f": nothing has run yet, write {self._written}.{name}"
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{hint}")


def _written(door: str, qnode: Any) -> str:
    """The whole call as a user would write it: "pw.diagnose(circuit)(weights)"."""
    name = getattr(getattr(qnode, "func", None), "__name__", "qnode")
    return f"pw.{door}({name})({', '.join(_names(qnode)) if hasattr(qnode, 'func') else '...'})"


def _names(qnode: Any) -> tuple[str, ...]:
    """Names of a QNode's arguments."""
    try:
        return tuple(inspect.signature(getattr(qnode, "func", None)).parameters)  # type: ignore[arg-type]  # None: caught
    except (ValueError, TypeError):
        return ()
