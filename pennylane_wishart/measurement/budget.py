"""Splitting a budget of shots between angle sets and shots per circuit."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from pennylane_wishart.conventions import measurement as limits
from pennylane_wishart.conventions.arrays import Bools, Floats
from pennylane_wishart.errors import InputError
from pennylane_wishart.measurement.counting import executions_per_sample
from pennylane_wishart.measurement.engine import Engine
from pennylane_wishart.measurement.options import MeasureOptions
from pennylane_wishart.measurement.recipes import DeviceRecipe
from pennylane_wishart.measurement.setup import Setup, prepare_measurement

__all__ = ["best_shots", "split_budget"]


def best_shots(single_shot: float, variance: float, kurtosis: float = limits.NORMAL_KURTOSIS) -> float:
    """Return the shots per circuit at which a fixed total tells the gradient variance best.

    With n samples of s shots and noise ν = σ²/s on a gradient of variance V and kurtosis κ,
    ``var(V̂) = [(κ−1)V² + 4Vν + 2ν²]/n`` and n·s is fixed, so ``s = (σ²/V)·√(2/(κ−1))``.

    Args:
        single_shot: σ², variance of a gradient component estimated with one shot per circuit.
        variance: V.
        kurtosis: κ of the gradient over the angles; 3 for a normal law.
    """
    return single_shot / variance * math.sqrt(2 / max(kurtosis - 1, limits.LEAST_KURTOSIS))


def split_budget(first: Any, args: Any, kwargs: Any, options: MeasureOptions) -> MeasureOptions:
    """Return the options with ``samples`` and ``shots`` that spend ``budget=`` shots in all."""
    budget = options.budget
    if budget is None:
        return options
    if isinstance(budget, bool) or not isinstance(budget, (int, np.integer)) or budget < 1:
        raise InputError(f"budget needs a positive number of shots; got {budget!r}.")
    pilot = replace(options, shots=limits.PILOT_SHOTS, samples=limits.PILOT_SAMPLES)
    setup = prepare_measurement(first, args, kwargs, pilot)
    counts, per_circuit = executions_per_sample(setup)
    cost = float(counts.mean()) * per_circuit
    least = limits.LEAST_SAMPLES
    if budget < least * cost:
        raise InputError(
            f"budget={budget} shots is too little: {least} angle sets take {math.ceil(least * cost)} circuits of at "
            "least one shot; raise it, or measure fewer components with parameters=1."
        )
    single, variance, kurtosis = _scales(setup, options)
    most = budget / (least * cost)
    shots = int(np.clip(round(best_shots(single, variance, kurtosis)), 1, most))
    # One-shot estimates have no spread of their own to take out.
    shots = max(shots, min(2, int(most)))
    return replace(options, shots=shots, samples=int(float(budget) / (cost * shots)), budget=None)


def _scales(setup: Setup, options: MeasureOptions) -> tuple[float, float, float]:
    """Single-shot noise, variance and kurtosis of a gradient component: given, or from a pilot."""
    if options.variance is not None:
        if not options.variance > 0:
            raise InputError(f"variance needs a positive number; got {options.variance!r}.")
        return _noise_bound(setup), float(options.variance), limits.NORMAL_KURTOSIS
    if len(setup.recipe.wires) > limits.PILOT_WIRES:
        raise InputError(
            f"budget: a circuit of {len(setup.recipe.wires)} wires is too large for a simulated pilot; give "
            "the gradient variance that you expect as variance= (pw.predict tells it)."
        )
    gradients, noise = _pilot(setup)
    flat = gradients[np.isfinite(gradients)]
    variance = float(np.mean(flat**2))
    if variance < limits.NO_VARIANCE:
        raise InputError("budget: every gradient component of the pilot is zero; there is nothing to resolve.")
    return noise, variance, float(np.mean(flat**4) / variance**2)


def _pilot(setup: Setup) -> tuple[Floats, float]:
    """Simulate gradients exactly, and the noise of one shot, free of charge."""
    recipe = DeviceRecipe("lightning.qubit", setup.recipe.wires)
    angles, measured = setup.plan.draw()
    exact = Engine(replace(setup.task, recipe=recipe, shots=None, route=None, trusted=False))
    gradients = exact.run(angles, measured, None).gradients
    shots, few = limits.NOISE_SHOTS, slice(0, limits.NOISE_SAMPLES)
    noisy = Engine(replace(setup.task, recipe=recipe, shots=shots, route=None))
    seeds = np.arange(limits.NOISE_SAMPLES)
    errors = noisy.run(angles[few], _thinned(measured[few]), seeds).gradient_error
    return gradients, float(np.nanmean(errors**2)) * shots


def _thinned(measured: Bools) -> Bools:
    """Keep at most a few components of each sample: the noise hardly differs between them."""
    out = np.zeros_like(measured)
    for row, mask in enumerate(measured):
        chosen = np.flatnonzero(mask)
        out[row, chosen[:: max(1, len(chosen) // limits.NOISE_COMPONENTS)]] = True
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
