"""The laws of ``pennylane_wishart.ensembles`` against closed forms and a dense Haar oracle.

Statistical tests have fixed seeds; each Kolmogorov–Smirnov test is at level 1e-3 and there
are about 40, so a correct package would fail one of them with probability 4% for a seed
chosen blindly. Moment tests ask for five standard errors (6e-7 each).
"""

from __future__ import annotations

import json
import math
import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from references import haar
from scipy import integrate, special, stats
from scipy.interpolate import BSpline

from pennylane_wishart import ensembles as en
from pennylane_wishart.ensembles import (
    BetaLoss,
    Constant,
    GammaLoss,
    HaarCompression,
    HaarGradient,
    JointLaw,
    JointPart,
    SpinFactor,
    SpinFactorGradient,
    VarianceGamma,
)
from pennylane_wishart.ensembles.haar_moments import trace_moments
from pennylane_wishart.ensembles.scaled import log2_fraction
from pennylane_wishart.ensembles.spectrum import Spectrum
from pennylane_wishart.errors import InputError, Status
from pennylane_wishart.minima import minima_law
from pennylane_wishart.serialize import decode, encode

LEVEL = 1e-3
HUGE = 2**999
quick = settings(max_examples=25)

betas = st.sampled_from([1, 2, 4])
levels = st.lists(
    st.tuples(st.integers(-20, 20), st.integers(1, 6)),
    min_size=2,
    max_size=5,
    unique_by=lambda t: t[0],
)


def within(sample, mean, standard_errors=5.0):
    """Whether a sample's mean is compatible with ``mean``."""
    error = np.std(sample) / math.sqrt(len(sample))
    return abs(np.mean(sample) - mean) <= standard_errors * error + 1e-12


def pauli_gradient(dim, beta=2, rho=(1.0,)):
    half = dim // 2
    values, counts = ([0.5], [dim]) if beta != 2 else ([-0.5, 0.5], [half, half])
    return en.HaarGradient([-1, 1], [half, half], beta, values, counts, rho)


LAWS = {
    "constant": en.Constant(0.3),
    "gamma": en.GammaLoss(2.5, 0.4, -1.0),
    "gamma wide": en.GammaLoss(3e4, 0.01),
    "beta": en.BetaLoss(-1.0, 1.0, 3, 8, 1),
    "beta large": en.BetaLoss(0.0, 1.0, 2**18, 2**20, 2),
    "spin": en.SpinFactor(1.3, 7),
    "spin gradient": en.SpinFactorGradient(1.3, 7),
    "spin planes": en.SpinFactorGradient(1.3, 9, (0.5, 0.5, 0.3)),
    "variance gamma": en.VarianceGamma(5.0, 0.3),
    "pure": en.HaarCompression([-1.0, 0.3, 2.0, 5.0], [3, 2, 2, 1], 2),
    "pure real": en.HaarCompression([-1.0, 0.3, 2.0, 5.0], [3, 2, 2, 1], 1, (0.6,)),
    "mixed": en.HaarCompression([-1.0, 0.3, 2.0, 5.0], [3, 2, 2, 1], 2, (0.5, 0.3)),
    "mixed quaternionic": en.HaarCompression([-1.0, 0.3, 2.0], [2, 2, 1], 4, (0.5, 0.3)),
    "gradient": pauli_gradient(16),
    "gradient real": pauli_gradient(8, 1),
    "gradient mixed": pauli_gradient(8, 2, (0.6, 0.4)),
    "gradient norm": pauli_gradient(16).norm_law(6),
    "sum": en.SectorSum([en.BetaLoss(-1, 1, 3, 8), en.SpinFactor(0.4, 5), en.Constant(0.2)]),
    "mixture": en.MixtureLaw([en.SpinFactor(0.4, 5), en.BetaLoss(-1, 1, 3, 8)], [1, 2]),
    "shots": en.BetaLoss(-1, 1, 3, 8).with_shots(50, lambda v: 1 - v**2),
    "minima": minima_law([-1, 1], [8, 8], 3, seed=1, n_samples=1 << 16),
}
CONTINUOUS = [name for name in LAWS if name != "constant"]


class TestInterface:
    """What every distribution promises."""

    @pytest.mark.parametrize("name", LAWS)
    def test_tails_and_logs_belong_together(self, name):
        law = LAWS[name]
        x = law.mean() + law.std() * np.array([-2.5, -1.0, 0.1, 0.9, 2.0])
        cdf, sf = law.cdf(x), law.sf(x)
        assert np.all(np.diff(cdf) >= 0)
        np.testing.assert_allclose(cdf + sf, 1.0, atol=1e-12)
        keep = cdf > 0
        np.testing.assert_allclose(np.exp(law.logcdf(x))[keep], cdf[keep], rtol=1e-12)
        assert isinstance(law.cdf(float(x[2])), float)
        assert law.cdf(x.reshape(5, 1)).shape == (5, 1)
        assert np.all(law.cdf_error(x) >= 0)
        assert law.engine
        assert law.validity.endswith(".")

    @pytest.mark.parametrize("name", CONTINUOUS)
    def test_quantile_inverts_cdf(self, name):
        law, q = LAWS[name], np.array([0.01, 0.3, 0.5, 0.77, 0.99])
        x = law.ppf(q)
        np.testing.assert_allclose(law.cdf(x), q, atol=1e-8)
        low, high = law.support()
        assert np.all((x >= low) & (x <= high))
        assert law.ppf(0.0) == low
        assert law.ppf(1.0) == high

    @pytest.mark.parametrize("name", CONTINUOUS)
    def test_density_integrates_to_cdf(self, name):
        law = LAWS[name]
        a, b = law.ppf([0.2, 0.8])
        x = np.linspace(a, b, 2001)
        # laws tabulated from a sample smooth the density: 2%; the others 1e-4
        tolerance = 2e-2 if "mixed" in name or "norm" in name else 1e-4
        assert abs(integrate.simpson(law.pdf(x), x=x) - 0.6) < tolerance

    @pytest.mark.parametrize("name", CONTINUOUS)
    def test_sample_follows_law(self, name):
        law = LAWS[name]
        sample = law.sample(4000, 11)
        assert within(sample, law.mean())
        assert within((sample - law.mean()) ** 2, law.var())
        assert stats.kstest(sample, law.cdf).pvalue > LEVEL
        z = (sample - law.mean()) / law.std()
        assert within(z**3, law.skewness())
        # the kurtosis of the norm law and of a mixed gradient is itself sampled
        assert abs(np.mean(z**4) - 3 - law.kurtosis()) < 5 * np.std(z**4) / 60
        np.testing.assert_array_equal(sample[:50], law.sample(4000, np.random.default_rng(11))[:50])

    @pytest.mark.parametrize("name", LAWS)
    def test_log2_variance(self, name):
        law = LAWS[name]
        if name == "constant":
            assert law.log2_var == -math.inf
        else:
            assert law.log2_var == pytest.approx(math.log2(law.var()), abs=1e-9)
            assert law.std() == pytest.approx(math.sqrt(law.var()), rel=1e-9)

    @pytest.mark.parametrize("name", [name for name in LAWS if name != "shots"])  # its noise is a function
    def test_status_travels_and_changes_nothing(self, name):
        law = LAWS[name].with_status(Status.BOUND)
        assert LAWS[name].status is not Status.BOUND and law.with_status(Status.BOUND) is law
        for found in (law, pickle.loads(pickle.dumps(law)), decode(json.loads(json.dumps(encode(law))))):
            assert found.status is Status.BOUND and found.mean() == LAWS[name].mean()
            if name != "minima":  # holds arrays, so it is equal to itself only
                assert found == LAWS[name] and hash(found) == hash(LAWS[name]) and repr(found) == repr(LAWS[name])


