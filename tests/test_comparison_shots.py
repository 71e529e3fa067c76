"""Comparisons and intervals at few shots and few samples: no false alarm, no interval too short.

Right values come from enumeration of the outcomes, the beta-binomial law, PennyLane's own shift rules and
fixed-seed sampling on default.qubit.
"""

from __future__ import annotations

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp
from scipy import stats
from stub_devices import StubHardware

import pennylane_wishart as pw
from pennylane_wishart.comparison import compare_sample
from pennylane_wishart.comparison.dead import compare_dead
from pennylane_wishart.comparison.estimates import CountedLaw, noisy_law
from pennylane_wishart.comparison.reference import reference_gradients
from pennylane_wishart.comparison.shots import gradient_noise
from pennylane_wishart.comparison.variances import compare_variances, gradient_bounds
from pennylane_wishart.ensembles import BetaLoss, HaarCompression
from pennylane_wishart.measurement.routes.observables import readings
from pennylane_wishart.measurement.routes.shifts import shot_bounds
from pennylane_wishart.measurement.statistics import degrees_of_freedom, gradient_variance, variance_interval
from pennylane_wishart.variances.engines.sampled import sample_gradients


def circuit_of(name: str, device=None):
    """Circuits of two layers with dead parameters, of one group and of two, and one whose loss is constant."""
    n = 2 if name == "constant" else 3

    @qml.qnode(device or qml.device("default.qubit", wires=n))
    def circuit(weights):
        for layer in weights:
            for q in range(n):
                qml.RY(layer[q], q)
            for q in range(n - 1):
                qml.CZ([q, q + 1])
        if name == "groups":
            return qml.expval(qml.Hamiltonian([1.0, 0.5], [qml.Z(0), qml.X(0)]))
        return qml.expval(qml.Y(0) if name == "constant" else qml.Z(0))

    return circuit, (pnp.array(np.full((2, n), 0.3), requires_grad=True),)


# ------------------------------------------------------------------ noise and its bounds
@pytest.mark.parametrize("shots", [2, 3, 5])
@pytest.mark.parametrize("chance", [0.02, 0.5, 0.9])
def test_noise_of_two_outcomes_is_unbiased_from_two_shots_on(shots, chance):
    """Every possible count, weighted: the mean reported variance is the true one, (1 − ℓ²)/shots."""
    [reading], _ = readings(qml.Z(0), shots)
    counts = np.arange(shots + 1)
    reported = [reading.interpret(np.array([2 * k / shots - 1]), shots)[1] for k in counts]
    truth = 4 * chance * (1 - chance) / shots
    assert stats.binom.pmf(counts, shots, chance) @ reported == pytest.approx(truth, rel=1e-12)


@pytest.mark.parametrize(
    ("observable", "largest"),
    [
        (qml.Z(0), 1.0),
        (0.5 * qml.Z(0) @ qml.X(1), 0.25),
        (qml.Projector([1, 0], [0, 1]), 0.25),
        (qml.Hermitian(np.diag([0.0, 1.0, 5.0, 2.0]), [0, 1]), 6.25),
    ],
)
def test_one_shot_is_given_the_largest_noise(observable, largest):
    [reading], _ = readings(observable, 1)
    result = np.array([0.5, 0.0]) if isinstance(observable, qml.Hermitian) else np.array([0.0])
    assert reading.interpret(result, 1)[1] == pytest.approx(largest)
    assert reading.half_range**2 == pytest.approx(largest)


def test_bounds_on_shot_noise_follow_the_shift_rules():
    """Two-term and four-term rules as PennyLane writes them; shared angles add up; groups add up."""

    @qml.qnode(qml.device("default.qubit", wires=2))
    def circuit(x):
        qml.RX(x[0], 0)
        qml.CRX(2 * x[1], [0, 1])
        qml.RY(x[0], 1)
        return qml.expval(qml.Hamiltonian([2.0, 1.0, 0.5], [qml.Z(0), qml.Z(1), qml.X(0)]))

    found = shot_bounds(pw.normal_form(circuit)(pnp.array([0.1, 0.2], requires_grad=True)).trace)
    groups = (2.0 + 1.0) ** 2 + 0.5**2
    four = np.asarray(qml.gradients.generate_shift_rule((0.5, 1.0)))[:, 0]
    assert found.loss == pytest.approx(groups)
    np.testing.assert_allclose(found.gradient, [groups * 2 * 0.5, groups * 4 * np.sum(four**2)])


