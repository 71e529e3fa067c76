"""``pw.find_minima``: descents from random starts, and which of them ended in the same minimum."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from pennylane_wishart.errors import DeviceError, InputError
from pennylane_wishart.measurement.engine import Engine, Task, engine_for
from pennylane_wishart.measurement.minima_record import MinimaMeasurement, distinct_minima
from pennylane_wishart.measurement.run import Work
from pennylane_wishart.measurement.sampling import (
    Kept,
    Setup,
    _count,
    collect_into,
    notice_state,
    prepare_measurement,
    watch_of,
)
from pennylane_wishart.measurement.store_file import store_file

__all__ = ["find_minima", "run_descents", "run_search", "search_settings"]

_HESSIAN_STEP = 1e-6


@dataclass(frozen=True, eq=False)
class _Ends:
    """End points of consecutive starts."""

    losses: np.ndarray
    parameters: np.ndarray
    gradient_norm: np.ndarray
    hessian_min: np.ndarray
    hessian_zeros: np.ndarray
    evaluations: np.ndarray


class _EndCodec:
    """How one end point lies in a journal: its numbers, then its parameters."""

    @staticmethod
    def width(n_params: int) -> int:
        """Number of float64."""
        return 5 + n_params

    @staticmethod
    def pack(ends: _Ends, k: int) -> np.ndarray:
        """Return the numbers of start k of a chunk."""
        numbers = (ends.losses, ends.gradient_norm, ends.hessian_min, ends.hessian_zeros, ends.evaluations)
        return np.concatenate([[float(x[k]) for x in numbers], ends.parameters[k]])

    @staticmethod
    def unpack(numbers: np.ndarray, n_params: int) -> _Ends:
        """Return one end point as a chunk of its own."""
        loss, norm, lowest, zeros, spent = (numbers[k : k + 1] for k in range(5))
        return _Ends(loss, numbers[None, 5:], norm, lowest, zeros.astype(int), spent.astype(int))


class _EndTable:
    def __init__(self, shape: tuple[int, int]):
        self.losses, self.parameters = np.full(shape[0], np.nan), np.full(shape, np.nan)
        self.gradient_norm, self.hessian_min = np.full(shape[0], np.nan), np.full(shape[0], np.nan)
        self.hessian_zeros = np.zeros(shape[0], int)
        self.evaluations, self.done = np.zeros(shape[0], int), np.zeros(shape[0], bool)

    def put(self, index: np.ndarray, ends: _Ends):
        for name in (
            "losses",
            "parameters",
            "gradient_norm",
            "hessian_min",
            "hessian_zeros",
            "evaluations",
        ):
            getattr(self, name)[index] = getattr(ends, name)
        self.done[index] = True


def run_descents(
    key: str,
    task: Task | bytes,
    starts: np.ndarray,
    tolerance: float,
    iterations: int,
    hessian: bool,
    attempt=0,
) -> _Ends:
    """Descend from every start; the function that executors call."""
    engine = engine_for(key, task)
    found = [_descend(engine, x, tolerance, iterations, hessian) for x in starts]
    return _Ends(*(np.array(column) for column in zip(*found, strict=True)))


def _descend(engine: Engine, start, tolerance: float, iterations: int, hessian: bool) -> tuple:
    """Run L-BFGS-B until the gradient is gone, then look at the curvature."""
    point, evaluations = np.asarray(start, float), 0
    for _ in range(3):
        # The line search gives up when ℓ stops changing in double precision; a restart drops
        # its stale curvature and usually gains the last digits of the gradient.
        result = minimize(
            engine.value_and_gradient, point, jac=True, method="L-BFGS-B",
            options={
                "gtol": tolerance, "ftol": 0.0, "maxcor": 20,
                "maxiter": iterations, "maxfun": 4 * iterations,
            },
        )  # fmt: skip
        evaluations += int(result.nfev)
        point = result.x
        if np.abs(result.jac).max(initial=0.0) <= tolerance or evaluations >= iterations:
            break
    gradient = np.asarray(result.jac)
    lowest, zeros = _curvature(engine, point, gradient) if hessian else (np.nan, -1)
    evaluations += len(point) if hessian else 0
    return float(result.fun), point, float(np.linalg.norm(gradient)), lowest, zeros, evaluations


def _curvature(engine: Engine, point: np.ndarray, gradient: np.ndarray) -> tuple[float, int]:
    """Lowest Hessian eigenvalue and number of zero ones, by differences of exact gradients."""
    steps = point + _HESSIAN_STEP * np.eye(len(point))
    matrix = (engine.run(steps, None, None).gradients - gradient) / _HESSIAN_STEP
    values = np.linalg.eigvalsh((matrix + matrix.T) / 2)
    # The differences are good to about 1e-6 of the largest curvature.
    zeros = np.sum(np.abs(values) < 2e-5 * max(np.abs(values).max(), 1e-9))
    return float(values[0]), int(zeros)


def _flat_directions(engine: Engine, periods: np.ndarray) -> int:
    """Number of directions in which the loss is constant everywhere: redundant parameters."""
    n = len(periods)
    rng = np.random.default_rng(3)
    gradients = engine.run(rng.uniform(0, 4 * np.pi, (n + 5, n)), None, None).gradients
    values = np.linalg.svd(gradients, compute_uv=False)
    return int(n - np.sum(values > 1e-9 * max(values[0], 1e-30)))


def _true_periods(engine: Engine, periods: np.ndarray) -> np.ndarray:
    """Set the period to 0 where the loss has none (gates of incommensurate frequencies)."""
    base = np.random.default_rng(5).uniform(0, 3, (1, len(periods)))
    moved = engine.losses(np.concatenate([base, base + np.diag(periods)]))
    return np.where(np.abs(moved[1:] - moved[0]) < 1e-7 * max(1.0, np.abs(moved).max()), periods, 0.0)


def _wrap(points: np.ndarray, periods: np.ndarray) -> np.ndarray:
    has = periods > 0
    return np.where(has, np.mod(points, np.where(has, periods, 1.0)), points)


def find_minima(
    qnode,
    starts: int = 52,
    seed=7,
    device=None,
    executor=None,
    store=None,
    progress: bool | None = None,
    angles="uniform",
    argnums=None,
    output=None,
    tolerance: float = 1e-7,
    max_iterations: int = 2000,
    hessian: bool = True,
    same: float = 1e-3,
    route: str | None = None,
    retries: int = 2,
    backoff: float = 0.5,
    timeout: float | None = None,
    encoding: str = "fixed",
    datum: int = 0,
):
    """Find local minima of a QNode's loss by descent from random starts.

    Every end point is kept, with its gradient norm and lowest Hessian eigenvalue, also those that
    are saddles or have not converged. Descents weigh a minimum by its basin: the law of found
    minima is not the law of all minima. Needs an analytic device: descents do not stand shot noise.

    Args:
        qnode: a QNode, tape, TracedCircuit or RotationCircuit.
        starts: number of descents; start i depends on (seed, i) alone.
        angles: law of the starts.
        tolerance: largest gradient component at which a descent has converged.
        max_iterations: iterations of one descent.
        hessian: whether to compute the lowest Hessian eigenvalue (n_params gradients per start).
        same: parameter distance, radians modulo the period, within which two end points are one.
        store: path of a journal; an interrupted search resumes and pays only for missing starts.
        device, executor, progress, argnums, output, route, retries, backoff, timeout, encoding,
            datum: as for :func:`measure`.
    Returns:
        A function of the QNode's arguments that returns a :class:`MinimaMeasurement`.
    Raises:
        InputError, DeviceError: as :func:`measure`.
        MeasurementInterrupted: if it was stopped; ``.partial`` holds the descents that ended.
        StoreError: if the journal cannot be used; ``.partial`` holds the descents that ended.
    Cost: about 100 to 500 gradients per start, and ``n_params`` for the Hessian.
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
    options = dict(locals())
    options.pop("qnode")
    _count("starts", starts, 1)
    _count("max_iterations", max_iterations, 1)
    if not (tolerance > 0 and same > 0):
        raise InputError(f"tolerance and same must be positive; got {tolerance} and {same}.")
    options |= {"samples": starts, "shots": None, "parameters": None, "first": 0}

    if store is not None:
        options["store"] = store_file(store)

    @functools.wraps(getattr(qnode, "func", find_minima))
    def run(*args, **kwargs) -> MinimaMeasurement:
        if store is not None:
            options["store"].check_place()
        setup = prepare_measurement(qnode, args, kwargs, options)
        if setup.plan.shots is not None:
            raise InputError("find_minima descends on exact losses: use a device without shots.")
        return run_search(setup, options)

    return run


