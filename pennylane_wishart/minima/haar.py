"""Haar-random states of one sector or several, drawn where minima are, and their Hessians."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pennylane_wishart.conventions import minima as limits
from pennylane_wishart.ensembles.scaled import Array
from pennylane_wishart.ensembles.spectrum import Spectrum
from pennylane_wishart.minima.directions import RandomDirections
from pennylane_wishart.minima.integral import Nodes, States
from pennylane_wishart.minima.spectrum import second_moment
from pennylane_wishart.minima.tilting import TiltPath

__all__ = ["HaarStates"]


def near_levels(sectors: Sequence[Spectrum], n_parameters: int) -> list[tuple[int, float]]:
    """Return (level, pull) of eigenspaces close to which few states carry a large weight.

    The density of critical points grows as σ^-p towards every eigenspace, of real codimension
    β(D − m). Where that is below about 2p plain sampling has a very large variance. Above the
    mean no minimum survives, and the ground is on the path already.
    """
    if len(sectors) > 1:
        return []
    sector = sectors[0]
    codimension = [sector.beta * (sector.dim - m) for m in sector.counts]
    levels = [
        j for j in range(1, len(codimension)) if sector.deviations[j] < 0 and codimension[j] <= 2 * n_parameters + 4
    ]
    levels = sorted(levels, key=lambda j: codimension[j])[: limits.MANY_NEAR]
    return [(level, pull) for level in levels for pull in limits.PULLS]


class HaarStates:
    """Haar-random states of the sectors, tilted in energy, and their Hessians."""

    def __init__(self, path: TiltPath, n_parameters: int, power: float, reflections: bool):
        self.path = path
        self.n_parameters = n_parameters
        self.power = power
        self.reflections = reflections
        self.energy = path.energy
        self.floor = float(sum(s.deviations[0] for s in path.sectors))
        self._near = near_levels(path.sectors, n_parameters)

    @property
    def bulk(self) -> tuple[float, float]:
        parts = (second_moment(s) / (s.beta * s.dim / 2 + 1) for s in self.path.sectors)
        return 0.0, float(np.sqrt(sum(parts)))

    @property
    def extra(self) -> Nodes:
        """Nodes beyond the path: states close to an eigenspace between ground and mean."""
        return self.path.energy.size + np.arange(len(self._near), dtype=np.intp)

    def _tilts(self, nodes: Nodes) -> tuple[Array, Array]:
        return self.path.tilts[nodes], self.path.ground_factor[nodes]

    def spread(self, nodes: Nodes) -> Array:
        return self.path.spread_of(self.typical(nodes))

    def typical(self, nodes: Nodes) -> States:
        return self.path.typical(*self._tilts(nodes))

    def draw(self, nodes: Nodes, rng: np.random.Generator) -> States:
        on_path = nodes < self.path.energy.size
        drawn = self.path.draw(*self._tilts(np.where(on_path, nodes, 0)), rng)
        if on_path.all():
            return drawn
        which = nodes[~on_path] - self.path.energy.size
        level, pull = (np.array(column)[which] for column in zip(*self._near, strict=True))
        sector = self.path.sectors[0]
        shape = np.array([sector.beta * m / 2 for m in sector.counts])
        g = rng.standard_gamma(shape, (which.size, shape.size))
        g /= np.where(np.arange(shape.size) == level[:, None], 1.0, pull[:, None])
        drawn[0][~on_path] = g / g.sum(axis=1, keepdims=True)
        return drawn

    def log_weights(self, states: States, nodes: Nodes) -> Array:
        parts = [s @ sector.deviations for s, sector in zip(states, self.path.sectors, strict=True)]
        on_path = nodes < self.path.energy.size
        out = np.empty((states[0].shape[0], nodes.size))
        out[:, on_path] = self.path.log_weights(parts, *self._tilts(nodes[on_path]))
        sector = self.path.sectors[0]
        for column in np.flatnonzero(~on_path):
            level, pull = self._near[nodes[column] - self.path.energy.size]
            away = np.delete(states[0], level, axis=1).sum(axis=1)
            outside = sector.dim - sector.counts[level]
            lost = float(sector.dim) * np.log1p((pull - 1) * away)
            out[:, column] = sector.beta / 2 * (lost - outside * np.log(pull))
        return out

    def energies(self, states: States) -> Array:
        shares = zip(states, self.path.sectors, strict=True)
        return np.asarray(sum(share @ sector.deviations for share, sector in shares))

    def log_factor(self, states: States) -> Array:
        """log (ō − e)^{p/2} where minima are weighted by their basins, else 0."""
        if self.power == 1.0:
            return np.zeros(states[0].shape[0])
        depth = -self.energies(states)
        with np.errstate(divide="ignore"):
            logs = np.log(np.maximum(depth, 0.0))
        return self.n_parameters * (1 - self.power) * logs

    def columns(self, states: States) -> RandomDirections:
        return RandomDirections(self.path.sectors, states, self.n_parameters, self.reflections)
