"""Shots: noise estimated and removed, degrees of freedom, quotes and budgets."""

from __future__ import annotations

import json

import numpy as np
import pennylane as qml
import pytest
from measured_circuits import CASES, qnode_of
from pennylane import numpy as pnp
from stub_devices import SplittingHardware, StubHardware

from pennylane_wishart.errors import InputError
from pennylane_wishart.measurement import measure, quote


def test_shot_noise_is_estimated_rightly():
    """Normalised residuals have variance 1: 3 circuits with words, groups and two levels.

    About 400 residuals each: the standard error of their variance is 0.07; bound 0.3 (4 sigma).
    """
    for case in ("qaoa", "projector, named wires", "hermitian"):
        qnode, args = qnode_of(case)
        samples = 200 if case != "qaoa" else 40
        exact = measure(qnode, samples=samples)(*args)
        noisy = measure(qnode, samples=samples, shots=100)(*args)
        assert noisy.route == "parameter-shift" and np.array_equal(noisy.angles, exact.angles)
        sure = noisy.gradient_error > 1e-2
        residual = ((noisy.gradients - exact.gradients) / np.where(sure, noisy.gradient_error, 1))[sure]
        assert abs(residual.mean()) < 0.25
        assert abs(residual.var() - 1) < 0.35
        likely = noisy.shot_variance > 1e-4
        z = (noisy.losses - exact.losses)[likely] / np.sqrt(noisy.shot_variance[likely])
        assert abs(z.var() - 1) < (0.5 if case != "qaoa" else 0.9)


def test_shot_noise_is_removed_from_the_gradient_variance():
    qnode, args = qnode_of("projector, named wires")
    exact = measure(qnode, samples=4000)(*args).gradient_variance()
    few = measure(qnode, samples=400, shots=2)(*args).gradient_variance()
    assert few.raw.mean() > 1.4 * exact.mean
    assert np.all(np.abs(few.value - exact.value) < 4 * np.hypot(few.error, exact.error))
    assert np.all(few.low < exact.value) and np.all(exact.value < few.high)
    assert np.allclose(few.raw - few.shot_noise, few.value)


def test_gradient_variance_of_a_known_law():
    """ℓ = cos θ: the variance of the gradient is 1/2, its fourth moment 3/8."""

    @qml.qnode(qml.device("lightning.qubit", wires=1))
    def rotation(x):
        qml.RX(x, 0)
        return qml.expval(qml.Z(0))

    data = measure(rotation, samples=2000)(pnp.array(0.1))
    found = data.gradient_variance()
    error = np.sqrt((3 / 8 - 1 / 4) / 2000)
    assert abs(found.value[0] - 0.5) < 4 * error
    assert abs(found.error[0] / error - 1) < 0.2
    assert found.low[0] < 0.5 < found.high[0] and found.count[0] == 2000
    value, error = data.loss_variance()
    assert abs(value - 0.5) < 4 * error
    sparse = measure(rotation, samples=30, parameters=0)(pnp.array(0.1)).gradient_variance()
    assert np.isnan(sparse.value[0]) and sparse.count[0] == 0 and np.isnan(sparse.mean)


def test_degrees_of_freedom_of_a_pauli_on_haar_states():
    """A deep SU(16) circuit: m = 2(N/2)²·2/… = 16 for a Pauli at N = 16, β = 2 (THEORY §8)."""

    @qml.qnode(qml.device("lightning.qubit", wires=4))
    def deep(w):
        qml.StronglyEntanglingLayers(w, wires=range(4))
        return qml.expval(qml.Z(0))

    data = measure(deep, samples=2000, parameters=0)(pnp.zeros((12, 4, 3)))
    found = data.degrees_of_freedom(dim=16, beta=2, minimum=-1.0)
    assert found.dof_finite_interval[0] < 16 < found.dof_finite_interval[1]
    assert found.dof_finite_interval[1] - found.dof_finite_interval[0] < 4
    assert abs(found.dof - 1 / (1 / found.dof_finite + 1 / 16)) < 1e-12
    noisy = measure(deep, samples=300, parameters=0, shots=20)(pnp.zeros((12, 4, 3)))
    found = noisy.degrees_of_freedom(dim=16, beta=2, minimum=-1.0)
    assert found.shot_noise > 0.04
    assert found.dof_finite_interval[0] < 16 < found.dof_finite_interval[1]
    with pytest.raises(InputError, match="minimum"):
        noisy.degrees_of_freedom(dim=16, beta=2, minimum=3.0)
    with pytest.raises(InputError, match="beta"):
        noisy.degrees_of_freedom(dim=16, beta=3, minimum=-1.0)


