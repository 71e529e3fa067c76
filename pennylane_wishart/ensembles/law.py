"""Laws of true values: distributions that shots may be added to, and the law that does not vary."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pennylane_wishart.ensembles.arguments import finite_number, freeze
from pennylane_wishart.ensembles.distribution import Distribution, Tails, point_density, point_tails
from pennylane_wishart.ensembles.scaled import Array, Scaled
from pennylane_wishart.ensembles.shots import ShotNoise

__all__ = ["Constant", "Law"]


class Law(Distribution):
    """Base of the distributions of losses, gradients and minima."""

    def with_shots(self, shots: int, variance: float | Callable[[Array], ArrayLike]) -> ShotNoise:
        """Return the law of the estimate of this quantity from ``shots`` measurements.

        Args:
            shots: measurements per estimate.
            variance: variance of one measurement: a number, or a function of the value
                (``lambda v: 1 - v**2`` for a Pauli word).
        """
        return ShotNoise(self, shots, variance)


@dataclass(frozen=True)
class Constant(Law):
    """Hold a loss or gradient that does not depend on the parameters.

    The law of a dead parameter's gradient, of a loss on a fixed sector, or of a
    basis state seen by a spin factor. NOT a limit: the value is exact.

    Args:
        value: the only value, in the observable's units.
    Example:
        >>> Constant(0.5).cdf([0.4, 0.5]).tolist()
        [0.0, 1.0]
    """

    value: float
    engine = "constant"
    validity = "Always valid: the quantity does not vary."
    _variance = Scaled(0.0)

    def __post_init__(self) -> None:
        freeze(self, value=finite_number(self.value, "value"))

    def mean(self) -> float:
        return self.value

    def skewness(self) -> float:
        return 0.0

    def kurtosis(self) -> float:
        return 0.0

    def support(self) -> tuple[float, float]:
        return self.value, self.value

    def _log_tails(self, y: Array) -> Tails:
        return point_tails(y, self.value)

    def _log_density(self, y: Array) -> Array:
        return point_density(y, self.value)

    def _cdf_error(self, y: Array) -> Array:
        return np.zeros_like(y)

    def _draw(self, size: int, rng: np.random.Generator) -> Array:
        return np.full(size, self.value)
