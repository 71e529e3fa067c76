"""Where training of this circuit will end: a certificate, else descents, else nothing that is claimed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pennylane as qml
from numpy.typing import NDArray

from pennylane_wishart.circuit import RotationCircuit
from pennylane_wishart.conventions import Evidence, Reason, Unavailable, levels
from pennylane_wishart.conventions import outlook as limits
from pennylane_wishart.errors import InputError
from pennylane_wishart.outlook.certificate import Certificate, certify
from pennylane_wishart.outlook.descents import Descents, descend, estimated_seconds
from pennylane_wishart.outlook.ends import at_best, fraction_interval, median_interval
from pennylane_wishart.outlook.reach import Reach, reach_of
from pennylane_wishart.outlook.record import DescentOutlook, Interval
from pennylane_wishart.prediction import Prediction

__all__ = ["OutlookOptions", "minimising", "outlook_of"]

_NAN: Interval = (float("nan"), float("nan"))


@dataclass(frozen=True)
class OutlookOptions:
    """What a user decides about descents."""

    starts: int = limits.STARTS
    descent_budget: float = limits.BUDGET
    """Seconds; 0: no descents."""
    tolerance: float | None = None
    """In the observable's units; None: ``levels.TRAP_TOLERANCE`` of the scale."""
    sense: str = "min"
    """"max" for losses that are to become large."""
    relative: float = levels.TRAP_TOLERANCE
    """Part of the scale, where no ``tolerance`` is given."""
    how: dict[str, Any] = field(default_factory=dict)
    """``executor``, ``store``, ``progress`` of the descents."""

    def __post_init__(self) -> None:
        if self.sense not in ("min", "max"):
            raise InputError(f'sense={self.sense!r}: use "min" or "max".')
        if isinstance(self.starts, bool) or not isinstance(self.starts, (int, np.integer)) or self.starts < 1:
            raise InputError(f"starts needs a positive integer; got {self.starts!r}.")
        if not np.isfinite(self.descent_budget) or self.descent_budget < 0:
            raise InputError(f"descent_budget needs seconds, 0 or more; got {self.descent_budget!r}.")
        if self.tolerance is not None and not (np.isfinite(self.tolerance) and self.tolerance > 0):
            raise InputError(f"tolerance must be positive, in units of the observable; got {self.tolerance!r}.")


def outlook_of(prediction: Prediction, options: OutlookOptions | None = None) -> DescentOutlook | None:
    """Find where descents of a predicted circuit end.

    Args:
        prediction: its normal form, mean loss and dead parameters are read.
        options: starts, budget, tolerance, sense.
    Returns:
        :class:`DescentOutlook`; None where no parameter moves the loss, so that there is nothing to descend.
    Cost: the certificate where the reached space is small, else 8 to 128 descents within the budget.
    Source: THEORY §7e–g; ours.
    """
    options = options or OutlookOptions()
    if not len(prediction.live_parameters):
        return None
    turned = minimising(prediction.circuit, options.sense)
    sign = 1.0 if turned is prediction.circuit else -1.0
    reach = reach_of(prediction.signature, turned)
    mean = sign * prediction.moments.loss_mean
    scale = mean - reach.reachable
    width = float(np.abs(turned.observable.coefficients).sum())
    if not scale > limits.REACHED_GAP * width:
        # a loss whose mean is its bound is constant: nothing to descend
        return None
    tolerance = options.relative if options.tolerance is None else options.tolerance / scale
    case = _Case(reach, scale, tolerance, bool(turned.channels))
    proof = _certificate(reach, turned, prediction, options)
    if proof is not None:
        return _facing(case.certified(proof), options.sense)
    found = descend(
        turned,
        options.starts,
        options.descent_budget,
        scale,
        prediction.seed,
        lambda d: case.descended(d).decided,
        **options.how,
    )
    if isinstance(found, Reason):
        law = prediction.find("minima") if options.descent_budget else Unavailable(found)
        outlook = case.unassessed(found)
        if not isinstance(law, Unavailable) and options.sense == "min":
            outlook = replace(outlook, evidence=Evidence.LAW, law=law)
        return _facing(outlook, options.sense)
    return _facing(case.descended(found), options.sense)


def minimising(circuit: RotationCircuit, sense: str) -> RotationCircuit:
    """Return the circuit whose loss is to become small."""
    if sense == "min":
        return circuit
    trace = circuit.trace
    if trace is not None:
        with qml.queuing.QueuingManager.stop_recording():
            trace = replace(trace, observable=qml.s_prod(-1.0, trace.observable))
    return replace(circuit, observable=circuit.observable.scale(-1.0), trace=trace)


