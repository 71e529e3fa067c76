"""Where local minima concentrate when sizes grow at a fixed ratio of parameters to freedom."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pennylane_wishart.ensembles.scaled import Array
from pennylane_wishart.errors import InputError

__all__ = ["concentration_energy"]


def concentration_energy(gamma: ArrayLike) -> float | Array:
    """Return E*(γ), the energy at which local minima concentrate.

    In the limit of large size at fixed γ = p/(βm), minima lie at E* = (ℓ − ℓ*)/ō where the left
    edge of Marchenko–Pastur(γ) ⊞ semicircle(variance γE) equals E. Not a finite-size number: at
    m = 32, p = 16, β = 2 the mean is 0.237 where E*(0.25) = 0.136. For γ ≥ 1, E* is 0.

    Args:
        gamma: ratio of independent parameters to degrees of freedom, 0 < γ < 1, any shape.
    Returns:
        float, or float64 array of the same shape.
    Raises:
        InputError: if any γ lies outside (0, 1).
    Cost: O(1), in closed form.
    Source: Anschuetz, arXiv:2109.06957 (the limit of its law); the free-probability form is ours.
    Example:
        >>> round(concentration_energy(0.25), 4)
        0.1362
    """
    g = np.asarray(gamma, dtype=float)
    if not np.all((g > 0) & (g < 1)):
        raise InputError(
            f"gamma must lie strictly between 0 and 1, got {gamma!r}: at gamma >= 1 minima are "
            "optimal (E* = 0); at gamma = 0 there is nothing to train."
        )
    # The edge is the largest value over u > 0 of 1/(1 + γu) − 1/u − γEu (R-transforms add). It is linear
    # in E, so it equals E where E is the largest ((1 − γ)u − 1)/(u(1 + γu)²), at the root of a quadratic.
    u = (3 * g + np.sqrt(9 * g * g + 8 * g * (1 - g))) / (4 * g * (1 - g))
    energy = ((1 - g) * u - 1) / (u * (1 + g * u) ** 2)
    return float(energy) if energy.ndim == 0 else energy
