"""Algebra + observable + input → ``Signature``: sectors, inside or outside the theory (§5)."""

from pennylane_wishart.sectors.build import build_signature
from pennylane_wishart.sectors.findings import Route
from pennylane_wishart.sectors.independent import Rank, RankAtMost
from pennylane_wishart.sectors.records import Fit, Sector, SectorDistribution, SpinFactor
from pennylane_wishart.sectors.signature import Signature

__all__ = [
    "Fit",
    "Rank",
    "RankAtMost",
    "Route",
    "Sector",
    "SectorDistribution",
    "Signature",
    "SpinFactor",
    "build_signature",
]
