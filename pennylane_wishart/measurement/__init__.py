"""Sampling plans, routes, and gradients and minima on any device."""

from pennylane_wishart.measurement.descent import find_minima
from pennylane_wishart.measurement.engine import ROUTES
from pennylane_wishart.measurement.identity import DeviceIdentity
from pennylane_wishart.measurement.journal import stored_jobs, stored_runs
from pennylane_wishart.measurement.minima_record import MinimaMeasurement
from pennylane_wishart.measurement.plan import SamplingPlan
from pennylane_wishart.measurement.pools import process_pool
from pennylane_wishart.measurement.quotes import Quote, quote
from pennylane_wishart.measurement.records import Measurement
from pennylane_wishart.measurement.resume import resume
from pennylane_wishart.measurement.sampling import measure
from pennylane_wishart.measurement.statistics import DegreesOfFreedom, GradientVariance

__all__ = [
    "ROUTES",
    "DegreesOfFreedom",
    "DeviceIdentity",
    "GradientVariance",
    "Measurement",
    "MinimaMeasurement",
    "Quote",
    "SamplingPlan",
    "find_minima",
    "measure",
    "process_pool",
    "quote",
    "resume",
    "stored_jobs",
    "stored_runs",
]
