"""Whether a deep-limit law is this circuit's own, before a measurement is held against it.

A variance close to that of the deep limit says nothing about the shape: a product of a few cosines can have
the right second moment and any kurtosis. So the law is first held against a bounded sample of the
circuit itself, on statevectors and with a seed of its own; where that is not affordable, the law's
validity is not established and nothing is tested against it.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pennylane_wishart.circuit import AngleLaw, RotationCircuit
from pennylane_wishart.conventions import prediction as limits
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.ensembles.law import Law
from pennylane_wishart.errors import InputError
from pennylane_wishart.prediction.budget import affordable
from pennylane_wishart.variances.engines.sampled import sample_components

__all__ = ["LawCheck", "OwnSample", "Validity", "check_law_shape", "draw_own_sample"]


class Validity(enum.Enum):
    """What is known of a law at this circuit's depth; the text goes into reports."""

    ESTABLISHED = "the circuit's own sample has this law"
    SHALLOW = "the circuit is too shallow for the deep-limit law"
    OTHER_SHAPE = "the variance is that of the deep limit but the circuit's own sample has another shape"
    NOT_ASSESSED = "whether the deep-limit law holds at this depth was not assessed: its sample is too dear"


@dataclass(frozen=True, eq=False)
class OwnSample:
    """Losses of the circuit at random angles, one gradient component with each."""

    losses: NDArray[np.float64]
    components: NDArray[np.float64]
    picked: NDArray[np.int64]
    """Flat parameter of each component; −1 where none was asked for."""


@dataclass(frozen=True, eq=False)
class LawCheck(Shown):
    """A law held against the circuit's own sample."""

    validity: Validity
    distance: float = float("nan")
    """Kolmogorov–Smirnov distance of the sample from the law."""
    sample: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0), repr=False)
    """What was drawn of the circuit itself."""

    @property
    def established(self) -> bool:
        """Whether the law may be tested."""
        return self.validity is Validity.ESTABLISHED

    def __str__(self) -> str:
        if not np.isfinite(self.distance):
            return self.validity.value
        return f"{self.validity.value} (distance {self.distance:.3f} in {len(self.sample):,} samples)"


def draw_own_sample(
    circuit: RotationCircuit, law: AngleLaw, parameters: NDArray[np.int64], seed: int
) -> OwnSample | None:
    """Draw from the circuit itself; None where too few samples are affordable.

    The random stream is not the one that measurements of the same seed draw from.
    """
    size = affordable(circuit, len(circuit.observable) + 1, limits.OWN)
    if not size:
        return None
    rng = np.random.default_rng([limits.OWN_SALT, seed])
    try:
        return OwnSample(*sample_components(circuit, law, parameters, size, rng))
    except InputError:  # a generator too wide for the sampler
        return None


def check_law_shape(law: Law, sample: NDArray[np.float64]) -> LawCheck:
    """Hold a law against the circuit's own sample: the whole cdf, and with it every moment."""
    if law.var() == 0.0:
        off = float(np.max(np.abs(sample - law.mean())))
        same = off < limits.POINT_MASS * max(1.0, abs(law.mean()))
        return LawCheck(Validity.ESTABLISHED if same else Validity.OTHER_SHAPE, 0.0 if same else 1.0, sample)
    # a law's cdf can take milliseconds a point: it is taken at quantiles of the sample, where it matters
    ordered = np.sort(sample)
    points = ordered[np.unique(np.linspace(0, len(ordered) - 1, limits.CDF_POINTS).astype(int))]
    distance = float(stats.kstest(sample, lambda x: np.interp(x, points, law.cdf(points))).statistic)
    close = distance <= max(limits.CLOSE, limits.CRITICAL / sqrt(len(sample)))
    return LawCheck(Validity.ESTABLISHED if close else Validity.OTHER_SHAPE, distance, sample)
