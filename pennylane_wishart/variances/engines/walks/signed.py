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
from functools import cached_property, partial
from itertools import accumulate

import numpy as np

from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.paulis import PauliSum, PauliWords
from pennylane_wishart.variances.actions import Row, Transform, WordAction, averaged_product
from pennylane_wishart.variances.engines.sieve import Sieve, sieve_of
from pennylane_wishart.variances.reach import linear_keys

__all__ = ["InputZone", "QubitEnd", "Walk", "WalkSums", "WalkedGate", "walk_tuples"]

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

    @cached_property
    def stays(self) -> bool:
        """Whether the tuple is left as it is, with nothing to derive."""
        alone = len(self.factor) == 1 and bool(self.factor[0] == 1) and not self.ratio[0]
        return alone and not any(row.shifts.any() for row in self.rows)


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
    _known: dict[tuple[tuple[int, ...], np.uint64], _Branches] = field(default_factory=dict)

    @cached_property
    def shift_keys(self) -> np.ndarray:
        """Linear keys of the action's shifts."""
        return linear_keys(self.action.shifts)

    def branches(self, code: tuple[int, ...], key: np.uint64, keeps: Callable[[np.ndarray], np.ndarray]) -> _Branches:
        """Return the branches of words of these syndromes whose product no later average removes; found once.

        Args:
            key: of the tuple's product.
            keeps: which products still count before this gate.
        """
        if (code, key) not in self._known:
            assert self.transform is not None
            rows = tuple(self.action.row(s) for s in code)
            values, slopes = averaged_product(rows, self.transform, self.parameter >= 0)
            after = np.full((1,) * len(rows), key)
            for side, row in enumerate(rows):
                shape = [-1 if s == side else 1 for s in range(len(rows))]
                after = after ^ self.shift_keys[row.shifts].reshape(shape)
            kept = keeps(after.reshape(-1)).reshape(values.shape)
            values, slopes = np.where(kept, values, 0.0), np.where(kept, slopes, 0.0)
            slope = slopes.reshape(-1) * self.scale ** len(rows)
            chance, weight = _chances(values.reshape(1, -1), slope[None] if slope.any() else None)
            chance, weight = chance[0], weight[0]
            self._known[code, key] = _Branches(
                rows,
                chance,
                np.divide(weight, chance, out=np.zeros_like(weight), where=chance > 0),
                np.divide(slope, weight, out=np.zeros_like(weight), where=weight != 0),
                weight != values.reshape(-1),
                np.unravel_index(np.arange(len(weight)), values.shape),
            )
        return self._known[code, key]


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


@dataclass(eq=False)
class QubitEnd:
    """What the input makes of a tuple's letters on one qubit, behind the rotations that it alone has met."""

    qubit: int
    table: np.ndarray
    """float64 ``(4^power,)``; letters are 2·x + z, the first word's most significant."""
    slopes: dict[int, np.ndarray]
    """The same for the derivatives by each of those rotations' parameters."""


@dataclass(frozen=True, eq=False)
class InputZone:
    """The qubits whose first rotations are averaged exactly, and the gates that are left to walkers."""

    ends: tuple[QubitEnd, ...]
    walked: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Walk:
    """A walk made ready: what its walkers start from, meet and end at."""

    observable: PauliSum
    gates: Sequence[WalkedGate]
    """First gate first."""
    zone: InputZone
    expectation: Expectation
    """⟨Q⟩ of words on the input."""
    power: int
    """Words a walker; 2 for second moments."""

    @cached_property
    def starts(self) -> tuple[np.ndarray, np.ndarray, Sieve]:
        """Tuples of terms ``(m, power)`` that a walker may start from, their weights, and what counts on the way.

        Where they are too many they are not listed, and nothing is sieved.
        """
        count, coefficients = len(self.observable), self.observable.coefficients
        if count**self.power > limits.MAX_TERM_PAIRS:
            return np.zeros((0, self.power), np.int64), np.zeros(0), Sieve([None] * (len(self.gates) + 1))
        terms = np.indices((count,) * self.power).reshape(self.power, -1)
        products = np.bitwise_xor.reduce(self.observable.words.packed[terms], axis=0)
        words = PauliWords.from_packed(products, self.observable.n_qubits)
        sieve = sieve_of(self.gates, words, self.power)
        kept = terms[:, sieve.keeps(len(self.gates), linear_keys(words))]
        return kept.T, np.prod(coefficients[kept], axis=0), sieve


