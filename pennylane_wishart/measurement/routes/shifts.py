"""Parameter-shift gradients on any device, all circuits of a sample in one batch, and bounds of their shot noise."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pennylane as qml
import scipy.sparse as sp

from pennylane_wishart.circuit.traced import TracedCircuit
from pennylane_wishart.conventions import measurement as limits
from pennylane_wishart.conventions.arrays import Bools, Floats
from pennylane_wishart.errors import DeviceError
from pennylane_wishart.measurement.routes.jobs import JobWatch
from pennylane_wishart.measurement.routes.observables import readings
from pennylane_wishart.measurement.routes.prepare import Move, prepare
from pennylane_wishart.measurement.routes.second import SecondOrder, second_order
from pennylane_wishart.measurement.store.faults import RetryPolicy

__all__ = [
    "ParameterShift",
    "ShotBounds",
    "direct_executor",
    "gate_frequencies",
    "rules_of",
    "shift_rule",
    "shot_bounds",
]


log = logging.getLogger("pennylane_wishart")
Execute: TypeAlias = "Callable[[list[Any], Any, Callable[[Any], Any]], Any]"
"""``execute(tapes, config, interpret)``: what ``interpret`` makes of the device's results."""


def shift_rule(operation: Any) -> list[tuple[float, float]]:
    """Return (coefficient, shift) pairs with dℓ/dx = Σ coefficient·ℓ(x + shift), exactly.

    From the gate's own recipe, its frequencies, or the eigenvalues of its generator.
    """
    # A gate's own recipe first: plugins' gates may know better than their generators.
    recipe = (getattr(operation, "grad_recipe", None) or (None,))[0]
    if recipe is not None and all(abs(a - 1) < limits.RECIPE_ROUNDING for _, a, _ in recipe):
        return [(float(c), float(s)) for c, _, s in recipe]
    frequencies = gate_frequencies(operation)
    if not frequencies:
        return []
    return [(float(c), float(s)) for c, s in np.asarray(qml.gradients.generate_shift_rule(frequencies))]


def gate_frequencies(operation: Any) -> tuple[float, ...]:
    """Return the positive frequencies of ℓ in a gate's parameter."""
    try:
        found = tuple(float(f) for f in operation.parameter_frequencies[0])
    except Exception:  # undefined for this gate, which PennyLane and plugins say in many ways
        log.debug("%s does not tell its frequencies", operation.name, exc_info=True)
        found = _spectral_frequencies(operation)
    return tuple(f for f in found if abs(f) > limits.FREQUENCY_ROUNDING)


def _spectral_frequencies(operation: Any) -> tuple[float, ...]:
    try:
        generator = operation.generator()
        if len(generator.wires) > limits.GENERATOR_WIRES:
            raise DeviceError(f"its generator acts on {len(generator.wires)} wires")
        values = np.linalg.eigvalsh(qml.matrix(generator, wire_order=generator.wires))
    except Exception as error:
        raise DeviceError(
            f"{operation.name} has no parameter-shift rule that can be found ({error}); use a simulator "
            "with adjoint differentiation, or write the gate in elementary rotations."
        ) from error
    return tuple(np.unique(np.round(np.abs(values[:, None] - values[None, :]), limits.FREQUENCY_DIGITS)))


def rules_of(operations: Iterable[Any]) -> list[list[tuple[float, float]]]:
    """Return the shift rule of each operation, found once for every kind."""
    found: dict[Any, list[tuple[float, float]]] = {}
    rules = []
    for op in operations:
        # The rule of a named gate never depends on its wires; that of an exponential does.
        key = id(op) if "Evolution" in op.name or "Exp" in op.name else op.name
        if key not in found:
            found[key] = shift_rule(op)
        rules.append(found[key])
    return rules


