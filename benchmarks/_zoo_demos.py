"""Circuits of the benchmark's zoo that PennyLane's demos and papers train."""

from __future__ import annotations

import numpy as np
import pennylane as qml
from _zoo import Circuit
from _zoo_parts import chain, circuit, ising, molecule, projector, ring, some, tfim

__all__ = ["DEMOS", "PAPERS"]


def _rotosolve(x):
    qml.RX(x[0], 0)
    qml.RY(x[1], 1)
    qml.CNOT([0, 1])


def _natural_gradient(x):
    for q, angle in enumerate((np.pi / 4, np.pi / 3, np.pi / 7)):
        qml.RY(angle, q)
    for layer in (0, 2):
        qml.RZ(x[layer], 0)
        qml.RZ(x[layer + 1], 1) if layer == 0 else qml.RX(x[layer + 1], 2)
        qml.CNOT([0, 1])
        qml.CNOT([1, 2])


def _variational_classifier(x):
    qml.BasisState(np.array([0, 1, 0, 1]), range(4))
    for layer in x.reshape(2, 4, 3):
        for q in range(4):
            qml.Rot(*layer[q], q)
        for a, b in ring(4):
            qml.CNOT([a, b])


def _transfer(x):
    for q, value in enumerate(some(4, "transfer")):
        qml.Hadamard(q)
        qml.RY(value * np.pi / 2, q)
    for layer in x.reshape(6, 4):
        for a in (0, 2, 1):
            qml.CNOT([a, a + 1])
        for q in range(4):
            qml.RY(layer[q], q)


def _plateau(n, layers, seed):
    axes = np.random.default_rng(seed).choice(["RX", "RY", "RZ"], (layers, n))

    def body(x):
        for q in range(n):
            qml.RY(np.pi / 4, q)
        for layer, kinds in zip(x.reshape(layers, n), axes, strict=True):
            for q in range(n):
                getattr(qml, kinds[q])(layer[q], q)
            for a, b in chain(n):
                qml.CZ([a, b])

    name = f"random gates and CZ {n}x{layers}"
    return circuit(name, n, n * layers, body, qml.Z(0) @ qml.Z(1), "demo tutorial_barren_plateaus")


def _local_cost(n, observable, kind):
    def body(x):
        for q in range(n):
            qml.RX(x[q], q)
            qml.RY(x[n + q], q)
        for a, b in chain(n):
            qml.CNOT([a, b])

    return circuit(f"{kind} cost {n}", n, 2 * n, body, observable, "demo tutorial_local_cost_functions")


def _reuploading(x):
    for layer in x.reshape(4, 2, 2, 3):
        for q in range(2):
            qml.Rot(*some(3, f"point {q}"), q)
            qml.Rot(*layer[q, 0], q)
            qml.Rot(*(layer[q, 1] * some(3, "weights")), q)
        qml.CZ([0, 1])


def _fourier(x):
    for layer in x.reshape(2, 3, 3):
        qml.StronglyEntanglingLayers(layer.reshape(1, 3, 3), range(3))
        for q in range(3):
            qml.RX(0.7, q)


_SQUARE = {"c": (0, 2, 8, 6), "o": (1, 5, 7, 3), "m": (4,)}


def _tic_tac_toe(layers):
    board = np.array([1, -1, 0, 0, 1, 0, -1, 0, 1]) * 2 * np.pi / 3
    edges = [(c, o) for c in _SQUARE["c"] for o in _SQUARE["o"] if abs(c - o) in (1, 3)]

    def body(x):
        for layer in x.reshape(layers, 9):
            for q in range(9):
                qml.RX(board[q], q)
            for k, part in enumerate("com"):
                for q in _SQUARE[part]:
                    qml.RX(layer[2 * k], q)
                    qml.RY(layer[2 * k + 1], q)
            for c, o in edges:
                qml.CRY(layer[6], [c, o])
            for o in _SQUARE["o"]:
                qml.CRY(layer[7], [4, o])
            for c in _SQUARE["c"]:
                qml.CRY(layer[8], [c, 4])

    corners = qml.dot([0.25] * 4, [qml.Z(c) for c in _SQUARE["c"]])
    return circuit(f"tic-tac-toe x{layers}", 9, 9 * layers, body, corners, "demo tutorial_geometric_qml")


def _qcnn(n):
    def convolution(w, a, b):
        for q in (a, b):
            qml.RZ(w[0], q)
            qml.RY(w[1], q)
        qml.IsingXX(w[2], [a, b])
        qml.IsingYY(w[3], [a, b])
        qml.IsingZZ(w[4], [a, b])

    rounds = n.bit_length() - 1

    def body(x):
        for q, value in enumerate(some(n, "image")):
            qml.RX(value, q)
        left = list(range(n))
        for layer in x.reshape(rounds, 7):
            for a, b in [*zip(left[::2], left[1::2], strict=False), *zip(left[1::2], left[2::2], strict=False)]:
                convolution(layer, a, b)
            for a, b in zip(left[::2], left[1::2], strict=False):
                qml.CRZ(layer[5], [a, b])
                qml.CRX(layer[6], [a, b])
            left = left[1::2]

    return circuit(f"QCNN {n}", n, 7 * rounds, body, qml.Z(n - 1), "demo tutorial_learning_few_data")


