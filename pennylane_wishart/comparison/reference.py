"""Draws of the circuit's own gradients: how widely squared gradients scatter at this depth.

A variance says nothing of its own tail. A sample that missed the tail has a spread too small by just
as much as its mean is off, and every test that trusts it cries wolf. Where a statevector is cheap, the circuit
itself says how widely its squared gradients scatter; the tests take no smaller spread than that.
"""

from __future__ import annotations

import numpy as np

from pennylane_wishart.conventions import comparison as limits
from pennylane_wishart.conventions.arrays import Floats, Integers
from pennylane_wishart.errors import WishartError
from pennylane_wishart.prediction import Prediction
from pennylane_wishart.variances.engines.sampled import sample_gradients
from pennylane_wishart.variances.hessian.differences import hessians_at
from pennylane_wishart.variances.sweeps import Sweeps

__all__ = ["reference_gradients", "reference_hessians"]


def reference_gradients(pred: Prediction) -> Floats | None:
    """Return gradients ``(draws, n_params)`` of the predicted circuit; None where that is not cheap.

    Cost: at most about 2^25 amplitudes touched.
    """
    draws = _affordable(pred, limits.REFERENCE_WORK)
    try:
        rng = np.random.default_rng(limits.REFERENCE_SEED)
        return sample_gradients(pred.circuit, pred.angles, draws, rng)[1] if draws else None
    except WishartError:
        # No statevector of this circuit, of a kind of gate say: the tests then do without.
        return None


def reference_hessians(pred: Prediction, parameters: Integers | None = None) -> Floats | None:
    """Return Hessians ``(draws, k, k)`` of the predicted circuit, of some parameters; None where that is not cheap.

    Cost: at most about 2^27 amplitudes touched.
    """
    count = pred.n_params if parameters is None else len(parameters)
    draws = _affordable(pred, limits.HESSIAN_REFERENCE // (2 * max(count, 1)))
    try:
        if not draws:
            return None
        sweeps = Sweeps(pred.circuit)
        rng = np.random.default_rng(limits.REFERENCE_SEED)
        return np.concatenate([hessians_at(sweeps, a, parameters) for a in sweeps.batches(pred.angles, draws, rng)])
    except WishartError:
        return None


def _affordable(pred: Prediction, work: int) -> int:
    """Return how many gradients of the circuit may be drawn; 0 where too few are affordable."""
    circuit = pred.circuit
    if circuit.n_qubits > limits.REFERENCE_WIRES or len(circuit.states) != 1 or circuit.n_params == 0:
        return 0
    # each term is applied forwards, twice backwards, and once for the derivative
    each = 4 * max(len(circuit.term_coefficients), 1) * (4 if circuit.channels else 2) ** circuit.n_qubits
    draws = min(limits.REFERENCE_MOST, work // each)
    return draws if draws >= limits.REFERENCE_LEAST else 0
