"""What kind of number a number is: an estimate (exact where its error is 0), or a bound on one side.

A bound is not a value: the types below share no attribute that holds the number, so a reader
that takes one for the other fails to type-check, and fails at run time too.
Everything is kept as log2, because variances here can be smaller than the smallest float.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pennylane_wishart.conventions.showing import Shown

__all__ = ["Estimate", "LowerBound", "LowerBounds", "TINY", "UpperBound", "UpperBounds"]


TINY = 1e-300
"""Keeps a division or a logarithm of an exact 0 finite; what it stands for is then set apart."""


@dataclass(frozen=True)
class Estimate:
    """A non-negative value with its standard error; ``error == 0`` means exact."""

    log2: float
    """log2 of the value; −inf for a value that is exactly 0."""
    error: float
    """Standard error in the value's own units."""

    @property
    def value(self) -> float:
        """The value itself; 0.0 where it is below the smallest float."""
        return float(np.exp2(self.log2))

    @property
    def is_exact(self) -> bool:
        """Whether no sampling or truncation error is attached."""
        return self.error == 0


@dataclass(frozen=True)
class UpperBound:
    """The quantity is at most ``2**at_most_log2``."""

    at_most_log2: float
    confidence: float = 1.0
    """1 where proved; below 1 the confidence level of a one-sided limit."""


@dataclass(frozen=True)
class LowerBound:
    """The quantity is at least ``2**at_least_log2``."""

    at_least_log2: float
    confidence: float = 1.0
    """1 where proved; below 1 the confidence level of a one-sided limit."""


@dataclass(frozen=True, eq=False)
class UpperBounds(Shown):
    """One upper bound a parameter."""

    at_most_log2: np.ndarray
    """float64 ``(n_params,)``"""
    confidence: np.ndarray
    """float64 ``(n_params,)``: 1 where proved."""

    def __getitem__(self, k: int) -> UpperBound:
        return UpperBound(float(self.at_most_log2[k]), float(self.confidence[k]))

    def __len__(self) -> int:
        return len(self.at_most_log2)


@dataclass(frozen=True, eq=False)
class LowerBounds(Shown):
    """One lower bound a parameter."""

    at_least_log2: np.ndarray
    """float64 ``(n_params,)``; −inf where nothing is known."""
    confidence: np.ndarray
    """float64 ``(n_params,)``: 1 where proved."""

    def __getitem__(self, k: int) -> LowerBound:
        return LowerBound(float(self.at_least_log2[k]), float(self.confidence[k]))

    def __len__(self) -> int:
        return len(self.at_least_log2)
