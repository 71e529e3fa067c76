"""``pw.find_minima``: descents from random starts, and which of them ended in the same minimum."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import minimize

from pennylane_wishart.conventions import measurement as limits
from pennylane_wishart.conventions.arrays import Floats, Integers
from pennylane_wishart.conventions.options import takes
from pennylane_wishart.errors import InputError
from pennylane_wishart.measurement.collect import Work
from pennylane_wishart.measurement.engine import Engine
from pennylane_wishart.measurement.grouping import group_ends, wrapped
from pennylane_wishart.measurement.keeping import Kept, collect_into, watch_of
from pennylane_wishart.measurement.options import SearchOptions
from pennylane_wishart.measurement.records.minima import MinimaMeasurement
from pennylane_wishart.measurement.setup import Setup, notice_state, prepare_measurement
from pennylane_wishart.measurement.tables import ENDS, Ends, Table
from pennylane_wishart.measurement.task import Task
from pennylane_wishart.measurement.workers import engine_for
from pennylane_wishart.threads import one_thread

__all__ = ["find_minima", "run_descents", "run_search"]


def run_descents(
    key: str, task: Task | bytes, starts: Floats, tolerance: float, iterations: int, hessian: bool, attempt: int = 0
) -> Ends:
    """Descend from every start; the function that executors call."""
    engine = engine_for(key, task)
    with one_thread(engine.n_qubits):
        found = [_descend(engine, x, tolerance, iterations, hessian) for x in starts]
    return Ends(*(np.array(column) for column in zip(*found, strict=True)))


def _descend(engine: Engine, start: Floats, tolerance: float, iterations: int, hessian: bool) -> tuple[Any, ...]:
    """Run L-BFGS-B until the gradient is gone, then look at the curvature."""
    point, evaluations = np.asarray(start, float), 0
    # No tolerance on ℓ: near a minimum it stops changing long before the gradient is gone.
    options = {"gtol": tolerance, "ftol": 0.0, "maxcor": limits.MEMORY}
    options |= {"maxiter": iterations, "maxfun": limits.LINE_SEARCHES * iterations}
    for _ in range(limits.RESTARTS):
        # The line search gives up when ℓ stops changing in double precision; a restart drops
        # its stale curvature and usually gains the last digits of the gradient.
        result = minimize(engine.value_and_gradient, point, jac=True, method="L-BFGS-B", options=options)
        evaluations += int(result.nfev)
        point = result.x
        if np.abs(result.jac).max(initial=0.0) <= tolerance or evaluations >= iterations:
            break
    gradient = np.asarray(result.jac)  # at the last point that was accepted: one evaluation less
    spectrum, zeros = np.full(len(point), np.nan), -1
    if hessian:
        spectrum = np.linalg.eigvalsh(engine.hessians(point[None])[0])
        size = max(float(np.abs(spectrum).max(initial=0.0)), limits.LEAST_CURVATURE)
        zeros = int(np.sum(np.abs(spectrum) < limits.ZERO_CURVATURE * size))
    lowest = float(spectrum[0]) if len(spectrum) else np.nan
    return float(result.fun), point, float(np.linalg.norm(gradient)), lowest, zeros, spectrum, evaluations


@takes(SearchOptions)
def find_minima(qnode: Any, options: SearchOptions) -> Callable[..., MinimaMeasurement]:
    """Find local minima of a QNode's loss by descent from random starts.

    Every end point is kept, with its gradient norm and its Hessian's spectrum, also those that
    are saddles or have not converged. Descents weigh a minimum by its basin: the law of found
    minima is not the law of all minima. Needs an analytic device: descents do not stand shot noise.

    Args:
        qnode: a QNode, tape, TracedCircuit or RotationCircuit.
        {options}
    Returns:
        A function of the QNode's arguments that returns a :class:`MinimaMeasurement`.
    Raises:
        InputError, DeviceError: as :func:`measure`.
        MeasurementInterrupted: if it was stopped; ``.partial`` holds the descents that ended.
        StoreError: if the journal cannot be used; ``.partial`` holds the descents that ended.
    Cost: about 100 to 500 gradients per start, and for the Hessian two a gate or eight a parameter.
    Source: the experiment of arXiv:2109.06957 (52 training instances); L-BFGS-B of SciPy.
    Example:
        >>> import pennylane as qml
        >>> from pennylane import numpy as np
        >>> @qml.qnode(qml.device("lightning.qubit", wires=1))
        ... def f(x):
        ...     qml.RX(x, 0)
        ...     return qml.expval(qml.Z(0))
        >>> m = find_minima(f, starts=5)(np.array(0.3))
        >>> m.losses.round(9).tolist(), m.cluster.tolist()
        ([-1.0, -1.0, -1.0, -1.0, -1.0], [0, 0, 0, 0, 0])
    """
    options.check()
    file = options.measuring.file

    @functools.wraps(getattr(qnode, "func", find_minima))
    def run(*args: Any, **kwargs: Any) -> MinimaMeasurement:
        if file is not None:
            file.check_place()
        setup = prepare_measurement(qnode, args, kwargs, options.measuring)
        # L-BFGS-B takes noise for curvature and ends anywhere.
        if setup.plan.shots is not None:
            raise InputError("find_minima descends on exact losses: use a device without shots.")
        with one_thread(setup.engine.n_qubits):  # ends are grouped on the device too
            return run_search(setup, options)

    return run


def run_search(setup: Setup, options: SearchOptions) -> MinimaMeasurement:
    """Run a prepared search, or what a journal lacks of it."""
    starts, _ = setup.plan.draw()
    extra = (options.tolerance, options.max_iterations, options.hessian)
    # One start a job: descents differ in length by factors of ten, and a kill then costs one of them.
    chunks = [np.array([i]) for i in range(options.starts)]
    work = Work(setup.task, starts, None, None, chunks, run_descents, extra)
    table, routes = Table(ENDS, (options.starts, setup.plan.n_params)), [setup.engine.route]

    def record(rows: Integers) -> MinimaMeasurement:
        ends = table.at(rows)
        zeros = ends["hessian_zeros"] if options.hessian else None
        bent = ends.pop("hessian_spectrum")
        periods, cluster = group_ends(
            setup.engine, setup.target.periods(), ends["losses"], ends["parameters"], zeros, options.same
        )
        return MinimaMeasurement(
            **{**ends, "parameters": wrapped(ends["parameters"], periods)},
            cluster=cluster,
            start_index=rows,
            law=setup.plan.law,
            seed=setup.plan.ranges[0][0],
            circuit_hash=setup.plan.circuit_hash,
            device=setup.recipe.label,
            routes=tuple(routes),
            route_note=setup.engine.note,
            periods=periods,
            hessian_spectrum=bent if options.hessian else None,
            # The tolerance is of the largest component, the record's of the norm.
            tolerance=options.tolerance * float(np.sqrt(max(setup.target.n_params, 1))),
            identity=setup.identity,
        )

    kept = Kept("MinimaMeasurement", "{} of {} descents ended", "descending", routes, record, options.settings)
    collect_into(table, work, setup, options.measuring, kept, watch_of(setup, check=False))
    found = record(np.flatnonzero(table.done))
    # Telling the ends apart has used the device once more.
    notice_state(setup.recipe)
    return found
