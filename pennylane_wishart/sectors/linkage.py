"""Which sectors turn together, and the verdict that follows (Goursat's lemma)."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from pennylane_wishart.conventions import ReasonCode
from pennylane_wishart.conventions import sectors as limits
from pennylane_wishart.sectors.records import Sector

__all__ = ["judge_independence", "link_ideals"]


def link_ideals(roots: Sequence[Sequence[np.ndarray]]) -> list[tuple[int, ...]]:
    """Number the simple ideals of all sectors, equal root values getting equal numbers.

    A subdirect product of simple ideals is the direct product of its classes of linked ones,
    and an isomorphism preserves root values of the shared generic element, outer automorphisms
    and so(8)'s triality included. Different values therefore prove independence; equal values
    at 1e-7 are taken for a link, which can only shrink the theory's range.
    """
    known: list[np.ndarray] = []

    def number(ideal: np.ndarray) -> int:
        tol = limits.EQUAL_ROOTS * max(1.0, float(ideal.max(initial=0.0)))
        for i, other in enumerate(known):
            if len(other) == len(ideal) and np.allclose(other, ideal, rtol=0, atol=tol):
                return i
        known.append(ideal)
        return len(known) - 1

    return [tuple(number(ideal) for ideal in sector) for sector in roots]


def judge_independence(sectors: Sequence[Sector]) -> tuple[list[Sector], bool, str]:
    """Put linked sectors outside the theory where more than one of them matters.

    A sector matters if it carries weight and its observable is not a constant. Returns the
    sectors, whether those that matter are independent, and why.
    """
    owner: dict[Hashable, int] = {}
    clashes: dict[int, int] = {}
    for i, sector in enumerate(sectors):
        for key in sector.linked_to if sector.is_linear else ():
            if key in owner:
                clashes[i] = owner[key]
                clashes.setdefault(owner[key], i)
            else:
                owner[key] = i
    if not clashes:
        return list(sectors), True, "No two sectors that carry weight share a simple ideal."
    out = list(sectors)
    for i, j in clashes.items():
        if out[i].in_theory:
            out[i] = sectors[i].with_verdict(
                False,
                f"The same group element turns this sector and sector {j} (one simple ideal acts "
                "on both), so they are not independent.",
                ReasonCode.OUT_OF_THEORY,
            )
    pairs = ", ".join(f"{i} and {j}" for i, j in list(clashes.items())[:3])
    return out, False, f"Sectors {pairs} carry weight and are turned by one simple ideal."
