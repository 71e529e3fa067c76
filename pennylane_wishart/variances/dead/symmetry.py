"""Proofs that no word can pass through a rotation and be seen by the input: linear algebra over F2.

Words are integers x | z << n. Going backwards, a word of the observable is multiplied by generators
of later rotations; what the input sees, multiplied by generators of earlier ones, is what can still
become visible. A rotation whose word commutes with everything in both sets at once is dead, because
no derivative passes. Conserved quantities (parity, particle number mod 2, reality) are found as the
linear and quadratic forms that keep the sets apart; nothing is enumerated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property

import numpy as np

from pennylane_wishart.circuit import DenseBlock, RotationCircuit, StabilizerBlock
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.paulis import PauliWords

__all__ = ["invisible_rotations"]


def invisible_rotations(circuit: RotationCircuit) -> tuple[np.ndarray, bool]:
    """Find rotations that no word can pass on its way from the observable to the input.

    Args:
        circuit: any circuit; generators that are sums are expanded into their words.
    Returns:
        ``(dead, everything)``: bool ``(n_rotations,)``, and whether no term of the observable can
        become visible at all. Both are proofs; False says only that none was found.
    Cost: O(distinct ranks · n²) big-integer operations, at most a second or two.
    Example:
        >>> c = RotationCircuit.from_words(["XX", "ZI"], {"XI": 1.0})
        >>> invisible_rotations(c)[1]
        True
    """
    algebra = _Words(circuit)
    dead = np.zeros(circuit.n_rotations, bool)
    terms = [o for o in algebra.observable if not algebra.conserved(o)]
    if not terms:
        return ~dead, True
    later, earlier = algebra.prefixes()
    cache: dict[tuple[int, int], tuple[list[int], list[int]]] = {}
    work = 0
    for k in range(circuit.n_rotations):
        if earlier[k] == algebra.width:
            break  # everything can become visible: commutation alone decides
        key = (later[k], earlier[k])
        late, early = algebra.late[: key[0]], algebra.early[: key[1]]
        # ranks repeat from rotation to rotation; the meeting depends on nothing else
        if key not in cache:
            work += 0 if key[0] == algebra.width else sum(key) ** 2
            # stopping early proves less, never something wrong
            if work > limits.MAX_FORM_WORK:
                break
            full = key[0] == algebra.width
            cache[key] = ([0], early) if full else _meet(late, early, terms, algebra.width)
        points, directions = cache[key]
        dead[k] = not points or not any(
            algebra.anticommute(q, p) for p in algebra.generators[k] for q in points + directions
        )
    return dead, False


class _Words:
    """A circuit's words as integers on the qubits that it uses."""

    def __init__(self, circuit: RotationCircuit):
        used = np.union1d(circuit.terms.support(), circuit.observable.words.support()).astype(int)
        self.n = max(len(used), 1)
        self.width = 2 * self.n
        """Bits of a word: the rank at which a span holds every word."""
        self.mask = (1 << self.n) - 1
        words = _integers(circuit.terms, used)
        starts = circuit.starts
        self.generators = [words[a:b] for a, b in zip(starts[:-1], starts[1:], strict=True)]
        self.observable = _integers(circuit.observable.words, used)
        self.seen = _seen(circuit, used)
        self.late: list[int] = []
        """Independent words of the rotations, last rotation first."""
        self.early: list[int] = []
        """Independent words that the input sees, then those of the rotations, first one first."""

    def prefixes(self) -> tuple[list[int], list[int]]:
        """Return, per rotation, the ranks of what is later, and of what is seen or not later."""
        count = len(self.generators)
        later, earlier = [0] * count, [0] * count
        basis = _Echelon()
        for k in range(count - 1, -1, -1):
            later[k] = len(self.late)
            self.late += [w for w in self.generators[k] if basis.add(w)]
        basis = _Echelon()
        self.early += [w for w in self.seen if basis.add(w)]
        for k in range(count):
            self.early += [w for w in self.generators[k] if basis.add(w)]
            earlier[k] = len(self.early)
        return later, earlier

    def swap(self, word: int) -> int:
        """Exchange x and z."""
        return (word >> self.n) | ((word & self.mask) << self.n)

    def anticommute(self, a: int, b: int) -> bool:
        """Whether two words anticommute."""
        return bool((a & self.swap(b)).bit_count() & 1)

    def imaginary(self, word: int) -> int:
        """Parity of the number of Y: 1 where the word's matrix is imaginary."""
        return ((word & self.mask) & (word >> self.n)).bit_count() & 1

    def conserved(self, term: int) -> bool:
        """Whether some form is constant along all rotations, 1 on the term and 0 where seen.

        Linear: ω(·, t) with a word t that commutes with all generators. Quadratic: the parity of
        Y plus ω(·, t), constant where every generator has value 1 (an antiunitary symmetry).
        """
        # the unknown is t: ω(w, t) = value for every row, and the term's row comes last
        return any(
            basis.reduce((self.swap(term) << 1) | form(term) ^ 1, 1) != 1
            for form, basis in self._forms
            if basis is not None
        )

    @cached_property
    def _forms(self) -> list[tuple[Callable[[int], int], _Echelon | None]]:
        """Each kind of form with the equations that hold whatever the term; None where no form fits them."""
        generators = {w for g in self.generators for w in g}
        out: list[tuple[Callable[[int], int], _Echelon | None]] = []
        # linear forms are unitary symmetries, quadratic ones antiunitary
        for quadratic, form in enumerate((_zero, self.imaginary)):
            rows = [(w, form(w) ^ quadratic) for w in generators] + [(w, form(w)) for w in self.seen]
            out.append((form, _solved((self.swap(w) << 1) | value for w, value in rows)))
        return out


