"""Circuits that people bring, each with what is asked of it: the rows of benchmarks/speed.py.

A row makes its circuit outside the clock and returns what is timed; the first call of PennyLane's own lazy
imports is outside too.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import networkx as nx
import numpy as np
import pennylane as qml
from pennylane import numpy as pnp

from pennylane_wishart import public as pw
from pennylane_wishart.circuit import normal_form
from pennylane_wishart.variances import moments_of

__all__ = ["ROWS", "Row", "Figure"]

Case = tuple[qml.QNode, tuple]


@dataclass(frozen=True)
class Figure:
    """One number beside its goal."""

    name: str
    value: float
    goal: float
    unit: str = "s"
    note: str = ""
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether the goal is reached."""
        return self.value >= self.goal if self.at_least else self.value <= self.goal


@dataclass(frozen=True)
class Row:
    """One row: what is run in a process of its own, and the most memory that the process may take."""

    run: Callable[[], list[Figure]]
    megabytes: float = 1000.0


def _clock(function: Callable, *args):
    begin = time.process_time()
    out = function(*args)
    return out, time.process_time() - begin


def _qnode(n: int, body: Callable, device: str = "default.qubit", **options) -> qml.QNode:
    return qml.QNode(body, qml.device(device, wires=n), **options)


def _random(*shape: int, seed: int = 0) -> pnp.ndarray:
    return pnp.array(np.random.default_rng(seed).uniform(0, 2 * np.pi, shape), requires_grad=True)


# ---------------------------------------------------------------------- circuits
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


# ---------------------------------------------------------------------- what is asked
def predicted(make: Callable[[], Case], goal: float, printed: bool = False) -> Callable[[], list[Figure]]:
    """Signature and prediction, printed where the row says so."""

    def run() -> list[Figure]:
        qnode, args = make()
        circuit = normal_form(qnode)(*args)
        sig, first = _clock(lambda: pw.signature(circuit, progress=False))
        pred, second = _clock(lambda: pw.predict(sig, progress=False))
        third = _clock(str, pred)[1] if printed else 0.0
        note = f"signature {first:.2f}, predict {second:.2f}" + (f", print {third:.2f}" if printed else "")
        return [Figure("signature + predict", first + second + third, goal, note=f"{note}; {pred.moments.engine}")]

    return run


def moments(make: Callable[[], Case], goal: float) -> Callable[[], list[Figure]]:
    """Second moments at the circuit's own depth."""

    def run() -> list[Figure]:
        qnode, args = make()
        circuit = normal_form(qnode)(*args)
        found, seconds = _clock(lambda: moments_of(circuit, seed=1))
        live = ~found.dead
        error = found.gradient_variance_error[live] / found.gradient_variance[live]
        note = (
            f"{found.engine}; median relative error {np.nanmedian(error):.2g}; only bounds {int(np.isnan(error).sum())}"
        )
        return [Figure("variances", seconds, goal, note=note)]

    return run


def diagnosed(make: Callable[[], Case], goal: float) -> Callable[[], list[Figure]]:
    """A whole default diagnosis, printed."""

    def run() -> list[Figure]:
        qnode, args = make()
        diag, seconds = _clock(lambda: pw.diagnose(qnode, progress=False)(*args))
        _, printing = _clock(str, diag)
        note = f"printing {printing:.2f}; {diag.prediction.moments.engine}"
        return [Figure("diagnosis", seconds + printing, goal, note=note)]

    return run


def minima_law() -> list[Figure]:
    """A law of minima that no verdict rests on."""
    qnode, args = brick()
    diag, seconds = _clock(lambda: pw.diagnose(qnode, progress=False, run=False, descent_budget=0)(*args))
    _, printing = _clock(str, diag)
    law, law_seconds = _clock(lambda: diag.prediction.find("minima"))
    return [
        Figure("diagnosis without measuring, printed", seconds + printing, 3.0),
        Figure("the law itself, where it is asked for", law_seconds, 3.0, note=type(law).__name__),
    ]


def classified() -> list[Figure]:
    """Algebras of Pauli words; goals: PauLie's times for the same words, measured on this kind of core."""
    from pennylane_wishart.algebra import classify

    n = 32
    ising = ["I" * q + "ZZ" + "I" * (n - q - 2) for q in range(n - 1)] + [
        "I" * q + "X" + "I" * (n - q - 1) for q in range(n)
    ]
    n = 5
    full = ["I" * q + a + "I" * (n - q - 1) for q in range(n) for a in "XZ"]
    full += ["I" * q + "ZZ" + "I" * (n - q - 2) for q in range(n - 1)]
    out = []
    for name, words, goal in (("32-qubit Ising words", ising, 4.4), ("su(2^5) words", full, 0.8)):
        found = classify(words)
        # one clock around many calls: processor time is counted in steps of some milliseconds
        _, seconds = _clock(lambda words=words: [classify(words) for _ in range(200)])
        out.append(Figure(f"classify, {name}", 1e3 * seconds / 200, goal, "ms", found.name))
    return out


