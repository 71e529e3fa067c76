"""Type A: reading the words of a component as pairs of Majorana operators.

Modulo the radical, a component is of type A iff its words can be labelled by pairs {i, j} of
d points such that two words anticommute iff their pairs share one point. A connected sequence
of words that is independent modulo the radical admits at most one such labelling: each new
word joins one new point to the point that its anticommutation pattern singles out. So one
pass builds a tree, and a second reads the pair of every word off its pattern.
"""

from __future__ import annotations

import numpy as np

from pennylane_wishart.conventions import algebra as limits
from pennylane_wishart.paulis import PauliWords, pack_bits

__all__ = ["find_majoranas", "point_patterns"]


def find_majoranas(
    words: PauliWords, tree: PauliWords, gram: np.ndarray, pattern: np.ndarray
) -> tuple[PauliWords, np.ndarray] | None:
    """Find Majoranas γ_0 … γ_(d−1) such that every word is γ_i γ_j times a radical word.

    Args:
        words: the words of one component ``(m,)``.
        tree: 2s of them, independent modulo the radical, each anticommuting with an earlier one.
        gram: ``uint8 (2s, 2s)``: their anticommutation.
        pattern: ``uint8 (m, 2s)``: which word anticommutes with which tree word.
    Returns:
        ``(points, gains)``: words P_i with γ_i γ_j ∝ P_i P_j (P_0 = 1), and packed radical
        words, one per word, that span H; or None where the component is not of type A.
    """
    parents = _grow_tree(gram)
    if parents is None:
        return None
    ends = _pair_of_each(point_patterns(parents, pattern))
    if ends is None:
        return None
    first, second = ends
    packed, edges = words.packed, tree.packed
    points = np.zeros((len(parents) + 1, packed.shape[1]), dtype=np.uint64)
    for edge, parent in enumerate(parents):
        points[edge + 1] = points[parent] ^ edges[edge]
    # a word may end in a point that no tree word has: there is at most one such point
    extra = np.flatnonzero(second == len(points))
    if len(extra):
        points = np.vstack([points, points[first[extra[0]]] ^ packed[extra[0]]])
    # what is left of a word beside its pair commutes with everything: it makes copies
    gains = packed ^ points[first] ^ points[second]
    return PauliWords.from_packed(points, words.n_qubits), gains


def point_patterns(parents: np.ndarray, pattern: np.ndarray) -> np.ndarray:
    """Return ``uint8 (points, m)``: the potential whose differences along edges are ``pattern``.

    A word with pair {a, b} has potential 1 on a and b, or the complement.
    """
    edges = np.ascontiguousarray(pattern.T)
    out = np.zeros((len(parents) + 1, pattern.shape[0]), dtype=np.uint8)
    for edge, parent in enumerate(parents):
        out[edge + 1] = out[parent] ^ edges[edge]
    return out


def _grow_tree(gram: np.ndarray) -> np.ndarray | None:
    """Return the point to which each tree word joins a new point, or None if not type A."""
    n_edges = len(gram)
    if n_edges <= limits.FEW_WORDS:
        return _grow_small_tree(gram)
    parents = np.zeros(n_edges, dtype=np.int64)
    rows = pack_bits(gram)
    paths = np.zeros((rows.shape[1], n_edges + 1), dtype=np.uint64)  # edges from point 0
    for edge in range(n_edges):
        if edge:
            used = np.flatnonzero(rows[edge, : edge // 64 + 1])
            on_path = paths[used, : edge + 1] & rows[edge, used, None]
            # the potential of a point is the parity of marked edges on its path from point 0
            potential = np.bitwise_count(np.bitwise_xor.reduce(on_path, axis=0)) & 1
            ones = int(potential.sum())
            # one point marked, or all but one: the new word joins there
            if ones == 1:
                parents[edge] = int(np.argmax(potential))
            elif ones == edge:
                parents[edge] = int(np.argmin(potential))
            else:
                return None
        paths[:, edge + 1] = paths[:, parents[edge]]
        paths[edge // 64, edge + 1] |= np.uint64(1 << (edge % 64))
    return parents


def _grow_small_tree(gram: np.ndarray) -> np.ndarray | None:
    """The same on Python's own integers."""
    paths, parents = [0], []
    for edge, bits in enumerate(np.packbits(gram, axis=1, bitorder="little")):
        row = int.from_bytes(bits.tobytes(), "little")
        marked = [point for point, path in enumerate(paths) if (path & row).bit_count() & 1]
        if len(marked) not in (1, edge):
            return None
        # edge 0 marks nothing and joins point 0; all but one: the points' numbers less those of the marked
        parents.append(marked[0] if len(marked) == 1 else edge * (edge + 1) // 2 - sum(marked))
        paths.append(paths[parents[-1]] | 1 << edge)
    return np.array(parents, np.int64)


def _pair_of_each(potential: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the two points of each word (the extra point is numbered last), or None."""
    n_points, m = potential.shape
    sizes = potential.sum(axis=0, dtype=np.int64)
    # a potential is known up to its complement; pairs are the one of even size
    even = np.where(sizes % 2 == 0, potential, 1 - potential)
    sizes = np.where(sizes % 2 == 0, sizes, n_points - sizes)
    with_extra = (sizes == n_points - 1) & (sizes != 2)
    if not np.all((sizes == 2) | with_extra):
        return None
    # a pair with the extra point shows as everything except its other end
    marked = np.where(with_extra, 1 - even, even)
    first = np.argmax(marked, axis=0)
    last = n_points - 1 - np.argmax(marked[::-1], axis=0)
    return first, np.where(with_extra, n_points, last)
