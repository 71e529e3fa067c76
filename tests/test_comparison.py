"""compare: p-values uniform under the null, small under a wrong null; refusals."""

import re
from dataclasses import replace

import numpy as np
import pennylane as qml
import pytest
from circuits import CASES
from pennylane import numpy as pnp
from scipy import stats

import pennylane_wishart as pw
from pennylane_wishart.comparison import compare_sample
from pennylane_wishart.comparison.compare import _distinct
from pennylane_wishart.comparison.estimates import CountedLaw
from pennylane_wishart.comparison.variances import compare_variances, gradient_bounds
from pennylane_wishart.ensembles import BetaLoss, GammaLoss, HaarCompression


def test_pvalues_are_uniform_under_the_null():
    # 60 p-values against uniform: false alarm 1% for this seed
    law = BetaLoss(-1.0, 1.0, 8, 16, 2)
    rng = np.random.default_rng(11)
    pvalues = [compare_sample("loss", law.sample(300, rng), law).pvalue for _ in range(60)]
    assert stats.kstest(pvalues, "uniform").pvalue > 0.01


def test_wrong_law_is_rejected():
    # the published r in place of m: variance wrong by a factor 2
    right = HaarCompression([-1.0, 1.0], [8, 8], 2)
    wrong = GammaLoss.from_sector(dof=8, mean=1.0, minimum=-1.0, beta=2)
    found = compare_sample("loss", right.sample(1000, np.random.default_rng(3)), wrong)
    assert found.agrees is False and found.pvalue < 1e-6
    assert found.interval[1] < 0.75  # 1/2 expected


def test_power_grows_with_the_sample():
    law = BetaLoss(-1.0, 1.0, 8, 16, 2)
    rng = np.random.default_rng(5)
    powers = [compare_sample("loss", law.sample(n, rng), law).power for n in (50, 400, 2000)]
    assert powers[0] < powers[1] < powers[2] and powers[2] > 0.9


def test_variances_of_all_parameters():
    rng = np.random.default_rng(4)
    sizes = np.array([0.1, 0.02, 0.3])
    data = rng.normal(size=(800, 3)) * np.sqrt(sizes)
    zero = np.zeros(3)
    assert compare_variances(data, sizes, zero, zero, 0.001).agrees is True
    assert compare_variances(data, sizes * [1, 2, 1], zero, zero, 0.001).agrees is False
    noise = np.full(3, 0.01)
    shifted = data + rng.normal(size=data.shape) * 0.1
    assert compare_variances(shifted, sizes, zero, noise, 0.001).agrees is True


def test_null_false_alarm_rate_of_variances():
    # 200 null data sets at alpha = 5%: 10 expected, 22 or more with probability below 0.1%
    rng = np.random.default_rng(8)
    sizes = np.array([0.5, 1.0, 2.0])
    zero = np.zeros(3)
    rejected = sum(
        compare_variances(rng.normal(size=(300, 3)) * np.sqrt(sizes), sizes, zero, zero, 0.05).agrees is False
        for _ in range(200)
    )
    assert rejected < 22


def shallow_gradients(observable, n, layers, samples):
    """Measured gradients and predicted variances of a shallow circuit: squared gradients have heavy tails."""

    @qml.qnode(qml.device("lightning.qubit", wires=n))
    def circuit(weights):
        for layer in weights:
            for q in range(n):
                qml.RX(layer[q, 0], q)
                qml.RY(layer[q, 1], q)
            for q in range(n):
                qml.CNOT([q, (q + 1) % n])
        return qml.expval(observable)

    weights = pnp.array(np.zeros((layers, n, 2)), requires_grad=True)
    pred = pw.predict(circuit)(weights)
    data = pw.measure(circuit, samples=samples, seed=5, progress=False)(weights)
    return data.gradients, np.array(pred.gradient_variance), gradient_bounds(pred.circuit)


@pytest.mark.parametrize(
    ("observable", "n", "layers"), [(qml.Z(0), 4, 2), (qml.Z(0) @ qml.Z(1), 6, 1)], ids=["ring_4", "kurtosis_60"]
)
def test_heavy_tails_do_not_raise_false_alarms(observable, n, layers):
    # 100 disjoint sets of 40 angle sets at alpha = 5%: 5 expected, 14 or more with probability below 0.05%
    gradients, sizes, bounds = shallow_gradients(observable, n, layers, 4000)
    zero = np.zeros(len(sizes))
    assert np.abs(gradients).max() <= bounds.max() and (np.abs(gradients).max(0) <= bounds + 1e-12).all()
    verdicts = [compare_variances(part, sizes, zero, zero, 0.05, bounds).agrees for part in np.split(gradients, 100)]
    assert verdicts.count(False) < 14
    whole = compare_variances(gradients, sizes, zero, zero, 0.001, bounds)
    assert whole.agrees and 0.8 < whole.ratio_of_variances < 1.25


