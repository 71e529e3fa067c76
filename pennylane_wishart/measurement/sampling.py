"""``pw.measure``: losses and gradients at random angles on any device."""

from __future__ import annotations

import contextlib
import functools
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from pennylane_wishart.errors import (
    DeviceError,
    InputError,
    MeasurementInterrupted,
    StoreError,
    WishartWarning,
)
from pennylane_wishart.measurement.engine import ROUTES, Engine, Task, drop_engine, keep_engine
from pennylane_wishart.measurement.faults import RetryPolicy
from pennylane_wishart.measurement.identity import DeviceIdentity, forget_moving
from pennylane_wishart.measurement.ledger import Question, open_ledger
from pennylane_wishart.measurement.machines import DeviceRecipe, check_device, device_recipe
from pennylane_wishart.measurement.plan import SamplingPlan, entropy_of, resolve_parameters
from pennylane_wishart.measurement.records import Measurement
from pennylane_wishart.measurement.run import RowCodec, Table, Work, collect
from pennylane_wishart.measurement.shifts import direct_executor
from pennylane_wishart.measurement.store_file import store_file
from pennylane_wishart.measurement.target import Target, resolve_target
from pennylane_wishart.measurement.watch import ROUTE_INTERVAL, Watch, check_interval
from pennylane_wishart.measurement.wrongadjoint import wrong_gradient_gates
from pennylane_wishart.progress import progress_bar

__all__ = [
    "Kept",
    "Setup",
    "collect_into",
    "measure",
    "notice_state",
    "prepare_measurement",
    "question_of",
    "run_measurement",
    "watch_of",
]


@dataclass(frozen=True, eq=False)
class Setup:
    """Everything decided before a measurement starts."""

    target: Target
    plan: SamplingPlan
    task: Task
    engine: Engine

    @property
    def recipe(self) -> DeviceRecipe:
        """How the device is built."""
        return self.task.recipe

    @property
    def is_reproducible(self) -> bool:
        """Whether the same call gives the same numbers: no shots, or shots from streams of their own."""
        return self.plan.shots is None or self.recipe.is_seedable

    def known_as(self, identity: DeviceIdentity) -> Setup:
        """Return the same with the identity that somebody vouches for."""
        return replace(self, task=replace(self.task, recipe=replace(self.recipe, identity=identity)))


