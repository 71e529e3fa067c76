"""What every room agrees on: kinds of numbers, typed identities, and every level, limit and tolerance once.

Code branches on the identities of :mod:`~pennylane_wishart.conventions.identities`, never on displayed
text. Levels that a reader of a verdict sees stand in ``levels``; limits of work and tolerances of one
room stand in a file of the room's name. Each has its reason beside it.
"""

from pennylane_wishart.conventions import levels
from pennylane_wishart.conventions.identities import (
    Change,
    CheckId,
    CostCause,
    Decay,
    EngineId,
    Evidence,
    PlateauCause,
    Quantity,
    Reason,
    ReasonCode,
    Unavailable,
)
from pennylane_wishart.conventions.numbers import Estimate, LowerBound, LowerBounds, UpperBound, UpperBounds

__all__ = [
    "Change",
    "CheckId",
    "CostCause",
    "Decay",
    "EngineId",
    "Estimate",
    "Evidence",
    "LowerBound",
    "LowerBounds",
    "PlateauCause",
    "Quantity",
    "Reason",
    "ReasonCode",
    "Unavailable",
    "UpperBound",
    "UpperBounds",
    "levels",
]
