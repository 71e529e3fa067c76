"""Finite shots: exact distributions of the estimates that a device would make, without a state.

A Pauli word has two outcomes, so its mean over s shots is binomial with the exact expectation
value. A sum of words is measured term by term with s shots each, every term by itself, as
PennyLane's devices do for terms that do not commute. An observable with two eigenvalues
(projectors, Hadamard) is one binomial. Anything else would need joint samples and is refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pennylane as qml

from pennylane_wishart.conventions import devices as limits
from pennylane_wishart.devices.reading import Operator
from pennylane_wishart.devices.simulate import Job

__all__ = ["sampled_values", "two_eigenvalues"]


def two_eigenvalues(observable: Operator) -> tuple[float, float] | None:
    """Return the eigenvalues (lower, upper) of an observable that has just two; None otherwise."""
    if isinstance(observable, qml.Projector):
        return 0.0, 1.0
    if len(observable.wires) > limits.MAX_EIGENVALUE_WIRES:
        return None
    matrix = np.asarray(qml.math.toarray(qml.matrix(observable, wire_order=observable.wires)), complex)
    values = np.linalg.eigvalsh(matrix)
    low, high = float(values[0]), float(values[-1])
    close = np.minimum(np.abs(values - low), np.abs(values - high)) < limits.SAME_EIGENVALUE * max(
        1.0, abs(low), abs(high)
    )
    return (low, high) if np.all(close) and high > low else None


def sampled_values(job: Job, values: np.ndarray, rng: np.random.Generator) -> Any:
    """Draw what the tape's measurements return with its shots.

    Args:
        job: the tape with the combination of words that each measurement is.
        values: exact expectation values of the words ``(n_words, batch)``, signs not applied.
    Returns:
        results nested as PennyLane expects: per entry of a shot vector, per measurement.
    """
    tape = job.reading.tape
    per_shots = [_once(job, values, shots, rng) for shots in tape.shots]
    return tuple(per_shots) if tape.shots.has_partitioned_shots else per_shots[0]


def _once(job: Job, values: np.ndarray, shots: int, rng: np.random.Generator) -> Any:
    tape = job.reading.tape
    out = []
    for m, column in zip(tape.measurements, job.coefficients.T, strict=True):
        if m.obs.pauli_rep is None:
            drawn = _two_outcomes(m.obs, column @ values, shots, rng)
        else:
            used = np.flatnonzero(column)
            # every word by itself, with all the shots
            drawn = column[used] @ (2 * _frequency((1 + values[used]) / 2, shots, rng) - 1)
        out.append(np.asarray(drawn if tape.batch_size is not None else drawn[0]))
    return out[0] if len(out) == 1 else tuple(out)


def _two_outcomes(observable: Operator, mean: np.ndarray, shots: int, rng: np.random.Generator) -> np.ndarray:
    levels = two_eigenvalues(observable)
    assert levels is not None  # checked before execution
    low, high = levels
    return low + (high - low) * _frequency((mean - low) / (high - low), shots, rng)


def _frequency(probability: np.ndarray, shots: int, rng: np.random.Generator) -> np.ndarray:
    # rounding may leave an exact probability outside [0, 1]
    return np.asarray(rng.binomial(shots, np.clip(probability, 0.0, 1.0)) / shots)
