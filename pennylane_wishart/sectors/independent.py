"""Number of independent parameters: the rank of the quantum Fisher information of the live ones.

A parameter can move the state and still not the loss: a gate behind the light cone, or one whose
effect a symmetry hides. Such a parameter takes no part in training, so it does not count, however
independent its direction is in the space of states.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

import numpy as np

from pennylane_wishart.algebra import LieAlgebra
from pennylane_wishart.circuit import RotationCircuit
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
    rng = np.random.default_rng(seed)
    # the largest derivative that observable and gates allow, parameter by parameter
    size = float(np.abs(circuit.observable.coefficients).sum()) * _drives(circuit)
    live = np.zeros(p, dtype=bool)
    for _ in range(limits.LIVE_DRAWS):
        angles = _random_angles(circuit, rng)
        live |= np.abs(_gradient(circuit, angles)) > limits.LIVE * size
        if live.all():
            break
    if not live.any():
        return Rank(0)
    state, tangents = _tangents(circuit, angles, np.flatnonzero(live))
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


def _random_angles(circuit: RotationCircuit, rng: np.random.Generator) -> np.ndarray:
    """Draw rotation angles: parameters uniform on a period, random data too."""
    periods = np.asarray(circuit.periods, float)
    angles = circuit.angles_of(rng.uniform(size=circuit.n_params) * np.where(np.isfinite(periods), periods, 2 * np.pi))
    random_data = circuit.random_of >= 0
    angles[random_data] = rng.uniform(0, 2 * np.pi, int(random_data.sum()))
    return angles


def _gradient(circuit: RotationCircuit, angles: np.ndarray) -> np.ndarray:
    """Return ∇ℓ ``(n_params,)`` by one adjoint sweep: its cost does not grow with the parameters."""
    psi = circuit.state.vector()[:, None]
    # forward once; then ψ and Oψ run backwards together, and ∂_k = 2 Im⟨Oψ|G_k|ψ⟩ is read in between
    for k, angle in enumerate(angles):
        psi = apply_rotation(circuit.generator(k), float(angle), psi)
    both = np.concatenate([psi, circuit.observable.apply(psi)], axis=1)
    out = np.zeros(circuit.n_params)
    for k in range(circuit.n_rotations - 1, -1, -1):
        generator = circuit.generator(k)
        j = circuit.parameter_of[k]
        if j >= 0:
            out[j] += 2 * circuit.coefficients[k] * np.vdot(both[:, 1], generator.apply(both[:, 0])).imag
        both = apply_rotation(generator, -float(angles[k]), both)
    return out


def _tangents(circuit: RotationCircuit, angles: np.ndarray, parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the final state ``(2^n,)`` and its derivatives by some parameters ``(2^n, len(parameters))``."""
    place = np.full(circuit.n_params, -1)
    place[parameters] = np.arange(len(parameters))
    columns = np.zeros((2**circuit.n_qubits, len(parameters) + 1), dtype=complex)
    columns[:, -1] = circuit.state.vector()
    active = np.zeros(len(parameters) + 1, dtype=bool)
    # a column is zero until its parameter has turned something
    active[-1] = True
    with closing(progress_bar(None, len(angles), 0, "counting independent parameters", unit="gate")) as bar:
        for k, angle in enumerate(angles):
            generator = circuit.generator(k)
            turned = np.flatnonzero(active)
            columns[:, turned] = apply_rotation(generator, float(angle), columns[:, turned])
            j = place[circuit.parameter_of[k]] if circuit.parameter_of[k] >= 0 else -1
            if j >= 0:
                columns[:, j] += -1j * circuit.coefficients[k] * generator.apply(columns[:, -1])
                active[j] = True
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
