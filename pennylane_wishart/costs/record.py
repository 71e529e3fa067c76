"""``CostDiagnosis``: what was found of a cost, and how it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from pennylane_wishart import report
from pennylane_wishart.circuit import AngleLaw
from pennylane_wishart.conventions import CostCause, Unavailable
from pennylane_wishart.conventions.arrays import Floats
from pennylane_wishart.costs.causes import Finding
from pennylane_wishart.costs.labels import Label
from pennylane_wishart.diagnosis import Diagnosis
from pennylane_wishart.errors import InputError
from pennylane_wishart.serialize import decode, encode

__all__ = ["CostDiagnosis"]


@dataclass(frozen=True, eq=False)
class CostDiagnosis(report.Shown):
    """Where the gradient of a cost goes, from its QNodes to its parameters.

    ``print(diag)`` for text, ``diag`` in a notebook for HTML, ``diag.save("report.html")``, ``diag.to_dict()``.
    """

    name: str
    outputs: tuple[Diagnosis | Unavailable, ...]
    """One for each different number that QNodes return, not run; equal circuits share theirs."""
    output_names: tuple[str, ...]
    output_range: Floats
    """``(n_outputs, 2)``: smallest and largest value in the samples."""
    chain_factor: Floats
    """``(n_outputs,)``: rms of ∂cost/∂output over random parameters."""
    labels: tuple[Label, ...]
    """What the cost pulls outputs to, where it is quadratic in them."""
    parameters: Floats
    """``(samples, n_params)``: the random parameters, flat in the order of the call."""
    costs: Floats
    """``(samples,)``"""
    gradients: Floats
    """``(samples, n_params)``: ∂cost/∂parameter, as the interface gives it."""
    gradient_variance: Floats
    """``(n_params,)``: exact where ``method`` says so, else of the samples."""
    gradient_variance_error: Floats
    """Standard errors; 0 where exact."""
    zero_gradient: tuple[int, ...]
    """Flat indices of the parameters whose cost gradient is 0 in every sample."""
    dead_parameters: tuple[int, ...]
    """Flat indices of the parameters that are proved dead in every circuit that they are passed to."""
    finding: Finding
    method: str
    """How the variances were found: the engine's name, or "sampled" and why."""
    angles: AngleLaw
    """Law of the random parameters; "fixed" for those that no circuit takes as an angle."""
    seed: int

    def __post_init__(self) -> None:
        n, p = len(self.outputs), self.gradients.shape[1]
        if self.chain_factor.shape != (n,) or len(self.output_names) != n:
            raise InputError("CostDiagnosis: one name and one chain factor for each output.")
        if self.gradient_variance.shape != (p,) or self.gradient_variance_error.shape != (p,):
            raise InputError(f"CostDiagnosis: variances need shape ({p},), one for each parameter.")

    @property
    def cause(self) -> CostCause:
        """Where the gradient is lost."""
        return self.finding.cause

    @property
    def n_params(self) -> int:
        """Number of flat parameters."""
        return int(self.gradients.shape[1])

    @property
    def headline(self) -> str:
        """The verdict in one sentence with its reason."""
        said = f"{self.cause.value[0].upper()}{self.cause.value[1:]}: {self.finding.text}"
        none = len(self.zero_gradient)
        if none and self.cause is CostCause.NOTHING:
            said += f"; {none} of {self.n_params} parameters have no gradient and can be left out"
        return f"{said}."

    @property
    def title(self) -> str:
        """The first line of the report."""
        return f"The gradient of {self.name}"

    @property
    def sections(self) -> tuple[report.Section, ...]:
        """The report's parts, in reading order."""
        return _sections(self)

    @property
    def summary(self) -> tuple[report.Section, ...]:
        """What is printed; the advice comes last."""
        verdict, _, *rest = self.sections
        return (verdict, *rest)

    @property
    def closing(self) -> report.Section:
        """The cause in a word, and the next step."""
        return report.Section(f"{self.cause.value.capitalize()}. Next:", (self.finding.advice,))

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python values, ready for JSON; ``from_dict`` reads them back."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "outputs"}
        data = {
            "schema_version": 1,
            "name": self.name,
            "cause": self.cause.value,
            "headline": self.headline,
            "chain_factor": self.chain_factor.tolist(),
            "gradient_variance": self.gradient_variance.tolist(),
            "zero_gradient": list(self.zero_gradient),
            "report": report.to_dict(self.sections),
            "outputs": [o.to_dict() if isinstance(o, Diagnosis) else {"unavailable": encode(o)} for o in self.outputs],
            "record": encode(own),
        }
        found: dict[str, Any] = report.plain(data)
        return found

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CostDiagnosis:
        """Return what :meth:`to_dict` wrote.

        Raises:
            InputError: if ``data`` holds no record of a cost's diagnosis of this version of the package.
        """
        if "record" not in data:
            raise InputError("CostDiagnosis.from_dict needs what CostDiagnosis.to_dict wrote, with its 'record'.")
        outputs = (decode(o["unavailable"]) if "unavailable" in o else Diagnosis.from_dict(o) for o in data["outputs"])
        return cls(outputs=tuple(outputs), **decode(data["record"]))


