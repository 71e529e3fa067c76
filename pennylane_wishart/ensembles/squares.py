"""What the laws of ‖∇ℓ‖² share: everything beyond the first two moments comes from a stored sample."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from pennylane_wishart.ensembles.distribution import Tails
from pennylane_wishart.ensembles.law import Law
from pennylane_wishart.ensembles.sampled import SampleTable
from pennylane_wishart.ensembles.scaled import Array, Unit

__all__ = ["SquaredNorm"]


class SquaredNorm(Law):
    """A law known by a seeded sample in units of 2**_exponent; subclasses give its moments, support and engine."""

    @property
    def validity(self) -> str:
        return "Not valid for gates that are not separated by deep layers."

    @property
    @abstractmethod
    def _exponent(self) -> int:
        """Exponent e with ‖∇ℓ‖² of the order of 2**e."""

    @property
    @abstractmethod
    def _curve(self) -> SampleTable:
        """The stored sample, in units of 2**_exponent."""

    @property
    def _unit(self) -> Unit:
        return Unit(self._exponent)

    def skewness(self) -> float:
        """Return the third standardised moment of the stored sample."""
        return self._curve.standardised_moment(3)

    def kurtosis(self) -> float:
        """Return the excess kurtosis of the stored sample."""
        return self._curve.standardised_moment(4) - 3

    def _log_tails(self, y: Array) -> Tails:
        return self._curve._log_tails(y)

    def _log_density(self, y: Array) -> Array:
        return self._curve._log_density(y)

    def _cdf_error(self, y: Array) -> Array:
        return self._curve._cdf_error(y)

    @abstractmethod
    def _draw(self, size: int, rng: np.random.Generator) -> Array:
        """Samples in units of 2**_exponent."""
