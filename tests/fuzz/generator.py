"""A seeded generator of random PennyLane QNodes that prints every circuit as a snippet.

A circuit is its own source text: what is run is what is printed, so a failure can be repeated by
hand from the seed or from the snippet alone. Nothing here imports pennylane_wishart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

__all__ = ["Drawn", "draw"]

HEADER = "import pennylane as qml\nfrom pennylane import numpy as np\nimport numpy as onp\n"

LABELS = (
    lambda n: list(range(n)),
    lambda n: ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"][:n],
    lambda n: [7, 2, 11, 5, 0, 3, 20, 9, 14, 1][:n],
    lambda n: ["q0", 3, "aux", 0, 9, "z", 12, "t", 5, "u"][:n],
    lambda n: [2 * q + 1 for q in range(n)],
)

# name -> (wires, arguments)
ONE = {"RX": 1, "RY": 1, "RZ": 1, "PhaseShift": 1, "U1": 1, "Rot": 3, "U2": 2, "U3": 3}
TWO = {
    "CRX": 1, "CRY": 1, "CRZ": 1, "CRot": 3, "ControlledPhaseShift": 1, "IsingXX": 1, "IsingYY": 1, "IsingZZ": 1,
    "IsingXY": 1, "SingleExcitation": 1, "SingleExcitationPlus": 1, "SingleExcitationMinus": 1, "FermionicSWAP": 1,
    "PSWAP": 1,
}  # fmt: skip
FOUR = {"DoubleExcitation": 1, "DoubleExcitationPlus": 1, "DoubleExcitationMinus": 1, "OrbitalRotation": 1}
ANY_POWER = {
    "RX", "RY", "RZ", "PhaseShift", "U1", "MultiRZ", "IsingXX", "IsingYY", "IsingZZ", "IsingXY", "CRX", "CRY", "CRZ",
    "ControlledPhaseShift", "SingleExcitation", "DoubleExcitation", "FermionicSWAP",
}  # fmt: skip
ROOT = {"RX", "RY", "RZ", "MultiRZ", "IsingXX", "IsingYY", "IsingZZ"}
CLIFFORD = ["H 1", "S 1", "X 1", "SX 1", "CNOT 2", "CZ 2", "SWAP 2", "CY 2", "ISWAP 2", "ECR 2"]
NOT_CLIFFORD = [
    "T 1",
    "RX(0.37) 1",
    "RY(1.1) 1",
    "CH 2",
    "CSWAP 3",
    "Toffoli 3",
    "CRY(0.8) 2",
    "IsingXX(0.6) 2",
    "CCZ 3",
]


@dataclass(frozen=True)
class Drawn:
    """One drawn circuit: its source text, and the QNode with its arguments made from it."""

    seed: int
    source: str
    family: str
    n_qubits: int
    tags: frozenset[str]

    @cached_property
    def namespace(self) -> dict:
        """The names that the snippet defines."""
        space: dict = {}
        exec(self.source, space)
        return space

    @property
    def qnode(self):
        """A fresh view of the QNode."""
        return self.namespace["circuit"]

    @property
    def args(self) -> tuple:
        """The QNode's arguments."""
        return self.namespace["args"]

    def __repr__(self) -> str:
        return f"# seed {self.seed}, {self.family}\n{self.source}"


