"""Number of independent parameters: the rank of the quantum Fisher information of the live ones.

A parameter can move the state and still not the loss: a gate behind the light cone, or one whose
effect a symmetry hides. Such a parameter takes no part in training, so it does not count, however
independent its direction is in the space of states.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pennylane_wishart.algebra import LieAlgebra
from pennylane_wishart.circuit import Ansatz, RotationCircuit
from pennylane_wishart.circuit.simulate import apply_rotation
from pennylane_wishart.conventions import sectors as limits
from pennylane_wishart.paulis import PauliWords
from pennylane_wishart.progress import progress_bar

__all__ = ["Rank", "RankAtMost", "count_independent"]


@dataclass(frozen=True)
class Rank:
    """The rank itself."""

    value: int


@dataclass(frozen=True)
class RankAtMost:
    """An upper bound on the rank: the rank was not computed."""

    at_most: int


def count_independent(circuit: RotationCircuit, algebra: LieAlgebra, seed: int | None = 0) -> Rank | RankAtMost:
    """Count the directions in which the parameters that the loss can see really move the state.

    The rank of the quantum Fisher information Re⟨∂_i ψ|(1 − |ψ⟩⟨ψ|)|∂_j ψ⟩ at random angles,
    which is its largest rank with probability one, over the live parameters: those with
    ∂_kℓ = 2 Re⟨∂_kψ|O|ψ⟩ ≠ 0 there. A derivative that vanishes at three random points vanishes
    everywhere, with probability one.

    Returns:
        :class:`Rank` to 12 qubits; else :class:`RankAtMost`: the fewest of the parameters in the
        observable's light cone, the algebra's dimension and that of the state manifold.
    Cost: O(parameters · rotations · 2^n).
    """
    n, p = circuit.n_qubits, circuit.n_params
    if n > limits.RANK_QUBITS or 1.0 * p * circuit.n_rotations * 2**n > limits.RANK_WORK:
        # a pure state of n qubits has 2^(n+1) − 2 directions, norm and phase left out
        bound = min(_in_light_cone(circuit), 2 ** (n + 1) - 2)
        return RankAtMost(min(bound, algebra.dim) if algebra.is_closed else bound)
    if p == 0:
        return Rank(0)
    # the largest derivative that observable and gates allow, parameter by parameter
    size = float(np.abs(circuit.observable.coefficients).sum()) * _drives(circuit)
    state, tangents = _every_tangent(Ansatz(circuit), seed, 0)
    live = np.abs(_slopes(circuit, state, tangents)) > limits.LIVE * size
    for draw in range(1, limits.LIVE_DRAWS):
        # a random direction of all that showed no slope has one, if any of them has
        direction = np.random.default_rng(draw).normal(size=p) * ~live
        slope = _slopes(circuit, *_tangents(circuit, _random_angles(circuit, seed, draw), direction[:, None]))
        if abs(slope[0]) > limits.LIVE * (size @ np.abs(direction)):
            state, tangents = _every_tangent(Ansatz(circuit), seed, draw)
            live |= np.abs(_slopes(circuit, state, tangents)) > limits.LIVE * size
    if not live.any():
        return Rank(0)
    tangents = tangents[:, live]
    # a parameter in other units is the same direction: its slope must not decide whether it counts
    tangents = tangents / np.linalg.norm(tangents, axis=0)
    # a change of the state's phase is none
    tangents -= np.outer(state, state.conj() @ tangents)
    real = np.concatenate([tangents.real, tangents.imag])
    # singular values, not those of the Fisher matrix: squares of small ones drown in rounding
    values = np.linalg.svd(real, compute_uv=False)
    return Rank(int(np.sum(values > limits.RANK * max(values[0], limits.RANK_SCALE))))


def _drives(circuit: RotationCircuit) -> np.ndarray:
    """Return how fast each parameter can move the state: Σ |coefficient|·‖G‖₁, ``(n_params,)``."""
    rotation = np.repeat(np.arange(circuit.n_rotations), np.diff(circuit.starts))
    norms = np.bincount(rotation, weights=np.abs(circuit.term_coefficients), minlength=circuit.n_rotations)
    speed = np.abs(circuit.coefficients) * norms
    driven = circuit.parameter_of >= 0
    return np.bincount(circuit.parameter_of[driven], weights=speed[driven], minlength=circuit.n_params)


def _random_angles(circuit: RotationCircuit, seed: int | None, draw: int) -> np.ndarray:
    """Draw rotation angles: parameters uniform on a period, random data too."""
    rng = np.random.default_rng(None if seed is None else [seed, draw])
    periods = np.asarray(circuit.periods, float)
    angles = circuit.angles_of(rng.uniform(size=circuit.n_params) * np.where(np.isfinite(periods), periods, 2 * np.pi))
    random_data = circuit.random_of >= 0
    angles[random_data] = rng.uniform(0, 2 * np.pi, int(random_data.sum()))
    return angles


def _slopes(circuit: RotationCircuit, state: np.ndarray, tangents: np.ndarray) -> np.ndarray:
    """Return the loss's derivatives 2 Re⟨∂ψ|O|ψ⟩ along tangents ``(2^n, m)``."""
    image = circuit.observable.apply(state[:, None])[:, 0]
    return np.asarray(2 * (image.conj() @ tangents).real)


