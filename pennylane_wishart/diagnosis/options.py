"""What may be asked of ``pw.diagnose``: one frozen record, made once at the door."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from pennylane_wishart.circuit import AngleLaw, Which
from pennylane_wishart.conventions import diagnosis as limits
from pennylane_wishart.conventions import levels
from pennylane_wishart.conventions import outlook as outlook_limits
from pennylane_wishart.diagnosis.checks import Thresholds
from pennylane_wishart.errors import InputError
from pennylane_wishart.outlook import OutlookOptions, RemedyOptions

__all__ = ["DiagnoseOptions", "options_of"]

_NUMBERS = ("shots", "minima_tolerance", "tolerance", "descent_budget", "remedy_budget")
_OPTIONS = "__wishart_options__"


def options_of(qnode: Any) -> dict[str, Any]:
    """Return the options that a decorator left on a QNode."""
    return dict(getattr(getattr(qnode, "func", None), _OPTIONS, {}))


@dataclass(frozen=True, kw_only=True)
class DiagnoseOptions:
    """Options of :func:`diagnose`, whose docstring says what each means."""

    samples: int = limits.SAMPLES
    seed: int = 7
    shots: float | None = None
    minima_tolerance: float = levels.TRAP_TOLERANCE
    tolerance: float | None = None
    sense: str = "min"
    starts: int = outlook_limits.STARTS
    descent_budget: float = outlook_limits.BUDGET
    remedy_budget: float | None = None
    at: Any = None
    angles: str | AngleLaw | Any = "uniform"
    family: Callable[..., Any] | None = None
    sizes: Sequence[int] | None = None
    family_args: Callable[..., Any] | None = None
    run: bool = True
    device: Any = None
    executor: Any = None
    store: Any = None
    progress: bool | None = None
    argnums: Any = None
    output: Which = None
    encoding: str = "fixed"
    noise: Any = None

    def check(self) -> None:
        """Refuse at the door what would otherwise fail after minutes.

        Raises:
            InputError: naming the option.
        """
        for name in _NUMBERS:
            value = getattr(self, name)
            if value is not None and not isinstance(value, Real):
                raise InputError(f"{name} needs a number; got {value!r}.")
        if not isinstance(self.run, (bool, np.bool_)):
            raise InputError(f"run needs True or False; got {self.run!r}.")
        _ = self.thresholds, self.descents, self.remedies  # checked when made
        seed = self.seed
        if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool) or seed < 0:
            raise InputError(f"seed needs a non-negative integer; got {seed!r}.")
        if self.family is None and not (self.sizes is None and self.family_args is None):
            raise InputError("sizes and family_args are those of a family: give family=make_qnode as well.")
        if self.family is not None:
            for name, value in (("family", self.family), ("family_args", self.family_args)):
                if not callable(value):
                    raise InputError(
                        f"{name} must be a function of n: family(n) returns a QNode and family_args(n) its arguments; "
                        f"got {value!r}."
                    )

    @property
    def thresholds(self) -> Thresholds:
        """The limits of the checks.

        Raises:
            InputError: for a limit that is no positive number.
        """
        return Thresholds(self.shots, self.minima_tolerance, self.tolerance)

    @property
    def descents(self) -> OutlookOptions:
        """Options of the outlook.

        Raises:
            InputError: as :class:`OutlookOptions`.
        """
        return OutlookOptions(
            starts=self.starts,
            descent_budget=self.descent_budget,
            tolerance=self.tolerance,
            sense=self.sense,
            relative=self.minima_tolerance,
            how=self._how,
        )

    @property
    def remedies(self) -> RemedyOptions:
        """Options of the changes that are tried.

        Raises:
            InputError: as :class:`RemedyOptions`.
        """
        return RemedyOptions(self.remedy_budget, self.sense, self._how)

    @property
    def _how(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("executor", "store", "progress")}

    @property
    def reading(self) -> dict[str, Any]:
        """Options of :func:`normal_form`."""
        return {name: getattr(self, name) for name in ("argnums", "output", "encoding", "noise")}

    @property
    def measuring(self) -> dict[str, Any]:
        """Options of :func:`measure`, but for its angles."""
        names = ("samples", "seed", "device")
        return {name: getattr(self, name) for name in names} | self._how
