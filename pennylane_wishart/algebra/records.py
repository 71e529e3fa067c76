"""``LieAlgebra``: a dynamical Lie algebra, and ``decompose``, which finds its ideals on demand."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

from pennylane_wishart.algebra.component import Component, find_components, structure_of_words
from pennylane_wishart.algebra.ideal import Ideal, format_integer, repeated
from pennylane_wishart.algebra.ideals import structure_of_basis
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.errors import InputError, NotClosedError, Status
from pennylane_wishart.paulis import PauliSum, PauliWords

__all__ = ["LieAlgebra", "decompose"]


@dataclass(frozen=True, eq=False)
class LieAlgebra(Shown):
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

    def __post_init__(self) -> None:
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
            return f"unknown (dimension at least {format_integer(self.dim)})" if self.dim else "unknown"
        ideals, center = self.structure
        parts = [str(i) for i in ideals] + ([repeated("u(1)", center)] if center else [])
        return " ⊕ ".join(parts) or "0"

    def settled(self) -> LieAlgebra:
        """Return the algebra with its structure as a field, where it has been found, so that it is kept."""
        return replace(self, known_structure=self.__dict__.get("structure", self.known_structure))

    def described(self, written: Callable[[int], str] = format_integer) -> str:
        """Return the name with the dimension, which of a closure that was stopped is a lower bound."""
        return f"{self.name}, dimension {written(self.dim)}" if self.is_closed else self.name

    def __str__(self) -> str:
        return self.described()


def decompose(algebra: LieAlgebra, seed: int = 0) -> tuple[tuple[Ideal, ...], int]:
    """Decompose a closed algebra into simple ideals and its centre.

    A random element h of the algebra is regular: the null space of ad h is a Cartan subalgebra
    and the other eigenvalues ±iα(h) are its roots. With a second element of that subalgebra
    every root is a point in the plane; sums of roots that are roots give the Dynkin diagram.
    Never valid for a truncated closure. Word generators are classified instead.

    Args:
        algebra: closed, with a basis (or with known structure).
        seed: draws the elements.
    Returns:
        ``(ideals, centre dimension)``.
    Raises:
        NotClosedError: if the algebra was truncated, or has no basis.
        ModuleTooLargeError: beyond dimension 4,096, or if the basis does not fit in memory.
        WishartError: if no attempt gave a consistent root system (the basis is inaccurate).
    Cost: O(dim³ + dim · words²) flops; dim 1,000 in a second, 4,095 in a minute.
    Source: the structure theory of compact Lie algebras; root strings as in Humphreys,
        "Introduction to Lie Algebras and Representation Theory", sections 8-11.
    Example:
        >>> from pennylane_wishart.algebra import close
        >>> a = close([{"XI": 1.0, "IX": 1.0}, {"ZZ": 1.0}])
        >>> a.dim, [str(i) for i in decompose(a)[0]], decompose(a)[1]
        (4, ['su(2)'], 1)
    """
    if not algebra.is_closed:
        raise NotClosedError(f"decompose: the closure was truncated at dimension {algebra.dim}; raise max_dim.")
    if algebra.known_structure is not None:
        return algebra.known_structure
    if isinstance(algebra.basis, PauliWords):
        components, central = find_components(algebra.basis)
        return structure_of_words(components, len(central))
    if algebra.basis is None:
        raise NotClosedError(
            "decompose: no real basis of this algebra is known (close found none for these "
            "coefficients); write them as fractions, decimals or square roots."
        )
    return structure_of_basis(algebra.basis, algebra.dim, seed)
