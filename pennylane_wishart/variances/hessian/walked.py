"""Second derivatives by the walks that give the gradients: which walkers anticommuted at both rotations."""

from __future__ import annotations

from typing import Any

import numpy as np

from pennylane_wishart.conventions import EngineId
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.variances.engines.walks.bits import bits_at
from pennylane_wishart.variances.engines.walks.ends import Weights
from pennylane_wishart.variances.engines.walks.tally import Tally, upper_rate, with_unseen
from pennylane_wishart.variances.engines.walks.walk import Walkers, walked_chains
from pennylane_wishart.variances.hessian.means import hessian_mean
from pennylane_wishart.variances.hessian.record import HessianMoments, hessian_record
from pennylane_wishart.variances.problem import Problem

__all__ = ["hessian_by_walk"]


def hessian_by_walk(problem: Problem, n_walkers: int, rng: np.random.Generator) -> HessianMoments:
    """Estimate the variances of all pairs in one pass, at any number of qubits.

    Raises:
        UnsupportedCircuitError: if independent walks do not average this circuit.
        ModuleTooLargeError: if the observable has too many pairs of terms, or means too many paths.
    Cost: that of :func:`walk`, and O(rotations² · walkers that the input sees).
    """
    chains, m = walked_chains(problem.live, problem.law), problem.moments
    walkers = _PairWalkers(problem.live, m, chains, rng, bends=True)
    tally = walkers.run(n_walkers)
    shape = walkers.total.shape
    mean = hessian_mean(problem) if m.cos[problem.driven].any() else np.zeros(shape)
    n, largest = tally.n, np.outer(tally.largest, tally.largest)
    average = walkers.total / n
    spread = np.sqrt(np.maximum(walkers.squares / n - average**2, 0.0) / n)
    if tally.uneven:
        spread = with_unseen(spread, largest, n)
    hits = walkers.total / np.maximum(largest, limits.NEGLIGIBLE)
    effective = np.divide(walkers.total**2, walkers.squares, out=np.zeros(shape), where=walkers.squares > 0)
    known = effective >= (limits.ENOUGH_GRADED if tally.graded else 1)
    if tally.uneven:
        known &= average > limits.CLEAR * spread
    limit = np.minimum(largest * upper_rate(hits, n), 1.0) * tally.mass
    second, error = tally.mass * average, tally.mass * spread
    pairs = problem.of_pairs
    return hessian_record(
        problem,
        EngineId.WALKERS,
        (pairs(mean), pairs(second, 2), pairs(error, 2)),
        np.zeros((problem.circuit.n_params,) * 2, bool),
        pairs(known, 0) > 0,
        pairs(limit, 2),
        n,
    )


class _PairWalkers(Walkers):
    """Walkers that count pairs of rotations instead of single ones."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.total, self.squares = np.zeros((2, self.circuit.n_rotations, self.circuit.n_rotations))
        self.inside = np.array([k for c, _ in self.zone for k in c.rotations], np.int64)
        self._codes: list[np.ndarray] = []

    def _zone(self, state: np.ndarray, weights: Weights, tally: Tally) -> None:
        self._codes = [self.ends.codes(state, cluster) for cluster, _ in self.zone]

    def _weigh(self, touched: np.ndarray, moves: np.ndarray | None, weights: Weights, tally: Tally) -> None:
        values, seen = weights.listed()
        if len(seen) == 0:
            return
        order = np.concatenate([self.walked, self.inside])
        rows = np.empty((len(order), len(seen)), np.float32)
        rows[: len(self.walked)] = bits_at(touched, seen)
        plain = rows[: len(self.walked)].copy() if moves is not None else None
        if moves is not None:
            moved = bits_at(moves, seen).astype(bool)
            rows[: len(self.walked)] *= np.where(
                moved, self.if_moved[self.walked, None], self.if_stayed[self.walked, None]
            )
        at = len(self.walked)
        for (cluster, ratios), codes in zip(self.zone, self._codes, strict=True):
            for k in cluster.rotations:
                rows[at] = ratios[k][codes[seen]]
                at += 1
        block = np.ix_(order, order)
        total, squares = _products(rows, values, not self._graded_rows())
        self.total[block] += total
        self.squares[block] += squares
        self._correct(plain if plain is not None else rows[: len(self.walked)], total, squares, values, seen)

    def _graded_rows(self) -> bool:
        """Whether derivatives are other than 0 or 1 times a walker's weight."""
        return self.weighted or len(self.inside) > 0

    def _correct(
        self, touched: np.ndarray, total: np.ndarray, squares: np.ndarray, values: np.ndarray, seen: np.ndarray
    ) -> None:
        """Put in what products of first derivatives do not give: the diagonal, and pairs within a cluster."""
        n = len(self.walked)
        fixed: list[tuple[int, int, float, float]] = []
        if self.weighted:
            hits, again = touched @ values, touched @ values**2
            fixed += [(r, r, float(hits[r]), float(again[r])) for r in range(n)]
        place = {int(k): n + r for r, k in enumerate(self.inside)}
        for (cluster, _), codes in zip(self.zone, self._codes, strict=True):
            own = codes[seen]
            size = len(cluster.table)
            mass = [np.bincount(own, weights=values**power, minlength=size) for power in (1, 2)]
            for (k, l), table in cluster.bends.items():
                share = cluster.share(table)
                fixed.append((place[k], place[l], float(share @ mass[0]), float(share**2 @ mass[1])))
        order = np.concatenate([self.walked, self.inside])
        for a, b, value, square in fixed:
            for r, c in {(a, b), (b, a)}:
                self.total[order[r], order[c]] += value - total[r, c]
                self.squares[order[r], order[c]] += square - squares[r, c]


def _products(rows: np.ndarray, values: np.ndarray, whole: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return Σ w·r_k·r_l and Σ (w·r_k·r_l)² over walkers.

    Single precision is enough, as in the sums of single rotations: the rest is sampling error.
    """
    weight = values.astype(np.float32)
    squares = rows if whole else rows**2
    if (weight < 0).any():
        return (rows * weight) @ rows.T, (squares * weight**2) @ squares.T
    # a matrix times its own transpose is symmetric: half the work
    root = rows * np.sqrt(weight)
    total = root @ root.T
    if whole and np.array_equal(values, values**2):
        return total, total
    root = squares * weight
    return total, root @ root.T
