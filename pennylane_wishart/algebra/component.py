"""``Component``: one connected part of Pauli-word generators, and what decides its Lie algebra.

A component is of type A (free fermions) if its words can be read as pairs of Majorana operators
times words that commute with everything; otherwise its F2 span W, the radical of ω on W and the
quadratic form q with q(generator) = 1 decide everything.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from pennylane_wishart.algebra.f2forms import reduce_form, row_profile
from pennylane_wishart.algebra.graph import Connected, connected_components, isolated_mask, y_parity
from pennylane_wishart.algebra.ideal import Ideal, canonical_ideals, merge_ideals
from pennylane_wishart.algebra.majoranas import find_majoranas
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.paulis import F2Basis, PauliWords

__all__ = ["Component", "find_components", "quadratic_form", "structure_of_words"]


@dataclass(frozen=True, eq=False)
class Component(Shown):
    """One connected component (two words or more) of the anticommutation graph.

    W is the F2 span of the component's words, Rad = W ∩ W^⊥ (symplectic), 2s = dim W/Rad.
    ``q`` is the quadratic form with q(generator) = 1 and polar form ω, where it exists.
    """

    generators: tuple[int, ...]
    """Indices into the words that were given (every repetition is listed)."""
    words: PauliWords
    """The component's distinct words."""
    kind: str
    """'A' (free fermions), 'su', 'so' or 'sp'."""
    basis: PauliWords
    """k generators that are a basis of W, each anticommuting with an earlier one."""
    s: int
    """Half the dimension of W/Rad: every character of Rad has a sector of dimension 2^s."""
    symplectic: PauliWords
    """2s generators that are a basis of W modulo Rad, each anticommuting with an earlier one."""
    radical: PauliWords
    """A basis of Rad, c words that commute with everything in W."""
    q_linear: np.ndarray | None
    """Packed ``[x | z]`` row λ with q(w) = |x·z| + λ·w on W (mod 2); None if q is ill defined."""
    q_on_radical: np.ndarray | None
    """``uint8 (c,)``: q on the basis of Rad; None if q is ill defined."""
    arf: int | None
    """Arf invariant of q on W/Rad (0 → so, 1 → sp); None unless q exists and vanishes on Rad."""
    majoranas: PauliWords | None = None
    """Type A: d words P_0 = 1, P_1, …; γ_i γ_j is P_i·P_j up to a phase, d = path length + 1."""
    copy_basis: PauliWords | None = None
    """Type A: a basis of the radical words H by which the algebra is multiplied: 2^|H| copies."""
    parity_in_copies: bool = False
    """Type A, d even: whether the total parity ∏γ_i lies in the span of ``copy_basis``."""

    @property
    def k(self) -> int:
        """dim W."""
        return len(self.basis)

    @property
    def c(self) -> int:
        """dim Rad."""
        return len(self.radical)

    @property
    def q_well_defined(self) -> bool:
        """Whether a quadratic form is 1 on every generator."""
        return self.q_linear is not None

    @property
    def n_majoranas(self) -> int | None:
        """Type A: number d of Majorana operators (path length + 1), else None."""
        return None if self.majoranas is None else len(self.majoranas)

    @property
    def path(self) -> PauliWords | None:
        """Type A: the d − 1 words γ_i γ_(i+1), each anticommuting with its neighbours only."""
        if self.majoranas is None:
            return None
        return self.majoranas[:-1].multiply(self.majoranas[1:])[0]

    @property
    def log2_copies(self) -> int:
        """log2 of the number of copies of the simple (or so(d)) algebra."""
        if self.kind == "A":
            assert self.copy_basis is not None
            return len(self.copy_basis)
        on_radical = self.q_on_radical
        return self.c - int(on_radical is not None and bool(on_radical.any()))

    @property
    def ideals(self) -> tuple[Ideal, ...]:
        """Simple ideals, under their canonical names."""
        if self.kind == "A":
            assert self.majoranas is not None
            kind, n = "so", len(self.majoranas)
        else:
            kind, n = self.kind, 2**self.s if self.kind != "sp" else 2 ** (self.s - 1)
        return canonical_ideals(kind, n, 2**self.log2_copies)[0]

    @property
    def dim(self) -> int:
        """Dimension of the component's algebra: the number of its words."""
        return sum(i.dim * i.copies for i in self.ideals)


