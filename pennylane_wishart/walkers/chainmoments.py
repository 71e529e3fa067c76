"""Every parameter's variance by matrix products, as one record."""

from __future__ import annotations

import numpy as np

from pennylane_wishart.circuit import AngleLaw, RotationCircuit
from pennylane_wishart.errors import Status, UnsupportedCircuitError
from pennylane_wishart.moments.chain import CLOSED_FORM
from pennylane_wishart.moments.dead import dead_rotations
from pennylane_wishart.moments.drivers import check_law, clean_moments, subcircuit
from pennylane_wishart.moments.records import SecondMoments
from pennylane_wishart.walkers.matrixproduct import AGREE, Log2Moments, WordChain
from pennylane_wishart.walkers.means import first_moments

__all__ = ["chain_moments", "chain_work"]


def chain_moments(circuit: RotationCircuit, law: AngleLaw, bond: int = 16) -> SecondMoments:
    """Compute every parameter's variance by matrix products, as one record.

    Args:
        circuit: as for :func:`log2_moments`.
        law: as for :func:`log2_moments`.
        bond: largest bond dimension.
    Returns:
        :class:`SecondMoments`, ``engine="matrix product"``: errors are the change when the bond
        is doubled from half of it, and ``Status.NOT_CONVERGED`` where that is above 0.1 bit.
    Raises:
        UnsupportedCircuitError: if the circuit is not a chain of short gates.
    Cost: O(gates · bond³ + windows · qubits · bond³).
    """
    check_law(circuit, law)
    reasons = dead_rotations(circuit)
    small = subcircuit(circuit, np.flatnonzero([not r for r in reasons]))
    trainable = np.unique(small.parameter_of[small.parameter_of >= 0])
    found = WordChain(small, law).moments(bond, trainable)
    mean, slopes = first_moments(small, clean_moments(small, law))
    first = np.zeros(circuit.n_params)
    driven = np.flatnonzero(small.parameter_of >= 0)
    scale = 2 * small.term_coefficients * small.coefficients
    first[small.parameter_of[driven]] = (scale * slopes)[driven]
    return _record(found, mean, first)


def _record(found: Log2Moments, mean: float, first: np.ndarray) -> SecondMoments:
    log2, error = np.full(len(first), -np.inf), np.zeros(len(first))
    log2[found.parameters], error[found.parameters] = found.log2_gradient, found.log2_gradient_error
    # A value that truncation lost has no digits: its limit is that of no information.
    lost = np.isnan(log2)
    log2[lost] = np.log2(np.finfo(float).tiny)
    second = np.exp2(log2)
    variance = np.maximum(second - first**2, 0.0)
    shifted = first != 0
    with np.errstate(divide="ignore"):
        log2[shifted] = np.log2(np.maximum(variance[shifted], np.finfo(float).tiny))
    moment = 2.0**found.log2_second_moment
    loss_error = moment * np.log(2) * found.log2_second_moment_error
    with np.errstate(invalid="ignore"):
        spread = np.where(np.isinf(error), np.inf, second * np.log(2) * error)
    return SecondMoments(
        loss_mean=mean,
        loss_second_moment=moment,
        loss_variance=max(0.0, moment - mean**2),
        loss_mean_error=0.0,
        loss_second_moment_error=loss_error,
        loss_variance_error=loss_error,
        gradient_mean=first,
        gradient_variance=variance,
        gradient_variance_error=spread,
        log2_gradient_variance=log2,
        log2_gradient_variance_upper=log2 + error,
        status=tuple(Status.OK if e < AGREE else Status.NOT_CONVERGED for e in error),
        engine="matrix product",
        averaging=CLOSED_FORM,
    )


def chain_work(circuit: RotationCircuit, law: AngleLaw, bond: int = 16) -> float:
    """Return a rough number of seconds of :func:`chain_moments`; inf where it does not apply."""
    reasons = dead_rotations(circuit)
    small = subcircuit(circuit, np.flatnonzero([not r for r in reasons]))
    try:
        chain = WordChain(small, law)
    except UnsupportedCircuitError:
        return np.inf
    size = max((bond / 16) ** 3, 0.2)
    splits = sum((w.high - w.low) * 4.0 ** (w.high - w.low - 1) for w in chain.line.windows)
    trained = small.parameter_of >= 0
    asked = sum(any(x.rotation >= 0 for x in w.links) for w in chain.line.windows) * trained.any()
    return (splits * 2e-3 + asked * len(chain.line.qubits) * 1e-4) * size
