"""The exact law of a gradient in one Jordan sector, jointly with the loss."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from pennylane_wishart.conventions import ensembles as limits
from pennylane_wishart.ensembles.arguments import check_size, freeze
from pennylane_wishart.ensembles.component import State
from pennylane_wishart.ensembles.compression import HaarCompression, input_spectrum
from pennylane_wishart.ensembles.distribution import Curve, Seed
from pennylane_wishart.ensembles.generator import GeneratorNorm
from pennylane_wishart.ensembles.inversion import StandardLevels, state_spread
from pennylane_wishart.ensembles.joint import GradientSquare, JointLaw, JointPart
from pennylane_wishart.ensembles.law import Law
from pennylane_wishart.ensembles.mixed import MixedGradients, Observed
from pennylane_wishart.ensembles.sampled import SampleTable
from pennylane_wishart.ensembles.scaled import Array
from pennylane_wishart.ensembles.sphere import SphereMixture, coordinate_deviates
from pennylane_wishart.ensembles.wishart import matrix_size
from pennylane_wishart.errors import InputError

__all__ = ["HaarGradient"]


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
    validity = "Not valid without deep layers on both sides of the gate."

    def __post_init__(self) -> None:
        loss = HaarCompression(self.values, self.multiplicities, self.beta, self.rho)
        if loss.dim == 1:
            raise InputError("multiplicities sum to 1: the gradient is zero.", advice="Use Constant(0).")
        freeze(self, values=loss.values, multiplicities=loss.multiplicities, beta=loss.beta, rho=loss.rho)
        generator = self._generator.spectrum
        freeze(self, generator_values=generator.values, generator_multiplicities=generator.counts)
        if self._second_moment == 0:
            raise InputError(
                "values, generator_values or rho have one level only: the gradient vanishes identically.",
                advice="Use Constant(0).",
            )

    @cached_property
    def _loss(self) -> HaarCompression:
        """The law of the loss, which knows the observable and the input."""
        return HaarCompression(self.values, self.multiplicities, self.beta, self.rho)

    @cached_property
    def _generator(self) -> GeneratorNorm:
        return GeneratorNorm.build(self.generator_values, self.generator_multiplicities, self.dim, self.beta)

    # --- exact moments --------------------------------------------------------------
    @property
    def dim(self) -> int:
        """Dimension D of the sector over F."""
        return self._loss.dim

    @property
    def is_pure(self) -> bool:
        """Whether the input is one direction over F."""
        return self._loss.is_pure

    @property
    def engine(self) -> str:
        return self._loss.engine

    @property
    def _sphere_dim(self) -> int:
        return self.beta * (self.dim - 1)

    @cached_property
    def _scale_moments(self) -> tuple[Fraction, Fraction]:
        """E[T²], E[T⁴]; for a mixed input T² stands for n times the conditional variance."""
        weight = self._input_strength
        norm, norm2 = self._generator.moments
        spread, spread2 = self._loss._observable.spread_moments
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
        points = self._table.points  # symmetric by construction
        return float(np.mean(points**4) / np.mean(points**2) ** 2) - 3

    def support(self) -> tuple[float, float]:
        """Return ±weight·(gap of O)·(gap of G)/2, which bounds 2‖φ‖σ (β ≠ 2: largest |g|)."""
        levels, top = self.generator_values, self.generator_values[-1]
        norm = (levels[-1] - levels[0]) / 2 if self.beta == 2 else top
        edge = self._loss.weight * norm * (self.values[-1] - self.values[0])
        return -edge, edge

    # --- a mixed input: a stored sample in place of the average over scales -----------
    @cached_property
    def _mixed(self) -> MixedGradients:
        return MixedGradients(self._loss._observable, self._generator, self.rho, self.beta)

    @cached_property
    def _exponent(self) -> int:
        return super()._exponent if self.is_pure else self._mixed.exponent

    @property
    def _curve(self) -> Curve:
        return self if self.is_pure else self._table

    @cached_property
    def _table(self) -> SampleTable:
        """Stored sample, spread by the exact symmetries of each draw."""
        size = int(np.clip(limits.GRADIENT_WORK // len(self.rho) ** 2, *limits.GRADIENT_TABLE))
        rng = np.random.default_rng(0)
        _, seen = self._mixed.draw_observable(size, rng)
        inside, outside = self._mixed.draw_gradient(seen, rng)
        count = limits.GRADIENT_TURNS
        turns = np.exp(2j * np.pi * np.arange(count) / count) if self.beta == 2 else np.array([1.0, -1.0])
        # a turn of the outside part, and a change of sign of all, are as likely as what was drawn
        spread = (inside[:, None] + np.real(outside[:, None] * turns)).ravel()
        return SampleTable.build(np.concatenate([spread, -spread]), size)

    # --- sampling -------------------------------------------------------------------
    @property
    def _levels(self) -> StandardLevels:
        return self._loss._observable_levels

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

    def _draw(self, size: int, rng: np.random.Generator) -> Array:
        if self.is_pure:
            return super()._draw(size, rng)
        # the loss comes for nothing: a mixed input's gradient needs the same matrices
        return self._alike(1)._scaled_sample(size, rng, self._exponent)[1][:, 0]

    # --- with the loss --------------------------------------------------------------
    def _check_loss(self, loss: Law) -> None:
        """Any law of the same observable and input: the loss is drawn anew from the state."""

    def _draw_state(self, loss: Law, size: int, rng: np.random.Generator) -> tuple[Array, State]:
        mean = float(self._loss._observable.mean) * self._loss.weight
        state: State
        if self.is_pure:
            y, state = state_spread(self._levels, size, rng)
            y = self.rho[0] * np.ldexp(y, self._levels.exponent)
        else:
            y, state = self._mixed.draw_observable(size, rng)
            y = np.ldexp(y, self._levels.exponent)
        return mean + y, state

    def _draw_given(self, state: State, count: int, rng: np.random.Generator) -> Array:
        if isinstance(state, Observed):
            drawn = [self._mixed.draw_gradient(state, rng) for _ in range(count)]
            return np.column_stack([inside + np.real(outside) for inside, outside in drawn])
        shape = (len(state), count)
        norms = self._norms(len(state) * count, rng).reshape(shape)
        return norms * np.sqrt(state)[:, None] * coordinate_deviates(self._n, shape, rng)

    def _spread_ratio(self, loss: Law) -> float | None:
        second, fourth = self._loss._observable.spread_moments
        return float(fourth / second**2) if self.is_pure else None

    @property
    def _numbers(self) -> int:
        return 1 if self.is_pure else matrix_size(self._mixed.frame, self.beta) ** 2

    def _alike(self, n_gradients: int) -> JointLaw:
        """The joint law of the loss and components of this law."""
        return JointLaw((JointPart(self._loss, (self,) * n_gradients),))

    def joint_sample(self, size: int, rng: Seed = None, n_gradients: int = 1) -> tuple[Array, Array]:
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
        return self._alike(check_size(n_gradients, "n_gradients")).sample(size, rng)

    def norm_law(self, n_gradients: int) -> GradientSquare:
        """Return the law of ‖∇ℓ‖² over ``n_gradients`` such components."""
        if check_size(n_gradients, "n_gradients") == 0:
            raise InputError("n_gradients must be at least 1; got 0.")
        return self._alike(n_gradients).norm_law()