class TestExactMoments:
    """Identities that the closed forms must satisfy, in rational arithmetic."""

    @given(levels, betas)
    @quick
    def test_pure_input_is_the_rank_one_trace(self, spectrum, beta):
        """Jack polynomials of a rank-one matrix must give the Dirichlet moments."""
        observable = Spectrum.build(*zip(*spectrum, strict=True), Fraction(beta, 2))
        dim = observable.dim
        state = Spectrum.build([1.0, 0.0], [1, dim - 1], Fraction(beta, 2))
        assert trace_moments(observable, state, beta) == observable.functional_moments
        assert trace_moments(state, observable, beta) == observable.functional_moments

    @given(levels, betas)
    @quick
    def test_formulas_of_the_theory(self, spectrum, beta):
        values, counts = (np.array(column, float) for column in zip(*spectrum, strict=True))
        law = en.HaarCompression(values, counts, beta)
        dim, mean = counts.sum(), (values * counts).sum() / counts.sum()
        alpha, a = beta / 2, beta * dim / 2
        c = values - mean
        second = alpha * (counts * c**2).sum() / (a * (a + 1))
        third = 2 * alpha * (counts * c**3).sum() / (a * (a + 1) * (a + 2))
        assert law.var() == pytest.approx(second, rel=1e-12)
        assert law.skewness() == pytest.approx(third / second**1.5, rel=1e-9, abs=1e-12)
        shifted = values - values.min()
        r = (counts * shifted).sum() ** 2 / (counts * shifted**2).sum()
        m = 1 / (1 / r - 1 / dim)
        finite = 2 * (counts * shifted).sum() ** 2 / dim**2 / (beta * m) * dim / (dim + 2 / beta)
        assert law.var() == pytest.approx(finite, rel=1e-9)

    @given(levels, betas, st.integers(-8, 8), st.sampled_from([0.5, 2.0, 4.0]))
    @quick
    def test_affine_equivariance(self, spectrum, beta, shift, scale):
        values, counts = zip(*spectrum, strict=True)
        law = en.HaarCompression(values, counts, beta)
        moved = en.HaarCompression([scale * v + shift for v in values], counts, beta)
        assert moved.mean() == pytest.approx(scale * law.mean() + shift, abs=1e-12)
        assert moved.log2_var == pytest.approx(law.log2_var + 2 * math.log2(scale), abs=1e-9)
        assert moved.skewness() == pytest.approx(law.skewness(), abs=1e-12)
        assert moved.kurtosis() == pytest.approx(law.kurtosis(), abs=1e-12)
        x = law.ppf([0.1, 0.6])
        np.testing.assert_allclose(moved.cdf(scale * x + shift), law.cdf(x), atol=1e-10)

    @given(betas, st.integers(2, 7), st.integers(1, 6))
    @quick
    def test_two_levels_are_the_beta_law(self, beta, dim, upper):
        if upper >= dim:
            upper = dim - 1
        law = en.HaarCompression([-1.0, 3.0], [dim - upper, upper], beta)
        exact = stats.beta(beta * upper / 2, beta * (dim - upper) / 2, loc=-1, scale=4)
        x = np.array([-0.9, 0.0, 1.0, 2.5])
        np.testing.assert_allclose(law.cdf(x), exact.cdf(x), rtol=1e-10)
        np.testing.assert_allclose(law.pdf(x), exact.pdf(x), rtol=1e-9)
        s, k = exact.stats("sk")
        np.testing.assert_allclose([law.skewness(), law.kurtosis()], [s, k], atol=1e-9)

    def test_maximally_mixed_input_does_not_vary(self):
        law = en.HaarCompression([-1.0, 1.0, 2.0], [1, 1, 2], 2, (0.25,) * 4)
        assert law.log2_var == -math.inf
        np.testing.assert_allclose(law.sample(3, 1), 1.0)

    @pytest.mark.parametrize("beta", [1, 2, 4])
    @pytest.mark.parametrize("dim", [8, 16])
    def test_gradient_variance_of_the_theory(self, beta, dim):
        """Var = 4 E‖φ‖² Tr O0²/((D−1)(βD+2)), E‖φ‖² in its own form for each β."""
        half = dim // 2
        if beta == 1:
            law = en.HaarGradient([-1, 1], [half] * 2, 1, [0.5], [dim])
            norm = 0.25
        elif beta == 2:
            law = pauli_gradient(dim)
            norm = 0.25 * dim / (dim + 1)
        else:
            law = en.HaarGradient([-1, 1], [half] * 2, 4, [-0.5, 0.5], [dim, dim])
            n = 2 * dim
            norm = (0.25 * n / n) * (n - 2) / (n + 1)
        expected = 4 * norm * dim / ((dim - 1) * (beta * dim + 2))
        assert law.var() == pytest.approx(expected, rel=1e-13)

    def test_two_design_variance(self):
        """McClean's 2-design value for a Pauli rotation, exact as a fraction of D = 16."""
        assert pauli_gradient(16).var() == pytest.approx(16**3 / (2 * 16 * 17 * 255), rel=1e-13)


