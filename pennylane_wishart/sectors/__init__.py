"""Algebra + observable + input → ``Signature``: sectors, inside or outside the theory (§5)."""

from pennylane_wishart.sectors.build import build_signature
from pennylane_wishart.sectors.records import Sector, SectorDistribution, SpinFactor
from pennylane_wishart.sectors.signature import Signature

__all__ = ["Sector", "SectorDistribution", "Signature", "SpinFactor", "build_signature"]
