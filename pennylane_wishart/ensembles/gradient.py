"""The exact law of a gradient in one Jordan sector, jointly with the loss, and of its norm."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import InputError
from .compression import input_eigenvalues, input_spectrum
from .generator import GeneratorNorm, state_spread
from .inversion import StandardLevels
from .law import Array, Tails, check_size
from .mixed import MixedGradients
from .sampled import SampleTable
from .spectrum import Spectrum, check_beta, log2_fraction
from .sphere import SphereMixture, coordinate_deviates
from .squares import SquaredNorm
from .wishart import matrix_size

__all__ = ["GradientNorm", "HaarGradient"]

_BATCH = 1 << 20
_MIXED_TABLE = 1 << 16


@dataclass(frozen=True)
class HaarGradient(SphereMixture):
    """Describe a gradient component with deep layers on both sides, exactly.

    ∂ℓ = 2‖φ‖ Re B_12: given the states it is 2·w·‖φ‖·σ·u_1 with u uniform on S^{n−1},
    n = β(D − 1), σ² = ⟨O²⟩ − ⟨O⟩² and ‖φ‖² = Var_ψ(G) independent of it. Exact:
    Var = 4E‖φ‖²·Tr O₀²/((D−1)(βD+2))·Tr ρ₀²·D/(D−1), excess kurtosis (pure input)
    3n/(n+2)·E[σ⁴]/E[σ²]²·E‖φ‖⁴/E[‖φ‖²]² − 3. For a mixed input the variance is exact, the
    kurtosis, cdf and pdf come from a stored seeded sample. NOT valid for parameters near
    the ends of a shallow circuit.

    Args:
        values, multiplicities, beta: spectrum of O over F as in HaarCompression.
        generator_values, generator_multiplicities: spectrum of G in the sector, over F
            (β = 4: the complex multiplicities, summing to 2D, are accepted too).
        rho: eigenvalues of the input's block over F; their sum is the weight.
    Raises:
        InputError: on a malformed spectrum, D = 1, or a generator that does nothing.
    Cost: moments in exact rational arithmetic; cdf 256 incomplete Beta functions per point.
    Source: ours; finite-size form of the gradient law of arXiv:2408.11901, whose
        variance-gamma law it becomes for r ≪ N.
    Example:
        >>> law = HaarGradient([-1, 1], [8, 8], 2, [-0.5, 0.5], [8, 8])   # a Pauli rotation
        >>> law.var() == 16**3 / (32 * 17 * 255)
        True
    """

    values: tuple[float, ...]
    multiplicities: tuple[int, ...]
    beta: int
    generator_values: tuple[float, ...]
    generator_multiplicities: tuple[int, ...]
    rho: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        object.__setattr__(self, "beta", check_beta(self.beta))
        spectrum = self._observable
        if spectrum.dim == 1:
            raise InputError("multiplicities sum to 1: the gradient is zero. Use Constant(0).")
        generator = self._generator.spectrum
        for name, value in (
            ("values", spectrum.values),
            ("multiplicities", spectrum.counts),
            ("generator_values", generator.values),
            ("generator_multiplicities", generator.counts),
            ("rho", input_eigenvalues(self.rho, spectrum.dim)),
        ):
            object.__setattr__(self, name, value)
        if self._variance == 0:
            raise InputError(
                "values, generator_values or rho have one level only: the gradient vanishes "
                "identically. Use Constant(0)."
            )

    @cached_property
    def _observable(self) -> Spectrum:
        return Spectrum.build(self.values, self.multiplicities, Fraction(self.beta, 2))

    @cached_property
    def _generator(self) -> GeneratorNorm:
        return GeneratorNorm.build(self.generator_values, self.generator_multiplicities, self.dim, self.beta)

    # --- exact moments --------------------------------------------------------------
    @property
    def dim(self) -> int:
        """Dimension D of the sector over F."""
        return self._observable.dim

    @property
    def is_pure(self) -> bool:
        """Whether the input is one direction over F."""
        return len(self.rho) == 1

    @property
    def _sphere_dim(self) -> int:
        return self.beta * (self.dim - 1)

    @cached_property
    def _scale_moments(self) -> tuple[Fraction, Fraction]:  # type: ignore[override]
        """E[T²], E[T⁴]; for a mixed input T² stands for n times the conditional variance."""
        weight = self._input_strength
        norm, norm2 = self._generator.moments
        spread, spread2 = self._observable.spread_moments
        return 4 * weight * norm * spread, 16 * weight**2 * norm2 * spread2

    @cached_property
    def _input_strength(self) -> Fraction:
        """Tr ρ₀²·D/(D−1): the squared weight of a pure input, smaller for a mixed one."""
        given = input_spectrum(self.rho, self.dim, self.beta)
        return given.centred_sums[2] * Fraction(self.dim, self.dim - 1)

    def kurtosis(self) -> float:
        """Return the excess kurtosis: exact (pure) or from the stored sample (mixed)."""
        if self.is_pure:
            return super().kurtosis()
        points = self._table.points
        return float(np.mean(points**4) / np.mean(points**2) ** 2) - 3

    def support(self) -> tuple[float, float]:
        """Return ±weight·(gap of O)·(gap of G)/2, which bounds 2‖φ‖σ (β ≠ 2: largest |g|)."""
        levels, top = self.generator_values, self.generator_values[-1]
        norm = (levels[-1] - levels[0]) / 2 if self.beta == 2 else top
        edge = math.fsum(self.rho) * norm * (self.values[-1] - self.values[0])
        return -edge, edge

    @property
    def engine(self) -> str:
        """How the numbers are obtained."""
        return "exact Haar compression" + ("" if self.is_pure else " (mixed input)")

    @property
    def validity(self) -> str:
        """When the law is not valid."""
        return "Not valid without deep layers on both sides of the gate."

    # --- distribution ---------------------------------------------------------------
    @cached_property
    def _mixed(self) -> MixedGradients:
        return MixedGradients(self._observable, self._generator, self.rho, self.beta)

    @cached_property
    def _table(self) -> SampleTable:
        """Stored sample, spread by the exact symmetries of each draw."""
        size = int(np.clip((1 << 21) // len(self.rho) ** 2, 1 << 13, _MIXED_TABLE))
        rng = np.random.default_rng(0)
        _, inside, outside = self._mixed.draw_parts(size, 1, rng)
        turns = np.exp(2j * np.pi * np.arange(8) / 8) if self.beta == 2 else np.array([1.0, -1.0])
        spread = (inside + np.real(outside * turns)).ravel()
        return SampleTable.build(np.concatenate([spread, -spread]), size)

    def _log_tails(self, x: Array) -> Tails:
        if self.is_pure:
            return super()._log_tails(x)
        return self._table.log_tails(np.ldexp(x, -self._mixed.exponent))

    def _log_density(self, x: Array) -> Array:
        if self.is_pure:
            return super()._log_density(x)
        log = self._table.log_density(np.ldexp(x, -self._mixed.exponent))
        return log - self._mixed.exponent * math.log(2)

    def cdf_error(self, x: Any) -> Any:
        """Return the standard error of ``cdf`` from the stored sample."""
        if self.is_pure:
            return super().cdf_error(x)
        return self._apply(lambda flat: self._table.cdf_error(np.ldexp(flat, -self._mixed.exponent)), x)

    # --- sampling -------------------------------------------------------------------
    @cached_property
    def _levels(self) -> StandardLevels:
        return StandardLevels.of(self._observable)

    @cached_property
    def _spread_unit(self) -> float:
        """Factor from √(‖φ‖²σ²) in their own units to T/(√n·2^e)."""
        shift = self._levels.exponent + self._generator.exponent - self._exponent
        ratio = Fraction(self.dim, 2 * (self.dim - 1))
        return math.ldexp(2 * self.rho[0] * math.sqrt(ratio), shift)

    def _norms(self, size: int, rng: np.random.Generator) -> Array:
        return self._spread_unit * np.sqrt(self._generator.sample(size, rng))

    def _draw_scales(self, size: int, rng: np.random.Generator) -> Array:
        _, square = state_spread(self._levels, size, rng)
        return self._norms(size, rng) * np.sqrt(square)

    def _draw_mixed(self, size: int, n_gradients: int, rng: np.random.Generator) -> tuple[Array, Array]:
        step = max(1, _BATCH // matrix_size(self._mixed.frame, self.beta) ** 2)
        parts = [self._mixed.draw(min(step, size - start), n_gradients, rng) for start in range(0, size, step)]
        if not parts:
            return np.zeros(0), np.zeros((0, n_gradients))
        return np.concatenate([x for x, _ in parts]), np.concatenate([g for _, g in parts])

    def _draw(self, size: int, rng: np.random.Generator) -> Array:
        if self.is_pure:
            return super()._draw(size, rng)
        return np.ldexp(self._draw_mixed(size, 1, rng)[1][:, 0], self._mixed.exponent)

    def joint_sample(self, size: int, rng: Any = None, n_gradients: int = 1) -> tuple[Array, Array]:
        """Draw the loss and several gradient components of the same random circuits.

        The components share the loss's state and observable; their directions, one per
        gate, are independent (gates separated by deep layers).

        Args:
            size: number of circuits.
            rng: None, a seed or a Generator.
            n_gradients: components per circuit.
        Returns:
            losses ``(size,)`` and gradients ``(size, n_gradients)``.
        Cost: O(size·(levels + n_gradients)).
        """
        check_size(size)
        check_size(n_gradients, "n_gradients")
        generator = np.random.default_rng(rng)
        mean = float(self._observable.mean) * math.fsum(self.rho)
        if self.is_pure:
            y, square = state_spread(self._levels, size, generator)
            norms = self._norms(size * n_gradients, generator).reshape(size, n_gradients)
            turn = coordinate_deviates(self._n, (size, n_gradients), generator)
            gradients = np.ldexp(norms * np.sqrt(square)[:, None] * turn, self._exponent)
            return mean + self.rho[0] * np.ldexp(y, self._levels.exponent), gradients
        losses, gradients = self._draw_mixed(size, n_gradients, generator)
        return (
            mean + np.ldexp(losses, self._levels.exponent),
            np.ldexp(gradients, self._mixed.exponent),
        )

    def norm_law(self, n_gradients: int) -> GradientNorm:
        """Return the law of ‖∇ℓ‖² over ``n_gradients`` such components."""
        return GradientNorm(self, n_gradients)


@dataclass(frozen=True)
class GradientNorm(SquaredNorm):
    """Describe ‖∇ℓ‖², the sum of squares of components that share one state.

    Given σ, ‖∇ℓ‖² = 4w²σ²Σ_k ‖φ_k‖²u_k² with independent u_k. Mean (and for a pure input
    the variance) exact; the rest from a stored seeded sample. NOT valid for gates that are
    not separated by deep layers.

    Args:
        gradient: law of one component.
        n_gradients: number of components, ≥ 1.
    Source: ours.
    Example:
        >>> one = HaarGradient([-1, 1], [8, 8], 2, [-0.5, 0.5], [8, 8])
        >>> bool(np.isclose(one.norm_law(5).mean(), 5 * one.var()))
        True
    """

    gradient: HaarGradient
    n_gradients: int

    def __post_init__(self) -> None:
        if check_size(self.n_gradients, "n_gradients") == 0:
            raise InputError("n_gradients must be at least 1; got 0.")

    @cached_property
    def _table(self) -> SampleTable:
        size = int(np.clip((1 << 22) // self.n_gradients, 1 << 12, 1 << 16))
        return SampleTable.build(self._standard(size, np.random.default_rng(0)))

    def _standard(self, size: int, rng: np.random.Generator) -> Array:
        """Samples in units of 4**exponent."""
        exponent = self.gradient._exponent
        out, step = np.empty(size), max(1, _BATCH // self.n_gradients)
        for start in range(0, size, step):
            stop = min(size, start + step)
            parts = self.gradient.joint_sample(stop - start, rng, self.n_gradients)[1]
            out[start:stop] = np.sum(np.ldexp(parts, -exponent) ** 2, axis=1)
        return out

    @property
    def _unit(self) -> int:
        return 2 * self.gradient._exponent

    def mean(self) -> float:
        """Return n_gradients times the variance of one component, exact."""
        return self.n_gradients * self.gradient.var()

    def _log2_variance(self) -> float:
        gradient, p = self.gradient, self.n_gradients
        if not gradient.is_pure:
            return math.log2(float(np.var(self._table.points))) + 2 * self._unit
        n, strength = gradient._sphere_dim, gradient._input_strength
        norm, norm2 = gradient._generator.moments
        spread2 = gradient._observable.spread_moments[1]
        square = 3 * p * norm2 / Fraction(n * (n + 2)) + p * (p - 1) * (norm / n) ** 2
        return log2_fraction(16 * strength**2 * spread2 * square - (p * gradient._variance) ** 2)

    def var(self) -> float:
        """Return the variance: exact (pure) or from the stored sample (mixed)."""
        return 2.0 ** self._log2_variance()

    @property
    def log2_var(self) -> float:
        """Base-2 logarithm of the variance."""
        return self._log2_variance()

    def support(self) -> tuple[float, float]:
        """Return 0 and n_gradients times the largest squared component."""
        return 0.0, self.n_gradients * self.gradient.support()[1] ** 2

    @property
    def engine(self) -> str:
        """How the numbers are obtained."""
        return "exact Haar compression (sampled)"
