"""Random noisy circuits of PennyLane operations: every channel, any place."""

from __future__ import annotations

import numpy as np
import pennylane as qml


def one_wire_channels(rng):
    p = lambda most=0.3: float(rng.uniform(0.01, most))  # noqa: E731
    t1 = rng.uniform(50, 150)
    unitary = np.linalg.qr(rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4)))[0]
    kraus = [unitary[:2, :2], unitary[2:, :2]]
    return {
        "DepolarizingChannel": lambda w: qml.DepolarizingChannel(p(), w),
        "BitFlip": lambda w: qml.BitFlip(p(), w),
        "PhaseFlip": lambda w: qml.PhaseFlip(p(), w),
        "PhaseDamping": lambda w: qml.PhaseDamping(p(), w),
        "AmplitudeDamping": lambda w: qml.AmplitudeDamping(p(), w),
        "GeneralizedAmplitudeDamping": lambda w: qml.GeneralizedAmplitudeDamping(p(), p(0.9), w),
        "ThermalRelaxationError": lambda w: qml.ThermalRelaxationError(p(0.4), t1, t1 * rng.uniform(0.3, 1.8), 30, w),
        "ResetError": lambda w: qml.ResetError(p(), p(), w),
        "PauliError": lambda w: qml.PauliError(str(rng.choice(list("XYZ"))), p(), w),
        "QubitChannel": lambda w: qml.QubitChannel(kraus, w),
    }


PAULI = ("DepolarizingChannel", "BitFlip", "PhaseFlip", "PhaseDamping", "PauliError", "two PauliError")
EVERY = (*PAULI, "AmplitudeDamping", "GeneralizedAmplitudeDamping", "ThermalRelaxationError", "ResetError",
         "QubitChannel", "two QubitChannel")  # fmt: skip


def channel(rng, name, n):
    """Draw a channel of one kind on random wires."""
    pair = [int(w) for w in rng.permutation(n)[:2]]
    if name == "two PauliError":
        return qml.PauliError("".join(rng.choice(list("XYZ"), 2)), float(rng.uniform(0.01, 0.3)), pair)
    if name == "two QubitChannel":
        full = np.linalg.qr(rng.normal(size=(8, 8)) + 1j * rng.normal(size=(8, 8)))[0]
        return qml.QubitChannel([full[:4, :4], full[4:, :4]], pair)
    return one_wire_channels(rng)[name](pair[0])


def gate(rng, n, rich):
    """Draw a gate; whether it is trainable."""
    kinds = ["rotation"] * 5 + ["clifford"] * 3 + (["fixed", "two", "controlled"] if rich else ["two"])
    kind = rng.choice(kinds)
    w = [int(v) for v in rng.permutation(n)[:2]]
    angle = float(rng.uniform(0, 2 * np.pi))
    if kind == "rotation":
        return rng.choice([qml.RX, qml.RY, qml.RZ])(angle, w[0]), True
    if kind == "two":
        return rng.choice([qml.IsingXX, qml.IsingZZ, qml.IsingYY])(angle, w), True
    if kind == "controlled":
        return rng.choice([qml.CRX, qml.CRY, qml.CRZ])(angle, w), True
    if kind == "fixed":
        return rng.choice([qml.RX, qml.RY])(angle, w[0]), False
    name = rng.choice(["H", "S", "CNOT", "CZ"])
    return {"H": qml.H(w[0]), "S": qml.S(w[0]), "CNOT": qml.CNOT(w), "CZ": qml.CZ(w)}[str(name)], False


def observable(rng, n, terms):
    words = ["".join(rng.choice(list("IXYZ"), n)) for _ in range(terms)]
    words = [w if set(w) != {"I"} else "Z" * n for w in words]
    ops = [qml.pauli.string_to_pauli_word(w, {q: q for q in range(n)}) for w in words]
    return ops[0] if terms == 1 else qml.dot(rng.normal(size=terms), ops)


def draw(seed, n, kinds=EVERY, n_gates=14, noise=0.6, terms=1, rich=True):
    """Return (operations, observable, numbers of the trainable operations)."""
    rng = np.random.default_rng(seed)
    ops, trainable = [], []
    for _ in range(n_gates):
        op, moves = gate(rng, n, rich)
        if moves:
            trainable.append(len(ops))
        ops.append(op)
        if rng.random() < noise:
            ops.append(channel(rng, str(rng.choice(kinds)), n))
    # rotations that mix every qubit at both ends
    for q in range(n):
        trainable.append(len(ops))
        ops.append(qml.RY(0.3, q))
    return ops, observable(rng, n, terms), trainable


def tape_of(ops, obs, trainable):
    """Return a tape whose trainable parameters are the angles of the trainable operations."""
    at = np.cumsum([0, *(len(op.data) for op in ops)])
    return qml.tape.QuantumScript(ops, [qml.expval(obs)], trainable_params=[int(at[i]) for i in trainable])
