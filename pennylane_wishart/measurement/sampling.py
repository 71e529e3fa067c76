"""``pw.measure``: losses, gradients and second derivatives at random angles on any device."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from pennylane_wishart.conventions import measurement as limits
from pennylane_wishart.conventions.arrays import Integers
from pennylane_wishart.conventions.options import takes
from pennylane_wishart.measurement.collect import Work
from pennylane_wishart.measurement.keeping import Kept, collect_into, watch_of
from pennylane_wishart.measurement.options import MeasureOptions, count
from pennylane_wishart.measurement.quotes import check_interval, split_budget
from pennylane_wishart.measurement.recipes import DeviceRecipe
from pennylane_wishart.measurement.records.measurement import Measurement
from pennylane_wishart.measurement.routes.wrongadjoint import wrong_gradient_gates
from pennylane_wishart.measurement.setup import Setup, prepare_measurement
from pennylane_wishart.measurement.tables import BENT_ROWS, ROWS, Table

__all__ = ["measure", "run_measurement"]


@takes(MeasureOptions)
def measure(qnode: Any, options: MeasureOptions) -> Callable[..., Measurement]:
    """Measure losses and gradients of a QNode at random angles.

    ``ℓ(θ_i)`` and ``∂ℓ/∂θ_k(θ_i)`` for i = first … first + samples − 1, with θ_i from the law
    ``angles``. θ_i depends on (seed, i) alone, so the numbers are the same for any executor, chunk
    size or interruption. Not for QNodes that change with the values of their parameters.

    Args:
        qnode: a QNode, tape, TracedCircuit or RotationCircuit.
        {options}
    Returns:
        A function of the QNode's arguments that returns a :class:`Measurement`.
    Raises:
        InputError: for a bad argument; the message names it.
        DeviceError: if the device is missing or measures wrongly.
        MeasurementInterrupted: if it kept failing, was stopped, or failed a later check; ``.partial`` has what
            was measured.
        StoreError: if the journal cannot be used; ``.partial`` has what was measured.
    Cost: one adjoint gradient per sample on simulators; 1 + 2·(gates) circuits with shots. With ``hessian`` 2·(gates)
        or 8·(parameters) gradients more, or about 2·(gates)² circuits. Up to 15 qubits lightning and BLAS are held to
        one thread meanwhile: threads that wait for a busy core cost more than the gradients.
    Source: the sampling of arXiv:2408.11901, any device; adjoint differentiation arXiv:2009.02823.
    Example:
        >>> import pennylane as qml
        >>> from pennylane import numpy as np
        >>> @qml.qnode(qml.device("lightning.qubit", wires=2))
        ... def f(x):
        ...     qml.RY(x[0], 0)
        ...     qml.CNOT([0, 1])
        ...     qml.RY(x[1], 1)
        ...     return qml.expval(qml.Z(1))
        >>> data = measure(f, samples=200)(np.array([0.1, 0.2]))
        >>> [round(float(v), 2) for v in data.gradient_variance().value]
        [0.24, 0.27]
    """
    file = options.file

    @functools.wraps(getattr(qnode, "func", measure))
    def run(*args: Any, **kwargs: Any) -> Measurement:
        if file is not None:
            file.check_place()
        chosen = split_budget(qnode, args, kwargs, options)
        return run_measurement(prepare_measurement(qnode, args, kwargs, chosen), chosen)

    return run


def run_measurement(setup: Setup, options: MeasureOptions) -> Measurement:
    """Run a prepared measurement, or what a journal lacks of it."""
    plan, task = setup.plan, setup.task
    angles, measured = plan.draw()
    seed, first, samples = plan.ranges[0]
    size = _default_chunk(setup.recipe) if options.chunk is None else count("chunk", options.chunk, 1)
    if setup.recipe.is_hardware and options.check:
        # A chunk never passes two checks: a quote counts them all.
        size = min(size, check_interval(setup))
    # Chunks end at multiples of their size, wherever the plan begins: a resumed run cuts alike.
    edges = [0, *range(size - first % size, samples, size), samples]
    chunks = [np.arange(a, b) for a, b in zip(edges[:-1], edges[1:], strict=True)]
    seeds = _shot_seeds(seed, first, samples) if task.shots is not None and setup.recipe.is_seedable else None
    # None where all are wanted: masks need not travel to workers.
    work = Work(task, angles, None if measured.all() else measured, seeds, chunks)
    table, routes = Table(BENT_ROWS if task.hessian else ROWS, (samples, plan.n_params)), [setup.engine.route]
    # Found out on every run, because it is the user who needs to know; our own numbers go round it.
    wrong = wrong_gradient_gates(setup.target.trace)

    def record(rows: Integers) -> Measurement:
        return Measurement(
            **table.at(rows),
            angles=angles[rows],
            plan=plan.restrict(rows),
            device=setup.recipe.label,
            routes=tuple(routes),
            route_note=setup.engine.note,
            shapes=tuple(setup.target.trace.shapes),
            identity=setup.identity,
            reproducible=setup.is_reproducible,
            wrong_gradient_gates=wrong,
        )

    kept = Kept("Measurement", "Measured {} of {} samples", "measuring", routes, record, options.settings)
    collect_into(table, work, setup, options, kept, watch_of(setup, options.check))
    return record(np.arange(samples))


def _default_chunk(recipe: DeviceRecipe) -> int:
    """Samples per job: one where a sample is dear, many where overhead would rule."""
    n = len(recipe.wires)
    if recipe.is_hardware or n >= limits.LARGE_WIRES:
        return 1
    return limits.MEDIUM_CHUNK if n >= limits.MEDIUM_WIRES else limits.SMALL_CHUNK


def _shot_seeds(seed: int, first: int, samples: int) -> Integers:
    """One seed per sample for the shots of built-in simulators: depends on (seed, i) alone."""
    streams = (np.random.SeedSequence(seed, spawn_key=(i, 1)) for i in range(first, first + samples))
    return np.array([int(s.generate_state(1, np.uint32)[0]) for s in streams])
