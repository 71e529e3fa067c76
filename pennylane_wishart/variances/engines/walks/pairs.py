"""``pair_walk``: signed walks of pairs of words, for shared parameters, sums and fixed rotations.

Where one angle turns several words, or is fixed, averages do not factor. The angle is then drawn
from its law and both words of a pair (Q, R) choose their branches separately, with a weight that
makes the choice unbiased. Independent angles are still averaged in closed form.
"""

from __future__ import annotations

import numpy as np

from pennylane_wishart.circuit import AngleLaw, RotationCircuit
from pennylane_wishart.conventions import EngineId, levels
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import InputError, Status, UnsupportedCircuitError
from pennylane_wishart.paulis import F2Basis, PauliSum
from pennylane_wishart.variances.actions import no_angle, noise_actions
from pennylane_wishart.variances.building import Found, log2_of, record_of
from pennylane_wishart.variances.engines.walks.inputzone import input_zone
from pennylane_wishart.variances.engines.walks.signed import Walk, WalkedGate, WalkSums, walk_tuples
from pennylane_wishart.variances.engines.walks.tally import with_unseen
from pennylane_wishart.variances.problem import Problem
from pennylane_wishart.variances.records import SecondMoments
from pennylane_wishart.variances.sweeps import rotation_angles

__all__ = ["found_by_pairs", "pair_walk"]


def pair_walk(
    circuit: RotationCircuit,
    law: AngleLaw,
    n_walkers: int = limits.WALKERS,
    seed: int | np.random.Generator | None = None,
) -> SecondMoments:
    """Estimate second moments by signed walks of pairs of words, at any number of qubits.

    Valid where :func:`walk` is not: parameters that drive several rotations, generators that
    are sums, fixed non-Clifford rotations, laws that are not symmetric. The weights grow by up to
    a factor 2 per word of drawn angles that a walk meets, so it is for shallow light cones; read
    the standard errors. Not valid for sums of many words that do not commute.

    Args:
        circuit: the normal form; its first input state is used.
        law: any law of independent angles.
        n_walkers: number of pairs.
        seed: for ``numpy.random.default_rng``.
    Returns:
        :class:`SecondMoments`, ``engine="walkers"``; of a parameter that too few walkers saw only
        the rigorous upper bound (Σ|dφ/dθ|·Σ|c|)² is known, and its value is NaN.
    Raises:
        UnsupportedCircuitError: if a generator is a sum of many words that do not commute.
    Cost: O(words in the light cone · n_walkers · n / 64); bounded memory.
    Source: ours.
    Example:
        >>> c = RotationCircuit.from_words(["X", "X"], {"Z": 1.0}, parameter_of=[0, 0])
        >>> m = pair_walk(c, c.angle_law(), 20_000, seed=1)
        >>> bool(abs(m.gradient_variance[0] - 2.0) < 5 * m.gradient_variance_error[0])
        True
    """
    problem = Problem(circuit, law)
    return record_of(problem, found_by_pairs(problem, n_walkers, np.random.default_rng(seed)))


def found_by_pairs(problem: Problem, n_walkers: int, rng: np.random.Generator) -> Found:
    """Walk pairs of words for the second moments, and as many single words for the means."""
    if n_walkers < 2:
        raise InputError(f"n_walkers must be at least 2; got {n_walkers}.")
    live = problem.live
    gates, rotation = _gates(problem)
    first, second = WalkSums(live.n_params), WalkSums(live.n_params)
    # means walk words of their own: a pair's weight is made for squares
    walks = [(sums, _ready(problem, gates, power)) for sums, power in ((second, 2), (first, 1))]
    none = np.zeros((len(gates), min(limits.CHUNK_TUPLES, n_walkers)))
    drawn = any(g.transform is None for g in gates)
    for low in range(0, n_walkers, limits.CHUNK_TUPLES):
        size = min(limits.CHUNK_TUPLES, n_walkers - low)
        angles = rotation_angles(live, problem.law.sample(rng, size), rng).T[rotation] if drawn else none
        for sums, walk in walks:
            walk_tuples(walk, angles[:, :size], sums, rng)
    even = walks[0][1].starts[2].is_diagonal and all(g.transform is not None for g in gates)
    return _found(problem, first, second, even)


def _ready(problem: Problem, gates: list[WalkedGate], power: int) -> Walk:
    live = problem.live
    zone = input_zone(gates, live.state, power)
    return Walk(live.observable, gates, zone, live.state.expectation, power)


