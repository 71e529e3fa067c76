"""Predictions on the registry: theory flags, moments against laws, process, engines, refusals."""

import warnings

import numpy as np
import pennylane as qml
import pytest
from circuits import CASES
from pennylane import numpy as pnp
from scipy import stats

import pennylane_wishart as pw
from pennylane_wishart.comparison.statistics import gridded_cdf

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


@pytest.mark.parametrize("name", ["sel_4", "su8_ising", "su16_projector", "so8_ry_cz", "sp_4", "xxz_fixed_number",
                                  "sp_8_hamiltonian", "su16_ising", "su16_entangled"])  # fmt: skip
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


def test_engines_name_themselves_and_matched_laws_have_the_exact_variance():
    for name in ("su8_pauli", "so8_ry_cz", "sp_4", "su16_entangled"):
        exact, matched, published = (predict(name, engine=e) for e in ("exact", "matched", "asymptotic"))
        k = exact.n_params // 2
        assert "moment-matched" in matched.engine["loss"] and "asymptotic" in published.engine["loss"]
        assert "moment-matched" in matched.gradient_of(k).engine
        assert "asymptotic" in published.gradient_of(k).engine
        assert matched.loss.var() == pytest.approx(exact.loss.var(), rel=1e-9)
        assert matched.gradient_of(k).var() == pytest.approx(exact.gradient_of(k).var(), rel=1e-9)
        assert published.loss.var() > 1.5 * exact.loss.var()


def test_joint_law_of_loss_and_gradients():
    """Marginals are those of .loss and .gradient_of; components share the state. 4 standard errors."""
    for name in ("mixed_sector", "sp_4", "su16_entangled", "spin_factor"):
        pred = predict(name)
        middle = pred.n_params // 2
        joint = pred.joint(range(middle, middle + 4))
        losses, gradients = joint.sample(5000, 5)
        assert stats.kstest(losses, gridded_cdf(pred.loss)).pvalue > 1e-3
        for i in range(4):
            law = pred.gradient_of(middle + i)
            assert joint.gradient(i).var() == pytest.approx(law.var(), rel=1e-12)
            assert stats.kstest(gradients[:, i], gridded_cdf(law)).pvalue > 1e-3
        square = joint.norm_law()
        total = (gradients**2).sum(axis=1)
        assert abs(total.mean() - square.mean()) < 4 * total.std() / np.sqrt(5000)
    everything = predict("su8_pauli").gradient_square
    live = predict("su8_pauli").n_params - len(predict("su8_pauli").dead_parameters)
    assert everything.joint.n_gradients == live


