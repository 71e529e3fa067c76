"""Random directions at a random state: tangent vectors of reflections, level by level.

A rotation exp(-iθP/2) with a random traceless reflection P moves ψ along Kψ = ψq + wb, K = -iP,
q ∈ Im F, |q|² + b² = 1, w ⊥ ψ. Inside a degenerate level only w's component along ψ's part of the
level meets ψ and v = (O − e)ψ; the rest is an isotropic Gaussian, of which a population of
directions needs only the triangular (Bartlett) factor. So the cost does not depend on D.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from pennylane_wishart.conventions import minima as limits
from pennylane_wishart.conventions.numbers import TINY
from pennylane_wishart.ensembles.scaled import Array
from pennylane_wishart.ensembles.spectrum import Spectrum
from pennylane_wishart.minima.spectrum import second_moment
from pennylane_wishart.minima.splitting import Column

__all__ = ["RandomDirections", "peak_density"]


def peak_density(dimension: int | float) -> float:
    """Density at 0 of one coordinate of a uniform point on the unit sphere in R^dimension."""
    n = float(dimension)
    if n > limits.SPHERE_NORMAL_DIM:
        return float(np.sqrt(n / (2 * np.pi)))
    return float(np.exp(gammaln(n / 2) - gammaln((n - 1) / 2)) / np.sqrt(np.pi))


@dataclass
class _Layout:
    """Which numbers stand for a direction in one sector: β copies of the levels, then the rests."""

    sector: Spectrum
    n_parameters: int

    def __post_init__(self) -> None:
        beta, sector = self.sector.beta, self.sector
        self.n_levels = len(sector.counts)
        self.core = beta * self.n_levels
        self.rest_dims = [beta * (m - 1) for m in sector.counts]
        level_of = list(range(self.n_levels)) * beta
        self.width_at = [self.core]
        for index in range(self.n_parameters):
            level_of += [j for j, d in enumerate(self.rest_dims) if d > index]
            self.width_at.append(len(level_of))
        self.level_of = np.array(level_of, dtype=np.intp)
        self.real_dim = beta * (sector.dim - 1)
        self.second_moment = second_moment(sector)

    def tail_dim(self, index: int) -> float:
        """Rest dimensions beyond the first ``index`` directions and the new one."""
        return float(sum(max(d - index - 1, 0) for d in self.rest_dims))


class _SectorState:
    """Level weights of one sector for all particles, with all that is derived from them."""

    def __init__(self, layout: _Layout, shares: Array):
        self.layout = layout
        levels = layout.sector.deviations
        self.energy = shares @ levels
        self.excess = levels - self.energy[:, None]
        self.root = np.sqrt(shares)
        force = self.root * self.excess
        self.sigma = np.sqrt((force * force).sum(axis=1))
        self.force = force / np.maximum(self.sigma, TINY)[:, None]

    def take(self, target: NDArray[np.intp], source: NDArray[np.intp]) -> None:
        for name in ("energy", "excess", "root", "sigma", "force"):
            values = getattr(self, name)
            values[target] = values[source]

    def gaussian(self, index: int, rng: np.random.Generator, closed: bool) -> Array:
        """Draw a Gaussian direction ⊥ ψ, its last rest rows χ (``closed``) or normal."""
        lay, count = self.layout, self.energy.size
        start, stop = lay.width_at[index], lay.width_at[index + 1]
        rows = rng.standard_normal((count, stop))
        if closed:
            levels = lay.level_of[start:stop]
            shape = np.array([(lay.rest_dims[j] - index) / 2 for j in levels])
            rows[:, start:] = np.sqrt(2 * rng.standard_gamma(shape, (count, stop - start)))
        copies = rows[:, : lay.core].reshape(count, lay.sector.beta, lay.n_levels)
        copies -= (copies @ self.root[:, :, None]) * self.root[:, None, :]
        return rows

    def without_force(self, rows: Array, copies: int) -> None:
        """Remove v from the first ``copies`` real copies of the levels, in place."""
        lay = self.layout
        core = rows[:, : lay.core].reshape(rows.shape[0], lay.sector.beta, lay.n_levels)
        first = core[:, :copies]
        first -= (first @ self.force[:, :, None]) * self.force[:, None, :]

    def imaginary_force(self, rows: Array) -> Array:
        """Return the overlaps of the imaginary copies with v, ``(P, β − 1)``."""
        lay = self.layout
        core = rows[:, : lay.core].reshape(rows.shape[0], lay.sector.beta, lay.n_levels)
        return np.asarray((core[:, 1:] @ self.force[:, :, None])[:, :, 0] * self.sigma[:, None])

    def add_force(self, rows: Array, copy: int, amount: Array) -> None:
        """Add ``amount``·v̂ to one copy of the levels, in place."""
        start = copy * self.layout.n_levels
        rows[:, start : start + self.layout.n_levels] += amount[:, None] * self.force


def _bloch(beta: int, dim: int, count: int, rng: np.random.Generator) -> Array:
    """Draw q = ⟨ψ|Kψ⟩ ∈ Im F of a random reflection, ``(count, β − 1)``."""
    if beta == 1:
        return np.zeros((count, 0))
    second = dim / 2 if beta == 2 else dim - 1.0
    if second <= 0:
        return np.zeros((count, beta - 1))
    length = np.sqrt(rng.beta((beta - 1) / 2, second, count))
    axis = rng.standard_normal((count, beta - 1))
    return np.asarray(axis * (length / np.sqrt((axis * axis).sum(axis=1)))[:, None])


class RandomDirections:
    """Columns of the Hessian of a random circuit at states of given level weights.

    ``reflections=True`` is the full finite-size law of rotations by traceless reflections: the
    second derivative carries the vector Kv, drawn with its constraints. ``False`` replaces that by
    independent normal entries of variance Σ σ²/(βD), THEORY's simpler form.
    """

    def __init__(
        self,
        sectors: Sequence[Spectrum],
        shares: Sequence[Array],
        n_parameters: int,
        reflections: bool = True,
    ):
        self.layouts = [_Layout(sector, n_parameters) for sector in sectors]
        self.states = [_SectorState(lay, s) for lay, s in zip(self.layouts, shares, strict=True)]
        self.reflections = reflections
        self.real_dims = np.array([float(lay.real_dim) for lay in self.layouts])
        self.peak = peak_density(self.layouts[0].real_dim)
        self._summarise()

    def _summarise(self) -> None:
        self._stiffness = np.zeros(self.states[0].energy.size)
        self._coupling = np.zeros_like(self._stiffness)
        for state in self.states:
            self._stiffness -= state.energy
            spread = state.layout.second_moment + state.energy**2 + state.sigma**2
            self._coupling += spread / state.layout.real_dim

    @property
    def energy(self) -> Array:
        """Total centred energy of every particle."""
        return np.asarray(sum(s.energy for s in self.states))

    @property
    def stiffness(self) -> Array:
        return self._stiffness

    @property
    def coupling(self) -> Array:
        return self._coupling

    def width(self, n_parameters: int) -> int:
        return sum(lay.width_at[n_parameters] for lay in self.layouts)

    def take(self, target: NDArray[np.intp], source: NDArray[np.intp]) -> None:
        for state in self.states:
            state.take(target, source)
        self._stiffness[target] = self._stiffness[source]
        self._coupling[target] = self._coupling[source]

    def draw(self, index: int, rng: np.random.Generator) -> Column:
        """Draw direction ``index`` of zero gradient for every particle."""
        count = self.energy.size
        blochs = [
            _bloch(s.layout.sector.beta if self.reflections else 1, s.layout.sector.dim, count, rng)
            for s in self.states
        ]
        lengths = [np.sqrt(1 - (q * q).sum(axis=1)) for q in blochs]
        overlaps, log_density = self._overlaps(lengths, rng)
        parts = [
            _sector_column(*item, index, rng, self.reflections)
            for item in zip(self.states, blochs, lengths, overlaps, strict=True)
        ]
        noise = None
        if not self.reflections:
            noise = np.sqrt(self._noise_variance())
        return Column(
            rows=_interleave([part[0] for part in parts], self.layouts, index),
            field=_interleave([part[1] for part in parts], self.layouts, index),
            diagonal=np.asarray(sum(part[2] for part in parts)),
            noise=noise,
            log_weight=log_density + np.log(np.pi),
        )

    def _noise_variance(self) -> Array:
        total = np.zeros(self.states[0].energy.size)
        alone = len(self.states) == 1
        for state in self.states:
            sector = state.layout.sector
            total += state.sigma**2 / (sector.beta * (sector.dim if alone else sector.dim - 1))
        return total

    def _overlaps(self, lengths: Sequence[Array], rng: np.random.Generator) -> tuple[list[Array], Array]:
        """Draw each sector's gradient share given that they sum to 0; also log density there."""
        pull = np.stack([b * s.sigma for b, s in zip(lengths, self.states, strict=True)])
        if len(self.states) == 1:
            return [np.zeros(pull.shape[1])], np.log(self.peak / np.maximum(pull[0], TINY))
        dims = self.real_dims[:, None]
        shares = pull**2 / dims
        scale = np.maximum(shares.sum(axis=0), TINY)
        free = rng.standard_normal(pull.shape) / np.sqrt(dims)
        free -= pull / dims * (pull * free).sum(axis=0) / scale
        # a sum of coordinates is closer to normal than each: as one of a larger sphere.
        effective = scale**2 / (shares**2 / (dims + 2)).sum(axis=0) - 2
        flatness = gammaln(effective / 2) - gammaln((effective - 1) / 2) - 0.5 * np.log(effective)
        return list(np.clip(free, -limits.SHARE_EDGE, limits.SHARE_EDGE)), flatness - 0.5 * np.log(np.pi * scale)


