"""Every parameter's variance by matrix products."""

from __future__ import annotations

import numpy as np

from pennylane_wishart.conventions import EngineId
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import Status, UnsupportedCircuitError
from pennylane_wishart.variances.building import CLOSED_FORM, Found, log2_of
from pennylane_wishart.variances.engines.line.matrixproduct import WordChain
from pennylane_wishart.variances.engines.means import first_moments
from pennylane_wishart.variances.problem import Problem

__all__ = ["found_on_line", "line_seconds"]


def found_on_line(problem: Problem, bond: int = limits.MOMENT_BOND) -> Found:
    """Compute the loss's and every parameter's variance by matrix products.

    Errors are the change when the bond is doubled from half of it, and ``Status.NOT_CONVERGED`` where
    that is above 0.1 bit; a value that truncation lost is unknown, beside the rigorous bound.

    Raises:
        UnsupportedCircuitError: if the circuit is not a line of short gates.
        ModuleTooLargeError: if truncation lost E[ℓ²].
    Cost: O(gates · bond³ + windows · qubits · bond³).
    """
    live = problem.live
    found = WordChain(live, problem.law).moments(bond, np.unique(live.parameter_of[problem.driven]))
    # means are exact paths of single words; only squares need the matrix product
    mean = problem.rows(*first_moments(live, problem.moments))
    log2, bits = np.full(len(mean), -np.inf), np.zeros(len(mean))
    log2[0], bits[0] = found.log2_second_moment, found.log2_second_moment_error
    log2[found.parameters + 1], bits[found.parameters + 1] = found.log2_gradient, found.log2_gradient_error
    second = np.exp2(log2)
    lost = ~(np.isfinite(bits) & np.isfinite(log2))
    with np.errstate(invalid="ignore"):
        error = second * np.log(2) * bits
        # A square of the mean is taken off where there is one; below rounding nothing is left of the value.
        variance = second - mean**2
        known = ~lost & ((mean == 0) | (variance > limits.MEAN_ROUNDING * second))
    # The record keeps the loss as a float: below the smallest one only the limit is given.
    known[0] &= variance[0] > max(limits.MEAN_ROUNDING * mean[0] ** 2, np.finfo(float).tiny)
    proved = log2_of(np.maximum(problem.sizes**2, np.finfo(float).tiny))
    by_bond = known.copy()
    by_bond[0] = not lost[0]
    return Found(
        mean=mean,
        mean_error=np.zeros(len(mean)),
        second=second,
        second_error=error,
        variance=variance,
        error=error,
        known=known,
        upper=np.where(by_bond, log2 + bits, proved),
        # half the bond is no proof of anything
        confidence=np.where(by_bond, 0.0, 1.0),
        dead=problem.dead,
        status=tuple(Status.OK if e < limits.AGREE else Status.NOT_CONVERGED for e in bits[1:]),
        engine=EngineId.MATRIX_PRODUCT,
        averaging=CLOSED_FORM,
        log2=np.where(mean == 0, log2, log2_of(variance)),
        lower=log2 - bits,
    )


def line_seconds(problem: Problem, bond: int = limits.MOMENT_BOND) -> float:
    """Return a rough number of seconds of :func:`found_on_line`; inf where it does not apply."""
    try:
        line = WordChain(problem.live, problem.law).line
    except UnsupportedCircuitError:
        return np.inf
    size = max((bond / limits.MOMENT_BOND) ** 3, limits.LEAST_COST)
    splits = sum((w.high - w.low) * 4.0 ** (w.high - w.low - 1) for w in line.windows)
    asked = sum(any(x.rotation >= 0 for x in w.links) for w in line.windows) if len(problem.driven) else 0
    return float((splits * limits.SPLIT_SECONDS + asked * len(line.qubits) * limits.CONTRACTION_SECONDS) * size)
