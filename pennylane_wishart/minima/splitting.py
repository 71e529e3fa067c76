"""Positive Hessians by splitting: E[det H^q 1{H > 0}] one row and column at a time.

det H = ∏ s_k with s_k the Schur complement of row k, so a population of partial Hessians is grown
a row at a time, weighted by s_k 1{s_k > 0} and resampled inside blocks of nearly equal energy
when its weights become uneven (sequential Monte Carlo). The estimate of each block's integral is
unbiased, however rare positivity is; its error is read from independent replicas.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pennylane_wishart.conventions import minima as limits
from pennylane_wishart.conventions.numbers import TINY
from pennylane_wishart.ensembles.scaled import Array

__all__ = ["Column", "Columns", "SplitResult", "split"]


@dataclass(frozen=True)
class Column:
    """One new random direction per particle."""

    rows: Array
    """Coordinates of the direction, ``(P, n_rows)``; rows that are zero so far are left out."""
    field: Array
    """What earlier directions are contracted with to give this column of H, ``(P, n_rows)``."""
    diagonal: Array
    """H_kk, ``(P,)``."""
    noise: Array | None
    """Standard deviation of an independent part of the column, ``(P,)``, or None."""
    log_weight: Array
    """Logarithm of the factor of this parameter that is not the determinant, ``(P,)``."""


class Columns(Protocol):
    """A source of random directions for a population of states."""

    @property
    def stiffness(self) -> Array:
        """Mean diagonal entry of H, ``(P,)``; not positive where it has none to offer."""

    @property
    def coupling(self) -> Array:
        """Variance of an off-diagonal entry of H, ``(P,)``."""

    def draw(self, index: int, rng: np.random.Generator) -> Column:
        """Draw direction ``index`` for every particle."""

    def take(self, target: NDArray[np.intp], source: NDArray[np.intp]) -> None:
        """Overwrite particles ``target`` by copies of ``source``."""

    def width(self, n_parameters: int) -> int:
        """Largest number of rows."""


@dataclass(frozen=True)
class SplitResult:
    """Integral and surviving population of every block."""

    log_mass: Array
    """log of the mean weight, ``(n_blocks,)``."""
    weights: Array
    """Normalised weights of the survivors, ``(n_blocks, block)``."""
    ancestors: NDArray[np.intp]
    """Index of the initial particle of each survivor, ``(n_blocks, block)``."""


class _Population:
    """Partial Hessians of all particles, as inverse Cholesky factors."""

    def __init__(self, count: int, n_parameters: int, width: int):
        self.rows = np.zeros((count, n_parameters, width))
        self.inverse = np.zeros((count, n_parameters, n_parameters))
        self.trace = np.zeros(count)
        self.ancestors = np.arange(count)

    def append(self, index: int, column: Column, rng: np.random.Generator) -> Array:
        """Add a row and column to H; return the Schur complements."""
        width = column.rows.shape[1]
        schur = column.diagonal
        half = None
        if index:
            past = self.rows[:, :index, :width]
            entries = (past @ column.field[:, :, None])[:, :, 0]
            if column.noise is not None:
                entries += column.noise[:, None] * rng.standard_normal(entries.shape)
            half = (self.inverse[:, :index, :index] @ entries[:, :, None])[:, :, 0]
            schur = schur - (half * half).sum(axis=1)
        root = 1 / np.sqrt(np.where(schur > 0, schur, 1.0))
        if half is not None:
            row = -(half[:, None, :] @ self.inverse[:, :index, :index])[:, 0, :] * root[:, None]
            # a particle with a non-positive complement is dead: keep its numbers finite.
            row[schur <= 0] = 0.0
            self.inverse[:, index, :index] = row
            self.trace += (row * row).sum(axis=1)
        self.inverse[:, index, index] = root
        self.trace += root * root
        self.rows[:, index, :width] = column.rows
        return schur

    def take(self, target: NDArray[np.intp], source: NDArray[np.intp], used: int, width: int) -> None:
        """Overwrite particles ``target`` by copies of ``source``."""
        self.rows[target, :used, :width] = self.rows[source, :used, :width]
        self.inverse[target, :used, :used] = self.inverse[source, :used, :used]
        self.trace[target] = self.trace[source]
        self.ancestors[target] = self.ancestors[source]


def _systematic(weights: Array, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return systematic-resampling indices inside each row of ``weights``."""
    n_blocks, block = weights.shape
    cumulative = np.cumsum(weights, axis=1)
    cumulative /= cumulative[:, -1:]
    points = (np.arange(block) + rng.random((n_blocks, 1))) / block
    lift = 2.0 * np.arange(n_blocks)[:, None]
    found = np.searchsorted((cumulative + lift).ravel(), (points + lift).ravel())
    last = np.repeat(np.arange(1, n_blocks + 1) * block - 1, block)
    return np.asarray(np.minimum(found, last))


