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


def clifford_variances(qnode, n_params: int) -> tuple[np.ndarray, float]:
    """(Var of every gradient component, Var of the loss) over all angles in {0, π/2, π, 3π/2}.

    Equal to the uniform average for gates whose angle enters once with frequency 1.
    """
    losses, gradients = [], []
    shift = np.pi / 2
    for point in itertools.product(np.arange(4) * shift, repeat=n_params):
        theta = np.array(point)
        losses.append(float(qnode(theta)))
        row = []
        for k in range(n_params):
            step = np.zeros(n_params)
            step[k] = shift
            row.append(0.5 * (float(qnode(theta + step)) - float(qnode(theta - step))))
        gradients.append(row)
    return np.var(np.array(gradients), axis=0), float(np.var(losses))


def ry_cz(n: int, layers: int, observable) -> qml.QNode:
    """RY on every wire and CZ on every bond, ``layers`` times, for the dense average."""

    @qml.qnode(qml.device("default.qubit", wires=n))
    def circuit(theta):
        for layer in range(layers):
            for w in range(n):
                qml.RY(theta[layer * n + w], wires=w)
            for w in range(n - 1):
                qml.CZ(wires=[w, w + 1])
        return qml.expval(observable)

    return circuit
