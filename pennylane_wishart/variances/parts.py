"""Parts of a circuit: some of its rotations, some of their words, or its sums taken apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pennylane_wishart.circuit import InputState, RotationCircuit
from pennylane_wishart.paulis import PauliSum

__all__ = ["narrowed", "one_word_each", "restricted", "split_sums", "subcircuit"]


def _rebuilt(circuit: RotationCircuit, rotations: np.ndarray, starts: np.ndarray, rows: np.ndarray) -> RotationCircuit:
    """Return the circuit of some rotations, or copies of them, that hold the terms ``rows`` cut at ``starts``."""
    return replace(
        circuit,
        terms=circuit.terms[rows],
        term_coefficients=circuit.term_coefficients[rows],
        starts=starts,
        coefficients=circuit.coefficients[rotations],
        offsets=circuit.offsets[rotations],
        parameter_of=circuit.parameter_of[rotations],
        random_of=circuit.random_of[rotations],
        # a Clifford gate stays before the first rotation that it was before
        cliffords=tuple((int(np.searchsorted(rotations, at)), c, q) for at, c, q in circuit.cliffords),
        channels=tuple(replace(c, position=int(np.searchsorted(rotations, c.position))) for c in circuit.channels),
    )


def subcircuit(circuit: RotationCircuit, keep: np.ndarray) -> RotationCircuit:
    """Return the circuit with only the rotations ``keep`` (parameters keep their numbers)."""
    keep = np.asarray(keep)
    keep = np.flatnonzero(keep) if keep.dtype == bool else keep
    sizes = np.diff(circuit.starts)[keep]
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    rows = np.repeat(circuit.starts[:-1][keep] - starts[:-1], sizes) + np.arange(starts[-1])
    return _rebuilt(circuit, keep, starts, rows)


def restricted(circuit: RotationCircuit, keep: np.ndarray) -> RotationCircuit:
    """Return the circuit with only the terms ``keep`` of its generators; rotations left empty are dropped.

    Valid where the loss does not depend on what is left out.

    Args:
        keep: bool, one per term.
    """
    owner = np.repeat(np.arange(circuit.n_rotations), np.diff(circuit.starts))
    counts = np.bincount(owner[keep], minlength=circuit.n_rotations)
    rotations = np.flatnonzero(counts)
    starts = np.concatenate([[0], np.cumsum(counts[rotations])]).astype(np.int64)
    return _rebuilt(circuit, rotations, starts, np.flatnonzero(keep))


def narrowed(circuit: RotationCircuit) -> RotationCircuit:
    """Return the circuit on the qubits alone that its rotations or its observable touch, for engines of 2^n.

    What the input entangles with them stays. The fixed Clifford gates, which only say how words were made, go;
    so does nothing where there is noise, whose places count qubits.
    """
    if circuit.channels:
        return circuit
    kept = {int(q) for q in np.union1d(circuit.terms.support(), circuit.observable.words.support())} or {0}
    count = 0
    while len(kept) > count:  # the inputs of a batch of data may be entangled differently
        count = len(kept)
        for state in circuit.states:
            kept.update(q for b in state.blocks if not kept.isdisjoint(b.qubits) for q in b.qubits)
    return circuit if count == circuit.n_qubits else _on_qubits(circuit, np.array(sorted(kept)))


def _on_qubits(circuit: RotationCircuit, kept: np.ndarray) -> RotationCircuit:
    observable = PauliSum(circuit.observable.words.restrict(kept), circuit.observable.coefficients)
    return replace(
        circuit,
        n_qubits=len(kept),
        wires=tuple(circuit.wires[q] for q in kept),
        terms=circuit.terms.restrict(kept),
        observable=observable,
        states=tuple(_narrow_state(s, kept) for s in circuit.states),
        trace=None,
        cliffords=(),
    )


def _narrow_state(state: InputState, kept: np.ndarray) -> InputState:
    blocks = [b for b in state.blocks if np.isin(b.qubits, kept).any()]
    places = [tuple(int(q) for q in np.searchsorted(kept, b.qubits)) for b in blocks]
    return InputState(len(kept), tuple(replace(b, qubits=p) for b, p in zip(blocks, places, strict=True)))


def one_word_each(circuit: RotationCircuit) -> RotationCircuit:
    """Return a circuit of one rotation a term, also where terms do not commute: it makes of words whatever the
    sums make of them, and maybe more."""
    owner = np.repeat(np.arange(circuit.n_rotations), np.diff(circuit.starts))
    return _rebuilt(circuit, owner, np.arange(len(owner) + 1), np.arange(len(owner)))


def split_sums(circuit: RotationCircuit) -> tuple[RotationCircuit, np.ndarray]:
    """Return the circuit with every sum of commuting words as one rotation a word, and their first terms.

    exp(−ia Σ c_j P_j) = ∏ exp(−ia c_j P_j) where the words commute. Sums of words that do not commute stay.

    Returns:
        ``(circuit, starts)``: the terms keep their order; ``starts`` int64 ``(n_parts + 1,)`` says which
        terms each rotation of the new circuit holds.
    """
    starts: list[int] = []
    owner: list[int] = []
    for k in range(circuit.n_rotations):
        own = range(circuit.starts[k], circuit.starts[k + 1])
        words = circuit.terms[own.start : own.stop]
        # exp of a sum factors only where its words commute
        whole = len(own) > 1 and bool(words.anticommutation(words).any())
        parts = [own.start] if whole else list(own)
        starts += parts
        owner += [k] * len(parts)
    bounds = np.asarray([*starts, circuit.starts[-1]], np.int64)
    if len(owner) == circuit.n_rotations:
        return circuit, bounds
    return _rebuilt(circuit, np.asarray(owner, np.int64), bounds, np.arange(len(circuit.terms))), bounds
