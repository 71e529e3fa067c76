"""compare: p-values uniform under the null, small under a wrong null; refusals."""

import numpy as np
import pytest
from circuits import CASES
from scipy import stats

import pennylane_wishart as pw
from pennylane_wishart.comparison import compare_sample
from pennylane_wishart.comparison.statistics import compare_variances
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


def test_refuses_what_is_not_a_measurement():
    qnode, args = CASES["su4_hamiltonian"].make()
    with pytest.raises(pw.errors.ComparisonError, match="Measurement"):
        pw.compare(pw.predict(qnode)(*args), [1.0, 2.0])
