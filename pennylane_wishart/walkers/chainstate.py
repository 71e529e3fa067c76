"""A vector over Pauli words as a matrix product, one site of four letters per qubit."""

from __future__ import annotations

import numpy as np
from scipy import linalg

__all__ = ["WordState"]

_CUTOFF = 1e-15


class WordState:
    """A matrix product with one orthogonality centre and its norm kept as a power of two.

    Sites are replaced, never changed in place, so a copy costs only the list.
    """

    def __init__(
        self, sites: list[np.ndarray], bond: int, log2: float = 0.0, centre: int | None = None
    ):
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
    def of_words(cls, letters: np.ndarray, weights: np.ndarray, bond: int) -> WordState:
        """Build Σ_a weight_a · (word a) from letters ``(m, n)``, numbered 2·x + z."""
        m, n = letters.shape
        sites = []
        for q in range(n):
            site = np.zeros((1 if q == 0 else m, 4, 1 if q == n - 1 else m))
            for a in range(m):
                site[0 if q == 0 else a, letters[a, q], 0 if q == n - 1 else a] += (
                    weights[a] if q == 0 else 1.0
                )
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
    def apply(self, low: int, high: int, maps: list[np.ndarray]) -> None:
        """Apply maps ``(4^w, 4^w)`` of the letters at sites low … high, one after the other."""
        # Any centre inside the window is as good as another.
        self.move(min(max(self.centre, low), high))
        block = self.sites[low]
        for site in range(low + 1, high + 1):
            block = np.tensordot(block, self.sites[site], 1)
        left, right = block.shape[0], block.shape[-1]
        block = block.reshape(left, -1, right)
        for matrix in maps:
            block = np.einsum("ij,ljr->lir", matrix, block, optimize=True)
        self._split(low, high, block)
        self._normalise()

    def _split(self, low: int, high: int, block: np.ndarray) -> None:
        right = block.shape[-1]
        for site in range(low, high):
            left = block.shape[0]
            matrix = block.reshape(left * 4, -1)
            u, s, vh = linalg.svd(
                matrix, full_matrices=False, lapack_driver="gesdd", check_finite=False
            )
            total = float(np.sum(s**2))
            keep = min(self.bond, max(1, int(np.sum(s > _CUTOFF * s[0]))))
            if total:
                self.discarded += float(np.sum(s[keep:] ** 2)) / total
            self.sites[site] = u[:, :keep].reshape(left, 4, keep)
            block = s[:keep, None] * vh[:keep]
        self.sites[high] = block.reshape(-1, 4, right)
        self.centre = high

    def overlap(self, other: WordState) -> tuple[float, float]:
        """Return (sign, log2 |⟨self, other⟩|)."""
        edge, log2 = np.ones((1, 1)), self.log2 + other.log2
        for a, b in zip(self.sites, other.sites, strict=True):
            edge = np.tensordot(np.tensordot(edge, a, (0, 0)), b, ((0, 1), (0, 1)))
            norm = float(np.abs(edge).max())
            if norm == 0:
                return 0.0, -np.inf
            edge, log2 = edge / norm, log2 + float(np.log2(norm))
        value = float(edge[0, 0])
        return float(np.sign(value)), log2 + float(np.log2(abs(value))) if value else -np.inf
