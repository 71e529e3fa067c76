"""``Found``: what one route to the sectors found; a ``Signature`` is made of the one that was taken."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from pennylane_wishart.algebra import LieAlgebra
from pennylane_wishart.conventions import ReasonCode
from pennylane_wishart.errors import Status
from pennylane_wishart.sectors.records import Sector, SectorDistribution, SpinFactor

__all__ = ["Found", "Route", "first_outside"]


class Route(enum.StrEnum):
    """How sectors were found; the value is its name in records and tables."""

    PAULI = "Pauli route"
    DENSE = "dense route"
    SPIN = "spin factor"
    NONE = "none"


@dataclass(frozen=True, eq=False)
class Found:
    """The sectors of one route, and its verdict on them."""

    route: Route
    sectors: tuple[Sector, ...]
    in_theory: bool
    reason: str
    code: ReasonCode | None = None
    """Why it is outside the theory, for code; None inside."""
    independent: bool = False
    independence_reason: str = "Not assessed."
    n_sectors: int | None = None
    """Number of all sectors, those of weight zero included; None where unknown."""
    status: tuple[Status, ...] = ()
    distribution: SectorDistribution | None = None
    spin_factor: SpinFactor | None = None
    algebra: LieAlgebra | None = None
    """Of the relevant generators, where the route certifies it. Not closed, its dimension a lower bound,
    where only what the input reaches was split."""
    fits: bool = True
    """Whether the observable acts on every sector as O^α ⊗ 1 and connects none of them."""
    by_sums: bool = False
    """Pauli route: whether the dense route would resolve copies that single words do not."""
    log2_dim: int = 0
    """Pauli route: log2 of the dimension that all sectors have: no input reaches fewer dimensions."""
    decided_by: int | None = None
    """Number of the sector whose reason is that of the whole."""


def first_outside(sectors: Sequence[Sector]) -> int | None:
    """Return the number of the first sector that matters and is outside the theory."""
    return next((i for i, s in enumerate(sectors) if s.is_linear and not s.in_theory), None)
