"""Circuits that people bring, for the rows of benchmarks/speed.py."""

from __future__ import annotations

from collections.abc import Callable

import networkx as nx
import numpy as np
import pennylane as qml
from pennylane import numpy as pnp

__all__ = [
    "Case",
    "brick",
    "clique",
    "controlled_ring",
    "equivariant",
    "gate_fabric",
    "hydrogen_chain",
    "lithium_hydride",
    "qaoa",
    "real_layers",
    "shared_ladder",
    "so4_tree",
    "uccsd",
    "with_t",
]

Case = tuple[qml.QNode, tuple]


def _qnode(n: int, body: Callable, device: str = "default.qubit", **options) -> qml.QNode:
    return qml.QNode(body, qml.device(device, wires=n), **options)


def _random(*shape: int, seed: int = 0) -> pnp.ndarray:
    return pnp.array(np.random.default_rng(seed).uniform(0, 2 * np.pi, shape), requires_grad=True)


def qaoa(n: int = 8, layers: int = 4) -> Case:
    """MaxCut of a random 3-regular graph, one angle each for cost and mixer."""
    cost, mixer = qml.qaoa.maxcut(nx.random_regular_graph(3, n, seed=1))

    def body(x):
        for q in range(n):
            qml.Hadamard(q)
        for k in range(layers):
            qml.qaoa.cost_layer(x[0, k], cost)
            qml.qaoa.mixer_layer(x[1, k], mixer)
        return qml.expval(cost)

    return _qnode(n, body), (_random(2, layers),)


def with_t(n: int, layers: int = 4) -> Case:
    """Hardware-efficient layers with a fixed T on every wire that no rotation absorbs."""

    def body(x):
        for k in range(layers):
            for q in range(n):
                qml.RX(x[k, q, 0], q)
                qml.RY(x[k, q, 1], q)
                qml.T(q)
            for q in range(n):
                qml.CNOT([q, (q + 1) % n])
        return qml.expval(qml.Z(0))

    return _qnode(n, body), (_random(layers, n, 2),)


def controlled_ring(n: int, layers: int = 3) -> Case:
    """RY on every qubit and a ring of CRX, the parity of all qubits."""

    def body(x):
        for k in range(layers):
            for q in range(n):
                qml.RY(x[k, q, 0], q)
            for q in range(n):
                qml.CRX(x[k, q, 1], [q, (q + 1) % n])
        return qml.expval(qml.prod(*(qml.Z(q) for q in range(n))))

    return _qnode(n, body), (_random(layers, n, 2),)


def shared_ladder(n: int, p: int) -> Case:
    """Each parameter turns a different axis of every qubit, then the qubits are entangled."""

    def body(x):
        for k in range(p):
            for q in range(n):
                (qml.RX, qml.RY, qml.RZ)[(k + q) % 3](x[k], q)
            for q in range(n - 1):
                qml.CNOT([q, q + 1])
        return qml.expval(qml.Z(0))

    return _qnode(n, body), (_random(p),)


def clique(n: int = 4, layers: int = 2) -> Case:
    """Maximum clique with bit-flip mixers."""
    graph = nx.gnp_random_graph(n, 0.6, seed=3)
    cost, _ = qml.qaoa.max_clique(graph, constrained=True)
    mixer = qml.qaoa.bit_flip_mixer(nx.complement(graph), 0)

    def body(x):
        for k in range(layers):
            qml.qaoa.cost_layer(x[0, k], cost)
            qml.qaoa.mixer_layer(x[1, k], mixer)
        return qml.expval(cost)

    return _qnode(n, body), (_random(2, layers),)


def uccsd(symbols: list[str], geometry: list[float], electrons: int, orbitals: int) -> Case:
    """UCCSD from the Hartree–Fock state."""
    molecule = qml.qchem.Molecule(symbols, np.array(geometry).reshape(-1, 3))
    hamiltonian, n = qml.qchem.molecular_hamiltonian(
        molecule, active_electrons=electrons, active_orbitals=orbitals, method="dhf"
    )
    singles, doubles = qml.qchem.excitations(electrons, n)
    s_wires, d_wires = qml.qchem.excitations_to_wires(singles, doubles)
    reference = qml.qchem.hf_state(electrons, n)

    def body(x):
        qml.UCCSD(x, range(n), s_wires, d_wires, reference)
        return qml.expval(hamiltonian)

    return _qnode(n, body), (_random(len(singles) + len(doubles)),)


