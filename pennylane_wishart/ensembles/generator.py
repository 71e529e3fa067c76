"""The squared norm ‖φ‖² = Var_ψ(G) of a gate's direction, for a Haar state of the sector."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from pennylane_wishart.conventions import ensembles as limits
from pennylane_wishart.ensembles.inversion import StandardLevels, gamma_deviates
from pennylane_wishart.ensembles.scaled import Array, scaled_float, sqrt_float, std_exponent
from pennylane_wishart.ensembles.spectrum import Spectrum
from pennylane_wishart.ensembles.wishart import wishart_deviate
from pennylane_wishart.errors import InputError

__all__ = ["GeneratorNorm", "state_spread"]


def state_spread(levels: StandardLevels, size: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw (⟨O⟩ − mean)/2^e and Var(O)/(a·4^e) in the same Haar states, each (size,)."""
    top, total = np.zeros(size), np.ones(size)
    square = np.full(size, float(np.sum(levels.root**2)))
    for j, shape in enumerate(levels.shape):
        deviate = gamma_deviates(shape, size, rng)
        top += levels.root[j] * deviate
        total += levels.share[j] * deviate
        square += levels.root[j] ** 2 * levels.inverse_root_shape[j] * deviate
    y = top / total
    # rounding of two nearly equal terms may leave a variance below 0
    return y, np.maximum(square / total - y * y * levels.inverse_total, 0.0)


@dataclass(frozen=True)
class GeneratorNorm:
    """Hold a generator's levels and give ‖φ‖² exactly: two moments and samples.

    β = 2: Var_ψ(G). β = 1 (G imaginary antisymmetric): ⟨G²⟩, as ⟨G⟩ = 0. β = 4: ⟨G²⟩ minus
    the squared length of the quaternion q†Gq, a vector of three components.

    Attributes:
        spectrum: levels over F; for β = 1 and 4 of |G|, since ±g come in pairs.
        beta: 1, 2 or 4.
    """

    spectrum: Spectrum
    beta: int

    @classmethod
    def build(cls, values: ArrayLike, multiplicities: Iterable[float], dim: int, beta: int) -> GeneratorNorm:
        """Check a generator's spectrum against the sector.

        Args:
            values: distinct eigenvalues (signs are ignored for β = 1 and 4).
            multiplicities: over F, summing to D; for β = 4 the complex ones (2D) do too.
            dim: D.
        """
        numbers = np.asarray(values, dtype=np.float64)
        if beta != 2:
            numbers = np.abs(numbers)
        names = ("generator_values", "generator_multiplicities")
        spectrum = Spectrum.build(numbers, multiplicities, Fraction(beta, 2), names)
        if beta == 4 and spectrum.dim == 2 * dim:
            if any(k % 2 for k in spectrum.counts):
                raise InputError(
                    "generator_multiplicities must pair every eigenvalue with its negative "
                    f"for beta = 4; got {spectrum.counts} for |eigenvalues| {spectrum.values}."
                )
            halves = tuple(k // 2 for k in spectrum.counts)
            spectrum = Spectrum(spectrum.values, halves, spectrum.shape_unit)
        if spectrum.dim != dim:
            raise InputError(
                f"generator_multiplicities must sum to the dimension {dim} over F; they sum to {spectrum.dim}."
            )
        odd = [g for g, k in zip(spectrum.values, spectrum.counts, strict=True) if g and k % 2]
        if beta == 1 and odd:
            raise InputError(
                f"generator_multiplicities must pair g with −g for beta = 1; |eigenvalues| {odd} have odd multiplicity."
            )
        return cls(spectrum, beta)

    @cached_property
    def moments(self) -> tuple[Fraction, Fraction]:
        """E‖φ‖² and E‖φ‖⁴, exact."""
        if self.beta == 2:
            return self.spectrum.spread_moments
        a, g2, g4 = self.spectrum.total_shape, self.spectrum.raw_sum(2), self.spectrum.raw_sum(4)
        u = self.spectrum.shape_unit
        plain = (u * g4 + (u * g2) ** 2) / (a * (a + 1))
        if self.beta == 1:
            return u * g2 / a, plain
        # β = 4: ⟨G²⟩ minus the squared length of the vector of three
        # q†Gq = Σ g X n with n uniform on S²: E[X²] = 6, E[X⁴] = 120 before normalising
        second = 2 * g2 / a - 6 * g2 / (a * (a + 1))
        cross = 12 * (g2 * g2 + g4) / (a * (a + 1) * (a + 2))
        length = 60 * (g2 * g2 + g4) / (a * (a + 1) * (a + 2) * (a + 3))
        return second, plain - 2 * cross + length

    @cached_property
    def exponent(self) -> int:
        """Integer e with ‖φ‖² of the order of 4**e."""
        return std_exponent(self.moments[0])

    @cached_property
    def is_constant(self) -> bool:
        """Whether ‖φ‖² does not vary (β = 1 and one |g|)."""
        return self.moments[1] == self.moments[0] ** 2

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        """Draw ‖φ‖²/4**exponent, shape (size,)."""
        if self.is_constant:
            return np.full(size, scaled_float(self.moments[0], 2 * self.exponent))
        if self.beta == 2:
            levels = StandardLevels.of(self.spectrum)
            unit = scaled_float(self.spectrum.total_shape, 2 * (self.exponent - levels.exponent))
            return state_spread(levels, size, rng)[1] * unit
        step = max(1, limits.DRAWN_AT_ONCE // (4 if self.beta == 4 else 1))
        return np.concatenate(
            [self._sample_paired(min(step, size - s), rng) for s in range(0, size, step)] or [np.zeros(0)]
        )

    def _sample_paired(self, size: int, rng: np.random.Generator) -> Array:
        """β = 1 and 4, where the eigenvalues come in pairs ±g."""
        a, e = self.spectrum.total_shape, self.exponent
        total, square = np.ones(size), np.zeros(size)
        vector = np.zeros((3, size))
        for g, k in zip(self.spectrum.values, self.spectrum.counts, strict=True):
            shape, exact = self.spectrum.shape_unit * k, Fraction(g)
            share = sqrt_float(shape / a**2)
            if self.beta == 1:
                deviate = gamma_deviates(scaled_float(shape), size, rng)
            else:
                w = wishart_deviate(min(k, limits.LARGEST_DOF), scaled_float(Fraction(k)), 2, 2, size, rng)
                # the two components of each quaternion: trace = total weight, Bloch = q†iq
                deviate = np.real(w[:, 0, 0] + w[:, 1, 1]) / np.sqrt(2)
                bloch = np.array([np.real(w[:, 0, 0] - w[:, 1, 1]), 2 * w[:, 0, 1].real, 2 * w[:, 0, 1].imag])
                vector += scaled_float(exact, e) * share / np.sqrt(2) * bloch
            total += share * deviate
            square += scaled_float(exact**2 * shape / a, 2 * e)
            square += scaled_float(exact**2, 2 * e) * share * deviate
        out = square / total
        if self.beta == 4:
            out = out - np.sum((vector / total) ** 2, axis=0)
        return np.maximum(out, 0.0)
