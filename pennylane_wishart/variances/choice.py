"""``moments_of``: the sharpest engine that is valid for a circuit, and which one it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pennylane_wishart.circuit import AngleLaw, RotationCircuit
from pennylane_wishart.conventions import LowerBounds, UpperBounds
from pennylane_wishart.errors import (
    InputError,
    ModuleTooLargeError,
    Status,
    UnsupportedCircuitError,
)
from pennylane_wishart.variances.engines.line.moments import chain_moments, chain_work
from pennylane_wishart.variances.engines.sampled import sampled_moments
from pennylane_wishart.variances.engines.walks.pairs import pair_walk
from pennylane_wishart.variances.engines.walks.walk import walk
from pennylane_wishart.variances.exact import exact_moments
from pennylane_wishart.variances.records import SecondMoments

__all__ = ["moments_of"]

_CHAIN_SECONDS = 30.0
_PER_PARAMETER = (
    "gradient_variance",
    "gradient_variance_error",
    "log2_gradient_variance",
)
_LOSS = (
    "loss_second_moment",
    "loss_second_moment_error",
    "loss_variance",
    "loss_variance_error",
    "loss_variance_upper",
    "loss_variance_lower",
)


def moments_of(
    circuit: RotationCircuit,
    law: AngleLaw | None = None,
    seed=None,
    max_support: int = 1 << 16,
    max_work: float = 1e11,
    n_walkers: int = 10**5,
    n_samples: int = 2000,
) -> SecondMoments:
    """Compute second moments by the sharpest engine that is valid and affordable.

    Exact words, then the exact module, then joint quadrature over shared parameters; then
    walkers, and matrix products where walkers leave upper limits on a chain of qubits (a
    parameter whose matrix product has not converged keeps the walkers' estimate); then sampling
    of statevectors (n ≤ 20), and signed pairs of walkers beyond. ``engine`` on the record says
    which it was.

    Args:
        circuit: the normal form.
        law: uniform angles where None.
        seed: for ``numpy.random.default_rng``; the exact engines do not use it.
        max_support: largest number of reachable words of the exact engines.
        max_work: largest number of floating-point operations of the module engine.
        n_walkers: walkers, where they are used.
        n_samples: parameter vectors, where circuits are sampled.
    Raises:
        UnsupportedCircuitError: if no engine applies.
    Cost: a minute at most with the defaults, on one core.
    Example:
        >>> c = RotationCircuit.from_words(["XI", "ZZ", "IX"], {"ZI": 1.0})
        >>> moments_of(c).engine
        'exact words'
    """
    if not isinstance(circuit, RotationCircuit):
        raise InputError(f"circuit must be a RotationCircuit (pw.normal_form); got {type(circuit).__name__}.")
    law = circuit.angle_law() if law is None else law
    try:
        return exact_moments(circuit, law, max_support=max_support, max_work=max_work)
    except ModuleTooLargeError as error:
        too_large = str(error)
    try:
        return _beside_chain(circuit, law, walk(circuit, law, n_walkers, seed))
    except (UnsupportedCircuitError, ModuleTooLargeError) as error:
        obstacle = str(error)
    if circuit.n_qubits <= 20:
        return sampled_moments(circuit, law, n_samples, seed)
    try:
        return pair_walk(circuit, law, n_walkers, seed)
    except UnsupportedCircuitError as error:
        raise UnsupportedCircuitError(
            f"No engine gives the second moments of this circuit on {circuit.n_qubits} qubits. "
            f"Exact: {too_large} Walkers: {obstacle} Pairs: {error} Sampling: stops at 20 qubits."
        ) from error


def _beside_chain(circuit: RotationCircuit, law: AngleLaw, walked: SecondMoments) -> SecondMoments:
    """Replace the walkers' upper limits by matrix products, where the circuit is a chain."""
    if walked.known.all() or chain_work(circuit, law) > _CHAIN_SECONDS:
        return walked
    try:
        chained = chain_moments(circuit, law)
    except ModuleTooLargeError:
        return walked  # truncation lost the values: the walkers' limits stand
    estimated = np.array([s is Status.ESTIMATED for s in walked.status])
    loose = np.array([s in (Status.NOT_CONVERGED, Status.UPPER_BOUND) for s in chained.status])
    if np.sum(loose & ~estimated) >= np.sum(~walked.known):
        return walked
    take = loose & (estimated | ~chained.known)
    parts = {name: np.where(take, getattr(walked, name), getattr(chained, name)) for name in _PER_PARAMETER}
    parts["gradient_variance_upper"] = _upper(take, walked.gradient_variance_upper, chained.gradient_variance_upper)
    parts["gradient_variance_lower"] = _lower(take, walked.gradient_variance_lower, chained.gradient_variance_lower)
    better = walked.loss_second_moment_error < chained.loss_second_moment_error
    if better or np.isnan(chained.loss_variance):
        parts.update({name: getattr(walked, name) for name in _LOSS})
    status = tuple(w if t else c for w, c, t in zip(walked.status, chained.status, take, strict=True))
    mixed = "loss_variance" in parts or take.any()
    return replace(chained, **parts, status=status, n_samples=walked.n_samples if mixed else 0)


def _upper(take: np.ndarray, one: UpperBounds, other: UpperBounds) -> UpperBounds:
    return UpperBounds(
        np.where(take, one.at_most_log2, other.at_most_log2), np.where(take, one.confidence, other.confidence)
    )


def _lower(take: np.ndarray, one: LowerBounds, other: LowerBounds) -> LowerBounds:
    return LowerBounds(
        np.where(take, one.at_least_log2, other.at_least_log2), np.where(take, one.confidence, other.confidence)
    )
