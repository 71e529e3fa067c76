"""What one component of the generators does to a Pauli word: two kinds of sets, both countable.

Under one connected component with F2 span W, a word v that some generator moves has as orbit
v + (a union of cosets of a radical subspace K ⊂ Rad W):

* ``QuadricPart``: all w in W with q(w) + ω(v, w) = 0 (no condition where q is ill defined)
  such that v + w still anticommutes with some generator;
* ``BinomialPart`` (type A, v commutes with the copy words): all subsets of Majoranas of the
  size of v's own subset.

``count`` counts the cosets of K on which a linear map takes a given value.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from functools import cached_property

import numpy as np

from pennylane_wishart.algebra.component import Component, quadratic_form
from pennylane_wishart.algebra.f2forms import reduce_form
from pennylane_wishart.conventions import algebra as limits
from pennylane_wishart.paulis import PauliWords, f2_nullspace, pack_bits, subsets, unpack_bits

__all__ = ["BinomialPart", "Measure", "QuadricPart", "part_of", "solve_affine"]

Measure = Callable[[PauliWords], np.ndarray]
"""An F2-linear map of words to bits ``(m, r)``."""


def part_of(component: Component, word: PauliWords) -> QuadricPart | BinomialPart | None:
    """Return what a component does to a word; None where it leaves the word alone."""
    if not word.anticommutes(component.basis).any():
        return None
    if component.kind == "A" and not word.anticommutes(_copies(component)).any():
        return BinomialPart(component, word)
    return QuadricPart(component, word)


def _copies(component: Component) -> PauliWords:
    assert component.copy_basis is not None
    return component.copy_basis


def solve_affine(matrix: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Solve y·M = t over F2; return a solution and a basis of the homogeneous ones.

    Args:
        matrix: ``uint8 (m, r)``; target: ``uint8 (r,)``.
    Returns:
        bits ``(m,)`` and ``(m − rank, m)``, or None if there is no solution.
    """
    null = f2_nullspace(np.concatenate([matrix, target[None]]).T)
    # solutions of y·M = t are null vectors of [M; t] that use t
    hit = np.flatnonzero(null[:, -1])
    if len(hit) == 0:
        return None
    particular = null[hit[0]].copy()
    null[hit] ^= particular
    keep = np.arange(len(null)) != hit[0]
    return particular[:-1], null[keep, :-1]


class QuadricPart:
    """Zeros of a quadratic condition on W, modulo K."""

    def __init__(self, component: Component, word: PauliWords):
        self.component, self.word = component, word
        rad = component.radical
        moved = word.anticommutes(rad) if len(rad) else np.zeros(0, bool)
        self.has_q = component.q_well_defined
        self.kernel, coordinates = rad, component.symplectic
        if self.has_q and len(rad):
            assert component.q_on_radical is not None
            # radical words on which the condition is odd cannot be added alone, only in pairs
            odd = (component.q_on_radical ^ moved).astype(bool)  # q + ω(v, ·) on Rad
            if odd.any():
                lead = int(np.argmax(odd))
                packed = rad.packed.copy()
                packed[odd] ^= packed[lead]
                keep = np.arange(len(rad)) != lead
                self.kernel = PauliWords.from_packed(packed[keep], word.n_qubits)
                coordinates = PauliWords.concatenate([coordinates, rad[lead]])
        self.coordinates = coordinates
        """Words that are a basis of W modulo K."""
        # v + w that commutes with W is moved by no generator: it is no word of the orbit
        self.excluded = None if moved.any() else self._commuting_element()

    def _q(self, words: PauliWords) -> np.ndarray:
        """q(w) + ω(v, w) of words in W."""
        assert self.component.q_linear is not None
        return np.asarray(quadratic_form(words, self.component.q_linear) ^ self.word.anticommutes(words))

    def _commuting_element(self) -> np.ndarray | None:
        """Coordinates of the w for which v + w commutes with W, if it meets the condition."""
        tree = self.component.symplectic
        gram = tree.anticommutation(tree).astype(np.uint8)
        # w with the commutations of v: then v + w commutes with all of W
        solution = solve_affine(gram, self.word.anticommutes(tree).astype(np.uint8))
        assert solution is not None  # ω is non-degenerate on W modulo Rad
        bits = np.zeros(len(self.coordinates), dtype=np.uint8)
        bits[: len(tree)] = solution[0]
        if not self.has_q:
            return bits
        if self._q(self.coordinates.combine(bits[None]))[0] == 0:
            return bits
        if len(self.coordinates) == len(tree):
            return None
        # the odd radical word turns the condition on without changing a commutation
        bits[-1] = 1
        return bits

    @cached_property
    def total(self) -> int:
        """Number of cosets of K in the orbit."""
        nothing = np.zeros((len(self.coordinates), 0), dtype=np.uint8)
        return self.count(nothing, np.zeros(0, dtype=np.uint8))

    def values(self, measure: Measure) -> np.ndarray:
        """Return a linear map on the coordinates, ``uint8 (m, r)``."""
        return measure(self.coordinates)

    def offset(self, values: np.ndarray) -> np.ndarray:
        """Return the value of the part's origin, which is the word itself: zero."""
        return np.zeros(values.shape[1], dtype=np.uint8)

    def count(self, values: np.ndarray, target: np.ndarray) -> int:
        """Count the cosets on which the map takes the target value."""
        solution = solve_affine(values, target)
        if solution is None:
            return 0
        start, null = solution
        count = 1 << len(null)
        if self.has_q:
            base = self.coordinates.combine(start[None])
            steps = self.coordinates.combine(null)
            constant = int(self._q(base)[0])

            def shifted(w: PauliWords) -> np.ndarray:
                moved = PauliWords(w.x ^ base.x, w.z ^ base.z, w.n_qubits)
                return np.asarray(self._q(moved) ^ np.uint8(constant))

            # zeros of a quadratic form: half of all points, plus or minus what its Arf invariant adds
            form = reduce_form(steps, shifted)
            balance = 0 if form.linear else 1 << (len(null) - form.pairs)
            count = (count + (-1) ** (constant + form.arf) * balance) // 2
        if self.excluded is not None and not ((self.excluded @ values + target) % 2).any():
            count -= 1
        return count

    def accepts(self, points: np.ndarray) -> np.ndarray:
        """Tell which coordinate bits ``(samples, m)`` belong to the orbit."""
        out = np.ones(len(points), dtype=bool)
        if self.has_q:
            out &= self._q(self.coordinates.combine(points)) == 0
        if self.excluded is not None:
            out &= (points != self.excluded).any(axis=1)
        return np.asarray(out)