def test_joint_law_refuses_a_shared_parameter():
    @qml.qnode(qml.device("default.qubit"))
    def f(x):
        for q in (0, 1, 0, 1):
            qml.RX(x[0], q)
            qml.RY(x[1], q)
            qml.CNOT([q, 1 - q])
        return qml.expval(qml.Z(0))

    pred = pw.predict(f)(pnp.array([0.1, 0.2], requires_grad=True))
    if pred.in_theory:
        with pytest.raises(pw.errors.OutOfTheoryError, match="drives"):
            pred.joint()


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

    def test_data_of_the_input_argument(self):
        """Data go through the QNode's own encoding: the same as its states, and as amplitudes."""
        pred = predict("angle_embedding")
        data = np.random.default_rng(5).uniform(0, np.pi, (4, 3))
        kernel = pred.kernel(data)
        product = []
        for row in data:
            vector = np.ones(1)
            for angle in row:
                vector = np.kron(vector, [np.cos(angle / 2), np.sin(angle / 2)])
            product.append(vector)
        overlaps = np.square(np.array(product) @ np.array(product).T)
        np.testing.assert_allclose(kernel, (overlaps - 1 / 8) / 63 * 8, atol=1e-12)
        np.testing.assert_allclose(pred.kernel(data=data), kernel, atol=1e-12)
        np.testing.assert_allclose(pred.kernel(data, data[:2]), kernel[:, :2], atol=1e-12)
        assert pred.process(data[0]).mean.shape == (1,)

    def test_gaussian_process_regressor(self):
        """The kernel as a covariance of scikit-learn: its posterior mean is the closed form."""
        gp = pytest.importorskip("sklearn.gaussian_process")
        pred = predict("angle_embedding")

        class WishartKernel(gp.kernels.Kernel):
            def __init__(self):
                super().__init__()

            def __call__(self, X, Y=None, eval_gradient=False):
                value = pred.kernel(X, Y)
                return (value, np.zeros((*value.shape, 0))) if eval_gradient else value

            def diag(self, X):
                return np.diag(pred.kernel(X))

            def is_stationary(self):
                return False

        rng = np.random.default_rng(6)
        data, new = rng.uniform(0, np.pi, (12, 3)), rng.uniform(0, np.pi, (3, 3))
        losses = pred.process(data).sample(1, 7)[0]
        model = gp.GaussianProcessRegressor(WishartKernel(), alpha=1e-6, optimizer=None).fit(data, losses)
        mean, spread = model.predict(new, return_std=True)
        gram, cross = pred.kernel(data) + 1e-6 * np.eye(12), pred.kernel(new, data)
        np.testing.assert_allclose(mean, cross @ np.linalg.solve(gram, losses), rtol=1e-6)
        prior = np.diag(pred.kernel(new))
        assert np.all(spread**2 <= prior + 1e-12)

    def test_gaussian_limit_and_distance(self):
        """Exact marginals and covariance; far from normal for few degrees of freedom, near for Pauli words."""
        for name, gaussian in (("mixed_sector", False), ("sel_4", True), ("sp_4", True)):
            pred = predict(name)
            rng = np.random.default_rng(8)
            states = rng.normal(size=(3, 2**pred.circuit.n_qubits)) * (1 + 0.3j)
            states = states / np.linalg.norm(states, axis=1, keepdims=True)
            process = pred.process(states)
            assert process.is_gaussian is gaussian, name
            np.testing.assert_allclose(process.gaussian.cov, process.covariance)
            for i in range(3):
                assert process.marginal(i).var() == pytest.approx(process.covariance[i, i], rel=1e-9)
            distance, noise = process.direction_distance(20000, 1)
            assert distance + 2 * noise > process.distances.max() * 0.5
            far = process.distances.max()
            assert far < 0.02 if gaussian else far > 0.015
            drawn = process.sample(20000, 2)
            assert stats.kstest(drawn[:, 0], process.marginal(0).cdf).pvalue > 1e-3

    def test_published_condition_alone_is_not_sufficient(self):
        """O = 1 − |z⟩⟨z| has r = N − 1 and stays a negative exponential: the Lindeberg condition sees it."""
        n = 6

        @qml.qnode(qml.device("default.qubit", wires=n))
        def f(w):
            qml.StronglyEntanglingLayers(w, wires=range(n))
            return qml.expval(1.0 * qml.Identity(0) - 1.0 * qml.Projector([0] * n, wires=range(n)))

        pred = pw.predict(f)(pnp.array(np.zeros((4, n, 3)), requires_grad=True))
        process = pred.process(np.eye(2**n)[:3])
        verdict = process.verdicts[0]
        assert verdict.published and not verdict.lindeberg and not verdict.is_gaussian
        assert verdict.dof == pytest.approx(63) and verdict.skewness == pytest.approx(-1.9, abs=0.05)
        assert process.distances.min() > 0.1

    def test_spin_factor_process(self):
        """Against random rotations of the Majorana vector."""
        pred = predict("spin_factor")
        rng = np.random.default_rng(9)
        states = rng.normal(size=(3, 16)) + 1j * rng.normal(size=(3, 16))
        states /= np.linalg.norm(states, axis=1, keepdims=True)
        words = ["Z" * q + p + "I" * (3 - q) for q in range(4) for p in "XY"]
        majoranas = [qml.matrix(qml.pauli.string_to_pauli_word(w), wire_order=range(4)) for w in words]
        vectors = np.array([[np.vdot(s, m @ s).real for m in majoranas] for s in states])
        process = pred.process(states)
        np.testing.assert_allclose(process.covariance, vectors @ vectors.T / 8, atol=1e-10)
        drawn = process.sample(20000, 3)
        assert stats.kstest(drawn[:, 1], process.marginal(1).cdf).pvalue > 1e-3
        error = 5 * process.covariance.max() * np.sqrt(2 / 20000)
        assert np.all(np.abs(np.cov(drawn.T) - process.covariance) < error)
        zero = predict("spin_factor_zero").process(np.eye(16)[:2])
        assert np.all(zero.sample(3, 1) == 0) and zero.verdicts == ()

    def test_refuses_what_does_not_fit(self):
        pred = predict("su8_pauli")
        with pytest.raises(pw.errors.InputError, match="states need shape"):
            pred.kernel(np.eye(4))
        with pytest.raises(pw.errors.InputError, match="either states= .* or data="):
            pred.kernel()
        with pytest.raises(pw.errors.InputError, match="3 qubits"):
            pred.process([pw.InputState.basis([0, 0])])
        with pytest.raises(pw.errors.InputError, match="inputs 0 to 0"):
            pred.process([pw.InputState.basis([0, 0, 0])]).marginal(1)
        with pytest.raises(pw.errors.InputError, match="one datum per row"):
            predict("angle_embedding").kernel(data=np.zeros((2, 5)))
        with pytest.raises(pw.errors.InputError, match="more than the input state"):
            predict("reuploading").process(data=[[0.2, 0.3]])


def test_minima_of_hundreds_of_parameters():
    """7 qubits, more than 48 independent parameters of p* = 128: extrapolated, with a status."""

    @qml.qnode(qml.device("default.qubit", wires=7))
    def f(w):
        qml.StronglyEntanglingLayers(w, wires=range(7))
        return qml.expval(qml.Z(0))

    pred = pw.predict(f)(pnp.array(np.zeros((4, 7, 3)), requires_grad=True))
    assert 48 < pred.n_independent < pred.transition == 128
    law = pred.minima
    assert pred.engine["minima"] == law.engine and "extrapolated" in law.engine and law.log2_var < 0
    assert -1 < law.mean() < 0 and law.ppf(0.05) < law.median() < law.ppf(0.95)
    with pytest.raises(pw.errors.OutOfTheoryError, match="descents with more than 48"):
        _ = pred.minima_found


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


def test_a_line_for_each_parameter():
    @qml.qnode(qml.device("default.qubit", wires=1))
    def f(w):
        qml.RX(w[0], 0)
        qml.RZ(w[1], 0)
        return qml.expval(qml.Z(0))

    live, dead = pw.predict(f)(pnp.zeros(2, requires_grad=True)).rows()
    assert (live["parameter"], live["index"], live["dead"]) == ("w[0]", 0, "")
    assert live["log2_gradient_variance"] == live["log2_gradient_variance_at_most"] == -1  # mean of sin²
    assert dead["parameter"] == "w[1]" and dead["dead"] and dead["log2_gradient_variance"] == -np.inf
