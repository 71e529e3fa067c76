"""``Prediction``: what a circuit's loss, gradients and minima will look like, before any run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from pennylane_wishart import minima as minima_room
from pennylane_wishart.conventions import Reason, ReasonCode, Unavailable, levels
from pennylane_wishart.conventions import prediction as limits
from pennylane_wishart.ensembles.hessian import HessianEnsemble
from pennylane_wishart.ensembles.law import Law
from pennylane_wishart.errors import InputError, OutOfTheoryError, Status
from pennylane_wishart.prediction.inputs import read_inputs
from pennylane_wishart.prediction.laws import DeepLaws
from pennylane_wishart.prediction.minima import predicted_minima, predicted_transition
from pennylane_wishart.prediction.noise import NOISY
from pennylane_wishart.prediction.plateau import Plateau, plateau_of
from pennylane_wishart.prediction.process import Process, build_process
from pennylane_wishart.prediction.shots import median_bracket
from pennylane_wishart.prediction.training import TrainingCurve, hessian_ensemble, training_curve
from pennylane_wishart.progress import asked
from pennylane_wishart.sectors import Rank, RankAtMost
from pennylane_wishart.serialize import decode, encode

__all__ = ["Prediction"]


_KEPT = (
    "hessian",
    "deep",
    "deep_variance",
    "deep_parameters",
    "is_deep",
    "shot_variance",
    "eigenbasis_shot_variance",
    "shift_costs",
    "shifted_shot_variance",
    "log2_shots_to_resolve",
    "shots_at_least",
    "log2_median_shots",
    "rare_outcome",
    "independent_rank",
    "transition",
    "transition_asymptotic",
    "minima",
    "minima_found",
    "plateau",
)
"""What is written down where it has been computed: it is dear, or it needs the QNode's own grouping of words."""


