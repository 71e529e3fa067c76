"""Which parts of an observable a PennyLane device measures with the same shots.

``default.qubit`` and ``lightning.qubit`` (PennyLane 0.45) measure a sum term by term: its Pauli words
are put into qubit-wise commuting groups (``qml.pauli.compute_partition_indices``, as
``split_non_commuting`` does too), every group gets all the shots of the QNode, and a term that is no
word is measured by itself, in its eigenbasis. Anything that is not a sum (a word, a ``Projector``, a
``Hermitian``, a product or a multiple of a sum) is measured in its eigenbasis as a whole.
"""

from __future__ import annotations

import enum
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import pennylane as qml
from pennylane.operation import Operator

from pennylane_wishart.circuit.builder import Frame
from pennylane_wishart.circuit.operators import operator_to_sum
from pennylane_wishart.circuit.records import RotationCircuit
from pennylane_wishart.paulis import PauliSum, PauliWords

__all__ = ["Grouping", "MeasuredGroups", "measured_groups"]

Group = list[tuple[float, Operator]]
"""Terms of one set of shots: coefficients and operators."""


class Grouping(enum.Enum):
    """How an observable is measured."""

    WHOLE = "measured in its eigenbasis, one circuit"
    GROUPS = "qubit-wise commuting groups of its words, the shots of the QNode on each"


@dataclass(frozen=True, eq=False)
class MeasuredGroups:
    """The parts of an observable that share shots, in the circuit's frame, identity terms left out."""

    parts: tuple[PauliSum, ...]
    grouping: Grouping

    def __len__(self) -> int:
        return len(self.parts)


def measured_groups(circuit: RotationCircuit) -> MeasuredGroups:
    """Return the groups in which a simulator with shots measures the circuit's observable.

    Args:
        circuit: the normal form; without a trace (built from words) its own words are grouped.
    Returns:
        :class:`MeasuredGroups`; the parts add up to the observable less its identity term.
    Cost: the colouring of a graph with one node a word.
    Source: ``pennylane.devices.qubit.sampling`` and ``pennylane_lightning`` 0.45.
    """
    if circuit.trace is None:
        return _of_words(circuit)
    observable = circuit.trace.observable
    wires = circuit.trace.wires
    if not isinstance(observable, qml.ops.Sum):
        parts = [operator_to_sum(observable, wires)]
        grouping = Grouping.WHOLE
    else:
        with qml.QueuingManager.stop_recording():
            parts = [_added(group, wires) for group in _groups_of_sum(observable, 1.0)]
        grouping = Grouping.GROUPS
    # the groups are of the QNode's observable; the circuit's is seen through its Cliffords
    frame = Frame(circuit.n_qubits)
    for _, tableau, targets in circuit.cliffords:
        frame.append(tableau, list(targets))
    pulled = [p.trace_free() for p in (frame.conjugated(part) for part in parts)]
    return MeasuredGroups(tuple(p for p in pulled if len(p)), grouping)


def _groups_of_sum(observable: Operator, factor: float) -> list[Group]:
    """Return groups of (coefficient, operator): one of each set of words, one of each other term."""
    words: Group = []
    groups: list[Group] = []
    for coefficient, term in _terms(observable):
        # nested products and multiples are opened, as the device does before it groups
        if isinstance(term, (qml.ops.Sum, qml.ops.SProd, qml.ops.Prod)):
            term = qml.simplify(term)
        scale = factor * coefficient
        if qml.pauli.is_pauli_word(term):
            words.append((scale, term))
        elif isinstance(term, qml.ops.Sum):
            groups += _groups_of_sum(term, scale)
        else:
            groups.append([(scale, term)])
    if words:
        partition = qml.pauli.compute_partition_indices([w for _, w in words])
        groups = [[words[i] for i in members] for members in partition] + groups
    return groups


def _terms(observable: Operator) -> Group:
    """Return the terms as the device sees them: a LinearCombination keeps its coefficients apart."""
    if isinstance(observable, qml.ops.LinearCombination):
        coefficients, terms = observable.terms()
        return [(float(np.real(qml.math.toarray(c))), t) for c, t in zip(coefficients, terms, strict=True)]
    return [(1.0, t) for t in observable.operands]


def _added(group: Group, wires: Sequence[Hashable]) -> PauliSum:
    parts = [operator_to_sum(term, wires).scale(scale) for scale, term in group]
    words = PauliWords.concatenate([p.words for p in parts])
    return PauliSum.of(words, np.concatenate([p.coefficients for p in parts]))


def _of_words(circuit: RotationCircuit) -> MeasuredGroups:
    observable = circuit.observable.trace_free()
    if len(observable) <= 1:
        return MeasuredGroups((observable,) if len(observable) else (), Grouping.WHOLE)
    with qml.QueuingManager.stop_recording():
        operators = [qml.pauli.PauliWord(m).operation() for m in observable.words.maps()]
        partition = qml.pauli.compute_partition_indices(operators)
    parts = [PauliSum(observable.words[list(g)], observable.coefficients[list(g)]) for g in partition]
    return MeasuredGroups(tuple(parts), Grouping.GROUPS)
