"""The module of the observables as a list of Pauli words, and rotations as turns of index pairs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pennylane_wishart.algebra.walk import LinearHash, walk
from pennylane_wishart.circuit.states import InputState
from pennylane_wishart.conventions import devices as limits
from pennylane_wishart.devices.inputs import state_values
from pennylane_wishart.paulis import PauliWords

__all__ = ["Turn", "WordModule"]


Rotation = tuple[int, np.ndarray, np.ndarray]
"""A term with the indices of Q and of iPQ, each pair once."""


@dataclass(frozen=True, eq=False)
class Turn:
    """Rotations of disjoint pairs: (x_left, x_right) → (cos·x_left − sin·x_right, cos·x_right + sin·x_left)."""

    left: np.ndarray
    right: np.ndarray
    terms: np.ndarray
    """The program's terms in this turn, in circuit order."""
    starts: np.ndarray
    """Pairs ``starts[j]:starts[j + 1]`` belong to ``terms[j]``."""

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Repeat one row per term ``(…, batch)`` for each of its pairs."""
        if len(self.terms) == 1:
            return np.asarray(values[self.terms])
        return np.repeat(values[self.terms], np.diff(self.starts), axis=0)


class WordModule:
    """The words that the observables reach, and what each rotation does to them.

    Args:
        observables, generators: words; generators may repeat.
        max_dim: largest number of words to hold.
    Raises:
        ModuleTooLargeError: if there are more.
    Cost: O(dim · distinct generators) popcounts once; the pairs are kept per distinct generator.
    """

    engine = "words"

    def __init__(self, observables: PauliWords, generators: PauliWords, max_dim: int):
        distinct, inverse = generators.unique()
        self.words = walk(observables, distinct, max_dim)
        self._hash = self._collision_free()
        keys = self._hash(self.words.packed)
        self._order = np.argsort(keys)
        self._sorted = keys[self._order]
        self.positions = self._find(self._hash(observables.packed))
        pairs = self._pairs(distinct, keys)
        self.nbytes = self.words.packed.nbytes + 16 * self.dim + sum(16 * len(left) for left, _ in pairs)
        self.turns = _gather([(t, *pairs[g]) for t, g in enumerate(inverse)])

    @property
    def dim(self) -> int:
        """Number of words."""
        return len(self.words)

    def _collision_free(self) -> LinearHash:
        # words are looked up by a 64-bit linear hash; a collision would swap two of them silently
        packed = self.words.packed
        seed = 0
        while True:
            linear = LinearHash(8 * packed.shape[1], seed)
            if len(np.unique(linear(packed))) == len(packed):
                return linear
            seed += 1

    def _find(self, keys: np.ndarray) -> np.ndarray:
        return self._order[np.searchsorted(self._sorted, keys)]

    def _pairs(self, generators: PauliWords, keys: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return, per generator P, the indices of Q and of iPQ, each pair once."""
        moves = self._hash(generators.packed)
        out = []
        size = max(1, limits.MASK_BYTES // max(1, self.dim))
        for begin in range(0, len(generators), size):
            part = generators[begin : begin + size]
            mask = np.ascontiguousarray(self.words.anticommutation(part).T)
            for g, row in enumerate(mask, start=begin):
                hit = np.flatnonzero(row)
                partner = self._find(keys[hit] ^ moves[g])
                first = hit < partner
                hit, partner = hit[first], partner[first]
                _, k = generators[g].multiply(self.words[hit])
                # P·Q = i^k·Q', so iPQ = +Q' for k = 3 and −Q' for k = 1
                plus = k == 3
                out.append((np.where(plus, hit, partner), np.where(plus, partner, hit)))
        return out

    @property
    def size(self) -> int:
        """Numbers held per batch entry."""
        return self.dim

    # ------------------------------------------------------------------ what engines share
    def renumber(self, active: np.ndarray) -> None:
        """Number the terms as in the whole program."""
        self.turns = [replace(turn, terms=active[turn.terms]) for turn in self.turns]

    def inputs(self, state: InputState) -> np.ndarray:
        """Return ⟨Q⟩ of every word in an input state, float64 ``(dim,)``."""
        return state_values(state, self.words)

    def read(self, x: np.ndarray) -> np.ndarray:
        """Return the values at the observables' words ``(n_observables, batch)``."""
        return np.asarray(x[self.positions])

    def covectors(self, coefficients: np.ndarray) -> np.ndarray:
        """Return combinations of the observables' words, ``(dim, …)`` for ``(n_observables, …)``."""
        out = np.zeros((self.dim, *coefficients.shape[1:]))
        np.add.at(out, self.positions, coefficients)
        return out

    def forward(self, x: np.ndarray, cos: np.ndarray, sin: np.ndarray) -> np.ndarray:
        """Carry expectation values ``(dim, batch)`` from the input to the end, in place."""
        for turn in self.turns:
            c, s = turn.spread(cos), turn.spread(sin)
            left, right = x[turn.left], x[turn.right]
            x[turn.left] = c * left + s * right
            x[turn.right] = c * right - s * left
        return x

    def backward(self, x: np.ndarray, v: np.ndarray, cos: np.ndarray, sin: np.ndarray) -> np.ndarray:
        """Undo ``forward`` while observables go back, and differentiate.

        Args:
            x: values at the end ``(dim, batch)``; v: observables ``(dim, k, batch or 1)``.
        Returns:
            dℓ/dφ, float64 ``(n_terms, k, batch)``.
        """
        batch, k = x.shape[1], v.shape[1]
        both = np.empty((self.dim, 1 + k, batch))
        both[:, 0] = x
        both[:, 1:] = v
        out = np.zeros((len(cos), k, batch))
        for turn in reversed(self.turns):
            c, s = turn.spread(cos)[:, None], turn.spread(sin)[:, None]
            left, right = both[turn.left], both[turn.right]
            new_left, new_right = c * left - s * right, c * right + s * left
            both[turn.left], both[turn.right] = new_left, new_right
            slope = new_right[:, :1] * new_left[:, 1:] - new_left[:, :1] * new_right[:, 1:]
            out[turn.terms] = np.add.reduceat(slope, turn.starts[:-1], axis=0)
        return out


def _gather(rotations: list[Rotation]) -> list[Turn]:
    """Merge consecutive small rotations that touch different words; drop those that touch none."""
    turns: list[Turn] = []
    held: list[Rotation] = []
    used: set[int] = set()

    def flush() -> None:
        if held:
            sizes = [len(left) for _, left, _ in held]
            turns.append(
                Turn(
                    np.concatenate([h[1] for h in held]),
                    np.concatenate([h[2] for h in held]),
                    np.array([h[0] for h in held]),
                    np.concatenate([[0], np.cumsum(sizes)]),
                )
            )
        held.clear()
        used.clear()

    for term, left, right in rotations:
        if not len(left):
            continue
        if len(left) > limits.FEW_PAIRS:
            flush()
            turns.append(Turn(left, right, np.array([term]), np.array([0, len(left)])))
            continue
        touched = {*left.tolist(), *right.tolist()}
        if used & touched:
            flush()
        held.append((term, left, right))
        used |= touched
    flush()
    return turns
