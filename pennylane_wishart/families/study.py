"""``ScalingStudy``: points over sizes and depths, and what they say together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pennylane_wishart.conventions import Decay, levels
from pennylane_wishart.conventions import families as limits
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.errors import InputError
from pennylane_wishart.families.line import LineFit, line_fit
from pennylane_wishart.families.points import QUANTITIES, ScalingPoint, check_quantity
from pennylane_wishart.families.table import columns, interval, wrapped
from pennylane_wishart.families.trend import Trend, trend_of

__all__ = ["ScalingStudy"]

_COLUMNS = (5, 5, 6, 5, 14, 14, 7, -17)


@dataclass(frozen=True, eq=False)
class ScalingStudy(Shown):
    """How gradients scale with the number of qubits, and with depth.

    ``verdict`` is about the deepest circuit of each size. It speaks of the sizes studied: a
    family can change its mind later.
    """

    points: tuple[ScalingPoint, ...]
    """Sorted by size, then depth."""
    quantity: str
    """The variance followed: a key of ``QUANTITIES``."""
    angles: str
    """Name of the law of angles."""
    seed: int
    confidence: float = limits.CONFIDENCE
    """Weight that a verdict needs."""

    def __post_init__(self) -> None:
        if not self.points:
            raise InputError("A ScalingStudy needs at least one point.")
        check_quantity(self.quantity)
        ordered = sorted(self.points, key=lambda p: (p.n, -1 if p.depth is None else p.depth))
        object.__setattr__(self, "points", tuple(ordered))

    # ------------------------------------------------------------------ sizes
    @property
    def sizes(self) -> tuple[int, ...]:
        """Numbers of qubits studied."""
        return tuple(sorted({p.n for p in self.points}))

    @property
    def depths(self) -> tuple[int, ...]:
        """Depths studied; empty where the family has only sizes."""
        return tuple(sorted({p.depth for p in self.points if p.depth is not None}))

    @cached_property
    def deepest(self) -> tuple[ScalingPoint, ...]:
        """The deepest point of each size: what the verdict is about."""
        return tuple([p for p in self.points if p.n == n][-1] for n in self.sizes)

    @cached_property
    def trend(self) -> Trend:
        """The fits against size with their evidence, at the deepest point of each size."""
        return _trend(self.deepest, self.confidence)

    def trend_at(self, depth: int) -> Trend:
        """Return the fits against size at one fixed depth."""
        points = tuple(p for p in self.points if p.depth == depth)
        if not points:
            raise InputError(f"depth={depth} was not studied: use one of {self.depths}.")
        return _trend(points, self.confidence)

    @property
    def verdict(self) -> Decay:
        """How the variance falls: "exponential" is a barren plateau."""
        return self.trend.verdict

    @property
    def plateau(self) -> bool | None:
        """Whether the family has a barren plateau; None where that cannot be told."""
        return self.trend.plateau

    @property
    def slope(self) -> float:
        """Bits per qubit, negative where the variance falls; NaN with fewer than two sizes."""
        return float("nan") if self.trend.exponential is None else self.trend.exponential.slope

    @property
    def slope_interval(self) -> tuple[float, float]:
        """Interval of ``slope`` (``levels.INTERVAL``)."""
        fit = self.trend.exponential
        return (float("nan"),) * 2 if fit is None else (fit.low, fit.high)

    # ------------------------------------------------------------------ depths
    @cached_property
    def depth_reached(self) -> dict[int, int | None]:
        """Per size, the first depth from which the loss variance stays within ``levels.DEEP`` of its limit.

        None where no depth studied reaches it, or no formula or too large an error prevents
        saying so.
        """
        out: dict[int, int | None] = {}
        for n in self.sizes:
            found = None
            # from the deepest on: a shallow circuit can have the right variance by accident
            for point in reversed([p for p in self.points if p.n == n and p.depth is not None]):
                if not point.is_deep:
                    break
                found = point.depth
            out[n] = found
        return out

    @cached_property
    def depth_slopes(self) -> dict[int, LineFit | None]:
        """Per size, the line of the followed variance against depth on its way to the deep limit.

        Points within one bit of the deep limit are left out: there the line bends into the floor.
        None with fewer than three points on the way.
        """
        out: dict[int, LineFit | None] = {}
        for n in self.sizes:
            points = [p for p in self.points if p.n == n and p.depth is not None and p.followed.known]
            way = [p for p in points if not p.log2_variance < p.deep_limit + 1]
            out[n] = None
            if len(way) >= limits.MIN_POINTS:
                x, y = [float(p.depth or 0) for p in way], [p.log2_variance for p in way]
                out[n] = line_fit(x, y, [p.log2_variance_error for p in way], "depth")
        return out

    # ------------------------------------------------------------------ noise
    @cached_property
    def noise_limited(self) -> tuple[ScalingPoint, ...]:
        """The points at which noise, and not the ansatz, is the limit.

        There it takes more than half of the followed variance, and more bits than the circuit itself has lost since
        the smallest, shallowest member of the family, both without noise.
        """
        first = self.points[0].free
        if first is None:
            return ()
        return tuple(
            p
            for p in self.points
            if p.free is not None and p.noise_bits > limits.NOISE_TAKES and p.noise_bits > first.value - p.free.value
        )

    # ------------------------------------------------------------------ output
    def rows(self) -> tuple[dict[str, Any], ...]:
        """Return the table: one dictionary of plain values per point."""
        return tuple(
            {
                "n": p.n,
                "depth": p.depth,
                "parameters": p.n_params,
                "dead": p.n_dead,
                "log2_variance": p.log2_variance,
                "log2_variance_at_most": None if p.followed.at_most is None else p.followed.limit,
                "error": p.log2_variance_error,
                "status": p.status.name,
                "log2_loss_variance": p.loss.value,
                "noise_bits": p.noise_bits,
                "deep_limit": p.deep_limit,
                "is_deep": p.is_deep,
                "engine": p.engine,
            }
            for p in self.points
        )

    def __str__(self) -> str:
        head = ("n", "depth", "params", "dead", "log2 Var", "loss", "deep", "engine")
        lines = wrapped(f"Scaling of the {QUANTITIES[self.quantity]}: {self.verdict}")
        lines += [*wrapped(f"({self.trend.reason})"), "", columns(_COLUMNS, head)]
        for p in self.points:
            depth = "-" if p.depth is None else p.depth
            deep = f"{p.deep_limit:.2f}" if np.isfinite(p.deep_limit) else "-"
            cells = (p.n, depth, p.n_params, p.n_dead, p.followed, p.loss, deep, p.engine)
            lines.append(columns(_COLUMNS, cells))
        lines += ["", *self.trend.lines(), *_depth_lines(self), *_noise_lines(self)]
        lines += wrapped(f"log2 of variances over angles of the law {self.angles!r}; deep: the deep limit.")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python values, ready for JSON."""
        return {
            "schema_version": limits.SCHEMA,
            "record": "ScalingStudy",
            "quantity": self.quantity,
            "angles": self.angles,
            "seed": self.seed,
            "confidence": self.confidence,
            "points": [p.to_dict() for p in self.points],
            "trend": self.trend.to_dict(),
            "depth_reached": {str(n): d for n, d in self.depth_reached.items()},
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ScalingStudy:
        """Rebuild a record written by :meth:`to_dict`; the fits are made again from the points."""
        if data.get("record") != "ScalingStudy" or data.get("schema_version") != limits.SCHEMA:
            raise InputError(
                f"ScalingStudy.from_dict reads schema {limits.SCHEMA} of 'ScalingStudy'; "
                f"got schema {data.get('schema_version')} of {data.get('record')!r}."
            )
        points = tuple(ScalingPoint.from_dict(p) for p in data["points"])
        return cls(points, data["quantity"], data["angles"], data["seed"], data["confidence"])


def _depth_lines(study: ScalingStudy) -> list[str]:
    if not study.depths:
        return []
    found = study.depth_reached.items()
    reached = ", ".join(f"n = {n}: {'not reached' if d is None else d}" for n, d in found)
    lines = wrapped(f"deep limit within {levels.DEEP:.0%} from depth: {reached}")
    for n, fit in study.depth_slopes.items():
        if fit is not None:
            lines.append(f"n = {n}: {fit.slope:+.3f} bits per unit of depth ({interval(fit)})")
    return lines


def _noise_lines(study: ScalingStudy) -> list[str]:
    if all(p.free is None for p in study.points):
        return []
    most = max(study.points, key=lambda p: np.nan_to_num(p.noise_bits))
    found = [f"n = {p.n}" + ("" if p.depth is None else f", depth {p.depth}") for p in study.noise_limited]
    where = "; ".join(found) if found else "at none of these points"
    return wrapped(f"Noise takes up to {most.noise_bits:.2f} bits. Noise, not the ansatz, is the limit: {where}")


def _trend(points: tuple[ScalingPoint, ...], confidence: float) -> Trend:
    # of families without a depth the traced circuit tells where rounding makes steps
    depths = [p.layers if p.depth is None else p.depth for p in points]
    return trend_of(
        [p.n for p in points],
        [p.log2_variance for p in points],
        [p.log2_variance_error for p in points],
        [p.followed.limit for p in points],
        depths,
        confidence,
    )
