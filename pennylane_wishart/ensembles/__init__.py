"""Distributions of losses and gradients in the deep limit: exact, finite size, no circuit."""

from .compression import HaarCompression
from .gradient import GradientNorm, HaarGradient
from .joint import GradientSquare, JointLaw, JointPart
from .law import Law
from .mixtures import MixtureLaw, SectorSum
from .process import (
    GaussianVerdict,
    covariance_log2_scale,
    gaussian_verdict,
    loss_covariance,
    process_sample,
    span_operators,
)
from .shots import ShotNoise
from .simple import Constant, GammaLoss
from .sphere import SpinFactorGradient
from .squares import SquaredNorm
from .twolevel import BetaLoss, SpinFactor
from .variance_gamma import VarianceGamma

__all__ = [
    "BetaLoss",
    "Constant",
    "GammaLoss",
    "GaussianVerdict",
    "GradientNorm",
    "GradientSquare",
    "HaarCompression",
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
