"""Tapes as a device runs them, prepared once: each parameter an affine function of gate values.

Preprocessing a tape costs more than simulating it. Its effect on parameters is affine, so it
is probed at three points and from then on only new numbers are bound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import pennylane as qml
import scipy.sparse as sp
from pennylane.devices import ExecutionConfig
from pennylane.exceptions import DecompositionUndefinedError, QuantumFunctionError

from pennylane_wishart.conventions import measurement as limits
from pennylane_wishart.conventions.arrays import Floats
from pennylane_wishart.errors import DeviceError

__all__ = ["Move", "PreparedCircuit", "PreparedTape", "bind_values", "prepare"]

Tape: TypeAlias = qml.tape.QuantumScript
Bound: TypeAlias = "tuple[list[Tape], Callable[[Any], Any]]"
"""Tapes to run, and what turns their results into the circuit's."""
Move: TypeAlias = "tuple[tuple[int, float], ...]"
"""Gate values that are moved together: (gate, by how much)."""


@dataclass(frozen=True, eq=False)
class PreparedTape:
    """One tape of a preprocessed circuit: ``parameter[positions] = gate_values @ matrix.T + offsets``."""

    tape: Tape
    positions: tuple[int, ...]
    """Indices into all parameters of the tape that vary with the gate values."""
    matrix: sp.csr_array
    offsets: Floats

    def values(self, gate_values: Floats) -> Floats:
        """Return the varying parameters, float64 ``(…, n_positions)``."""
        return np.asarray(gate_values @ self.matrix.T + self.offsets)

    def bind(self, gate_values: Floats) -> Tape:
        """Return the tape at given gate values."""
        return bind_values(self.tape, self.values(gate_values), self.positions)

    @cached_property
    def _places(self) -> tuple[sp.csc_array, list[tuple[int, int]]]:
        information = self.tape.par_info
        return self.matrix.tocsc(), [(information[k]["op_idx"], information[k]["p_idx"]) for k in self.positions]

    def shift(self, bound: Tape, gate: int, by: float) -> Tape:
        """Return a bound tape with one gate value moved; its other operations are shared."""
        matrix, places = self._places
        operations = list(bound.operations)
        for at in range(matrix.indptr[gate], matrix.indptr[gate + 1]):
            index, slot = places[matrix.indices[at]]
            data = list(operations[index].data)
            data[slot] = float(data[slot] + matrix.data[at] * by)
            operations[index] = qml.ops.functions.bind_new_parameters(operations[index], data)
        return qml.tape.QuantumScript(operations, bound.measurements, shots=bound.shots)


@dataclass(frozen=True, eq=False)
class PreparedCircuit:
    """What the device runs for one circuit, and how its results become the circuit's."""

    tapes: tuple[PreparedTape, ...]
    post: Callable[[Any], Any]
    config: ExecutionConfig
    rebuild: Callable[[Floats], Bound] | None = None
    """Preprocessing from scratch, where parameters are not an affine function of gate values."""
    rebuilt_executions: int = 0

    def bind(self, gate_values: Floats) -> Bound:
        """Return the tapes at given gate values and the post-processing of their results."""
        if self.rebuild is not None:
            return self.rebuild(gate_values)
        return [t.bind(gate_values) for t in self.tapes], self.post

    def shifts(self, gate_values: Floats, moves: Sequence[Move]) -> list[Bound]:
        """Return (tapes, post) at a point and after each move from it."""
        if self.rebuild is not None:
            points = [gate_values]
            for move in moves:
                points.append(gate_values + sum(by * (np.arange(len(gate_values)) == gate) for gate, by in move))
            return [self.rebuild(p) for p in points]
        tapes, _ = self.bind(gate_values)
        out = [(tapes, self.post)]
        for move in moves:
            moved = tapes
            for gate, by in move:
                moved = [part.shift(tape, gate, by) for part, tape in zip(self.tapes, moved, strict=True)]
            out.append((moved, self.post))
        return out

    @property
    def executions(self) -> int:
        """Number of tapes that the device runs for one circuit."""
        return len(self.tapes) if self.rebuild is None else self.rebuilt_executions


