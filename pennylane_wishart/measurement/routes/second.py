"""Second derivatives by exact shift rules: of gradients where a route gives them, of losses everywhere else."""

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
    """Return ∂²ℓ/∂θ_k∂θ_l by each gate's own shift rule applied to exact gradients: no step is chosen.

    Args:
        slopes: dℓ/d(gate value) ``(batch, n_gates)`` at gate values of the same shape.
        jacobian: d(gate value)/dθ ``(n_gates, n_params)``.
        values: gate values ``(batch, n_gates)``.
        wanted: bool ``(n_params,)``; the others' rows and columns are NaN.
    Cost: a gradient for each term of each gate's rule, two for a Pauli rotation.
    """
    gates, (count, n_gates) = driving(jacobian, wanted), values.shape
    own = np.array([(i, g, c, s) for i, g in enumerate(gates) for c, s in rules[g]]).reshape(-1, 4)
    at, gate, step = own[:, 0].astype(int), own[:, 1].astype(int), own[:, 3]
    mine = jacobian[:, np.flatnonzero(wanted)].tocsr()
    out = np.full((count, len(wanted), len(wanted)), np.nan)
    moves = np.zeros((len(own), n_gates))
    moves[np.arange(len(own)), gate] = step
    weights = sp.csr_array((own[:, 2], (at, np.arange(len(own)))), (len(gates), len(own)))
    batch = max(1, limits.HESSIAN_FLOATS // max(moves.size, 1))
    for low in range(0, count, batch):
        points = values[low : low + batch, None] + moves
        found = slopes(points.reshape(-1, n_gates)).reshape(len(points), len(own), n_gates)
        for row, by_gate in enumerate(found, start=low):
            bent = mine[gates].T @ ((weights @ by_gate) @ mine)
            out[row][np.ix_(wanted, wanted)] = (bent + bent.T) / 2
    return out


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
