"""Merging of nearly equal levels, so that the cost of a law is bounded for any spectrum."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .spectrum import SectorSpectrum

__all__ = ["merge_levels", "reduce_levels", "row_count"]


def row_count(sector: SectorSpectrum, n_parameters: int) -> int:
    """Number of real coordinates that one random direction needs in a sector."""
    beta = sector.beta
    return sum(beta + min(beta * (m - 1), n_parameters) for m in sector.multiplicities)


def merge_levels(sector: SectorSpectrum, n_levels: int) -> SectorSpectrum:
    """Merge levels above the ground into ``n_levels`` groups of equal width."""
    levels = sector.centred
    edges = np.linspace(levels[1], levels[-1], n_levels)
    # Groups centred on the ends keep an isolated highest level apart.
    group = np.rint((levels[1:] - edges[0]) / max(edges[1] - edges[0], 1e-300)).astype(int)
    centred, counts = [levels[0]], [sector.multiplicities[0]]
    for label in np.unique(group):
        members = np.flatnonzero(group == label) + 1
        count = sum(sector.multiplicities[i] for i in members)
        centred.append(sum(levels[i] * (sector.multiplicities[i] / count) for i in members))
        counts.append(count)
    return replace(sector, centred=np.array(centred), multiplicities=tuple(counts))


def reduce_levels(sector: SectorSpectrum, n_parameters: int, max_rows: int) -> tuple[SectorSpectrum, bool]:
    """Merge close levels until a direction needs at most ``max_rows`` numbers.

    The ground level and the mean are kept exactly (so are p* and ō); the second moment loses the
    variance inside the groups, at most (width/n_groups)²/12. Returns the sector and whether it
    was changed.
    """
    n_levels = len(sector.multiplicities)
    if row_count(sector, n_parameters) <= max_rows or n_levels <= 3:
        return sector, False
    for groups in (512, 384, 256, 192, 128, 96, 64, 48, 32, 24, 16):
        if groups >= n_levels:
            continue
        merged = merge_levels(sector, groups)
        if row_count(merged, n_parameters) <= max_rows:
            return merged, True
    return merge_levels(sector, min(16, n_levels - 1)), True
