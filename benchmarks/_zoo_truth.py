"""What is true of a circuit, from descents of code that shares nothing with the package (``_zoo_loss.py``)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from _zoo import Circuit
from _zoo_loss import Loss, descents, find_grounds, find_unit
from scipy.stats import binomtest

__all__ = ["TOLERANCE", "Truth", "find_truth"]

TOLERANCE = 0.1
"""Of the scale, as the package's default has it: higher ends are traps, a best so far above the ground is a gap."""
NEAR = 0.01
"""Truths this close to the tolerance are on the edge."""
LEVEL = 0.01
"""Ends this close to the best are at the best."""
ROUND, MOST, SMALL = 40, 160, 6
"""Descents of a round and at most; circuits of so few qubits get half of the most even where forty decide."""


@dataclass(frozen=True)
class Truth:
    """What descents of independent code found; heights are parts of ``scale``."""

    ends: tuple[float, ...]
    best: float
    ground: float
    reachable: float
    """Lowest eigenvalue of the observable on the span of the circuit's states; the ground where that is not sought."""
    mean: float
    """Of the loss over random angles."""
    width: float
    """Of the losses at random angles."""

    @classmethod
    def from_dict(cls, data: dict) -> Truth:
        """Return what :meth:`to_dict` wrote."""
        return cls(tuple(data["ends"]), *(data[k] for k in ("best", "ground", "reachable", "mean", "width")))

    def to_dict(self) -> dict:
        """Return plain values; median, fraction and scale are for readers."""
        told = {k: float(f"{getattr(self, k):.7g}") for k in ("scale", "height", "gap", "fraction")}
        return {
            **vars(self),
            "ends": [float(f"{e:.8g}") for e in self.ends],
            "median": float(np.median(self.ends)),
            **told,
        }

    def with_best(self, best: float) -> Truth:
        """Return the same with a best end that others found."""
        return replace(self, best=min(best, self.best))

    def __str__(self) -> str:
        return (
            f"height {self.height:.3f} ({self._share(TOLERANCE):.0%} of {self.starts} above the tolerance), "
            f"gap {self.gap:.3f}, {self.fraction:.0%} at the best"
        )

    @property
    def starts(self) -> int:
        """Number of descents."""
        return len(self.ends)

    @property
    def scale(self) -> float:
        """Mean loss minus the reachable ground."""
        return self.mean - self.reachable

    @property
    def height(self) -> float:
        """Of the median end above the best."""
        return (float(np.median(self.ends)) - self.best) / self.scale

    @property
    def gap(self) -> float:
        """Of the best end above the ground."""
        return (self.best - self.ground) / self.scale

    @property
    def fraction(self) -> float:
        """Of descents at the best level."""
        return 1 - self._share(LEVEL)

    @property
    def fraction_interval(self) -> tuple[float, float]:
        """Of it, with 95% confidence."""
        found = binomtest(round(self.fraction * self.starts), self.starts).proportion_ci(0.95)
        return float(found.low), float(found.high)

    def _share(self, limit: float) -> float:
        return float(np.mean(np.array(self.ends) > self.best + limit * self.scale))

    @property
    def traps(self) -> bool | None:
        """Whether half of all descents end higher than the tolerance; None on the edge.

        On the edge: the 95% interval of the share above holds a half, or a tolerance hardly different would tell
        the opposite.
        """

        def interval(limit):
            return binomtest(round(self._share(limit) * self.starts), self.starts).proportion_ci(0.95)

        if interval(TOLERANCE + NEAR).low > 0.5:
            return True
        return False if interval(TOLERANCE - NEAR).high < 0.5 else None

    @property
    def reaches(self) -> bool | None:
        """Whether the best lies within the tolerance of the ground; None on the edge, or where it was hit once."""
        if self.gap <= TOLERANCE - NEAR:
            return True
        forbidden = (self.reachable - self.ground) / self.scale > TOLERANCE + NEAR
        seen = self.fraction * self.starts >= 2.5
        return False if self.gap > TOLERANCE + NEAR and (forbidden or seen) else None


def find_truth(circuit: Circuit) -> Truth:
    """Descend forty times, and further where that does not decide or costs little."""
    loss = Loss(circuit)
    ground, reachable, drawn = find_grounds(loss)
    unit = find_unit(reachable, drawn)
    ends: list[float] = []
    while True:
        ends += descents(loss, ROUND, len(ends), unit).tolist()
        found = Truth(tuple(sorted(ends)), min(ends), ground, reachable, float(drawn.mean()), float(np.ptp(drawn)))
        clear = None not in (found.traps, found.reaches)
        if len(ends) >= MOST or (clear and (loss.n > SMALL or len(ends) >= MOST / 2)):
            return found


def finer(circuit: Circuit, truth: Truth, starts: int) -> Truth:
    """Descend further, to so many starts in all: a share that is held against another needs the smaller error."""
    loss = Loss(circuit)
    unit = find_unit(truth.reachable, np.array([truth.mean]))
    ends = list(truth.ends)
    while len(ends) < starts:
        ends += descents(loss, ROUND, len(ends), unit).tolist()
    return replace(truth, ends=tuple(sorted(ends)), best=min(truth.best, *ends))
