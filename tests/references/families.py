"""Slow, independent answers for tests/test_families.py: plain integrals and dense averages."""

from __future__ import annotations

import itertools

import numpy as np
import pennylane as qml
from scipy.stats import multivariate_normal


def evidence_by_grid(n, y, model: str, floor: float = 0.05) -> float:
    """ln of the integrated likelihood of exact points of one parity, by sums over grids.

    Intercept, slope, prefactor or correction and misfit are summed over explicitly; the misfit's
    own covariance is the only matrix.
    """
    n, y = np.asarray(n, float), np.asarray(y, float)
    y = y - y.mean()
    x = np.log2(n)
    lag = np.abs(x[:, None] - x[None, :])
    shape = 0.5 * np.exp(-lag / 0.5) + 0.5 * np.eye(len(n))
    if model == "exponential":
        slopes = np.geomspace(0.2, 4, 1501)
        law, extra, width = -n, x - x.mean(), 0.5
    else:
        slopes = np.geomspace(0.2, 8, 1501)
        law, extra, width = -x, 1 / n - np.mean(1 / n), 2.0
    weights = np.gradient(np.log(slopes)) / np.log(slopes[-1] / slopes[0])
    misfits = np.geomspace(floor, 2, 25)
    prior = misfits**-0.5 / np.sum(misfits**-0.5)
    total = 0.0
    for misfit, share in zip(misfits, prior, strict=True):
        # Intercept and the extra term as two normal variables of the stated widths.
        cov = misfit**2 * shape + 50.0**2 + width**2 * np.outer(extra, extra)
        density = multivariate_normal(np.zeros(len(n)), cov, allow_singular=False)
        total += share * float(weights @ density.pdf(y - slopes[:, None] * law))
    return float(np.log(total) + 0.5 * len(n) * np.log(2 * np.pi))


def ry_cz_losses(theta, n: int, layers: int, zs) -> np.ndarray:
    """⟨∏ Z_w, w in zs⟩ after ``layers`` of RY on every qubit and CZ on every bond, dense.

    theta: ``(batch, layers · n)``.
    """
    theta = np.atleast_2d(theta)
    bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    sign = np.prod([1 - 2 * bits[:, w] * bits[:, w + 1] for w in range(n - 1)], axis=0)
    value = np.prod([1 - 2 * bits[:, w] for w in zs], axis=0)
    state = np.zeros((len(theta), 2**n))
    state[:, 0] = 1
    for layer in range(layers):
        for w in range(n):
            half = theta[:, layer * n + w, None] / 2
            low = bits[:, w] == 0
            high = np.arange(2**n)[low] | (1 << w)
            a, b = state[:, low].copy(), state[:, high].copy()
            state[:, low] = np.cos(half) * a - np.sin(half) * b
            state[:, high] = np.sin(half) * a + np.cos(half) * b
        state = state * sign
    return state**2 @ value


def ry_cz_gradients(theta, n: int, layers: int, zs) -> np.ndarray:
    """Gradients ``(batch, layers · n)`` by the shift rule."""
    columns = []
    for k in range(theta.shape[1]):
        step = np.zeros(theta.shape[1])
        step[k] = np.pi / 2
        pair = [ry_cz_losses(theta + s * step, n, layers, zs) for s in (1, -1)]
        columns.append(0.5 * (pair[0] - pair[1]))
    return np.stack(columns, 1)


def clifford_angles(n_params: int) -> np.ndarray:
    """All settings of angles in {0, π/2, π, 3π/2}: the uniform average at degree 2."""
    return np.array(list(itertools.product(np.arange(4) * np.pi / 2, repeat=n_params)))


def ry_cz(n: int, layers: int, zs) -> qml.QNode:
    """The same circuit as a QNode."""

    @qml.qnode(qml.device("default.qubit", wires=n))
    def circuit(theta):
        for layer in range(layers):
            for w in range(n):
                qml.RY(theta[layer * n + w], wires=w)
            for w in range(n - 1):
                qml.CZ(wires=[w, w + 1])
        return qml.expval(qml.prod(*[qml.Z(w) for w in zs]))

    return circuit
