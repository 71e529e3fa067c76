"""Joint samples of a loss and its gradients for an input of any rank in the sector.

With V a Haar frame that carries ρ, the gradient is 2 Re Tr[ρ V†O A V], A = −iG. It splits
into the part inside the frame, B·K with B = V†OV and K = V†AV, and the part outside,
where only Gram matrices and a block of a Haar unitary of the complement matter.
"""

from __future__ import annotations

from dataclasses import dataclass
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
    inverse_root,
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
        # the complement must hold a frame of the same size, or its corner is not a free unitary block
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
            return losses, Observed(o.first, None)  # nothing lies outside
        return losses, Observed(o.first, _root(o.square - o.first @ o.first * self.levels.inverse_total))

    def draw_gradient(self, seen: Observed, rng: np.random.Generator) -> tuple[Array, Matrix]:
        """Draw both parts of a fresh gradient of ``generator``, in units of 2**exponent.

        The outside part may be multiplied by any sign (β = 2: any phase) without changing
        the law, because the corner of a Haar unitary may.
        """
        size, p = len(seen.first), self._input()
        inner, gram = self.generator.frame(self.frame, size, rng)
        inside = 2 * np.real(np.einsum("ij,sjk,ski->s", p, seen.first, inner))
        if seen.root is None:
            return inside, np.zeros(size, dtype=complex)
        # what the gate moves out of the frame: only its Gram matrix is fixed, its direction there is Haar
        rest = _root(gram - adjoint(inner) @ inner)
        block = self._complement_block(size, rng)
        return inside, 2 * np.einsum("ij,sjk,ski->s", p, seen.root @ block, rest)

    def _complement_block(self, size: int, rng: np.random.Generator) -> Matrix:
        """√a times the corner of a Haar unitary of the complement, over F."""
        d, a = self.frame, self.observable.total_shape
        rest = self.observable.dim - 2 * d
        corner = gaussian_block((size, d, d), self.beta, rng)
        eye = np.eye(corner.shape[1])
        shape = self.observable.shape_unit * rest
        # a Haar isometry is a Gaussian one times the inverse root of its Gram matrix, of which the rest is Wishart
        total = adjoint(corner) @ corner * scaled_float(1 / a)
        if rest:
            w = wishart_deviate(min(rest, limits.LARGEST_DOF), scaled_float(shape), d, self.beta, size, rng)
            total = total + scaled_float(shape / a) * eye + sqrt_float(shape / a**2) * w
        return corner @ adjoint(inverse_root(total, self.beta))
