"""One worker's engine: a device, the gradient route that suits it, and checked numbers.

A ``Task`` is all that a worker needs and it pickles; the engine is built from it once per
process and thread.
"""

from __future__ import annotations

import functools
import hashlib
import pickle
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pennylane as qml
import scipy.sparse as sp

from pennylane_wishart.errors import DeviceError, InputError
from pennylane_wishart.measurement.adjoint import DeviceAdjoint
from pennylane_wishart.measurement.broadcast import BroadcastAdjoint
from pennylane_wishart.measurement.compiled import CatalystAdjoint
from pennylane_wishart.measurement.faults import RetryPolicy
from pennylane_wishart.measurement.lightning import (
    LightningAdjoint,
    UnsupportedRouteError,
    cpp_route_supported,
)
from pennylane_wishart.measurement.machines import DeviceRecipe, WrongDeviceError
from pennylane_wishart.measurement.prepare import prepare
from pennylane_wishart.measurement.shifts import ParameterShift, direct_executor
from pennylane_wishart.measurement.wrongadjoint import lowering

__all__ = [
    "ROUTES",
    "Engine",
    "Rows",
    "Task",
    "drop_engine",
    "engine_for",
    "keep_engine",
    "run_rows",
]

ROUTES = ("lightning-cpp-adjoint", "device-adjoint", "broadcast-adjoint", "catalyst", "parameter-shift")


@dataclass(frozen=True, eq=False)
class Task:
    """A traced circuit and the device to run it on, in a form that pickles."""

    tape: qml.tape.QuantumScript
    jacobian: sp.csr_array
    gate_offsets: np.ndarray
    recipe: DeviceRecipe
    shots: int | None = None
    route: str | None = None
    """None: the fastest that works."""
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    compiled: bool = False
    """Whether the QNode was a qjit object: Catalyst comes first."""
    trusted: bool = False
    """Whether the route has been checked already (in the parent process)."""
    name: str = field(default_factory=lambda: uuid.uuid4().hex)
    """Under which a thread keeps the engine built from this task."""

    def gate_values(self, angles: np.ndarray) -> np.ndarray:
        """Return gate values ``(…, n_gates)`` at parameters ``(…, n_params)``."""
        return (self.jacobian @ angles.T).T + self.gate_offsets

    def pack(self) -> tuple[str, bytes]:
        """Return a key and the pickled task."""
        body = pickle.dumps(self)
        return hashlib.sha256(body).hexdigest(), body


@dataclass(frozen=True, eq=False)
class Rows:
    """Numbers of consecutive samples."""

    losses: np.ndarray
    gradients: np.ndarray
    gradient_error: np.ndarray
    shot_variance: np.ndarray
    jobs: tuple[str, ...] = ()
    """Provider's ids of the jobs that these numbers came from, where the device shows them."""


