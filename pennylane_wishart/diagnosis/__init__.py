"""Runs the flow once: QNode → :class:`Diagnosis`."""

from pennylane_wishart.diagnosis.checks import Check, Thresholds, Verdict
from pennylane_wishart.diagnosis.diagnose import diagnose
from pennylane_wishart.diagnosis.options import DiagnoseOptions, options_of
from pennylane_wishart.diagnosis.record import Diagnosis

__all__ = ["Check", "DiagnoseOptions", "Diagnosis", "Thresholds", "Verdict", "diagnose", "options_of"]
