"""``resume``: finish the runs of a journal with nothing but the circuit."""

from __future__ import annotations

import functools

from pennylane_wishart.errors import InputError, StoreError
from pennylane_wishart.measurement.descent import find_minima
from pennylane_wishart.measurement.journal import stored_runs
from pennylane_wishart.measurement.minima_record import MinimaMeasurement
from pennylane_wishart.measurement.records import Measurement
from pennylane_wishart.measurement.sampling import measure
from pennylane_wishart.measurement.target import resolve_target

__all__ = ["resume"]


def resume(qnode, store, run: int | None = None, **options):
    """Finish an interrupted measurement or search for minima from its journal alone.

    Seed, samples, shots, angles and which parameters are read from the journal; only what is missing
    is measured.

    Args:
        qnode: the QNode that was measured.
        store: path of the journal.
        run: position in :func:`stored_runs`; None: the latest run of this circuit.
        options: passed on to ``measure`` or ``find_minima``: device, executor, progress, retries, ….
    Returns:
        A function of the QNode's arguments that returns the whole :class:`Measurement` or
        :class:`MinimaMeasurement`.
    Raises:
        StoreError: if the file is missing, is no journal, or has no run of this circuit.
        InputError: if the run has a law of angles that a file cannot hold.
    Example:
        >>> import tempfile, pathlib
        >>> import pennylane as qml
        >>> from pennylane import numpy as np
        >>> from pennylane_wishart.measurement import measure
        >>> @qml.qnode(qml.device("lightning.qubit", wires=1))
        ... def f(x):
        ...     qml.RX(x, 0)
        ...     return qml.expval(qml.Z(0))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder) / "run.db"
        ...     first = measure(f, samples=30, seed=3, store=path)(np.array(0.1))
        ...     again = resume(f, path)(np.array(0.1))
        >>> bool((first.losses == again.losses).all()), again.seed
        (True, 3)
    """

    @functools.wraps(getattr(qnode, "func", resume))
    def finish(*args, **kwargs) -> Measurement | MinimaMeasurement:
        runs = stored_runs(store)
        if run is not None:
            if not 0 <= run < len(runs):
                raise StoreError(f"store={str(store)!r} has {len(runs)} runs; run={run} is not among them.")
            chosen = runs[run]
        else:
            chosen = _latest(runs, qnode, args, kwargs, store)
        plan = chosen["plan"]
        if "custom" in plan.law.kind and "angles" not in options:
            raise InputError(
                f"store={str(store)!r}: this run has a custom law of angles, which a file cannot hold; repeat the "
                "original call, or give angles= again."
            )
        call = {"angles": plan.law, **chosen["options"], "store": store, **options}
        seed, first, count = plan.ranges[0]
        if chosen["kind"] == "MinimaMeasurement":
            return find_minima(qnode, starts=count, seed=seed, **call)(*args, **kwargs)
        call = {"parameters": plan.parameters, "shots": plan.shots, "first": first, **call}
        return measure(qnode, samples=count, seed=seed, **call)(*args, **kwargs)

    return finish


def _latest(runs: list[dict], qnode, args, kwargs, store) -> dict:
    """The last run that measured this very circuit."""
    hashes: dict[tuple, str] = {}
    for found in reversed(runs):
        settings = {name: found["options"].get(name) for name in ("argnums", "output")}
        settings |= {"encoding": found["options"].get("encoding", "fixed"), "datum": found["options"].get("datum", 0)}
        key = tuple(str(v) for v in settings.values())
        if key not in hashes:
            hashes[key] = resolve_target(qnode, args, kwargs, **settings).circuit_hash
        if hashes[key] == found["plan"].circuit_hash:
            return found
    raise StoreError(
        f"store={str(store)!r} has {len(runs)} runs, none of this circuit at these arguments; check the QNode and "
        "its arguments, or give run= as the position in stored_runs."
    )
