"""The identity test: a derivative that vanishes at random settings of all angles vanishes everywhere.

∂ℓ/∂θ_k is a trigonometric polynomial of the angles. One that is not identically zero vanishes on
a set of measure zero only, so a few random settings decide, up to rounding. This catches what no
argument about supports can: angles that cancel, sums whose terms compensate each other.
"""

from __future__ import annotations

import numpy as np

from pennylane_wishart.circuit import RotationCircuit
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import InputError
from pennylane_wishart.variances.drivers import gradient_bounds
from pennylane_wishart.variances.parts import narrowed
from pennylane_wishart.variances.sweepers import sweeps_of

__all__ = ["identically_zero", "turning_ranges"]


def identically_zero(circuit: RotationCircuit, asked: np.ndarray) -> np.ndarray:
    """Return which of the asked parameters have a gradient of zero at random settings of all angles.

    Args:
        circuit: the normal form; its first input state is used.
        asked: bool ``(n_params,)``.
    Returns:
        bool ``(n_params,)``; all False where the circuit is too large to be simulated in bounded work.
    Cost: O(terms · 2^n) times at most ``limits.SETTINGS``; about two seconds at most.
    """
    out = np.zeros(circuit.n_params, bool)
    circuit = narrowed(circuit)
    terms = len(circuit.terms) + len(circuit.observable)
    work = limits.SWEEP_COST * terms * limits.SETTINGS * 2.0**circuit.n_qubits
    most = limits.MAX_NOISY_IDENTITY if circuit.channels else limits.MAX_VECTOR_QUBITS
    if circuit.n_qubits > most or work > limits.IDENTITY_WORK or not asked.any():
        return out
    try:
        sweeps = sweeps_of(circuit)
    # cannot be simulated, so nothing is claimed
    except InputError:
        return out
    rng = np.random.default_rng(limits.IDENTITY_SEED)
    limit = limits.SAMPLE_ROUNDING * gradient_bounds(circuit)
    # a trigonometric polynomial that is not 0 vanishes on a set of measure 0 only
    zero = asked.copy()
    for size in (1, limits.SETTINGS - 1):  # one setting clears nearly every live parameter
        parameters = rng.uniform(-np.pi, np.pi, (size, circuit.n_params)) * turning_ranges(circuit)
        _, gradients = sweeps(sweeps.at(parameters, rng))
        zero &= np.all(np.abs(gradients) <= limit, axis=0)
        if not zero.any():
            break
    return zero


def turning_ranges(circuit: RotationCircuit) -> np.ndarray:
    """Return a factor per parameter that lets its slowest rotation turn once.

    Near angle zero a live derivative can be as small as the angle.
    """
    slowest = np.full(circuit.n_params, np.inf)
    sizes = np.add.reduceat(np.append(np.abs(circuit.term_coefficients), 0.0), circuit.starts[:-1])
    rates = np.abs(circuit.coefficients) * np.where(np.diff(circuit.starts) > 0, sizes, 0.0)
    rows = np.flatnonzero((circuit.parameter_of >= 0) & (rates > 0))
    np.minimum.at(slowest, circuit.parameter_of[rows], rates[rows])
    return np.where(np.isfinite(slowest), 1 / np.where(np.isfinite(slowest), slowest, 1.0), 1.0)
