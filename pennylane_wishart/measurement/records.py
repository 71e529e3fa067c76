"""``Measurement``: measured losses and gradients, with how they were obtained."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pennylane_wishart.circuit.angles import AngleLaw
from pennylane_wishart.errors import InputError
from pennylane_wishart.measurement.export import ExportableRecord
from pennylane_wishart.measurement.identity import DeviceIdentity, identity_from, refuse_other_devices
from pennylane_wishart.measurement.plan import SamplingPlan
from pennylane_wishart.measurement.statistics import (
    DegreesOfFreedom,
    GradientVariance,
    degrees_of_freedom,
    gradient_variance,
)
from pennylane_wishart.measurement.wrongadjoint import wrong_gradient_notice

__all__ = ["Measurement"]

_SCHEMA = 2
"""1 had no identity of the device, and is still read."""


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

    losses: np.ndarray
    """float64 ``(samples,)``"""
    gradients: np.ndarray
    """float64 ``(samples, n_params)``, flat parameters; NaN where not measured."""
    gradient_error: np.ndarray
    """Standard error of each component from shots; 0 where analytic, NaN where not measured, the
    largest possible one where a circuit ran with a single shot."""
    shot_variance: np.ndarray
    """``(samples,)``: variance of each ℓ estimate from shots; 0 where analytic, an upper bound at one shot."""
    angles: np.ndarray
    """radians ``(samples, n_params)``"""
    plan: SamplingPlan
    device: str
    route: str
    route_note: str = ""
    """Why a faster route was not taken; empty when there was none."""
    shapes: tuple[tuple[int, ...], ...] = field(default=())
    """Shapes of the trainable QNode arguments behind the flat parameters."""
    identity: DeviceIdentity | None = None
    """What else decides the device's numbers; None: not known, and equal to no other device."""
    reproducible: bool = True
    """Whether the same call gives the same numbers; False for shots of a device that takes no seed."""
    wrong_gradient_gates: tuple[str, ...] = ()
    """Gates for which the QNode's own device, differentiating the QNode, returns a wrong gradient; this
    record's numbers do not use that derivative."""

    def __post_init__(self):
        samples, n = self.plan.samples, self.plan.n_params
        if self.identity is None:
            object.__setattr__(self, "identity", DeviceIdentity.unknown(self.device))
        wanted = {
            "losses": (samples,),
            "shot_variance": (samples,),
            "gradients": (samples, n),
            "gradient_error": (samples, n),
            "angles": (samples, n),
        }
        for name, shape in wanted.items():
            value = np.asarray(getattr(self, name), float)
            if value.shape != shape:
                raise InputError(f"Measurement.{name} needs shape {shape}; got {value.shape}.")
            object.__setattr__(self, name, value)
        for name in ("losses", "shot_variance", "angles"):
            if not np.all(np.isfinite(getattr(self, name))):
                raise InputError(f"Measurement.{name} holds values that are not finite.")
        if np.any(self.shot_variance < 0) or np.any(self.gradient_error < 0):
            raise InputError("Measurement: variances and errors must not be negative.")

    # ------------------------------------------------------------------ identity
    @property
    def measured(self) -> np.ndarray:
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
    def seed(self):
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
    def gradient_variance(self, replicates: int = 400) -> GradientVariance:
        """Return the variance of each component over the angles, shot noise removed, with errors."""
        return gradient_variance(self.gradients, self.gradient_error, replicates=replicates, shots=self.shots)

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
        refuse_other_devices(self.identity, other.identity)
        plan = self.plan + other.plan
        joined = {
            name: np.concatenate([getattr(self, name), getattr(other, name)])
            for name in ("losses", "gradients", "gradient_error", "shot_variance", "angles")
        }
        routes = dict.fromkeys(self.route.split(" + ") + other.route.split(" + "))
        notes = dict.fromkeys(n for n in (self.route_note, other.route_note) if n)
        return Measurement(
            **joined,
            plan=plan,
            device=self.device,
            route=" + ".join(routes),
            route_note="; ".join(notes),
            shapes=self.shapes,
            identity=self.identity,
            reproducible=self.reproducible and other.reproducible,
            wrong_gradient_gates=tuple(dict.fromkeys(self.wrong_gradient_gates + other.wrong_gradient_gates)),
        )

    def unflatten(self, row: np.ndarray) -> tuple[np.ndarray, ...]:
        """Split a flat row ``(n_params,)`` into the shapes of the QNode's trainable arguments."""
        out, at = [], 0
        for shape in self.shapes:
            size = int(np.prod(shape, dtype=int))
            out.append(np.asarray(row)[at : at + size].reshape(shape))
            at += size
        return tuple(out)

    def __str__(self) -> str:
        shots = "analytic" if self.shots is None else f"{self.shots} shots a circuit"
        parts = [
            f"Measurement of {self.samples} angle sets, {self.n_params} parameters, on {self.device} ({shots})",
            f"  route: {self.route}" + (f" ({self.route_note})" if self.route_note else ""),
            f"  angles: {self.law.name}, seed {self.seed}"
            + ("" if self.reproducible else "; not reproducible: the device takes no seed for its shots"),
        ]
        if self.identity is not None and not self.identity.is_certain:
            parts.append(
                f"  device: not identified, so that this record adds to none of another session "
                f"({self.identity.unidentified})"
            )
        if self.wrong_gradient_gates:
            parts.append(f"  {wrong_gradient_notice(self.wrong_gradient_gates)}")
        if self.shots == 1:
            parts.append(f"  loss: mean {self.losses.mean():.5g}; no variances: the noise of one shot has no estimate")
        elif self.samples > 1:
            value, error = self.loss_variance()
            parts.append(f"  loss: mean {self.losses.mean():.5g}, variance {value:.4g} ± {error:.1g}")
            if self.measured.any():
                v = self.gradient_variance(100)
                parts.append(f"  gradient: mean variance {v.mean:.4g} ± {v.mean_error:.1g}")
        return "\n".join(parts)

    # ------------------------------------------------------------------ plain data
    def to_dict(self) -> dict:
        """Return plain data that JSON can hold; unmeasured components are None."""
        return {
            **self.header(),
            "losses": self.losses.tolist(),
            "gradients": _nullable(self.gradients),
            "gradient_error": _nullable(self.gradient_error),
            "shot_variance": self.shot_variance.tolist(),
            "angles": self.angles.tolist(),
        }

    def header(self) -> dict:
        """Return everything but the arrays, as plain data."""
        return {
            "schema_version": _SCHEMA,
            "kind": "Measurement",
            "plan": self.plan.to_dict(),
            "device": self.device,
            "route": self.route,
            "route_note": self.route_note,
            "shapes": [list(s) for s in self.shapes],
            "identity": None if self.identity is None else self.identity.to_dict(),
            "reproducible": self.reproducible,
            "wrong_gradient_gates": list(self.wrong_gradient_gates),
        }

    @classmethod
    def from_dict(cls, data: dict) -> Measurement:
        """Rebuild a record written by :meth:`to_dict`."""
        if data.get("kind") != "Measurement" or data.get("schema_version") not in (1, _SCHEMA):
            raise InputError(
                f"This is {data.get('kind')!r} of schema {data.get('schema_version')!r}; "
                f"Measurement.from_dict reads schema {_SCHEMA} of 'Measurement'."
            )
        plan = SamplingPlan.from_dict(data["plan"])
        shape = (plan.samples, plan.n_params)

        def array(name):
            return np.array(data[name], dtype=float).reshape(shape)

        return cls(
            np.array(data["losses"], float),
            array("gradients"),
            array("gradient_error"),
            np.array(data["shot_variance"], float),
            array("angles"),
            plan,
            data["device"],
            data["route"],
            data["route_note"],
            tuple(tuple(s) for s in data["shapes"]),
            identity_from(data),
            bool(data.get("reproducible", True)),
            tuple(data.get("wrong_gradient_gates", ())),
        )


def _nullable(values: np.ndarray) -> list:
    return [[v if np.isfinite(v) else None for v in row] for row in values.tolist()]
