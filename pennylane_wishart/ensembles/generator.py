"""The squared norm ‖φ‖² = Var_ψ(G) of a gate's direction, for a Haar state of the sector."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from pennylane_wishart.conventions import ensembles as limits
from pennylane_wishart.ensembles.inversion import StandardLevels, state_spread
from pennylane_wishart.ensembles.scaled import Array, scaled_float, sqrt_float, std_exponent
from pennylane_wishart.ensembles.spectrum import Spectrum
from pennylane_wishart.ensembles.wishart import Matrix, adjoint, haar_matrix, inverse_root, matrix_size, wishart_deviate
from pennylane_wishart.errors import InputError

__all__ = ["GeneratorNorm"]


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
        if self.is_constant:  # every real state is moved alike
            return np.full(size, scaled_float(self.moments[0], 2 * self.exponent))
        if self.beta == 2:
            levels = StandardLevels.of(self.spectrum)
            unit = scaled_float(self.spectrum.total_shape, 2 * (self.exponent - levels.exponent))
            return state_spread(levels, size, rng)[1] * unit
        step = max(1, limits.DRAWN_AT_ONCE // matrix_size(1, self.beta) ** 2)
        return np.concatenate([np.zeros(0), *(self._one(min(step, size - s), rng) for s in range(0, size, step))])

    def _one(self, size: int, rng: np.random.Generator) -> Array:
        """β = 1 and 4: ⟨G²⟩ − |⟨A⟩|² in one direction."""
        inner, gram = self.frame(1, size, rng)
        # rounding of two nearly equal terms may leave a square below 0
        return np.asarray(np.maximum(np.real((gram - adjoint(inner) @ inner)[:, 0, 0]), 0.0))

    def frame(self, d: int, size: int, rng: np.random.Generator) -> tuple[Matrix, Matrix]:
        """Draw V†AV and V†A†AV, A = −iG, for d Haar directions V, in units of 2^e and 4^e."""
        spectrum, e = self.spectrum, self.exponent
        if d == spectrum.dim:  # V is square: conjugate the gate itself
            frame = haar_matrix(d, self.beta, size, rng)
            inner = adjoint(frame) @ self._canonical_gate() @ frame
            return inner, adjoint(inner) @ inner
        n, a = matrix_size(d, self.beta), spectrum.total_shape
        eye, dtype = np.eye(n), float if self.beta == 1 else complex
        total = np.broadcast_to(eye, (size, n, n)).astype(dtype)
        inner = np.zeros((size, n, n), dtype=dtype)
        gram = np.zeros((size, n, n), dtype=dtype)
        # a multiple of the identity in G is a phase, but over R and H there is none to take off
        levels = spectrum.centred() if self.beta == 2 else [Fraction(g) for g in spectrum.values]
        for g, count in zip(levels, spectrum.counts, strict=True):
            shape = spectrum.shape_unit * count
            even, odd = self._level(d, shape, g == 0, size, rng)
            total += sqrt_float(shape / a**2) * even
            sign = -1.0 if g < 0 else 1.0
            inner += sign * sqrt_float(g * g * shape / a**2 / Fraction(4) ** e) * odd
            gram += scaled_float(g * g * shape / a, 2 * e) * eye
            gram += sqrt_float(g**4 * shape / a**2 / Fraction(16) ** e) * even
        if d == 1:  # the Gram matrix is a positive number times the identity
            weight = total[:, :1, :1].real
            return inner / weight, gram / weight
        change = inverse_root(total, self.beta)
        return change @ inner @ adjoint(change), change @ gram @ adjoint(change)

    def _canonical_gate(self) -> Matrix:
        """−iG/2^e as a matrix: diagonal, or 2×2 turns for β = 1."""
        spectrum = self.spectrum
        g = np.repeat(np.ldexp(spectrum.values, -self.exponent), spectrum.counts)
        if self.beta == 1:
            # levels ascend, so an unpaired zero, if any, comes first
            start = len(g) % 2
            turn = np.zeros((len(g), len(g)))
            for i in range(start, len(g), 2):
                turn[i, i + 1], turn[i + 1, i] = g[i], -g[i]
            return turn
        return np.diag(-1j * (np.concatenate([g, -g]) if self.beta == 4 else g))

    def _level(
        self, d: int, shape: Fraction, is_zero: bool, size: int, rng: np.random.Generator
    ) -> tuple[Matrix, Matrix]:
        """Deviates of the Gram matrix W of a level and of V†(A/g)V there.

        Where the levels come in pairs ±g the two together carry a complex structure: the
        frame's components are d (β = 1) or 2d (β = 4) complex vectors, of Gram matrix C.
        """
        size_f = scaled_float(shape)
        dof = min(int(shape / self.spectrum.shape_unit), limits.LARGEST_DOF)
        if self.beta == 2 or is_zero:
            w = wishart_deviate(dof, size_f, d, self.beta, size, rng)
            return w, -1j * w if self.beta == 2 else np.zeros_like(w)
        if self.beta == 1:
            c = wishart_deviate(dof // 2, size_f, d, 2, size, rng)
            return c.real, -c.imag
        c = wishart_deviate(dof, size_f / 2, 2 * d, 2, size, rng)
        turn = np.kron(np.array([[0.0, 1.0], [-1.0, 0.0]]), np.eye(d))
        other = turn.T @ np.conj(c) @ turn
        return (c + other) / np.sqrt(2), 1j * (c - other) / np.sqrt(2)
