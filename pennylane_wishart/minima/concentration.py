"""Where local minima concentrate when sizes grow at a fixed ratio of parameters to freedom."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from pennylane_wishart.conventions import minima as limits
from pennylane_wishart.errors import InputError

__all__ = ["concentration_energy"]


def _left_edge(energy: float, gamma: float) -> float:
    """Left edge of Marchenko–Pastur(γ, mean 1) ⊞ semicircle(variance γE)."""

    def stationarity(z: float) -> float:
        return gamma / (1 - gamma * z) ** 2 + gamma * energy - 1 / z**2

    # left of the root the first two terms win, right of it 1/z² does.
    far = -1.0
    while stationarity(far) < 0:
        far *= 2.0
    near = -1e-3
    while stationarity(near) > 0:
        near *= 0.5
    absolute, relative, _ = limits.ROOT_TOLERANCE
    z = brentq(stationarity, far, near, xtol=absolute, rtol=relative)
    return float(1 / (1 - gamma * z) + gamma * energy * z + 1 / z)


def _scalar(gamma: float) -> float:
    # on a log scale: E* falls as (1 - γ)^3 near γ = 1, where a linear bracket would miss it.
    def excess(log_energy: float) -> float:
        energy = float(np.exp(log_energy))
        return _left_edge(energy, gamma) - energy

    return float(np.exp(brentq(excess, limits.LOG_ENERGY_FLOOR, 0.0, xtol=limits.ROOT_TOLERANCE[2])))


def concentration_energy(gamma: ArrayLike) -> float | NDArray[np.float64]:
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
    Cost: about 1 ms per value.
    Source: Anschuetz, arXiv:2109.06957 (the limit of its law); the free-probability form is ours.
    Example:
        >>> round(concentration_energy(0.25), 4)
        0.1362
    """
    values = np.asarray(gamma, dtype=float)
    if not np.all((values > 0) & (values < 1)):
        raise InputError(
            f"gamma must lie strictly between 0 and 1, got {gamma!r}: at gamma >= 1 minima are "
            "optimal (E* = 0); at gamma = 0 there is nothing to train."
        )
    result = np.array([_scalar(g) for g in values.ravel()]).reshape(values.shape)
    return float(result) if values.ndim == 0 else result
