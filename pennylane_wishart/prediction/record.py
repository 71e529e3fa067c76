"""``Prediction``: what a circuit's loss, gradients and minima will look like, before any run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from pennylane_wishart import minima as minima_room
from pennylane_wishart.circuit import AngleLaw, RotationCircuit, measured_groups
from pennylane_wishart.conventions import LowerBounds, UpperBounds
from pennylane_wishart.ensembles import JointLaw, MixtureLaw
from pennylane_wishart.ensembles.law import Law
from pennylane_wishart.errors import OutOfTheoryError, Status
from pennylane_wishart.prediction.gradient import gradient_law, joint_law, parameter_key
from pennylane_wishart.prediction.inputs import read_inputs
from pennylane_wishart.prediction.joint import CircuitJoint, DepthSquare, affordable_samples
from pennylane_wishart.prediction.loss import loss_law, require_theory
from pennylane_wishart.prediction.minima import predicted_minima, predicted_transition
from pennylane_wishart.prediction.process import Process, build_process
from pennylane_wishart.prediction.shifted import shift_invariant, shifted_spread
from pennylane_wishart.prediction.shots import (
    ShotVariance,
    log2_shots_to_resolve,
    mean_shot_variance,
    median_bracket,
    rare_outcome,
    shift_costs,
    shots_at_least,
    whole,
)
from pennylane_wishart.prediction.validity import LawCheck, OwnSample, Validity, check_law_shape, draw_own_sample
from pennylane_wishart.progress import asked
from pennylane_wishart.sectors import Rank, RankAtMost, Signature
from pennylane_wishart.variances import DeadReason, DeepLimit, SecondMoments, deep_limit

__all__ = ["Prediction"]

_DEEP = 0.05
"""A parameter is deep where its variance is within this fraction of the deep limit's."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """Predicted laws of a circuit.

    ``loss``, ``gradient`` and ``minima`` are deep-limit laws (THEORY §5–7) and raise
    ``OutOfTheoryError`` where the theory does not apply; ``moments`` and everything built on it
    (``gradient_variance``, ``dead_parameters``, ``shots_to_resolve``) hold at this depth.
    """

    signature: Signature
    angles: AngleLaw
    moments: SecondMoments
    dead_parameters: tuple[int, ...]
    """Flat indices of parameters whose gradient vanishes at every setting of the angles."""
    dead_reasons: tuple[str, ...]
    law_engine: str = "exact"
    seed: int = 7
    progress: bool | None = field(default=None, repr=False, compare=False)
    """Whether laws that take seconds show a bar: True, False, or None where someone is watching."""
    cache: dict = field(default_factory=dict, repr=False, compare=False)
    dead_codes: tuple[tuple[DeadReason, ...], ...] = ()
    """Typed reasons, one tuple for each of ``dead_parameters``."""

    # ------------------------------------------------------------------ plain facts
    @property
    def circuit(self) -> RotationCircuit:
        """The normal form that the prediction is for."""
        return self.signature.circuit

    @property
    def in_theory(self) -> bool:
        """Whether the Wishart laws apply in the deep limit."""
        return self.signature.in_theory

    @property
    def reason(self) -> str:
        """Why, or why not."""
        return self.signature.reason

    @property
    def n_params(self) -> int:
        """Number of trainable parameters."""
        return self.circuit.n_params

    # ------------------------------------------------------------------ deep-limit laws
    @cached_property
    def deep(self) -> DeepLimit | None:
        """Second moments of the deep limit (THEORY §3), theory or not; None where they are not found."""
        return deep_limit(self.circuit, self.angles)

    @cached_property
    def loss(self) -> Law:
        """Law of the loss over random angles, in the observable's units.

        Its ``status`` is SHALLOW where the circuit is not deep enough for it (``is_deep``).
        """
        return self._deep_loss.with_status(Status.OK if self.is_deep else Status.SHALLOW)

    @cached_property
    def _deep_loss(self) -> Law:
        return loss_law(self.signature, self.law_engine)

    def gradient_of(self, k: int) -> Law:
        """Return the law of ∂ℓ/∂θ_k; its ``status`` is SHALLOW where k is not in ``deep_parameters``."""
        law = self._deep_gradient(k)
        if self.deep_parameters[k]:
            return law
        key = ("shallow", id(law))
        if key not in self.cache:
            self.cache[key] = law.with_status(Status.SHALLOW)
        return self.cache[key]

    def _deep_gradient(self, k: int) -> Law:
        key = parameter_key(self.signature, k)
        if key is None or key not in self.cache:
            law = gradient_law(self.signature, k, self.law_engine)
            if key is None:
                return law
            self.cache[key] = law
        return self.cache[key]

    @cached_property
    def gradient(self) -> Law:
        """Law of the gradient component of a parameter drawn at random among the live ones."""
        require_theory(self.signature)
        dead = set(self.dead_parameters)
        live = np.array([k for k in range(self.n_params) if k not in dead], np.int64)
        if not len(live):
            raise OutOfTheoryError("Every parameter is dead: all gradients are 0.")
        return self.gradient_mixture(live)

    def joint(self, parameters: Sequence[int] | None = None) -> JointLaw:
        """Return the joint law of the loss and gradient components, all live ones by default.

        ``.sample(size, rng)`` gives (losses, gradients) of the same random circuits; ``.norm_law()``
        the law of their squared length. Neighbouring gates are not independent, whatever the depth:
        of a deep circuit whose state vectors are affordable it is drawn from the circuit's own states
        (:class:`CircuitJoint`). Otherwise its ``status`` is SHALLOW (the deep limit) or NEIGHBOURS.

        Raises:
            OutOfTheoryError: outside the theory, or for a parameter without a law.
        """
        chosen = self._live() if parameters is None else tuple(int(k) for k in parameters)
        law = self._joint(chosen)
        if isinstance(law, CircuitJoint) and not self.is_deep:
            return JointLaw(law.parts).with_status(Status.SHALLOW)
        return law

    def _live(self) -> tuple[int, ...]:
        dead = set(self.dead_parameters)
        return tuple(k for k in range(self.n_params) if k not in dead)

    def _joint(self, chosen: tuple[int, ...]) -> JointLaw:
        """At this depth where state vectors are affordable, whether it is deep or not."""
        key = ("joint", chosen)
        if key not in self.cache:
            law = joint_law(self.signature, list(chosen), self.law_engine)
            if affordable_samples(self.circuit):
                self.cache[key] = CircuitJoint(law.parts, self.circuit, self.angles, chosen)
            else:
                far = Status.NEIGHBOURS if len(chosen) > 1 else Status.OK
                self.cache[key] = law.with_status(far if self.is_deep else Status.SHALLOW)
        return self.cache[key]

    @cached_property
    def gradient_square(self) -> Law:
        """Law of ‖∇ℓ‖² over all live parameters; its mean is the exact sum of E[(∂_kℓ)²] at this depth.

        ``status``: OK where the shape too is that of this depth (drawn from the circuit's own states,
        deep or not), NEIGHBOURS or SHALLOW where it is the deep limit of separated gates.
        """
        joint = self._joint(self._live())
        squares = self.gradient_variance + self.moments.gradient_mean**2
        total = float(np.sum(np.delete(squares, list(self.dead_parameters))))
        if not np.isfinite(total):  # of some parameter only a bound is known
            if isinstance(joint, CircuitJoint):
                total = float(joint.square_points.mean())
            else:
                total = joint.norm_law().mean()
        return DepthSquare(joint, total).with_status(joint.status)

    # ------------------------------------------------------------------ this depth
    @property
    def live_parameters(self) -> np.ndarray:
        """Flat indices of the parameters that are not dead."""
        return np.setdiff1d(np.arange(self.n_params), self.dead_parameters)

    @property
    def gradient_variance(self) -> np.ndarray:
        """Var[∂ℓ/∂θ_k] at this depth, float64 ``(n_params,)``; NaN where only a bound is known."""
        return self.moments.gradient_variance

    @property
    def gradient_variance_error(self) -> np.ndarray:
        """Standard errors of ``gradient_variance``; 0 where exact, NaN where only a bound is known."""
        return self.moments.gradient_variance_error

    @property
    def log2_gradient_variance(self) -> np.ndarray:
        """log2 of ``gradient_variance``; −inf only for dead parameters, NaN where only a bound is known."""
        return self.moments.log2_gradient_variance

    @property
    def gradient_variance_upper(self) -> UpperBounds:
        """Upper bounds on ``gradient_variance``, equal to it where it is exact."""
        return self.moments.gradient_variance_upper

    @property
    def gradient_variance_lower(self) -> LowerBounds:
        """Lower bounds on ``gradient_variance``, equal to it where it is exact."""
        return self.moments.gradient_variance_lower

    @cached_property
    def deep_variance(self) -> np.ndarray:
        """Deep-limit variance of every gradient component; NaN where no law is known."""
        out = np.full(self.n_params, np.nan)
        for k in range(self.n_params):
            try:
                out[k] = self._deep_gradient(k).var()
            except OutOfTheoryError:
                if self.deep is not None:
                    out[k] = self.deep.gradient_variance[k]
        return out

    @cached_property
    def deep_parameters(self) -> np.ndarray:
        """``bool (n_params,)``: variance within 5% (and error) of the deep limit, and no parameter
        that misses it lies further from the end on the same third of the circuit.

        The variance of a gate next to the input or the observable can be right by accident
        while its law is not (a product of a few cosines), so both ends are left out.
        """
        deep = self.deep_variance
        gap = np.abs(self.gradient_variance - deep)
        with np.errstate(invalid="ignore"):
            close = (gap <= _DEEP * deep + 3 * self.gradient_variance_error) & (deep > 0)
        # of a parameter that no walk reached only a bound is known, which is close to nothing
        close &= self.moments.known
        place = np.full(self.n_params, -1)
        driven = self.circuit.parameter_of >= 0
        place[self.circuit.parameter_of[driven]] = np.flatnonzero(driven)
        length = self.circuit.n_rotations
        early = place[~close & (place < length / 3)].max(initial=-1)
        late = place[~close & (place >= 2 * length / 3)].min(initial=length)
        return close & (place > early) & (place < late)

    @cached_property
    def is_deep(self) -> bool | None:
        """Whether the loss variance at this depth is within 5% of the deep limit; None where it is only bounded."""
        try:
            variance = self._deep_loss.var()
        except OutOfTheoryError:
            if self.deep is None:
                return False
            variance = self.deep.variance
        m = self.moments
        if np.isnan(m.loss_variance):
            return None
        return abs(m.loss_variance - variance) <= _DEEP * variance + 3 * m.loss_variance_error

    # ------------------------------------------------------------------ do the laws hold at this depth
    def own_sample(self, parameters: Sequence[int] | np.ndarray) -> OwnSample | None:
        """Return losses of the circuit itself, one component of ``parameters`` with each; None where too dear."""
        key = ("own sample", tuple(int(k) for k in parameters))
        if key not in self.cache:
            self.cache[key] = draw_own_sample(self.circuit, self.angles, np.array(key[1], np.int64), self.seed)
        return self.cache[key]

    @cached_property
    def loss_check(self) -> LawCheck:
        """Whether ``loss`` is the law of the loss at this depth, by the circuit's own sample.

        ``is_deep`` compares variances alone; this compares the whole law.

        Raises:
            OutOfTheoryError: where there is no law.
        """
        law = self.loss
        if not self.is_deep:
            return LawCheck(Validity.SHALLOW)
        own = self.own_sample(np.flatnonzero(self.deep_parameters))
        return LawCheck(Validity.NOT_ASSESSED) if own is None else check_law_shape(law, own.losses)

    def gradient_check(self, parameters: Sequence[int] | np.ndarray | None = None) -> LawCheck:
        """Whether the laws of some gradient components hold at this depth, by the circuit's own sample.

        Args:
            parameters: flat indices; all of ``deep_parameters`` where None. Each enters alike.
        Raises:
            OutOfTheoryError: where a parameter has no law.
        """
        deep = np.flatnonzero(self.deep_parameters)
        chosen = deep if parameters is None else np.unique(np.asarray(parameters, np.int64))
        key = ("gradient check", tuple(int(k) for k in chosen))
        if key not in self.cache:
            self.cache[key] = self._gradient_check(chosen, deep)
        return self.cache[key]

    def _gradient_check(self, chosen: np.ndarray, deep: np.ndarray) -> LawCheck:
        if len(chosen) == 0 or not np.isin(chosen, deep).all():
            return LawCheck(Validity.SHALLOW)
        own = self.own_sample(chosen)
        if own is None:
            return LawCheck(Validity.NOT_ASSESSED)
        return check_law_shape(self.gradient_mixture(own.picked), own.components)

    def gradient_mixture(self, picked: np.ndarray) -> Law:
        """Return the law of a component drawn as often from each parameter as ``picked`` names it."""
        laws: dict[int, Law] = {}
        counts: dict[int, int] = {}
        for k, times in zip(*np.unique(picked, return_counts=True), strict=True):
            law = self._deep_gradient(int(k))
            laws[id(law)] = law
            counts[id(law)] = counts.get(id(law), 0) + int(times)
        status = Status.OK if self.deep_parameters[np.unique(picked)].all() else Status.SHALLOW
        if len(laws) == 1:
            return next(iter(laws.values())).with_status(status)
        total = sum(counts.values())
        mixture = MixtureLaw(tuple(laws.values()), tuple(counts[i] / total for i in laws))
        return (mixture.laws[0] if len(mixture.laws) == 1 else mixture).with_status(status)

    # ------------------------------------------------------------------ shots
    @cached_property
    def shot_variance(self) -> ShotVariance:
        """Variance of one shot of the loss, averaged over the angles; unpacks as (value, method).

        One shot in every group of words that the device measures together: the sum over groups of
        E[⟨O_g²⟩ − ⟨O_g⟩²] at this depth, in the space that is reached (THEORY §4f).
        """
        return mean_shot_variance(self.circuit, self.angles, self.moments, self.seed)

    @cached_property
    def eigenbasis_shot_variance(self) -> ShotVariance:
        """E[⟨O²⟩ − ⟨O⟩²]: as ``shot_variance``, were the whole observable measured in its own eigenbasis."""
        found = whole(self.circuit)
        return mean_shot_variance(self.circuit, self.angles, self.moments, self.seed, found)

    @cached_property
    def shift_costs(self) -> np.ndarray:
        """Variance of a gradient estimate over that of a loss estimate with as many shots, ``(n_params,)``.

        R·Σa_i² of the parameter-shift rule with R circuits and coefficients a_i: 1 for a plain rotation.
        """
        return shift_costs(self.circuit)

    @cached_property
    def shifted_shot_variance(self) -> np.ndarray:
        """Variance of one shot at the shifted points of each parameter's shift rule, ``(n_params,)``.

        ``shot_variance`` itself, exactly, for a uniform angle that turns one word; sampled for others
        where state vectors are affordable. NaN where only a bound is known.
        """
        out = np.full(self.n_params, self.shot_variance.value)
        moved = np.setdiff1d(np.flatnonzero(~shift_invariant(self.circuit, self.angles)), self.dead_parameters)
        if len(moved):
            found = shifted_spread(self.circuit, self.angles, measured_groups(self.circuit), moved, self.seed)
            if found is not None:
                out[moved] = found
        return out

    @cached_property
    def log2_shots_to_resolve(self) -> np.ndarray:
        """log2 of the shots per gradient component for signal-to-noise 1.

        All shots of the circuits of one parameter-shift rule together. +inf where dead, NaN where
        only a bound on a variance is known: see ``shots_at_least``.
        """
        return log2_shots_to_resolve(self.shifted_shot_variance, self.moments, self.shift_costs)

    @cached_property
    def shots_at_least(self) -> LowerBounds:
        """Lower bounds on ``log2_shots_to_resolve``, known for every parameter; equal to it where exact."""
        noise = self.shifted_shot_variance
        if np.isnan(noise).any():
            # The largest second moment of the loss leaves the least variance to a shot.
            most = self.moments.loss_second_moment_at_most
            worst = replace(self.moments, loss_second_moment=most, loss_second_moment_error=0.0)
            least = mean_shot_variance(self.circuit, self.angles, worst, self.seed).value
            noise = np.where(np.isnan(noise), least, noise)
        return shots_at_least(noise, self.moments, self.shift_costs)

    @cached_property
    def log2_median_shots(self) -> tuple[float, float]:
        """log2 of the median over parameters that are not dead: (low, high), equal where it is known."""
        live = self.live_parameters
        if not len(live):
            return np.inf, np.inf
        values, least = self.log2_shots_to_resolve[live], self.shots_at_least.at_least_log2[live]
        low, high = median_bracket(values, least)
        if self.shot_variance.bound is not None:
            # The noise of a shot is only known to be no larger: so are the shots, where the signal is known.
            most = self.shot_variance.log2_at_most + np.log2(np.maximum(self.shift_costs[live], np.finfo(float).tiny))
            _, high = median_bracket(most - self.moments.log2_gradient_variance[live], least)
        return low, high

    @cached_property
    def rare_outcome(self) -> float:
        """Mean probability of the rarer outcome of a projector; 1/2 for other observables.

        Fewer shots than its inverse see nothing most of the time, whatever the variances say.
        """
        return rare_outcome(self.circuit, self.moments)

    @property
    def shots_to_resolve(self) -> np.ndarray:
        """Shots per gradient component for signal-to-noise 1, ``(n_params,)``; NaN where only bounded."""
        with np.errstate(over="ignore"):
            return np.exp2(self.log2_shots_to_resolve)

    # ------------------------------------------------------------------ minima
    @cached_property
    def independent_rank(self) -> Rank | RankAtMost:
        """Number of independent parameters that the loss can see, or an upper bound on it (no more
        than the parameters that are not proved dead)."""
        found = self.signature.independent_rank
        if isinstance(found, Rank):
            return found
        return RankAtMost(min(found.at_most, self.n_params - len(self.dead_parameters)))

    @property
    def n_independent(self) -> int:
        """p in γ = p/p*: rank of the quantum Fisher information of the live parameters, or an upper
        bound where ``n_independent_status`` is ``Status.BOUND``."""
        found = self.independent_rank
        return found.value if isinstance(found, Rank) else found.at_most

    @property
    def n_independent_status(self) -> Status:
        """``Status.OK`` for the rank itself, ``Status.BOUND`` for an upper bound."""
        return Status.OK if isinstance(self.independent_rank, Rank) else Status.BOUND

    @cached_property
    def transition(self) -> float:
        """p*, exact: β·rank(O − λ_min), summed over sectors (THEORY §7c)."""
        return predicted_transition(self.signature, exact=True)

    @cached_property
    def transition_asymptotic(self) -> float:
        """The published p* = βm − 2."""
        return predicted_transition(self.signature, exact=False)

    @cached_property
    def gamma(self) -> float:
        """p/p*: below 1 where poor local minima are expected; from 1 on they give way, which is an onset
        and no guarantee. An upper bound where ``n_independent_status`` is ``Status.BOUND``."""
        star = self.transition
        return self.n_independent / star if star else float("inf")

    @cached_property
    def minima(self) -> minima_room.MinimaLaw:
        """Law of the loss at local minima, every minimum counted once."""
        with asked(self.progress):
            return predicted_minima(self.signature, len(self.dead_parameters), self.seed, self.law_engine)

    @cached_property
    def minima_found(self) -> minima_room.MinimaLaw:
        """Law of the loss where descents from random starts end (deeper minima weigh more)."""
        with asked(self.progress):
            dead = len(self.dead_parameters)
            return predicted_minima(self.signature, dead, self.seed, self.law_engine, weighting="descent")

    # ------------------------------------------------------------------ data sets
    def process(self, states=None, data=None) -> Process:
        """Return the joint law of the losses of several inputs (THEORY §5).

        Args:
            states: InputStates, or amplitudes ``(m, 2^n)`` in the circuit's frame.
            data: or values of the QNode's data argument, ``(m, *shape of one datum)``; an array that
                cannot be amplitudes may be passed first as well.
        Raises:
            OutOfTheoryError: outside the theory, or beyond dense sectors.
            InputError: if the inputs do not fit the circuit.
        """
        return build_process(self.signature, states, data)

    def kernel(self, states=None, others=None, data=None) -> np.ndarray:
        """Return Cov[ℓ_i, ℓ_j] over random angles, ``(n, n)``: the kernel of the Gaussian limit.

        Args:
            states, data: as for :meth:`process`.
            others: further inputs of the same sort as the first; then ``(n, m)``, rows for the first.
        """
        if others is None:
            return self.process(states, data).covariance
        rows = read_inputs(self.circuit, states, data)
        columns = read_inputs(self.circuit, others) if data is None else read_inputs(self.circuit, data=others)
        return self.process(rows + columns).covariance[: len(rows), len(rows) :]

    # ------------------------------------------------------------------ provenance
    @cached_property
    def engine(self) -> dict[str, str]:
        """Which engine gave each number."""
        out = {"gradient_variance": self.moments.engine, "shot_variance": str(self.shot_variance.method)}
        if getattr(self.moments, "averaging", ""):
            out["averaging"] = self.moments.averaging
        for name in ("loss", "gradient"):
            try:
                out[name] = getattr(self, name).engine
            except OutOfTheoryError as err:
                out[name] = f"none: {err}"
        try:
            out["transition"] = f"exact rank rule: {self.transition}"
        except OutOfTheoryError as err:
            out["transition"] = f"none: {err}"
        if "independent_rank" in vars(self.signature):  # never computed just to be named
            exact = isinstance(self.independent_rank, Rank)
            rank = "rank of the quantum Fisher information of the live parameters"
            out["n_independent"] = rank if exact else "upper bound"
        for name in ("minima", "minima_found"):
            if name in vars(self):
                out[name] = getattr(self, name).engine
        return out

    def __str__(self) -> str:
        lines = [f"Prediction for {self.circuit.n_qubits} qubits, {self.n_params} parameters"]
        m = self.moments
        spread = f"variance {m.loss_variance:.4g}"
        if np.isnan(m.loss_variance):
            spread = f"variance at most 2^{m.loss_variance_upper.at_most_log2:.2f}"
        lines.append(f"  loss at this depth: mean {m.loss_mean:.4g}, {spread} ({m.engine})")
        live = self.live_parameters
        if len(live):
            # minus the logarithms, so that upper bounds become lower ones
            low, high = median_bracket(
                -self.log2_gradient_variance[live], -m.gradient_variance_upper.at_most_log2[live]
            )
            middle = f"2^{-low:.2f}" if low == high else f"at most 2^{-low:.2f}"
            lines.append(f"  gradient variance, median: {middle}; dead parameters: {len(self.dead_parameters)}")
        if self.in_theory:
            lines.append(f"  deep limit: {self.engine['loss']}; variance 2^{self.loss.log2_var:.2f}")
        else:
            lines.append(f"  no Wishart law: {self.reason}")
        return "\n".join(lines)

    def to_dict(self) -> dict:
        """Return plain Python values, ready for JSON."""
        out = {
            "schema_version": 1,
            "angles": self.angles.to_dict(),
            "loss_mean": self.moments.loss_mean,
            "loss_variance": self.moments.loss_variance,
            "gradient_variance": self.gradient_variance.tolist(),
            "gradient_variance_error": self.gradient_variance_error.tolist(),
            "log2_gradient_variance": self.log2_gradient_variance.tolist(),
            "log2_gradient_variance_at_most": self.gradient_variance_upper.at_most_log2.tolist(),
            "log2_gradient_variance_at_least": self.gradient_variance_lower.at_least_log2.tolist(),
            "log2_loss_variance_at_most": self.moments.loss_variance_upper.at_most_log2,
            "dead_parameters": list(self.dead_parameters),
            "dead_reasons": list(self.dead_reasons),
            "dead_codes": [[r.name for r in codes] for codes in self.dead_codes],
            "log2_shots_to_resolve": self.log2_shots_to_resolve.tolist(),
            "log2_shots_at_least": self.shots_at_least.at_least_log2.tolist(),
            "in_theory": self.in_theory,
            "reason": self.reason,
            "engine": self.engine,
        }
        if self.in_theory:
            out["deep_loss_log2_variance"] = self.loss.log2_var
        return out
