"""The number of parameters at which poor local minima give way to optimal ones."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import ArrayLike

from pennylane_wishart.ensembles.arguments import check_beta
from pennylane_wishart.errors import InputError
from pennylane_wishart.minima.spectrum import sector_spectrum

__all__ = ["transition", "transition_asymptotic", "transition_spin_factor"]


def transition(values: ArrayLike, multiplicities: Sequence[int], beta: int = 2) -> int:
    """Return the exact transition p* = β·rank(O − λ_min).

    p* is the real codimension of the set of optimal states in the sector, so from p* independent
    parameters on a generic circuit reaches the optimum; it never exceeds the dimension β(D − 1)
    of the state manifold. It is an onset, not a guarantee: just below p* minima already lie within
    a per cent of the optimum. For several independent sectors that carry weight, add theirs.

    Args:
        values: distinct eigenvalues, any order, shape ``(n_levels,)``.
        multiplicities: exact multiplicities over F (for β = 4: half the complex ones).
        beta: 1 (SO), 2 (SU) or 4 (Sp).
    Returns:
        int: p*; 0 for an observable with a single level.
    Raises:
        InputError: if the spectrum or beta is malformed.
    Cost: O(n_levels).
    Source: ours; the published rule is :func:`transition_asymptotic`.
    Example:
        >>> transition([-1, 1], [8, 8], beta=2)
        16
        >>> transition([0, 1], [2**20 - 1, 1], beta=1)
        1
    """
    sector = sector_spectrum(values, multiplicities, beta)
    return sector.beta * sector.rank


def transition_asymptotic(dof_finite: float, beta: int = 2) -> float:
    """Return the published transition p* = βm − 2.

    Valid in the limit of large m only; the exact rule is :func:`transition` (for a Pauli
    observable at N = 16, β = 2: 16, where this gives 30).

    Args:
        dof_finite: m, from 1/m = 1/r − 1/D; positive.
        beta: 1, 2 or 4.
    Returns:
        float: βm − 2, not below 0.
    Raises:
        InputError: if m is not positive or beta unknown.
    Cost: O(1).
    Source: Anschuetz, arXiv:2109.06957; Michálek, Friák, Vašík, arXiv:2609.27488.
    Example:
        >>> transition_asymptotic(8, beta=2)
        14.0
    """
    if not dof_finite > 0:
        raise InputError(f"dof_finite must be positive, got {dof_finite!r}.")
    return max(0.0, check_beta(beta) * float(dof_finite) - 2.0)


def transition_spin_factor(dimension: int) -> int:
    """Return p* = d − 1 of a spin factor, whose loss is linear on the sphere S^{d−1}.

    The step is slow at small d: at d = 8 a fraction 0.20 / 0.63 / 0.97 of descents end at the
    optimum for p = 7 / 8 / 11.

    Args:
        dimension: d, the number of Majorana operators that are really rotated; at least 1.
    Returns:
        int: d − 1.
    Raises:
        InputError: if d is below 1.
    Cost: O(1).
    Source: ours.
    Example:
        >>> transition_spin_factor(8)
        7
    """
    if int(dimension) != dimension or dimension < 1:
        raise InputError(f"dimension must be a positive integer, got {dimension!r}.")
    return int(dimension) - 1
