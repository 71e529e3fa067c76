"""How noisy an estimate from shots can be: bounds that hold whatever the state is.

A shot of a reading has outcomes in a known range; an estimate is a sum of independent means of
shots. Its variance is at most the sum of squared half ranges over the shots, and by Hoeffding's lemma its
deviations are no wider than those of a normal law with that variance, at any number of shots.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pennylane_wishart.circuit.trace import TracedCircuit
from pennylane_wishart.conventions.arrays import Floats
from pennylane_wishart.measurement.routes.observables import readings
from pennylane_wishart.measurement.routes.shifts import rules_of

__all__ = ["ShotBounds", "shot_bounds"]


@dataclass(frozen=True, eq=False)
class ShotBounds:
    """Largest variances and steps of the estimates of ℓ and ∂ℓ/∂θ_k, for one shot a circuit.

    With s shots the variances are divided by s, the steps too.
    """

    loss: float
    """Upper bound of the variance of the estimate of ℓ."""
    gradient: Floats
    """The same for each gradient component by parameter shift, ``(n_params,)``."""
    loss_step: float
    """Largest change of the estimate of ℓ by one outcome."""
    gradient_step: Floats
    """The same for each gradient component, ``(n_params,)``."""


def shot_bounds(trace: TracedCircuit) -> ShotBounds:
    """Return the bounds for a traced circuit measured by each gate's own shift rule.

    Cost: one shift rule for each kind of gate.
    Source: W. Hoeffding, J. Am. Stat. Assoc. 58, 13 (1963), lemma 1.
    """
    halves = np.array([reading.half_range for reading in readings(trace.observable, 2)[0]])
    square, most = float(np.sum(halves**2)), float(np.max(halves, initial=0.0))
    tape, jacobian = trace.tapes[0], abs(trace.jacobian.tocsr())
    squares, steps = (np.zeros(jacobian.shape[0]) for _ in range(2))
    for k, pairs in enumerate(rules_of(tape.get_operation(k)[0] for k in range(jacobian.shape[0]))):
        # A gate that moves nothing has an empty rule.
        rule = np.abs(np.array([c for c, _ in pairs] or [0.0]))
        squares[k], steps[k] = np.sum(rule**2), np.max(rule)
    scaled = jacobian.multiply(steps[:, None]).tocsc()
    widest = np.asarray(scaled.max(axis=0).todense()).ravel() if scaled.nnz else np.zeros(jacobian.shape[1])
    return ShotBounds(square, square * (squares @ jacobian.power(2)), 2 * most, 2 * most * widest)
