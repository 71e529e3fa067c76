"""How a record shows itself: one short line anywhere, and its printed text in a notebook."""

from __future__ import annotations

import dataclasses
import enum
import html
from collections.abc import Mapping
from typing import Any

import numpy as np

from pennylane_wishart.conventions import display

__all__ = ["Shown", "clipped", "short"]


class Shown:
    """Base of records: ``repr`` of at most ``display.REPR`` characters, ``print`` of a line a field, HTML.

    A record with a text of its own writes ``__str__``; the notebook shows that. Nothing is computed to be shown
    in one line: fields only.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        # a dataclass would write a repr of its own, with every array in it; it leaves one alone that is there
        if "__repr__" not in vars(cls):
            cls.__repr__ = cls.__repr__  # type: ignore[method-assign]  # the one that it inherits

    def __repr__(self) -> str:
        name = type(self).__name__
        inside = ", ".join(f"{k}={short(v)}" for k, v in _fields(self).items())
        return f"{name}({clipped(inside, display.REPR - len(name) - 2)})"

    def __str__(self) -> str:
        found = _fields(self)
        width = max(map(len, found), default=0)
        lines = [f"  {k.ljust(width)}  {short(v)}" for k, v in found.items()]
        return "\n".join([type(self).__name__, *lines])

    def _repr_html_(self) -> str:
        # colours are the notebook's own: what sets none reads on light and dark ground
        style = "white-space:pre-wrap;word-break:normal;overflow-wrap:anywhere"
        return f'<pre style="{style}">{html.escape(str(self))}</pre>'


def clipped(text: str, most: int) -> str:
    """Return the text, or its beginning with an ellipsis where it is longer than ``most`` characters."""
    return text if len(text) <= most else text[: most - 1].rstrip(", ") + "…"


def _fields(record: Any) -> dict[str, Any]:
    if not dataclasses.is_dataclass(record):
        return {k: v for k, v in vars(record).items() if not k.startswith("_")}
    return {f.name: getattr(record, f.name) for f in dataclasses.fields(record) if f.repr}


def short(value: Any) -> str:
    """Return a value in a few characters: sizes of what is long, never its contents."""
    if isinstance(value, (bool, np.bool_)) or value is None:
        return str(value)
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, str):
        return repr(clipped(value, display.REPR_TEXT))
    if isinstance(value, (int, np.integer)):
        # an exact dimension of a thousand digits is said by its size
        number = int(value)
        return str(number) if abs(number) < display.PLAIN_SIZE else f"about 2^{number.bit_length() - 1}"
    if isinstance(value, (float, np.floating)):
        return f"{value:.6g}"
    if isinstance(value, np.ndarray) and (value.ndim != 1 or len(value) > display.REPR_ITEMS):
        return f"array({'×'.join(map(str, value.shape))})"
    if isinstance(value, (tuple, list, np.ndarray)):
        if len(value) > display.REPR_ITEMS:
            return f"{type(value).__name__} of {len(value):,}"
        return f"({', '.join(map(short, value))})"
    if isinstance(value, Mapping):
        return f"{type(value).__name__} of {len(value):,}"
    return f"{type(value).__name__}(…)"
