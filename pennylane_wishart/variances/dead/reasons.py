"""Why a parameter is dead, as a typed value; the text is only for reading."""

from __future__ import annotations

import enum

from pennylane_wishart.conventions import variances as limits

__all__ = ["DeadReason", "worded"]


class DeadReason(enum.Enum):
    """How a gradient was shown to vanish at every setting of the angles; the value is how it is worded."""

    OUTSIDE = "outside the light cone: it commutes with everything that later gates make of the observable"
    TRIVIAL = "acts trivially on the input: it only changes the phase of the states that reach it"
    SILENT = "symmetry: every word that passes through it has zero expectation on the input"
    SYMMETRY = "symmetry: no word reachable from the observable can have an expectation on the input"
    UNUSED = "drives no gate of the circuit"
    CANCELLED = "the gates that it drives cancel each other: together they turn nothing"
    IDENTITY = (
        f"identity test: its derivative, a trigonometric polynomial, is zero to rounding at {limits.SETTINGS} random "
        "settings of all angles"
    )

    @property
    def is_proof(self) -> bool:
        """Whether it is an argument about operators; an identity test is evidence with probability 1."""
        return self is not DeadReason.IDENTITY

    def __str__(self) -> str:
        return self.value


def worded(reasons: tuple[DeadReason, ...]) -> str:
    """Return the reasons of one parameter as one text."""
    return "; ".join(str(r) for r in dict.fromkeys(reasons))
