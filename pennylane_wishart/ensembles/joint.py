"""The joint law of a loss and all its gradients, over sectors and kinds of gate, and of ‖∇ℓ‖²."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import InputError, Status
from .generator import state_spread
from .gradient import HaarGradient
from .law import Array, Law, check_size
from .mixtures import SectorSum
from .sampled import SampleTable
from .simple import Constant, GammaLoss
from .sphere import SpinFactorGradient, coordinate_deviates
from .squares import SquaredNorm
from .twolevel import SpinFactor
from .variance_gamma import VarianceGamma

__all__ = ["GradientSquare", "JointLaw", "JointPart"]

_BATCH = 1 << 20  # numbers held at once
_TABLE = (1 << 12, 1 << 16)  # smallest and largest stored sample of ‖∇ℓ‖²
_WORK = 1 << 23  # components drawn for it


@dataclass(frozen=True)
class JointPart:
    """Hold one independent part of the loss: a sector or a spin factor.

    Attributes:
        loss: law of its share of the loss.
        gradients: law of its share of every gradient component, ``Constant(0)`` where a gate
            does not act; all others of one kind (``HaarGradient``, ``SpinFactorGradient`` or
            ``VarianceGamma``), of the same observable and input as ``loss``.
    """

    loss: Law
    gradients: tuple[Law, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "gradients", tuple(self.gradients))
        kinds = {type(law) for law in self._moving}
        known = {HaarGradient, SpinFactorGradient, VarianceGamma}
        if len(kinds) > 1 or not kinds <= known:
            names = sorted(kind.__name__ for kind in kinds)
            raise InputError(f"gradients must be of one kind of law (or Constant); got {names}.")
        if kinds == {SpinFactorGradient} and not isinstance(self.loss, SpinFactor):
            raise InputError(f"loss must be the SpinFactor of the gradients; got {self.loss!r}.")
        if kinds == {VarianceGamma} and not isinstance(self.loss, GammaLoss):
            raise InputError(f"loss must be the GammaLoss of the gradients; got {self.loss!r}.")

    @property
    def _moving(self) -> tuple[Law, ...]:
        return tuple(law for law in self.gradients if not isinstance(law, Constant))

    @cached_property
    def _columns(self) -> dict[Law, list[int]]:
        """Equal laws and the components that have them: a thousand equal gates are one draw."""
        out: dict[Law, list[int]] = {}
        for k, law in enumerate(self.gradients):
            if not isinstance(law, Constant):
                out.setdefault(law, []).append(k)
        return out

    def draw(self, size: int, rng: np.random.Generator, exponent: int) -> tuple[Array, Array]:
        """Losses (size,) and gradients (size, p), the latter in units of 2**exponent."""
        out = np.zeros((size, len(self.gradients)))
        first = next(iter(self._columns), None)
        if first is None:
            return self.loss.sample(size, rng), out
        if isinstance(first, SpinFactorGradient):
            return self._draw_spin(out, rng, exponent), out
        if isinstance(first, VarianceGamma):
            return self._draw_gamma(out, rng, exponent), out
        assert isinstance(first, HaarGradient)
        mean = float(first._observable.mean) * math.fsum(first.rho)
        if first.is_pure:
            y, square = state_spread(first._levels, size, rng)
            for law, columns in self._columns.items():
                assert isinstance(law, HaarGradient)
                shape = (size, len(columns))
                norms = law._norms(size * len(columns), rng).reshape(shape)
                turn = coordinate_deviates(law._n, shape, rng) * np.sqrt(square)[:, None]
                out[:, columns] = np.ldexp(norms * turn, law._exponent - exponent)
            return mean + first.rho[0] * np.ldexp(y, first._levels.exponent), out
        losses, seen = first._mixed.draw_observable(size, rng)
        for law, columns in self._columns.items():
            assert isinstance(law, HaarGradient)
            for k in columns:
                inside, outside = law._mixed.draw_gradient(seen, rng)
                out[:, k] = np.ldexp(inside + np.real(outside), law._mixed.exponent - exponent)
        return mean + np.ldexp(losses, first._levels.exponent), out

    def _draw_gamma(self, out: Array, rng: np.random.Generator, exponent: int) -> Array:
        """Asymptotic: normal components whose variance is proportional to the loss."""
        assert isinstance(self.loss, GammaLoss)
        losses = self.loss.sample(len(out), rng)
        excess = (losses - self.loss.minimum) / (self.loss.mean() - self.loss.minimum)
        for law, columns in self._columns.items():
            normal = rng.standard_normal((len(out), len(columns)))
            out[:, columns] = np.ldexp(law.std() * np.sqrt(excess)[:, None] * normal, -exponent)
        return losses

    def _draw_spin(self, out: Array, rng: np.random.Generator, exponent: int) -> Array:
        """ℓ = A·x·y and ∂ℓ = 2cA(x_i y_j − x_j y_i): given x·y, (x, y) is a random 2-frame."""
        losses = self.loss.sample(len(out), rng)
        for law, columns in self._columns.items():
            assert isinstance(law, SpinFactorGradient)
            reach = np.sqrt(np.maximum(1 - (losses / law.amplitude) ** 2, 0.0))
            for k in columns:
                area = _plane_areas(law, len(out), rng)
                out[:, k] = np.ldexp(2 * law.amplitude * reach * area, -exponent)
        return losses

    @cached_property
    def spread_ratio(self) -> float | None:
        """E[S²]/E[S]² of the state's share S of every squared component; None where unknown."""
        first = next(iter(self._columns), None)
        if first is None:
            return 1.0
        if isinstance(first, SpinFactorGradient):
            d = first.dim
            return (d + 1) * d / ((d - 1) * (d + 2)) if d > 1 else None
        if isinstance(first, VarianceGamma):
            assert isinstance(self.loss, GammaLoss)
            return 1 + 1 / self.loss.shape
        assert isinstance(first, HaarGradient)
        second, fourth = first._observable.spread_moments
        return float(fourth / second**2) if first.is_pure else None