class TestInversion:
    """The contour integral against forms that share nothing with it."""

    @pytest.mark.parametrize("knots", [[-1, 0.2, 0.2, 1.5], [0, 1, 1, 2, 2, 2, 5], [0, 3, 4]])
    def test_curry_schoenberg_spline(self, knots):
        """For β = 2 the density of Σ o X is the B-spline with the eigenvalues as knots."""
        knots = np.array(knots, float)
        values, counts = np.unique(knots, return_counts=True)
        law = en.HaarCompression(values, counts, 2)
        spline = BSpline.basis_element(knots, extrapolate=False)
        height = (knots.size - 1) / (knots[-1] - knots[0])
        x = np.linspace(knots[0], knots[-1], 23)[1:-1] + 1e-3
        np.testing.assert_allclose(law.pdf(x), height * spline(x), rtol=1e-9, atol=1e-12)
        area = [height * spline.integrate(knots[0], point) for point in x]
        np.testing.assert_allclose(law.cdf(x), area, rtol=1e-9, atol=1e-12)

    def test_far_tails(self):
        law, shape = en.BetaLoss(0, 1, 2**15, 2**16), 2**15
        exact = stats.beta(shape, shape)
        x = np.array([0.47, 0.49, 0.5, 0.505, 0.52])
        np.testing.assert_allclose(law.logsf(x), exact.logsf(x), rtol=1e-9)
        np.testing.assert_allclose(law.logcdf(x), exact.logcdf(x), rtol=1e-9)
        # e^−1949, beyond the floats: the density there times the integral of its decay
        start = 0.62
        decay = integrate.quad(
            lambda t: math.exp(
                (shape - 1) * (math.log1p(t / start) + math.log1p(-t / (1 - start)))
            ),
            0, 1e-3, points=[1e-5, 1e-4],
        )[0]  # fmt: skip
        norm = special.betaln(shape, shape)
        log = (shape - 1) * math.log(start * (1 - start)) - norm + math.log(decay)
        assert law.logsf(start) == pytest.approx(log, rel=1e-9)

    def test_one_light_level_beside_a_huge_one(self):
        """ℓ = X_1 with X_1 ~ Beta(1, D−1): sf = (1−x)^(D−1)."""
        law = en.HaarCompression([0.0, 1.0], [2**40 - 1, 1], 2)
        x = np.array([1e-15, 1e-13, 1e-12, 2e-11])
        np.testing.assert_allclose(law.logsf(x), (2**40 - 1) * np.log1p(-x), rtol=1e-9)

    def test_error_estimate_covers_the_error(self):
        law = en.HaarCompression([-1.0, 1.0], [2**20, 2**20], 2)
        exact = stats.beta(2**20, 2**20, loc=-1, scale=2)
        x = law.std() * np.linspace(-4, 4, 9)
        assert np.all(np.abs(law.cdf(x) - exact.cdf(x)) <= law.cdf_error(x) + 1e-11)


class TestHugeDimensions:
    """Nothing underflows that is kept as log2."""

    @pytest.mark.parametrize("beta", [1, 2, 4])
    def test_thousand_qubits(self, beta):
        law = en.HaarCompression([-1, 1], [HUGE, HUGE], beta)
        assert law.log2_var == pytest.approx(-1000 - math.log2(beta / 2), abs=1e-9)
        gradient = en.HaarGradient(
            [-1, 1], [HUGE] * 2, beta, [-0.5, 0.5], [HUGE, HUGE] if beta != 4 else [2 * HUGE] * 2
        )
        assert gradient.log2_var == pytest.approx(law.log2_var - 1, abs=1e-9)
        for one in (law, gradient):
            sample = one.sample(2000, 3)
            assert stats.kstest(sample / one.std(), "norm").pvalue > LEVEL
            assert one.cdf(one.std()) == pytest.approx(stats.norm.cdf(1), abs=1e-10)
            assert one.ppf(0.975) / one.std() == pytest.approx(1.959964, abs=1e-5)

    def test_variance_below_the_smallest_float(self):
        law = en.BetaLoss(-1.0, 1.0, 2**2999, 2**3000)
        assert law.var() == 0.0
        assert law.log2_var == -3000.0
        assert en.HaarCompression([0, 1], [2**3000 - 1, 1], 2).skewness() == pytest.approx(2)
        assert en.covariance_log2_scale([-1, 1], [2**2999] * 2, 2) == pytest.approx(-3000)
        rank_one = en.HaarGradient([0, 1], [2**1000 - 1, 1], 2, [0, 1], [2**1000 - 1, 1])
        assert rank_one.log2_var == pytest.approx(-2999, abs=1e-6)

    def test_compressions_and_mixed_inputs(self):
        law = en.HaarCompression([-1, 1], [HUGE, HUGE], 2, (0.5, 0.5))
        assert law.log2_var == pytest.approx(-1001)
        assert stats.kstest(law.sample(2000, 1) / law.std(), "norm").pvalue > LEVEL
        b = law.compressions(4000, 2, 5) / law.std()
        np.testing.assert_allclose(b, np.conj(np.swapaxes(b, 1, 2)))
        assert within(b[:, 0, 0].real ** 2, 2.0)
        assert within(np.abs(b[:, 0, 1]) ** 2, 2.0)

    def test_sampling_at_twenty_qubits_draws_no_vectors_of_their_size(self):
        law = en.HaarCompression([-1.0, 0.0, 1.0], [2**18, 2**19, 2**18])
        draws = law.sample(10**5, 1)  # 10⁵ Haar vectors of 2²⁰ entries would be 1.7 TB
        assert draws.shape == (10**5,) and within(draws**2, law.std() ** 2)

    def test_log2_of_fractions(self):
        assert log2_fraction(Fraction(3, 2**4000)) == pytest.approx(math.log2(3) - 4000)


VALUES = [-1.0, 0.3, 2.0]
CASES = [
    (1, 8, (1.0,)), (1, 8, (0.6, 0.4)), (1, 8, (0.3, 0.2, 0.2, 0.1, 0.1)),
    (2, 8, (1.0,)), (2, 8, (0.5, 0.2, 0.1)), (2, 16, (1.0,)),
    pytest.param(2, 8, (0.3, 0.2, 0.2, 0.1, 0.1), marks=pytest.mark.slow),
    (4, 4, (1.0,)), (4, 4, (0.6, 0.4)), (4, 4, (0.5, 0.2, 0.1)),
]  # fmt: skip


