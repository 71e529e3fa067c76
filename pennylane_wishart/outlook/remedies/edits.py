"""Mechanical edits of a circuit, one small class each: what may be tried as a remedy."""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import ClassVar

import pennylane as qml

from pennylane_wishart.circuit import Script, Step
from pennylane_wishart.circuit.blocks import repeated_block
from pennylane_wishart.conventions import Change

__all__ = ["Axis", "Edit", "Layers", "Own", "Rotations", "Unshared", "Wire"]


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


@dataclass(frozen=True)
class Rotations(Edit):
    """A layer of one-qubit rotations before the measurement, and one before the first trainable gate."""

    axes: str
    """"Y", or "XY" for two rotations a wire."""
    first: bool

    @property
    def change(self) -> Change:  # type: ignore[override]  # one class, two typed changes
        return Change.OUTER_ROTATIONS if self.first else Change.LAST_ROTATIONS

    @property
    def words(self) -> str:
        where = "first and last" if self.first else "before the measurement"
        return f"add {' and '.join('R' + a for a in self.axes)} on every wire {where}"

    def apply(self, script: Script) -> Script | None:
        new, steps = _fresh(script), list(script.steps)
        places = [(a, w) for a in self.axes for w in script.wires]
        steps += [Step.rotation(*place, new + i) for i, place in enumerate(places)]
        if self.first:
            at = next(i for i, s in enumerate(steps) if s.slopes)
            steps[at:at] = [Step.rotation(*place, new + len(places) + i) for i, place in enumerate(places)]
        return replace(script, steps=tuple(steps))


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
        return replace(Step.rotation(self.axis, wires[0], 0), slopes=step.slopes, offset=step.offset)


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
