"""Draws of the circuit's own gradients: how widely squared gradients scatter at this depth.

A variance says nothing of its own tail. A sample that missed the tail has a spread too small by just
as much as its mean is off, and every test that trusts it cries wolf. Where a statevector is cheap, the circuit
itself says how widely its squared gradients scatter; the tests take no smaller spread than that.
"""

from __future__ import annotations

import numpy as np

from pennylane_wishart.errors import WishartError
from pennylane_wishart.prediction import Prediction
from pennylane_wishart.variances.engines.sampled import sample_gradients

__all__ = ["reference_gradients"]

_WORK = 1 << 25
"""Amplitudes touched: about half a second on one core."""
_MOST, _LEAST = 2000, 100
_SEED = 20_260


def reference_gradients(pred: Prediction) -> np.ndarray | None:
    """Return gradients ``(draws, n_params)`` of the predicted circuit; None where that is not cheap.

    Cost: at most about 2^25 amplitudes touched.
    """
    circuit = pred.circuit
    if circuit.n_qubits > 16 or len(circuit.states) != 1 or circuit.n_params == 0:
        return None
    # each term is applied forwards, twice backwards, and once for the derivative
    each = 4 * max(len(circuit.term_coefficients), 1) * 2**circuit.n_qubits
    draws = min(_MOST, _WORK // each)
    if draws < _LEAST:
        return None
    try:
        return sample_gradients(circuit, pred.angles, draws, np.random.default_rng(_SEED))[1]
    except WishartError:
        return None
