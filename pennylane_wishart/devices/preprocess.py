"""What the device accepts, how the rest is decomposed, and what is refused before any work."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
import pennylane as qml
from pennylane.exceptions import DeviceError
from pennylane.operation import StatePrepBase
from pennylane.ops.op_math import Adjoint
from pennylane.transforms import broadcast_expand, split_to_single_terms
from pennylane.transforms.core import transform

from pennylane_wishart.circuit.expand import Gate, expand_operation
from pennylane_wishart.circuit.gate_matrices import classes_of, fixed_generator, operation_key, tableau_of
from pennylane_wishart.circuit.inverses import whole_power
from pennylane_wishart.circuit.operators import operator_to_sum
from pennylane_wishart.conventions import devices as limits
from pennylane_wishart.devices.reading import NO_EFFECT, Operator, Tape
from pennylane_wishart.devices.shots import two_eigenvalues
from pennylane_wishart.errors import UnsupportedCircuitError

__all__ = [
    "accepts",
    "decompose_late_preparations",
    "decomposed",
    "expand_batches",
    "split_trainable_observables",
    "validate_tape",
]

Tapes = tuple[tuple[Tape, ...], Callable[[Any], Any]]
"""What a transform returns: tapes, and what makes one result of theirs."""
_ACCEPTED: dict[tuple[Hashable, ...], bool] = {}
_RETURNS = {
    "ProbabilityMP": "qml.probs",
    "StateMP": "qml.state",
    "CountsMP": "qml.counts",
    "SampleMP": "qml.sample",
    "VarianceMP": "qml.var",
    "DensityMatrixMP": "qml.density_matrix",
}


def accepts(op: Operator) -> bool:
    """Tell whether an operation is a Clifford gate or a rotation by one commuting Pauli sum.

    The answer depends on the kind of gate only, never on its angle, so that it can be given
    for traced values too.
    """
    if op.name in NO_EFFECT or isinstance(op, StatePrepBase):
        return True
    if isinstance(op, (qml.ops.Exp, qml.operation.Channel)) or _is_wrapped_exponential(op):
        return False
    if _is_product(op):  # a product of gates is taken factor by factor, controlled or not
        return False
    if len(op.data) > 1 or (len(op.wires) > limits.MAX_GATE_WIRES and not _is_word_rotation(op)):
        return False
    if any(n > 0 for n in op.ndim_params):
        return _accepts_matrix(op)
    key = (classes_of(op), operation_key(op), len(op.data))
    if key not in _ACCEPTED:
        _ACCEPTED[key] = _is_elementary(op)
    return _ACCEPTED[key]


def _is_word_rotation(op: Operator) -> bool:
    return op.name in ("PauliRot", "MultiRZ")


def _is_wrapped_exponential(op: Operator) -> bool:
    base = getattr(op, "base", None)
    return base is not None and (isinstance(base, qml.ops.Exp) or _is_wrapped_exponential(base))


def _is_product(op: Operator) -> bool:
    """Tell whether an operation is a product; a wrapped one counts where it has angles."""
    if getattr(op, "operands", ()):
        return True
    inner = op
    while (inner := getattr(inner, "base", None)) is not None:
        if getattr(inner, "operands", ()):
            return len(op.data) > 0
    return False


def _accepts_matrix(op: Operator) -> bool:
    """A matrix that is a Clifford gate is taken as it is; others are decomposed."""
    if qml.math.is_abstract(op.data[0]) or op.batch_size is not None or not op.has_matrix:
        return False
    return _is_elementary(op)


def _is_elementary(op: Operator) -> bool:
    """Expand one operation at a generic angle and look at its generator's words."""
    gates: list[Gate] = []
    try:
        with qml.queuing.QueuingManager.stop_recording():
            if len(op.data) == 1 and op.ndim_params[0] == 0:
                op = qml.ops.functions.bind_new_parameters(op, [limits.GENERIC_ANGLE])
            expand_operation(op, gates)
            if len(gates) != 1:
                return bool(op.name == "BasisState")
            gate = gates[0]
            if gate.kind == "rotation":
                assert gate.generator is not None  # rotations carry theirs
                generator = gate.generator
            elif tableau_of(gate.key, gate.op) is not None:
                return True
            else:
                generator = fixed_generator(gate.op)
    except UnsupportedCircuitError:
        return False
    return not generator.words.anticommutation(generator.words).any()


def decomposed(op: Operator) -> list[Operator]:
    """Return the decomposition of an operation that the device does not take as it is.

    Raises:
        DeviceError: if it has none; the message says what the device takes.
    """
    exponential = _unwrapped(op)
    if exponential is not None:
        return _exponential(op, *exponential)
    if isinstance(op, qml.operation.Channel):
        raise DeviceError(
            f"{op.name} is a noise channel, which is not supported by wishart.lie: the observable's module is "
            "that of a unitary circuit. Use default.mixed."
        )
    if not op.has_decomposition:
        raise DeviceError(
            f"{op.name} on wires {list(op.wires)} is not supported by wishart.lie: it is neither a Clifford gate "
            "nor exp(-i·angle·G) with G a sum of commuting Pauli words, and it has no decomposition into such "
            "gates. Write it in Pauli rotations."
        )
    return list(op.decomposition())


def _unwrapped(op: Operator) -> tuple[Operator, int, list[Hashable], list[bool]] | None:
    """Return (exp(c·H), factor of c, control wires, control values) of an exponential.

    Adjoints, whole powers and controls may wrap it in any order: all of them commute. None for anything else.
    """
    factor = 1
    wires: list[Hashable] = []
    values: list[bool] = []
    while not isinstance(op, qml.ops.Exp):
        power = whole_power(op)
        if isinstance(op, Adjoint):
            factor = -factor
        elif power is not None:
            factor *= power
        elif hasattr(op, "control_values"):
            wires += list(op.control_wires)
            values += list(op.control_values)
        else:
            return None
        op = op.base
    return op, factor, wires, values


