"""Circuits of the benchmark's zoo for models: QAOA on graphs, spins, Hubbard chains, and circuits with traps."""

from __future__ import annotations

import numpy as np
import pennylane as qml
from _zoo import Circuit, pauli_sum
from _zoo_parts import chain, circuit, ising, molecule, projector, ring, some, spin_glass, tfim

__all__ = ["MODELS", "QAOA", "TRAPS"]

_GRAPHS = {
    "ring 5": (5, ring(5)),
    "ring 6": (6, ring(6)),
    "ring 8": (8, ring(8)),
    "ring 10": (10, ring(10)),
    "K4": (4, [(a, b) for a in range(4) for b in range(a)]),
    "K5": (5, [(a, b) for a in range(5) for b in range(a)]),
    "star 6": (6, [(0, k) for k in range(1, 6)]),
    "path 5": (5, chain(5)),
    "prism": (6, [(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3), (0, 3), (1, 4), (2, 5)]),
    "cube": (8, [(a, a ^ 1 << k) for a in range(8) for k in range(3) if a < a ^ 1 << k]),
    "paw": (4, [(0, 1), (1, 2), (2, 0), (2, 3)]),
    "house": (5, [(0, 1), (1, 2), (2, 3), (3, 0), (2, 4), (3, 4)]),
    "Petersen": (10, [*ring(5), *((k, k + 5) for k in range(5)), *((5 + k, 5 + (k + 2) % 5) for k in range(5))]),
}


def _qaoa(graph, layers, weights=None) -> Circuit:
    n, edges = _GRAPHS[graph]
    signs = {None: np.ones, "signs": lambda m: np.sign(some(m, graph))}[weights](len(edges))
    cost = ising(n, edges, signs)

    def body(x):
        for q in range(n):
            qml.Hadamard(q)
        for gamma, beta in x.reshape(layers, 2):
            for w, edge in zip(signs, edges, strict=True):
                qml.IsingZZ(w * gamma, edge)
            for q in range(n):
                qml.RX(beta, q)

    kind = "MaxCut" if weights is None else "±1 MaxCut"
    return circuit(f"QAOA {kind} {graph} x{layers}", n, 2 * layers, body, cost, "demo tutorial_qaoa_maxcut")


def _multi_angle(graph, layers) -> Circuit:
    n, edges = _GRAPHS[graph]
    each = n + len(edges)

    def body(x):
        for q in range(n):
            qml.Hadamard(q)
        for layer in x.reshape(layers, each):
            for angle, edge in zip(layer[n:], edges, strict=True):
                qml.IsingZZ(angle, edge)
            for q in range(n):
                qml.RX(layer[q], q)

    return circuit(f"multi-angle QAOA {graph} x{layers}", n, layers * each, body, ising(n, edges), "arXiv:2109.11455")


def _cover(graph, layers) -> Circuit:
    """Minimum vertex cover, with the cost and mixer layers of qml.qaoa."""
    n, edges = _GRAPHS[graph]
    # 3·Σ(Z + Z' + ZZ') − Σ Z, as qml.qaoa.min_vertex_cover writes it up to a constant
    terms = [t for a, b in edges for t in ((0.75, {a: "Z", b: "Z"}), (0.75, {a: "Z"}), (0.75, {b: "Z"}))]
    cost = pauli_sum([*terms, *((-1.0, {q: "Z"}) for q in range(n))]).simplify()
    mixer = qml.qaoa.x_mixer(range(n))

    def body(x):
        for q in range(n):
            qml.Hadamard(q)
        for gamma, alpha in x.reshape(layers, 2):
            qml.qaoa.cost_layer(2 * gamma, cost)
            qml.qaoa.mixer_layer(alpha, mixer)

    return circuit(f"QAOA vertex cover {graph} x{layers}", n, 2 * layers, body, cost, "demo tutorial_qaoa_intro")