def _certificate(
    reach: Reach, circuit: RotationCircuit, prediction: Prediction, options: OutlookOptions
) -> Certificate | None:
    """Return a certificate that holds; None where there is none, or it costs more than descents."""
    space, live = reach.space, len(prediction.live_parameters)
    if space is None or live < limits.MARGIN + 1:
        return None
    # a tangent frame applies every rotation to every tangent: rotations · parameters · d²
    work = circuit.n_rotations * live * space.dim**2
    if work > limits.CERTIFICATE_WORK and estimated_seconds(circuit, options.starts) <= options.descent_budget:
        return None
    found = certify(space, np.random.default_rng(prediction.seed))
    return found if found.holds else None


@dataclass(frozen=True)
class _Case:
    """One loss that is to become small, with its bounds and what counts as reached."""

    reach: Reach
    scale: float
    tolerance: float
    is_noisy: bool

    def certified(self, proof: Certificate) -> DescentOutlook:
        """Every critical point of general position is the reachable optimum."""
        gap = (proof.ground - self.reach.ground) / self.scale
        return DescentOutlook(
            evidence=Evidence.CERTIFICATE,
            reason=f"Certified: the loss sees {proof.live} independent parameters, and {proof.dimension} decide "
            "whether a critical point is the reachable optimum.",
            ground=self.reach.ground,
            reachable_ground=self.reach.reachable,
            best=proof.ground,
            ends=np.zeros(0),
            converged=np.zeros(0, bool),
            scale=self.scale,
            tolerance=self.tolerance,
            trap_height=0.0,
            trap_interval=(0.0, 0.0),
            reach_gap=gap,
            reach_interval=(gap, gap),
            hits=0,
            fraction_at_best=1.0,
            fraction_interval=(1.0, 1.0),
            blocked_by=self.reach.blocked_by,
            gradients_spent=0,
        )

    def descended(self, found: Descents) -> DescentOutlook:
        """What the ends say."""
        ends, scale = found.ends, self.scale
        best = float(ends.min())
        hits = at_best(ends, scale)
        low, high = median_interval(ends)
        gap = (best - self.reach.ground) / scale
        bound = (self.reach.reachable - self.reach.ground) / scale
        # a best that few starts found bounds the reach from above only
        reached: Interval = (gap, gap) if hits >= limits.HITS else (min(bound, gap), gap)
        stuck = int(np.sum(~found.converged))
        return DescentOutlook(
            evidence=Evidence.DESCENTS,
            reason=f"{len(ends)} descents from random angles, {hits} of them to the best end"
            + (f"; {stuck} had not converged." if stuck else "."),
            ground=self.reach.ground,
            reachable_ground=self.reach.reachable,
            best=best,
            ends=ends,
            converged=found.converged,
            scale=scale,
            tolerance=self.tolerance,
            trap_height=(float(np.median(ends)) - best) / scale,
            trap_interval=self._traps(low, high, best, found.converged),
            reach_gap=gap,
            reach_interval=reached,
            hits=hits,
            fraction_at_best=hits / len(ends),
            fraction_interval=fraction_interval(hits, len(ends)),
            blocked_by=self._blocked(gap),
            gradients_spent=found.gradients,
        )

    def _traps(self, low: float, high: float, best: float, converged: NDArray[np.bool_]) -> Interval:
        """Height of the median; only a bound from above where descents had not ended."""
        above = (high - best) / self.scale
        return ((low - best) / self.scale if converged.all() else 0.0, above)

    def _blocked(self, gap: float) -> str:
        if self.reach.blocked_by or not gap > self.tolerance:
            return self.reach.blocked_by
        if self.is_noisy:
            return "no symmetry: noise, or these gates with so many parameters"
        return "no symmetry: these gates with so many parameters do not reach it"

    def unassessed(self, why: Reason) -> DescentOutlook:
        """Nothing was descended: bounds alone."""
        bound = (self.reach.reachable - self.reach.ground) / self.scale
        return DescentOutlook(
            evidence=Evidence.NONE,
            reason=why.text,
            reason_code=why.code,
            ground=self.reach.ground,
            reachable_ground=self.reach.reachable,
            best=float("nan"),
            ends=np.zeros(0),
            converged=np.zeros(0, bool),
            scale=self.scale,
            tolerance=self.tolerance,
            trap_height=float("nan"),
            trap_interval=_NAN,
            reach_gap=float("nan"),
            reach_interval=(bound, float("nan")),
            hits=0,
            fraction_at_best=float("nan"),
            fraction_interval=_NAN,
            blocked_by=self.reach.blocked_by,
            gradients_spent=0,
        )


def _facing(outlook: DescentOutlook, sense: str) -> DescentOutlook:
    """Return the losses with the sign of the observable itself."""
    if sense == "min":
        return outlook
    return replace(
        outlook,
        ground=-outlook.ground,
        reachable_ground=-outlook.reachable_ground,
        best=-outlook.best,
        ends=-outlook.ends,
        sense=sense,
    )
