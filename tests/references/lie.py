"""Random QNodes whose module is small, to be run on wishart.lie and, as oracle, on default.qubit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pennylane as qml


@dataclass(frozen=True)
class Drawn:
    """A quantum function of one array of angles, and the angles."""

    family: str
    n: int
    function: Callable
    plain: Callable
    """The same circuit without exponentials of sums, which default.qubit gets wrong at large angles."""
    angles: np.ndarray


CLIFFORDS = (
    (qml.Hadamard, 1), (qml.S, 1), (qml.SX, 1), (qml.X, 1), (qml.Y, 1), (qml.Z, 1),
    (qml.CNOT, 2), (qml.CZ, 2), (qml.CY, 2), (qml.SWAP, 2), (qml.ISWAP, 2), (qml.ECR, 2),
)  # fmt: skip
FIXED = ((qml.T, 1), (qml.CH, 2), (qml.Toffoli, 3), (qml.CSWAP, 3), (qml.CCZ, 3), (qml.SISWAP, 2))
DRIVEN = (
    (qml.RX, 1), (qml.RY, 1), (qml.RZ, 1), (qml.PhaseShift, 1), (qml.IsingXX, 2), (qml.IsingYY, 2),
    (qml.IsingZZ, 2), (qml.IsingXY, 2), (qml.CRX, 2), (qml.CRZ, 2), (qml.ControlledPhaseShift, 2),
    (qml.SingleExcitation, 2), (qml.MultiRZ, 3), (qml.DoubleExcitation, 4), (qml.CRY, 2),
)  # fmt: skip


def _word(rng, n: int):
    """A random word that is not the identity."""
    while True:
        letters = rng.choice(list("IXYZ"), n)
        if set(letters) != {"I"}:
            return qml.pauli.string_to_pauli_word("".join(letters))


def _sum(rng, n: int):
    return qml.dot(rng.uniform(-1, 1, 3), [_word(rng, n) for _ in range(3)])


def _prepare(rng, n: int) -> list:
    """Operations that prepare a basis, product, stabiliser or given state."""
    kind = rng.integers(4)
    if kind == 0:
        return [qml.BasisState(rng.integers(0, 2, n), range(n))]
    if kind == 1:
        return [op(a, q) for q in range(n) for op, a in zip((qml.RY, qml.RZ), rng.uniform(0, 6, 2), strict=True)]
    if kind == 2:
        return [qml.Hadamard(0), *(qml.CNOT([q, q + 1]) for q in range(n - 1))]
    vector = rng.standard_normal(2**n) + 1j * rng.standard_normal(2**n)
    return [qml.StatePrep(vector / np.linalg.norm(vector), range(n))]


def _finish(rng, family: str, n: int, layers: list, observables: list, prepare=True) -> Drawn:
    """Build the functions: layers are (gate maker, parameter index or None, plain gate maker)."""
    first = _prepare(rng, n) if prepare else []
    size = 1 + max((layer[1] for layer in layers if layer[1] is not None), default=0)

    def run(x, which):
        for op in first:
            qml.apply(op)
        for layer in layers:
            make, k = layer[which], layer[1]
            make() if k is None else make(x[k])
        return tuple(qml.expval(o) for o in observables)

    def function(x):
        return run(x, 0)

    def plain(x):
        return run(x, -1 if family == "symmetric" else 0)

    return Drawn(family, n, function, plain, rng.uniform(-3, 3, size))


def _at(gate, wires) -> Callable:
    return lambda *angle: gate(*angle, wires=wires)


def tfim(rng) -> Drawn:
    """Transverse-field Ising, open or closed chain, each gate with its own angle."""
    n = int(rng.integers(3, 9))
    bonds = [(i, i + 1) for i in range(n - 1)] + ([(n - 1, 0)] if rng.integers(2) else [])
    layers, k = [], 0
    for _ in range(int(rng.integers(1, 4))):
        for gate, places in ((qml.IsingZZ, bonds), (qml.RX, [(i,) for i in range(n)])):
            for wires in places:
                layers.append((_at(gate, wires), k))
                k += 1
    site = int(rng.integers(n - 1))
    hamiltonian = qml.sum(*(qml.Z(a) @ qml.Z(b) for a, b in bonds), *(0.7 * qml.X(i) for i in range(n)))
    choices = [qml.X(site), qml.Z(site) @ qml.Z(site + 1), hamiltonian, qml.Z(0), qml.Y(site) @ qml.Y(site + 1)]
    picked = [choices[i] for i in rng.choice(len(choices), 2, replace=False)]
    return _finish(rng, "TFIM", n, layers, picked)


def xy(rng) -> Drawn:
    """XX and YY bonds as separate rotations, and RZ on some sites."""
    n = int(rng.integers(3, 7))
    layers, k = [], 0
    field = bool(rng.integers(2))
    for _ in range(int(rng.integers(1, 4))):
        for i in range(n - 1):
            for gate in (qml.IsingXX, qml.IsingYY):
                layers.append((_at(gate, (i, i + 1)), k))
                k += 1
        if field:
            for i in range(n):
                layers.append((_at(qml.RZ, (i,)), k))
                k += 1
    return _finish(rng, "XY", n, layers, [qml.Z(int(rng.integers(n))), qml.Y(0) @ qml.X(1)])


def xxz(rng) -> Drawn:
    """Hopping and interaction from a state of one or two excitations."""
    n = int(rng.integers(3, 6))
    layers: list = [(_at(qml.X, (int(q),)), None) for q in rng.choice(n, int(rng.integers(1, 3)), replace=False)]
    k = 0
    for _ in range(2):
        for i in range(n - 1):
            for gate in (qml.IsingXY, qml.IsingZZ):
                layers.append((_at(gate, (i, i + 1)), k))
                k += 1
        for i in range(n):
            layers.append((_at(qml.RZ, (i,)), k))
            k += 1
    return _finish(rng, "XXZ", n, layers, [qml.Z(0), qml.X(0) @ qml.X(1) + qml.Y(0) @ qml.Y(1)], prepare=False)


def symmetric(rng) -> Drawn:
    """Sums over all sites and all pairs, one angle each: PennyLane's evolve, or shared angles."""
    n = int(rng.integers(3, 6))
    x = qml.sum(*(qml.X(i) for i in range(n)))
    zz = qml.sum(*(qml.Z(i) @ qml.Z(j) for i in range(n) for j in range(i)))
    pairs = [(i, j) for i in range(n) for j in range(i)]

    def bonds(t):
        for wires in pairs:
            qml.IsingZZ(2 * t, wires)

    def field(t):
        for i in range(n):
            qml.RX(2 * t, i)

    layers: list = []
    for layer in range(3):
        if rng.integers(2):
            layers.append((lambda t: qml.evolve(zz, t), 2 * layer, bonds))
            layers.append((lambda t: qml.exp(x, -1j * t), 2 * layer + 1, field))
        else:
            layers += [(bonds, 2 * layer, bonds), (field, 2 * layer + 1, field)]
    return _finish(rng, "symmetric", n, layers, [zz, qml.Z(0)])