def _xy_mixer(n, ones, layers, seed=11) -> Circuit:
    """Choose a fixed number of assets: cost with fields, mixer of hops on a ring."""
    cost = spin_glass(n, seed, 1.0)
    pairs = [(a, b) for a in range(n) for b in range(a)]
    rng = np.random.default_rng([4, seed])
    couplings = rng.normal(size=len(pairs))

    def body(x):
        for q in range(ones):
            qml.PauliX(2 * q)
        for layer in x.reshape(layers, 2):
            for w, pair in zip(np.round(2 * couplings) / 2, pairs, strict=True):
                qml.IsingZZ(2 * w * layer[0], pair)
            for pair in ring(n):
                qml.IsingXY(layer[1], pair)

    return circuit(f"portfolio XY mixer {n}x{layers} #{seed}", n, 2 * layers, body, cost, "arXiv:1911.00595")


_COVERS = (
    *(("paw", p) for p in (1, 2, 3, 4)),
    *(("house", 2), ("path 5", 2), ("star 6", 2), ("prism", 2), ("K5", 2), ("ring 6", 2)),
)
_PORTFOLIOS = ((6, 3, 3, 11), (4, 2, 2, 2), (5, 2, 3, 4), (6, 3, 2, 6), (6, 3, 2, 8), (6, 3, 3, 9), (5, 2, 2, 7))
"""Qubits, assets, layers, seed."""


def QAOA() -> list[Circuit]:
    """Return QAOA circuits."""
    return [
        *(_qaoa("ring 5", p) for p in (1, 2)),
        *(_qaoa("ring 6", p) for p in (1, 2, 3)),
        *(_qaoa("ring 8", p) for p in (2, 3, 4)),
        _qaoa("ring 10", 4),
        *(_qaoa("K4", p) for p in (1, 2)),
        _qaoa("K5", 2),
        _qaoa("star 6", 2),
        _qaoa("path 5", 2),
        _qaoa("prism", 2),
        _qaoa("prism", 4),
        _qaoa("cube", 3),
        _qaoa("house", 1),
        _qaoa("house", 3),
        _qaoa("Petersen", 2),
        _qaoa("ring 8", 2, "signs"),
        _qaoa("K5", 3, "signs"),
        _qaoa("prism", 3, "signs"),
        _multi_angle("ring 6", 1),
        _multi_angle("K4", 1),
        _multi_angle("prism", 1),
        _multi_angle("house", 2),
        *(_cover(g, p) for g, p in _COVERS),
        *(_xy_mixer(*sizes) for sizes in _PORTFOLIOS),
    ]


# ---------------------------------------------------------------------- spins and fermions
def _xxz(n, layers, delta, groups, periodic=True) -> Circuit:
    """Hamiltonian-variational circuit of an XXZ chain from the Néel state; ``groups``: angles of a layer."""
    edges = ring(n) if periodic else chain(n)
    terms = [(w, {a: s, b: s}) for a, b in edges for s, w in zip("XYZ", (1.0, 1.0, delta), strict=True)]
    each = {"two": 4, "bond": 2 * len(edges)}[groups]

    def body(x):
        for q in range(0, n, 2):
            qml.PauliX(q)
        for layer in x.reshape(layers, each):
            for k, pair in enumerate(edges):
                j = k % 2 if groups == "two" else k
                qml.IsingXY(layer[2 * j], pair)
                qml.IsingZZ(layer[2 * j + 1], pair)

    shape = "ring" if periodic else "chain"
    name = f"XXZ {shape} {n}x{layers} by {groups}"
    return circuit(name, n, layers * each, body, pauli_sum(terms), "arXiv:2008.02941")


def _tfim_hva(n, layers, field, periodic) -> Circuit:
    edges = ring(n) if periodic else chain(n)

    def body(x):
        for q in range(n):
            qml.Hadamard(q)
        for a, b in x.reshape(layers, 2):
            for edge in edges:
                qml.IsingZZ(a, edge)
            for q in range(n):
                qml.RX(b, q)

    name = f"TFIM {'ring' if periodic else 'chain'} {n}x{layers}"
    return circuit(name, n, 2 * layers, body, tfim(n, field, edges), "arXiv:2008.02941")


