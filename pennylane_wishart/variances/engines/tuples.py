"""Exact moments of any order: weights on tuples of words, one sparse map a gate (THEORY §4).

The average of O ⊗ O is a weight on pairs (Q, R) of words, that of O on single words. A gate
sends a tuple to few others, by the product of its rows averaged over its angle, so that a
circuit is a product of sparse maps between the tuples that are alive at each gate. One
product from the observable and one from the input give the derivative of every gate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product

import numpy as np

from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import ModuleTooLargeError
from pennylane_wishart.paulis import PauliSum, PauliWords
from pennylane_wishart.variances.actions import Transform, WordAction, averaged_product
from pennylane_wishart.variances.engines.sieve import sieve_of
from pennylane_wishart.variances.reach import WordIndex, linear_keys

__all__ = ["AveragedGate", "TupleMoments", "WordImages", "tuple_moments"]


@dataclass(frozen=True, eq=False)
class AveragedGate:
    """A gate and the law of its angle."""

    action: WordAction
    transform: Transform
    moves: bool
    """Whether a trainable parameter drives it, so that a derivative is wanted."""


@dataclass(frozen=True, eq=False)
class TupleMoments:
    """E of the product of ℓ with itself ``power`` times, and of ∂ℓ/∂angle for each gate."""

    value: float
    slopes: np.ndarray
    """float64 ``(gates,)``; 0 for gates that no parameter drives."""
    entries: int
    """Non-zeros of all maps: what it cost."""


def tuple_moments(
    observable: PauliSum,
    gates: Sequence[AveragedGate],
    expectation: Callable[[PauliWords], np.ndarray],
    power: int = 2,
    max_entries: int = limits.MAX_BRANCHES,
) -> TupleMoments:
    """Average ℓ^power, and (∂ℓ/∂angle_k)^power for every driven gate, exactly.

    Every gate's angle must be independent of the others'.

    Args:
        observable: real sum of words.
        gates: first gate first.
        expectation: ⟨Q⟩ of words on the input.
        power: 1 for means, 2 for second moments, 4 for kurtoses.
        max_entries: largest number of branches kept (16 bytes each, 24 where driven).
    Raises:
        ModuleTooLargeError: beyond ``max_entries``.
    Cost: O(gates · live tuples · branches).
    Source: THEORY §4; ours in one form for rotations by words, by sums, and channels.
    """
    # Backward first: which tuples are alive at a gate is only known from the observable's side.
    sweep = _Sweep(observable, power, gates)
    for k in range(len(gates) - 1, -1, -1):
        sweep.undo(k)
        if sweep.expected(k) > max_entries:
            raise ModuleTooLargeError(f"Exact averages need more than max_entries={max_entries} branches of words.")
    ends = np.prod(expectation(sweep.index.words())[sweep.tuples.rows], axis=1)
    value = float(sweep.weights @ ends)
    slopes = np.zeros(len(gates))
    # Forward again: ``ends`` is what the input makes of each tuple behind the gates done so far.
    for k, step in enumerate(reversed(sweep.steps)):
        seen = ends[step.targets]
        if step.slopes is not None:
            slopes[k] = float((step.slopes * step.weights[step.rows]) @ seen)
        ends[step.active] = np.bincount(step.rows, step.values * seen, len(step.active))
    return TupleMoments(value, slopes, sweep.entries)


@dataclass(frozen=True, eq=False)
class _Step:
    """One gate on the tuples that it turns, branch by branch; all others stay as they are."""

    active: np.ndarray
    """Numbers of the tuples after the gate that it turns."""
    weights: np.ndarray
    """Their weights on the observable's side."""
    rows: np.ndarray
    """int32: which of them each branch belongs to."""
    targets: np.ndarray
    """int32: number of the tuple before the gate that it leads to."""
    values: np.ndarray
    """Its weight."""
    slopes: np.ndarray | None
    """The same for the derivatives; None where no parameter drives the gate."""


