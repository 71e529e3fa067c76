"""From the root values on two Cartan elements to simple ideals, by Dynkin diagrams.

For generic elements of a Cartan subalgebra two roots add to a root exactly when their values
do, so values alone give the positive roots that are sums, the simple ones that are not, the
strings that make the Cartan matrix, and the diagram of every simple ideal. Each ideal's number
of positive roots must then be that of its type, which a wrong reading would not satisfy.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from pennylane_wishart.algebra.ideal import Ideal, canonical_ideals, merge_ideals
from pennylane_wishart.conventions import algebra as limits

__all__ = ["ideals_of_roots"]

_POSITIVE_ROOTS = {"e6": 36, "e7": 63, "e8": 120, "f4": 24, "g2": 6}


def ideals_of_roots(values: np.ndarray) -> tuple[tuple[Ideal, ...], int] | None:
    """Return the simple ideals and their total rank, or None if the values are not roots.

    Args:
        values: ``(positive roots, 2)``: α(h₁) > 0 and α(h₂).
    """
    if len(values) == 0:
        return (), 0
    values = values[np.argsort(values[:, 0])] / np.abs(values).max()
    coordinates = _in_simple_roots(values)
    if coordinates is None:
        return None
    rank = coordinates.shape[1]
    strings = _strings({tuple(row) for row in coordinates.tolist()}, rank)
    count, label = connected_components(strings > 0, directed=False)
    ideals: list[Ideal] = []
    for part in range(count):
        nodes = np.flatnonzero(label == part)
        roots = int(coordinates[:, nodes].any(axis=1).sum())
        ideal = _type_of(strings[np.ix_(nodes, nodes)], roots)
        if ideal is None:
            return None
        ideals.extend(ideal)
    return merge_ideals(ideals), rank


def _in_simple_roots(values: np.ndarray) -> np.ndarray | None:
    """Write positive roots, sorted by α(h₁), as integer combinations of the simple ones."""
    tree = cKDTree(values)
    simple: list[int] = []
    rows: list[np.ndarray] = []
    for number, value in enumerate(values):
        parent = None
        if simple:
            # a positive root that is not simple is a simple one plus another positive root
            distance, found = tree.query(value - values[simple], distance_upper_bound=limits.ROOT_MATCH)
            hit = np.flatnonzero(np.isfinite(distance))
            parent = (int(hit[0]), int(found[hit[0]])) if len(hit) else None
        row = np.zeros(len(values), dtype=np.int16)
        if parent is None:
            row[len(simple)] = 1
            simple.append(number)
        # a sum cannot come before its parts in the order of α(h₁): the values are no roots
        elif parent[1] >= number:
            return None
        else:
            row[:] = rows[parent[1]]
            row[parent[0]] += 1
        rows.append(row)
    return np.array(rows)[:, : len(simple)]


def _strings(roots: set[tuple[int, ...]], rank: int) -> np.ndarray:
    """Return −⟨α_j, α_i^∨⟩ at [i, j]: how often α_i can be added to α_j."""
    out = np.zeros((rank, rank), dtype=np.int64)
    supports = [r for r in roots if sum(1 for a in r if a) == 2]
    for root in supports:
        i, j = (k for k, a in enumerate(root) if a)
        if root[j] == 1:
            out[i, j] = max(out[i, j], root[i])
        if root[i] == 1:
            out[j, i] = max(out[j, i], root[j])
    return out


def _type_of(strings: np.ndarray, roots: int) -> tuple[Ideal, ...] | None:
    """Name one connected Dynkin diagram; None if the number of roots contradicts it."""
    rank = len(strings)
    bonds = strings * strings.T
    strongest = int(bonds.max(initial=0))
    if strongest == 3:
        return _exceptional("g2", rank, roots)
    if strongest == 2:
        i, j = (int(k[0]) for k in np.nonzero(bonds == 2))
        # the double bond of B_n and C_n is at an end, that of F_4 in the middle
        ends = [k for k in (i, j) if np.count_nonzero(bonds[k]) == 1]
        if not ends:
            return _exceptional("f4", rank, roots)
        if roots != rank * rank:
            return None
        end = ends[0]
        other = j if end == i else i
        # the end node is short (so) if it can be added twice to its neighbour
        if rank == 2 or strings[end, other] == 1:
            return canonical_ideals("sp", rank)[0]
        return canonical_ideals("so", 2 * rank + 1)[0]
    if strongest > 3:
        return None
    # simply laced: A_n, D_n and E_n differ in their number of roots
    if roots == rank * (rank + 1) // 2:
        return canonical_ideals("su", rank + 1)[0]
    if roots == rank * (rank - 1):
        return canonical_ideals("so", 2 * rank)[0]
    return _exceptional(f"e{rank}", rank, roots)


def _exceptional(kind: str, rank: int, roots: int) -> tuple[Ideal, ...] | None:
    return (Ideal(kind, rank),) if _POSITIVE_ROOTS.get(kind) == roots else None
