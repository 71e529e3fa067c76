"""Minima of circuits with hundreds of parameters: smaller circuits of the same ratios, extrapolated.

The Kac–Rice integral costs p³ per state. At fixed ratio of parameters to dimensions minima
concentrate at E_∞, where the left edge of the Hessian's spectrum touches 0, and finite size lifts
their mean above it by a/√p, a nearly constant: the log-number of minima grows as p per unit of
energy, and positivity above the edge costs p²·distance³. So a is read off two smaller circuits.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pennylane_wishart.conventions import minima as limits
from pennylane_wishart.conventions.numbers import TINY
from pennylane_wishart.ensembles.scaled import Array
from pennylane_wishart.ensembles.spectrum import Spectrum
from pennylane_wishart.errors import InputError, Status
from pennylane_wishart.minima.assembly import Assembled, Question
from pennylane_wishart.minima.exact import law_of_sectors
from pennylane_wishart.minima.integral import check_sizes
from pennylane_wishart.minima.law import MinimaLaw
from pennylane_wishart.minima.spectrum import (
    GivenSector,
    gap_to_mean,
    merge_levels,
    moving_sectors,
    rescale_dims,
    resized,
    second_moment,
    sector_spectra,
)
from pennylane_wishart.minima.tilting import tilt_path

__all__ = ["large_minima_law", "limit_energy"]


def limit_energy(sectors: Sequence[GivenSector], n_parameters: int) -> float:
    """Return E_∞, where minima concentrate when all sizes grow at these ratios.

    The left edge of ⊞_levels Marchenko–Pastur(w(o_k − e)) ⊞ semicircle equals 0: finite rank and any
    spectrum, where :func:`concentration_energy` is the case r ≪ D of one level. NOT a finite-size
    number: :func:`large_minima_law` adds what is left of order 1/√p.

    Args:
        sectors: tuples (values, multiplicities, beta, weight), as in :func:`minima_law_sectors`.
        n_parameters: p, below the transition.
    Returns:
        float: (e − ground)/(mean − ground).
    Raises:
        InputError: if an argument is malformed or p is not below p*.
    Cost: about 10 ms.
    Source: ours.
    Example:
        >>> round(limit_energy([([-1, 1], [64, 64], 2, 1.0)], 32), 4)
        0.1714
    """
    active = moving_sectors(sector_spectra(sectors), "sectors must hold one with")
    n_parameters, _ = check_sizes(n_parameters, None)
    _below_transition(active, n_parameters)
    return _limit(rescale_dims(active)[0], n_parameters)


def _below_transition(active: Sequence[Spectrum], n_parameters: int) -> None:
    transition = sum(s.beta * s.rank for s in active)
    if n_parameters >= transition:
        raise InputError(f"n_parameters = {n_parameters} is not below p* = {transition}: minima are optimal there.")


def _limit(active: Sequence[Spectrum], p: int) -> float:
    """E_∞ by walking down the path of typical states until the edge turns positive."""
    path = tilt_path(active)
    shares = path.typical(path.tilts, path.ground_factor)
    step, noise = np.zeros((path.energy.size, 0)), np.zeros(path.energy.size)
    fraction, ratio = np.zeros(0), np.zeros(0)
    for sector, share in zip(active, shares, strict=True):
        excess = sector.deviations - (share @ sector.deviations)[:, None]
        step = np.concatenate([step, excess], axis=1)
        dim = float(sector.beta * sector.dim)
        noise += p / dim * (share * excess**2).sum(axis=1)
        fraction = np.concatenate([fraction, sector.shares])
        ratio = np.concatenate([ratio, np.full(len(sector.counts), p / dim)])
    edge = _left_edge(step, fraction, ratio, noise)
    below = np.flatnonzero((edge[:-1] <= 0) & (edge[1:] > 0))
    ground = sum(gap_to_mean(s) for s in active)
    if below.size == 0:
        return 0.0
    i = int(below[0])
    at = path.energy[i] + (path.energy[i + 1] - path.energy[i]) * edge[i] / (edge[i] - edge[i + 1])
    return float(max(at / ground + 1, 0.0))


def _left_edge(step: Array, fraction: Array, ratio: Array, noise: Array) -> Array:
    """Largest value over z < 0 of Σ f·c/(1 − γcz) + 1/z + νz, one row of levels c per energy."""
    falling = np.where(step < 0, np.minimum(step, -limits.SMALLEST_STEP), -1.0)
    poles = np.where(step < 0, 1 / (ratio * falling), limits.FAR)
    # the edge belongs to the branch between 0 and the nearest pole
    far = np.maximum(poles.max(axis=1), limits.FAR)
    low, high = np.full(far.size, limits.EDGE_DEPTH), np.zeros(far.size)
    golden = (np.sqrt(5) - 1) / 2

    def value(log_share: Array) -> Array:
        z = far * np.exp(log_share)
        parts = fraction * step / (1 - ratio * step * z[:, None])
        return np.asarray(parts.sum(axis=1) + 1 / z + noise * z)

    for _ in range(limits.EDGE_STEPS):  # unimodal in log z
        left, right = high - golden * (high - low), low + golden * (high - low)
        better = value(left) > value(right)
        low, high = np.where(better, low, left), np.where(better, right, high)
    return value((low + high) / 2)


def large_minima_law(
    sectors: Sequence[GivenSector],
    n_parameters: int,
    seed: int | None = None,
) -> MinimaLaw:
    """Compute the count-weighted law of local minima for more than 48 parameters.

    Two circuits of 24 and 48 parameters with the same ratios p/D and the same shares of the levels
    are computed exactly; E − E_∞ = a(p)/√p is extrapolated linearly in 1/√p, the width as p^−¾, the
    shape is that of the larger circuit. The standard error holds the sampling errors and half of
    the extrapolated change of a. NOT for observables with a few isolated states among many.

    Args:
        sectors: tuples (values, multiplicities, beta, weight).
        n_parameters: p > 48, below the transition.
        seed: seed of numpy.random.default_rng.
    Returns:
        MinimaLaw of the loss, without a number of minima; ``status`` says where its error is large.
    Raises:
        InputError: if p is not in range, or the spectrum cannot be made smaller at fixed shares.
    Cost: that of the two circuits, about 3 s, at any p.
    Source: ours.
    """
    n_parameters, _ = check_sizes(n_parameters, None)
    active = moving_sectors(sector_spectra(sectors), "sectors must hold one with")
    _below_transition(active, n_parameters)
    if n_parameters <= limits.LARGE:
        raise InputError(f"n_parameters = {n_parameters}: use minima_law up to {limits.LARGE}.")
    active, spread = rescale_dims(active)
    found = [_smaller(active, n_parameters, p, seed) for p in (limits.SMALL, limits.LARGE)]
    (a1, s1, _, p1), (a2, s2, law, p2) = found
    target = _limit(active, n_parameters)
    ahead = (p2**-0.5 - n_parameters**-0.5) / (p1**-0.5 - p2**-0.5)
    change = ahead * (a2 - a1)
    lift = (a2 + change) / np.sqrt(n_parameters)
    energy = max(target + lift, limits.LOWEST_LIFT * abs(lift))
    sampled = np.hypot((1 + ahead) * s2, ahead * s1)
    # next to the transition E_∞ vanishes, and the first order in 1/√p alone is not enough
    cramped = limits.CRAMPED * abs(lift) * max(0.0, 1 - 2 * target / energy)
    error = float(np.sqrt((sampled**2 + change**2 / 4) / n_parameters + cramped**2))
    deviation = law.std() * (p2 / n_parameters) ** limits.SPREAD_POWER
    whole = sector_spectra(sectors)
    unit = sum(gap_to_mean(s) for s in active) * spread
    center, ground = sum(float(s.mean) for s in whole), sum(s.values[0] for s in whole)
    question = Question(center, ground, n_parameters, sum(s.beta * s.rank for s in whole), "count", seed)
    engine = f"Kac-Rice at {limits.SMALL} and {limits.LARGE} parameters, extrapolated in 1/sqrt(p)"
    return question.answer(_moved(law, energy, error, deviation), engine, unit)


def _smaller(
    active: Sequence[Spectrum], n_parameters: int, p: int, seed: int | None
) -> tuple[float, float, MinimaLaw, int]:
    """Return (a, its error, law in units of E, p) of a circuit with fewer parameters."""
    scaled = [_shrink(s, p / n_parameters) for s in active]
    law = law_of_sectors(scaled, p, seed, limits.EXTRAPOLATED_SAMPLES).in_units_of_E()
    root = np.sqrt(p)
    return (law.mean() - _limit(scaled, p)) * root, law.standard_error * root, law, p


def _shrink(sector: Spectrum, share: float) -> Spectrum:
    """The same shares of the levels in a smaller dimension, or a refusal."""
    if len(sector.counts) > limits.MOST_LEVELS:
        sector = merge_levels(sector, limits.MOST_LEVELS)
    smaller = resized(sector, [max(1, round(m * share)) for m in sector.counts])
    exact, rounded = (gap_to_mean(s) ** 2 / (gap_to_mean(s) ** 2 + second_moment(s)) for s in (sector, smaller))
    moved = abs(rounded / exact - 1), abs(smaller.dim / (share * sector.dim) - 1)
    if max(moved) > limits.LARGEST_SHIFT:
        raise InputError(
            f"multiplicities {sector.counts[:6]} cannot be scaled by {share:.3g}: the law of minima is "
            "extrapolated only where every level has many states."
        )
    return smaller


def _moved(law: MinimaLaw, energy: float, error: float, deviation: float) -> Assembled:
    """Give the larger circuit's shape the extrapolated mean and width, on a log scale of E."""
    shape = (deviation / energy) / (law.std() / law.mean())
    knots = np.maximum(law.knots + law.center, TINY) ** shape
    middle = float(np.dot(np.diff(law.levels), (knots[1:] + knots[:-1]) / 2))
    knots = knots * (energy / middle)
    keep = np.concatenate([[True], np.diff(knots) > 0])  # equal to rounding next to the optimum
    status = Status.ESTIMATED if error <= limits.EXTRAPOLATED_TOLERANCE * energy else Status.NOT_CONVERGED
    return Assembled(energy - 1, deviation**2, error, knots[keep] - 1, law.levels[keep], status)
