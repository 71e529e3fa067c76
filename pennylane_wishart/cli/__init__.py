"""The ``wishart`` command. What computes is imported once there is something to compute."""

from __future__ import annotations

from pennylane_wishart.cli.loading import load
from pennylane_wishart.cli.parser import read
from pennylane_wishart.cli.streams import coloured

__all__ = ["coloured", "load", "main"]


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    options = read(argv)
    if options is None:
        return 0
    from pennylane_wishart.cli.commands import run

    return run(options)