def _hubbard(layers) -> Circuit:
    hamiltonian, n, _ = molecule("Hubbard dimer")

    def body(x):
        qml.PauliX(0)
        qml.PauliX(1)
        for layer in x.reshape(layers, 2):
            for site in (0, 2):
                qml.IsingZZ(layer[0], [site, site + 1])
            for spin in (0, 1):
                qml.SingleExcitation(layer[1], [spin, spin + 2])

    return circuit(f"Hubbard dimer HVA x{layers}", n, 2 * layers, body, hamiltonian, "arXiv:1507.08969")


def _hardware(n, layers, observable, name, axes="YZ", gate="CZ", source="arXiv:1704.05018", last=True) -> Circuit:
    """Rotations on every qubit and a line of gates, as hardware-efficient circuits have."""
    rounds = layers + last
    p = rounds * n * len(axes)

    def body(x):
        for layer in x.reshape(rounds, len(axes), n)[: layers + last]:
            for axis, row in zip(axes, layer, strict=True):
                for q in range(n):
                    getattr(qml, f"R{axis}")(row[q], q)
            for pair in chain(n):
                getattr(qml, gate)(pair)

    return circuit(f"{name}: R{axes} {gate} {n}x{rounds}", n, p, body, observable, source)


def _matchgates(n, layers) -> Circuit:
    def body(x):
        k = 0
        for layer in range(layers):
            for q in range(layer % 2, n - 1, 2):
                qml.IsingXX(x[k], [q, q + 1])
                qml.IsingYY(x[k + 1], [q, q + 1])
                k += 2
            for q in range(n):
                qml.RZ(x[k], q)
                k += 1

    p = sum(2 * len(range(layer % 2, n - 1, 2)) + n for layer in range(layers))
    edges = chain(n)
    xy = pauli_sum([*((0.5, {a: s, b: s}) for a, b in edges for s in "XY"), *((0.4, {q: "Z"}) for q in range(n))])
    return circuit(f"matchgates {n}x{layers}", n, p, body, xy, "free fermions")


def MODELS() -> list[Circuit]:
    """Return circuits for spins, fermions and molecules."""
    h2, h3, lih = (molecule(k)[0] for k in ("H2", "H3+", "LiH"))
    square = qml.spin.heisenberg("square", [2, 2], [1.0, 1.0, 1.0])
    triangle = qml.spin.heisenberg("triangle", [2, 2], [1.0, 1.0, 1.0])
    annni = pauli_sum([
        *((-1.0, {a: "X", b: "X"}) for a, b in chain(8)),
        *((0.5, {q: "X", q + 2: "X"}) for q in range(6)),
        *((-0.5, {q: "Z"}) for q in range(8)),
    ])  # fmt: skip
    cluster = pauli_sum([(-1.0, {q: "X", (q + 1) % 5: "Z", (q + 4) % 5: "Z"}) for q in range(5)])
    return [
        _xxz(4, 2, 1.0, "two"),
        _xxz(6, 3, 1.0, "two"),
        _xxz(6, 2, 0.5, "bond"),
        _xxz(8, 2, 1.0, "two"),
        _xxz(4, 2, 0.5, "bond", periodic=False),
        _xxz(6, 2, 1.0, "two", periodic=False),
        _tfim_hva(4, 2, 1.0, False),
        _tfim_hva(6, 3, 1.0, True),
        _tfim_hva(6, 2, 0.5, False),
        _tfim_hva(8, 4, 1.0, True),
        _tfim_hva(10, 2, 1.5, True),
        _hubbard(1),
        _hubbard(3),
        _hardware(4, 2, h2, "H2"),
        _hardware(6, 1, h3, "H3+"),
        _hardware(10, 1, lih, "LiH", axes="Y", gate="CNOT"),
        _hardware(4, 2, square, "square"),
        _hardware(4, 3, triangle, "triangle", axes="Y"),
        _hardware(5, 1, cluster, "cluster"),
        _hardware(8, 2, annni, "ANNNI", axes="Y", source="demo tutorial_annni"),
        _hardware(12, 1, tfim(12, 1.0), "TFIM", axes="Y"),
        _matchgates(4, 3),
        _matchgates(6, 2),
    ]


