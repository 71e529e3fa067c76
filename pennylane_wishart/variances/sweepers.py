"""``sweeps_of``: what losses and gradients at given angles are cheapest with."""

from __future__ import annotations

import numpy as np

from pennylane_wishart.circuit import RotationCircuit
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import InputError, ModuleTooLargeError
from pennylane_wishart.variances.conesweeps import ConeSweeps
from pennylane_wishart.variances.sweeps import Drawn, Sweeps, vector_work
from pennylane_wishart.variances.wordsweeps import WordSweeps

__all__ = ["sweeps_of"]


def sweeps_of(circuit: RotationCircuit, most_work: float = np.inf) -> Drawn:
    """Return a circuit made ready for losses and gradients: state vectors, words or light cones, what is cheapest.

    Noise needs words. Without it the others are tried where state vectors are dear, or too large.

    Args:
        most_work: amplitudes touched by one sweep beyond which no state vector is made.
    Raises:
        InputError: where none holds the circuit, or a sweep is dearer than ``most_work``.
    """
    if circuit.channels:
        return WordSweeps(circuit)
    holds = circuit.n_qubits <= limits.MAX_SAMPLED_QUBITS
    vectors = vector_work(circuit) if holds else np.inf
    best: Drawn | None = None
    if vectors > limits.CHEAP_SWEEP:
        for make in (_by_words, _by_cones):
            try:
                found = make(circuit, min(most_work, vectors if best is None else best.work))
                best = found if best is None or found.work < best.work else best
            except ModuleTooLargeError:
                continue  # the observable spreads
    if best is not None and best.work < vectors:
        return best
    if holds and vectors > most_work:
        raise InputError(
            f"State vectors of {circuit.n_qubits} qubits are too dear, and so are words and light cones of terms."
        )
    return Sweeps(circuit)


def _by_words(circuit: RotationCircuit, most_work: float) -> Drawn:
    return WordSweeps(circuit, limits.SWEPT_WORDS, min(most_work, limits.SWEPT_WORK))


def _by_cones(circuit: RotationCircuit, most_work: float) -> Drawn:
    if len(circuit.observable) < 2:
        raise ModuleTooLargeError("One term has one light cone, which is the circuit.")
    return ConeSweeps(circuit, most_work)