def _blocked(log_weights: Array) -> tuple[Array, Array, Array]:
    """Return per-block maximum, weights relative to it, and their sum."""
    top = log_weights.max(axis=1)
    top = np.where(np.isfinite(top), top, 0.0)
    weights = np.exp(log_weights - top[:, None])
    return top, weights, weights.sum(axis=1)


def split(
    columns: Columns,
    log_weights: Array,
    n_parameters: int,
    rng: np.random.Generator,
    power: float = 1.0,
    threshold: float = limits.RESAMPLE_BELOW,
) -> SplitResult:
    """Estimate mean(weight · ∏ factor · det H^power · 1{H > 0}) of every block.

    Args:
        columns: source of directions for ``n_blocks·block`` particles; it is used up.
        log_weights: initial log weights, ``(n_blocks, block)``.
        n_parameters: size of H.
        rng: generator.
        power: exponent of the determinant.
        threshold: resample when a block's effective size falls below this share.
    Returns:
        SplitResult.
    Cost: O(particles · p · (rows + p)·p) time, particles·p·(rows + p) numbers of memory.
    """
    n_blocks, block = log_weights.shape
    count = n_blocks * block
    population = _Population(count, n_parameters, columns.width(n_parameters))
    current = log_weights.astype(float).copy()
    looked_ahead = np.zeros(count)
    for index in range(n_parameters):
        column = columns.draw(index, rng)
        schur = population.append(index, column, rng)
        ahead = _lookahead(columns, population.trace, n_parameters - 1 - index)
        alive = schur > 0
        gain = power * np.log(np.where(alive, schur, 1.0)) + column.log_weight + ahead - looked_ahead
        current += np.where(alive, gain, -np.inf).reshape(n_blocks, block)
        looked_ahead = ahead
        top, weights, total = _blocked(current)
        if index == n_parameters - 1:
            break
        effective = total**2 / np.maximum((weights**2).sum(axis=1), TINY)
        uneven = (effective < threshold * block) & (total > 0)
        if uneven.any():
            chosen = _systematic(np.where(total[:, None] > 0, weights, 1.0), rng)
            target = np.flatnonzero(np.repeat(uneven, block))
            source = chosen[target]
            columns.take(target, source)
            population.take(target, source, index + 1, column.rows.shape[1])
            looked_ahead[target] = looked_ahead[source]
            level = top + np.log(np.maximum(total, TINY) / block)
            current[uneven] = level[uneven, None]
    with np.errstate(divide="ignore"):
        log_mass = np.where(total > 0, top + np.log(total / block), -np.inf)
    shares = weights / np.maximum(total, TINY)[:, None]
    return SplitResult(log_mass, shares, population.ancestors.reshape(n_blocks, block))


def _lookahead(columns: Columns, trace: Array, remaining: int) -> Array:
    """Look-ahead: the expected loss of stiffness of the rows still to come."""
    stiffness = columns.stiffness
    usable = stiffness > 0
    loss = columns.coupling * trace / np.where(usable, stiffness, 1.0)
    return np.where(usable, -limits.LOOKAHEAD * remaining * np.minimum(loss, limits.LARGEST_LOSS), 0.0)