def _plane_areas(law: SpinFactorGradient, size: int, rng: np.random.Generator) -> Array:
    """Σ c(x_i z_j − x_j z_i) over the planes of a gate, (x, z) a random orthonormal pair in R^d."""
    norms = law._norms
    x, z = rng.standard_normal((2, size, 2 * len(norms)))
    rest = law.dim - 2 * len(norms)
    area = (x[:, 0::2] * z[:, 1::2] - x[:, 1::2] * z[:, 0::2]) @ np.array(norms)
    gram = [np.einsum("sk,sk->s", a, b) for a, b in ((x, x), (x, z), (z, z))]
    if rest > 0:  # the other coordinates enter by their Gram matrix alone: Bartlett's triangle
        first = np.sqrt(rng.chisquare(rest, size))
        across = rng.standard_normal(size)
        below = rng.chisquare(rest - 1, size) if rest > 1 else np.zeros(size)
        gram[0] += first**2
        gram[1] += first * across
        gram[2] += across**2 + below
    return area / np.sqrt(gram[0] * gram[2] - gram[1] ** 2)


@dataclass(frozen=True)
class JointLaw:
    """Describe (ℓ, ∂_1ℓ, …, ∂_pℓ) of a deep circuit, exactly.

    Given the state, the components are independent: each gate is separated from the others by
    deep layers. They share the variance of O in the state, so they are uncorrelated but not
    independent, of each other or of the loss. Sectors are independent and add up. NOT valid for
    gates of one layer that do not commute, or near the ends of the circuit.

    Args:
        parts: one per sector; a constant sector has ``Constant`` laws.
    Raises:
        InputError: if there are no parts or they have different numbers of gradients.
    Source: ours; finite-size form of the joint law of arXiv:2408.11901.
    Example:
        >>> from pennylane_wishart.ensembles import BetaLoss
        >>> gate = HaarGradient([-1, 1], [8, 8], 2, [-0.5, 0.5], [8, 8])
        >>> law = JointLaw([JointPart(BetaLoss(-1, 1, 8, 16), (gate, gate, Constant(0.0)))])
        >>> losses, gradients = law.sample(4, rng=1)
        >>> losses.shape, gradients.shape
        ((4,), (4, 3))
    """

    parts: tuple[JointPart, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", tuple(self.parts))
        if len({len(part.gradients) for part in self.parts}) != 1:
            raise InputError("parts must be non-empty and have one law per gradient component each.")

    @property
    def status(self) -> Status:
        """Whether the law may be used as it stands; set by whoever knows the circuit."""
        return getattr(self, "_status", Status.OK)

    def with_status(self, status: Status) -> JointLaw:
        """Return the same law with a status; itself where nothing changes."""
        if status is self.status:
            return self
        out = copy.copy(self)
        object.__setattr__(out, "_status", status)
        return out

    @property
    def n_gradients(self) -> int:
        """Number of components p."""
        return len(self.parts[0].gradients)

    @cached_property
    def loss(self) -> Law:
        """Law of the loss."""
        return _sum([part.loss for part in self.parts])

    def gradient(self, k: int) -> Law:
        """Return the law of component ``k``."""
        return _sum([part.gradients[k] for part in self.parts])

    def mean(self) -> Array:
        """Return the mean of (ℓ, ∇ℓ), shape (1 + p,)."""
        return np.concatenate([[self.loss.mean()], np.zeros(self.n_gradients)])

    def covariance(self) -> Array:
        """Return the exact covariance of (ℓ, ∇ℓ), (1 + p, 1 + p): diagonal."""
        gradients = [self.gradient(k).var() for k in range(self.n_gradients)]
        return np.diag([self.loss.var(), *gradients])

    def sample(self, size: int = 1, rng: Any = None) -> tuple[Array, Array]:
        """Draw the loss and all gradients of the same circuits.

        Args:
            size: number of circuits.
            rng: None, a seed or a Generator.
        Returns:
            losses ``(size,)`` and gradients ``(size, p)``.
        Cost: O(size·(levels + p)), times rank³ for a mixed input.
        """
        return self._scaled_sample(check_size(size), np.random.default_rng(rng), 0)

    def _scaled_sample(self, size: int, rng: np.random.Generator, exponent: int) -> tuple[Array, Array]:
        losses, gradients = np.zeros(size), np.zeros((size, self.n_gradients))
        step = max(1, _BATCH // (self.n_gradients + 1))
        for start in range(0, size, step):
            stop = min(size, start + step)
            for part in self.parts:
                loss, gradient = part.draw(stop - start, rng, exponent)
                losses[start:stop] += loss
                gradients[start:stop] += gradient
        return losses, gradients

    def norm_law(self) -> GradientSquare:
        """Return the law of ‖∇ℓ‖²."""
        return GradientSquare(self)


def _sum(laws: Sequence[Law]) -> Law:
    """The sum of independent laws, constants folded away where they are 0."""
    kept = [law for law in laws if not (isinstance(law, Constant) and law.value == 0)]
    if not kept:
        return Constant(0.0)
    return kept[0] if len(kept) == 1 else SectorSum(tuple(kept))


@dataclass(frozen=True)
class GradientSquare(SquaredNorm):
    """Describe ‖∇ℓ‖² = Σ_k (∂_kℓ)² of a joint law.

    The mean is exact, and so is the variance for inputs pure in every sector; skewness,
    kurtosis, cdf and pdf come from a stored seeded sample (see ``cdf_error``). NOT for tail
    probabilities below about 1e−4.

    Args:
        joint: law of the loss and its gradients.
    Source: ours.
    Example:
        >>> from pennylane_wishart.ensembles import BetaLoss
        >>> gate = HaarGradient([-1, 1], [8, 8], 2, [-0.5, 0.5], [8, 8])
        >>> square = JointLaw([JointPart(BetaLoss(-1, 1, 8, 16), (gate,) * 5)]).norm_law()
        >>> bool(np.isclose(square.mean(), 5 * gate.var()))
        True
    """

    joint: JointLaw

    def __post_init__(self) -> None:
        if self._log2_variances.max(initial=-math.inf) == -math.inf:
            raise InputError("joint has no component that varies: ‖∇ℓ‖² is Constant(0).")

    @cached_property
    def _log2_variances(self) -> Array:
        """log2 Var[∂_kℓ], (p,)."""
        return np.array([self.joint.gradient(k).log2_var for k in range(self.joint.n_gradients)])

    @cached_property
    def _unit(self) -> int:
        """Even exponent e with ‖∇ℓ‖² of the order of 2**e."""
        total = self._log2_variances.max() + math.log2(self.joint.n_gradients)
        return 2 * math.floor(total / 2)

    @cached_property
    def _table(self) -> SampleTable:
        size = int(np.clip(_WORK // self.joint.n_gradients, *_TABLE))
        return SampleTable.build(self._standard(size, np.random.default_rng(0)))

    def _standard(self, size: int, rng: np.random.Generator) -> Array:
        """Samples in units of 2**_unit."""
        out, step = np.empty(size), max(1, _BATCH // self.joint.n_gradients)
        for start in range(0, size, step):
            stop = min(size, start + step)
            gradients = self.joint._scaled_sample(stop - start, rng, self._unit // 2)[1]
            out[start:stop] = np.einsum("sk,sk->s", gradients, gradients)
        return out

    @cached_property
    def _moments(self) -> tuple[float, float]:
        """Mean and variance in units of 2**_unit and 4**_unit."""
        shares = np.array([[_log2(part.gradients[k]) for k in range(self.joint.n_gradients)]
                           for part in self.joint.parts])  # fmt: skip
        variances = np.exp2(shares - self._unit)
        each = variances.sum(axis=0)
        ratios = [part.spread_ratio for part in self.joint.parts]
        if any(r is None for r in ratios):
            return float(each.sum()), float(np.var(self._table.points))
        excess = np.array([r - 1 for r in ratios if r is not None])
        fourth = np.array([self.joint.gradient(k).kurtosis() for k in range(len(each))])
        # Σ_k Var[g_k²] + Σ_{k≠l} Cov[g_k², g_l²]; components share the states of their sectors
        own = ((fourth + 2) * each**2).sum()
        shared = excess @ (variances.sum(axis=1) ** 2 - (variances**2).sum(axis=1))
        return float(each.sum()), float(own + shared)

    def mean(self) -> float:
        """Return the sum of the variances of the components, exact."""
        return float(np.ldexp(self._moments[0], self._unit))

    def var(self) -> float:
        """Return the variance; 0.0 where it underflows (see ``log2_var``)."""
        return float(np.ldexp(self._moments[1], 2 * self._unit))

    @property
    def log2_var(self) -> float:
        """Base-2 logarithm of the variance."""
        return math.log2(self._moments[1]) + 2 * self._unit

    def support(self) -> tuple[float, float]:
        """Return 0 and the sum of the largest squared components."""
        ends = [self.joint.gradient(k).support()[1] for k in range(self.joint.n_gradients)]
        return 0.0, math.fsum(end**2 for end in ends)

    @property
    def engine(self) -> str:
        """How the numbers are obtained."""
        return f"sampled from the joint law ({self.joint.loss.engine})"


def _log2(law: Law) -> float:
    return law.log2_var
