"""``Diagnosis``: the whole flow of one QNode, judged, and how it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from pennylane_wishart import report
from pennylane_wishart.conventions import Unavailable
from pennylane_wishart.diagnosis.checks import headline, judge
from pennylane_wishart.diagnosis.findings import Findings
from pennylane_wishart.diagnosis.sections import advice_section, build_sections, next_section, plainly, summary_sections
from pennylane_wishart.diagnosis.sections.outputs import outputs_sections
from pennylane_wishart.diagnosis.together import judged_together
from pennylane_wishart.errors import InputError
from pennylane_wishart.prediction import Prediction
from pennylane_wishart.serialize import decode, encode

__all__ = ["Diagnosis", "OutputsDiagnosis"]


class Diagnosis(report.Shown, Findings):  # shown as a report: its one line is the verdict
    """Will this QNode train, how well, and why.

    ``print(diag)`` for the verdict and what is behind it, ``print(diag.details())`` for every number, ``diag``
    in a notebook for HTML, ``diag.save("report.html")`` for a self-contained page, ``diag.to_dict()`` for JSON. Of
    a QNode that returns several values it is that of all of them, with one in ``outputs`` for each.
    """

    def __getattr__(self, name: str) -> Any:
        # protocols (pickle, copy, notebooks) ask for underscored names and expect a plain no
        hint = f": it is diag.prediction.{name}" if not name.startswith("_") and hasattr(Prediction, name) else ""
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{hint}")

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
    def title(self) -> str:
        """The first line of the report."""
        return f"Trainability of {self.name}"

    @property
    def summary(self) -> tuple[report.Section, ...]:
        """What is printed: the verdict and what is behind it."""
        return summary_sections(self)

    @property
    def closing(self) -> report.Section:
        """The verdict in a word, and the next step."""
        return next_section(self)

    @property
    def outputs(self) -> tuple[Diagnosis, ...]:
        """One diagnosis for everything that the QNode returns; this one alone where that is one number."""
        return (self,)

    @property
    def dead_parameters(self) -> tuple[int, ...]:
        """Flat indices of the parameters that are dead in all outputs."""
        return self.prediction.dead_parameters

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Diagnosis:
        """Return the diagnosis that :meth:`to_dict` wrote, without its QNode: it prints and draws as before.

        Raises:
            InputError: if ``data`` holds no record of a diagnosis of this version of the package.
        """
        if "outputs" in data:
            return OutputsDiagnosis(data["name"], tuple(Diagnosis.from_dict(one) for one in data["outputs"]))
        if "record" not in data:
            raise InputError("Diagnosis.from_dict needs what Diagnosis.to_dict wrote, with its 'record'.")
        return Diagnosis(prediction=Prediction.from_dict(data["prediction"]), **decode(data["record"]))

    @classmethod
    def _kept(cls) -> list[str]:
        """Fields that are written down beside the prediction, which has a form of its own."""
        return [f.name for f in fields(cls) if f.name != "prediction" and f.metadata.get("stored", True)]

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
            "remedies": None if self.trials is None else self.trials.to_dict(),
            "point": str(self.point) if isinstance(self.point, Unavailable) else self.point and self.point.to_dict(),
            "wrong_gradient_gates": list(self.wrong_gradient_gates),
            "depth": None if self.depth is None else self.depth.to_dict(),
            "family": None if self.family is None else self.family.to_dict(),
            "report": report.to_dict(self.sections),
            "record": encode({name: getattr(self, name) for name in self._kept()}),
        }
        del data["signature"]["record"]  # the prediction's holds it
        found: dict[str, Any] = report.plain(data)
        return found


class OutputsDiagnosis(Diagnosis):
    """Several numbers that one QNode returns, judged together; each has its own :class:`Diagnosis` in ``outputs``.

    What there is one of for each output (prediction, signature, descent) is on the outputs only.
    """

    def __init__(self, name: str, outputs: tuple[Diagnosis, ...], timings: Mapping[str, float] | None = None) -> None:
        checks = judged_together(outputs)
        found = {
            "name": name,
            "_outputs": outputs,
            "measurement": None,
            "comparison": None,
            "family": None,
            "checks": checks,
            "thresholds": outputs[0].thresholds,
            "verdict": judge(checks),
            "advice": outputs[0].advice,
            "timings": dict(timings or {}),
            "wrong_gradient_gates": tuple(sorted({g for o in outputs for g in o.wrong_gradient_gates})),
        }
        for key, value in found.items():
            object.__setattr__(self, key, value)

    def __getattr__(self, name: str) -> Any:
        if name != "prediction":
            return super().__getattr__(name)
        raise InputError(
            f"{self.name} returns {len(self.outputs)} values, each with its own prediction: "
            "diag.outputs[i].prediction, or pw.diagnose(qnode, output=i)."
        )

    @property
    def outputs(self) -> tuple[Diagnosis, ...]:
        """One diagnosis for everything that the QNode returns."""
        found: tuple[Diagnosis, ...] = self._outputs
        return found

    @property
    def dead_parameters(self) -> tuple[int, ...]:
        """Flat indices of the parameters that are dead in all outputs."""
        return tuple(sorted(set.intersection(*(set(o.dead_parameters) for o in self.outputs))))

    @property
    def sections(self) -> tuple[report.Section, ...]:
        """The report's parts, in reading order."""
        return outputs_sections(self, self.outputs, self.dead_parameters)

    @property
    def summary(self) -> tuple[report.Section, ...]:
        """What is printed: the verdict and a row an output; the advice comes last."""
        verdict, _, outputs = self.sections
        return verdict, replace(outputs, rows=plainly(outputs.rows, *self.outputs))

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python values, ready for JSON: the whole, and every output's own."""
        data = {
            "schema_version": 1,
            "name": self.name,
            "verdict": self.verdict.name,
            "trainable": self.trainable,
            "headline": self.headline,
            "dead_parameters": list(self.dead_parameters),
            "checks": [c.to_dict() for c in self.checks],
            "report": report.to_dict(self.sections),
            "outputs": [o.to_dict() for o in self.outputs],
        }
        found: dict[str, Any] = report.plain(data)
        return found
