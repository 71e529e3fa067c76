"""``Prediction``: what a circuit's loss, gradients and minima will look like, before any run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from pennylane_wishart import minima as minima_room
from pennylane_wishart.circuit import AngleLaw, RotationCircuit
from pennylane_wishart.ensembles import JointLaw, MixtureLaw
from pennylane_wishart.ensembles.law import Law
from pennylane_wishart.errors import OutOfTheoryError, Status
from pennylane_wishart.moments import DeepLimit, SecondMoments, deep_limit
from pennylane_wishart.prediction.gradient import gradient_law, joint_law, parameter_key
from pennylane_wishart.prediction.inputs import read_inputs
from pennylane_wishart.prediction.loss import loss_law, require_theory
from pennylane_wishart.prediction.minima import predicted_minima, predicted_transition
from pennylane_wishart.prediction.process import Process, build_process
from pennylane_wishart.prediction.shots import log2_shots_to_resolve, mean_shot_variance, rare_outcome
from pennylane_wishart.progress import asked
from pennylane_wishart.sectors import Rank, RankAtMost, Signature

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
    """Flat indices of parameters proved to have zero gradient."""
    dead_reasons: tuple[str, ...]
    law_engine: str = "exact"
    seed: int = 7
    progress: bool | None = field(default=None, repr=False, compare=False)
    """Whether laws that take seconds show a bar: True, False, or None where someone is watching."""
    cache: dict = field(default_factory=dict, repr=False, compare=False)

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
        """Law of the loss over random angles, in the observable's units."""
        return loss_law(self.signature, self.law_engine)

    def gradient_of(self, k: int) -> Law:
        """Return the law of ∂ℓ/∂θ_k."""
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
        counts: dict[int, int] = {}
        laws: dict[int, Law] = {}
        for k in range(self.n_params):
            if k in dead:
                continue
            law = self.gradient_of(k)
            laws[id(law)] = law
            counts[id(law)] = counts.get(id(law), 0) + 1
        if not laws:
            raise OutOfTheoryError("Every parameter is dead: all gradients are 0.")
        if len(laws) == 1:
            return next(iter(laws.values()))
        total = sum(counts.values())
        mixture = MixtureLaw(tuple(laws.values()), tuple(counts[i] / total for i in laws))
        return mixture.laws[0] if len(mixture.laws) == 1 else mixture

    def joint(self, parameters: Sequence[int] | None = None) -> JointLaw:
        """Return the joint law of the loss and gradient components, all live ones by default.

        ``.sample(size, rng)`` gives (losses, gradients) of the same random circuits; ``.norm_law()``
        the law of their squared length.

        Raises:
            OutOfTheoryError: outside the theory, or for a parameter without a law.
        """
        dead = set(self.dead_parameters)
        chosen = [k for k in range(self.n_params) if k not in dead] if parameters is None else parameters
        return joint_law(self.signature, [int(k) for k in chosen], self.law_engine)

    @cached_property
    def gradient_square(self) -> Law:
        """Law of ‖∇ℓ‖² over all live parameters."""
        return self.joint().norm_law()

    # ------------------------------------------------------------------ this depth
    @property
    def gradient_variance(self) -> np.ndarray:
        """Var[∂ℓ/∂θ_k] at this depth, float64 ``(n_params,)``."""
        return self.moments.gradient_variance

    @property
    def gradient_variance_error(self) -> np.ndarray:
        """Standard errors of ``gradient_variance``; 0 where exact."""
        return self.moments.gradient_variance_error

    @property
    def log2_gradient_variance(self) -> np.ndarray:
        """log2 of ``gradient_variance``; −inf only for dead parameters."""
        return self.moments.log2_gradient_variance

    @cached_property
    def deep_variance(self) -> np.ndarray:
        """Deep-limit variance of every gradient component; NaN where no law is known."""
        out = np.full(self.n_params, np.nan)
        for k in range(self.n_params):
            try:
                out[k] = self.gradient_of(k).var()
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
        close &= np.array([status is not Status.UPPER_BOUND for status in self.moments.status], bool)
        place = np.full(self.n_params, -1)
        driven = self.circuit.parameter_of >= 0
        place[self.circuit.parameter_of[driven]] = np.flatnonzero(driven)
        length = self.circuit.n_rotations
        early = place[~close & (place < length / 3)].max(initial=-1)
        late = place[~close & (place >= 2 * length / 3)].min(initial=length)
        return close & (place > early) & (place < late)

    @cached_property
    def is_deep(self) -> bool:
        """Whether the loss variance at this depth is within 5% of the deep limit."""
        try:
            variance = self.loss.var()
        except OutOfTheoryError:
            if self.deep is None:
                return False
            variance = self.deep.variance
        m = self.moments
        return abs(m.loss_variance - variance) <= _DEEP * variance + 3 * m.loss_variance_error

    # ------------------------------------------------------------------ shots
    @cached_property
    def shot_variance(self) -> tuple[float, str]:
        """(E[⟨O²⟩ − ⟨O⟩²] of one shot, how it was found)."""
        return mean_shot_variance(self.circuit, self.angles, self.moments)

    @cached_property
    def log2_shots_to_resolve(self) -> np.ndarray:
        """log2 of the shots per gradient component for signal-to-noise 1; +inf where dead."""
        return log2_shots_to_resolve(self.shot_variance[0], self.moments)

    @cached_property
    def rare_outcome(self) -> float:
        """Mean probability of the rarer outcome of a projector; 1/2 for other observables.

        Fewer shots than its inverse see nothing most of the time, whatever the variances say.
        """
        return rare_outcome(self.circuit, self.moments)

    @property
    def shots_to_resolve(self) -> np.ndarray:
        """Shots per gradient component for signal-to-noise 1, ``(n_params,)``."""
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
        out = {"gradient_variance": self.moments.engine, "shot_variance": self.shot_variance[1]}
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
        lines.append(f"  loss at this depth: mean {m.loss_mean:.4g}, variance {m.loss_variance:.4g} ({m.engine})")
        live = np.setdiff1d(np.arange(self.n_params), self.dead_parameters)
        if len(live):
            middle = float(np.median(self.log2_gradient_variance[live]))
            lines.append(f"  gradient variance, median: 2^{middle:.2f}; dead parameters: {len(self.dead_parameters)}")
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
            "dead_parameters": list(self.dead_parameters),
            "dead_reasons": list(self.dead_reasons),
            "log2_shots_to_resolve": self.log2_shots_to_resolve.tolist(),
            "in_theory": self.in_theory,
            "reason": self.reason,
            "engine": self.engine,
        }
        if self.in_theory:
            out["deep_loss_log2_variance"] = self.loss.log2_var
        return out
