"""Which adjoint route a device gets: the fastest that gives the numbers of the public one.

A fast route is compared at its first use with the public route and with a difference quotient of its own
losses, and may be asked for the same gradient again while a run lasts.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pennylane as qml

from pennylane_wishart.conventions import measurement as limits
from pennylane_wishart.conventions.arrays import Floats
from pennylane_wishart.measurement.checks import WrongDeviceError
from pennylane_wishart.measurement.routes.adjoint import AdjointRoute, DeviceAdjoint, UnsupportedRouteError
from pennylane_wishart.measurement.routes.broadcast import BroadcastAdjoint
from pennylane_wishart.measurement.routes.compiled import CatalystAdjoint
from pennylane_wishart.measurement.routes.lightning import LightningAdjoint, cpp_route_supported
from pennylane_wishart.measurement.routes.prepare import PreparedCircuit, prepare
from pennylane_wishart.measurement.routes.wrongadjoint import lowering
from pennylane_wishart.measurement.task import Task

__all__ = ["LIGHT_CONES", "ROUTES", "Probe", "adjoint_routes", "probe_route"]

LIGHT_CONES = "light-cones"
"""Each term of the observable on its own light cone: exact, whatever the device; the name of that route."""
ROUTES = ("lightning-cpp-adjoint", "device-adjoint", "broadcast-adjoint", "catalyst", "parameter-shift", LIGHT_CONES)
"""Names of all routes."""


@dataclass(frozen=True, eq=False)
class Probe:
    """The gradient of a route at its first use."""

    point: Floats
    losses: Floats
    slopes: Floats
    tolerance: float

    @property
    def scale(self) -> float:
        """Size of the numbers, 1 at the least."""
        return max(1.0, float(np.abs(self.slopes).max(initial=0.0)), abs(float(self.losses[0])))

    def off(self, losses: Floats, slopes: Floats) -> float:
        """Return how far other numbers are from these."""
        return max(abs(float(losses[0] - self.losses[0])), float(np.abs(slopes - self.slopes).max(initial=0.0)))

    def check_again(self, route: AdjointRoute, label: str) -> None:
        """Repeat the gradient.

        Raises:
            WrongDeviceError: if it comes out otherwise now.
        """
        moved = self.off(*route.evaluate(self.point))
        # "not <=" and not ">": a NaN is no agreement.
        if not moved <= self.tolerance * self.scale:
            raise WrongDeviceError(
                f"{route.route} on {label} gives another gradient than at first use (by {moved:.1e})"
            )


def adjoint_routes(
    device: Any, task: Task, say: Callable[[str], None]
) -> Iterator[tuple[str, Callable[[], AdjointRoute], PreparedCircuit]]:
    """Yield (name, how to make it, the circuit as the device runs it) of the routes there are, fastest first.

    Args:
        say: hears why a faster route is not among them.
    """
    tape, recipe = task.tape, task.recipe
    if recipe.is_lightning:
        lower, replaced = lowering(device)
        circuit = prepare(device, tape, "adjoint", lower)
        if replaced:
            say(f"{', '.join(replaced)} written as Pauli rotations: the device differentiates it wrongly")
        # Compiling takes a second or more: only for those who compile anyway, or ask for it.
        if task.compiled or task.route == "catalyst":
            yield "catalyst", lambda: CatalystAdjoint(recipe.build(), circuit), circuit
        reason = cpp_route_supported()
        if reason:
            say(reason)
        elif circuit.rebuild is None and circuit.executions == 1:
            yield "lightning-cpp-adjoint", lambda: LightningAdjoint(device, circuit.tapes[0], recipe.wires), circuit
        yield "device-adjoint", lambda: DeviceAdjoint(device, circuit), circuit
    elif recipe.is_default_qubit:
        circuit = prepare(device, tape, "adjoint")
        yield "broadcast-adjoint", lambda: BroadcastAdjoint(circuit, recipe.wires), circuit
        yield "device-adjoint", lambda: DeviceAdjoint(device, circuit), circuit
    elif not recipe.is_hardware:
        # A plugin's own method before PennyLane's: it knows its simulator.
        for method in ("device", "adjoint"):
            config = qml.devices.ExecutionConfig(gradient_method=method, use_device_gradient=True)
            if device.supports_derivatives(config, tape):
                circuit = prepare(device, tape, method)
                yield "device-adjoint", functools.partial(DeviceAdjoint, device, circuit), circuit


def probe_route(route: AdjointRoute, circuit: PreparedCircuit, device: Any, n_gates: int) -> Probe:
    """Compare a route's first gradient with the public route and a difference quotient.

    Raises:
        UnsupportedRouteError: if they differ.
    """
    rng = np.random.default_rng(limits.ROUTE_SEED)
    x = rng.uniform(*limits.ROUTE_ANGLES, (1, n_gates))
    single = getattr(device, "c_dtype", None) == np.complex64
    tolerance = limits.ROUTE_TOLERANCE_SINGLE if single else limits.ROUTE_TOLERANCE
    step = limits.ROUTE_STEP_SINGLE if single else limits.ROUTE_STEP
    losses, slopes = route.evaluate(x)
    # Copied: a route may answer from memory that it uses again.
    probe = Probe(x, np.array(losses), np.array(slopes), tolerance)
    # A random direction moves every gate: one quotient then checks the whole gradient.
    direction = rng.standard_normal(x.shape) / max(1.0, np.sqrt(x.size))
    ahead, behind = route.loss(np.concatenate([x + step * direction, x - step * direction]))
    gap = abs((ahead - behind) / (2 * step) - float(slopes[0] @ direction[0]))
    if not gap <= tolerance * probe.scale:
        raise UnsupportedRouteError(f"its gradient differs from the difference quotient by {gap:.1e}")
    public = DeviceAdjoint(device, circuit)
    if isinstance(route, LightningAdjoint):
        # Private API: every component is compared, not the loss alone.
        difference = probe.off(*public.evaluate(x))
    else:
        difference = abs(float(public.loss(x)[0] - losses[0]))
    if not difference <= tolerance * probe.scale:
        raise UnsupportedRouteError(f"it differs from the public route by {difference:.1e}")
    return probe
