"""Everything decided before a measurement starts: the traced circuit, the plan, the device and the route."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pennylane as qml

from pennylane_wishart.circuit import LightCones, light_cones, noise_free, normal_form
from pennylane_wishart.circuit.angles import AngleLaw
from pennylane_wishart.circuit.periods import Ranges, ranges_of
from pennylane_wishart.circuit.records import RotationCircuit
from pennylane_wishart.circuit.trace import trace_qnode
from pennylane_wishart.circuit.traced import TracedCircuit
from pennylane_wishart.conventions import measurement as limits
from pennylane_wishart.conventions.arrays import Floats
from pennylane_wishart.errors import InputError, ModuleTooLargeError, UnsupportedCircuitError
from pennylane_wishart.measurement.cones import cone_parts
from pennylane_wishart.measurement.engine import Engine
from pennylane_wishart.measurement.identity.devices import DeviceIdentity, forget_moving
from pennylane_wishart.measurement.options import MeasureOptions, count
from pennylane_wishart.measurement.recipes import DeviceRecipe, device_recipe, name_of
from pennylane_wishart.measurement.records.plan import SamplingPlan, entropy_of, resolve_parameters
from pennylane_wishart.measurement.routes.choice import LIGHT_CONES, ROUTES
from pennylane_wishart.measurement.routes.shifts import ParameterShift, gate_frequencies
from pennylane_wishart.measurement.store.faults import RetryPolicy
from pennylane_wishart.measurement.task import Task
from pennylane_wishart.measurement.workers import make_engine
from pennylane_wishart.variances import dead_proofs

__all__ = ["Setup", "Target", "notice_state", "prepare_measurement", "resolve_target"]


@dataclass(frozen=True, eq=False)
class Target:
    """A traced circuit of one datum, the normal form where there is one, and the periods."""

    trace: TracedCircuit
    circuit: RotationCircuit | None
    tape: qml.tape.QuantumScript
    circuit_hash: str

    @property
    def n_params(self) -> int:
        """Number of flat trainable parameters."""
        return self.trace.n_params

    def law(self, spec: Any) -> AngleLaw:
        """Resolve ``angles=``, exactly as prediction does wherever a normal form exists."""
        if self.circuit is not None:
            return self.circuit.angle_law(spec)
        found = _gate_ranges(self.tape, self.trace.jacobian)
        return AngleLaw.resolve(spec, found.width, found.incommensurate)

    def periods(self) -> Floats:
        """Period of the loss in each parameter, radians ``(n_params,)``."""
        if self.circuit is not None:
            return np.asarray(self.circuit.periods)
        return _gate_periods(self.tape, self.trace.jacobian)

    def task(self, recipe: DeviceRecipe, **options: Any) -> Task:
        """Return the picklable description of the work."""
        tape, order = self.tape, tuple(range(len(recipe.wires)))
        if recipe.is_seedable and tuple(recipe.wires) != order:
            # Our own device may as well have the wires in the order that costs nothing.
            [tape], _ = qml.map_wires(tape, dict(zip(recipe.wires, order, strict=True)))
            # Mapping wires makes a new tape, on which every parameter is trainable again.
            tape.trainable_params = self.tape.trainable_params
            recipe = replace(recipe, wires=order)
        offsets = np.asarray(self.trace.gate_offsets)
        return Task(tape, self.trace.jacobian, offsets, recipe, **options)


def resolve_target(first: Any, args: Any, kwargs: Any, options: MeasureOptions | None = None) -> Target:
    """Accept a QNode (or anything the circuit room reads), a TracedCircuit or a RotationCircuit."""
    options = options or MeasureOptions()
    circuit: RotationCircuit | None = None
    if isinstance(first, RotationCircuit):
        if first.trace is None:
            raise InputError(
                "This RotationCircuit was built from words and has no gates to run: pass the QNode, or a "
                "circuit made by pw.normal_form(qnode)(*args)."
            )
        circuit, trace = first, first.trace
    else:
        if isinstance(first, TracedCircuit):
            trace = first
        else:
            trace = trace_qnode(first, args, kwargs, options.argnums, options.output, options.encoding)
        try:
            read: Callable[[TracedCircuit], Callable[[], RotationCircuit]] = normal_form
            circuit = read(trace)()
        except (UnsupportedCircuitError, ModuleTooLargeError, MemoryError):
            # It can be measured all the same; periods then come from the gates.
            circuit = None
    tapes, datum = trace.tapes, options.datum
    if not 0 <= datum < len(tapes):
        raise InputError(f"datum={datum} was asked for, but the call has {len(tapes)} data.")
    name = trace.content_hash if circuit is None else circuit.content_hash
    return Target(trace, circuit, tapes[datum], name if datum == 0 else f"{name}:{datum}")


def _gate_periods(tape: qml.tape.QuantumScript, jacobian: Any) -> Floats:
    return np.asarray(_gate_ranges(tape, jacobian).width)


def _gate_ranges(tape: qml.tape.QuantumScript, jacobian: Any) -> Ranges:
    """Ranges from the gates' own frequencies, for circuits without a normal form."""
    found: dict[int, list[float]] = {}
    rows = jacobian.tocoo()
    for gate, parameter, rate in zip(rows.row, rows.col, rows.data, strict=True):
        operation = tape.get_operation(int(gate))[0]
        rates = [abs(rate) * f for f in gate_frequencies(operation)]
        found.setdefault(int(parameter), []).extend(rates)
    return ranges_of(jacobian.shape[1], found)


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
    cones = _cones(target, options)
    if cones is None:
        recipe = device_recipe(options.device, target.trace.device, target.trace.wires)
    else:  # a device of the whole circuit may be too large even to build
        recipe = device_recipe("lightning.qubit", None, range(cones.width))
    shots = options.shots
    if shots is None and recipe.is_hardware and target.trace.qnode is not None:
        # Hardware has no analytic mode: it runs with as many shots as the QNode asks for.
        shots = getattr(getattr(target.trace.qnode, "shots", None), "total_shots", None)
    if options.route is not None and options.route not in ROUTES:
        raise InputError(f"route={options.route!r} is not known: use None or one of {ROUTES}.")
    shots = None if shots is None else count("shots", shots, 1)
    policy = RetryPolicy(options.retries, options.backoff, options.timeout)
    law = target.law(options.angles)
    rows = (entropy_of(options.seed), count("first", options.first, 0), count("samples", options.samples, 1))
    parameters = resolve_parameters(options.parameters, target.n_params)
    plan = SamplingPlan(target.circuit_hash, law, (rows,), parameters, shots)
    # Catalyst's qjit objects keep the function that they compile.
    compiled = hasattr(first, "original_function")
    if cones is not None and shots is not None:
        raise InputError("route='light-cones' gives exact values only: leave out shots, or take another route.")

    def task(route: str | None, trusted: bool = False) -> Task:
        how: dict[str, Any] = {"policy": policy, "trusted": trusted}
        if cones is None:
            return target.task(recipe, shots=shots, route=route, compiled=compiled, hessian=options.hessian, **how)
        parts = cone_parts(cones, recipe, **how)
        how |= {"parts": parts, "constant": cones.constant, "hessian": options.hessian}
        return target.task(recipe, route=route, **how)

    # One engine decides the route, by trying; all others are told.
    engine = make_engine(task(options.route))
    # where circuits are paid for: exact values of a simulator are not
    if engine.route == ParameterShift.route and (shots is not None or recipe.is_hardware):
        plan = replace(plan, parameters=_billed(options.parameters, parameters, target.circuit))
    notice_state(recipe)
    # Workers take the route decided here: the same numbers whoever computes them.
    return Setup(target, plan, task(engine.route, trusted=True), engine)


