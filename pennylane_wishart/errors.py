"""Every exception and warning of the package, and the ``Status`` that travels on records.

An exception names the operation or argument, what came, and what to do about it.
A ``Status`` is for a result that exists but is not the whole answer: its value is
a sentence of advice, printed wherever the record is shown.
"""

from __future__ import annotations

import enum

__all__ = [
    "AngleLawError",
    "ComparisonError",
    "DeviceError",
    "InputError",
    "MeasurementInterrupted",
    "ModuleTooLargeError",
    "NotClosedError",
    "OutOfTheoryError",
    "Status",
    "StoreError",
    "UnsupportedCircuitError",
    "UntrainableError",
    "WishartError",
    "WishartWarning",
]


class WishartError(Exception):
    """Base of every exception raised by pennylane_wishart.

    ``what`` is what is wrong; ``advice``, which may be empty, what to do about it: the message is both.
    """

    def __init__(self, what: str = "", *, advice: str = ""):
        # pickled and shown by its one message; code that needs a part takes the part
        super().__init__(f"{what} {advice}".strip())
        self.what, self.advice = what, advice


class InputError(WishartError, ValueError):
    """An argument has the wrong type, shape or value."""


class UnsupportedCircuitError(WishartError, ValueError):
    """The QNode or tape has a part that no normal form exists for."""


class AngleLawError(WishartError, ValueError):
    """A law of random angles is unknown, malformed, or differs between records."""


class NotClosedError(WishartError):
    """A question was asked of an algebra whose closure was truncated."""


class ModuleTooLargeError(WishartError):
    """A module or orbit is larger than the limit that was given."""


class OutOfTheoryError(WishartError):
    """A Wishart law was asked for where the theory does not hold."""


class DeviceError(WishartError, RuntimeError):
    """A device is missing, measures wrongly, or kept failing."""


class MeasurementInterrupted(WishartError):
    """A measurement stopped early; ``partial`` holds everything measured so far.

    ``suspect`` holds what was set aside because the device failed its check afterwards, or None.
    """

    def __init__(self, message: str, partial: object = None, suspect: object = None):
        super().__init__(message)
        self.partial, self.suspect = partial, suspect


class StoreError(WishartError):
    """The journal file cannot be used; ``partial`` holds everything measured so far."""

    def __init__(self, message: str, partial: object = None):
        super().__init__(message)
        self.partial = partial


class ComparisonError(WishartError, ValueError):
    """Two records cannot be compared because they describe different questions."""


class UntrainableError(WishartError):
    """Raised by ``preflight(on_fail="raise")``; ``diagnosis`` holds the reasons."""

    def __init__(self, message: str, diagnosis: object = None):
        super().__init__(message)
        self.diagnosis = diagnosis


class WishartWarning(UserWarning):
    """A diagnosis failed, or a default was chosen on the user's behalf."""


class Status(enum.Enum):
    """Whether a result is whole, and what to do where it is not."""

    OK = "The result is complete."
    TRUNCATED = (
        "The closure stopped at its dimension, memory or work limit: dimensions are lower bounds; "
        "raise max_dim, or use Pauli-word generators, which need no enumeration."
    )
    NOT_CONVERGED = (
        "The integral has not reached its requested accuracy: raise the number of samples, "
        "and trust the stated standard error rather than the digits."
    )
    LOW_SAMPLE_SIZE = (
        "The effective sample size is small: the value is dominated by a few samples; "
        "raise the number of samples before quoting it."
    )
    ESTIMATED = "The value was estimated by sampling: quote it with its standard error."
    UPPER_BOUND = "Only an upper bound is known, not the value, which may be much smaller."
    BOUND = "A number of the record is a rigorous bound, not the exact one: its description says from which side."
    OUT_OF_THEORY = (
        "The Wishart description does not apply: only second moments at this depth and measured data are reported."
    )
    OUT_OF_RANGE = "The asymptotic law is outside the range where it is accurate: use the exact engine."
    NO_CERTIFICATE = "No certificate was found for the type of this sector: it is treated as outside the theory."
    SHALLOW = (
        "The law is that of the deep limit and the circuit is shallower than that: read it as what more depth "
        "tends to, and take variances at this depth from the moments."
    )
    NEIGHBOURS = (
        "Gates were taken as separated by deep layers: the spread of sums over neighbouring gates, and their "
        "largest component, can be off."
    )
    NOT_ASSESSED = "Part of this was not assessed: it is too large, or what it needs was not given."

    def __str__(self) -> str:
        return self.value
