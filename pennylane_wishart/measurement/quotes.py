"""``pw.quote``: circuits, executions and shots, counted before anything runs."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from pennylane.measurements import ExpectationMP, VarianceMP

from pennylane_wishart.conventions import measurement as limits
from pennylane_wishart.measurement.budget import split_budget
from pennylane_wishart.measurement.checks import check_shots
from pennylane_wishart.measurement.counting import executions_per_sample, number_of_checks
from pennylane_wishart.measurement.options import QuoteOptions, takes
from pennylane_wishart.measurement.records.quote import Quote
from pennylane_wishart.measurement.setup import Setup, prepare_measurement

__all__ = ["quote", "quote_of"]


def _shots_taken(setup: Setup, shots: int) -> int:
    """Shots of one circuit that estimates an expectation value."""
    # Qiskit's Estimator is asked for a precision, 1/√shots, and rounds the shots it needs up: 1,001 for 1,000.
    return math.ceil(1 / np.sqrt(1 / shots) ** 2) if setup.recipe.name == "qiskit.remote" else shots


def _shots_of_point(setup: Setup) -> int:
    """Shots of one point in parameter space, over all the circuits that it takes."""
    shots, total = setup.plan.shots or 0, 0
    for circuit in setup.engine.shift.circuits:
        kinds = [type(part.tape.measurements[0]) for part in circuit.tapes]
        estimated = sum(kind in (ExpectationMP, VarianceMP) for kind in kinds)
        total += estimated * _shots_taken(setup, shots) + (circuit.executions - estimated) * shots
    return total


def quote_of(setup: Setup, check: bool = True) -> Quote:
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
        return quote_of(prepare_measurement(qnode, args, kwargs, chosen), options.check)

    return run