class _Sweep:
    """Weights on tuples of words, carried back from the observable gate by gate."""

    def __init__(self, observable: PauliSum, power: int, gates: Sequence[AveragedGate]):
        self.index = WordIndex(observable.words)
        self.tuples = _Tuples(power)
        keys, weights = _start(observable, power)
        self.gates, packed = gates, observable.words.packed
        products = PauliWords.from_packed(np.bitwise_xor.reduce(packed[keys], axis=1), observable.n_qubits)
        self.sieve = sieve_of(gates, products, power)
        kept = self.sieve.keeps(len(gates), linear_keys(products))
        keys, weights = keys[kept], weights[kept]
        self.weights = np.zeros(0)
        self.alive = np.zeros(0, bool)
        """Which tuples can have a weight."""
        start = self._numbers(keys)
        self.weights[start], self.alive[start] = weights, True
        self.steps: list[_Step] = []
        self.entries = 0
        self.sizes: list[int] = []
        self._images: dict[int, WordImages] = {}
        self._most = self._all_tuples(power)

    def _all_tuples(self, power: int) -> float:
        """Return how many tuples there can be in the light cone, with the products that the sieve has kept."""
        cone = np.bitwise_or.reduce(self.index.x | self.index.z, axis=0)
        for gate in reversed(self.gates):
            probes = np.bitwise_or.reduce(gate.action.probes.x | gate.action.probes.z, axis=0)
            cone = cone | probes if (cone & probes).any() else cone
        log2_words = 2 * int(np.bitwise_count(cone).sum())
        products = self.sieve.largest
        log2 = float(power * log2_words)
        if products is not None and power == 2:
            log2 = min(log2, log2_words + math.log2(max(products, 1)))
        # 4^n of a thousand qubits is no float
        return 2.0**log2 if log2 < limits.LARGEST_LOG2 else math.inf

    def _numbers(self, keys: np.ndarray) -> np.ndarray:
        numbers = self.tuples.find(keys)
        more = len(self.tuples.rows) - len(self.weights)
        self.weights, self.alive = np.append(self.weights, np.zeros(more)), np.append(self.alive, np.zeros(more, bool))
        return numbers

    def expected(self, k: int) -> float:
        """Return about how many branches there are in all when gates 0 … k − 1 are still to come.

        Tuples only become more on the way to the input: half of the gates to come have as many branches as the last
        few, which grow once more as they did, while there are tuples that are not met yet.
        """
        count = limits.RECENT_GATES
        lately = sum(self.sizes[-count:]) / max(1, len(self.sizes[-count:]))
        before = sum(self.sizes[-2 * count : -count]) / count if len(self.sizes) >= 2 * count else lately
        grown = lately * max(1.0, lately / max(before, 1.0))
        alive = max(1, int(self.alive.sum()))
        return self.entries + k / 2 * max(lately, min(grown, lately * self._most / alive))

    def undo(self, k: int) -> None:
        """Carry the weights to before gate k; tuples whose product is averaged away later are left out."""
        gate = self.gates[k]
        images = self._images.setdefault(id(gate.action), WordImages(self.index, gate.action))
        alive = np.flatnonzero(self.alive)
        # a gate is asked once per word, not once per tuple: tuples share their words
        codes = images.syndromes()[self.tuples.rows[alive]]
        # column by column: a reduction over a short last axis takes many times as long
        turned = reduce(np.logical_or, images.turns(codes).T)
        active = alive[turned]
        rows = self.tuples.rows[active]
        products = reduce(np.bitwise_xor, self.index.keys[rows].T)
        parts = list(_parts(gate, images, rows, codes[turned], lambda at, by: self.sieve.keeps(k, products[at] ^ by)))
        # what the gate turns leaves its place before its images arrive: some may be the same tuples
        weights = self.weights[active]
        self.weights[active], self.alive[active] = 0.0, False
        if not parts:
            # nothing turned, or every average over the angle vanishes
            none = np.zeros(0, np.int32)
            self.steps.append(_Step(active, weights, none, none, np.zeros(0), None))
            return
        at, values, slopes = (np.concatenate([p[i] for p in parts]) for i in (0, 2, 3))
        targets = self._numbers(np.concatenate([p[1] for p in parts]))
        self.weights += np.bincount(targets, values * weights[at], len(self.weights))
        self.alive[targets] = True
        narrow = at.astype(np.int32), targets.astype(np.int32)
        self.steps.append(_Step(active, weights, *narrow, values, slopes if gate.moves else None))
        self.entries += len(at)
        self.sizes.append(len(at))


class _Tuples:
    """An append-only numbering of sorted tuples of word numbers."""

    def __init__(self, power: int):
        self.rows = np.zeros((0, power), np.int64)
        self._codes, self._order = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self._bits = 63 // power  # of a word's number: more words would not fit in memory as tuples

    def find(self, keys: np.ndarray) -> np.ndarray:
        """Return the number of each tuple; new ones are added."""
        if keys.size and int(keys.max()) >> self._bits:
            raise ModuleTooLargeError("Tuples of so many words are not numbered: use walkers.")
        codes = np.zeros(len(keys), np.int64)
        for column in keys.T:
            codes = (codes << self._bits) | column
        known = self._known(codes)
        missing = np.flatnonzero(known < 0)
        if len(missing) == 0:
            return known
        fresh, first, which = np.unique(codes[missing], return_index=True, return_inverse=True)
        known[missing] = len(self.rows) + which
        at = np.searchsorted(self._codes, fresh)
        self._order = np.insert(self._order, at, len(self.rows) + np.arange(len(fresh)))
        # kept sorted by insertion: new tuples are few once a circuit has spread
        self._codes = np.insert(self._codes, at, fresh)
        self.rows = np.concatenate([self.rows, keys[missing[first]]])
        return known

    def _known(self, codes: np.ndarray) -> np.ndarray:
        """Return the number of each code, −1 where it is new."""
        if len(self._codes) == 0:
            return np.full(len(codes), -1)
        at = np.minimum(np.searchsorted(self._codes, codes), len(self._codes) - 1)
        return np.where(self._codes[at] == codes, self._order[at], -1)