class ParameterShift:
    """ℓ and chosen components of its gradient, with their shot noise, by shifted circuits."""

    route = "parameter-shift"

    def __init__(self, device: Any, tape: qml.tape.QuantumScript, shots: int | None) -> None:
        self.shots = shots
        # Braket's plugin knows samples of observables, not of wires.
        name = str(getattr(device, "short_name", None) or device.name)
        by_wire, by_word = name.startswith("braket."), name == "wishart.lie"
        self._readings, self._constant = readings(tape.measurements[0].obs, shots, by_wire, by_word)
        self.circuits = []
        for reading in self._readings:
            script = qml.tape.QuantumScript(
                [*tape.operations, *reading.rotations],
                reading.measurements,
                shots=shots,
                trainable_params=tape.trainable_params,
            )
            self.circuits.append(prepare(device, script))
        self.rules = rules_of(tape.get_operation(k)[0] for k in range(len(tape.trainable_params)))
        self._second: tuple[bytes, SecondOrder] | None = None

    def second(self, jacobian: sp.csr_array, wanted: Bools) -> SecondOrder:
        """Return the circuits of the second derivatives between wanted parameters, kept for the next sample."""
        key = wanted.tobytes()
        if self._second is None or self._second[0] != key:
            self._second = key, second_order(self.rules, jacobian, wanted)
        return self._second[1]

    @property
    def circuits_per_point(self) -> int:
        """Device executions for one estimate of ℓ."""
        return sum(c.executions for c in self.circuits)

    def evaluate(
        self, gate_values: Floats, gates: Iterable[int], execute: Execute, second: SecondOrder | None = None
    ) -> tuple[float, float, Floats, Floats, Floats, Floats]:
        """Return ℓ, its variance, dℓ/d(gate value) at ``gates``, their variances, and second derivatives with theirs.

        Args:
            gate_values: float64 ``(n_gates,)``.
            gates: indices of the gates to differentiate.
            second: the circuits of second derivatives; none where None.
        """
        moves: list[Move] = [((int(k), shift),) for k in gates for _, shift in self.rules[k]]
        # All circuits of a sample in one batch: a queue is waited for once.
        every = [*moves, *(() if second is None else second.moves)]
        values, variances = self._estimate(gate_values, every, execute)
        slopes, noise, at = np.zeros(len(self.rules)), np.zeros(len(self.rules)), 1
        for k in gates:
            # Independent estimates: variances add with the squares of the coefficients.
            weights = np.array([c for c, _ in self.rules[k]])
            slopes[k] = weights @ values[at : at + len(weights)]
            noise[k] = weights**2 @ variances[at : at + len(weights)]
            at += len(weights)
        here = np.r_[0, at : len(values)]
        bent, doubt = (
            (np.zeros(0),) * 2
            if second is None
            else (second.weights @ values[here], second.weights.power(2) @ variances[here])
        )
        return float(values[0]), float(variances[0]), slopes, noise, bent, doubt

    def _estimate(self, gate_values: Floats, moves: Sequence[Move], execute: Execute) -> tuple[Floats, Floats]:
        """Return ℓ and its variance at a point and at each move away from it."""
        values = np.full(1 + len(moves), self._constant)
        variances = np.zeros(1 + len(moves))
        for reading, circuit in zip(self._readings, self.circuits, strict=True):
            # All circuits of a sample in one call: a queue is waited for once.
            bound = circuit.shifts(gate_values, moves)
            flat = [t for tapes, _ in bound for t in tapes]

            def interpret(results: Any, bound: Any = bound, reading: Any = reading) -> list[tuple[float, float]]:
                out, at = [], 0
                for tapes, post in bound:
                    answer = post(results[at : at + len(tapes)])[0]
                    out.append(reading.interpret(answer, self.shots))
                    at += len(tapes)
                return out

            for row, (value, variance) in enumerate(execute(flat, circuit.config, interpret)):
                values[row] += value
                variances[row] += variance
        return values, variances


def direct_executor(
    device: Any, policy: RetryPolicy, on_jobs: Callable[[tuple[str, ...]], None] | None = None
) -> Execute:
    """Return ``execute(tapes, config, interpret)`` that runs on a device with retries.

    Interpreting inside the retry makes a result that is not finite, or of the wrong shape,
    a failure like any other. ``on_jobs(ids)`` hears of provider jobs as they are submitted.
    """

    def execute(tapes: list[Any], config: Any, interpret: Callable[[Any], Any]) -> Any:
        def attempt() -> Any:
            with contextlib.nullcontext() if on_jobs is None else JobWatch(device, on_jobs):
                results = device.execute(tapes, config)
            if not hasattr(results, "__len__") or len(results) != len(tapes):
                raise DeviceError(f"the device returned {type(results).__name__} for {len(tapes)} circuits")
            return interpret(results)

        return policy.call(attempt, f"running {len(tapes)} circuits on {getattr(device, 'name', 'the device')}")

    return execute


# ---------------------------------------------------------------------- how noisy an estimate can be
@dataclass(frozen=True, eq=False)
class ShotBounds:
    """Largest variances and steps of the estimates of ℓ and ∂ℓ/∂θ_k, for one shot a circuit.

    With s shots the variances are divided by s, the steps too.
    """

    loss: float
    """Upper bound of the variance of the estimate of ℓ."""
    gradient: Floats
    """The same for each gradient component by parameter shift, ``(n_params,)``."""
    loss_step: float
    """Largest change of the estimate of ℓ by one outcome."""
    gradient_step: Floats
    """The same for each gradient component, ``(n_params,)``."""


def shot_bounds(trace: TracedCircuit) -> ShotBounds:
    """Return the bounds for a traced circuit measured by each gate's own shift rule.

    Cost: one shift rule for each kind of gate.
    Source: W. Hoeffding, J. Am. Stat. Assoc. 58, 13 (1963), lemma 1.
    """
    halves = np.array([reading.half_range for reading in readings(trace.observable, 2)[0]])
    square, most = float(np.sum(halves**2)), float(np.max(halves, initial=0.0))
    tape, jacobian = trace.tapes[0], abs(trace.jacobian.tocsr())
    squares, steps = (np.zeros(jacobian.shape[0]) for _ in range(2))
    for k, pairs in enumerate(rules_of(tape.get_operation(k)[0] for k in range(jacobian.shape[0]))):
        # A gate that moves nothing has an empty rule.
        rule = np.abs(np.array([c for c, _ in pairs] or [0.0]))
        squares[k], steps[k] = np.sum(rule**2), np.max(rule)
    scaled = jacobian.multiply(steps[:, None]).tocsc()
    widest = np.asarray(scaled.max(axis=0).todense()).ravel() if scaled.nnz else np.zeros(jacobian.shape[1])
    return ShotBounds(square, square * (squares @ jacobian.power(2)), 2 * most, 2 * most * widest)
