"""``exact_moments``: second moments at the circuit's own depth, without sampling error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pennylane_wishart.circuit import AngleLaw, RotationCircuit
from pennylane_wishart.errors import ModuleTooLargeError, Status
from pennylane_wishart.variances.columns import GradientColumns, LossColumns, is_constant, loss_size
from pennylane_wishart.variances.dead.commutation import support_paths
from pennylane_wishart.variances.dead.proofs import dead_proofs, live_part
from pennylane_wishart.variances.drivers import check_law, clean_moments, drivers_of, gradient_bounds
from pennylane_wishart.variances.engines.mixed import mixed_moments
from pennylane_wishart.variances.engines.module import CLOSED_FORM, module_moments
from pennylane_wishart.variances.engines.operators import (
    OperatorModule,
    module_in_light_cone,
    module_on_subspace,
    module_on_words,
)
from pennylane_wishart.variances.engines.words import chains_of, diagonal_suffices, word_moments
from pennylane_wishart.variances.reach import reach
from pennylane_wishart.variances.records import SecondMoments

__all__ = ["assemble", "exact_moments"]

_EPS = 1e-14
"""Relative rounding of a sum of positive numbers."""
_SIGNED = 1e-13
"""Rounding of a sum of numbers of both signs, relative to the largest value that it could have had."""
_STEPS = 50
"""Rotations after which that rounding has doubled."""


def exact_moments(
    circuit: RotationCircuit,
    law: AngleLaw,
    max_support: int = 1 << 18,
    max_dim: int = 1500,
    max_work: float = 5e11,
) -> SecondMoments:
    """Compute E[ℓ], Var[ℓ] and Var[∂ℓ/∂θ_k] for every parameter, exactly.

    Pauli rotations with independent angles: one sweep of weights on the words that the
    observable reaches. Otherwise (sums as generators, fixed non-Clifford rotations, laws that
    are not symmetric): the observable's module. A parameter that drives several rotations is
    averaged jointly by quadrature that is exact for trigonometric polynomials. Not possible
    where the reachable words or the module are too many; see :func:`walk`.

    Args:
        circuit: the normal form; its first input state is used.
        law: independent angles, ``circuit.angle_law("uniform")`` for example.
        max_support: largest number of reachable words.
        max_dim: largest dimension of the module.
        max_work: largest number of floating-point operations on the module route.
    Returns:
        :class:`SecondMoments` whose ``engine`` is "exact words", "exact module",
        "exact tensor" or "quadrature".
    Raises:
        ModuleTooLargeError: if no exact route fits in the limits.
    Cost: O(rotations · reachable words) on the word route; O(rotations · dim³) on the other.
    Source: THEORY §4; ours extends the diagonal walk to sums, to any law and to shared angles.
    Example:
        >>> c = RotationCircuit.from_words(["XI", "ZZ", "IX"], {"ZI": 1.0})
        >>> exact_moments(c, c.angle_law()).gradient_variance.tolist()
        [0.5, 0.0, 0.0]
    """
    check_law(circuit, law)
    small = live_part(circuit)
    drivers = drivers_of(small)
    if small.is_pauli and drivers.independent:
        found = _by_words(circuit, small, law, max_support, max_work)
        if found is not None:
            return found
    module = _smallest_module(small, law, drivers, max_dim, max_work)
    shared = drivers.shared
    raw = module_moments(small, law, module, drivers.driver, shared, _max_nodes(small, module, max_work))
    proved = np.ones(circuit.n_params, bool)
    proved[small.parameter_of[small.parameter_of >= 0]] = False
    engine = "quadrature" if len(shared) else module.engine
    sums = Sums(raw.mean, raw.second, raw.gradient_mean, raw.gradient_second, True)
    return assemble(circuit, small, sums, proved, engine, raw.averaging)


def _by_words(
    whole: RotationCircuit, circuit: RotationCircuit, law: AngleLaw, max_support: int, max_work: float
) -> SecondMoments | None:
    moments = clean_moments(circuit, law)
    try:
        reached = reach(circuit.words, circuit.observable.words, max_support)
    except ModuleTooLargeError:
        return None
    if diagonal_suffices(circuit, moments):
        chains = chains_of(circuit, moments)
        if chains is None:
            return None
        raw = word_moments(circuit, moments, reached, chains)
        signed = len(chains.factors) > 1
    else:
        signed = True
        try:
            raw = mixed_moments(circuit, moments, reached, max_work / 4)
        except ModuleTooLargeError:
            return None
    seen = np.abs(circuit.state.expectation(reached.words)) > 1e-12
    _, paths = support_paths(reached, seen)
    driven = np.flatnonzero(circuit.parameter_of >= 0)
    scale = (2 * circuit.term_coefficients * circuit.coefficients)[driven]
    parameter = circuit.parameter_of[driven]
    first, second = np.zeros(circuit.n_params), np.zeros(circuit.n_params)
    first[parameter] = scale * raw.gradient_mean[driven]
    second[parameter] = scale**2 * raw.gradient_second[driven]
    proved = np.ones(circuit.n_params, bool)
    proved[parameter] = ~paths[driven]
    sums = Sums(raw.mean, raw.second, first, second, signed)
    return assemble(whole, circuit, sums, proved, "exact words")


def _max_nodes(circuit: RotationCircuit, module: OperatorModule, max_work: float) -> int:
    return max(1, int(max_work / _node_work(circuit, module)))


def _node_work(circuit: RotationCircuit, module: OperatorModule) -> float:
    """Floating-point operations of one backward and forward pass; sparse rotors cost m² each."""
    m = module.dim
    width = max((g.nnz for g in module.generators), default=0) / max(m, 1)
    per_step = 64.0 * m * m * min(float(m), 4 * (1 + width))
    return max(1.0, circuit.n_rotations * per_step + 2000.0 * circuit.n_rotations)


def _smallest_module(circuit, law, drivers, max_dim: int, max_work: float) -> OperatorModule:
    """Return the cheapest basis of the observable's module that fits."""
    found: list[OperatorModule] = []
    builders = [
        lambda: module_in_light_cone(circuit, max_dim),
        lambda: module_on_words(circuit, max_dim),
    ]
    if circuit.n_qubits <= 14:
        builders.append(lambda: module_on_subspace(circuit, max_dim=min(max_dim, 1000)))
    for build in builders:
        try:
            found.append(build())
        except ModuleTooLargeError:
            continue
        if found[-1].dim <= 64:
            break
    if not found:
        raise ModuleTooLargeError(
            f"The observable's module has more than max_dim={max_dim} dimensions: "
            "raise max_dim, or use walkers or sampling."
        )
    best = min(found, key=lambda module: _node_work(circuit, module))
    if _node_work(circuit, best) > max_work:
        raise ModuleTooLargeError(
            f"Averaging on a module of {best.dim} dimensions needs more than "
            f"max_work={max_work:.1g} operations: raise max_work, or use walkers or sampling."
        )
    return best


