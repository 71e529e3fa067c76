"""What other libraries' objects hold, in their own words: backends, targets, noise models, cloud machines.

Everything is asked for by what an object offers, so that no plugin has to be installed.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import pennylane as qml

__all__ = ["Unordered", "described"]

_logger = logging.getLogger("pennylane_wishart")


class Unordered(list[Any]):
    """A list whose order means nothing, and may be another one in every process."""


def described(value: Any) -> Any:
    """Say what libraries' own objects hold: backends, targets, noise models, cloud machines; None elsewhere."""
    # PennyLane's own first: they have methods that the guesses below would take for a backend's.
    if isinstance(value, qml.wires.Wires):
        return list(value.labels)
    if isinstance(value, qml.measurements.Shots):
        return [value.total_shots, [list(v) for v in value.shot_vector]]
    if isinstance(value, qml.transforms.core.Transform):
        return [value.tape_transform, value.expand_transform]
    if hasattr(value, "run") and hasattr(value, "name") and hasattr(value, "options"):
        return _backend(value)
    # Braket: an ARN names a machine, its properties hold the calibration.
    if hasattr(value, "arn") and isinstance(value.arn, str):
        properties = getattr(value, "properties", None)
        written = properties.json() if properties is not None and hasattr(properties, "json") else None
        return {"arn": value.arn, "properties": written}
    if hasattr(value, "operation_names") and hasattr(value, "qargs") and hasattr(value, "items"):
        return _target(value)
    if callable(getattr(value, "to_dict", None)) and not isinstance(value, type):
        for options in ({"serializable": True}, {}):
            try:
                found = value.to_dict(**options)
            except Exception:  # another signature, or a dictionary that it cannot make
                _logger.debug("%s has no dictionary with %s", type(value).__name__, options, exc_info=True)
                continue
            if isinstance(found, Mapping) and isinstance(found.get("errors"), list):
                # Aer's noise models list their errors in the order of a set of names.
                found = {**found, "errors": Unordered(found["errors"])}
            return found
    if callable(getattr(value, "get_edges", None)):
        return sorted(map(list, value.get_edges()))
    return None


def _backend(value: Any) -> dict[str, Any]:
    """A backend of Qiskit's kind: what it is called, how it runs, what its machine is like now."""
    out: dict[str, Any] = {"class": type(value), "name": _called(value.name)}
    for name in ("version", "backend_version", "num_qubits", "coupling_map", "noise_model"):
        out[name] = _called(getattr(value, name, None))
    options = value.options
    fields = dict(getattr(options, "__dict__", {}) or getattr(options, "_fields", {}))
    out |= {f"options.{k}": v for k, v in fields.items()} if fields else {"options": options}
    for name in ("properties", "configuration", "_properties", "_configuration"):
        found = _called(getattr(value, name, None))
        out[name] = _without_order(found.to_dict() if callable(getattr(found, "to_dict", None)) else found)
    out["target"] = None if getattr(value, "target", None) is None else _target(value.target)
    return out


def _called(value: Any) -> Any:
    """The value, or what it returns where it is a method without arguments."""
    if not callable(value):
        return value
    try:
        return value()
    except Exception:  # a simulator has no properties and says so by an exception
        _logger.debug("%r did not answer", value, exc_info=True)
        return None


def _without_order(value: Any) -> Any:
    """Lists of names and of records come from sets; lists of lists are by qubit."""
    if isinstance(value, Mapping):
        return {k: _without_order(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        inside = [_without_order(v) for v in value]
        return Unordered(inside) if all(isinstance(v, (str, Mapping)) for v in inside) else inside
    return value


def _target(value: Any) -> Any:
    """Instructions of a Qiskit target, with the duration and error of each."""
    if not hasattr(value, "items"):
        return value
    rows: list[list[Any]] = []
    for name, places in value.items():
        if not isinstance(places, Mapping):
            rows.append([str(name), repr(places)])
            continue
        for qubits, found in places.items():
            where = None if qubits is None else list(qubits)
            rows.append([str(name), where, getattr(found, "duration", None), getattr(found, "error", None)])
    return sorted(rows, key=repr)
