"""Exact laws of linear functionals of a random direction: any spectrum, two levels, spin factor."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from numbers import Integral
from typing import Any

import numpy as np
from scipy.special import betainc, betaincc, betaln, xlogy

from ..errors import InputError
from .inversion import StandardLevels, gamma_deviates, log_density, log_upper_tail
from .law import Array, Law, Tails, finite_number, log_complement
from .spectrum import Spectrum, check_beta, log2_fraction, scaled_float, sqrt_float

__all__ = ["BetaLoss", "DirichletLaw", "SpinFactor"]

_CLOSED_FORM = 1e4  # total shape below which two levels use the incomplete Beta function
_BATCH = 1 << 21  # deviates held at once while sampling


class DirichletLaw(Law):
    """Base of the laws ℓ = Σ value·X with X ~ Dirichlet(shape_unit·multiplicity).

    Moments are exact rational arithmetic; tails and density come from a saddle-point
    contour integral with relative accuracy; dimensions may be ints like 2**999.
    """

    @property
    def _spectrum(self) -> Spectrum:
        raise NotImplementedError

    @cached_property
    def _levels(self) -> StandardLevels:
        return StandardLevels.of(self._spectrum)

    @cached_property
    def _moments(self) -> tuple[Fraction, Fraction, Fraction]:
        return self._spectrum.functional_moments

    def mean(self) -> float:
        """Return the mean eigenvalue."""
        return float(self._spectrum.mean)

    def var(self) -> float:
        """Return β/2·Σ c²/(a(a+1)), exact; 0.0 where it underflows (see ``log2_var``)."""
        return scaled_float(self._moments[0])

    @property
    def log2_var(self) -> float:
        """Base-2 logarithm of the variance, exact even where ``var`` underflows."""
        return log2_fraction(self._moments[0])

    def skewness(self) -> float:
        """Return the third standardised moment, exact."""
        second, third, _ = self._moments
        if second == 0:
            return 0.0
        return math.copysign(sqrt_float(third**2 / second**3), third)

    def kurtosis(self) -> float:
        """Return the excess kurtosis, exact."""
        second, _, fourth = self._moments
        return 0.0 if second == 0 else scaled_float(fourth / second**2 - 3)

    def support(self) -> tuple[float, float]:
        """Return the smallest and largest eigenvalue."""
        return self._spectrum.values[0], self._spectrum.values[-1]

    def cdf_error(self, x: Any) -> Any:
        """Estimate the quadrature error of ``cdf`` from halving the nodes."""

        def error(flat: Array) -> Array:
            if self._moments[0] == 0 or self._closed_form:
                return np.full(flat.shape, 1e-14)
            log, relative = log_upper_tail(self._levels.standardise(flat), self._levels)
            return np.exp(log) * relative + 1e-14

        return self._apply(error, x)

    @property
    def _closed_form(self) -> bool:
        return len(self._spectrum.values) == 2 and self._levels.total < _CLOSED_FORM

    def _beta_point(self, x: Array) -> tuple[Array, Array, float, float]:
        """Position above the lower and below the upper level, and both Beta shapes."""
        low, high = self._spectrum.values
        gap = high - low
        first, second = self._levels.shape[1], self._levels.shape[0]
        return np.clip((x - low) / gap, 0, 1), np.clip((high - x) / gap, 0, 1), first, second

    def _log_tails(self, x: Array) -> Tails:
        if self._moments[0] == 0:
            above = x >= self.mean()
            return np.where(above, 0.0, -np.inf), np.where(above, -np.inf, 0.0)
        if not self._closed_form:
            return self._standard_log_tails(self._levels.standardise(x))
        up, down, first, second = self._beta_point(x)
        # measured from the nearer end, so that neither tail loses digits
        near = up < 0.5
        cdf = np.where(near, betainc(first, second, up), betaincc(second, first, down))
        sf = np.where(near, betaincc(first, second, up), betainc(second, first, down))
        with np.errstate(divide="ignore"):
            lower, upper = np.log(cdf), np.log(sf)
        deep = (np.minimum(cdf, sf) < 1e-290) & (up > 0) & (down > 0)
        if np.any(deep):
            tails = self._standard_log_tails(self._levels.standardise(x[deep]))
            lower[deep], upper[deep] = tails
        return lower, upper

    def _standard_log_tails(self, y: Array) -> Tails:
        """Log cdf and sf at points in units of 2**exponent from the mean."""
        log, _ = log_upper_tail(y, self._levels)
        other = log_complement(log)
        return np.where(y > 0, other, log), np.where(y > 0, log, other)

    def _log_density(self, x: Array) -> Array:
        if self._moments[0] == 0:
            return np.where(x == self.mean(), np.inf, -np.inf)
        if self._closed_form:
            above, below, first, second = self._beta_point(x)
            low, high = self._spectrum.values
            with np.errstate(divide="ignore"):
                out = xlogy(first - 1, above) + xlogy(second - 1, below)
            out = out - betaln(first, second) - math.log(high - low)
            return np.where((x < low) | (x > high), -np.inf, out)
        log, _ = log_density(self._levels.standardise(x), self._levels)
        return log - self._levels.exponent * math.log(2)

    def _draw_standard(self, size: int, rng: np.random.Generator) -> Array:
        """Samples in standard units, in batches of bounded memory."""
        levels = self._levels
        out = np.empty(size)
        step = max(1, _BATCH // len(levels.shape))
        for start in range(0, size, step):
            stop = min(size, start + step)
            top, total = np.zeros(stop - start), np.ones(stop - start)
            for j, shape in enumerate(levels.shape):
                deviate = gamma_deviates(shape, stop - start, rng)
                top += levels.root[j] * deviate
                total += levels.share[j] * deviate
            out[start:stop] = top / total
        return out

    def _draw(self, size: int, rng: np.random.Generator) -> Array:
        if self._moments[0] == 0:
            return np.full(size, self.mean())
        low, high = self.support()
        return np.clip(self._levels.restore(self._draw_standard(size, rng)), low, high)


def check_dim(dim: Any, name: str, minimum: int = 1) -> int:
    """Check that a dimension is an integer ≥ minimum (of any size)."""
    if isinstance(dim, bool) or not isinstance(dim, Integral) or dim < minimum:
        raise InputError(f"{name} must be an integer of at least {minimum}; got {dim!r}.")
    return int(dim)


@dataclass(frozen=True)
class BetaLoss(DirichletLaw):
    """Describe the loss of a two-level observable on a pure input, exactly.

    ℓ = low + (high − low)·Beta(βk/2, β(D − k)/2), k the multiplicity of the upper level.
    Exact at any size. NOT valid for a mixed input in the sector (use HaarCompression)
    or for shallow circuits.

    Args:
        low, high: the two eigenvalues (times the weight of the input in the sector).
        multiplicity_upper: k over F, an exact int, 1 ≤ k ≤ D − 1.
        dim: D over F, an exact int of any size.
        beta: 1, 2 or 4.
    Raises:
        InputError: if the levels or multiplicities make no two-level law.
    Cost: O(1) per point.
    Source: ours (exact at finite N; arXiv:2408.11901 has its Gamma limit k ≪ D).
    Example:
        >>> BetaLoss(-1.0, 1.0, multiplicity_upper=2**999, dim=2**1000, beta=2).log2_var
        -1000.0
    """

    low: float
    high: float
    multiplicity_upper: int
    dim: int
    beta: int = 2

    def __post_init__(self) -> None:
        check_beta(self.beta)
        low, high = finite_number(self.low, "low"), finite_number(self.high, "high")
        if not low < high:
            raise InputError(f"low must be below high; got {low} and {high}. Use Constant.")
        dim = check_dim(self.dim, "dim", 2)
        upper = check_dim(self.multiplicity_upper, "multiplicity_upper", 1)
        if upper >= dim:
            raise InputError(f"multiplicity_upper must be below dim; got {upper} and {dim}. Use Constant.")
        for name, value in (("low", low), ("high", high), ("dim", dim)):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "multiplicity_upper", upper)

    @cached_property
    def _spectrum(self) -> Spectrum:  # type: ignore[override]
        counts = (self.dim - self.multiplicity_upper, self.multiplicity_upper)
        return Spectrum((self.low, self.high), counts, Fraction(self.beta, 2))

    @property
    def engine(self) -> str:
        """How the numbers are obtained."""
        return "exact two-level beta"

    @property
    def validity(self) -> str:
        """When the law is not valid."""
        return "Not valid for an input that is mixed inside the sector, or before the deep limit."


@dataclass(frozen=True)
class SpinFactor(DirichletLaw):
    """Describe the loss of an observable linear in Majoranas, exactly.

    ℓ = amplitude·u_1 with u uniform on S^{d−1}; (1 + u_1)/2 ~ Beta((d−1)/2, (d−1)/2).
    NOT valid if a Majorana is itself a generator, or if fewer than d are really rotated.

    Args:
        amplitude: |a|·‖b‖, a_j = ⟨γ_j⟩ of the input, O = Σ b_j γ_j; ≥ 0 (0 for a basis state).
        dim: d, the number of Majoranas that the circuit rotates, ≥ 1.
    Source: Anschuetz, arXiv:2408.11901 (spin factor); orbit size in place of 2n is ours.
    Example:
        >>> SpinFactor(1.0, 8).var()
        0.125
    """

    amplitude: float
    dim: int

    def __post_init__(self) -> None:
        amplitude = finite_number(self.amplitude, "amplitude")
        if amplitude < 0:
            raise InputError(f"amplitude must not be negative; got {amplitude}.")
        object.__setattr__(self, "amplitude", amplitude)
        object.__setattr__(self, "dim", check_dim(self.dim, "dim", 2 if amplitude else 1))

    @cached_property
    def _spectrum(self) -> Spectrum:  # type: ignore[override]
        # (1 + u_1)/2 is Beta(h, h), h = (d−1)/2: two levels ±amplitude of shape h each
        if self.amplitude == 0:
            return Spectrum((0.0,), (max(2 * self.dim - 2, 1),), Fraction(1, 2))
        count = self.dim - 1
        return Spectrum((-self.amplitude, self.amplitude), (count, count), Fraction(1, 2))

    @property
    def engine(self) -> str:
        """How the numbers are obtained."""
        return "exact spin factor"

    @property
    def validity(self) -> str:
        """When the law is not valid."""
        return "Not valid if a Majorana is a generator, or before the deep limit."
