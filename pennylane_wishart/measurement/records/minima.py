"""``MinimaMeasurement``: end points of descents, grouped into distinct minima."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pennylane_wishart.circuit.angles import AngleLaw
from pennylane_wishart.conventions import measurement as limits
from pennylane_wishart.conventions.arrays import Bools, Floats, Integers
from pennylane_wishart.measurement.identity.devices import DeviceIdentity
from pennylane_wishart.measurement.records.columns import Column
from pennylane_wishart.measurement.records.export import ExportableRecord

__all__ = ["MinimaMeasurement"]


@dataclass(frozen=True, eq=False)
class MinimaMeasurement(ExportableRecord):
    """Where descents from random starts ended; row i is one start.

    ``cluster[i]`` is the number of the distinct minimum, 0 for the lowest loss. Zero Hessian
    eigenvalues (a parameter that is redundant) are usual; saddles have clearly negative ones.
    """

    losses: Floats
    """float64 ``(starts,)``, in the observable's units."""
    parameters: Floats
    """radians ``(starts, n_params)``, modulo the periods."""
    gradient_norm: Floats
    hessian_min: Floats
    """Lowest Hessian eigenvalue; NaN where it was not asked for."""
    hessian_zeros: Integers
    """int ``(starts,)``: number of Hessian eigenvalues that are zero; −1 where not asked for."""
    cluster: Integers
    """int ``(starts,)``"""
    evaluations: Integers
    """int ``(starts,)``: gradients that the descent spent."""
    start_index: Integers
    """int ``(starts,)``: which start of the seed; all of them unless interrupted."""
    law: AngleLaw
    seed: int
    circuit_hash: str
    device: str
    routes: tuple[str, ...]
    route_note: str
    periods: Floats
    """radians ``(n_params,)``; 0 where the loss has no period."""
    tolerance: float
    """Gradient norm up to which a descent counts as converged."""
    identity: DeviceIdentity | None = None
    """What else decides the device's numbers; None: not known, and equal to no other device."""
    hessian_spectrum: Floats | None = None
    """Eigenvalues of the Hessian ``(starts, n_params)``, ascending; None where not asked for."""

    columns: ClassVar = {
        "losses": Column(("start",), "units of the observable"),
        "gradient_norm": Column(("start",), "units of the observable per radian", may_lack=True),
        "hessian_min": Column(("start",), "units of the observable per radian squared", may_lack=True),
        "hessian_zeros": Column(("start",), "1", int),
        "hessian_spectrum": Column(
            ("start", "parameter"), "units of the observable per radian squared", may_lack=True, optional=True
        ),
        "cluster": Column(("start",), "1", int),
        "evaluations": Column(("start",), "1", int),
        "start_index": Column(("start",), "1", int),
        "parameters": Column(("start", "parameter"), "radian"),
        "periods": Column(("parameter",), "radian"),
    }

    def __post_init__(self) -> None:
        self._check_columns(start=len(self.losses), parameter=len(self.law))

    @property
    def starts(self) -> int:
        """Number of descents that ended."""
        return len(self.losses)

    @property
    def n_params(self) -> int:
        """Number of flat trainable parameters."""
        return int(self.parameters.shape[1])

    @property
    def converged(self) -> Bools:
        """``bool (starts,)``: gradient gone within the tolerance."""
        return self.gradient_norm <= self.tolerance

    @property
    def is_minimum(self) -> Bools:
        """``bool (starts,)``: converged, and no clearly negative curvature where that was computed."""
        return self.converged & ~(self.hessian_min < limits.NEGATIVE_CURVATURE)

    @property
    def hessian_max(self) -> Floats:
        """float64 ``(starts,)``: highest Hessian eigenvalue; NaN where it was not asked for."""
        none = np.full(self.starts, np.nan)
        return none if self.hessian_spectrum is None or not self.n_params else self.hessian_spectrum[:, -1]

    @property
    def negative_directions(self) -> Integers:
        """int ``(starts,)``: number of clearly negative Hessian eigenvalues; −1 where not asked for."""
        if self.hessian_spectrum is None:
            return np.full(self.starts, -1)
        return np.asarray(np.sum(self.hessian_spectrum < limits.NEGATIVE_CURVATURE, axis=1))

    @property
    def hessian_rank(self) -> Integers:
        """int ``(starts,)``: number of Hessian eigenvalues that are not zero; −1 where not asked for.

        At an optimum that the circuit reaches it is p*, the number of parameters from which on poor minima
        give way, once there are as many.
        """
        return np.where(self.hessian_zeros < 0, -1, self.n_params - self.hessian_zeros)

    @property
    def distinct(self) -> Integers:
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
        if self.hessian_spectrum is not None and self.n_params and self.is_minimum.any():
            best = int(np.argmin(np.where(self.is_minimum, self.losses, np.inf)))
            low, high = self.hessian_spectrum[best, [0, -1]]
            lines.append(
                f"  curvature at the lowest minimum: {low:.3g} to {high:.3g}, rank {self.hessian_rank[best]}; "
                f"ends with negative directions: {int(np.sum(self.negative_directions > 0))}"
            )
        return "\n".join(lines)

    def _own_header(self) -> dict[str, Any]:
        return {"law": self.law.to_dict(), **{k: getattr(self, k) for k in ("seed", "circuit_hash", "tolerance")}}

    @classmethod
    def _fields_of(cls, header: Mapping[str, Any]) -> dict[str, Any]:
        own = {k: header[k] for k in ("seed", "circuit_hash", "tolerance")}
        return {"law": AngleLaw.from_dict(header["law"]), **own}
