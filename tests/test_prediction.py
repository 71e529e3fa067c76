"""Predictions on the registry: theory flags, moments against laws, process, engines, refusals."""

import warnings

import numpy as np
import pennylane as qml
import pytest
from circuits import CASES
from pennylane import numpy as pnp

import pennylane_wishart as pw

FLAGGED = [n for n, c in CASES.items() if c.in_theory is not None]


def predict(name, **options):
    qnode, args = CASES[name].make()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pw.predict(qnode, **options)(*args)


@pytest.mark.parametrize("name", FLAGGED)
def test_inside_or_outside_as_the_registry_says(name):
    pred = predict(name)
    assert pred.in_theory is CASES[name].in_theory, pred.reason
    if not pred.in_theory:
        with pytest.raises(pw.errors.OutOfTheoryError, match="does not apply"):
            _ = pred.loss
        assert np.all(np.isfinite(pred.gradient_variance))  # exact fallback


@pytest.mark.parametrize("name", ["sel_4", "su8_ising", "su16_projector", "so8_ry_cz", "sp_4", "xxz_fixed_number"])
def test_deep_laws_have_the_exact_finite_depth_moments(name):
    """Two independent routes: laws from sectors, moments from word walks; deep circuits agree."""
    pred = predict(name)
    assert pred.moments.is_exact
    assert pred.loss.var() == pytest.approx(pred.moments.loss_variance, rel=0.03)
    assert pred.loss.mean() == pytest.approx(pred.moments.loss_mean, abs=0.02)
    middle = pred.n_params // 2
    laws = [pred.gradient_of(k).var() for k in range(middle - 3, middle + 3) if k not in pred.dead_parameters]
    exact = [pred.gradient_variance[k] for k in range(middle - 3, middle + 3) if k not in pred.dead_parameters]
    np.testing.assert_allclose(laws, exact, rtol=0.1)


def test_gradient_laws_exist_for_every_parameter_inside_the_theory():
    for name in ("uccsd_h2", "uccsd_h2_deep", "xxz_fixed_number", "spin_factor"):
        pred = predict(name)
        for k in range(pred.n_params):
            assert pred.gradient_of(k).var() >= 0, (name, k)


def test_engines_in_order_of_sharpness():
    exact, matched, published = (predict("su8_pauli", engine=e) for e in ("exact", "matched", "asymptotic"))
    assert exact.loss.var() == pytest.approx(1 / 9)
    assert matched.loss.var() == pytest.approx(1 / 9)
    assert published.loss.var() == pytest.approx(2 / 8)  # r in place of m: twice, and without N/(N+1)
    assert "beta" in exact.engine["loss"]


def test_exact_special_case_two_design():
    # McClean et al. 2018: Var[dl] = N^2 / (2 (N+1) (N^2-1)) * ... = N^3/(2N(N+1)(N^2-1)), Pauli, one rotation
    n = 8
    pred = predict("su8_pauli")
    assert pred.gradient.var() == pytest.approx(n**2 / (2 * (n + 1) * (n**2 - 1)), rel=1e-12)


def test_transition_and_gamma():
    pred = predict("su8_pauli")
    assert pred.transition == 8 and pred.transition_asymptotic == 14
    assert pred.gamma == pred.n_independent / 8


def test_shots_to_resolve():
    pred = predict("su8_pauli")
    live = np.setdiff1d(np.arange(pred.n_params), pred.dead_parameters)
    expected = (1 - pred.moments.loss_second_moment) / pred.gradient_variance[live]
    np.testing.assert_allclose(pred.shots_to_resolve[live], expected)
    assert np.all(np.isposinf(pred.shots_to_resolve[list(pred.dead_parameters)]))


