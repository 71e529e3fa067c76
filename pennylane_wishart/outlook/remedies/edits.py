"""Mechanical edits of a circuit, one small class each: what may be tried as a remedy."""

from __future__ import annotations

import enum
import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import networkx as nx
import pennylane as qml

from pennylane_wishart.circuit import Script, Step
from pennylane_wishart.circuit.blocks import repeated_block
from pennylane_wishart.conventions import Change
from pennylane_wishart.conventions import outlook as limits

__all__ = [
    "Axis",
    "Bell",
    "Edit",
    "Layers",
    "Ones",
    "Own",
    "Pairs",
    "Place",
    "Plus",
    "Rotations",
    "Turned",
    "Unshared",
    "Wire",
]


class Edit(ABC):
    """One change of a circuit."""

    change: ClassVar[Change]

    @property
    @abstractmethod
    def words(self) -> str:
        """What to do, as an order."""

    @abstractmethod
    def apply(self, script: Script) -> Script | None:
        """Return the changed circuit; None where there is nothing to change."""


def _fresh(script: Script) -> int:
    """Return the first number that is no parameter's."""
    return max([len(script.values) - 1, *(p for s in script.steps for p in s.parameters)]) + 1


@dataclass(frozen=True)
class Layers(Edit):
    """Copies of the repeated block, each with parameters of its own."""

    change = Change.LAYERS
    count: int

    @property
    def words(self) -> str:
        return f"add {self.count} layer{'s' if self.count > 1 else ''}"

    def apply(self, script: Script) -> Script | None:
        block, new = repeated_block(script), _fresh(script)
        if block is None:
            return None
        copies: list[Step] = []
        for _ in range(self.count):
            inside = sorted(frozenset[int]().union(*(s.parameters for s in block.steps)))
            number = {p: new + i for i, p in enumerate(inside)}
            new += len(inside)
            copies += [s.turned_by(number) for s in block.steps]
        return replace(script, steps=(*script.steps[: block.at], *copies, *script.steps[block.at :]))


class Place(enum.Enum):
    """Where a layer of rotations goes; the value is how it is worded."""

    FIRST = "before the first trainable gate"
    LAST = "before the measurement"
    BOTH = "first and last"


class Turned(enum.Enum):
    """Which gates of a layer turn by which angle; the value is how it is worded."""

    EACH = "every {0}, each by an angle of its own"
    ALL = "every {0}, all by one angle"
    ALTERNATE = "every second {0}, all by one angle"


@dataclass(frozen=True)
class Rotations(Edit):
    """A layer of rotations about Pauli words: of every wire, or of every pair of wires that a gate joins.

    One angle for all of them keeps the symmetries under which wires change places; YZ and ZY on pairs after the
    last layer are the counterdiabatic terms of an Ising cost (arXiv:2107.02789).
    """

    about: tuple[str, ...]
    """("Y",), or ("X", "Y") for two rotations a wire, or ("YZ", "ZY") for two a pair."""
    place: Place
    turned: Turned = Turned.EACH

    @property
    def change(self) -> Change:  # type: ignore[override]  # one class, three typed changes
        return {
            Place.FIRST: Change.FIRST_ROTATIONS,
            Place.LAST: Change.LAST_ROTATIONS,
            Place.BOTH: Change.OUTER_ROTATIONS,
        }[self.place]

    @property
    def words(self) -> str:
        single = len(self.about[0]) == 1
        names = " and ".join(f"R{word}" if single else f"PauliRot about {word}" for word in self.about)
        where = self.turned.value.format("wire" if single else "pair of wires that a gate joins")
        return f"add {names} on {where}, {self.place.value}"

    def apply(self, script: Script) -> Script | None:
        new, steps, sites = _fresh(script), list(script.steps), self._sites(script)
        layer = [(word, site) for word in self.about for site in sites]
        for at in self._places(script):
            own = range(new, new + len(layer)) if self.turned is Turned.EACH else [new] * len(layer)
            steps[at:at] = [
                Step.rotation(word, site, p, sites[site]) for p, (word, site) in zip(own, layer, strict=True)
            ]
            new += len(layer)
        return replace(script, steps=tuple(steps)) if layer else None

    def _sites(self, script: Script) -> dict[tuple[Hashable, ...], float]:
        """Wires to turn, and the weight of each: an Ising coupling of the circuit gives its pair its own."""
        if len(self.about[0]) == 1:
            sites: dict[tuple[Hashable, ...], float] = {(w,): 1.0 for w in script.wires}
        else:
            joined = [s for s in script.steps if len(s.gate.op.wires) == 2]  # once, though every layer joins them
            weights = {frozenset(s.gate.op.wires): s.slopes[0][1] if s.slopes else 1.0 for s in joined[::-1]}
            sites = {tuple(sorted(pair, key=script.wires.index)): c for pair, c in weights.items()}
        return dict(list(sites.items())[::2]) if self.turned is Turned.ALTERNATE else sites

    def _places(self, script: Script) -> list[int]:
        """Indices of steps, the later one first: what is put there does not move the earlier one."""
        last = [len(script.steps)] if self.place is not Place.FIRST else []
        return last + ([_first(script)] if self.place is not Place.LAST else [])


