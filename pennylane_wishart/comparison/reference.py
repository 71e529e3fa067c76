"""Draws of the circuit's own gradients: how widely squared gradients scatter at this depth.

A variance says nothing of its own tail. A sample that missed the tail has a spread too small by just
as much as its mean is off, and every test that trusts it cries wolf. Where a statevector is cheap, the circuit
itself says how widely its squared gradients scatter; the tests take no smaller spread than that.
"""

from __future__ import annotations

import numpy as np

from pennylane_wishart.conventions import comparison as limits
from pennylane_wishart.conventions.arrays import Floats
from pennylane_wishart.errors import WishartError
from pennylane_wishart.prediction import Prediction
from pennylane_wishart.variances.engines.sampled import sample_gradients

__all__ = ["reference_gradients"]


def reference_gradients(pred: Prediction) -> Floats | None:
    """Return gradients ``(draws, n_params)`` of the predicted circuit; None where that is not cheap.

    Cost: at most about 2^25 amplitudes touched.
    """
    circuit = pred.circuit
    if circuit.n_qubits > limits.REFERENCE_WIRES or len(circuit.states) != 1 or circuit.n_params == 0:
        return None
    # each term is applied forwards, twice backwards, and once for the derivative
    each = 4 * max(len(circuit.term_coefficients), 1) * (4 if circuit.channels else 2) ** circuit.n_qubits
    # As many as half a second allows.
    draws = min(limits.REFERENCE_MOST, limits.REFERENCE_WORK // each)
    if draws < limits.REFERENCE_LEAST:
        return None
    try:
        return sample_gradients(circuit, pred.angles, draws, np.random.default_rng(limits.REFERENCE_SEED))[1]
    except WishartError:
        # No statevector of this circuit, of a kind of gate say: the tests then do without.
        return None