def test_shot_variance_of_a_sum_is_exact():
    """E[<O^2> - <O>^2] against state vectors at random angles; within 4 standard errors."""

    @qml.qnode(qml.device("default.qubit"))
    def f(w):
        qml.StronglyEntanglingLayers(w, range(2))
        return qml.expval(0.7 * qml.Z(0) + 0.4 * qml.X(0) @ qml.X(1))

    w = pnp.zeros((1, 2, 3), requires_grad=True)
    pred = pw.predict(f)(w)
    value, method = pred.shot_variance
    assert method == "exact"
    rng = np.random.default_rng(3)
    samples = []
    observable = pred.circuit.observable
    square = pred.circuit.with_observable(observable.multiply(observable))
    for theta in rng.uniform(0, 2 * np.pi, (1500, 6)):
        angles = pred.circuit.angles_of(theta)
        samples.append(float(square.loss(angles) - pred.circuit.loss(angles) ** 2))
    assert abs(np.mean(samples) - value) < 4 * np.std(samples) / np.sqrt(len(samples))


class TestProcess:
    def haar_losses(self, observable, states, size, seed):
        from scipy.stats import unitary_group

        out = []
        for u in unitary_group.rvs(observable.shape[0], size=size, random_state=seed):
            moved = states @ u.T
            out.append(np.einsum("ia,ab,ib->i", moved.conj(), observable, moved).real)
        return np.array(out)

    def test_kernel_equals_haar_covariance(self):
        pred = predict("su4_hamiltonian")
        rng = np.random.default_rng(2)
        states = rng.normal(size=(3, 4)) + 1j * rng.normal(size=(3, 4))
        states /= np.linalg.norm(states, axis=1, keepdims=True)
        observable = pred.circuit.observable.matrix()
        losses = self.haar_losses(observable, states, 20000, 1)
        kernel = pred.kernel(states)
        error = np.sqrt((np.outer(np.diag(kernel), np.diag(kernel)) + kernel**2) / 20000)
        assert np.all(np.abs(np.cov(losses.T) - kernel) < 5 * error)
        process = pred.process(states)
        np.testing.assert_allclose(process.mean, np.trace(observable).real / 4, atol=1e-10)
        drawn = process.sample(20000, 3)
        assert np.all(np.abs(np.cov(drawn.T) - kernel) < 5 * error)

    def test_kernel_in_number_sectors(self):
        """Inputs spread over sectors: covariance against deep circuits of the QNode itself."""
        pred = predict("mixed_sector")
        rng = np.random.default_rng(4)
        states = rng.normal(size=(2, 16)) + 1j * rng.normal(size=(2, 16))
        states /= np.linalg.norm(states, axis=1, keepdims=True)
        kernel = pred.kernel(states)
        circuits = [pred.circuit.with_state(pw.InputState.from_vector(s)) for s in states]
        angles = pred.circuit.angles_of(pred.angles.sample(rng, 400))
        losses = np.array([c.loss(angles) for c in circuits])
        error = np.sqrt((np.outer(np.diag(kernel), np.diag(kernel)) + kernel**2) / 400)
        assert np.all(np.abs(np.cov(losses) - kernel) < 5 * error + 0.1 * np.abs(kernel))

    def test_gaussian_process_regressor_shape_and_psd(self):
        pred = predict("su8_pauli")
        states = np.eye(8)[:5]
        kernel = pred.kernel(states)
        assert kernel.shape == (5, 5)
        assert np.linalg.eigvalsh(kernel).min() > -1e-12

    def test_refuses_states_of_another_size(self):
        with pytest.raises(pw.errors.InputError, match="states"):
            predict("su8_pauli").kernel(np.eye(4))


def test_minima_law_needs_few_parameters_or_says_so():
    pred = predict("su8_pauli")  # p far above p*
    assert pred.minima.is_point_mass


def test_bad_engine():
    with pytest.raises(pw.errors.InputError, match="engine"):
        predict("su8_pauli", engine="fancy")


def test_to_dict_is_plain():
    import json

    data = predict("su4_hamiltonian").to_dict()
    assert json.loads(json.dumps(data)) == data
