"""``NoiseEffect``: what noise does to a circuit's loss and gradients, beside the same circuit without it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pennylane_wishart.circuit import AngleLaw, RotationCircuit, normal_form
from pennylane_wishart.conventions import Reason, ReasonCode
from pennylane_wishart.conventions import prediction as limits
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.errors import InputError, WishartError
from pennylane_wishart.variances import SecondMoments, dead_proofs, exact_moments, moments_of
from pennylane_wishart.variances.parts import subcircuit

__all__ = ["NoiseDepth", "NoiseEffect", "noise_effect"]

Floats = NDArray[np.float64]

NOISY = Reason(
    ReasonCode.NOISE,
    "The circuit has noise: its states are mixed and its maps no rotations, so that no law of the deep limit, "
    "no sectors and no law of minima hold. What is said of the signature is of the circuit without noise.",
)


@dataclass(frozen=True, eq=False)
class NoiseDepth(Shown):
    """The loss variance of the circuit's last rotations, with their noise and without: how it builds up."""

    rotations: NDArray[np.int64]
    """Numbers of rotations kept, counted from the observable; the last is the circuit itself."""
    log2_noisy: Floats
    log2_free: Floats
    """Bits; −inf where the loss does not move, NaN where it is only known to be below rounding."""

    @property
    def log2_ratio(self) -> Floats:
        """Bits that noise has taken at each depth (negative)."""
        with np.errstate(invalid="ignore"):
            return self.log2_noisy - self.log2_free

    def _slope(self, values: Floats) -> float:
        """Bits a rotation over the deeper half, by least squares: the rate that a deeper circuit goes on with."""
        half = slice(len(values) // 2, None)
        x, y = self.rotations[half], values[half]
        keep = np.isfinite(y)
        if keep.sum() < 2:
            return float("nan")
        return float(np.polyfit(x[keep], y[keep], 1)[0])

    @property
    def rate(self) -> float:
        """Bits a rotation that noise takes from the loss variance (0 or less); NaN where it is not known.

        Under unital noise it is the slope of the noise-induced plateau; under other noise the variance that late
        gates keep alive ends it, and the rate tends to 0.
        """
        return self._slope(self.log2_ratio)

    @property
    def own_rate(self) -> float:
        """Bits a rotation that the circuit without noise loses as it grows deeper."""
        return self._slope(self.log2_free)

    @property
    def half(self) -> float:
        """Rotations after which noise has taken half of the variance: interpolated; beyond the circuit's own depth
        extrapolated by ``rate``; inf where noise never does."""
        ratio, at = self.log2_ratio, self.rotations
        below = np.flatnonzero(ratio <= -1)
        if len(below):
            k = int(below[0])
            before, start = (0.0, 0) if k == 0 else (ratio[k - 1], at[k - 1])
            if not np.isfinite(before):
                return float(at[k])
            return float(start + (at[k] - start) * (-1 - before) / (ratio[k] - before))
        if not np.isfinite(ratio[-1]):
            return float("nan")
        # the ratio so far is below a half, so that a rate of 0 or more never gets there
        return float(at[-1] + (-1 - ratio[-1]) / self.rate) if self.rate < -limits.NO_RATE else float("inf")


@dataclass(frozen=True, eq=False)
class NoiseEffect(Shown):
    """A circuit with noise beside itself without: variances, means, and which parameters noise kills or revives."""

    circuit: RotationCircuit = field(repr=False)
    """With its channels."""
    noisy: SecondMoments = field(repr=False)
    free: SecondMoments = field(repr=False)
    """The same loss without noise."""
    dead: tuple[int, ...]
    """Parameters that are dead under noise."""
    free_dead: tuple[int, ...]
    """Parameters that are dead without it."""
    depth: NoiseDepth | None = None
    """How the loss variance builds up; None where that takes more than seconds."""
    compiled_ratios: tuple[float, ...] = ()
    """``total_ratio`` of each program that a compiler made of the circuit, where they differ; else empty."""

    def __post_init__(self) -> None:
        if not self.circuit.channels:
            raise InputError("NoiseEffect needs a circuit with noise channels; got one without.")
        if self.noisy.n_params != self.free.n_params:
            raise InputError(f"NoiseEffect: {self.noisy.n_params} and {self.free.n_params} parameters.")

    @property
    def ratio(self) -> Floats:
        """Var[∂ℓ/∂θ_k] with noise over that without, ``(n_params,)``: inf where noise revives a parameter, NaN where
        one of the two is only bounded, or both are 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.noisy.gradient_variance / self.free.gradient_variance)

    @property
    def ratio_error(self) -> Floats:
        """Standard errors of ``ratio``; 0 where both variances are exact."""
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = [m.gradient_variance_error / m.gradient_variance for m in (self.noisy, self.free)]
            return np.asarray(self.ratio * np.hypot(*relative))

    @property
    def total_ratio(self) -> float:
        """Σ_k Var[∂ℓ/∂θ_k] with noise over that without."""
        total = float(np.sum(self.free.gradient_variance))
        return float(np.sum(self.noisy.gradient_variance)) / total if total else float("nan")

    @property
    def loss_ratio(self) -> float:
        """Var[ℓ] with noise over that without."""
        return self.noisy.loss_variance / self.free.loss_variance if self.free.loss_variance else float("nan")

    @property
    def mean_shift(self) -> float:
        """E[ℓ] with noise less that without, in the observable's units."""
        return self.noisy.loss_mean - self.free.loss_mean

    @property
    def killed(self) -> tuple[int, ...]:
        """Parameters alive without noise and proved dead with it."""
        return tuple(sorted(set(self.dead) - set(self.free_dead)))

    @property
    def revived(self) -> tuple[int, ...]:
        """Parameters dead without noise and not proved dead with it: noise keeps apart what would cancel."""
        return tuple(sorted(set(self.free_dead) - set(self.dead)))

    @property
    def is_unital(self) -> bool:
        """Whether all noise leaves the completely mixed state alone, so that depth only damps."""
        return all(c.is_unital for c in self.circuit.channels)

    @cached_property
    def kinds(self) -> dict[str, int]:
        """Number of channels of each name."""
        return dict(Counter(c.name for c in self.circuit.channels))

    def layers(self, shape: tuple[int, ...] | None = None) -> Floats:
        """Return the ratio of summed variances a layer: along the first axis of the parameters.

        Args:
            shape: of the flat parameters; that of the QNode's only trainable argument where None.
        Raises:
            InputError: where there is no such shape.
        """
        trace = self.circuit.trace
        if shape is None and trace is not None and len(trace.shapes) == 1:
            shape = trace.shapes[0]
        if shape is None or int(np.prod(shape)) != self.noisy.n_params or not shape:
            raise InputError(
                f"layers() needs the shape of the {self.noisy.n_params} parameters, layers first; got {shape}."
            )
        noisy, free = (m.gradient_variance.reshape(shape[0], -1).sum(axis=1) for m in (self.noisy, self.free))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(noisy / free)

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} × {name}" for name, count in self.kinds.items())
        return f"{kinds}: Σ Var[∂ℓ] × {self.total_ratio:.3g}, Var[ℓ] × {self.loss_ratio:.3g}"


