"""The law of a linear functional of a Dirichlet vector, to full relative accuracy.

ℓ = Σ o_j X_j with X ~ Dirichlet(A_j) satisfies P(ℓ > x) = P(Σ (o_j − x) g_j > 0) with
independent Gammas g_j. The tail is a contour integral of ∏ (1 − (o_j − x)s)^(−A_j) / s
through its saddle point, where the integrand does not oscillate, so tails of 1e−300 and
shapes of 2**999 are as accurate as the bulk. All quantities are in units of 2**exponent
(about one standard deviation) from the mean, so nothing overflows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from pennylane_wishart.conventions import ensembles as limits
from pennylane_wishart.conventions.numbers import TINY
from pennylane_wishart.ensembles.scaled import Array, Unit, scaled_float, std_exponent
from pennylane_wishart.ensembles.spectrum import Spectrum

__all__ = ["StandardLevels", "gamma_deviates", "log1p_minus", "log_density", "log_upper_tail", "state_spread"]

Complex = NDArray[np.complex128]


@dataclass(frozen=True)
class StandardLevels:
    """Hold a spectrum in standard units: u = c/(a·2^e), B = √A·u, R = √A/a.

    Here c is value − mean, A the Gamma shape of a level, a their sum and 2^e about one
    standard deviation of the functional.
    """

    unit: Unit
    slope: Array
    root: Array
    share: Array
    inverse_root_shape: Array
    shape: Array
    inverse_total: float
    total: float

    @classmethod
    def of(cls, spectrum: Spectrum) -> StandardLevels:
        """Scale a spectrum with exact arithmetic, rounding once at the end."""
        u, a = spectrum.shape_unit, spectrum.total_shape
        exponent = std_exponent(spectrum.functional_moments[0])
        centred, shapes = spectrum.centred(), [u * k for k in spectrum.counts]
        slopes = [c / a for c in centred]
        mean_high = float(spectrum.mean)
        roots = [
            math.copysign(math.sqrt(scaled_float(shape * s * s, 2 * exponent)), s)
            for shape, s in zip(shapes, slopes, strict=True)
        ]
        return cls(
            unit=Unit(exponent, 1.0, mean_high, float(spectrum.mean - Fraction(mean_high))),
            slope=np.array([scaled_float(s, exponent) for s in slopes]),
            root=np.array(roots),
            share=np.sqrt([scaled_float(shape / a**2) for shape in shapes]),
            inverse_root_shape=np.sqrt([scaled_float(1 / shape) for shape in shapes]),
            shape=np.array([scaled_float(shape) for shape in shapes]),
            inverse_total=scaled_float(1 / a),
            total=scaled_float(a),
        )

    @property
    def exponent(self) -> int:
        """e of the unit."""
        return self.unit.exponent


def gamma_deviates(shape: float, size: int | tuple[int, ...], rng: np.random.Generator) -> Array:
    """Draw (g − A)/√A for g ~ Gamma(A); A may be inf (a standard normal)."""
    if shape < limits.DEVIATE_NORMAL_SHAPE:
        return (rng.standard_gamma(shape, size) - shape) / math.sqrt(shape)
    normal = rng.standard_normal(size)
    # Cornish–Fisher to the skewness 2/√A
    return normal + (normal**2 - 1) / (3 * math.sqrt(shape))


def state_spread(levels: StandardLevels, size: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw (⟨O⟩ − mean)/2^e and Var(O)/(a·4^e) in the same Haar states, each (size,)."""
    top, total = np.zeros(size), np.ones(size)
    square = np.full(size, float(np.sum(levels.root**2)))
    for j, shape in enumerate(levels.shape):
        deviate = gamma_deviates(shape, size, rng)
        top += levels.root[j] * deviate
        total += levels.share[j] * deviate
        square += levels.root[j] ** 2 * levels.inverse_root_shape[j] * deviate
    y = top / total
    # rounding of two nearly equal terms may leave a variance below 0
    return y, np.maximum(square / total - y * y * levels.inverse_total, 0.0)