@dataclass(frozen=True)
class Plus(Edit):
    """Hadamard gates before the first trainable gate: |+…+⟩ for |0…0⟩, and the other way round."""

    change = Change.INPUT

    @property
    def words(self) -> str:
        return "put a Hadamard gate on every wire before the first trainable gate"

    def apply(self, script: Script) -> Script | None:
        return _before(script, [Step.fixed(qml.Hadamard, w) for w in script.wires])


@dataclass(frozen=True)
class Ones(Edit):
    """A basis state of another number of ones as the input: what conserves that number cannot change it."""

    change = Change.INPUT
    count: int

    @property
    def words(self) -> str:
        # in chemistry the number of electrons is the question, and not free
        return f"start from a basis state with {self.count} of the wires in 1, if that number is yours to choose"

    @classmethod
    def of(cls, script: Script) -> list[Ones]:
        """Return other numbers of ones than the input has, the nearest first; none where it is no basis state."""
        if (on := _ones(script)) is None:
            return []
        others = (k for k in range(len(script.wires) + 1) if k != len(on))
        return [cls(k) for k in sorted(others, key=lambda k: abs(k - len(on)))]

    def apply(self, script: Script) -> Script | None:
        on = _ones(script)
        if on is None or len(on) == self.count:
            return None
        off = [w for w in script.wires if w not in on]
        flipped = on[self.count :] or off[: self.count - len(on)]
        return _before(script, [Step.fixed(qml.PauliX, w) for w in flipped])


class Bell(enum.Enum):
    """A maximally entangled state of two wires; the value says which of them are in 1 before H and CNOT."""

    PHI_PLUS = (0, 0)
    PHI_MINUS = (1, 0)
    PSI_PLUS = (0, 1)
    SINGLET = (1, 1)

    @property
    def words(self) -> str:
        """Its name, in the plural."""
        sign = "+" if self.name.endswith("PLUS") else "−"
        return "singlets" if self is Bell.SINGLET else f"Bell states {'ΦΨ'[self.value[1]]}{sign}"

    def mean(self, letters: str) -> int:
        """Return the expectation value of a word on the two wires."""
        x, z = (1 - 2 * bit for bit in self.value)
        return {"II": 1, "XX": x, "ZZ": z, "YY": -x * z}.get(letters, 0)


@dataclass(frozen=True)
class Pairs(Edit):
    """Entangled pairs of wires as the input, which hold no direction dear as basis states do (arXiv:2008.02941).

    What conserves the total spin, as Heisenberg couplings do, cannot leave the sectors in which the input lies: a basis
    state lies in several, singlets lie in that of the ground.
    """

    change = Change.INPUT
    pairs: tuple[tuple[Hashable, Hashable], ...]
    bell: Bell

    @property
    def words(self) -> str:
        where = ", ".join(f"({a}, {b})" for a, b in self.pairs)
        return f"start from {self.bell.words} on the wires {where}, if the input is yours to choose"

    @classmethod
    def of(cls, script: Script) -> list[Pairs]:
        """Return pairs that the observable couples, the states of lowest energy first."""
        words = script.observable.pauli_rep or {}
        graph = nx.Graph()
        for word, c in words.items():
            if len(word) == 2:
                graph.add_edge(*word.wires, weight=graph.get_edge_data(*word.wires, {"weight": 0.0})["weight"] + abs(c))
        found = list[Pairs]()
        while len(found) < limits.PAIRINGS * len(Bell) and graph.edges:
            joined = (tuple(sorted(p, key=script.wires.index)) for p in nx.max_weight_matching(graph, True))
            pairs = tuple(sorted(joined, key=lambda p: script.wires.index(p[0])))
            found += [cls(pairs, bell) for bell in Bell]
            graph.remove_edges_from(pairs)
        return sorted(found, key=lambda f: f._energy(words))

    def _energy(self, words: Mapping[Any, complex]) -> float:
        """Of the pairs, other wires in 0."""
        partner = {w: pair for pair in self.pairs for w in pair}
        total = 0.0
        for word, c in words.items():
            sites = {partner.get(w, (w,)) for w in word}
            letters = ("".join(word.get(w, "I") for w in site) for site in sites)
            total += c.real * math.prod(self.bell.mean(a) if len(a) == 2 else int(a == "Z") for a in letters)
        return total

    def apply(self, script: Script) -> Script | None:
        on = _ones(script)
        if on is None:
            return None
        steps = [Step.fixed(qml.PauliX, w) for w in on]  # from 0 on every wire
        for a, b in self.pairs:
            flipped = [Step.fixed(qml.PauliX, w) for w, bit in zip((a, b), self.bell.value, strict=True) if bit]
            steps += [*flipped, Step.fixed(qml.Hadamard, a), Step.fixed(qml.CNOT, (a, b))]
        return _before(script, steps)


