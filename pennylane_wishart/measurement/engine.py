"""One worker's engine: a device, the gradient route that suits it, and checked numbers."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from pennylane_wishart.conventions.arrays import Bools, Floats, Integers
from pennylane_wishart.errors import DeviceError, InputError
from pennylane_wishart.measurement.observables import as_run
from pennylane_wishart.measurement.routes.adjoint import AdjointRoute
from pennylane_wishart.measurement.routes.choice import Probe, adjoint_routes, probe_route
from pennylane_wishart.measurement.routes.second import driving, hessians_of_gradients
from pennylane_wishart.measurement.routes.shifts import Execute, ParameterShift, direct_executor, rules_of
from pennylane_wishart.measurement.tables import Rows, masked, wanted_of
from pennylane_wishart.measurement.task import Task
from pennylane_wishart.threads import one_thread

__all__ = ["Engine"]


class Engine:
    """Runs samples of one task; ``route`` and ``note`` say how."""

    def __init__(self, task: Task) -> None:
        if task.shots is None:
            task = replace(task, tape=as_run(task.tape, task.recipe))
        self.task = task
        self.device = task.recipe.build()
        self.note = ""
        self.on_jobs: Callable[[tuple[str, ...]], None] | None = None
        """Called with provider job ids as they are submitted, in the process that runs them."""
        self._derivative: AdjointRoute | None = None
        self._probe: Probe | None = None
        self._shift: ParameterShift | None = None
        if task.shots is None and task.route != "parameter-shift":
            with one_thread(self.n_qubits):  # it runs what it chooses
                self._derivative = self._choose()
        # Asked for by name and not to be had: another route would give numbers of another kind unasked.
        if self._derivative is None and task.route not in (None, "parameter-shift"):
            raise InputError(
                f"route={task.route!r} cannot be taken"
                + (f": {self.note}" if self.note else " with shots; use route=None or 'parameter-shift'.")
            )
        if self._derivative is None:
            self._shift = ParameterShift(self.device, task.tape, task.shots)

    @property
    def n_qubits(self) -> int:
        """Wires that the task needs."""
        return len(self.task.recipe.wires)

    @property
    def route(self) -> str:
        """The route taken."""
        return ParameterShift.route if self._derivative is None else self._derivative.route

    @property
    def shift(self) -> ParameterShift:
        """The parameter-shift engine (built on demand for quotes)."""
        return self._shift or ParameterShift(self.device, self.task.tape, self.task.shots)

    def _choose(self) -> AdjointRoute | None:
        """Return the first route that can be made and passes its check; the others leave a note."""
        try:
            for name, make, circuit in adjoint_routes(self.device, self.task, self._say):
                if self.task.route not in (None, name):
                    continue
                try:
                    route = make()
                    if not self.task.trusted:
                        self._probe = probe_route(route, circuit, self.device, len(self.task.gate_offsets))
                    return route
                except Exception as error:  # private API and plugins fail in every way: there is a slower route
                    self._say(f"{name} was not used: {error}")
        except Exception as error:  # the device may refuse to prepare a circuit for gradients and still run it
            self._say(f"adjoint differentiation was not used: {error}")
        return None

    def _say(self, text: str) -> None:
        self.note = f"{self.note}; {text}" if self.note else text

    @property
    def route_check(self) -> Callable[[], None] | None:
        """Repeats the gradient that was checked at first use; None where none was."""
        if self._probe is None or self._derivative is None:
            return None
        return functools.partial(self._probe.check_again, self._derivative, self.task.recipe.label)

    # ------------------------------------------------------------------ running
    def value_and_gradient(self, angles: Floats) -> tuple[float, Floats]:
        """Return ℓ and its gradient ``(n_params,)`` at one point."""
        rows = self.run(angles[None], None, None)
        return float(rows.losses[0]), rows.gradients[0]

    def losses(self, angles: Floats) -> Floats:
        """Return ℓ ``(batch,)`` without gradients."""
        if self._derivative is not None:
            return self._derivative.loss(self.task.gate_values(angles))
        return self.run(angles, np.zeros(angles.shape, bool), None).losses

    def hessians(self, angles: Floats, measured: Bools | None = None) -> Floats:
        """Return exact second derivatives ``(batch, n_params, n_params)``; NaN for parameters that no row measures.

        Shift rules of gates are applied to gradients, or twice to losses; a parameter of many gates is followed itself.
        """
        task, chosen = self.task, wanted_of(angles, measured)
        route = self._derivative
        if route is None:
            every = np.broadcast_to(chosen, angles.shape)
            return np.asarray(self._run_shift(self.shift, angles, every, None, True).hessians)
        rules = rules_of(task.tape.get_operation(k)[0] for k in range(len(task.tape.trainable_params)))
        values = task.gate_values(angles)
        return hessians_of_gradients(lambda x: route.evaluate(x)[1], rules, task.jacobian, values, chosen)

    def run(self, angles: Floats, measured: Bools | None, seeds: Integers | None) -> Rows:
        """Measure samples.

        Args:
            angles: radians ``(batch, n_params)``.
            measured: bool, same shape: components to measure; None: all.
            seeds: one integer per sample for the shots of built-in simulators, or None.
        """
        if self._derivative is not None:
            return self._run_derivative(self._derivative, angles, measured)
        return self._run_shift(self.shift, angles, measured, seeds, self.task.hessian)

    def _run_derivative(self, route: AdjointRoute, angles: Floats, measured: Bools | None) -> Rows:
        task, values = self.task, self.task.gate_values(angles)

        def attempt() -> tuple[Floats, Floats, Floats | None]:
            losses, slopes = route.evaluate(values)
            bent = self.hessians(angles, measured) if task.hessian else None
            if not (np.all(np.isfinite(losses)) and np.all(np.isfinite(slopes))):
                raise DeviceError("the device returned values that are not finite")
            return losses, slopes, bent

        losses, slopes, bent = task.policy.call(attempt, f"differentiating on {task.recipe.name}")
        return masked(Rows(losses, np.asarray(slopes @ task.jacobian), np.zeros(angles.shape), np.zeros(len(losses)),
                           hessians=bent), measured)  # fmt: skip

    def _run_shift(
        self, shift: ParameterShift, angles: Floats, measured: Bools | None, seeds: Integers | None, bent: bool
    ) -> Rows:
        task, n_params = self.task, angles.shape[1]
        values, squared = task.gate_values(angles), task.jacobian.power(2)
        losses, noise = np.empty(len(angles)), np.empty(len(angles))
        gradients, errors = np.full(angles.shape, np.nan), np.full(angles.shape, np.nan)
        pairs = np.full((2, *angles.shape, n_params), np.nan) if bent else None
        jobs: list[str] = []

        def rows(end: int) -> Rows:
            double = (None, None) if pairs is None else pairs[:, :end]
            return Rows(losses[:end], gradients[:end], errors[:end], noise[:end], tuple(jobs), *double)

        for row in range(len(angles)):
            wanted = np.ones(n_params, bool) if measured is None else measured[row]
            # A parameter is differentiated through every gate that it drives.
            gates = driving(task.jacobian, wanted)
            try:
                execute = self._executor(None if seeds is None else int(seeds[row]), jobs)
                second = shift.second(task.jacobian, wanted) if bent else None
                found = shift.evaluate(values[row], gates, execute, second)
            except BaseException as error:
                # Samples before this one were answered, and may have been paid for.
                if row and not hasattr(error, "answered"):
                    error.answered = rows(row)  # type: ignore[attr-defined]  # travels with any exception
                raise
            losses[row], noise[row], slopes, spread = found[:4]
            gradients[row, wanted] = (slopes @ task.jacobian)[wanted]
            errors[row, wanted] = np.sqrt((spread @ squared)[wanted])
            if pairs is not None:
                both = wanted[:, None] & wanted
                pairs[:, row, both] = np.stack([found[4], np.sqrt(found[5])]).reshape(2, n_params, n_params)[:, both]
        return rows(len(angles))

    def _executor(self, seed: int | None, jobs: list[str]) -> Execute:
        """Return what runs the circuits of one sample, from its own random stream where there is one."""
        recipe, device = self.task.recipe, self.device
        if seed is not None and recipe.is_seedable:
            device = recipe.with_stream(device, seed)
        # A simulator has no jobs, and looking for them would cost more than its circuits.
        hear = functools.partial(self._hear, jobs) if recipe.is_hardware else None
        return direct_executor(device, self.task.policy, hear)

    def _hear(self, jobs: list[str], ids: tuple[str, ...]) -> None:
        jobs.extend(ids)
        if self.on_jobs is not None:
            self.on_jobs(ids)
