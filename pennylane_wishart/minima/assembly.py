"""From blocks of weighted energies to a law: means, errors over replicas, the curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from ..errors import Status

__all__ = ["Assembled", "Replica", "assemble"]

Floats = NDArray[np.float64]

N_KNOTS = 81
N_BINS = 600
ROOT = 8


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
    if error > tolerance * (mean - floor):
        status = Status.NOT_CONVERGED
    if error**2 * 100 > variance:
        status = Status.LOW_SAMPLE_SIZE
    knots, levels = _curve(energy, weight, floor, variance / max(error, 1e-300) ** 2)
    return Assembled(float(mean), variance, error, log_number, log_error, knots, levels, status)


def _curve(energy: Floats, weight: Floats, floor: float, size: float) -> tuple[Floats, Floats]:
    """Return the knots of a smooth distribution function.

    A normal kernel in the eighth root of the energy, where even a law that piles up at the
    optimum keeps clear of 0, with the atoms drawn together so that its variance is not inflated.
    """
    kept = weight > 0
    share = weight[kept]
    root = np.maximum(energy[kept] - floor, 0.0) ** (1 / ROOT)
    mean = float(share @ root)
    spread = float(np.sqrt(share @ (root - mean) ** 2))
    if not spread > 1e-13 * abs(mean):
        middle = floor + mean**ROOT
        return np.array([middle, np.nextafter(middle, np.inf)]), np.array([0.0, 1.0])
    relative = 0.9 * float(np.clip(size, 50.0, 1e4)) ** -0.2
    shrink = 1 / np.sqrt(1 + relative**2)
    moved = mean + shrink * (root - mean)
    width = relative * shrink * spread
    mass, edges = np.histogram(moved, bins=N_BINS, weights=share)
    centers = 0.5 * (edges[1:] + edges[:-1])
    low, high = max(moved.min() - 3 * width, 0.0), moved.max() + 3 * width
    grid = np.linspace(low, high, N_KNOTS)

    def below(point: Floats) -> Floats:
        return np.asarray(ndtr((point[:, None] - centers) / width) @ mass)

    # What the kernel puts below the optimum is folded back.
    levels = below(grid) - below(2 * low - grid)
    levels = (levels - levels[0]) / (levels[-1] - levels[0])
    keep = np.concatenate([[True], np.diff(levels) > 1e-12])
    keep[-1] = levels[-1] > levels[np.flatnonzero(keep[:-1])[-1]]
    knots, levels = floor + grid[keep] ** ROOT, levels[keep]
    levels[-1] = 1.0
    return knots, levels
