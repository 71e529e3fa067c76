"""Records of the room: second moments at a circuit's own depth, and their deep limit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pennylane_wishart.errors import InputError, Status

__all__ = ["DeepLimit", "SecondMoments"]


@dataclass(frozen=True, eq=False)
class SecondMoments:
    """Mean and variance of the loss and of every gradient component under a law of angles.

    Gradients are with respect to the QNode's parameters: for ``RX(θ)`` the entry is the
    variance of ``∂ℓ/∂θ``. Standard errors are 0 where the engine is exact.
    The matrix product has a truncation error instead: its difference from half the bond.
    """

    loss_mean: float
    loss_second_moment: float
    """E[ℓ²]"""
    loss_variance: float
    loss_mean_error: float
    loss_second_moment_error: float
    loss_variance_error: float
    gradient_mean: np.ndarray
    """float64 ``(n_params,)``: E[∂ℓ/∂θ_k]"""
    gradient_variance: np.ndarray
    """float64 ``(n_params,)``: Var[∂ℓ/∂θ_k]"""
    gradient_variance_error: np.ndarray
    log2_gradient_variance: np.ndarray
    """float64 ``(n_params,)``; −inf only for parameters that are proved dead."""
    log2_gradient_variance_upper: np.ndarray
    """float64 ``(n_params,)``: 97.5% upper limit; equal to the value where exact."""
    status: tuple[Status, ...]
    """One per parameter."""
    engine: str
    """"exact words", "exact module", "exact tensor", "quadrature", "walkers",
    "matrix product" or "sampled"."""
    n_samples: int = 0
    """Walkers or sampled parameter vectors; 0 for an exact engine."""
    averaging: str = ""
    """How the angles were averaged: closed form, a set of exact angles, or draws."""

    def __post_init__(self):
        n = len(self.status)
        for name in (
            "gradient_mean",
            "gradient_variance",
            "gradient_variance_error",
            "log2_gradient_variance",
            "log2_gradient_variance_upper",
        ):
            if np.shape(getattr(self, name)) != (n,):
                raise InputError(
                    f"SecondMoments.{name} needs shape ({n},), one entry per status; "
                    f"got {np.shape(getattr(self, name))}."
                )

    @property
    def n_params(self) -> int:
        """Number of trainable parameters."""
        return len(self.status)

    @property
    def is_exact(self) -> bool:
        """Whether no number on the record carries a sampling or truncation error."""
        return self.engine.startswith("exact") or self.engine == "quadrature"


@dataclass(frozen=True, eq=False)
class DeepLimit:
    """Moments of the loss and its gradients where the depth has mixed completely (THEORY §3)."""

    mean: float
    variance: float
    log2_variance: float
    gradient_variance: np.ndarray
    """float64 ``(n_params,)``: deep layers on both sides of the gate."""
    log2_gradient_variance: np.ndarray
    engine: str
    """"orbit", "orbit count" or "module iteration"; "none" where no formula applied."""
    status: Status
    reason: str = ""
    """Why there is no value, where there is none."""

    @property
    def available(self) -> bool:
        """Whether a value was found."""
        return self.engine != "none"
