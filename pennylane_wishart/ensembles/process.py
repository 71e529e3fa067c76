"""The losses of several inputs together: covariance, joint samples, and the Gaussian verdict."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from ..errors import InputError
from .compression import HaarCompression
from .law import Array, check_size
from .spectrum import Spectrum, check_beta, log2_fraction, scaled_float
from .wishart import matrix_size

__all__ = [
    "GaussianVerdict",
    "covariance_log2_scale",
    "gaussian_verdict",
    "loss_covariance",
    "process_sample",
    "span_operators",
]


def _scale(spectrum: Spectrum, beta: int) -> Fraction:
    """Tr O₀²/dim J₀ over F."""
    dim = spectrum.dim
    if dim == 1:
        return Fraction(0)
    return spectrum.centred_sums[2] / ((dim - 1) * (1 + Fraction(beta * dim, 2)))


def covariance_log2_scale(values: Any, multiplicities: Any, beta: int) -> float:
    """Return log2 of the factor Tr O₀²/dim J₀ between ``loss_covariance`` and overlaps.

    Example:
        >>> round(covariance_log2_scale([-1, 1], [2**999, 2**999], 2))
        -1000
    """
    beta = check_beta(beta)
    return log2_fraction(_scale(Spectrum.build(values, multiplicities, Fraction(beta, 2)), beta))


def loss_covariance(values: Any, multiplicities: Any, beta: int, overlaps: ArrayLike, weights: ArrayLike) -> Array:
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
    share = scaled_float(Fraction(1, spectrum.dim))
    return scaled_float(_scale(spectrum, beta)) * (gram - np.outer(w, w) * share)


def span_operators(states: ArrayLike, beta: int) -> NDArray[np.generic]:
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
    keep = s > 1e-12 * max(s[0], 1e-300)
    coordinates = psi @ np.conj(v[keep]).T
    density = np.einsum("ni,nj->nij", coordinates, np.conj(coordinates))
    return density.real if beta == 1 else density


def _quaternionic_operators(psi: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Gram–Schmidt over H; coordinates of ψ on (e_k, J'e_k) pairs, in block form."""
    if psi.shape[1] % 2:
        raise InputError(f"states must have even length for beta = 4; got {psi.shape[1]}.")
    half = psi.shape[1] // 2

    def partner(v: NDArray[np.complex128]) -> NDArray[np.complex128]:
        return np.concatenate([-np.conj(v[half:]), np.conj(v[:half])])

    basis: list[NDArray[np.complex128]] = []
    scale = float(np.max(np.linalg.norm(psi, axis=1)))
    for state in psi:
        rest = state
        for _ in range(2):  # twice, for orthogonality to rounding
            for e in basis:
                for direction in (e, partner(e)):
                    rest = rest - direction * np.vdot(direction, rest)
        if np.linalg.norm(rest) > 1e-10 * scale:
            basis.append(rest / np.linalg.norm(rest))
    frame = np.array(basis + [partner(e) for e in basis])
    coordinates = psi @ np.conj(frame).T
    return np.einsum("ni,nj->nij", coordinates, np.conj(coordinates))