def hydrogen_chain() -> Case:
    """Four hydrogen atoms on a line, eight qubits."""
    return uccsd(["H"] * 4, [0, 0, 0, 0, 0, 1.8, 0, 0, 3.6, 0, 0, 5.4], 4, 4)


def lithium_hydride() -> Case:
    """Two electrons in five orbitals, ten qubits."""
    return uccsd(["Li", "H"], [0, 0, 0, 0, 0, 3.0], 2, 5)


def gate_fabric(layers: int, n: int = 8) -> Case:
    """Quantum-number-preserving fabric at half filling, differentiated by parameter shift."""
    state = np.array([1] * (n // 2) + [0] * (n // 2))
    terms = [qml.Z(q) @ qml.Z(q + 1) for q in range(n - 1)] + [qml.Z(q) for q in range(n)]
    weights = np.random.default_rng(2).normal(size=len(terms))

    def body(x):
        qml.GateFabric(x, range(n), state, include_pi=True)
        return qml.expval(qml.dot(weights, terms))

    return _qnode(n, body, diff_method="parameter-shift"), (_random(layers, *qml.GateFabric.shape(1, n)[1:]),)


_CELLS = {"corners": (0, 2, 6, 8), "edges": (1, 3, 5, 7), "middle": (4,)}
_LINES = {
    "outer": ((0, 1), (1, 2), (2, 5), (5, 8), (7, 8), (6, 7), (3, 6), (0, 3)),
    "inner": ((1, 4), (5, 4), (7, 4), (3, 4)),
    "diagonal": ((0, 4), (2, 4), (8, 4), (6, 4)),
}


def equivariant(layers: int = 2, n: int = 9) -> Case:
    """Noughts and crosses: gates shared by the symmetry of the board (nine qubits)."""
    game = [1, -1, 0, 0, 1, 0, -1, 0, 0]

    def body(x):
        for k in range(layers):
            for q in range(n):
                qml.RX(2 * np.pi / 3 * game[q], q)
            i = iter(range(9))
            for cells in _CELLS.values():
                a, b = next(i), next(i)
                for q in cells:
                    qml.RX(x[k, a], q)
                    qml.RY(x[k, b], q)
            for pairs in _LINES.values():
                a = next(i)
                for pair in pairs:
                    qml.CRY(x[k, a], pair)
        return qml.expval(qml.dot([0.25] * 4, [qml.Z(q) for q in _CELLS["corners"]]))

    return _qnode(n, body), (_random(layers, 9),)


def so4_tree(n: int = 8) -> Case:
    """A convolutional tree of SO(4) blocks, weights shared in a layer."""

    def block(x, a, b):
        qml.RY(x[0], a)
        qml.RY(x[1], b)
        qml.CNOT([a, b])
        qml.RY(x[2], a)
        qml.RY(x[3], b)
        qml.CNOT([a, b])
        qml.RY(x[4], a)
        qml.RY(x[5], b)

    def body(x):
        left, k = list(range(n)), 0
        while len(left) > 1:
            for a, b in [*zip(left[::2], left[1::2], strict=True), *zip(left[1::2], left[2::2], strict=False)]:
                block(x[k], a, b)
            left, k = left[::2], k + 1
        return qml.expval(qml.Z(0))

    return _qnode(n, body), (_random(int(np.log2(n)), 6),)


def brick(n: int = 8, layers: int = 4) -> Case:
    """Rotations about two axes and alternating CZ."""

    def body(x):
        for k in range(layers):
            for q in range(n):
                qml.RZ(x[k, q, 0], q)
                qml.RY(x[k, q, 1], q)
            for q in range(k % 2, n - 1, 2):
                qml.CZ([q, q + 1])
        return qml.expval(qml.Z(n // 2))

    return _qnode(n, body, "lightning.qubit"), (_random(layers, n, 2),)


def real_layers(n: int, projector: bool) -> Case:
    """RY layers and CZ, and a projector on |0…0⟩."""

    def body(x):
        for k in range(2):
            for q in range(n):
                qml.RY(x[k, q], q)
        if projector:
            return qml.expval(qml.Projector([0] * n, range(n)))
        return qml.expval(qml.Z(0))

    return _qnode(n, body, "lightning.qubit"), (_random(2, n),)
