"""E[ℓ] and E[∂_kℓ]: paths of single words (THEORY §4), through noise too, at any number of qubits."""

from __future__ import annotations

import numpy as np

from pennylane_wishart.circuit import Channel, RotationCircuit, RotationMoments
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import ModuleTooLargeError
from pennylane_wishart.paulis import PauliWords
from pennylane_wishart.variances.actions import syndromes_of, transfer_action

__all__ = ["first_moments"]


def first_moments(
    circuit: RotationCircuit, moments: RotationMoments, max_rows: int = limits.MAX_PATHS
) -> tuple[float, np.ndarray]:
    """Return E[ℓ] and E[∂ℓ/∂φ_k] per rotation, φ = 2·c·angle, for independent angles.

    A word that anticommutes with a generator is multiplied by E[cos φ], and branches where
    E[sin φ] ≠ 0; under uniform angles nearly every path ends at once.

    Raises:
        ModuleTooLargeError: if more than ``max_rows`` paths are alive at one time.
    Cost: O(rotations · live paths).
    """
    n_rot, n = circuit.n_rotations, circuit.n_qubits
    packed, weights = circuit.observable.words.packed, circuit.observable.coefficients.astype(float)
    origin = np.full(len(packed), -1)  # the rotation that a path differentiates, −1 for E[ℓ]
    noise = list(circuit.channels)
    for k in range(n_rot - 1, -2, -1):
        while noise and noise[-1].position == k + 1:
            packed, weights, origin = _through(noise.pop(), packed, weights, origin, n)
        if k < 0:
            break
        generator, c, s = circuit.words[k], moments.cos[k], moments.sin[k]
        anti = np.flatnonzero(PauliWords.from_packed(packed, n).anticommutes(generator))
        if len(anti) == 0:
            continue
        moved, phase = generator.multiply(PauliWords.from_packed(packed[anti], n))
        # iP·Q = i^(phase + 1)·word, Hermitian: + where phase is 3
        here, there = weights[anti], weights[anti] * np.where(phase == 3, 1.0, -1.0)
        weights = weights.copy()
        weights[anti] = c * here
        parts = [(packed, weights, origin), (moved.packed, s * there, origin[anti])]
        if circuit.parameter_of[k] >= 0:
            # the derivative of cos φ·Q + sin φ·iPQ, of paths that differentiate nothing yet
            own = np.flatnonzero(origin[anti] < 0)
            mark = np.full(len(own), k)
            parts += [(moved.packed[own], c * there[own], mark), (packed[anti][own], -s * here[own], mark)]
        packed, weights, origin = (np.concatenate(column) for column in zip(*parts, strict=True))
        keep = np.abs(weights) > limits.NEGLIGIBLE
        packed, weights, origin = packed[keep], weights[keep], origin[keep]
        if s:  # without branches no two paths of one origin ever meet
            packed, weights, origin = _merged(packed, weights, origin)
        if len(weights) > max_rows:
            raise ModuleTooLargeError(f"E[ℓ] needs more than {max_rows} paths: use sampling.")
    gradient = np.zeros(n_rot)
    values = weights * circuit.state.expectation(PauliWords.from_packed(packed, n)) if len(weights) else weights
    np.add.at(gradient, origin[origin >= 0], values[origin >= 0])
    return float(values[origin < 0].sum()), gradient


def _through(
    channel: Channel, packed: np.ndarray, weights: np.ndarray, origin: np.ndarray, n: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Carry paths through a channel."""
    words = PauliWords.from_packed(packed, n)
    if channel.is_diagonal:
        return packed, weights * channel.fidelities[syndromes_of(channel.frame, words)], origin
    action = transfer_action(channel.frame, channel.transfer, channel.signs)
    codes, parts = action.syndromes(words), []
    for code in np.unique(codes):
        members, row = np.flatnonzero(codes == code), action.row(int(code))
        for shift, odd, value in zip(row.shifts, row.odd, row.amplitudes.real.sum(axis=0), strict=True):
            found, sign = action.image(words[members], int(shift), bool(odd))
            parts.append((found.packed, value * sign * weights[members], origin[members]))
    if not parts:
        return packed[:0], weights[:0], origin[:0]
    out_packed, out_weights, out_origin = (np.concatenate(column) for column in zip(*parts, strict=True))
    return _merged(out_packed, out_weights, out_origin)


def _merged(packed: np.ndarray, weights: np.ndarray, origin: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Add up the weights of equal words of one origin."""
    rows = np.concatenate([packed, origin[:, None].astype(np.int64).view(np.uint64)], axis=1)
    kept, inverse = np.unique(rows, axis=0, return_inverse=True)
    total = np.bincount(np.asarray(inverse).reshape(-1), weights=weights, minlength=len(kept))
    alive = np.abs(total) > limits.NEGLIGIBLE
    kept = kept[alive]
    return kept[:, :-1].copy(), total[alive], kept[:, -1].copy().view(np.int64)
