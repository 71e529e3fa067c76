"""``Diagnosis``: the whole flow of one QNode, judged, and how it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pennylane_wishart import report
from pennylane_wishart.conventions import display
from pennylane_wishart.conventions.showing import clipped
from pennylane_wishart.diagnosis.checks import headline
from pennylane_wishart.diagnosis.findings import Findings
from pennylane_wishart.diagnosis.sections import advice_section, build_sections, next_section, summary_sections
from pennylane_wishart.errors import InputError
from pennylane_wishart.prediction import Prediction
from pennylane_wishart.serialize import decode, encode

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Diagnosis"]


class Diagnosis(Findings):
    """Will this QNode train, how well, and why.

    ``print(diag)`` for the verdict and what is behind it, ``print(diag.details())`` for every number, ``diag``
    in a notebook for HTML, ``diag.save("report.html")`` for a self-contained page, ``diag.to_dict()`` for JSON.
    """

    @property
    def reaches_ground(self) -> bool | None:
        """Whether the best end lies within the tolerance of the observable's lowest eigenvalue; None where open."""
        return None if self.descent is None else self.descent.reaches_ground

    @property
    def headline(self) -> str:
        """The verdict in one sentence with its reason."""
        return headline(self.checks)

    @property
    def sections(self) -> tuple[report.Section, ...]:
        """The report's parts, in reading order."""
        return build_sections(self)

    @property
    def what_to_change(self) -> str:
        """Advice on every check that failed, in one string."""
        return advice_section(self).text

    @property
    def _title(self) -> str:
        return f"Trainability of {self.name}"

    def to_text(self, paint: report.Painter = lambda text, ink: text, details: bool = False) -> str:
        """Return the report as text, the verdict first and last; ``paint`` may put colours around its lines.

        At most 40 lines, or the whole report with ``details``.
        """
        if details:
            return report.to_text(self._title, (*self.sections, next_section(self)), paint=paint)
        more = "More: print(diag.details()), or diag.save('report.html')."
        return report.to_text(self._title, summary_sections(self), paint=paint, most=display.SUMMARY_LINES, more=more)

    def details(self) -> str:
        """Return the whole report as text: every number with the method that gave it."""
        return self.to_text(details=True)

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        found = f"Diagnosis of {self.name}: {self.headline}"
        return f"<{clipped(found, display.REPR - 2)}>"

    def _repr_html_(self) -> str:
        return report.to_html(self._title, self.sections)

    def plot(self, axes: Axes | ArrayLike | None = None) -> NDArray[np.object_]:
        """Draw the report's figures, two in a row and the circuit on one of its own; return the array of Axes.

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

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Diagnosis:
        """Return the diagnosis that :meth:`to_dict` wrote, without its QNode: it prints and draws as before.

        Raises:
            InputError: if ``data`` holds no record of a diagnosis of this version of the package.
        """
        if "record" not in data:
            raise InputError("Diagnosis.from_dict needs what Diagnosis.to_dict wrote, with its 'record'.")
        return cls(prediction=Prediction.from_dict(data["prediction"]), **decode(data["record"]))

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python values, ready for JSON: what a reader looks for, and the whole as "record"s."""
        data = {
            "schema_version": 1,
            "name": self.name,
            "verdict": self.verdict.name,
            "trainable": self.trainable,
            "headline": self.headline,
            "reaches_ground": self.reaches_ground,
            "thresholds": vars(self.thresholds),
            "checks": [c.to_dict() for c in self.checks],
            "signature": self.signature.to_dict(),
            "prediction": self.prediction.to_dict(),
            "comparison": None if self.comparison is None else self.comparison.to_dict(),
            "descent": None if self.descent is None else self.descent.to_dict(),
            "wrong_gradient_gates": list(self.wrong_gradient_gates),
            "depth": None if self.depth is None else self.depth.to_dict(),
            "family": None if self.family is None else self.family.to_dict(),
            "report": report.to_dict(self.sections),
            "record": encode({f.name: getattr(self, f.name) for f in fields(self) if f.name != "prediction"}),
        }
        del data["signature"]["record"]  # the prediction's holds it
        found: dict[str, Any] = report.plain(data)
        return found

    def save(self, path: str | Path) -> Path:
        """Write .html (self-contained page), .json or .txt; return the path."""
        return report.save(path, self._title, self.sections, self.to_dict())
