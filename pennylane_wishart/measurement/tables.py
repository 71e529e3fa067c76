"""The numbers of one chunk of rows, how they lie in a journal, and the table that all chunks fill."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import numpy as np

from pennylane_wishart.conventions.arrays import Array, Bools, Floats, Integers

__all__ = ["BENT_ROWS", "ENDS", "ROWS", "Ends", "Layout", "Rows", "Table", "masked", "wanted_of"]

_Chunk = TypeVar("_Chunk", "Rows", "Ends")


@dataclass(frozen=True, eq=False)
class Rows:
    """Numbers of consecutive samples."""

    losses: Floats
    gradients: Floats
    gradient_error: Floats
    shot_variance: Floats
    jobs: tuple[str, ...] = ()
    """Provider's ids of the jobs that these numbers came from, where the device shows them."""
    hessians: Floats | None = None
    """``(samples, n_params, n_params)``; None where not asked for."""
    hessian_error: Floats | None = None


def wanted_of(angles: Floats, measured: Bools | None) -> Bools:
    """Return which parameters some row measures, bool ``(n_params,)``."""
    return np.ones(angles.shape[1], bool) if measured is None else np.asarray(measured.any(axis=0), bool)


def masked(rows: Rows, measured: Bools | None) -> Rows:
    """Return exact rows without what was not asked for: it came all at once, and on hardware would not have."""
    bent, error = rows.hessians, None if rows.hessians is None else np.zeros_like(rows.hessians)
    if measured is None:
        return replace(rows, hessian_error=error)
    gradients, errors = (np.where(measured, x, np.nan) for x in (rows.gradients, rows.gradient_error))
    if bent is not None and error is not None:
        bent, error = (np.where(measured[:, :, None] & measured[:, None], x, np.nan) for x in (bent, error))
    return replace(rows, gradients=gradients, gradient_error=errors, hessians=bent, hessian_error=error)


@dataclass(frozen=True, eq=False)
class Ends:
    """End points of consecutive descents."""

    losses: Floats
    parameters: Floats
    gradient_norm: Floats
    hessian_min: Floats
    hessian_zeros: Integers
    hessian_spectrum: Floats
    evaluations: Integers


@dataclass(frozen=True)
class Layout(Generic[_Chunk]):
    """How one row lies in a journal: single numbers, then one of each kind for every parameter, then for every pair.

    All are float64.
    """

    chunk: type[_Chunk]
    single: tuple[str, ...]
    by_parameter: tuple[str, ...]
    counts: tuple[str, ...] = ()
    """Those of the single numbers that are integers."""
    by_pair: tuple[str, ...] = ()

    def width(self, n_params: int) -> int:
        """Number of float64."""
        return len(self.single) + n_params * (len(self.by_parameter) + n_params * len(self.by_pair))

    def pack(self, rows: _Chunk, k: int) -> Floats:
        """Return the numbers of row k of a chunk."""
        single = [float(getattr(rows, name)[k]) for name in self.single]
        return np.concatenate(
            [single, *(getattr(rows, name)[k].ravel() for name in (*self.by_parameter, *self.by_pair))]
        )

    def unpack(self, numbers: Floats, n_params: int) -> _Chunk:
        """Return one row as a chunk of its own."""
        # Views of the row: nothing is copied until it is put into the table.
        found: dict[str, Any] = {name: numbers[k : k + 1] for k, name in enumerate(self.single)}
        found |= {name: found[name].astype(int) for name in self.counts}
        wide, pairs = np.split(numbers[len(self.single) :], [n_params * len(self.by_parameter)])
        found |= dict(zip(self.by_parameter, wide.reshape(len(self.by_parameter), 1, n_params), strict=True))
        found |= dict(zip(self.by_pair, pairs.reshape(len(self.by_pair), 1, n_params, n_params), strict=True))
        return self.chunk(**found)


ROWS = Layout(Rows, ("losses", "shot_variance"), ("gradients", "gradient_error"))
BENT_ROWS = replace(ROWS, by_pair=("hessians", "hessian_error"))
"""Of a measurement of second derivatives."""
ENDS = Layout(
    Ends,
    ("losses", "gradient_norm", "hessian_min", "hessian_zeros", "evaluations"),
    ("parameters", "hessian_spectrum"),
    ("hessian_zeros", "evaluations"),
)


class Table:
    """The numbers of a whole plan ``(samples, n_params)``, filled as chunks come back."""

    def __init__(self, layout: Layout[Any], shape: tuple[int, int]) -> None:
        self.layout, self.shape = layout, shape
        self.done = np.zeros(shape[0], bool)
        self._columns: dict[str, Array] = {name: np.full(shape[0], np.nan) for name in layout.single}
        # Integers have no NaN: ``done`` tells which rows hold something.
        self._columns |= {name: np.zeros(shape[0], int) for name in layout.counts}
        self._columns |= {name: np.full(shape, np.nan) for name in layout.by_parameter}
        self._columns |= {name: np.full((*shape, shape[1]), np.nan) for name in layout.by_pair}

    def __getitem__(self, name: str) -> Array:
        return self._columns[name]

    def at(self, rows: Integers) -> dict[str, Any]:
        """Return every column at some rows."""
        return {name: column[rows] for name, column in self._columns.items()}

    def put(self, index: Integers, rows: Rows | Ends) -> None:
        """Store the rows of one chunk."""
        for name, column in self._columns.items():
            column[index] = getattr(rows, name)
        self.done[index] = True
