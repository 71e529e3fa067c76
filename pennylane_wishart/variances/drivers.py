"""Which random variable drives which rotation, and what a gradient can be at most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pennylane_wishart.circuit import AngleLaw, RotationCircuit, RotationMoments
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import InputError

__all__ = ["Drivers", "angle_transform", "check_law", "clean_moments", "drivers_of", "gradient_bounds", "loss_size"]


@dataclass(frozen=True, eq=False)
class Drivers:
    """The random variable behind each rotation."""

    driver: np.ndarray
    """int64 ``(n_rotations,)``: parameter p, ``n_params + d`` for random data input d, −1 fixed."""
    shared: np.ndarray
    """Sorted drivers that turn more than one rotation."""

    @property
    def independent(self) -> bool:
        """Whether every random variable turns one rotation, so that averages factor."""
        return len(self.shared) == 0


def check_law(circuit: RotationCircuit, law: AngleLaw) -> None:
    """Raise unless the law has one entry per parameter of the circuit."""
    if not isinstance(law, AngleLaw):
        raise InputError(f"law must be an AngleLaw (circuit.angle_law(spec)); got {type(law).__name__}.")
    if len(law) != circuit.n_params:
        raise InputError(
            f"law has {len(law)} parameters, the circuit has {circuit.n_params}: build it with circuit.angle_law(spec)."
        )


def drivers_of(circuit: RotationCircuit) -> Drivers:
    """Return what drives each rotation."""
    driver = np.where(circuit.parameter_of >= 0, circuit.parameter_of, -1)
    data = circuit.random_of >= 0
    driver[data] = circuit.n_params + circuit.random_of[data]
    # fixed rotations share nothing: their angle is no random variable
    values, counts = np.unique(driver[driver >= 0], return_counts=True)
    return Drivers(driver, values[counts > 1])


def clean_moments(circuit: RotationCircuit, law: AngleLaw) -> RotationMoments:
    """Return the rotation moments with rounding noise around 0 removed."""
    raw = circuit.rotation_moments(law)
    parts = [np.where(np.abs(a) < limits.ZERO, 0.0, a) for a in (raw.cos, raw.sin, raw.cos2, raw.sin2, raw.sincos)]
    return RotationMoments(*parts)


def angle_transform(circuit: RotationCircuit, law: AngleLaw, k: int, frequency: np.ndarray) -> np.ndarray:
    """Return E[exp(i·f·angle_k)] for frequencies of any shape."""
    shape = np.shape(frequency)
    f = np.asarray(frequency, float).reshape(-1)
    # random data is uniform over a period: only frequency 0 survives
    if circuit.random_of[k] >= 0:
        return np.where(np.abs(f) < limits.SAME_FREQUENCY, 1.0, 0.0).reshape(shape).astype(complex)
    out = np.exp(1j * f * circuit.offsets[k])
    p = int(circuit.parameter_of[k])
    if p >= 0:
        out = out * law.characteristic(f * circuit.coefficients[k], np.full(f.shape, p))
    return np.asarray(out.reshape(shape))


def loss_size(circuit: RotationCircuit) -> float:
    """Return a bound on |ℓ − (identity's part)|: the sum of the other terms' sizes."""
    heavy = circuit.observable.words.weights() > 0
    return float(np.abs(circuit.observable.coefficients[heavy]).sum())


def gradient_bounds(circuit: RotationCircuit) -> np.ndarray:
    """Return a bound on |∂ℓ/∂θ_k| at any angles, float64 ``(n_params,)``: Σ_l |coefficient_l|·2‖G_l‖·‖O‖.

    Norms are bounded by the sums of |Pauli coefficients|.
    """
    # reduceat needs an entry at every start: the appended 0 serves generators without terms at the end
    sums = np.add.reduceat(np.append(np.abs(circuit.term_coefficients), 0.0), circuit.starts[:-1])
    norms = np.where(np.diff(circuit.starts) > 0, sums, 0.0)
    out = np.zeros(circuit.n_params)
    driven = circuit.parameter_of >= 0
    slopes = np.abs(circuit.coefficients[driven]) * 2 * norms[driven] * loss_size(circuit)
    np.add.at(out, circuit.parameter_of[driven], slopes)
    return out