class Engine:
    """Runs samples of one task; ``route`` and ``note`` say how."""

    def __init__(self, task: Task):
        self.task = task
        self.device = task.recipe.build()
        self.note = ""
        self.on_jobs: Callable | None = None
        """Called with provider job ids as they are submitted, in the process that runs them."""
        self._derivative: Any = None
        self._probe: tuple[np.ndarray, np.ndarray, np.ndarray, float] | None = None
        self._shift: Any = None
        if task.shots is None and task.route != "parameter-shift":
            self._derivative = self._choose()
        if self._derivative is None:
            if task.route not in (None, "parameter-shift"):
                raise InputError(
                    f"route={task.route!r} cannot be taken"
                    + (f": {self.note}" if self.note else " with shots; use route=None or 'parameter-shift'.")
                )
            self._shift = ParameterShift(self.device, task.tape, task.shots)

    @property
    def route(self) -> str:
        """The route taken."""
        return self._shift.route if self._shift is not None else self._derivative.route

    @property
    def shift(self) -> ParameterShift:
        """The parameter-shift engine (built on demand for quotes)."""
        return self._shift or ParameterShift(self.device, self.task.tape, self.task.shots)

    # ------------------------------------------------------------------ routes
    def _candidates(self):
        task, recipe = self.task, self.task.recipe
        wires = recipe.wires
        if recipe.is_lightning:
            lower, replaced = lowering(self.device)
            circuit = prepare(self.device, task.tape, "adjoint", lower)
            if replaced:
                self.say(f"{', '.join(replaced)} written as Pauli rotations: the device differentiates it wrongly")
            if task.compiled or task.route == "catalyst":
                yield "catalyst", lambda: CatalystAdjoint(recipe.build(), circuit), circuit
            reason = cpp_route_supported()
            if reason:
                self.say(reason)
            elif circuit.rebuild is None and circuit.executions == 1:
                make = functools.partial(LightningAdjoint, self.device, circuit.tapes[0], wires)
                yield "lightning-cpp-adjoint", make, circuit
            yield "device-adjoint", lambda: DeviceAdjoint(self.device, circuit), circuit
        elif recipe.is_default_qubit:
            circuit = prepare(self.device, task.tape, "adjoint")
            yield "broadcast-adjoint", lambda: BroadcastAdjoint(circuit, wires), circuit
            yield "device-adjoint", lambda: DeviceAdjoint(self.device, circuit), circuit
        elif not recipe.is_hardware:
            for method in ("device", "adjoint"):
                config = qml.devices.ExecutionConfig(gradient_method=method, use_device_gradient=True)
                if self.device.supports_derivatives(config, task.tape):
                    circuit = prepare(self.device, task.tape, method)
                    yield "device-adjoint", lambda: DeviceAdjoint(self.device, circuit), circuit  # noqa: B023

    def _choose(self):
        wanted = self.task.route
        try:
            for name, make, circuit in self._candidates():
                if wanted is not None and name != wanted:
                    continue
                try:
                    route = make()
                    if not self.task.trusted:
                        self._verify(route, circuit)
                    return route
                except Exception as error:
                    self.say(f"{name} was not used: {error}")
        except Exception as error:
            self.say(f"adjoint differentiation was not used: {error}")
        return None

    def _verify(self, route, circuit):
        """Compare a route's first gradient with the public route and a difference quotient."""
        rng = np.random.default_rng(11)
        x = rng.uniform(0.2, 2.9, (1, len(self.task.gate_offsets)))
        single = getattr(self.device, "c_dtype", None) == np.complex64
        tolerance, step = (2e-2, 2e-2) if single else (1e-6, 1e-5)
        losses, slopes = route.evaluate(x)
        probe = (x, np.array(losses), np.array(slopes), tolerance)
        direction = rng.standard_normal(x.shape) / max(1.0, np.sqrt(x.size))
        ahead, behind = route.loss(np.concatenate([x + step * direction, x - step * direction]))
        scale = max(1.0, float(np.abs(slopes).max(initial=0.0)), abs(float(losses[0])))
        gap = abs((ahead - behind) / (2 * step) - float(slopes[0] @ direction[0]))
        if not gap <= tolerance * scale:
            raise UnsupportedRouteError(f"its gradient differs from the difference quotient by {gap:.1e}")
        public = DeviceAdjoint(self.device, circuit)
        if isinstance(route, LightningAdjoint):
            others, own = public.evaluate(x)
            difference = max(abs(others[0] - losses[0]), float(np.abs(own - slopes).max(initial=0)))
        else:
            difference = abs(public.loss(x)[0] - losses[0])
        if not difference <= tolerance * scale:
            raise UnsupportedRouteError(f"it differs from the public route by {difference:.1e}")
        self._probe = probe

    @property
    def is_probed(self) -> bool:
        """Whether a fast route was checked at its first use, so that it can be checked again."""
        return self._probe is not None

    def check_again(self):
        """Repeat the gradient that was checked at first use.

        Raises:
            WrongDeviceError: if it comes out otherwise now.
        """
        if self._probe is None:
            return
        x, losses, slopes, tolerance = self._probe
        now, slopes_now = self._derivative.evaluate(x)
        scale = max(1.0, float(np.abs(slopes).max(initial=0.0)), abs(float(losses[0])))
        moved = max(abs(float(now[0] - losses[0])), float(np.abs(slopes_now - slopes).max(initial=0.0)))
        if not moved <= tolerance * scale:
            raise WrongDeviceError(
                f"{self.route} on {self.task.recipe.label} gives another gradient than at first use (by {moved:.1e})"
            )

    def say(self, text: str):
        """Add to the note on the route."""
        self.note = f"{self.note}; {text}" if self.note else text

    # ------------------------------------------------------------------ running
    def value_and_gradient(self, angles: np.ndarray) -> tuple[float, np.ndarray]:
        """Return ℓ and its gradient ``(n_params,)`` at one point."""
        rows = self.run(angles[None], None, None)
        return float(rows.losses[0]), rows.gradients[0]

    def losses(self, angles: np.ndarray) -> np.ndarray:
        """Return ℓ ``(batch,)`` without gradients."""
        if self._derivative is not None:
            return self._derivative.loss(self.task.gate_values(angles))
        return self._run_shift(angles, np.zeros(angles.shape, bool), None).losses

    def run(self, angles: np.ndarray, measured: np.ndarray | None, seeds) -> Rows:
        """Measure samples.

        Args:
            angles: radians ``(batch, n_params)``.
            measured: bool, same shape: components to measure; None: all.
            seeds: one integer per sample for the shots of built-in simulators, or None.
        """
        if self._derivative is not None:
            return self._run_derivative(angles, measured)
        return self._run_shift(angles, measured, seeds)

    def _run_derivative(self, angles, measured) -> Rows:
        task, values = self.task, self.task.gate_values(angles)
        route = self._derivative

        def attempt():
            losses, slopes = route.evaluate(values)
            if not (np.all(np.isfinite(losses)) and np.all(np.isfinite(slopes))):
                raise DeviceError("the device returned values that are not finite")
            return losses, slopes

        losses, slopes = task.policy.call(attempt, f"differentiating on {task.recipe.name}")
        gradients = np.asarray(slopes @ task.jacobian)
        errors = np.zeros_like(gradients)
        if measured is not None:
            gradients = np.where(measured, gradients, np.nan)
            errors = np.where(measured, errors, np.nan)
        return Rows(losses, gradients, errors, np.zeros(len(losses)))

    def _run_shift(self, angles, measured, seeds) -> Rows:
        task, n_params = self.task, angles.shape[1]
        values = task.gate_values(angles)
        losses, noise = np.empty(len(angles)), np.empty(len(angles))
        gradients, errors = np.full(angles.shape, np.nan), np.full(angles.shape, np.nan)
        squared = task.jacobian.power(2)
        by_parameter = task.jacobian.tocsc()
        jobs: list[str] = []
        for row in range(len(angles)):
            wanted = np.arange(n_params) if measured is None else np.flatnonzero(measured[row])
            gates = np.unique(by_parameter[:, wanted].tocoo().row) if len(wanted) else np.zeros(0, int)
            try:
                execute = self._executor(None if seeds is None else int(seeds[row]), jobs)
                losses[row], noise[row], slopes, spread = self._shift.evaluate(values[row], gates, execute)
            except BaseException as error:
                # Samples before this one were answered, and may have been paid for.
                if row and not hasattr(error, "answered"):
                    error.answered = Rows(losses[:row], gradients[:row], errors[:row], noise[:row], tuple(jobs))  # type: ignore[attr-defined]
                raise
            gradients[row, wanted] = (slopes @ task.jacobian)[wanted]
            errors[row, wanted] = np.sqrt((spread @ squared)[wanted])
        return Rows(losses, gradients, errors, noise, tuple(jobs))

    def _executor(self, seed: int | None, jobs: list[str]):
        """Return what runs the circuits of one sample, from its own random stream where there is one."""
        recipe, device = self.task.recipe, self.device
        if seed is not None and recipe.is_seedable:
            device = recipe.with_stream(device, seed)
        return direct_executor(
            device, self.task.policy, functools.partial(self._hear, jobs) if recipe.is_hardware else None
        )

    def _hear(self, jobs: list[str], ids: tuple[str, ...]):
        jobs.extend(ids)
        if self.on_jobs is not None:
            self.on_jobs(ids)


_local = threading.local()


def keep_engine(key: str, engine: Engine):
    """Keep an engine for this thread; the oldest of more than four goes."""
    engines = _local.__dict__.setdefault("engines", {})
    while len(engines) >= 4:
        engines.pop(next(iter(engines)))
    engines[key] = engine


def drop_engine(key: str):
    """Forget an engine of this thread."""
    _local.__dict__.get("engines", {}).pop(key, None)


def engine_for(key: str, task: Task | bytes) -> Engine:
    """Return this thread's engine for a task, building it once."""
    engines = _local.__dict__.get("engines", {})
    if key not in engines:
        keep_engine(key, Engine(pickle.loads(task) if isinstance(task, bytes) else task))
    return _local.engines[key]


def run_rows(key: str, task: Task | bytes, angles, measured, seeds, attempt: int = 0) -> Rows:
    """Run one chunk; the function that executors call (``attempt`` only tells retries apart)."""
    return engine_for(key, task).run(angles, measured, seeds)
