"""Variances of second derivatives by sampling the circuit at random angles."""

from __future__ import annotations

import numpy as np

from pennylane_wishart.conventions import EngineId
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.variances.hessian.differences import hessians_at
from pennylane_wishart.variances.hessian.record import HessianMoments, hessian_record
from pennylane_wishart.variances.problem import Problem
from pennylane_wishart.variances.sweeps import Sweeps

__all__ = ["hessian_by_sampling"]


def hessian_by_sampling(problem: Problem, n_samples: int, rng: np.random.Generator) -> HessianMoments:
    """Estimate the variances from random parameter vectors, n ≤ 20; errors from the fourth moments.

    Cost: O(n_samples · n_params · terms · 2^n).
    """
    sweeps = Sweeps(problem.circuit)
    found = np.concatenate([hessians_at(sweeps, a) for a in sweeps.batches(problem.law, n_samples, rng)])
    mean = found.mean(axis=0)
    centred = (found - mean) ** 2
    variance = centred.sum(axis=0) / (n_samples - 1)
    error = centred.std(axis=0) / np.sqrt(n_samples)
    # below the rounding of a difference nothing was seen, which is no proof of 0
    floor = (limits.DIFFERENCE_ROUNDING * problem.sizes[1:].max(initial=0.0)) ** 2
    return hessian_record(
        problem,
        EngineId.SAMPLED,
        (mean, variance + mean**2, error),
        np.zeros(variance.shape, bool),
        variance > floor,
        np.full(variance.shape, floor),
        n_samples,
    )
