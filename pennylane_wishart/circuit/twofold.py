"""``qml.var`` as an expectation value: ⟨O²⟩ − ⟨O⟩² = ⟨O²⊗1 − O⊗O⟩ of two copies of the circuit, side by side."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

import numpy as np
import pennylane as qml
from pennylane.operation import Operator
from scipy.sparse import csr_array

from pennylane_wishart.circuit.operators import operator_to_sum
from pennylane_wishart.circuit.traced import TracedCircuit

__all__ = ["two_copies"]


def two_copies(trace: TracedCircuit) -> TracedCircuit:
    """Return two copies of a circuit that share every parameter, with the variance of its observable.

    Exact at every depth and under noise, since copies that share nothing but their angles are a product state. What
    comes out is run on a simulator: no device has the copies.
    """
    second = dict(zip(trace.wires, _others(trace.wires), strict=True))
    with qml.queuing.QueuingManager.stop_recording():
        gates = tuple(g for one in trace.gates for g in (one, replace(one, op=qml.map_wires(one.op, second))))
        observable = _variance(trace, second)
    every = np.repeat(np.arange(len(trace.rotations)), 2)
    return replace(
        trace,
        gates=gates,
        rotations=2 * trace.rotations[every] + np.tile([0, 1], len(trace.rotations)),
        map=csr_array(trace.map[every]),
        data_map=None if trace.data_map is None else csr_array(trace.data_map[every]),
        offsets=trace.offsets[every],
        observable=observable,
        wires=(*trace.wires, *second.values()),
        qnode=None,
        device=None,
    )


def _others(wires: Sequence[Hashable]) -> list[str]:
    """Name the second copy's wires as the first one's, with as many primes as tell all of them apart."""
    mark = "'"
    while {f"{w}{mark}" for w in wires} & set(wires):
        mark += "'"
    return [f"{w}{mark}" for w in wires]


def _variance(trace: TracedCircuit, second: dict[Hashable, str]) -> Operator:
    """Return O²⊗1 − O⊗O as a sum of words."""
    found = operator_to_sum(trace.observable, trace.wires)
    words = [{trace.wires[q]: letter for q, letter in word.items()} for word in found.words.maps()]
    sentences = [
        qml.pauli.PauliSentence({qml.pauli.PauliWord(w): c for w, c in zip(each, found.coefficients, strict=True)})
        for each in (words, [{second[w]: letter for w, letter in word.items()} for word in words])
    ]
    total = sentences[0] @ sentences[0] - sentences[0] @ sentences[1]
    total.simplify()
    return qml.pauli.PauliSentence({w: float(np.real(c)) for w, c in total.items()}).operation(
        [*trace.wires, *second.values()]
    )
