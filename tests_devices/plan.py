"""The one plan that every device of the matrix runs, and what came of it."""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass

import circuits
import numpy as np
from machines import Machine, metered

import pennylane_wishart as pw

__all__ = ["PARAMETERS", "SHOTS", "Outcome", "ansatz", "exact", "run_plan"]

SHOTS = 100
"""Few enough that a tenth of the measured variances is shot noise, which has to be taken off."""
PARAMETERS = (14, 28)
"""Flat indices of two parameters that are deep: five circuits for each angle set."""


@dataclass(frozen=True)
class Outcome:
    """One run of the plan."""

    machine: Machine
    data: pw.Measurement
    quote: pw.Quote
    executed: int
    shots: int
    comparison: pw.Comparison
    seconds: float

    @property
    def signal(self) -> tuple[float, float]:
        """Slope of measured on exact losses at the same angles, and its standard error."""
        truth = exact(self.data.samples).losses
        slope = truth @ self.data.losses / (truth @ truth)
        rest = self.data.losses - slope * truth
        return float(slope), float(np.sqrt(rest @ rest / (len(truth) - 1) / (truth @ truth)))

    @property
    def residuals(self) -> np.ndarray:
        """Errors of losses and gradients in units of their shot noise; standard normal where ideal."""
        truth, live = exact(self.data.samples), list(PARAMETERS)
        losses = (self.data.losses - truth.losses) / np.sqrt(self.data.shot_variance)
        slopes = (self.data.gradients - truth.gradients) / self.data.gradient_error
        return np.concatenate([losses, slopes[:, live].ravel()])


def ansatz() -> tuple:
    """Return (QNode, weights): five layers of the registry's su(8) circuit, 3 qubits, 45 parameters."""
    qnode, (weights,) = circuits.case("su8_pauli").make()
    return qnode, weights[:5]


@functools.cache
def prediction() -> pw.Prediction:
    """Return what the theory says of the plan's circuit."""
    qnode, weights = ansatz()
    return pw.predict(qnode)(weights)


@functools.cache
def exact(samples: int) -> pw.Measurement:
    """Return the plan's exact losses and gradients, by lightning.qubit."""
    qnode, weights = ansatz()
    return pw.measure(qnode, samples=samples, seed=7, device="lightning.qubit", parameters=PARAMETERS)(weights)


def run_plan(machine: Machine, samples: int | None = None) -> Outcome:
    """Quote, measure and compare the plan on one machine; once for each number of samples."""
    return _run_plan(machine, samples or machine.samples)


@functools.cache
def _run_plan(machine: Machine, samples: int) -> Outcome:
    qnode, weights = ansatz()
    options = {
        "samples": samples,
        "seed": 7,
        "device": machine.make(3),
        "shots": SHOTS,
        "parameters": PARAMETERS,
    }
    quote = pw.quote(qnode, **options)(weights)
    prediction()
    start = time.perf_counter()
    with metered(machine) as meter:
        data = pw.measure(qnode, **options)(weights)
    took = time.perf_counter() - start
    return Outcome(machine, data, quote, meter.circuits, meter.shots, pw.compare(prediction(), data), took)
