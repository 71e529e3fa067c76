"""Sampling plans, routes, and gradients and minima on any device."""

from pennylane_wishart.measurement.calibration import FittedNoise, Rate, fit_noise
from pennylane_wishart.measurement.descent import find_minima
from pennylane_wishart.measurement.identity.devices import DeviceIdentity
from pennylane_wishart.measurement.pools import process_pool
from pennylane_wishart.measurement.quotes import quote
from pennylane_wishart.measurement.records.measurement import Measurement
from pennylane_wishart.measurement.records.minima import MinimaMeasurement
from pennylane_wishart.measurement.records.plan import SamplingPlan
from pennylane_wishart.measurement.records.quote import Quote
from pennylane_wishart.measurement.resume import resume
from pennylane_wishart.measurement.routes.choice import ROUTES
from pennylane_wishart.measurement.sampling import measure
from pennylane_wishart.measurement.statistics import DegreesOfFreedom, GradientVariance
from pennylane_wishart.measurement.store.journal import stored_jobs, stored_runs

__all__ = [
    "ROUTES",
    "Rate",
    "DegreesOfFreedom",
    "DeviceIdentity",
    "FittedNoise",
    "GradientVariance",
    "Measurement",
    "MinimaMeasurement",
    "Quote",
    "SamplingPlan",
    "find_minima",
    "fit_noise",
    "measure",
    "process_pool",
    "quote",
    "resume",
    "stored_jobs",
    "stored_runs",
]
