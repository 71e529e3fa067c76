"""Distributions of losses and gradients in the deep limit: exact, finite size, no circuit."""

from .compression import HaarCompression
from .gradient import GradientNorm, HaarGradient
from .law import Law
from .shots import ShotNoise
from .simple import Constant, GammaLoss
from .sphere import SpinFactorGradient
from .twolevel import BetaLoss, SpinFactor

__all__ = [
    "BetaLoss",
    "Constant",
    "GammaLoss",
    "GradientNorm",
    "HaarCompression",
    "HaarGradient",
    "Law",
    "ShotNoise",
    "SpinFactor",
    "SpinFactorGradient",
]