def process_sample(
    values: Any, multiplicities: Any, beta: int, operators: ArrayLike, size: int, rng: Any = None
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
    law = HaarCompression(values, multiplicities, beta)
    generator = np.random.default_rng(rng)
    out = np.empty((check_size(size), len(inputs)))
    step = max(1, (1 << 20) // inputs.shape[1] ** 2)
    for start in range(0, size, step):
        stop = min(size, start + step)
        b = law.compressions(stop - start, d, generator)
        out[start:stop] = np.real(np.einsum("sij,nji->sn", b, inputs))
    return out


@dataclass(frozen=True)
class GaussianVerdict:
    """Hold whether the losses of one sector form a Gaussian process, and why.

    Attributes:
        dof: r = Tr(O−λ)²/Tr((O−λ)²) over F; the published condition is r → ∞.
        log2_dof: its base-2 logarithm.
        lindeberg_ratio: max_k (o_k − ō)²/Tr O₀²; ours is that this → 0.
        skewness, kurtosis: exact, of the loss of a pure input.
        ks_distance: largest distance of its cdf to the normal one.
        published: whether r reaches ``dof_threshold``.
        lindeberg: whether the ratio is below ``lindeberg_threshold``.
        is_gaussian: whether ``ks_distance`` is below ``ks_threshold``.
        verdict: one sentence.
    """

    dof: float
    log2_dof: float
    lindeberg_ratio: float
    skewness: float
    kurtosis: float
    ks_distance: float
    published: bool
    lindeberg: bool
    is_gaussian: bool
    verdict: str


def _sentence(published: bool, lindeberg: bool, is_gaussian: bool, distance: float) -> str:
    shown = f"the loss lies {distance:.2g} (KS) from a normal law"
    if is_gaussian and published and lindeberg:
        return f"Gaussian process: both conditions hold and {shown}."
    if is_gaussian:
        return f"Gaussian for practical purposes: {shown}, though a limit condition fails."
    if published and not lindeberg:
        return (
            f"Not a Gaussian process: {shown}; the published condition (many degrees of "
            "freedom) holds but is not sufficient, as single levels dominate the variance."
        )
    if not published:
        return f"Not a Gaussian process: {shown}; the degrees of freedom are few."
    return f"Not a Gaussian process at this size: {shown}, though both limit conditions hold."


def gaussian_verdict(
    values: Any,
    multiplicities: Any,
    beta: int,
    *,
    dof_threshold: float = 30.0,
    lindeberg_threshold: float = 0.05,
    ks_threshold: float = 0.02,
) -> GaussianVerdict:
    """Judge whether the losses of one sector are close to a Gaussian process.

    The published condition r → ∞ is not sufficient: O = 1 − |1⟩⟨1| has r = D − 1 and stays
    a (negative) exponential. The Lindeberg condition max_k (o_k − ō)²/Tr O₀² → 0 is.
    NOT for mixed inputs, whose losses may be closer to normal.

    Args:
        values, multiplicities, beta: spectrum of O over F.
        dof_threshold, lindeberg_threshold, ks_threshold: where the three booleans turn.
    Returns:
        GaussianVerdict.
    Raises:
        InputError: if the observable is constant on the sector.
    Source: arXiv:2408.11901 (condition on r); the Lindeberg condition is ours.
    Example:
        >>> v = gaussian_verdict([0.0, 1.0], [1, 63], beta=2)
        >>> v.published, v.is_gaussian, round(v.skewness, 1)
        (True, False, -1.9)
    """
    law = HaarCompression(values, multiplicities, beta)
    spectrum = law._observable
    if len(spectrum.values) == 1:
        raise InputError("values hold one level: the loss is constant, and no process is random.")
    lowest = Fraction(spectrum.values[0])
    first = spectrum.raw_sum(1) - spectrum.dim * lowest
    second = spectrum.raw_sum(2) - 2 * lowest * spectrum.raw_sum(1) + spectrum.dim * lowest**2
    dof = first**2 / second
    ratio = max(c * c for c in spectrum.centred()) / spectrum.centred_sums[2]
    distance = _normal_distance(law)
    published = dof >= Fraction(dof_threshold)
    lindeberg = ratio <= Fraction(lindeberg_threshold)
    close = distance <= ks_threshold
    return GaussianVerdict(
        dof=scaled_float(dof),
        log2_dof=log2_fraction(dof),
        lindeberg_ratio=scaled_float(ratio),
        skewness=law.skewness(),
        kurtosis=law.kurtosis(),
        ks_distance=distance,
        published=published,
        lindeberg=lindeberg,
        is_gaussian=close,
        verdict=_sentence(published, lindeberg, close, distance),
    )


def _normal_distance(law: HaarCompression) -> float:
    """Largest |cdf − normal cdf|, on a grid in standard deviations (so of any dimension)."""
    z = np.linspace(-8.0, 8.0, 1601)
    unit = 2.0 ** (law.log2_var / 2 - law._levels.exponent)
    lower = np.exp(law._standard_log_tails(z * unit)[0])
    return float(np.max(np.abs(lower - ndtr(z))))
