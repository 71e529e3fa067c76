"""The joint law of a loss and its gradients at this depth, and of ‖∇ℓ‖².

Gradients are overlaps of one vector with the tangent vectors φ_k = −i(G_k − ⟨G_k⟩)ψ, all taken at the
same state: ∂_kℓ = 2 Re⟨φ_k|(O − ℓ)ψ⟩. Given the state, gates that deep layers separate have independent
directions; neighbours do not: Re⟨φ_j|φ_k⟩ = ½⟨{G_j, G_k}⟩ − ⟨G_j⟩⟨G_k⟩ at the same state, of order one
where a single rotation lies between two gates of one wire. Those overlaps depend on the angles in between,
so wherever state vectors are affordable the joint law is drawn from the circuit's own states: every
relation between neighbours, and the ends of the circuit, are then exact. Elsewhere the law of separated
gates is given, with a Status that says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pennylane_wishart.circuit import AngleLaw, RotationCircuit
from pennylane_wishart.conventions import prediction as limits
from pennylane_wishart.ensembles import JointLaw, SquaredNorm
from pennylane_wishart.ensembles.sampled import SampleTable
from pennylane_wishart.ensembles.scaled import Array, Scaled
from pennylane_wishart.errors import Status
from pennylane_wishart.prediction.budget import affordable
from pennylane_wishart.variances.engines.sampled import sample_gradients

__all__ = ["CircuitJoint", "DepthSquare", "affordable_samples"]


def affordable_samples(circuit: RotationCircuit) -> int:
    """Return how many gradients of the circuit itself are drawn for a table; 0 where too few are affordable."""
    # the sampler exponentiates words that commute one by one, and others as a matrix
    for k in range(circuit.n_rotations):
        words = circuit.generator(k).words
        if len(words) > 1 and len(words.support()) > limits.WIDEST_GENERATOR and words.anticommutation(words).any():
            return 0
    return affordable(circuit, len(circuit.observable) + 1, limits.JOINT)


@dataclass(frozen=True)
class CircuitJoint(JointLaw):
    """Describe (ℓ, ∇ℓ) at the circuit's own depth: drawn from its states at random angles.

    ``loss`` and ``gradient(k)`` are the deep-limit laws of the marginals; ``sample``, ``covariance``
    and ``norm_law`` hold at this depth, neighbouring gates and the ends of the circuit included.

    Args:
        parts: as for :class:`JointLaw`.
        circuit, angles, parameters: what is run, and the flat parameters whose components are wanted.
    """

    circuit: RotationCircuit
    angles: AngleLaw
    parameters: tuple[int, ...]

    __hash__ = object.__hash__

    def _scaled_sample(self, size: int, rng: np.random.Generator, exponent: int) -> tuple[Array, Array]:
        losses, gradients = sample_gradients(self.circuit, self.angles, size, rng)
        return losses, np.ldexp(gradients[:, list(self.parameters)], -exponent)

    @cached_property
    def _table(self) -> tuple[Array, Array]:
        size = affordable_samples(self.circuit)
        return self._scaled_sample(size, np.random.default_rng(limits.JOINT_SEED), 0)

    def covariance(self) -> Array:
        """Return the covariance of (ℓ, ∇ℓ), (1 + p, 1 + p), of a stored seeded sample."""
        losses, gradients = self._table
        return np.atleast_2d(np.cov(np.column_stack([losses, gradients]).T))

    @property
    def square_points(self) -> Array:
        """‖∇ℓ‖² of the stored sample."""
        return np.asarray(np.sum(self._table[1] ** 2, axis=1))


@dataclass(frozen=True)
class DepthSquare(SquaredNorm):
    """Describe ‖∇ℓ‖² of a joint law, its mean the exact sum of E[(∂_kℓ)²] at this depth.

    The shape comes from a stored seeded sample of the joint law.

    Args:
        joint: law of the loss and its gradients.
        total: E‖∇ℓ‖² at this depth.
    """

    joint: JointLaw
    total: float

    __hash__ = object.__hash__

    # everything is kept in units of an even power of two: squares of gradients can be below the smallest float
    @cached_property
    def _exponent(self) -> int:
        return 2 * math.floor(math.log2(self.total) / 2)

    @cached_property
    def _scale(self) -> float:
        """What takes ‖∇ℓ‖² of the joint law to the exact mean, in units of 2**_exponent."""
        if isinstance(self.joint, CircuitJoint):
            mean = float(self.joint.square_points.mean())
        else:
            mean = self.joint.norm_law().mean()
        return self.total / mean

    @cached_property
    def _curve(self) -> SampleTable:
        if isinstance(self.joint, CircuitJoint):
            return SampleTable.build(np.ldexp(self._scale * self.joint.square_points, -self._exponent))
        return SampleTable.build(self._draw(limits.SQUARE_DRAWS, np.random.default_rng(0)))

    def _draw(self, size: int, rng: np.random.Generator) -> Array:
        if isinstance(self.joint, CircuitJoint):
            gradients = self.joint.sample(size, rng)[1]
            return np.asarray(np.ldexp(self._scale * np.sum(gradients**2, axis=1), -self._exponent))
        return np.ldexp(self._scale * self.joint.norm_law().sample(size, rng), -self._exponent)

    def mean(self) -> float:
        """Return E‖∇ℓ‖² at this depth."""
        return self.total

    @property
    def _variance(self) -> Scaled:
        return Scaled(float(np.var(self._curve.points)), 2 * self._exponent)

    def support(self) -> tuple[float, float]:
        """Return the half line: angles that make every component large are not looked for."""
        return 0.0, math.inf

    @property
    def engine(self) -> str:
        """How the numbers are obtained."""
        if isinstance(self.joint, CircuitJoint):
            return "the circuit's own states at random angles, to the exact mean"
        return "joint law of separated gates, to the exact mean"

    @property
    def validity(self) -> str:
        """When the law is not valid."""
        return "" if self.status is Status.OK else str(self.status)
