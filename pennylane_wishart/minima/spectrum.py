"""The spectrum of an observable in one sector, checked once and centred exactly.

Everything downstream works with levels measured from the mean, so that an energy that differs
from the mean by 2^-20 (concentration in a large sector) keeps all its digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError

__all__ = ["SectorSpectrum", "check_beta", "checked_levels", "sector_spectrum"]

LARGEST_EXACT_DIM = 2**40
"""Above this dimension energies concentrate below float64: levels are rescaled (see below)."""


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
    spread: float = 1.0
    """Factor from computed deviations to true ones; below 1 only for rescaled huge sectors."""

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


def sector_spectrum(
    values: ArrayLike, multiplicities: Sequence[int], beta: int, weight: float = 1.0
) -> SectorSpectrum:
    """Check a spectrum and centre it in exact arithmetic.

    Sectors above 2^40 dimensions, whose levels all carry many states, are replaced by a sector of
    2^40 with the same proportions; deviations from the mean scale as 1/√dimension there.
    """
    beta = check_beta(beta)
    if not (np.isfinite(weight) and weight > 0):
        raise InputError(f"weight must be a positive number, got {weight!r}.")
    pairs = checked_levels(values, multiplicities)
    dim = sum(count for _, count in pairs)
    exact = [Fraction(value) for value, _ in pairs]
    total = sum(
        (value * count for value, (_, count) in zip(exact, pairs, strict=True)), Fraction(0)
    )
    mean = total / dim
    centred = np.array([float(value - mean) for value in exact])
    counts = [count for _, count in pairs]
    spread = 1.0
    if dim > LARGEST_EXACT_DIM and len(pairs) > 1:
        share = max(c**2 for c in centred) / sum(
            (count / dim) * c**2 for count, c in zip(counts, centred, strict=True)
        )
        if share < 1e-6 * LARGEST_EXACT_DIM and min(counts) * LARGEST_EXACT_DIM >= dim:
            counts = [max(1, (count * LARGEST_EXACT_DIM) // dim) for count in counts]
            spread = float(np.sqrt(sum(counts) / dim))
            fractions = np.array(counts, dtype=float) / sum(counts)
            centred = centred - float(fractions @ centred)
    return SectorSpectrum(
        centred=centred,
        multiplicities=tuple(counts),
        beta=beta,
        weight=float(weight),
        mean=float(mean),
        ground=pairs[0][0],
        spread=spread,
    )
