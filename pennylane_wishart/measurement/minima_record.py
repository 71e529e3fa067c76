"""``MinimaMeasurement``: end points of descents, grouped into distinct minima."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pennylane_wishart.circuit.angles import AngleLaw
from pennylane_wishart.errors import InputError
from pennylane_wishart.measurement.export import ExportableRecord
from pennylane_wishart.measurement.identity import DeviceIdentity, identity_from

__all__ = ["MinimaMeasurement", "distinct_minima"]

_SCHEMA = 2
"""1 had no identity of the device, and is still read."""
_FLAT = 1e-7
"""Change of ℓ (relative to its range among end points) below which a path counts as level."""


@dataclass(frozen=True, eq=False)
class MinimaMeasurement(ExportableRecord):
    """Where descents from random starts ended; row i is one start.

    ``cluster[i]`` is the number of the distinct minimum, 0 for the lowest loss. Zero Hessian
    eigenvalues (a parameter that is redundant) are usual; saddles have clearly negative ones.
    """

    losses: np.ndarray
    """float64 ``(starts,)``, in the observable's units."""
    parameters: np.ndarray
    """radians ``(starts, n_params)``, modulo the periods."""
    gradient_norm: np.ndarray
    hessian_min: np.ndarray
    """Lowest Hessian eigenvalue; NaN where it was not asked for."""
    hessian_zeros: np.ndarray
    """int ``(starts,)``: number of Hessian eigenvalues that are zero; −1 where not asked for."""
    cluster: np.ndarray
    """int ``(starts,)``"""
    evaluations: np.ndarray
    """int ``(starts,)``: gradients spent."""
    start_index: np.ndarray
    """int ``(starts,)``: which start of the seed; all of them unless interrupted."""
    law: AngleLaw
    seed: int
    circuit_hash: str
    device: str
    route: str
    route_note: str
    periods: np.ndarray
    """radians ``(n_params,)``; 0 where the loss has no period."""
    tolerance: float
    """Gradient norm up to which a descent counts as converged."""
    identity: DeviceIdentity | None = None
    """What else decides the device's numbers; None: not known, and equal to no other device."""

    def __post_init__(self):
        starts, n = np.shape(self.parameters)
        if self.identity is None:
            object.__setattr__(self, "identity", DeviceIdentity.unknown(self.device))
        for name in (
            "losses",
            "gradient_norm",
            "hessian_min",
            "hessian_zeros",
            "cluster",
            "evaluations",
            "start_index",
        ):
            if np.shape(getattr(self, name)) != (starts,):
                raise InputError(f"MinimaMeasurement.{name} needs shape ({starts},).")
        if len(self.law) != n or np.shape(self.periods) != (n,):
            raise InputError(f"MinimaMeasurement: law and periods must have {n} parameters.")
        if not (np.all(np.isfinite(self.losses)) and np.all(np.isfinite(self.parameters))):
            raise InputError("MinimaMeasurement holds losses or parameters that are not finite.")

    @property
    def starts(self) -> int:
        """Number of descents that ended."""
        return len(self.losses)

    @property
    def n_params(self) -> int:
        """Number of flat trainable parameters."""
        return self.parameters.shape[1]

    @property
    def converged(self) -> np.ndarray:
        """``bool (starts,)``: gradient gone within the tolerance."""
        return self.gradient_norm <= self.tolerance

    @property
    def is_minimum(self) -> np.ndarray:
        """``bool (starts,)``: converged, and no clearly negative curvature where that was computed."""
        return self.converged & ~(self.hessian_min < -1e-5)

    @property
    def distinct(self) -> np.ndarray:
        """int: one row for each distinct minimum among the converged ends, lowest loss first."""
        rows = np.flatnonzero(self.is_minimum)
        _, first = np.unique(self.cluster[rows], return_index=True)
        return rows[first]

    def __str__(self) -> str:
        lines = [
            f"{self.starts} descents of {self.n_params} parameters on {self.device} ({self.route}), seed {self.seed}",
            f"  converged: {int(self.converged.sum())}, minima: {int(self.is_minimum.sum())}, "
            f"distinct: {len(self.distinct)}",
            f"  loss at the ends: lowest {self.losses.min():.6g}, median {np.median(self.losses):.6g}, "
            f"highest {self.losses.max():.6g}",
        ]
        return "\n".join(lines)

    def to_dict(self) -> dict:
        """Return plain data that JSON can hold."""
        return {
            **self.header(),
            "hessian_min": [v if np.isfinite(v) else None for v in self.hessian_min.tolist()],
            **{k: getattr(self, k).tolist() for k in _ARRAYS},
        }

    def header(self) -> dict:
        """Return everything but the arrays, as plain data."""
        return {
            "schema_version": _SCHEMA,
            "kind": "MinimaMeasurement",
            "law": self.law.to_dict(),
            **{k: getattr(self, k) for k in _PLAIN},
            "identity": None if self.identity is None else self.identity.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: dict) -> MinimaMeasurement:
        """Rebuild a record written by :meth:`to_dict`."""
        if data.get("kind") != "MinimaMeasurement" or data.get("schema_version") not in (1, _SCHEMA):
            raise InputError(
                f"This is {data.get('kind')!r} of schema {data.get('schema_version')!r}; "
                f"MinimaMeasurement.from_dict reads schema {_SCHEMA} of 'MinimaMeasurement'."
            )
        arrays: dict[str, Any] = {k: np.array(data[k]) for k in _ARRAYS}
        arrays["parameters"] = arrays["parameters"].reshape(len(arrays["losses"]), -1)
        return cls(
            **arrays,
            hessian_min=np.array(data["hessian_min"], dtype=float),
            law=AngleLaw.from_dict(data["law"]),
            identity=identity_from(data),
            **{k: data[k] for k in _PLAIN},
        )


