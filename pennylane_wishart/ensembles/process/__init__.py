"""The losses of a data set together: the Wishart process at finite size, and whether it is Gaussian."""

from pennylane_wishart.ensembles.process.gaussian import GaussianVerdict, gaussian_verdict
from pennylane_wishart.ensembles.process.losses import (
    covariance_log2_scale,
    loss_covariance,
    process_sample,
    span_operators,
)

__all__ = [
    "GaussianVerdict",
    "covariance_log2_scale",
    "gaussian_verdict",
    "loss_covariance",
    "process_sample",
    "span_operators",
]
