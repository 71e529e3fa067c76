"""Joint samples of a loss and its gradients for an input of any rank in the sector.

With V a Haar frame that carries ρ, the gradient is 2 Re Tr[ρ V†O A V], A = −iG. It splits
into the part inside the frame, B·K with B = V†OV and K = V†AV, and the part outside,
where only Gram matrices and a block of a Haar unitary of the complement matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from pennylane_wishart.conventions import ensembles as limits
from pennylane_wishart.ensembles.generator import GeneratorNorm
from pennylane_wishart.ensembles.inversion import StandardLevels
from pennylane_wishart.ensembles.scaled import Array, scaled_float, sqrt_float
from pennylane_wishart.ensembles.spectrum import Spectrum
from pennylane_wishart.ensembles.wishart import (
    Matrix,
    adjoint,
    compress,
    gaussian_block,
    haar_matrix,
    inverse_root,
    matrix_size,
    wishart_deviate,
)

__all__ = ["MixedGradients", "Observed"]


def _root(gram: Matrix) -> Matrix:
    """Hermitian square root; rounding below zero is cut off."""
    values, vectors = np.linalg.eigh(gram)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]) @ adjoint(vectors))


@dataclass(frozen=True, eq=False)
class Observed:
    """Hold the observable seen from a Haar frame: inside it, and its reach outside."""

    first: Matrix
    """Compression, in units of 2**exponent of the observable, (size, n, n)."""
    root: Matrix | None
    """Square root of what O maps out of the frame; None where the frame is the whole space."""


@dataclass(frozen=True)
class MixedGradients:
    """Hold what is needed to draw (ℓ, ∂_1ℓ, …) for a mixed input.

    Attributes:
        observable: spectrum of O over F.
        generator: levels of G.
        rho: positive eigenvalues of the input.
        beta: 1, 2 or 4.
    """

    observable: Spectrum
    generator: GeneratorNorm
    rho: tuple[float, ...]
    beta: int

    @cached_property
    def frame(self) -> int:
        """Directions held: the rank of ρ, or all D when the complement is smaller."""
        rank = len(self.rho)
        return rank if 2 * rank <= self.observable.dim else self.observable.dim

    @cached_property
    def levels(self) -> StandardLevels:
        """The observable in standard units."""
        return StandardLevels.of(self.observable)

    @cached_property
    def exponent(self) -> int:
        """Gradients come in units of 2**exponent."""
        return self.levels.exponent + self.generator.exponent

    def _input(self) -> Matrix:
        p = np.zeros(self.frame)
        p[: len(self.rho)] = self.rho
        # a quaternionic trace is half the complex one
        return np.diag(np.concatenate([p, p]) / 2 if self.beta == 4 else p)

    def draw_observable(self, size: int, rng: np.random.Generator) -> tuple[Array, Observed]:
        """Draw standardised losses and what every gradient of the same circuits shares."""
        d = self.frame
        o = compress(self.levels, self.observable.counts, d, self.beta, size, rng)
        losses = np.real(np.einsum("sij,ji->s", o.first, self._input()))
        if d == self.observable.dim:
            return losses, Observed(o.first, None)
        return losses, Observed(o.first, _root(o.square - o.first @ o.first * self.levels.inverse_total))

    def draw_gradient(self, seen: Observed, rng: np.random.Generator) -> tuple[Array, Matrix]:
        """Draw both parts of a fresh gradient of ``generator``, in units of 2**exponent.

        The outside part may be multiplied by any sign (β = 2: any phase) without changing
        the law, because the corner of a Haar unitary may.
        """
        size, p = len(seen.first), self._input()
        inner, gram = self._generator(size, rng)
        inside = 2 * np.real(np.einsum("ij,sjk,ski->s", p, seen.first, inner))
        if seen.root is None:
            return inside, np.zeros(size, dtype=complex)
        rest = _root(gram - adjoint(inner) @ inner)
        block = self._complement_block(size, rng)
        return inside, 2 * np.einsum("ij,sjk,ski->s", p, seen.root @ block, rest)

    def _generator(self, size: int, rng: np.random.Generator) -> tuple[Matrix, Matrix]:
        """V†AV and V†A†AV in units of 2^e and 4^e of the generator."""
        spectrum, d, e = self.generator.spectrum, self.frame, self.generator.exponent
        if d == spectrum.dim:
            frame = haar_matrix(d, self.beta, size, rng)
            inner = adjoint(frame) @ self._canonical_gate() @ frame
            return inner, adjoint(inner) @ inner
        n, a = matrix_size(d, self.beta), spectrum.total_shape
        eye, dtype = np.eye(n), float if self.beta == 1 else complex
        total = np.broadcast_to(eye, (size, n, n)).astype(dtype)
        inner = np.zeros((size, n, n), dtype=dtype)
        gram = np.zeros((size, n, n), dtype=dtype)
        levels = spectrum.centred() if self.beta == 2 else [Fraction(g) for g in spectrum.values]
        for g, count in zip(levels, spectrum.counts, strict=True):
            shape = spectrum.shape_unit * count
            even, odd = self._level(count, shape, g == 0, size, rng)
            total += sqrt_float(shape / a**2) * even
            sign = -1.0 if g < 0 else 1.0
            inner += sign * sqrt_float(g * g * shape / a**2 / Fraction(4) ** e) * odd
            gram += scaled_float(g * g * shape / a, 2 * e) * eye
            gram += sqrt_float(g**4 * shape / a**2 / Fraction(16) ** e) * even
        change = inverse_root(total, self.beta)
        return change @ inner @ adjoint(change), change @ gram @ adjoint(change)

    def _canonical_gate(self) -> Matrix:
        """−iG/2^e as a matrix: diagonal, or 2×2 turns for β = 1."""
        spectrum = self.generator.spectrum
        g = np.repeat(np.ldexp(spectrum.values, -self.generator.exponent), spectrum.counts)
        if self.beta == 1:
            # levels ascend, so an unpaired zero, if any, comes first
            start = len(g) % 2
            turn = np.zeros((len(g), len(g)))
            for i in range(start, len(g), 2):
                turn[i, i + 1], turn[i + 1, i] = g[i], -g[i]
            return turn
        return np.diag(-1j * (np.concatenate([g, -g]) if self.beta == 4 else g))

    def _level(
        self, count: int, shape: Fraction, is_zero: bool, size: int, rng: np.random.Generator
    ) -> tuple[Matrix, Matrix]:
        """Deviates of the Gram matrix W of a level and of V†(A/g)V there.

        Where the levels come in pairs ±g the two together carry a complex structure: the
        frame's components are d (β = 1) or 2d (β = 4) complex vectors, of Gram matrix C.
        """
        d, size_f = self.frame, scaled_float(shape)
        dof = min(count, limits.LARGEST_DOF)
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

    def _complement_block(self, size: int, rng: np.random.Generator) -> Matrix:
        """√a times the corner of a Haar unitary of the complement, over F."""
        d, a = self.frame, self.observable.total_shape
        rest = self.observable.dim - 2 * d
        corner = gaussian_block((size, d, d), self.beta, rng)
        eye = np.eye(corner.shape[1])
        shape = self.observable.shape_unit * rest
        total = adjoint(corner) @ corner * scaled_float(1 / a)
        if rest:
            w = wishart_deviate(min(rest, limits.LARGEST_DOF), scaled_float(shape), d, self.beta, size, rng)
            total = total + scaled_float(shape / a) * eye + sqrt_float(shape / a**2) * w
        return corner @ adjoint(inverse_root(total, self.beta))