def dense_case(beta, dim, rho, size, seed):
    """Dense losses and gradients, and the two laws."""
    counts = [dim // 4, dim // 2, dim // 4]
    gate = ([-0.5, 0.7], [dim // 2] * 2 if beta != 1 else [dim - 2, 2])
    losses, gradients = haar.loss_and_gradient(
        haar.diagonal_observable(VALUES, counts, beta),
        haar.generator(*gate, beta),
        haar.input_state(rho, dim, beta),
        beta, size, np.random.default_rng(seed),
    )  # fmt: skip
    law = en.HaarCompression(VALUES, counts, beta, rho)
    return losses, gradients, law, en.HaarGradient(VALUES, counts, beta, *gate, rho)


class TestAgainstDenseHaar:
    """Loss and gradient of dense Haar circuits, every β, pure and mixed inputs."""

    @pytest.mark.parametrize(("beta", "dim", "rho"), CASES)
    def test_loss_and_gradient(self, beta, dim, rho):
        size = 5000 if beta != 4 else 2000
        losses, gradients, law, gradient = dense_case(beta, dim, rho, size, 7 + dim + beta)
        assert within(losses, law.mean())
        assert within((losses - law.mean()) ** 2, law.var())
        assert within(((losses - law.mean()) / law.std()) ** 3, law.skewness())
        assert within(((losses - law.mean()) / law.std()) ** 4, law.kurtosis() + 3)
        assert stats.kstest(losses, law.cdf).pvalue > LEVEL
        assert within(gradients, 0.0)
        assert within(gradients**2, gradient.var())
        assert within((gradients / gradient.std()) ** 4, gradient.kurtosis() + 3)
        assert stats.kstest(gradients, gradient.cdf).pvalue > LEVEL
        drawn, components = gradient.joint_sample(5000, 3, 2)
        assert stats.ks_2samp(losses, drawn).pvalue > LEVEL
        assert stats.ks_2samp(gradients, components[:, 1]).pvalue > LEVEL
        # the joint law: E[(ℓ − mean)²(∂ℓ)²] by both routes
        a = (losses - law.mean()) ** 2 * gradients**2
        b = (drawn - law.mean()) ** 2 * components[:, 0] ** 2
        error = math.hypot(a.std() / math.sqrt(a.size), b.std() / math.sqrt(b.size))
        assert abs(a.mean() - b.mean()) < 5 * error

    def test_wrong_laws_are_rejected(self):
        """r in place of m, and the asymptotic shapes, for a Pauli observable at N = 16."""
        dim, rng = 16, np.random.default_rng(5)
        losses, gradients = haar.loss_and_gradient(
            haar.diagonal_observable([-1, 1], [8, 8], 2), haar.generator([-0.5, 0.5], [8, 8], 2),
            haar.input_state((1.0,), dim, 2), 2, 5000, rng,
        )  # fmt: skip
        m, r = 16.0, 8.0
        assert stats.kstest(losses, en.BetaLoss(-1, 1, 8, dim).cdf).pvalue > LEVEL
        for wrong in (
            en.GammaLoss.from_sector(r, 1.0, -1.0, 2),
            en.BetaLoss(-1, 1, 8, dim, beta=1),
        ):
            assert stats.kstest(losses, wrong.cdf).pvalue < 1e-6
        # right mean and variance, wrong skewness: closer, and still seen
        matched = en.GammaLoss.from_sector(m, 1.0, -1.0, 2, dim=dim)
        assert stats.kstest(losses, matched.cdf).pvalue < LEVEL
        assert stats.kstest(gradients, pauli_gradient(dim).cdf).pvalue > LEVEL
        norm = math.sqrt(0.25 * dim / (dim + 1))
        published = en.VarianceGamma.from_sector(norm, 1.0, 2, r)
        assert stats.kstest(gradients, published.cdf).pvalue < 1e-6
        # m repairs the variance, not the sign of the kurtosis
        repaired = en.VarianceGamma.from_sector(norm, 1.0, 2, m)
        assert repaired.var() == pytest.approx(pauli_gradient(dim).var(), rel=0.01)
        assert repaired.kurtosis() > 0 > pauli_gradient(dim).kurtosis()

    def test_pvalues_are_uniform_under_the_null(self):
        """100 p-values of dense losses are uniform (level 1e-3); with r for m they are not."""
        rng, law = np.random.default_rng(21), en.BetaLoss(-1, 1, 4, 8)
        wrong = en.GammaLoss.from_sector(4.0, 1.0, -1.0, 2)
        frames = haar.haar_unitary(8, 2, 20000, rng)
        signs = np.repeat([-1.0, 1.0], 4)
        losses = (np.abs(frames[:, :, 0]) ** 2 @ signs).reshape(100, 200)
        p = [stats.kstest(row, law.cdf).pvalue for row in losses]
        assert stats.kstest(p, "uniform").pvalue > LEVEL
        p = [stats.kstest(row, wrong.cdf).pvalue for row in losses]
        assert np.median(p) < 0.01

    def test_gradient_norm(self):
        one = pauli_gradient(8)
        law = one.norm_law(5)
        sample = np.sum(one.joint_sample(20000, 3, 5)[1] ** 2, axis=1)
        assert law.mean() == pytest.approx(5 * one.var())
        assert within(sample, law.mean())
        assert within((sample - law.mean()) ** 2, law.var())
        # components share σ: the variance exceeds that of independent ones
        alone = 5 * (one.kurtosis() + 2) * one.var() ** 2
        assert law.var() > 1.02 * alone


class TestGamma:
    def test_from_sector_has_the_published_parameters(self):
        law = en.GammaLoss.from_sector(dof=6.0, mean=0.7, minimum=-2.0, beta=4, weight=0.5)
        assert (law.shape, law.minimum) == (12.0, -1.0)
        assert law.scale == pytest.approx(0.5 * 2 * 0.7 / (4 * 6.0))
        exact = stats.gamma(12, loc=-1, scale=law.scale)
        x = np.array([-0.9, -0.6, -0.3])
        np.testing.assert_allclose(law.cdf(x), exact.cdf(x), rtol=1e-12)
        np.testing.assert_allclose(law.logpdf(x), exact.logpdf(x), rtol=1e-12)

    def test_dim_gives_the_exact_variance(self):
        exact = en.HaarCompression([0, 1], [5, 3], 1)
        r = 3.0
        m = 1 / (1 / r - 1 / 8)
        law = en.GammaLoss.from_sector(m, 3 / 8, 0.0, 1, dim=8)
        assert law.var() == pytest.approx(exact.var(), rel=1e-12)

    def test_deep_tails(self):
        law = en.GammaLoss(3.0, 1.0)
        x = 2000.0
        assert law.logsf(x) == pytest.approx(-x + math.log(x**2 / 2 + x + 1), rel=1e-12)
        assert law.logcdf(1e-250) == pytest.approx(3 * math.log(1e-250) - math.log(6), rel=1e-12)

    def test_continuity_where_the_expansion_takes_over(self):
        below, above = en.GammaLoss(0.999e10, 1.0), en.GammaLoss(1.001e10, 1.0)
        for z in (-3.0, 0.5, 4.0):
            a, b = (law.logcdf(law.mean() + z * law.std()) for law in (below, above))
            assert a == pytest.approx(b, rel=1e-6)
            a, b = (law.logpdf(law.mean() + z * law.std()) + math.log(law.std()) for law in (below, above))
            assert a == pytest.approx(b, rel=1e-6)


class TestVarianceGamma:
    @pytest.mark.parametrize("dof", [1.0, 2.0, 7.0, 60.0])
    def test_characteristic_function(self, dof):
        law = en.VarianceGamma(dof, 1 / math.sqrt(dof))
        edges = [0, 1e-4, 1e-2, 1, 8, 40]
        for t in (0.5, 1.5):
            value = 2 * sum(
                integrate.quad(lambda x, t=t: law.pdf(x) * math.cos(t * x), a, b, limit=200)[0]
                for a, b in zip(edges, edges[1:], strict=False)
            )
            # what the innermost interval misses for K = 1 is a logarithmic singularity
            assert value == pytest.approx((1 + t**2 / dof) ** (-dof / 2), abs=1e-6)

    def test_two_degrees_are_laplace(self):
        law, x = en.VarianceGamma(2.0, 1.0), np.array([0.1, 1.0, 5.0, 50.0, 3000.0])
        np.testing.assert_allclose(law.logsf(x), -x - math.log(2), rtol=1e-9)
        np.testing.assert_allclose(law.logpdf(x), -x - math.log(2), rtol=1e-9)

    @pytest.mark.parametrize("dof", [300.0, 2e3, 1e7, 1e9])
    def test_density_is_continuous_across_methods(self, dof):
        law = en.VarianceGamma(dof, 1 / math.sqrt(dof))
        h = 1e-3
        for x in (0.3, 2.0):
            slope = (law.cdf(x + h) - law.cdf(x - h)) / (2 * h)
            assert law.pdf(x) == pytest.approx(slope, rel=1e-6)
        assert law.pdf(0.0) == pytest.approx(law.pdf(1e-9), rel=1e-6)

    def test_sector_parameters(self):
        law = en.VarianceGamma.from_sector(norm=0.5, mean=1.5, beta=2, dof=8)
        assert law.var() == pytest.approx(4 * 0.25 * 1.5**2 / 16)
        assert law.kurtosis() == pytest.approx(6 / 16)

    def test_limit_of_the_exact_law(self):
        """For r ≪ N the exact gradient law becomes the published one."""
        dim, rank = 2**20, 3
        exact = en.HaarGradient([0, 1], [dim - rank, rank], 2, [-0.5, 0.5], [dim // 2, dim // 2])
        published = en.VarianceGamma.from_sector(0.5, rank / dim, 2, rank)
        assert exact.log2_var == pytest.approx(published.log2_var, abs=1e-4)
        assert exact.kurtosis() == pytest.approx(published.kurtosis(), abs=1e-4)
        x = published.ppf([0.05, 0.2, 0.6, 0.99])
        assert np.all(np.abs(exact.cdf(x) - published.cdf(x)) < 4 * exact.cdf_error(x) + 2e-5)


class TestSpinFactor:
    @pytest.mark.parametrize("dim", [2, 5, 9])
    def test_rotated_vectors(self, dim):
        """Loss and derivative of A·yᵀ Rot(θ) x with Haar rotations on both sides."""
        rng, size, amplitude = np.random.default_rng(8 + dim), 5000, 0.8
        left, right = (haar.haar_unitary(dim, 1, size, rng) for _ in range(2))
        y, x = left[:, 0, :], right[:, :, 0]
        law, slope = en.SpinFactor(amplitude, dim), en.SpinFactorGradient(amplitude, dim, 0.5)
        losses = amplitude * np.einsum("si,si->s", y, x)
        turned = amplitude * (y[:, 1] * x[:, 0] - y[:, 0] * x[:, 1])
        assert stats.kstest(losses, law.cdf).pvalue > LEVEL
        assert stats.kstest(turned, slope.cdf).pvalue > LEVEL
        assert within(turned**2, slope.var())
        assert slope.var() == pytest.approx(2 * amplitude**2 / dim**2)
        assert slope.kurtosis() == pytest.approx(6 * dim**2 / (dim + 2) ** 2 - 3)
        assert law.var() == pytest.approx(amplitude**2 / dim)

    def test_dense_majoranas(self):
        """The factor 2·norm: gate e^{−iθ·norm·P}, P = iγ0γ1, on a 2-qubit Clifford algebra."""
        x, y, z, one = (np.array(m) for m in (
            [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]], [[1, 0], [0, 1]],
        ))  # fmt: skip
        gammas = [np.kron(x, one), np.kron(y, one), np.kron(z, x), np.kron(z, y)]
        rng = np.random.default_rng(4)
        b, a, norm = rng.standard_normal(4), rng.standard_normal(4), 0.35
        a = a / np.linalg.norm(a)
        state = (np.eye(4) + sum(c * g for c, g in zip(a, gammas, strict=True))) / 4
        observable = sum(c * g for c, g in zip(b, gammas, strict=True))
        gate = norm * 1j * gammas[0] @ gammas[1]
        slope = np.trace(observable @ (-1j * (gate @ state - state @ gate))).real
        assert abs(slope) == pytest.approx(2 * norm * abs(a[0] * b[1] - a[1] * b[0]))

    def test_basis_state_is_constant(self):
        law = en.SpinFactor(0.0, 8)
        assert law.var() == 0.0
        assert law.cdf([-0.1, 0.0]).tolist() == [0.0, 1.0]

    def test_large_dim_is_laplace(self):
        law = en.SpinFactorGradient(1.0, 10**12)
        assert law.kurtosis() == pytest.approx(3.0, abs=1e-9)
        exact = stats.laplace(scale=law.std() / math.sqrt(2))
        x = law.std() * np.array([-2.0, 0.5, 3.0])
        assert np.all(np.abs(law.cdf(x) - exact.cdf(x)) < 4 * law.cdf_error(x) + 1e-5)


class TestMixtures:
    def test_irwin_hall(self):
        """The sum of three uniforms has cdf x³/6 below 1."""
        law = en.SectorSum([en.BetaLoss(0, 1, 1, 2)] * 3)
        x = np.array([0.2, 0.6, 1.0])
        assert np.all(np.abs(law.cdf(x) - x**3 / 6) <= 3 * law.cdf_error(x))
        assert law.cdf_error(0.5) < 1e-5
        assert law.kurtosis() == pytest.approx(-1.2 / 3)
        assert law.support() == (0.0, 3.0)

    def test_one_varying_summand_is_shifted(self):
        base = en.BetaLoss(-1, 1, 3, 8)
        law = en.SectorSum([base, en.Constant(0.25)])
        assert law.cdf(0.1) == pytest.approx(base.cdf(-0.15), abs=1e-14)

    def test_tiny_summands(self):
        law = en.SectorSum([en.BetaLoss(-1, 1, HUGE, 2 * HUGE)] * 3)
        assert law.log2_var == pytest.approx(math.log2(3) - 1000)
        assert law.cdf(law.std()) == pytest.approx(stats.norm.cdf(1), abs=1e-5)

    def test_dead_parameters_are_an_atom(self):
        live = pauli_gradient(16)
        law = en.MixtureLaw([en.Constant(0.0), live, live, live])
        assert len(law.laws) == 2
        assert law.var() == pytest.approx(0.75 * live.var())
        assert law.kurtosis() == pytest.approx((live.kurtosis() + 3) / 0.75 - 3)
        assert law.cdf(0.0) - law.cdf(-1e-12) == pytest.approx(0.25, abs=1e-9)
        np.testing.assert_array_equal(law.ppf([0.4, 0.5, 0.6]), 0.0)
        assert law.ppf(0.9) > 0

    def test_huge_mixture(self):
        tiny = en.SpinFactorGradient(1.0, 2**1200)
        law = en.MixtureLaw([tiny, en.SpinFactorGradient(2.0, 2**1200)])
        assert law.log2_var == pytest.approx(tiny.log2_var + math.log2(2.5))


class TestShots:
    def test_constant_with_noise_is_normal(self):
        law = en.Constant(0.3).with_shots(100, 0.5)
        exact = stats.norm(0.3, math.sqrt(0.005))
        x = np.array([0.1, 0.3, 0.45])
        np.testing.assert_allclose(law.cdf(x), exact.cdf(x), rtol=1e-12)
        np.testing.assert_allclose(law.pdf(x), exact.pdf(x), rtol=1e-12)

    def test_pauli_noise_adds_its_mean_variance(self):
        base = en.BetaLoss(-1, 1, 3, 8)
        law = base.with_shots(40, lambda v: 1 - v**2)
        expected = base.var() + (1 - base.var() - base.mean() ** 2) / 40
        assert law.var() == pytest.approx(expected, rel=1e-5)

    def test_binomial_counts(self):
        """Estimates from real binomial counts follow the law when shots are many."""
        base, shots, rng = en.BetaLoss(-1, 1, 4, 8), 2000, np.random.default_rng(2)
        counts = rng.binomial(shots, (1 + base.sample(4000, rng)) / 2)
        jitter = rng.uniform(-1, 1, 4000) / shots  # fills the steps of the lattice
        law = base.with_shots(shots, lambda v: 1 - v**2)
        assert stats.kstest(2 * counts / shots - 1 + jitter, law.cdf).pvalue > LEVEL

    def test_many_shots_leave_the_law(self):
        base = en.BetaLoss(-1, 1, 3, 8)
        x = base.ppf([0.05, 0.5, 0.9])
        np.testing.assert_allclose(base.with_shots(10**12, 1.0).cdf(x), base.cdf(x), atol=1e-6)


class TestProcess:
    @pytest.mark.parametrize("beta", [1, 2, 4])
    def test_covariance_and_joint_law(self, beta):
        """Three complex inputs in one sector against dense Haar matrices."""
        dim, rng = (8, np.random.default_rng(3)) if beta != 4 else (4, np.random.default_rng(4))
        n = 2 * dim if beta == 4 else dim
        counts = [dim // 4, dim // 2, dim // 4]
        states = rng.standard_normal((3, n)) + 1j * rng.standard_normal((3, n))
        states /= np.linalg.norm(states, axis=1)[:, None]
        states[2] *= math.sqrt(0.7)
        observable = haar.diagonal_observable(VALUES, counts, beta)
        frames = haar.haar_unitary(dim, beta, 3000, rng)
        turned = np.einsum("sij,nj->sni", frames, states)
        dense = np.einsum("sni,i->sn", np.abs(turned) ** 2, np.diag(observable))
        operators = en.span_operators(states, beta)
        drawn = en.process_sample(VALUES, counts, beta, operators, 6000, 9)
        weights = np.array([1.0, 1.0, 0.7])
        gram = np.abs(states @ np.conj(states).T) ** 2
        if beta == 1:
            density = np.einsum("ni,nj->nij", states, np.conj(states)).real
            gram = np.einsum("nij,mji->nm", density, density)
        if beta == 4:
            twin = np.concatenate([-np.conj(states[:, dim:]), np.conj(states[:, :dim])], axis=1)
            gram = gram + np.abs(states @ np.conj(twin).T) ** 2
        exact = en.loss_covariance(VALUES, counts, beta, gram, weights)
        for sample in (dense, drawn):
            centred = sample - sample.mean(axis=0)
            products = np.einsum("si,sj->sij", centred, centred)
            error = products.std(axis=0) / math.sqrt(len(sample))
            assert np.all(np.abs(products.mean(axis=0) - exact) < 5 * error)
        direction = np.array([1.0, -0.6, 0.8])
        assert stats.ks_2samp(dense @ direction, drawn @ direction).pvalue > LEVEL
        assert stats.ks_2samp(dense[:, 0] * dense[:, 2], drawn[:, 0] * drawn[:, 2]).pvalue > LEVEL

    def test_covariance_of_the_theory(self):
        """(2ō²/βm)(overlap − w²/N)·N²/((N−1)(N+2/β)) for a projector, β = 2."""
        dim, rank = 16, 3
        mean, m = rank / dim, 1 / (1 / rank - 1 / dim)
        factor = 2 * mean**2 / (2 * m) * dim**2 / ((dim - 1) * (dim + 1))
        out = en.loss_covariance([0, 1], [13, 3], 2, [[1, 0.2], [0.2, 1]], [1, 1])
        np.testing.assert_allclose(out[0, 1], factor * (0.2 - 1 / dim), rtol=1e-12)
        assert out[0, 0] == pytest.approx(en.HaarCompression([0, 1], [13, 3], 2).var())

    def test_whole_space(self):
        """Compressing to all D directions returns the observable's own spectrum."""
        for beta in (1, 2, 4):
            law = en.HaarCompression(VALUES, [1, 2, 1], beta)
            b = law.compressions(20, 4, 3)
            expected = np.repeat(VALUES, np.array([1, 2, 1]) * (2 if beta == 4 else 1))
            np.testing.assert_allclose(np.linalg.eigvalsh(b), np.tile(expected, (20, 1)), atol=1e-9)

    def test_counterexample_to_the_published_condition(self):
        verdict = en.gaussian_verdict([0.0, 1.0], [1, 63], 2)
        assert verdict.dof == pytest.approx(63)
        assert verdict.published
        assert not verdict.lindeberg
        assert not verdict.is_gaussian
        assert verdict.skewness == pytest.approx(-1.9, abs=0.02)
        assert "not sufficient" in verdict.verdict

    @pytest.mark.parametrize("half", [32, HUGE])
    def test_pauli_is_gaussian(self, half):
        verdict = en.gaussian_verdict([-1, 1], [half, half], 2)
        assert verdict.is_gaussian
        assert verdict.lindeberg_ratio == pytest.approx(1 / (2 * half))
        assert verdict.verdict.startswith("Gaussian process")

    def test_few_degrees_of_freedom(self):
        verdict = en.gaussian_verdict([0.0, 1.0], [63, 1], 2)
        assert not verdict.published
        # D → ∞ is exponential, whose distance to the normal law is Φ(−1)
        assert verdict.ks_distance == pytest.approx(stats.norm.cdf(-1), abs=0.01)


class TestBadInput:
    """Errors name the argument, what came and what to do."""

    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (lambda: en.HaarCompression([0, 1], [1, 1], 3), "beta must be 1 .* got 3"),
            (lambda: en.HaarCompression([0, 1], [1], 2), "values and multiplicities"),
            (lambda: en.HaarCompression([0, 1], [1, 1.5], 2), "multiplicities must be .* 1.5"),
            (lambda: en.HaarCompression([], [], 2), "values must be a non-empty"),
            (lambda: en.HaarCompression([0, math.nan], [1, 1], 2), "finite"),
            (lambda: en.HaarCompression([0, 1], [0, 0], 2), "positive entry"),
            (lambda: en.HaarCompression([0, 1], [1, 1], 2, (0.6, 0.6)), "rho must sum"),
            (lambda: en.HaarCompression([0, 1], [1, 1], 2, (-0.1, 0.6)), "rho must be the non-neg"),
            (lambda: en.HaarCompression([0, 1], [1, 1], 2, (0.1,) * 3), "3 non-zero eigenvalues"),
            (lambda: en.HaarCompression([0, 1], [1, 1]).compressions(1, 3), "d must lie"),
            (lambda: en.HaarCompression([0, 1], [1, 1]).sample(-1), "size must be"),
            (lambda: en.HaarCompression([0, 1], [1, 1]).ppf(1.5), "q must hold prob"),
            (lambda: en.BetaLoss(1, 1, 1, 2), "low must be below high"),
            (lambda: en.BetaLoss(0, 1, 2, 2), "Use Constant"),
            (lambda: en.GammaLoss(-1.0, 1.0), "shape must be a positive"),
            (lambda: en.VarianceGamma(2.0, 0.0), "scale must be a positive"),
            (lambda: en.Constant("x"), "value must be a finite"),
            (lambda: en.SpinFactor(-1.0, 3), "amplitude must not be negative"),
            (lambda: en.SpinFactor(1.0, 1), "dim must be an integer of at least 2"),
            (lambda: en.SpinFactorGradient(0.0, 3), r"Use Constant\(0.0\)"),
            (lambda: en.SpinFactorGradient(1.0, 3, (1.0, 1.0)), "2 planes"),
            (lambda: en.HaarGradient([0, 1], [1, 1], 2, [1], [3]), "generator_mult.* sum to the"),
            (lambda: en.HaarGradient([0, 1], [2, 1], 1, [1], [3]), "pair g with"),
            (lambda: en.HaarGradient([0, 1], [1, 1], 2, [1], [2]), "vanishes identically"),
            (lambda: en.HaarGradient([0], [1], 2, [1], [1]), "sum to 1"),
            (lambda: en.SectorSum([]), "laws must be a non-empty"),
            (lambda: en.MixtureLaw([en.Constant(0)], [1, 2]), "probabilities must be 1"),
            (lambda: en.Constant(0).with_shots(0, 1.0), "shots must be at least 1"),
            (lambda: en.Constant(0).with_shots(10, -1.0), "variance must not be negative"),
            (lambda: en.loss_covariance([0, 1], [1, 1], 2, [[1]], [1, 1]), "overlaps must be"),
            (lambda: en.process_sample([0, 1], [1, 1], 2, [[1]], 3), "operators must have"),
            (lambda: en.span_operators([1, 2], 2), "states must be"),
            (lambda: en.gaussian_verdict([1.0], [4], 2), "one level"),
            (lambda: pauli_gradient(4).norm_law(0), "n_gradients must be at least 1"),
        ],
    )
    def test_message(self, make, words):
        with pytest.raises(InputError, match=words):
            make()


def test_mixture_of_many_equal_laws_has_weight_one():
    # 49 equal shares add up to 1 + 2e-16, which a multinomial draw refuses
    laws = [en.BetaLoss(-1.0, 1.0, 4, 8, 1)] * 49
    mixture = en.MixtureLaw(laws, [1 / 49] * 49)
    assert mixture.probabilities == (1.0,)
    assert mixture.sample(3, 1).shape == (3,)


# ------------------------------------------------------------------ the joint law of (ℓ, ∇ℓ), and ‖∇ℓ‖²
def two_gates(observable, gates, rho, beta, size, rng):
    """Loss and both gradients of V₂ e^{−iθ₂G₂} V₁ e^{−iθ₁G₁} V₀ with dense Haar matrices V."""
    n = observable.shape[0] // 2 if beta == 4 else observable.shape[0]
    first, middle, last = (haar.haar_unitary(n, beta, size, rng) for _ in range(3))

    def adjoint(u):
        return np.conj(np.swapaxes(u, 1, 2))

    early = first @ rho @ adjoint(first)
    late = middle @ early @ adjoint(middle)
    seen_late = adjoint(last) @ observable @ last
    seen_early = adjoint(middle) @ seen_late @ middle
    out = [np.einsum("sij,sji->s", seen_late, late).real]
    for seen, state, gate in ((seen_early, early, gates[0]), (seen_late, late, gates[1])):
        out.append(np.einsum("sij,sji->s", seen, -1j * (gate @ state - state @ gate)).real)
    return np.array(out)


JOINT = [(1, 6, (1.0,)), (2, 5, (1.0,)), (4, 4, (1.0,)), (2, 6, (0.7, 0.3)), (1, 6, (0.6, 0.4))]


def mixed_moments(losses, gradients):
    """Products that vanish or factor only for independent components: values and standard errors."""
    centred, (g, h) = losses - losses.mean(), gradients
    rows = [centred**2 * g**2, g**2 * h**2, centred * g**2, g * h, centred * g, (g**2 + h**2) ** 2]
    return np.mean(rows, axis=1), np.std(rows, axis=1) / np.sqrt(len(losses))


@pytest.mark.parametrize(("beta", "dim", "rho"), JOINT)
def test_joint_law_against_two_gates_between_haar_matrices(beta, dim, rho):
    """Loss and two different gates: mixed moments within 4.5 standard errors (12 per case)."""
    values, counts = (-1.0, 0.5, 2.0), (2, dim - 3, 1)
    kinds = [((-0.5, 0.5), (dim // 2, dim - dim // 2)), ((-1.0, 0.0, 1.0), (1, dim - 2, 1))]
    if beta == 1:  # pairs ±g, given by |g|
        kinds = [((0.5,), (dim,)), ((0.0, 1.0), (dim - 2, 2))]
    if beta == 4:
        kinds = [((0.5,), (dim,)), ((0.0, 1.0), (dim - 1, 1))]
    gates = [haar.generator(*kind, beta) for kind in kinds]
    size = 40_000
    dense = two_gates(
        haar.diagonal_observable(values, counts, beta), gates, haar.input_state(rho, dim, beta), beta, size,
        np.random.default_rng(3),
    )  # fmt: skip
    laws = tuple(HaarGradient(values, counts, beta, *kind, rho) for kind in kinds)
    joint = JointLaw([JointPart(HaarCompression(values, counts, beta, rho), laws)])
    losses, gradients = joint.sample(size, 4)
    theirs, ours = mixed_moments(dense[0], dense[1:]), mixed_moments(losses, gradients.T)
    assert np.all(np.abs(theirs[0] - ours[0]) < 4.5 * np.hypot(theirs[1], ours[1])), (theirs, ours)
    # the same moments of independent components are rejected: the state is shared (for a mixed
    # input it matters less, and this sample is too small to tell)
    rng = np.random.default_rng(5)
    apart = mixed_moments(rng.permutation(losses), [rng.permutation(g) for g in gradients.T])
    assert len(rho) > 1 or np.any(np.abs(theirs[0] - apart[0]) > 6 * np.hypot(theirs[1], apart[1]))
    np.testing.assert_allclose(np.diag(joint.covariance())[1:], [law.var() for law in laws])
    square = joint.norm_law()
    total = (dense[1:] ** 2).sum(axis=0)
    assert abs(total.mean() - square.mean()) < 4.5 * total.std() / np.sqrt(size)
    spread = np.sqrt((((total - total.mean()) ** 2 - total.var()) ** 2).mean() / size)
    assert abs(total.var() - square.var()) < 4.5 * spread + (0.03 * total.var() if len(rho) > 1 else 0)
    assert stats.ks_2samp(total, square.sample(size, 6)).pvalue > 1e-4


def test_joint_law_of_a_spin_factor_against_random_rotations():
    """ℓ = b·R₃R₂R₁a with turns of one and of two planes in between; 4.5 standard errors."""
    d, size, rng = 6, 40_000, np.random.default_rng(7)
    turns = [np.zeros((d, d)), np.zeros((d, d))]
    turns[0][0, 1], turns[0][1, 0] = 1.0, -1.0
    for i, j, c in ((0, 1, 0.5), (2, 3, 1.0)):
        turns[1][i, j], turns[1][j, i] = 2 * c, -2 * c
    first, middle, last = (haar.haar_unitary(d, 1, size, rng) for _ in range(3))
    a, b = first[:, :, 0] * 0.8, last[:, 0, :]
    after = np.einsum("sij,sj->si", middle, a)
    dense = np.array([
        np.einsum("si,si->s", b, after),
        np.einsum("si,sij,jk,sk->s", b, middle, turns[0], a, optimize=True),
        np.einsum("si,ij,sj->s", b, turns[1], after),
    ])  # fmt: skip
    laws = (SpinFactorGradient(0.8, d, 0.5), SpinFactorGradient(0.8, d, (0.5, 1.0)))
    joint = JointLaw([JointPart(SpinFactor(0.8, d), laws)])
    losses, gradients = joint.sample(size, 8)
    theirs, ours = mixed_moments(dense[0], dense[1:]), mixed_moments(losses, gradients.T)
    assert np.all(np.abs(theirs[0] - ours[0]) < 4.5 * np.hypot(theirs[1], ours[1])), (theirs, ours)
    square, total = joint.norm_law(), (dense[1:] ** 2).sum(axis=0)
    assert square.var() == pytest.approx(total.var(), rel=0.05)
    assert stats.ks_2samp(total, square.sample(size, 6)).pvalue > 1e-4


def test_joint_law_of_two_sectors_and_of_the_asymptotic_law():
    gate = HaarGradient([-1, 1], [4, 4], 2, [-0.5, 0.5], [4, 4], (0.5,))
    other = HaarGradient([0, 1], [5, 1], 2, [-0.5, 0.5], [3, 3], (0.5,))
    joint = JointLaw([
        JointPart(HaarCompression([-1, 1], [4, 4], 2, (0.5,)), (gate, gate, Constant(0.0))),
        JointPart(HaarCompression([0, 1], [5, 1], 2, (0.5,)), (other, Constant(0.0), other)),
    ])  # fmt: skip
    _, gradients = joint.sample(100_000, 1)
    square, total = joint.norm_law(), (gradients**2).sum(axis=1)
    assert square.mean() == pytest.approx(2 * gate.var() + 2 * other.var())
    spread = np.sqrt((((total - total.mean()) ** 2 - total.var()) ** 2).mean() / 1e5)
    assert abs(total.var() - square.var()) < 4.5 * spread
    assert square.support()[0] == 0 and total.max() <= square.support()[1]
    wide = VarianceGamma.from_sector(0.5, 1.0, 2, 4)
    published = JointLaw([JointPart(GammaLoss.from_sector(4, 1.0, -1.0, 2), (wide, wide))])
    losses, gradients = published.sample(100_000, 2)
    assert stats.kstest(gradients[:5000, 0], wide.cdf).pvalue > 1e-3
    law, total = published.norm_law(), (gradients**2).sum(axis=1)
    assert law.var() == pytest.approx(total.var(), rel=0.05)
    assert np.corrcoef(losses, total)[0, 1] > 0.3


def test_joint_law_outlives_float64():
    gate = HaarGradient([-1, 1], [2**1999] * 2, 2, [-0.5, 0.5], [2**1999] * 2)
    square = JointLaw([JointPart(HaarCompression([-1, 1], [2**1999] * 2), (gate,) * 3)]).norm_law()
    assert square.mean() == 0.0
    # three independent normal components: Var = 2·3·v²
    assert square.log2_var == pytest.approx(2 * gate.log2_var + np.log2(6), abs=1e-9)


def test_joint_law_errors():
    gate = HaarGradient([-1, 1], [4, 4], 2, [-0.5, 0.5], [4, 4])
    loss = HaarCompression([-1, 1], [4, 4])
    with pytest.raises(InputError, match="one kind of law"):
        JointPart(loss, (gate, SpinFactorGradient(1.0, 8)))
    with pytest.raises(InputError, match="SpinFactor of the gradients"):
        JointPart(loss, (SpinFactorGradient(1.0, 8),))
    with pytest.raises(InputError, match="GammaLoss of the gradients"):
        JointPart(loss, (VarianceGamma(4, 0.5),))
    with pytest.raises(InputError, match="one law per gradient"):
        JointLaw([JointPart(loss, (gate,)), JointPart(loss, (gate, gate))])
    with pytest.raises(InputError, match="no component that varies"):
        JointLaw([JointPart(loss, (Constant(0.0),))]).norm_law()


# ------------------------------------------------------------------ the rest of scipy's interface
@pytest.mark.parametrize(
    "law",
    [
        BetaLoss(-1.0, 1.0, 8, 16),
        GammaLoss(4.0, 0.25, -1.0),
        HaarCompression([-1, 0, 2], [4, 8, 4]),
        VarianceGamma(4, 0.5),
        SpinFactor(0.7, 8),
    ],
    ids=lambda law: type(law).__name__,
)
def test_frozen_distribution_interface(law):
    assert law.median() == law.ppf(0.5)
    low, high = law.interval(0.9)
    assert law.cdf(low) == pytest.approx(0.05, abs=1e-9) and law.sf(high) == pytest.approx(0.05, abs=1e-9)
    np.testing.assert_allclose(law.isf([0.2, 0.7]), law.ppf([0.8, 0.3]), rtol=1e-9, atol=1e-12)
    for q in (1e-5, 1e-15) if math.isfinite(law.support()[1]) else (1e-5, 1e-40, 1e-150):
        assert law.logsf(law.isf(q)) == pytest.approx(np.log(q), rel=1e-6)
    assert law.stats("mvsk") == (law.mean(), law.var(), law.skewness(), law.kurtosis())
    np.testing.assert_array_equal(law.rvs(5, random_state=3), law.sample(5, 3))
    with pytest.raises(InputError, match="probabilities"):
        law.isf(1.5)
    with pytest.raises(InputError, match="confidence"):
        law.interval(2)
    with pytest.raises(InputError, match="mvsk"):
        law.stats("x")