def test_wrong_variances_are_noticed():
    """All too small, one too large, one that should live but is zero, half of them not measured."""
    gradients, sizes, bounds = shallow_gradients(qml.Z(0), 4, 2, 1000)
    zero = np.zeros(len(sizes))
    live = np.flatnonzero(sizes > 0)
    one = np.ones(len(sizes))
    one[live[0]] = 2.0
    assert compare_variances(gradients, sizes * 1.3, zero, zero, 0.001, bounds).agrees is False
    assert compare_variances(gradients * one, sizes, zero, zero, 0.001, bounds).agrees is False
    one[live[0]] = 0.0
    assert compare_variances(gradients * one, sizes, zero, zero, 0.001, bounds).agrees is False
    partly = np.where(np.random.default_rng(3).random(gradients.shape) < 0.5, gradients, np.nan)
    assert compare_variances(partly, sizes, zero, zero, 0.001, bounds).agrees is True
    assert compare_variances(partly, sizes * 1.5, zero, zero, 0.001, bounds).agrees is False
    # zeros everywhere contradict a variance, but not a bound on it (error as large as the value)
    nothing = np.zeros_like(gradients)
    assert compare_variances(nothing, sizes, zero, zero, 0.001, bounds).agrees is False
    assert compare_variances(nothing, sizes, sizes, zero, 0.001, bounds).agrees is True
    assert compare_variances(1e-6 * gradients, sizes, sizes, zero, 0.001, bounds).agrees is True
    # a prediction with an error of its own is not held to more than it says
    assert compare_variances(gradients, sizes * 1.3, 0.3 * sizes, zero, 0.001, bounds).agrees is True


def test_refuses_another_law_of_angles():
    qnode, args = CASES["su4_hamiltonian"].make()
    pred = pw.predict(qnode)(*args)
    data = pw.measure(qnode, samples=20, angles=("normal", 0.3), progress=False)(*args)
    with pytest.raises(pw.errors.ComparisonError, match="angles"):
        pw.compare(pred, data)


def test_refuses_another_circuit():
    one, args_one = CASES["su4_hamiltonian"].make()
    other, args_other = CASES["su8_pauli"].make()
    data = pw.measure(other, samples=20, progress=False)(*args_other)
    with pytest.raises(pw.errors.ComparisonError, match="circuit|angles"):
        pw.compare(pw.predict(one)(*args_one), data)


def test_noise_of_a_device_is_reported_not_blamed_on_the_theory():
    """A device that shrinks every expectation value by 0.6: the contraction is named."""
    qnode, args = CASES["su8_pauli"].make()
    pred = pw.predict(qnode)(*args)
    data = pw.measure(qnode, samples=400, progress=False)(*args)
    assert pw.compare(pred, data).noise == ""
    shrunk = {"losses": 0.6 * data.losses, "gradients": 0.6 * data.gradients}
    noisy = pw.compare(pred, replace(data, **shrunk, device="qiskit.remote"))
    assert noisy.agrees is False and noisy.device == "qiskit.remote"
    kept, low, high = (int(x) for x in re.findall(r"(\d+)%", noisy.noise))
    assert low <= 60 <= high and 0 < high - low < 12 and abs(kept - 60) < 6
    assert noisy.noise in str(noisy) and noisy.to_dict()["noise"] == noisy.noise
    assert pw.compare(pred, replace(data, **shrunk)).noise == ""
    grown = pw.compare(pred, replace(data, losses=1.5 * data.losses, device="qiskit.remote"))
    assert "statement about this device" in grown.noise


def test_descents_into_the_same_minimum_count_once():
    """Forty values given five times each are worth forty; two are worth two, which is too few to compare."""
    law, rng = BetaLoss(-1.0, 1.0, 3, 9, 2), np.random.default_rng(12)
    values = law.sample(40, rng)
    assert _distinct(values) == pytest.approx(40)
    assert _distinct(np.repeat(values, 5)) == pytest.approx(40)
    assert _distinct(np.array([0.1, 0.1 + 1e-12, 0.1, 0.4])) == pytest.approx(16 / 10)
    once = compare_sample("minima", values, law)
    repeated = compare_sample("minima", np.repeat(values, 5), law, independent=_distinct(np.repeat(values, 5)))
    assert repeated.n == 40 and repeated.pvalue == pytest.approx(once.pvalue, rel=0.2)
    few = compare_sample("minima", np.repeat(values[:2], 50), law, independent=2.0)
    assert few.agrees is None and "only 2 samples worth" in few.note


def test_refuses_what_is_not_a_measurement():
    qnode, args = CASES["su4_hamiltonian"].make()
    with pytest.raises(pw.errors.ComparisonError, match="Measurement"):
        pw.compare(pw.predict(qnode)(*args), [1.0, 2.0])


def test_shot_noise_of_a_pauli_word_depends_on_the_loss():
    """Binomial estimates of losses of N = 4: the law of counts agrees, that of another spectrum does not."""
    law, rng = BetaLoss(-1.0, 1.0, 2, 4, 2), np.random.default_rng(9)
    losses = law.sample(3000, rng)
    estimates = 2 * rng.binomial(60, (1 + losses) / 2) / 60 - 1
    assert compare_sample("loss", estimates, CountedLaw(law, -1.0, 1.0, 60)).agrees
    assert compare_sample("loss", estimates, CountedLaw(BetaLoss(-1.0, 1.0, 5, 10, 2), -1.0, 1.0, 60)).agrees is False
