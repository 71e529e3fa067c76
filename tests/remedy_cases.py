"""Circuits in trouble, and their losses by dense matrices, for the tests of remedies."""

from __future__ import annotations

import numpy as np
import pennylane as qml
from measured_circuits import node

from pennylane_wishart.circuit import Script, trace_qnode


def ising(n):
    return qml.sum(*(qml.Z(q) @ qml.Z((q + 1) % n) for q in range(n)))


def entanglers(n=3, layers=2):
    """RX and a ring of CNOTs: all generators are words of X and commute."""

    def body(x):
        for row in x:
            for q in range(n):
                qml.RX(row[q], q)
            for q in range(n):
                qml.CNOT([q, (q + 1) % n])

    return node(n, body, qml.Z(0) @ qml.Z(1) + 0.5 * qml.X(2), (layers, n))


def qaoa(n=4, layers=1):
    def body(x):
        for q in range(n):
            qml.H(q)
        for gamma, beta in x:
            for q in range(n):
                qml.IsingZZ(gamma, [q, (q + 1) % n])
            for q in range(n):
                qml.RX(beta, q)

    return node(n, body, ising(n), (layers, 2))


def half_dead():
    def body(x):
        qml.RZ(x[0, 0], 0)
        qml.RX(x[0, 1], 0)
        qml.CNOT([0, 1])
        qml.RY(x[1, 0], 0)
        qml.RX(x[1, 1], 1)

    return node(2, body, qml.Z(1), (2, 2))


def script_of(make, **options):
    return Script.read(trace_qnode(*(lambda c, x: (c, (x,)))(*make(**options))))


class Dense:
    """Loss of a traced circuit by full matrices, gate by gate; gradient by difference quotients."""

    def __init__(self, trace):
        self.trace, self.wires = trace, list(trace.wires)
        self.observable = qml.matrix(trace.observable, wire_order=self.wires)

    def __call__(self, x):
        psi = np.zeros(2 ** len(self.wires), complex)
        psi[0] = 1
        for op in self.trace.bind(x).operations:
            psi = qml.matrix(op, wire_order=self.wires) @ psi
        return float((psi.conj() @ self.observable @ psi).real)


def spin_ring(n=4):
    """Heisenberg couplings on a ring, from a Néel state, which lies in several sectors of the total spin."""
    pairs = [(q, (q + 1) % n) for q in range(n)]

    def body(x):
        for q in range(1, n, 2):
            qml.PauliX(q)
        for a, b in pairs[::2] + pairs[1::2]:
            for k, gate in enumerate((qml.IsingXX, qml.IsingYY, qml.IsingZZ)):
                gate(x[k], [a, b])

    return node(n, body, qml.sum(*(p(a) @ p(b) for a, b in pairs for p in (qml.X, qml.Y, qml.Z))), 3)
