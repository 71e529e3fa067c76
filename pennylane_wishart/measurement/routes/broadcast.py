"""Adjoint differentiation of many points at once, for default.qubit: gates compiled to array kernels.

A gate of one parameter becomes a Pauli word (cos·ψ − i·sin·Pψ) or a spectrum in its own basis, so
that no gate matrix is built while running. States are columns: the batch is the last axis.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from copy import copy
from typing import Any, Self, TypeAlias

import numpy as np
import pennylane as qml
from pennylane.devices.qubit import apply_operation, create_initial_state

from pennylane_wishart.conventions import measurement as limits
from pennylane_wishart.conventions.arrays import Complexes, Floats, Integers
from pennylane_wishart.measurement.routes.adjoint import (
    AdjointRoute,
    UnsupportedRouteError,
    on_numbered_wires,
    only_tape,
)
from pennylane_wishart.measurement.routes.prepare import PreparedCircuit

__all__ = ["BroadcastAdjoint"]

OnStates: TypeAlias = Callable[[Complexes], Complexes]
"""A map of states, columns ``(2**n, batch)``."""


class BroadcastAdjoint(AdjointRoute):
    """ℓ and dℓ/d(gate value) of a batch of points.

    Memory is two batches of states whatever the depth, where broadcast backpropagation
    keeps one batch per gate.
    """

    route = "broadcast-adjoint"

    def __init__(self, prepared: PreparedCircuit, wires: Sequence[Any]) -> None:
        super().__init__(only_tape(prepared))
        part, n = self._part, len(wires)
        self._n = n
        tape = on_numbered_wires(part.tape, wires)
        if n > limits.BATCH_WIRES:
            raise UnsupportedRouteError("one batch of states would not fit into memory")
        operations = list(tape.operations)
        preparation, index = None, 0
        if operations and isinstance(operations[0], (qml.StatePrep, qml.BasisState)):
            preparation = operations.pop(0)
            index = len(preparation.data)
        self._initial = create_initial_state(range(n), preparation).reshape(-1, 1)
        column = {p: k for k, p in enumerate(part.positions)}
        self._gates: list[_Fixed | _WordGate | _SpectralGate] = []
        known: dict[Any, _WordGate | _SpectralGate] = {}
        for op in operations:
            driven = [column[k] for k in range(index, index + len(op.data)) if k in column]
            index += len(op.data)
            if driven and len(op.data) != 1:
                raise UnsupportedRouteError(f"{op.name} has several parameters")
            if not driven:
                self._gates.append(_Fixed(op, n))
                continue
            # layers repeat their gates; what has hyperparameters may differ by them
            key = len(self._gates) if op.hyperparameters else (type(op), tuple(op.wires))
            if key not in known:
                known[key] = _driven_gate(op, n)
            self._gates.append(known[key].on(driven[0]))
        self._observable = _operator(tape.measurements[0].obs, n)

    @property
    def batch(self) -> int:
        """Number of points simulated at once."""
        state = np.dtype(complex).itemsize * 2**self._n
        return int(max(1, min(limits.BATCH_BYTES // state, limits.BATCH_POINTS)))

    def _gradients(self, values: Floats) -> tuple[Floats, Floats]:
        parts = [self._adjoint(values[k : k + self.batch]) for k in range(0, len(values), self.batch)]
        losses, slopes = (np.concatenate(x) for x in zip(*parts, strict=True))
        return losses, slopes

    def _losses(self, values: Floats) -> Floats:
        parts = (self._forward(values[k : k + self.batch]) for k in range(0, len(values), self.batch))
        return np.concatenate([_real_overlap(bra, ket) for bra, ket in parts])

    def _forward(self, values: Floats) -> tuple[Complexes, Complexes]:
        ket = np.repeat(self._initial, len(values), axis=1).astype(complex)
        for gate in self._gates:
            ket = gate.forward(ket, values)
        return self._observable(ket), ket

    def _adjoint(self, values: Floats) -> tuple[Floats, Floats]:
        bra, ket = self._forward(values)
        losses, slopes = _real_overlap(bra, ket), np.empty(values.shape)
        # Kets and bras side by side: every gate is undone on both at once.
        both = np.concatenate([ket, bra], axis=1)
        left = sum(not isinstance(gate, _Fixed) for gate in self._gates)
        for gate in reversed(self._gates):
            # Before the first driven gate nothing is left to differentiate.
            if left == 0:
                break
            left -= not isinstance(gate, _Fixed)
            both = gate.backward(both, values, slopes)
        return losses, slopes


class _Fixed:
    """A gate without a parameter that varies; ``forward`` applies a gate, ``backward`` undoes it on kets and bras."""

    def __init__(self, op: Any, n: int) -> None:
        self._apply, self._unapply = _fixed(op, n), _fixed(qml.adjoint(op, lazy=False), n)

    def forward(self, ket: Complexes, values: Floats) -> Complexes:
        return self._apply(ket)

    def backward(self, both: Complexes, values: Floats, slopes: Floats) -> Complexes:
        return self._unapply(both)


class _Driven:
    """A gate of the parameter in one column of the values."""

    _column = -1

    def on(self, column: int) -> Self:
        """Return the gate driven by another column."""
        out = copy(self)
        out._column = column
        return out


class _WordGate(_Driven):
    """exp(−iθcP) for one Pauli word P."""

    def __init__(self, coefficient: float, word: _Words) -> None:
        self._coefficient, self._word = coefficient, word

    def forward(self, ket: Complexes, values: Floats) -> Complexes:
        angle = self._coefficient * values[:, self._column]
        return _turned(ket, self._word(ket), angle)

    def backward(self, both: Complexes, values: Floats, slopes: Floats) -> Complexes:
        """Read the slope, 2c·Im⟨bra|P|ket⟩, and undo the gate."""
        size = len(values)
        moved = self._word(both)
        overlap = _imaginary_overlap(both[:, size:], moved[:, :size])
        slopes[:, self._column] = 2 * self._coefficient * overlap
        angle = -self._coefficient * values[:, self._column]
        return _turned(both, moved, np.concatenate([angle, angle]))


class _SpectralGate(_Driven):
    """exp(−iθG) for any G on a few wires: phases in the basis where G is diagonal."""

    def __init__(self, matrix: Complexes, wires: list[int], n: int) -> None:
        self._to: OnStates
        self._back: OnStates
        if np.array_equal(matrix, np.diag(np.diag(matrix))):
            self._levels, self._to, self._back = np.real(np.diag(matrix)), _same, _same
        else:
            self._levels, basis = np.linalg.eigh(matrix)
            self._to = _few_wires(basis.conj().T, wires, n)
            self._back = _few_wires(basis, wires, n)
        order = np.argsort(wires)
        shape = tuple(2 if w in wires else 1 for w in range(n))
        self._grid = self._levels.reshape((2,) * len(wires)).transpose(order).reshape(shape)
        self._n = n

    def forward(self, ket: Complexes, values: Floats) -> Complexes:
        return self._back(self._turn(self._to(ket), values[:, self._column]))

    def backward(self, both: Complexes, values: Floats, slopes: Floats) -> Complexes:
        """Read the slope, 2·Im⟨bra|G|ket⟩, and undo the gate."""
        size, angle = len(values), -values[:, self._column]
        both = self._to(both)
        tensor = both[:, :size].reshape(*(2,) * self._n, size)
        moved = (tensor * self._grid[..., None]).reshape(-1, size)
        slopes[:, self._column] = 2 * _imaginary_overlap(both[:, size:], moved)
        return self._back(self._turn(both, np.concatenate([angle, angle])))

    def _turn(self, state: Complexes, angle: Floats) -> Complexes:
        tensor = state.reshape(*(2,) * self._n, -1)
        turned: Complexes = tensor * np.exp(-1j * self._grid[..., None] * angle)
        return turned.reshape(state.shape)


class _Words:
    """Σ c·P over Pauli words that flip the same wires: (Pψ)[i] = phase[i]·ψ[i ⊕ flips]."""

    def __init__(self, words: list[tuple[float, dict[int, str]]], n: int) -> None:
        self._n = n
        self._terms: list[tuple[complex, int]] = []
        for coefficient, word in words:
            bits = {w: 1 << (n - 1 - w) for w in word}
            self.flips = sum(bits[w] for w, p in word.items() if p in "XY")
            signs = sum(bits[w] for w, p in word.items() if p in "YZ")
            self._terms.append((coefficient * (-1j) ** sum(p == "Y" for p in word.values()), signs))
        self._kept = self._arrays() if n <= limits.KEPT_WIRES else None

    def _arrays(self) -> tuple[Integers | None, Complexes]:
        index = np.arange(2**self._n)
        phase = np.zeros((2**self._n, 1), complex)
        for factor, signs in self._terms:
            phase[:, 0] += factor * (1.0 - 2.0 * (np.bitwise_count(index & signs) & 1))
        return (index ^ self.flips if self.flips else None), phase

    def __call__(self, state: Complexes) -> Complexes:
        order, phase = self._kept or self._arrays()
        if order is None:
            return phase * state
        moved = state.take(order, axis=0)
        moved *= phase
        return moved


def _same(state: Complexes) -> Complexes:
    """Leave a state as it is."""
    return state


def _turned(state: Complexes, moved: Complexes, angle: Floats) -> Complexes:
    """Return cos·ψ − i·sin·Pψ, one angle per column."""
    # Products with real numbers cost a third of those with complex ones.
    out = (state.view(float) * np.cos(angle).repeat(2)).view(complex)
    moved *= -1j * np.sin(angle)
    out += moved
    return out


def _real_overlap(bra: Complexes, ket: Complexes) -> Floats:
    """Return Re⟨bra|ket⟩ of each column."""
    return _column_sums(bra.real * ket.real + bra.imag * ket.imag)


def _imaginary_overlap(bra: Complexes, ket: Complexes) -> Floats:
    """Return Im⟨bra|ket⟩ of each column."""
    return _column_sums(bra.real * ket.imag - bra.imag * ket.real)


def _column_sums(values: Floats) -> Floats:
    """Sum columns in an order that does not depend on how many there are: chunks change no bit."""
    return np.asarray(np.ascontiguousarray(values.T).sum(1))


def _driven_gate(op: Any, n: int) -> _WordGate | _SpectralGate:
    if not op.has_generator:
        raise UnsupportedRouteError(f"{op.name} has no generator")
    # PennyLane's generator is that of exp(+iθG).
    generator = op.generator()
    words = generator.pauli_rep
    if words is not None and len(words) == 1:
        [(word, coefficient)] = words.items()
        return _WordGate(-float(np.real(coefficient)), _Words([(1.0, dict(word))], n))
    wires = list(generator.wires)
    if len(wires) > limits.GENERATOR_WIRES:
        raise UnsupportedRouteError(f"the generator of {op.name} acts on {len(wires)} wires")
    # some generators come in single precision (DoubleExcitationPlus), whose entries are exact but not eigenvectors
    return _SpectralGate(-np.asarray(qml.matrix(generator, wire_order=wires), complex), wires, n)


def _fixed(op: Any, n: int) -> OnStates:
    wires = list(op.wires)
    if isinstance(op, qml.Identity) or not wires:
        # A global phase changes neither losses nor slopes.
        return _same
    if len(wires) <= limits.GENERATOR_WIRES:
        return _few_wires(np.asarray(op.matrix()), wires, n)

    def foreign(state: Complexes) -> Complexes:
        # PennyLane has the batch first; a large gate is dear enough for the two transposes.
        tensor = np.moveaxis(state.reshape(*(2,) * n, -1), -1, 0)
        moved = apply_operation(op, tensor, is_state_batched=True)
        return np.asarray(np.moveaxis(moved, 0, -1)).reshape(state.shape)

    return foreign


def _few_wires(matrix: Complexes, wires: list[int], n: int) -> OnStates:
    """Return ``apply(states)`` for a matrix on a few wires, slice by slice of those wires."""
    k = len(wires)
    patterns = list(itertools.product((0, 1), repeat=k))
    at = [tuple(p[wires.index(w)] if w in wires else slice(None) for w in range(n)) for p in patterns]
    rows = [[(j, complex(v)) for j, v in enumerate(row) if abs(v) > limits.ZERO_ENTRY] for row in matrix]

    def apply(state: Complexes) -> Complexes:
        tensor = state.reshape(*(2,) * n, -1)
        out = np.empty_like(tensor)
        for i, row in enumerate(rows):
            target = out[at[i]]
            if not row:
                target[...] = 0
            for number, (j, v) in enumerate(row):
                term = tensor[at[j]] if v == 1 else v * tensor[at[j]]
                if number:
                    target += term
                else:
                    target[...] = term
        return out.reshape(state.shape)

    return apply


def _operator(observable: Any, n: int) -> OnStates:
    """Return ``apply(states)`` for an observable: words grouped by what they flip, or a matrix."""
    if observable.pauli_rep is not None:
        groups: dict[int, list[tuple[float, dict[int, str]]]] = {}
        for word, c in observable.pauli_rep.items():
            flips = sum(1 << w for w, p in word.items() if p in "XY")
            groups.setdefault(flips, []).append((float(np.real(c)), dict(word)))
        parts: list[OnStates] = [_Words(words, n) for words in groups.values()]
    elif isinstance(observable, (qml.ops.Sum, qml.ops.LinearCombination)):
        parts = [_scaled(c, _operator(t, n)) for c, t in zip(*observable.terms(), strict=True)]
    elif isinstance(observable, qml.ops.SProd):
        parts = [_scaled(observable.scalar, _operator(observable.base, n))]
    elif isinstance(observable, qml.SparseHamiltonian) or len(observable.wires) > limits.OBSERVABLE_WIRES:
        raise UnsupportedRouteError(f"{observable.name} on {len(observable.wires)} wires has no dense kernel")
    else:
        wires = list(observable.wires)
        parts = [_few_wires(np.asarray(qml.matrix(observable, wire_order=wires)), wires, n)]

    def apply(state: Complexes) -> Complexes:
        total = np.zeros_like(state)
        for part in parts:
            total += part(state)
        return total

    return apply


def _scaled(factor: Any, part: OnStates) -> OnStates:
    size = float(np.real(factor))
    return lambda state: size * part(state)
