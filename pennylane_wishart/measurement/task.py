"""``Task``: all that a worker needs, in a form that pickles."""

from __future__ import annotations

import hashlib
import pickle
import uuid
from dataclasses import dataclass, field

import numpy as np
import pennylane as qml
import scipy.sparse as sp

from pennylane_wishart.conventions.arrays import Floats, Integers
from pennylane_wishart.measurement.recipes import DeviceRecipe
from pennylane_wishart.measurement.store.faults import RetryPolicy

__all__ = ["Part", "Task"]


@dataclass(frozen=True, eq=False)
class Part:
    """A small circuit that stands for several equal terms of a loss, each at parameters of its own."""

    task: Task
    columns: Integers
    """int ``(terms, n_params of the small circuit)``: flat indices in the whole circuit."""


@dataclass(frozen=True, eq=False)
class Task:
    """A traced circuit and the device to run it on."""

    tape: qml.tape.QuantumScript
    jacobian: sp.csr_array
    gate_offsets: Floats
    recipe: DeviceRecipe
    shots: int | None = None
    route: str | None = None
    """None: the fastest that works."""
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    compiled: bool = False
    """Whether the QNode was a qjit object: Catalyst comes first."""
    trusted: bool = False
    """Whether the route has been checked already (in the parent process)."""
    hessian: bool = False
    """Whether samples come with their second derivatives."""
    parts: tuple[Part, ...] = ()
    """The same circuit as a sum of small ones; ``tape`` is then not run."""
    constant: float = 0.0
    """What is added to the sum."""
    name: str = field(default_factory=lambda: uuid.uuid4().hex)
    """Under which a thread keeps the engine built from this task."""

    def gate_values(self, angles: Floats) -> Floats:
        """Return gate values ``(…, n_gates)`` at parameters ``(…, n_params)``."""
        return np.asarray((self.jacobian @ angles.T).T + self.gate_offsets)

    def pack(self) -> tuple[str, bytes]:
        """Return a key and the pickled task."""
        # Named by its content: a worker builds its engine once for all chunks of a run.
        body = pickle.dumps(self)
        return hashlib.sha256(body).hexdigest(), body
