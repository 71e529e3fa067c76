"""Spectrum of the Hessian at a random start, and the training curve, before any training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.integrate import cumulative_trapezoid
from scipy.optimize import brentq

from pennylane_wishart.conventions import Reason, ReasonCode, Unavailable
from pennylane_wishart.conventions import prediction as limits
from pennylane_wishart.conventions.arrays import Floats
from pennylane_wishart.ensembles.hessian import HessianEnsemble, HessianSector
from pennylane_wishart.errors import InputError
from pennylane_wishart.prediction.loss import field_spectrum, weighted_sectors
from pennylane_wishart.sectors import Signature
from pennylane_wishart.serialize import Written

__all__ = ["TrainingCurve", "hessian_ensemble", "training_curve"]


def hessian_ensemble(sig: Signature, variance: Floats | Unavailable) -> HessianEnsemble | Unavailable:
    """Return the law of Hessians of a circuit inside the theory, rescaled to exact variances where there are any."""
    if sig.spin_factor is not None:
        return Unavailable(Reason(ReasonCode.OUT_OF_THEORY, "A spin factor has no law of Hessians here."))
    circuit = sig.circuit
    if not circuit.is_pauli or len(np.unique(circuit.parameter_of[circuit.parameter_of >= 0])) != circuit.n_rotations:
        return Unavailable(Reason(ReasonCode.UNSUPPORTED, "The law of Hessians is that of single Pauli rotations."))
    sectors, offset = [], 0.0
    for s in weighted_sectors(sig):
        found = None if s.is_constant else field_spectrum(s)
        if s.is_constant:
            offset += s.weight * s.center
        elif found is None or not s.beta or s.dim > limits.HESSIAN_DIM:
            return Unavailable(Reason(ReasonCode.TOO_LARGE, "A sector's spectrum is unknown or too large to sample."))
        else:
            sectors.append(HessianSector(found[0], found[1], s.beta, s.weight))
    norms = np.zeros(circuit.n_params)
    # ‖φ‖² = Var(G), G = c·P with P² = 1
    norms[circuit.parameter_of] = np.abs(circuit.term_coefficients * circuit.coefficients)
    return HessianEnsemble(tuple(sectors), norms, None if isinstance(variance, Unavailable) else variance, offset)


@dataclass(frozen=True, eq=False)
class TrainingCurve(Written):
    """Loss under gradient flow from a random start, on the average: ℓ̇ = −step·c·σ²(ℓ) a step.

    σ² is the variance of O among states of that loss, c = E‖∇ℓ‖²/E[σ²]. A logistic curve for two levels.
    Right to a factor of two in the number of steps where the circuit has enough parameters; below p* real
    descents end in traps and ``applies`` is False.
    """

    steps: Floats
    """float64 ``(m,)``: number of steps, ascending from 0."""
    losses: Floats
    lowest: float
    step: float
    applies: bool
    """False below p*: minima above the optimum stand in the way."""
    largest_step: float | None
    """2/λ_max of the mean Hessian at a random start; larger steps diverge there. None where its law is unknown."""

    def __post_init__(self) -> None:
        if np.shape(self.steps) != np.shape(self.losses):
            raise InputError("TrainingCurve needs one loss a number of steps.")

    def steps_to(self, share: float) -> float:
        """Return the steps until a share of the start's height above the lowest loss is left.

        Raises:
            InputError: for a share outside (0, 1].
        """
        if not 0 < share <= 1:
            raise InputError(f"share must lie in (0, 1]; got {share}.")
        height = (self.losses - self.lowest) / (self.losses[0] - self.lowest)
        return float(np.interp(-share, -height, self.steps)) if height[-1] <= share else float("inf")

    def band(self, share: float) -> tuple[float, float]:
        """Return the factor of two around :meth:`steps_to` within which nine of ten descents' medians were seen."""
        found = self.steps_to(share)
        return found / limits.TRAINING_FACTOR, found * limits.TRAINING_FACTOR


def training_curve(
    sig: Signature, square: float, spread: float, start: float, step: float, gamma: float | None, steepest: float | None
) -> TrainingCurve | Unavailable:
    """Integrate gradient flow over the observable's spectrum.

    Args:
        square: E‖∇ℓ‖² at this depth.
        spread: E[⟨O²⟩ − ⟨O⟩²] at this depth.
        start: loss to start from.
        step: learning rate.
        gamma: p/p*, where known.
        steepest: largest eigenvalue of the mean Hessian at the start, where known.
    """
    levels = _levels(sig)
    if levels is None or not spread > 0 or not square > 0 or not np.isfinite(square * spread):
        text = "The training curve needs one sector's spectrum, and gradients and spreads that are known and not 0."
        return Unavailable(Reason(ReasonCode.OUT_OF_THEORY, text))
    values, counts = levels
    lowest, highest = float(values.min()), float(values.max())
    if not lowest < start < highest:
        raise InputError(f"start must lie inside the spectrum, ({lowest:.6g}, {highest:.6g}); got {start}.")
    heights = (start - lowest) * np.geomspace(1.0, limits.TRAINED_SHARE, limits.TRAINING_POINTS)
    losses = lowest + heights
    variance = np.array([_spread(values, counts, e) for e in losses])
    rate = step * square / spread * variance
    steps = cumulative_trapezoid(-heights / rate, np.log(heights), initial=0.0)
    applies = gamma is None or gamma >= 1
    return TrainingCurve(steps, losses, lowest, step, applies, None if not steepest else 2 / steepest)


def _levels(sig: Signature) -> tuple[Floats, Floats] | None:
    moving = [s for s in weighted_sectors(sig) if not s.is_constant]
    found = field_spectrum(moving[0]) if len(moving) == 1 and len(weighted_sectors(sig)) == 1 else None
    return None if found is None else (np.asarray(found[0], float), np.asarray(found[1], float))


def _spread(values: Floats, counts: Floats, e: float) -> float:
    """Return the variance of O among random states of mean e: weights tilted as counts/(1 + τ·o)."""
    x = (values - values.min()) / np.ptp(values)
    target = (e - values.min()) / np.ptp(values)
    share = counts / counts.sum()

    def mean(log_tilt: float) -> tuple[float, Floats]:
        # positive tilts favour low levels, negative ones high levels
        d = share / (1 + np.expm1(abs(log_tilt)) * (x if log_tilt >= 0 else 1 - x))
        d = d / d.sum()
        return float(d @ x), d

    tilt = brentq(lambda t: mean(t)[0] - target, -limits.MOST_TILT, limits.MOST_TILT)
    d = mean(tilt)[1]
    return float(np.ptp(values) ** 2 * (d @ x**2 - (d @ x) ** 2))