def _saddle(y: Array, v: Array, b: Array, pole: float) -> Array:
    """Solve −y + τ Σ b²/(1 − vτ) − pole/τ = 0 on (0, 1/max v); the left side increases."""
    top = np.max(v, axis=1)
    with np.errstate(divide="ignore"):
        high = np.where(top > 0, 1 / top, np.inf)
    low = np.zeros_like(y)
    # the saddle of a normal law, kept off the wall that the largest level puts at 1/v
    tau = np.minimum((y + np.sqrt(y * y + 4 * pole)) / 2, 0.5 * high)
    b2 = b * b
    for _ in range(limits.SADDLE_STEPS):
        rest = 1 - v * tau[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            inverse = b2 / rest
            value = -y + tau * inverse.sum(axis=1) - (pole / tau if pole else 0.0)
            slope = (inverse / rest).sum(axis=1) + (pole / tau / tau if pole else 0.0)
            low, high = np.where(value < 0, tau, low), np.where(value > 0, tau, high)
            step = tau - value / slope
        middle = np.where(np.isfinite(high), (low + high) / 2, 2 * tau + 1)
        # over several octaves the geometric mean halves the exponent, not the number
        wide = (low > 0) & (high > 4 * low) & np.isfinite(high)
        middle = np.where(wide, np.sqrt(low) * np.sqrt(high), middle)
        new = np.where((step >= low) & (step <= high) & (step > 0), step, middle)
        done = np.abs(new - tau) <= limits.SADDLE_TOLERANCE * np.abs(tau)
        tau = new
        if np.all(done | (value == 0)):
            break
    return tau


def _kernel(z: Complex) -> Complex:
    """(log(1+z) − z)/z², by its series where the difference would cancel."""
    small = np.abs(z) < limits.SERIES_RADIUS
    safe = np.where(small, 1.0, z)
    out = (np.log1p(safe) - safe) / safe**2
    series = np.zeros_like(z)
    zs = np.where(small, z, 0.0)
    for k in range(limits.SERIES_TERMS, 1, -1):
        series = series * zs + (-1.0) ** (k + 1) / k
    return np.where(small, series, out)


def log1p_minus(u: Array) -> Array:
    """Return log(1 + u) − u for real u > −1, accurate near zero."""
    z = np.maximum(u, -1.0).astype(complex)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(u > -1, (_kernel(z) * z**2).real, -np.inf)


def _exponent_at(s: Complex, y: Array, v: Array, b: Array, shape: Array) -> Complex:
    """K(s) = −ys − Σ A[log(1 − vs) + vs], s of shape (rows, nodes).

    Light levels use −A log(1 − vs), whose terms do not cancel far out on the contour;
    heavy ones b²s²·(log(1+z) − z)/z², which does not cancel near the origin.
    """
    light = shape < limits.CONTOUR_LIGHT
    # over all levels Σ A·v = −y: where all are light, the linear terms cancel exactly
    linear = np.zeros_like(y)
    if not light.all():
        linear = -y - (v[:, light] * shape[light]).sum(axis=1)
    out = linear[:, None] * s
    for j in range(v.shape[1]):  # level by level: memory does not grow with their number
        z = -v[:, j, None] * s
        if light[j]:
            out -= shape[j] * np.log1p(z)
        else:
            out -= (b[:, j, None] * s) ** 2 * _kernel(z)
    return out


def _contour(y: Array, v: Array, b: Array, shape: Array, pole: int) -> tuple[Array, Array]:
    """Log of (1/2πi)∫ e^K s^(−pole) ds, and the relative error by halving the nodes."""
    tau = _saddle(y, v, b, float(pole))
    rest = b / (1 - v * tau[:, None])
    second = (rest**2).sum(axis=1) + (pole / tau / tau if pole else 0.0)
    third = 2 * (rest**2 * (v / (1 - v * tau[:, None]))).sum(axis=1)
    third -= 2 * pole / tau / tau / tau if pole else 0.0
    width = 1 / np.sqrt(second)
    # a hyperbola that follows steepest descent to third order: without the bend, one light
    # level beside a huge one leaves an oscillating integrand with only algebraic decay
    bend = np.clip(width * third / (3 * second), -limits.CONTOUR_BEND, limits.CONTOUR_BEND)
    peak = _exponent_at(tau[:, None].astype(complex), y, v, b, shape)[:, 0].real

    def integrand(t: Array) -> Array:
        s = tau[:, None] + width[:, None] * (1j * np.sinh(t) + bend[:, None] * 2 * np.sinh(t / 2) ** 2)
        log = _exponent_at(s, y, v, b, shape) - peak[:, None]
        if pole:
            log -= np.log(s / tau[:, None])
        with np.errstate(under="ignore"):
            return np.asarray(np.exp(log) * (np.cosh(t) - 1j * bend[:, None] * np.sinh(t)))

    step, end = limits.CONTOUR_STEP, 2.0
    while end < limits.CONTOUR_LONGEST and np.max(np.abs(integrand(np.array([end])))) > math.exp(-limits.CONTOUR_DROP):
        end += 1.0
    nodes = np.arange(0.0, end + step / 2, step)
    # every second node alone gives the sum of twice the step, whose difference is the error
    total, half = np.zeros_like(y), np.zeros_like(y)
    rows = max(1, limits.CONTOUR_NUMBERS // max(1, y.size))
    for start in range(0, nodes.size, rows):
        part = integrand(nodes[start : start + rows]).real
        if start == 0:  # the contour is symmetric: half of it, and half of its middle
            part[:, 0] *= 0.5
        total += part.sum(axis=1)
        half += part[:, (start % 2) :: 2].sum(axis=1)
    total, half = total * step, half * 2 * step
    error = (np.abs(total - half) / np.abs(total)) ** limits.CONTOUR_ERROR_POWER
    log = peak + np.log(np.maximum(total, TINY) * width / np.pi)
    return log - (np.log(tau) if pole else 0.0), error


def _flipped(y: Array, levels: StandardLevels) -> tuple[Array, Array, Array]:
    """Mirror the points below the mean, so that every tail is an upper one."""
    sign = np.where(y > 0, 1.0, -1.0)[:, None]
    distance = np.abs(y)
    v = sign * levels.slope - distance[:, None] * levels.inverse_total
    b = sign * levels.root - distance[:, None] * levels.share
    return distance, v, b


def log_upper_tail(y: Array, levels: StandardLevels) -> tuple[Array, Array]:
    """Return log P(beyond y, away from the mean) and its relative error.

    For y > 0 this is the upper tail, for y ≤ 0 the lower one. Outside the support: −inf.

    Args:
        y: standardised points, shape (n,).
    Cost: about 30 nodes × levels per point (more for a total shape below 5).
    """
    return _by_chunks(y, levels, 1)


def log_density(y: Array, levels: StandardLevels) -> tuple[Array, Array]:
    """Return the log density of the standardised functional and its relative error.

    The density is (a − 1)/a times the density of the quadratic form at zero, because the
    total of the Gammas is independent of ℓ and E[1/total] = 1/(a − 1): needs a > 1.
    """
    log, error = _by_chunks(y, levels, 0)
    return log + math.log1p(-levels.inverse_total), error


def _by_chunks(y: Array, levels: StandardLevels, pole: int) -> tuple[Array, Array]:
    log, error = np.full(y.shape, -np.inf), np.zeros(y.shape)
    distance, v, b = _flipped(y, levels)
    inside = np.flatnonzero(np.isfinite(y) & (np.max(v, axis=1) > 0))
    for start in range(0, inside.size, limits.CONTOUR_POINTS):
        rows = inside[start : start + limits.CONTOUR_POINTS]
        log[rows], error[rows] = _contour(distance[rows], v[rows], b[rows], levels.shape, pole)
    return log, error
