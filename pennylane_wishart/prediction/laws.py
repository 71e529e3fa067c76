"""What a prediction says of the deep limit, and whether that holds at this depth."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pennylane_wishart.conventions import levels
from pennylane_wishart.conventions import prediction as limits
from pennylane_wishart.ensembles import JointLaw, MixtureLaw
from pennylane_wishart.ensembles.law import Law
from pennylane_wishart.errors import OutOfTheoryError, Status
from pennylane_wishart.prediction.facts import DepthFacts
from pennylane_wishart.prediction.gradient import gradient_law, joint_law, parameter_key
from pennylane_wishart.prediction.joint import CircuitJoint, DepthSquare, affordable_samples
from pennylane_wishart.prediction.loss import loss_law, require_theory
from pennylane_wishart.prediction.validity import LawCheck, OwnSample, Validity, check_law_shape, draw_own_sample
from pennylane_wishart.variances import DeepLimit, deep_limit

__all__ = ["DeepLaws"]


class DeepLaws(DepthFacts):
    """Laws of the loss and of gradients in the deep limit (THEORY §5, §6), held against this depth."""

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
        return loss_law(self.theory, self.law_engine)

    def gradient_of(self, k: int) -> Law:
        """Return the law of ∂ℓ/∂θ_k; its ``status`` is SHALLOW where k is not in ``deep_parameters``."""
        law = self._deep_gradient(k)
        if self.deep_parameters[k]:
            return law
        return self._once(("shallow", id(law)), lambda: law.with_status(Status.SHALLOW))

    def _deep_gradient(self, k: int) -> Law:
        key = parameter_key(self.theory, k)
        if key is None:
            return gradient_law(self.theory, k, self.law_engine)
        # parameters of one kind of gate share one object: tables and mixtures are made once
        return self._once(key, lambda: gradient_law(self.theory, k, self.law_engine))

    @cached_property
    def gradient(self) -> Law:
        """Law of the gradient component of a parameter drawn at random among the live ones."""
        require_theory(self.theory)
        if not len(self.live_parameters):
            raise OutOfTheoryError("Every parameter is dead: all gradients are 0.")
        return self.gradient_mixture(self.live_parameters)

    def joint(self, parameters: Sequence[int] | None = None) -> JointLaw:
        """Return the joint law of the loss and gradient components, all live ones by default.

        ``.sample(size, rng)`` gives (losses, gradients) of the same random circuits; ``.norm_law()``
        the law of their squared length. Neighbouring gates are not independent, whatever the depth:
        of a deep circuit whose state vectors are affordable it is drawn from the circuit's own states
        (:class:`CircuitJoint`). Otherwise its ``status`` is SHALLOW (the deep limit) or NEIGHBOURS.

        Raises:
            OutOfTheoryError: outside the theory, or for a parameter without a law.
        """
        chosen = tuple(int(k) for k in (self.live_parameters if parameters is None else parameters))
        law = self._joint(chosen)
        if isinstance(law, CircuitJoint) and not self.is_deep:
            return JointLaw(law.parts).with_status(Status.SHALLOW)
        return law

    def _joint(self, chosen: tuple[int, ...]) -> JointLaw:
        """At this depth where state vectors are affordable, whether it is deep or not."""

        def make() -> JointLaw:
            law = joint_law(self.theory, list(chosen), self.law_engine)
            if affordable_samples(self.circuit):
                return CircuitJoint(law.parts, self.circuit, self.angles, chosen)
            far = Status.NEIGHBOURS if len(chosen) > 1 else Status.OK
            return law.with_status(far if self.is_deep else Status.SHALLOW)

        return self._once(("joint", chosen), make)

    @cached_property
    def gradient_square(self) -> Law:
        """Law of ‖∇ℓ‖² over all live parameters; its mean is the exact sum of E[(∂_kℓ)²] at this depth.

        ``status``: OK where the shape too is that of this depth (drawn from the circuit's own states,
        deep or not), NEIGHBOURS or SHALLOW where it is the deep limit of separated gates.
        """
        joint = self._joint(tuple(self.live_parameters.tolist()))
        squares = self.gradient_variance + self.moments.gradient_mean**2
        total = float(np.sum(np.delete(squares, list(self.dead_parameters))))
        if not np.isfinite(total):  # of some parameter only a bound is known: the shape's own mean then
            if isinstance(joint, CircuitJoint):
                total = float(joint.square_points.mean())
            else:
                total = joint.norm_law().mean()
        return DepthSquare(joint, total).with_status(joint.status)

    @cached_property
    def deep_variance(self) -> NDArray[np.float64]:
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
    def deep_parameters(self) -> NDArray[np.bool_]:
        """``bool (n_params,)``: variance within ``levels.DEEP`` (and error) of the deep limit, and no parameter
        that misses it lies further from the end on the same third of the circuit.

        The variance of a gate next to the input or the observable can be right by accident
        while its law is not (a product of a few cosines), so both ends are left out.
        """
        deep = self.deep_variance
        gap = np.abs(self.gradient_variance - deep)
        with np.errstate(invalid="ignore"):
            close = (gap <= levels.DEEP * deep + limits.DEEP_ERRORS * self.gradient_variance_error) & (deep > 0)
        # of a parameter that no walk reached only a bound is known, which is close to nothing
        close &= self.moments.known
        place = np.full(self.n_params, -1)
        driven = self.circuit.parameter_of >= 0
        place[self.circuit.parameter_of[driven]] = np.flatnonzero(driven)
        length = self.circuit.n_rotations
        # thirds: what misses the limit near an end says nothing of the other end
        early = place[~close & (place < length / 3)].max(initial=-1)
        late = place[~close & (place >= 2 * length / 3)].min(initial=length)
        return np.asarray(close & (place > early) & (place < late))

    @cached_property
    def is_deep(self) -> bool | None:
        """Whether the loss variance is within ``levels.DEEP`` of the deep limit; None where only a bound is known."""
        try:
            variance = self._deep_loss.var()
        except OutOfTheoryError:
            if self.deep is None:
                return False
            variance = self.deep.variance
        m = self.moments
        if np.isnan(m.loss_variance):
            return None
        return abs(m.loss_variance - variance) <= levels.DEEP * variance + limits.DEEP_ERRORS * m.loss_variance_error

    # ------------------------------------------------------------------ do the laws hold at this depth
    def own_sample(self, parameters: Sequence[int] | NDArray[np.int64]) -> OwnSample | None:
        """Return losses of the circuit itself, one component of ``parameters`` with each; None where too dear."""
        chosen = np.asarray(parameters, np.int64)
        key = ("own sample", tuple(chosen.tolist()))
        return self._once(key, lambda: draw_own_sample(self.circuit, self.angles, chosen, self.seed))

    @cached_property
    def loss_check(self) -> LawCheck:
        """Whether ``loss`` is the law of the loss at this depth, by the circuit's own sample.

        ``is_deep`` compares variances alone; this compares the whole law.

        Raises:
            OutOfTheoryError: where there is no law.
        """
        law = self.loss
        # the sample is dear, and a wrong variance settles it
        if not self.is_deep:
            return LawCheck(Validity.SHALLOW)
        own = self.own_sample(np.flatnonzero(self.deep_parameters))
        return LawCheck(Validity.NOT_ASSESSED) if own is None else check_law_shape(law, own.losses)

    def gradient_check(self, parameters: Sequence[int] | NDArray[np.int64] | None = None) -> LawCheck:
        """Whether the laws of some gradient components hold at this depth, by the circuit's own sample.

        Args:
            parameters: flat indices; all of ``deep_parameters`` where None. Each enters alike.
        Raises:
            OutOfTheoryError: where a parameter has no law.
        """
        deep = np.flatnonzero(self.deep_parameters)
        chosen = deep if parameters is None else np.unique(np.asarray(parameters, np.int64))
        return self._once(("gradient check", tuple(chosen.tolist())), lambda: self._gradient_check(chosen, deep))

    def _gradient_check(self, chosen: NDArray[np.int64], deep: NDArray[np.int64]) -> LawCheck:
        if len(chosen) == 0 or not np.isin(chosen, deep).all():
            return LawCheck(Validity.SHALLOW)
        own = self.own_sample(chosen)
        if own is None:
            return LawCheck(Validity.NOT_ASSESSED)
        return check_law_shape(self.gradient_mixture(own.picked), own.components)

    def gradient_mixture(self, picked: NDArray[np.int64]) -> Law:
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
        # parameters with one law are one part of the mixture, however many they are
        total = sum(counts.values())
        mixture = MixtureLaw(tuple(laws.values()), tuple(counts[i] / total for i in laws))
        # a mixture drops parts of no weight; what is left of one is the law that was put in
        return (mixture.laws[0] if len(mixture.laws) == 1 else mixture).with_status(status)
