"""Dead pairs: parameters whose joint second derivative vanishes at every setting of the angles."""

from __future__ import annotations

import numpy as np

from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.paulis import PauliSum
from pennylane_wishart.variances.dead.identity import turning_ranges
from pennylane_wishart.variances.dead.proofs import prove
from pennylane_wishart.variances.hessian.differences import hessians_at
from pennylane_wishart.variances.problem import Problem
from pennylane_wishart.variances.sweeps import Sweeps, rotation_angles

__all__ = ["dead_pairs"]


def dead_pairs(problem: Problem, asked: np.ndarray) -> np.ndarray:
    """Return which of some pairs are dead, bool ``(n_params, n_params)``; False where nothing is proved.

    No term of the observable depends on both; or, where states can be simulated, the second derivative
    vanishes at random angles, which an analytic function that is not 0 does with probability 0.

    Args:
        asked: bool, the pairs in question.
    """
    circuit, n = problem.live, problem.circuit.n_params
    out = asked.copy()
    observable = circuit.observable
    if 1 < len(observable) <= limits.MAX_PAIR_TERMS:
        for m in range(len(observable)):
            term = circuit.with_observable(PauliSum(observable.words[m : m + 1], observable.coefficients[m : m + 1]))
            alive = np.ones(n, bool)
            alive[list(prove(term).parameters)] = False
            out &= ~np.outer(alive, alive)
        if out.any() and np.array_equal(out, asked):
            return out
    else:
        out[:] = False
    work = limits.SETTINGS * limits.SWEEP_COST * 2 * n * max(1, len(circuit.terms)) * 2.0**circuit.n_qubits
    if circuit.channels or circuit.n_qubits > limits.MAX_SAMPLED_QUBITS or work > limits.IDENTITY_WORK:
        return out
    sweeps, rng = Sweeps(circuit), np.random.default_rng(limits.IDENTITY_SEED)
    parameters = rng.uniform(-np.pi, np.pi, (limits.SETTINGS, n)) * turning_ranges(circuit)
    angles = rotation_angles(circuit, parameters, rng)
    floor = limits.DIFFERENCE_ROUNDING * problem.sizes[1:].max(initial=0.0)
    return np.asarray(out | asked & (np.abs(hessians_at(sweeps, angles)).max(axis=0) <= floor))
