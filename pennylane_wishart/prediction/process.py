"""The losses of a data set together: the Wishart process and its Gaussian limit (THEORY §5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pennylane_wishart.circuit import InputState
from pennylane_wishart.ensembles.process import (
    GaussianVerdict,
    gaussian_verdict,
    loss_covariance,
    process_sample,
    span_operators,
)
from pennylane_wishart.errors import InputError, OutOfTheoryError
from pennylane_wishart.prediction.loss import require_theory
from pennylane_wishart.sectors import Signature
from pennylane_wishart.sectors.inputs import SectorInputs, sector_inputs

__all__ = ["Process", "build_process", "read_states"]


@dataclass(frozen=True, eq=False)
class SectorProcess:
    """The inputs of one sector as density matrices over F on their span."""

    values: tuple[float, ...]
    """Distinct eigenvalues of the traceless part of O."""
    multiplicities: tuple[int, ...]
    beta: int
    operators: np.ndarray
    """``(n, d, d)``, as ``ensembles.process.process_sample`` takes them."""

    @classmethod
    def of(cls, inputs: SectorInputs) -> SectorProcess:
        """Express every input on an orthonormal basis of the span of all."""
        n, copies, dim = inputs.columns.shape
        parts = span_operators(inputs.columns.reshape(n * copies, dim), inputs.beta)
        operators = parts.reshape(n, copies, *parts.shape[1:]).sum(axis=1)
        return cls(inputs.values, inputs.multiplicities, inputs.beta, operators)

    @property
    def weights(self) -> np.ndarray:
        """Tr ρ_i in the sector, ``(n,)``."""
        return np.einsum("nii->n", self.operators).real

    @property
    def overlaps(self) -> np.ndarray:
        """Tr ρ_iρ_j over F, ``(n, n)``."""
        rho = self.operators
        if self.beta == 4:  # Tr over H of the Jordan parts
            half = rho.shape[1] // 2
            omega = np.kron(np.array([[0, 1], [-1, 0]]), np.eye(half))
            return np.einsum("iab,jba->ij", rho, rho + omega @ rho.conj() @ omega.T).real
        return np.einsum("iab,jba->ij", rho, rho).real


@dataclass(frozen=True, eq=False)
class Process:
    """Joint law of the losses ℓ_1 … ℓ_n of n inputs under the same random circuit.

    Exact in the deep limit at finite size, by compression of the observable to the span of the
    inputs, sector by sector. NOT valid before the deep limit.
    """

    mean: np.ndarray
    """E[ℓ_i], float64 ``(n,)``."""
    sectors: tuple[SectorProcess, ...]
    """Sectors in which the loss moves."""

    @cached_property
    def covariance(self) -> np.ndarray:
        """Cov[ℓ_i, ℓ_j], float64 ``(n, n)``: the kernel of the Gaussian limit."""
        total: np.ndarray = np.zeros((len(self.mean),) * 2)
        for s in self.sectors:
            total += loss_covariance(s.values, s.multiplicities, s.beta, s.overlaps, s.weights)
        return total

    def sample(self, size: int, rng=None) -> np.ndarray:
        """Draw joint losses, float64 ``(size, n)``."""
        generator = np.random.default_rng(rng)
        total = np.tile(self.mean, (size, 1))
        for s in self.sectors:
            total += process_sample(s.values, s.multiplicities, s.beta, s.operators, size, generator)
        return total

    @cached_property
    def verdicts(self) -> tuple[GaussianVerdict, ...]:
        """Gaussian process or not, one verdict per sector in which the loss moves."""
        return tuple(gaussian_verdict(s.values, s.multiplicities, s.beta) for s in self.sectors)

    @property
    def is_gaussian(self) -> bool:
        """Whether every sector is close to a Gaussian process."""
        return all(v.is_gaussian for v in self.verdicts)


def read_states(states, n_qubits: int) -> list[np.ndarray]:
    """Return state vectors ``(2^n,)`` from InputStates or an array ``(m, 2^n)``."""
    if isinstance(states, InputState):
        states = [states]
    if isinstance(states, Sequence) and states and all(isinstance(s, InputState) for s in states):
        vectors = [s.vector() for s in states]
    else:
        array = np.atleast_2d(np.asarray(states, dtype=complex))
        if array.ndim != 2 or array.shape[1] != 2**n_qubits:
            raise InputError(
                f"states need shape (m, {2**n_qubits}) or a list of InputState; got {array.shape}. For data of an "
                "encoding argument pass pw.normal_form(qnode)(data, *args).states."
            )
        vectors = [InputState.from_vector(v).vector() for v in array]
    if any(len(v) != 2**n_qubits for v in vectors):
        raise InputError(f"Every state must have {n_qubits} qubits.")
    return vectors


def build_process(signature: Signature, states) -> Process:
    """Return the :class:`Process` of several inputs.

    Raises:
        OutOfTheoryError: outside the theory, or where sectors cannot be built densely.
    """
    require_theory(signature)
    vectors = read_states(states, signature.circuit.n_qubits)
    found = sector_inputs(signature, vectors)
    if found is None:
        raise OutOfTheoryError(
            "The joint law of several inputs needs dense sectors (10 qubits) here: only one input at a time is "
            "predicted at this size."
        )
    means, sectors = found
    return Process(means, tuple(SectorProcess.of(s) for s in sectors))
