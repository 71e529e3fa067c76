"""Second derivatives at given angles: differences of the gradients that adjoint sweeps give."""

from __future__ import annotations

import numpy as np

from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.variances.sweeps import Sweeps

__all__ = ["hessians_at"]


def hessians_at(sweeps: Sweeps, angles: np.ndarray) -> np.ndarray:
    """Return ∂²ℓ/∂θ_k∂θ_l at given rotation angles ``(batch, n_rotations)``: ``(batch, n_params, n_params)``.

    Central differences of exact gradients: 1e-8 of a derivative is lost, far below any use of them.

    Cost: 2·n_params adjoint sweeps.
    """
    circuit, h = sweeps.circuit, limits.DIFFERENCE
    out = np.empty((len(angles), circuit.n_params, circuit.n_params))
    for p in range(circuit.n_params):
        shift = np.where(circuit.parameter_of == p, circuit.coefficients * h, 0.0)
        out[:, p] = (sweeps(angles + shift)[1] - sweeps(angles - shift)[1]) / (2 * h)
    return (out + np.swapaxes(out, 1, 2)) / 2
