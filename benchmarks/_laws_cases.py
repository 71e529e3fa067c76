"""The twelve circuits of benchmarks/laws.py, and their sectors written down by hand.

Nothing here asks pennylane_wishart what the sectors are: a frame of basis states, the field that
the group is over, the input state and the generator of one gate deep inside the circuit.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pennylane as qml
from scipy.linalg import logm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from circuits import CASES, SP8_WORDS, h2_hamiltonian  # noqa: E402
from references.haar import Sector, SpinSector  # noqa: E402

__all__ = ["CASES", "LAWS", "LawCase", "fermi_hubbard"]


@dataclass(frozen=True)
class LawCase:
    """One circuit of the registry beside its independent description."""

    name: str
    kind: str
    wires: int
    prepare: Callable[[], None]
    """Queues what happens before the first trainable gate."""
    gate: Callable[[], qml.operation.Operator]
    """The gate of ``parameter``, at any angle below 1."""
    parameter: int
    """Flat index of a parameter deep inside the circuit."""
    blocks: tuple[tuple[int, tuple[tuple[str, ...], ...]], ...]
    """(β, copies): per sector the basis states of every copy, in one order; () for the whole space."""

    def circuit(self) -> tuple[qml.QNode, tuple]:
        """Return a fresh (QNode, arguments)."""
        return CASES[self.name].make()

    def oracle(self) -> list:
        """Return the dense sectors; losses and gradients add up over them."""
        qnode, args = self.circuit()
        n, tape = self.wires, qml.workflow.construct_tape(qnode)(*args)
        observable = qml.matrix(tape.measurements[0].obs, wire_order=range(n))
        gate, state = self._generator(), self._state()
        if self.kind == "spin factor":
            return [SpinSector(majoranas(n), observable, gate, state)]
        frames = [(beta, frame(copies, n)) for beta, copies in self.blocks]
        return [Sector(f, beta, observable, gate, state) for beta, f in frames]

    def _state(self) -> np.ndarray:
        device = qml.device("default.qubit", wires=self.wires)

        @qml.qnode(device)
        def prepared():
            self.prepare()
            return qml.state()

        return np.asarray(prepared())

    def _generator(self) -> np.ndarray:
        """G of U = exp(−iθG), from the matrix of the gate itself."""
        op = self.gate()
        small = 1j * logm(qml.matrix(op)) / float(op.data[0])
        small = (small + small.conj().T) / 2
        return qml.matrix(qml.Hermitian(small, wires=op.wires), wire_order=range(self.wires))


def frame(copies: tuple[tuple[str, ...], ...], n: int) -> np.ndarray:
    """Basis states as columns (2^n, N, I)."""
    out = np.zeros((2**n, len(copies[0]), len(copies)))
    for i, states in enumerate(copies):
        for k, bits in enumerate(states):
            out[int(bits, 2), k, i] = 1.0
    return out


def majoranas(n: int) -> list[np.ndarray]:
    """The 2n Majorana operators of the chain, Z…ZX and Z…ZY."""
    words = ["Z" * q + p + "I" * (n - q - 1) for q in range(n) for p in "XY"]
    return [qml.matrix(qml.pauli.string_to_pauli_word(w), wire_order=range(n)) for w in words]


def fermi_hubbard(u: float, bonds: int = 1) -> np.ndarray:
    """−t Σ hopping + U Σ n↑n↓ on two sites with t = 1, by Jordan–Wigner on 4 qubits.

    ``bonds=2`` counts the bond between the two sites twice, as a ring of two sites does.
    """
    lower = np.array([[0.0, 1.0], [0.0, 0.0]])

    def annihilator(mode: int) -> np.ndarray:
        out = np.eye(1)
        for q in range(4):
            out = np.kron(out, lower if q == mode else np.diag([1.0, -1.0]) if q < mode else np.eye(2))
        return out

    c = [annihilator(mode) for mode in range(4)]  # site 0 up, down, site 1 up, down
    n = [x.T @ x for x in c]
    hopping = sum(c[a].T @ c[b] + c[b].T @ c[a] for a, b in ((0, 2), (1, 3)))
    return -bonds * hopping + u * (n[0] @ n[1] + n[2] @ n[3])


def every(n: int, tail: str = "") -> tuple[str, ...]:
    """All basis states of n qubits, with more bits behind."""
    return tuple(format(k, f"0{n}b") + tail for k in range(2**n))


def number(n: int, particles: int) -> tuple[str, ...]:
    """Basis states with a given number of ones."""
    return tuple(b for b in every(n) if b.count("1") == particles)


def nothing() -> None:
    """The input is |0…0⟩."""


def whole(beta: int, n: int) -> tuple:
    """One sector, the whole space."""
    return ((beta, (every(n),)),)


def hadamards(*wires: int) -> None:
    """Queue Hadamards."""
    for q in wires:
        qml.Hadamard(q)


def two_of_four() -> None:
    """Queue the input of mixed_sector."""
    qml.Hadamard(0)
    qml.X(1)
    qml.Hadamard(2)


def half_of_a_pair() -> None:
    """Queue the input of su16_entangled."""
    qml.RY(0.9, wires=0)
    qml.CNOT(wires=[0, 4])


def hartree_fock() -> None:
    """Queue the Hartree–Fock state of H₂."""
    qml.BasisState(qml.qchem.hf_state(2, h2_hamiltonian()[1]), wires=range(4))


def bits(*values: int) -> Callable[[], None]:
    """Return a function that queues a basis state."""
    return lambda: qml.BasisState(np.array(values), wires=range(len(values)))


def middle(layers: int, per_layer: int, place: int) -> int:
    """Flat index of a parameter in the middle layer."""
    return layers // 2 * per_layer + place


def rot_y(wire: int) -> Callable[[], qml.operation.Operator]:
    """Return a maker of RY; StronglyEntanglingLayers has RZ RY RZ on every wire."""
    return lambda: qml.RY(0.3, wires=wire)


H2_STATES = ("1100", "1001", "0110", "0011")
LAWS = (
    LawCase("sel_4", "β = 2, Pauli", 4, nothing, rot_y(1), middle(12, 12, 4), whole(2, 4)),
    LawCase("ry_cnot_ring", "β = 1, Pauli", 4, nothing, rot_y(1), middle(20, 4, 1), whole(1, 4)),
    LawCase("sp_8", "β = 4, Pauli", 4, nothing, lambda: qml.PauliRot(0.3, SP8_WORDS[3], wires=range(4)),
            middle(12, 14, 3), whole(4, 4)),
    LawCase("sp_8_hamiltonian", "β = 4, Hamiltonian", 4, nothing,
            lambda: qml.PauliRot(0.3, SP8_WORDS[3], wires=range(4)), middle(12, 14, 3), whole(4, 4)),
    LawCase("spin_factor_5", "spin factor", 5, lambda: hadamards(*range(5)), lambda: qml.IsingXX(0.3, wires=[2, 3]),
            middle(64, 9, 7), ()),
    LawCase("mixed_sector", "three sectors", 4, two_of_four, lambda: qml.IsingZZ(0.3, wires=[1, 2]),
            middle(14, 10, 3), tuple((2, (number(4, k),)) for k in (1, 2, 3))),
    LawCase("su16_projector", "β = 2, projector", 4, nothing, rot_y(1), middle(12, 12, 4), whole(2, 4)),
    LawCase("uccsd_h2_deep", "β = 1, Hamiltonian", 4, hartree_fock,
            lambda: qml.FermionicSingleExcitation(0.3, wires=[0, 1, 2]), middle(16, 3, 0), ((1, (H2_STATES,)),)),
    LawCase("su16_ising", "β = 2, degenerate levels", 4, nothing, rot_y(1), middle(16, 12, 4), whole(2, 4)),
    LawCase("su16_entangled", "β = 2, mixed input", 5, half_of_a_pair, rot_y(1), middle(16, 12, 4),
            ((2, (every(4, "0"), every(4, "1"))),)),
    LawCase("su256_pauli", "β = 2, Pauli, 8 qubits", 8, nothing, rot_y(1), middle(14, 24, 4), whole(2, 8)),
    LawCase("xxz_6", "one sector of seven", 6, bits(0, 1, 0, 0, 1, 0), lambda: qml.IsingXY(0.3, wires=[2, 3]),
            middle(24, 16, 4), ((2, (number(6, 2),)),)),
)  # fmt: skip
