"""Number of independent parameters: the rank of the quantum Fisher information."""

from __future__ import annotations

import numpy as np

from pennylane_wishart.algebra import LieAlgebra
from pennylane_wishart.circuit import RotationCircuit
from pennylane_wishart.circuit.simulate import apply_rotation
from pennylane_wishart.errors import Status

__all__ = ["count_independent"]

_MAX_QUBITS = 12
_MAX_WORK = 2 * 10**9
_RANK = 1e-9


def count_independent(circuit: RotationCircuit, algebra: LieAlgebra, seed=0) -> tuple[int, Status]:
    """Count the directions in which the parameters really move the state.

    The rank of the quantum Fisher information Re⟨∂_i ψ|(1 − |ψ⟩⟨ψ|)|∂_j ψ⟩ at random angles,
    which is its largest rank with probability one.

    Returns:
        (rank, ``Status.OK``) to 12 qubits; else (an upper bound, ``Status.BOUND``): the fewest
        of parameters, algebra dimension and real dimension of the state manifold.
    Cost: O(parameters · rotations · 2^n).
    """
    n, p = circuit.n_qubits, circuit.n_params
    bound = min(p, 2 ** (n + 1) - 2)
    if algebra.is_closed:
        bound = min(bound, algebra.dim)
    if n > _MAX_QUBITS or 1.0 * p * circuit.n_rotations * 2**n > _MAX_WORK:
        return bound, Status.BOUND
    if p == 0:
        return 0, Status.OK
    rng = np.random.default_rng(seed)
    periods = np.asarray(circuit.periods, float)
    angles = circuit.angles_of(rng.uniform(size=p) * np.where(np.isfinite(periods), periods, 2 * np.pi))
    random_data = circuit.random_of >= 0
    angles[random_data] = rng.uniform(0, 2 * np.pi, int(random_data.sum()))
    state, tangents = _tangents(circuit, angles)
    tangents -= np.outer(state, state.conj() @ tangents)
    # a parameter in other units is the same direction: its slope must not decide whether it counts
    tangents /= _rates(circuit)
    real = np.concatenate([tangents.real, tangents.imag])
    # singular values, not those of the Fisher matrix: squares of small ones drown in rounding
    values = np.linalg.svd(real, compute_uv=False)
    return int(np.sum(values > _RANK * max(values[0], 1e-6))), Status.OK


def _rates(circuit: RotationCircuit) -> np.ndarray:
    """Return the largest |d(angle)/d(parameter)| of each parameter, 1 where it drives nothing."""
    out = np.zeros(circuit.n_params)
    driven = np.flatnonzero(circuit.parameter_of >= 0)
    sizes = np.zeros(circuit.n_rotations)
    if circuit.n_rotations:
        sizes = np.maximum.reduceat(np.abs(circuit.term_coefficients), circuit.starts[:-1])
    np.maximum.at(out, circuit.parameter_of[driven], (2 * sizes * np.abs(circuit.coefficients))[driven])
    return np.where(out > 0, out, 1.0)


def _tangents(circuit: RotationCircuit, angles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the final state ``(2^n,)`` and its derivatives ``(2^n, n_params)``."""
    columns = np.zeros((2**circuit.n_qubits, circuit.n_params + 1), dtype=complex)
    columns[:, -1] = circuit.state.vector()
    active = np.zeros(circuit.n_params + 1, dtype=bool)
    active[-1] = True
    for k, angle in enumerate(angles):
        generator = circuit.generator(k)
        live = np.flatnonzero(active)
        columns[:, live] = apply_rotation(generator, float(angle), columns[:, live])
        j = circuit.parameter_of[k]
        if j >= 0:
            columns[:, j] += -1j * circuit.coefficients[k] * generator.apply(columns[:, -1])
            active[j] = True
    return columns[:, -1], columns[:, :-1]
