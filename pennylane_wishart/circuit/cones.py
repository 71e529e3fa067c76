"""Light cones: each term of the observable with the gates that it depends on, as circuits of a few wires.

A gate that acts on none of the wires that a term has reached, read backwards, does not change that term. Loss
and gradient are sums over the terms, so that shallow circuits of a hundred wires need no state of a hundred.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pennylane as qml
from numpy.typing import NDArray

from pennylane_wishart.circuit.expand import Gate
from pennylane_wishart.circuit.gate_matrices import gate_matrix
from pennylane_wishart.circuit.operators import operator_to_sum
from pennylane_wishart.circuit.script import Script, Step
from pennylane_wishart.circuit.traced import TracedCircuit
from pennylane_wishart.conventions import circuit as limits
from pennylane_wishart.errors import ModuleTooLargeError
from pennylane_wishart.paulis import PauliSum, PauliWords

__all__ = ["Cone", "LightCones", "light_cones"]


@dataclass(frozen=True, eq=False)
class Cone:
    """Some terms of the observable, on the wires that they depend on, numbered from 0."""

    trace: TracedCircuit
    parameters: NDArray[np.int64]
    """Flat index of each of its parameters in the whole circuit."""


@dataclass(frozen=True, eq=False)
class LightCones:
    """ℓ(θ) = constant + Σ ℓ_cone(θ_cone)."""

    cones: tuple[Cone, ...]
    constant: float
    """Terms that no parameter moves."""

    @property
    def width(self) -> int:
        """Wires of the widest cone."""
        return max((len(c.trace.wires) for c in self.cones), default=1)

    @property
    def work(self) -> float:
        """Amplitudes times gates and terms, over all cones."""
        return float(sum(2.0 ** len(c.trace.wires) * (len(c.trace.gates) + 1) for c in self.cones))


@lru_cache(maxsize=limits.KEPT_CONES)  # asked for again by every estimate of the same circuit
def light_cones(trace: TracedCircuit) -> LightCones:
    """Split a traced circuit into the light cones of its observable's terms.

    A term whose gates are all among those of another is measured there. Gates that commute with a term and with
    all later gates of its cone are not among its own.

    Raises:
        ModuleTooLargeError: if a cone has more wires than ``CONE_WIRES``, or the circuit has noise or a batch of data.
    Cost: O(terms · gates).
    Source: the light-cone argument; for traps of shallow local circuits see arXiv:2205.05786.
    """
    if trace.data_gates:
        raise ModuleTooLargeError("A batch of data has no one light cone: pass one datum.")
    if any(gate.kind == "channel" for gate in trace.gates):
        raise ModuleTooLargeError("Noise is not split into light cones: they are run on state vectors.")
    script, observable = Script.read(trace), operator_to_sum(trace.observable, trace.wires)
    index = {w: q for q, w in enumerate(trace.wires)}
    steps = _Steps([(s, [index[w] for w in s.gate.op.wires]) for s in script.steps])
    constant, found = 0.0, []
    for k, identity in enumerate(observable.words.is_identity()):
        if identity:
            constant += float(observable.coefficients[k].real)
        else:
            found.append((*_gates_of(steps, observable.words[[k]]), k))
    groups: list[tuple[frozenset[int], frozenset[int], list[int]]] = []
    for gates, wires, k in sorted(found, key=lambda f: -len(f[0])):
        home = next((g for g in groups if gates <= g[0] and wires <= g[1]), None)
        if home is None:
            groups.append((gates, wires, [k]))
        else:
            home[2].append(k)
    cones = [_cone(script, observable, *group) for group in groups]
    for cone in cones:
        if not len(cone.parameters):
            device = qml.device("default.qubit", wires=len(cone.trace.wires))
            constant += float(qml.execute([cone.trace.tape], device, None)[0])
    return LightCones(tuple(c for c in cones if len(c.parameters)), constant)


class _Steps:
    """The gates of a circuit with the numbers of their wires, and which of them commute, asked once a pair."""

    def __init__(self, steps: list[tuple[Step, list[int]]]):
        self.steps = steps
        self._known: dict[tuple[int, int], bool] = {}

    def commute(self, i: int, j: int) -> bool:
        """Whether two gates commute term by term; False where that cannot be said."""
        if (i, j) not in self._known:
            self._known[i, j] = self._commute(*self.steps[i], *self.steps[j])
        return self._known[i, j]

    def _commute(self, first: Step, own: list[int], second: Step, other: list[int]) -> bool:
        if set(own).isdisjoint(other):
            return True
        a, b = first.gate.generator, second.gate.generator
        if a is None or b is None:
            return False
        place = {q: k for k, q in enumerate(sorted({*own, *other}))}
        words, others = (g.words.spread([place[q] for q in wires], len(place)) for g, wires in ((a, own), (b, other)))
        return not words.anticommutation(others).any()


def _gates_of(steps: _Steps, word: PauliWords) -> tuple[frozenset[int], frozenset[int]]:
    """Return which steps a term depends on, and the wires (numbered) that they and it touch."""
    reached = {int(q) for q in word.support()}
    kept: list[int] = []
    for i in range(len(steps.steps) - 1, -1, -1):
        step, wires = steps.steps[i]
        if reached.isdisjoint(wires):
            continue
        # gates of one layer that commute do not widen the cone by each other
        if all(steps.commute(i, j) for j in kept) and _commute(step.gate, word, wires):
            continue
        kept.append(i)
        reached.update(wires)
        if len(reached) > limits.CONE_WIRES:
            raise ModuleTooLargeError(
                f"The term {word.strings()[0].strip('I')} depends on more than {limits.CONE_WIRES} wires."
            )
    return frozenset(kept), frozenset(reached)


def _commute(gate: Gate, word: PauliWords, trace_wires: list[int]) -> bool:
    """Whether a gate commutes with a term; False where it is too large to look at."""
    local = word.restrict(np.array(trace_wires))
    if gate.generator is not None:
        return not gate.generator.words.anticommutation(local).any()
    if gate.kind == "state" or len(trace_wires) > limits.TABLE_QUBITS:
        return False
    matrix, term = gate_matrix(gate.op), PauliSum.of(local, np.ones(1)).matrix()
    return bool(np.allclose(matrix @ term, term @ matrix))


def _cone(script: Script, observable: PauliSum, gates: frozenset[int], wires: frozenset[int], terms: list[int]) -> Cone:
    label = {script.wires[q]: i for i, q in enumerate(sorted(wires))}
    with qml.queuing.QueuingManager.stop_recording():
        steps = tuple(_moved(script.steps[i], label) for i in sorted(gates))
        words = observable.words[sorted(terms)].restrict(np.array(sorted(wires)))
        measured = qml.pauli.PauliSentence({
            qml.pauli.PauliWord(letters): float(c.real)
            for letters, c in zip(words.maps(), observable.coefficients[sorted(terms)], strict=True)
        }).operation()  # fmt: skip
    used = sorted(frozenset[int]().union(*(s.parameters for s in steps)))
    trace = replace(script, steps=steps, observable=measured, wires=tuple(range(len(wires)))).trace()
    return Cone(trace, np.array(used, np.int64))


def _moved(step: Step, label: dict[Any, int]) -> Step:
    return replace(step, gate=replace(step.gate, op=qml.map_wires(step.gate.op, label)))
