"""Pauli route, the frame: W, its radical, and the observable as logical words (THEORY §2).

With Pauli-word generators the circuit acts through words. Those of W that commute with all of
W (the radical) and the conserved words that the observable brings along have signs that never
change: one choice of signs, a *character*, is one sector. In it W is the Pauli group on s
logical qubits, and every word of the observable is a logical word times a sign.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pennylane_wishart.algebra import Component
from pennylane_wishart.paulis import F2Basis, PauliSum, PauliWords, pack_bits, unpack_bits
from pennylane_wishart.sectors.records import Fit

__all__ = ["PauliFrame", "build_frame"]

_CONNECTS = (
    "The observable is outside the algebra of the generators: a word of it anticommutes "
    "with a conserved word, so the observable connects sectors. Second moments hold all the same."
)
_CLASHING = (
    "The observable is outside the algebra of the generators: its words carry conserved "
    "words that do not commute with each other."
)
_BY_SUMS = (
    "The observable tells the copies of a sector apart by a sum of conserved words that do not "
    "commute with each other, which only the dense route resolves."
)


@dataclass(frozen=True, eq=False)
class PauliFrame:
    """The observable inside the algebra of some components, term by term.

    Term t contributes ``coefficients[t]·(−1)^(characters·bits[t])`` times logical word
    ``class_of[t]`` (−1: the identity) in the sector of the characters.
    """

    n_qubits: int
    symplectic: PauliWords
    """2s words, a basis of W modulo its radical."""
    radical: PauliWords
    """c words, a basis of the radical of W."""
    conserved: PauliWords
    """c' ≥ c independent commuting words: the radical first, then conserved words of the
    observable. Their signs label the sectors."""
    logical: PauliWords
    """Distinct logical words of the observable, products of ``symplectic``."""
    logical_bits: np.ndarray
    """uint8 ``(len(logical), 2s)``: which of ``symplectic`` each is a product of."""
    class_of: np.ndarray
    coefficients: np.ndarray
    bits: np.ndarray
    """uint8 ``(terms, c')``."""
    dropped: PauliSum
    """Conserved words outside the algebra: they add their expectation to every loss."""
    obstacle: str
    """Why the observable is not in the algebra; empty where it is."""
    fit: Fit
    """How the observable acts on the sectors, where words alone can tell (``CONNECTS`` is said of all)."""
    by_sums: bool
    """Whether only sums of conserved words, not single ones, resolve the copies of a sector."""

    @property
    def s(self) -> int:
        """Number of logical qubits."""
        return len(self.symplectic) // 2

    def amplitudes(self, characters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (identity coefficient ``(m,)``, logical coefficients ``(m, P)``) per character.

        Args:
            characters: uint8 ``(m, c')``: 1 where a conserved word has the sign −1.
        """
        signs = 1.0 - 2.0 * ((characters.astype(np.int64) @ self.bits.T.astype(np.int64)) & 1)
        values = signs * self.coefficients
        out = np.zeros((len(characters), len(self.logical) + 1))
        for t, c in enumerate(self.class_of):
            out[:, c] += values[:, t]  # class −1 is the last column
        return out[:, -1], out[:, :-1]


def build_frame(components: Sequence[Component], observable: PauliSum, central: PauliWords | None = None) -> PauliFrame:
    """Write an observable as logical words of the algebra of the given components.

    ``central`` are generators that commute with all others: their signs label sectors too.
    """
    n = observable.n_qubits
    nothing = PauliWords.identity(n, 0)
    symplectic = PauliWords.concatenate([nothing, *(c.symplectic for c in components)])
    own = [c.radical.packed for c in components] + ([] if central is None else [central.packed])
    radical = PauliWords.from_packed(F2Basis(np.concatenate([nothing.packed, *own])).rows, n)
    words = observable.words
    obstacle = ""
    # a word that flips the sign of a conserved word leads from one sector to another
    connects = words.anticommutation(radical).any(axis=1) if len(radical) else np.zeros(len(words), bool)
    if connects.any():
        obstacle = _CONNECTS
    words, coefficients = words[~connects], observable.coefficients[~connects]
    bits = _symplectic_bits(symplectic, words)
    products, _ = symplectic.products(bits)
    rests, phase = products.multiply(words)  # rest = (product·word) commutes with all of W
    moving = bits.any(axis=1)
    # what words of the observable carry beside their logical part labels sectors too
    conserved = _extend(radical, rests[moving])
    resolvable = False
    if len(conserved) and conserved.anticommutation(conserved).any():
        # words that clash may still sum to operators that commute, and those the dense route can diagonalise
        behind = coefficients[moving] * (1j ** phase[moving])
        resolvable = _sums_commute(bits[moving], rests[moving], behind)
        obstacle = obstacle or (_BY_SUMS if resolvable else _CLASHING)
        conserved = radical
    inside, coordinate = conserved.coordinates(rests)
    if not obstacle and (moving & ~inside).any():
        obstacle = "A word of the observable is outside the algebra of the generators."
    # neither moving nor a product of conserved words: a constant in each sector
    dropped = PauliSum(words[~inside & ~moving], coefficients[~inside & ~moving])
    _, unit_phase = conserved.products(coordinate[inside])
    # word = L·rest up to i^k: L·word = i^phase·rest, so word = L·(i^phase·rest); the product of
    # conserved words is i^unit·rest. Both phases are even because everything commutes.
    sign = 1.0 - ((phase[inside] - unit_phase) % 4)
    # terms with one logical word add up, with the signs of the sector
    distinct, inverse = np.unique(bits[inside], axis=0, return_inverse=True)
    nontrivial = distinct.any(axis=1) if len(distinct) else np.zeros(0, bool)
    number = np.where(nontrivial, np.cumsum(nontrivial) - 1, -1)
    logical, _ = symplectic.products(distinct[nontrivial])
    return PauliFrame(
        n,
        symplectic,
        radical,
        conserved,
        logical,
        distinct[nontrivial],
        number[np.asarray(inverse).reshape(-1)] if inside.any() else np.zeros(0, np.int64),
        coefficients[inside] * sign,
        coordinate[inside],
        dropped,
        obstacle,
        Fit.CONNECTS if connects.any() else Fit.MIXES if obstacle else Fit.EXACT,
        resolvable,
    )


def _sums_commute(bits: np.ndarray, rests: PauliWords, coefficients: np.ndarray) -> bool:
    """Tell whether the sums of conserved words behind each logical word commute with each other."""
    _, owner = np.unique(bits, axis=0, return_inverse=True)
    owner = np.asarray(owner).reshape(-1)
    # word = L·(i^phase·rest): the sums are Hermitian up to a common phase of each L
    sums = [PauliSum.of(rests[owner == c], coefficients[owner == c]) for c in range(owner.max() + 1)]
    return all(a.commutes_with(b) for i, a in enumerate(sums) for b in sums[:i])


def _symplectic_bits(symplectic: PauliWords, words: PauliWords) -> np.ndarray:
    """Return which of the basis words multiply to a word with the same anticommutations."""
    if len(symplectic) == 0 or len(words) == 0:
        return np.zeros((len(words), len(symplectic)), dtype=np.uint8)
    # ω is not degenerate on them, so the commutations of a word determine the product
    gram = F2Basis(pack_bits(symplectic.anticommutation(symplectic)), track=True)
    return unpack_bits(gram.coordinates(pack_bits(words.anticommutation(symplectic)))[1], len(symplectic))


def _extend(radical: PauliWords, rests: PauliWords) -> PauliWords:
    """Return the radical followed by words of ``rests`` that are independent of it."""
    packed, n = radical.packed, radical.n_qubits
    # reduced by the radical first, so that the radical stays a block of its own
    extra = F2Basis(F2Basis(packed).reduce(np.unique(rests.packed, axis=0))).rows
    return PauliWords.from_packed(np.concatenate([packed, extra]), n)
