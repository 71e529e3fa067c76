"""Laws of angles given as (sampler, characteristic): a normal law written so is the built-in one, in every engine."""

from __future__ import annotations

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp

import pennylane_wishart as pw

SIGMA = 0.4


def sampler(rng, size, n):
    return SIGMA * rng.standard_normal((size, n))


def characteristic(k, frequency):
    return np.exp(-0.5 * (frequency * SIGMA) ** 2)


def words(x):
    for q in range(3):
        qml.RY(x[q], q)
    qml.CNOT([0, 1])
    qml.RX(x[3], 1)
    return qml.expval(qml.Z(0) @ qml.Z(1) + 0.5 * qml.X(2))


def sums(x):
    for q in range(2):
        qml.RY(x[2 * q], q)
        qml.CRX(x[2 * q + 1], [q, q + 1])
    return qml.expval(qml.Z(2) + qml.X(1))


def shared(x):
    qml.PauliX(0)
    for angle, wires in ((x[0], [0, 1]), (2 * x[1], [1, 2]), (x[0] - x[2], [0, 2])):
        qml.SingleExcitation(angle, wires)
    qml.RX(x[3], 1)
    return qml.expval(qml.Z(1) + 0.3 * qml.X(0) @ qml.X(2))


def wide(x):
    for q in range(18):
        qml.RY(x[q % 4], q)
        qml.CNOT([q, (q + 1) % 18])
    return qml.expval(qml.Z(3))


@pytest.mark.parametrize("body", [words, sums, shared, wide])
def test_a_normal_law_written_as_a_pair_is_the_built_in_one(body):
    qnode, x = qml.QNode(body, qml.device("default.qubit")), pnp.array(np.linspace(0.1, 1, 4), requires_grad=True)
    given, built = (pw.predict(qnode, angles=law)(x) for law in ((sampler, characteristic), ("normal", SIGMA)))
    assert given.moments.engine is built.moments.engine
    for name in ("loss_mean", "loss_variance", "gradient_variance"):
        one, other = (getattr(p.moments, name) for p in (given, built))
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-14)
    # the noise of shifted circuits is sampled, and samples of two laws are two samples
    np.testing.assert_allclose(given.log2_median_shots, built.log2_median_shots, atol=0.1)
    assert str(given).split("\n")[0] == str(built).split("\n")[0]
