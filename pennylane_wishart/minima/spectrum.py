"""The spectrum of an observable in one sector, checked once and centred exactly.

Everything downstream works with levels measured from the mean, so that an energy that differs
from the mean by 2^-20 (concentration in a large sector) keeps all its digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError

__all__ = ["SectorSpectrum", "check_beta", "checked_levels", "rescale_dims", "sector_spectrum"]

LARGEST_EXACT_DIM = 2**40
"""Above this dimension energies concentrate below float64: see :func:`rescale_dims`."""
LARGEST_DIM = 2**48
"""No sector beside others is kept larger than this after rescaling."""


def check_beta(beta: int) -> int:
    """Return ``beta`` as an int, or raise if it is not 1, 2 or 4."""
    if beta not in (1, 2, 4):
        raise InputError(f"beta must be 1 (real), 2 (complex) or 4 (quaternionic), got {beta!r}.")
    return int(beta)


@dataclass(frozen=True)
class SectorSpectrum:
    """An observable's levels in one sector, ascending and centred at their mean."""

    centred: NDArray[np.float64]
    """Levels minus the mean, ascending, shape ``(n_levels,)``."""
    multiplicities: tuple[int, ...]
    """Exact multiplicities over F."""
    beta: int
    """1, 2 or 4."""
    weight: float
    """Weight of the input state in this sector."""
    mean: float
    """Tr O / D in the observable's units."""
    ground: float
    """Lowest level in the observable's units."""

    @property
    def dim(self) -> int:
        """Dimension D over F."""
        return sum(self.multiplicities)

    @property
    def rank(self) -> int:
        """Rank over F of O − λ_min."""
        return self.dim - self.multiplicities[0]

    @property
    def gap_to_mean(self) -> float:
        """ō = Tr(O − λ_min)/D, the unit of E."""
        return float(-self.centred[0])

    @property
    def second_moment(self) -> float:
        """Tr (O − mean)² / D."""
        fractions = np.array([m / self.dim for m in self.multiplicities])
        return float(fractions @ self.centred**2)


def checked_levels(values: ArrayLike, multiplicities: Sequence[int]) -> list[tuple[float, int]]:
    """Return (value, multiplicity) pairs, ascending, equal values merged."""
    levels = np.asarray(values, dtype=float)
    counts = list(multiplicities)
    if levels.ndim != 1 or levels.size != len(counts) or not counts:
        raise InputError(
            f"values and multiplicities must be equally long, non-empty lists, got shapes "
            f"{levels.shape} and ({len(counts)},): give each distinct eigenvalue once, "
            "with its multiplicity."
        )
    if not np.all(np.isfinite(levels)):
        raise InputError(f"values must be finite, got {values!r}.")
    merged: dict[float, int] = {}
    for value, count in zip(levels.tolist(), counts, strict=True):
        if int(count) != count or count < 1:
            raise InputError(f"multiplicities must be positive integers, got {count!r}.")
        merged[value] = merged.get(value, 0) + int(count)
    return sorted(merged.items())


def sector_spectrum(values: ArrayLike, multiplicities: Sequence[int], beta: int, weight: float = 1.0) -> SectorSpectrum:
    """Check a spectrum and centre it in exact arithmetic."""
    beta = check_beta(beta)
    if not (np.isfinite(weight) and weight > 0):
        raise InputError(f"weight must be a positive number, got {weight!r}.")
    pairs = checked_levels(values, multiplicities)
    dim = sum(count for _, count in pairs)
    exact = [Fraction(value) for value, _ in pairs]
    total = sum((value * count for value, (_, count) in zip(exact, pairs, strict=True)), Fraction(0))
    mean = total / dim
    centred = np.array([float(value - mean) for value in exact])
    counts = [count for _, count in pairs]
    return SectorSpectrum(
        centred=centred,
        multiplicities=tuple(counts),
        beta=beta,
        weight=float(weight),
        mean=float(mean),
        ground=pairs[0][0],
    )


def rescale_dims(sectors: Sequence[SectorSpectrum]) -> tuple[list[SectorSpectrum], float]:
    """Shrink huge sectors to a dimension that float64 resolves; return them and a factor.

    All levels of such sectors must carry many states; deviations from the mean are then normal
    and scale as 1/√dimension, so those computed are the true ones times 1/factor.
    """
    smallest = min(sector.dim for sector in sectors)
    if smallest <= LARGEST_EXACT_DIM or not all(map(_is_dense, sectors)):
        return list(sectors), 1.0
    shrunk = [_shrink(sector, smallest, LARGEST_EXACT_DIM) for sector in sectors]
    shrunk = [_shrink(sector, sector.dim, LARGEST_DIM) if sector.dim > LARGEST_DIM else sector for sector in shrunk]
    return shrunk, float(np.sqrt(LARGEST_EXACT_DIM / smallest))


def _is_dense(sector: SectorSpectrum) -> bool:
    return min(sector.multiplicities) * LARGEST_EXACT_DIM >= sector.dim


def _shrink(sector: SectorSpectrum, dim: int, target: int) -> SectorSpectrum:
    counts = tuple(max(1, count * target // dim) for count in sector.multiplicities)
    fractions = np.array([count / sum(counts) for count in counts])
    centred = sector.centred - float(fractions @ sector.centred)
    return replace(sector, centred=centred, multiplicities=counts)
