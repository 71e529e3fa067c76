"""Signed walks of tuples of words: moments of any circuit of :class:`WordAction` gates, by sampling.

Each walker carries a pair of words (one word for means) and a weight. A gate whose angle is
independent of all others is averaged in closed form: the pair takes one of the branches of the
averaged product of its rows. A gate whose angle drives others too (a shared parameter) has its
angle drawn, one for the pair, and each word takes a branch of its own row. Either way branches
are chosen with probabilities made from the sizes of their weights, and the weight is divided by
them, so that every average is unbiased.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from pennylane_wishart.paulis import PauliSum, PauliWords
from pennylane_wishart.variances.actions import Row, WordAction
from pennylane_wishart.variances.engines.tuples import Transform, averaged_product

__all__ = ["WalkSums", "WalkedGate", "walk_tuples"]

_FLOOR = 1e-9
"""Share of a derivative's branch whose own weight is 0 (an angle at exactly 0): kept visible."""
_KEEP = 0.25
"""Least share of its probability that a branch gets from its derivative alone."""

Expectation = Callable[[PauliWords], np.ndarray]


@dataclass(frozen=True, eq=False)
class WalkedGate:
    """One gate of a walk."""

    action: WordAction
    parameter: int
    """Flat parameter that drives it, −1 for none."""
    scale: float
    """d(angle)/d(parameter)."""
    transform: Transform | None
    """E[exp(i·f·angle)] of an independent angle; None where the angle is drawn."""


@dataclass(eq=False)
class WalkSums:
    """Running sums over walkers: row 0 is the loss, row p + 1 parameter p."""

    n_params: int
    n: int = 0
    total: np.ndarray = field(init=False)
    squares: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.total = np.zeros(self.n_params + 1)
        self.squares = np.zeros(self.n_params + 1)

    def add(self, row: int, values: np.ndarray) -> None:
        """Add one value a walker."""
        self.total[row] += values.sum()
        self.squares[row] += np.square(values).sum()


def walk_tuples(
    observable: PauliSum,
    gates: Sequence[WalkedGate],
    expectation: Expectation,
    angles: np.ndarray,
    sums: WalkSums,
    power: int,
    rng: np.random.Generator,
) -> None:
    """Walk one batch and add E[ℓ^power] and E[(∂_pℓ)^power] to the sums.

    Args:
        observable: real sum of words.
        gates: first gate first.
        expectation: ⟨Q⟩ of words on the input.
        angles: float64 ``(gates, walkers)``, radians; only rows of drawn gates are read.
        sums: what the values are added to.
        power: words a walker; 2 for second moments.
        rng: generator of the walk.
    Cost: O(gates · walkers · power · n/64).
    Source: THEORY §4; ours for sums, channels and shared angles alike.
    """
    walkers = _Walkers(observable, angles.shape[1], power, rng)
    for gate, phi in zip(reversed(gates), reversed(angles), strict=True):
        if gate.transform is None:
            walkers.drawn(gate, phi)
        else:
            walkers.averaged(gate, gate.transform)
    walkers.finish(expectation, sums)