class BinomialPart:
    """Subsets of d Majoranas of one size, modulo the copy words K."""

    has_q = False

    def __init__(self, component: Component, word: PauliWords):
        assert component.majoranas is not None
        self.coordinates = component.majoranas
        self.kernel = _copies(component)
        self.subset = word.anticommutes(self.coordinates).astype(np.uint8)
        self.size = int(self.subset.sum())
        self.total = math.comb(len(self.coordinates), self.size)

    @property
    def parity_word(self) -> PauliWords | None:
        """The total parity ∏γ, where it maps subsets of this size to such subsets."""
        # the complement of a subset has its size only at half filling
        if 2 * self.size != len(self.coordinates):
            return None
        total = np.bitwise_xor.reduce(self.coordinates.packed, axis=0)[None]
        return PauliWords.from_packed(total, self.coordinates.n_qubits)

    def values(self, measure: Measure) -> np.ndarray:
        """Return a linear map on the Majoranas, ``uint8 (d, r)``."""
        return measure(self.coordinates)

    def offset(self, values: np.ndarray) -> np.ndarray:
        """Return the value of the part's origin: subsets are counted from the empty one."""
        return np.asarray((self.subset.astype(np.int64) @ values) % 2, np.uint8)

    def count(self, values: np.ndarray, target: np.ndarray) -> int | None:
        """Count the subsets whose values add up to the target; None if that is too hard."""
        # the size of the subset is one more linear condition, modulo 2
        values = np.concatenate([values, np.ones((len(values), 1), np.uint8)], axis=1)
        target = np.append(target, np.uint8(self.size % 2))
        # Majoranas of equal value are interchangeable: only how many of each class counts
        packed, multiplicity = np.unique(pack_bits(values), axis=0, return_counts=True)
        classes = unpack_bits(packed, values.shape[1])
        solution = solve_affine(classes, target)
        if solution is None:
            return 0
        parity, null = solution
        if len(null) > limits.FREE_PARITIES:
            return None
        count = 0
        for bits in subsets(len(null)):
            parities = parity ^ ((bits @ null) % 2).astype(np.uint8)
            count += self._with_parities(multiplicity, parities)
        return count

    def _with_parities(self, multiplicity: np.ndarray, parities: np.ndarray) -> int:
        """Count subsets with given parities in classes: a coefficient of a product.

        The polynomials Σ C(k, j) z^j over even (odd) j are multiplied as integers at z = 2^b,
        b bits being enough for every coefficient.
        """
        b = len(self.coordinates) + 1
        mask = (1 << (b * (self.size + 1))) - 1  # higher powers of z are not needed
        product = 1
        groups = Counter(zip(multiplicity.tolist(), parities.tolist(), strict=True))
        for (k, odd), power in groups.items():
            factor = sum(math.comb(k, j) << (b * j) for j in range(odd, k + 1, 2)) & mask
            # powers by squaring: classes of equal size and parity come in large numbers
            while power:
                if power & 1:
                    product = product * factor & mask
                power >>= 1
                factor = factor * factor & mask if power else factor
        return product >> (b * self.size)

    def accepts(self, points: np.ndarray) -> np.ndarray:
        """Tell which indicator bits ``(samples, d)`` belong to the orbit."""
        return np.asarray(points.sum(axis=1, dtype=np.int64) == self.size)