class _Writer:
    """Collects the lines of one QNode."""

    def __init__(self, rng, n, n_params, style, exotic=True):
        self.rng, self.n = rng, n
        self.wires = LABELS[rng.integers(len(LABELS))](n) if rng.random() < 0.5 else list(range(n))
        self.n_params = n_params
        self.names, self.signature, self.arguments = _arguments(rng, n_params, style)
        self.lines: list[str] = []
        self.tags: set[str] = set()
        self.spare = rng.random() < 0.1 and n_params > 1  # the last parameter drives nothing
        self.exotic = exotic

    # ------------------------------------------------------------------ pieces
    def choice(self, items):
        """Draw one item."""
        return items[int(self.rng.integers(len(items)))]

    def w(self, k, pool=None) -> list:
        """Draw k distinct wires."""
        pool = self.wires if pool is None else pool
        return [pool[int(i)] for i in self.rng.permutation(len(pool))[:k]]

    def p(self) -> str:
        """Draw a parameter's name."""
        return self.names[int(self.rng.integers(self.n_params - int(self.spare)))]

    def angle(self, fixed=0.12) -> str:
        """Draw the expression of an angle."""
        u = self.rng.random()
        if u < fixed:
            self.tags.add("fixed angle")
            return self.choice(["0.37", "-1.2", "np.pi / 2", "2.5"])
        name = self.p()
        if u < 0.8 or not self.exotic:
            return name
        self.tags.add("scaled")
        return self.choice([
            f"2 * {name}", f"-{name}", f"{name} / 3 + 0.4", f"{name} + 0.3", f"0.5 * {name}", f"-{name} + 1.1",
            f"{name} + {self.p()}",
        ])  # fmt: skip

    def add(self, line: str) -> None:
        """Append one line."""
        self.lines.append(line)

    # ------------------------------------------------------------------ gates
    def gate(self) -> str:
        """Return the source of one gate with random angles."""
        n, u = self.n, self.rng.random()
        if n >= 4 and u < 0.08:
            name = self.choice(list(FOUR))
            return f"qml.{name}({self.angle()}, wires={self.w(4)})"
        if n >= 2 and u < 0.2:
            k = int(self.rng.integers(1, min(n, 3) + 1))
            if self.rng.random() < 0.4:
                return f"qml.MultiRZ({self.angle()}, wires={self.w(max(k, 2))})"
            word = "".join(self.choice("XYZ") for _ in range(k))
            return f"qml.PauliRot({self.angle()}, {word!r}, wires={self.w(k)})"
        if n >= 2 and u < 0.28:
            return self.exponential()
        table, k = (TWO, 2) if n >= 2 and u < 0.6 else (ONE, 1)
        name = self.choice(list(table))
        angles = ", ".join(self.angle() for _ in range(table[name]))
        return f"qml.{name}({angles}, wires={self.w(k)})"

    def exponential(self) -> str:
        """Return the exponential of a Pauli sum."""
        a, b = self.w(2)
        pairs = [f"qml.{p}({a!r}) @ qml.{q}({b!r})" for p, q in ("XX", "YY", "ZZ", "XZ", "YX")]
        singles = [f"qml.{p}({v!r})" for p in "XYZ" for v in (a, b)]
        kind = self.choice(["word", "commuting", "sum"])
        self.tags.add("exp")
        if kind == "word":
            op = self.choice(pairs + singles)
        elif kind == "commuting":
            op = self.choice([
                f"0.5 * {pairs[0]} + 0.5 * {pairs[1]}", f"0.5 * {pairs[0]} + 0.25 * {pairs[2]} + {pairs[1]}",
                f"{singles[0]} + {singles[1]}", f"0.5 * {singles[4]} - 0.5 * {pairs[2]}",
            ])  # fmt: skip
        else:
            c = self.choice([(1, 1), (0.5, 0.5), (0.7, -0.4)])
            op = f"{c[0]} * {self.choice(pairs)} + {c[1]} * {self.choice(singles)}"
        if self.rng.random() < 0.5:
            return f"qml.evolve({op}, {self.angle(0)})"
        return f"qml.exp({op}, -0.5j * ({self.angle(0)}))"

    def dressed(self) -> str:
        """Return one gate, sometimes inside adjoint, pow or ctrl."""
        source = self.gate()
        u = self.rng.random()
        name = source[4 : source.index("(")]
        if u < 0.06:
            self.tags.add("adjoint")
            return f"qml.adjoint({source})"
        if u < 0.11 and name not in ("exp", "evolve"):
            self.tags.add("pow")
            # default.qubit takes the principal branch of a root: only a sign where all phases are ±θ/2
            return (
                f"qml.pow({source}, {self.choice([2, -1, 0.5 if name in ROOT else -1] if name in ANY_POWER else [2])})"
            )
        if u < 0.18 and self.n >= 2:
            source = self.on_fewer_wires()
            if source is not None:
                self.tags.add("ctrl")
                return source
            source = self.gate()
        return source

    def on_fewer_wires(self) -> str | None:
        """Return a controlled gate whose control is one wire that the gate does not use."""
        control, *rest = self.w(self.n)
        whole, self.wires, self.n = (self.wires, self.n), rest, self.n - 1
        source = self.gate()
        self.wires, self.n = whole
        value = "" if self.rng.random() < 0.6 else ", control_values=[0]"
        if self.rng.random() < 0.15:
            source = f"qml.adjoint({source})"
        return f"qml.ctrl({source}, control={control!r}{value})"

    def fixed(self) -> str:
        """Return a fixed gate, Clifford or not."""
        pool = CLIFFORD if self.rng.random() < 0.6 else NOT_CLIFFORD
        name, k = self.choice([g for g in pool if int(g.split()[1]) <= self.n]).split()
        if pool is NOT_CLIFFORD:
            self.tags.add("not Clifford")
        if "(" in name:
            return f"qml.{name[:-1]}, wires={self.w(int(k))})"
        return f"qml.{name}({self.w(int(k))})"

    # ------------------------------------------------------------------ input states
    def prepare(self) -> None:
        """Write a prepared state, or none."""
        u, n = self.rng.random(), self.n
        if u < 0.5:
            return
        if u < 0.65:
            k = int(self.rng.integers(1, n + 1))
            self.add(f"qml.BasisState(onp.array({self.rng.integers(0, 2, k).tolist()}), wires={self.w(k)})")
        elif u < 0.8:
            self.lines += [f"qml.H({v!r})" for v in self.wires]
        elif u < 0.93:
            k = int(self.rng.integers(1, min(n, 2) + 1))
            v = np.round(self.rng.normal(size=2**k) + 1j * self.rng.normal(size=2**k) * self.rng.integers(0, 2), 2)
            self.add(f"qml.StatePrep(onp.array({v.tolist()}), wires={self.w(k)}, normalize=True)")
            self.tags.add("StatePrep")
        else:
            self.lines += [f"qml.RY({0.3 + 0.5 * q:.1f}, wires={v!r})" for q, v in enumerate(self.wires)]


