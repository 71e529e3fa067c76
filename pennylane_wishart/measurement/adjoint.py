"""Gradients by adjoint differentiation through public doors: device Jacobians, batched kernels."""

from __future__ import annotations

import numpy as np
import pennylane as qml
from pennylane.devices.qubit import apply_operation, create_initial_state
from pennylane.ops.qubit.attributes import diagonal_in_z_basis

from pennylane_wishart.measurement.lightning import UnsupportedRouteError, _map_wires
from pennylane_wishart.measurement.prepare import PreparedCircuit

__all__ = ["BroadcastAdjoint", "DeviceAdjoint"]

_STATE_BYTES = 2**26
"""Working memory of one batch of states; smaller batches stay in cache and are faster."""
_CACHE_BYTES = 2**20


class DeviceAdjoint:
    """The device's own Jacobian on prepared tapes, one tape per point."""

    route = "device-adjoint"

    def __init__(self, device, prepared: PreparedCircuit):
        if prepared.rebuild is not None or prepared.executions != 1:
            raise UnsupportedRouteError("the device splits or reshapes the circuit")
        self._device, self._circuit, self._part = device, prepared, prepared.tapes[0]

    def evaluate(self, gate_values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return losses ``(batch,)`` and gate gradients ``(batch, n_gates)``."""
        values = self._part.values(np.atleast_2d(gate_values))
        losses, slopes = np.empty(len(values)), np.empty(values.shape)
        for row, gates in enumerate(np.atleast_2d(gate_values)):
            tape = self._part.bind(gates)
            if not self._part.positions:
                losses[row] = _scalar(self._device.execute((tape,), self._circuit.config)[0])
                continue
            results, jacobians = self._device.execute_and_compute_derivatives((tape,), self._circuit.config)
            losses[row] = _scalar(results[0])
            slopes[row] = np.asarray(jacobians[0], float).reshape(-1)
        return losses, slopes @ self._part.matrix

    def loss(self, gate_values: np.ndarray) -> np.ndarray:
        """Return losses ``(batch,)`` without gradients."""
        tapes = [self._part.bind(g) for g in np.atleast_2d(gate_values)]
        return np.array([_scalar(r) for r in self._device.execute(tapes, self._circuit.config)])


class BroadcastAdjoint:
    """Adjoint differentiation of many points at once with default.qubit's own kernels.

    Memory is two batches of states whatever the depth, where broadcast backpropagation
    keeps one batch per gate.
    """

    route = "broadcast-adjoint"

    def __init__(self, prepared: PreparedCircuit, wires):
        if prepared.rebuild is not None or prepared.executions != 1:
            raise UnsupportedRouteError("the device splits or reshapes the circuit")
        part = self._part = prepared.tapes[0]
        tape = _map_wires(part.tape, wires)
        self._n = len(wires)
        if self._n > 24:
            raise UnsupportedRouteError("one batch of states would not fit into memory")
        operations = list(tape.operations)
        preparation, index = None, 0
        if operations and isinstance(operations[0], (qml.StatePrep, qml.BasisState)):
            preparation = operations.pop(0)
            index = len(preparation.data)
        self._initial = create_initial_state(range(self._n), preparation)
        column = {p: k for k, p in enumerate(part.positions)}
        self._gates: list[tuple] = []
        for op in operations:
            driven = [column[k] for k in range(index, index + len(op.data)) if k in column]
            index += len(op.data)
            if driven and len(op.data) != 1:
                raise UnsupportedRouteError(f"{op.name} has several parameters")
            generator = _generator(op) if driven else None
            self._gates.append((op, driven[0] if driven else None, generator))
        self._observable = _action(tape.measurements[0].obs)

    @property
    def batch(self) -> int:
        """Number of points simulated at once."""
        return int(max(1, min(_CACHE_BYTES // (16 * 2**self._n), 256)))

    def evaluate(self, gate_values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return losses ``(batch,)`` and gate gradients ``(batch, n_gates)``."""
        values = self._part.values(np.atleast_2d(gate_values))
        parts = [self._adjoint(values[k : k + self.batch]) for k in range(0, len(values), self.batch)]
        losses, slopes = (np.concatenate(x) for x in zip(*parts, strict=True))
        return losses, slopes @ self._part.matrix

    def loss(self, gate_values: np.ndarray) -> np.ndarray:
        """Return losses ``(batch,)`` without gradients."""
        values = self._part.values(np.atleast_2d(gate_values))
        parts = (values[k : k + self.batch] for k in range(0, len(values), self.batch))
        return np.concatenate([_overlap(*self._forward(v)) for v in parts])

    def _forward(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        ket = np.broadcast_to(self._initial, (len(values), *self._initial.shape)).astype(complex)
        for op, k, _ in self._gates:
            ket = _gate(op, ket, None if k is None else values[:, k])
        return _apply(self._observable, ket), ket

    def _adjoint(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        bra, ket = self._forward(values)
        losses, slopes = _overlap(bra, ket), np.empty(values.shape)
        both = np.concatenate([ket, bra])
        left = sum(k is not None for _, k, _ in self._gates)
        for op, k, generator in reversed(self._gates):
            if left == 0:
                break
            if k is not None:
                ket, bra = both[: len(values)], both[len(values) :]
                # d/dθ exp(−iθG)|ψ⟩ = −iG|ψ⟩, so dℓ/dθ = 2 Im ⟨bra|G|ket⟩.
                moved = _apply(generator, ket)
                slopes[:, k] = 2 * np.imag(
                    np.einsum("bi,bi->b", bra.reshape(len(bra), -1).conj(), moved.reshape(len(bra), -1))
                )
                left -= 1
                both = _gate(op, both, -np.tile(values[:, k], 2))
            else:
                both = _gate(qml.adjoint(op, lazy=False), both)
        return losses, slopes


def _gate(op, state: np.ndarray, values: np.ndarray | None = None) -> np.ndarray:
    """Apply a gate (with one value per state) to a batch of states.

    The gate's matrix is PennyLane's; the products are ours where its kernels are slow on batches
    (one wire) or cannot take a batch of angles and of states at once (diagonal gates).
    """
    if values is not None:
        op = qml.ops.functions.bind_new_parameters(op, [values])
    if op.name not in ("PauliX", "PauliZ") and op in diagonal_in_z_basis:
        return _diagonal(np.asarray(op.eigvals()), list(op.wires), state)
    if len(op.wires) == 1 and op.name != "PauliX":
        return _one_wire(np.asarray(op.matrix()), op.wires[0], state)
    return apply_operation(op, state, is_state_batched=True)


def _diagonal(values: np.ndarray, wires: list[int], state: np.ndarray) -> np.ndarray:
    n, k = state.ndim - 1, len(wires)
    tensor = values.reshape(-1, *(2,) * k)
    order = np.argsort(wires)
    tensor = tensor.transpose(0, *(1 + order))
    return state * tensor.reshape(-1, *(2 if w in wires else 1 for w in range(n)))


def _one_wire(matrix: np.ndarray, wire: int, state: np.ndarray) -> np.ndarray:
    batch, n = len(state), state.ndim - 1
    split = state.reshape(batch, 2**wire, 2, 2 ** (n - 1 - wire))
    m = matrix.reshape(-1, 1, 2, 2)
    if split.shape[-1] >= 8:
        return np.matmul(m, split).reshape(state.shape)
    m = m[:, :, :, :, None]
    low, high = split[:, :, 0], split[:, :, 1]
    out = np.empty_like(split)
    out[:, :, 0] = m[:, :, 0, 0] * low + m[:, :, 0, 1] * high
    out[:, :, 1] = m[:, :, 1, 0] * low + m[:, :, 1, 1] * high
    return out.reshape(state.shape)


def _overlap(bra: np.ndarray, ket: np.ndarray) -> np.ndarray:
    return np.real(np.einsum("bi,bi->b", bra.reshape(len(bra), -1).conj(), ket.reshape(len(ket), -1)))


def _scalar(result) -> float:
    return float(np.squeeze(np.asarray(result, float)))


def _generator(op) -> list[tuple[float, list]]:
    """Return G of exp(−iθG) as (coefficient, operators applied in turn)."""
    if not op.has_generator:
        raise UnsupportedRouteError(f"{op.name} has no generator")
    # PennyLane's generator is that of exp(+iθG).
    return [(-c, factors) for c, factors in _action(op.generator())]


def _action(observable) -> list[tuple[float, list]]:
    """Split an operator into products of gates that default.qubit's kernels can apply."""
    if observable.pauli_rep is not None:
        return [
            (float(np.real(c)), [getattr(qml, p)(w) for w, p in word.items()])
            for word, c in observable.pauli_rep.items()
        ]
    if isinstance(observable, (qml.ops.Sum, qml.ops.LinearCombination)):
        coefficients, terms = observable.terms()
        parts = [(float(c), _action(t)) for c, t in zip(coefficients, terms, strict=True)]
        return [(c * d, factors) for c, action in parts for d, factors in action]
    if isinstance(observable, qml.ops.SProd):
        return [(float(observable.scalar) * c, f) for c, f in _action(observable.base)]
    if isinstance(observable, qml.SparseHamiltonian) or len(observable.wires) > 10:
        raise UnsupportedRouteError(f"{observable.name} on {len(observable.wires)} wires has no dense kernel")
    matrix = qml.matrix(observable, wire_order=observable.wires)
    return [(1.0, [qml.QubitUnitary(matrix, observable.wires, unitary_check=False)])]


def _apply(action: list[tuple[float, list]], state: np.ndarray) -> np.ndarray:
    total = None
    for coefficient, factors in action:
        term = state
        for factor in factors:
            term = _gate(factor, term)
        total = coefficient * term if total is None else total + coefficient * term
    return np.zeros_like(state) if total is None else total
