"""From blocks of weighted energies to a law: means, errors over replicas, the curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import Status

__all__ = ["Assembled", "Replica", "assemble"]

Floats = NDArray[np.float64]

CURVE_LEVELS = np.concatenate(
    [[2e-4, 2e-3, 0.008, 0.02], np.linspace(0.05, 0.95, 19), [0.98, 0.992, 0.998, 0.9998]]
)


@dataclass(frozen=True)
class Replica:
    """One independent estimate: energies and unnormalised log weights of minima."""

    energy: Floats
    log_weight: Floats


@dataclass(frozen=True)
class Assembled:
    """Mean, variance, error and curve of a law."""

    mean: float
    variance: float
    standard_error: float
    log_number: float
    log_number_error: float
    knots: Floats
    levels: Floats
    status: Status


def assemble(replicas: list[Replica], floor: float, tolerance: float = 0.02) -> Assembled:
    """Pool replicas (all of equal size) into a law.

    Args:
        replicas: independent estimates.
        floor: energy of the optimum.
        tolerance: relative standard error of mean − floor above which the result is flagged.
    """
    top = max(float(r.log_weight.max()) for r in replicas)
    weights = [np.exp(r.log_weight - top) for r in replicas]
    totals = np.array([w.sum() for w in weights])
    firsts = np.array([(w * r.energy).sum() for w, r in zip(weights, replicas, strict=True)])
    mean = firsts.sum() / totals.sum()
    count = len(replicas)
    # Delete-one jackknife of a ratio: the replicas weigh what they found.
    left = (firsts.sum() - firsts) / (totals.sum() - totals)
    error = float(np.sqrt((count - 1) / count * ((left - left.mean()) ** 2).sum()))
    energy = np.concatenate([r.energy for r in replicas])
    weight = np.concatenate(weights) / totals.sum()
    variance = float(weight @ (energy - mean) ** 2)
    log_number = top + float(np.log(totals.mean()))
    log_error = float(totals.std(ddof=1) / np.sqrt(count) / totals.mean())
    status = Status.ESTIMATED
    if error > tolerance * (mean - floor) and error**2 * 100 > variance:
        status = Status.NOT_CONVERGED
    if error**2 * 30 > variance:
        status = Status.LOW_SAMPLE_SIZE
    knots, levels = _curve(energy, weight)
    return Assembled(
        float(mean), variance, error, log_number, log_error, knots, levels, status
    )


def _curve(energy: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Return strictly increasing knots of the weighted empirical distribution."""
    order = np.argsort(energy)
    sorted_energy, sorted_weight = energy[order], weight[order]
    cumulative = np.cumsum(sorted_weight) - 0.5 * sorted_weight
    seen = np.flatnonzero(sorted_weight > 0)
    inner = np.interp(CURVE_LEVELS, cumulative, sorted_energy)
    knots = np.concatenate([[sorted_energy[seen[0]]], inner, [sorted_energy[seen[-1]]]])
    levels = np.concatenate([[0.0], CURVE_LEVELS, [1.0]])
    # Atoms repeat after resampling: drop knots that coincide, but keep both ends.
    closest = 1e-9 * (knots[-1] - knots[0])
    keep = [0]
    for index in range(1, knots.size):
        if knots[index] > knots[keep[-1]] + closest:
            keep.append(index)
    knots, levels = knots[keep], levels[keep]
    if knots.size == 1:
        return np.array([knots[0], np.nextafter(knots[0], np.inf)]), np.array([0.0, 1.0])
    levels[-1] = 1.0
    return knots, levels