def test_the_bound_is_reached_and_never_passed():
    """⟨Z⟩ after RX at 0: both shifts give coins, so the noise is as large as it can be."""

    @qml.qnode(qml.device("default.qubit", wires=1))
    def circuit(x):
        qml.RX(x, 0)
        return qml.expval(qml.Z(0))

    x = pnp.array(0.0, requires_grad=True)
    bound = shot_bounds(pw.normal_form(circuit)(x).trace).gradient[0] / 3
    still = pw.measure(circuit, samples=800, shots=3, angles=("normal", 1e-9), progress=False)(x)
    # 800 estimates of kurtosis below 3: relative standard error of their variance below 0.05
    assert still.gradients.var() == pytest.approx(bound, rel=0.2)
    moving = pw.measure(circuit, samples=100, shots=3, progress=False)(x)
    assert np.mean(moving.gradient_error**2) < bound


# ------------------------------------------------------------------ dead parameters
@pytest.mark.parametrize("name", ["words", "groups"])
@pytest.mark.parametrize("shots", [1, 2, 5])
def test_dead_parameters_do_not_disagree_at_few_shots(name, shots):
    """5 measurements each on default.qubit: at 0.1% not one may be rejected; 60 of 60 were at 2 shots."""
    qnode, args = circuit_of(name)
    pred = pw.predict(qnode)(*args)
    assert pred.dead_parameters
    for seed in range(5):
        data = pw.measure(qnode, samples=10, shots=shots, seed=seed, parameters="all", progress=False)(*args)
        found = pw.compare(pred, data)
        assert found.dead is not None and found.dead.agrees is True, str(found.dead)
        assert "dead parameters: agrees" in str(found)


def test_dead_parameters_that_move_are_noticed():
    rng = np.random.default_rng(5)
    true = 0.3 * np.cos(rng.uniform(0, 2 * np.pi, (300, 1)))
    up, down = (2 * rng.binomial(100, (1 + s * true) / 2) / 100 - 1 for s in (1, -1))
    errors = np.sqrt((2 - up**2 - down**2) / 4 / 99)
    found = compare_dead((up - down) / 2, errors, np.ones(1), np.full(1, 0.5 / 100), 0.001)
    assert found.agrees is False and found.pvalue < 1e-6 and found.power > 0.9
    exact = compare_dead(true, 0 * true, np.ones(1), np.zeros(1), 0.001)
    assert exact.agrees is False and exact.power == 1.0
    one = np.zeros((300, 1))
    one[7] = 0.9  # a single value far beyond any noise of 100 shots
    assert compare_dead(one, errors, np.ones(1), np.full(1, 0.5 / 100), 0.001).agrees is False


@pytest.mark.parametrize("shots", [1, 2, 20])
def test_dead_bound_holds_for_the_noisiest_law(shots):
    """Coins at every shift: 400 tests of 20 × 3 values at 5%; at most 20 expected, 35 with probability 0.1%."""
    rng = np.random.default_rng(shots)
    alarms = 0
    for _ in range(400):
        up, down = (2 * rng.binomial(shots, 0.5, (20, 3)) / shots - 1 for _ in range(2))
        found = compare_dead((up - down) / 2, np.zeros((20, 3)), np.ones(3), np.full(3, 0.5 / shots), 0.05)
        alarms += found.agrees is False
    assert alarms < 35