class WordImages:
    """What one gate makes of every word so far: syndromes, and the number and sign under each shift."""

    def __init__(self, index: WordIndex, action: WordAction):
        self.index, self.action = index, action
        self.shift_keys = linear_keys(action.shifts)
        self._syndromes = np.zeros(0, np.int64)
        self._found: dict[tuple[int, bool], tuple[np.ndarray, np.ndarray]] = {}

    def syndromes(self) -> np.ndarray:
        """Return the syndrome of every word of the index."""
        known = len(self._syndromes)
        if known < len(self.index):
            self._syndromes = np.append(self._syndromes, self.action.syndromes(self.index.words(known)))
        return self._syndromes

    def turns(self, codes: np.ndarray) -> np.ndarray:
        """Return which syndromes lead to anything but the word itself."""
        table = np.zeros(1 << len(self.action.probes), bool)
        for s in np.flatnonzero(np.bincount(codes.reshape(-1))):
            row = self.action.row(int(s))
            # most words commute with most gates: leaving them alone is what makes deep circuits affordable
            still = len(row.shifts) == 1 and row.shifts[0] == 0 and not row.frequencies.any()
            table[s] = not (still and abs(row.amplitudes[0, 0] - 1) < limits.ZERO)
        return np.asarray(table[codes])

    def of(self, words: np.ndarray, shift: int, odd: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return the numbers and signs of the images of words, given by their numbers."""
        numbers, signs = self._found.get((shift, odd), (np.zeros(0, np.int64), np.zeros(0)))
        more = len(self.index) - len(numbers)
        if more:
            numbers, signs = np.append(numbers, np.full(more, -1)), np.append(signs, np.zeros(more))
            self._found[shift, odd] = numbers, signs
        missing = words[numbers[words] < 0]
        if len(missing):
            mark = np.zeros(len(numbers), bool)
            mark[missing] = True
            ask = np.flatnonzero(mark)
            found, sign = self.action.image(self.index.words()[ask], shift, odd)
            numbers[ask], signs[ask] = self.index.number(found, self.index.keys[ask] ^ self.shift_keys[shift]), sign
        return numbers[words], signs[words]


def _parts(
    gate: AveragedGate,
    images: WordImages,
    keys: np.ndarray,
    codes: np.ndarray,
    keeps: Callable[[np.ndarray, np.uint64], np.ndarray],
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Yield (row after the gate, tuple before it, weight, derivatives' weight), a branch at a time.

    Args:
        keeps: which of some rows still count when their product is multiplied by a word with this key.
    """
    joint = codes[:, :1].reshape(-1)
    for column in codes.T[1:]:
        joint = (joint << len(gate.action.probes)) | column
    order = np.argsort(joint, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(joint[order])) + 1 if len(order) else []):
        if not len(members):
            continue
        code = codes[members[0]]
        rows = [gate.action.row(int(s)) for s in code]
        values, slopes = averaged_product(rows, gate.transform, gate.moves)
        for branch in product(*[range(len(r.shifts)) for r in rows]):
            weight, slope = float(values[branch]), float(slopes[branch])
            if abs(weight) <= limits.ZERO and abs(slope) <= limits.ZERO:
                continue
            shifts = [int(row.shifts[b]) for row, b in zip(rows, branch, strict=True)]
            taken = members[keeps(members, np.bitwise_xor.reduce(images.shift_keys[shifts]))]
            sign = np.ones(len(taken))
            target = np.empty((len(taken), len(rows)), np.int64)
            for place, (row, b) in enumerate(zip(rows, branch, strict=True)):
                found, own = images.of(keys[taken, place], shifts[place], bool(row.odd[b]))
                target[:, place] = found
                sign *= own
            # kept for its slope alone: the weight's rounding must not travel on
            weight = weight if abs(weight) > limits.ZERO else 0.0
            yield taken, _sorted(target), weight * sign, slope * sign


def _sorted(keys: np.ndarray) -> np.ndarray:
    """Sort each row; pairs without a sort of two entries a row."""
    if keys.shape[1] != 2:
        return np.sort(keys, axis=1)
    return np.stack([np.minimum(*keys.T), np.maximum(*keys.T)], axis=1)


def _start(observable: PauliSum, power: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the sorted tuples of terms ``(m, power)`` and their weights."""
    m = len(observable)
    grids = np.meshgrid(*[np.arange(m)] * power, indexing="ij")
    keys = np.sort(np.stack([g.reshape(-1) for g in grids], axis=1), axis=1)
    weights = np.prod(observable.coefficients[np.stack([g.reshape(-1) for g in grids], axis=1)], axis=1)
    keys, inverse = np.unique(keys, axis=0, return_inverse=True)
    total = np.zeros(len(keys))
    np.add.at(total, np.asarray(inverse).reshape(-1), weights)
    return keys, total
