"""The exact gradient law of a loss that is linear in Majoranas."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from pennylane_wishart.ensembles.arguments import check_dim, finite_number, freeze
from pennylane_wishart.ensembles.component import State
from pennylane_wishart.ensembles.inversion import gamma_deviates
from pennylane_wishart.ensembles.law import Law
from pennylane_wishart.ensembles.scaled import Array, scaled_float, sqrt_float
from pennylane_wishart.ensembles.sphere import SphereMixture
from pennylane_wishart.ensembles.twolevel import SpinFactor
from pennylane_wishart.errors import InputError

__all__ = ["SpinFactorGradient"]


@dataclass(frozen=True)
class SpinFactorGradient(SphereMixture):
    """Describe a deep-circuit gradient of a spin-factor loss, exactly.

    A generator norm·iγ_iγ_j turns the Majorana plane (i, j) by 2·norm·θ, so
    ∂ℓ = 2·norm·A·(x_i y_j − x_j y_i), A = |a|‖b‖, x (from the input) and y (from the
    observable) uniform on S^{d−1} and independent. Given x it is T·u_1 on S^{d−1} with
    T² = (2·norm·A)²·Beta(1, (d−2)/2): variance 8·norm²A²/d², excess kurtosis
    6d²/(d+2)² − 3. Several commuting planes with one angle: give all their norms.
    NOT valid before the deep limit on both sides of the gate.

    Args:
        amplitude: A = |a|·‖b‖ ≥ 0.
        dim: d ≥ 2 Majoranas rotated.
        norm: coefficient of the plane (½ for a Pauli rotation), or a tuple, one per plane.
    Source: ours.
    Example:
        >>> SpinFactorGradient(1.0, 8, 0.5).var() == 2 / 8**2
        True
    """

    amplitude: float
    dim: int
    norm: float | tuple[float, ...] = 0.5
    engine = "exact spin factor"
    validity = "Not valid if a Majorana is a generator, or without deep layers on both sides."

    def __post_init__(self) -> None:
        amplitude = finite_number(self.amplitude, "amplitude")
        if amplitude <= 0:
            raise InputError(f"amplitude must be positive; got {amplitude}.", advice="Use Constant(0.0).")
        freeze(self, amplitude=amplitude, dim=check_dim(self.dim, "dim", 2))
        norms = tuple(float(c) for c in np.atleast_1d(np.asarray(self.norm, dtype=float)))
        if not all(math.isfinite(c) for c in norms) or not any(norms):
            raise InputError(f"norm must be finite and not zero; got {self.norm!r}.", advice="Use Constant.")
        freeze(self, norm=norms[0] if len(norms) == 1 else norms)
        if 2 * len(norms) > self.dim:
            raise InputError(f"norm names {len(norms)} planes, more than fit in dim {self.dim}.")

    @property
    def _norms(self) -> tuple[float, ...]:
        return self.norm if isinstance(self.norm, tuple) else (self.norm,)

    @property
    def _sphere_dim(self) -> int:
        return self.dim

    @cached_property
    def _scale_moments(self) -> tuple[Fraction, Fraction]:
        # T² = Σ (2 c A)² X_k, X ~ Dirichlet(1, …, 1, (d − 2·planes)/2), total shape d/2
        squares = [(2 * Fraction(c) * Fraction(self.amplitude)) ** 2 for c in self._norms]
        # the moments of a Dirichlet combination with shapes 1: E[X_i²] = 2/(a(a+1)), E[X_iX_j] = 1/(a(a+1))
        a = Fraction(self.dim, 2)
        first, second = sum(squares), sum(s * s for s in squares)
        return first / a, (second + first**2) / (a * (a + 1))

    def _draw_scales(self, size: int, rng: np.random.Generator) -> Array:
        a = Fraction(self.dim, 2)
        rest = scaled_float(a - len(self._norms))
        # the unit is √a-free: T²/(n·4^e) = Σ coefficient·g / (total/a)
        unit = Fraction(4) ** self._exponent * self.dim * a
        total, top = np.zeros(size), np.zeros(size)
        inverse = scaled_float(1 / a)
        for c in self._norms:
            g = rng.standard_gamma(1.0, size)
            top += scaled_float((2 * Fraction(c) * Fraction(self.amplitude)) ** 2 / unit) * g
            total += g * inverse
        if rest > 0:
            share = sqrt_float(a - len(self._norms)) if math.isfinite(rest) else math.inf
            root = scaled_float(1 / Fraction(share)) if math.isfinite(share) else 0.0
            relative = gamma_deviates(rest, size, rng) * root
            total += scaled_float((a - len(self._norms)) / a) * (1 + relative)
        return np.sqrt(top / total)

    def support(self) -> tuple[float, float]:
        """Return ± the largest rotation speed times the amplitude."""
        edge = 2 * max(abs(c) for c in self._norms) * self.amplitude
        return -edge, edge

    # --- with the loss: ℓ = A·x·y and ∂ℓ = 2cA(x_i y_j − x_j y_i); given x·y, (x, y) is a random 2-frame
    def _check_loss(self, loss: Law) -> None:
        if not isinstance(loss, SpinFactor):
            raise InputError(f"loss must be the SpinFactor of the gradients; got {loss!r}.")

    def _draw_state(self, loss: Law, size: int, rng: np.random.Generator) -> tuple[Array, State]:
        losses = loss.sample(size, rng)
        return losses, losses

    def _draw_given(self, state: State, count: int, rng: np.random.Generator) -> Array:
        assert isinstance(state, np.ndarray)
        # rounding may leave |ℓ| above A
        reach = np.sqrt(np.maximum(1 - (state / self.amplitude) ** 2, 0.0))
        areas = np.column_stack([self._plane_areas(len(state), rng) for _ in range(count)])
        return np.asarray(np.ldexp(2 * self.amplitude * reach[:, None] * areas, -self._exponent))

    def _spread_ratio(self, loss: Law) -> float | None:
        d = self.dim
        return (d + 1) * d / ((d - 1) * (d + 2))

    def _plane_areas(self, size: int, rng: np.random.Generator) -> Array:
        """Σ c(x_i z_j − x_j z_i) over the planes of the gate, (x, z) a random orthonormal pair in R^d."""
        norms = self._norms
        x, z = rng.standard_normal((2, size, 2 * len(norms)))
        rest = self.dim - 2 * len(norms)
        area = (x[:, 0::2] * z[:, 1::2] - x[:, 1::2] * z[:, 0::2]) @ np.array(norms)
        gram = [np.einsum("sk,sk->s", a, b) for a, b in ((x, x), (x, z), (z, z))]
        if rest > 0:  # the other coordinates enter by their Gram matrix alone: Bartlett's triangle
            first = np.sqrt(rng.chisquare(rest, size))
            across = rng.standard_normal(size)
            below = rng.chisquare(rest - 1, size) if rest > 1 else np.zeros(size)
            gram[0] += first**2
            gram[1] += first * across
            gram[2] += across**2 + below
        # Gram–Schmidt leaves the area and divides it by the square root of the Gram determinant
        return np.asarray(area / np.sqrt(gram[0] * gram[2] - gram[1] ** 2))