_ARRAYS = (
    "losses",
    "parameters",
    "gradient_norm",
    "hessian_zeros",
    "cluster",
    "evaluations",
    "start_index",
    "periods",
)
_PLAIN = ("seed", "circuit_hash", "device", "route", "route_note", "tolerance")


def distinct_minima(losses, points, periods, same: float, valley, loss_of: Callable | None) -> np.ndarray:
    """Group end points into distinct minima.

    Two ends are one minimum if their losses agree and either their parameters do (modulo the
    periods), or the loss is level along the shortest straight line between them (a redundant
    parameter makes a minimum a whole line), or both lie in valleys, which may bend: two valleys
    of equal loss count as one.

    Args:
        losses: ``(starts,)``
        points: radians ``(starts, n_params)``
        valley: bool ``(starts,)``: ends whose Hessian has more zero modes than there are redundant
            parameters.
        loss_of: ``loss_of(points) -> losses``; None: positions alone decide.
    Returns:
        int ``(starts,)``: 0 for the lowest minimum.
    """
    scale = max(float(np.ptp(losses)), 1e-3)
    order = np.argsort(losses, kind="stable")
    cluster = np.full(len(losses), -1)
    heads: list[int] = []
    for row in order:
        for number in range(len(heads) - 1, -1, -1):
            head = heads[number]
            if losses[row] - losses[head] > _FLAT * scale:
                continue
            if valley[row] and valley[head]:
                cluster[row] = number
                break
            step = points[row] - points[head]
            step -= periods * np.round(step / np.where(periods > 0, periods, np.inf))
            if np.linalg.norm(step) <= same or _is_level(losses[head], points[head], step, scale, loss_of):
                cluster[row] = number
                break
        else:
            cluster[row] = len(heads)
            heads.append(int(row))
    return cluster


def _is_level(level: float, start, step, scale: float, loss_of: Callable | None) -> bool:
    if loss_of is None:
        return False
    path = start + np.linspace(0, 1, 12)[1:-1, None] * step
    # The midpoint alone settles nearly every pair.
    if abs(loss_of(path[5:6])[0] - level) > _FLAT * scale:
        return False
    return bool(np.abs(loss_of(path) - level).max() <= _FLAT * scale)
