"""A vector over Pauli words as a matrix product, one site of four letters per qubit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import linalg

from pennylane_wishart.conventions import variances as limits

__all__ = ["WordState", "environments", "signed_log2"]

Map = Callable[[np.ndarray], np.ndarray]
"""A linear map of the first axis of a block ``(4^w, left, right)``."""


class WordState:
    """A matrix product with one orthogonality centre and its norm kept as a power of two.

    Sites ``(left, 4, right)`` are replaced, never changed in place, so a copy costs only the list.
    """

    def __init__(self, sites: list[np.ndarray], bond: int, log2: float = 0.0, centre: int | None = None):
        self.sites, self.bond, self.log2 = sites, bond, log2
        self.discarded = 0.0
        """Sum of the relative weights (squared norms) that truncation removed."""
        if centre is None:
            for site in range(len(sites) - 1, 0, -1):
                self._shift_left(site)
            centre = 0
        self.centre = centre
        self._normalise()

    @classmethod
    def product(cls, tables: np.ndarray, bond: int) -> WordState:
        """Build from one table of four values per site, ``(n, 4)``."""
        return cls([t.reshape(1, 4, 1).astype(float) for t in tables], bond)

    @classmethod
    def product_but_identity(cls, tables: np.ndarray, bond: int) -> WordState:
        """Build the same with the identity's entry set to 0, of bond 2."""
        n, sites = len(tables), []
        for q, table in enumerate(tables):
            site = np.zeros((2, 4, 2))
            site[0, :, 0], site[1, 0, 1] = table, table[0]
            if q == 0:
                site = site[:1] - site[1:]
            if q == n - 1:
                site = site[:, :, :1] + site[:, :, 1:]
            sites.append(site)
        return cls(sites, bond)

    @classmethod
    def of_words(cls, letters: np.ndarray, weights: np.ndarray, bond: int) -> WordState:
        """Build Σ_a weight_a · (word a) from letters ``(m, n)``, numbered 2·x + z."""
        m, n = letters.shape
        sites = []
        for q in range(n):
            site = np.zeros((1 if q == 0 else m, 4, 1 if q == n - 1 else m))
            # words are orthogonal, so bond m is what a sum of m of them needs
            for a in range(m):
                site[0 if q == 0 else a, letters[a, q], 0 if q == n - 1 else a] += weights[a] if q == 0 else 1.0
            sites.append(site)
        state = cls(sites, max(bond, m))
        state.bond = bond
        return state

    def copy(self) -> WordState:
        """Return an independent state that shares the site tensors."""
        out = object.__new__(WordState)
        out.sites, out.bond, out.log2 = list(self.sites), self.bond, self.log2
        out.centre, out.discarded = self.centre, self.discarded
        return out

    # ------------------------------------------------------------------ gauge
    def _shift_left(self, site: int) -> None:
        left, _, right = self.sites[site].shape
        q, r = np.linalg.qr(self.sites[site].reshape(left, -1).T)
        self.sites[site] = np.ascontiguousarray(q.T).reshape(-1, 4, right)
        self.sites[site - 1] = np.tensordot(self.sites[site - 1], r.T, 1)

    def _shift_right(self, site: int) -> None:
        left, _, right = self.sites[site].shape
        q, r = np.linalg.qr(self.sites[site].reshape(-1, right))
        self.sites[site] = q.reshape(left, 4, -1)
        self.sites[site + 1] = np.tensordot(r, self.sites[site + 1], 1)

    def move(self, site: int) -> None:
        """Move the orthogonality centre."""
        while self.centre < site:
            self._shift_right(self.centre)
            self.centre += 1
        while self.centre > site:
            self._shift_left(self.centre)
            self.centre -= 1

    def _normalise(self) -> None:
        norm = float(np.linalg.norm(self.sites[self.centre]))
        if norm == 0:
            self.log2 = -np.inf
            return
        self.sites[self.centre] = self.sites[self.centre] / norm
        self.log2 += float(np.log2(norm))

    # ------------------------------------------------------------------ maps
    def block(self, low: int, high: int) -> np.ndarray:
        """Return the sites low … high as one array ``(4^w, left, right)``, first site slowest."""
        block = self.sites[low]
        for site in range(low + 1, high + 1):
            block = np.tensordot(block, self.sites[site], 1)
        left, right = block.shape[0], block.shape[-1]
        return np.ascontiguousarray(block.reshape(left, -1, right).swapaxes(0, 1))

    def apply(self, low: int, high: int, maps: list[Map]) -> None:
        """Apply maps of the letters at sites low … high, one after the other, and truncate."""
        # Any centre inside the window is as good as another.
        self.move(min(max(self.centre, low), high))
        block = self.block(low, high)
        for function in maps:
            block = function(block)
        self._split(low, high, block.swapaxes(0, 1))
        self._normalise()

    def _split(self, low: int, high: int, block: np.ndarray) -> None:
        right = block.shape[-1]
        for site in range(low, high):
            left = block.shape[0]
            matrix = block.reshape(left * 4, -1)
            # finite by construction, so not checked: most decompositions are small
            u, s, vh = linalg.svd(matrix, full_matrices=False, lapack_driver="gesdd", check_finite=False)
            total = float(np.sum(s**2))
            keep = min(self.bond, max(1, int(np.sum(s > limits.SINGULAR_CUTOFF * s[0]))))
            if total:
                self.discarded += float(np.sum(s[keep:] ** 2)) / total
            self.sites[site] = u[:, :keep].reshape(left, 4, keep)
            block = s[:keep, None] * vh[:keep]
        self.sites[high] = np.ascontiguousarray(block).reshape(-1, 4, right)
        self.centre = high

    def overlap(self, other: WordState) -> tuple[float, float]:
        """Return (sign, log2 |⟨self, other⟩|)."""
        left, right, log2 = environments(self, other, 0, len(self.sites) - 1)
        edge = left
        for a, b in zip(self.sites, other.sites, strict=True):
            edge, log2 = _step(edge, a, b, log2)
        return signed_log2(float(edge[0, 0] * right[0, 0]), log2)


def signed_log2(value: float, log2: float) -> tuple[float, float]:
    """Return (sign, log2 of the magnitude) of value·2^log2."""
    return float(np.sign(value)), log2 + float(np.log2(abs(value))) if value else -np.inf


def environments(a: WordState, b: WordState, low: int, high: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Contract ⟨a, b⟩ outside sites low … high: (left edge, right edge, log2 of their factor)."""
    log2 = a.log2 + b.log2
    left, right = np.ones((1, 1)), np.ones((1, 1))
    for site in range(low):
        left, log2 = _step(left, a.sites[site], b.sites[site], log2)
    for site in range(len(a.sites) - 1, high, -1):
        x, y = a.sites[site].swapaxes(0, 2), b.sites[site].swapaxes(0, 2)
        right, log2 = _step(right, x, y, log2)
    return left, right, log2


def _step(edge: np.ndarray, a: np.ndarray, b: np.ndarray, log2: float) -> tuple[np.ndarray, float]:
    """Add one site to an edge ``(bond of a, bond of b)``, with its size moved into the exponent."""
    edge = np.tensordot(np.tensordot(edge, a, (0, 0)), b, ((0, 1), (0, 1)))
    # second moments of deep circuits are below the smallest float: sizes live in the exponent
    norm = float(np.abs(edge).max())
    if norm == 0:
        return edge, log2
    return edge / norm, log2 + float(np.log2(norm))