def gradients(n: int, samples: int) -> Callable[[], list[Figure]]:
    """Samples of gradients beside a plain loop over qml.grad on the same device."""

    def run() -> list[Figure]:
        qnode, args = brick(n, 3)
        fast = qml.QNode(qnode.func, qnode.device, diff_method="adjoint")
        rng = np.random.default_rng(1)
        draws = [pnp.array(rng.uniform(0, 2 * np.pi, args[0].shape), requires_grad=True) for _ in range(samples)]
        qml.grad(fast)(draws[0])
        _, plain = _clock(lambda: [qml.grad(fast)(x) for x in draws])
        circuit = normal_form(fast)(*args)
        pw.measure(circuit, samples=2, progress=False)()
        _, two = _clock(lambda: pw.measure(circuit, samples=2, seed=1, progress=False)())
        _, more = _clock(lambda: pw.measure(circuit, samples=samples + 2, seed=1, progress=False)())
        ours, name = max(more - two, 1e-9) / samples, f"gradients at {n} qubits, plain / ours"
        gates = len(qml.workflow.construct_tape(fast)(*args).operations)
        note = _bandwidth(n, gates, draws[0].size, ours)
        return [Figure(name, plain / samples / ours, 2.0, "x", note, at_least=True)]

    return run


def _bandwidth(n: int, gates: int, params: int, seconds: float) -> str:
    """Say how fast an adjoint sweep moves state vectors, beside a copy of as many numbers.

    Every gate is read and written by the forward state, and by both states on the way back; every parameter copies a
    state, turns the copy and reads it beside the other one.
    """
    state = np.ones(2**n, complex)
    other = np.empty_like(state)
    repeats = max(10, 2**26 >> n)
    _, copied = _clock(lambda: [np.copyto(other, state) for _ in range(repeats)])
    moved = (3 * 2 * gates + 3 * 2 * params) * state.nbytes
    copy = 2 * repeats * state.nbytes / max(copied, 1e-9)
    share = moved / seconds / copy
    return (
        f"{seconds:.3g} s a gradient of ours moves {moved / seconds / 1e9:.1f} GB/s of state vectors of "
        f"{state.nbytes / 2**20:.0f} MB; a plain copy {copy / 1e9:.1f} GB/s, {share:.0%} of it: no code could be "
        f"more than {1 / share:.1f} times as fast without fewer passes"
    )


def ratio(n: int) -> Callable[[], list[Figure]]:
    """A whole default diagnosis in plain gradients of the same circuit."""

    def run() -> list[Figure]:
        qnode, args = brick(n)
        qml.grad(qnode)(*args)
        _, plain = _clock(lambda: [qml.grad(qnode)(*args) for _ in range(5)])
        diag, seconds = _clock(lambda: pw.diagnose(qnode, progress=False)(*args))
        _, printing = _clock(str, diag)
        return [Figure(f"diagnosis at {n} qubits, in gradients", 5 * (seconds + printing) / plain, 300, "x")]

    return run


ROWS: dict[str, Row] = {
    "qaoa 8": Row(predicted(qaoa, 3.0), 700),
    "T 12": Row(predicted(lambda: with_t(12), 10.0)),
    "T 16": Row(predicted(lambda: with_t(16), 10.0)),
    "crx 6": Row(moments(lambda: controlled_ring(6), 0.5)),
    "crx 8": Row(moments(lambda: controlled_ring(8), 1.0)),
    "crx 10": Row(moments(lambda: controlled_ring(10), 2.0)),
    "crx 12": Row(moments(lambda: controlled_ring(12), 3.0)),
    "shared 2": Row(predicted(lambda: shared_ladder(2, 6), 0.5)),
    "shared 3": Row(predicted(lambda: shared_ladder(3, 8), 0.5)),
    "clique 4": Row(predicted(clique, 1.0)),
    "uccsd H4": Row(predicted(hydrogen_chain, 4.0, printed=True), 700),
    "uccsd LiH": Row(predicted(lithium_hydride, 8.0, printed=True), 700),
    "fabric 1": Row(diagnosed(lambda: gate_fabric(1), 0.5)),
    "fabric 3": Row(diagnosed(lambda: gate_fabric(3), 5.0)),
    "equivariant 9": Row(predicted(equivariant, 5.0)),
    "so4 tree 8": Row(predicted(so4_tree, 5.0)),
    "minima law": Row(minima_law),
    "projector 10": Row(diagnosed(lambda: real_layers(10, True), 5.0)),
    "classify": Row(classified),
    "gradients 16": Row(gradients(16, 20)),
    "gradients 20": Row(gradients(20, 3)),
    "ratio 8": Row(ratio(8)),
    "ratio 10": Row(ratio(10)),
    "ratio 12": Row(ratio(12)),
}
