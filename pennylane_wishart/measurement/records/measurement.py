"""``Measurement``: measured losses and gradients, with how they were obtained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from pennylane_wishart.circuit.angles import AngleLaw
from pennylane_wishart.conventions import measurement as limits
from pennylane_wishart.conventions.arrays import Bools, Floats
from pennylane_wishart.errors import InputError
from pennylane_wishart.measurement.identity.devices import DeviceIdentity
from pennylane_wishart.measurement.records.columns import Column
from pennylane_wishart.measurement.records.export import ExportableRecord
from pennylane_wishart.measurement.records.plan import SamplingPlan
from pennylane_wishart.measurement.routes.wrongadjoint import wrong_gradient_notice
from pennylane_wishart.measurement.statistics import (
    DegreesOfFreedom,
    GradientVariance,
    degrees_of_freedom,
    gradient_variance,
)

__all__ = ["Measurement"]

_PAIRS = ("sample", "parameter", "other")


@dataclass(frozen=True, eq=False)
class Measurement(ExportableRecord):
    """Losses and gradients at random angles, measured on a device.

    Records of the same question (same ``content_hash``) add up with ``+``; seeds or sample
    numbers must then differ.

    Example:
        >>> import pennylane as qml
        >>> from pennylane import numpy as np
        >>> from pennylane_wishart.measurement import measure
        >>> @qml.qnode(qml.device("lightning.qubit", wires=1))
        ... def f(x):
        ...     qml.RX(x, 0)
        ...     return qml.expval(qml.Z(0))
        >>> data = measure(f, samples=50)(np.array(0.3))
        >>> data.gradients.shape, data.route
        ((50, 1), 'lightning-cpp-adjoint')
        >>> round(float(abs(data.losses - np.cos(data.angles[:, 0])).max()), 12)
        0.0
    """

    losses: Floats
    """float64 ``(samples,)``"""
    gradients: Floats
    """float64 ``(samples, n_params)``, flat parameters; NaN where not measured."""
    gradient_error: Floats
    """Standard error of each component from shots; 0 where analytic, NaN where not measured, the
    largest possible one where a circuit ran with a single shot."""
    shot_variance: Floats
    """``(samples,)``: variance of each ℓ estimate from shots; 0 where analytic, an upper bound at one shot."""
    angles: Floats
    """radians ``(samples, n_params)``"""
    plan: SamplingPlan
    device: str
    routes: tuple[str, ...]
    """Every route that gave numbers, in the order they were first taken; ``route`` is their text."""
    route_note: str = ""
    """Why a faster route was not taken; empty when there was none."""
    shapes: tuple[tuple[int, ...], ...] = ()
    """Shapes of the trainable QNode arguments behind the flat parameters."""
    identity: DeviceIdentity | None = None
    """What else decides the device's numbers; None: not known, and equal to no other device."""
    reproducible: bool = True
    """Whether the same call gives the same numbers; False for shots of a device that takes no seed."""
    wrong_gradient_gates: tuple[str, ...] = ()
    """Gates for which the QNode's own device, differentiating the QNode, returns a wrong gradient; this
    record's numbers do not use that derivative."""
    hessians: Floats | None = None
    """∂²ℓ/∂θ_k∂θ_l, float64 ``(samples, n_params, n_params)``; NaN where not measured; None: not asked for."""
    hessian_error: Floats | None = None
    """Standard error of each entry from shots, as ``gradient_error``."""

    columns: ClassVar = {
        "losses": Column(("sample",), "units of the observable"),
        "shot_variance": Column(("sample",), "units of the observable, squared"),
        "gradients": Column(("sample", "parameter"), "units of the observable per radian", may_lack=True),
        "gradient_error": Column(("sample", "parameter"), "units of the observable per radian", may_lack=True),
        "angles": Column(("sample", "parameter"), "radian"),
        "hessians": Column(_PAIRS, "units of the observable per radian squared", may_lack=True, optional=True),
        "hessian_error": Column(_PAIRS, "units of the observable per radian squared", may_lack=True, optional=True),
    }

    def __post_init__(self) -> None:
        self._check_columns(sample=self.plan.samples, parameter=self.plan.n_params, other=self.plan.n_params)
        if (self.hessians is None) != (self.hessian_error is None):
            raise InputError("Measurement: second derivatives come with their errors.")
        if np.any(self.shot_variance < 0) or np.any(self.gradient_error < 0):
            raise InputError("Measurement: variances and errors must not be negative.")

    # ------------------------------------------------------------------ identity
    @property
    def measured(self) -> Bools:
        """``bool (samples, n_params)``: gradient components that were measured."""
        return np.isfinite(self.gradients)

    @property
    def samples(self) -> int:
        """Number of angle sets."""
        return len(self.losses)

    @property
    def n_params(self) -> int:
        """Number of flat trainable parameters."""
        return self.plan.n_params

    @property
    def seed(self) -> int | tuple[int, ...]:
        """Seed, or a tuple of seeds of an added record."""
        return self.plan.seed

    @property
    def shots(self) -> int | None:
        """Shots per circuit; None: analytic."""
        return self.plan.shots

    @property
    def law(self) -> AngleLaw:
        """Law of the angles."""
        return self.plan.law

    @property
    def circuit_hash(self) -> str:
        """sha256 of the measured circuit."""
        return self.plan.circuit_hash

    @property
    def content_hash(self) -> str:
        """sha256 of what was measured: circuit, law, parameters, shots."""
        return self.plan.content_hash

    # ------------------------------------------------------------------ statistics
    def gradient_variance(self, replicates: int = limits.REPLICATES) -> GradientVariance:
        """Return the variance of each component over the angles, shot noise removed, with errors."""
        return gradient_variance(self.gradients, self.gradient_error, replicates=replicates, shots=self.shots)

    def hessian_variance(self, replicates: int = limits.REPLICATES) -> GradientVariance:
        """Return the variance of each second derivative over the angles, shot noise removed, ``(n_params, n_params)``.

        Raises:
            InputError: if second derivatives were not measured.
        """
        if self.hessians is None or self.hessian_error is None:
            raise InputError("Second derivatives were not measured: ask for them with pw.measure(…, hessian=True).")
        values, errors = (x.reshape(self.samples, -1) for x in (self.hessians, self.hessian_error))
        found, shape = gradient_variance(values, errors, replicates=replicates, shots=self.shots), (self.n_params,) * 2
        square = ("value", "error", "raw", "shot_noise", "count", "low", "high")
        return replace(found, **{name: getattr(found, name).reshape(shape) for name in square})

    def loss_variance(self) -> tuple[float, float]:
        """Return the variance of ℓ over the angles, shot noise removed, and its standard error.

        Both are NaN where every circuit ran with one shot, whose noise has no estimate.
        """
        out = gradient_variance(self.losses[:, None], np.sqrt(self.shot_variance)[:, None], shots=self.shots)
        return float(out.value[0]), float(out.error[0])

    def degrees_of_freedom(self, dim: float, beta: int, minimum: float) -> DegreesOfFreedom:
        """Estimate the degrees of freedom from the losses (THEORY §8), with 95% intervals.

        Args:
            dim: complex dimension N of the sector.
            beta: 1, 2 or 4.
            minimum: smallest eigenvalue of the observable in the sector, in its own units.
        """
        return degrees_of_freedom(self.losses, self.shot_variance, dim, beta, minimum, self.shots)

    # ------------------------------------------------------------------ combining
    def __add__(self, other: Measurement) -> Measurement:
        if not isinstance(other, Measurement):
            return NotImplemented
        # The device first: of another device nothing else need be compared.
        self.device_identity.refuse_other(other.device_identity)
        plan = self.plan + other.plan
        parts = {k: [getattr(self, k), getattr(other, k)] for k in {**self.held, **other.held}}
        for k, pair in parts.items():  # one without second derivatives has not measured them
            square = [(len(x.losses), self.n_params, self.n_params) for x in (self, other)]
            parts[k] = [np.full(shape, np.nan) if x is None else x for x, shape in zip(pair, square, strict=True)]
        joined: dict[str, Any] = {k: np.concatenate(pair) for k, pair in parts.items()}
        notes = dict.fromkeys(n for n in (self.route_note, other.route_note) if n)
        gates = dict.fromkeys(self.wrong_gradient_gates + other.wrong_gradient_gates)
        return replace(
            self,
            **joined,
            plan=plan,
            routes=tuple(dict.fromkeys(self.routes + other.routes)),
            route_note="; ".join(notes),
            reproducible=self.reproducible and other.reproducible,
            wrong_gradient_gates=tuple(gates),
        )

    def unflatten(self, row: Floats) -> tuple[Floats, ...]:
        """Split a flat row ``(n_params,)`` into the shapes of the QNode's trainable arguments."""
        ends = np.cumsum([int(np.prod(shape, dtype=int)) for shape in self.shapes])
        parts = np.split(np.asarray(row), ends)
        return tuple(part.reshape(shape) for part, shape in zip(parts, self.shapes))

    def __str__(self) -> str:
        shots = "analytic" if self.shots is None else f"{self.shots} shots a circuit"
        parts = [
            f"Measurement of {self.samples} angle sets, {self.n_params} parameters, on {self.device} ({shots})",
            f"  route: {self.route}" + (f" ({self.route_note})" if self.route_note else ""),
            f"  angles: {self.law.name}, seed {self.seed}"
            + ("" if self.reproducible else "; not reproducible: the device takes no seed for its shots"),
        ]
        if not self.device_identity.is_certain:
            parts.append(
                f"  device: not identified, so that this record adds to none of another session "
                f"({self.device_identity.unidentified})"
            )
        if self.wrong_gradient_gates:
            parts.append(f"  {wrong_gradient_notice(self.wrong_gradient_gates)}")
        if self.shots == 1:
            parts.append(f"  loss: mean {self.losses.mean():.5g}; no variances: the noise of one shot has no estimate")
        elif self.samples > 1:
            value, error = self.loss_variance()
            parts.append(f"  loss: mean {self.losses.mean():.5g}, variance {value:.4g} ± {error:.1g}")
            if self.measured.any():
                v = self.gradient_variance(limits.SHOWN_REPLICATES)
                parts.append(f"  gradient: mean variance {v.mean:.4g} ± {v.mean_error:.1g}")
            if self.hessians is not None and np.isfinite(self.hessians).any():
                v = self.hessian_variance(limits.SHOWN_REPLICATES)
                parts.append(f"  second derivatives: mean variance {v.mean:.4g} ± {v.mean_error:.1g}")
        return "\n".join(parts)

    # ------------------------------------------------------------------ plain data
    def _own_header(self) -> dict[str, Any]:
        return {
            "plan": self.plan.to_dict(),
            "shapes": [list(s) for s in self.shapes],
            "reproducible": self.reproducible,
            "wrong_gradient_gates": list(self.wrong_gradient_gates),
        }

    @classmethod
    def _fields_of(cls, header: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "plan": SamplingPlan.from_dict(header["plan"]),
            "shapes": tuple(tuple(s) for s in header["shapes"]),
            "reproducible": bool(header.get("reproducible", True)),
            "wrong_gradient_gates": tuple(header.get("wrong_gradient_gates", ())),
        }