# ------------------------------------------------------------------ laws of estimates
@pytest.mark.parametrize("shots", [1, 2, 5, 50])
def test_counts_follow_the_beta_binomial_law(shots):
    """Projector losses are Beta(1, 15), word losses 2·Beta(4, 4) − 1: counts of both are beta-binomial."""
    projector = CountedLaw(HaarCompression([0.0, 1.0], [15, 1], 2), 0.0, 1.0, shots)
    np.testing.assert_allclose(projector.weights, stats.betabinom.pmf(np.arange(shots + 1), shots, 1, 15), atol=1e-5)
    word = CountedLaw(BetaLoss(-1.0, 1.0, 4, 8, 2), -1.0, 1.0, shots)
    np.testing.assert_allclose(word.weights, stats.betabinom.pmf(np.arange(shots + 1), shots, 4, 4), atol=1e-5)
    assert word.mean() == pytest.approx(0, abs=1e-9)
    assert word.var() == pytest.approx(1 / 9 + (1 - 1 / 9) / shots, rel=1e-4)


@pytest.mark.parametrize("shots", [1, 2, 5, 100])
def test_losses_of_few_shots_raise_no_alarm(shots):
    """200 samples of 100 estimates at 5%: 10 expected at most, 22 or more with probability 0.05%."""
    law, rng = BetaLoss(-1.0, 1.0, 4, 8, 2), np.random.default_rng(3)
    counted, alarms = CountedLaw(law, -1.0, 1.0, shots), 0
    for _ in range(200):
        estimates = 2 * rng.binomial(shots, (1 + law.sample(100, rng)) / 2) / shots - 1
        alarms += compare_sample("loss", estimates, counted, 0.05).agrees is False
    assert alarms < 22
    wrong = CountedLaw(BetaLoss(-1.0, 0.4, 4, 8, 2), -1.0, 1.0, shots)
    estimates = 2 * rng.binomial(shots, (1 + law.sample(2000, rng)) / 2) / shots - 1
    assert compare_sample("loss", estimates, wrong).agrees is False  # its mean is −0.3


def test_several_outcomes_are_compared_only_where_noise_is_small():
    law, rng = BetaLoss(-1.0, 1.0, 4, 8, 2), np.random.default_rng(4)
    assert "one shot" in noisy_law(law, 1, np.ones(5), 1.0)
    few = noisy_law(law, 5, np.full(50, 0.2), 1.0)
    assert isinstance(few, str) and "about" in few
    noise = 0.02 * (0.5 + rng.random(300))
    noisy = noisy_law(law, 50, noise, 1.0)
    values = law.sample(300, rng) + np.sqrt(noise) * rng.normal(size=300)
    found = compare_sample("loss", values, noisy)
    assert 0 < noisy.slack < 0.1 and found.agrees is True
    assert noisy.var() == pytest.approx(1 / 9 + noise.mean(), rel=1e-9)
    assert compare_sample("loss", 2 * values, noisy).agrees is False


# ------------------------------------------------------------------ variances
@pytest.mark.parametrize("name", ["words", "groups"])
def test_one_shot_says_what_it_can(name):
    """One word at uniform angles has a noise that the prediction tells; two groups are not compared."""
    qnode, args = circuit_of(name)
    pred = pw.predict(qnode)(*args)
    data = pw.measure(qnode, samples=150, shots=1, seed=2, parameters="all", progress=False)(*args)
    found = data.gradient_variance()
    truth = pred.gradient_variance
    assert np.all(np.isnan(found.value)) and np.isnan(found.mean) and "one shot" in str(data)
    measured = data.measured.any(axis=0)
    assert measured.any() and np.all(((found.low <= truth) & (truth <= found.high))[measured])
    result = pw.compare(pred, data)
    assert result.agrees is True and result.to_dict()["agrees"] is True
    if name == "groups":
        assert result.variances.agrees is None and "one shot" in str(result.variances)
        return
    assert "one shot" in result.variances.note
    noise = gradient_noise(pred, data)
    raw = np.mean(data.gradients**2, axis=0)
    # squares of 0 or 1: standard error of their mean at most 0.5/√150 = 0.04
    assert np.all(np.abs(raw - (truth + noise)) < 4 * 0.041)


