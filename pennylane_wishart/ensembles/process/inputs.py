"""Several inputs of one sector on an orthonormal basis of their span."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pennylane_wishart.conventions import ensembles as limits
from pennylane_wishart.ensembles.arguments import check_beta
from pennylane_wishart.ensembles.wishart import Matrix
from pennylane_wishart.errors import InputError

__all__ = ["span_operators"]


def span_operators(states: ArrayLike, beta: int) -> Matrix:
    """Express pure states of a sector on an orthonormal basis of their span over F.

    Args:
        states: rows are (unnormalised) states in the sector's basis, shape (n, N); for
            β = 4, N = 2D and J acts as ψ → Ω conj(ψ), Ω = [[0, 1], [−1, 0]].
        beta: 1 (spanned by real and imaginary parts), 2 or 4 (by ψ and Jψ).
    Returns:
        Density matrices (n, d, d) over F, d the dimension of the span; for β = 4 in the
        complex form (n, 2d, 2d) with trace the weight, ready for ``process_sample``.
    Raises:
        InputError: if the states are not a matrix, or N is odd for β = 4.
    Cost: one SVD of (2n, N).
    """
    beta, psi = check_beta(beta), np.asarray(states, dtype=np.complex128)
    if psi.ndim != 2 or not np.all(np.isfinite(psi)):
        raise InputError(f"states must be a finite (n, N) array; got shape {psi.shape}.")
    if beta == 4:
        return _quaternionic_operators(psi)
    rows = np.concatenate([psi.real, psi.imag]) if beta == 1 else psi
    u, s, v = np.linalg.svd(rows, full_matrices=False)
    keep = s > limits.SPAN_RANK * max(s[0], limits.TINY)
    coordinates = psi @ np.conj(v[keep]).T
    density = np.einsum("ni,nj->nij", coordinates, np.conj(coordinates))
    return np.asarray(density.real if beta == 1 else density)


def _quaternionic_operators(psi: Matrix) -> Matrix:
    """Gram–Schmidt over H; coordinates of ψ on (e_k, J'e_k) pairs, in block form."""
    if psi.shape[1] % 2:
        raise InputError(f"states must have even length for beta = 4; got {psi.shape[1]}.")
    half = psi.shape[1] // 2

    def partner(v: Matrix) -> Matrix:
        return np.concatenate([-np.conj(v[half:]), np.conj(v[:half])])

    basis: list[Matrix] = []
    scale = float(np.max(np.linalg.norm(psi, axis=1)))
    for state in psi:
        rest = state
        for _ in range(2):  # twice, for orthogonality to rounding
            for e in basis:
                for direction in (e, partner(e)):
                    rest = rest - direction * np.vdot(direction, rest)
        if np.linalg.norm(rest) > limits.QUATERNION_RANK * scale:
            basis.append(rest / np.linalg.norm(rest))
    frame = np.array(basis + [partner(e) for e in basis])
    coordinates = psi @ np.conj(frame).T
    return np.asarray(np.einsum("ni,nj->nij", coordinates, np.conj(coordinates)))
