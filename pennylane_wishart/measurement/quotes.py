"""``pw.quote``: circuits, executions and shots, counted before anything runs."""

from __future__ import annotations

import functools
import math
from dataclasses import asdict, dataclass

import numpy as np
from pennylane.measurements import ExpectationMP, VarianceMP

from pennylane_wishart.errors import InputError
from pennylane_wishart.measurement.machines import check_shots
from pennylane_wishart.measurement.sampling import Setup, prepare_measurement
from pennylane_wishart.measurement.watch import executions_per_sample, number_of_checks

__all__ = ["Quote", "executions_per_sample", "quote", "quote_of"]


@dataclass(frozen=True)
class Quote:
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

    def __post_init__(self):
        if min(self.samples, self.circuits, self.executions) < 1 or self.shots < 0:
            raise InputError(f"Quote: counts must be positive; got {self}.")

    def to_dict(self) -> dict:
        """Return plain data."""
        return {"schema_version": 1, "kind": "Quote", **asdict(self)}

    @classmethod
    def from_dict(cls, data: dict) -> Quote:
        """Rebuild a quote written by :meth:`to_dict`."""
        if data.get("kind") != "Quote" or data.get("schema_version") != 1:
            raise InputError("Quote.from_dict reads schema 1 of 'Quote'.")
        return cls(**{k: v for k, v in data.items() if k not in ("kind", "schema_version")})

    def __str__(self) -> str:
        shots = "analytic" if self.shots_per_circuit is None else f"{self.shots_per_circuit} shots each"
        lines = [
            f"Quote for {self.samples} angle sets on {self.device} ({self.route}, {shots})",
            f"  gradient components: {self.components:,} (of {self.samples * self.n_params:,})",
            f"  circuits:            {self.circuits:,}",
            f"  device executions:   {self.executions:,}"
            + (f" ({self.check_executions} to check the device)" if self.check_executions else ""),
        ]
        if self.shots:
            lines.append(f"  shots:               {self.shots:,}")
        return "\n".join(lines)


def _shots_taken(setup: Setup, shots: int) -> int:
    """Shots of one circuit that estimates an expectation value."""
    # Qiskit's Estimator is asked for a precision, 1/√shots, and rounds the shots it needs up: 1,001 for 1,000.
    return math.ceil(1 / np.sqrt(1 / shots) ** 2) if setup.recipe.name == "qiskit.remote" else shots


def _shots_of_point(setup: Setup) -> int:
    """Shots of one point in parameter space, over all the circuits that it takes."""
    shots, total = setup.plan.shots or 0, 0
    for circuit in setup.engine.shift.circuits:
        kinds = [type(part.tape.measurements[0]) for part in circuit.tapes]
        estimated = sum(kind in (ExpectationMP, VarianceMP) for kind in kinds)
        total += estimated * _shots_taken(setup, shots) + (circuit.executions - estimated) * shots
    return total


def quote_of(setup: Setup, check: bool = True) -> Quote:
    """Count the cost of a prepared measurement."""
    counts, per_circuit = executions_per_sample(setup)
    circuits = int(counts.sum())
    checks = 3 * number_of_checks(setup, check)
    shots = setup.plan.shots
    total = (
        0
        if shots is None
        else circuits * _shots_of_point(setup) + checks * _shots_taken(setup, check_shots(shots) or 0)
    )
    _, measured = setup.plan.draw()
    return Quote(
        setup.recipe.label,
        setup.engine.route,
        setup.plan.samples,
        shots,
        circuits,
        circuits * per_circuit + checks,
        checks,
        total,
        setup.target.n_params,
        int(measured.sum()),
    )


def quote(
    qnode,
    samples: int = 500,
    shots: int | None = 1000,
    seed=7,
    device=None,
    angles="uniform",
    parameters=None,
    argnums=None,
    output=None,
    budget: int | None = None,
    variance: float | None = None,
    route: str | None = None,
    check: bool = True,
    encoding: str = "fixed",
    datum: int = 0,
):
    """Count circuits, executions and shots of a measurement before anything is paid.

    The circuits of one sample go through the device's own preprocessing, so an observable that a
    device measures in several bases counts several times. Nothing is run on the device (an
    analytic route on a built-in simulator is tried once).

    Args:
        As for :func:`measure`, with ``shots=1000`` unless told otherwise.
    Returns:
        A function of the QNode's arguments that returns a :class:`Quote`.
    Raises:
        InputError, DeviceError: as :func:`measure` would.
    Cost: one preprocessing of the circuit per measurement basis.
    Source: two-term and general shift rules, arXiv:2107.12390.
    Example:
        >>> import pennylane as qml
        >>> from pennylane import numpy as np
        >>> @qml.qnode(qml.device("default.qubit", wires=2))
        ... def f(x):
        ...     qml.RX(x[0], 0)
        ...     qml.RY(x[1], 1)
        ...     return qml.expval(qml.Z(0) @ qml.Z(1))
        >>> q = quote(f, samples=10, shots=100)(np.array([0.1, 0.2]))
        >>> q.executions, q.shots
        (50, 5000)
    """
    options = dict(locals())
    options.pop("qnode")
    options |= {"retries": 0, "backoff": 0.0, "timeout": None, "first": 0}

    @functools.wraps(getattr(qnode, "func", quote))
    def run(*args, **kwargs) -> Quote:
        chosen = options
        if budget is not None:
            from pennylane_wishart.measurement.budget import split_budget

            chosen = {**options, **split_budget(qnode, args, kwargs, options)}
        return quote_of(prepare_measurement(qnode, args, kwargs, chosen), check)

    return run
