"""The losses of a data set together: the Wishart process and its Gaussian limit (THEORY §5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.special import ndtr

from pennylane_wishart.algebra import orbit
from pennylane_wishart.circuit import InputState
from pennylane_wishart.conventions import prediction as limits
from pennylane_wishart.conventions.arrays import Floats
from pennylane_wishart.conventions.numbers import TINY
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.ensembles import Constant, HaarCompression, Law, SectorSum, SpinFactor
from pennylane_wishart.ensembles.arguments import check_size
from pennylane_wishart.ensembles.process import (
    GaussianVerdict,
    gaussian_verdict,
    loss_covariance,
    process_sample,
    span_operators,
)
from pennylane_wishart.errors import InputError, OutOfTheoryError
from pennylane_wishart.paulis import PauliWords
from pennylane_wishart.prediction.inputs import read_inputs
from pennylane_wishart.prediction.loss import field_spectrum, require_theory, weighted_sectors
from pennylane_wishart.sectors import Signature
from pennylane_wishart.sectors.inputs import SectorInputs, sector_inputs

__all__ = ["Process", "SectorProcess", "SpinProcess", "SquaredError", "build_process"]

_GRID = np.linspace(*limits.NORMAL_GRID)


class _Part(Protocol):
    """One independent part of the losses, with mean 0 or a constant mean inside."""

    @property
    def covariance(self) -> Floats:
        """Cov[ℓ_i, ℓ_j] of this part, ``(n, n)``."""

    @property
    def verdict(self) -> GaussianVerdict:
        """Whether this part is close to a Gaussian process."""

    def sample(self, size: int, rng: np.random.Generator) -> Floats:
        """Joint draws, ``(size, n)``."""

    def marginal(self, i: int) -> Law:
        """Law of this part of ℓ_i."""


@dataclass(frozen=True, eq=False)
class SectorProcess:
    """The inputs of one sector as density matrices over F on their span."""

    values: tuple[float, ...]
    """Distinct eigenvalues of the traceless part of O."""
    multiplicities: tuple[int, ...]
    beta: int
    operators: NDArray[Any]
    """``(n, d, d)``, as ``ensembles.process.process_sample`` takes them."""

    @classmethod
    def of(cls, inputs: SectorInputs) -> SectorProcess:
        """Express every input on an orthonormal basis of the span of all."""
        # a joint law depends on the inputs' span alone: compressing O to it keeps matrices at n · copies
        n, copies, dim = inputs.columns.shape
        parts = span_operators(inputs.columns.reshape(n * copies, dim), inputs.beta)
        operators = parts.reshape(n, copies, *parts.shape[1:]).sum(axis=1)
        return cls(inputs.values, inputs.multiplicities, inputs.beta, operators)

    @cached_property
    def _jordan(self) -> NDArray[Any]:
        """Parts of the inputs that the observable sees: over H, averaged with their partners."""
        if self.beta != 4:
            return self.operators
        # O commutes with the quaternionic structure: it sees an input only averaged with its partner
        omega = np.kron(np.array([[0, 1], [-1, 0]]), np.eye(self.operators.shape[1] // 2))
        return np.asarray(self.operators + omega @ self.operators.conj() @ omega.T) / 2

    @property
    def weights(self) -> Floats:
        """Tr ρ_i in the sector, ``(n,)``."""
        return np.asarray(np.einsum("nii->n", self.operators).real)

    @property
    def overlaps(self) -> Floats:
        """Tr ρ_iρ_j over F, ``(n, n)``: over H twice the complex trace of the Jordan parts."""
        traces = np.einsum("iab,jba->ij", self._jordan, self._jordan).real
        return np.asarray(2 * traces if self.beta == 4 else traces)

    @property
    def covariance(self) -> Floats:
        """Cov[ℓ_i, ℓ_j] of this sector."""
        return loss_covariance(self.values, self.multiplicities, self.beta, self.overlaps, self.weights)

    @property
    def verdict(self) -> GaussianVerdict:
        """Gaussian process or not, judged for a pure input."""
        return gaussian_verdict(self.values, self.multiplicities, self.beta)

    def sample(self, size: int, rng: np.random.Generator) -> Floats:
        """Joint draws by compression of O to the span of the inputs."""
        return process_sample(self.values, self.multiplicities, self.beta, self.operators, size, rng)

    def marginal(self, i: int) -> Law:
        """Law of this sector's part of ℓ_i; exact also where the input is mixed."""
        rho = np.linalg.eigvalsh(self._jordan[i])[::-1]
        if self.beta == 4:
            rho = 2 * rho[::2]  # every eigenvalue over H comes twice
        kept = tuple(float(p) for p in rho if p > limits.LIGHT)
        return HaarCompression(self.values, self.multiplicities, self.beta, kept) if kept else Constant(0.0)