def _first(script: Script) -> int:
    """Return the index of the first trainable step."""
    return next(i for i, s in enumerate(script.steps) if s.slopes)


def _before(script: Script, steps: list[Step]) -> Script:
    at = _first(script)
    return replace(script, steps=(*script.steps[:at], *steps, *script.steps[at:]))


def _ones(script: Script) -> list[Hashable] | None:
    """Return the wires in 1 at the first trainable gate; None where the input is not read as a basis state."""
    bits = dict.fromkeys(script.wires, 0)
    for step in script.steps[: _first(script)]:
        op = step.gate.op
        if op.name not in ("PauliX", "BasisState"):
            return None
        for wire, bit in zip(op.wires, op.data[0] if op.data else (1,), strict=True):
            bits[wire] ^= int(bit)
    return [w for w, bit in bits.items() if bit]


@dataclass(frozen=True)
class Axis(Edit):
    """Trainable rotations of one qubit about another axis."""

    change = Change.AXIS
    axis: str

    @property
    def words(self) -> str:
        return f"rotate about {self.axis}: R{self.axis} for every trainable one-qubit rotation"

    def apply(self, script: Script) -> Script | None:
        steps = tuple(self._turned(s) for s in script.steps)
        return None if all(a is b for a, b in zip(steps, script.steps, strict=True)) else replace(script, steps=steps)

    def _turned(self, step: Step) -> Step:
        name, wires = step.gate.op.name, step.gate.op.wires
        one = name in ("RX", "RY", "RZ") or name == "PauliRot" and len(wires) == 1
        if not (step.slopes and one) or step.gate.key in (("R" + self.axis,), ("PauliRot", self.axis)):
            return step
        return replace(Step.rotation(self.axis, wires, 0), slopes=step.slopes, offset=step.offset)


class Own(enum.Enum):
    """What gets an angle of its own; the value is how it is worded."""

    LAYER = "layer"
    WIRES = "set of wires in every layer"
    GATE = "gate"


@dataclass(frozen=True)
class Unshared(Edit):
    """An angle of its own for every layer, for every set of wires in it, or for every gate.

    Gates of one parameter on the same wires conserve together what each of them does not: only the last
    takes them apart.
    """

    change = Change.UNSHARED
    own: Own

    @property
    def words(self) -> str:
        return f"give every {self.own.value} an angle of its own"

    def apply(self, script: Script) -> Script | None:
        new, seen = _fresh(script), Counter[Hashable]()
        number: dict[Hashable, int] = {}
        steps = []
        for i, step in enumerate(script.steps):
            slopes = []
            for p, c in step.slopes:
                where = {Own.LAYER: None, Own.WIRES: step.gate.op.wires, Own.GATE: i}[self.own]
                key = (p, where, seen[p, step.place])
                slopes.append((number.setdefault(key, new + len(number)), c))
                seen[p, step.place] += 1
            steps.append(replace(step, slopes=tuple(slopes)))
        return None if len(number) == script.n_params else replace(script, steps=tuple(steps))


@dataclass(frozen=True)
class Wire(Edit):
    """The observable of one wire on another."""

    change = Change.WIRE
    wire: Hashable

    @property
    def words(self) -> str:
        return f"measure wire {self.wire} in its place"

    def apply(self, script: Script) -> Script | None:
        measured = script.observable.wires
        if len(measured) != 1 or measured[0] == self.wire:
            return None
        with qml.queuing.QueuingManager.stop_recording():
            return replace(script, observable=qml.map_wires(script.observable, {measured[0]: self.wire}))