def mixed(rng) -> Drawn:
    """Random rotations with Clifford gates and fixed gates of higher levels between them."""
    n = int(rng.integers(4, 6))
    layers, k = [], 0
    for _ in range(int(rng.integers(8, 20))):
        kind = rng.integers(6)
        table = CLIFFORDS if kind < 3 else FIXED if kind == 3 else DRIVEN
        gate, width = table[rng.integers(len(table))]
        wires = tuple(int(q) for q in rng.choice(n, width, replace=False))
        layers.append((_at(gate, wires), k if kind > 3 else None))
        k += kind > 3
    rot = tuple(int(q) for q in rng.choice(n, 1))
    layers.append((lambda t: qml.Rot(t, 0.3, 2 * t, wires=rot), k))
    layers.append((lambda t: qml.adjoint(qml.PauliRot(t, "XYZ", wires=[0, 1, 2])), k + 1))
    return _finish(rng, "mixed", n, layers, [_sum(rng, n), qml.Projector([1, 0], [0, 2]), qml.Z(1)])


FAMILIES = (tfim, xy, xxz, symmetric, mixed)


def drawn(count: int, seed: int) -> list[Drawn]:
    """Return ``count`` random QNode functions, the families in turn."""
    rng = np.random.default_rng(seed)
    return [FAMILIES[i % len(FAMILIES)](rng) for i in range(count)]