def _equivariant_graph(n, layers):
    edges = [*ring(n), (0, 2)]

    def body(x):
        for q in range(n):
            qml.Hadamard(q)
        for a, b in x.reshape(layers, 2):
            for edge in edges:
                qml.IsingZZ(a, edge)
            for q in range(n):
                qml.RX(b, q)

    mean = qml.dot([1 / n] * n, [qml.X(q) for q in range(n)])
    return circuit(
        f"equivariant graph {n}x{layers}", n, 2 * layers, body, mean, "demo tutorial_equivariant_graph_embedding"
    )


def _one_double(name):
    hamiltonian, n, electrons = molecule(name)
    singles, doubles = qml.qchem.excitations(electrons, n)

    def body(x):
        qml.BasisState(qml.qchem.hf_state(electrons, n), range(n))
        for k, d in enumerate(doubles):
            qml.DoubleExcitation(x[k], d)

    return circuit(f"doubles {name}", n, len(doubles), body, hamiltonian, "demo tutorial_vqe")


def _givens(x):
    qml.BasisState(np.array([1, 1, 0, 0, 0, 0]), range(6))
    for k, wires in enumerate([[1, 2], [1, 3], [0, 4], [2, 5]]):
        qml.SingleExcitation(x[k], wires)
    for k, wires in enumerate([[0, 1, 2, 3], [0, 1, 4, 5]]):
        qml.DoubleExcitation(x[4 + k], wires)


def DEMOS() -> list[Circuit]:
    """Return circuits of PennyLane's demos."""
    roto = qml.dot([0.5, 0.8, -0.2], [qml.Y(1), qml.Z(0), qml.X(0)])
    zeros = qml.dot([1 / 6] * 6, [qml.Z(q) for q in range(6)])
    h3, _, _ = molecule("H3+")
    return [
        circuit("rotosolve 2", 2, 2, _rotosolve, roto, "demo tutorial_rotoselect"),
        circuit("natural gradient 3", 3, 4, _natural_gradient, qml.Y(0), "demo tutorial_quantum_natural_gradient"),
        circuit(
            "parity classifier 4", 4, 24, _variational_classifier, qml.Z(0), "demo tutorial_variational_classifier"
        ),
        circuit("transfer learning 4", 4, 24, _transfer, qml.Z(0), "demo tutorial_quantum_transfer_learning"),
        circuit("reuploading 2", 2, 48, _reuploading, qml.Z(0), "demo tutorial_data_reuploading_classifier"),
        circuit("Fourier series 3", 3, 18, _fourier, qml.Z(0), "demo tutorial_expressivity_fourier_series"),
        circuit("Givens 6", 6, 6, _givens, h3, "demo tutorial_givens_rotations"),
        _plateau(4, 2, 0),
        _plateau(6, 4, 1),
        _plateau(8, 1, 2),
        _local_cost(6, -projector(6), "global"),
        _local_cost(6, -1.0 * zeros, "local"),
        _tic_tac_toe(1),
        _tic_tac_toe(2),
        _qcnn(4),
        _qcnn(8),
        *(_equivariant_graph(5, layers) for layers in (1, 2, 3)),
        _equivariant_graph(6, 2),
        _equivariant_graph(6, 4),
        _one_double("H2"),
        _one_double("LiH"),
    ]


# ---------------------------------------------------------------------- papers: circuits of arXiv:1905.10876
def _expressive(number, n, layers, observable) -> Circuit:
    """One of the nineteen circuits of arXiv:1905.10876, by its number there."""
    one = {
        1: "XZ",
        2: "XZ",
        3: "XZ",
        4: "XZ",
        9: "HX",
        10: "Y",
        11: "YZ",
        13: "Y",
        14: "Y",
        15: "Y",
        16: "XZ",
        18: "XZ",
    }
    two = {3: "CRZ", 4: "CRX", 13: "CRZ", 14: "CRX", 16: "CRZ", 18: "CRZ"}
    fixed = {2: "CNOT", 9: "CZ", 10: "CZ", 11: "CNOT", 15: "CNOT"}
    pairs = [(a, (a + 1) % n) for a in range(n)] if number in (10, 13, 14, 15, 18) else chain(n)
    axes = one[number]
    each = n * len(axes.replace("H", "")) + (len(pairs) if number in two else 0)

    def body(x):
        for layer in x.reshape(layers, each):
            k = 0
            for axis in axes:
                for q in range(n):
                    if axis == "H":
                        qml.Hadamard(q)
                    else:
                        getattr(qml, f"R{axis}")(layer[k], q)
                        k += 1
            for a, b in pairs:
                if number in two:
                    getattr(qml, two[number])(layer[k], [b, a])
                    k += 1
                elif number in fixed:
                    getattr(qml, fixed[number])([b, a])

    return circuit(f"expressive {number} {n}x{layers}", n, layers * each, body, observable, "arXiv:1905.10876")


def PAPERS() -> list[Circuit]:
    """Return named circuits of papers."""
    return [
        _expressive(1, 4, 1, tfim(4, 1.0)),
        _expressive(2, 4, 1, qml.Z(0)),
        _expressive(3, 4, 1, ising(4)),
        _expressive(4, 4, 1, tfim(4, 0.5)),
        _expressive(9, 4, 2, ising(4)),
        _expressive(10, 6, 1, ising(6)),
        _expressive(11, 4, 2, tfim(4, 1.0)),
        _expressive(13, 4, 1, tfim(4, 1.0)),
        _expressive(14, 4, 2, qml.Z(0)),
        _expressive(15, 5, 2, ising(5)),
        _expressive(16, 6, 1, tfim(6, 1.0)),
        _expressive(18, 4, 1, ising(4)),
    ]
