"""Names of devices that decide what is done with them."""

from __future__ import annotations

__all__ = ["IDEAL", "LIE", "LIGHTNING", "PACKAGES", "SIMULATOR_PREFIXES"]

LIGHTNING = ("lightning.qubit", "lightning.kokkos", "lightning.gpu", "lightning.amdgpu")
LIE = "wishart.lie"
IDEAL = (*LIGHTNING, "default.qubit", "reference.qubit", LIE)
"""Simulators without noise of their own."""
SIMULATOR_PREFIXES = ("default.", "lightning.", "null.", "reference.", "wishart.")
"""Of PennyLane's own simulators, which cost nothing and need no check."""
PACKAGES = ("pennylane.devices.", "pennylane_lightning.", "pennylane_wishart.devices.")
"""Where their classes are defined: a subclass from anywhere else may answer otherwise."""
