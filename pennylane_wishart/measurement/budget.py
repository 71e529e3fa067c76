"""Splitting a budget of shots between angle sets and shots per circuit."""

from __future__ import annotations

import math

import numpy as np

from pennylane_wishart.errors import InputError
from pennylane_wishart.measurement.sampling import Setup, prepare_measurement

__all__ = ["best_shots", "split_budget"]

_PILOT_WIRES = 14
_LEAST_SAMPLES = 20


def best_shots(single_shot: float, variance: float, kurtosis: float = 3.0) -> float:
    """Return the shots per circuit at which a fixed total tells the gradient variance best.

    With n samples of s shots and noise ν = σ²/s on a gradient of variance V and kurtosis κ,
    ``var(V̂) = [(κ−1)V² + 4Vν + 2ν²]/n`` and n·s is fixed, so ``s = (σ²/V)·√(2/(κ−1))``.

    Args:
        single_shot: σ², variance of a gradient component estimated with one shot per circuit.
        variance: V.
        kurtosis: κ of the gradient over the angles; 3 for a normal law.
    """
    return single_shot / variance * math.sqrt(2 / max(kurtosis - 1, 1e-3))


def split_budget(first, args, kwargs, options: dict) -> dict:
    """Return ``samples`` and ``shots`` for ``budget=`` shots in all."""
    from pennylane_wishart.measurement.quotes import executions_per_sample

    budget = options["budget"]
    if isinstance(budget, bool) or not isinstance(budget, (int, np.integer)) or budget < 1:
        raise InputError(f"budget needs a positive number of shots; got {budget!r}.")
    setup = prepare_measurement(first, args, kwargs, {**options, "shots": 100, "samples": 100})
    counts, per_circuit = executions_per_sample(setup)
    cost = float(counts.mean()) * per_circuit
    if budget < _LEAST_SAMPLES * cost:
        raise InputError(
            f"budget={budget} shots is too little: {_LEAST_SAMPLES} angle sets take "
            f"{math.ceil(_LEAST_SAMPLES * cost)} circuits of at least one shot; raise it, or measure fewer "
            "components with parameters=1."
        )
    single, variance, kurtosis = _scales(setup, options)
    most = budget / (_LEAST_SAMPLES * cost)
    shots = int(np.clip(round(best_shots(single, variance, kurtosis)), 1, most))
    # One-shot estimates have no spread of their own to take out.
    shots = max(shots, min(2, int(most)))
    return {"shots": shots, "samples": int(float(budget) / (cost * shots)), "budget": None}


def _scales(setup: Setup, options: dict) -> tuple[float, float, float]:
    """Single-shot noise, variance and kurtosis of a gradient component: given, or from a pilot."""
    if options["variance"] is not None:
        if not options["variance"] > 0:
            raise InputError(f"variance needs a positive number; got {options['variance']!r}.")
        return _noise_bound(setup), float(options["variance"]), 3.0
    if len(setup.recipe.wires) > _PILOT_WIRES:
        raise InputError(
            f"budget: a circuit of {len(setup.recipe.wires)} wires is too large for a simulated pilot; give "
            "the gradient variance that you expect as variance= (pw.predict tells it)."
        )
    gradients, noise = _pilot(setup)
    flat = gradients[np.isfinite(gradients)]
    variance = float(np.mean(flat**2))
    if variance < 1e-14:
        raise InputError("budget: every gradient component of the pilot is zero; there is nothing to resolve.")
    return noise, variance, float(np.mean(flat**4) / variance**2)


def _pilot(setup: Setup) -> tuple[np.ndarray, float]:
    """Simulate gradients exactly, and the noise of one shot, free of charge."""
    from dataclasses import replace

    from pennylane_wishart.measurement.engine import Engine
    from pennylane_wishart.measurement.machines import DeviceRecipe

    recipe = DeviceRecipe("lightning.qubit", setup.recipe.wires)
    angles, measured = setup.plan.draw()
    exact = Engine(replace(setup.task, recipe=recipe, shots=None, route=None, trusted=False))
    gradients = exact.run(angles, measured, None).gradients
    shots, few = 200, slice(0, 4)
    noisy = Engine(replace(setup.task, recipe=recipe, shots=shots, route=None))
    errors = noisy.run(angles[few], _thinned(measured[few]), np.arange(4)).gradient_error
    return gradients, float(np.nanmean(errors**2)) * shots


def _thinned(measured: np.ndarray, most: int = 8) -> np.ndarray:
    """Keep at most a few components of each sample: the noise hardly differs between them."""
    out = np.zeros_like(measured)
    for row, mask in enumerate(measured):
        chosen = np.flatnonzero(mask)
        out[row, chosen[:: max(1, len(chosen) // most)]] = True
    return out


def _noise_bound(setup: Setup) -> float:
    """Upper bound of the single-shot variance of a gradient component."""
    rules = setup.engine.shift.rules
    per_gate = max((sum(c * c for c, _ in rule) for rule in rules), default=0.5)
    observable = setup.task.tape.measurements[0].obs
    if observable.pauli_rep is not None:
        size = sum(abs(c) for w, c in observable.pauli_rep.items() if len(w))
    else:
        eigenvalues = observable.eigvals()
        size = float(np.max(np.real(eigenvalues)) - np.min(np.real(eigenvalues))) / 2
    return per_gate * float(np.real(size)) ** 2
