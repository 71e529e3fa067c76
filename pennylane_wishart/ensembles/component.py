"""What the laws of a gradient component share: symmetry, and a way to be drawn with their loss."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from pennylane_wishart.ensembles.distribution import Tails, log_complement
from pennylane_wishart.ensembles.law import Law
from pennylane_wishart.ensembles.mixed import Observed
from pennylane_wishart.ensembles.scaled import Array

__all__ = ["GradientLaw", "State"]

State = Array | Observed
"""What the components of one circuit share: a number a circuit, or all that a frame sees of O."""


class GradientLaw(Law):
    """Base of the laws of one gradient component: symmetric about 0, with a state shared by all components.

    Given that state the components are independent; a part of a joint law draws the state with the
    loss once, and every component from it.
    """

    def mean(self) -> float:
        return 0.0

    def skewness(self) -> float:
        return 0.0

    @abstractmethod
    def _log_upper(self, y: Array) -> Array:
        """log P(X > y) for y ≥ 0."""

    def _log_tails(self, y: Array) -> Tails:
        with np.errstate(divide="ignore"):
            tail = self._log_upper(np.abs(y))
        other = log_complement(tail)
        return np.where(y > 0, other, tail), np.where(y > 0, tail, other)

    @abstractmethod
    def _check_loss(self, loss: Law) -> None:
        """Raise InputError where ``loss`` cannot be the loss of this component."""

    @abstractmethod
    def _draw_state(self, loss: Law, size: int, rng: np.random.Generator) -> tuple[Array, State]:
        """Losses (size,) and the state that all components of these circuits share."""

    @property
    @abstractmethod
    def _exponent(self) -> int:
        """Components given the state come in units of 2**this."""

    @property
    def _numbers(self) -> int:
        """Numbers that one draw of the state holds: they bound how many are drawn at once."""
        return 1

    @abstractmethod
    def _draw_given(self, state: State, count: int, rng: np.random.Generator) -> Array:
        """``count`` independent components of this law given the state, (size, count)."""

    @abstractmethod
    def _spread_ratio(self, loss: Law) -> float | None:
        """E[S²]/E[S]² of the state's share S of every squared component; None where unknown."""
