"""A compiled program held against the gates it was compiled from: which noise stands behind which gate.

Compilers merge rotations, route, and synthesise runs of gates of one pair of qubits anew, so that angles of what
runs are no affine functions of the parameters. The circuit's own gates are therefore kept, and only the noise is
taken from the program. Both are read as blocks, consecutive gates of one pair; a block is known again by what local
gates and phases leave of it (Makhlin's invariants), with a swap of its qubits or without.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.sparse import csr_array

from pennylane_wishart.circuit.channels import LocalChannel, MachineNoise, readout_channel
from pennylane_wishart.circuit.expand import Gate
from pennylane_wishart.circuit.gate_matrices import gate_matrix
from pennylane_wishart.circuit.traced import TracedCircuit
from pennylane_wishart.conventions import circuit as limits
from pennylane_wishart.errors import UnsupportedCircuitError

__all__ = ["Native", "Program", "with_program"]

_SWAP = np.eye(4, dtype=complex)[[0, 2, 1, 3]]
_MAGIC = np.array([[1, 0, 0, 1j], [0, 1j, 1, 0], [0, 1j, -1, 0], [1, 0, 0, -1j]]) / np.sqrt(2)


@dataclass(frozen=True, eq=False)
class Native:
    """One step of a program: a gate of one or two qubits, or the noise behind it."""

    name: str
    qubits: tuple[int, ...]
    matrix: np.ndarray | None = None
    """Of a gate: unitary ``(2^k, 2^k)``, first qubit leftmost."""
    channel: LocalChannel | None = None
    """Of noise."""


@dataclass(frozen=True, eq=False)
class Program:
    """What a machine runs for one circuit at some angles."""

    natives: tuple[Native, ...]
    start: Mapping[Hashable, int]
    """Qubit of each wire of the circuit before the first gate."""
    readout: Mapping[int, tuple[float, float]]
    """Per qubit: probabilities that 0 is read as 1, and 1 as 0."""
    end: Mapping[Hashable, int] | None = None
    """Qubit that each wire is measured on, where the compiler tells."""


def with_program(trace: TracedCircuit, gates: Sequence[Gate], program: Program) -> TracedCircuit:
    """Return a traced circuit with the noise of a program that was compiled from it.

    Args:
        trace: as the circuit is written.
        gates: its gates at the angles of the program, and behind them those that turn to the measured basis.
        program: what runs.
    Raises:
        UnsupportedCircuitError: where the program cannot be recognised, or gates act on more than two wires.
    """
    steps = _Reader(gates, program).read()
    own = len(trace.gates)
    # noise behind gates that only turn to the measured basis stands behind the last of the circuit's own
    kept = [s for s in steps if isinstance(s, Gate) or s < own]
    order = [s for s in kept if not isinstance(s, Gate)]
    place = np.empty(own, np.int64)
    place[order] = [i for i, s in enumerate(kept) if not isinstance(s, Gate)]
    rows = np.argsort(place[trace.rotations])
    extra = dict.fromkeys(w for s in kept if isinstance(s, Gate) for w in s.op.wires if w not in trace.wires)

    def merged(owned: Sequence[Gate]) -> tuple[Gate, ...]:
        return tuple(s if isinstance(s, Gate) else owned[s] for s in kept)

    return replace(
        trace,
        gates=merged(trace.gates),
        data_gates=tuple(merged(d) for d in trace.data_gates),
        rotations=place[trace.rotations][rows],
        map=csr_array(trace.map[rows]),
        data_map=None if trace.data_map is None else csr_array(trace.data_map[rows]),
        offsets=trace.offsets[rows],
        wires=(*trace.wires, *extra),
    )


@dataclass(eq=False)
class _Block:
    """Consecutive steps of one pair of qubits, from what stands before its first gate of two."""

    qubits: tuple[int, int]
    steps: list[Native] = field(default_factory=list)


class _Reader:
    """Goes through the blocks of a program and takes the circuit's gates along."""

    def __init__(self, gates: Sequence[Gate], program: Program):
        self.gates, self.program = gates, program
        self.label: dict[int, Hashable] = {q: w for w, q in program.start.items()}
        self.matrices: list[np.ndarray] = []
        # numbers of the gates of each wire that are not taken yet, first first
        self.waiting: dict[Hashable, list[int]] = {}
        self.out: list[int | Gate] = []
        if not program.natives:  # only what is read has errors
            self.out += range(len(gates))
            return
        for i, gate in enumerate(gates):
            if len(gate.op.wires) > 2 or gate.kind in ("state", "channel"):
                raise UnsupportedCircuitError(
                    f'noise="device" reads circuits of gates on one or two wires; {gate.op.name} on wires '
                    f"{list(gate.op.wires)} is none: decompose it (qml.decompose), or pass a qml.NoiseModel."
                )
            self.matrices.append(gate_matrix(gate.op))
            for w in gate.op.wires:
                self.waiting.setdefault(w, []).append(i)

    def read(self) -> list[int | Gate]:
        """Return numbers of gates and channels in an order that the circuit may be run in."""
        blocks, tails = _blocks(self.program.natives)
        for block in blocks:
            self._block(block)
        while self._elide(list(self.waiting)):
            pass
        self._leftover()
        for qubit, steps in tails.items():
            if qubit in self.label:
                self._emit(steps, (qubit,), self.waiting.pop(self.label[qubit], []))
        for rest in self.waiting.values():
            self.out += rest
        place = {w: q for q, w in self.label.items()}
        if self.program.end is not None and any(place[w] != q for w, q in self.program.end.items()):
            raise self._unread("its wires end on other qubits than the compiler says")
        for w in self.program.start:
            rates = self.program.readout.get(place[w], (0.0, 0.0))
            if any(rates):
                self.out.append(_gate("readout", readout_channel(*rates), (w,)))
        return self.out

    # ------------------------------------------------------------------ blocks
    def _block(self, block: _Block) -> None:
        labels = tuple(self.label.setdefault(q, f"qubit {q}") for q in block.qubits)
        found = self._match(block, labels)
        while found is None and self._elide(labels):
            labels = tuple(self.label[q] for q in block.qubits)
            found = self._match(block, labels)
        if found is None:
            raise self._unread(f"its gates on qubits {list(block.qubits)} are none of the circuit's")
        taken, swapped = found
        for w in labels:
            self.waiting[w] = [i for i in self.waiting.get(w, []) if i not in taken]
        self._emit(block.steps, block.qubits, taken, swapped)

    def _match(self, block: _Block, labels: tuple[Hashable, ...]) -> tuple[list[int], bool] | None:
        """Return the circuit's gates that a block is made of, most first, and whether it also swaps its qubits."""
        unitary = _product([(s.matrix, s.qubits) for s in block.steps if s.matrix is not None], block.qubits)
        for count in range(self._together(labels), -1, -1):
            taken = self._taken(labels, count)
            own = _product([(self.matrices[i], tuple(self.gates[i].op.wires)) for i in taken], labels)
            for swapped in (False, True):
                if np.allclose(
                    _invariants(unitary), _invariants(_SWAP @ own if swapped else own), atol=limits.SAME_BLOCK
                ):
                    return taken, swapped
        return None

    def _together(self, labels: Sequence[Hashable]) -> int:
        """Number of the next gates of two wires that are of this pair."""
        pairs = [[i for i in self.waiting.get(w, []) if len(self.gates[i].op.wires) == 2] for w in labels]
        same = (a == b for a, b in zip(*pairs, strict=False))
        return next((k for k, equal in enumerate(same) if not equal), min(map(len, pairs)))

    def _taken(self, labels: Sequence[Hashable], count: int) -> list[int]:
        """Numbers of the gates up to the ``count``-th of the pair; before each, those of its wires in turn."""
        out: list[int] = []
        left = [list(self.waiting.get(w, [])) for w in labels]
        for _ in range(count):
            for own in left:
                while len(self.gates[own[0]].op.wires) == 1:
                    out.append(own.pop(0))
            out.append(left[0].pop(0))
            left[1].pop(0)
        return out

    def _elide(self, labels: Sequence[Hashable]) -> bool:
        """Take a swap that the compiler has made a renaming of wires; tell whether there was one."""
        for w in labels:
            ahead = [i for i in self.waiting.get(w, []) if len(self.gates[i].op.wires) == 2][:1]
            pair = tuple(self.gates[ahead[0]].op.wires) if ahead else ()
            if ahead and _same(self.matrices[ahead[0]], _SWAP) and self._together(pair):
                taken = self._taken(pair, 1)
                for x in pair:
                    self.waiting[x] = [i for i in self.waiting[x] if i not in taken]
                self.out += taken
                place = {x: q for q, x in self.label.items()}
                self.label[place[pair[0]]], self.label[place[pair[1]]] = pair[1], pair[0]
                return True
        return False

    def _leftover(self) -> None:
        """Allow only what no measurement of the computational basis sees: compilers drop it."""
        for rest in self.waiting.values():
            for i in rest:
                matrix = self.matrices[i]
                if len(self.gates[i].op.wires) == 2 and not np.allclose(matrix, np.diag(np.diag(matrix))):
                    raise self._unread(f"{self.gates[i].op.name} on wires {list(self.gates[i].op.wires)} is not in it")
        both = sorted({i for rest in self.waiting.values() for i in rest if len(self.gates[i].op.wires) == 2})
        if both:
            # gates before them, and they themselves, in the circuit's order; nothing of them runs
            every = sorted({i for rest in self.waiting.values() for i in rest})
            self.out += every
            self.waiting.clear()

    def _unread(self, why: str) -> UnsupportedCircuitError:
        return UnsupportedCircuitError(
            f"The compiled program is not recognised as the circuit: {why}. Pin the compiler to a lower "
            "optimization_level, or fit a model with pw.fit_noise and pass its .model as noise=."
        )

    # ------------------------------------------------------------------ places of noise
    def _emit(self, steps: Sequence[Native], qubits: tuple[int, ...], taken: list[int], swapped: bool = False) -> None:
        """Append a block's gates with the program's noise between them; its wires swap with its last gate of two.

        Noise stands where both sides have done the same so far; within what was synthesised anew, behind as large a
        part of the gates of two wires as in the program.
        """
        labels = tuple(self.label[q] for q in qubits)
        done = [np.eye(2 ** len(qubits), dtype=complex)]
        for i in taken:
            done.append(_placed(self.matrices[i], tuple(self.gates[i].op.wires), labels) @ done[-1])
        twos = np.cumsum([0, *(len(self.gates[i].op.wires) == 2 for i in taken)])
        total = sum(s.matrix is not None and len(s.qubits) == 2 for s in steps)
        unitary, passed, at, after_two = done[0], 0, 0, False
        for step in steps:
            if step.matrix is not None:
                unitary = _placed(step.matrix, step.qubits, qubits) @ unitary
                after_two = len(step.qubits) == 2
                passed += after_two
                if swapped and after_two and passed == total:
                    self.label.update(zip(qubits, reversed(labels), strict=True))
                continue
            target = next((j for j in range(at, len(done)) if _same(unitary, done[j])), None)
            if target is None:
                wanted = math.ceil(passed * twos[-1] / total) if total else 0
                same = np.flatnonzero(twos == wanted)
                target = max(at, int(same[0] if after_two else same[-1]))
            self.out += taken[at:target]
            at = target
            assert step.channel is not None  # a step is a gate or noise
            self.out.append(_gate(step.name, step.channel, tuple(self.label[q] for q in step.qubits)))
        self.out += taken[at:]