# ---------------------------------------------------------------------- wording
_SOURCE = "THEORY §10"


def _sections(diag: CostDiagnosis) -> tuple[report.Section, ...]:
    fine = diag.cause is CostCause.NOTHING
    read = (
        f"{diag.n_params:,} parameters, {len(diag.outputs):,} outputs of QNodes, {len(diag.costs):,} random "
        f"parameter sets (seed {diag.seed})."
    )
    verdict = report.Section("Verdict", (diag.headline, read), tone="good" if fine else "bad")
    change = report.Section("What to change", (diag.finding.advice,))
    return verdict, change, _gradient_section(diag), _output_section(diag)


def _gradient_section(diag: CostDiagnosis) -> report.Section:
    live = np.setdiff1d(np.arange(diag.n_params), diag.zero_gradient)
    spread = np.sqrt(diag.gradient_variance[live]) if len(live) else np.zeros(1)
    kept = sum(kind == "fixed" for kind in diag.angles.kind)
    value = f"{diag.costs.mean():.4g} ± {diag.costs.std():.3g}"
    rows = [
        report.Row("cost: mean ± deviation", value, "Over random parameters.", "sampled"),
        report.Row("gradient deviations", f"{spread.min():.3g} to {spread.max():.3g}", "Roots of Var[∂C/∂θ].",
                   diag.method, _SOURCE),
        report.Row("parameters without gradient", str(len(diag.zero_gradient)), "0 in every sample.", "", _SOURCE),
    ]  # fmt: skip
    if kept:
        rows.append(report.Row("parameters kept as they are", str(kept), "No circuit takes them as angles."))
    return report.Section("The cost's gradient", (), tuple(rows))


def _output_section(diag: CostDiagnosis) -> report.Section:
    labels = {label.output: label for label in diag.labels}
    rows = []
    for i, (name, found) in enumerate(zip(diag.output_names, diag.outputs, strict=True)):
        low, high = diag.output_range[i]
        value = f"chain factor {diag.chain_factor[i]:.3g}, values {low:.3g} to {high:.3g}"
        if i in labels:
            pulled = labels[i]
            value += f", pulled to {pulled.value:.4g} of [{pulled.low:.4g}, {pulled.high:.4g}]"
        if isinstance(found, Diagnosis) and found.dead_parameters:
            value += f", {len(found.dead_parameters)} dead"
        alarm = value if i in labels and not labels[i].reachable else ""
        said = "Root mean square of ∂cost/∂output, and what the output was, over random parameters."
        method = "sampled" if isinstance(found, Diagnosis) else "not diagnosed"
        rows.append(report.Row(f"{i}: {name}", value, said, method, _SOURCE, alarm))
    return report.Section("Outputs of its QNodes", (), tuple(rows))
