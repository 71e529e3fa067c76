"""``Shown``: how a record with sections is printed, drawn, put into a notebook and saved."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pennylane_wishart.report.files import save
from pennylane_wishart.report.page import to_html
from pennylane_wishart.report.parts import Section
from pennylane_wishart.report.text import Painter, to_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Shown"]


class Shown:
    """A record with a title, sections and plain values."""

    @property
    @abstractmethod
    def title(self) -> str:
        """The first line of the report."""

    @property
    @abstractmethod
    def sections(self) -> tuple[Section, ...]:
        """The report's parts, in reading order."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return plain Python values, ready for JSON."""

    def to_text(self, paint: Painter = lambda text, ink: text) -> str:
        """Return the report as text; ``paint`` may put a terminal's colours around its lines."""
        return to_text(self.title, self.sections, paint=paint)

    def __str__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        return to_html(self.title, self.sections)

    def plot(self, axes: Axes | ArrayLike | None = None) -> NDArray[np.object_]:
        """Draw the report's figures, two in a row; return the array of Axes.

        Args:
            axes: matplotlib Axes to draw on, as many figures as there are axes; new ones where None.
        Raises:
            ImportError: without matplotlib (extra ``plots``).
        """
        import matplotlib.pyplot as plt

        figures = [f for s in self.sections for f in s.figures]
        if axes is None:
            rows = -(-len(figures) // 2)
            _, axes = plt.subplots(rows, 2, figsize=(10.5, 3.4 * rows), squeeze=False, layout="constrained")
            for spare in axes.reshape(-1)[len(figures) :]:
                spare.remove()
        axes = np.asarray(axes).reshape(-1)[: len(figures)]
        for ax, figure in zip(axes, figures, strict=False):
            figure.draw(ax)
        return axes

    def save(self, path: str | Path) -> Path:
        """Write .html (self-contained page), .json or .txt; return the path."""
        return save(path, self.title, self.sections, self.to_dict())
