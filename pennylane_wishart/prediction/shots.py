"""Shots: the single-shot variance of the loss and what a gradient component needs."""

from __future__ import annotations

import numpy as np
import pennylane as qml

from pennylane_wishart.circuit import AngleLaw, RotationCircuit
from pennylane_wishart.moments import SecondMoments
from pennylane_wishart.paulis import PauliSum

__all__ = ["log2_shots_to_resolve", "mean_shot_variance", "rare_outcome"]

_MAX_TERMS = 400


def first_moment(circuit: RotationCircuit, law: AngleLaw, operator: PauliSum) -> float | None:
    """Return E⟨A⟩ over the angles, exact for independent one-word rotations; None otherwise.

    Backwards, a word that anticommutes with the rotation's word keeps E[cos φ] of itself and
    moves E[sin φ] away; symmetric laws have no second part.
    """
    if not circuit.is_pauli or circuit.shared.any():
        return None
    moments = circuit.rotation_moments(law)
    if np.any(np.abs(moments.sin) > 1e-12):
        return None
    words, values = operator.words, operator.coefficients.astype(float)
    for k in range(circuit.n_rotations - 1, -1, -1):
        if len(values) == 0:
            return 0.0
        anti = circuit.words[k].anticommutation(words)[0]
        if anti.any():
            values = np.where(anti, values * moments.cos[k], values)
            keep = np.abs(values) > 0
            words, values = words[keep], values[keep]
    return float(values @ circuit.state.expectation(words))


def mean_shot_variance(circuit: RotationCircuit, law: AngleLaw, moments: SecondMoments) -> tuple[float, str]:
    """Return (E[⟨O²⟩ − ⟨O⟩²], method): the variance of one shot, averaged over the angles."""
    observable = circuit.observable
    if len(observable) <= 1:
        square = observable.norm_squared
        return max(square - moments.loss_second_moment, 0.0), "exact"
    if len(observable) <= _MAX_TERMS:
        found = first_moment(circuit, law, observable.multiply(observable))
        if found is not None:
            return max(found - moments.loss_second_moment, 0.0), "exact"
    # The trace is what ⟨O²⟩ averages to in the deep limit of a circuit without symmetries.
    return max(observable.norm_squared - moments.loss_second_moment, 0.0), "deep-limit trace"


def rare_outcome(circuit: RotationCircuit, moments: SecondMoments) -> float:
    """Return the mean probability of the rarer outcome of a projector, 1/2 otherwise."""
    if circuit.trace is None or not isinstance(circuit.trace.observable, qml.Projector):
        return 0.5
    return float(np.clip(min(moments.loss_mean, 1 - moments.loss_mean), 1e-300, 0.5))


def log2_shots_to_resolve(shot_variance: float, moments: SecondMoments) -> np.ndarray:
    """Return log2 of the shots per gradient component for signal-to-noise 1, ``(n_params,)``.

    Var_shot[ℓ]/Var[∂ℓ] (THEORY §9); +inf for dead parameters.
    """
    with np.errstate(divide="ignore"):
        signal = moments.log2_gradient_variance
        noise = np.log2(shot_variance) if shot_variance > 0 else -np.inf
    return np.where(np.isneginf(signal), np.inf, noise - np.where(np.isneginf(signal), 0.0, signal))