def _blocks(natives: Sequence[Native]) -> tuple[list[_Block], dict[int, list[Native]]]:
    """Split a program into blocks and what stands behind the last block of each qubit."""
    blocks: list[_Block] = []
    pending: dict[int, list[Native]] = {}
    current: dict[int, _Block] = {}
    for step in natives:
        if len(step.qubits) == 1:
            pending.setdefault(step.qubits[0], []).append(step)
            continue
        p, q = step.qubits
        block = current.get(p)
        if block is None or block is not current.get(q):
            block = _Block((p, q))
            blocks.append(block)
            current[p] = current[q] = block
        # in the order that the circuit's own gates are taken in
        block.steps += [*(s for own in block.qubits for s in pending.pop(own, [])), step]
    return blocks, pending


def _gate(name: str, channel: LocalChannel, wires: tuple[Hashable, ...]) -> Gate:
    return Gate(MachineNoise(name, wires), "channel", key=(name, *channel.key), channel=channel)


def _placed(matrix: np.ndarray, own: tuple[Hashable, ...], every: tuple[Hashable, ...]) -> np.ndarray:
    """A gate's matrix on the one or two places of its block."""
    if len(own) == len(every):
        return matrix if own == every else _SWAP @ matrix @ _SWAP
    return np.kron(matrix, np.eye(2)) if own[0] == every[0] else np.kron(np.eye(2), matrix)


def _product(factors: Sequence[tuple[np.ndarray, tuple[Hashable, ...]]], every: tuple[Hashable, ...]) -> np.ndarray:
    out = np.eye(2 ** len(every), dtype=complex)
    for matrix, own in factors:
        out = _placed(matrix, own, every) @ out
    return out


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal up to a phase."""
    return bool(abs(abs(np.vdot(a, b)) / len(a) - 1) < limits.SAME_BLOCK)


def _invariants(unitary: np.ndarray) -> np.ndarray:
    """What gates of single qubits and a phase leave of a gate of two.

    Source: Y. Makhlin, quant-ph/0002045.
    """
    turned = _MAGIC.conj().T @ unitary @ _MAGIC
    square = turned.T @ turned
    trace, det = np.trace(square), np.linalg.det(unitary)
    return np.array([trace**2 / (16 * det), (trace**2 - np.trace(square @ square)) / (4 * det)])
