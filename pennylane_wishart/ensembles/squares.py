"""What the laws of ‖∇ℓ‖² share: everything beyond the first two moments comes from a stored sample."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any

import numpy as np

from .law import Array, Law, Tails
from .sampled import SampleTable

__all__ = ["SquaredNorm"]


class SquaredNorm(Law):
    """A law known by a seeded sample in units of 2**_unit; subclasses give its moments, support and engine."""

    @property
    @abstractmethod
    def _unit(self) -> int:
        """Exponent e with ‖∇ℓ‖² of the order of 2**e."""

    @property
    @abstractmethod
    def _table(self) -> SampleTable:
        """The stored sample, in units of 2**_unit."""

    @abstractmethod
    def _standard(self, size: int, rng: np.random.Generator) -> Array:
        """Draw samples in units of 2**_unit."""

    def _standardised_moment(self, order: int) -> float:
        points = self._table.points
        return float(np.mean(((points - points.mean()) / points.std()) ** order))

    def skewness(self) -> float:
        """Return the third standardised moment of the stored sample."""
        return self._standardised_moment(3)

    def kurtosis(self) -> float:
        """Return the excess kurtosis of the stored sample."""
        return self._standardised_moment(4) - 3

    @property
    def validity(self) -> str:
        """When the law is not valid."""
        return "Not valid for gates that are not separated by deep layers."

    def cdf_error(self, x: Any) -> Any:
        """Return the standard error of ``cdf``."""
        return self._apply(lambda flat: self._table.cdf_error(np.ldexp(flat, -self._unit)), x)

    def _log_tails(self, x: Array) -> Tails:
        return self._table.log_tails(np.ldexp(x, -self._unit))

    def _log_density(self, x: Array) -> Array:
        log = self._table.log_density(np.ldexp(x, -self._unit))
        return log - self._unit * math.log(2)

    def _draw(self, size: int, rng: np.random.Generator) -> Array:
        return np.ldexp(self._standard(size, rng), self._unit)
