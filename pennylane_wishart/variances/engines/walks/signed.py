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

from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.paulis import PauliSum, PauliWords
from pennylane_wishart.variances.actions import Row, Transform, WordAction
from pennylane_wishart.variances.engines.tuples import averaged_product

__all__ = ["WalkSums", "WalkedGate", "walk_tuples"]

Expectation = Callable[[PauliWords], np.ndarray]
_NOWHERE, _TWICE = -1, -2


@dataclass(frozen=True, eq=False)
class _Branches:
    """What the words of one tuple of syndromes may become when the angle is averaged."""

    rows: tuple[Row, ...]
    chance: np.ndarray
    """float64 ``(branches,)``, entries of all rows in C order; all 0 where the average vanishes."""
    factor: np.ndarray
    """What a walker's weight is multiplied by."""
    ratio: np.ndarray
    """The derivatives' weight over the weight."""
    hidden: np.ndarray
    """bool: the weight is 0 and only the derivative is not."""
    places: tuple[np.ndarray, ...]
    """Per word: which entry of its row each branch takes."""


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
    _known: dict[tuple[int, ...], _Branches] = field(default_factory=dict)

    def branches(self, code: tuple[int, ...]) -> _Branches:
        """Return the branches of words of these syndromes; found once."""
        if code not in self._known:
            assert self.transform is not None
            rows = tuple(self.action.row(s) for s in code)
            values, slopes = averaged_product(rows, self.transform, self.parameter >= 0)
            slope = slopes.reshape(-1) * self.scale ** len(rows)
            chance, weight = _chances(values.reshape(1, -1), slope[None] if slope.any() else None)
            chance, weight = chance[0], weight[0]
            self._known[code] = _Branches(
                rows,
                chance,
                np.divide(weight, chance, out=np.zeros_like(weight), where=chance > 0),
                np.divide(slope, weight, out=np.zeros_like(weight), where=weight != 0),
                weight != values.reshape(-1),
                np.unravel_index(np.arange(len(weight)), values.shape),
            )
        return self._known[code]


