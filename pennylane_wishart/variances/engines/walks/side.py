"""One word per walker, with its sign, weight and the derivatives of its weight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Side", "Step"]

_TINY = 1e-9


@dataclass(eq=False)
class Step:
    """A rotation by one word: φ = rate·angle, dφ/dθ = slope."""

    rotation: int
    parameter: int
    x: np.ndarray
    z: np.ndarray
    rate: float
    slope: float
    known: bool
    """Whether its angle is drawn; else its moments are used."""
    cos: float = 0.0
    sin: float = 0.0
    cos2: float = 0.5
    sin2: float = 0.5
    sincos: float = 0.0


class Side:
    """Walkers that carry one word each.

    Args:
        x: ``uint64 (walkers, W)``, changed in place.
        z: the same.
        weight: float64 ``(walkers,)``, sign included.
    """

    def __init__(self, x: np.ndarray, z: np.ndarray, weight: np.ndarray):
        self.x, self.z, self.weight = x, z, weight
        self.score: dict[int, np.ndarray] = {}
        """Per parameter: d(log weight)/dθ of each walker."""

    def anticommutes(self, step: Step) -> np.ndarray:
        """Return ``bool (walkers,)``."""
        count = np.zeros(len(self.x), np.uint8)
        for w in np.flatnonzero(step.x | step.z):
            count ^= np.bitwise_count((self.x[:, w] & step.z[w]) ^ (self.z[:, w] & step.x[w]))
        return (count & 1).astype(bool)

    def signs(self, step: Step, rows: np.ndarray) -> np.ndarray:
        """Return the signs of iP·Q on walkers that anticommute with P."""
        phase = np.zeros(len(rows), np.int64)
        for w in np.flatnonzero(step.x | step.z):
            x, z, px, pz = self.x[rows, w], self.z[rows, w], step.x[w], step.z[w]
            phase += np.bitwise_count(px & pz).astype(np.int64) + np.bitwise_count(x & z)
            phase += 2 * np.bitwise_count(pz & x).astype(np.int64)
            phase -= np.bitwise_count((x ^ px) & (z ^ pz))
        # P·Q = i^phase·word, so iP·Q = +word where phase is 3.
        return np.where(phase % 4 == 3, 1.0, -1.0)

    def multiply(self, step: Step, rows: np.ndarray) -> None:
        """Multiply the words of some walkers by the generator."""
        for w in np.flatnonzero(step.x | step.z):
            self.x[rows, w] ^= step.x[w]
            self.z[rows, w] ^= step.z[w]

    def turn(self, step: Step, phi: np.ndarray, rng: np.random.Generator) -> None:
        """Choose a branch of cos φ·Q + sin φ·iPQ, with the weight that makes it unbiased."""
        rows = np.flatnonzero(self.anticommutes(step) & (self.weight != 0))
        if len(rows) == 0:
            return
        c, s = np.cos(phi[rows]), np.sin(phi[rows])
        if step.parameter >= 0:
            # A branch of weight 0 can carry a derivative (angle exactly 0): keep it visible.
            c, s = (np.where(np.abs(v) < _TINY, _TINY, v) for v in (c, s))
        # Half of the chance ignores the weights: derivatives swap cos and sin.
        chance = np.abs(s) / (np.abs(c) + np.abs(s))
        if step.parameter >= 0:
            chance = 0.25 + 0.5 * chance
        move = rng.random(len(rows)) < chance
        moved = rows[move]
        sign = self.signs(step, moved)
        self.weight[rows[~move]] *= (c / np.where(move, 1.0, 1 - chance))[~move]
        self.weight[moved] *= (s / np.where(move, chance, 1.0))[move] * sign
        self.multiply(step, moved)
        if step.parameter >= 0:
            score = self.score.setdefault(step.parameter, np.zeros(len(self.weight)))
            score[rows] += step.slope * np.where(move, c / s, -s / c)
