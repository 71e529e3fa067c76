"""Moments by sampling the circuit itself: the last resort, with standard errors."""

from __future__ import annotations

import numpy as np

from pennylane_wishart.circuit import AngleLaw, RotationCircuit
from pennylane_wishart.conventions import EngineId, levels
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import InputError, Status
from pennylane_wishart.variances.building import Found, log2_of, record_of
from pennylane_wishart.variances.dead.proofs import live_part
from pennylane_wishart.variances.parts import narrowed
from pennylane_wishart.variances.problem import Problem
from pennylane_wishart.variances.records import SecondMoments
from pennylane_wishart.variances.sweepers import sweeps_of
from pennylane_wishart.variances.sweeps import Drawn, Sweeps

__all__ = ["found_by_sampling", "sample_components", "sample_gradients", "sampled_moments"]


def sample_gradients(
    circuit: RotationCircuit, law: AngleLaw, n_samples: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw losses ``(n_samples,)`` and gradients ``(n_samples, n_params)`` by adjoint sweeps.

    Only what the loss depends on is run, on the qubits that it touches.
    """
    return _sampled(sweeps_of(narrowed(live_part(circuit))), law, n_samples, rng)


def _sampled(sweeps: Drawn, law: AngleLaw, n_samples: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    found = [sweeps(angles) for angles in sweeps.batches(law, n_samples, rng)]
    losses, gradients = (np.concatenate(column) for column in zip(*found, strict=True))
    return losses, gradients


def sample_components(
    circuit: RotationCircuit, law: AngleLaw, parameters: np.ndarray, n_samples: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw losses and, with each, one gradient component of a parameter picked at random.

    Forward mode: one tangent vector beside the state, so half the cost of all components.

    Args:
        parameters: flat indices to pick from; none: components are 0 and picks −1.
    Returns:
        losses, components and picked parameters, ``(n_samples,)`` each.
    Cost: O(n_samples · terms · 2^n).
    """
    sweeps = Sweeps(circuit)
    parameters = np.asarray(parameters, np.int64)
    out = []
    for angles in sweeps.batches(law, n_samples, rng):
        size = len(angles)
        picked = rng.choice(parameters, size) if len(parameters) else np.full(size, -1)
        out.append((*_one_tangent(sweeps, angles, picked, bool(len(parameters))), picked))
    losses, values, picks = (np.concatenate(column) for column in zip(*out, strict=True))
    return losses, values, picks


def _one_tangent(sweeps: Sweeps, angles: np.ndarray, picked: np.ndarray, wanted: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return losses and, of each sample, the derivative by its picked parameter."""
    circuit, size = sweeps.circuit, len(angles)
    # states and, where components are wanted, their tangent vectors beside them
    both = np.zeros((len(sweeps.vector), size * (2 if wanted else 1)), complex)
    both[:, :size] = sweeps.vector[:, None]
    for k, rotate in enumerate(sweeps.rotations):
        both = rotate(np.tile(angles[:, k], both.shape[1] // size), both)
        here = np.flatnonzero((picked == circuit.parameter_of[k]) & (picked >= 0))
        if len(here):
            both[:, size + here] -= 1j * circuit.coefficients[k] * rotate.generator.apply(both[:, here])
    psi, tangent = both[:, :size], both[:, -size:]
    image = circuit.observable.apply(psi)
    losses = np.einsum("ib,ib->b", psi.conj(), image).real
    return losses, 2 * np.einsum("ib,ib->b", image.conj(), tangent).real


def sampled_moments(
    circuit: RotationCircuit,
    law: AngleLaw,
    n_samples: int = limits.SAMPLES,
    seed: int | np.random.Generator | None = None,
) -> SecondMoments:
    """Estimate the moments from random parameter vectors, on state vectors or words, whichever is cheaper.

    The only route for parameters that drive many rotations. Values that are small against
    1/√n_samples of the largest loss are poorly known: read the standard errors.

    Args:
        n_samples: parameter vectors drawn from ``law``.
        seed: for ``numpy.random.default_rng``.
    Returns:
        :class:`SecondMoments` with ``Status.ESTIMATED`` on every live parameter.
    Raises:
        InputError: if the loss depends on more than 20 qubits and on more words than are swept, or n_samples < 2.
    Cost: O(n_samples · terms · 2^n), with the terms and the qubits that the loss depends on, or less.
    Example:
        >>> c = RotationCircuit.from_words(["X"], {"Z": 1.0})
        >>> m = sampled_moments(c, c.angle_law(), 4000, seed=1)
        >>> bool(abs(m.gradient_variance[0] - 0.5) < 4 * m.gradient_variance_error[0])
        True
    """
    problem = Problem(circuit, law)
    return record_of(problem, found_by_sampling(problem, n_samples, np.random.default_rng(seed)))


def found_by_sampling(problem: Problem, n_samples: int, rng: np.random.Generator, sweeps: Drawn | None = None) -> Found:
    """Sample losses and gradients and turn them into moments with standard errors.

    Args:
        sweeps: of ``problem.narrow``, where they are made already.
    """
    if n_samples < 2:
        raise InputError(f"n_samples must be at least 2; got {n_samples}.")
    losses, gradients = _sampled(sweeps or sweeps_of(problem.narrow), problem.law, n_samples, rng)
    values = np.concatenate([losses[:, None], gradients], axis=1)
    mean, second = values.mean(axis=0), np.square(values).mean(axis=0)
    variance, error = _variance(values)
    # What is 0 to rounding in every sample is no proof of 0; its bound is the rounding.
    sizes = problem.sizes.copy()
    # a constant term is not varied, but it is added and so rounds
    sizes[0] = np.abs(problem.circuit.observable.coefficients).sum()  # the identity's part rounds too
    floor = np.maximum((limits.SAMPLE_ROUNDING * sizes) ** 2, np.finfo(float).tiny)
    known = variance > floor
    return Found(
        mean=mean,
        mean_error=values.std(axis=0) / np.sqrt(n_samples),
        second=second,
        second_error=np.square(values).std(axis=0) / np.sqrt(n_samples),
        variance=variance,
        error=error,
        known=known,
        upper=log2_of(np.where(known, variance + levels.NORMAL_REACH * error, floor)),
        confidence=np.where(known, levels.UPPER_LIMIT, 1.0),
        dead=problem.dead,
        status=(Status.ESTIMATED,) * problem.circuit.n_params,
        engine=EngineId.SAMPLED,
        averaging=f"{n_samples} parameter vectors drawn from the law, shared parameters included",
        n_samples=n_samples,
    )


def _variance(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the unbiased variance of each column and its standard error, from the fourth moment."""
    n = len(values)
    centred = values - values.mean(axis=0)
    second, fourth = (centred**2).mean(axis=0), (centred**4).mean(axis=0)
    return second * n / max(n - 1, 1), np.sqrt(np.maximum(fourth - second**2, 0.0) / n)
