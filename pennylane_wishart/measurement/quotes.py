"""What a measurement costs, counted before anything runs, and how a budget of shots is split."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from pennylane.measurements import ExpectationMP, VarianceMP

from pennylane_wishart.conventions import measurement as limits
from pennylane_wishart.conventions.arrays import Bools, Floats, Integers
from pennylane_wishart.conventions.options import takes
from pennylane_wishart.errors import InputError
from pennylane_wishart.measurement.checks import check_shots
from pennylane_wishart.measurement.engine import Engine
from pennylane_wishart.measurement.observables import is_sparse
from pennylane_wishart.measurement.options import MeasureOptions, QuoteOptions
from pennylane_wishart.measurement.recipes import DeviceRecipe
from pennylane_wishart.measurement.records.quote import Quote
from pennylane_wishart.measurement.routes.second import pair_circuits
from pennylane_wishart.measurement.routes.shifts import ParameterShift, rules_of
from pennylane_wishart.measurement.setup import Setup, prepare_measurement

__all__ = ["best_shots", "check_interval", "executions_per_sample", "number_of_checks", "quote", "split_budget"]


def executions_per_sample(setup: Setup) -> tuple[Integers, int]:
    """Return the circuits of each sample ``(samples,)`` and the executions that one circuit takes."""
    _, measured = setup.plan.draw()
    exact = setup.engine.route != ParameterShift.route
    if exact and not setup.task.hessian:
        return np.ones(len(measured), int), 1
    # Which gates each parameter drives, signs and rates left out: every gate once, whatever parameters share it.
    touched = ((abs(setup.task.jacobian) > 0).astype(int) @ measured.T.astype(int)).T > 0
    tape = setup.task.tape
    rules = rules_of(tape.get_operation(k)[0] for k in range(len(tape.trainable_params)))
    counts = 1 + touched @ np.array([len(r) for r in rules], int)
    if exact:  # a gradient each
        return counts, 1
    if setup.task.hessian:
        counts = counts + pair_circuits(rules, touched)
    return counts, setup.engine.shift.circuits_per_point


def check_interval(setup: Setup) -> int:
    """Return the samples between two checks of a device that is not PennyLane's own.

    So many that the checks in between add a tenth of the shots (circuits where analytic), at least 25,
    and at most a quarter of a long run.
    """
    counts, per_circuit = executions_per_sample(setup)
    shots = setup.plan.shots
    sample = float(counts.mean()) * per_circuit * (shots or 1)
    # Without shots a circuit counts as one.
    one_check = limits.CHECK_CIRCUITS * (check_shots(shots) or 1)
    most = max(limits.CHECK_LEAST, math.ceil(setup.plan.samples / limits.CHECK_PARTS))
    return int(np.clip(math.ceil(one_check / (limits.CHECK_SHARE * sample)), limits.CHECK_LEAST, most))


def number_of_checks(setup: Setup, check: bool = True) -> int:
    """Return how often the device is checked in a whole run: before it, in between, and after it."""
    if not (check and setup.recipe.is_hardware):
        return 0
    return 1 + math.ceil(setup.plan.samples / check_interval(setup))


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
    # A split that leaves fewer angle sets would print a variance that means nothing.
    if budget < least * cost:
        raise InputError(
            f"budget={budget} shots is too little: {least} angle sets take {math.ceil(least * cost)} circuits of at "
            "least one shot; raise it, or measure fewer components with parameters=1."
        )
    single, variance, kurtosis = _scales(setup, options)
    # More shots a circuit would leave fewer angle sets than that.
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
    # Better no answer than minutes of simulation that nobody asked for.
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
    # The worst gate stands for all: a bound may only be too large.
    per_gate = max((sum(c * c for c, _ in rule) for rule in rules), default=0.5)
    observable = setup.task.tape.measurements[0].obs
    if observable.pauli_rep is not None:
        size = sum(abs(c) for w, c in observable.pauli_rep.items() if len(w))
    elif is_sparse(observable):  # PennyLane has no eigenvalues of it: rows bound them
        size = float(abs(observable.sparse_matrix()).sum(axis=1).max())
    else:
        eigenvalues = observable.eigvals()
        size = float(np.max(np.real(eigenvalues)) - np.min(np.real(eigenvalues))) / 2
    return per_gate * float(np.real(size)) ** 2


def _shots_taken(setup: Setup, shots: int) -> int:
    """Shots of one circuit that estimates an expectation value."""
    # Qiskit's Estimator is asked for a precision, 1/√shots, and rounds the shots it needs up: 1,001 for 1,000.
    return math.ceil(1 / np.sqrt(1 / shots) ** 2) if setup.recipe.name == "qiskit.remote" else shots


def _shots_of_point(setup: Setup) -> int:
    """Shots of one point in parameter space, over all the circuits that it takes."""
    shots, total = setup.plan.shots or 0, 0
    for circuit in setup.engine.shift.circuits:
        kinds = [type(part.tape.measurements[0]) for part in circuit.tapes]
        # Samples come with exactly the shots asked for; estimates may take more.
        estimated = sum(kind in (ExpectationMP, VarianceMP) for kind in kinds)
        total += estimated * _shots_taken(setup, shots) + (circuit.executions - estimated) * shots
    return total


@takes(QuoteOptions)
def quote(qnode: Any, options: QuoteOptions) -> Callable[..., Quote]:
    """Count circuits, executions and shots of a measurement before anything is paid.

    The circuits of one sample go through the device's own preprocessing, so an observable that a
    device measures in several bases counts several times. Nothing is run on the device (an
    analytic route on a built-in simulator is tried once).

    Args:
        As for :func:`measure`, with ``shots=1000`` unless told otherwise.
    Returns:
        A function of the QNode's arguments that returns a :class:`Quote`.
    Raises:
        InputError, DeviceError: as :func:`measure` would.
    Cost: one preprocessing of the circuit per measurement basis.
    Source: two-term and general shift rules, arXiv:2107.12390.
    Example:
        >>> import pennylane as qml
        >>> from pennylane import numpy as np
        >>> @qml.qnode(qml.device("default.qubit", wires=2))
        ... def f(x):
        ...     qml.RX(x[0], 0)
        ...     qml.RY(x[1], 1)
        ...     return qml.expval(qml.Z(0) @ qml.Z(1))
        >>> q = quote(f, samples=10, shots=100)(np.array([0.1, 0.2]))
        >>> q.executions, q.shots
        (50, 5000)
    """

    @functools.wraps(getattr(qnode, "func", quote))
    def run(*args: Any, **kwargs: Any) -> Quote:
        chosen = split_budget(qnode, args, kwargs, options.measuring)
        return _quote_of(prepare_measurement(qnode, args, kwargs, chosen), options.check)

    return run


def _quote_of(setup: Setup, check: bool) -> Quote:
    """Count the cost of a prepared measurement."""
    counts, per_circuit = executions_per_sample(setup)
    circuits, shots = int(counts.sum()), setup.plan.shots
    checks = limits.CHECK_CIRCUITS * number_of_checks(setup, check)
    total = 0
    if shots is not None:
        total = circuits * _shots_of_point(setup) + checks * _shots_taken(setup, check_shots(shots) or 0)
    _, measured = setup.plan.draw()
    return Quote(
        device=setup.recipe.label,
        route=setup.engine.route,
        samples=setup.plan.samples,
        shots_per_circuit=shots,
        circuits=circuits,
        executions=circuits * per_circuit + checks,
        check_executions=checks,
        shots=total,
        n_params=setup.target.n_params,
        components=int(measured.sum()),
    )