def _grouping(setup, table: _EndTable, rows, options: dict) -> tuple[np.ndarray, np.ndarray]:
    """Return the periods that the loss truly has, and which ends are the same minimum."""
    engine, periods = setup.engine, setup.target.periods()
    losses = table.losses[rows]
    valley = np.zeros(len(rows), bool)
    try:
        periods = _true_periods(engine, periods)
        if options["hessian"]:
            # More zero modes than redundant parameters: a valley, which may be bent.
            valley = table.hessian_zeros[rows] > _flat_directions(engine, periods)
        level_of = engine.losses
        points = _wrap(table.parameters[rows], periods)
        return periods, distinct_minima(losses, points, periods, options["same"], valley, level_of)
    except DeviceError:
        # The device is gone: positions alone tell the ends apart.
        points = _wrap(table.parameters[rows], periods)
        return periods, distinct_minima(losses, points, periods, options["same"], valley, None)


def run_search(setup: Setup, options: dict) -> MinimaMeasurement:
    """Run a prepared search, or what a journal lacks of it."""
    try:
        return _run(setup, options)
    finally:
        notice_state(setup.recipe)


def _run(setup: Setup, options: dict) -> MinimaMeasurement:
    count, recipe = options["starts"], setup.recipe
    starts, _ = setup.plan.draw()
    extra = (options["tolerance"], options["max_iterations"], options["hessian"])
    chunks = [np.array([i]) for i in range(count)]
    work = Work(setup.task, starts, None, None, chunks, run_descents, extra)
    table, routes = _EndTable(starts.shape), [setup.engine.route]

    def record(rows) -> MinimaMeasurement | None:
        if not len(rows):
            return None
        periods, cluster = _grouping(setup, table, rows, options)
        points = _wrap(table.parameters[rows], periods)
        return MinimaMeasurement(
            table.losses[rows], points, table.gradient_norm[rows], table.hessian_min[rows],
            table.hessian_zeros[rows], cluster, table.evaluations[rows], rows, setup.plan.law,
            setup.plan.ranges[0][0], setup.plan.circuit_hash, recipe.label, " + ".join(routes), setup.engine.note,
            periods, options["tolerance"] * np.sqrt(max(setup.target.n_params, 1)), recipe.identity,
        )  # fmt: skip

    kept = Kept(
        "MinimaMeasurement",
        _EndCodec,
        "{} of {} descents ended",
        "descending",
        routes,
        record,
        search_settings(options),
    )
    watch = watch_of(setup, options) if setup.engine.is_probed else None
    collect_into(table, work, setup, options, kept, watch)
    return record(np.flatnonzero(table.done))  # type: ignore[return-value]


def search_settings(options: dict) -> dict:
    """Return the options that decide where descents end."""
    return {name: options[name] for name in ("tolerance", "max_iterations", "hessian")}
