"""``PointOutlook``: gradients, curvature and neighbourhoods at one point, beside random starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pennylane_wishart.circuit import AngleLaw
from pennylane_wishart.circuit.names import gates_of
from pennylane_wishart.conventions import Reason, ReasonCode, Unavailable
from pennylane_wishart.conventions import outlook as limits
from pennylane_wishart.conventions.arrays import Floats
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.errors import InputError
from pennylane_wishart.measurement import find_minima
from pennylane_wishart.measurement.options import MeasureOptions
from pennylane_wishart.measurement.setup import prepare_measurement
from pennylane_wishart.outlook.descents import route_of, why_not_descended
from pennylane_wishart.outlook.outlook import minimising
from pennylane_wishart.prediction import Prediction

__all__ = ["PointOutlook", "point_of"]


@dataclass(frozen=True, eq=False)
class PointOutlook(Shown):
    """One point of the loss. Exact numbers of a state vector; only those of neighbourhoods are sampled."""

    parameters: Floats
    """radians ``(n_params,)``"""
    loss: float
    gradient: Floats
    """∂ℓ/∂θ ``(n_params,)``, observable per radian."""
    names: tuple[str, ...]
    gates: tuple[str, ...]
    """The gates that each parameter turns."""
    curvature: Floats | Unavailable
    """Eigenvalues of the Hessian, ascending, observable per radian²."""
    widths: Floats
    """Standard deviations of the normal neighbourhoods, radians ``(k,)``."""
    gradient_norm: Floats
    """Root mean square of ‖∇ℓ‖ in each, ``(k,)``."""
    gradient_norm_error: Floats
    """Its standard error."""
    mean_loss: Floats
    """``(k,)``"""
    random_norm: float
    """Root mean square of ‖∇ℓ‖ at random angles, from the exact variances; NaN where only bounds are known."""
    end: float
    """Loss where the descent (for ``sense="max"`` the ascent) from here ends."""
    converged: bool

    def __post_init__(self) -> None:
        n = len(self.parameters)
        if not len(self.gradient) == len(self.names) == len(self.gates) == n:
            raise InputError(f"PointOutlook needs a gradient, a name and gates for each of {n} parameters.")

    @property
    def order(self) -> tuple[int, ...]:
        """Flat indices of the parameters, the largest gradient first."""
        return tuple(int(k) for k in np.argsort(-np.abs(self.gradient), kind="stable"))

    @property
    def is_stationary(self) -> bool:
        """Whether no gradient is left, compared with the loss's own size."""
        scale = self.random_norm if self.random_norm > 0 else 1.0
        return float(np.linalg.norm(self.gradient)) <= limits.FLAT * scale

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python values, ready for JSON; the gradients as a list, largest first."""
        return {
            "parameters": self.parameters.tolist(),
            "loss": self.loss,
            "gradients": [
                {"index": k, "name": self.names[k], "gate": self.gates[k], "gradient": float(self.gradient[k])}
                for k in self.order
            ],
            "curvature": str(self.curvature) if isinstance(self.curvature, Unavailable) else self.curvature.tolist(),
            "widths": self.widths.tolist(),
            "gradient_norm": self.gradient_norm.tolist(),
            "gradient_norm_error": self.gradient_norm_error.tolist(),
            "mean_loss": self.mean_loss.tolist(),
            "random_norm": self.random_norm,
            "end": self.end,
            "converged": self.converged,
        }


def point_of(prediction: Prediction, at: Any, sense: str = "min") -> PointOutlook | Unavailable:
    """Look at one point of a predicted circuit.

    Args:
        prediction: of the circuit; the size of gradients at random angles is read from it.
        at: the trainable arguments: an array of their shape, a tuple of one each, or all values in a row.
        sense: "max" to ascend from there.
    Returns:
        :class:`PointOutlook`, or why this circuit cannot be simulated.
    Raises:
        InputError: if the shapes are not those of the call.
    Cost: one gradient, two a gate for the Hessian to 64 parameters, 160 for the neighbourhoods, one descent.
    Source: ours; the sorted list is what adaptive ansätze choose from (Grimsley et al., arXiv:1812.11173).
    """
    circuit = prediction.circuit
    if circuit.trace is None:
        return Unavailable(Reason(ReasonCode.UNSUPPORTED, "there is no QNode to run, only a normal form."))
    x = circuit.trace.arguments.point(at)
    if (reason := why_not_descended(circuit)) is not None:
        return Unavailable(reason)
    if circuit.channels:
        return Unavailable(Reason(ReasonCode.NOISE, "the circuit has noise, and a point is looked at without."))
    if len(circuit.states) > 1:
        return Unavailable(Reason(ReasonCode.UNSUPPORTED, "a batch of data has a loss each: pass one datum."))
    route = route_of(circuit)
    engine = prepare_measurement(circuit, (), {}, MeasureOptions(samples=1, **route)).engine
    run = engine.run
    here = run(x[None], None, None)
    text = f"second derivatives of {len(x)} parameters are not taken unasked (limit {limits.HESSIAN_PARAMETERS})."
    curvature: Floats | Unavailable = Unavailable(Reason(ReasonCode.TOO_LARGE, text))
    if len(x) <= limits.HESSIAN_PARAMETERS:
        curvature = np.linalg.eigvalsh(engine.hessians(x[None])[0])
    widths = np.array(limits.WIDTHS)
    rng = np.random.default_rng(prediction.seed)
    around = rng.standard_normal((len(widths), limits.NEIGHBOURS, len(x))) * widths[:, None, None]
    near = run((x + around).reshape(-1, len(x)), None, None)
    squares = np.sum(near.gradients**2, axis=1).reshape(len(widths), -1)
    norm = np.sqrt(squares.mean(axis=1))
    spread = squares.std(axis=1, ddof=1) / np.sqrt(limits.NEIGHBOURS)
    turned = minimising(circuit, sense)
    tolerance = limits.GRADIENT * float(np.abs(circuit.observable.coefficients).sum())
    end = find_minima(turned, 1, prediction.seed, angles=AngleLaw.fixed(x), tolerance=tolerance, hessian=False,
                      progress=False, **route)()  # fmt: skip
    return PointOutlook(
        parameters=x,
        loss=float(here.losses[0]),
        gradient=here.gradients[0],
        names=tuple(circuit.parameter_name(k) for k in range(len(x))),
        gates=tuple("; ".join(gates) for gates in gates_of(circuit.trace)),
        curvature=curvature,
        widths=widths,
        gradient_norm=norm,
        # of a root: half the relative error of the mean square
        gradient_norm_error=spread / (2 * np.maximum(norm, np.finfo(float).tiny)),
        mean_loss=near.losses.reshape(len(widths), -1).mean(axis=1),
        random_norm=float(np.sqrt(np.sum(prediction.gradient_variance))),
        end=float(end.losses[0]) * (-1.0 if sense == "max" else 1.0),
        converged=bool(end.converged[0]),
    )
