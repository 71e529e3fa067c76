"""The outputs of a cost: every different number that its QNodes return, with the diagnosis of its circuit."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pennylane as qml

from pennylane_wishart.conventions import Reason, ReasonCode, Unavailable
from pennylane_wishart.conventions import costs as limits
from pennylane_wishart.conventions.arrays import Floats
from pennylane_wishart.costs.calls import Call, exact, plain
from pennylane_wishart.costs.programs import Run
from pennylane_wishart.diagnosis import Diagnosis, diagnose
from pennylane_wishart.errors import WishartError, WishartWarning

__all__ = ["CostOutput", "content", "read_outputs"]

_MANY = Unavailable(
    Reason(
        ReasonCode.TOO_LARGE,
        f"Of the circuits of a cost the first {limits.DIAGNOSED} are diagnosed; pw.diagnose takes any other.",
    )
)


@dataclass(frozen=True, eq=False)
class CostOutput:
    """One number that a QNode returns to the cost."""

    name: str
    places: tuple[int, ...]
    """Where it stands among everything that QNodes return; several where the same call is made again."""
    diagnosis: Diagnosis | Unavailable
    parameters: tuple[int, ...]
    """Which flat parameter of the cost each flat parameter of the circuit is; −1 for what is computed of them."""
    mapped: bool = False
    """Whether it stands for all rows of ``jax.vmap``; the diagnosis is then that of the first."""


def read_outputs(first: Run, second: Run, points: tuple[Floats, Floats]) -> tuple[CostOutput, ...]:
    """Read the circuits of two runs at different parameters: what differs between them is trainable.

    Args:
        first, second: runs of the cost.
        points: the flat parameters of each.
    Cost: one diagnosis without runs for each different circuit, ``limits.DIAGNOSED`` at most.
    """
    reader = _Reader(points)
    found: dict[Hashable, CostOutput] = {}
    at = 0
    for number, (one, other) in enumerate(zip(first.calls, second.calls, strict=True)):
        size = sum(int(np.prod(np.shape(leaf), dtype=int)) for leaf in one.leaves)
        for key, output in reader.outputs(number, one, other, at, size):
            same = found.get(key)
            found[key] = output if same is None else replace(same, places=(*same.places, *output.places))
        at += size
    return tuple(found.values())


class _Reader:
    """Reads each different circuit once."""

    def __init__(self, points: tuple[Floats, Floats]) -> None:
        self.points = points
        self.known: dict[Hashable, Sequence[Diagnosis] | Unavailable] = {}

    def outputs(self, number: int, one: Call, other: Call, at: int, size: int) -> list[tuple[Hashable, CostOutput]]:
        """Return (key, output) for everything that one call returns."""
        given: dict[int | str, Any] = {**dict(enumerate(one.args)), **one.kwargs}  # type: ignore[dict-item]  # by place and by name
        after: dict[int | str, Any] = {**dict(enumerate(other.args)), **other.kwargs}  # type: ignore[dict-item]  # as above
        moving = [slot for slot in given if content(given[slot]) != content(after[slot])]
        rest = tuple((slot, content(v)) for slot, v in given.items() if slot not in moving)
        circuit = (id(one.qnode), tuple(moving), rest)
        if circuit not in self.known:
            full = len(self.known) >= limits.DIAGNOSED
            self.known[circuit] = _MANY if full else _diagnosed(one, moving)
        call = (circuit, tuple(content(given[slot]) for slot in moving))
        name = getattr(one.qnode.func, "__name__", "QNode")
        sources = self._sources([given[s] for s in moving], [after[s] for s in moving])
        diagnoses = self.known[circuit]
        places = range(at, at + size)
        if isinstance(diagnoses, Unavailable):
            return [
                ((call, i), CostOutput(f"{name}, output {i}", (p,), diagnoses, sources)) for i, p in enumerate(places)
            ]
        cut = _places(one, diagnoses, at)
        named: list[tuple[str, tuple[int, ...], Diagnosis | Unavailable]]
        named = [(d.name, where, d) for d, where in zip(diagnoses, cut, strict=True)]
        covered = {place for where in cut for place in where}
        others = tuple(place for place in places if place not in covered)
        if others:
            named.append(("the rest", others, _MANY))
        return [((call, i), CostOutput(f"{name}: {n}", w, d, sources, one.mapped)) for i, (n, w, d) in enumerate(named)]

    def _sources(self, first: list[Any], second: list[Any]) -> tuple[int, ...]:
        """Find the QNode's parameters among the cost's: by value, at both parameter sets."""
        x, y = (np.concatenate([np.zeros(0), *(plain(v).reshape(-1) for v in values)]) for values in (first, second))
        places = {pair: k for k, pair in enumerate(zip(*(p.tolist() for p in self.points), strict=True))}
        # what a module or a layer holds in single precision comes rounded
        single = {(float(np.float32(a)), float(np.float32(b))): k for (a, b), k in places.items()}
        pairs = list(zip(x.tolist(), y.tolist(), strict=True))
        return tuple(places.get(pair, single.get(pair, -1)) for pair in pairs)


def content(value: Any) -> Hashable:
    """Return what tells two arguments of a QNode apart."""
    if qml.math.is_abstract(value):
        return repr(value)
    try:
        found = plain(value)
    except (TypeError, ValueError):  # an option of the QNode's, an object of the user's
        return repr(value)
    return found.shape, found.tobytes()


def _diagnosed(call: Call, moving: Sequence[int | str]) -> Sequence[Diagnosis] | Unavailable:
    """Diagnose one circuit without running it."""
    if not moving:
        text = f"{call.qnode.func.__name__} does not depend on the parameters through its arguments: pass them to it."
        return Unavailable(Reason(ReasonCode.INPUT, text))
    ask = diagnose(exact(call.qnode), argnums=list(moving), run=False, descent_budget=0.0, progress=False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", WishartWarning)
            return ask(*call.args, **call.kwargs).outputs
    except WishartError as err:
        return Unavailable(Reason(ReasonCode.UNSUPPORTED, str(err)))


def _places(call: Call, diagnoses: Sequence[Diagnosis], at: int) -> list[tuple[int, ...]]:
    """Where each diagnosed output stands in what the call returned."""
    traces = [d.prediction.circuit.trace for d in diagnoses]
    outputs = [t.outputs[0] for t in traces if t is not None]
    starts = at + np.cumsum([0, *(int(np.prod(np.shape(leaf), dtype=int)) for leaf in call.leaves)])
    named = {(o.measurement, o.outcome) for o in outputs}
    out = []
    for o in outputs:
        leaf = np.arange(starts[o.measurement], starts[o.measurement + 1])
        outcomes = 1 if o.outcome is None else np.shape(call.leaves[o.measurement])[-1]
        table = leaf.reshape(-1, outcomes)[o.datum or 0]
        if o.outcome == -1:
            out.append(tuple(int(p) for i, p in enumerate(table) if (o.measurement, i) not in named))
        else:
            out.append((int(table[o.outcome or 0]),))
    return out