def noise_effect(
    circuit: RotationCircuit, plain: RotationCircuit, law: AngleLaw, noisy: SecondMoments, seed: int
) -> NoiseEffect:
    """Compare a circuit with noise with itself without.

    Args:
        circuit: with channels.
        plain: the same without, read again.
        law: of the angles of both.
        noisy: second moments with noise.
        seed: of what is sampled.
    Cost: as ``moments_of`` without noise, and up to ten exact averages of shorter circuits, bounded to seconds.
    """
    free_dead = dead_proofs(plain)
    free = moments_of(plain, law, seed=seed).with_dead(free_dead)
    total = float(np.sum(free.gradient_variance))
    programs = (normal_form(t)() for t in (circuit.trace.compilations if circuit.trace and total else ()))
    ratios = tuple(float(np.sum(moments_of(c, law, seed=seed).gradient_variance)) / total for c in programs)
    depth = _noise_depth(circuit, law)
    return NoiseEffect(circuit, noisy, free, tuple(dead_proofs(circuit)), tuple(free_dead), depth, ratios)


def _noise_depth(circuit: RotationCircuit, law: AngleLaw) -> NoiseDepth | None:
    """Average the last rotations with and without their noise; None where that is not cheap."""
    total = circuit.n_rotations
    if total < 2 or circuit.n_qubits > limits.NOISE_DEPTH_QUBITS or circuit.shared.any():
        return None
    kept = np.unique(np.linspace(1, total, min(limits.NOISE_DEPTH_POINTS, total)).astype(np.int64))
    values = np.empty((2, len(kept)))
    try:
        for column, j in enumerate(kept):
            cut = subcircuit(circuit, np.arange(total - j, total))
            # channels before the rotations that are kept belong to those that are not
            channels = tuple(c for c in cut.channels if c.position)
            for row, noise in enumerate((channels, ())):
                found = exact_moments(replace(cut, channels=noise), law, limits.NOISE_DEPTH_SUPPORT)
                with np.errstate(divide="ignore"):
                    values[row, column] = np.log2(found.loss_variance)
    except WishartError:
        return None
    return NoiseDepth(kept, values[0], values[1])
