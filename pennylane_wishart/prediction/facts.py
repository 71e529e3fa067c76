"""What a prediction says of a circuit at its own depth: variances, dead parameters, shots."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from pennylane_wishart.circuit import AngleLaw, RotationCircuit, measured_groups
from pennylane_wishart.conventions import LowerBounds, Reason, ReasonCode, Unavailable, UpperBounds
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.errors import OutOfTheoryError, UnsupportedCircuitError
from pennylane_wishart.prediction.inputs import read_inputs
from pennylane_wishart.prediction.noise import NOISY, NoiseEffect
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
from pennylane_wishart.sectors import Signature
from pennylane_wishart.serialize import LIVE
from pennylane_wishart.variances import (
    DeadReason,
    HessianMoments,
    SecondMoments,
    TangentKernel,
    hessian_moments,
    tangent_kernel,
)

__all__ = ["DepthFacts"]

_Found = TypeVar("_Found")


@dataclass(frozen=True, eq=False)
class DepthFacts(Shown):
    """Everything that holds at this depth, theory or not."""

    signature: Signature
    angles: AngleLaw
    moments: SecondMoments
    dead_parameters: tuple[int, ...]
    """Flat indices of parameters whose gradient vanishes at every setting of the angles."""
    dead_reasons: tuple[str, ...]
    law_engine: str = "exact"
    seed: int = 7
    progress: bool | None = field(default=None, repr=False, compare=False, metadata=LIVE)
    """Whether laws that take seconds show a bar: True, False, or None where someone is watching."""
    cache: dict[Hashable, Any] = field(default_factory=dict, repr=False, compare=False, metadata=LIVE)
    dead_codes: tuple[tuple[DeadReason, ...], ...] = ()
    """Typed reasons, one tuple for each of ``dead_parameters``."""
    noise: NoiseEffect | None = None
    """What noise does, where the circuit has any: ``moments`` and dead parameters are then those with noise."""

    # ------------------------------------------------------------------ plain facts
    @property
    def circuit(self) -> RotationCircuit:
        """The normal form that the prediction is for, with its noise."""
        return self.signature.circuit if self.noise is None else self.noise.circuit

    @property
    def in_theory(self) -> bool:
        """Whether the Wishart laws apply in the deep limit; never under noise."""
        return self.signature.in_theory and self.noise is None

    @property
    def reason(self) -> str:
        """Why, or why not."""
        return self.signature.reason if self.noise is None else NOISY.text

    @property
    def theory(self) -> Signature:
        """The signature that laws are made of.

        Raises:
            OutOfTheoryError: under noise, whose states are no longer pure.
        """
        if self.noise is not None:
            raise OutOfTheoryError(NOISY.text, advice="Use .gradient_variance, or predict the circuit without noise.")
        return self.signature

    @property
    def n_params(self) -> int:
        """Number of trainable parameters."""
        return self.circuit.n_params

    # ------------------------------------------------------------------ this depth
    @property
    def live_parameters(self) -> NDArray[np.int64]:
        """Flat indices of the parameters that are not dead."""
        return np.setdiff1d(np.arange(self.n_params), self.dead_parameters)

    @property
    def gradient_variance(self) -> NDArray[np.float64]:
        """Var[∂ℓ/∂θ_k] at this depth, float64 ``(n_params,)``; NaN where only a bound is known."""
        return self.moments.gradient_variance

    @property
    def gradient_variance_error(self) -> NDArray[np.float64]:
        """Standard errors of ``gradient_variance``; 0 where exact, NaN where only a bound is known."""
        return self.moments.gradient_variance_error

    @property
    def log2_gradient_variance(self) -> NDArray[np.float64]:
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

    # ------------------------------------------------------------------ second derivatives, several inputs
    @cached_property
    def hessian(self) -> HessianMoments | Unavailable:
        """Mean and variance of every second derivative at this depth; found when first asked for."""
        try:
            return hessian_moments(self.circuit, self.angles, self.seed)
        except UnsupportedCircuitError as err:
            return Unavailable(Reason(ReasonCode.TOO_LARGE, err.what))

    @property
    def hessian_variance(self) -> NDArray[np.float64] | Unavailable:
        """Var[∂²ℓ/∂θ_k∂θ_l], float64 ``(n_params, n_params)``; 0 for dead pairs, NaN where only a bound is known."""
        return self._of_hessian("variance")

    @property
    def hessian_variance_error(self) -> NDArray[np.float64] | Unavailable:
        """Standard errors of ``hessian_variance``; 0 where exact, NaN where only a bound is known."""
        return self._of_hessian("error")

    @property
    def log2_hessian_variance(self) -> NDArray[np.float64] | Unavailable:
        """log2 of ``hessian_variance``; −inf only for dead pairs, NaN where only a bound is known."""
        return self._of_hessian("log2")

    def _of_hessian(self, name: str) -> NDArray[np.float64] | Unavailable:
        found = self.hessian
        return found if isinstance(found, Unavailable) else np.asarray(getattr(found, name))

    def tangent_kernel(self, states: Any = None, data: Any = None) -> TangentKernel | Unavailable:
        """Return the expected tangent kernel at this depth with its error and engine; see :meth:`ntk`."""
        own = states is None and data is None
        try:
            inputs = [self.circuit.state] if own else read_inputs(self.circuit, states, data)
            return tangent_kernel(self.circuit, self.angles, inputs, self.seed)
        except UnsupportedCircuitError as err:
            moments = self.moments
            if not (own and self.circuit.channels and moments.known.all()):
                return Unavailable(Reason(ReasonCode.TOO_LARGE, err.what))
            # of one input it is the sum of the squares, which the moments under any noise have
            value = np.sum(moments.gradient_variance + moments.gradient_mean**2)
            error = np.sum(moments.gradient_variance_error)  # they may all err to one side
            return TangentKernel(np.full((1, 1), value), np.full((1, 1), error), moments.engine)

    def ntk(self, states: Any = None, data: Any = None) -> NDArray[np.float64] | Unavailable:
        """Return Σ_k E[∂_kℓ_i ∂_kℓ_j] over the angles at this depth, ``(n, n)``; ``(1, 1)`` without states.

        Near a random start gradient flow of ½Σ(ℓ_i − y_i)² decays by this kernel where it varies little.

        Args:
            states, data: as for :meth:`process`; the circuit's own input where neither is given.
        """
        found = self.tangent_kernel(states, data)
        return found if isinstance(found, Unavailable) else found.value

    def _once(self, key: Hashable, make: Callable[[], _Found]) -> _Found:
        """What was made before under this key, or is made now."""
        if key not in self.cache:
            self.cache[key] = make()
        found: _Found = self.cache[key]
        return found

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
    def shift_costs(self) -> NDArray[np.float64]:
        """Variance of a gradient estimate over that of a loss estimate with as many shots, ``(n_params,)``.

        R·Σa_i² of the parameter-shift rule with R circuits and coefficients a_i: 1 for a plain rotation.
        """
        return shift_costs(self.circuit)

    @cached_property
    def shifted_shot_variance(self) -> NDArray[np.float64]:
        """Variance of one shot at the shifted points of each parameter's shift rule, ``(n_params,)``.

        ``shot_variance`` itself, exactly, for a uniform angle that turns one word; sampled for others
        where state vectors are affordable. NaN where only a bound is known.
        """
        # one number serves all whose shift leaves the average as it is; only the others are sampled
        out = np.full(self.n_params, self.shot_variance.value)
        moved = np.setdiff1d(np.flatnonzero(~shift_invariant(self.circuit, self.angles)), self.dead_parameters)
        if len(moved):
            found = shifted_spread(self.circuit, self.angles, measured_groups(self.circuit), moved, self.seed)
            if found is not None:
                out[moved] = found
        return out

    @cached_property
    def log2_shots_to_resolve(self) -> NDArray[np.float64]:
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
    def shots_to_resolve(self) -> NDArray[np.float64]:
        """Shots per gradient component for signal-to-noise 1, ``(n_params,)``; NaN where only bounded."""
        with np.errstate(over="ignore"):
            return np.asarray(np.exp2(self.log2_shots_to_resolve))
