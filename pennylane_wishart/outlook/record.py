"""``DescentOutlook``: where training of this circuit will end, and what that rests on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pennylane_wishart.conventions import Evidence, ReasonCode
from pennylane_wishart.conventions import outlook as limits
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.errors import InputError
from pennylane_wishart.minima import MinimaLaw
from pennylane_wishart.outlook.ends import distinct_levels

__all__ = ["DescentOutlook", "Interval"]

Interval = tuple[float, float]
"""(low, high); NaN on a side that nothing is known of."""


@dataclass(frozen=True, eq=False)
class DescentOutlook(Shown):
    """What descents of this circuit find.

    Heights and gaps are parts of ``scale``, the way from the mean loss to the reachable ground. With
    ``sense="max"`` every loss is that of the observable itself, and "lowest" reads "highest".
    """

    evidence: Evidence
    reason: str
    """What the evidence is, or why there is none, in words."""
    ground: float
    """Lowest eigenvalue of the observable; NaN where it is too large to find."""
    reachable_ground: float
    """A bound that no angle can pass: the observable on the space that input and gates reach."""
    best: float
    """Lowest loss that was seen or certified; NaN where there is neither."""
    ends: NDArray[np.float64]
    """Loss at the end of each descent, in the order of the starts; empty for a certificate."""
    converged: NDArray[np.bool_]
    """Whether the gradient was gone at each end."""
    scale: float
    """Mean loss over random angles at this depth minus ``reachable_ground``, in the observable's units."""
    tolerance: float
    """Part of the scale that counts as reached."""
    trap_height: float
    """(median end − best)/scale; 0 for a certificate."""
    trap_interval: Interval
    """Order-statistic interval of it."""
    reach_gap: float
    """(best − ground)/scale: what the circuit cannot express, or a symmetry forbids."""
    reach_interval: Interval
    """From the reachable ground up to the best; one point where the best was hit often enough, or certified."""
    hits: int
    """Descents that ended at the best level."""
    fraction_at_best: float
    fraction_interval: Interval
    """Clopper–Pearson."""
    blocked_by: str
    """What holds the best above the ground, in words; empty where nothing does."""
    gradients_spent: int
    law: MinimaLaw | None = field(default=None, repr=False)
    """What a generic observable of this spectrum would have; context, never the ground of a verdict."""
    sense: str = "min"
    reason_code: ReasonCode | None = None
    """Why nothing was descended, for code."""

    def __post_init__(self) -> None:
        if self.sense not in ("min", "max"):
            raise InputError(f'sense={self.sense!r}: use "min" or "max".')
        if np.shape(self.ends) != np.shape(self.converged):
            raise InputError("DescentOutlook: one entry of converged for each end.")

    @property
    def decided(self) -> bool:
        """Whether both intervals lie on one side of the tolerance."""
        return self.has_traps is not None and (self.reaches_ground is not None or np.isnan(self.ground))

    @property
    def has_traps(self) -> bool | None:
        """Whether the median descent ends higher than the tolerance above the best one; None where open."""
        return _side(self.trap_interval, self.tolerance)

    @property
    def is_held(self) -> bool:
        """Whether no angle at all can reach ``ground``: a sector or a symmetry lies between."""
        sign = -1.0 if self.sense == "max" else 1.0
        return bool(sign * (self.reachable_ground - self.ground) > limits.REACHED_GAP * self.scale)

    @property
    def reaches_ground(self) -> bool | None:
        """Whether the best lies within the tolerance of the observable's lowest eigenvalue; None where open."""
        above = _side(self.reach_interval, self.tolerance)
        return None if above is None else not above

    @property
    def levels(self) -> NDArray[np.float64]:
        """Distinct final losses, the best first: ends closer than 1% of the scale are one."""
        sign = -1.0 if self.sense == "max" else 1.0
        return sign * distinct_levels(sign * self.ends, self.scale)

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python values, ready for JSON."""
        return {
            "evidence": self.evidence.value,
            "reason": self.reason,
            "ground": self.ground,
            "reachable_ground": self.reachable_ground,
            "best": self.best,
            "ends": self.ends.tolist(),
            "converged": self.converged.tolist(),
            "scale": self.scale,
            "tolerance": self.tolerance,
            "trap_height": self.trap_height,
            "trap_interval": list(self.trap_interval),
            "reach_gap": self.reach_gap,
            "reach_interval": list(self.reach_interval),
            "decided": self.decided,
            "fraction_at_best": self.fraction_at_best,
            "fraction_interval": list(self.fraction_interval),
            "blocked_by": self.blocked_by,
            "gradients_spent": self.gradients_spent,
            "sense": self.sense,
        }


def _side(interval: Interval, limit: float) -> bool | None:
    """Whether an interval lies above a limit; None where it straddles it or is not known."""
    low, high = interval
    if high <= limit:
        return False
    return True if low > limit else None
