"""E[∂²ℓ/∂φ_k∂φ_l]: paths of single words that are differentiated twice on their way."""

from __future__ import annotations

import numpy as np

from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import ModuleTooLargeError
from pennylane_wishart.paulis import PauliWords
from pennylane_wishart.variances.problem import Problem

__all__ = ["hessian_mean"]


def hessian_mean(problem: Problem, max_rows: int = limits.MAX_PATHS) -> np.ndarray:
    """Return the means of second derivatives by word angles, ``(n_rotations, n_rotations)``.

    Only for laws with E[sin φ] = 0 at every rotation, as walks need: no path ever branches but by a derivative.

    Raises:
        ModuleTooLargeError: if more than ``max_rows`` paths are alive at one time.
    """
    live, m = problem.live, problem.moments
    n = live.n_qubits
    packed, weights = live.observable.words.packed, live.observable.coefficients.astype(float)
    origin = np.full((len(packed), 2), -1)  # the rotations that a path differentiates
    for k in range(live.n_rotations - 1, -1, -1):
        generator, c = live.words[k], m.cos[k]
        anti = np.flatnonzero(PauliWords.from_packed(packed, n).anticommutes(generator))
        moved, phase = generator.multiply(PauliWords.from_packed(packed[anti], n))
        there = weights[anti] * np.where(phase == 3, 1.0, -1.0)
        parts = [(packed, np.where(np.isin(np.arange(len(packed)), anti), c * weights, weights), origin)]
        if live.parameter_of[k] >= 0:
            # cos φ·Q becomes cos φ·Q' once and −cos φ·Q twice differentiated
            open_, whole = origin[anti, 1] == -1, origin[anti, 0] == -1
            once = np.where(origin[anti, :1] == -1, [[k, -1]], np.stack([origin[anti, 0], 0 * anti + k], axis=1))
            parts.append((moved.packed[open_], c * there[open_], once[open_]))
            parts.append((packed[anti][whole], -c * weights[anti][whole], np.full((int(whole.sum()), 2), k)))
        packed, weights, origin = (np.concatenate(column) for column in zip(*parts, strict=True))
        keep = np.abs(weights) > limits.NEGLIGIBLE
        packed, weights, origin = packed[keep], weights[keep], origin[keep]
        if len(weights) > max_rows:
            raise ModuleTooLargeError(f"Means of second derivatives need more than {max_rows} paths.")
    out = np.zeros((live.n_rotations,) * 2)
    twice = origin[:, 1] != -1
    values = weights[twice] * live.state.expectation(PauliWords.from_packed(packed[twice], n)) if twice.any() else []
    np.add.at(out, (origin[twice, 0], origin[twice, 1]), values)
    return np.where(np.eye(len(out), dtype=bool), out, out + out.T)
