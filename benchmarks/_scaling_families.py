"""Families of QNodes whose scaling is known from theory, and a generator that draws more.

A program is a list of (gate, wires): gates with an angle take the next trainable parameter, and a
star after the name repeats the parameter of the gate before.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pennylane as qml
from pennylane import numpy as pnp

TRAINABLE = ("CRX", "RX", "RY", "RZ", "IsingXX", "IsingYY", "IsingZZ")
Program = list[tuple[str, tuple[int, ...]]]


@dataclass(frozen=True)
class Family:
    """QNodes over n with the scaling that theory gives them."""

    name: str
    plateau: bool | None
    """None for the one made to be ambiguous."""
    source: str
    program: Callable[[int], Program]
    observable: Callable[[int], object]
    angles: object = "uniform"
    """Law of the angles."""

    def make(self, n: int) -> qml.QNode:
        """Return the QNode on n qubits."""
        program, observable = self.program(n), self.observable(n)

        @qml.qnode(qml.device("default.qubit", wires=n))
        def circuit(x):
            for (gate, wires), slot in zip(program, slots(program), strict=True):
                if slot >= 0:
                    getattr(qml, gate.rstrip("*"))(x[slot], wires=wires)
                else:
                    getattr(qml, gate)(wires=wires)
            return qml.expval(observable)

        return circuit

    def args(self, n: int):
        """Return the argument of ``make(n)``."""
        count = max(slots(self.program(n))) + 1
        return pnp.array(np.linspace(0.1, 1.0, count), requires_grad=True)


def slots(program: Program) -> list[int]:
    """Return the parameter of each gate, −1 for none; a starred gate repeats the one before."""
    out, last = [], -1
    for gate, _ in program:
        last += gate in TRAINABLE
        out.append(last if gate.rstrip("*") in TRAINABLE else -1)
    return out


# ---------------------------------------------------------------------- programs
def single(n: int, gates) -> Program:
    """One layer of one-qubit gates."""
    return [(g, (w,)) for w in range(n) for g in gates]


def pairs(n: int, offset: int, ring: bool = False) -> list[tuple[int, int]]:
    """Neighbours of one brick layer; all neighbours of a ring."""
    if ring:
        return [(w, (w + 1) % n) for w in range(n if n > 2 else 1)]
    return [(w, w + 1) for w in range(offset % 2, n - 1, 2)]


def brickwork(n: int, depth: int, gates=("RZ", "RY", "RZ"), entangler="CZ", ring=False) -> Program:
    """Layers of one-qubit gates and entanglers, ended by one-qubit gates."""
    out: Program = []
    for layer in range(depth):
        out += single(n, gates)
        out += [(entangler, p) for p in pairs(n, layer, ring)]
    return out + single(n, gates)


def matchgates(n: int, depth: int) -> Program:
    """XX on every bond and Z on every site, all angles independent: 2n free Majoranas."""
    out: Program = []
    for _ in range(depth):
        out += [("IsingXX", (w, w + 1)) for w in range(n - 1)] + single(n, ("RZ",))
    return out


def tfim(n: int, depth: int) -> Program:
    """The Hamiltonian-variational ansatz of the transverse-field Ising ring, two angles a layer."""
    out: Program = [("Hadamard", (w,)) for w in range(n)]
    for _ in range(depth):
        for gates in ([("IsingZZ", p) for p in pairs(n, 0, ring=True)], single(n, ("RX",))):
            out += [(g if k == 0 else g + "*", w) for k, (g, w) in enumerate(gates)]
    return out


def heisenberg(n: int, depth: int) -> Program:
    """XX, YY, ZZ on every bond and Z on every site from the Néel state."""
    out: Program = [("PauliX", (w,)) for w in range(0, n, 2)]
    for layer in range(depth):
        for p in pairs(n, layer):
            out += [(g, p) for g in ("IsingXX", "IsingYY", "IsingZZ")]
        out += single(n, ("RZ",))
    return out


def tree(n: int, gates=("RZ", "RY")) -> Program:
    """A convolutional circuit: blocks on neighbours, then every second qubit is dropped."""
    out: Program = []
    active = list(range(n))
    while len(active) > 1:
        for start in (0, 1):
            for a, b in zip(active[start::2], active[start + 1 :: 2], strict=False):
                out += [(g, (w,)) for w in (a, b) for g in gates] + [
                    ("IsingXX", (a, b)),
                    ("IsingZZ", (a, b)),
                ]
        active = active[::2]
    return out + [(g, (0,)) for g in gates]


def log_depth(n: int, base: int = 1) -> int:
    """Layers that grow as log2 n."""
    return base + math.ceil(math.log2(n))


# ---------------------------------------------------------------------- observables
def local(n: int):
    """Z in the middle."""
    return qml.Z(n // 2)


def neighbours(n: int):
    """ZZ on the middle bond."""
    return qml.Z(n // 2 - 1) @ qml.Z(n // 2)


def bonds(n: int):
    """The sum of ZZ over the bonds of a ring."""
    return qml.dot([1.0] * n, [qml.Z(a) @ qml.Z(b) for a, b in pairs(n, 0, ring=True)])


def average(n: int):
    """The mean of all Z: a local cost."""
    return qml.dot([1 / n] * n, [qml.Z(w) for w in range(n)])


def parity(n: int):
    """Z on every qubit: a global cost."""
    return qml.prod(*[qml.Z(w) for w in range(n)])


def projector(n: int):
    """|0…0⟩⟨0…0|, the global cost of a compiler, as words: the product of (1 + Z)/2."""
    words = [[w for w in range(n) if (k >> w) & 1] for k in range(1, 2**n)]
    terms = [qml.prod(*[qml.Z(w) for w in word]) if len(word) > 1 else qml.Z(word[0]) for word in words]
    return qml.dot([2.0**-n] * len(terms), terms)


CEREZO = "Cerezo et al., arXiv:2001.00550"
NAMED = (
    Family(
        "global cost, one layer", True, f"{CEREZO}, global cost",
        lambda n: single(n, ("RY",)), parity,
    ),
    Family(
        "deep RY + CZ", True, "McClean et al., arXiv:1803.11173",
        lambda n: brickwork(n, 3 * n, ("RY",)), neighbours,
    ),
    Family(
        "deep RX RY + CZ ring", True, "McClean et al., arXiv:1803.11173",
        lambda n: brickwork(n, 2 * n, ("RX", "RY"), ring=True), local,
    ),
    Family(
        "deep XX YY ZZ Z chain", True, "algebra su(2^(n-1)) twice, arXiv:2309.09342",
        lambda n: heisenberg(n, 3 * n), neighbours,
    ),
    Family(
        "local cost, log depth", False, f"{CEREZO}, local cost",
        lambda n: brickwork(n, log_depth(n), ("RX", "RY")), average,
    ),
    Family(
        "matchgates, deep", False, "algebra so(2n), arXiv:2309.09342",
        lambda n: matchgates(n, 2 * n), local,
    ),
    Family(
        "TFIM ansatz, shared angles", False, "free fermions; Larocca et al., arXiv:2105.14377",
        lambda n: tfim(n, n), bonds,
    ),
    Family(
        "local cost, fixed depth", False, f"{CEREZO}, local cost",
        lambda n: brickwork(n, 3), local,
    ),
)  # fmt: skip

AMBIGUOUS = Family(
    "global cost, narrow angles",
    None,
    "2^(-0.15 n) exactly: over 4 to 12 qubits as good as a power",
    lambda n: single(n, ("RY",)),
    parity,
    ("normal", 0.33),
)


def drawn_families(seed: int, count: int = 8) -> tuple[Family, ...]:
    """Draw families at random; the truth is what theory says of their shape.

    Layered circuits on a line: local observable and depth fixed or ~log n: no plateau; depth ~ n,
    or a global observable: plateau. Free fermions and trees: none.
    """
    rng = np.random.default_rng(seed)
    return tuple(_drawn(rng, k) for k in range(count))


def _drawn(rng: np.random.Generator, number: int) -> Family:
    gates = [("RY",), ("RX", "RY"), ("RZ", "RY"), ("RY", "RX", "RY"), ("RX", "RZ")][rng.integers(5)]
    entangler = ["CZ", "IsingZZ", "CNOT"][rng.integers(3)]
    if gates == ("RY",) and entangler == "IsingZZ":
        entangler = "CZ"  # Y and ZZ alone are free fermions, whose truth depends on the observable
    shape = ["fixed", "log", "linear", "linear", "global", "global", "fermions", "tree"][rng.integers(8)]
    seen = [local, neighbours, average][rng.integers(3)]
    base, factor = int(rng.integers(1, 4)), int(rng.integers(1, 3))
    label = f"{shape}, {'+'.join(gates)}"
    source = "drawn"
    if shape == "fermions":
        label, depth = f"{shape}, depth {factor + 1}n", lambda n: (factor + 1) * n
        made = lambda n: matchgates(n, depth(n))  # noqa: E731
        return Family(f"{number}: {label}", False, source, made, [local, average][base % 2])
    if shape == "tree":
        return Family(f"{number}: {label}", False, source, lambda n: tree(n, gates), lambda n: qml.Z(0))
    if shape == "global":
        # A CNOT would turn the global word into local ones.
        entangler = "CZ" if entangler == "CNOT" else entangler
        depth, seen = (lambda n: base), parity
    else:
        depth = {
            "fixed": lambda n: base,
            "log": lambda n: log_depth(n, base - 1),
            "linear": lambda n: (factor + 1) * n,
        }[shape]
    return Family(
        f"{number}: {label}, {entangler}, {seen.__name__}",
        shape in ("linear", "global"),
        source,
        lambda n: brickwork(n, depth(n), gates, entangler),
        seen,
    )
