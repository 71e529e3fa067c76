"""``HessianEnsemble``: the Hessian of a deep random circuit at a random point.

With ψ random and p random directions w_k at it, H_kl = 2‖φ_k‖‖φ_l‖(Re⟨w_k|(O − e)|w_l⟩ + X_kl): what the state
bends, and what the gates between two parameters add (X, off the diagonal, normal of variance σ²/(βN)).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pennylane_wishart.conventions import ensembles as limits
from pennylane_wishart.conventions.arrays import Floats
from pennylane_wishart.ensembles.arguments import check_beta, check_size
from pennylane_wishart.errors import InputError

__all__ = ["HessianEnsemble", "HessianSector"]


@dataclass(frozen=True, eq=False)
class HessianSector:
    """One sector in which the loss moves."""

    values: tuple[float, ...]
    """Distinct eigenvalues of O in the sector."""
    multiplicities: tuple[int, ...]
    """Over F (β = 4: half the complex ones)."""
    beta: int
    weight: float = 1.0

    def __post_init__(self) -> None:
        check_beta(self.beta)
        if len(self.values) != len(self.multiplicities) or not 0 < self.weight <= 1 + limits.WEIGHT_SLACK:
            raise InputError("HessianSector needs one multiplicity a level and a weight in (0, 1].")

    @property
    def levels(self) -> Floats:
        """Eigenvalues with their complex multiplicities: Sp acts on complex vectors of 2D entries."""
        return np.repeat(self.values, np.asarray(self.multiplicities) * (2 if self.beta == 4 else 1))


@dataclass(frozen=True, eq=False)
class HessianEnsemble:
    """Losses and Hessians at random angles in the deep limit, by sampling; NOT valid before it.

    Args:
        sectors: those that carry weight and in which the loss moves.
        norms: float64 ``(p,)``: root mean square of ‖φ_k‖, 1/2 for a Pauli rotation.
        variance: float64 ``(p, p)``: exact Var H_kl that every entry is rescaled to; None leaves them, up
            to a tenth too large at small sizes. NaN entries are left as well.
        offset: the loss of the sectors that do not move.
    Cost: a draw is O(p²·N).
    Source: ours; the Kac–Rice weight of the same matrix gives the law of minima.
    Example:
        >>> law = HessianEnsemble((HessianSector((-1.0, 1.0), (8, 8), 2),), np.full(3, 0.5))
        >>> losses, eigenvalues = law.spectra(200, rng=1)
        >>> losses.shape, eigenvalues.shape
        ((200,), (200, 3))
    """

    sectors: tuple[HessianSector, ...]
    norms: Floats
    variance: Floats | None = None
    offset: float = 0.0

    def __post_init__(self) -> None:
        p = len(self.norms)
        if self.variance is not None and np.shape(self.variance) != (p, p):
            raise InputError(f"variance needs shape ({p}, {p}); got {np.shape(self.variance)}.")

    def of(self, parameters: Any) -> HessianEnsemble:
        """Return the law of the block of some parameters."""
        at = np.asarray(parameters, np.int64)
        return replace(self, norms=self.norms[at], variance=None if self.variance is None else self.variance[at][:, at])

    @property
    def separated(self) -> bool:
        """Whether no two parameters are seen to be neighbours: exact variances off the diagonal are one number.

        Gates without deep layers between them share directions; their Hessian's extreme eigenvalues are larger.
        """
        if self.variance is None or len(self.norms) < 2:
            return len(self.norms) < 2
        off = ~np.eye(len(self.norms), dtype=bool)
        with np.errstate(divide="ignore", invalid="ignore"):
            unit = (self.variance / np.outer(self.norms, self.norms) ** 2)[off]
        mean = float(unit.mean())
        return bool(np.isfinite(mean) and mean > 0 and np.abs(unit / mean - 1).max() < limits.SEPARATED)

    def sample(self, size: int, rng: Any = None) -> tuple[Floats, Floats]:
        """Draw losses ``(size,)`` and Hessians ``(size, p, p)``; ``rng`` is a seed or generator."""
        generator, p = np.random.default_rng(rng), len(self.norms)
        losses, out = np.full(check_size(size), self.offset), np.zeros((size, p, p))
        for sector in self.sectors:
            levels, real = sector.levels, sector.beta == 1
            step = max(1, limits.HESSIAN_FLOATS // (len(levels) * (p + 1)))
            for low in range(0, size, step):
                e, bent = _draw(generator, levels, (min(step, size - low), p), real)
                losses[low : low + step] += sector.weight * e
                out[low : low + step] += sector.weight * bent
        out *= 2 * self.norms[:, None] * self.norms[None, :]
        if self.variance is not None:
            out *= self._scale(out, self.variance)
        return losses, out

    def _scale(self, drawn: Floats, exact: Floats) -> Floats:
        """Return what takes the variance of each kind of entry to the exact one."""
        own, diagonal = drawn.var(axis=0), np.eye(len(self.norms), dtype=bool)
        unit = 4 * np.outer(self.norms, self.norms) ** 2
        # entries of one kind differ by their norms alone: pooled, their spread is known well
        turned = unit > 0
        ratio = np.divide(own, unit, out=np.zeros_like(own), where=turned)
        kinds = [np.mean(ratio[turned & where]) if (turned & where).any() else 1.0 for where in (diagonal, ~diagonal)]
        pooled = np.where(diagonal, *kinds) * unit
        want = np.where(np.isnan(exact), pooled, exact)
        return np.sqrt(np.divide(want, pooled, out=np.zeros_like(pooled), where=pooled > 0))

    def spectra(self, size: int, rng: Any = None) -> tuple[Floats, Floats]:
        """Draw losses ``(size,)`` and eigenvalues of the Hessian ``(size, p)``, ascending."""
        losses, hessians = self.sample(size, rng)
        return losses, np.asarray(np.linalg.eigvalsh(hessians), float)


def _draw(generator: np.random.Generator, levels: Floats, shape: tuple[int, int], real: bool) -> tuple[Floats, Floats]:
    """Return ⟨O⟩ and Re⟨w_k|(O − e)|w_l⟩ + X_kl of random states and directions in one sector."""
    size, p = shape
    n = len(levels)
    vectors: Any = generator.standard_normal((size, p + 1, n))
    if not real:
        vectors = vectors + 1j * generator.standard_normal((size, p + 1, n))
    psi = vectors[:, 0] / np.linalg.norm(vectors[:, 0], axis=1, keepdims=True)
    w = vectors[:, 1:] - np.einsum("si,ski->sk", psi.conj(), vectors[:, 1:])[:, :, None] * psi[:, None]
    w = w / np.linalg.norm(w, axis=2, keepdims=True)
    weights = np.abs(psi) ** 2
    e = weights @ levels
    sigma2 = np.maximum(weights @ levels**2 - e**2, 0.0)
    bent = np.einsum("ski,sli->skl", w.conj() * (levels - e[:, None])[:, None], w).real
    noise = generator.standard_normal((size, p, p)) * np.sqrt(sigma2 / (n * (1 if real else 2)))[:, None, None]
    upper = np.triu(noise, 1)
    return e, np.asarray(bent + upper + np.swapaxes(upper, 1, 2))
