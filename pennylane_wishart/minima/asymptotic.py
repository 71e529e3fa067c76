"""The published, asymptotic law of local minima, for comparison with the exact one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pennylane_wishart.conventions import minima as limits
from pennylane_wishart.ensembles.arguments import check_beta
from pennylane_wishart.ensembles.scaled import Array
from pennylane_wishart.errors import InputError
from pennylane_wishart.minima.assembly import Question, point_mass
from pennylane_wishart.minima.integral import Nodes, States, check_sizes, integrate
from pennylane_wishart.minima.law import MinimaLaw
from pennylane_wishart.minima.splitting import Column

__all__ = ["asymptotic_minima_law"]


class _GammaColumns:
    """Columns of H = (1/m)(GᵀG − mE + √(mE/β)A) at energies E."""

    def __init__(self, energy: Array, dof: float, beta: int):
        self.energy, self.dof, self.beta = energy, dof, beta
        self.length = beta * dof - 1

    @property
    def stiffness(self) -> Array:
        return np.maximum(1 - self.energy, 0.0)

    @property
    def coupling(self) -> Array:
        return (1 + self.energy) / (self.beta * self.dof)

    def width(self, n_parameters: int) -> int:
        return n_parameters

    def take(self, target: NDArray[np.intp], source: NDArray[np.intp]) -> None:
        self.energy[target] = self.energy[source]

    def draw(self, index: int, rng: np.random.Generator) -> Column:
        count = self.energy.size
        rows = rng.standard_normal((count, index + 1))
        rows[:, index] = np.sqrt(2 * rng.standard_gamma((self.length - index) / 2, count))
        rows /= np.sqrt(self.beta * self.dof)
        return Column(
            rows=rows,
            field=rows,
            diagonal=(rows * rows).sum(axis=1) - self.energy,
            noise=np.sqrt(self.energy / (self.beta * self.dof)),
            log_weight=np.zeros(count),
        )


class _GammaStates:
    """Energies of law Gamma((K − p)/2, rate K/2), tilted by changing the rate."""

    def __init__(self, dof: float, beta: int, n_parameters: int):
        self.dof, self.beta = dof, beta
        self.shape = (beta * dof - n_parameters) / 2
        self.rate = beta * dof / 2
        low, nodes = limits.ASYMPTOTIC_NODES
        spread = limits.ASYMPTOTIC_TOP * np.sqrt(self.shape) + 2  # 2: where the shape is below 1
        self.energy = np.geomspace((self.shape + spread) / self.rate, low, int(nodes))
        self.floor = 0.0
        self.extra = np.zeros(0, dtype=np.intp)

    @property
    def bulk(self) -> tuple[float, float]:
        return self.shape / self.rate, float(np.sqrt(self.shape)) / self.rate

    def spread(self, nodes: Nodes) -> Array:
        return np.asarray(self.energy[nodes] / np.sqrt(self.shape))

    def typical(self, nodes: Nodes) -> States:
        return [self.energy[nodes]]

    def draw(self, nodes: Nodes, rng: np.random.Generator) -> States:
        return [rng.standard_gamma(self.shape, nodes.size) * self.energy[nodes] / self.shape]

    def log_weights(self, states: States, nodes: Nodes) -> Array:
        rate = self.shape / self.energy[nodes]
        return self.shape * np.log(self.rate / rate) - states[0][:, None] * (self.rate - rate)

    def energies(self, states: States) -> Array:
        return states[0]

    def log_factor(self, states: States) -> Array:
        return np.zeros(states[0].size)

    def columns(self, states: States) -> _GammaColumns:
        return _GammaColumns(states[0].copy(), self.dof, self.beta)


def asymptotic_minima_law(
    dof: float,
    n_parameters: int,
    beta: int = 2,
    seed: int | None = None,
    n_samples: int | None = None,
) -> MinimaLaw:
    """Compute the published law of local minima, in units of E.

    ρ(E) ∝ E^{K/2 − p/2 − 1} e^{−KE/2} 𝔼[det H 1{H > 0}], H = (W_p − mE + √(mE/β)A)/m, K = βm.
    Good when the rank of O − λ_min is small against D and its non-zero levels lie close together;
    wrong otherwise: for a Pauli observable use :func:`minima_law` (N = 16, p = 3: 0.51 there,
    0.39 with r and 0.55 with m here).

    Args:
        dof: degrees of freedom m; hand in r for [U]'s law (K = βr), the finite m for [C]'s
            (K = βm). Real numbers are fine.
        n_parameters: p; from K on the law is a point mass at 0.
        beta: 1, 2 or 4.
        seed: seed of numpy.random.default_rng.
        n_samples: energies drawn; see :func:`~pennylane_wishart.minima.minima_law`.
    Returns:
        MinimaLaw in units of E, without a number of minima; ``transition`` is βm − 2.
    Raises:
        InputError: if an argument is malformed.
    Cost: O(n_samples·p³).
    Source: [C] arXiv:2109.06957 and [U] arXiv:2408.11901; Kac–Rice at finite size ours.
    Example:
        >>> law = asymptotic_minima_law(4, 3, beta=2, seed=1, n_samples=2048)
        >>> 0.2 < law.mean() < 0.26
        True
    """
    check_beta(beta)
    if not dof > 0:
        raise InputError(f"dof must be positive, got {dof!r}.")
    n_parameters, n_samples = check_sizes(n_parameters, n_samples)
    # E counts from the optimum, the record from the mean of random states, E = 1
    question = Question(1.0, 0.0, n_parameters, max(0.0, beta * dof - 2), "count", seed)
    if n_parameters >= beta * dof - 1:
        found = point_mass(0.0)
    else:
        states = _GammaStates(float(dof), beta, n_parameters)
        found = integrate(states, n_parameters, 1.0, n_samples, np.random.default_rng(seed))
    found = replace(found, knots=found.knots - 1.0, mean=found.mean - 1.0)
    return question.answer(found, "Kac-Rice, asymptotic", counted=False)  # the published law does not count minima
