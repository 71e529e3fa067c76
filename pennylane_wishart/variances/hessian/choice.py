"""``hessian_moments``: the sharpest engine for second derivatives that is valid and affordable."""

from __future__ import annotations

import numpy as np

from pennylane_wishart.circuit import AngleLaw, RotationCircuit
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import ModuleTooLargeError, UnsupportedCircuitError
from pennylane_wishart.variances.hessian.fourier import hessian_by_frequencies
from pennylane_wishart.variances.hessian.modules import hessian_on_module
from pennylane_wishart.variances.hessian.record import HessianMoments
from pennylane_wishart.variances.hessian.sampled import hessian_by_sampling
from pennylane_wishart.variances.hessian.walked import hessian_by_walk
from pennylane_wishart.variances.hessian.words import hessian_by_words
from pennylane_wishart.variances.problem import Problem

__all__ = ["hessian_moments"]


def hessian_moments(
    circuit: RotationCircuit,
    law: AngleLaw | None = None,
    seed: int | np.random.Generator | None = None,
    max_support: int = limits.CHOICE_SUPPORT,
    max_work: float = limits.HESSIAN_WORK,
    n_walkers: int = limits.WALKERS,
) -> HessianMoments:
    """Compute Var[∂²ℓ/∂θ_k∂θ_l] for all pairs of parameters, at the circuit's own depth.

    For uniform independent angles E[(∂_k∂_lℓ)²] is the average of ⟨Q_end⟩² over the walks that
    anticommuted at both rotations. Exact on words, on the observable's module where generators are sums,
    and on a grid of all angles where parameters are shared; then by walkers; then by sampling states.

    Args:
        circuit: the normal form; its first input state is used.
        law: uniform angles where None.
        seed: for ``numpy.random.default_rng``; exact engines do not use it.
        max_support: largest number of reachable words.
        max_work: largest number of floating-point operations of an exact engine, or of sampling.
        n_walkers: walkers, where they are used.
    Raises:
        UnsupportedCircuitError: if no engine applies.
    Source: ours; the average over walks of one derivative as in arXiv:2309.09342's second moments.
    Example:
        >>> c = RotationCircuit.from_words(["X", "Z", "X"], {"Z": 1.0})
        >>> hessian_moments(c).variance.tolist()
        [[0.375, 0.125, 0.375], [0.125, 0.125, 0.125], [0.375, 0.125, 0.375]]
    """
    problem = Problem(circuit, circuit.angle_law() if law is None else law)
    live, independent = problem.live, problem.drivers.independent
    obstacles = []
    try:
        if live.is_pauli and independent and all(c.is_diagonal for c in live.channels):
            found = hessian_by_words(problem, max_support, max_work)
            if found is not None:
                return found
        if independent:
            return hessian_on_module(problem, limits.HESSIAN_MODULE, max_work)
        if not circuit.channels:  # a grid of angles is run on state vectors
            return hessian_by_frequencies(problem, max_work)
    except ModuleTooLargeError as error:
        obstacles.append(f"Exact: {error}")
    rng = np.random.default_rng(seed)
    try:
        return hessian_by_walk(problem, n_walkers, rng)
    except (UnsupportedCircuitError, ModuleTooLargeError) as error:
        obstacles.append(f"Walkers: {error}")
    work = limits.HESSIAN_COST * circuit.n_params * len(circuit.terms) * 2.0**circuit.n_qubits
    samples = int(min(limits.HESSIAN_SAMPLES, max_work / max(work, 1.0)))
    if circuit.n_qubits <= limits.MAX_SAMPLED_QUBITS and not circuit.channels and samples >= limits.LEAST_HESSIANS:
        return hessian_by_sampling(problem, samples, rng)
    raise UnsupportedCircuitError(
        f"No engine gives the second derivatives of this circuit on {circuit.n_qubits} qubits and "
        f"{circuit.n_params} parameters{' with noise' if circuit.channels else ''}. {' '.join(obstacles)}"
    )
