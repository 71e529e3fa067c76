"""Branches that later averages remove, known before they are followed.

An average over an angle may scatter a tuple of words over many others whose product the next averages then remove: a
rotation by one word at a uniform angle removes every tuple whose product anticommutes with it. What a gate can make of
a product depends on few bits of it, so the products that can be met, and those of them that can end at the input, are
two sweeps over a small set, before any tuple is followed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.paulis import PauliWords
from pennylane_wishart.variances.actions import Transform, WordAction, averaged_product, syndromes_of
from pennylane_wishart.variances.reach import linear_keys

__all__ = ["Gate", "Sieve", "sieve_of"]


class Gate(Protocol):
    """What a sieve reads of a gate."""

    @property
    def action(self) -> WordAction:
        """What it makes of words."""
        ...

    @property
    def transform(self) -> Transform | None:
        """E[exp(i·f·angle)]; None where the angle is drawn, together with others."""
        ...


class Sieve:
    """The products of tuples that can still count, before and behind every gate."""

    def __init__(self, alive: list[np.ndarray | None]):
        self._alive = alive

    @property
    def is_diagonal(self) -> bool:
        """Whether only tuples of product 1 count: pairs of equal words, whose weights are probabilities."""
        return all(alive is not None and not alive.any() for alive in self._alive)

    @property
    def largest(self) -> int | None:
        """Most products that can count at one place; None where they are not known everywhere."""
        sizes = [None if alive is None else len(alive) for alive in self._alive]
        return None if None in sizes else max(size or 0 for size in sizes)

    def keeps(self, k: int, keys: np.ndarray) -> np.ndarray:
        """Return which products, as linear keys, can count once gate k is undone; k = number of gates at the start.

        A key that two words share keeps both, which costs time and is right.
        """
        alive = self._alive[k]
        if alive is None:
            return np.ones(len(keys), bool)
        at = np.minimum(np.searchsorted(alive, keys), len(alive) - 1)
        return np.asarray(alive[at] == keys) if len(alive) else np.zeros(len(keys), bool)


def sieve_of(gates: Sequence[Gate], start: PauliWords, power: int) -> Sieve:
    """Find the products that can be met behind each gate and still count.

    Args:
        gates: first gate first.
        start: products of the tuples that the observable starts with; repeats are merged.
        power: words a tuple; 1 for means, where a word is its own product.
    Cost: O(gates · products), with at most ``limits.MAX_PRODUCTS`` products; beyond, nothing is sieved.
    """
    count = len(gates)
    alive: list[np.ndarray | None] = [None] * (count + 1)
    if not any(len(g.action.probes) > 1 or g.transform is None for g in gates):
        return Sieve(alive)  # rotations by words keep the products that they do not remove
    watched = _watched_words(gates, start.n_qubits, power)
    steps = [_moves(gate, power) for gate in gates]
    met = [start.unique()[0]]
    met[0] = met[0][syndromes_of(watched[count], met[0]) == 0]
    low = count
    for k in range(count - 1, -1, -1):
        parts = [images for _, images in _images(gates[k], steps[k], met[-1])]
        found = PauliWords.concatenate([PauliWords.identity(start.n_qubits, 0), *parts]).unique()[0]
        found = found[syndromes_of(watched[k], found) == 0]
        if len(found) > limits.MAX_PRODUCTS:
            break
        met.append(found)
        low = k
    # forward: from what is left at the input, or where they became too many
    alive[low] = np.sort(linear_keys(met[-1]))
    sieve = Sieve(alive)
    for k in range(low, count):
        words = met[count - k - 1]
        lives = np.zeros(len(words), bool)
        for rows, images in _images(gates[k], steps[k], words):
            lives[rows] |= sieve.keeps(k, linear_keys(images))
        alive[k + 1] = np.sort(linear_keys(words[lives]))
    return sieve


def _moves(gate: Gate, power: int) -> list[list[int]]:
    """Return, per syndrome of a product, the shifts of the gate by which its average can move the product."""
    rank = len(gate.action.probes)
    everything = list(range(1 << rank))
    if gate.transform is None or rank > limits.SIEVED_RANK or power > 2:
        return [everything] * (1 << rank)
    keys = linear_keys(gate.action.shifts)
    number = {int(key): k for k, key in enumerate(keys)}
    out: list[list[int]] = []
    for syndrome in everything:
        found = set()
        for first in everything if power == 2 else [syndrome]:
            rows = [gate.action.row(s) for s in ([first, first ^ syndrome] if power == 2 else [first])]
            values, slopes = averaged_product(rows, gate.transform, True)
            seen = (np.abs(values) > limits.ZERO) | (np.abs(slopes) > limits.ZERO)
            for branch in zip(*np.nonzero(seen), strict=True):
                shifts = [int(row.shifts[b]) for row, b in zip(rows, branch, strict=True)]
                found.add(number[int(np.bitwise_xor.reduce(keys[shifts]))])
        out.append(sorted(found))
    return out


def _images(gate: Gate, moves: list[list[int]], words: PauliWords) -> Iterator[tuple[np.ndarray, PauliWords]]:
    """Yield (which of some products, what they become) under each shift."""
    codes = syndromes_of(gate.action.probes, words)
    for syndrome, shift in ((s, h) for s in np.unique(codes) for h in moves[int(s)]):
        rows = np.flatnonzero(codes == syndrome)
        by = gate.action.shifts
        yield rows, PauliWords(words.x[rows] ^ by.x[shift], words.z[rows] ^ by.z[shift], words.n_qubits)


def _watched_words(gates: Sequence[Gate], n_qubits: int, power: int) -> list[PauliWords]:
    """Return, for every gate, the words that a product must commute with once it is undone; a last one for the start.

    A rotation by one word W at a uniform angle removes what anticommutes with W. Between it and the last gate behind
    it whose words do not all commute with W nothing changes whether a product does: so it is asked right there.
    """
    kinds = [_kind(gate, power) for gate in gates]
    removing = [k for k, (removes, _) in enumerate(kinds) if removes]
    changing = [k for k, (_, changes) in enumerate(kinds) if changes]
    watched: list[list[int]] = [[] for _ in range(len(gates) + 1)]
    if removing:
        words = PauliWords.concatenate([gates[k].action.probes for k in removing])
        # whether any product of a gate's words anticommutes is decided by the words that span them
        anti = np.zeros((len(removing), len(changing)), bool)
        for column, k in enumerate(changing):
            anti[:, column] = words.anticommutation(gates[k].action.probes).any(axis=1)
        anti &= np.asarray(changing)[None, :] > np.asarray(removing)[:, None]
        for row in range(len(removing)):
            met = np.flatnonzero(anti[row])
            watched[changing[met[0]] if len(met) else len(gates)].append(row)
        return [words[np.array(rows, np.int64)] for rows in watched]
    return [PauliWords.identity(n_qubits, 0)] * (len(gates) + 1)


def _kind(gate: Gate, power: int) -> tuple[bool, bool]:
    """Whether a gate removes products that anticommute with its word, and whether it can change a product."""
    if gate.transform is None or len(gate.action.probes) != 1:
        return False, True
    moving = np.abs(gate.action.row(1).frequencies).max(initial=0.0)
    if moving == 0:
        return False, True
    # in a product of ``power`` words an odd number turns, or an even one: E of e^{iφ} to that power
    orders = moving * np.arange(1, power + 1)
    waves = np.abs(gate.transform(orders)) < limits.ZERO
    removes = bool(waves[::2].all())
    symmetric = bool(np.abs(gate.transform(orders).imag).max() < limits.ZERO)
    # of an odd number of words a derivative moves one more than the value does
    return removes, not (symmetric and (removes or power % 2 == 0))
