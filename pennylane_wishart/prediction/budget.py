"""How many samples of a circuit's own states are affordable."""

from __future__ import annotations

import numpy as np

from pennylane_wishart.circuit import MeasuredGroups, RotationCircuit
from pennylane_wishart.conventions.prediction import Draws

__all__ = ["affordable", "readings"]


def affordable(circuit: RotationCircuit, readings: int, draws: Draws, runs: int = 1) -> int:
    """Return how many samples are drawn; 0 where too few would be.

    Args:
        circuit: what is run, a pass over 2^n amplitudes a word.
        readings: passes over each final state.
        draws: the limits.
        runs: of the circuit, for one sample.
    """
    if circuit.n_qubits > draws.qubits:
        return 0
    work = 2.0**circuit.n_qubits * (len(circuit.terms) + readings) * runs
    size = int(min(draws.most, draws.work / work))
    return size if size >= draws.least else 0


def readings(found: MeasuredGroups) -> int:
    """Return the passes that one reading of an observable takes: words that flip the same qubits are one."""
    return sum(len(np.unique(p.words.x, axis=0)) for p in found.parts)