def bind_values(tape: Tape, values: Floats, positions: Sequence[int]) -> Tape:
    """Return ``tape`` with ``values`` (last axis) at parameter ``positions``; trainability is kept."""
    columns = [v if np.ndim(v) else float(v) for v in np.moveaxis(np.asarray(values), -1, 0)]
    return tape.bind_new_parameters(columns, list(positions))


def prepare(
    device: Any, tape: Tape, gradient_method: str | None = None, lower: Callable[[Tape], Tape] | None = None
) -> PreparedCircuit:
    """Preprocess a traced tape for a device, for any values of its trainable parameters.

    Args:
        tape: scalar trainable parameters; its measurement and shots are what will be run.
        gradient_method: None to execute only, or ``"adjoint"``/``"backprop"``/``"device"``.
        lower: tape → tape with the same values, applied to what the device's preprocessing leaves.
    Raises:
        DeviceError: if the device's own preprocessing refuses the circuit.
    """
    wanted: dict[str, Any] = {"use_device_gradient": True} if gradient_method in ("adjoint", "device") else {}
    config = ExecutionConfig(gradient_method=gradient_method, **wanted)
    config = device.setup_execution_config(config, tape)
    program = device.preprocess_transforms(config)
    positions = list(tape.trainable_params)

    def bound(values: Floats) -> Tape:
        # Only tensors that ask for gradients make a device decompose what it cannot differentiate.
        boxed = [qml.numpy.array(float(v), requires_grad=gradient_method is not None) for v in values]
        return tape.bind_new_parameters(boxed, positions)

    def run(given: Tape) -> Bound:
        tapes, post = program([given])
        return [lower(t) for t in tapes] if lower else tapes, post

    def rebuild(values: Floats) -> Bound:
        tapes, post = run(bound(values))
        return [_plain(t) for t in tapes], post

    rng = np.random.default_rng(limits.PROBE_SEED)
    points = rng.uniform(*limits.PROBE_ANGLES, (3, len(positions)))
    try:
        first = bound(points[0])
        probes = [run(first)]
        if same := _same_operations(first, probes[0][0]):
            # the device takes the gates as they are, at generic values: further points would say so again
            points = points[:1]
        probes += [run(bound(p)) for p in points[1:]]
    except (
        QuantumFunctionError,
        qml.exceptions.DeviceError,
        DecompositionUndefinedError,
        NotImplementedError,
    ) as error:
        raise DeviceError(
            f"{getattr(device, 'name', 'the device')} cannot run this circuit: {error} Use "
            'device="default.qubit", or write the gate in elementary rotations.'
        ) from error
    tapes, post = probes[0]
    _refuse_samples(device, program, tape, tapes)
    parts = [_as_given(tapes[0], positions)] if same else _affine_parts([found for found, _ in probes], points)
    if parts is None:
        return PreparedCircuit((), post, config, rebuild, len(tapes))
    return PreparedCircuit(tuple(parts), post, config)


def _refuse_samples(device: Any, program: Any, tape: Tape, found: Sequence[Tape]) -> None:
    # Qiskit's devices answer shots=None with samples of a number of their own, and only warn.
    steps = {getattr(t.tape_transform, "__name__", "") for t in program}
    if not tape.shots and (any(t.shots for t in found) or "analytic_warning" in steps):
        raise DeviceError(
            f"{getattr(device, 'short_name', None) or device.name} has no analytic mode: it answers shots=None with "
            "samples, whose noise would pass for signal. Give shots=, or use an exact simulator."
        )


def _same_operations(given: Tape, found: Sequence[Tape]) -> bool:
    """Tell whether preprocessing left every operation the object that it was."""
    return len(found) == 1 and [id(o) for o in given.operations] == [id(o) for o in found[0].operations]


def _as_given(tape: Tape, positions: list[int]) -> PreparedTape:
    """Return a tape whose parameters at ``positions`` are the gate values themselves."""
    n = len(positions)
    tape = _plain(tape)
    tape.trainable_params = positions
    return PreparedTape(tape, tuple(positions), sp.eye_array(n, format="csr"), np.zeros(n))


