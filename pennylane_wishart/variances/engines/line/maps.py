"""Averaged gates as maps of a block of letters ``(4^w, …)``, first site of the window slowest."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pennylane_wishart.circuit import RotationMoments
from pennylane_wishart.variances.engines.line.windows import Link, Window

__all__ = ["LineMaps"]

Map = Callable[[np.ndarray], np.ndarray]


class LineMaps:
    """The maps of every link, made once per kind of link."""

    def __init__(self, moments: RotationMoments, scale: float = 1.0):
        self.moments, self.scale = moments, scale
        self._factors: dict[int, np.ndarray] = {}
        self._pairs: dict[tuple[object, ...], tuple[np.ndarray, np.ndarray]] = {}

    def backward(self, window: Window) -> list[Map]:
        """Undo a window on the observable's side, last gate first."""
        maps = [self._map(link, window, forward=False) for link in reversed(window.links)]
        return self._scaled(maps, window, forward=False)

    def forward(self, window: Window, slope_of: int = -1) -> list[Map]:
        """Apply a window on the input's side, first gate first.

        Args:
            slope_of: a rotation whose cos² and sin² are swapped, and which must anticommute.
        """
        maps = [self._map(link, window, True, slope_of >= 0 and link.rotation == slope_of) for link in window.links]
        return self._scaled(maps, window, forward=True)

    def _scaled(self, maps: list[Map], window: Window, forward: bool) -> list[Map]:
        """Carry the maps over to values multiplied by scale^weight (divided, on the input's side)."""
        # one-site gates never make a letter of none, so the tilt commutes with them
        if all(len(link.sites) == 1 for link in window.links):
            return maps  # weights do not change
        factor = self._factor(window.high - window.low + 1)
        if forward:
            factor = 1 / factor
        return [lambda b: b / factor, *maps, lambda b: b * factor]

    def _factor(self, width: int) -> np.ndarray:
        if width not in self._factors:
            words = np.arange(4**width)
            letters = (words[:, None] >> (2 * np.arange(width))) & 3
            self._factors[width] = (self.scale ** (letters > 0).sum(axis=1))[:, None, None]
        return np.asarray(self._factors[width])

    def _map(self, link: Link, window: Window, forward: bool, slope: bool = False) -> Map:
        width = window.high - window.low + 1
        sites = tuple(s - window.low for s in link.sites)
        if link.image is not None:
            table = self._permutation(link.image, sites, width)[1 if forward else 0]
            return lambda block: block[table]
        anti, partner = self._pairing(link.letters, sites, width)
        stay, move = self.moments.cos2[link.rotation], self.moments.sin2[link.rotation]
        if slope:
            return lambda block: _slope(block, anti, partner, move, stay)
        return lambda block: _average(block, anti, partner, stay, move)

    def _pairing(self, letters: tuple[int, ...], sites: tuple[int, ...], width: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the words that anticommute with a generator, and their products with it."""
        key = (letters, sites, width)
        if key not in self._pairs:
            shifts = [2 * (width - 1 - s) for s in sites]
            code = sum(p << b for p, b in zip(letters, shifts, strict=True))
            swapped = sum(((p >> 1) | ((p & 1) << 1)) << b for p, b in zip(letters, shifts, strict=True))
            words = np.arange(4**width)
            anti = words[(np.bitwise_count(words & swapped) & 1).astype(bool)]
            self._pairs[key] = anti, anti ^ code
        return self._pairs[key]

    def _permutation(self, image: np.ndarray, sites: tuple[int, ...], width: int) -> tuple[np.ndarray, np.ndarray]:
        """Return a Clifford gate's permutation of the window's words, and its inverse."""
        key = (image.tobytes(), sites, width)
        if key not in self._pairs:
            words = np.arange(4**width)
            shifts = [2 * (width - 1 - s) for s in sites]
            m = len(sites)
            code = np.zeros_like(words)
            rest = words.copy()
            for i, b in enumerate(shifts):
                code |= ((words >> b) & 3) << (2 * (m - 1 - i))
                rest &= ~(3 << b)
            after = image[code]
            for i, b in enumerate(shifts):
                rest |= ((after >> (2 * (m - 1 - i))) & 3) << b
            self._pairs[key] = rest, np.argsort(rest)
        return self._pairs[key]


def _average(block: np.ndarray, anti: np.ndarray, partner: np.ndarray, stay: float, move: float) -> np.ndarray:
    out = block.copy()
    out[anti] = stay * block[anti] + move * block[partner]
    return out


def _slope(block: np.ndarray, anti: np.ndarray, partner: np.ndarray, stay: float, move: float) -> np.ndarray:
    out = np.zeros_like(block)
    out[anti] = stay * block[anti] + move * block[partner]
    return out
