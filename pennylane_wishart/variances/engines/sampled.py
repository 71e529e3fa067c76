"""Moments by sampling the circuit itself: the last resort, with standard errors."""

from __future__ import annotations

import numpy as np

from pennylane_wishart.circuit import AngleLaw, RotationCircuit
from pennylane_wishart.errors import InputError, Status
from pennylane_wishart.variances.columns import Z975, GradientColumns, LossColumns, is_constant
from pennylane_wishart.variances.dead.proofs import dead_proofs, live_part
from pennylane_wishart.variances.drivers import check_law, gradient_bounds
from pennylane_wishart.variances.records import SecondMoments
from pennylane_wishart.variances.sweeps import Sweeps

__all__ = ["from_samples", "sample_components", "sample_gradients", "sampled_moments"]

_ROUNDING = 1e-12
"""Of the largest gradient, or loss, that the circuit allows."""


def sample_gradients(
    circuit: RotationCircuit, law: AngleLaw, n_samples: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw losses ``(n_samples,)`` and gradients ``(n_samples, n_params)`` by adjoint sweeps."""
    sweeps = Sweeps(circuit)
    batch = sweeps.batch(n_samples)
    losses, gradients = np.empty(n_samples), np.empty((n_samples, circuit.n_params))
    for low in range(0, n_samples, batch):
        part = slice(low, min(low + batch, n_samples))
        losses[part], gradients[part] = sweeps(sweeps.angles(law.sample(rng, part.stop - low), rng))
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


def _one_tangent(sweeps: Sweeps, angles: np.ndarray, picked: np.ndarray, wanted: bool):
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


def from_samples(circuit: RotationCircuit, losses: np.ndarray, gradients: np.ndarray) -> SecondMoments:
    """Turn sampled losses and gradients into moments with standard errors.

    Args:
        circuit: what was sampled.
        losses: ``(n_samples,)``.
        gradients: ``(n_samples, n_params)``.
    """
    n = len(losses)
    dead = np.zeros(circuit.n_params, bool)
    dead[list(dead_proofs(circuit))] = True
    gradient_mean = np.where(dead, 0.0, gradients.mean(axis=0))
    variance, error = _variance(gradients)
    # A gradient that is 0 to rounding in every sample is not a proof; its bound is the rounding.
    floor = np.maximum((_ROUNDING * gradient_bounds(circuit)) ** 2, np.finfo(float).tiny)
    known = variance > floor
    with np.errstate(divide="ignore"):
        log2 = np.log2(variance)
        upper = np.log2(np.where(known, variance + Z975 * error, floor))
    confidence = np.where(known, 0.975, 1.0)
    columns = GradientColumns(
        log2, error, known, dead, upper, confidence, (Status.ESTIMATED,) * len(dead), variance=variance
    )
    return SecondMoments(
        **_loss(circuit, losses, dead),
        gradient_mean=gradient_mean,
        **columns.fields(),
        engine="sampled",
        n_samples=n,
        averaging=f"{n} parameter vectors drawn from the law, shared parameters included",
    )


def _loss(circuit: RotationCircuit, losses: np.ndarray, dead: np.ndarray) -> dict:
    n, squares = len(losses), losses**2
    variance, error = (float(v[0]) for v in _variance(losses[:, None]))
    size = float(np.abs(circuit.observable.coefficients).sum())
    floor = max((_ROUNDING * size) ** 2, np.finfo(float).tiny)
    known = variance > floor
    return LossColumns(
        mean=float(losses.mean()),
        mean_error=float(losses.std() / np.sqrt(n)),
        second=float(squares.mean()),
        second_error=float(squares.std() / np.sqrt(n)),
        variance=variance,
        variance_error=error,
        upper=float(np.log2(variance + Z975 * error if known else floor)),
        confidence=0.975 if known else 1.0,
        known=known,
        constant=is_constant(live_part(circuit), dead),
    ).fields()


def _variance(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    n = len(values)
    centred = values - values.mean(axis=0)
    second, fourth = (centred**2).mean(axis=0), (centred**4).mean(axis=0)
    return second * n / max(n - 1, 1), np.sqrt(np.maximum(fourth - second**2, 0.0) / n)


def sampled_moments(circuit: RotationCircuit, law: AngleLaw, n_samples: int = 2000, seed=None) -> SecondMoments:
    """Estimate the moments from random parameter vectors on a statevector, n ≤ 20.

    The only route for parameters that drive many rotations. Values that are small against
    1/√n_samples of the largest loss are poorly known: read the standard errors.

    Args:
        n_samples: parameter vectors drawn from ``law``.
        seed: for ``numpy.random.default_rng``.
    Returns:
        :class:`SecondMoments` with ``Status.ESTIMATED`` on every live parameter.
    Raises:
        InputError: beyond 20 qubits, or n_samples < 2.
    Cost: O(n_samples · terms · 2^n).
    Example:
        >>> c = RotationCircuit.from_words(["X"], {"Z": 1.0})
        >>> m = sampled_moments(c, c.angle_law(), 4000, seed=1)
        >>> bool(abs(m.gradient_variance[0] - 0.5) < 4 * m.gradient_variance_error[0])
        True
    """
    check_law(circuit, law)
    if n_samples < 2:
        raise InputError(f"n_samples must be at least 2; got {n_samples}.")
    rng = np.random.default_rng(seed)
    losses, gradients = sample_gradients(circuit, law, n_samples, rng)
    return from_samples(circuit, losses, gradients)
