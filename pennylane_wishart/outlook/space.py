"""The space that input and gates reach, and the circuit on it as small dense matrices.

Every state that the circuit can make lies in the smallest subspace V that holds the input and
is kept by all generators. The lowest eigenvalue of the observable on V is a bound that no
angle can pass, and below a few hundred dimensions the circuit on V is cheap to differentiate.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from pennylane_wishart.circuit import Ansatz, RotationCircuit
from pennylane_wishart.conventions import outlook as limits
from pennylane_wishart.conventions.arrays import Floats
from pennylane_wishart.errors import InputError, ModuleTooLargeError
from pennylane_wishart.variances.engines.operators import distinct_generators, invariant_subspace

__all__ = ["ReachedSpace", "reached_space"]


_Complex = NDArray[np.complex128]


@dataclass(frozen=True, eq=False)
class ReachedSpace:
    """The circuit on V."""

    circuit: RotationCircuit
    isometry: _Complex
    """complex128 ``(d, 2^n)``: orthonormal rows that span V."""
    generators: tuple[_Complex, ...]
    """complex128 ``(d, d)``, one per distinct generator."""
    kind: NDArray[np.int64]
    """int64 ``(n_rotations,)``: which of them each rotation is."""
    observable: _Complex
    """complex128 ``(d, d)``: P O P, P the projector on V."""
    vector: _Complex
    """complex128 ``(d,)``: the input."""

    @property
    def dim(self) -> int:
        """Complex dimension of V."""
        return len(self.vector)

    @cached_property
    def levels(self) -> Floats:
        """Eigenvalues of the observable on V, ascending."""
        return np.asarray(np.linalg.eigvalsh(self.observable), np.float64)

    @property
    def ground(self) -> float:
        """Lowest loss that no angle can pass."""
        return float(self.levels[0])

    @cached_property
    def _spectra(self) -> list[tuple[Floats, _Complex]]:
        return [np.linalg.eigh(g) for g in self.generators]

    def turn(self, k: int, angles: Floats, states: _Complex) -> _Complex:
        """Apply rotation ``k`` at angles ``(batch,)`` to states ``(batch, …, d)``."""
        values, vectors = self._spectra[self.kind[k]]
        phases = np.exp(-1j * np.multiply.outer(angles, values))
        phases = phases.reshape(len(angles), *[1] * (states.ndim - 2), self.dim)
        return np.asarray((phases * (states @ vectors.conj())) @ vectors.T)

    def states(self, parameters: Floats) -> _Complex:
        """Return ψ at parameters ``(batch, n_params)``, complex128 ``(batch, d)``."""
        angles = self.circuit.angles_of(parameters)
        psi = np.broadcast_to(self.vector, (len(angles), self.dim))
        for k in range(self.circuit.n_rotations):
            psi = self.turn(k, angles[:, k], psi)
        return psi

    def tangents(self, parameters: Floats) -> _Complex:
        """Return ∂ψ/∂θ_p at one point ``(n_params,)``, complex128 ``(n_params, d)``."""
        angles = self.circuit.angles_of(parameters)
        psi = self.vector[None]
        out = np.zeros((self.circuit.n_params, self.dim), complex)
        for k in range(self.circuit.n_rotations):
            angle = angles[k : k + 1]
            psi = self.turn(k, angle, psi)
            out = self.turn(k, angle, out[None])[0]
            p = int(self.circuit.parameter_of[k])
            if p >= 0:
                out[p] += -1j * self.circuit.coefficients[k] * (psi[0] @ self.generators[self.kind[k]].T)
        return out

    def gradients(self, parameters: Floats) -> tuple[Floats, Floats]:
        """Return ℓ ``(batch,)`` and ∇ℓ ``(batch, n_params)``. Cost O(batch · rotations · d²)."""
        angles = self.circuit.angles_of(parameters)
        psi = self.states(parameters)
        image = psi @ self.observable.T
        losses = np.einsum("bi,bi->b", psi.conj(), image).real
        out = np.zeros((len(angles), self.circuit.n_params))
        for k in range(self.circuit.n_rotations - 1, -1, -1):
            p = int(self.circuit.parameter_of[k])
            if p >= 0:
                turned = psi @ self.generators[self.kind[k]].T
                slope = 2 * np.einsum("bi,bi->b", image.conj(), turned).imag
                out[:, p] += self.circuit.coefficients[k] * slope
            # both are turned back together, so that no state of the forward pass is stored
            psi = self.turn(k, -angles[:, k], psi)
            image = self.turn(k, -angles[:, k], image)
        return losses, out


def reached_space(circuit: RotationCircuit, max_dim: int = limits.REACHED_DIM) -> ReachedSpace:
    """Find the space that the input and the generators reach.

    Args:
        circuit: the normal form; its first input state is used.
        max_dim: largest dimension that is followed.
    Raises:
        ModuleTooLargeError: if more than ``max_dim`` dimensions are reached, or beyond ``limits.REACHED_QUBITS``.
        InputError: if a rotation is driven by a random data input (its angle is no parameter).
    Cost: O(generators · d² · 2^n).
    Source: THEORY §7e, §7g; a block Krylov space of all generators.
    Example:
        >>> c = RotationCircuit.from_words(["XX", "ZZ"], {"ZI": 1.0, "IZ": 1.0})
        >>> space = reached_space(c)
        >>> space.dim, round(space.ground, 12)
        (2, -2.0)
    """
    if (circuit.random_of >= 0).any():
        raise InputError("A data input that counts as random has no fixed reachable space: use encoding='fixed'.")
    if circuit.n_qubits > limits.REACHED_QUBITS:
        raise ModuleTooLargeError(f"No subspace is followed on {circuit.n_qubits} > {limits.REACHED_QUBITS} qubits.")
    found = _explored(Ansatz(circuit), max_dim)
    if isinstance(found, str):
        raise ModuleTooLargeError(found)
    isometry, small, kind = found
    observable = isometry.conj() @ circuit.observable.apply(isometry.T)
    vector = isometry.conj() @ circuit.state.vector()
    return ReachedSpace(circuit, isometry, small, kind, (observable + observable.conj().T) / 2, vector)


@lru_cache(maxsize=limits.KEPT_SPACES)  # the outputs of a QNode ask one after the other
def _explored(ansatz: Ansatz, max_dim: int) -> tuple[_Complex, tuple[_Complex, ...], NDArray[np.int64]] | str:
    """Return orthonormal rows that span V, every distinct generator on it and which each rotation is; or why not."""
    sums, kind = distinct_generators(ansatz.circuit)
    try:
        isometry = invariant_subspace(ansatz.circuit.state.vector(), sums, max_dim)
    except ModuleTooLargeError as err:
        return str(err)
    # the generators keep V, so their blocks on it are exact; the observable need not, and is projected
    return isometry, tuple(isometry.conj() @ g.apply(isometry.T) for g in sums), kind
