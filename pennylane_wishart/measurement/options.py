"""What may be asked of ``measure``, ``quote`` and ``find_minima``: one frozen record each, made once at the door."""

from __future__ import annotations

import os
from concurrent.futures import Executor
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

import numpy as np

from pennylane_wishart.circuit.angles import AngleLaw
from pennylane_wishart.errors import InputError
from pennylane_wishart.measurement.store.store_file import StoreFile, store_file

__all__ = ["MeasureOptions", "QuoteOptions", "SearchOptions", "count"]

Seed: TypeAlias = "int | np.random.Generator | np.random.SeedSequence | None"
Store: TypeAlias = "str | os.PathLike[str] | StoreFile | None"


@dataclass(frozen=True, eq=False)
class MeasureOptions:
    """Options of ``measure``.

    samples: number of angle sets.
    seed: non-negative integer, None or a Generator.
    device: None (the QNode's own), a name, a device, or a zero-argument factory. Records of two devices are
        kept apart by everything that decides their numbers, not by name (:class:`DeviceIdentity`).
    shots: per circuit; None: analytic where the device can be.
    executor: None, a concurrent.futures executor (``process_pool`` makes one that is ready) or a
        Dask client (``Client("tcp://…")`` of a ``dask scheduler`` with ``dask worker`` processes);
        never shut down here.
    store: path of a journal (or an SQLite URI of a file); an interrupted run resumes and pays only for
        what is missing. A finished one may lie on read-only media.
    progress: True, False, or None (a bar only where someone is watching).
    angles: law of the angles, as :meth:`AngleLaw.resolve` takes it.
    parameters: gradient components: None (all; where each is paid for by circuits of its own, those that are
        not proved dead), "all" (dead ones too), an int (that many random ones per sample), or flat indices;
        0 or [] measures losses only.
    hessian: also measure all second derivatives between the measured components: on exact routes 2 gradients a
        gate, else about 4 circuits a pair of gates (``pw.quote`` counts them).
    argnums, output, encoding: as for ``pw.normal_form``.
    budget: total shots, split between angle sets and shots per circuit so that the variance of
        the gradient is estimated most sharply; replaces ``samples`` and ``shots``.
    variance: with ``budget``: the gradient variance expected, where no pilot can be simulated.
    route: one of the names in ``ROUTES``; None: the fastest that works.
    retries, backoff, timeout: tries after a failed device call, seconds before the first (doubled
        each time), and seconds that one call may take.
    chunk: samples per job; never changes the numbers.
    check: measure one known qubit first on a device that is not PennyLane's own, again at intervals
        (``pw.quote`` counts them) and at the end. If it fails, the samples since the last good check are
        set aside: not in ``.partial`` but in ``.suspect``, marked in the store, measured again next time.
    first: number of the first sample: continue a plan where another left off.
    datum: which datum, where the call has a batch of inputs.
    """

    samples: int = 500
    seed: Seed = 7
    device: Any = None
    shots: int | None = None
    executor: Executor | Any = None
    store: Store = None
    progress: bool | None = None
    angles: str | AngleLaw | Any = "uniform"
    parameters: Any = None
    hessian: bool = False
    argnums: Any = None
    output: Any = None
    budget: int | None = None
    variance: float | None = None
    route: str | None = None
    retries: int = 2
    backoff: float = 0.5
    timeout: float | None = None
    chunk: int | None = None
    check: bool = True
    first: int = 0
    encoding: str = "fixed"
    datum: int = 0

    @property
    def file(self) -> StoreFile | None:
        """The checked ``store=``."""
        return None if self.store is None else store_file(self.store)

    @property
    def settings(self) -> dict[str, Any]:
        """The options that decide what is kept of a sample, besides the plan."""
        return {"hessian": True} if self.hessian else {}


@dataclass(frozen=True, eq=False)
class SearchOptions:
    """Options of ``find_minima``.

    starts: number of descents; start i depends on (seed, i) alone.
    angles: law of the starts.
    tolerance: largest gradient component at which a descent has converged.
    max_iterations: iterations of one descent.
    hessian: whether to compute the Hessian's spectrum at each end (2 gradients a gate and start).
    same: parameter distance, radians modulo the period, within which two end points are one.
    store: path of a journal; an interrupted search resumes and pays only for missing starts.
    seed, device, executor, progress, argnums, output, route, retries, backoff, timeout, encoding,
        datum: as for :func:`measure`.
    """

    starts: int = 52
    seed: Seed = 7
    device: Any = None
    executor: Executor | Any = None
    store: Store = None
    progress: bool | None = None
    angles: str | AngleLaw | Any = "uniform"
    argnums: Any = None
    output: Any = None
    tolerance: float = 1e-7
    max_iterations: int = 2000
    hessian: bool = True
    same: float = 1e-3
    route: str | None = None
    retries: int = 2
    backoff: float = 0.5
    timeout: float | None = None
    encoding: str = "fixed"
    datum: int = 0

    def check(self) -> None:
        """Refuse what no search could be made with.

        Raises:
            InputError: naming the option.
        """
        count("starts", self.starts, 1)
        count("max_iterations", self.max_iterations, 1)
        if not (self.tolerance > 0 and self.same > 0):
            raise InputError(f"tolerance and same must be positive; got {self.tolerance} and {self.same}.")

    @property
    def settings(self) -> dict[str, Any]:
        """The options that decide where descents end."""
        # with the layout of an end in a journal: an earlier one had no spectrum
        return {name: getattr(self, name) for name in ("tolerance", "max_iterations", "hessian")} | {"layout": 2}

    @property
    def measuring(self) -> MeasureOptions:
        """The same as options of a measurement: starts are samples, and there are no shots."""
        return MeasureOptions(samples=self.starts, **_shared(self) | {"hessian": False})


@dataclass(frozen=True, eq=False)
class QuoteOptions:
    """Options of ``quote``: those of :func:`measure` that change what it costs, with ``shots=1000`` unless told."""

    samples: int = 500
    shots: int | None = 1000
    seed: Seed = 7
    device: Any = None
    angles: str | AngleLaw | Any = "uniform"
    parameters: Any = None
    hessian: bool = False
    argnums: Any = None
    output: Any = None
    budget: int | None = None
    variance: float | None = None
    route: str | None = None
    check: bool = True
    encoding: str = "fixed"
    datum: int = 0

    @property
    def measuring(self) -> MeasureOptions:
        """The same as options of a measurement; nothing is run, so that nothing is tried again."""
        return MeasureOptions(retries=0, backoff=0.0, **_shared(self))


def _shared(options: SearchOptions | QuoteOptions) -> dict[str, Any]:
    """The options that a measurement has under the same name."""
    # By name: an option that both know means the same in both.
    names = {f.name for f in fields(MeasureOptions)} & {f.name for f in fields(options)}
    return {name: getattr(options, name) for name in names}


def count(name: str, value: Any, least: int) -> int:
    """Return an integer option, or refuse it by its name."""
    # True is an int to Python, and to nobody who writes samples=True.
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise InputError(f"{name} needs an integer >= {least}; got {value!r}.")
    return int(value)
