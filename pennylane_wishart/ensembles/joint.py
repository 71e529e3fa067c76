"""The joint law of a loss and all its gradients, over sectors and kinds of gate, and of ‖∇ℓ‖²."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pennylane_wishart.conventions import ensembles as limits
from pennylane_wishart.ensembles.arguments import check_size, freeze
from pennylane_wishart.ensembles.component import GradientLaw
from pennylane_wishart.ensembles.distribution import Seed, WithStatus
from pennylane_wishart.ensembles.law import Constant, Law
from pennylane_wishart.ensembles.mixtures import SectorSum
from pennylane_wishart.ensembles.sampled import SampleTable
from pennylane_wishart.ensembles.scaled import Array, Scaled
from pennylane_wishart.ensembles.squares import SquaredNorm
from pennylane_wishart.errors import InputError

__all__ = ["GradientSquare", "JointLaw", "JointPart"]


@dataclass(frozen=True)
class JointPart:
    """Hold one independent part of the loss: a sector or a spin factor.

    Attributes:
        loss: law of its share of the loss.
        gradients: law of its share of every gradient component, ``Constant(0)`` where a gate
            does not act; all others of one kind of :class:`GradientLaw`, of the same observable
            and input as ``loss``.
    """

    loss: Law
    gradients: tuple[Law, ...]

    def __post_init__(self) -> None:
        freeze(self, gradients=tuple(self.gradients))
        moving = [law for law in self.gradients if not isinstance(law, Constant)]
        kinds = {type(law) for law in moving}
        if len(kinds) > 1 or not all(isinstance(law, GradientLaw) for law in moving):
            names = sorted(kind.__name__ for kind in kinds)
            raise InputError(f"gradients must be of one kind of law (or Constant); got {names}.")
        if self._first is not None:
            self._first._check_loss(self.loss)

    @cached_property
    def _columns(self) -> dict[GradientLaw, list[int]]:
        """Equal laws and the components that have them: a thousand equal gates are one draw."""
        out: dict[GradientLaw, list[int]] = {}
        for k, law in enumerate(self.gradients):
            if isinstance(law, GradientLaw):
                out.setdefault(law, []).append(k)
        return out

    @property
    def _first(self) -> GradientLaw | None:
        """The law that draws the state: all laws of a part share it."""
        return next(iter(self._columns), None)

    def draw(self, size: int, rng: np.random.Generator, exponent: int) -> tuple[Array, Array]:
        """Losses (size,) and gradients (size, p), the latter in units of 2**exponent."""
        out = np.zeros((size, len(self.gradients)))
        if self._first is None:
            return self.loss.sample(size, rng), out
        # the state first, then every gate's components given it
        losses, state = self._first._draw_state(self.loss, size, rng)
        for law, columns in self._columns.items():
            out[:, columns] = np.ldexp(law._draw_given(state, len(columns), rng), law._exponent - exponent)
        return losses, out

    @property
    def numbers(self) -> int:
        """Numbers held by one draw of the state."""
        return 1 if self._first is None else self._first._numbers

    @cached_property
    def spread_ratio(self) -> float | None:
        """E[S²]/E[S]² of the state's share S of every squared component; None where unknown."""
        return 1.0 if self._first is None else self._first._spread_ratio(self.loss)


@dataclass(frozen=True)
class JointLaw(WithStatus):
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
        >>> from pennylane_wishart.ensembles import BetaLoss, HaarGradient
        >>> gate = HaarGradient([-1, 1], [8, 8], 2, [-0.5, 0.5], [8, 8])
        >>> law = JointLaw([JointPart(BetaLoss(-1, 1, 8, 16), (gate, gate, Constant(0.0)))])
        >>> losses, gradients = law.sample(4, rng=1)
        >>> losses.shape, gradients.shape
        ((4,), (4, 3))
    """

    parts: tuple[JointPart, ...]

    def __post_init__(self) -> None:
        freeze(self, parts=tuple(self.parts))
        if len({len(part.gradients) for part in self.parts}) != 1:
            raise InputError("parts must be non-empty and have one law per gradient component each.")

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

    def sample(self, size: int = 1, rng: Seed = None) -> tuple[Array, Array]:
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
        # memory: gradients of every draw, or the matrices of its state
        held = max(self.n_gradients + 1, *(part.numbers for part in self.parts))
        step = max(1, limits.DRAWN_AT_ONCE // held)
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
        >>> from pennylane_wishart.ensembles import BetaLoss, HaarGradient
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
    def _exponent(self) -> int:
        """Even exponent e with ‖∇ℓ‖² of the order of 2**e."""
        total = self._log2_variances.max() + math.log2(self.joint.n_gradients)
        return int(2 * math.floor(total / 2))

    @property
    def engine(self) -> str:
        return f"sampled from the joint law ({self.joint.loss.engine})"

    @cached_property
    def _curve(self) -> SampleTable:
        size = int(np.clip(limits.SQUARE_WORK // self.joint.n_gradients, *limits.SQUARE_TABLE))
        return SampleTable.build(self._draw(size, np.random.default_rng(0)))

    def _draw(self, size: int, rng: np.random.Generator) -> Array:
        out, step = np.empty(size), max(1, limits.DRAWN_AT_ONCE // self.joint.n_gradients)
        for start in range(0, size, step):
            stop = min(size, start + step)
            gradients = self.joint._scaled_sample(stop - start, rng, self._exponent // 2)[1]
            out[start:stop] = np.einsum("sk,sk->s", gradients, gradients)
        return out

    @cached_property
    def _moments(self) -> tuple[float, float]:
        """Mean and variance in units of 2**_exponent and 4**_exponent."""
        p = self.joint.n_gradients
        shares = np.array([[part.gradients[k].log2_var for k in range(p)] for part in self.joint.parts])
        variances = np.exp2(shares - self._exponent)
        each = variances.sum(axis=0)
        ratios = [part.spread_ratio for part in self.joint.parts]
        if any(r is None for r in ratios):
            return float(each.sum()), float(np.var(self._curve.points))
        # 0 for components that share no random state: they would be independent
        excess = np.array([r - 1 for r in ratios if r is not None])
        fourth = np.array([self.joint.gradient(k).kurtosis() for k in range(len(each))])
        # Σ_k Var[g_k²] + Σ_{k≠l} Cov[g_k², g_l²]; components share the states of their sectors
        own = ((fourth + 2) * each**2).sum()
        shared = excess @ (variances.sum(axis=1) ** 2 - (variances**2).sum(axis=1))
        return float(each.sum()), float(own + shared)

    def mean(self) -> float:
        """Return the sum of the variances of the components, exact."""
        return float(np.ldexp(self._moments[0], self._exponent))

    @property
    def _variance(self) -> Scaled:
        return Scaled(self._moments[1], 2 * self._exponent)

    def support(self) -> tuple[float, float]:
        """Return 0 and the sum of the largest squared components."""
        ends = [self.joint.gradient(k).support()[1] for k in range(self.joint.n_gradients)]
        return 0.0, math.fsum(end**2 for end in ends)
