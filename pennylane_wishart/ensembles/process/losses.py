"""The losses of several inputs in the same random circuits: their covariance, and joint samples."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from pennylane_wishart.conventions import ensembles as limits
from pennylane_wishart.conventions.numbers import TINY
from pennylane_wishart.ensembles.arguments import check_beta, check_size
from pennylane_wishart.ensembles.compression import HaarCompression
from pennylane_wishart.ensembles.distribution import Seed
from pennylane_wishart.ensembles.scaled import Array, log2_fraction, scaled_float
from pennylane_wishart.ensembles.spectrum import Spectrum
from pennylane_wishart.ensembles.wishart import Matrix, matrix_size
from pennylane_wishart.errors import InputError

__all__ = ["covariance_log2_scale", "loss_covariance", "process_sample", "span_operators"]


def _scale(spectrum: Spectrum, beta: int) -> Fraction:
    """Tr O₀²/dim J₀ over F."""
    dim = spectrum.dim
    if dim == 1:
        return Fraction(0)
    return spectrum.centred_sums[2] / ((dim - 1) * (1 + Fraction(beta * dim, 2)))


def covariance_log2_scale(values: Sequence[float], multiplicities: Sequence[int], beta: int) -> float:
    """Return log2 of the factor Tr O₀²/dim J₀ between ``loss_covariance`` and overlaps.

    Example:
        >>> round(covariance_log2_scale([-1, 1], [2**999, 2**999], 2))
        -1000
    """
    beta = check_beta(beta)
    return log2_fraction(_scale(Spectrum.build(values, multiplicities, Fraction(beta, 2)), beta))


def loss_covariance(
    values: Sequence[float], multiplicities: Sequence[int], beta: int, overlaps: ArrayLike, weights: ArrayLike
) -> Array:
    """Compute the covariance of the losses of several inputs in one sector.

    Cov[ℓ_i, ℓ_j] = (Tr O₀²/dim J₀)·(Tr ρ_iρ_j − w_iw_j/D), dim J₀ = (D−1)(1 + βD/2), which
    is (2ō²/βm)(Tr ρ_iρ_j − w_iw_j/D)·D²/((D−1)(D + 2/β)): exact in the deep limit. NOT
    valid before it. Where it underflows, multiply by 2**covariance_log2_scale yourself.

    Args:
        values, multiplicities, beta: spectrum of O over F.
        overlaps: Tr ρ_iρ_j over F, shape (n, n): Tr Re ρ_i Re ρ_j for β = 1; for β = 4
            the quaternionic trace, |⟨i|j⟩|² + |⟨i|J|j⟩|² for pure states.
        weights: Tr ρ_i in the sector, shape (n,).
    Returns:
        float64 (n, n), in squared units of the observable.
    Raises:
        InputError: if the shapes do not match.
    Source: arXiv:2408.11901 (Wishart process), with the finite-size factor that is ours.
    Example:
        >>> loss_covariance([-1, 1], [2, 2], 2, [[1, 0], [0, 1]], [1, 1]).round(4).tolist()
        [[0.2, -0.0667], [-0.0667, 0.2]]
    """
    beta = check_beta(beta)
    spectrum = Spectrum.build(values, multiplicities, Fraction(beta, 2))
    gram, w = np.asarray(overlaps, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    if w.ndim != 1 or gram.shape != (w.size, w.size):
        raise InputError(f"overlaps must be (n, n) and weights (n,); got {gram.shape} and {w.shape}.")
    # 1/D underflows only where w_iw_j/D is nothing beside the overlaps
    share = scaled_float(Fraction(1, spectrum.dim))
    return scaled_float(_scale(spectrum, beta)) * (gram - np.outer(w, w) * share)


def process_sample(
    values: Sequence[float],
    multiplicities: Sequence[int],
    beta: int,
    operators: ArrayLike,
    size: int,
    rng: Seed = None,
) -> Array:
    """Draw the losses of several inputs in the same random circuits, exactly.

    ℓ_i = Re Tr[B ρ_i], B the compression of O to the span of the inputs (the finite-size
    Wishart process). NOT valid before the deep limit.

    Args:
        values, multiplicities, beta: spectrum of O over F.
        operators: inputs on a basis of their span, shape (n, d, d) (β = 4: (n, 2d, 2d)),
            as ``span_operators`` returns, or mixtures of such.
        size: number of circuits.
        rng: None, a seed or a Generator.
    Returns:
        float64 (size, n).
    Raises:
        InputError: if the shapes do not match or d exceeds D.
    Cost: O(size·(levels + n)·d²); memory independent of D.
    Source: ours; finite-size form of arXiv:2408.11901.
    Example:
        >>> from pennylane_wishart.ensembles import span_operators
        >>> inputs = span_operators([[1, 0, 0, 0], [0, 1, 0, 0]], beta=2)
        >>> process_sample([-1, 1], [2, 2], 2, inputs, size=5, rng=1).shape
        (5, 2)
    """
    beta, inputs = check_beta(beta), np.asarray(operators)
    if inputs.ndim != 3 or inputs.shape[1] != inputs.shape[2] or inputs.shape[1] == 0:
        raise InputError(f"operators must have shape (n, d, d); got {inputs.shape}.")
    if beta == 4 and inputs.shape[1] % 2:
        raise InputError(f"operators must have even size for beta = 4; got {inputs.shape}.")
    d = inputs.shape[1] // matrix_size(1, beta)
    law = HaarCompression(tuple(values), tuple(multiplicities), beta)
    generator = np.random.default_rng(rng)
    out = np.empty((check_size(size), len(inputs)))
    step = max(1, limits.DRAWN_AT_ONCE // inputs.shape[1] ** 2)
    for start in range(0, size, step):
        stop = min(size, start + step)
        b = law.compressions(stop - start, d, generator)
        out[start:stop] = np.real(np.einsum("sij,nji->sn", b, inputs))
    return out


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
    # dependent inputs would make the compression singular
    keep = s > limits.SPAN_RANK * max(s[0], TINY)
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