@dataclass(frozen=True, eq=False)
class Sums:
    """What an exact engine adds up, per parameter."""

    mean: float
    second: float
    first: np.ndarray
    """E[∂ℓ/∂θ_k]"""
    squares: np.ndarray
    """E[(∂ℓ/∂θ_k)²]"""
    signed: bool
    """Whether numbers of both signs were added, so that a sum can be rounding noise."""


def assemble(
    circuit: RotationCircuit,
    live: RotationCircuit,
    sums: Sums,
    proved: np.ndarray,
    engine: str,
    averaging: str = CLOSED_FORM,
) -> SecondMoments:
    """Make the record of an exact engine.

    A value below rounding is a bound, unless the parameter is dead: then it is 0.

    Args:
        circuit: the whole circuit; ``live`` is what the loss depends on.
        proved: bool ``(n_params,)``: dead by the engine's own argument.
    """
    first = sums.first
    variance = np.maximum(sums.squares - first**2, 0.0)
    # A difference of two numbers is known to the rounding of the larger one only.
    noise = _SIGNED * (1 + live.n_rotations / _STEPS) if sums.signed else 0.0
    floor = np.maximum(_EPS * first**2, noise * gradient_bounds(live) ** 2)
    unsure = ~proved & ((variance <= floor) | (variance == 0))
    dead = proved.copy()
    if unsure.any():
        dead[list(dead_proofs(circuit))] = True
    with np.errstate(divide="ignore"):
        log2 = np.log2(variance)
        upper = np.log2(np.maximum(np.where(unsure, 2 * floor, variance), np.finfo(float).tiny))
    zero = np.zeros(len(variance))
    status = (Status.OK,) * len(variance)
    columns = GradientColumns(log2, zero, ~unsure, dead, upper, zero + 1, status, variance=variance)
    return SecondMoments(
        **_loss(circuit, live, sums, dead, noise),
        gradient_mean=np.where(dead, 0.0, first),
        **columns.fields(),
        engine=engine,
        averaging=averaging,
    )


def _loss(circuit: RotationCircuit, live: RotationCircuit, sums: Sums, dead: np.ndarray, noise: float) -> dict:
    variance = max(0.0, sums.second - sums.mean**2)
    floor = max(_EPS * sums.mean**2, noise * loss_size(circuit) ** 2)
    known = variance > floor
    constant = is_constant(live, dead)
    if not known and not constant:
        dead = dead.copy()
        dead[list(dead_proofs(circuit))] = True
        constant = is_constant(live, dead)
    upper = float(np.log2(max(2 * floor, np.finfo(float).tiny)))
    return LossColumns(sums.mean, 0.0, sums.second, 0.0, variance, 0.0, upper, 1.0, known, constant).fields()
