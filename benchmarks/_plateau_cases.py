"""Circuits in a plateau whose cause is planted: five of each of seven causes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pennylane as qml
from pennylane import numpy as pnp

from pennylane_wishart.conventions import PlateauCause

__all__ = ["planted"]

Gates = Callable[[Any], None]


def planted() -> Iterator[tuple[str, PlateauCause, Any, Any, Any]]:
    """Yield a name, the planted cause, a QNode, its parameters and the law of its angles."""
    for cause, make in MAKERS.items():
        for name, gates, shape, observable, angles in make():
            yield name, cause, *_node(gates, shape, observable), angles


def _node(gates: Gates, shape: tuple[int, ...], observable: Any) -> tuple[Any, Any]:
    def f(w):
        gates(w)
        return qml.expval(observable)

    return qml.QNode(f, qml.device("default.qubit")), pnp.array(np.zeros(shape), requires_grad=True)


def _words(n: int, letter: Any, at: Any = None) -> Any:
    return qml.prod(*[letter(q) for q in (range(n) if at is None else at)])


def _turn(w: Any, n: int, kinds: Any) -> None:
    for i, kind in enumerate(kinds):
        for q in range(n):
            kind(w[i, q], q)


def _ring(n: int, gate: Any) -> None:
    for q in range(n):
        gate([q, (q + 1) % n])


def _chain(n: int, gate: Any) -> None:
    for q in range(n - 1):
        gate([q, q + 1])


def _brick(n: int, k: int, gate: Any) -> None:
    for q in range(k % 2, n - 1, 2):
        gate([q, q + 1])


# ------------------------------------------------------------------ global observables on shallow circuits
def _global() -> Iterator[Any]:
    yield "RY, Z…Z", lambda w: _turn(w, 12, [qml.RY]), (1, 12), _words(12, qml.Z), "uniform"

    def two(w):
        _turn(w[:1], 14, [qml.RY])
        _brick(14, 0, qml.CZ)
        _turn(w[1:], 14, [qml.RY])

    yield "RY CZ RY, X…X", two, (2, 14), _words(14, qml.X), "uniform"
    yield (
        "RX RY, projector",
        lambda w: _turn(w, 12, [qml.RX, qml.RY]),
        (2, 12),
        qml.Projector([0] * 12, range(12)),
        ("uniform"),
    )

    def euler(w):
        _turn(w, 30, [qml.RZ, qml.RY, qml.RZ])
        _brick(30, 0, qml.CNOT)

    yield "Euler angles CNOT, 30 qubits, Y…Y", euler, (3, 30), _words(30, qml.Y), "uniform"
    terms = [_words(12, qml.Z), _words(12, qml.X), _words(12, qml.Z, range(11))]
    yield (
        "RY RX, three global terms",
        lambda w: _turn(w, 12, [qml.RY, qml.RX]),
        (2, 12),
        (qml.dot([0.5, 0.3, 0.7], terms)),
        "uniform",
    )


# ------------------------------------------------------------------ depth
def _deep() -> Iterator[Any]:
    yield (
        "StronglyEntanglingLayers, 10 × 12, Z",
        (lambda w: qml.StronglyEntanglingLayers(w, range(10))),
        (12, 10, 3),
        qml.Z(0),
        "uniform",
    )

    def euler(w):
        for k in range(20):
            _turn(w[k], 11, [qml.RZ, qml.RY])
            _ring(11, qml.CZ)

    yield "RZ RY, ring of CZ, 11 × 20, ZZ", euler, (20, 2, 11), qml.Z(4) @ qml.Z(5), "uniform"

    def brick(w):
        for k in range(30):
            _turn(w[k], 12, [qml.RX, qml.RZ])
            _brick(12, k, qml.CNOT)

    yield "RX RZ bricks, 12 × 30, X", brick, (30, 2, 12), qml.X(6), "uniform"

    def ising(w):
        for k in range(30):
            for q in range(10):
                qml.IsingZZ(w[k, 0, q], [q, (q + 1) % 10])
            _turn(w[k, 1:], 10, [qml.RX, qml.RZ])

    yield (
        "ZZ RX RZ, 10 × 30, Ising",
        ising,
        (30, 3, 10),
        (qml.sum(*[qml.Z(q) @ qml.Z((q + 1) % 10) for q in range(10)])),
        "uniform",
    )

    def mixed(w):
        for k in range(24):
            _turn(w[k], 11, [qml.RX, qml.RY])
            _chain(11, qml.CNOT)

    yield "RX RY, chain of CNOT, 11 × 24, Y", mixed, (24, 2, 11), qml.Y(5), "uniform"


# ------------------------------------------------------------------ entangled inputs
def _scrambler(n: int, layers: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for k in range(layers):
        for q in range(n):
            qml.Rot(*rng.uniform(0, 2 * np.pi, 3), wires=q)
        _brick(n, k, qml.CNOT)


def _inputs() -> Iterator[Any]:
    rng = np.random.default_rng(3)
    for n, kinds, observable in ((11, [qml.RX, qml.RY], qml.Z(0)), (12, [qml.RY], qml.Z(3) @ qml.Z(4))):
        psi = rng.normal(size=2**n) + 1j * rng.normal(size=2**n)
        psi /= np.linalg.norm(psi)

        def haar(w, n=n, psi=psi, kinds=kinds):
            qml.StatePrep(psi, wires=range(n))
            _turn(w, n, kinds)

        yield f"Haar state of {n}", haar, (len(kinds), n), observable, "uniform"

    def layered(w):
        _scrambler(12, 30, 1)
        _turn(w[0], 12, [qml.RY, qml.RZ])
        _brick(12, 0, qml.CZ)
        _turn(w[1], 12, [qml.RY, qml.RX])

    yield "scrambled input of 12, two layers", layered, (2, 2, 12), qml.X(5), "uniform"

    def local(w):
        _scrambler(12, 30, 2)
        _turn(w, 12, [qml.RX, qml.RZ, qml.RX])

    yield "scrambled input of 12, sum of Z", local, (3, 12), qml.sum(*[qml.Z(q) for q in range(12)]), "uniform"

    def real(w):
        psi = np.random.default_rng(8).normal(size=2**12)
        qml.StatePrep(psi / np.linalg.norm(psi), wires=range(12))
        _turn(w[:1], 12, [qml.RY])
        _brick(12, 1, qml.CNOT)
        _turn(w[1:], 12, [qml.RY])

    yield "real random state of 12", real, (2, 12), qml.Z(5), "uniform"


# ------------------------------------------------------------------ noise
def _noisy() -> Iterator[Any]:
    def each(n: int, layers: int, channel: Any, turns: Any, gate: Any) -> Gates:
        def gates(w):
            for k in range(layers):
                _turn(w[k], n, turns)
                for q in range(n):
                    channel(q)
                _brick(n, k, gate)

        return gates

    for name, n, layers, channel, turns, gate, observable in (
        ("depolarising", 5, 6, lambda q: qml.DepolarizingChannel(0.4, q), [qml.RX, qml.RY], qml.CZ, qml.Z(2)),
        ("phase and bit flips", 5, 6, lambda q: (qml.PhaseFlip(0.35, q), qml.BitFlip(0.3, q)), [qml.RY, qml.RX],
         qml.CNOT, qml.Z(2) @ qml.Z(3)),
        ("depolarising, 20 qubits", 20, 4, lambda q: qml.DepolarizingChannel(0.5, q), [qml.RY, qml.RZ], qml.CZ,
         qml.X(9)),
        ("Pauli errors", 6, 5, lambda q: qml.PauliError("Y", 0.42, q), [qml.RX, qml.RZ], qml.CZ, qml.Z(3)),
        ("depolarising, Ising", 6, 8, lambda q: qml.DepolarizingChannel(0.3, q), [qml.RX, qml.RZ], qml.CZ,
         qml.sum(*[qml.Z(q) @ qml.Z(q + 1) for q in range(5)])),
    ):  # fmt: skip
        yield name, each(n, layers, channel, turns, gate), (layers, 2, n), observable, "uniform"


# ------------------------------------------------------------------ commuting generators
def _commuting() -> Iterator[Any]:
    def plus(n: int) -> None:
        for q in range(n):
            qml.Hadamard(q)

    def star(w):
        plus(12)
        for q in range(1, 12):
            qml.IsingZZ(w[q - 1], [0, q])

    yield "star of ZZ", star, (11,), qml.X(0), "uniform"

    def complete(w):
        plus(12)
        for i, (a, b) in enumerate(itertools.combinations(range(12), 2)):
            qml.IsingZZ(w[i], [a, b])

    yield "all ZZ", complete, (66,), qml.X(3), "uniform"

    def cubes(w):
        plus(12)
        for i, (a, b) in enumerate(itertools.combinations(range(1, 12), 2)):
            qml.MultiRZ(w[i], [0, a, b])

    yield "ZZZ", cubes, (55,), qml.X(0), "uniform"

    def flips(w):
        for q in range(1, 13):
            qml.IsingXX(w[q - 1], [0, q])

    yield "star of XX", flips, (12,), qml.Z(0), "uniform"

    def mixed(w):
        plus(12)
        for a in range(11):
            qml.RZ(w[a], a)
            qml.IsingZZ(w[11 + a], [a, 11])
            qml.MultiRZ(w[22 + a], [a, (a + 1) % 11, 11])

    yield "Z, ZZ and ZZZ", mixed, (33,), qml.X(11), "uniform"


# ------------------------------------------------------------------ fixed gates before the measurement
def _measured() -> Iterator[Any]:
    def cliffords(n: int, layers: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        for k in range(layers):
            for q in range(n):
                (qml.Hadamard, qml.S, qml.SX)[rng.integers(3)](q)
            _brick(n, k, qml.CNOT)

    for n, layers, turns, observable in (
        (14, 14, [qml.RX, qml.RY], qml.Z(7)), (40, 30, [qml.RY, qml.RX], qml.X(20)),
        (16, 20, [qml.RY, qml.RZ, qml.RY], qml.Z(3)),
    ):  # fmt: skip

        def scrambled(w, n=n, layers=layers, turns=turns):
            _turn(w, n, turns)
            cliffords(n, layers, n)

        yield f"random Clifford gates, {n} qubits", scrambled, (len(turns), n), observable, "uniform"

    def ladder(w):
        _turn(w, 13, [qml.RX, qml.RY])
        for q in range(12):
            qml.CNOT([q, q + 1])

    yield "ladder of CNOT", ladder, (2, 13), qml.Z(12), "uniform"

    def fixed(w):
        _turn(w, 11, [qml.RY, qml.RX])
        _scrambler(11, 22, 4)

    yield "fixed rotations", fixed, (2, 11), qml.Z(5), "uniform"


# ------------------------------------------------------------------ narrow angles
def _narrow() -> Iterator[Any]:
    def layers(n: int, count: int, turns: Any) -> Gates:
        def gates(w):
            for k in range(count):
                _turn(w[k], n, turns)
                _brick(n, k, qml.CZ)

        return gates

    for n, count, turns, observable, angles in (
        (6, 1, [qml.RX], qml.Z(0), ("normal", 0.01)),
        (8, 2, [qml.RY, qml.RX], qml.Z(3), ("normal", 0.003)),
        (10, 2, [qml.RX, qml.RZ], qml.sum(*[qml.Z(q) for q in range(10)]), ("uniform", -0.02, 0.02)),
        (6, 3, [qml.RY], qml.Z(2) @ qml.Z(3), ("normal", 0.005)),
        (12, 1, [qml.RX, qml.RY], qml.Z(9), ("uniform", -0.01, 0.01)),
    ):
        yield (
            f"{len(turns)} rotations, {n} × {count}, {angles}",
            layers(n, count, turns),
            (count, len(turns), n),
            (observable),
            angles,
        )


MAKERS = {
    PlateauCause.GLOBAL: _global,
    PlateauCause.DEPTH: _deep,
    PlateauCause.INPUT: _inputs,
    PlateauCause.NOISE: _noisy,
    PlateauCause.COMMUTING: _commuting,
    PlateauCause.MEASURED: _measured,
    PlateauCause.ANGLES: _narrow,
}
