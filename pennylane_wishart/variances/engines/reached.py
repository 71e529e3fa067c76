"""Averages of two copies of the state on the space that the input really reaches (THEORY §4f).

E[(ψ⊗ψ)(ψ⊗ψ)†] lives on the symmetric square of that space, and averaging over one angle is a
multiplication in the eigenbasis of G⊗1 + 1⊗G. One sweep gives E⟨A⟩ and E[⟨A⟩⟨B⟩] of every observable
at once: particle number, spin and lattice symmetries make the space small without being declared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from pennylane_wishart.circuit import AngleLaw, RotationCircuit
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import ModuleTooLargeError
from pennylane_wishart.paulis import PauliSum
from pennylane_wishart.sectors.dense.blocks import restrict
from pennylane_wishart.variances.drivers import angle_transform, drivers_of
from pennylane_wishart.variances.engines.operators import distinct_generators, invariant_subspace
from pennylane_wishart.variances.engines.rotors import Rotor
from pennylane_wishart.variances.engines.states import reached_basis

__all__ = ["ReachedAverage", "reached_average"]


@dataclass(frozen=True, eq=False)
class ReachedAverage:
    """E over the angles of two copies of the final state, on the reached space of d dimensions."""

    isometry: np.ndarray
    """Complex ``(2^n, d)``."""
    pair: np.ndarray
    """``(d, d, d, d)``, complex where the circuit is: E[ψ_i ψ_k ψ*_j ψ*_l] at (i, k, j, l)."""

    def second(self, parts: Sequence[PauliSum]) -> float:
        """Return Σ_g E[⟨O_g⟩²]."""
        d = self.isometry.shape[1]
        small = np.array([self.isometry.conj().T @ part.apply(self.isometry) for part in parts]).reshape(-1, d * d)
        # over pairs (j, i) and (l, k): one product of matrices for all groups
        pair = self.pair.transpose(2, 0, 3, 1).reshape(d * d, d * d)
        return float(np.sum((small @ pair) * small).real)

    def squares(self, parts: Sequence[PauliSum]) -> float:
        """Return Σ_g E[⟨O_g²⟩]; O_g may lead out of the space."""
        state = np.einsum("ikjk->ij", self.pair)
        total = 0.0
        for part in parts:
            image = part.apply(self.isometry)
            total += float(np.einsum("ij,ji->", state, image.conj().T @ image).real)
        return total


def reached_average(circuit: RotationCircuit, law: AngleLaw, max_work: float = limits.PAIR_WORK) -> ReachedAverage:
    """Average two copies of the state over independent angles, exactly, for any generators.

    Raises:
        ModuleTooLargeError: for shared angles, beyond 14 qubits, or where the reached space is too large.
    Cost: O(rotations · d⁴) on d basis states, where generators are sparse; O(rotations · d⁶) on a space of d others.
    Source: THEORY §4f; the symmetric square is ours.
    """
    if circuit.n_qubits > limits.MAX_VECTOR_QUBITS or not drivers_of(circuit).independent:
        raise ModuleTooLargeError("The state is averaged for independent angles on at most 14 qubits.")
    sums, distinct = distinct_generators(circuit)
    if circuit.channels:
        raise ModuleTooLargeError("Noise leaves every subspace of pure states: words are averaged instead.")
    space = _space(circuit, sums, max_work)
    square = _symmetric_square(len(space.start))
    skew = [_on_pairs(-1j * g, square) for g in space.generators]
    pair = square.T @ np.kron(space.start, space.start)
    if not (pair.imag.any() or any(s.data.imag.any() for s in skew)):
        pair, skew = pair.real, [s.real for s in skew]
    rotors = [Rotor(s) for s in skew]
    average = np.outer(pair, pair.conj())
    for k in range(circuit.n_rotations):
        rotor = rotors[distinct[k]]
        table = rotor.table(partial(angle_transform, circuit, law, k))
        average = rotor.averaged(average, rotor.change(table))
    d = len(space.start)
    return ReachedAverage(space.isometry, (square @ (square @ average).T).T.reshape(d, d, d, d))


@dataclass(frozen=True, eq=False)
class _Space:
    """The reached space: an isometry ``(2^n, d)`` into all states, generators and the input on it."""

    isometry: np.ndarray
    generators: tuple[sparse.csr_array, ...]
    start: np.ndarray


def _space(circuit: RotationCircuit, sums: list[PauliSum], max_work: float) -> _Space:
    """Return the basis states that are reached, where generators are sparse; else a smaller dense space."""
    each = max_work / max(circuit.n_rotations, 1)
    # a sparse turn costs a few entries of each of the d²/2 rows, there and back on both sides
    most = int((each / limits.SPARSE_PAIR_COST) ** (1 / 4))
    try:
        states, start = reached_basis(circuit, sums, most)
        small = tuple(restrict(g, states) for g in sums)
        if _sparse_work(small, circuit.n_rotations) > max_work:
            raise ModuleTooLargeError("Generators join too many basis states: their eigenvectors are not sparse.")
    except ModuleTooLargeError:
        # the work limit turned into a limit on d, so that the search for the space stops early
        limit = int((each / limits.PAIR_COST) ** (1 / 6))  # d⁶/8 a product of matrices
        isometry = invariant_subspace(circuit.state.vector(), sums, 2 * max(limit // 2, 2)).T
        dense = tuple(sparse.csr_array(isometry.conj().T @ g.apply(isometry)) for g in sums)
        return _Space(isometry, dense, isometry.conj().T @ circuit.state.vector())
    isometry = np.zeros((2**circuit.n_qubits, len(states)))
    isometry[states, np.arange(len(states))] = 1.0
    return _Space(isometry, small, start)


def _sparse_work(generators: Sequence[sparse.csr_array], n_rotations: int) -> float:
    """Multiply-adds of the eigenvectors on pairs and of all turns: a generator joins states to blocks of b.

    Pairs of blocks of b and c make blocks of b·c, so that sums over pairs are squares of sums over blocks.
    """
    work = 0.0
    for generator in generators:
        d = generator.shape[0]
        sizes = np.bincount(connected_components(abs(generator), directed=False)[1]).astype(float)
        spectrum = limits.EIGH_COST * np.sum(sizes**3) ** 2 / 4
        turn = 4 * (np.sum(sizes**2) ** 2 / 2) * d**2 / 2
        work += spectrum + turn * n_rotations / len(generators)
    return work


def _symmetric_square(d: int) -> sparse.csr_array:
    """Return the isometry of the symmetric square into pairs, sparse ``(d², d(d+1)/2)``."""
    i, k = np.triu_indices(d)
    column = np.arange(len(i))
    weight = np.where(i == k, 0.5, np.sqrt(0.5))
    at = (np.concatenate([i * d + k, k * d + i]), np.concatenate([column, column]))
    return sparse.csr_array((np.concatenate([weight, weight]), at), shape=(d * d, len(i)))


def _on_pairs(operator: sparse.csr_array, square: sparse.csr_array) -> sparse.csr_array:
    """Return A⊗1 + 1⊗A on the symmetric square."""
    one = sparse.eye_array(operator.shape[0], format="csr")
    return sparse.csr_array(square.T @ (sparse.kron(operator, one) + sparse.kron(one, operator)) @ square)
