"""Every parameter's variance by matrix products, as one record."""

from __future__ import annotations

import numpy as np

from pennylane_wishart.circuit import AngleLaw, RotationCircuit
from pennylane_wishart.errors import Status, UnsupportedCircuitError
from pennylane_wishart.variances.columns import GradientColumns, LossColumns, is_constant, loss_size
from pennylane_wishart.variances.dead.proofs import dead_proofs, live_part
from pennylane_wishart.variances.drivers import check_law, clean_moments, gradient_bounds
from pennylane_wishart.variances.engines.line.matrixproduct import AGREE, Log2Moments, WordChain
from pennylane_wishart.variances.engines.means import first_moments
from pennylane_wishart.variances.engines.module import CLOSED_FORM
from pennylane_wishart.variances.records import SecondMoments

__all__ = ["chain_moments", "chain_work"]

_EPS = 1e-12


def chain_moments(circuit: RotationCircuit, law: AngleLaw, bond: int = 16) -> SecondMoments:
    """Compute every parameter's variance by matrix products, as one record.

    Args:
        circuit: as for :func:`log2_moments`.
        law: as for :func:`log2_moments`.
        bond: largest bond dimension.
    Returns:
        :class:`SecondMoments`, ``engine="matrix product"``: errors are the change when the bond
        is doubled from half of it, and ``Status.NOT_CONVERGED`` where that is above 0.1 bit; a value that
        truncation lost is NaN beside the rigorous bound.
    Raises:
        UnsupportedCircuitError: if the circuit is not a chain of short gates.
    Cost: O(gates · bond³ + windows · qubits · bond³).
    """
    check_law(circuit, law)
    small = live_part(circuit)
    trainable = np.unique(small.parameter_of[small.parameter_of >= 0])
    found = WordChain(small, law).moments(bond, trainable)
    mean, slopes = first_moments(small, clean_moments(small, law))
    first = np.zeros(circuit.n_params)
    driven = np.flatnonzero(small.parameter_of >= 0)
    scale = 2 * small.term_coefficients * small.coefficients
    first[small.parameter_of[driven]] = (scale * slopes)[driven]
    return _record(circuit, small, found, mean, first)


def _record(
    circuit: RotationCircuit, live: RotationCircuit, found: Log2Moments, mean: float, first: np.ndarray
) -> SecondMoments:
    log2, bits = np.full(len(first), -np.inf), np.zeros(len(first))
    log2[found.parameters], bits[found.parameters] = found.log2_gradient, found.log2_gradient_error
    dead = np.ones(len(first), bool)
    dead[live.parameter_of[live.parameter_of >= 0]] = False
    dead[list(dead_proofs(circuit))] = True
    second = np.exp2(log2)
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = second * np.log(2) * bits
        # A square of the mean is taken off where there is one; below rounding nothing is left of the value.
        variance = second - first**2
        shifted = first != 0
        known = ~np.isnan(log2) & np.isfinite(bits) & np.isfinite(log2)
        known &= ~shifted | (variance > _EPS * second)
        upper = np.where(known, log2 + bits, np.log2(gradient_bounds(live) ** 2))
        log2 = np.where(shifted, np.log2(variance), log2)
    columns = GradientColumns(
        log2,
        np.where(known, spread, np.nan),
        known,
        dead,
        upper,
        # half the bond is no proof of anything
        np.where(known, 0.0, 1.0),
        tuple(Status.OK if e < AGREE else Status.NOT_CONVERGED for e in bits),
        lower=log2 - bits,
        variance=variance,
    )
    return SecondMoments(
        **_loss(live, found, mean, is_constant(live, dead)).fields(),
        gradient_mean=np.where(dead, 0.0, first),
        **columns.fields(),
        engine="matrix product",
        averaging=CLOSED_FORM,
    )


def _loss(live: RotationCircuit, found: Log2Moments, mean: float, constant: bool) -> LossColumns:
    moment = 2.0**found.log2_second_moment
    error = moment * np.log(2) * found.log2_second_moment_error
    variance = moment - mean**2
    known = bool(np.isfinite(error) and variance > max(_EPS * mean**2, np.finfo(float).tiny))
    upper = 2 * np.log2(max(loss_size(live), np.finfo(float).tiny))
    if np.isfinite(error):
        upper = float(found.log2_second_moment + found.log2_second_moment_error)
    confidence = 0.0 if np.isfinite(error) else 1.0
    return LossColumns(mean, 0.0, moment, error, variance, error, upper, confidence, known, constant)


def chain_work(circuit: RotationCircuit, law: AngleLaw, bond: int = 16) -> float:
    """Return a rough number of seconds of :func:`chain_moments`; inf where it does not apply."""
    small = live_part(circuit)
    try:
        chain = WordChain(small, law)
    except UnsupportedCircuitError:
        return np.inf
    size = max((bond / 16) ** 3, 0.2)
    splits = sum((w.high - w.low) * 4.0 ** (w.high - w.low - 1) for w in chain.line.windows)
    trained = small.parameter_of >= 0
    asked = sum(any(x.rotation >= 0 for x in w.links) for w in chain.line.windows) * trained.any()
    return (splits * 2e-3 + asked * len(chain.line.qubits) * 1e-4) * size
