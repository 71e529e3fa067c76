"""``Remedy``: one change of the circuit that was tried, with what descents say before and after it."""

from __future__ import annotations

from copy import copy
from dataclasses import asdict, dataclass, field
from typing import Any

import pennylane as qml

from pennylane_wishart.circuit import TracedCircuit
from pennylane_wishart.conventions import Change, Evidence, Reason
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.errors import InputError
from pennylane_wishart.outlook.record import Interval
from pennylane_wishart.serialize import LIVE

__all__ = ["Outcome", "Remedy", "Trials"]


@dataclass(frozen=True)
class Outcome(Shown):
    """Where half of the descents of one circuit end."""

    loss: float
    """Median end, in the observable's units."""
    interval: Interval
    """Order statistics that hold it with the confidence of every interval."""
    height: float
    """(median − lowest eigenvalue of the observable) in units of the scale of the circuit as it came; of the
    reachable bound where that eigenvalue is not known."""
    height_interval: Interval
    n_params: int
    descents: int
    """How many were run; 0 where it was proved."""


@dataclass(frozen=True, eq=False)
class Remedy(Shown):
    """A change of the circuit, before → after."""

    change: Change
    words: str
    """What to do."""
    before: Outcome
    after: Outcome
    evidence: Evidence
    """"descents" where it was run, "certificate" where it was proved."""
    starts: int = 1
    """Descents to run, of which the best is kept."""
    code: str = ""
    """Python to write, where a few lines do it."""
    trace: TracedCircuit | None = field(default=None, repr=False, metadata=LIVE)
    """The changed circuit; None for a change of how it is trained, and when pickled or read back."""

    def __post_init__(self) -> None:
        if self.starts < 1:
            raise InputError(f"Remedy.starts needs a positive integer; got {self.starts}.")

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "trace": None}

    @property
    def parameters_added(self) -> int:
        """Parameters of the changed circuit beyond those of the circuit as it came; negative for a saving."""
        return self.after.n_params - self.before.n_params

    @property
    def is_saving(self) -> bool:
        """Whether it makes the circuit smaller and changes no descent."""
        return self.change is Change.DEAD_GATES

    @property
    def tape(self) -> qml.tape.QuantumScript | None:
        """The changed circuit at the parameters of the call, new ones 0; None where it is not at hand."""
        return None if self.trace is None else self.trace.bind(self.trace.values)

    def qnode(self, device: Any = None) -> Any:
        """Return the changed circuit as a QNode of its flat parameters, ``(after.n_params,)``.

        Args:
            device: a PennyLane device; ``default.qubit`` on the circuit's wires where None.
        Raises:
            InputError: for a change of how the circuit is trained, and for a remedy that was read back.
        """
        trace = self.trace
        if trace is None:
            raise InputError(f"No circuit at hand for {self.words!r}: it was read back, or it changes no gate.")
        rows = [range(*trace.jacobian.indptr[i : i + 2]) for i in range(trace.jacobian.shape[0])]
        at, slopes, offsets = trace.jacobian.indices, trace.jacobian.data, trace.gate_offsets

        def changed(x: Any) -> Any:
            values = [sum((slopes[j] * x[int(at[j])] for j in row), offsets[i]) for i, row in enumerate(rows)]
            with (
                qml.queuing.QueuingManager.stop_recording()
            ):  # a gate is recorded where it stands, not where it is made
                operations = trace.tape.bind_new_parameters(values, trace.tape.trainable_params).operations
            for op in operations:
                qml.apply(copy(op))  # a queue takes each object once, and a repeated layer holds the same gates again
            return qml.expval(trace.observable)

        return qml.QNode(changed, device or qml.device("default.qubit", wires=list(trace.wires)))

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python values, ready for JSON."""
        return {
            "change": self.change.value,
            "words": self.words,
            "before": asdict(self.before),
            "after": asdict(self.after),
            "parameters_added": self.parameters_added,
            "starts": self.starts,
            "evidence": self.evidence.value,
            "code": self.code,
        }


@dataclass(frozen=True, eq=False)
class Trials(Shown):
    """All changes that were tried."""

    remedies: tuple[Remedy, ...] = ()
    """Those that help, best first; a saving comes last."""
    others: tuple[Remedy, ...] = ()
    """Those that do not help: never advised."""
    reason: Reason | None = None
    """Why nothing, or not everything, was tried."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python values, ready for JSON."""
        return {
            "remedies": [r.to_dict() for r in self.remedies],
            "no help": [r.to_dict() for r in self.others],
            "reason": None if self.reason is None else {"code": self.reason.code.value, "text": self.reason.text},
        }