# ---------------------------------------------------------------------- circuits with traps
def _product(n, seed, gates=False) -> Circuit:
    """One angle a qubit for a spin glass (mean field); ``gates``: a line of CNOT behind."""

    def body(x):
        for q in range(n):
            qml.RY(x[q], q)
        for pair in chain(n) if gates else ():
            qml.CNOT(pair)

    name = "RY and CNOT" if gates else "mean field"
    return circuit(f"{name}, spin glass {n} #{seed}", n, n, body, spin_glass(n, seed), "variational QUBO solvers")


def _partition(n, seed, layers) -> Circuit:
    """Number partitioning, (Σ a Z)² without its constant."""
    numbers = np.random.default_rng([6, seed]).integers(1, 12, n)
    pairs = [(a, b) for a in range(n) for b in range(a)]
    cost = ising(n, pairs, [2.0 * numbers[a] * numbers[b] for a, b in pairs])
    return _hardware(n, layers, cost, f"partition #{seed}", axes="Y", source="variational QUBO solvers")


def _local_terms(n, layers, seed, gate="CZ") -> Circuit:
    """Shallow RY circuits with ±1 terms on a ring: every term can be met alone (arXiv:2205.05786)."""
    signs = np.random.default_rng([8, seed]).choice([-1.0, 1.0], n)
    source = "arXiv:2205.05786"
    return _hardware(
        n, layers, ising(n, None, signs), f"±1 ring #{seed}", axes="Y", gate=gate, source=source, last=False
    )


def _taught(n, layers, seed, axes="Y", local=False) -> Circuit:
    """Learn a state that the same circuit makes: globally, or qubit by qubit."""
    rounds = layers * n * len(axes)
    target = np.random.default_rng([9, seed]).uniform(0, 2 * np.pi, rounds)

    def make(x):
        for layer in x.reshape(layers, n, len(axes)):
            for q in range(n):
                for k, axis in enumerate(axes):
                    getattr(qml, f"R{axis}")(layer[q, k], q)
            for pair in ring(n):
                qml.CZ(pair)

    def body(x):
        make(x)
        qml.adjoint(make)(target)

    wanted = qml.dot([-1.0 / n] * n, [qml.Z(q) for q in range(n)]) if local else qml.s_prod(-1.0, projector(n))
    kind = "local" if local else "global"
    return circuit(f"taught R{axes} {n}x{layers} {kind} #{seed}", n, rounds, body, wanted, "arXiv:2205.05786")


def TRAPS() -> list[Circuit]:
    """Return circuits that were looked for because half of their descents end high, and some like them that do not."""
    return [
        *(_product(6, s) for s in range(6)),
        *(_product(n, s) for n, s in ((8, 0), (8, 1), (10, 0))),
        *(_product(6, s, True) for s in range(5)),
        *(_product(7, s, True) for s in range(7)),
        *(_product(8, s, True) for s in range(3)),
        *(_partition(n, s, layers) for n, s, layers in ((5, 0, 0), (6, 1, 0), (6, 2, 1), (8, 3, 0))),
        *(_local_terms(n, 1, s, g) for n, s in ((6, 0), (8, 1)) for g in ("CZ", "CNOT")),
        *(_taught(n, layers, s) for n, layers, s in ((4, 2, 0), (6, 2, 1), (6, 3, 2))),
        *(_taught(n, 2, s, "Y", True) for n, s in ((4, 0), (6, 1), (8, 3), (12, 5))),
        _taught(6, 3, 2, "Y", True),
        _taught(6, 2, 1, "YZ", True),
    ]
