"""The ``wishart`` command."""

from pennylane_wishart.cli.commands import coloured, main
from pennylane_wishart.cli.loading import load

__all__ = ["coloured", "load", "main"]
