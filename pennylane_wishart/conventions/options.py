"""Doors with many options: the options are one frozen record, and the door still shows each of them."""

from __future__ import annotations

import difflib
import functools
import inspect
import textwrap
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

__all__ = ["takes"]

_P = ParamSpec("_P")
_Options = TypeVar("_Options")
_Result = TypeVar("_Result")


def takes(
    record: Callable[_P, _Options], first: str = "qnode", rest: str = ""
) -> Callable[[Callable[[Any, _Options], _Result]], Callable[Concatenate[Any, _P], _Result]]:
    """Give a function of (``first``, record) the public signature ``f(first, <fields of the record>)``.

    ``inspect`` and ``help`` show every option with its default; keyword-only fields stay keyword-only, and
    the field ``rest`` takes every keyword that is no other's. A misspelt option names the nearest one.
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
            for name in () if rest else kwargs:
                if name not in signature.parameters:
                    near = difflib.get_close_matches(name, signature.parameters, 1)
                    hint = f"; did you mean {near[0]!r}?" if near else ""
                    raise TypeError(f"{function.__name__}() got an unexpected keyword argument {name!r}{hint}")
            try:
                bound = signature.bind(*args, **kwargs)
            except TypeError as err:  # Python's own message, with the name that the user called
                raise TypeError(f"{function.__name__}() {err}") from None
            subject = bound.arguments.pop(first)
            return function(subject, record(**bound.arguments))  # type: ignore[call-arg]  # bound by its signature

        door.__doc__ = (function.__doc__ or "").replace("{options}", textwrap.indent(words, " " * 8).lstrip())
        door.__signature__ = signature  # type: ignore[attr-defined]  # what inspect and help read
        return door

    return wrap
