"""The exact law of a loss in one Jordan sector: any size, spectrum, β and input."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import betaincinv

from ..errors import InputError
from .haar_moments import trace_moments
from .inversion import StandardLevels
from .law import Array, Tails, check_size
from .sampled import SampleTable
from .spectrum import Spectrum, check_beta
from .twolevel import DirichletLaw
from .wishart import compress, matrix_size

__all__ = ["HaarCompression", "input_eigenvalues", "input_spectrum"]

_BATCH = 1 << 21  # matrix entries held at once
_TABLE = 1 << 17  # stored sample behind the cdf of a mixed input
_STRATA = 16  # points per stored sample, spread by its conditional law


def input_eigenvalues(rho: Any, dim: int) -> tuple[float, ...]:
    """Check the eigenvalues of an input block; return the positive ones, largest first.

    Raises:
        InputError: if one is negative, they do not sum to a weight, or exceed ``dim``.
    """
    numbers = [float(p) for p in np.atleast_1d(np.asarray(rho, dtype=np.float64)).ravel()]
    if not all(math.isfinite(p) and p >= 0 for p in numbers):
        raise InputError(f"rho must be the non-negative eigenvalues of the input; got {rho!r}.")
    positive = tuple(sorted((p for p in numbers if p > 0), reverse=True))
    if not positive or math.fsum(positive) > 1 + 1e-9:
        raise InputError(f"rho must sum to the weight of the sector, in (0, 1]; got {rho!r}.")
    if len(positive) > dim:
        raise InputError(f"rho has {len(positive)} non-zero eigenvalues in dimension {dim}.")
    return positive


def input_spectrum(eigenvalues: tuple[float, ...], dim: int, beta: int) -> Spectrum:
    """Complete the positive eigenvalues of an input block with zeros to ``dim`` levels."""
    counts = [1] * len(eigenvalues) + [dim - len(eigenvalues)]
    return Spectrum.build([*eigenvalues, 0.0], counts, Fraction(beta, 2), ("rho", "rho"))


@dataclass(frozen=True)
class HaarCompression(DirichletLaw):
    """Describe the loss of one sector exactly, for any spectrum, size and input.

    ℓ = Σ_i p_i B_ii with B the compression of O to Haar directions,
    B = L^{-1}(Σ o_j W_j)L^{-†}, W_j ~ β-Wishart(k_j), LL† = Σ W_j. For a pure input
    (one p) ℓ = p·Σ o_j X_j, X ~ Dirichlet(βk_j/2): moments are exact rationals and cdf and
    pdf are exact contour integrals. For a mixed input moments are exact too, cdf and pdf
    come from a stored seeded sample (see ``cdf_error``). NOT valid before the deep limit or
    when the group is smaller than SO, SU, Sp of the sector.

    Args:
        values: distinct eigenvalues of O in the sector, not shifted, shape (J,).
        multiplicities: exact ints over F, summing to D (β = 4: half the complex ones).
        beta: 1, 2 or 4.
        rho: eigenvalues over F of the input's block; their sum is the sector's weight
            (β = 1: of Re ρ; β = 4: of the quaternionic part, pairs counted once).
    Raises:
        InputError: on a malformed spectrum or input.
    Cost: sampling O(size·J·d²) time for rank d, memory bounded and independent of D.
    Source: ours; exact finite-size form of the Wishart process of arXiv:2408.11901.
    Example:
        >>> law = HaarCompression([-1.0, 0.0, 2.0], [4, 8, 4], beta=2)
        >>> round(law.mean(), 12), round(law.log2_var, 6)
        (0.25, -3.839535)
        >>> HaarCompression([-1, 1], [2**999, 2**999], beta=2).log2_var
        -1000.0
    """

    values: tuple[float, ...]
    multiplicities: tuple[int, ...]
    beta: int = 2
    rho: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        object.__setattr__(self, "beta", check_beta(self.beta))
        spectrum = self._observable
        object.__setattr__(self, "values", spectrum.values)
        object.__setattr__(self, "multiplicities", spectrum.counts)
        object.__setattr__(self, "rho", input_eigenvalues(self.rho, spectrum.dim))

    @cached_property
    def _observable(self) -> Spectrum:
        return Spectrum.build(self.values, self.multiplicities, Fraction(self.beta, 2))

    # --- exact moments --------------------------------------------------------------
    @property
    def is_pure(self) -> bool:
        """Whether the input is one direction over F."""
        return len(self.rho) == 1

    @property
    def dim(self) -> int:
        """Dimension D of the sector over F."""
        return self._observable.dim

    @property
    def weight(self) -> float:
        """Weight of the input in the sector, Tr ρ."""
        return math.fsum(self.rho)

    @cached_property
    def _spectrum(self) -> Spectrum:  # type: ignore[override]
        """Spectrum of the pure law; the weight of the input scales the levels."""
        if not self.is_pure or self.rho[0] == 1.0:
            return self._observable
        scaled = [self.rho[0] * value for value in self.values]
        return Spectrum.build(scaled, self.multiplicities, Fraction(self.beta, 2))

    @cached_property
    def _moments(self) -> tuple[Fraction, Fraction, Fraction]:
        if self.is_pure:
            return self._spectrum.functional_moments
        return trace_moments(self._observable, input_spectrum(self.rho, self.dim, self.beta), self.beta)

    def mean(self) -> float:
        """Return weight · Tr O / D."""
        if self.is_pure:
            return float(self._spectrum.mean)
        return float(self._observable.mean * sum(Fraction(p) for p in self.rho))

    def support(self) -> tuple[float, float]:
        """Return the extreme values of Σ p_i λ_i (largest p on the extreme levels)."""
        if self.is_pure:
            return super().support()
        return self._extreme(1), -self._extreme(-1)

    def _extreme(self, sign: int) -> float:
        """Smallest Σ p_i sign·o over orthogonal directions."""
        levels = sorted((sign * o, k) for o, k in zip(self.values, self.multiplicities, strict=True))
        weights, total, start = list(self.rho), 0.0, 0
        for value, count in levels:
            total += value * math.fsum(weights[start : start + count])
            start = min(len(weights), start + count)
        return total

    @property
    def engine(self) -> str:
        """How the numbers are obtained."""
        return "exact Haar compression" + ("" if self.is_pure else " (mixed input)")

    @property
    def validity(self) -> str:
        """When the law is not valid."""
        return "Not valid before the deep limit, or for a group smaller than that of the sector."

    # --- distribution ---------------------------------------------------------------
    @cached_property
    def _table(self) -> SampleTable:
        d = min(len(self.rho) + 1, self.dim)
        size = int(np.clip((1 << 23) // (len(self.values) * d**2), 1 << 13, _TABLE))
        rng = np.random.default_rng(0)
        weights = np.array([*self.rho, 0.0])[:d]
        rows = [self._spread(part, weights, rng) for part in self._parts(size, d, rng)]
        return SampleTable.build(np.concatenate(rows), size)

    def _spread(self, part: np.ndarray, weights: Array, rng: np.random.Generator) -> Array:
        """Replace each sample by several from its law given all but one rotation.

        A Haar rotation in the plane of two directions (the largest p and the smallest)
        turns their block of B: the difference of its diagonal is 2·radius·cos, cos the
        first coordinate of a uniform point on the sphere S^β. Its strata are sampled.
        """
        i, j = 0, len(weights) - 1
        diagonal = np.real(np.einsum("sii->si", part[:, : len(weights), : len(weights)]))
        off = np.abs(part[:, i, j]) ** 2
        if self.beta == 4:
            off = off + np.abs(part[:, i, len(weights) + j]) ** 2
        centre = diagonal @ weights
        centre -= (weights[i] - weights[j]) * (diagonal[:, i] - diagonal[:, j]) / 2
        radius = np.sqrt((diagonal[:, i] - diagonal[:, j]) ** 2 + 4 * off)
        radius *= (weights[i] - weights[j]) / 2
        strata = (np.arange(_STRATA) + rng.random((len(part), _STRATA))) / _STRATA
        cosine = 2 * betaincinv(self.beta / 2, self.beta / 2, strata) - 1
        return (centre[:, None] + radius[:, None] * cosine).ravel()

    @cached_property
    def _mixed_levels(self) -> StandardLevels:
        return StandardLevels.of(self._observable)

    def _to_standard(self, x: Array) -> Array:
        return np.ldexp(x - self.mean(), -self._mixed_levels.exponent)

    def _log_tails(self, x: Array) -> Tails:
        if self.is_pure or self._moments[0] == 0:
            return super()._log_tails(x)
        return self._table.log_tails(self._to_standard(x))

    def _log_density(self, x: Array) -> Array:
        if self.is_pure or self._moments[0] == 0:
            return super()._log_density(x)
        log = self._table.log_density(self._to_standard(x))
        return log - self._mixed_levels.exponent * math.log(2)

    def cdf_error(self, x: Any) -> Any:
        """Estimate the error of ``cdf``: quadrature (pure) or standard error (mixed)."""
        if self.is_pure or self._moments[0] == 0:
            return super().cdf_error(x)
        return self._apply(lambda flat: self._table.cdf_error(self._to_standard(flat)), x)

    # --- sampling -------------------------------------------------------------------
    def _draw_standard(self, size: int, rng: np.random.Generator) -> Array:
        if self.is_pure:
            return super()._draw_standard(size, rng)
        d = len(self.rho)
        return np.concatenate(
            [np.real(np.einsum("sii,i->s", part[:, :d, :d], np.array(self.rho))) for part in self._parts(size, d, rng)]
        )

    def _parts(self, size: int, d: int, rng: np.random.Generator) -> list[Any]:
        step = max(1, _BATCH // matrix_size(d, self.beta) ** 2)
        levels = self._mixed_levels
        return [
            compress(levels, self.multiplicities, d, self.beta, min(step, size - start), rng).first
            for start in range(0, size, step)
        ]

    def _draw(self, size: int, rng: np.random.Generator) -> Array:
        if self.is_pure or self._moments[0] == 0 or size == 0:
            return super()._draw(size, rng)
        standard = self._draw_standard(size, rng)
        return self.mean() + np.ldexp(standard, self._mixed_levels.exponent)

    def compressions(self, size: int, d: int, rng: Any = None) -> np.ndarray:
        """Draw compressions B of O to d Haar directions.

        Args:
            size: number of matrices.
            d: directions, 1 ≤ d ≤ D.
            rng: None, a seed or a Generator.
        Returns:
            Hermitian matrices, shape (size, d, d): real for β = 1, complex for β = 2; for
            β = 4 the complex form [[X, Y], [−Ȳ, X̄]] of X + Yj, shape (size, 2d, 2d).
        """
        if check_size(d, "d") == 0 or d > self.dim:
            raise InputError(f"d must lie between 1 and the dimension {self.dim}; got {d}.")
        n, generator = matrix_size(d, self.beta), np.random.default_rng(rng)
        if check_size(size) == 0:
            return np.zeros((0, n, n))
        parts = np.concatenate(self._parts(size, d, generator))
        scale = np.ldexp(1.0, self._mixed_levels.exponent)
        return parts * scale + np.eye(n) * float(self._observable.mean)
