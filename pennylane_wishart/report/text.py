"""Sections → text of at most 80 columns."""

from __future__ import annotations

import enum
import textwrap
from collections.abc import Callable, Sequence

from pennylane_wishart.conventions import display
from pennylane_wishart.report.parts import Row, Section

__all__ = ["Ink", "Painter", "to_text"]


class Ink(enum.Enum):
    """What a part of the text is, for whoever colours it."""

    HEADING = enum.auto()
    JUDGEMENT = enum.auto()
    ALARM = enum.auto()


Painter = Callable[[str, Ink], str]


def to_text(
    title: str,
    sections: Sequence[Section],
    width: int = display.WIDTH,
    paint: Painter = lambda text, ink: text,
    most: int | None = None,
    more: str = "",
) -> str:
    """Return the report as text of at most ``width`` columns; ``paint`` puts colours around finished lines.

    Of more than ``most`` lines those before the last section are cut; ``more`` is the last line, and says where the
    rest is.
    """
    head = [*_wrap(title, width), "=" * min(width, len(title))]
    parts = [_section(section, width, paint) for section in sections]
    last = [*parts.pop(), *(["", *_wrap(more, width)] if more else [])]
    head += [line for part in parts for line in part]
    if most is not None and len(head) + len(last) > most:
        head = [*head[: most - len(last) - 1], "  …"]
    return "\n".join(line.rstrip() for line in head + last)


def _section(section: Section, width: int, paint: Painter) -> list[str]:
    heading = [paint(line, Ink.HEADING) for line in _wrap(section.title, width)]
    lines = ["", *heading, "-" * min(width, len(section.title))]
    for i, sentence in enumerate(section.sentences):
        wrapped = _wrap(str(sentence), width)
        # a section with a tone gives its judgement in its first sentence
        lines += [paint(line, Ink.JUDGEMENT) for line in wrapped] if section.tone and i == 0 else wrapped
    return lines + _rows(section.rows, width, paint)


def _wrap(text: str, width: int, indent: str = "") -> list[str]:
    wrapped = textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
    return wrapped or [""]


def _rows(rows: Sequence[Row], width: int, paint: Painter) -> list[str]:
    """Align short labels in a column; a long label or value goes on lines of its own."""
    column = max((len(r.label) for r in rows if len(r.label) <= display.LABEL), default=0)
    lines: list[str] = []
    for row in rows:
        value = row.value + (f"  ({row.method})" if row.method else "")
        head = f"  {row.label.ljust(column)}  "
        room = width - len(head)
        if len(row.label) <= column and len(textwrap.wrap(value, room, break_on_hyphens=False)) <= display.VALUE_LINES:
            shown = textwrap.wrap(head + value, width, subsequent_indent=" " * len(head), break_on_hyphens=False)
        else:
            lines += _wrap(row.label, width, "  ")
            shown = _wrap(value, width, "      ")
        if row.alarm:  # coloured once it is wrapped: codes have no width
            shown[0] = shown[0].replace(row.alarm, paint(row.alarm, Ink.ALARM), 1)
        lines += shown
    return lines
