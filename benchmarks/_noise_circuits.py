"""Circuits and noise that benchmarks/noise.py asks of the package and of plugins."""

from __future__ import annotations

import pennylane as qml

__all__ = ["bricks", "brickwork", "hidden", "layered", "small_qnode"]


def hidden(rates: tuple, one: tuple, zero: tuple, measured: type) -> qml.NoiseModel:
    """Depolarising and damping behind every gate, readout errors before what is measured."""

    def behind(op: qml.operation.Operator, **_: object) -> None:
        p, gamma = rates[len(op.wires) > 1]
        for w in op.wires:
            qml.DepolarizingChannel(p, w)
            qml.AmplitudeDamping(gamma, w)

    def before(op: qml.measurements.MeasurementProcess, **_: object) -> None:
        for w in op.wires:
            qml.ResetError(zero[w], one[w], w)

    gates = qml.BooleanFn(lambda op: op.name in ("RX", "RY", "RZ", "CNOT"))
    return qml.NoiseModel({gates: behind}, meas_map={qml.noise.meas_eq(measured): before})


def small_qnode(n: int, layers: int, ring: bool, device: qml.devices.Device) -> qml.QNode:
    """Return RX, RZ and CNOTs along a chain or a ring."""
    bonds = [(q, (q + 1) % n) for q in range(n if ring and n > 2 else n - 1)]

    @qml.qnode(device)
    def circuit(x):
        for layer in x:
            for q in range(n):
                qml.RX(layer[q, 0], q)
                qml.RZ(layer[q, 1], q)
            for bond in bonds:
                qml.CNOT(bond)
        return qml.expval(qml.Z(0) @ qml.Z(1))

    return circuit


def layered(n: int, layers: int, p: float, channel: type = qml.DepolarizingChannel) -> qml.tape.QuantumScript:
    """Three rotations a qubit and a chain of CNOTs a layer, a channel behind every gate."""
    ops: list[qml.operation.Operator] = []
    trainable, at = [], 0

    def noise(*wires: int) -> None:
        nonlocal at
        for w in wires if p else ():
            ops.append(channel(p, w))
            at += 1

    for _ in range(layers):
        for q in range(n):
            for gate in (qml.RZ, qml.RY, qml.RZ):
                trainable.append(at)
                ops.append(gate(0.1, q))
                at += 1
                noise(q)
        for q in range(n - 1):
            ops.append(qml.CNOT([q, q + 1]))
            noise(q, q + 1)
    return qml.tape.QuantumScript(ops, [qml.expval(qml.Z(n // 2))], trainable_params=trainable)


def brickwork(n: int, layers: int, p: float) -> qml.tape.QuantumScript:
    """RY and RX on every qubit and CZ on alternating bonds, depolarising noise behind every gate."""
    ops: list[qml.operation.Operator] = []
    trainable, at = [], 0
    for layer in range(layers):
        bonds = [(q, q + 1) for q in range(layer % 2, n - 1, 2)]
        for gate, *wires in (*((g, q) for q in range(n) for g in (qml.RY, qml.RX)), *((qml.CZ, *b) for b in bonds)):
            if gate is not qml.CZ:
                trainable.append(at)
                at += 1
            ops.append(qml.CZ(wires) if gate is qml.CZ else gate(0.1, wires[0]))
            for w in wires:
                ops.append(qml.DepolarizingChannel(p, w))
                at += 1
    return qml.tape.QuantumScript(ops, [qml.expval(qml.Z(n // 2))], trainable_params=trainable)


def bricks(n: int, depth: int) -> qml.QNode:
    """Return RY and RX on every qubit and CZ on alternating bonds, on a simulator of density matrices."""

    @qml.qnode(qml.device("default.mixed", wires=n))
    def circuit(x):
        for layer in range(depth):
            for q in range(n):
                qml.RY(x[layer, q, 0], q)
                qml.RX(x[layer, q, 1], q)
            for q in range(layer % 2, n - 1, 2):
                qml.CZ([q, q + 1])
        return qml.expval(qml.Z(n // 2))

    return circuit
