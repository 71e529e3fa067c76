"""Counting orbits of Pauli words, and their intersections with linear conditions, exactly.

Several components act independently, so the orbit is the product of what each does; words
that different choices share are accounted for by the span K of all radical parts and by
total parities of type-A components. A linear condition couples components only where the
images of their spans overlap; that overlap is summed over.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pennylane_wishart.algebra.component import Component
from pennylane_wishart.algebra.orbitparts import BinomialPart, Measure, QuadricPart, part_of, solve_affine
from pennylane_wishart.conventions import algebra as limits
from pennylane_wishart.paulis import F2Basis, PauliWords, pack_bits, subsets, unpack_bits

__all__ = ["Count", "OrbitCounter", "commutation_with", "x_part"]


@dataclass(frozen=True)
class Count:
    """A number of words: exact, or an estimate with a 95% interval."""

    value: int
    low: int
    high: int

    @property
    def exact(self) -> bool:
        """Whether the value is exact."""
        return self.low == self.high


def x_part(qubits: np.ndarray) -> Measure:
    """Return the map word → its x bits on some qubits; all zero means Z-type there."""
    return lambda words: words.bits()[0][:, qubits]


def commutation_with(others: PauliWords) -> Measure:
    """Return the map word → with which of ``others`` it anticommutes."""
    return lambda words: words.anticommutation(others).astype(np.uint8)


class OrbitCounter:
    """The orbit of a word under components, ready to be counted.

    Args:
        components: of the generators, from ``classify``.
        central: generators that commute with all generators, though perhaps not with the word.
        word: the observable, a batch of one.
    """

    def __init__(self, components: Sequence[Component], central: PauliWords, word: PauliWords):
        self.word = word
        found = [part_of(component, word) for component in components]
        self.parts: list[QuadricPart | BinomialPart] = [p for p in found if p is not None]
        # a central generator that meets the word multiplies it, once for each choice of the others
        moving = central[np.flatnonzero(word.anticommutes(central))] if len(central) else word[[]]
        kernels = [moving.packed, *(p.kernel.packed for p in self.parts)]
        # parts share radical words: their span is counted once
        rows = F2Basis(np.concatenate(kernels)).rows
        self.kernel = PauliWords.from_packed(rows, word.n_qubits)

    @cached_property
    def log2_repeats(self) -> int:
        """log2 of how often each coset of K is met: parities whose product lies in K."""
        parities = [w.packed for p in self.parts if isinstance(p, BinomialPart) and (w := p.parity_word) is not None]
        if not parities:
            return 0
        # a product of parities that lies in K maps one choice of subsets to another with the same words
        together = F2Basis(np.concatenate([self.kernel.packed, *parities])).rank
        return len(parities) - (together - len(self.kernel))

    @cached_property
    def size(self) -> int:
        """Number of words in the orbit, exact."""
        cosets = math.prod(part.total for part in self.parts)
        return (cosets << len(self.kernel)) >> self.log2_repeats

    def count(self, measure: Measure, target: np.ndarray, rng: np.random.Generator) -> Count:
        """Count the words of the orbit on which a linear map takes the target value.

        Args:
            measure: F2-linear map of words to bits ``(m, r)``.
            target: ``uint8 (r,)``.
            rng: used where the count has to be estimated.
        """
        on_kernel = measure(self.kernel)
        # values are taken modulo what K can change: cosets of K are counted, then multiplied
        modulo = F2Basis(pack_bits(on_kernel)) if len(on_kernel) else None
        width = len(target)

        def reduced(bits: np.ndarray) -> np.ndarray:
            if modulo is None or len(bits) == 0:
                return bits
            return unpack_bits(modulo.reduce(pack_bits(bits)), width)

        values = [reduced(part.values(measure)) for part in self.parts]
        wanted = reduced(measure(self.word) ^ target)[0]
        for part, value in zip(self.parts, values, strict=True):
            # subsets are counted from the empty one, so the part's own origin is taken off
            wanted = wanted ^ part.offset(value)
        log2_fibre = len(self.kernel) - (0 if modulo is None else modulo.rank)
        # exactly where the parts couple through few bits, else by testing solutions one by one
        cosets = self._cosets(values, wanted)
        if cosets is not None:
            exact = (cosets << log2_fibre) >> self.log2_repeats
            return Count(exact, exact, exact)
        numbers = self._from_solutions(values, wanted, rng)
        return Count(*((c << log2_fibre) >> self.log2_repeats for c in numbers))

    def _cosets(self, values: list[np.ndarray], wanted: np.ndarray) -> int | None:
        """Sum over how the wanted value is shared among parts, one coupled group at a time."""
        images = [_row_basis(value) for value in values]
        stacked = np.concatenate([*images, np.zeros((0, len(wanted)), np.uint8)])
        owner = np.repeat(np.arange(len(images)), [len(i) for i in images])
        # each way to share the value among the parts is one solution; they differ by the ambiguity
        solution = solve_affine(stacked, wanted)
        if solution is None:
            return 0
        start, ambiguity = solution
        total = 1
        for group, free in _groups(owner, ambiguity, len(images)):
            found = self._group(group, free, start, owner, stacked, values)
            if found is None:
                return None
            total *= found
            if total == 0:
                return 0
        return total

    def _group(
        self,
        group: list[int],
        free: np.ndarray,
        start: np.ndarray,
        owner: np.ndarray,
        stacked: np.ndarray,
        values: list[np.ndarray],
    ) -> int | None:
        """Count one group of coupled parts: Σ over shares of ∏ over parts."""
        # 2^12 shares at most; chains of many parts are coupled through few bits, and are added up instead
        if len(free) > limits.COUPLING_BITS:
            return self._convolve(group, start, owner, stacked, values)
        cache: dict[tuple[int, bytes], int | None] = {}
        total = 0
        for bits in subsets(len(free)):
            share = start ^ ((bits @ free) % 2).astype(np.uint8)
            product = 1
            for i in group:
                # what this share asks of part i
                target = (share[owner == i].astype(np.int64) @ stacked[owner == i]) % 2
                key = (i, target.tobytes())
                if key not in cache:
                    cache[key] = self.parts[i].count(values[i], target.astype(np.uint8))
                count = cache[key]
                if count is None:
                    return None
                product *= count
                if product == 0:
                    break
            total += product
        return total

    def _convolve(
        self, group: list[int], start: np.ndarray, owner: np.ndarray, stacked: np.ndarray, values: list[np.ndarray]
    ) -> int | None:
        """Count a group of many parts coupled through few bits: add part after part."""
        inside = np.isin(owner, group)
        basis = _row_basis(stacked[inside])
        if len(basis) > limits.COUPLED_STATES:
            return None
        states = ((subsets(len(basis)) @ basis) % 2).astype(np.uint8)
        number = {state.tobytes(): s for s, state in enumerate(states)}
        wanted = (start[inside].astype(np.int64) @ stacked[inside]) % 2
        ways = [int(s == number[wanted.astype(np.uint8).tobytes()]) for s in range(len(states))]
        for i in group:
            counts = [self.parts[i].count(values[i], s) for s in states]
            if any(c is None for c in counts):
                return None
            # values add over F2: a convolution over XOR
            ways = [sum(ways[s ^ t] * (counts[t] or 0) for t in range(len(states))) for s in range(len(states))]
        return ways[0]

    def _from_solutions(
        self, values: list[np.ndarray], wanted: np.ndarray, rng: np.random.Generator
    ) -> tuple[int, int, int]:
        """Count cosets by testing the linear condition's solutions: all, or a sample of them."""
        solution = solve_affine(np.concatenate(values), wanted)
        if solution is None:
            return 0, 0, 0
        start, null = solution
        splits = np.cumsum([len(v) for v in values])[:-1]
        hits = tried = 0
        for weights in _weights(len(null), rng):
            # a matrix product of floats is quick, and exact for so few terms
            points = (weights.astype(np.float32) @ null).astype(np.int64).astype(np.uint8) & 1 ^ start
            good = np.ones(len(points), dtype=bool)
            for part, piece in zip(self.parts, np.split(points, splits, axis=1), strict=True):
                good &= part.accepts(piece)
            # a solution of the linear condition is a word of the orbit if every part accepts its piece
            hits += int(good.sum())
            tried += len(points)
        if len(null) <= limits.ENUMERATED_BITS:
            return hits, hits, hits
        centre, half = _wilson(hits, tried)

        def scaled(fraction: float) -> int:
            # the share as a 53-bit integer: the number of solutions is beyond any float
            return int(min(1.0, max(0.0, fraction)) * 2**53) << len(null) >> 53

        return scaled(hits / tried), scaled(centre - half), scaled(centre + half)


