"""Which descents ended in the same minimum: by loss and place, along level paths, and in valleys."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from pennylane_wishart.conventions import measurement as limits
from pennylane_wishart.conventions.arrays import Bools, Floats, Integers
from pennylane_wishart.errors import DeviceError
from pennylane_wishart.measurement.engine import Engine

__all__ = ["distinct_minima", "group_ends", "wrapped"]

LossOf: TypeAlias = Callable[[Floats], Floats]
"""Losses ``(batch,)`` at points ``(batch, n_params)``."""


def group_ends(
    engine: Engine, periods: Floats, losses: Floats, points: Floats, zeros: Integers | None, same: float
) -> tuple[Floats, Integers]:
    """Return the periods that the loss truly has, and the number of each end's minimum.

    Args:
        zeros: number of Hessian eigenvalues of each end that are zero; None where not computed.
        same: parameter distance within which two ends are one.
    """
    valley, loss_of = np.zeros(len(losses), bool), None
    try:
        periods = _true_periods(engine, periods)
        if zeros is not None:
            # More zero modes than redundant parameters: a valley, which may be bent.
            valley = zeros > _flat_directions(engine, periods)
        return periods, distinct_minima(losses, wrapped(points, periods), periods, same, valley, engine.losses)
    except DeviceError:
        # The device is gone: positions alone tell the ends apart.
        return periods, distinct_minima(losses, wrapped(points, periods), periods, same, valley, loss_of)


def wrapped(points: Floats, periods: Floats) -> Floats:
    """Return points modulo the periods, where there are any."""
    has = periods > 0
    return np.where(has, np.mod(points, np.where(has, periods, 1.0)), points)


def _flat_directions(engine: Engine, periods: Floats) -> int:
    """Number of directions in which the loss is constant everywhere: redundant parameters."""
    n = len(periods)
    rng = np.random.default_rng(limits.FLAT_SEED)
    points = rng.uniform(0, 4 * np.pi, (n + limits.FLAT_EXTRA, n))
    # Gradients at random points span every direction in which the loss moves at all.
    values = np.linalg.svd(engine.run(points, None, None).gradients, compute_uv=False)
    return int(n - np.sum(values > limits.FLAT_RANK * max(values[0], limits.LEAST_GRADIENT)))


def _true_periods(engine: Engine, periods: Floats) -> Floats:
    """Set the period to 0 where the loss has none (gates of incommensurate frequencies)."""
    rng = np.random.default_rng(limits.PERIOD_SEED)
    base = rng.uniform(*limits.PERIOD_ANGLES, (1, len(periods)))
    if len(periods) > limits.PERIOD_SETS:
        # random sets of parameters moved together: a set with one false period shows it in every second draw
        sets = rng.random((limits.PERIOD_SETS, len(periods))) < limits.HALF
        moved = engine.losses(np.concatenate([base, base + sets * periods]))
        if np.abs(moved[1:] - moved[0]).max() < limits.PERIOD_TOLERANCE * max(1.0, float(np.abs(moved).max())):
            return periods
    # All periods in one batch, each from the same point.
    moved = engine.losses(np.concatenate([base, base + np.diag(periods)]))
    allowed = limits.PERIOD_TOLERANCE * max(1.0, float(np.abs(moved).max()))
    return np.where(np.abs(moved[1:] - moved[0]) < allowed, periods, 0.0)


def distinct_minima(
    losses: Floats, points: Floats, periods: Floats, same: float, valley: Bools, loss_of: LossOf | None
) -> Integers:
    """Group end points into distinct minima.

    Two ends are one minimum if their losses agree and either their parameters do (modulo the
    periods), or the loss is level along the shortest straight line between them (a redundant
    parameter makes a minimum a whole line), or both lie in valleys, which may bend: two valleys
    of equal loss count as one.

    Args:
        losses: ``(starts,)``
        points: radians ``(starts, n_params)``
        valley: bool ``(starts,)``: ends whose Hessian has more zero modes than there are redundant
            parameters.
        loss_of: ``loss_of(points) -> losses``; None: positions alone decide.
    Returns:
        int ``(starts,)``: 0 for the lowest minimum.
    """
    # Losses are compared on the scale of the landscape that the descents have seen.
    scale = max(float(np.ptp(losses)), limits.LEAST_RANGE)
    order = np.argsort(losses, kind="stable")
    cluster = np.full(len(losses), -1)
    heads: list[int] = []
    for row in order:
        # The highest minimum so far first: only the last few can have this loss.
        for number in range(len(heads) - 1, -1, -1):
            head = heads[number]
            if losses[row] - losses[head] > limits.LEVEL_CHANGE * scale:
                continue
            # A bent valley leaves every straight line; equal losses are then all there is to go by.
            if valley[row] and valley[head]:
                cluster[row] = number
                break
            # The shortest way round: ends a period apart are the same point.
            step = points[row] - points[head]
            step -= periods * np.round(step / np.where(periods > 0, periods, np.inf))
            if np.linalg.norm(step) <= same or _is_level(losses[head], points[head], step, scale, loss_of):
                cluster[row] = number
                break
        else:
            cluster[row] = len(heads)
            heads.append(int(row))
    return cluster


def _is_level(level: float, start: Floats, step: Floats, scale: float, loss_of: LossOf | None) -> bool:
    if loss_of is None:
        return False
    path = start + np.linspace(0, 1, limits.LEVEL_POINTS)[1:-1, None] * step
    # The midpoint alone settles nearly every pair.
    middle = path[limits.LEVEL_MIDDLE : limits.LEVEL_MIDDLE + 1]
    if abs(loss_of(middle)[0] - level) > limits.LEVEL_CHANGE * scale:
        return False
    return bool(np.abs(loss_of(path) - level).max() <= limits.LEVEL_CHANGE * scale)
