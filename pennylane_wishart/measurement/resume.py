"""``resume``: finish the runs of a journal with nothing but the circuit and its device."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from pennylane_wishart.conventions import measurement as limits
from pennylane_wishart.errors import InputError, StoreError
from pennylane_wishart.measurement.descent import run_search
from pennylane_wishart.measurement.identity.devices import DeviceIdentity
from pennylane_wishart.measurement.keeping import question_of
from pennylane_wishart.measurement.options import MeasureOptions, SearchOptions
from pennylane_wishart.measurement.recipes import device_recipe
from pennylane_wishart.measurement.records.measurement import Measurement
from pennylane_wishart.measurement.records.minima import MinimaMeasurement
from pennylane_wishart.measurement.records.plan import SamplingPlan
from pennylane_wishart.measurement.sampling import run_measurement
from pennylane_wishart.measurement.setup import prepare_measurement, resolve_target
from pennylane_wishart.measurement.store.journal import stored_runs
from pennylane_wishart.measurement.store.store_file import StoreFile, store_file

__all__ = ["resume"]

_FREE = ("device", "executor", "progress", "retries", "backoff", "timeout", "chunk", "check", "route", "same", "angles")
"""What may be given again: how a run is finished, not what it asks."""


def resume(
    qnode: Any, store: Any, run: int | None = None, same_device: bool = False, **options: Any
) -> Callable[..., Measurement | MinimaMeasurement]:
    """Finish an interrupted measurement or search for minima from its journal.

    Seed, samples, shots, angles and which parameters are read from the journal; only what is missing
    is measured, and only on the device that the run began on.

    Args:
        qnode: the QNode that was measured.
        store: path of the journal.
        run: position in :func:`stored_runs`; None: the latest run of this circuit on this device.
        same_device: vouch that this is the run's device although it cannot be told, or has changed since
            (a new calibration, another version).
        options: how to go on: device (None: the QNode's own), executor, progress, retries, backoff,
            timeout, chunk, check, route, same; ``angles`` for a law that a file cannot hold.
    Returns:
        A function of the QNode's arguments that returns the whole :class:`Measurement` or
        :class:`MinimaMeasurement`.
    Raises:
        StoreError: if the file is missing or damaged, or has no run of this circuit on this device; the
            message names both devices and what differs.
        InputError: if an option would ask another question, or the run has a law of angles that a file
            cannot hold.
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
    unknown = [name for name in options if name not in _FREE]
    if unknown:
        raise InputError(
            f"resume reads {', '.join(unknown)} from the journal; give only {', '.join(_FREE)}, or ask a new question "
            "with measure."
        )
    file = store_file(store)

    @functools.wraps(getattr(qnode, "func", resume))
    def finish(*args: Any, **kwargs: Any) -> Measurement | MinimaMeasurement:
        runs = stored_runs(file)
        if run is not None and not (isinstance(run, int) and 0 <= run < len(runs)):
            raise StoreError(f"{file.name} has {len(runs)} runs; run={run} is not among them.")
        chosen, identity = _choose(runs, run, qnode, args, kwargs, options.get("device"), file.name)
        stored: DeviceIdentity = chosen["identity"]
        if identity != stored and not same_device:
            raise StoreError(_of_another_device(stored, identity, file.name))
        return _finish(chosen, _call_of(chosen, options, file), same_device, (qnode, args, kwargs))

    return finish


def _finish(
    chosen: dict[str, Any], call: MeasureOptions | SearchOptions, same_device: bool, first: tuple[Any, Any, Any]
) -> Measurement | MinimaMeasurement:
    """Run what is missing of a stored run, once it is known to ask the same question."""
    search = call if isinstance(call, SearchOptions) else None
    measuring = call.measuring if isinstance(call, SearchOptions) else call
    setup = prepare_measurement(*first, measuring)
    if same_device:
        setup = setup.known_as(chosen["identity"])
    # The last word has the content address: everything that decides the numbers is in it.
    if question_of(setup, measuring, chosen["kind"], call.settings).key != chosen["key"]:
        raise StoreError(
            f"{store_file(call.store).name}: the run asks another question than this call (its law of angles, its "
            "shots, or the circuit's parameters differ); repeat the original call."
        )
    return run_measurement(setup, measuring) if search is None else run_search(setup, search)


def _call_of(chosen: dict[str, Any], options: dict[str, Any], file: StoreFile) -> MeasureOptions | SearchOptions:
    """The options of the call that began a run, with what is given now."""
    plan: SamplingPlan = chosen["plan"]
    if "custom" in plan.law.kind and "angles" not in options:
        raise InputError(
            f"{file.name}: this run has a custom law of angles, which a file cannot hold; repeat the "
            "original call, or give angles= again."
        )
    seed, first, samples = plan.ranges[0]
    # What is given now comes after what is stored: how to go on may differ, what is asked may not.
    given = {"angles": plan.law, **chosen["options"], **options, "store": file, "seed": seed}
    if chosen["kind"] == MinimaMeasurement.__name__:
        return SearchOptions(**_known(SearchOptions, given), starts=samples)
    asked = {"parameters": plan.parameters, "shots": plan.shots, "samples": samples, "first": first}
    return MeasureOptions(**{**_known(MeasureOptions, given), **asked})


def _known(record: type, given: dict[str, Any]) -> dict[str, Any]:
    """What a record has a place for: a file may say more than either kind of run needs."""
    return {f.name: given[f.name] for f in fields(record) if f.name in given}


def _of_another_device(stored: DeviceIdentity, given: DeviceIdentity, name: str) -> str:
    differences = "; ".join(stored.differences(given)[: limits.SHOWN_DIFFERENCES])
    return (
        f"{name}: the run was measured on {stored.short} and cannot be continued on {given.short}, which differs: "
        f"{differences}. Give device= as it was; if it is the same device all the same, say so with same_device=True; "
        "measure on the other one as a run of its own with pw.measure."
    )


def _choose(
    runs: list[dict[str, Any]], run: int | None, qnode: Any, args: Any, kwargs: Any, device: Any, name: str
) -> tuple[dict[str, Any], DeviceIdentity]:
    """The run that is meant, and the identity of the device at hand for it.

    Without ``run=``: the latest of this circuit on this device, else the latest of this circuit.
    """
    found: list[tuple[dict[str, Any], DeviceIdentity]] = []
    known: dict[str, tuple[str, DeviceIdentity]] = {}
    # The latest first: a file may hold many runs of one circuit, and the last is the one that was interrupted.
    for stored in [runs[run]] if run is not None else reversed(runs):
        settings = {k: v for k, v in stored["options"].items() if k in ("argnums", "output", "encoding", "datum")}
        key = str(settings)
        # Runs that read the QNode alike share one reading of it.
        if key not in known:
            target = resolve_target(qnode, args, kwargs, MeasureOptions(**settings))
            recipe = device_recipe(device, target.trace.device, target.trace.wires)
            known[key] = target.circuit_hash, recipe.identity or DeviceIdentity.unknown(recipe.label)
        circuit, identity = known[key]
        if circuit == stored["plan"].circuit_hash:
            if identity == stored["identity"]:
                return stored, identity
            found.append((stored, identity))
    if found:
        return found[0]
    what = "none of this circuit" if run is None else f"and run={run} is not of this circuit"
    raise StoreError(
        f"{name} has {len(runs)} runs, {what} at these arguments; check the QNode and "
        "its arguments, or give run= as the position in stored_runs."
    )
