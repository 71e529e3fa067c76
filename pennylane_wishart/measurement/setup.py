"""Everything decided before a measurement starts: target, plan, device and route."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from pennylane_wishart.errors import InputError
from pennylane_wishart.measurement.engine import Engine, Task
from pennylane_wishart.measurement.identity.reading import forget_moving
from pennylane_wishart.measurement.identity.record import DeviceIdentity
from pennylane_wishart.measurement.options import MeasureOptions, count
from pennylane_wishart.measurement.recipes import DeviceRecipe, device_recipe
from pennylane_wishart.measurement.records.plan import SamplingPlan, entropy_of, resolve_parameters
from pennylane_wishart.measurement.routes.choice import ROUTES
from pennylane_wishart.measurement.target import Target, resolve_target

__all__ = ["Setup", "notice_state", "prepare_measurement"]


@dataclass(frozen=True, eq=False)
class Setup:
    """What a run needs besides its options."""

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

    @property
    def identity(self) -> DeviceIdentity:
        """What decides the device's numbers."""
        return self.recipe.identity or DeviceIdentity.unknown(self.recipe.label)

    def known_as(self, identity: DeviceIdentity) -> Setup:
        """Return the same with the identity that somebody vouches for."""
        return replace(self, task=replace(self.task, recipe=replace(self.recipe, identity=identity)))


def prepare_measurement(first: Any, args: Any, kwargs: Any, options: MeasureOptions) -> Setup:
    """Resolve target, device, plan and route from the arguments of ``measure``."""
    target = resolve_target(first, args, kwargs, options)
    recipe = device_recipe(options.device, target.trace.device, target.trace.wires)
    shots = options.shots
    if shots is None and recipe.is_hardware and target.trace.qnode is not None:
        # Hardware has no analytic mode: it runs with as many shots as the QNode asks for.
        shots = getattr(getattr(target.trace.qnode, "shots", None), "total_shots", None)
    if options.route is not None and options.route not in ROUTES:
        raise InputError(f"route={options.route!r} is not known: use None or one of {ROUTES}.")
    shots = None if shots is None else count("shots", shots, 1)
    policy = options.policy
    law = target.law(options.angles)
    rows = (entropy_of(options.seed), count("first", options.first, 0), count("samples", options.samples, 1))
    parameters = resolve_parameters(options.parameters, target.n_params)
    plan = SamplingPlan(target.circuit_hash, law, (rows,), parameters, shots)
    compiled = hasattr(first, "original_function")
    engine = Engine(target.task(recipe, shots=shots, route=options.route, policy=policy, compiled=compiled))
    notice_state(recipe)
    # Workers take the route decided here: the same numbers whoever computes them.
    task = target.task(recipe, shots=shots, route=engine.route, policy=policy, trusted=True)
    return Setup(target, plan, task, engine)


def notice_state(recipe: DeviceRecipe) -> None:
    """After a device has run: what changed in it by that is its state, and no setting."""
    if recipe.instance is not None:
        forget_moving(recipe.instance)
