"""Descents of a circuit with noise: where its own landscape, and not that of the circuit without, ends."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from pennylane_wishart.circuit import RotationCircuit
from pennylane_wishart.conventions import outlook as limits
from pennylane_wishart.variances.wordsweeps import WordSweeps

__all__ = ["noisy_descents", "noisy_gradient_seconds"]

Floats = NDArray[np.float64]


def noisy_gradient_seconds(circuit: RotationCircuit) -> float:
    """Estimate what one gradient takes on one core."""
    gates = len(circuit.terms) + len(circuit.channels)
    return gates * (limits.NOISY_GATE_SECONDS + limits.NOISY_WORD_SECONDS * 4.0**circuit.n_qubits)


def noisy_descents(
    circuit: RotationCircuit, starts: int, tolerance: float, seed: int
) -> tuple[Floats, NDArray[np.bool_], Floats, int]:
    """Descend from random angles by BFGS on exact losses and gradients.

    Returns:
        ends ``(starts,)``, whether the gradient is gone ``(starts,)``, angles ``(starts, n_params)``, gradients.
    Cost: about 60 gradients a start.
    """
    sweeps = WordSweeps(circuit)

    def value_and_slope(theta: Floats) -> tuple[float, Floats]:
        losses, gradients = sweeps(circuit.angles_of(theta)[None])
        return float(losses[0]), gradients[0]

    law = circuit.angle_law("uniform")
    options = {"gtol": tolerance, "maxiter": limits.MAX_ITERATIONS}
    points = law.sample(np.random.default_rng(seed), starts)
    found = [optimize.minimize(value_and_slope, x, jac=True, method="BFGS", options=options) for x in points]
    gone = np.array([bool(np.abs(r.jac).max(initial=0.0) <= tolerance) for r in found])
    return np.array([r.fun for r in found]), gone, np.array([r.x for r in found]), sum(int(r.njev) for r in found)
