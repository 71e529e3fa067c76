"""Whether the losses of one sector form a Gaussian process: the published condition, ours, and the distance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy.special import ndtr

from pennylane_wishart.conventions import ensembles as limits
from pennylane_wishart.ensembles.compression import HaarCompression
from pennylane_wishart.ensembles.scaled import log2_fraction, scaled_float
from pennylane_wishart.errors import InputError

__all__ = ["GaussianVerdict", "gaussian_verdict"]


@dataclass(frozen=True)
class GaussianVerdict:
    """Hold whether the losses of one sector form a Gaussian process, and why.

    Attributes:
        dof: r = Tr(O−λ)²/Tr((O−λ)²) over F; the published condition is r → ∞.
        log2_dof: its base-2 logarithm.
        lindeberg_ratio: max_k (o_k − ō)²/Tr O₀²; ours is that this → 0.
        skewness, kurtosis: exact, of the loss of a pure input.
        ks_distance: largest distance of its cdf to the normal one.
        published: whether r reaches ``dof_threshold``.
        lindeberg: whether the ratio is below ``lindeberg_threshold``.
        is_gaussian: whether ``ks_distance`` is below ``ks_threshold``.
        verdict: one sentence.
    """

    dof: float
    log2_dof: float
    lindeberg_ratio: float
    skewness: float
    kurtosis: float
    ks_distance: float
    published: bool
    lindeberg: bool
    is_gaussian: bool
    verdict: str


def _sentence(published: bool, lindeberg: bool, is_gaussian: bool, distance: float) -> str:
    shown = f"the loss lies {distance:.2g} (KS) from a normal law"
    if is_gaussian and published and lindeberg:
        return f"Gaussian process: both conditions hold and {shown}."
    if is_gaussian:
        return f"Gaussian for practical purposes: {shown}, though a limit condition fails."
    if published and not lindeberg:
        return (
            f"Not a Gaussian process: {shown}; the published condition (many degrees of "
            "freedom) holds but is not sufficient, as single levels dominate the variance."
        )
    if not published:
        return f"Not a Gaussian process: {shown}; the degrees of freedom are few."
    return f"Not a Gaussian process at this size: {shown}, though both limit conditions hold."


def gaussian_verdict(
    values: Sequence[float],
    multiplicities: Sequence[int],
    beta: int,
    *,
    dof_threshold: float = limits.GAUSSIAN_DOF,
    lindeberg_threshold: float = limits.GAUSSIAN_LINDEBERG,
    ks_threshold: float = limits.GAUSSIAN_DISTANCE,
) -> GaussianVerdict:
    """Judge whether the losses of one sector are close to a Gaussian process.

    The published condition r → ∞ is not sufficient: O = 1 − |1⟩⟨1| has r = D − 1 and stays
    a (negative) exponential. The Lindeberg condition max_k (o_k − ō)²/Tr O₀² → 0 is.
    NOT for mixed inputs, whose losses may be closer to normal.

    Args:
        values, multiplicities, beta: spectrum of O over F.
        dof_threshold, lindeberg_threshold, ks_threshold: where the three booleans turn.
    Returns:
        GaussianVerdict.
    Raises:
        InputError: if the observable is constant on the sector.
    Source: arXiv:2408.11901 (condition on r); the Lindeberg condition is ours.
    Example:
        >>> v = gaussian_verdict([0.0, 1.0], [1, 63], beta=2)
        >>> v.published, v.is_gaussian, round(v.skewness, 1)
        (True, False, -1.9)
    """
    law = HaarCompression(tuple(values), tuple(multiplicities), beta)
    spectrum = law._observable
    if len(spectrum.values) == 1:
        raise InputError("values hold one level: the loss is constant, and no process is random.")
    # r in exact arithmetic: a float of r = D − 1 would be inf at 2**1100 states
    lowest = Fraction(spectrum.values[0])
    first = spectrum.raw_sum(1) - spectrum.dim * lowest
    second = spectrum.raw_sum(2) - 2 * lowest * spectrum.raw_sum(1) + spectrum.dim * lowest**2
    dof = first**2 / second
    ratio = max(c * c for c in spectrum.centred()) / spectrum.centred_sums[2]
    distance = _normal_distance(law)
    published = dof >= Fraction(dof_threshold)
    lindeberg = ratio <= Fraction(lindeberg_threshold)
    close = distance <= ks_threshold
    return GaussianVerdict(
        dof=scaled_float(dof),
        log2_dof=log2_fraction(dof),
        lindeberg_ratio=scaled_float(ratio),
        skewness=law.skewness(),
        kurtosis=law.kurtosis(),
        ks_distance=distance,
        published=published,
        lindeberg=lindeberg,
        is_gaussian=close,
        verdict=_sentence(published, lindeberg, close, distance),
    )


def _normal_distance(law: HaarCompression) -> float:
    """Largest |cdf − normal cdf|, on a grid in standard deviations (so of any dimension)."""
    reach, points = limits.GAUSSIAN_GRID
    z = np.linspace(-reach, reach, points)
    unit = 2.0 ** (law.log2_var / 2 - law._levels.exponent)
    lower = np.exp(law._standard_log_tails(z * unit)[0])
    return float(np.max(np.abs(lower - ndtr(z))))
