"""Second derivatives at given angles: differences of the gradients that adjoint sweeps give."""

from __future__ import annotations

import numpy as np

from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.variances.sweeps import Sweeps

__all__ = ["hessians_at"]


def hessians_at(sweeps: Sweeps, angles: np.ndarray, parameters: np.ndarray | None = None) -> np.ndarray:
    """Return ∂²ℓ/∂θ_k∂θ_l at given rotation angles ``(batch, n_rotations)``: ``(batch, k, k)`` of some parameters.

    Central differences of exact gradients: 1e-8 of a derivative is lost, far below any use of them.

    Cost: 2·k adjoint sweeps; all n_params where ``parameters`` is None.
    """
    circuit, h = sweeps.circuit, limits.DIFFERENCE
    chosen = np.arange(circuit.n_params) if parameters is None else parameters
    out = np.empty((len(angles), len(chosen), len(chosen)))
    for row, p in enumerate(chosen):
        shift = np.where(circuit.parameter_of == p, circuit.coefficients * h, 0.0)
        out[:, row] = (sweeps(angles + shift)[1] - sweeps(angles - shift)[1])[:, chosen] / (2 * h)
    return (out + np.swapaxes(out, 1, 2)) / 2
