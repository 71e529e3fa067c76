"""The exact law of a loss in one Jordan sector: any size, spectrum, β and input."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv

from pennylane_wishart.conventions import ensembles as limits
from pennylane_wishart.ensembles.arguments import check_beta, check_size, freeze
from pennylane_wishart.ensembles.dirichlet import DirichletLaw
from pennylane_wishart.ensembles.distribution import Curve, Seed
from pennylane_wishart.ensembles.haar_moments import trace_moments
from pennylane_wishart.ensembles.inversion import StandardLevels
from pennylane_wishart.ensembles.sampled import SampleTable
from pennylane_wishart.ensembles.scaled import Array, Unit
from pennylane_wishart.ensembles.spectrum import Spectrum
from pennylane_wishart.ensembles.wishart import Matrix, compress, matrix_size
from pennylane_wishart.errors import InputError

__all__ = ["HaarCompression", "input_eigenvalues", "input_spectrum"]


def input_eigenvalues(rho: ArrayLike, dim: int) -> tuple[float, ...]:
    """Check the eigenvalues of an input block; return the positive ones, largest first.

    Raises:
        InputError: if one is negative, they do not sum to a weight, or exceed ``dim``.
    """
    numbers = [float(p) for p in np.atleast_1d(np.asarray(rho, dtype=np.float64)).ravel()]
    if not all(math.isfinite(p) and p >= 0 for p in numbers):
        raise InputError(f"rho must be the non-negative eigenvalues of the input; got {rho!r}.")
    positive = tuple(sorted((p for p in numbers if p > 0), reverse=True))
    if not positive or math.fsum(positive) > 1 + limits.WEIGHT_SLACK:
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
        freeze(self, beta=check_beta(self.beta))
        spectrum = self._observable
        rho = input_eigenvalues(self.rho, spectrum.dim)
        freeze(self, values=spectrum.values, multiplicities=spectrum.counts, rho=rho)

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
    def _spectrum(self) -> Spectrum:
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

    @property
    def engine(self) -> str:
        return "exact Haar compression" + ("" if self.is_pure else " (mixed input)")

    validity = "Not valid before the deep limit, or for a group smaller than that of the sector."

    def mean(self) -> float:
        if self.is_pure:
            return super().mean()
        return float(self._observable.mean * sum(Fraction(p) for p in self.rho))

    def support(self) -> tuple[float, float]:
        """Return the extreme values of Σ p_i λ_i (largest p on the extreme levels)."""
        if self.is_pure:
            return super().support()
        # von Neumann: the trace of a product is extreme where both are diagonal in one basis
        return self._extreme(1), -self._extreme(-1)

    def _extreme(self, sign: int) -> float:
        """Smallest Σ p_i sign·o over orthogonal directions."""
        levels = sorted((sign * o, k) for o, k in zip(self.values, self.multiplicities, strict=True))
        weights, total, start = list(self.rho), 0.0, 0
        for value, count in levels:
            total += value * math.fsum(weights[start : start + count])
            start = min(len(weights), start + count)
        return total

    # --- a mixed input: a stored sample in place of the contour integral --------------
    @property
    def _is_sampled(self) -> bool:
        return not self.is_pure and not self._is_constant

    @property
    def _unit(self) -> Unit:
        if self._is_sampled:
            return Unit(self._observable_levels.exponent, origin=self.mean())
        return super()._unit

    @property
    def _curve(self) -> Curve:
        return self._table if self._is_sampled else self

    @cached_property
    def _table(self) -> SampleTable:
        # one direction more than the input has: the last one has weight 0
        d = min(len(self.rho) + 1, self.dim)
        size = int(np.clip(limits.COMPRESSION_WORK // (len(self.values) * d**2), *limits.COMPRESSION_TABLE))
        rng = np.random.default_rng(0)
        weights = np.array([*self.rho, 0.0])[:d]
        rows = [self._spread(part, weights, rng) for part in list(self._parts(size, d, rng))]
        return SampleTable.build(np.concatenate(rows), size)

    def _spread(self, part: Matrix, weights: Array, rng: np.random.Generator) -> Array:
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
        count = limits.COMPRESSION_STRATA
        strata = (np.arange(count) + rng.random((len(part), count))) / count
        cosine = 2 * betaincinv(self.beta / 2, self.beta / 2, strata) - 1
        return np.asarray(centre[:, None] + radius[:, None] * cosine).ravel()

    # --- sampling -------------------------------------------------------------------
    @cached_property
    def _observable_levels(self) -> StandardLevels:
        """The observable in standard units, without the input's weight."""
        return StandardLevels.of(self._observable)

    def _parts(self, size: int, d: int, rng: np.random.Generator) -> Iterator[Matrix]:
        step = max(1, limits.LEVELS_AT_ONCE // matrix_size(d, self.beta) ** 2)
        for start in range(0, size, step):
            many = min(step, size - start)
            yield compress(self._observable_levels, self.multiplicities, d, self.beta, many, rng).first

    def _draw(self, size: int, rng: np.random.Generator) -> Array:
        if self.is_pure:
            return super()._draw(size, rng)
        d, rho = len(self.rho), np.array(self.rho)
        rows = [np.real(np.einsum("sii,i->s", part[:, :d, :d], rho)) for part in self._parts(size, d, rng)]
        return np.concatenate([np.zeros(0), *rows])

    def _sample(self, size: int, rng: np.random.Generator) -> Array:
        return self._unit.restore(self._draw(size, rng)) if self._is_sampled else super()._sample(size, rng)

    def compressions(self, size: int, d: int, rng: Seed = None) -> Matrix:
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
        parts = np.concatenate(list(self._parts(size, d, generator)))
        scale = np.ldexp(1.0, self._observable_levels.exponent)
        return np.asarray(parts * scale + np.eye(n) * float(self._observable.mean))
