"""Distributions of losses and gradients in the deep limit: exact, finite size, no circuit."""

from pennylane_wishart.ensembles.compression import HaarCompression
from pennylane_wishart.ensembles.distribution import Distribution
from pennylane_wishart.ensembles.gamma import GammaLoss
from pennylane_wishart.ensembles.gradient import HaarGradient
from pennylane_wishart.ensembles.hessian import HessianEnsemble, HessianSector
from pennylane_wishart.ensembles.joint import GradientSquare, JointLaw, JointPart
from pennylane_wishart.ensembles.law import Constant, Law
from pennylane_wishart.ensembles.mixtures import MixtureLaw, SectorSum
from pennylane_wishart.ensembles.process import (
    GaussianVerdict,
    covariance_log2_scale,
    gaussian_verdict,
    loss_covariance,
    process_sample,
    span_operators,
)
from pennylane_wishart.ensembles.shots import ShotNoise
from pennylane_wishart.ensembles.spin_gradient import SpinFactorGradient
from pennylane_wishart.ensembles.squares import SquaredNorm
from pennylane_wishart.ensembles.twolevel import BetaLoss, SpinFactor
from pennylane_wishart.ensembles.variance_gamma import VarianceGamma

# ‖∇ℓ‖² of equal components was a law of its own: it is the joint law of one part (``HaarGradient.norm_law``)
GradientNorm = GradientSquare

__all__ = [
    "BetaLoss",
    "Constant",
    "Distribution",
    "GammaLoss",
    "GaussianVerdict",
    "GradientNorm",
    "GradientSquare",
    "HaarCompression",
    "HessianEnsemble",
    "HessianSector",
    "HaarGradient",
    "JointLaw",
    "JointPart",
    "Law",
    "MixtureLaw",
    "SectorSum",
    "ShotNoise",
    "SpinFactor",
    "SpinFactorGradient",
    "SquaredNorm",
    "VarianceGamma",
    "covariance_log2_scale",
    "gaussian_verdict",
    "loss_covariance",
    "process_sample",
    "span_operators",
]
