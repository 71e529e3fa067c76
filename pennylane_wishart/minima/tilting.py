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

from pennylane_wishart.conventions import minima as limits
from pennylane_wishart.ensembles.scaled import Array
from pennylane_wishart.ensembles.spectrum import Spectrum

__all__ = ["TiltPath", "tilt_path"]


@dataclass(frozen=True)
class TiltPath:
    """Tilts of all sectors along one field, tabulated from the top energy to the ground."""

    sectors: tuple[Spectrum, ...]
    energy: Array
    """Typical total energy (centred) along the path, strictly descending, shape ``(T,)``."""
    tilts: Array
    """τ per sector, shape ``(T, n_sectors)``, in units of 1/level."""
    ground_factor: Array
    """1 + τ·(lowest level), kept apart because it cancels near the ground, ``(T, n_sectors)``."""

    def factors(self, sector: int, tilts: Array, ground_factor: Array) -> Array:
        """Return 1 + τ·c_k, shape ``(T, n_levels)``."""
        levels = self.sectors[sector].deviations
        result = 1 + tilts[:, sector, None] * levels
        result[:, 0] = ground_factor[:, sector]
        return result

    def typical(self, tilts: Array, ground_factor: Array) -> list[Array]:
        """Return the typical level weights of each sector, each ``(T, n_levels)``."""
        out = []
        for index, sector in enumerate(self.sectors):
            g = sector.shares / self.factors(index, tilts, ground_factor)
            out.append(g / g.sum(axis=1, keepdims=True))
        return out

    def draw(self, tilts: Array, ground_factor: Array, rng: np.random.Generator) -> list[Array]:
        """Draw level weights, one state per row of ``tilts``; a list over sectors."""
        out = []
        for index, sector in enumerate(self.sectors):
            shape = np.array([sector.beta * m / 2 for m in sector.counts])
            g = rng.standard_gamma(shape, (tilts.shape[0], shape.size))
            g /= self.factors(index, tilts, ground_factor)
            out.append(g / g.sum(axis=1, keepdims=True))
        return out

    def log_weights(self, energies: Sequence[Array], tilts: Array, ground_factor: Array) -> Array:
        """Return log Haar/tilted density ratios, ``(n_states, n_tilts)``, of sector energies."""
        total = np.zeros((energies[0].size, tilts.shape[0]))
        for index, sector in enumerate(self.sectors):
            factors = self.factors(index, tilts, ground_factor)
            multiplicity = np.array([float(m) for m in sector.counts])
            if multiplicity.size > limits.MANY_LEVELS:
                logs = np.log(factors) @ multiplicity
                excess = (energies[index] - sector.deviations[0])[:, None]
                value = np.log(ground_factor[:, index] + tilts[:, index] * excess)
                log_ratio = float(sector.dim) * value - logs
            else:
                # level by level: the large terms of a large sector cancel exactly.
                log_ratio = np.zeros_like(total)
                for k, count in enumerate(multiplicity):
                    shift = (energies[index] - sector.deviations[k])[:, None]
                    change = tilts[:, index] * shift / factors[:, k]
                    log_ratio += count * np.log1p(np.maximum(change, limits.TINY_TILT - 1))
            total += sector.beta / 2 * log_ratio
        return total

    def spread_of(self, weights: Sequence[Array]) -> Array:
        """Return the standard deviation of the total energy under tilts with these weights."""
        total = np.zeros(weights[0].shape[0])
        for sector, share in zip(self.sectors, weights, strict=True):
            energy = share @ sector.deviations
            deviation = (sector.deviations - energy[:, None]) ** 2
            multiplicity = np.array([float(m) for m in sector.counts])
            variance = (2 / sector.beta) * (share**2 / multiplicity * deviation).sum(axis=1)
            total += variance
        return np.sqrt(total)


def _sector_table(sector: Spectrum, grid: Array) -> tuple[Array, Array, Array, Array]:
    """Return (τ, ground factor, energy, field) of one sector on a grid of log tilts."""
    low, high = sector.deviations[0], sector.deviations[-1]
    deep = np.exp(-np.abs(grid))
    tilt = np.where(grid > 0, -(1 - deep) / low, -(1 - deep) / high)
    ground_factor = np.where(grid > 0, deep, 1 + tilt * low)
    factor = 1 + tilt[:, None] * sector.deviations
    factor[:, 0] = ground_factor
    factor[:, -1] = np.where(grid < 0, deep, factor[:, -1])
    g = sector.shares / factor
    weights = g / g.sum(axis=1, keepdims=True)
    energy = weights @ sector.deviations
    excess = weights @ (sector.deviations - low)
    below = weights @ (high - sector.deviations)
    # 1 + τe without cancellation at either end.
    slope = np.where(grid > 0, ground_factor + tilt * excess, deep - tilt * below)
    field = sector.beta * float(sector.dim) / 2 * tilt / slope
    return tilt, ground_factor, energy, field


def tilt_path(sectors: Sequence[Spectrum], deepest: float = limits.DEEPEST_TILT) -> TiltPath:
    """Tabulate joint tilts from the highest level to e^-deepest above the ground."""
    first, turn, near, next_, far = limits.TILT_GRID
    arms = np.concatenate([np.geomspace(first, turn, int(near)), np.linspace(next_, deepest, int(far))])
    grid = np.concatenate([-arms[arms < limits.HIGHEST_TILT][::-1], [0.0], arms])
    tables = [_sector_table(sector, grid) for sector in sectors]
    if len(sectors) == 1:
        tilt, ground_factor, energy, _ = tables[0]
        tilts, factors, total = tilt[:, None], ground_factor[:, None], energy
    else:
        field = np.unique(np.concatenate([np.sort(table[3])[::2] for table in tables]))
        depth = [np.interp(field, np.maximum.accumulate(table[3]), grid) for table in tables]
        again = [_sector_table(s, d) for s, d in zip(sectors, depth, strict=True)]
        tilts = np.stack([table[0] for table in again], axis=1)
        factors = np.stack([table[1] for table in again], axis=1)
        total = np.sum([table[2] for table in again], axis=0)
    keep = np.concatenate([[True], np.diff(np.minimum.accumulate(total)) < 0])
    return TiltPath(tuple(sectors), total[keep], tilts[keep], factors[keep])
