"""``exact_moments``: second moments at the circuit's own depth, without sampling error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from pennylane_wishart.circuit import AngleLaw, RotationCircuit
from pennylane_wishart.conventions import EngineId
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import ModuleTooLargeError, Status
from pennylane_wishart.variances.actions import no_angle, noise_actions
from pennylane_wishart.variances.building import CLOSED_FORM, Found, is_constant, log2_of, record_of
from pennylane_wishart.variances.dead.commutation import support_paths
from pennylane_wishart.variances.drivers import drivers_of
from pennylane_wishart.variances.engines.module import module_moments
from pennylane_wishart.variances.engines.operators import (
    OperatorModule,
    distinct_generators,
    module_in_light_cone,
    module_on_subspace,
    module_on_words,
)
from pennylane_wishart.variances.engines.quadrature import least_nodes
from pennylane_wishart.variances.engines.states import module_on_states
from pennylane_wishart.variances.engines.tuples import AveragedGate, TupleMoments, tuple_moments
from pennylane_wishart.variances.engines.words import (
    RawMoments,
    chains_of,
    diagonal_suffices,
    word_means,
    word_moments,
)
from pennylane_wishart.variances.problem import Problem
from pennylane_wishart.variances.reach import reach
from pennylane_wishart.variances.records import SecondMoments

__all__ = ["ExactLimits", "exact_moments", "found_exactly", "judged", "pair_moments", "smallest_module"]


@dataclass(frozen=True)
class ExactLimits:
    """How far the exact engines go."""

    max_support: int = limits.MAX_SUPPORT
    """Reachable words."""
    max_dim: int = limits.MAX_MODULE
    """Dimensions of the module."""
    max_work: float = limits.EXACT_WORK
    """Floating-point operations on the module."""
    least_module: int = 0
    """Dimensions that the whole circuit's module is known to have at least."""


