"""The module of operators between basis states, where an input reaches few of them.

Particle number, spin projection and parities leave a chemistry circuit a few dozen basis states. Between them every
generator is sparse, and so is its action on the elementary operators |a⟩⟨b| ± |b⟩⟨a|: averages that would take dense
matrices of the module's size there take a few entries a row.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from pennylane_wishart.circuit import InputState, RotationCircuit
from pennylane_wishart.conventions import EngineId
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import ModuleTooLargeError
from pennylane_wishart.paulis import PauliSum
from pennylane_wishart.sectors.dense.blocks import reachable_states, restrict
from pennylane_wishart.variances.engines.operators import OperatorModule, distinct_generators

__all__ = ["amplitudes_of", "module_on_states", "reached_basis"]


def amplitudes_of(state: InputState) -> tuple[np.ndarray, np.ndarray]:
    """Return (basis states, amplitudes) of an input; a basis state needs no vector, to 62 qubits.

    Raises:
        ModuleTooLargeError: for an input that is neither a basis state nor on at most 14 qubits.
    """
    if state.basis_bits is not None and state.n_qubits <= limits.MAX_NUMBERED_QUBITS:
        bits = state.basis_bits.astype(np.int64)
        return np.array([bits @ (1 << np.arange(len(bits) - 1, -1, -1, dtype=np.int64))]), np.ones(1, complex)
    if state.n_qubits > limits.MAX_VECTOR_QUBITS:
        raise ModuleTooLargeError(f"No basis states are numbered for this input on {state.n_qubits} qubits.")
    vector = state.vector()
    support = np.flatnonzero(np.abs(vector) > limits.SEEN)
    return support, vector[support]


def reached_basis(circuit: RotationCircuit, sums: list[PauliSum], most: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the basis states ``(d,)`` that the input reaches, and its amplitudes on them.

    Raises:
        ModuleTooLargeError: if they are more than ``most``.
    """
    support, values = amplitudes_of(circuit.state)
    states = reachable_states(sums, support, most) if len(support) <= most else None
    if states is None:
        raise ModuleTooLargeError(f"The input reaches more than {most} basis states.")
    out = np.zeros(len(states), complex)
    out[np.searchsorted(states, support)] = values
    return states, out


def module_on_states(circuit: RotationCircuit, max_states: int, max_dim: int) -> OperatorModule:
    """Build the module on the operators between the basis states that the input reaches.

    Raises:
        ModuleTooLargeError: if the states are more than ``max_states``, or the operators that the observable and the
            input both see more than ``max_dim``; or where there is noise.
    Cost: O(generators · d² · entries a row) for d states.
    """
    if circuit.channels:
        raise ModuleTooLargeError("Noise leaves every set of pure basis states.")
    sums, distinct = distinct_generators(circuit)
    states, amplitudes = reached_basis(circuit, sums, max_states)
    d = len(states)
    basis = _elementary(d)
    flips = [_on_operators(restrict(g, states), basis) for g in sums]
    start = (basis.conj().T @ restrict(circuit.observable, states).toarray().reshape(-1)).real
    end = (basis.conj().T @ np.outer(amplitudes, amplitudes.conj()).reshape(-1)).real
    # what generators never join to the observable, or to the input, adds nothing
    pattern = sparse.csr_array((d * d, d * d))
    for flip in flips:
        pattern = pattern + abs(flip)
    count, label = connected_components(pattern, directed=False)
    seen = [np.bincount(label, weights=np.abs(v), minlength=count) > limits.SEEN for v in (start, end)]
    keep = np.flatnonzero((seen[0] & seen[1])[label])
    if len(keep) > max_dim:
        raise ModuleTooLargeError(f"The input and the observable see {len(keep)} > {max_dim} operators.")
    if len(keep) == 0:
        keep = np.arange(1)
    small = tuple(sparse.csr_array(f[keep][:, keep]) for f in flips)
    return OperatorModule(start[keep], end[keep], small, distinct, EngineId.TENSOR)


def _elementary(d: int) -> sparse.csr_array:
    """Return |a⟩⟨a|, (|a⟩⟨b| + |b⟩⟨a|)/√2 and i(|a⟩⟨b| − |b⟩⟨a|)/√2 as columns of a sparse ``(d², d²)``."""
    a, b = np.triu_indices(d, 1)
    same, size = np.arange(d), len(a)
    half = np.full(size, np.sqrt(0.5))
    even, odd = d + np.arange(size), d + size + np.arange(size)
    rows = np.concatenate([same * d + same, a * d + b, b * d + a, a * d + b, b * d + a])
    columns = np.concatenate([same, even, even, odd, odd])
    values = np.concatenate([np.ones(d), half, half, 1j * half, -1j * half])
    return sparse.csr_array((values, (rows, columns)), shape=(d * d, d * d))


def _on_operators(generator: sparse.csr_array, basis: sparse.csr_array) -> sparse.csr_array:
    """Return X → i[G, X] on the elementary operators: real and skew."""
    one = sparse.eye_array(generator.shape[0], format="csr")
    # row by row, X → GX is G ⊗ 1 and X → XG is 1 ⊗ Gᵀ
    commutator = 1j * (sparse.kron(generator, one) - sparse.kron(one, generator.T))
    out = sparse.csr_array((basis.conj().T @ commutator @ basis).real)
    out.data[np.abs(out.data) < limits.ZERO] = 0.0
    out.eliminate_zeros()
    return out
