"""Records to plain JSON values and back, exactly: every float, array and enum as it was.

A record is a dataclass of this package. What cannot be written down (a QNode, a user's
function) is marked in its field with ``metadata=LIVE`` and comes back as None. Nothing is
imported while reading: a name that no imported module of the package defines is refused, so
that a file can never make Python load code.
"""

from __future__ import annotations

import base64
import dataclasses
import enum
import math
import sys
from collections.abc import Callable
from typing import Any, Self

import numpy as np
import stim
from numpy.typing import NDArray

from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.errors import InputError

__all__ = ["LIVE", "Written", "decode", "encode"]

LIVE = {"stored": False}
"""Metadata of a field that belongs to the running process and is not written down."""
_PACKAGE = __name__.split(".")[0]
_KEY = "$"
"""Marks the JSON objects that stand for something else than a plain dictionary."""


def encode(value: Any) -> Any:
    """Return plain values that JSON can write.

    Args:
        value: a record of this package, or anything that its fields hold.
    Raises:
        InputError: for a value that has no written form, named with its type.
    Cost: linear in the size of the record; arrays take 4/3 of their bytes.
    Example:
        >>> decode(encode((1.5, float("inf"), np.arange(3))))[2].tolist()
        [0, 1, 2]
    """
    # first, for an IntEnum is an int as well, and a StrEnum a str: each comes back as what it was
    if isinstance(value, enum.Enum):
        return {_KEY: "enum", "class": _name(type(value)), "name": value.name}
    if value is None or isinstance(value, (bool, str)) or type(value) is int:
        return value
    if isinstance(value, (np.bool_, np.integer, np.floating)):
        return encode(value.item())
    if isinstance(value, float):
        # JSON has no word for them; repr of the others is exact
        return value if math.isfinite(value) else {_KEY: "float", "value": repr(value)}
    if isinstance(value, complex):
        return {_KEY: "complex", "value": [encode(value.real), encode(value.imag)]}
    if isinstance(value, np.ndarray):
        return _encode_array(value)
    if isinstance(value, stim.Tableau):
        return {_KEY: "tableau", "value": [str(p) for q in range(len(value)) for p in _outputs(value, q)]}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _encode_record(value)
    if isinstance(value, list):
        return [encode(v) for v in value]
    if isinstance(value, (tuple, frozenset, set)):
        return {_KEY: type(value).__name__, "value": [encode(v) for v in value]}
    if isinstance(value, dict):
        # pairs: keys of JSON objects are strings, those of ours need not be
        return {_KEY: "dict", "value": [[encode(k), encode(v)] for k, v in value.items()]}
    raise InputError(f"A {type(value).__name__} has no written form: {value!r:.80}. Mark its field with LIVE.")


def decode(value: Any) -> Any:
    """Return what :func:`encode` wrote.

    Raises:
        InputError: for something that :func:`encode` did not write, or a record of another version
            of the package whose fields have changed.
    """
    if isinstance(value, list):
        return [decode(v) for v in value]
    if not isinstance(value, dict):
        return value
    kind = value.get(_KEY)
    if kind not in _DECODERS:
        raise InputError(f"Not a record of {_PACKAGE}: an object of kind {kind!r}. Read what encode() wrote.")
    return _DECODERS[kind](value)


def _name(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"


def _class(name: str) -> type:
    """Return a class of this package that has been imported already."""
    module, _, qualname = str(name).partition(":")
    found: Any = sys.modules.get(module) if module.split(".")[0] == _PACKAGE else None
    for part in qualname.split("."):
        found = getattr(found, part, None)
    if not isinstance(found, type):
        raise InputError(
            f"Record {name!r} is unknown to this version of {_PACKAGE}: read it with the one that wrote it."
        )
    return found


def _encode_array(value: NDArray[Any]) -> dict[str, Any]:
    if value.dtype.hasobject:
        raise InputError(f"An array of {value.dtype} has no written form.")
    data = np.ascontiguousarray(value)
    # one byte order in files, whatever machine reads them
    little = data.astype(data.dtype.newbyteorder("<"), copy=False)
    text = base64.b64encode(little.tobytes()).decode("ascii")
    return {_KEY: "array", "dtype": little.dtype.str, "shape": list(value.shape), "value": text}


def _decode_array(value: dict[str, Any]) -> NDArray[Any]:
    data = np.frombuffer(base64.b64decode(value["value"]), np.dtype(value["dtype"]))
    return data.reshape(value["shape"]).astype(data.dtype.newbyteorder("="))


def _outputs(tableau: stim.Tableau, qubit: int) -> tuple[stim.PauliString, stim.PauliString]:
    return tableau.x_output(qubit), tableau.z_output(qubit)


def _decode_tableau(value: dict[str, Any]) -> stim.Tableau:
    words = [stim.PauliString(text) for text in value["value"]]
    return stim.Tableau.from_conjugated_generators(xs=words[::2], zs=words[1::2])


def _encode_record(value: Any) -> dict[str, Any]:
    if type(value).__module__.split(".")[0] != _PACKAGE:
        raise InputError(f"A {type(value).__name__} is no record of {_PACKAGE}.")
    kept = {
        f.name: encode(getattr(value, f.name))
        for f in dataclasses.fields(value)
        if f.init and f.metadata.get("stored", True)
    }
    return {_KEY: "record", "class": _name(type(value)), "fields": kept}


def _decode_record(value: dict[str, Any]) -> Any:
    cls = _class(value["class"])
    if not dataclasses.is_dataclass(cls):
        raise InputError(f"{value['class']} is no record.")
    known = {f.name: f for f in dataclasses.fields(cls) if f.init}
    unknown = set(value["fields"]) - set(known)
    if unknown:
        raise InputError(f"{cls.__name__} of another version: it has fields {sorted(unknown)} that this one lacks.")
    fields = {name: decode(v) for name, v in value["fields"].items()}
    # what was live when it was written has no value here, and needs one where there is no default
    for name, f in known.items():
        if not f.metadata.get("stored", True) and f.default is f.default_factory is dataclasses.MISSING:
            fields.setdefault(name, None)
    try:
        return cls(**fields)
    except TypeError as error:
        raise InputError(f"{cls.__name__} of another version: {error}.") from error


_DECODERS: dict[Any, Callable[[dict[str, Any]], Any]] = {
    "float": lambda v: float(v["value"]),
    "complex": lambda v: complex(decode(v["value"][0]), decode(v["value"][1])),
    "array": _decode_array,
    "tableau": _decode_tableau,
    "enum": lambda v: _class(v["class"])[v["name"]],  # type: ignore[index]
    "record": _decode_record,
    "tuple": lambda v: tuple(decode(x) for x in v["value"]),
    "set": lambda v: {decode(x) for x in v["value"]},
    "frozenset": lambda v: frozenset(decode(x) for x in v["value"]),
    "dict": lambda v: {decode(k): decode(x) for k, x in v["value"]},
}


class Written(Shown):
    """A record whose fields are all that it is: written down whole and read back."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python values, ready for JSON."""
        return {"schema_version": 1, "record": encode(self)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Return the record that :meth:`to_dict` wrote.

        Raises:
            InputError: if ``data`` holds no record of this kind.
        """
        found = decode(data["record"]) if "record" in data else None
        if not isinstance(found, cls):
            raise InputError(f"{cls.__name__}.from_dict needs what {cls.__name__}.to_dict wrote.")
        return found
