"""What a check is: one judged number with its limit, its words and its advice."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pennylane_wishart.comparison import Comparison
from pennylane_wishart.conventions import CheckId, levels
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.diagnosis.words import number
from pennylane_wishart.errors import InputError
from pennylane_wishart.outlook import DescentOutlook
from pennylane_wishart.prediction import Prediction

__all__ = ["Case", "Check", "CheckKind", "Side", "Thresholds", "Verdict"]


class Verdict(enum.Enum):
    """The answer; the value is how the report words it."""

    TRAINABLE = "trainable"
    WARNING = "trainable, with warnings"
    NOT_TRAINABLE = "not trainable"
    CANNOT_TELL = "cannot tell"


class Side(enum.Enum):
    """What a judged number is; the value is put before it."""

    VALUE = ""
    AT_LEAST = "at least "
    AT_MOST = "at most "


@dataclass(frozen=True)
class Thresholds(Shown):
    """What counts as trainable; printed with every verdict."""

    shots: float | None = None
    """Shots per gradient component that one is ready to spend for signal-to-noise 1; None: gradients are exact."""
    minima_tolerance: float = levels.TRAP_TOLERANCE
    """Ends of descents may lie this far above the best, and the best above the ground, as parts of the scale."""
    tolerance: float | None = None
    """The same in the observable's units, where it was given."""

    def __post_init__(self) -> None:
        for name in ("shots", "minima_tolerance", "tolerance"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise InputError(f"{name} must be a positive number; got {value!r}.")


@dataclass(frozen=True, eq=False)
class Case:
    """All that a check may look at."""

    prediction: Prediction
    comparison: Comparison | None
    limits: Thresholds
    descent: DescentOutlook | None = None


@dataclass(frozen=True)
class Check(Shown):
    """One judged number, with every word that is said of it."""

    id: CheckId
    name: str
    """What is judged, as rows of the report are labelled."""
    value: float
    threshold: float
    passed: bool | None
    """None where it could not be assessed."""
    advice: str
    """What to do where it failed; why it was not assessed where it was not."""
    fatal: bool = False
    """Whether failing it means not trainable rather than a warning."""
    remark: bool = False
    """A question of its own, said beside the verdict and never part of it."""
    side: Side = Side.VALUE
    """Whether ``value`` is the number or a bound on it."""
    wanted: str = ""
    """The limit in words."""
    definition: str = ""
    """What the number is, in the report."""
    failing: str = ""
    """The reason that the verdict gives where this failed."""
    passing: str = ""
    """What the verdict says where all is well; nothing for most."""
    open: str = ""
    """What the verdict says where this keeps it open."""
    shown: str = ""
    """The value in words where it is no number: "yes", "NO"."""
    written: str = ""
    """The value as a reader wants it, where four digits are not: "0.0%"."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python values: what was judged, not the words of the report."""
        return {
            "id": str(self.id),
            "name": self.name,
            "value": self.value,
            "threshold": self.threshold,
            "passed": self.passed,
            "advice": self.advice,
            "fatal": self.fatal,
            "remark": self.remark,
            "side": self.side.name,
        }

    @property
    def verdict(self) -> str:
        """How it went, in a word."""
        if self.passed is None:
            return "not assessed"
        return "pass" if self.passed else "FAIL" if self.fatal else "remark" if self.remark else "warning"

    @property
    def alarm(self) -> str:
        """The word of ``row`` that says that it failed; nothing where it did not."""
        return "" if self.passed is not False else self.shown or (self.verdict if self.fatal else "")

    @property
    def row(self) -> str:
        """How it went, with the number beside its limit."""
        if self.shown:
            return self.shown
        if not math.isfinite(self.value):
            return self.verdict
        limit = self.wanted if math.isinf(self.threshold) else f"wanted {self.wanted}"
        return f"{self.verdict}: {self.side.value}{self.written or number(self.value)}, {limit}"


@dataclass(frozen=True)
class CheckKind:
    """A check of every diagnosis: a file of this folder makes one, named ``CHECK``."""

    place: int
    """Where it stands in the report; a reason given first weighs most."""
    judge: Callable[[Case], Check | None]
    """Judges one diagnosis; None where there is nothing to judge."""