def _plain(tape: Tape) -> Tape:
    """Strip tensor subclasses: devices and serialisers are far faster on floats."""
    values = _plain_values(tape)
    out = tape.bind_new_parameters(values, list(range(len(values)))) if values else tape.copy()
    out.trainable_params = []
    return out


def _plain_values(tape: Tape) -> list[Any]:
    values = [qml.math.unwrap([p])[0] for p in tape.get_parameters(trainable_only=False)]
    return [_plain_value(v) for v in values]


def _plain_value(value: Any) -> Any:
    if sp.issparse(value):  # an observable's matrix, which devices take as it is
        return value
    return float(value) if np.ndim(value) == 0 and np.isrealobj(value) else np.asarray(value)


def _equal(first: Any, other: Any) -> bool:
    if sp.issparse(first) and sp.issparse(other):
        return first is other or (first != other).nnz == 0
    return np.array_equal(first, other)


def _affine_parts(probes: list[list[Tape]], points: Floats) -> list[PreparedTape] | None:
    """Recover each tape's affine map from three probes; None where there is none."""
    if len({len(p) for p in probes}) != 1:
        return None
    parts = []
    for column in zip(*probes, strict=True):
        part = _affine_part(column, points)
        if part is None:
            return None
        parts.append(part)
    return parts


def _affine_part(tapes: Sequence[Tape], points: Floats) -> PreparedTape | None:
    if len({_structure(t) for t in tapes}) != 1:
        return None
    # A parameter that differs between two probes moves with the gate values; the rest are constants.
    rows = [_plain_values(t) for t in tapes]
    positions, values = [], []
    for k, column in enumerate(zip(*rows, strict=True)):
        if all(_equal(column[0], c) for c in column[1:]):
            continue
        if np.ndim(column[0]) or sp.issparse(column[0]):
            return None
        positions.append(k)
        values.append(column)
    n = points.shape[1]
    y = np.array(values, float).reshape(len(positions), 3).T
    if not positions:
        part = sp.csr_array((0, n))
        return PreparedTape(_plain(tapes[0]), (), part, np.zeros(0))
    # Every parameter follows one gate value: two differences name it by their ratio.
    steps, moves = points[1:3] - points[0], y[1:3] - y[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        signature, seen = steps[0] / steps[1], moves[0] / moves[1]
    # Found by bisection: circuits have thousands of parameters.
    order = np.argsort(signature)
    place = np.clip(np.searchsorted(signature[order], seen), 1, max(n - 1, 1)) if n > 1 else np.ones(1, int)
    left, right = order[place - 1], order[np.minimum(place, n - 1)]
    driver = np.where(np.abs(signature[left] - seen) <= np.abs(signature[right] - seen), left, right)
    slope = moves[0] / steps[0, driver]
    offsets = y[0] - slope * points[0, driver]
    # What is not affine in one gate value does not fit the second difference as well.
    if not np.allclose(moves[1], slope * steps[1, driver], rtol=0, atol=limits.AFFINE_TOLERANCE):
        return None
    # Slopes and offsets of gates are mostly 1 and 0; as such they cost no rounding at any angle.
    offsets = np.where(np.abs(offsets) < limits.OFFSET_ROUNDING, 0.0, offsets)
    slope = np.where(np.abs(slope - np.round(slope)) < limits.SLOPE_ROUNDING, np.round(slope), slope)
    matrix = sp.csr_array((slope, (np.arange(len(positions)), driver)), shape=(len(positions), n))
    # Only the tape that stays is rebuilt: that costs as much as the device's preprocessing.
    tape = _plain(tapes[0])
    tape.trainable_params = positions
    return PreparedTape(tape, tuple(positions), matrix, offsets)


def _structure(tape: Tape) -> tuple[Any, ...]:
    return tuple(
        (type(op).__name__, op.name, tuple(op.wires), len(op.data), _shape_of(op)) for op in tape.operations
    ) + tuple((type(m).__name__, tuple(m.wires), repr(m.obs)) for m in tape.measurements)


def _shape_of(op: Any) -> str:
    hyper = getattr(op, "hyperparameters", {})
    return repr({k: v for k, v in hyper.items() if isinstance(v, (str, int, bool, tuple))})