def walk_tuples(walk: Walk, angles: np.ndarray, sums: WalkSums, rng: np.random.Generator) -> None:
    """Walk one batch and add E[ℓ^power] and E[(∂_pℓ)^power] to the sums.

    Args:
        walk: what is walked.
        angles: float64 ``(gates, walkers)``, radians; only rows of drawn gates are read.
        sums: what the values are added to.
        rng: generator of the walk.
    Cost: O(gates · walkers · power · n/64).
    Source: THEORY §4; ours for sums, channels and shared angles alike.
    """
    walkers = _Walkers(walk, angles.shape[1], rng)
    if not walkers.weight.any():
        sums.n += angles.shape[1]  # every tuple is averaged away
        return
    for k in reversed(walk.zone.walked):
        if not walkers.meets(walk.gates[k].action):
            continue  # most gates of a wide circuit
        if walk.gates[k].transform is None:
            walkers.drawn(walk.gates[k], angles[k])
        else:
            walkers.averaged(walk.gates[k], partial(walk.starts[2].keeps, k))
    walkers.finish(walk, sums)


class _Walkers:
    """A batch of walkers on its way from the observable to the input."""

    def __init__(self, walk: Walk, size: int, rng: np.random.Generator):
        observable, power = walk.observable, walk.power
        self.rng, self.n_qubits = rng, observable.n_qubits
        self.weight, terms = np.ones(size), np.zeros((power, size), np.int64)
        tuples, weights, _ = walk.starts
        # tuples whose product is averaged away later are not started
        if len(observable) ** power <= limits.MAX_TERM_PAIRS:
            if len(weights):
                mass = np.abs(weights).sum()
                drawn = rng.choice(len(weights), size, p=np.abs(weights) / mass)
                terms, self.weight = tuples[drawn].T, mass * np.sign(weights[drawn])
            else:
                self.weight[:] = 0.0
        else:
            mass = float(np.abs(observable.coefficients).sum())
            chance = np.abs(observable.coefficients) / mass
            terms = rng.choice(len(chance), (power, size), p=chance)
            self.weight = mass**power * np.prod(np.sign(observable.coefficients[terms]), axis=0)
        self.sides = [observable.words.packed[row] for row in terms]
        self.products = linear_keys(PauliWords.from_packed(np.bitwise_xor.reduce(self.sides), self.n_qubits))
        """Linear keys of the products of each walker's words."""
        every = PauliWords.from_packed(np.concatenate(self.sides), self.n_qubits)
        self.touched = np.bitwise_or.reduce(every.x | every.z, axis=0)
        """Bits of the qubits that some walker has been on."""
        self.hidden = np.full(size, _NOWHERE)
        """The parameter where a walker took a branch of weight 0 for its derivative's sake."""
        self.scores: list[dict[int, np.ndarray]] = [{} for _ in range(power)]
        """Per word, per parameter of drawn gates: d(log weight)/dθ."""
        self.ratios: dict[int, np.ndarray] = {}
        """Per parameter of an averaged gate: the derivatives' weight over the weight."""

    def _syndromes(self, action: WordAction) -> np.ndarray:
        return np.stack([action.syndromes(PauliWords.from_packed(side, self.n_qubits)) for side in self.sides])

    def _move(self, gate: WalkedGate, row: Row, side: int, members: np.ndarray, branch: np.ndarray) -> None:
        """Multiply the words of some walkers by the shifts that they chose."""
        for b in np.unique(branch):
            rows = members[branch == b]
            words = PauliWords.from_packed(self.sides[side][rows], self.n_qubits)
            found, sign = gate.action.image(words, int(row.shifts[b]), bool(row.odd[b]))
            self.sides[side][rows] = found.packed
            self.touched |= np.bitwise_or.reduce(found.x | found.z, axis=0)
            self.products[rows] ^= gate.shift_keys[row.shifts[b]]
            self.weight[rows] *= sign

    def meets(self, action: WordAction) -> bool:
        """Whether a gate may do anything: words that are the identity on its qubits are what they were."""
        probes = action.probes
        return bool((np.bitwise_or.reduce(probes.x | probes.z, axis=0) & self.touched).any())

    def _hide(self, parameter: int, members: np.ndarray) -> None:
        """Such a walker counts for this parameter alone; at two parameters, for nothing."""
        before = self.hidden[members]
        self.hidden[members] = np.where((before == _NOWHERE) | (before == parameter), parameter, _TWICE)

    def averaged(self, gate: WalkedGate, keeps: Callable[[np.ndarray], np.ndarray]) -> None:
        """Take a branch of the averaged product of the words' rows that no later average removes."""
        codes = self._syndromes(gate.action)
        # one number a tuple: sorting numbers is much faster than sorting rows
        joint = codes[0]
        for code in codes[1:]:
            joint = (joint << len(gate.action.probes)) | code
        if self.products.any():
            seen, own = np.unique(self.products, return_inverse=True)
            joint = joint * len(seen) + own
        # sorting is dearer than the walk itself where few behaviours are told apart
        few = joint.max(initial=0) < limits.CHUNK_TUPLES
        numbers = np.flatnonzero(np.bincount(joint[self.weight != 0])) if few else np.unique(joint[self.weight != 0])
        ratio = np.zeros(len(self.weight)) if gate.parameter >= 0 else None
        # walkers whose words behave alike choose among the same branches
        for number in numbers:
            members = np.flatnonzero((joint == number) & (self.weight != 0))
            found = gate.branches(tuple(int(s) for s in codes[:, members[0]]), self.products[members[0]], keeps)
            if found.stays:
                continue
            if not found.chance.any():
                self.weight[members] = 0.0
                continue
            branch = self.rng.choice(len(found.chance), len(members), p=found.chance)
            self.weight[members] *= found.factor[branch]
            self._hide(gate.parameter, members[found.hidden[branch]])
            if ratio is not None:
                ratio[members] = found.ratio[branch]
            for side, (row, place) in enumerate(zip(found.rows, found.places, strict=True)):
                self._move(gate, row, side, members, place[branch])
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
        self._move(gate, row, side, members, branch)

    def finish(self, walk: Walk, sums: WalkSums) -> None:
        """Weigh the walkers by what the input makes of their words."""
        end, slopes = self._ends(walk)
        open_ = self.hidden == _NOWHERE
        plain = np.where(open_, self.weight, 0.0)
        sums.add(0, plain, end)
        for p, slope in slopes.items():
            sums.add(p + 1, plain, slope)
        for p, ratio in self.ratios.items():
            sums.add(p + 1, np.where(open_ | (self.hidden == p), self.weight * ratio, 0.0), end)
        # a derivative needs a factor from every word: where one met no gate of the parameter it is 0
        for p in set.intersection(*[set(s) for s in self.scores]):
            score = np.prod([s[p] for s in self.scores], axis=0)
            sums.add(p + 1, np.where(open_ | (self.hidden == p), self.weight * score, 0.0), end)
        sums.n += len(self.weight)

    def _ends(self, walk: Walk) -> tuple[np.ndarray, dict[int, np.ndarray]]:
        """Return what the input makes of the words, and its derivatives by the rotations next to it."""
        ends = walk.zone.ends
        qubits = [e.qubit for e in ends]
        words = [PauliWords.from_packed(side, self.n_qubits) for side in self.sides]
        codes = np.zeros((len(ends), len(self.weight)), np.int64)
        out = np.zeros(len(self.weight))
        alive = np.flatnonzero(self.weight)
        out[alive] = 1.0
        for word in words:
            x, z = word.bits()
            codes = 4 * codes + 2 * x[:, qubits].T + z[:, qubits].T
            x[:, qubits], z[:, qubits] = 0, 0  # what a table says of a letter the input must not say again
            out[alive] *= walk.expectation(PauliWords.from_bits(x[alive], z[alive]))
        tables = [e.table[code] for e, code in zip(ends, codes, strict=True)]
        before = list(accumulate(tables, np.multiply, initial=out))
        behind = list(accumulate(reversed(tables), np.multiply, initial=np.ones(len(out))))[::-1]
        slopes = {}
        for k, (e, code) in enumerate(zip(ends, codes, strict=True)):
            for p, table in e.slopes.items():
                slopes[p] = before[k] * table[code] * behind[k + 1]
        return before[-1], slopes


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