def _arguments(rng, n_params, style):
    """Return (name of every flat parameter, signature, source of the arguments)."""
    values = np.round(rng.uniform(0, 6, n_params), 2).tolist()
    if style == 1 and n_params >= 2:
        k = int(rng.integers(1, n_params))
        names = [f"x[{i}]" for i in range(k)] + [f"y[{i}]" for i in range(n_params - k)]
        make = f"np.array({values[:k]}, requires_grad=True), np.array({values[k:]}, requires_grad=True)"
        return names, "x, y", f"({make})"
    if style == 2 and n_params % 2 == 0:
        names = [f"w[{i}, {j}]" for i in range(n_params // 2) for j in range(2)]
        return names, "w", f"(np.array({np.reshape(values, (-1, 2)).tolist()}, requires_grad=True),)"
    if style == 3 and n_params == 1:
        return ["t"], "t", f"(np.array({values[0]}, requires_grad=True),)"
    return [f"x[{i}]" for i in range(n_params)], "x", f"(np.array({values}, requires_grad=True),)"


# ---------------------------------------------------------------------- families
def _anything(c: _Writer) -> None:
    c.prepare()
    for _ in range(int(c.rng.integers(3, 7 + c.n_params))):
        c.add(c.fixed() if c.rng.random() < 0.25 else c.dressed())


def _cancelling(c: _Writer) -> None:
    c.prepare()
    for _ in range(int(c.rng.integers(1, 4))):
        c.add(c.dressed())
    name, k = c.choice([("RX", 1), ("RZ", 1), ("PhaseShift", 1)] + ([("IsingZZ", 2), ("CRY", 2)] if c.n > 1 else [])), 0
    (gate, k), p = name, c.p()
    wires = c.w(k)
    c.add(f"qml.{gate}({p}, wires={wires})")
    for _ in range(int(c.rng.integers(0, 3))):
        c.add(c.choice([c.fixed, c.dressed])())
    c.add(
        f"qml.{gate}(-{p}, wires={wires})" if c.rng.random() < 0.7 else f"qml.adjoint(qml.{gate}({p}, wires={wires}))"
    )
    for _ in range(int(c.rng.integers(0, 3))):
        c.add(c.dressed())


def _kernel(c: _Writer) -> None:
    """U(θ) … U†(θ'), θ' partly equal to θ."""
    block = [c.fixed() if c.rng.random() < 0.3 else c.gate() for _ in range(int(c.rng.integers(2, 5)))]
    block = [g for g in block if "qml.exp(" not in g] or [f"qml.RY({c.p()}, wires={c.w(1)})"]
    c.lines += block
    swap = dict(zip(c.names, c.rng.permutation(c.names), strict=True)) if c.rng.random() < 0.6 else {}
    for gate in reversed(block):
        marked = gate
        for i, old in enumerate(swap):
            marked = marked.replace(old, f"<{i}>")
        for i, new in enumerate(swap.values()):
            marked = marked.replace(f"<{i}>", new)
        c.add(f"qml.adjoint({marked})")


def _number(c: _Writer) -> None:
    """Gates that keep the particle number."""
    c.add(f"qml.BasisState(onp.array({([1, 0] * c.n)[: c.n]}), wires={c.wires})")
    two = ["IsingXY", "SingleExcitation", "FermionicSWAP", "IsingZZ", "CRZ", "ControlledPhaseShift", "PSWAP"]
    for _ in range(int(c.rng.integers(3, 9))):
        u = c.rng.random()
        if c.n >= 2 and u < 0.65:
            c.add(f"qml.{c.choice(two)}({c.angle(0.05)}, wires={c.w(2)})")
        elif c.n >= 4 and u < 0.75:
            c.add(f"qml.{c.choice(['DoubleExcitation', 'OrbitalRotation'])}({c.angle(0.05)}, wires={c.w(4)})")
        else:
            c.add(f"qml.RZ({c.angle(0.05)}, wires={c.w(1)})")


def _real(c: _Writer) -> None:
    """Real rotations and real Clifford gates."""
    for _ in range(int(c.rng.integers(4, 11))):
        u = c.rng.random()
        if u < 0.6 or c.n == 1:
            c.add(f"qml.RY({c.angle(0.05)}, wires={c.w(1)})")
        elif u < 0.75:
            c.add(f"qml.{c.choice(['CRY', 'SingleExcitation'])}({c.angle(0.05)}, wires={c.w(2)})")
        else:
            c.add(f"qml.{c.choice(['CNOT', 'CZ', 'SWAP'])}({c.w(2)})")


def _shared_layers(c: _Writer) -> None:
    """One angle a layer: QAOA, Hamiltonian variational ansätze, shared mixers."""
    c.prepare()
    edges = [(a, b) for a, b in zip(c.wires, c.wires[1:] + c.wires[:1], strict=True)][: c.n if c.n > 2 else c.n - 1]
    kinds = [c.choice(["RX", "RY", "RZ"]), c.choice(["IsingZZ", "IsingXX", "IsingXY", "CRX", "CZ", "CRZ"]), "single"]
    for i in range(int(c.rng.integers(2, 5))):
        p, kind = c.names[i % c.n_params], kinds[int(c.rng.integers(2 + int(c.rng.random() < 0.3)))]
        if kind == "single":
            c.add(f"qml.{c.choice(['RX', 'RY', 'RZ'])}({p}, wires={c.w(1)})")
        elif kind in ("RX", "RY", "RZ"):
            skip = c.w(1) if c.n > 1 and c.rng.random() < 0.2 else []
            c.lines += [f"qml.{kind}({p}, wires={v!r})" for v in c.wires if v not in skip]
        elif kind == "CZ":
            c.lines += [f"qml.CZ({list(e)})" for e in edges]
        else:
            c.lines += [f"qml.{kind}({p}, wires={list(e)})" for e in edges]


def _words(c: _Writer) -> None:
    """One Pauli rotation a parameter, and Clifford gates: what single walkers average."""
    c.prepare()
    for name in c.names:
        while c.rng.random() < 0.3:
            gate, k = c.choice([g for g in CLIFFORD if int(g.split()[1]) <= c.n]).split()
            c.add(f"qml.{gate}({c.w(int(k))})")
        k = int(c.rng.integers(1, 3))
        if c.rng.random() < 0.5:
            c.add(f"qml.{c.choice(['RX', 'RY', 'RZ'])}({c.choice(['', '-', '2 * '])}{name}, wires={c.w(1)})")
        else:
            word = "".join(c.choice("XYZ") for _ in range(k))
            c.add(f"qml.PauliRot({name}, {word!r}, wires={c.w(k)})")


def _template(c: _Writer) -> None:
    """Templates of PennyLane on as many trainable values as they take."""
    n, p = c.n, c.n_params
    flat = ", ".join(c.names)
    if c.rng.random() < 0.5:
        rotation = c.choice(["X", "Y", "Z"])
        k = min(p, n) if c.rng.random() < 0.4 else 0
        features = f"[{', '.join(c.names[:k])}]" if k else str([0.3 + 0.4 * q for q in range(n)])
        stack = f"np.stack({features})" if k else f"onp.array({features})"
        c.add(f"qml.AngleEmbedding({stack}, wires={c.wires[: k or n]}, rotation={rotation!r})")
    if p % n == 0 and c.rng.random() < 0.7:
        rotation = c.choice(["", ", rotation=qml.RY", ", rotation=qml.RZ"])
        c.add(f"qml.BasicEntanglerLayers(np.stack([{flat}]).reshape({p // n}, {n}), wires={c.wires}{rotation})")
    elif p % 3 == 0 and c.rng.random() < 0.7:
        sub = c.w(min(n, p // 3))
        k = len(sub)
        if (p // 3) % k == 0:
            c.add(f"qml.StronglyEntanglingLayers(np.stack([{flat}]).reshape({p // 3 // k}, {k}, 3), wires={sub})")
    for _ in range(int(c.rng.integers(1, 4))):
        c.add(c.dressed())


FAMILIES: tuple[tuple[str, float, Callable], ...] = (
    ("anything", 0.46, _anything),
    ("cancelling", 0.07, _cancelling),
    ("kernel", 0.06, _kernel),
    ("number", 0.1, _number),
    ("real", 0.1, _real),
    ("shared layers", 0.13, _shared_layers),
    ("template", 0.08, _template),
    ("words", 0.0, _words),
)


# ---------------------------------------------------------------------- observables
def _word(c: _Writer) -> str:
    k = 1 if c.rng.random() < 0.45 else int(c.rng.integers(1, c.n + 1))
    return " @ ".join(f"qml.{c.choice('XYZZ')}({v!r})" for v in c.w(k))


def _observable(c: _Writer, sums: bool) -> str:
    u = 0.6 if sums else c.rng.random()
    if u < 0.45:
        scale = c.choice(["", "", "", "-1.7 * ", "0.5 * "])
        return f"{scale}({_word(c)})" if scale else _word(c)
    if u < 0.77:
        c.tags.add("sum")
        terms = [f"{c.choice([1.0, -1.0, 0.5, 0.3, -0.7, 2.0])} * ({_word(c)})" for _ in range(c.rng.integers(2, 6))]
        if c.rng.random() < 0.15:
            terms.append(f"0.4 * qml.I({c.choice(c.wires)!r})")
        if c.rng.random() < 0.12:
            terms.append(terms[0])
        return " + ".join(terms)
    if u < 0.84:
        k = int(c.rng.integers(1, min(c.n, 2) + 1))
        a = c.rng.integers(-9, 10, (2**k, 2**k)) + 1j * c.rng.integers(-9, 10, (2**k, 2**k)) * c.rng.integers(0, 2)
        a = (a + a.conj().T) / 10
        c.tags.add("Hermitian")
        return f"qml.Hermitian(onp.array({np.round(a, 6).tolist()}), wires={c.w(k)})"
    if u < 0.92:
        k = int(c.rng.integers(1, c.n + 1))
        c.tags.add("Projector")
        return f"qml.Projector({c.rng.integers(0, 2, k).tolist()}, wires={c.w(k)})"
    if u < 0.96:
        letter = c.choice("ZZX")
        return (
            "qml.sum(" + ", ".join(f"qml.{letter}({v!r})" for v in c.wires) + ", 0 * qml.I(" + repr(c.wires[0]) + "))"
        )
    if u < 0.98:
        return f"qml.I({c.wires[0]!r})"
    return "qml.Z('outside')"


def draw(
    seed: int, n_max: int = 4, family: str | None = None, n_min: int = 1, sums: bool = False, max_params: int = 6
) -> Drawn:
    """Draw the circuit of a seed.

    Args:
        seed: non-negative integer; the same seed gives the same source text.
        n_min, n_max: smallest and largest number of qubits.
        family: name of a family in ``FAMILIES``; drawn where None.
        sums: always a sum of Pauli words as observable.
        max_params: largest number of parameters; half of it is the smallest where it is not 6.
    """
    rng = np.random.default_rng([20251128, seed])
    n = int(rng.integers(n_min, n_max + 1)) if n_min > 1 else int(rng.choice([1, 2, 3, 4], p=[0.06, 0.24, 0.4, 0.3]))
    n = min(n, n_max)
    n_params = int(rng.integers(1 if max_params == 6 else max_params // 2, max_params + 1))
    names, weights, makers = zip(*FAMILIES, strict=True)
    chosen = family or str(rng.choice(names, p=weights))
    writer = _Writer(rng, n, n_params, int(rng.integers(4)))
    makers[names.index(chosen)](writer)
    if not any(name in line for line in writer.lines for name in writer.names):
        writer.add(f"qml.RX({writer.p()}, wires={writer.wires[0]!r})")
    observable = _observable(writer, sums)
    body = "\n".join("    " + line for line in writer.lines)
    source = (
        f"{HEADER}\n@qml.qnode(qml.device('default.qubit'))\ndef circuit({writer.signature}):\n"
        f"{body}\n    return qml.expval({observable})\n\nargs = {writer.arguments}\n"
    )
    return Drawn(seed, source, chosen, n, frozenset(writer.tags))
