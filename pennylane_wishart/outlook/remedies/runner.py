"""Tries changes of a circuit by descents: which of them help, and by how much.

Every change is descended from a few random starts; the best few then from fresh ones, whose ends are what
is reported: the best of several looks better than it is. Changes of at most 1.5 times the parameters come
first, the likeliest before all others, until one takes every start to the ground; larger ones are tried only where
none of those removes the trouble.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pennylane_wishart.circuit import RotationCircuit, Script, TracedCircuit, normal_form
from pennylane_wishart.conventions import Change, Evidence, Reason, ReasonCode, levels
from pennylane_wishart.conventions import outlook as limits
from pennylane_wishart.errors import InputError, WishartError
from pennylane_wishart.outlook.descents import Descents, descend, estimated_seconds
from pennylane_wishart.outlook.ends import median_interval
from pennylane_wishart.outlook.ground import lowest_eigenvalue
from pennylane_wishart.outlook.outlook import minimising
from pennylane_wishart.outlook.record import DescentOutlook
from pennylane_wishart.outlook.remedies.deletion import deletion_code, without
from pennylane_wishart.outlook.remedies.edits import Edit
from pennylane_wishart.outlook.remedies.pool import ROTATIONS, changes
from pennylane_wishart.outlook.remedies.record import Outcome, Remedy, Trials
from pennylane_wishart.prediction import Prediction

__all__ = ["RemedyOptions", "try_remedies"]


_Promise: TypeAlias = tuple[bool, float, int, float]


@dataclass(frozen=True)
class RemedyOptions:
    """What a user decides about remedies."""

    budget: float | None = None
    """Seconds, as estimated before; None: ``REMEDY_BUDGET`` to ``REMEDY_QUBITS`` qubits, nothing beyond."""
    sense: str = "min"
    how: dict[str, Any] = field(default_factory=dict)
    """``executor``, ``store``, ``progress`` of the descents."""

    def __post_init__(self) -> None:
        if self.budget is not None and not (np.isfinite(self.budget) and self.budget >= 0):
            raise InputError(f"remedy_budget needs seconds, 0 or more, or None; got {self.budget!r}.")


def try_remedies(prediction: Prediction, outlook: DescentOutlook | None, options: RemedyOptions) -> Trials:
    """Try what may help a circuit whose descents end in traps or above the ground of its observable.

    Args:
        prediction: of the circuit; its dead parameters are those that can be deleted.
        outlook: where its descents end; None where no parameter moves the loss.
        options: budget, sense, how to run descents.
    Returns:
        :class:`Trials`; without trouble only what can be saved, and no descent is run.
    Cost: 8 descents a change and 16 of the best few, within the budget.
    Source: ours, after trials of such changes on 23 circuits: ranked by descents, because the size of
        gradients does not tell (rank correlation −0.07).
    """
    trouble = _Trouble.of(prediction, outlook, options)
    if isinstance(trouble, Reason):
        return Trials(reason=trouble)
    found: list[Remedy] = [] if not trouble.is_one else trouble.restarts()
    reason = None
    if trouble.is_one:
        tried, reason = trouble.tried(options)
        found += tried
    found.sort(key=trouble.rank)
    helpful = tuple(r for r in found if trouble.helps(r))
    return Trials((*helpful, *trouble.saving()), tuple(r for r in found if not trouble.helps(r)), reason)


@dataclass(frozen=True, eq=False)
class _Trouble:
    """A circuit that minimises, and the height of its descents above the ground."""

    prediction: Prediction
    circuit: RotationCircuit
    trace: TracedCircuit
    ends: NDArray[np.float64]
    """Of the circuit as it came, of the loss that minimises; one value where it was proved, or is constant."""
    ground: float
    scale: float
    tolerance: float
    sign: float
    each: float
    """Gradients that a descent of it takes in the mean."""
    breaks_nothing: bool
    """Whether rotations of single qubits break no symmetry that holds the ground."""
    is_held: bool
    """Whether no angle at all can reach the ground: another input may."""

    @classmethod
    def of(cls, prediction: Prediction, outlook: DescentOutlook | None, options: RemedyOptions) -> _Trouble | Reason:
        turned = minimising(prediction.circuit, options.sense)
        trace, sign = turned.trace, -1.0 if options.sense == "max" else 1.0
        if trace is None or trace.data_gates or (turned.random_of >= 0).any():
            return Reason(ReasonCode.UNSUPPORTED, "no changes are tried: there is no one circuit to change.")
        if turned.channels:
            return Reason(ReasonCode.NOISE, "no changes are tried: the circuit has noise, which a change would change.")
        if outlook is not None and not np.isfinite(outlook.best):
            return Reason(ReasonCode.NO_DATA, f"no changes are tried: {outlook.reason}")
        if outlook is None:  # a constant loss: its value is what every descent ends at
            ground, ends = lowest_eigenvalue(turned.observable), np.array([sign * prediction.moments.loss_mean])
            width = float(np.abs(turned.observable.coefficients).sum())
            gap = float(ends[0] - ground)
            scale = gap if gap > limits.REACHED_GAP * width else np.inf
            each, tolerance = limits.GRADIENTS_EACH, levels.TRAP_TOLERANCE
            return cls(prediction, turned, trace, ends, ground, scale, tolerance, sign, each, True, True)
        ends = sign * (outlook.ends if len(outlook.ends) else np.array([outlook.best]))
        ground = sign * (outlook.ground if np.isfinite(outlook.ground) else outlook.reachable_ground)
        free = outlook.is_held or not _keeps_a_symmetry(prediction)
        each = outlook.gradients_spent / len(outlook.ends) if len(outlook.ends) else limits.GRADIENTS_EACH
        scale, tolerance, held = outlook.scale, outlook.tolerance, outlook.is_held
        return cls(prediction, turned, trace, ends, ground, scale, tolerance, sign, each, free, held)

    @cached_property
    def script(self) -> Script:
        """The steps of the circuit."""
        return Script.read(self.trace)

    @property
    def is_one(self) -> bool:
        """Whether the median descent ends higher than the tolerance above the ground."""
        return self.before.height > self.tolerance

    @property
    def target(self) -> float:
        """The height at which a change has removed the trouble: no better one is sought."""
        return min(self.tolerance, limits.HALVED * self.before.height)

    @property
    def before(self) -> Outcome:
        """The circuit as it came."""
        return self._outcome(self.ends, self.circuit.n_params)

    def _outcome(self, ends: NDArray[np.float64], n_params: int) -> Outcome:
        return self._stated(float(np.median(ends)), *median_interval(ends), n_params, len(ends) if len(ends) > 1 else 0)

    def _stated(self, loss: float, low: float, high: float, n_params: int, descents: int) -> Outcome:
        heights = [float(x - self.ground) / self.scale for x in (loss, low, high)]
        signed = sorted(self.sign * float(x) for x in (low, high))
        return Outcome(
            self.sign * loss, (signed[0], signed[1]), heights[0], (heights[1], heights[2]), n_params, descents
        )

    # ------------------------------------------------------------------ what is free
    def restarts(self) -> list[Remedy]:
        """Keep the best of several starts, where they end at different levels."""
        found = self._best_of(self.ends, self.circuit.n_params)
        if found is None:
            return []
        starts, after = found
        return [Remedy(Change.RESTARTS, _best_of(starts), self.before, after, Evidence.DESCENTS, starts)]

    def _best_of(self, ends: NDArray[np.float64], n_params: int) -> tuple[int, Outcome] | None:
        """Return how many starts to keep the best of, and where that ends; None where it is no lower."""
        ends, n = np.sort(ends), len(ends)
        found = []
        for starts in limits.RESTARTS:
            # the median of the best of so many is a low quantile of the ends, bounded by an order statistic
            # that most trainings reach, not only every second one
            quantile, sure = (1 - missed ** (1 / starts) for missed in (0.5, limits.RESTARTS_MISSED))
            above = min(int(stats.binom.ppf(levels.UPPER_LIMIT, n, sure)), n - 1)
            found.append(self._stated(float(np.quantile(ends, quantile)), ends[0], ends[above], n_params, n))
        heights = [self._above(outcome.height_interval[1]) for outcome in found]
        k = int(np.argmin(heights))  # the first: more starts than that gain nothing
        return (limits.RESTARTS[k], found[k]) if heights[k] < self._above(self._outcome(ends, 1).height) else None

    def _above(self, height: float) -> float:
        """Return how many tolerances a height lies above the first: ends within one are as good as each other."""
        return max(0.0, height // self.tolerance)

    def saving(self) -> list[Remedy]:
        """Delete what cannot change the loss: descents are what they were."""
        dead = self.prediction.dead_parameters
        if not dead or len(dead) == self.circuit.n_params:
            return []
        before = self.before
        after = replace(before, n_params=before.n_params - len(dead), descents=0)
        words = f"delete {len(dead)} of {before.n_params} parameters with their gates: a saving, no descent changes"
        trace, code = without(self.script, dead).trace(), deletion_code(self.trace, dead)
        return [Remedy(Change.DEAD_GATES, words, before, after, Evidence.CERTIFICATE, 1, code, _facing(trace, self))]

    # ------------------------------------------------------------------ what is descended
    def tried(self, options: RemedyOptions) -> tuple[list[Remedy], Reason | None]:
        """Descend every change within the budget, the smaller ones first."""
        n = self.circuit.n_qubits
        if options.budget is None and n > limits.REMEDY_QUBITS:
            text = f"no changes are tried unasked on more than {limits.REMEDY_QUBITS} qubits: give remedy_budget=."
            return [], Reason(ReasonCode.NOT_ASKED, text)
        purse, out = _Purse(self, options), list[Remedy]()
        dead = bool(self.prediction.dead_parameters)
        usual = tuple(changes(self.script, self.is_held, self.breaks_nothing, dead))
        for most in (limits.FEW_PARAMETERS, limits.MOST_PARAMETERS):
            # larger changes are kept some of the budget, however many small ones there are
            purse.kept = limits.KEPT_FOR_LARGER * purse.left if most == limits.FEW_PARAMETERS else 0.0
            # what breaks a symmetry comes last, and only where nothing that keeps it does half of it
            for edits in (usual, () if self.breaks_nothing else ROTATIONS):
                if edits is ROTATIONS and any(self.helps(r) and self._halved(r) for r in out):
                    continue
                out += self._round(purse, most, edits)
                if any(r.after.height_interval[1] <= self.target for r in out if self.helps(r)):
                    return out, purse.reason
        return out, purse.reason

    def _round(self, purse: _Purse, most: float, edits: Iterable[Edit]) -> list[Remedy]:
        """Screen the changes of one size, and descend the best few afresh."""
        screened = list[_Screened]()
        for edit, circuit in self._changed(most, edits):
            # the best so far must be left enough to be confirmed
            reserve = sum(purse.cost(s.circuit, limits.CONFIRMED, s.each) for s in screened[: limits.CONFIRMATIONS])
            if (found := purse.descend(circuit, limits.SCREENED, self.each, reserve)) is None:
                continue
            promise = self._promise(circuit, found.ends)
            screened.append(_Screened(edit, circuit, found.ends, found.gradients / len(found.ends), promise))
            screened.sort(key=lambda s: s.promise)
            if self._outcome(found.ends, 1).height_interval[1] <= self.target:
                break  # every start at the ground: no larger change is wanted
        out, helpful = list[Remedy](), 0
        for s in screened:
            lowest = self._outcome(s.ends, 1).height_interval[0]
            is_hopeful = helpful < limits.CONFIRMATIONS and lowest <= limits.HELPS * self.before.height
            fresh = purse.descend(s.circuit, limits.CONFIRMED, s.each) if is_hopeful else None
            out.append(self._remedy(s.edit, s.circuit, s.ends if fresh is None else fresh.ends))
            helpful += self.helps(out[-1])
        return out

    def _promise(self, circuit: RotationCircuit, ends: NDArray[np.float64]) -> _Promise:
        """Smaller is better: none halved, how far above the tolerance most ends lie, then parameters, then ends."""
        lowest, high = ((float(x) - self.ground) / self.scale for x in (ends.min(), np.quantile(ends, 0.75)))
        return lowest > limits.HALVED * self.before.height, self._above(high), circuit.n_params, high

    def _remedy(self, edit: Edit, circuit: RotationCircuit, ends: NDArray[np.float64]) -> Remedy:
        # parameters that turn no gate are the user's all the same
        n_params = self.circuit.n_params + circuit.n_params - self.script.n_params
        after, starts, words, trace = self._outcome(ends, n_params), 1, edit.words, circuit.trace
        poor = after.height_interval[1] > limits.HALVED * self.before.height
        if poor and len(ends) >= limits.CONFIRMED and (best := self._best_of(ends, n_params)):
            starts, after = best
            words += f" and {_best_of(starts)}"
        assert trace is not None  # it was just made of one
        return Remedy(edit.change, words, self.before, after, Evidence.DESCENTS, starts, trace=_facing(trace, self))

    def _changed(self, most: float, edits: Iterable[Edit]) -> Iterator[tuple[Edit, RotationCircuit]]:
        """Yield the changed circuits of one size: up to 1.5 times the parameters, or beyond."""
        least = 0.0 if most == limits.FEW_PARAMETERS else limits.FEW_PARAMETERS
        script, n_params = self.script, self.circuit.n_params
        for edit in edits:
            # parameters that turn no gate are the user's all the same
            new = edit.apply(script)
            if new is not None and least < (n_params + new.n_params - script.n_params) / n_params <= most:
                with suppress(WishartError):  # a change that cannot be read is none
                    yield edit, normal_form(new.trace())()

    # ------------------------------------------------------------------ judging
    def helps(self, remedy: Remedy) -> bool:
        """Whether descents end clearly lower: fresh ones, for the best of several tried looks better than it is."""
        before, after = remedy.before, remedy.after
        fresh = remedy.change is Change.RESTARTS or after.descents >= limits.CONFIRMED
        return fresh and after.height <= limits.HELPS * before.height and after.height_interval[1] < before.height

    def _halved(self, remedy: Remedy) -> bool:
        return remedy.after.height_interval[1] <= limits.HALVED * remedy.before.height

    def rank(self, remedy: Remedy) -> tuple[Any, ...]:
        """Smaller is better: halved for sure, halved in the median, few parameters, removed, effort."""
        before, after = remedy.before, remedy.after
        ratio, high = after.n_params / before.n_params, after.height_interval[1]
        effort = ratio * remedy.starts
        return (
            not self._halved(remedy),
            after.height > limits.HALVED * before.height,
            ratio > limits.FEW_PARAMETERS,
            self._above(high),
            effort,
            high,
        )


@dataclass(frozen=True, eq=False)
class _Screened:
    """A change after its first few descents."""

    edit: Edit
    circuit: RotationCircuit
    ends: NDArray[np.float64]
    each: float
    """Gradients that a descent of it takes in the mean."""
    promise: _Promise
    """Smaller is better."""


class _Purse:
    """Descends changed circuits as long as the budget lasts: gradients are counted, no clock is read."""

    def __init__(self, trouble: _Trouble, options: RemedyOptions):
        self.left = limits.REMEDY_BUDGET if options.budget is None else options.budget
        self.kept = 0.0
        self._refused, self._trials, self._trouble, self._how = 0, 0, trouble, options.how

    @property
    def reason(self) -> Reason | None:
        """Why not everything was tried."""
        if not self._refused:
            return None
        text = f"{self._refused} further trials would have taken more than the budget: raise remedy_budget=."
        return Reason(ReasonCode.TOO_LARGE, text)

    @staticmethod
    def cost(circuit: RotationCircuit, starts: int, each: float) -> float:
        """Seconds of a trial of so many descents, each of so many gradients."""
        return limits.TRIAL_SECONDS + estimated_seconds(circuit, starts, each)

    def descend(self, circuit: RotationCircuit, starts: int, each: float, reserve: float = 0.0) -> Descents | None:
        """Return some descents; None where they and the reserve would take more seconds than are left."""
        if self.cost(circuit, starts, each) + reserve > self.left - self.kept:
            self._refused += 1
            return None
        self._trials += 1
        # every trial has starts of its own: no two changes are lucky together
        seed = self._trouble.prediction.seed + limits.REMEDY_SEED * self._trials
        found = descend(circuit, starts, np.inf, self._trouble.scale, seed, lambda d: True, **self._how)
        if not isinstance(found, Descents):
            return None
        self.left -= self.cost(circuit, 1, found.gradients)
        return found


def _best_of(starts: int) -> str:
    return f"keep the best of {starts} starts"


def _facing(trace: TracedCircuit, trouble: _Trouble) -> TracedCircuit:
    """Return a circuit with the sign of the user's observable."""
    if trouble.sign > 0:
        return trace
    circuit = minimising(normal_form(trace)(), "max")
    assert circuit.trace is not None
    return circuit.trace


def _commuting(circuit: RotationCircuit) -> bool:
    """Whether all trainable generators commute: such a circuit turns about one set of axes only."""
    driven = np.repeat(circuit.parameter_of >= 0, np.diff(circuit.starts))
    words = circuit.terms[driven]
    return not words.anticommutation(words).any()


def _keeps_a_symmetry(prediction: Prediction) -> bool:
    """Whether the gates, which do not all commute, keep the input in a part of the space."""
    whole = 2**prediction.circuit.n_qubits
    return not _commuting(prediction.circuit) and any(s.dim < whole for s in prediction.signature.weighted_sectors)
