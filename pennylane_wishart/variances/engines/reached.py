"""Averages of two copies of the state on the space that the input really reaches (THEORY §4f).

E[(ψ⊗ψ)(ψ⊗ψ)†] lives on the symmetric square of that space, and averaging over one angle is a
multiplication in the eigenbasis of G⊗1 + 1⊗G. One sweep gives E⟨A⟩ and E[⟨A⟩⟨B⟩] of every observable
at once: particle number, spin and lattice symmetries make the space small without being declared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pennylane_wishart.circuit import AngleLaw, RotationCircuit
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import ModuleTooLargeError
from pennylane_wishart.paulis import PauliSum
from pennylane_wishart.variances.drivers import angle_transform, drivers_of
from pennylane_wishart.variances.engines.operators import distinct_generators, invariant_subspace

__all__ = ["ReachedAverage", "reached_average"]


@dataclass(frozen=True, eq=False)
class ReachedAverage:
    """E over the angles of two copies of the final state, on the reached space of d dimensions."""

    isometry: np.ndarray
    """Complex ``(2^n, d)``."""
    pair: np.ndarray
    """Complex ``(d, d, d, d)``: E[ψ_i ψ_k ψ*_j ψ*_l] at (i, k, j, l)."""

    def second(self, parts: Sequence[PauliSum]) -> float:
        """Return Σ_g E[⟨O_g⟩²]."""
        total = 0.0
        for part in parts:
            small = self.isometry.conj().T @ part.apply(self.isometry)
            total += float(np.einsum("ikjl,ji,lk->", self.pair, small, small, optimize=True).real)
        return total

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
    Cost: O(rotations · d⁶) on d dimensions.
    Source: THEORY §4f; the symmetric square is ours.
    """
    if circuit.n_qubits > limits.MAX_VECTOR_QUBITS or not drivers_of(circuit).independent:
        raise ModuleTooLargeError("The state is averaged for independent angles on at most 14 qubits.")
    sums, distinct = distinct_generators(circuit)
    # the work limit turned into a limit on d, so that the search for the space stops early
    limit = int((max_work / (limits.PAIR_COST * max(circuit.n_rotations, 1))) ** (1 / 6))  # d⁶/8 a product of matrices
    if circuit.channels:
        raise ModuleTooLargeError("Noise leaves every subspace of pure states: words are averaged instead.")
    isometry = invariant_subspace(circuit.state.vector(), sums, 2 * max(limit // 2, 2)).T
    d = isometry.shape[1]
    # two equal copies are symmetric: half the dimensions, an eighth of the work
    square = _symmetric_square(d)
    spectra = [_square_spectrum(isometry.conj().T @ g.apply(isometry), square) for g in sums]
    start = isometry.conj().T @ circuit.state.vector()
    pair = square.T @ np.kron(start, start)
    average = np.outer(pair, pair.conj())
    for k in range(circuit.n_rotations):
        values, basis = spectra[distinct[k]]
        levels, at = np.unique(values, return_inverse=True)
        table = angle_transform(circuit, law, k, levels[None, :] - levels[:, None])
        average = basis.conj().T @ average @ basis
        average = basis @ (table[at[:, None], at[None, :]] * average) @ basis.conj().T
    return ReachedAverage(isometry, (square @ average @ square.T).reshape(d, d, d, d))


def _symmetric_square(d: int) -> np.ndarray:
    """Return the isometry of the symmetric square into pairs, ``(d², d(d+1)/2)``."""
    i, k = np.triu_indices(d)
    out = np.zeros((d * d, len(i)))
    column = np.arange(len(i))
    weight = np.where(i == k, 0.5, np.sqrt(0.5))
    np.add.at(out, (i * d + k, column), weight)
    np.add.at(out, (k * d + i, column), weight)
    return out


def _square_spectrum(generator: np.ndarray, square: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return levels and eigenvectors of G⊗1 + 1⊗G on the symmetric square."""
    values, vectors = np.linalg.eigh((generator + generator.conj().T) / 2)
    i, k = np.triu_indices(len(values))
    both = square.T @ np.kron(vectors, vectors) @ square
    return np.round(values[i] + values[k], limits.FREQUENCY_DIGITS), both
