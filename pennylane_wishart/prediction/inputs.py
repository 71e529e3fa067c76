"""Several inputs of one circuit: from states, or from data of the QNode's input argument."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pennylane_wishart.circuit import InputState, RotationCircuit, normal_form
from pennylane_wishart.errors import InputError

__all__ = ["read_inputs"]


def read_inputs(circuit: RotationCircuit, states: Any = None, data: Any = None) -> list[InputState]:
    """Return the input states of a data set, in the circuit's frame.

    Args:
        circuit: the circuit that every input enters.
        states: one :class:`InputState` or a sequence of them, or amplitudes ``(m, 2^n)``; an array of
            another shape is taken as ``data``.
        data: values of the QNode's data argument, ``(m, *shape of one datum)``.
    Raises:
        InputError: if neither or both are given, or they fit no input of this circuit.
    """
    if (states is None) == (data is None):
        raise InputError(
            "Give either states= (InputStates or amplitudes) or data= (values of the QNode's data argument)."
        )
    if data is not None:
        return _encoded(circuit, np.asarray(data, dtype=float))
    # what cannot be amplitudes is taken for data: the user's arrays come without a label
    if isinstance(states, InputState):
        states = [states]
    if isinstance(states, Sequence) and states and all(isinstance(s, InputState) for s in states):
        found = list(states)
    else:
        array = np.atleast_2d(np.asarray(states))
        if array.ndim != 2 or array.shape[1] != 2**circuit.n_qubits:
            return _encoded(circuit, array)
        _refuse_ambiguous(circuit, array)
        found = [InputState.from_vector(v) for v in array.astype(complex)]
    if any(s.n_qubits != circuit.n_qubits for s in found):
        raise InputError(f"Every state must have {circuit.n_qubits} qubits.")
    return found


def _datum_shape(circuit: RotationCircuit) -> tuple[int, ...] | None:
    """Shape of one datum, where the circuit came from a QNode with one data argument."""
    trace = circuit.trace
    if trace is None or trace.qnode is None or len(trace.arguments.data_slots) != 1:
        return None
    slot, arguments = _slot(circuit), trace.arguments
    shape = np.shape(arguments.args[slot] if isinstance(slot, int) else arguments.kwargs[slot])
    return tuple(shape[1:] if trace.batch_size else shape)


def _slot(circuit: RotationCircuit) -> int | str:
    assert circuit.trace is not None
    slot: int | str = circuit.trace.arguments.data_slots[0]
    return slot


def _refuse_ambiguous(circuit: RotationCircuit, array: NDArray[Any]) -> None:
    """Amplitudes and data of the same shape cannot be told apart."""
    if _datum_shape(circuit) == array.shape[1:] and not np.iscomplexobj(array):
        raise InputError(
            f"An array of shape {array.shape} can be amplitudes or data of this QNode: say "
            "states=array.astype(complex) or data=array."
        )


def _encoded(circuit: RotationCircuit, data: NDArray[np.float64]) -> list[InputState]:
    """Read the QNode once per datum; the circuits must differ in their input alone."""
    shape, n = _datum_shape(circuit), circuit.n_qubits
    if shape is None:
        raise InputError(
            f"states need shape (m, {2**n}) or InputStates; got {data.shape}. Data are read only where the circuit "
            "comes from a QNode with exactly one data argument."
        )
    if data.shape == shape:
        data = data[None]
    if data.shape[1:] != shape:
        raise InputError(
            f"data need shape (m, {', '.join(map(str, shape))}), one datum per row, or states (m, {2**n}); "
            f"got {data.shape}."
        )
    return [_encode(circuit, datum, i) for i, datum in enumerate(data)]


def _encode(circuit: RotationCircuit, datum: NDArray[np.float64], index: int) -> InputState:
    trace = circuit.trace
    assert trace is not None
    arguments = trace.arguments
    if trace.batch_size:
        slot = _slot(circuit)
        args = tuple(datum if i == slot else value for i, value in enumerate(arguments.args))
        kwargs = {name: datum if name == slot else value for name, value in arguments.kwargs.items()}
    else:
        args, kwargs = arguments.rebuild(datum.ravel(), arguments.data_slots)
    other: RotationCircuit = normal_form(trace.qnode, argnums=list(arguments.slots))(*args, **kwargs)
    # one law of circuits for all inputs: only what enters before the first trainable gate may differ
    same = (
        other.n_rotations == circuit.n_rotations
        and other.terms.strings() == circuit.terms.strings()
        and np.allclose(other.term_coefficients, circuit.term_coefficients)
        and np.allclose(other.offsets, circuit.offsets)
        and other.observable.words.strings() == circuit.observable.words.strings()
        and np.allclose(other.observable.coefficients, circuit.observable.coefficients)
    )
    if not same:
        raise InputError(
            f"Datum {index} changes more than the input state: the data enter again between trainable gates, or its "
            "angles are Clifford angles that move into the circuit. Pass states= instead."
        )
    return other.state
