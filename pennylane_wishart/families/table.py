"""Rows and paragraphs of the room's tables, at most 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from pennylane_wishart.conventions import display, levels
from pennylane_wishart.families.line import LineFit

__all__ = ["columns", "interval", "wrapped"]


def interval(fit: LineFit) -> str:
    """Return the interval of a slope in words."""
    return f"{levels.INTERVAL:.0%}: {fit.low:+.3f} to {fit.high:+.3f}"


def columns(widths: tuple[int, ...], cells: Sequence[object]) -> str:
    """Return right-aligned cells one space apart; a negative width aligns left and cuts."""
    parts = [f"{str(c)[:-w]:<{-w}}" if w < 0 else f"{str(c):>{w}}" for c, w in zip(cells, widths, strict=True)]
    return " ".join(parts).rstrip()


def wrapped(text: str) -> list[str]:
    """Return the lines of a paragraph."""
    return textwrap.wrap(text, display.WIDTH)
