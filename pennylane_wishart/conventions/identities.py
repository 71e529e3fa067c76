"""Typed identities: what code branches on. The words that a reader sees hang on them, and may change."""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = [
    "Change",
    "CheckId",
    "CostCause",
    "Decay",
    "EngineId",
    "Evidence",
    "PlateauCause",
    "Quantity",
    "Reason",
    "ReasonCode",
    "Unavailable",
]


class EngineId(enum.StrEnum):
    """Which engine gave a number; the value is its name in records and tables."""

    WORDS = "exact words"
    MODULE = "exact module"
    TENSOR = "exact tensor"
    QUADRATURE = "quadrature"
    WALKERS = "walkers"
    MATRIX_PRODUCT = "matrix product"
    SAMPLED = "sampled"
    ORBIT = "orbit"
    ORBIT_COUNT = "orbit count"
    MODULE_ITERATION = "module iteration"
    NONE = "none"

    @property
    def is_exact(self) -> bool:
        """Whether its numbers carry neither a sampling nor a truncation error."""
        return self in _EXACT


_EXACT = frozenset(
    {
        EngineId.WORDS,
        EngineId.MODULE,
        EngineId.TENSOR,
        EngineId.QUADRATURE,
        EngineId.ORBIT,
        EngineId.ORBIT_COUNT,
        EngineId.MODULE_ITERATION,
    }
)


class Decay(enum.StrEnum):
    """How a variance falls with the number of qubits; the value is its name in records and tables."""

    EXPONENTIAL = "exponential"
    POLYNOMIAL = "polynomial"
    NONE = "no decay"
    UNKNOWN = "cannot tell"

    # a verdict is read and printed as the word that it is
    __repr__ = str.__repr__


class Quantity(enum.StrEnum):
    """What is measured and compared; the value is its name in records and reports."""

    LOSS = "loss law"
    GRADIENT = "gradient law"
    GRADIENT_VARIANCES = "gradient variances at this depth"
    DEAD = "dead parameters"
    MINIMA = "minima law"
    HESSIAN_VARIANCES = "variances of second derivatives at this depth"
    HESSIAN_SMALLEST = "smallest eigenvalue of the Hessian"
    HESSIAN_LARGEST = "largest eigenvalue of the Hessian"

    __repr__ = str.__repr__


class CheckId(str):
    """What a diagnosis asks. Each check of ``diagnosis.checks`` owns its id, so that a new one is one file."""

    __slots__ = ()


class Evidence(enum.StrEnum):
    """What a verdict rests on, sharpest first."""

    CERTIFICATE = "certificate"
    DESCENTS = "descents"
    LAW = "law"
    NONE = "none"


class Change(enum.StrEnum):
    """A change of a circuit that is tried as a remedy."""

    RESTARTS = "restarts"
    DEAD_GATES = "dead gates deleted"
    AXIS = "another axis"
    LAYERS = "more layers"
    INPUT = "another input"
    FIRST_ROTATIONS = "first rotation layer"
    LAST_ROTATIONS = "last rotation layer"
    OUTER_ROTATIONS = "first and last rotation layer"
    UNSHARED = "angles not shared"
    WIRE = "another wire"


class CostCause(enum.StrEnum):
    """Where the gradient of a cost is lost; the value is its name in records and reports."""

    NOTHING = "nothing wrong"
    DETACHED = "parameters detached"
    STEP = "classical step with zero derivative"
    DEAD = "dead in the circuit"
    CANCELLED = "cancellation over the batch"
    SMALL_CHAIN = "small chain factor"
    SMALL_GRADIENT = "small gradients in the circuit"
    OUT_OF_REACH = "labels out of reach"

    __repr__ = str.__repr__


class PlateauCause(enum.StrEnum):
    """What makes all gradients of a circuit small; the value is its name in records and reports."""

    NOISE = "noise"
    ANGLES = "narrow angles"
    INPUT = "entangled input"
    MEASURED = "fixed gates before the measurement"
    GLOBAL = "global observable"
    COMMUTING = "commuting generators"
    DEPTH = "depth"

    __repr__ = str.__repr__


class ReasonCode(enum.StrEnum):
    """Why something is not available, or not judged."""

    OUT_OF_THEORY = "out of theory"
    NO_CERTIFICATE = "no certificate"
    TOO_LARGE = "too large"
    UNSUPPORTED = "unsupported"
    NOT_ASKED = "not asked"
    NO_DATA = "no data"
    INPUT = "input"
    NOISE = "noise"


@dataclass(frozen=True)
class Reason:
    """Why, for code and for a reader."""

    code: ReasonCode
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Unavailable:
    """In the place of a value that does not exist: falsy, and says why."""

    reason: Reason

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return f"not available: {self.reason}"
