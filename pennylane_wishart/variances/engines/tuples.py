"""Exact moments of any order: weights on tuples of words, one sparse map a gate (THEORY §4).

The average of O ⊗ O is a weight on pairs (Q, R) of words, that of O on single words. A gate
sends a tuple to few others, by the product of its rows averaged over its angle, so that a
circuit is a product of sparse matrices between the tuples that are alive at each gate. One
product from the observable and one from the input give the derivative of every gate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy import sparse

from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import ModuleTooLargeError
from pennylane_wishart.paulis import PauliSum, PauliWords
from pennylane_wishart.variances.actions import Row, WordAction

__all__ = ["AveragedGate", "TupleMoments", "tuple_moments"]

Transform = Callable[[np.ndarray], np.ndarray]
"""f ↦ E[exp(i·f·angle)] under the law of a gate's angle."""

_Step = tuple[np.ndarray, sparse.csr_array, sparse.csr_array | None]
"""The tuples before a gate, its map (after × before), and the map of its derivative."""
_Part = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Rows after the gate, tuples before it, weights, derivatives' weights."""
_Images = dict[int, tuple[np.ndarray, np.ndarray]]
"""Per syndrome: number and sign of every word's image under each shift, ``(shifts, words)``."""


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
        max_entries: largest number of non-zeros kept (12 bytes each, twice where driven).
    Raises:
        ModuleTooLargeError: beyond ``max_entries``.
    Cost: O(gates · live tuples · branches).
    Source: THEORY §4; ours in one form for rotations by words, by sums, and channels.
    """
    index = _WordIndex(observable.words)
    keys, start = _start(observable, power)
    maps: list[tuple[sparse.csr_array, sparse.csr_array | None]] = []
    entries = 0
    for gate in reversed(gates):
        keys, turn, slope = _step(index, keys, gate, power)
        maps.append((turn, slope))
        entries += turn.nnz + (slope.nnz if slope is not None else 0)
        if entries > max_entries:
            raise ModuleTooLargeError(f"Exact averages need more than max_entries={max_entries} branches of words.")
    ends = np.prod(expectation(index.words())[keys], axis=1)
    weights = [start]
    for turn, _ in maps:
        weights.append(turn.T @ weights[-1])
    slopes = np.zeros(len(gates))
    for place in range(len(maps) - 1, -1, -1):
        turn, slope = maps[place]
        if slope is not None:
            slopes[len(gates) - 1 - place] = float(weights[place] @ (slope @ ends))
        ends = turn @ ends
    return TupleMoments(float(start @ ends), slopes, entries)


class _WordIndex:
    """An append-only numbering of the words that tuples are made of."""

    def __init__(self, words: PauliWords):
        self.n_qubits = words.n_qubits
        self.packed = words.packed.copy()
        self._number = {row.tobytes(): k for k, row in enumerate(self.packed)}

    def words(self) -> PauliWords:
        return PauliWords.from_packed(self.packed, self.n_qubits)

    def find(self, words: PauliWords) -> np.ndarray:
        """Return the number of each word; new ones are added."""
        packed, out = words.packed, np.empty(len(words), np.int64)
        fresh: list[int] = []
        size = len(self.packed)
        for k, row in enumerate(packed):
            key = row.tobytes()
            number = self._number.get(key)
            if number is None:
                number = self._number[key] = size + len(fresh)
                fresh.append(k)
            out[k] = number
        if fresh:
            self.packed = np.concatenate([self.packed, packed[fresh]])
        return out


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


def _step(index: _WordIndex, keys: np.ndarray, gate: AveragedGate, power: int) -> _Step:
    """Return the tuples before the gate, its map (after × before), and that of its derivative."""
    used, local = np.unique(keys, return_inverse=True)
    local = np.asarray(local).reshape(keys.shape)
    words = PauliWords.from_packed(index.packed[used], index.n_qubits)
    syndromes = gate.action.syndromes(words)
    images = _images(index, gate.action, words, syndromes)
    codes = syndromes[local]
    groups, which = np.unique(codes, axis=0, return_inverse=True)
    which = np.asarray(which).reshape(-1)
    order = np.argsort(which, kind="stable")
    bounds = np.searchsorted(which[order], np.arange(len(groups) + 1))
    parts: list[_Part] = []
    for g, code in enumerate(groups):
        rows = order[bounds[g] : bounds[g + 1]]
        for branch, weight, slope in _branches(gate, tuple(int(s) for s in code)):
            target = np.stack([images[s][0][w][local[rows, i]] for i, (s, w) in enumerate(zip(code, branch))], axis=1)
            sign = np.prod([images[s][1][w][local[rows, i]] for i, (s, w) in enumerate(zip(code, branch))], axis=0)
            parts.append((rows, np.sort(target, axis=1), weight * sign, slope * sign))
    return _assemble(parts, len(keys), len(index.packed), gate.moves, power)


def _images(index: _WordIndex, action: WordAction, words: PauliWords, syndromes: np.ndarray) -> _Images:
    """Return, per syndrome, per entry of its row: the number and sign of every word's image."""
    out = {}
    for s in np.unique(syndromes):
        members = np.flatnonzero(syndromes == s)
        row = action.row(int(s))
        numbers = np.full((len(row.shifts), len(words)), -1)
        signs = np.zeros((len(row.shifts), len(words)))
        for w, (shift, odd) in enumerate(zip(row.shifts, row.odd, strict=True)):
            found, sign = action.image(words[members], int(shift), bool(odd))
            numbers[w, members], signs[w, members] = index.find(found), sign
        out[int(s)] = (numbers, signs)
    return out