class _Walkers:
    """A batch of walkers on its way from the observable to the input."""

    def __init__(self, observable: PauliSum, size: int, power: int, rng: np.random.Generator):
        self.rng, self.n_qubits = rng, observable.n_qubits
        mass = float(np.abs(observable.coefficients).sum())
        chance = np.abs(observable.coefficients) / max(mass, np.finfo(float).tiny)
        self.weight = np.full(size, mass**power)
        self.sides: list[np.ndarray] = []
        for _ in range(power):
            terms = rng.choice(len(chance), size, p=chance)
            self.sides.append(observable.words.packed[terms])
            self.weight *= np.sign(observable.coefficients[terms])
        self.scores: list[dict[int, np.ndarray]] = [{} for _ in range(power)]
        self.ratios: dict[int, np.ndarray] = {}

    def _syndromes(self, action: WordAction) -> np.ndarray:
        return np.stack([action.syndromes(PauliWords.from_packed(side, self.n_qubits)) for side in self.sides], axis=1)

    def _move(self, action: WordAction, row: Row, side: int, members: np.ndarray, branch: np.ndarray) -> None:
        """Multiply the words of some walkers by the shifts that they chose."""
        for b in np.unique(branch):
            rows = members[branch == b]
            words = PauliWords.from_packed(self.sides[side][rows], self.n_qubits)
            found, sign = action.image(words, int(row.shifts[b]), bool(row.odd[b]))
            self.sides[side][rows] = found.packed
            self.weight[rows] *= sign

    def averaged(self, gate: WalkedGate, transform: Transform) -> None:
        """Take a branch of the averaged product of the words' rows."""
        codes = self._syndromes(gate.action)
        groups, which = np.unique(codes, axis=0, return_inverse=True)
        which = np.asarray(which).reshape(-1)
        moves = gate.parameter >= 0
        ratio = np.zeros(len(self.weight)) if moves else None
        for g, code in enumerate(groups):
            members = np.flatnonzero((which == g) & (self.weight != 0))
            if len(members) == 0:
                continue
            rows = [gate.action.row(int(s)) for s in code]
            values, slopes = averaged_product(rows, transform, moves)
            flat, slope = values.reshape(-1), slopes.reshape(-1) * gate.scale ** len(rows)
            chance, flat = _chances(flat, slope)
            if chance is None:
                self.weight[members] = 0.0
                continue
            branch = self.rng.choice(len(flat), len(members), p=chance)
            self.weight[members] *= flat[branch] / chance[branch]
            if ratio is not None:
                ratio[members] = np.divide(slope, flat, out=np.zeros_like(flat), where=flat != 0)[branch]
            for side, b in enumerate(np.unravel_index(branch, values.shape)):
                self._move(gate.action, rows[side], side, members, b)
        if ratio is not None:
            self.ratios[gate.parameter] = ratio

    def drawn(self, gate: WalkedGate, phi: np.ndarray) -> None:
        """Let every word take a branch of its own row at the walker's angle."""
        codes = self._syndromes(gate.action)
        for side in range(len(self.sides)):
            for s in np.unique(codes[:, side]):
                members = np.flatnonzero((codes[:, side] == s) & (self.weight != 0))
                row = gate.action.row(int(s))
                if len(members) == 0 or (len(row.shifts) == 1 and not row.frequencies.any()):
                    continue
                self._draw(gate, row, side, members, phi[members])

    def _draw(self, gate: WalkedGate, row: Row, side: int, members: np.ndarray, phi: np.ndarray) -> None:
        waves = np.exp(1j * phi[:, None] * row.frequencies)
        values = (waves @ row.amplitudes).real
        slopes = (waves @ (1j * row.frequencies[:, None] * row.amplitudes)).real * gate.scale
        chance, values = _chances_each(values, slopes if gate.parameter >= 0 else None)
        pick = self.rng.random((len(members), 1))
        branch = np.minimum((np.cumsum(chance, axis=1) < pick).sum(axis=1), values.shape[1] - 1)
        at = np.arange(len(members))
        self.weight[members] *= values[at, branch] / chance[at, branch]
        if gate.parameter >= 0:
            score = self.scores[side].setdefault(gate.parameter, np.zeros(len(self.weight)))
            own = values[at, branch]
            score[members] += np.divide(slopes[at, branch], own, out=np.zeros(len(at)), where=own != 0)
        self._move(gate.action, row, side, members, branch)

    def finish(self, expectation: Expectation, sums: WalkSums) -> None:
        """Weigh the walkers by what the input makes of their words."""
        value = np.zeros(len(self.weight))
        alive = np.flatnonzero(self.weight)
        if len(alive):
            value[alive] = self.weight[alive]
            for side in self.sides:
                value[alive] *= expectation(PauliWords.from_packed(side[alive], self.n_qubits))
        sums.add(0, value)
        for p, ratio in self.ratios.items():
            sums.add(p + 1, value * ratio)
        for p in set.intersection(*[set(s) for s in self.scores]):
            sums.add(p + 1, value * np.prod([s[p] for s in self.scores], axis=0))
        sums.n += len(self.weight)


def _chances(values: np.ndarray, slopes: np.ndarray) -> tuple[np.ndarray | None, np.ndarray]:
    """Return branch probabilities of one averaged product, and its weights with no hidden zeros."""
    chance, floored = _chances_each(values[None], slopes[None] if slopes.any() else None)
    return (chance[0], floored[0]) if chance.any() else (None, floored[0])


def _chances_each(values: np.ndarray, slopes: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """The same for rows ``(walkers, branches)``: half by the weights, half by the derivatives."""
    size = np.abs(values)
    total = size.sum(axis=1, keepdims=True)
    chance = np.divide(size, total, out=np.zeros_like(size), where=total > 0)
    if slopes is None:
        return chance, values
    steep = np.abs(slopes)
    most = steep.sum(axis=1, keepdims=True)
    other = np.divide(steep, most, out=np.zeros_like(steep), where=most > 0)
    weight = np.where(most > 0, _KEEP, 0.0)
    mixed = np.where(total > 0, (1 - weight) * chance + weight * other, other)
    # A branch of weight 0 can carry a derivative: keep it visible.
    return mixed, np.where((steep > 0) & (size < _FLOOR), np.copysign(_FLOOR, values), values)
