"""A traced circuit as a list of steps, which can be edited and traced again without its QNode."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pennylane as qml
from pennylane.operation import Operator
from scipy.sparse import csr_array

from pennylane_wishart.circuit.arguments import Arguments
from pennylane_wishart.circuit.expand import Gate, expand_operations
from pennylane_wishart.circuit.traced import TracedCircuit

__all__ = ["Script", "Step"]


@dataclass(frozen=True, eq=False)
class Step:
    """One elementary gate, and which parameters turn it."""

    gate: Gate
    slopes: tuple[tuple[int, float], ...] = ()
    """(parameter, d(value)/d(parameter)); empty for what no parameter turns."""
    offset: float = 0.0
    """Value of a rotation where every parameter is 0."""

    @property
    def place(self) -> tuple[Hashable, ...]:
        """What gate this is and where: equal for gates that differ in their angle alone."""
        return self.gate.key, tuple(self.gate.op.wires)

    @property
    def parameters(self) -> frozenset[int]:
        """Parameters that turn it."""
        return frozenset(p for p, _ in self.slopes)

    def turned_by(self, number: dict[int, int]) -> Step:
        """Return the step with its parameters renumbered."""
        return replace(self, slopes=tuple((number[p], c) for p, c in self.slopes))

    @classmethod
    def rotation(cls, word: str, wires: Sequence[Hashable], parameter: int, factor: float = 1.0) -> Step:
        """Return a rotation about a Pauli word by factor·θ_parameter, at angle 0."""
        with qml.queuing.QueuingManager.stop_recording():
            op = getattr(qml, f"R{word}")(0.0, wires[0]) if len(word) == 1 else qml.PauliRot(0.0, word, list(wires))
            [gate] = expand_operations([op])
        return cls(gate, ((parameter, factor),))

    @classmethod
    def fixed(cls, kind: type[Operator], wire: Hashable) -> Step:
        """Return an elementary gate without parameters."""
        with qml.queuing.QueuingManager.stop_recording():
            [gate] = expand_operations([kind(wire)])
        return cls(gate)


@dataclass(frozen=True, eq=False)
class Script:
    """Elementary gates in order, what is measured, and the values of the parameters.

    Example:
        >>> with qml.queuing.AnnotatedQueue() as queue:
        ...     _ = qml.RX(0.1, 0), qml.RX(0.2, 0), qml.expval(qml.Z(0))
        >>> from pennylane_wishart.circuit import trace_qnode
        >>> script = Script.read(trace_qnode(qml.tape.QuantumScript.from_queue(queue)))
        >>> shorter = replace(script, steps=script.steps[1:]).trace()
        >>> shorter.n_params, shorter.values.tolist()
        (1, [0.2])
    """

    steps: tuple[Step, ...]
    observable: Operator
    values: tuple[float, ...]
    wires: tuple[Hashable, ...]

    @classmethod
    def read(cls, trace: TracedCircuit) -> Script:
        """Return the steps of a traced circuit of one datum."""
        row_of = {int(g): r for r, g in enumerate(trace.rotations)}
        steps = []
        for i, gate in enumerate(trace.gates):
            if (r := row_of.get(i)) is None:
                steps.append(Step(gate))
                continue
            part = slice(trace.map.indptr[r], trace.map.indptr[r + 1])
            slopes = zip(trace.map.indices[part].tolist(), trace.map.data[part].tolist(), strict=True)
            steps.append(Step(gate, tuple(slopes), float(trace.offsets[r])))
        return cls(tuple(steps), trace.observable, tuple(trace.values.tolist()), trace.wires)

    @property
    def n_params(self) -> int:
        """Number of parameters that turn a gate."""
        return len(frozenset[int]().union(*(s.parameters for s in self.steps)))

    def trace(self) -> TracedCircuit:
        """Return the circuit as if it had been traced: parameters that turn nothing are gone, new ones are 0."""
        used = sorted(frozenset[int]().union(*(s.parameters for s in self.steps)))
        number = {p: i for i, p in enumerate(used)}
        values = np.array([self.values[p] if p < len(self.values) else 0.0 for p in used])
        gates = tuple(s.gate for s in self.steps)
        rotations = [i for i, g in enumerate(gates) if g.kind == "rotation"]
        turned = [self.steps[i].turned_by(number) for i in rotations]
        return TracedCircuit(
            gates=gates,
            rotations=np.array(rotations, np.int64),
            map=_sparse((s.slopes for s in turned), (len(turned), len(used))),
            data_map=None,
            offsets=np.array([s.offset for s in turned], float),
            arguments=Arguments((values,), {}, (0,), (values.shape,), (), "numpy"),
            observable=self.observable,
            wires=self.wires,
        )


def _sparse(rows: Iterable[tuple[tuple[int, float], ...]], shape: tuple[int, int]) -> Any:
    entries = [(r, p, c) for r, row in enumerate(rows) for p, c in row]
    at = np.array([e[:2] for e in entries], np.int64).reshape(-1, 2).T
    return csr_array((np.array([e[2] for e in entries], float), tuple(at)), shape=shape)
