"""Records of the room: ``Ideal``, ``Component`` and ``LieAlgebra``, and how algebras are named.

Names follow one convention. Isomorphic small cases have one name each: so(6) = su(4),
so(5) = sp(2), so(4) = 2·su(2), so(3) = sp(1) = su(2), so(2) = u(1). ``sp(m)`` has
quaternionic dimension m, so it acts on C^(2m). Up to three copies are written out
("su(4) ⊕ su(4) ⊕ u(1)"), more are counted ("4·su(2)"), and powers of two from a million
on are written as such ("su(2^1000)").
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from pennylane_wishart.errors import InputError, NotClosedError, Status
from pennylane_wishart.paulis import PauliSum, PauliWords

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Component", "Ideal", "LieAlgebra", "canonical_ideals", "merge_ideals"]

_EXCEPTIONAL_DIM = {"g2": 14, "f4": 52, "e6": 78, "e7": 133, "e8": 248}
_WRITTEN_OUT = 3


def format_integer(value: int) -> str:
    """Write an integer in decimal below a million, and a large power of two as ``2^k``."""
    if value >= 10**6 and value & (value - 1) == 0:
        return f"2^{value.bit_length() - 1}"
    return str(value) if value.bit_length() < 200 else f"~2^{math.log2(value):.2f}"


@dataclass(frozen=True)
class Ideal:
    """A simple ideal of a compact Lie algebra, with the number of its isomorphic copies.

    Example:
        >>> Ideal("so", 8, 2).dim, str(Ideal("so", 8, 2))
        (28, 'so(8) ⊕ so(8)')
    """

    type: str
    """'su', 'so', 'sp', or an exceptional 'g2', 'f4', 'e6', 'e7', 'e8'."""
    n: int
    """The n of su(n), so(n), sp(n) (quaternionic dimension for sp); the rank if exceptional."""
    copies: int = 1

    def __post_init__(self):
        if self.type not in ("su", "so", "sp", *_EXCEPTIONAL_DIM):
            raise InputError(f"Ideal needs type su, so, sp, g2, f4, e6, e7 or e8; got {self.type!r}.")
        if self.n < 1 or self.copies < 1:
            raise InputError(f"Ideal needs n ≥ 1 and copies ≥ 1; got {self.n} and {self.copies}.")

    @property
    def dim(self) -> int:
        """Dimension of one copy, exact."""
        n = self.n
        if self.type == "su":
            return n * n - 1
        if self.type == "so":
            return n * (n - 1) // 2
        if self.type == "sp":
            return n * (2 * n + 1)
        return _EXCEPTIONAL_DIM[self.type]

    @property
    def rank(self) -> int:
        """Rank of one copy: the dimension of its Cartan subalgebra."""
        return {"su": self.n - 1, "so": self.n // 2, "sp": self.n}.get(self.type, self.n)

    @property
    def label(self) -> str:
        """Name of one copy."""
        return self.type if self.type in _EXCEPTIONAL_DIM else f"{self.type}({format_integer(self.n)})"

    def __str__(self) -> str:
        return _repeat(self.label, self.copies)


def _repeat(label: str, copies: int) -> str:
    if copies <= _WRITTEN_OUT:
        return " ⊕ ".join([label] * copies)
    return f"{format_integer(copies)}·{label}"


def canonical_ideals(kind: str, n: int, copies: int = 1) -> tuple[tuple[Ideal, ...], int]:
    """Return the simple ideals of ``copies`` copies of an algebra, and their u(1) factors.

    Example:
        >>> canonical_ideals("so", 4)
        ((Ideal(type='su', n=2, copies=2),), 0)
        >>> canonical_ideals("so", 2, 3)
        ((), 3)
    """
    if (kind, n) in (("so", 2), ("u", 1)):
        return (), copies
    if n == 1 and kind in ("su", "so"):
        return (), 0
    if kind == "so" and n in (3, 4):
        return (Ideal("su", 2, copies * (n - 2)),), 0
    renamed = {("sp", 1): ("su", 2), ("so", 5): ("sp", 2), ("so", 6): ("su", 4)}
    kind, n = renamed.get((kind, n), (kind, n))
    return (Ideal(kind, n, copies),), 0


def merge_ideals(ideals) -> tuple[Ideal, ...]:
    """Merge equal types and sort by falling dimension, then by type."""
    copies: Counter = Counter()
    for ideal in ideals:
        copies[ideal.type, ideal.n] += ideal.copies
    merged = [Ideal(kind, n, c) for (kind, n), c in copies.items()]
    return tuple(sorted(merged, key=lambda i: (-i.dim, i.type)))


@dataclass(frozen=True, eq=False)
class Component:
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


@dataclass(frozen=True, eq=False)
class LieAlgebra:
    """A dynamical Lie algebra: its dimension, ideals and centre, and how they were found.

    The identity counts as central, i·1 spans a u(1), as in ``qml.lie_closure``.
    For a truncated closure ``dim`` is a lower bound, ``is_closed`` is False, and
    ``ideals`` and ``center_dim`` raise ``NotClosedError``.
    """

    dim: int
    """Exact; a lower bound where ``is_closed`` is False."""
    n_qubits: int
    method: str
    """How the dimension was found, and what certifies it."""
    is_closed: bool = True
    status: Status = Status.OK
    basis: PauliWords | tuple[PauliSum, ...] | None = field(default=None, repr=False)
    """Words, or sums of words, that span the algebra; None where it was not enumerated."""
    components: tuple[Component, ...] = field(default=(), repr=False)
    """Pauli-word generators only: the connected components with two words or more."""
    central_words: PauliWords | None = field(default=None, repr=False)
    """Pauli-word generators only: the distinct generators that commute with all."""
    known_structure: tuple[tuple[Ideal, ...], int] | None = field(default=None, repr=False)
    """(ideals, centre dimension) where already known; found on first use otherwise."""

    def __post_init__(self):
        if self.dim < 0 or self.is_closed == (self.status is Status.TRUNCATED):
            raise InputError(
                "LieAlgebra needs dim ≥ 0 and Status.TRUNCATED exactly when it is not closed; "
                f"got dim {self.dim}, is_closed {self.is_closed}, status {self.status.name}."
            )

    @cached_property
    def structure(self) -> tuple[tuple[Ideal, ...], int]:
        """(simple ideals, dimension of the centre)."""
        if not self.is_closed:
            raise NotClosedError(
                f"The closure was truncated at dimension {self.dim}: its ideals and centre are "
                "unknown. Raise max_dim in close(), or use Pauli-word generators."
            )
        if self.known_structure is not None:
            return self.known_structure
        # ideals.py works on LieAlgebra records, so it can only be imported on demand
        from pennylane_wishart.algebra.ideals import decompose

        return decompose(self)

    @property
    def ideals(self) -> tuple[Ideal, ...]:
        """Simple ideals by falling dimension, equal ones merged with their ``copies``."""
        return self.structure[0]

    @property
    def center_dim(self) -> int:
        """Dimension of the centre: number of u(1) factors."""
        return self.structure[1]

    @property
    def log2_dim(self) -> float:
        """log2 of the dimension (−inf for the zero algebra)."""
        return math.log2(self.dim) if self.dim else -math.inf

    @property
    def name(self) -> str:
        """Direct sum of simple ideals and u(1)'s, such as "su(4) ⊕ su(4) ⊕ u(1)"."""
        if not self.is_closed:
            return f"unknown (closure truncated at dimension {self.dim})"
        ideals, center = self.structure
        parts = [str(i) for i in ideals] + ([_repeat("u(1)", center)] if center else [])
        return " ⊕ ".join(parts) or "0"

    def __str__(self) -> str:
        return f"{self.name}, dimension {format_integer(self.dim)}"
