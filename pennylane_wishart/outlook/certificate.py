"""A proof, for this circuit, that no critical point of general position lies above the reachable optimum.

F(θ) = √(O_V − λ_V)·ψ(θ) has ℓ − λ_V = ‖F‖², and at a critical point F is orthogonal to every
∂_kF. If the ∂_kF at random angles already span all that F ever spans, F must vanish there. The
rank can drop on folds, and F = 0 is as many equations as F has dimensions; so the certificate
is given only with a margin: the loss must see at least four parameters more than that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pennylane_wishart.circuit import AngleLaw
from pennylane_wishart.conventions import outlook as limits
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.errors import InputError
from pennylane_wishart.outlook.space import ReachedSpace

__all__ = ["Certificate", "certify"]


@dataclass(frozen=True)
class Certificate(Shown):
    """The three ranks, and what they prove."""

    dimension: int
    """K: real dimension of span F; a lower bound where ``complete`` is False."""
    tangents: int
    """J: rank of the ∂_kF at random angles."""
    live: int
    """r: rank of the loss gradients over random angles."""
    complete: bool
    """Whether K was found; else it exceeds what any certificate could have."""
    ground: float
    """λ_V."""

    @property
    def holds(self) -> bool:
        """Whether every critical point of general position is the reachable optimum."""
        return self.complete and self.tangents == self.dimension and self.live >= self.dimension + limits.MARGIN


def certify(space: ReachedSpace, rng: np.random.Generator) -> Certificate:
    """Look for the certificate.

    Args:
        space: the circuit on the space that it reaches.
        rng: generator of the random angles.
    Cost: at most n_params + 64 states, three tangent frames, and as many gradients as parameters;
        it stops at the first sign that no certificate can be had.
    Source: THEORY §7e; ours.
    Example:
        >>> from pennylane_wishart.circuit import RotationCircuit
        >>> from pennylane_wishart.outlook.space import reached_space
        >>> words = ["X", "Z", "Y", "X", "Z", "Y", "X"]
        >>> space = reached_space(RotationCircuit.from_words(words, {"Z": 1.0}))
        >>> found = certify(space, np.random.default_rng(7))
        >>> found.dimension, found.tangents
        (2, 2)
    """
    circuit = space.circuit
    if circuit.n_params == 0:
        raise InputError("A circuit without parameters has no descents to speak of.")
    law = circuit.angle_law("uniform")
    root, width = _root(space)
    most = circuit.n_params - limits.MARGIN
    dimension, complete = _span_dimension(space, law, root, width, most, rng)
    if not complete:  # K alone already exceeds what the parameters could span
        return Certificate(dimension, 0, 0, False, space.ground)
    # ranks can only drop on special angles: the largest of a few is that of general position
    points = law.sample(rng, limits.POINTS)
    tangents = max(_rank(_real(space.tangents(x) @ root.T), np.sqrt(width)) for x in points)
    if tangents < dimension:
        return Certificate(dimension, tangents, 0, True, space.ground)
    sample = law.sample(rng, dimension + 3 * limits.MARGIN)
    live = _rank(space.gradients(sample)[1], width)
    return Certificate(dimension, tangents, live, True, space.ground)


def _root(space: ReachedSpace) -> tuple[NDArray[np.complex128], float]:
    """Return √(O_V − λ_V) and the width of the spectrum."""
    values, vectors = np.linalg.eigh(space.observable)
    raised = np.maximum(values - values[0], 0.0)
    return (vectors * np.sqrt(raised)) @ vectors.conj().T, float(raised[-1])


def _span_dimension(
    space: ReachedSpace, law: AngleLaw, root: NDArray[np.complex128], width: float, most: int, rng: np.random.Generator
) -> tuple[int, bool]:
    """Return K, or a number above ``most`` and False."""
    if width == 0 or most < 0:
        return 0, width == 0
    most_states = max(limits.LEAST_STATES, most + limits.SPARE_STATES)
    size = min(most_states, 2 * space.dim + limits.SPARE_STATES)
    vectors = _real(space.states(law.sample(rng, size)) @ root.T)
    rank = _rank(vectors, np.sqrt(width))
    # Fewer independent vectors than samples: the span has been exhausted.
    return (rank, True) if rank < size - limits.EXHAUSTED and rank <= most else (rank, False)


def _real(vectors: NDArray[np.complex128]) -> NDArray[np.float64]:
    return np.concatenate([vectors.real, vectors.imag], axis=1)


def _rank(rows: NDArray[np.float64], scale: float) -> int:
    """Rank with an absolute threshold: a constant loss has rank 0."""
    if not rows.size:
        return 0
    return int(np.sum(np.linalg.svd(rows, compute_uv=False) > limits.RANK * scale * np.sqrt(len(rows))))
