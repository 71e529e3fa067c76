"""Sections → text of at most 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from pennylane_wishart.report.parts import Row, Section

__all__ = ["to_text"]

_WIDTH = 80
_LABEL = 40


def to_text(title: str, sections: Sequence[Section], width: int = _WIDTH) -> str:
    """Return the report as text of at most ``width`` columns."""
    lines = [*_wrap(title, width), "=" * min(width, len(title))]
    for section in sections:
        lines += ["", *_wrap(section.title, width), "-" * min(width, len(section.title))]
        for sentence in section.sentences:
            lines += _wrap(str(sentence), width)
        lines += _rows(section.rows, width)
    return "\n".join(line.rstrip() for line in lines)


def _wrap(text: str, width: int, indent: str = "") -> list[str]:
    wrapped = textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
    return wrapped or [""]


def _rows(rows: Sequence[Row], width: int) -> list[str]:
    """Align short labels in a column; a long label or value goes on lines of its own."""
    column = max((len(r.label) for r in rows if len(r.label) <= _LABEL), default=0)
    lines: list[str] = []
    for row in rows:
        value = row.value + (f"  ({row.method})" if row.method else "")
        head = f"  {row.label.ljust(column)}  "
        room = width - len(head)
        if len(row.label) <= column and len(textwrap.wrap(value, room, break_on_hyphens=False)) <= 2:
            lines += textwrap.wrap(
                head + value, width, subsequent_indent=" " * len(head), break_on_hyphens=False, drop_whitespace=True
            )
        else:
            lines += _wrap(row.label, width, "  ") + _wrap(value, width, "      ")
    return lines
