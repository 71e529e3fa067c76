"""What the two records share: named columns of numbers, checked once, and plain data there and back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import numpy as np

from pennylane_wishart.conventions import measurement as limits
from pennylane_wishart.conventions.arrays import Array
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.errors import InputError
from pennylane_wishart.measurement.identity.devices import DeviceIdentity

__all__ = ["Column", "ColumnRecord"]

_Record = TypeVar("_Record", bound="ColumnRecord")


@dataclass(frozen=True)
class Column:
    """One array of a record: what runs along it, its numbers, and their unit."""

    dims: tuple[str, ...]
    unit: str
    kind: type = float
    may_lack: bool = False
    """Whether single values may be missing (NaN; None as plain data)."""
    optional: bool = False
    """Whether a record may be without it (None)."""


class ColumnRecord(Shown, ABC):
    """A record of columns, with the device and the routes that they came from."""

    columns: ClassVar[dict[str, Column]]
    device: str
    routes: tuple[str, ...]
    route_note: str
    identity: DeviceIdentity | None

    @property
    def route(self) -> str:
        """Every route that gave numbers, as one text."""
        return " + ".join(self.routes)

    @property
    def device_identity(self) -> DeviceIdentity:
        """What decides the device's numbers; of a record that was made without, an identity that equals no other."""
        assert self.identity is not None  # filled in when the record is made
        return self.identity

    @property
    def held(self) -> dict[str, Column]:
        """The columns that this record has: all that are not optional, and the others where they were measured."""
        return {k: c for k, c in self.columns.items() if not c.optional or getattr(self, k) is not None}

    def _check_columns(self, **lengths: int) -> None:
        """Turn every column into an array of its kind and refuse wrong shapes and missing values."""
        if self.identity is None:
            object.__setattr__(self, "identity", DeviceIdentity.unknown(self.device))
        kind = type(self).__name__
        for name, column in self.held.items():
            value: Array = np.asarray(getattr(self, name), column.kind)
            shape = tuple(lengths[dim] for dim in column.dims)
            if value.shape != shape:
                raise InputError(f"{kind}.{name} needs shape {shape}; got {value.shape}.")
            if not column.may_lack and not np.all(np.isfinite(value)):
                raise InputError(f"{kind}.{name} holds values that are not finite.")
            # The record is frozen, and this is its making: readers may count on arrays of one kind.
            object.__setattr__(self, name, value)

    # ------------------------------------------------------------------ plain data
    def header(self) -> dict[str, Any]:
        """Return everything but the arrays, as plain data."""
        return {
            "schema_version": limits.RECORD_SCHEMA,
            "kind": type(self).__name__,
            "device": self.device,
            "route": self.route,
            "routes": list(self.routes),
            "route_note": self.route_note,
            "identity": self.device_identity.to_dict(),
            **self._own_header(),
        }

    @abstractmethod
    def _own_header(self) -> dict[str, Any]:
        """What only this kind of record has."""

    @classmethod
    @abstractmethod
    def _fields_of(cls, header: Mapping[str, Any]) -> dict[str, Any]:
        """Read what :meth:`_own_header` wrote."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that JSON can hold; what was not measured is None."""
        arrays = {name: getattr(self, name).tolist() for name in self.held}
        return {**self.header(), **{k: _nullable(v) if self.columns[k].may_lack else v for k, v in arrays.items()}}

    @classmethod
    def from_dict(cls: type[_Record], data: Mapping[str, Any]) -> _Record:
        """Rebuild a record written by :meth:`to_dict`."""
        known = (limits.FIRST_SCHEMA, limits.RECORD_SCHEMA)
        if data.get("kind") != cls.__name__ or data.get("schema_version") not in known:
            raise InputError(
                f"This is {data.get('kind')!r} of schema {data.get('schema_version')!r}; "
                f"{cls.__name__}.from_dict reads schema {limits.RECORD_SCHEMA} of {cls.__name__!r}."
            )
        held = {k: c for k, c in cls.columns.items() if not c.optional or data.get(k) is not None}
        arrays: dict[str, Array] = {k: np.array(data[k], c.kind) for k, c in held.items()}
        rows = len(arrays["losses"])
        for name, column in held.items():
            if len(column.dims) == 3:  # a table file has one row a sample
                width = int(np.sqrt(arrays[name].size // max(rows, 1)))
                arrays[name] = arrays[name].reshape(rows, width, width)
            elif len(column.dims) == 2 and arrays[name].size == 0:
                # A list of empty rows does not tell how long they are.
                arrays[name] = arrays[name].reshape(rows, -1 if rows else 0)
        # Records of before kept the text of the routes alone.
        routes = data.get("routes") or data["route"].split(" + ")
        given = {"device": data["device"], "routes": tuple(routes), "route_note": data["route_note"]}
        return cls(**arrays, **given, **cls._fields_of(data), **{"identity": DeviceIdentity.of_record(data)})


def _nullable(values: Any) -> Any:
    if isinstance(values, list):
        return [_nullable(v) for v in values]
    return values if np.isfinite(values) else None
