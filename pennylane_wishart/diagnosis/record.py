"""``Diagnosis``: the whole flow of one QNode, judged."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pennylane_wishart import report
from pennylane_wishart.comparison import Comparison
from pennylane_wishart.diagnosis.checks import Check, Thresholds, Verdict
from pennylane_wishart.diagnosis.depth import DepthCurve
from pennylane_wishart.diagnosis.sections import advice_section, build_sections
from pennylane_wishart.diagnosis.words import headline
from pennylane_wishart.measurement import Measurement
from pennylane_wishart.prediction import Prediction
from pennylane_wishart.sectors import Signature

__all__ = ["Diagnosis"]


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """Will this QNode train, how well, and why.

    ``print(diag)`` for text, ``diag`` in a notebook for HTML, ``diag.save("report.html")`` for a
    self-contained page, ``diag.to_dict()`` for JSON.
    """

    name: str
    prediction: Prediction
    measurement: Measurement | None
    comparison: Comparison | None
    family: Any
    """A :class:`ScalingStudy`, or None: scaling not assessed."""
    checks: tuple[Check, ...]
    thresholds: Thresholds
    verdict: Verdict
    advice: tuple[str, ...] = ()
    depth: DepthCurve | None = None
    """Loss variance as the circuit grows; None where it was not cheap to find."""
    wrong_gradient_gates: tuple[str, ...] = ()
    """Gates for which the QNode's own device returns a wrong gradient of the QNode."""

    @property
    def signature(self) -> Signature:
        """The circuit's Lie-algebraic signature."""
        return self.prediction.signature

    @property
    def trainable(self) -> bool | None:
        """True, False, or None where it could not be told."""
        if self.verdict is Verdict.CANNOT_TELL:
            return None
        return self.verdict is not Verdict.NOT_TRAINABLE

    @property
    def headline(self) -> str:
        """The verdict in one sentence with its reason."""
        return headline(self)

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

    def __str__(self) -> str:
        return report.to_text(self._title, self.sections)

    def _repr_html_(self) -> str:
        return report.to_html(self._title, self.sections)

    def plot(self, axes=None):
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

    def to_dict(self) -> dict:
        """Return plain Python values, ready for JSON."""
        data = {
            "schema_version": 1,
            "name": self.name,
            "verdict": self.verdict.name,
            "trainable": self.trainable,
            "headline": self.headline,
            "thresholds": vars(self.thresholds),
            "checks": [c.to_dict() for c in self.checks],
            "signature": self.signature.to_dict(),
            "prediction": self.prediction.to_dict(),
            "comparison": None if self.comparison is None else self.comparison.to_dict(),
            "wrong_gradient_gates": list(self.wrong_gradient_gates),
            "depth": None if self.depth is None else self.depth.to_dict(),
            "family": None if self.family is None else self.family.to_dict(),
            "report": report.to_dict(self.sections),
        }
        return report.plain(data)

    def save(self, path: str | Path) -> Path:
        """Write .html (self-contained page), .json or .txt; return the path."""
        return report.save(path, self._title, self.sections, self.to_dict())
