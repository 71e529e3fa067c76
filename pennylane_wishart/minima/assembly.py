"""From blocks of weighted energies to a law: means, errors over replicas, the curve."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from pennylane_wishart.conventions import minima as limits
from pennylane_wishart.conventions.numbers import TINY
from pennylane_wishart.ensembles.scaled import Array
from pennylane_wishart.errors import Status
from pennylane_wishart.minima.law import MinimaLaw

__all__ = ["Assembled", "Question", "Replica", "assemble", "point_mass"]


@dataclass(frozen=True)
class Replica:
    """One independent estimate: energies and unnormalised log weights of minima."""

    energy: Array
    log_weight: Array


@dataclass(frozen=True)
class Assembled:
    """Mean, variance, error and curve of a law."""

    mean: float
    variance: float
    standard_error: float
    knots: Array
    levels: Array
    status: Status
    log_number: float = math.nan
    log_number_error: float = math.nan


@dataclass(frozen=True)
class Question:
    """What a law is asked for, in the observable's units: where its energies count from, and of what."""

    center: float
    ground: float
    n_parameters: int
    transition: float
    weighting: str
    seed: int | None

    def answer(self, found: Assembled, engine: str, unit: float = 1.0, counted: bool = True) -> MinimaLaw:
        """Return the record of energies found in units of ``unit`` from the centre."""
        return MinimaLaw(
            knots=found.knots * unit,
            levels=found.levels,
            center=self.center,
            ground=self.ground,
            deviation=found.mean * unit,
            variance=found.variance * unit**2,
            standard_error=found.standard_error * unit,
            n_parameters=self.n_parameters,
            transition=float(self.transition),
            engine=engine,
            status=found.status,
            weighting=self.weighting,
            log2_expected_number=found.log_number / np.log(2) if counted else math.nan,
            log2_expected_number_error=found.log_number_error / np.log(2) if counted else math.nan,
            seed=self.seed,
        )


def point_mass(energy: float) -> Assembled:
    """Return the law of minima that all have one energy."""
    return Assembled(energy, 0.0, 0.0, np.array([energy]), np.ones(1), Status.OK)


def assemble(replicas: list[Replica], floor: float, tolerance: float = limits.TOLERANCE) -> Assembled:
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
    # delete-one jackknife of a ratio: the replicas weigh what they found.
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
    if error**2 * limits.FEWEST_EFFECTIVE > variance:
        status = Status.LOW_SAMPLE_SIZE
    knots, levels = _curve(energy, weight, floor, variance / max(error, TINY) ** 2)
    return Assembled(float(mean), variance, error, knots, levels, status, log_number, log_error)


def _curve(energy: Array, weight: Array, floor: float, size: float) -> tuple[Array, Array]:
    """Return the knots of a smooth distribution function.

    A normal kernel in the eighth root of the energy, where even a law that piles up at the
    optimum keeps clear of 0.
    """
    kept = weight > 0
    share = weight[kept]
    root = np.maximum(energy[kept] - floor, 0.0) ** (1 / limits.ROOT)
    mean = float(share @ root)
    spread = float(np.sqrt(share @ (root - mean) ** 2))
    if not spread > limits.POINT_SPREAD * abs(mean):
        middle = floor + mean**limits.ROOT
        return np.array([middle, np.nextafter(middle, np.inf)]), np.array([0.0, 1.0])
    factor, fewest, most = limits.KERNEL
    relative = factor * min(max(size, fewest), most) ** -0.2
    # the atoms are drawn together, so that the kernel does not inflate the variance
    shrink = 1 / np.sqrt(1 + relative**2)
    moved = mean + shrink * (root - mean)
    width = relative * shrink * spread
    mass, edges = np.histogram(moved, bins=limits.N_BINS, weights=share)
    centers = 0.5 * (edges[1:] + edges[:-1])
    reach = limits.KERNEL_REACH * width
    low, high = max(float(moved.min()) - reach, 0.0), float(moved.max()) + reach
    grid = np.linspace(low, high, limits.N_KNOTS)

    def below(point: Array) -> Array:
        return np.asarray(ndtr((point[:, None] - centers) / width) @ mass)

    # what the kernel puts below the optimum is folded back.
    levels = below(grid) - below(2 * low - grid)
    levels = (levels - levels[0]) / (levels[-1] - levels[0])
    keep = np.concatenate([[True], np.diff(levels) > limits.LEVEL_STEP])
    keep[-1] = levels[-1] > levels[np.flatnonzero(keep[:-1])[-1]]
    knots, levels = floor + grid[keep] ** limits.ROOT, levels[keep]
    levels[-1] = 1.0
    return knots, levels