@dataclass(frozen=True, eq=False)
class SpinProcess:
    """A spin factor: ℓ_i = ‖b‖·a_i·u with one u uniform on S^{d−1} for all inputs."""

    vectors: Floats
    """‖b‖·⟨γ_j⟩ of every input, ``(n, d)``."""

    @property
    def covariance(self) -> Floats:
        """‖b‖²·a_i·a_j/d."""
        return np.asarray(self.vectors @ self.vectors.T / self.vectors.shape[1])

    @property
    def verdict(self) -> GaussianVerdict:
        """Gaussian process or not: (1 + u_1)/2 is the two-level law with d − 1 and d − 1 over R."""
        d = self.vectors.shape[1]
        return gaussian_verdict([-1.0, 1.0], [d - 1, d - 1], 1)

    def sample(self, size: int, rng: np.random.Generator) -> Floats:
        """Joint draws."""
        # one vector for all inputs: that is what makes their losses depend on each other
        u = rng.standard_normal((size, self.vectors.shape[1]))
        return np.asarray((u / np.linalg.norm(u, axis=1)[:, None]) @ self.vectors.T)

    def marginal(self, i: int) -> Law:
        """Law of ℓ_i."""
        length = float(np.linalg.norm(self.vectors[i]))
        return SpinFactor(length, self.vectors.shape[1]) if length > limits.LIGHT else Constant(0.0)


@dataclass(frozen=True, eq=False)
class SquaredError:
    """Mean squared error of a data set under random angles, in the deep limit."""

    mean: float
    """Exact."""
    draws: Floats
    """``(size,)``, from the joint law of the losses."""

    @property
    def variance(self) -> float:
        """Of the draws."""
        return float(self.draws.var(ddof=1))


@dataclass(frozen=True, eq=False)
class Process(Shown):
    """Joint law of the losses ℓ_1 … ℓ_n of n inputs under the same random circuit.

    Exact in the deep limit at finite size, by compression of the observable to the span of the
    inputs, sector by sector; ``gaussian`` is its Gaussian limit, ``distances`` how far each loss is
    from it. NOT valid before the deep limit.
    """

    mean: Floats
    """E[ℓ_i], float64 ``(n,)``."""
    sectors: tuple[_Part, ...]
    """Independent parts in which the loss moves: sectors, or one spin factor."""

    @cached_property
    def covariance(self) -> Floats:
        """Cov[ℓ_i, ℓ_j], float64 ``(n, n)``: the kernel of the Gaussian limit."""
        return sum((s.covariance for s in self.sectors), np.zeros((len(self.mean),) * 2))

    def sample(self, size: int, rng: Any = None) -> Floats:
        """Draw joint losses, float64 ``(size, n)``; ``rng`` is a seed or generator."""
        generator = np.random.default_rng(rng)
        total = np.tile(self.mean, (check_size(size), 1))
        for s in self.sectors:
            total += s.sample(size, generator)
        return total

    def linear(self, weights: ArrayLike) -> tuple[float, float]:
        """Return mean and variance of the cost Σ_i w_i·ℓ_i, exact in the deep limit.

        Args:
            weights: ``(n,)``; 1/n each for a mean over the data.
        Raises:
            InputError: if there is not one for each input.
        """
        w = self._one_each(weights, "weights")
        return float(w @ self.mean), float(w @ self.covariance @ w)

    def squared_error(self, labels: ArrayLike, size: int = limits.PROCESS_DRAWS, rng: Any = None) -> SquaredError:
        """Return the law of the mean squared error over the inputs: its exact mean, and draws.

        Args:
            labels: ``(n,)``: what each loss is to be.
            size: draws, good to 1/√size of the spread.
            rng: a seed or generator.
        Raises:
            InputError: if there is not one for each input.
        """
        y = self._one_each(labels, "labels")
        mean = float(np.mean((self.mean - y) ** 2 + np.diag(self.covariance)))
        return SquaredError(mean, np.mean((self.sample(size, rng) - y) ** 2, axis=1))

    def _one_each(self, values: ArrayLike, name: str) -> Floats:
        found = np.asarray(values, float).reshape(-1)
        if len(found) != len(self.mean) or not np.all(np.isfinite(found)):
            raise InputError(f"{name} needs {len(self.mean)} finite numbers, one for each input; got {found.shape}.")
        return found

    def marginal(self, i: int) -> Law:
        """Return the law of the loss of input ``i``, exact at finite size.

        Raises:
            InputError: if there is no such input.
        """
        if not 0 <= i < len(self.mean):
            raise InputError(f"input {i}: the process has inputs 0 to {len(self.mean) - 1}.")
        return SectorSum((*(s.marginal(i) for s in self.sectors), Constant(float(self.mean[i]))))

    # ------------------------------------------------------------------ the Gaussian limit
    @cached_property
    def gaussian(self) -> Any:
        """The Gaussian limit: scipy's multivariate normal with this mean and covariance."""
        return stats.multivariate_normal(self.mean, self.covariance, allow_singular=True)

    @cached_property
    def distances(self) -> Floats:
        """Largest distance between the cdf of each ℓ_i and its normal law, ``(n,)``; 0 for a constant.

        Marginal by marginal: a joint law can only be further away (``direction_distance``).
        """
        return np.array([_normal_distance(self.marginal(i)) for i in range(len(self.mean))])

    def direction_distance(self, size: int = limits.PROCESS_DRAWS, rng: Any = None) -> tuple[float, float]:
        """Return (distance, noise): the largest KS distance to normal over the principal directions
        of the covariance, from ``size`` joint draws, and what a normal process would show."""
        values, vectors = np.linalg.eigh(self.covariance)
        keep = values > limits.NULL_DIRECTION * max(float(values.max(initial=0.0)), TINY)
        count = int(keep.sum())
        if count == 0:
            return 0.0, 0.0
        draws = (self.sample(size, rng) - self.mean) @ (vectors[:, keep] / np.sqrt(values[keep]))
        # the largest of several distances is itself larger by chance: the noise is that of the largest
        distance = max(float(stats.kstest(column, "norm").statistic) for column in draws.T)
        return distance, float(stats.kstwobign.ppf(0.5 ** (1 / count)) / np.sqrt(size))

    @cached_property
    def verdicts(self) -> tuple[GaussianVerdict, ...]:
        """Gaussian process or not, one verdict per sector in which the loss moves."""
        return tuple(s.verdict for s in self.sectors)

    @property
    def is_gaussian(self) -> bool:
        """Whether every sector is close to a Gaussian process."""
        return all(v.is_gaussian for v in self.verdicts)


