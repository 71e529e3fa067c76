"""Spectra of sectors for the laws of minima: checked once, then kept to a size that can be computed."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from pennylane_wishart.conventions import minima as limits
from pennylane_wishart.conventions.numbers import TINY
from pennylane_wishart.ensembles.arguments import check_beta
from pennylane_wishart.ensembles.spectrum import Spectrum
from pennylane_wishart.errors import InputError

__all__ = ["GivenSector", "gap_to_mean", "merge_levels", "moving_sectors", "reduce_levels", "rescale_dims"]
__all__ += ["resized", "second_moment", "sector_spectrum", "sector_spectra"]

GivenSector = tuple[ArrayLike, Sequence[int], int, float]
"""(values, multiplicities, beta, weight) of a sector, as a caller gives it."""


def sector_spectrum(values: ArrayLike, multiplicities: Sequence[int], beta: int, weight: float = 1.0) -> Spectrum:
    """Check a sector; the weight of the input in it multiplies the levels."""
    unit = Fraction(check_beta(beta), 2)
    if not (np.isfinite(weight) and weight > 0):
        raise InputError(f"weight must be a positive number, got {weight!r}.")
    spectrum = Spectrum.build(values, multiplicities, unit)
    for count in multiplicities:
        if count < 1:
            raise InputError(f"multiplicities must be positive integers, got {count!r}.")
    if weight == 1:
        return spectrum
    return Spectrum(tuple(weight * value for value in spectrum.values), spectrum.counts, unit)


def sector_spectra(sectors: Sequence[GivenSector]) -> list[Spectrum]:
    """Check several sectors."""
    return [sector_spectrum(*sector) for sector in sectors]


def moving_sectors(sectors: Sequence[Spectrum], argument: str) -> list[Spectrum]:
    """Return the sectors where the observable is not constant: the others add no direction."""
    active = [s for s in sectors if s.rank > 0]
    if not active:
        raise InputError(f"{argument} two levels: a constant loss has no minima.")
    return active


def gap_to_mean(sector: Spectrum) -> float:
    """Return ō = Tr(O − λ_min)/D, the unit of E."""
    return float(-sector.deviations[0])


def second_moment(sector: Spectrum) -> float:
    """Return Tr (O − mean)² / D."""
    return float(sector.shares @ sector.deviations**2)


def resized(sector: Spectrum, counts: Sequence[int]) -> Spectrum:
    """Return the same levels with other multiplicities."""
    return Spectrum(sector.values, tuple(counts), sector.shape_unit)


def rescale_dims(sectors: Sequence[Spectrum]) -> tuple[list[Spectrum], float]:
    """Shrink huge sectors to a dimension that float64 resolves; return them and a factor.

    All levels of such sectors must carry many states; deviations from the mean are then normal
    and scale as 1/√dimension, so those computed are the true ones times 1/factor.
    """
    target, smallest = limits.LARGEST_EXACT_DIM, min(sector.dim for sector in sectors)
    if smallest <= target or any(min(s.counts) * target < s.dim for s in sectors):
        return list(sectors), 1.0
    shrunk = [_shrunk(sector, smallest, target) for sector in sectors]
    shrunk = [_shrunk(s, s.dim, limits.LARGEST_DIM) if s.dim > limits.LARGEST_DIM else s for s in shrunk]
    return shrunk, float(np.sqrt(target / smallest))


def _shrunk(sector: Spectrum, dim: int, target: int) -> Spectrum:
    return resized(sector, [max(1, count * target // dim) for count in sector.counts])


def row_count(sector: Spectrum, n_parameters: int) -> int:
    """Number of real coordinates that one random direction needs in a sector."""
    beta = sector.beta
    return sum(beta + min(beta * (m - 1), n_parameters) for m in sector.counts)


def merge_levels(sector: Spectrum, n_levels: int) -> Spectrum:
    """Merge levels above the ground into ``n_levels`` groups of equal width."""
    levels = np.array(sector.values)
    edges = np.linspace(levels[1], levels[-1], n_levels)
    # groups centred on the ends keep an isolated highest level apart
    group = np.rint((levels[1:] - edges[0]) / max(edges[1] - edges[0], TINY)).astype(int)
    values, counts = [sector.values[0]], [sector.counts[0]]
    for label in np.unique(group):
        members = np.flatnonzero(group == label) + 1
        count = sum(sector.counts[i] for i in members)
        values.append(float(sum(levels[i] * (sector.counts[i] / count) for i in members)))
        counts.append(count)
    return Spectrum(tuple(values), tuple(counts), sector.shape_unit)


def reduce_levels(sector: Spectrum, n_parameters: int) -> tuple[Spectrum, bool]:
    """Merge close levels until a direction needs few enough numbers, so that the cost is bounded.

    The ground level and the mean are kept (so are p* and ō); the second moment loses the
    variance inside the groups, at most (width/n_groups)²/12. Returns the sector and whether it
    was changed.
    """
    n_levels = len(sector.counts)
    if row_count(sector, n_parameters) <= limits.MAX_ROWS or n_levels <= limits.FEWEST_LEVELS:
        return sector, False
    for groups in limits.MERGED_LEVELS:
        if groups < n_levels:
            merged = merge_levels(sector, groups)
            if row_count(merged, n_parameters) <= limits.MAX_ROWS:
                return merged, True
    return merge_levels(sector, min(limits.MERGED_LEVELS[-1], n_levels - 1)), True
