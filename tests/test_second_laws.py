"""The law of deep Hessians and the training curve, held against the circuit itself."""

from __future__ import annotations

import json

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp
from scipy import stats

import pennylane_wishart as pw
from pennylane_wishart.conventions import Unavailable
from pennylane_wishart.ensembles.hessian import HessianEnsemble, HessianSector
from pennylane_wishart.errors import InputError
from pennylane_wishart.prediction.training import TrainingCurve

DEVICE = qml.device("default.qubit")


def layered(n, layers, observable):
    def f(w):
        qml.StronglyEntanglingLayers(w, wires=range(n))
        return qml.expval(observable)

    return qml.QNode(f, DEVICE), pnp.array(np.zeros((layers, n, 3)), requires_grad=True)


def measured(qnode, w, at, samples):
    """Return eigenvalues of blocks of the Hessian, by differences of PennyLane's gradients."""
    rng, gradient, out, h = np.random.default_rng(3), qml.grad(qnode), [], 1e-4
    for _ in range(samples):
        theta, rows = rng.uniform(0, 2 * np.pi, w.size), []
        for k in at:
            up, down = theta.copy(), theta.copy()
            up[k] += h
            down[k] -= h
            ends = [np.ravel(gradient(pnp.array(x.reshape(w.shape), requires_grad=True)))[at] for x in (up, down)]
            rows.append((ends[0] - ends[1]) / (2 * h))
        out.append(np.linalg.eigvalsh((np.array(rows) + np.array(rows).T) / 2))
    return np.array(out)


@pytest.mark.slow
def test_deep_spectra_follow_the_law_and_shallow_ones_do_not():
    at = [int(np.ravel_multi_index((k, 1, 1), (10, 3, 3))) for k in (3, 5, 7)]
    qnode, w = layered(3, 10, qml.Z(0))
    law = pw.predict(qnode)(w).hessian_law.of(at)
    assert law.separated
    drawn, seen = law.spectra(2000, rng=1)[1], measured(qnode, w, at, 150)
    # two tests at 1e-4: a false alarm once in 5,000 runs
    assert all(stats.ks_2samp(drawn[:, k], seen[:, k]).pvalue > 1e-4 for k in (0, -1))
    # a wrong law is seen: directions of neighbours are not independent
    whole = pw.predict(qnode)(w).hessian_law
    neighbours = list(range(9))
    assert not whole.separated
    seen = measured(qnode, w, neighbours, 60)
    assert stats.ks_2samp(whole.of(neighbours).spectra(2000, rng=1)[1][:, -1], seen[:, -1]).pvalue < 1e-3


@pytest.mark.parametrize("beta", (1, 2, 4))
def test_drawn_variances_are_those_of_the_deep_limit(beta):
    # a Pauli observable on N = 16 complex dimensions: Var H_kk = f·Var ℓ, Var H_kl = f²·Var ℓ to a tenth
    count = 4 if beta == 4 else 8
    ensemble = HessianEnsemble((HessianSector((-1.0, 1.0), (count, count), beta),), np.full(2, 0.5))
    losses, hessians = ensemble.sample(20_000, rng=1)
    variance = losses.var()
    assert abs(hessians[:, 0, 0].var() / variance / 0.5 - 1) < 0.15
    assert abs(hessians[:, 0, 1].var() / variance / 0.25 - 1) < 0.15
    scaled = HessianEnsemble(ensemble.sectors, ensemble.norms, np.full((2, 2), 0.01))
    np.testing.assert_allclose(scaled.sample(4000, rng=1)[1].var(axis=0), 0.01, rtol=0.1)
    assert np.array_equal(ensemble.spectra(50, rng=2)[1], ensemble.spectra(50, rng=2)[1])


def test_where_there_is_no_law_it_is_said():
    qnode, w = layered(3, 1, qml.Z(0))
    pred = pw.predict(qnode)(w)
    assert isinstance(pred.hessian_law, (HessianEnsemble, Unavailable))

    def ring(w):
        for k in range(2):
            for q in range(4):
                qml.IsingZZ(w[k, 0], [q, (q + 1) % 4])
                qml.RX(w[k, 1], q)
        return qml.expval(qml.Z(0) @ qml.Z(1))

    pred = pw.predict(qml.QNode(ring, DEVICE))(pnp.array(np.zeros((2, 2)), requires_grad=True))
    assert isinstance(pred.hessian_law, Unavailable)
    found = pred.training_curve(start=0.5)
    assert isinstance(found, (Unavailable, TrainingCurve))


def test_a_two_level_curve_is_logistic():
    qnode, w = layered(3, 6, qml.Z(0))
    pred = pw.predict(qnode)(w)
    curve = pred.training_curve(start=0.2, step=0.1)
    square, spread = pred.ntk()[0, 0], pred.eigenbasis_shot_variance.value
    # ℓ̇ = −r(1 + ℓ)(1 − ℓ): atanh ℓ falls linearly
    exact = (np.arctanh(0.2) - np.arctanh(curve.losses)) / (0.1 * square / spread)
    np.testing.assert_allclose(curve.steps, exact, rtol=2e-3, atol=1e-3)
    low, high = curve.band(0.1)
    assert low < curve.steps_to(0.1) < high and curve.applies
    assert TrainingCurve.from_dict(json.loads(json.dumps(curve.to_dict()))).to_dict() == curve.to_dict()
    with pytest.raises(InputError, match="inside the spectrum"):
        pred.training_curve(start=1.5)


def test_a_descent_takes_about_as_many_steps_as_predicted():
    qnode, w = layered(3, 6, qml.Z(0))
    pred, gradient, rng, ratios = pw.predict(qnode)(w), qml.grad(qnode), np.random.default_rng(2), []
    for _ in range(3):
        x = pnp.array(rng.uniform(0, 2 * np.pi, w.shape), requires_grad=True)
        curve, taken = pred.training_curve(start=float(qnode(x)), step=0.1), 0
        while float(qnode(x)) + 1 > 0.1 * (curve.losses[0] + 1) and taken < 300:
            x, taken = x - 0.1 * gradient(x), taken + 1
        ratios.append(taken / curve.steps_to(0.1))
    assert 0.5 < np.median(ratios) < 2