def _count(name: str, value, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise InputError(f"{name} needs an integer >= {least}; got {value!r}.")
    return int(value)


def prepare_measurement(first, args, kwargs, options: dict) -> Setup:
    """Resolve target, device, plan and route from the arguments of ``measure``."""
    target = resolve_target(
        first,
        args,
        kwargs,
        options["argnums"],
        options["output"],
        options["encoding"],
        options["datum"],
    )
    recipe = device_recipe(options["device"], target.trace.device, target.trace.wires)
    shots = options["shots"]
    if shots is None and recipe.is_hardware and target.trace.qnode is not None:
        shots = getattr(getattr(target.trace.qnode, "shots", None), "total_shots", None)
    if options["route"] is not None and options["route"] not in ROUTES:
        raise InputError(f"route={options['route']!r} is not known: use None or one of {ROUTES}.")
    shots = None if shots is None else _count("shots", shots, 1)
    policy = RetryPolicy(options["retries"], options["backoff"], options["timeout"])
    plan = SamplingPlan(
        target.circuit_hash,
        target.law(options["angles"]),
        (
            (
                entropy_of(options["seed"]),
                _count("first", options["first"], 0),
                _count("samples", options["samples"], 1),
            ),
        ),
        resolve_parameters(options["parameters"], target.n_params),
        shots,
    )
    compiled = hasattr(first, "original_function")
    task = target.task(recipe, shots=shots, route=options["route"], policy=policy, compiled=compiled)
    engine = Engine(task)
    notice_state(recipe)
    # Workers take the route decided here: the same numbers whoever computes them.
    task = target.task(recipe, shots=shots, route=engine.route, policy=policy, trusted=True)
    return Setup(target, plan, task, engine)


def measure(
    qnode,
    samples: int = 500,
    seed=7,
    device=None,
    shots: int | None = None,
    executor=None,
    store=None,
    progress: bool | None = None,
    angles="uniform",
    parameters=None,
    argnums=None,
    output=None,
    budget: int | None = None,
    variance: float | None = None,
    route: str | None = None,
    retries: int = 2,
    backoff: float = 0.5,
    timeout: float | None = None,
    chunk: int | None = None,
    check: bool = True,
    first: int = 0,
    encoding: str = "fixed",
    datum: int = 0,
):
    """Measure losses and gradients of a QNode at random angles.

    ``ℓ(θ_i)`` and ``∂ℓ/∂θ_k(θ_i)`` for i = first … first + samples − 1, with θ_i from the law
    ``angles``. θ_i depends on (seed, i) alone, so the numbers are the same for any executor, chunk
    size or interruption. Not for QNodes that change with the values of their parameters.

    Args:
        qnode: a QNode, tape, TracedCircuit or RotationCircuit.
        samples: number of angle sets.
        seed: non-negative integer, None or a Generator.
        device: None (the QNode's own), a name, a device, or a zero-argument factory. Records of two devices are
            kept apart by everything that decides their numbers, not by name (:class:`DeviceIdentity`).
        shots: per circuit; None: analytic where the device can be.
        executor: None, a concurrent.futures executor (``process_pool`` makes one that is ready) or a
            Dask client (``Client("tcp://…")`` of a ``dask scheduler`` with ``dask worker`` processes);
            never shut down here.
        store: path of a journal (or an SQLite URI of a file); an interrupted run resumes and pays only for
            what is missing. A finished one may lie on read-only media.
        progress: True, False, or None (a bar only where someone is watching).
        angles: law of the angles, as :meth:`AngleLaw.resolve` takes it.
        parameters: gradient components: None (all), an int (that many random ones per sample), or
            flat indices; 0 or [] measures losses only.
        argnums, output, encoding: as for ``pw.normal_form``.
        budget: total shots, split between angle sets and shots per circuit so that the variance of
            the gradient is estimated most sharply; replaces ``samples`` and ``shots``.
        variance: with ``budget``: the gradient variance expected, where no pilot can be simulated.
        route: one of the names in ``ROUTES``; None: the fastest that works.
        retries, backoff, timeout: tries after a failed device call, seconds before the first (doubled
            each time), and seconds that one call may take.
        chunk: samples per job; never changes the numbers.
        check: measure one known qubit first on a device that is not PennyLane's own, again at intervals
            (``pw.quote`` counts them) and at the end. If it fails, the samples since the last good check are
            set aside: not in ``.partial`` but in ``.suspect``, marked in the store, measured again next time.
        first: number of the first sample: continue a plan where another left off.
        datum: which datum, where the call has a batch of inputs.
    Returns:
        A function of the QNode's arguments that returns a :class:`Measurement`.
    Raises:
        InputError: for a bad argument; the message names it.
        DeviceError: if the device is missing or measures wrongly.
        MeasurementInterrupted: if it kept failing, was stopped, or failed a later check; ``.partial`` has what
            was measured.
        StoreError: if the journal cannot be used; ``.partial`` has what was measured.
    Cost: one adjoint gradient per sample on simulators; 1 + 2·(gates) circuits with shots. Below about
        16 qubits set OMP_NUM_THREADS=1 before Python starts: threads of lightning that wait for a busy core
        can cost more than the gradients.
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
    options = dict(locals())
    options.pop("qnode")
    if store is not None:
        options["store"] = store_file(store)

    @functools.wraps(getattr(qnode, "func", measure))
    def run(*args, **kwargs) -> Measurement:
        chosen = options
        if store is not None:
            options["store"].check_place()
        if budget is not None:
            from pennylane_wishart.measurement.budget import split_budget

            chosen = {**options, **split_budget(qnode, args, kwargs, options)}
        setup = prepare_measurement(qnode, args, kwargs, chosen)
        return run_measurement(setup, chosen)

    return run


def default_chunk(recipe: DeviceRecipe) -> int:
    """Samples per job: one where a sample is dear, many where overhead would rule."""
    n = len(recipe.wires)
    if recipe.is_hardware or n >= 20:
        return 1
    return 5 if n >= 15 else 25


def notice_state(recipe: DeviceRecipe):
    """After a device has run: what changed in it by that is its state, and no setting."""
    if recipe.instance is not None:
        forget_moving(recipe.instance)


def run_measurement(setup: Setup, options: dict) -> Measurement:
    """Run a prepared measurement, or what a journal lacks of it."""
    try:
        return _run(setup, options)
    finally:
        notice_state(setup.recipe)


def _run(setup: Setup, options: dict) -> Measurement:
    plan, task = setup.plan, setup.task
    angles, measured = plan.draw()
    seed, first, count = plan.ranges[0]
    watch = watch_of(setup, options)
    size = default_chunk(setup.recipe) if options["chunk"] is None else _count("chunk", options["chunk"], 1)
    if setup.recipe.is_hardware and options["check"]:
        # A chunk never passes two checks: a quote counts them all.
        size = min(size, check_interval(setup))
    edges = [0, *range(size - first % size, count, size), count]
    chunks = [np.arange(a, b) for a, b in zip(edges[:-1], edges[1:], strict=True)]
    seeds = None
    if task.shots is not None and setup.recipe.is_seedable:
        seeds = _shot_seeds(seed, first, count)
    work = Work(task, angles, None if measured.all() else measured, seeds, chunks)
    table, routes = Table(angles.shape), [setup.engine.route]
    wrong = wrong_gradient_gates(setup.target.trace)

    def record(rows) -> Measurement | None:
        if not len(rows):
            return None
        return Measurement(
            table.losses[rows], table.gradients[rows], table.gradient_error[rows],
            table.shot_variance[rows], angles[rows], plan.restrict(rows), setup.recipe.label,
            " + ".join(routes), setup.engine.note, tuple(setup.target.trace.shapes),
            setup.recipe.identity, setup.is_reproducible, wrong,
        )  # fmt: skip

    collect_into(
        table,
        work,
        setup,
        options,
        Kept("Measurement", RowCodec, "Measured {} of {} samples", "measuring", routes, record),
        watch,
    )
    return record(np.arange(count))  # type: ignore[return-value]


@dataclass(frozen=True, eq=False)
class Kept:
    """What a run keeps: its kind in a journal, how rows are written, and the record of some rows."""

    kind: str
    codec: type
    said: str
    """What has happened to some of so many rows: ``said.format(done, count)``."""
    doing: str
    """What is going on while it runs."""
    routes: list[str]
    record: Callable
    """``record(rows)``; None of no rows."""
    settings: dict = field(default_factory=dict)


def collect_into(table, work: Work, setup: Setup, options: dict, kept: Kept, watch: Watch | None) -> None:
    """Fill a table, with a journal where one was given, and say what was kept when that stops early."""
    task, count = setup.task, len(table.done)
    keep_engine(task.name, setup.engine)
    bar = progress_bar(options["progress"], count, 0, f"{kept.doing} on {setup.recipe.label}")

    def partial():
        return kept.record(np.flatnonzero(table.done))

    try:
        with ledger_of(setup, options, kept) as ledger:
            kept.routes.extend(r for r in getattr(ledger, "routes", ()) if r not in kept.routes)
            collect(work, table, options["executor"], ledger, bar, watch)
    except StoreError as error:
        error.partial = partial()
        raise
    except (KeyboardInterrupt, Exception) as error:
        done = int(table.done.sum())
        nothing = done == 0 and (watch is None or not len(watch.suspect))
        at_the_door = isinstance(error, DeviceError) and watch is not None and watch.is_starting
        if nothing and (isinstance(error, InputError) or at_the_door):
            raise
        reason = "stopped by the user" if isinstance(error, KeyboardInterrupt) else str(error).rstrip(".")
        raise MeasurementInterrupted(
            f"{kept.said.format(done, count)}, then: {reason}. What was measured is in .partial"
            + ("" if options["store"] is None else " and in the store; the same call resumes")
            + ".",
            partial(),
            None if watch is None else kept.record(watch.suspect),
        ) from error
    finally:
        bar.close()
        drop_engine(task.name)


def _shot_seeds(seed: int, first: int, count: int) -> np.ndarray:
    """One seed per sample for the shots of built-in simulators: depends on (seed, i) alone."""
    return np.array(
        [
            int(np.random.SeedSequence(seed, spawn_key=(i, 1)).generate_state(1, np.uint32)[0])
            for i in range(first, first + count)
        ]
    )


def watch_of(setup: Setup, options: dict) -> Watch | None:
    """Return what checks the device of a run, or None where there is nothing to check."""
    if setup.engine.is_probed:
        return Watch(setup.engine.check_again, ROUTE_INTERVAL, at_start=False)
    if not (options.get("check", True) and setup.recipe.is_hardware):
        return None
    return Watch(functools.partial(_check, setup), check_interval(setup))


def _check(setup: Setup):
    execute = direct_executor(setup.engine.device, setup.task.policy)

    def run(tapes):
        device = setup.engine.device
        config = device.setup_execution_config(None, tapes[0])
        batch, post = device.preprocess_transforms(config)(tapes)
        return post(execute(batch, config, list))

    check_device(setup.engine.device, setup.recipe.wires[0], setup.task.shots, run)


_REPEATED = ("argnums", "output", "encoding", "datum")


def question_of(setup: Setup, options: dict, kind: str, settings: dict) -> Question:
    """Return what a run is about, as a journal keeps it."""
    kept = {name: options[name] for name in _REPEATED if _is_plain(options[name])}
    identity = setup.recipe.identity or DeviceIdentity.unknown(setup.recipe.label)
    return Question(kind, setup.plan, setup.recipe.label, identity, setup.engine.route, settings, kept)


def ledger_of(setup: Setup, options: dict, kept: Kept) -> contextlib.AbstractContextManager:
    """Open the journal of a run; a context of None where there is no ``store=``."""
    if options["store"] is None:
        return contextlib.nullcontext()
    question = question_of(setup, options, kept.kind, kept.settings)
    if not question.identity.is_certain:
        warnings.warn(
            f"{question.device} cannot be identified ({question.identity.unidentified}): no other session will take "
            f"what it measures for the same device's. To finish an interrupted run, vouch for it: pw.resume(qnode, "
            f"{str(options['store'].path)!r}, same_device=True).",
            WishartWarning,
            stacklevel=5,
        )
    return open_ledger(options["store"], question, kept.codec)


def _is_plain(value) -> bool:
    """Whether a value survives JSON as it is."""
    return (
        value is None
        or isinstance(value, (bool, int, str))
        or (isinstance(value, (list, tuple)) and all(isinstance(v, int) for v in value))
    )
