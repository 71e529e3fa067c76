"""``Findings``: what one run of the flow found, before any of it is put in words."""

from __future__ import annotations

from dataclasses import dataclass, field

from pennylane_wishart.comparison import Comparison
from pennylane_wishart.conventions import Unavailable
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.diagnosis.checks import Check, Thresholds, Verdict
from pennylane_wishart.diagnosis.depth import DepthCurve
from pennylane_wishart.families import ScalingStudy
from pennylane_wishart.measurement import Measurement
from pennylane_wishart.outlook import DescentOutlook, PointOutlook, Remedy, Trials
from pennylane_wishart.prediction import Prediction
from pennylane_wishart.sectors import Signature
from pennylane_wishart.serialize import LIVE

__all__ = ["Findings"]


@dataclass(frozen=True, eq=False)
class Findings(Shown):
    """Everything that was computed and measured of one QNode, judged."""

    name: str
    prediction: Prediction
    measurement: Measurement | None
    comparison: Comparison | None
    family: ScalingStudy | None
    """None: scaling not assessed."""
    checks: tuple[Check, ...]
    thresholds: Thresholds
    verdict: Verdict
    advice: tuple[str, ...] = ()
    descent: DescentOutlook | None = None
    """Where descents of this circuit end; None where no parameter moves the loss."""
    depth: DepthCurve | None = None
    """Loss variance as the circuit grows; None where it was not cheap to find."""
    wrong_gradient_gates: tuple[str, ...] = ()
    """Gates for which the QNode's own device returns a wrong gradient of the QNode."""
    trials: Trials | None = None
    """Changes of the circuit that were tried; None where nothing was run."""
    point: PointOutlook | Unavailable | None = None
    """The point ``at=``; None where none was given."""
    timings: dict[str, float] = field(default_factory=dict, metadata=LIVE)
    """Seconds of processor of each part of the flow, in this process."""

    @property
    def signature(self) -> Signature:
        """The circuit's Lie-algebraic signature."""
        return self.prediction.signature

    @property
    def remedies(self) -> tuple[Remedy, ...]:
        """Changes that were tried and help, best first; a saving comes last."""
        return () if self.trials is None else self.trials.remedies

    @property
    def trainable(self) -> bool | None:
        """True, False, or None where it could not be told."""
        if self.verdict is Verdict.CANNOT_TELL:
            return None
        return self.verdict is not Verdict.NOT_TRAINABLE