def _branches(gate: AveragedGate, code: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], float, float]]:
    """Yield (entry of each word's row, average of the product, average of the derivatives' product)."""
    rows = [gate.action.row(s) for s in code]
    values, slopes = averaged_product(rows, gate.transform, gate.moves)
    for branch in product(*[range(len(r.shifts)) for r in rows]):
        weight, slope = float(values[branch]), float(slopes[branch]) if gate.moves else 0.0
        if abs(weight) > limits.ZERO or abs(slope) > limits.ZERO:
            yield branch, weight if abs(weight) > limits.ZERO else 0.0, slope


def averaged_product(rows: Sequence[Row], transform: Transform, moves: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return E of the product of one coefficient of each row, and of their angle derivatives.

    Returns:
        Two float64 arrays with one axis per row; the second is 0 where ``moves`` is False.
    """
    frequencies = np.zeros(1)
    values = np.ones((1,), complex)
    slopes = np.ones((1,), complex)
    for row in rows:
        frequencies = (frequencies[:, None] + row.frequencies[None, :]).reshape(-1)
        values = _outer(values, row.amplitudes)
        if moves:
            slopes = _outer(slopes, 1j * row.frequencies[:, None] * row.amplitudes)
    mean = transform(frequencies)
    shape = tuple(len(r.shifts) for r in rows)
    average = np.tensordot(mean, values, axes=(0, 0)).real.reshape(shape)
    if not moves:
        return average, np.zeros(shape)
    return average, np.asarray(np.tensordot(mean, slopes, axes=(0, 0)).real.reshape(shape))


def _outer(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Combine (F, …) with (G, m) to (F·G, …, m)."""
    combined = left[:, None, ..., None] * right.reshape(1, len(right), *[1] * (left.ndim - 1), right.shape[1])
    return np.asarray(combined.reshape(-1, *combined.shape[2:]))


def _assemble(parts: list[_Part], n_after: int, n_words: int, moves: bool, power: int) -> _Step:
    if not parts:
        none = np.zeros((0, power), np.int64)
        empty = sparse.csr_array((n_after, 0))
        return none, empty, empty if moves else None
    rows = np.concatenate([p[0] for p in parts])
    targets = np.concatenate([p[1] for p in parts])
    values, slopes = np.concatenate([p[2] for p in parts]), np.concatenate([p[3] for p in parts])
    code = np.zeros(len(targets), np.int64)
    for place in range(power):  # a number below n_words^power: exact in 64 bits for the sizes that fit in memory
        code = code * n_words + targets[:, place]
    _, first, inverse = np.unique(code, return_index=True, return_inverse=True)
    shape = (n_after, len(first))
    column = np.asarray(inverse).reshape(-1)
    turn = sparse.csr_array((values, (rows, column)), shape=shape)
    turn.eliminate_zeros()
    slope = sparse.csr_array((slopes, (rows, column)), shape=shape) if moves else None
    if slope is not None:
        slope.eliminate_zeros()
    return targets[first], turn, slope
