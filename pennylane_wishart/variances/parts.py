"""Parts of a circuit: some of its rotations, some of their words, or its sums taken apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pennylane_wishart.circuit import RotationCircuit
from pennylane_wishart.paulis import PauliWords

__all__ = ["restricted", "split_sums", "subcircuit"]


def subcircuit(circuit: RotationCircuit, keep: np.ndarray) -> RotationCircuit:
    """Return the circuit with only the rotations ``keep`` (parameters keep their numbers)."""
    keep = np.asarray(keep)
    keep = np.flatnonzero(keep) if keep.dtype == bool else keep
    sizes = np.diff(circuit.starts)[keep]
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    rows = np.repeat(circuit.starts[:-1][keep] - starts[:-1], sizes) + np.arange(starts[-1])
    terms = PauliWords(circuit.terms.x[rows], circuit.terms.z[rows], circuit.n_qubits)
    return replace(
        circuit,
        terms=terms,
        term_coefficients=circuit.term_coefficients[rows],
        starts=starts,
        coefficients=circuit.coefficients[keep],
        offsets=circuit.offsets[keep],
        parameter_of=circuit.parameter_of[keep],
        random_of=circuit.random_of[keep],
        cliffords=tuple((int(np.searchsorted(keep, at)), c, q) for at, c, q in circuit.cliffords),
    )


def restricted(circuit: RotationCircuit, keep: np.ndarray) -> RotationCircuit:
    """Return the circuit with only the terms ``keep`` of its generators; rotations left empty are dropped.

    Valid where the loss does not depend on what is left out.

    Args:
        keep: bool, one per term.
    """
    owner = np.repeat(np.arange(circuit.n_rotations), np.diff(circuit.starts))
    counts = np.bincount(owner[keep], minlength=circuit.n_rotations)
    rotations = np.flatnonzero(counts)
    small = subcircuit(circuit, rotations)
    if keep.all():
        return small
    rows = np.flatnonzero(keep)
    return replace(
        small,
        terms=circuit.terms[rows],
        term_coefficients=circuit.term_coefficients[rows],
        starts=np.concatenate([[0], np.cumsum(counts[rotations])]).astype(np.int64),
    )


def split_sums(circuit: RotationCircuit) -> tuple[RotationCircuit, np.ndarray]:
    """Return the circuit with every sum of commuting words as one rotation a word, and their first terms.

    exp(−ia Σ c_j P_j) = ∏ exp(−ia c_j P_j) where the words commute. Sums of words that do not commute stay.

    Returns:
        ``(circuit, starts)``: the terms keep their order; ``starts`` int64 ``(n_parts + 1,)`` says which
        terms each rotation of the new circuit holds.
    """
    sizes = np.diff(circuit.starts)
    starts, owner = [], []
    for k, size in enumerate(sizes):
        words = circuit.terms[slice(circuit.starts[k], circuit.starts[k + 1])] if size > 1 else None
        whole = words is not None and bool(words.anticommutation(words).any())
        parts = [circuit.starts[k]] if whole else list(range(circuit.starts[k], circuit.starts[k + 1]))
        starts += parts
        owner += [k] * len(parts)
    index = np.asarray(owner, np.int64)
    bounds = np.asarray([*starts, circuit.starts[-1]], np.int64)
    if len(index) == circuit.n_rotations:
        return circuit, bounds
    return replace(
        circuit,
        starts=bounds,
        coefficients=circuit.coefficients[index],
        offsets=circuit.offsets[index],
        parameter_of=circuit.parameter_of[index],
        random_of=circuit.random_of[index],
        cliffords=tuple((int(np.searchsorted(index, at)), c, q) for at, c, q in circuit.cliffords),
    ), bounds
