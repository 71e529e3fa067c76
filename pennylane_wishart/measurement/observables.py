"""What is measured, in the form of which a simulator gives exact values rightly."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import pennylane as qml
import scipy.sparse as sp
from pennylane.ops.qubit.observables import BasisStateProjector

from pennylane_wishart.circuit.expand import scalar
from pennylane_wishart.conventions import measurement as limits
from pennylane_wishart.measurement.recipes import DeviceRecipe

__all__ = ["as_run", "is_sparse"]


def as_run(tape: qml.tape.QuantumScript, recipe: DeviceRecipe) -> qml.tape.QuantumScript:
    """Return the tape with its observable in the form of which the device gives exact values rightly."""
    [measured] = tape.measurements
    found = measured.obs
    if recipe.is_lightning or recipe.name in limits.DIAGONALISING_DEVICES:
        found = _whole(found, recipe.wires, recipe.is_lightning)
    if recipe.name in limits.DIAGONALISING_DEVICES:
        found = _listed(found)
    if found is measured.obs:
        return tape
    out = tape.copy(measurements=[type(measured)(found)])
    out.trainable_params = tape.trainable_params  # those of the gates, which come first
    return out


def is_sparse(observable: Any) -> bool:
    """Whether an observable holds a sparse matrix, alone or in a sum or a multiple."""
    return any(sp.issparse(d) for d in observable.data)


def _whole(observable: Any, wires: Sequence[Hashable], entries: bool) -> Any:
    """Return what holds a sparse matrix, or of projectors one entry where asked for, as a sparse matrix on all wires.

    On fewer wires lightning's adjoint method raises, and of a sum or a multiple it ends the process; default.qubit
    takes no multiple (0.45). Lightning fills a projector on a basis state, 4^n numbers.
    """
    is_entry = entries and isinstance(observable, BasisStateProjector) and len(observable.wires) == len(wires)
    if not is_entry and not is_sparse(observable):
        return observable
    return qml.SparseHamiltonian(sp.csr_matrix(observable.sparse_matrix(wire_order=list(wires))), wires=list(wires))


def _listed(observable: Any) -> Any:
    """Return a sum, or a multiple of one, as a list of coefficients and terms.

    PennyLane's simulators diagonalise sums whose terms share wires, and keep the eigenvectors by the terms alone:
    of a sum that another QNode of the process has in another order they take them on the wrong wires, and the
    value is wrong without an error (PennyLane 0.45). Lists are multiplied out.
    """
    base, words = observable, observable.pauli_rep
    while isinstance(base, qml.ops.SProd):
        base = base.base
    if isinstance(base, qml.ops.LinearCombination) or not (isinstance(base, qml.ops.Sum) or words and len(words) > 1):
        return observable
    if words is None:
        coefficients, terms = observable.terms()
    else:
        coefficients, terms = words.values(), [word.operation(wire_order=observable.wires) for word in words]
    return qml.Hamiltonian([scalar(c) for c in coefficients], terms)