@pytest.mark.parametrize("second", [qml.RY, qml.RX])
def test_one_shot_of_a_shared_angle_is_not_compared(second):
    """Shifting one of two gates of an angle is no shift of the angle: its noise is not the predicted one."""

    @qml.qnode(qml.device("default.qubit", wires=1))
    def circuit(x):
        qml.RX(x, 0)
        qml.S(0)
        second(x, 0)
        return qml.expval(qml.Z(0))

    x = pnp.array(0.4, requires_grad=True)
    pred = pw.predict(circuit)(x)
    found = pw.compare(pred, pw.measure(circuit, samples=30, shots=1, progress=False)(x))
    assert found.variances.agrees is None and "one gate each" in found.variances.note
    several = pw.compare(pred, pw.measure(circuit, samples=30, shots=3, progress=False)(x))
    assert several.variances.agrees is True


def test_shots_that_all_agree_raise_no_alarm():
    """A plateau at two shots: every estimate 0 with error 0, in 20 samples."""

    @qml.qnode(qml.device("default.qubit", wires=6))
    def circuit(x):
        for q in range(6):
            qml.RY(x[q], q)
        return qml.expval(qml.Projector([0] * 6, range(6)))

    x = pnp.array(np.full(6, 0.4), requires_grad=True)
    pred = pw.predict(circuit)(x)
    for seed in range(10):
        data = pw.measure(circuit, samples=20, shots=2, seed=seed, progress=False)(x)
        assert pw.compare(pred, data).agrees is not False


@pytest.mark.parametrize(("n", "observable"), [(6, qml.Z(0) @ qml.Z(1)), (5, qml.Z(0) @ qml.Z(2))])
def test_samples_that_missed_the_tail_raise_no_alarm(n, observable):
    """Kurtosis of 20 and more, 20 samples, 0.1%: 3 alarms in 600 have probability 2.3%; it was 2–4% of them."""

    @qml.qnode(qml.device("lightning.qubit", wires=n))
    def circuit(weights):
        for q in range(n):
            qml.RX(weights[q, 0], q)
            qml.RY(weights[q, 1], q)
        for q in range(n):
            qml.CNOT([q, (q + 1) % n])
        return qml.expval(observable)

    pred = pw.predict(circuit)(pnp.array(np.zeros((n, 2)), requires_grad=True))
    sizes, zero = np.array(pred.gradient_variance), np.zeros(2 * n)
    _, gradients = sample_gradients(pred.circuit, pred.angles, 12_000, np.random.default_rng(8))
    bounds, reference = gradient_bounds(pred.circuit), reference_gradients(pred)
    found = [
        compare_variances(part, sizes, zero, zero, 0.001, bounds, None, reference)
        for part in np.split(gradients, 600)
    ]  # fmt: skip
    assert sum(q.agrees is False for q in found) < 3
    covered = np.mean([q.interval[0] <= 1 <= q.interval[1] for q in found])
    assert covered > 0.93
    whole = compare_variances(gradients[:300], 1.5 * sizes, zero, zero, 0.001, bounds, None, reference)
    assert whole.power > 0 and whole.ratio_of_variances < 1


def test_a_constant_loss_agrees_with_and_without_shots():
    qnode, args = circuit_of("constant")
    pred = pw.predict(qnode)(*args)
    for shots in (None, 1, 2, 50):
        found = pw.compare(pred, pw.measure(qnode, samples=20, shots=shots, progress=False)(*args))
        assert found.agrees is not False, str(found)


@pytest.mark.parametrize("shots", [1, 2, 5])
def test_diagnose_with_the_shots_of_a_device(shots):
    """Hardware takes the shots of the QNode: the report compares, and says nothing false."""
    qnode, args = circuit_of("words", StubHardware(wires=3))
    report = pw.diagnose(qml.set_shots(qnode, shots), samples=20)(*args)
    assert report.measurement.shots == shots
    assert report.comparison.agrees is not False, str(report)
    assert "DISAGREES" not in str(report) and report.to_dict()["comparison"]["agrees"] is not False