def find_components(words: PauliWords) -> tuple[tuple[Component, ...], PauliWords]:
    """Return the components of the anticommutation graph, and the distinct words that commute with all."""
    distinct, inverse = words.unique()
    isolated = isolated_mask(distinct)
    active = np.flatnonzero(~isolated)
    # the graph is disconnected by words that commute with all: those are set aside first
    found = [
        _component(distinct[active[part.members]], part, np.isin(inverse, active[part.members]))
        for part in connected_components(distinct[active])
    ]
    return tuple(sorted(found, key=lambda c: c.generators[0])), distinct[isolated]


def structure_of_words(components: tuple[Component, ...], n_central: int) -> tuple[tuple[Ideal, ...], int]:
    """Return (simple ideals, dimension of the centre): each word that commutes with all is a u(1)."""
    return merge_ideals(i for c in components for i in c.ideals), n_central


def _component(words: PauliWords, part: Connected, mask: np.ndarray) -> Component:
    """Build the record of one component from its connected basis."""
    # the earliest rows that are independent keep the sequence connected; what depends on them is the radical
    basis = words[part.basis]
    gram = part.pattern[part.basis]
    # rows of the Gram matrix: independent ones span W modulo Rad, dependencies are words of Rad
    tree, dependencies = row_profile(gram)
    radical = basis.combine(dependencies)
    q_radical = None if part.q_linear is None else quadratic_form(radical, part.q_linear)
    tree_gram = gram[np.ix_(tree, tree)]
    arf = None
    # type A is tested first: small so and sp are free fermions too, with fewer copies
    found = find_majoranas(words, basis[tree], tree_gram, part.pattern[:, tree])
    # q descends to W/Rad only where it vanishes on Rad; else copies pair up and the algebra is su
    if part.q_linear is not None and q_radical is not None and not q_radical.any():
        if found is None:
            arf = reduce_form(basis[tree], functools.partial(quadratic_form, q_linear=part.q_linear)).arf
        else:
            # q of 2t Majoranas is t mod 2, so Σ (−1)^q over even subsets of d is 2^(d/2) cos(πd/4)
            arf = int(round(math.cos(math.pi * len(found[0]) / 4)) < 0)
    kind, majoranas, copies, parity = "su" if arf is None else ("so", "sp")[arf], None, None, False
    if found is not None:
        kind, majoranas = "A", found[0]
        span = F2Basis(found[1])
        copies = PauliWords.from_packed(span.rows, words.n_qubits)
        # the parity ∏γ commutes with every pair; it may be one of the copy words already
        total = np.bitwise_xor.reduce(majoranas.packed, axis=0)[None]
        parity = len(majoranas) % 2 == 0 and bool(span.contains(total)[0])
    return Component(
        generators=tuple(np.flatnonzero(mask).tolist()),
        words=words,
        kind=kind,
        basis=basis,
        s=len(tree) // 2,
        symplectic=basis[tree],
        radical=radical,
        q_linear=part.q_linear,
        q_on_radical=q_radical,
        arf=arf,
        majoranas=majoranas,
        copy_basis=copies,
        parity_in_copies=parity,
    )


def quadratic_form(words: PauliWords, q_linear: np.ndarray) -> np.ndarray:
    """Return q of words in W, ``uint8 (m,)``, from the packed row λ."""
    linear = np.bitwise_count(words.packed & q_linear).sum(axis=1) & 1
    return np.asarray(y_parity(words.x, words.z) ^ linear.astype(np.uint8), np.uint8)
