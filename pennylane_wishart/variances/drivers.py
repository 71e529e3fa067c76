"""Which random variable drives which rotation: independent, shared, or fixed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pennylane_wishart.circuit import AngleLaw, RotationCircuit, RotationMoments
from pennylane_wishart.errors import InputError
from pennylane_wishart.paulis import PauliWords

__all__ = [
    "Drivers",
    "check_law",
    "clean_moments",
    "drivers_of",
    "gradient_bounds",
    "restricted",
    "split_sums",
    "subcircuit",
]

_ZERO = 1e-14


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
    values, counts = np.unique(driver[driver >= 0], return_counts=True)
    return Drivers(driver, values[counts > 1])


def clean_moments(circuit: RotationCircuit, law: AngleLaw) -> RotationMoments:
    """Return the rotation moments with rounding noise around 0 removed.

    cos(π/2) is 6e-17 in floating point; left in place it would keep words alive that a
    Clifford angle removes.
    """
    raw = circuit.rotation_moments(law)
    parts = [np.where(np.abs(a) < _ZERO, 0.0, a) for a in (raw.cos, raw.sin, raw.cos2, raw.sin2, raw.sincos)]
    return RotationMoments(*parts)


def subcircuit(circuit: RotationCircuit, keep: np.ndarray) -> RotationCircuit:
    """Return the circuit with only the rotations ``keep`` (parameters keep their numbers)."""
    keep = np.asarray(keep)
    keep = np.flatnonzero(keep) if keep.dtype == bool else keep
    sizes = np.diff(circuit.starts)[keep]
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    rows = np.repeat(circuit.starts[:-1][keep] - starts[:-1], sizes) + np.arange(starts[-1])
    terms = PauliWords(circuit.terms.x[rows], circuit.terms.z[rows], circuit.n_qubits)
    return replace(
        circuit,
        terms=terms,
        term_coefficients=circuit.term_coefficients[rows],
        starts=starts,
        coefficients=circuit.coefficients[keep],
        offsets=circuit.offsets[keep],
        parameter_of=circuit.parameter_of[keep],
        random_of=circuit.random_of[keep],
        cliffords=tuple((int(np.searchsorted(keep, at)), c, q) for at, c, q in circuit.cliffords),
    )


def restricted(circuit: RotationCircuit, keep: np.ndarray) -> RotationCircuit:
    """Return the circuit with only the terms ``keep`` of its generators; rotations left empty are dropped.

    Valid where the loss does not depend on what is left out.

    Args:
        keep: bool, one per term.
    """
    owner = np.repeat(np.arange(circuit.n_rotations), np.diff(circuit.starts))
    counts = np.bincount(owner[keep], minlength=circuit.n_rotations)
    rotations = np.flatnonzero(counts)
    small = subcircuit(circuit, rotations)
    if keep.all():
        return small
    rows = np.flatnonzero(keep)
    return replace(
        small,
        terms=circuit.terms[rows],
        term_coefficients=circuit.term_coefficients[rows],
        starts=np.concatenate([[0], np.cumsum(counts[rotations])]).astype(np.int64),
    )


def split_sums(circuit: RotationCircuit) -> tuple[RotationCircuit, np.ndarray]:
    """Return the circuit with every sum of commuting words as one rotation a word, and their first terms.

    exp(−ia Σ c_j P_j) = ∏ exp(−ia c_j P_j) where the words commute. Sums of words that do not commute stay.

    Returns:
        ``(circuit, starts)``: the terms keep their order; ``starts`` int64 ``(n_parts + 1,)`` says which
        terms each rotation of the new circuit holds.
    """
    sizes = np.diff(circuit.starts)
    starts, owner = [], []
    for k, size in enumerate(sizes):
        words = circuit.terms[slice(circuit.starts[k], circuit.starts[k + 1])] if size > 1 else None
        whole = words is not None and bool(words.anticommutation(words).any())
        parts = [circuit.starts[k]] if whole else list(range(circuit.starts[k], circuit.starts[k + 1]))
        starts += parts
        owner += [k] * len(parts)
    index = np.asarray(owner, np.int64)
    bounds = np.asarray([*starts, circuit.starts[-1]], np.int64)
    if len(index) == circuit.n_rotations:
        return circuit, bounds
    return replace(
        circuit,
        starts=bounds,
        coefficients=circuit.coefficients[index],
        offsets=circuit.offsets[index],
        parameter_of=circuit.parameter_of[index],
        random_of=circuit.random_of[index],
        cliffords=tuple((int(np.searchsorted(index, at)), c, q) for at, c, q in circuit.cliffords),
    ), bounds


def gradient_bounds(circuit: RotationCircuit) -> np.ndarray:
    """Return a bound on |∂ℓ/∂θ_k| at any angles, float64 ``(n_params,)``: Σ_l |coefficient_l|·2‖G_l‖·‖O‖.

    Norms are bounded by the sums of |Pauli coefficients|.
    """
    heavy = circuit.observable.words.weights() > 0
    size = float(np.abs(circuit.observable.coefficients[heavy]).sum())
    sums = np.add.reduceat(np.append(np.abs(circuit.term_coefficients), 0.0), circuit.starts[:-1])
    norms = np.where(np.diff(circuit.starts) > 0, sums, 0.0)
    out = np.zeros(circuit.n_params)
    driven = circuit.parameter_of >= 0
    np.add.at(out, circuit.parameter_of[driven], np.abs(circuit.coefficients[driven]) * 2 * norms[driven] * size)
    return out
