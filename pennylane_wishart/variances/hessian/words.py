"""Second derivatives on the words that the observable reaches: one more column a rotation.

What a rotation's derivative leaves of the weights is carried on beside the weights themselves, so
that one sweep backwards meets every pair of rotations once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from pennylane_wishart.conventions import EngineId
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import ModuleTooLargeError
from pennylane_wishart.variances.engines.damping import Damping
from pennylane_wishart.variances.engines.words import chain_ends, chains_of, damp, diagonal_suffices
from pennylane_wishart.variances.hessian.record import HessianMoments, hessian_record
from pennylane_wishart.variances.problem import Problem
from pennylane_wishart.variances.reach import Reach, reach

__all__ = ["hessian_by_words"]

Factors = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, float, bool]
"""Per rotation: stay, move, derivative's stay and move; sign of the second derivative; whether moves have signs."""


def hessian_by_words(problem: Problem, max_support: int, max_work: float) -> HessianMoments | None:
    """Average second derivatives exactly; None where pairs of different words mix.

    Raises:
        ModuleTooLargeError: if words or products of pairs are too many.
    Cost: O(rotations² · reachable words · products of pairs).
    """
    live, m = problem.live, problem.moments
    if not diagonal_suffices(live, m):
        return None
    reached = reach(live.words, live.observable.words, max_support)
    chains = chains_of(live, m)
    columns = len(problem.driven) + 1
    if chains is None or reached.entries * columns * len(chains.factors) > max_work:
        raise ModuleTooLargeError("Second derivatives on so many words, or products of words, are too much work.")
    if max(reached.entries, len(reached.words) * columns) > limits.BLOCK_FLOATS:
        raise ModuleTooLargeError("Second derivatives on so many words do not fit in memory.")
    expectation = live.state.expectation(reached.words)
    expectation = np.where(np.abs(expectation) > limits.SEEN, expectation, 0.0)
    second, damping = np.zeros((live.n_rotations,) * 2), Damping(live, reached.words)
    for t, (terms, weights) in enumerate(chains.starts):
        v = np.zeros(len(reached.words))
        np.add.at(v, terms, weights * chains.factors[t])
        ends = chain_ends(live, reached.words, chains.products[t], expectation, t)
        own = partial(damping, products=chains.products[t])
        second += _sweep(problem, reached, v, ends, (m.cos2, m.sin2, m.sin2, m.cos2, 1.0, False), chains.moves[t], own)
        if t == 0:
            # all weights of the diagonal are positive: its zeros say that no path is left, for no term
            dead = problem.of_pairs(second) == 0
    mean = np.zeros_like(second)
    if m.cos[problem.driven].any() or m.sin[problem.driven].any():
        v = np.zeros(len(reached.words))
        v[: len(live.observable)] = live.observable.coefficients
        moves = np.ones(len(reached.pairs), bool)
        mean = _sweep(
            problem, reached, v, expectation.copy(), (m.cos, m.sin, -m.sin, m.cos, -1.0, True), moves, damping
        )
    averages = problem.of_pairs(mean), problem.of_pairs(second, 2), np.zeros(dead.shape)
    return hessian_record(problem, EngineId.WORDS, averages, dead)


def _sweep(
    problem: Problem,
    reached: Reach,
    v: np.ndarray,
    f: np.ndarray,
    factors: Factors,
    moves: np.ndarray,
    damping: Callable[[int], np.ndarray | None],
) -> np.ndarray:
    """Return the average of the product of two derivatives, by word angles, ``(n_rotations, n_rotations)``."""
    stay, move, dstay, dmove, bend, signed = factors
    n = len(reached.distinct)
    slopes, bends = [], []
    damp(f[:, None], damping(0))
    for k in range(n):
        i, j, sign = reached.step(k)
        here, there = f[i], f[j] * sign if signed else f[j]
        turned = stay[k] * here + move[k] * there
        on = moves[reached.distinct[k]]
        slopes.append(dstay[k] * here + dmove[k] * there if on else np.zeros(len(i)))
        # the second derivative of cos φ·Q + sin φ·Q' is minus itself
        bends.append(bend * turned if on else np.zeros(len(i)))
        if on:
            f[i] = turned
        damp(f[:, None], damping(k + 1))
    driven = np.zeros(n, bool)
    driven[problem.driven] = True
    carried = np.zeros((len(v), len(problem.driven) + 1))
    carried[:, 0] = v
    order = np.full(len(problem.driven) + 1, -1)
    count, out = 1, np.zeros((n, n))
    for k in range(n - 1, -1, -1):
        damp(carried[:, :count], damping(k + 1))
        if not moves[reached.distinct[k]]:
            if driven[k]:  # a column of zeros: this derivative leaves nothing of the pair
                order[count], count = k, count + 1
            continue
        i, j, sign = reached.step(k)
        weights = carried[i, :count]
        if driven[k]:
            found = slopes[k] @ weights[:, 1:]
            out[k, order[1:count]] = out[order[1:count], k] = found
            out[k, k] = bends[k] @ weights[:, 0]
        moved = weights * sign[:, None] if signed else weights
        carried[i, :count] = stay[k] * weights
        carried[j, :count] += move[k] * moved
        if driven[k]:
            carried[i, count] = dstay[k] * weights[:, 0]
            carried[j, count] += dmove[k] * moved[:, 0]
            order[count], count = k, count + 1
    return out
