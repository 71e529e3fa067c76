"""Operations → elementary gates: rotations with a known generator, fixed gates, preparations.

This is the only place of the package that knows PennyLane's operations. Generators are not
read from ``op.generator`` (several have none, some without Pauli form) but from the gate's own
matrix, once per kind of gate, and checked at further angles before they are trusted.
"""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pennylane as qml
from pennylane.operation import Operation, Operator, StatePrepBase
from pennylane.ops.op_math import Adjoint

from pennylane_wishart.circuit.channels import LocalChannel, is_channel, local_channel
from pennylane_wishart.circuit.gate_matrices import (
    array_bytes,
    gate_matrix,
    generator_of,
    operation_key,
    tableau_of,
)
from pennylane_wishart.circuit.inverses import AngleEvolution, whole_power, wraps_angles
from pennylane_wishart.circuit.operators import operator_to_sum
from pennylane_wishart.conventions import circuit as limits
from pennylane_wishart.errors import UnsupportedCircuitError
from pennylane_wishart.paulis import PauliSum, PauliWords

__all__ = ["Gate", "expand_operation", "expand_operations", "scalar"]

_SKIPPED = {"Barrier", "Snapshot", "Identity", "GlobalPhase", "WireCut", "Adjoint(GlobalPhase)"}
_WORDS = {
    "RX": "X", "RY": "Y", "RZ": "Z", "PhaseShift": "Z", "U1": "Z",
    "IsingXX": "XX", "IsingYY": "YY", "IsingZZ": "ZZ",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Gate:
    """One elementary gate: a rotation exp(−i·value·G), a fixed gate, a state preparation, or a noise channel."""

    op: Operation
    kind: str
    """"rotation", "fixed", "state" or "channel"."""
    generator: PauliSum | None = None
    """Local generator on ``op.wires``, first wire leftmost."""
    value: float = 0.0
    key: tuple[Hashable, ...] = ()
    """Equal keys mean equal gates up to wires and the rotation's value."""
    channel: LocalChannel | None = None


def expand_operations(operations: Sequence[Operator]) -> list[Gate]:
    """Lower a list of operations to elementary gates."""
    gates: list[Gate] = []
    with qml.queuing.QueuingManager.stop_recording():
        for op in operations:
            expand_operation(op, gates)
    # preparations commute with gates on other wires: they can come first
    if any(g.kind == "state" for g in gates):
        return _late_preparations(gates)
    return gates


def _late_preparations(gates: list[Gate]) -> list[Gate]:
    """Decompose preparations of wires that gates have already touched, as every device does.

    A preparation of fresh wires commutes with everything before it, so it comes first.
    """
    touched: set[Hashable] = set()
    out: list[Gate] = []
    first: list[Gate] = []
    for gate in gates:
        if gate.kind == "state" and touched & set(gate.op.wires):
            parts: list[Gate] = []
            for part in _decomposition(gate.op):
                expand_operation(part, parts)
            out += parts
        else:
            (first if gate.kind == "state" else out).append(gate)
        # a preparation of wires that gates have touched is no longer free to come first
        touched |= set(gate.op.wires)
    return first + out


def expand_operation(op: Operator, gates: list[Gate], depth: int = 0) -> None:
    """Append the elementary gates of one operation to ``gates``."""
    # they change no expectation value
    if op.name in _SKIPPED or len(op.wires) == 0:
        return
    if is_channel(op):
        channel = local_channel(op)
        # noise of strength 0 is no gate
        if np.abs(channel.transfer - np.eye(len(channel.transfer))).max() > limits.NO_TRANSFER:
            gates.append(Gate(op, "channel", key=(op.name, *channel.key), channel=channel))
        return
    if isinstance(op, qml.BasisState):
        # a basis state is X gates on |0…0⟩: the state stays a product at any size
        bits = np.asarray(qml.math.toarray(qml.math.unwrap([op.data[0]])[0])).reshape(-1)
        for wire, bit in zip(op.wires, bits, strict=True):
            if round(float(bit)):
                expand_operation(qml.X(wire), gates)
        return
    if isinstance(op, StatePrepBase):
        gates.append(Gate(op, "state", key=(op.name, *(array_bytes(d) for d in op.data))))
        return
    # a product of operators is read factor by factor: its own name would carry their angles
    product = op.has_decomposition and (bool(getattr(op, "operands", ())) or _hides_angles(op))
    gate = None if product else _as_rotation(op) if len(op.data) else _as_fixed(op)
    if gate is not None:
        gates.append(gate)
        return
    if depth > limits.DECOMPOSITION_DEPTH:
        raise UnsupportedCircuitError(f"{op.name} on wires {list(op.wires)} does not decompose into known gates.")
    for part in _decomposition(op):
        expand_operation(part, gates, depth + 1)


def _hides_angles(op: Operator) -> bool:
    """Tell whether an operation without data keeps angles among its hyperparameters (qml.IQP)."""
    if len(op.data):
        return False
    kept = op.hyperparameters
    return any(np.asarray(qml.math.toarray(v)).dtype.kind == "f" for k, v in kept.items() if "weight" in k)


def _decomposition(op: Operator) -> list[Operator]:
    base = getattr(op, "base", None)
    if base is not None and len(base.data):
        own = _inverted(op, base) if isinstance(op, Adjoint) else _repeated(op, base)
        if own is not None:
            return own
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            split = _split_at_zero(op) if hasattr(op, "control_values") else None
            if split is not None:
                return split
            if hasattr(op, "control_values") and base is not None and len(base.data) > 1:
                # PennyLane's own rule goes through matrices that depend on the angles
                return [
                    qml.ctrl(part, op.control_wires, control_values=op.control_values) for part in _decomposition(base)
                ]
            return list(op.decomposition())
    except Exception as err:  # templates raise many kinds here
        if len(op.data) == 0 or all(np.ndim(qml.math.toarray(d)) == 2 for d in op.data):
            raise UnsupportedCircuitError(
                f"{op.name} acts on {len(op.wires)} wires: too large to conjugate, and PennyLane has no "
                f"decomposition for it that can be read ({type(err).__name__}: {err}). Write it in smaller gates."
            ) from err
        raise UnsupportedCircuitError(
            f"{op.name} on wires {list(op.wires)} has no generator and no decomposition that can be "
            f"read ({type(err).__name__}: {err}). Write it in gates with one angle each."
        ) from err


def _inverted(op: Operator, base: Operator) -> list[Operator] | None:
    """Lower an adjoint ourselves where PennyLane's own takes angles modulo 2π, which is not affine."""
    if not wraps_angles(base):
        return None
    return [qml.adjoint(part, lazy=wraps_angles(part)) for part in reversed(_decomposition(base))]


def _repeated(op: Operator, base: Operator) -> list[Operator] | None:
    """Lower a whole power, of either sign, of an operation that has several angles or several parts."""
    power = whole_power(op)
    if power is None:
        return None
    return [qml.adjoint(base, lazy=True) if power < 0 else base] * abs(power)


def scalar(value: Any) -> float | None:
    """Return a gate parameter as a float; None where it is an array or not real."""
    array = np.asarray(qml.math.toarray(qml.math.unwrap([value])[0]))
    if array.ndim or np.iscomplexobj(array) and abs(array.imag) > limits.IMAGINARY_ANGLE:
        return None
    return float(array.real)


def _as_rotation(op: Operator) -> Gate | None:
    """Return the gate where ``op`` is exp(−i·value·G) with one real value, else try fixed."""
    name = op.name
    base = getattr(op, "base", None)
    if isinstance(op, (qml.ops.Exp,)) or name in ("Exp", "Evolution"):
        return _evolution(op)
    # the generator of an adjoint is its base's, with the angle turned round
    if isinstance(op, Adjoint) and base is not None and len(base.data):
        inner = _as_rotation(base)
        if inner is None or inner.kind != "rotation":
            return _fixed_matrix(op) if inner is not None else None
        if inner.op is not base:  # already another operation: its own angle changes sign
            return _turned(inner, -1)
        return Gate(op, "rotation", inner.generator, -inner.value, ("adjoint", *inner.key))
    if hasattr(op, "control_values") and base is not None and len(base.data):
        evolution = _as_evolution(base)
        if evolution is not None:
            return _controlled_evolution(op, evolution)
    power = whole_power(op)
    if power is not None and base is not None and len(base.data):
        inner = _as_rotation(base)
        if inner is not None and inner.kind == "rotation" and len(inner.op.data) == 1:
            return _turned(inner, power)
    value = scalar(op.data[0]) if len(op.data) == 1 else None
    if value is None:
        return _fixed_matrix(op)
    if name in _WORDS:
        return Gate(op, "rotation", _word_generator(_WORDS[name]), value, (name,))
    # words of any length, without a matrix
    if name == "PauliRot":
        word = op.hyperparameters["pauli_word"]
        if set(word) == {"I"}:
            return Gate(op, "rotation", _zero_generator(len(word)), value, (name, word))
        return Gate(op, "rotation", _word_generator(word), value, (name, word))
    if name == "MultiRZ":
        word = "Z" * len(op.wires)
        return Gate(op, "rotation", _word_generator(word), value, (name, word))
    if len(op.wires) > limits.GENERATOR_WIRES:
        return None
    key = operation_key(op)
    generator = generator_of(key, op)
    return None if generator is None else Gate(op, "rotation", generator, value, key)


@lru_cache(maxsize=1024)
def _word_generator(word: str) -> PauliSum:
    return PauliSum(PauliWords.from_strings([word]), np.array([0.5]))


@lru_cache(maxsize=64)
def _zero_generator(n: int) -> PauliSum:
    return PauliSum(PauliWords.identity(n, 0), np.zeros(0))


def _evolution(op: Operator) -> Gate:
    """Lower exp(c·H): the value is i·c, the generator H."""
    coefficient = np.asarray(qml.math.toarray(qml.math.unwrap([op.coeff])[0]))
    if coefficient.ndim or abs(coefficient.real) > limits.NOT_UNITARY:
        raise UnsupportedCircuitError(
            f"{op.name} with coefficient {coefficient} is not unitary or is batched: use "
            "qml.exp(H, -1j * angle) or qml.evolve(H, angle) with one real angle."
        )
    generator = operator_to_sum(op.base, op.wires).trace_free()
    # exp(c·H) = exp(−i·value·H)
    value = -float(coefficient.imag)
    key = ("exp", generator.words.packed.tobytes(), np.round(generator.coefficients, 12).tobytes())
    return Gate(AngleEvolution(op.base, value), "rotation", generator, value, key)


def _turned(gate: Gate, factor: int) -> Gate:
    """Return a rotation with its angle multiplied: a power of the gate, or its inverse."""
    op = qml.ops.functions.bind_new_parameters(gate.op, [factor * gate.op.data[0]])
    return Gate(op, "rotation", gate.generator, factor * gate.value, gate.key)


def _as_evolution(op: Operator) -> Gate | None:
    """Return exp(c·H), or its adjoints and powers, as one evolution; None for anything else."""
    inner = op
    while isinstance(inner, Adjoint) or whole_power(inner) is not None:
        inner = inner.base
    return _as_rotation(op) if inner.name in ("Exp", "Evolution") else None


def _controlled_evolution(op: Operator, inner: Gate) -> Gate:
    """Lower a controlled exp(c·H): the generator is Π(1 ± Z)/2 ⊗ H, identity term included."""
    target = operator_to_sum(inner.op.base, op.wires)
    control = list(op.control_wires)
    order = list(op.wires)
    projector = PauliSum.of(PauliWords.identity(len(order)), np.ones(1))
    for wire, value in zip(control, op.control_values, strict=True):
        word = PauliWords.from_maps([{}, {order.index(wire): "Z"}], len(order))
        # |1⟩⟨1| = (1 − Z)/2 where the control is on 1, (1 + Z)/2 on 0
        projector = projector.multiply(PauliSum.of(word, np.array([0.5, -0.5 if value else 0.5])))
    generator = projector.multiply(target).trace_free()
    key = ("ctrl", generator.words.packed.tobytes(), np.round(generator.coefficients, 12).tobytes())
    op = qml.ctrl(inner.op, op.control_wires, control_values=op.control_values)
    return Gate(op, "rotation", generator, inner.value, key)


def _split_at_zero(op: Operator) -> list[Operator] | None:
    """Lower a controlled gate that is no rotation, yet is one after a fixed gate: U(t) = U(0)·exp(−itG).

    PennyLane's own rule for a controlled PSWAP has Toffolis on both sides of its rotation: equal, but
    a rotation between gates that are not Clifford cannot be moved to others of its parameter.
    """
    value = scalar(op.data[0]) if len(op.data) == 1 else None
    if value is None or len(op.wires) > limits.MATRIX_WIRES:
        return None

    def unitary(t: float) -> np.ndarray:
        return gate_matrix(qml.ops.functions.bind_new_parameters(op, [t]))

    generator = generator_of(("at zero", operation_key(op)), op, unitary(0.0))
    if generator is None:
        return None
    words = [qml.pauli.string_to_pauli_word(w, dict(zip(op.wires, range(len(w)), strict=True))) for w in
             generator.words.strings()]  # fmt: skip
    turned = qml.exp(qml.dot(generator.coefficients.real, words), -1j * value)
    return [turned, qml.QubitUnitary(unitary(0.0), wires=op.wires)]


def _as_fixed(op: Operator) -> Gate | None:
    if len(op.wires) > limits.GENERATOR_WIRES or not op.has_matrix:
        return None
    key = operation_key(op)
    # a large fixed gate is kept only where it is Clifford, and costs nothing
    if len(op.wires) > limits.MATRIX_WIRES and tableau_of(key, op) is None:
        return None
    return Gate(op, "fixed", key=key)


def _fixed_matrix(op: Operator) -> Gate | None:
    """A gate given by an array (QubitUnitary and its like): fixed while it is small."""
    # a scalar parameter means a rotation that was not recognised, not a fixed gate
    if not all(np.ndim(qml.math.toarray(d)) >= 1 for d in op.data) or not op.has_matrix:
        return None
    if len(op.wires) > limits.MATRIX_WIRES:
        return None
    matrix = np.asarray(qml.math.toarray(qml.matrix(op, wire_order=op.wires)), complex)
    if matrix.ndim != 2:
        return None
    return Gate(op, "fixed", key=("matrix", np.round(matrix, 12).tobytes()))