def _normal_distance(law: Law) -> float:
    """Largest |cdf − normal cdf| on a grid in standard deviations."""
    if law.std() == 0:
        return 0.0
    cdf = np.asarray(law.cdf(law.mean() + law.std() * _GRID))
    return float(np.max(np.abs(cdf - ndtr(_GRID))))


# ------------------------------------------------------------------ from a signature
def build_process(signature: Signature, states: Any = None, data: Any = None) -> Process:
    """Return the :class:`Process` of several inputs.

    Args:
        signature: inside the theory.
        states, data: see :func:`~pennylane_wishart.prediction.inputs.read_inputs`.
    Raises:
        OutOfTheoryError: outside the theory, or where sectors cannot be built densely.
        InputError: if the inputs do not fit the circuit.
    """
    require_theory(signature)
    inputs = read_inputs(signature.circuit, states, data)
    if signature.spin_factor is not None:
        return _spin_process(signature, inputs)
    vectors = [s.vector() for s in inputs]
    found = _whole_space(signature, vectors) or sector_inputs(signature, vectors)
    if found is None:
        raise OutOfTheoryError(
            "The joint law of several inputs needs dense sectors (10 qubits) here: only one input at a time is "
            "predicted at this size."
        )
    means, sectors = found
    return Process(np.asarray(means), tuple(SectorProcess.of(s) for s in sectors))


def _whole_space(
    signature: Signature, vectors: Sequence[NDArray[Any]]
) -> tuple[Floats, tuple[SectorInputs, ...]] | None:
    """One sector, su(2^n) on everything: the amplitudes are the input, at any size that holds them."""
    (sector, *others) = weighted_sectors(signature)
    spectrum = field_spectrum(sector)
    if others or sector.dim != 2**signature.circuit.n_qubits or sector.beta != 2 or spectrum is None:
        return None
    # the process is made of traceless parts, the centre goes into the mean
    means = np.full(len(vectors), sector.center)
    if sector.is_constant:
        return means, ()
    values = tuple(v - sector.center for v in spectrum[0])
    return means, (SectorInputs(values, spectrum[1], 2, np.array(vectors)[:, None, :]),)


def _spin_process(signature: Signature, inputs: Sequence[InputState]) -> Process:
    """⟨γ_j⟩ over the orbit of the observable's moving words; the rest of it is conserved."""
    spin, observable = signature.spin_factor, signature.observable
    assert spin is not None
    words = PauliWords.concatenate([g.words for g in signature.generators])
    moved = words.anticommutation(observable.words).any(axis=0)
    still = observable.words[np.flatnonzero(~moved)]
    fixed = observable.coefficients[~moved]
    means = np.array([float(fixed @ s.expectation(still)) if len(fixed) else 0.0 for s in inputs])
    reach = orbit(words, observable.words[np.flatnonzero(moved)[:1]]).enumerate()
    vectors = spin.norm * np.array([s.expectation(reach) for s in inputs])
    if vectors.shape[1] < 2 or not np.any(np.abs(vectors) > limits.LIGHT):
        return Process(means + (vectors[:, 0] if vectors.shape[1] == 1 else 0.0), ())
    return Process(means, (SpinProcess(vectors),))