def _sector_column(
    state: _SectorState,
    bloch: Array,
    length: Array,
    overlap: Array,
    index: int,
    rng: np.random.Generator,
    reflections: bool,
) -> tuple[Array, Array, Array]:
    """Return (rows, field, diagonal) of one sector's share of a new direction."""
    w = state.gaussian(index, rng, closed=True)
    state.without_force(w, 1)
    norm = np.sqrt((w * w).sum(axis=1))
    w *= (np.sqrt(1 - overlap**2) / np.maximum(norm, TINY))[:, None]
    state.add_force(w, 0, overlap)
    metric = state.excess[:, state.layout.level_of[: w.shape[1]]]
    imaginary = state.imaginary_force(w)
    field = metric * w * length[:, None]
    diagonal = length**2 * (metric * w * w).sum(axis=1)
    if reflections:
        diagonal += 2 * length * (bloch * imaginary).sum(axis=1)
        field += _second_derivative(state, w, bloch, imaginary, overlap, index, rng)
    return length[:, None] * w, field, diagonal


def _second_derivative(
    state: _SectorState,
    w: Array,
    bloch: Array,
    imaginary: Array,
    overlap: Array,
    index: int,
    rng: np.random.Generator,
) -> Array:
    """Draw −Kv + vq, whose overlap with an earlier tangent is the mixed second derivative.

    K maps w to −ψb − wq and acts as a fresh random reflection on the D − 2 directions that are
    left; π is its expectation in v's part there. Imaginary multiples of w are dropped: O(1/D).
    """
    lay = state.layout
    beta, count = lay.sector.beta, w.shape[0]
    inner_dim = lay.sector.dim - 2
    inner = _bloch(beta, inner_dim, count, rng) if inner_dim > 1 else np.zeros_like(bloch)
    eta = state.gaussian(index, rng, closed=False)
    state.without_force(eta, beta)
    across = (eta * w).sum(axis=1) / np.maximum((w * w).sum(axis=1), TINY)
    eta -= across[:, None] * w
    tail = lay.tail_dim(index)
    hidden = 2 * rng.standard_gamma(tail / 2, count) if tail > 0 else np.zeros(count)
    norm = np.sqrt((eta * eta).sum(axis=1) + hidden)
    touched = (imaginary**2).sum(axis=1) + (overlap * state.sigma) ** 2
    left = np.maximum(state.sigma**2 - touched, 0.0) * (1 - (inner**2).sum(axis=1))
    field = eta * (np.sqrt(left) / np.maximum(norm, TINY))[:, None]
    field += ((bloch + inner) * imaginary).sum(axis=1)[:, None] * w
    for copy in range(1, beta):
        amount = (bloch - inner)[:, copy - 1] * state.sigma
        state.add_force(field, copy, amount)
    return np.asarray(field)


def _interleave(parts: list[Array], layouts: Sequence[_Layout], index: int) -> Array:
    """Order rows of all sectors so that earlier directions fill a prefix."""
    if len(parts) == 1:
        return parts[0]
    pieces = [part[:, : lay.core] for part, lay in zip(parts, layouts, strict=True)]
    for step in range(index + 1):
        pieces += [
            part[:, lay.width_at[step] : lay.width_at[step + 1]] for part, lay in zip(parts, layouts, strict=True)
        ]
    return np.concatenate(pieces, axis=1)
