"""The PennyLane device ``wishart.lie``: QNodes simulated in their observable's module."""

from pennylane_wishart.devices.lie import LieDevice

__all__ = ["LieDevice"]