@lru_cache(maxsize=limits.LIVE_DRAWS)  # the outputs of a QNode ask one after the other
def _every_tangent(ansatz: Ansatz, seed: int | None, draw: int) -> tuple[np.ndarray, np.ndarray]:
    """Return ψ ``(2^n,)`` at random angles and its derivatives by every parameter ``(2^n, n_params)``."""
    circuit = ansatz.circuit
    return _tangents(circuit, _random_angles(circuit, seed, draw), np.eye(circuit.n_params))


def _tangents(circuit: RotationCircuit, angles: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the final state ``(2^n,)`` and its derivatives ``(2^n, m)`` along directions ``(n_params, m)``."""
    columns = np.zeros((2**circuit.n_qubits, directions.shape[1] + 1), dtype=complex)
    columns[:, -1] = circuit.state.vector()
    # a column is zero until its parameter has turned something
    active = np.append(np.zeros(directions.shape[1], dtype=bool), True)
    with closing(progress_bar(None, len(angles), 0, "counting independent parameters", unit="gate")) as bar:
        for k, angle in enumerate(angles):
            generator = circuit.generator(k)
            turned = np.flatnonzero(active)
            columns[:, turned] = apply_rotation(generator, float(angle), columns[:, turned])
            if circuit.parameter_of[k] >= 0:
                along = directions[circuit.parameter_of[k]]
                own = np.flatnonzero(along)
                image = -1j * circuit.coefficients[k] * generator.apply(columns[:, -1])
                columns[:, own] += np.multiply.outer(image, along[own])
                active[own] = True
            bar.update()
    return columns[:, -1], columns[:, :-1]


def _in_light_cone(circuit: RotationCircuit) -> int:
    """Count the parameters that drive a gate in the observable's light cone.

    Backwards, a gate is in the cone if one of its words anticommutes with a word of the
    observable or of a later gate in the cone; past the limit on work, every gate is.
    """
    words = circuit.observable.words
    inside = np.zeros(circuit.n_params, dtype=bool)
    for k in range(circuit.n_rotations - 1, -1, -1):
        terms = circuit.terms[circuit.starts[k] : circuit.starts[k + 1]]
        if len(terms) * len(words) <= limits.CONE_ENTRIES and not terms.anticommutation(words).any():
            continue
        if circuit.parameter_of[k] >= 0:
            inside[circuit.parameter_of[k]] = True
        words = PauliWords.concatenate([words, terms]).unique()[0]
    return int(inside.sum())