# ------------------------------------------------------------------ intervals
FAMILIES = {
    "cosine": lambda rng, shape: np.cos(rng.uniform(0, 2 * np.pi, shape)),
    "normal": lambda rng, shape: rng.normal(size=shape),
    "kurtosis_6": lambda rng, shape: rng.normal(size=shape) * rng.normal(size=shape),
    "kurtosis_10": lambda rng, shape: rng.normal(size=shape) * np.sqrt(rng.gamma(0.3, 1 / 0.3, size=shape)),
    "projector": lambda rng, shape: rng.beta(1, 15, shape),
}
TRUTH = {"cosine": 0.5, "normal": 1.0, "kurtosis_6": 1.0, "kurtosis_10": 1.0, "projector": 15 / (16**2 * 17)}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("n", [20, 40])
def test_intervals_of_variances_cover(family, n):
    """2,000 intervals each: 0.93 less three standard errors is 0.913. The bootstrap's were 0.80 to 0.93."""
    values = FAMILIES[family](np.random.default_rng(n), (n, 2000))
    found = gradient_variance(values, np.zeros_like(values), replicates=2)
    assert np.mean((found.low <= TRUTH[family]) & (TRUTH[family] <= found.high)) > 0.93
    _, low, high = variance_interval(values[:, 0])
    assert (low, high) == pytest.approx((found.low[0], found.high[0]))


@pytest.mark.parametrize("spectrum", [([-1.0, 1.0], [8, 8]), ([0.0, 1.0], [15, 1]), ([-2.0, 0.0, 2.0], [4, 8, 4])])
@pytest.mark.parametrize("n", [20, 30])
def test_intervals_of_degrees_of_freedom_cover(spectrum, n):
    """400 sets of Haar losses: m̂'s 95% interval covered 0.885 at 30; 0.93 less two standard errors is 0.904."""
    law, rng = HaarCompression(*spectrum, 2), np.random.default_rng(n)
    truth = (law.mean() - spectrum[0][0]) ** 2 / law.var() * 16 / 17
    rank = 1 / (1 / truth + 1 / 16)
    hits = []
    for losses in law.sample(400 * n, rng).reshape(400, n):
        found = degrees_of_freedom(losses, np.zeros(n), 16, 2, spectrum[0][0])
        (low, high), (below, above) = found.dof_finite_interval, found.dof_interval
        hits.append(low <= truth <= high and below <= rank <= above)
        assert low <= found.dof_finite <= high
    assert np.mean(hits) > 0.93


@pytest.mark.parametrize("shots", [1, 2, 5])
def test_intervals_cover_with_the_noise_of_few_shots(shots):
    """f± coins of cos: E[g²] = 1/2; 2,000 intervals at 20 samples, noise estimates scatter against the squares."""
    rng = np.random.default_rng(shots)
    angle = rng.uniform(0, 2 * np.pi, (20, 2000))
    up, down = (2 * rng.binomial(shots, (1 + s * np.cos(angle)) / 2) / shots - 1 for s in (1, -1))
    if shots == 1:
        errors = np.full(angle.shape, np.sqrt(0.5))
    else:
        errors = np.sqrt((2 - up**2 - down**2) / 4 / (shots - 1))
    found = gradient_variance((up - down) / 2, errors, replicates=2, shots=shots)
    assert np.mean((found.low <= 0.5) & (0.5 <= found.high)) > 0.93


def test_one_shot_gives_degrees_of_freedom_no_value():
    losses = np.where(np.random.default_rng(1).random(50) < 0.5, 1.0, -1.0)
    found = degrees_of_freedom(losses, np.ones(50), 16, 2, -1.0, shots=1)
    assert np.isnan(found.dof_finite) and np.isnan(found.dof) and np.isnan(found.loss_variance)
    assert found.dof_finite_interval[0] < 16 <= found.dof_finite_interval[1]