def _gates(problem: Problem) -> tuple[list[WalkedGate], np.ndarray]:
    """Return the gates, first one first, and the rotation that each belongs to (0 for channels).

    A generator of few independent words is one gate; a larger sum of commuting words is one a word.
    """
    live, drivers = problem.live, problem.drivers
    gates: list[WalkedGate] = []
    rotation: list[int] = []
    for k in range(live.n_rotations):
        generator, driver = live.generator(k), drivers.driver[k]
        parts = _parts(generator, k)
        # A fixed angle is drawn too: products of its branches are those of the average, only more of them.
        alone = driver >= 0 and driver not in drivers.shared and len(parts) == 1
        transform = problem.transform(k) if alone else None
        for part in parts:
            scale = float(live.coefficients[k])
            gates.append(WalkedGate(problem.action(part), int(live.parameter_of[k]), scale, transform))
            rotation.append(k)
    noise = noise_actions(live)
    places = np.searchsorted(rotation, [position for position, _ in noise])
    for at, (_, action) in zip(places[::-1], reversed(noise), strict=True):
        # a channel has no angle: it is an average already, of an action that no angle enters
        gates.insert(int(at), WalkedGate(action, -1, 0.0, no_angle))
        rotation.insert(int(at), 0)
    return gates, np.asarray(rotation, np.int64)


def _parts(generator: PauliSum, k: int) -> list[PauliSum]:
    words = generator.words
    rank = F2Basis(words.packed).rank
    if len(words) == 1 or rank <= limits.MAX_WHOLE_RANK:
        return [generator]
    if words.anticommutation(words).any():
        raise UnsupportedCircuitError(
            f"pair_walk: the generator of rotation {k} is a sum of words that do not commute; "
            "use exact_moments or sampled_moments."
        )
    return [PauliSum(words[m : m + 1], generator.coefficients[m : m + 1]) for m in range(len(words))]


def _flat(problem: Problem) -> np.ndarray:
    """Return which rows have mean 0 exactly: parameters uniform over whole periods of all that they turn."""
    live, law = problem.live, problem.law
    flat = np.array([False, *(kind == "uniform" for kind in law.kind)], bool)
    owner = np.repeat(np.arange(live.n_rotations), np.diff(live.starts))
    parameter = live.parameter_of[owner]
    terms = np.flatnonzero(parameter >= 0)
    slopes = 2 * live.term_coefficients[terms] * live.coefficients[owner[terms]]
    moving = np.abs(law.characteristic(slopes, parameter[terms])) >= limits.ZERO
    flat[parameter[terms[moving]] + 1] = False
    return flat


def _found(problem: Problem, first: WalkSums, second: WalkSums, even: bool) -> Found:
    n = second.n
    mean, mean_error = _mean(first)
    flat = _flat(problem)
    # known exactly: an estimate would only add noise to the variance
    mean[flat], mean_error[flat] = 0.0, 0.0
    square, error = _mean(second)
    # Squares of an estimated mean carry its error and its bias.
    variance = square - np.maximum(mean**2 - mean_error**2, 0.0)
    # weights that are probabilities are what every walker has: then the ends decide, as in walks of words
    error = error if even else with_unseen(error, second.largest, n)
    mean_error = with_unseen(mean_error, np.where(flat, 0.0, first.largest), n)
    spread = np.hypot(error, 2 * np.abs(mean) * mean_error)
    effective = np.divide(second.total**2, second.squares, out=np.zeros(len(mean)), where=second.squares > 0)
    enough = min(limits.ENOUGH_GRADED, n / limits.ENOUGH_SHARE)
    known = (effective >= enough) & (variance > 0) & (square > limits.CLEAR * error)
    bound = problem.sizes**2  # rigorous; beside an estimate only where it is the lower of the two
    upper = np.where(known, np.minimum(bound, variance + levels.NORMAL_REACH * spread), bound)
    return Found(
        mean=mean,
        mean_error=mean_error,
        second=square,
        second_error=error,
        variance=variance,
        error=spread,
        known=known,
        upper=log2_of(upper),
        confidence=np.where(known, levels.UPPER_LIMIT, 1.0),
        dead=problem.dead,
        status=(Status.ESTIMATED,) * len(problem.dead),
        engine=EngineId.WALKERS,
        averaging="shared angles and sums drawn from the law, one draw per pair of walkers; "
        "single independent angles in closed form",
        n_samples=n,
    )


def _mean(sums: WalkSums) -> tuple[np.ndarray, np.ndarray]:
    mean = sums.total / sums.n
    return mean, np.sqrt(np.maximum(sums.squares / sums.n - mean**2, 0.0) / sums.n)