class Prediction(DeepLaws):
    """Predicted laws of a circuit.

    ``loss``, ``gradient`` and ``minima`` are deep-limit laws (THEORY §5–7) and raise
    ``OutOfTheoryError`` where the theory does not apply; ``moments`` and everything built on it
    (``gradient_variance``, ``dead_parameters``, ``shots_to_resolve``) hold at this depth.
    """

    # ------------------------------------------------------------------ minima
    @cached_property
    def independent_rank(self) -> Rank | RankAtMost:
        """Number of independent parameters that the loss can see, or an upper bound on it (no more
        than the parameters that are not proved dead)."""
        with asked(self.progress):
            found = self.theory.independent_rank
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
        return predicted_transition(self.theory, exact=True)

    @cached_property
    def transition_asymptotic(self) -> float:
        """The published p* = βm − 2."""
        return predicted_transition(self.theory, exact=False)

    @cached_property
    def gamma(self) -> float:
        """p/p*: below 1 where poor local minima are expected; from 1 on they give way, which is an onset
        and no guarantee. An upper bound where ``n_independent_status`` is ``Status.BOUND``."""
        star = self.transition  # 0 where no sector moves
        return self.n_independent / star if star else float("inf")

    @cached_property
    def minima(self) -> minima_room.MinimaLaw:
        """Law of the loss at local minima, every minimum counted once."""
        with asked(self.progress):
            return predicted_minima(self.theory, len(self.dead_parameters), self.seed, self.law_engine)

    @cached_property
    def minima_found(self) -> minima_room.MinimaLaw:
        """Law of the loss where descents from random starts end (deeper minima weigh more)."""
        with asked(self.progress):
            dead = len(self.dead_parameters)
            return predicted_minima(self.theory, dead, self.seed, self.law_engine, weighting="descent")

    # ------------------------------------------------------------------ data sets
    def process(self, states: Any = None, data: Any = None) -> Process:
        """Return the joint law of the losses of several inputs (THEORY §5).

        Args:
            states: InputStates, or amplitudes ``(m, 2^n)`` in the circuit's frame.
            data: or values of the QNode's data argument, ``(m, *shape of one datum)``; an array that
                cannot be amplitudes may be passed first as well.
        Raises:
            OutOfTheoryError: outside the theory, or beyond dense sectors.
            InputError: if the inputs do not fit the circuit.
        """
        return build_process(self.theory, states, data)

    def kernel(self, states: Any = None, others: Any = None, data: Any = None) -> NDArray[np.float64]:
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

    # ------------------------------------------------------------------ curvature and training
    @property
    def hessian_law(self) -> HessianEnsemble | Unavailable:
        """The Hessian at random angles in the deep limit, rescaled to the exact variances at this depth.

        Its extreme eigenvalues are those of parameters with deep layers between them: ``law.of(parameters)``
        takes some, ``law.separated`` says whether neighbours are among them.
        """
        if self.noise is not None:
            return Unavailable(NOISY)
        if not self.in_theory:
            return Unavailable(Reason(ReasonCode.OUT_OF_THEORY, self.reason))
        return hessian_ensemble(self.signature, self.hessian_variance)

    def training_curve(self, start: float | None = None, step: float = 0.1) -> TrainingCurve | Unavailable:
        """Predict the loss along plain gradient descent from a random start; see :class:`TrainingCurve`.

        Args:
            start: loss to start from; the mean at this depth where None.
            step: learning rate.
        Raises:
            InputError: for a start outside the spectrum.
        """
        if not self.in_theory:
            return Unavailable(Reason(ReasonCode.OUT_OF_THEORY, self.reason) if self.noise is None else NOISY)
        start = self.moments.loss_mean if start is None else start
        law, star = self.hessian_law, self.find("transition")
        steepest = None  # the law of extreme eigenvalues is that of parameters with deep layers between them
        if isinstance(law, HessianEnsemble) and self.n_params <= limits.HESSIAN_PARAMETERS and law.separated:
            steepest = float(law.spectra(limits.HESSIAN_DRAWS, self.seed)[1][:, -1].mean())
        square = float(np.sum(self.gradient_variance + self.moments.gradient_mean**2))
        gamma = None if isinstance(star, Unavailable) else self.gamma
        spread = self.eigenbasis_shot_variance.value
        return training_curve(self.signature, square, spread, start, step, gamma, steepest)

    # ------------------------------------------------------------------ plateaus
    @cached_property
    def plateau(self) -> Plateau:
        """Whether no component of the gradient is resolved by 1,000 shots, and which causes take how many bits."""
        live, shots = self.live_parameters, -np.inf
        if len(live):
            known = self.log2_shots_to_resolve[live]
            shots = float(np.where(np.isnan(known), self.shots_at_least.at_least_log2[live], known).min())
            shots = max(shots, float(np.log2(levels.RARE_EVENTS / self.rare_outcome)))
        return plateau_of(self.circuit, self.angles, self.moments, shots, self.seed)

    # ------------------------------------------------------------------ provenance
    @overload
    def find(self, name: Literal["loss", "gradient"]) -> Law | Unavailable: ...
    @overload
    def find(self, name: Literal["minima", "minima_found"]) -> minima_room.MinimaLaw | Unavailable: ...
    @overload
    def find(self, name: Literal["transition"]) -> float | Unavailable: ...
    def find(self, name: str) -> object:
        """Return a law or the transition, or why there is none; their properties raise ``OutOfTheoryError``."""
        try:
            return getattr(self, name)
        except OutOfTheoryError as err:
            # without the advice of what to use instead: who asks here has something else in hand
            return Unavailable(Reason(ReasonCode.OUT_OF_THEORY, err.what) if self.noise is None else NOISY)

    def computed(self, name: str) -> object | None:
        """Return a property's value where it has been asked for before, else None: nothing is computed."""
        return vars(self).get(name)

    def count_parameters(self) -> None:
        """Count the independent parameters where that takes no more than seconds, for reports to show."""
        work = self.n_params**2 * 2.0 ** min(self.circuit.n_qubits, limits.RANK_QUBITS)
        if self.in_theory and work <= limits.MAX_RANK_WORK:
            _ = self.independent_rank

    @cached_property
    def engines(self) -> dict[str, str | Unavailable]:
        """Which engine gave each number that has been computed, or why there is none."""
        out: dict[str, str | Unavailable] = {
            "gradient_variance": str(self.moments.engine),
            "shot_variance": str(self.shot_variance.method),
        }
        if self.moments.averaging:
            out["averaging"] = self.moments.averaging
        for name, law in (("loss", self.find("loss")), ("gradient", self.find("gradient"))):
            out[name] = law if isinstance(law, Unavailable) else law.engine
        star = self.find("transition")
        out["transition"] = star if isinstance(star, Unavailable) else f"exact rank rule: {star}"
        if self.noise is None and "independent_rank" in vars(self.signature):  # never computed just to be named
            exact = isinstance(self.independent_rank, Rank)
            rank = "rank of the quantum Fisher information of the live parameters"
            out["n_independent"] = rank if exact else "upper bound"
        for name in ("minima", "minima_found"):
            if name in vars(self):
                out[name] = getattr(self, name).engine
        return out

    @property
    def engine(self) -> dict[str, str]:
        """Which engine gave each number, in words."""
        return {k: f"none: {v.reason}" if isinstance(v, Unavailable) else v for k, v in self.engines.items()}

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
        if self.noise is not None:
            lines.append(f"  noise: {self.noise}")
        return "\n".join(lines)

    # ------------------------------------------------------------------ writing down
    def rows(self) -> tuple[dict[str, Any], ...]:
        """Return a table, one dictionary of plain values a parameter: ``pandas.DataFrame(pred.rows())``.

        Variances in units of the observable per radian, squared, as log2; of what is only bounded the value is NaN.
        """
        dead = dict(zip(self.dead_parameters, self.dead_reasons, strict=True))
        columns = (
            self.log2_gradient_variance,
            self.gradient_variance_error,
            self.gradient_variance_upper.at_most_log2,
            self.log2_shots_to_resolve,
        )
        return tuple(
            {
                "parameter": self.circuit.parameter_name(k),
                "index": k,
                "log2_gradient_variance": float(log2),
                "gradient_variance_error": float(error),
                "log2_gradient_variance_at_most": float(most),
                "log2_shots_to_resolve": float(shots),
                "dead": dead.get(k, ""),
                "engine": str(self.moments.engine),
            }
            for k, (log2, error, most, shots) in enumerate(zip(*columns, strict=True))
        )

    def __getstate__(self) -> dict[str, Any]:
        # the cache is keyed by addresses, which mean nothing in another process
        return {**vars(self), "cache": {}}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Prediction:
        """Return the prediction that :meth:`to_dict` wrote, bit for bit, without its QNode.

        What had been computed when it was written is not computed again; the rest follows from the circuit.

        Raises:
            InputError: if ``data`` holds no record of a prediction of this version of the package.
        """
        record = data.get("record", {})
        found = decode(record["fields"]) if "fields" in record else None
        if not isinstance(found, cls):
            raise InputError("Prediction.from_dict needs what Prediction.to_dict wrote, with its 'record'.")
        vars(found).update(decode(record["computed"]))
        return found

    @property
    def _record(self) -> dict[str, Any]:
        computed = {name: vars(self)[name] for name in _KEPT if name in vars(self)}
        return {"fields": encode(replace(self, signature=self.signature.settled())), "computed": encode(computed)}

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python values, ready for JSON: what a reader looks for, and the whole as "record"."""
        out: dict[str, Any] = {
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
        out["record"] = self._record  # last, so that it holds what the lines above have computed
        return out