def _cones(target: Target, options: MeasureOptions) -> LightCones | None:
    """Return the light cones where they were asked for, or the state vector of the whole circuit is too large."""
    if options.route == LIGHT_CONES:
        return light_cones(target.trace)
    device = target.trace.device if options.device is None else options.device
    plain = device is None or (device if isinstance(device, str) else name_of(device)) in limits.CONE_DEVICES
    small = len(target.trace.wires) <= limits.STATE_QUBITS
    if small or not plain or options.route is not None or options.shots is not None:
        return None
    try:
        return light_cones(target.trace)
    except ModuleTooLargeError:
        return None


def _billed(
    asked: Any, parameters: int | tuple[int, ...] | None, circuit: RotationCircuit | None
) -> int | tuple[int, ...] | None:
    """Return the components that circuits are paid for: where all are meant, those that are not proved dead."""
    if asked is not None or circuit is None:
        return parameters
    # without the noise of a model: what a machine really does is not known to be that
    dead = dead_proofs(noise_free(circuit))
    return tuple(k for k in range(circuit.n_params) if k not in dead) if dead else parameters


def notice_state(recipe: DeviceRecipe) -> None:
    """After a device has run: what changed in it by that is its state, and no setting."""
    if recipe.instance is not None:
        forget_moving(recipe.instance)
