"""Random states drawn where they are needed: tilted Dirichlet laws and their exact weights.

A Haar state's level weights are D = g/Σg with g_k ~ Gamma(β m_k/2). Dividing g_k by 1 + τ·c_k
moves the energy e = Σ c_k D_k downwards (τ > 0) or upwards, and its importance weight against
the Haar law, (1 + τe)^{βD/2} / ∏(1 + τc_k)^{βm_k/2}, depends on e alone; so a mixture of tilts
has the weight 1/Σ_i a_i/weight_i (balance heuristic). Several sectors are tilted together along
one exponential field s on the total energy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .spectrum import SectorSpectrum

__all__ = ["TiltPath", "tilt_path"]

Floats = NDArray[np.float64]

TINY = 1e-16
"""Smallest ratio of tilts that is told from 0."""
MANY_LEVELS = 16
"""Above this number of levels weights are computed in one sum, with an error dim·1e-16."""


@dataclass(frozen=True)
class TiltPath:
    """Tilts of all sectors along one field, tabulated from the top energy to the ground."""

    sectors: tuple[SectorSpectrum, ...]
    energy: Floats
    """Typical total energy (centred) along the path, strictly descending, shape ``(T,)``."""
    tilts: Floats
    """τ per sector, shape ``(T, n_sectors)``, in units of 1/level."""
    ground_factor: Floats
    """1 + τ·(lowest level), kept apart because it cancels near the ground, ``(T, n_sectors)``."""

    def factors(self, sector: int, tilts: Floats, ground_factor: Floats) -> Floats:
        """Return 1 + τ·c_k, shape ``(T, n_levels)``."""
        levels = self.sectors[sector].centred
        result = 1 + tilts[:, sector, None] * levels
        result[:, 0] = ground_factor[:, sector]
        return result

    def typical(self, tilts: Floats, ground_factor: Floats) -> list[Floats]:
        """Return the typical level weights of each sector, each ``(T, n_levels)``."""
        out = []
        for index, sector in enumerate(self.sectors):
            share = np.array([m / sector.dim for m in sector.multiplicities])
            g = share / self.factors(index, tilts, ground_factor)
            out.append(g / g.sum(axis=1, keepdims=True))
        return out

    def draw(self, tilts: Floats, ground_factor: Floats, rng: np.random.Generator) -> list[Floats]:
        """Draw level weights, one state per row of ``tilts``; a list over sectors."""
        out = []
        for index, sector in enumerate(self.sectors):
            shape = np.array([sector.beta * m / 2 for m in sector.multiplicities])
            g = rng.standard_gamma(shape, (tilts.shape[0], shape.size))
            g /= self.factors(index, tilts, ground_factor)
            out.append(g / g.sum(axis=1, keepdims=True))
        return out

    def log_weights(self, energies: Sequence[Floats], tilts: Floats, ground_factor: Floats) -> Floats:
        """Return log Haar/tilted density ratios, ``(n_states, n_tilts)``, of sector energies."""
        total = np.zeros((energies[0].size, tilts.shape[0]))
        for index, sector in enumerate(self.sectors):
            factors = self.factors(index, tilts, ground_factor)
            multiplicity = np.array([float(m) for m in sector.multiplicities])
            if multiplicity.size > MANY_LEVELS:
                logs = np.log(factors) @ multiplicity
                excess = (energies[index] - sector.centred[0])[:, None]
                value = np.log(ground_factor[:, index] + tilts[:, index] * excess)
                log_ratio = float(sector.dim) * value - logs
            else:
                # Level by level: the large terms of a large sector cancel exactly.
                log_ratio = np.zeros_like(total)
                for k, count in enumerate(multiplicity):
                    shift = (energies[index] - sector.centred[k])[:, None]
                    change = tilts[:, index] * shift / factors[:, k]
                    log_ratio += count * np.log1p(np.maximum(change, TINY - 1))
            total += sector.beta / 2 * log_ratio
        return total

    def spread_of(self, weights: Sequence[Floats]) -> Floats:
        """Return the standard deviation of the total energy under tilts with these weights."""
        total = np.zeros(weights[0].shape[0])
        for sector, share in zip(self.sectors, weights, strict=True):
            energy = share @ sector.centred
            deviation = (sector.centred - energy[:, None]) ** 2
            multiplicity = np.array([float(m) for m in sector.multiplicities])
            variance = (2 / sector.beta) * (share**2 / multiplicity * deviation).sum(axis=1)
            total += sector.weight**2 * variance
        return np.sqrt(total)


def _sector_table(sector: SectorSpectrum, grid: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return (τ, ground factor, energy, field) of one sector on a grid of log tilts."""
    low, high = sector.centred[0], sector.centred[-1]
    deep = np.exp(-np.abs(grid))
    tilt = np.where(grid > 0, -(1 - deep) / low, -(1 - deep) / high)
    ground_factor = np.where(grid > 0, deep, 1 + tilt * low)
    share = np.array([m / sector.dim for m in sector.multiplicities])
    factor = 1 + tilt[:, None] * sector.centred
    factor[:, 0] = ground_factor
    factor[:, -1] = np.where(grid < 0, deep, factor[:, -1])
    g = share / factor
    weights = g / g.sum(axis=1, keepdims=True)
    energy = weights @ sector.centred
    excess = weights @ (sector.centred - low)
    below = weights @ (high - sector.centred)
    # 1 + τe without cancellation at either end.
    slope = np.where(grid > 0, ground_factor + tilt * excess, deep - tilt * below)
    field = sector.beta * float(sector.dim) / 2 * tilt / (slope * sector.weight)
    return tilt, ground_factor, energy, field


def tilt_path(sectors: Sequence[SectorSpectrum], deepest: float = 30.0) -> TiltPath:
    """Tabulate joint tilts from the highest level to e^-deepest above the ground."""
    arms = np.concatenate([np.geomspace(1e-9, 0.1, 260), np.linspace(0.105, deepest, 600)])
    grid = np.concatenate([-arms[arms < 12][::-1], [0.0], arms])
    tables = [_sector_table(sector, grid) for sector in sectors]
    if len(sectors) == 1:
        tilt, ground_factor, energy, _ = tables[0]
        tilts, factors, total = tilt[:, None], ground_factor[:, None], energy * sectors[0].weight
    else:
        field = np.unique(np.concatenate([np.sort(table[3])[::2] for table in tables]))
        depth = [np.interp(field, np.maximum.accumulate(table[3]), grid) for table in tables]
        again = [_sector_table(s, d) for s, d in zip(sectors, depth, strict=True)]
        tilts = np.stack([table[0] for table in again], axis=1)
        factors = np.stack([table[1] for table in again], axis=1)
        total = sum(
            (s.weight * table[2] for s, table in zip(sectors, again, strict=True)),
            np.zeros(field.size),
        )
    keep = np.concatenate([[True], np.diff(np.minimum.accumulate(total)) < 0])
    return TiltPath(tuple(sectors), total[keep], tilts[keep], factors[keep])
