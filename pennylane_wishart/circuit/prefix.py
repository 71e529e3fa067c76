"""Fixed gates before the first trainable one → input state, kept as small as it is."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import pennylane as qml
import stim

from pennylane_wishart.circuit.expand import Gate
from pennylane_wishart.circuit.gate_matrices import gate_matrix, tableau_of, tableau_of_matrix
from pennylane_wishart.circuit.states import DenseBlock, InputState, StabilizerBlock
from pennylane_wishart.conventions import circuit as limits
from pennylane_wishart.errors import UnsupportedCircuitError

__all__ = ["build_state", "split_prefix"]


Part = list[tuple[Gate, list[int]]]
"""Gates of one block with their qubits in it."""


def _tableau(gate: Gate) -> stim.Tableau | None:
    if gate.kind == "state" or len(gate.op.wires) > limits.GENERATOR_WIRES:
        return None
    if gate.kind == "rotation":
        return tableau_of_matrix(gate_matrix(gate.op)) if len(gate.op.wires) <= limits.TABLE_QUBITS else None
    return tableau_of(gate.key, gate.op)


class _Blocks:
    """Wires grouped by what has entangled them; a block is stabiliser or dense."""

    def __init__(self, n: int) -> None:
        self.block_of = list(range(n))
        self.qubits: dict[int, list[int]] = {q: [q] for q in range(n)}
        self.clifford: dict[int, bool] = dict.fromkeys(range(n), True)

    def touched(self, targets: Sequence[int]) -> list[int]:
        return list(dict.fromkeys(self.block_of[q] for q in targets))

    def merge(self, targets: Sequence[int], clifford: bool) -> int:
        ids = self.touched(targets)
        keep = ids[0]
        for b in ids[1:]:
            self.qubits[keep] += self.qubits.pop(b)
            self.clifford[keep] &= self.clifford.pop(b)
        for q in self.qubits[keep]:
            self.block_of[q] = keep
        self.clifford[keep] &= clifford
        return keep


def split_prefix(gates: Sequence[Gate], index: Mapping[Hashable, int], n: int, entangle: bool = True) -> int:
    """Return how many of the leading fixed gates go into the input state.

    A Clifford tail that would entangle a non-stabiliser state is left out: conjugating it
    away is free, and the state stays a product. With ``entangle=False`` no Clifford tail may
    entangle anything. Blocks never grow beyond 20 qubits.
    """
    tableaux = [_tableau(g) for g in gates]
    # up to the last gate that is no Clifford everything belongs to the state
    last = max((i for i, t in enumerate(tableaux) if t is None), default=-1)
    blocks = _Blocks(n)
    for i, gate in enumerate(gates):
        targets = [index[w] for w in gate.op.wires]
        ids = blocks.touched(targets)
        clifford = tableaux[i] is not None
        stays_stabilizer = clifford and all(blocks.clifford[b] for b in ids)
        grown = sum(len(blocks.qubits[b]) for b in ids)
        # behind the last non-Clifford gate a Clifford can go either way: it goes where words stay short
        if i > last and len(ids) > 1 and not (stays_stabilizer and entangle):
            return i
        # a dense block of more qubits cannot be held: the rest of the prefix stays in the circuit
        if not stays_stabilizer and grown > limits.STATE_QUBITS:
            return i
        blocks.merge(targets, clifford)
    return len(gates)


def build_state(gates: Sequence[Gate], index: Mapping[Hashable, int], n: int) -> InputState:
    """Apply the prefix to |0…0⟩, block by block."""
    blocks = _Blocks(n)
    members: dict[int, list[int]] = {}
    for i, gate in enumerate(gates):
        keep = blocks.touched([index[w] for w in gate.op.wires])
        # gates of merged blocks, in the order in which they act
        merged = sorted({j for b in keep for j in members.pop(b, [])} | {i})
        root = blocks.merge([index[w] for w in gate.op.wires], _tableau(gate) is not None)
        members[root] = merged
    out: list[DenseBlock | StabilizerBlock] = []
    for root, qubits in blocks.qubits.items():
        qubits = sorted(qubits)
        local = {q: i for i, q in enumerate(qubits)}
        part = [(gates[i], [local[index[w]] for w in gates[i].op.wires]) for i in members.get(root, [])]
        # a single qubit is cheaper as two amplitudes
        if blocks.clifford[root] and len(qubits) > 1:
            out.append(_stabilizer_block(part, qubits))
        else:
            out.append(_dense_block(part, qubits))
    return InputState(n, tuple(sorted(out, key=lambda b: b.qubits)))


def _stabilizer_block(part: Part, qubits: Sequence[int]) -> StabilizerBlock:
    tableau = stim.Tableau(len(qubits))
    for gate, targets in part:
        tableau.append(_tableau(gate), targets)
    return StabilizerBlock(tuple(qubits), tableau)


def _dense_block(part: Part, qubits: Sequence[int]) -> DenseBlock:
    k = len(qubits)
    vector = np.zeros((2,) * k, complex)
    vector[(0,) * k] = 1.0
    for gate, targets in part:
        if gate.kind == "state":
            vector = _prepare(gate, targets, vector)
            continue
        matrix = gate_matrix(gate.op).reshape((2,) * (2 * len(targets)))
        m = len(targets)
        # on the block alone: its size, not that of the circuit, decides the cost
        vector = np.tensordot(matrix, vector, axes=(range(m, 2 * m), targets))
        vector = np.moveaxis(vector, range(m), targets)
    flat = vector.reshape(-1)
    return DenseBlock(tuple(qubits), flat / np.linalg.norm(flat))


def _prepare(gate: Gate, targets: Sequence[int], vector: np.ndarray) -> np.ndarray:
    """A preparation replaces its wires, which must still be |0…0⟩."""
    rest = np.moveaxis(vector, targets, range(len(targets)))
    if not np.isclose(np.linalg.norm(rest[(0,) * len(targets)]), 1.0, atol=limits.PREPARED):
        raise UnsupportedCircuitError(
            f"{gate.op.name} prepares wires that other gates have already changed: put it first."
        )
    state = np.asarray(qml.math.toarray(gate.op.state_vector()), complex).reshape((2,) * len(targets))
    out = np.multiply.outer(state, rest[(0,) * len(targets)])
    return np.moveaxis(out, range(len(targets)), targets)
