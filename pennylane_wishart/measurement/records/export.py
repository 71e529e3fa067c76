"""Records as files that other tools read: netCDF (SciPy alone) and Parquet (extra ``parquet``).

Both keep every bit of every number, and carry what was measured, where and how as attributes.
A file is written beside its place and moved there, so that an interrupted export leaves none.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np

from pennylane_wishart.conventions.arrays import Array
from pennylane_wishart.errors import InputError, StoreError
from pennylane_wishart.measurement.records.columns import ColumnRecord

__all__ = ["ExportableRecord"]

_Record = TypeVar("_Record", bound="ExportableRecord")
Path_: TypeAlias = "str | os.PathLike[str]"
_HEADER = "pennylane_wishart"
"""Attribute that holds everything but the arrays, as JSON."""


class ExportableRecord(ColumnRecord):
    """A record that other tools can read."""

    def to_netcdf(self, path: Path_) -> Path:
        """Write a netCDF file (classic format, 64-bit offsets; nothing to install).

        Args:
            path: of the file; replaced where it exists.
        Returns:
            The path written.
        Raises:
            StoreError: if the file cannot be written.
        Example:
            >>> import tempfile
            >>> import pennylane as qml
            >>> from pennylane import numpy as np
            >>> from pennylane_wishart.measurement import Measurement, measure
            >>> @qml.qnode(qml.device("lightning.qubit", wires=1))
            ... def f(x):
            ...     qml.RX(x, 0)
            ...     return qml.expval(qml.Z(0))
            >>> data = measure(f, samples=5)(np.array(0.1))
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     path = data.to_netcdf(folder + "/data.nc")
            ...     back = Measurement.from_netcdf(path)
            >>> bool((back.gradients == data.gradients).all()), back.content_hash == data.content_hash
            (True, True)
        """
        from scipy.io import netcdf_file

        with _written(path) as draft, netcdf_file(str(draft), "w", version=2) as file:
            for name, column in self.held.items():
                value = getattr(self, name)
                if value.size == 0:
                    # A dimension of length 0 means something else in this format.
                    continue
                for dim, length in zip(column.dims, value.shape, strict=True):
                    if dim not in file.dimensions:
                        file.createDimension(dim, length)
                variable = file.createVariable(name, "d" if column.kind is float else "i", column.dims)
                variable[:] = value
                variable.units = column.unit
            for key, text in _attributes(self.header()).items():
                setattr(file, key, text.encode())
        return Path(path)

    @classmethod
    def from_netcdf(cls: type[_Record], path: Path_) -> _Record:
        """Read a file written by :meth:`to_netcdf`, bit for bit.

        Raises:
            StoreError: if the file is missing, damaged or of another kind.
        """
        from scipy.io import netcdf_file

        with _readable(path, "netCDF"):
            with netcdf_file(str(path), "r", mmap=False) as file:
                header = json.loads(getattr(file, _HEADER).decode())
                arrays = {name: np.array(v[:]) for name, v in file.variables.items()}
        return _joined(cls, header, arrays, path)

    def to_parquet(self, path: Path_) -> Path:
        """Write a Parquet file: one row for each sample or start (extra ``parquet``).

        Args:
            path: of the file; replaced where it exists.
        Returns:
            The path written.
        Raises:
            InputError: if pyarrow is not installed.
            StoreError: if the file cannot be written.
        """
        arrow, parquet = _arrow()
        header, fields, columns = self.header(), [], []
        for name, column in self.held.items():
            value = getattr(self, name)
            if column.dims == ("parameter",):
                # One row is one sample: what runs along the parameters alone has no place among them.
                header[name] = value.tolist()
            elif value.size:
                written = arrow.array(value.reshape(-1))
                if value.ndim > 1:
                    written = arrow.FixedSizeListArray.from_arrays(written, value[0].size)
                fields.append(arrow.field(name, written.type, metadata={"units": column.unit}))
                columns.append(written)
        schema = arrow.schema(fields, metadata=_attributes(header))
        with _written(path) as draft:
            parquet.write_table(arrow.Table.from_arrays(columns, schema=schema), str(draft))
        return Path(path)

    @classmethod
    def from_parquet(cls: type[_Record], path: Path_) -> _Record:
        """Read a file written by :meth:`to_parquet`, bit for bit.

        Raises:
            InputError: if pyarrow is not installed.
            StoreError: if the file is missing, damaged or of another kind.
        """
        arrow, parquet = _arrow()
        with _readable(path, "Parquet"):
            table = parquet.read_table(str(path))
            header = json.loads(table.schema.metadata[_HEADER.encode()])
            arrays = {}
            for name in table.column_names:
                column = table.column(name).combine_chunks()
                nested = arrow.types.is_fixed_size_list(column.type)
                flat = (column.flatten() if nested else column).to_numpy(zero_copy_only=False)
                arrays[name] = flat.reshape(len(column), -1) if nested else flat
        return _joined(cls, header, arrays, path)


def _attributes(header: dict[str, Any]) -> dict[str, str]:
    """Return what a reader without this package wants to see, and the whole header."""
    plan = header.get("plan", {})
    # What a reader of the file alone would ask first; everything, for this package, is in the header.
    shown = {
        "kind": header["kind"],
        "device": header["device"],
        "route": header["route"],
        "seed": json.dumps([r[0] for r in plan["ranges"]] if plan else [header["seed"]]),
        "shots": json.dumps(plan.get("shots")),
        "angle_law": plan.get("law", header.get("law", {})).get("name", ""),
        "content_hash": plan.get("content_hash", ""),
        "circuit_hash": plan.get("circuit_hash", header.get("circuit_hash", "")),
        "created_by": f"pennylane_wishart {version('pennylane-wishart')}",
    }
    return {**{k: str(v) or "-" for k, v in shown.items()}, _HEADER: json.dumps(header)}


def _joined(cls: type[_Record], header: dict[str, Any], arrays: dict[str, Array], path: Path_) -> _Record:
    """Build the record of a header and arrays, telling a file of the other kind."""
    kind = header.get("kind")
    if kind != cls.__name__:
        raise StoreError(f"{str(path)!r} holds a {kind}; read it with {kind}.from_netcdf or .from_parquet.")
    data = dict(header)
    for name, column in cls.columns.items():
        if name in arrays:
            data[name] = arrays[name]
        elif name not in data and not column.optional:
            # Arrays without a number in them are not in the file: neither format knows a length of 0.
            data[name] = np.zeros((len(arrays["losses"]), 0) if len(column.dims) == 2 else (0,), column.kind)
    try:
        return cls.from_dict(data)
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(f"{str(path)!r} is incomplete or damaged ({error}); export it again.") from error


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise InputError(
            "Parquet needs pyarrow: pip install 'pennylane-wishart[parquet]'; to_netcdf needs nothing extra."
        ) from error
    return pyarrow, pyarrow.parquet


@contextlib.contextmanager
def _written(path: Path_) -> Iterator[Path]:
    """Yield a draft beside ``path`` and move it there once it is whole."""
    path = Path(path)
    # The name holds the process: two that export to one place do not write into one draft.
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    try:
        yield draft
        os.replace(draft, path)
    except OSError as error:
        raise StoreError(
            f"{str(path)!r} cannot be written ({error}); see that its folder exists, may be written and has space."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


@contextlib.contextmanager
def _readable(path: Path_, form: str) -> Iterator[None]:
    """Turn whatever goes wrong while reading into one clear error."""
    if not Path(path).is_file():
        raise StoreError(f"{str(path)!r} does not exist or is no file.")
    try:
        yield
    except Exception as error:  # damaged bytes make the readers fail in every way there is
        raise StoreError(
            f"{str(path)!r} is no {form} file written by this package, or is damaged ({type(error).__name__}: {error})."
        ) from error