def _exponential(
    op: Operator, base: Operator, factor: int, control: list[Hashable], values: list[bool]
) -> list[Operator]:
    """Split exp(c·H) with commuting words into Pauli rotations: exp(−iaP) is PauliRot(2a, P).

    Under control the identity in H is a phase between the control's states, so it is kept.
    """
    coefficient = base.coeff
    if not qml.math.is_abstract(coefficient):
        real = float(np.max(np.abs(np.real(qml.math.toarray(qml.math.unwrap([coefficient])[0])))))
        if real > limits.REAL_EXPONENT:
            raise DeviceError(
                f"{op.name} with coefficient {coefficient} is not unitary and not supported by wishart.lie: use "
                "qml.evolve(H, angle)."
            )
    try:
        generator = operator_to_sum(base.base, base.wires)
    except UnsupportedCircuitError as error:
        raise DeviceError(f"{op.name} is not supported by wishart.lie: {error}") from error
    if generator.words.anticommutation(generator.words).any():
        raise DeviceError(
            f"{op.name} of {len(generator)} Pauli words that do not all commute is not supported by wishart.lie: "
            "split it into layers of commuting words (qml.ApproxTimeEvolution, qml.TrotterProduct)."
        )
    angle = -factor * qml.math.imag(coefficient)
    order = list(base.wires)
    out = []
    for letters, c in zip(generator.words.maps(), generator.coefficients, strict=True):
        wires = [order[q] for q in sorted(letters)]
        word = "".join(letters[q] for q in sorted(letters))
        turn = float(np.real(c)) * angle
        if word:
            out.append(qml.PauliRot(2.0 * turn, word, wires))
        elif control:
            out.append(qml.GlobalPhase(turn))
    return [qml.ctrl(part, control, control_values=values) for part in out] if control else out


def _identity(results: Sequence[Any]) -> Any:
    return results[0]


@transform  # type: ignore[untyped-decorator]  # PennyLane has no types
def validate_tape(tape: Tape, name: str = "wishart.lie") -> Tapes:
    """Refuse what the device cannot return, before anything is decomposed.

    Raises:
        DeviceError: naming the measurement or operation, and what to do.
    """
    for op in tape.operations:
        if op.name in ("MidMeasureMP", "PauliMeasure", "Conditional"):
            raise DeviceError(
                f"Mid-circuit measurements ({op.name}) are not supported by {name}: the circuit must be unitary. "
                "Apply qml.defer_measurements first, or use default.qubit."
            )
    for m in tape.measurements:
        _check_measurement(m, bool(tape.shots), name)
    return (tape,), _identity


def _check_measurement(m: qml.measurements.MeasurementProcess, shots: bool, name: str) -> None:
    kind = type(m).__name__
    if kind != "ExpectationMP":
        raise DeviceError(
            f"Returning {_RETURNS.get(kind, kind)} is not supported by {name}, which holds the observable's module "
            "and no state: return qml.expval(O), for instance of a qml.Projector for a probability, or use "
            "default.qubit."
        )
    if m.obs is None or m.mv is not None:
        raise DeviceError(f"Expectation values of mid-circuit measurements are not supported by {name}.")
    if m.obs.pauli_rep is None and not isinstance(m.obs, qml.Projector) and len(m.obs.wires) > limits.MAX_MATRIX_WIRES:
        raise DeviceError(
            f"{m.obs.name} on {len(m.obs.wires)} wires is not supported by {name}: it has no Pauli form and is too "
            "large for a matrix ({limits.MAX_MATRIX_WIRES} wires). Give it as a sum of Pauli words."
        )
    if shots and m.obs.pauli_rep is None and two_eigenvalues(m.obs) is None:
        raise DeviceError(
            f"{m.obs.name} with finite shots is not supported by {name}: shots are drawn for Pauli words, sums of "
            "them (term by term) and observables of two eigenvalues. Write it as a sum of Pauli words, or use "
            "shots=None."
        )


@transform  # type: ignore[untyped-decorator]  # PennyLane has no types
def decompose_late_preparations(tape: Tape) -> Tapes:
    """Write preparations of wires that gates have already touched as gates, as every device does."""
    touched: set[Hashable] = set()
    operations: list[Operator] = []
    changed = False
    for op in tape.operations:
        late = isinstance(op, StatePrepBase) and bool(touched.intersection(op.wires))
        operations += _to_gates(op) if late else [op]
        changed |= late
        touched.update(op.wires)
    return (tape.copy(operations=operations) if changed else tape,), _identity


def _to_gates(op: Operator) -> list[Operator]:
    with qml.queuing.QueuingManager.stop_recording():
        if accepts(op) and not isinstance(op, StatePrepBase):
            return [op]
        return [gate for part in decomposed(op) for gate in _to_gates(part)]


@transform  # type: ignore[untyped-decorator]  # PennyLane has no types
def split_trainable_observables(tape: Tape) -> Tapes:
    """Split observables with trainable coefficients, which are then differentiated classically."""
    n_operations = len(tape.get_parameters(trainable_only=False, operations_only=True))
    if not any(k >= n_operations for k in tape.trainable_params):
        return (tape,), _identity
    return split_to_single_terms(tape)  # type: ignore[no-any-return]  # PennyLane has no types


@transform  # type: ignore[untyped-decorator]  # PennyLane has no types
def expand_batches(tape: Tape) -> Tapes:
    """Make one tape of each entry of a batch where derivatives are asked for."""
    if tape.batch_size is None:
        return (tape,), _identity
    return broadcast_expand(tape)  # type: ignore[no-any-return]  # PennyLane has no types