def exact_moments(
    circuit: RotationCircuit,
    law: AngleLaw,
    max_support: int = limits.MAX_SUPPORT,
    max_dim: int = limits.MAX_MODULE,
    max_work: float = limits.EXACT_WORK,
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
        :class:`SecondMoments` of one of the exact engines.
    Raises:
        ModuleTooLargeError: if no exact route fits in the limits.
    Cost: O(rotations · reachable words) on the word route; O(rotations · dim³) on the other.
    Source: THEORY §4; ours extends the diagonal walk to sums, to any law and to shared angles.
    Example:
        >>> c = RotationCircuit.from_words(["XI", "ZZ", "IX"], {"ZI": 1.0})
        >>> exact_moments(c, c.angle_law()).gradient_variance.tolist()
        [0.5, 0.0, 0.0]
    """
    problem = Problem(circuit, law)
    return record_of(problem, found_exactly(problem, ExactLimits(max_support, max_dim, max_work)))


def found_exactly(problem: Problem, most: ExactLimits) -> Found:
    """Average by words where angles are independent and generators single words, else on the module.

    Raises:
        ModuleTooLargeError: if neither fits.
    """
    live, drivers = problem.live, problem.drivers
    if live.is_pauli and drivers.independent and all(c.is_diagonal for c in live.channels):
        found = _by_words(problem, most)
        if found is not None:
            return found
    sums = drivers.independent and not live.channels and problem.closed_form and not live.is_pauli
    small = _small_module(live, most) if sums else None
    if drivers.independent and (live.channels or (sums and small is None)):
        try:
            work = most.max_work if live.channels else min(most.max_work, limits.SUM_WORK)
            return _by_pairs(problem, replace(most, max_work=work))
        except ModuleTooLargeError:
            pass  # the module of all words may be small where pairs of them are not
    nodes = least_nodes(problem.law, drivers.driver, drivers.shared)
    all_set = not np.any((drivers.driver >= 0) & ~np.isin(drivers.driver, drivers.shared))
    # matrices at every node; where each angle is set at it, vectors do, and all of them are passed at once
    share = 1.0 if drivers.independent or all_set else limits.NODE_SHARE
    # what is known of the whole circuit holds for its living part where that has every generator
    whole = len(distinct_generators(live)[0]) == len(distinct_generators(problem.circuit)[0])
    if small is None or small[1] > most.max_work:
        least = most.least_module if whole else 0
        small = smallest_module(live, most.max_dim, most.max_work, nodes / share, least)
    module, work = small
    max_nodes = max(1, int(share * most.max_work / work))
    raw = module_moments(live, problem.law, module, drivers.driver, drivers.shared, max_nodes)
    mean, second = np.append(raw.mean, raw.gradient_mean), np.append(raw.second, raw.gradient_second)
    engine = module.engine if drivers.independent else EngineId.QUADRATURE
    return judged(problem, mean, second, problem.undriven, True, engine, raw.averaging)


def _by_words(problem: Problem, most: ExactLimits) -> Found | None:
    """Average on the reachable words; None where they, or the products of pairs, are too many."""
    live, moments = problem.live, problem.moments
    try:
        reached = reach(live.words, live.observable.words, most.max_support)
        if diagonal_suffices(live, moments):
            chains = chains_of(live, moments)
            if chains is None:
                return None
            raw = word_moments(live, moments, reached, chains)
            # one product is the diagonal Q = R: weights and squared expectations, all positive
            signed = len(chains.factors) > 1
        else:
            pairs = pair_moments(problem, most.max_work)
            first, slopes = word_means(live, moments, reached, live.state.expectation(reached.words))
            # tuples are differentiated by the angle, words by φ = 2·c·angle
            raw = RawMoments(first, pairs.value, slopes, pairs.slopes / (2 * live.term_coefficients) ** 2)
            signed = True
    except ModuleTooLargeError:
        return None
    # supports are a proof; a sum that came out as 0 is not
    seen = np.abs(live.state.expectation(reached.words)) > limits.SEEN
    _, paths = support_paths(reached, seen)
    # A rotation that no path from the observable to a seen word meets has no gradient, whatever the sums say.
    proved = problem.undriven.copy()
    proved[live.parameter_of[problem.driven]] = ~paths[problem.driven]
    mean, second = problem.rows(raw.mean, raw.gradient_mean), problem.rows(raw.second, raw.gradient_second, 2)
    return judged(problem, mean, second, proved, signed, EngineId.WORDS, CLOSED_FORM)


def _small_module(live: RotationCircuit, most: ExactLimits) -> tuple[OperatorModule, float] | None:
    """Return a module that is found at once and preferred to pairs of words, with the operations of one pass on it."""
    max_dim = min(most.max_dim, limits.MAX_MODULE, _payable_dim(live, limits.SMALL_WORK))
    for build in (partial(module_in_light_cone, live), partial(module_on_states, live, limits.MAX_SUBSPACE)):
        try:
            module = build(max_dim=max_dim)
        except ModuleTooLargeError:
            continue
        if (work := _node_work(live, module)) <= limits.SMALL_WORK:
            return module, work
    return None


def _by_pairs(problem: Problem, most: ExactLimits) -> Found:
    """Average single words for means and pairs for squares: any independent rotations, any channels.

    Raises:
        ModuleTooLargeError: if the pairs are too many.
    """
    live = problem.live
    rows = np.zeros((2, problem.circuit.n_params + 1))
    for row, power in ((rows[1], 2), (rows[0], 1)):  # pairs first: they are what may be too many
        found = pair_moments(problem, most.max_work, power)
        row[0] = found.value
        # by the angle of the rotation, which alone has its parameter
        row[live.parameter_of[problem.driven] + 1] = (live.coefficients**power * found.slopes)[problem.driven]
    return judged(problem, rows[0], rows[1], problem.undriven, True, EngineId.WORDS, CLOSED_FORM)


def pair_moments(problem: Problem, max_work: float = np.inf, power: int = 2) -> TupleMoments:
    """Average pairs of words where sums, fixed rotations, asymmetric angles or channels mix their products.

    Angles must be independent; derivatives are by the angle of each living rotation.

    Args:
        power: 2 for pairs; 1 for single words, whose averages are the means.
    Raises:
        ModuleTooLargeError: if more branches are alive than fit in the limits.
    """
    live = problem.live
    rotations = [
        AveragedGate(problem.action(live.generator(k)), problem.transform(k), bool(live.parameter_of[k] >= 0))
        for k in range(live.n_rotations)
    ]
    noise = noise_actions(live)
    # a channel stands behind as many rotations as its position says; it has no angle to be averaged
    places = np.array([position for position, _ in noise], np.int64)
    gates = list(rotations)
    for position, action in reversed(noise):
        gates.insert(position, AveragedGate(action, no_angle, False))
    # only a part of the work: where pairs are too many the module may be small
    most = min(limits.MAX_BRANCHES, max_work / (limits.PAIR_SHARE * limits.BRANCH_COST))
    found = tuple_moments(live.observable, gates, live.state.expectation, power, int(most))
    own = np.arange(live.n_rotations) + np.searchsorted(places, np.arange(live.n_rotations), side="right")
    return TupleMoments(found.value, found.slopes[own], found.entries)


def _node_work(circuit: RotationCircuit, module: OperatorModule) -> float:
    """Floating-point operations of one backward and forward pass; sparse rotors cost m² each."""
    m = module.dim
    width = max((g.nnz for g in module.generators), default=0) / max(m, 1)
    per_step = limits.STEP_COST * m * m * min(float(m), limits.SPARSE_WIDTH * (1 + width))
    return max(1.0, circuit.n_rotations * (per_step + limits.STEP_OVERHEAD))


def _payable_dim(circuit: RotationCircuit, max_work: float) -> int:
    """Return the largest dimension on which one pass over the sparsest rotors is not more work than this."""
    entries = max_work / (max(1, circuit.n_rotations) * limits.STEP_COST * limits.SPARSE_WIDTH)
    return int(max(limits.SPARSE_WIDTH, entries**0.5))


def smallest_module(
    live: RotationCircuit, max_dim: int, max_work: float, passes: float = 1.0, least_dim: int = 0
) -> tuple[OperatorModule, float]:
    """Return the cheapest basis of the observable's module that fits, and the operations of one pass on it.

    Args:
        passes: how many passes at least are to fit in ``max_work``.
        least_dim: dimensions that every module has which is closed under all generators.
    Raises:
        ModuleTooLargeError: if there is none.
    """
    # a module that could not be paid for is not looked for
    max_dim = min(max_dim, _payable_dim(live, max_work / passes))
    # shared angles pass over the module once a node: there a smaller one pays
    enough = limits.SMALL_WORK if drivers_of(live).independent else 0.0
    # In the order of what they cost to build; each can be the smallest.
    builders: list[Callable[[], OperatorModule]] = [
        lambda: module_in_light_cone(live, max_dim),
        lambda: module_on_states(live, limits.MAX_SUBSPACE, max_dim),
        lambda: module_on_words(live, max_dim),
    ]
    if least_dim > max_dim:
        del builders[1:]
    elif live.n_qubits <= limits.MAX_VECTOR_QUBITS:
        builders.append(lambda: module_on_subspace(live, max_dim=min(max_dim, limits.MAX_SUBSPACE_MODULE)))
    found: list[OperatorModule] = []
    for build in builders:
        try:
            found.append(build())
        except ModuleTooLargeError:
            continue
        # good enough: looking further costs more than it can save
        if found[-1].dim <= limits.SMALL_MODULE or _node_work(live, found[-1]) <= enough:
            break
    if not found:
        raise ModuleTooLargeError(
            f"The observable's module has more than max_dim={max_dim} dimensions: "
            "raise max_dim, or use walkers or sampling."
        )
    # not by dimension alone: sparse generators make a larger module cheaper
    best = min(found, key=lambda module: _node_work(live, module))
    work = _node_work(live, best)
    if work > max_work:
        raise ModuleTooLargeError(
            f"Averaging on a module of {best.dim} dimensions needs more than "
            f"max_work={max_work:.1g} operations: raise max_work, or use walkers or sampling."
        )
    return best, work


def judged(
    problem: Problem,
    mean: np.ndarray,
    second: np.ndarray,
    proved: np.ndarray,
    signed: bool,
    engine: EngineId,
    averaging: str,
) -> Found:
    """Turn exact averages into values, and bounds where a difference is below rounding.

    Args:
        mean, second: E[x] and E[x²], row 0 the loss.
        proved: bool ``(n_params,)``: dead by the engine's own argument.
        signed: whether numbers of both signs were added, so that a sum can be rounding noise.
    """
    variance = np.maximum(second - mean**2, 0.0)
    # A difference of two numbers is known to the rounding of the larger one only.
    noise = limits.SIGNED_ROUNDING * (1 + problem.live.n_rotations / limits.ROUNDING_STEPS) if signed else 0.0
    floor = np.maximum(limits.SUM_ROUNDING * mean**2, noise * problem.sizes**2)
    known = variance > floor
    dead = proved
    # The other arguments are asked only where they decide: they may cost seconds.
    if not (known | np.append(is_constant(problem, dead), dead)).all():
        dead = dead | problem.dead
    zero = np.zeros(len(variance))
    return Found(
        mean=mean,
        mean_error=zero,
        second=second,
        second_error=zero,
        variance=variance,
        error=zero,
        known=known,
        upper=log2_of(np.maximum(np.where(known, variance, 2 * floor), np.finfo(float).tiny)),
        confidence=zero + 1,
        dead=dead,
        status=(Status.OK,) * len(dead),
        engine=engine,
        averaging=averaging,
    )
