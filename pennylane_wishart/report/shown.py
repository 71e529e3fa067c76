"""``Shown``: how a record with sections is printed, drawn, put into a notebook and saved."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pennylane_wishart.conventions import display, showing
from pennylane_wishart.report.files import save
from pennylane_wishart.report.page import to_html
from pennylane_wishart.report.parts import Section
from pennylane_wishart.report.text import Painter, to_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Shown"]


_MORE = "More: print(diag.details()), or diag.save('report.html')."


class Shown(showing.Shown):
    """A record with a title, a headline, sections and plain values: printed on a screen, drawn, saved."""

    @property
    @abstractmethod
    def title(self) -> str:
        """The first line of the report."""

    @property
    @abstractmethod
    def sections(self) -> tuple[Section, ...]:
        """The report's parts, in reading order."""

    @property
    @abstractmethod
    def headline(self) -> str:
        """The verdict in one sentence."""

    @property
    @abstractmethod
    def summary(self) -> tuple[Section, ...]:
        """The parts that are printed, the verdict first."""

    @property
    @abstractmethod
    def closing(self) -> Section:
        """The last part of every text: the next step, where a terminal leaves the reader."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return plain Python values, ready for JSON."""

    def to_text(self, paint: Painter = lambda text, ink: text, details: bool = False, more: str = _MORE) -> str:
        """Return the report as text, the verdict first and last; ``paint`` may put colours around its lines.

        At most 40 lines and ``more``, which says where the rest is, or the whole report with ``details``.
        """
        if details:
            return to_text(self.title, (*self.sections, self.closing), paint=paint)
        return to_text(self.title, (*self.summary, self.closing), paint=paint, most=display.SUMMARY_LINES, more=more)

    def details(self) -> str:
        """Return the whole report as text: every number with the method that gave it."""
        return self.to_text(details=True)

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        return f"<{showing.clipped(f'{self.title}: {self.headline}', display.REPR - 2)}>"

    def _repr_html_(self) -> str:
        return to_html(self.title, self.sections)

    def plot(self, axes: Axes | ArrayLike | None = None) -> NDArray[np.object_]:
        """Draw the report's figures, two in a row and wide ones on their own; return the array of Axes.

        Args:
            axes: matplotlib Axes to draw on, as many figures as there are axes; new ones where None.
        Raises:
            ImportError: without matplotlib (extra ``plots``).
        """
        import matplotlib.pyplot as plt

        figures = [f for s in self.sections for f in s.figures]
        if axes is None:
            # wide ones first, so that no place in a row stays empty between them
            figures.sort(key=lambda figure: figure.size is None)
            wide = [f.size[1] for f in figures if f.size is not None]
            narrow = len(figures) - len(wide)
            heights = [*wide, *[3.4] * -(-narrow // 2)]
            canvas = plt.figure(figsize=(10.5, sum(heights)), layout="constrained")
            grid = canvas.add_gridspec(len(heights), 2, height_ratios=heights)
            places = [grid[row, :] for row in range(len(wide))]
            places += [grid[len(wide) + i // 2, i % 2] for i in range(narrow)]
            axes = np.array([canvas.add_subplot(place) for place in places])
        axes = np.asarray(axes).reshape(-1)[: len(figures)]
        for ax, figure in zip(axes, figures, strict=False):
            figure.draw(ax)
        return axes

    def save(self, path: str | Path) -> Path:
        """Write .html (self-contained page), .json or .txt; return the path."""
        return save(path, self.title, self.sections, self.to_dict())
