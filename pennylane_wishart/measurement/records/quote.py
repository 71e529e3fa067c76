"""``Quote``: what a measurement will cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pennylane_wishart.conventions import measurement as limits
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.errors import InputError

__all__ = ["Quote"]


@dataclass(frozen=True)
class Quote(Shown):
    """What a measurement will cost; retries of failed calls come on top."""

    device: str
    route: str
    samples: int
    shots_per_circuit: int | None
    circuits: int
    """Points in parameter space: each loss, and each shifted circuit of each gradient component."""
    executions: int
    """Circuits that the device runs after its own preprocessing, the device check included."""
    check_executions: int
    """Those of the one-qubit check, which runs before, during and after the run on a device that is not
    PennyLane's own."""
    shots: int
    """Shots in all; 0 where analytic."""
    n_params: int
    components: int
    """Gradient components measured in all."""

    def __post_init__(self) -> None:
        if min(self.samples, self.circuits, self.executions) < 1 or self.shots < 0:
            raise InputError(f"Quote: counts must be positive; got {self}.")

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {"schema_version": limits.QUOTE_SCHEMA, "kind": "Quote", **asdict(self)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Quote:
        """Rebuild a quote written by :meth:`to_dict`."""
        if data.get("kind") != "Quote" or data.get("schema_version") != limits.QUOTE_SCHEMA:
            raise InputError(f"Quote.from_dict reads schema {limits.QUOTE_SCHEMA} of 'Quote'.")
        return cls(**{k: v for k, v in data.items() if k not in ("kind", "schema_version")})

    def __str__(self) -> str:
        shots = "analytic" if self.shots_per_circuit is None else f"{self.shots_per_circuit} shots each"
        checks = f" ({self.check_executions} to check the device)" if self.check_executions else ""
        lines = [
            f"Quote for {self.samples} angle sets on {self.device} ({self.route}, {shots})",
            f"  gradient components: {self.components:,} (of {self.samples * self.n_params:,})",
            f"  circuits:            {self.circuits:,}",
            f"  device executions:   {self.executions:,}{checks}",
        ]
        return "\n".join([*lines, f"  shots:               {self.shots:,}"] if self.shots else lines)
