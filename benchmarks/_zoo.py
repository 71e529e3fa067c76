"""Circuits of the verdicts' benchmark: what one is, and a generator that draws them from a seed.

Architectures that others bring: layered ansätze with several axes and entanglers, QAOA on random graphs,
Hamiltonian-variational circuits on rings and chains, particle-number circuits, trees, and lists of random
Pauli rotations. Nothing here imports pennylane_wishart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pennylane as qml
from pennylane import numpy as pnp

__all__ = ["Circuit", "draw", "pauli_sum", "rotation_circuit"]


@dataclass(frozen=True)
class Circuit:
    """``body(x)`` queues the gates for a flat ``x`` of ``n_params``; ``source``: where such a circuit is public."""

    name: str
    n: int
    n_params: int
    body: Callable
    observable: qml.operation.Operator
    source: str = ""

    def qnode(self):
        """Return (QNode, zero parameters)."""

        @qml.qnode(qml.device("default.qubit", wires=self.n))
        def circuit(x):
            self.body(x)
            return qml.expval(self.observable)

        return circuit, pnp.zeros(self.n_params, requires_grad=True)


def pauli_sum(terms) -> qml.operation.Operator:
    """Return Σ c·word of ((c, {wire: letter}), …)."""
    words = [qml.prod(*(getattr(qml, a)(q) for q, a in word.items())) for _, word in terms]
    return qml.dot([c for c, _ in terms], words)


def _listed(name, n, gates, n_params, terms) -> Circuit:
    """``gates``: (letters, wires, parameter, factor) for exp(−i·factor·θ/2·word), or a fixed gate of PennyLane."""

    def body(x):
        for kind, wires, parameter, factor in gates:
            if parameter is None:
                getattr(qml, kind)(wires=list(wires))
            else:
                qml.PauliRot(factor * x[parameter], kind, wires=list(wires))

    return Circuit(f"{name} n={n} p={n_params}", n, n_params, body, pauli_sum(terms))


# ---------------------------------------------------------------------- architectures
def _graph(n, rng):
    edges = [(i, j) for i in range(n) for j in range(i) if rng.random() < 0.55]
    return edges or [(1, 0)]


def _observable(n, rng):
    kind = rng.integers(4)
    ring = [(q, (q + 1) % n) for q in range(n if n > 2 else 1)]
    if kind == 0:
        return ((1.0, {0: "Z"}),)
    if kind == 1:
        return (*((1.0, {a: "Z", b: "Z"}) for a, b in ring), *((0.5, {q: "X"}) for q in range(n)))
    if kind == 2:
        return tuple((float(rng.choice([-1, 1])), {a: "Z", b: "Z"}) for a, b in ring)
    return tuple((1.0, {a: s, b: s}) for a, b in ring for s in "XYZ")


def layered(n, layers, rng):
    """Rotations about one, two or three axes and a line or ring of CZ or CNOT."""
    axes = str(rng.choice(["Y", "X", "YZ", "XZ", "ZYZ"]))
    entangler, ring = str(rng.choice(["CZ", "CNOT"])), bool(rng.integers(2))
    gates, p = [], 0
    for _ in range(layers):
        for q in range(n):
            for a in axes:
                gates.append((a, (q,), p, 1.0))
                p += 1
        for q in range(n if ring and n > 2 else n - 1):
            gates.append((entangler, (q, (q + 1) % n), None, 0.0))
    return f"layers {axes} {entangler}", gates, p, _observable(n, rng)


def qaoa(n, layers, rng):
    """Cost and mixer of a random graph, one angle each a layer."""
    edges = _graph(n, rng)
    gates = [("Hadamard", (q,), None, 0.0) for q in range(n)]
    for k in range(layers):
        gates += [("ZZ", e, 2 * k, 2.0) for e in edges]
        gates += [("X", (q,), 2 * k + 1, 2.0) for q in range(n)]
    return "QAOA", gates, 2 * layers, tuple((0.5, {a: "Z", b: "Z"}) for a, b in edges)


def variational(n, layers, rng):
    """Hamiltonian-variational: one angle a group of commuting terms."""
    ring = [(q, (q + 1) % n) for q in range(n if n > 2 else 1)]
    heisenberg = bool(rng.integers(2))
    gates, p = [("PauliX", (q,), None, 0.0) for q in range(0, n, 2)] if heisenberg else [], 0
    for _ in range(layers):
        if heisenberg:
            for first in (0, 1):
                gates += [(s + s, e, p, 1.0) for e in ring[first::2] for s in "XYZ"]
                p += 1
        else:
            gates += [("ZZ", e, p, 1.0) for e in ring]
            gates += [("X", (q,), p + 1, 1.0) for q in range(n)]
            p += 2
    terms = [(1.0, {a: s, b: s}) for a, b in ring for s in ("XYZ" if heisenberg else "Z")]
    return "HVA", gates, p, (*terms, *(() if heisenberg else ((1.0, {q: "X"}) for q in range(n))))


def number(n, layers, rng):
    """Hops and phases of a fixed number of particles."""
    gates, p = [("PauliX", (q,), None, 0.0) for q in range(max(1, n // 2))], 0
    for _ in range(layers):
        for q in range(n - 1):
            gates += [("XX", (q, q + 1), p, 0.5), ("YY", (q, q + 1), p, 0.5)]
            p += 1
        for q in range(n):
            gates.append(("Z", (q,), p, 1.0))
            p += 1
    hops = [(0.5, {q: s, q + 1: s}) for q in range(n - 1) for s in "XY"]
    return "number", gates, p, (*hops, *((float(rng.normal()), {q: "Z"}) for q in range(n)))


def tree(n, layers, rng):
    """Pairs merge until one qubit is left."""
    gates, p, left = [], 0, list(range(n))
    while len(left) > 1:
        for a, b in zip(left[::2], left[1::2], strict=False):
            for q in (a, b):
                for s in "YZ":
                    gates.append((s, (q,), p, 1.0))
                    p += 1
            gates.append(("CNOT", (b, a), None, 0.0))
        left = left[::2]
    return "tree", gates, p, ((1.0, {0: "Z"}),)


def rotations(n, layers, rng):
    """Random Pauli words, some parameters shared."""
    count = layers * n
    gates = []
    for k in range(count):
        size = int(rng.integers(1, min(n, 3) + 1))
        wires = tuple(int(q) for q in rng.permutation(n)[:size])
        gates.append(("".join(rng.choice(list("XYZ"), size)), wires, k if rng.random() < 0.8 else max(0, k - 1), 1.0))
    used = sorted({g[2] for g in gates})
    gates = [(g[0], g[1], used.index(g[2]), g[3]) for g in gates]
    return "rotations", gates, len(used), _observable(n, rng)


_KINDS = (layered, layered, qaoa, variational, number, tree, rotations)


def draw(seed: int, largest: int = 6) -> Circuit:
    """Draw a circuit."""
    rng = np.random.default_rng([2028, seed])
    kind = _KINDS[seed % len(_KINDS)]
    n, layers = int(rng.integers(2, largest + 1)), int(rng.integers(1, 5))
    name, gates, n_params, terms = kind(n, layers, rng)
    return _listed(name, n, gates, n_params, terms)


def rotation_circuit(seed: int) -> Circuit:
    """Draw a circuit of random Pauli rotations, on so few qubits that it has about as many as they take."""
    rng = np.random.default_rng([5, seed])
    n, layers = int(rng.integers(1, 4)), int(rng.integers(3, 9))
    name, gates, n_params, terms = rotations(n, layers, rng)
    return _listed(name, n, gates, n_params, terms)
