"""Minima of circuits with hundreds of parameters: smaller circuits of the same ratios, extrapolated.

The Kac–Rice integral costs p³ per state. At fixed ratio of parameters to dimensions minima
concentrate at E_∞, where the left edge of the Hessian's spectrum touches 0, and finite size lifts
their mean above it by a/√p, a nearly constant: the log-number of minima grows as p per unit of
energy, and positivity above the edge costs p²·distance³. So a is read off two smaller circuits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, Status
from .exact import law_of_sectors
from .integral import check_sizes
from .law import MinimaLaw
from .spectrum import SectorSpectrum, rescale_dims, sector_spectrum
from .spectrum_reduction import merge_levels
from .tilting import tilt_path

__all__ = ["large_minima_law", "limit_energy"]

Floats = NDArray[np.float64]

SMALL, LARGE = 24, 48
"""Parameters of the two circuits that are computed."""
SAMPLES = 4096
MOST_LEVELS = 24
CRAMPED = 0.3
"""Share of the lift above E_∞ that counts as error where E_∞ is small against it."""
TOLERANCE = 0.05
"""Relative standard error of E above which the law is flagged."""
SPREAD_POWER = 0.75
"""The standard deviation of E falls as p^−¾: the curvature of p²·distance³ at distance p^−½."""
FAR = -1e9
"""Most negative argument of the R-transform that is looked at."""
LARGEST_SHIFT = 0.03
"""Largest relative change of r/D by rounding multiplicities to a smaller dimension."""


def limit_energy(sectors: Sequence[tuple[ArrayLike, Sequence[int], int, float]], n_parameters: int) -> float:
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
    active = _active(sectors)
    n_parameters, _ = check_sizes(n_parameters, None)
    _below_transition(active, n_parameters)
    return _limit(rescale_dims(active)[0], n_parameters)


def _active(sectors) -> list[SectorSpectrum]:
    checked = [sector_spectrum(v, m, b, w) for v, m, b, w in sectors]
    active = [s for s in checked if s.rank > 0]
    if not active:
        raise InputError("sectors must hold one with two levels: a constant loss has no minima.")
    return active


def _below_transition(active: Sequence[SectorSpectrum], n_parameters: int) -> None:
    transition = sum(s.beta * s.rank for s in active)
    if n_parameters >= transition:
        raise InputError(f"n_parameters = {n_parameters} is not below p* = {transition}: minima are optimal there.")


def _limit(active: Sequence[SectorSpectrum], p: int) -> float:
    """E_∞ by walking down the path of typical states until the edge turns positive."""
    path = tilt_path(active)
    shares = path.typical(path.tilts, path.ground_factor)
    step, noise = np.zeros((path.energy.size, 0)), np.zeros(path.energy.size)
    fraction, ratio = np.zeros(0), np.zeros(0)
    for sector, share in zip(active, shares, strict=True):
        energy = share @ sector.centred
        excess = sector.centred - energy[:, None]
        step = np.concatenate([step, sector.weight * excess], axis=1)
        spread = (share * excess**2).sum(axis=1)
        dim = float(sector.beta * sector.dim)
        noise += p / dim * sector.weight**2 * spread
        levels = np.array([m / sector.dim for m in sector.multiplicities])
        fraction = np.concatenate([fraction, levels])
        ratio = np.concatenate([ratio, np.full(levels.size, p / dim)])
    edge = _left_edge(step, fraction, ratio, noise)
    below = np.flatnonzero((edge[:-1] <= 0) & (edge[1:] > 0))
    ground = sum(s.weight * s.gap_to_mean for s in active)
    if below.size == 0:
        return 0.0
    i = int(below[0])
    at = path.energy[i] + (path.energy[i + 1] - path.energy[i]) * edge[i] / (edge[i] - edge[i + 1])
    return float(max(at / ground + 1, 0.0))


def _left_edge(step: Floats, fraction: Floats, ratio: Floats, noise: Floats) -> Floats:
    """Largest value over z < 0 of Σ f·c/(1 − γcz) + 1/z + νz, one row of levels c per energy."""
    poles = np.where(step < 0, 1 / (ratio * np.where(step < 0, np.minimum(step, -1e-200), -1.0)), FAR)
    far = np.maximum(poles.max(axis=1), FAR)
    low, high = np.full(far.size, -60.0), np.zeros(far.size)
    golden = (np.sqrt(5) - 1) / 2

    def value(log_share: Floats) -> Floats:
        z = far * np.exp(log_share)
        parts = fraction * step / (1 - ratio * step * z[:, None])
        return np.asarray(parts.sum(axis=1) + 1 / z + noise * z)

    for _ in range(90):  # unimodal in log z
        left, right = high - golden * (high - low), low + golden * (high - low)
        better = value(left) > value(right)
        low, high = np.where(better, low, left), np.where(better, right, high)
    return value((low + high) / 2)


def large_minima_law(
    sectors: Sequence[tuple[ArrayLike, Sequence[int], int, float]],
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
    active = _active(sectors)
    _below_transition(active, n_parameters)
    if n_parameters <= LARGE:
        raise InputError(f"n_parameters = {n_parameters}: use minima_law up to {LARGE}.")
    active, spread = rescale_dims(active)
    found = [_smaller(active, n_parameters, p, seed) for p in (SMALL, LARGE)]
    (a1, s1, _, p1), (a2, s2, law, p2) = found
    target = _limit(active, n_parameters)
    ahead = (p2**-0.5 - n_parameters**-0.5) / (p1**-0.5 - p2**-0.5)
    change = ahead * (a2 - a1)
    lift = (a2 + change) / np.sqrt(n_parameters)
    energy = max(target + lift, 1e-3 * abs(lift))
    sampled = np.hypot((1 + ahead) * s2, ahead * s1)
    # next to the transition E_∞ vanishes, and the first order in 1/√p alone is not enough
    cramped = CRAMPED * abs(lift) * max(0.0, 1 - 2 * target / energy)
    error = float(np.sqrt((sampled**2 + change**2 / 4) / n_parameters + cramped**2))
    deviation = law.std() * (p2 / n_parameters) ** SPREAD_POWER
    return _dress(law, active, sectors, spread, (energy, error, deviation), n_parameters, seed)


def _smaller(
    active: Sequence[SectorSpectrum], n_parameters: int, p: int, seed: int | None
) -> tuple[float, float, MinimaLaw, int]:
    """Return (a, its error, law in units of E, p) of a circuit with fewer parameters."""
    scaled = [_shrink(s, p / n_parameters) for s in active]
    law = law_of_sectors(scaled, p, seed, SAMPLES).in_units_of_E()
    root = np.sqrt(p)
    return (law.mean() - _limit(scaled, p)) * root, law.standard_error * root, law, p


def _shrink(sector: SectorSpectrum, share: float) -> SectorSpectrum:
    """The same shares of the levels in a smaller dimension, or a refusal."""
    if len(sector.multiplicities) > MOST_LEVELS:
        sector = merge_levels(sector, MOST_LEVELS)
    counts = [max(1, round(m * share)) for m in sector.multiplicities]
    total = sum(counts)
    levels = sector.centred - float(np.dot([c / total for c in counts], sector.centred))
    smaller = replace(sector, centred=levels, multiplicities=tuple(counts))
    exact, rounded = (s.gap_to_mean**2 / (s.gap_to_mean**2 + s.second_moment) for s in (sector, smaller))
    moved = abs(rounded / exact - 1), abs(total / (share * sector.dim) - 1)
    if max(moved) > LARGEST_SHIFT:
        raise InputError(
            f"multiplicities {sector.multiplicities[:6]} cannot be scaled by {share:.3g}: the law of minima is "
            "extrapolated only where every level has many states."
        )
    return smaller


def _dress(
    law: MinimaLaw,
    active: Sequence[SectorSpectrum],
    sectors: Sequence[tuple[ArrayLike, Sequence[int], int, float]],
    spread: float,
    numbers: tuple[float, float, float],
    p: int,
    seed: int | None,
) -> MinimaLaw:
    """Give the larger circuit's shape the extrapolated mean and width, on a log scale of E."""
    energy, error, deviation = numbers
    shape = (deviation / energy) / (law.std() / law.mean())
    knots = np.maximum(law.knots + law.center, 1e-300) ** shape
    middle = float(np.dot(np.diff(law.levels), (knots[1:] + knots[:-1]) / 2))
    knots = knots * (energy / middle)
    keep = np.concatenate([[True], np.diff(knots) > 0])
    whole = [sector_spectrum(v, m, b, w) for v, m, b, w in sectors]
    ground = sum(s.weight * s.ground for s in whole)
    gap = sum(s.weight * s.gap_to_mean for s in active)
    unit = gap * spread
    trained = [s for s in whole if s.rank > 0]
    return MinimaLaw(
        knots=(knots[keep] - 1) * unit,
        levels=law.levels[keep],
        center=ground + gap,
        ground=ground,
        deviation=(energy - 1) * unit,
        variance=(deviation * unit) ** 2,
        standard_error=error * unit,
        effective_sample_size=(deviation / error) ** 2,
        log2_expected_number=float("nan"),
        log2_expected_number_error=float("nan"),
        n_parameters=p,
        transition=float(sum(s.beta * s.rank for s in trained)),
        weighting="count",
        engine=f"Kac-Rice at {SMALL} and {LARGE} parameters, extrapolated in 1/sqrt(p)",
        status=Status.ESTIMATED if error <= TOLERANCE * energy else Status.NOT_CONVERGED,
        seed=seed,
    )