def _weights(n_bits: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield batches of bits ``(samples, n_bits)``: all of them up to 17 bits, else random."""
    if n_bits <= limits.ENUMERATED_BITS:
        indices = np.arange(1 << n_bits, dtype=np.uint64)[:, None]
        for part in np.array_split(indices, 1 + len(indices) // limits.COUNT_CHUNK):
            yield unpack_bits(part, n_bits)
    else:
        for _ in range(limits.COUNT_SAMPLES // limits.COUNT_CHUNK):
            yield rng.integers(0, 2, size=(limits.COUNT_CHUNK, n_bits))


def _wilson(hits: int, samples: int) -> tuple[float, float]:
    """Return centre and half-width of the 95% Wilson interval of a proportion."""
    p, z2 = hits / samples, limits.Z95**2
    scale = 1 + z2 / samples
    half = limits.Z95 * math.sqrt(p * (1 - p) / samples + z2 / (4 * samples**2)) / scale
    return (p + z2 / (2 * samples)) / scale, half


def _row_basis(bits: np.ndarray) -> np.ndarray:
    """Return a basis of the row space, bits ``(rank, r)``."""
    return unpack_bits(F2Basis(pack_bits(bits)).rows, bits.shape[1]) if bits.size else bits[:0]


def _groups(owner: np.ndarray, ambiguity: np.ndarray, count: int) -> Iterator[tuple[list[int], np.ndarray]]:
    """Yield (parts, ambiguity rows) of parts that the ambiguity couples."""
    leader = list(range(count))

    def find(i: int) -> int:
        while leader[i] != i:
            i = leader[i]
        return i

    touched = [np.unique(owner[row.astype(bool)]) for row in ambiguity]
    for parts in touched:
        for i in parts[1:]:
            leader[find(int(i))] = find(int(parts[0]))
    for root in sorted({find(i) for i in range(count)}):
        rows = [k for k, parts in enumerate(touched) if find(int(parts[0])) == root]
        # rows that couple these parts, and no others
        yield [i for i in range(count) if find(i) == root], ambiguity[rows]
