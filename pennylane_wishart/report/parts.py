"""What a report is made of: sections of sentences, numbers and figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pennylane_wishart.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["TONES", "Figure", "Row", "Section", "Sentence"]

TONES = ("", "good", "warning", "bad", "unknown")


@dataclass(frozen=True)
class Sentence:
    """One sentence; its numbers are explained by ``definition`` and ``source``."""

    text: str
    definition: str = ""
    """What the numbers in it mean."""
    source: str = ""
    """Where the definition comes from: a section of the theory, a paper, an argument."""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Row:
    """One number of a report."""

    label: str
    value: str
    definition: str = ""
    """What the number means; shown when the pointer or the keyboard rests on it."""
    method: str = ""
    """How it was found: exact, sampled, bound, asymptotic."""
    source: str = ""
    """Where the definition comes from: a section of the theory, a paper, an argument."""
    alarm: str = ""
    """The words of ``value`` that say that something is wrong."""


@dataclass(frozen=True)
class Figure:
    """One figure: a function that draws on the matplotlib Axes that it is given."""

    draw: Callable[[Axes], object]
    caption: str
    """One sentence that says what is seen; read out in place of the figure."""
    size: tuple[float, float] | None = None
    """Inches of a figure that takes a row of its own; None for one of the usual size."""


@dataclass(frozen=True)
class Section:
    """One part of a report."""

    title: str
    sentences: tuple[Sentence | str, ...] = ()
    rows: tuple[Row, ...] = ()
    figures: tuple[Figure, ...] = ()
    tone: str = ""
    """"good", "warning", "bad" or "unknown" where the section is a judgement."""

    def __post_init__(self) -> None:
        if self.tone not in TONES:
            raise InputError(f"Section.tone must be one of {TONES}; got {self.tone!r}.")

    @property
    def said(self) -> tuple[Sentence, ...]:
        """The sentences, plain strings wrapped."""
        return tuple(Sentence(s) if isinstance(s, str) else s for s in self.sentences)

    @property
    def text(self) -> str:
        """The sentences as one string."""
        return " ".join(str(s) for s in self.sentences)