def _zero(_word: int) -> int:
    return 0


class _Echelon:
    """A growing basis, one row per leading bit."""

    def __init__(self) -> None:
        self.rows: dict[int, int] = {}

    def reduce(self, word: int, above: int = 0) -> int:
        """Clear leading bits while the word has any at or above ``above``."""
        while word >> above:
            row = self.rows.get(word.bit_length())
            if row is None:
                return word
            word ^= row
        return word

    def add(self, word: int, above: int = 0) -> bool:
        """Add a word; return whether it was independent."""
        word = self.reduce(word, above)
        if not word >> above:
            return False
        self.rows[word.bit_length()] = word
        return True


def _solved(rows: Iterable[int]) -> _Echelon | None:
    """Return a linear system in echelon form, the lowest bit of a row its right-hand side; None if unsolvable."""
    basis = _Echelon()
    for row in rows:
        rest = basis.reduce(row, 1)
        if rest == 1:
            return None
        if rest:
            basis.rows[rest.bit_length()] = rest
    return basis


def _meet(late: list[int], early: list[int], terms: list[int], width: int) -> tuple[list[int], list[int]]:
    """Return the meeting of (term + span late) with (span early): a point per term, directions."""
    basis, directions = _Echelon(), []
    for word in early:
        basis.add((word << width) | word, width)
    mask = (1 << width) - 1
    for word in late:
        rest = basis.reduce(word << width, width)
        if rest >> width:
            basis.rows[rest.bit_length()] = rest
        elif rest:
            directions.append(rest & mask)
    points = []
    for term in terms:
        rest = basis.reduce(term << width, width)
        if not rest >> width:
            points.append(rest & mask)
    return points, directions


def _integers(words: PauliWords, used: np.ndarray) -> list[int]:
    x, z = words.bits()
    bits = np.concatenate([x[:, used], z[:, used]], axis=1).astype(np.uint8)
    packed = np.packbits(bits, axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in packed]


def _seen(circuit: RotationCircuit, used: np.ndarray) -> list[int]:
    """Return words on ``used`` that the input sees; all others are products over the blocks."""
    out: list[int] = []
    for block in circuit.state.blocks:
        if not np.isin(block.qubits, used).any():
            continue
        k = len(block.qubits)
        if isinstance(block, StabilizerBlock):
            out += _inside(_placed(block, block.stabilizers[0], circuit.n_qubits), used)
        elif k <= limits.MAX_DENSE_BLOCK:
            codes = np.arange(1, 4**k)[:, None] >> (2 * np.arange(k))
            words = PauliWords.from_bits((codes >> 1) & 1, codes & 1)
            visible = np.abs(block.expectation(words)) > limits.SEEN
            words = _placed(block, words[np.flatnonzero(visible)], circuit.n_qubits)
            x, z = words.bits()
            inside = ~np.delete(x | z, used, axis=1).any(axis=1)
            out += _integers(words[np.flatnonzero(inside)], used)
        else:
            maps = [{int(q): letter} for q in np.intersect1d(block.qubits, used) for letter in "XYZ"]
            out += _integers(PauliWords.from_maps(maps, circuit.n_qubits), used)
    return out


def _placed(block: DenseBlock | StabilizerBlock, words: PauliWords, n_qubits: int) -> PauliWords:
    """Move a block's words to the circuit's qubits."""
    maps = [{block.qubits[q]: letter for q, letter in m.items()} for m in words.maps()]
    return PauliWords.from_maps(maps, n_qubits)


def _inside(words: PauliWords, used: np.ndarray) -> list[int]:
    """Return a basis of the products of commuting words that act on ``used`` only."""
    outside = np.setdiff1d(words.support(), used).astype(int)
    if len(outside) == 0:
        return _integers(words, used)
    width = 2 * len(used)
    basis, out = _Echelon(), []
    for far, near in zip(_integers(words, outside), _integers(words, used), strict=True):
        row = basis.reduce((far << width) | near, width)
        if row >> width:
            basis.rows[row.bit_length()] = row
        elif row:
            out.append(row)
    return out