@dataclass(eq=False)
class WalkSums:
    """Running sums over walkers: row 0 is the loss, row p + 1 parameter p."""

    n_params: int
    n: int = 0
    total: np.ndarray = field(init=False)
    squares: np.ndarray = field(init=False)
    largest: np.ndarray = field(init=False)
    """Largest weight of a walker, of those too that ended at 0: what the spread cannot see is one more of them."""

    def __post_init__(self) -> None:
        self.total, self.squares, self.largest = np.zeros((3, self.n_params + 1))

    def add(self, row: int, weight: np.ndarray, end: np.ndarray) -> None:
        """Add one walker's weight times what the input makes of its words, for all walkers."""
        value = weight * end
        self.total[row] += value.sum()
        self.squares[row] += np.square(value).sum()
        self.largest[row] = max(self.largest[row], float(np.abs(weight).max(initial=0.0)))


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
            walkers.averaged(gate)
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
            terms = rng.choice(len(chance), size, p=chance) if mass else np.zeros(size, int)
            self.sides.append(observable.words.packed[terms])
            self.weight *= np.sign(observable.coefficients[terms])
        self.hidden = np.full(size, _NOWHERE)
        """The parameter where a walker took a branch of weight 0 for its derivative's sake."""
        self.scores: list[dict[int, np.ndarray]] = [{} for _ in range(power)]
        """Per word, per parameter of drawn gates: d(log weight)/dθ."""
        self.ratios: dict[int, np.ndarray] = {}
        """Per parameter of an averaged gate: the derivatives' weight over the weight."""

    def _syndromes(self, action: WordAction) -> np.ndarray:
        return np.stack([action.syndromes(PauliWords.from_packed(side, self.n_qubits)) for side in self.sides])

    def _move(self, action: WordAction, row: Row, side: int, members: np.ndarray, branch: np.ndarray) -> None:
        """Multiply the words of some walkers by the shifts that they chose."""
        for b in np.unique(branch):
            rows = members[branch == b]
            words = PauliWords.from_packed(self.sides[side][rows], self.n_qubits)
            found, sign = action.image(words, int(row.shifts[b]), bool(row.odd[b]))
            self.sides[side][rows] = found.packed
            self.weight[rows] *= sign

    def _hide(self, parameter: int, members: np.ndarray) -> None:
        """Such a walker counts for this parameter alone; at two parameters, for nothing."""
        before = self.hidden[members]
        self.hidden[members] = np.where((before == _NOWHERE) | (before == parameter), parameter, _TWICE)

    def averaged(self, gate: WalkedGate) -> None:
        """Take a branch of the averaged product of the words' rows."""
        codes = self._syndromes(gate.action)
        # one number a tuple: sorting numbers is much faster than sorting rows
        joint = codes[0]
        for code in codes[1:]:
            joint = (joint << len(gate.action.probes)) | code
        ratio = np.zeros(len(self.weight)) if gate.parameter >= 0 else None
        # walkers whose words behave alike choose among the same branches
        for number in np.unique(joint[self.weight != 0]):
            members = np.flatnonzero((joint == number) & (self.weight != 0))
            found = gate.branches(tuple(int(s) for s in codes[:, members[0]]))
            if not found.chance.any():
                self.weight[members] = 0.0
                continue
            branch = self.rng.choice(len(found.chance), len(members), p=found.chance)
            self.weight[members] *= found.factor[branch]
            self._hide(gate.parameter, members[found.hidden[branch]])
            if ratio is not None:
                ratio[members] = found.ratio[branch]
            for side, (row, place) in enumerate(zip(found.rows, found.places, strict=True)):
                self._move(gate.action, row, side, members, place[branch])
        if ratio is not None:
            self.ratios[gate.parameter] = ratio

    def drawn(self, gate: WalkedGate, phi: np.ndarray) -> None:
        """Let every word take a branch of its own row at the walker's angle."""
        for side, codes in enumerate(self._syndromes(gate.action)):
            for s in np.unique(codes):
                row = gate.action.row(int(s))
                members = np.flatnonzero((codes == s) & (self.weight != 0))
                if len(members) == 0 or (len(row.shifts) == 1 and not row.frequencies.any()):
                    continue  # words that the gate does not turn
                self._draw(gate, row, side, members, phi[members])

    def _draw(self, gate: WalkedGate, row: Row, side: int, members: np.ndarray, phi: np.ndarray) -> None:
        waves = np.exp(1j * phi[:, None] * row.frequencies)
        values = (waves @ row.amplitudes).real
        slopes = (waves @ (1j * row.frequencies[:, None] * row.amplitudes)).real * gate.scale
        chance, weights = _chances(values, slopes if gate.parameter >= 0 else None)
        pick = self.rng.random((len(members), 1))
        # rounding may leave the cumulated chance a little below 1
        branch = np.minimum((np.cumsum(chance, axis=1) < pick).sum(axis=1), values.shape[1] - 1)
        at = np.arange(len(members))
        own = weights[at, branch]
        self._hide(gate.parameter, members[own != values[at, branch]])
        self.weight[members] *= own / chance[at, branch]
        if gate.parameter >= 0:
            score = self.scores[side].setdefault(gate.parameter, np.zeros(len(self.weight)))
            score[members] += np.divide(slopes[at, branch], own, out=np.zeros(len(at)), where=own != 0)
        self._move(gate.action, row, side, members, branch)

    def finish(self, expectation: Expectation, sums: WalkSums) -> None:
        """Weigh the walkers by what the input makes of their words."""
        end = np.zeros(len(self.weight))
        alive = np.flatnonzero(self.weight)
        if len(alive):
            end[alive] = 1.0
            for side in self.sides:
                end[alive] *= expectation(PauliWords.from_packed(side[alive], self.n_qubits))
        open_ = self.hidden == _NOWHERE
        sums.add(0, np.where(open_, self.weight, 0.0), end)
        for p, ratio in self.ratios.items():
            sums.add(p + 1, np.where(open_ | (self.hidden == p), self.weight * ratio, 0.0), end)
        # a derivative needs a factor from every word: where one met no gate of the parameter it is 0
        for p in set.intersection(*[set(s) for s in self.scores]):
            score = np.prod([s[p] for s in self.scores], axis=0)
            sums.add(p + 1, np.where(open_ | (self.hidden == p), self.weight * score, 0.0), end)
        sums.n += len(self.weight)


def _chances(values: np.ndarray, slopes: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return branch probabilities ``(walkers, branches)``, and the weights with no hidden zeros.

    Derivatives get a share of their own: they are large where the weights are small.
    """
    size = np.abs(values)
    total = size.sum(axis=1, keepdims=True)
    chance = np.divide(size, total, out=np.zeros_like(size), where=total > 0)
    if slopes is None:
        return chance, values
    steep = np.abs(slopes)
    most = steep.sum(axis=1, keepdims=True)
    other = np.divide(steep, most, out=np.zeros_like(steep), where=most > 0)
    share = np.where(total > 0, np.where(most > 0, limits.DERIVATIVE_SHARE, 0.0), 1.0)
    # A branch of weight 0 can carry a derivative: it is walked, and counted for that parameter alone.
    hidden = (steep > 0) & (size < limits.BRANCH_FLOOR)
    return (1 - share) * chance + share * other, np.where(hidden, np.copysign(limits.BRANCH_FLOOR, values), values)
