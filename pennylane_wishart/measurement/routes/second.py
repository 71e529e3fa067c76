"""Second derivatives by shift rules: of gradients where a route gives them, of losses everywhere else."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from pennylane_wishart.conventions import measurement as limits
from pennylane_wishart.conventions.arrays import Bools, Floats, Integers
from pennylane_wishart.measurement.routes.prepare import Move

__all__ = ["SecondOrder", "driving", "hessians_of_gradients", "pair_circuits", "second_order"]

Rules = Sequence[Sequence[tuple[float, float]]]
"""(coefficient, shift) pairs of each gate value's first derivative."""


def driving(jacobian: sp.csr_array, wanted: Bools) -> Integers:
    """Return the gates that some parameters drive."""
    return np.flatnonzero(np.diff(jacobian[:, np.flatnonzero(wanted)].tocsr().indptr))


def hessians_of_gradients(
    slopes: Callable[[Floats], Floats], rules: Rules, jacobian: sp.csr_array, values: Floats, wanted: Bools
) -> Floats:
    """Return ∂²ℓ/∂θ_k∂θ_l from exact gradients: by each gate's shift rule, or along each parameter.

    Args:
        slopes: dℓ/d(gate value) ``(batch, n_gates)`` at gate values of the same shape.
        jacobian: d(gate value)/dθ ``(n_gates, n_params)``.
        values: gate values ``(batch, n_gates)``.
        wanted: bool ``(n_params,)``; the others' rows and columns are NaN.
    Cost: a gradient for each term of each gate's rule (two for a Pauli rotation), or eight a parameter.
    """
    mine, (count, n_gates) = jacobian[:, np.flatnonzero(wanted)].tocsr(), values.shape
    own = sum(len(rules[g]) for g in driving(jacobian, wanted))
    # a parameter that drives many gates is cheaper to follow itself
    along = len(limits.STENCIL) * mine.shape[1] < own
    moves, combined = _along(rules, mine) if along else _by_rules(rules, mine, driving(jacobian, wanted))
    out = np.full((count, len(wanted), len(wanted)), np.nan)
    batch = max(1, limits.HESSIAN_FLOATS // max(moves.size, 1))
    for low in range(0, count, batch):
        points = values[low : low + batch, None] + moves
        found = slopes(points.reshape(-1, n_gates)).reshape(len(points), len(moves), n_gates)
        for row, by_gate in enumerate(found, start=low):
            bent = (combined @ by_gate) @ mine
            out[row][np.ix_(wanted, wanted)] = (bent + bent.T) / 2
    return out


def _by_rules(rules: Rules, mine: sp.csr_array, gates: Integers) -> tuple[Floats, sp.csr_array]:
    """Return moves of gate values, and what gradients there count for each parameter: exact."""
    own = np.array([(i, g, c, s) for i, g in enumerate(gates) for c, s in rules[g]]).reshape(-1, 4)
    at, gate, step = own[:, 0].astype(int), own[:, 1].astype(int), own[:, 3]
    moves = np.zeros((len(own), mine.shape[0]))
    moves[np.arange(len(own)), gate] = step
    weights = sp.csr_array((own[:, 2], (at, np.arange(len(own)))), (len(gates), len(own)))
    return moves, (mine[gates].T @ weights).tocsr()


def _along(rules: Rules, mine: sp.csr_array) -> tuple[Floats, sp.csr_array]:
    """The same along whole parameters, by differences of eighth order.

    The absolute sum of a gate's rule bounds its derivative by the function, and their sum over a parameter's gates
    bounds all derivatives along it: a step of a fixed part of that leaves out less than rounding does.
    """
    ways = mine.toarray().T
    speeds = np.abs(ways) @ np.array([sum(abs(c) for c, _ in rule) for rule in rules])
    steps = limits.STENCIL_STEP / np.where(speeds > 0, speeds, 1.0)
    offsets, weights = np.array(limits.STENCIL).T
    moves = (steps[:, None, None] * offsets[:, None] * ways[:, None]).reshape(-1, ways.shape[1])
    return moves, sp.csr_array(sp.block_diag([weights[None] / step for step in steps], "csr"))


@dataclass(frozen=True, eq=False)
class SecondOrder:
    """Every second derivative as a sum over losses: at the point, and after each move from it."""

    moves: tuple[Move, ...]
    weights: sp.csr_array
    """``(n_params², 1 + moves)``: a loss that several derivatives share is measured once."""


def second_order(rules: Rules, jacobian: sp.csr_array, wanted: Bools) -> SecondOrder:
    """Return the circuits of all second derivatives between wanted parameters: every rule applied twice."""
    index: dict[Move, int] = {(): 0}
    rows, columns, factors = [], [], []
    n_gates = jacobian.shape[0]
    for g, h in itertools.combinations_with_replacement(driving(jacobian, wanted).tolist(), 2):
        for (a, s), (b, t) in itertools.product(rules[g], rules[h]):
            # shifts of ±π/2 twice on one gate end at the point itself half of the time
            place = (((g, round(s + t, limits.SHIFT_DIGITS)),) if s + t else ()) if g == h else ((g, s), (h, t))
            at = index.setdefault(place, len(index))
            for row in {g * n_gates + h, h * n_gates + g}:
                rows.append(row)
                columns.append(at)
                factors.append(a * b)
    by_gates = sp.csr_array((factors, (rows, columns)), (n_gates**2, len(index)))
    turned = (jacobian @ sp.diags_array(np.asarray(wanted, float))).T.tocsr()
    return SecondOrder(tuple(index)[1:], (sp.kron(turned, turned, "csr") @ by_gates).tocsr())


def pair_circuits(rules: Rules, touched: Bools) -> Integers:
    """Return how many moves the second derivatives between some gates take, ``(samples,)``.

    Args:
        touched: bool ``(samples, n_gates)``.
    """
    count = np.array([len(r) for r in rules], int)
    own = [len({round(s + t, limits.SHIFT_DIGITS) for _, s in r for _, t in r} - {0.0}) for r in rules]
    pairs = ((touched @ count) ** 2 - touched @ count**2) // 2
    return np.asarray(touched @ np.array(own, int) + pairs)