# ---------------------------------------------------------------------- quotes and budgets
@pytest.mark.parametrize("make", [StubHardware, SplittingHardware])
@pytest.mark.parametrize("options", [{}, {"parameters": 1}, {"parameters": [0, 3]}, {"parameters": 0}])
def test_a_quote_is_what_is_executed(make, options):
    function, args, _ = CASES["qaoa"]
    device = make(wires=range(4))
    qnode = qml.QNode(function, device)
    asked = quote(qnode, samples=3, shots=50, **options)(*args)
    assert device.circuits == 0
    measure(qnode, samples=3, shots=50, **options)(*args)
    assert (device.circuits, device.shots_run) == (asked.executions, asked.shots)


def test_quotes_count_measurement_bases():
    def two_bases(x):
        qml.RX(x, 0)
        return qml.expval(qml.X(0) + qml.Z(0))

    one = quote(two_bases_node(two_bases), samples=10, shots=100)(pnp.array(0.1))
    assert (one.circuits, one.executions, one.shots) == (30, 60, 6000)
    assert type(one).from_dict(json.loads(json.dumps(one.to_dict()))) == one
    assert "6,000" in str(one)
    analytic = quote(two_bases_node(two_bases), samples=10, shots=None)(pnp.array(0.1))
    assert (analytic.executions, analytic.shots) == (10, 0)


def two_bases_node(function):
    return qml.QNode(function, qml.device("default.qubit", wires=1))


def test_the_best_split_of_binomial_shots_over_a_heavy_law():
    """Gradients that are products of four sines (kurtosis 5.06), each from two circuits of ±1 shots.

    3,000 simulated experiments for each split, noise taken out as the product does: the spread of
    their spread is 1.3%; splits a factor of 4 from the best are worse by 15% and more.
    """
    from pennylane_wishart.measurement.quotes import best_shots

    rng = np.random.default_rng(8)
    variance, kurtosis, total = 1 / 16, 1.5**4, 4000
    best = best_shots((1 - variance) / 2, variance, kurtosis)
    spread = {}
    for shots in (round(best), round(4 * best), round(16 * best)):
        samples = total // (2 * shots)
        g = np.prod(np.sin(rng.uniform(0, 2 * np.pi, (4, 3000, samples))), axis=0)
        ahead, behind = (2 * rng.binomial(shots, (1 + sign * g) / 2) / shots - 1 for sign in (1, -1))
        noise = ((1 - ahead**2) + (1 - behind**2)) / (4 * (shots - 1))
        estimates = ((ahead - behind) / 2).var(1, ddof=1) - noise.mean(1)
        assert abs(estimates.mean() - variance) < 5 * estimates.std() / np.sqrt(3000)
        spread[shots] = estimates.std()
    values = list(spread.values())
    assert round(best) == 5 and values[0] < values[1] / 1.15 < values[2] / 1.15**2


def test_a_budget_is_kept_and_split_where_the_variance_is_sharpest():
    from pennylane_wishart.measurement.quotes import best_shots

    rng = np.random.default_rng(3)
    variance, single, total = 0.01, 0.5, 40_000
    best = round(best_shots(single, variance))
    spread = {}
    for shots in (best // 5, best, best * 5):
        n = total // shots
        draws = rng.normal(0, np.sqrt(variance + single / shots), (4000, n))
        spread[shots] = draws.var(1, ddof=1).std()
    assert min(spread, key=spread.get) == best

    qnode, args = qnode_of("qaoa", "default.qubit")
    asked = quote(qnode, budget=40_000)(*args)
    assert 0.8 * 40_000 < asked.shots <= 40_000
    given = quote(qnode, budget=40_000, variance=0.05)(*args)
    assert given.shots_per_circuit > asked.shots_per_circuit
    with pytest.raises(InputError, match="too little"):
        quote(qnode, budget=100)(*args)
