"""Laws of local minima against published numbers, identities, and an independent trainer.

Statistical checks use fixed seeds and pass within 4 joint standard errors (false alarm 6e-5 each).
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pennylane_wishart.errors import InputError, Status
from pennylane_wishart.minima import (
    MinimaLaw,
    asymptotic_minima_law,
    concentration_energy,
    large_minima_law,
    limit_energy,
    minima_law,
    minima_law_sectors,
    transition,
    transition_asymptotic,
    transition_spin_factor,
)

sys.path.insert(0, str(Path(__file__).parent / "references"))
import descents  # noqa: E402

PAULI = ([-1, 1], [8, 8])


def in_e(law: MinimaLaw) -> tuple[float, float]:
    scaled = law.in_units_of_E()
    return scaled.mean(), scaled.standard_error


def near(value: float, error: float, expected: float, rounding: float = 0.0) -> bool:
    return abs(value - expected) < 4 * error + rounding


# --- where minima concentrate -----------------------------------------------------------------


@pytest.mark.parametrize(
    "gamma, energy, digits", [(0.1, 0.3375, 4), (0.25, 0.1362, 4), (0.5, 0.0284, 4), (0.75, 0.00279, 5)]
)
def test_concentration_energy_table(gamma, energy, digits):
    assert round(concentration_energy(gamma), digits) == energy


def test_concentration_energy_is_the_edge_of_a_large_random_matrix():
    gamma, size = 0.3, 1200
    energy = concentration_energy(gamma)
    rng = np.random.default_rng(3)
    columns = rng.standard_normal((int(size / gamma), size))
    noise = rng.standard_normal((size, size))
    matrix = columns.T @ columns * gamma / size + np.sqrt(gamma * energy / size) * (
        np.tril(noise, -1) + np.tril(noise, -1).T
    )
    # The lowest eigenvalue fluctuates by size^(-2/3) around the edge.
    assert abs(np.linalg.eigvalsh(matrix)[0] - energy) < 3 * size ** (-2 / 3)


def test_concentration_energy_keeps_shape_and_falls():
    grid = np.linspace(0.01, 0.999, 12).reshape(3, 4)
    energies = concentration_energy(grid)
    assert energies.shape == grid.shape
    assert np.all(np.diff(energies.ravel()) < 0)


@pytest.mark.parametrize("gamma", [0.0, 1.0, -0.1, 1.5, float("nan"), [0.5, 1.0]])
def test_concentration_energy_names_a_bad_gamma(gamma):
    with pytest.raises(InputError, match="gamma must lie strictly between 0 and 1"):
        concentration_energy(gamma)


# --- the transition ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values, multiplicities, beta, expected",
    [
        ([-1, 1], [8, 8], 2, 16),
        ([0, 1], [12, 4], 1, 4),
        ([0, 1], [7, 1], 4, 4),
        ([3, -1, 0], [1, 2, 5], 2, 12),
        ([0, 1], [2**100 - 1, 1], 2, 2),
        ([2, 2], [3, 3], 1, 0),
    ],
)
def test_transition(values, multiplicities, beta, expected):
    assert transition(values, multiplicities, beta) == expected


@pytest.mark.parametrize("beta, manifold", [(1, 15), (2, 30), (4, 60)])
def test_transition_never_exceeds_the_state_manifold(beta, manifold):
    assert transition(np.arange(16), [1] * 16, beta) == manifold


def test_published_transition_and_spin_factor():
    assert transition_asymptotic(8) == 14
    assert transition_asymptotic(20) == 38 and transition_asymptotic(32) == 62
    assert transition_asymptotic(0.5, beta=1) == 0
    assert transition_spin_factor(8) == 7


@pytest.mark.parametrize("p, low, high", [(13, 0.0, 0.05), (16, 0.3, 0.85), (19, 0.9, 1.0)])
def test_descents_reach_the_optimum_from_the_transition_on(p, low, high):
    loss, _, _ = descents.descend([(*PAULI, 2, 1.0)], p, 12, 8, seed=4, iterations=1500)
    assert low <= np.mean(loss + 1 < 1e-7) <= high


# --- the exact law ----------------------------------------------------------------------------


@pytest.mark.parametrize("p, expected", [(3, 0.510), (5, 0.338)])
def test_pauli_complex_with_independent_couplings(p, expected):
    law = minima_law(*PAULI, p, 2, seed=11, coupling="independent")
    assert near(*in_e(law), expected, rounding=0.006)


@pytest.mark.parametrize("p, expected, number", [(2, 0.480, 1.40), (3, 0.324, 2.35), (4, 0.205, 4.57)])
def test_pauli_real(p, expected, number):
    law = minima_law(*PAULI, p, 1, seed=11)
    assert near(*in_e(law), expected, rounding=0.003)
    # The stated numbers belong to the simpler coupling; both stay within 4%.
    assert abs(law.expected_number / number - 1) < 0.04 + 4 * law.expected_number_error / number
    simple = minima_law(*PAULI, p, 1, seed=11, coupling="independent")
    assert near(*in_e(simple), expected, rounding=0.003)
    assert near(simple.expected_number, simple.expected_number_error, number, 0.02)


@pytest.mark.parametrize(
    "values, multiplicities, beta",
    [
        ([-1, 1], [1, 1], 2),
        ([-1, 0, 2], [1, 1, 1], 1),
        ([-1, 1], [8, 8], 1),
        ([0, 1], [13, 3], 2),
        ([-1, 1], [4, 4], 4),
        (np.arange(12), [1] * 12, 2),
        ([-1, 1], [2**19, 2**19], 2),
        ([-1, 1], [2**79, 2**79], 4),
        ([0, 1], [2**60 - 1, 1], 2),
    ],
)
def test_one_parameter_has_one_minimum(values, multiplicities, beta):
    # The loss is a + b·cos(angle − c): one minimum, whatever the circuit.
    law = minima_law(values, multiplicities, 1, beta, seed=5, n_samples=32768)
    assert near(law.expected_number, law.expected_number_error, 1.0, 0.004)


def test_one_parameter_real_is_the_lowest_level_of_a_random_plane():
    levels = np.repeat([-1.0, 0.0, 1.5], [4, 6, 6])
    rng = np.random.default_rng(8)
    frame = np.linalg.qr(rng.standard_normal((60000, 16, 2)))[0]
    plane = np.einsum("nia,i,nib->nab", frame, levels, frame)
    lowest = np.linalg.eigvalsh(plane)[:, 0]
    law = minima_law([-1, 0, 1.5], [4, 6, 6], 1, 1, seed=3)
    error = np.hypot(law.standard_error, lowest.std() / np.sqrt(lowest.size))
    assert near(law.mean(), error, lowest.mean())
    assert_allclose(law.std(), lowest.std(), rtol=0.03)
    quantiles = np.quantile(lowest, [0.1, 0.5, 0.9])
    assert_allclose(law.cdf(quantiles), [0.1, 0.5, 0.9], atol=0.02)


@pytest.mark.parametrize("beta", [1, 2, 4])
def test_a_level_split_by_nothing_changes_nothing(beta):
    whole = minima_law([-1, 0, 1], [4, 6, 6], 4, beta, seed=1, n_samples=16384)
    values = [-1, -1 + 1e-10, 0, 1e-10, 1, 1 + 1e-10]
    parts = minima_law(values, [3, 1, 2, 4, 5, 1], 4, beta, seed=2, n_samples=16384)
    error = np.hypot(whole.standard_error, parts.standard_error)
    assert near(whole.mean(), error, parts.mean())
    counts = np.hypot(whole.expected_number_error, parts.expected_number_error)
    assert near(whole.expected_number, counts, parts.expected_number)


def test_shift_and_scale_of_the_observable():
    base = minima_law([0, 1, 3], [5, 6, 5], 3, 2, seed=7, n_samples=8192)
    moved = minima_law([10, 12, 16], [5, 6, 5], 3, 2, seed=7, n_samples=8192)
    assert_allclose(moved.mean(), 10 + 2 * base.mean(), rtol=1e-9)
    assert_allclose(moved.std(), 2 * base.std(), rtol=1e-9)
    # Gradient and Hessian scale alike: the count does not.
    assert_allclose(moved.expected_number, base.expected_number, rtol=1e-9)
    assert_allclose(moved.in_units_of_E().mean(), base.in_units_of_E().mean(), rtol=1e-9)


def test_large_dimensions_share_one_limit():
    laws = [minima_law([-1, 1], [2**k, 2**k], 6, 2, seed=k, n_samples=16384) for k in (19, 27, 200)]
    depths = [-law.deviation * 2.0 ** ((k + 1) / 2) for law, k in zip(laws, (19, 27, 200), strict=True)]
    errors = [law.standard_error * 2.0 ** ((k + 1) / 2) for law, k in zip(laws, (19, 27, 200), strict=True)]
    for depth, error in zip(depths[1:], errors[1:], strict=True):
        assert near(depth, np.hypot(error, errors[0]), depths[0], rounding=0.01)
    assert all(law.std() > 0 for law in laws)


def test_standard_error_is_honest():
    laws = [minima_law(*PAULI, 6, 2, seed=s, n_samples=2048) for s in range(24)]
    means = np.array([law.mean() for law in laws])
    ratio = means.var(ddof=1) / np.mean([law.standard_error**2 for law in laws])
    # Chi-square of 23 over 23, 1e-4 tails, widened by the errors' own noise.
    assert 0.2 < ratio < 2.6


def test_from_the_transition_on_minima_are_optimal():
    law = minima_law(*PAULI, 16, 2, seed=0)
    assert law.is_point_mass and law.status is Status.OK
    assert law.mean() == -1 and law.var() == 0 and law.std() == 0
    assert law.cdf(-1.0) == 1 and law.cdf(-1.01) == 0 and law.ppf(0.3) == -1
    assert np.all(law.sample(5, 0) == -1)
    assert law.in_units_of_E().mean() == 0
    below = minima_law(*PAULI, 15, 2, seed=0, n_samples=8192)
    assert not below.is_point_mass and 0 < in_e(below)[0] < 0.02


def test_levels_merge_without_moving_the_law():
    values, p = np.linspace(-1, 1, 600), 3
    law = minima_law(values, [8] * 600, p, 2, seed=1, n_samples=4096)
    coarse = minima_law(np.linspace(-1, 1, 40), [120] * 40, p, 2, seed=2, n_samples=4096)
    assert "merged" in law.engine
    # Same limit: depth in units of the loss' own standard deviation.
    spread = np.linspace(-1, 1, 40).std()
    assert_allclose(law.deviation / values.std(), coarse.deviation / spread, rtol=0.05)


def test_same_seed_same_numbers():
    first, second = (minima_law(*PAULI, 4, 2, seed=3, n_samples=2048) for _ in range(2))
    assert np.array_equal(first.knots, second.knots)
    assert first.mean() == second.mean()


# --- the record -------------------------------------------------------------------------------


def test_record_is_a_distribution():
    law = minima_law(*PAULI, 3, 2, seed=2, n_samples=32768)
    low, high = law.support()
    assert -1 <= low < high <= 1
    grid = np.linspace(low, high, 20001)
    assert_allclose(np.trapezoid(law.pdf(grid), grid), 1.0, atol=1e-3)
    levels = np.array([0.01, 0.2, 0.5, 0.97])
    assert_allclose(law.cdf(law.ppf(levels)), levels, atol=1e-9)
    draws = law.sample(200_000, 1)
    assert_allclose(draws.mean(), law.mean(), atol=0.004)
    assert_allclose(draws.std(), law.std(), rtol=0.02)
    assert law.pdf(high + 1) == 0 and law.cdf(high + 1) == 1
    assert law.median() == law.ppf(0.5)
    assert law.effective_sample_size > 100
    assert law.gamma == 3 / 16
    assert law.status is Status.ESTIMATED
    scaled = law.in_units_of_E()
    assert_allclose(scaled.mean(), law.mean() + 1)
    assert_allclose(scaled.ppf(0.3), law.ppf(0.3) + 1)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (([-1, 1], [8], 3), "equally long"),
        (([-1, 1], [8, 0], 3), "multiplicities must be positive integers"),
        (([-1, np.nan], [8, 8], 3), "values must be finite"),
        (([-1, 1], [8, 8], 0), "n_parameters must be a positive integer"),
        (([-1, 1], [8, 8], 3, 3), "beta must be 1"),
        (([-1, 1], [8, 8], 3, 2, 0, 10), "n_samples must be an integer of at least"),
        (([-1, 1], [8, 8], 3, 2, 0, None, "depth"), "weighting must be"),
        (([-1, 1], [8, 8], 3, 2, 0, None, "count", "none"), "coupling must be"),
        (([1], [8], 3), "at least two levels"),
    ],
)
def test_errors_name_the_argument(arguments, message):
    with pytest.raises(InputError, match=message):
        minima_law(*arguments)


def test_errors_of_sectors_and_record():
    with pytest.raises(InputError, match="sectors must hold at least one"):
        minima_law_sectors([], 3)
    with pytest.raises(InputError, match="weight must be a positive"):
        minima_law_sectors([(*PAULI, 2, 0.0)], 3)
    law = minima_law(*PAULI, 16, 2)
    with pytest.raises(InputError, match="q must lie in"):
        law.ppf(1.5)
    with pytest.raises(InputError, match="factor must be positive"):
        law.rescaled(0)
    with pytest.raises(InputError, match="dof must be positive"):
        asymptotic_minima_law(0, 3)
    with pytest.raises(InputError, match="dof_finite must be positive"):
        transition_asymptotic(-1)
    with pytest.raises(InputError, match="dimension must be a positive integer"):
        transition_spin_factor(0)


# --- several sectors --------------------------------------------------------------------------


def test_one_sector_among_constants_is_that_sector():
    alone = minima_law(*PAULI, 3, 2, seed=4, n_samples=4096)
    among = minima_law_sectors([(*PAULI, 2, 1.0), ([0.5], [6], 2, 1.0)], 3, seed=4, n_samples=4096)
    assert_allclose(among.mean(), alone.mean() + 0.5)
    assert among.transition == 16


def test_transitions_of_sectors_add():
    two = [([0, 1], [5, 3], 2, 0.5), ([0, 1], [6, 2], 2, 0.5)]
    assert minima_law_sectors(two, 10, seed=1).is_point_mass
    assert not minima_law_sectors(two, 9, seed=1, n_samples=2048).is_point_mass


# --- the published law ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "p, expected, error",
    # By brute force (next test, 2·10^5 matrices, 400 energies); stated: 0.355/0.229/0.129/0.037,
    # whose second and last are off by the noise of fewer matrices.
    [(2, 0.3541, 3e-4), (3, 0.2189, 3e-4), (4, 0.1304, 5e-4), (6, 0.0343, 3e-4)],
)
def test_asymptotic_projector(p, expected, error):
    law = asymptotic_minima_law(4, p, 2, seed=2)
    assert near(law.mean(), np.hypot(law.standard_error, error), expected)


def test_asymptotic_at_thirty_two_degrees():
    law = asymptotic_minima_law(32, 16, 2, seed=2)
    assert near(law.mean(), law.standard_error, 0.237, rounding=0.003)
    assert_allclose(law.std(), 0.037, atol=0.003)
    real = asymptotic_minima_law(32, 16, 1, seed=2)
    assert near(real.mean(), real.standard_error, 0.074, rounding=0.008)
    assert asymptotic_minima_law(8, 15, 2).is_point_mass


def test_asymptotic_by_plain_sampling():
    """The same integral by brute force: dense G and A, a grid of energies."""
    dof, p, rng = 4.0, 3, np.random.default_rng(0)
    grid = np.linspace(0.005, 1.8, 90)
    g = rng.standard_normal((40000, 7, p)) / np.sqrt(2)
    noise = np.triu(rng.standard_normal((40000, p, p)), 1)
    noise = noise + noise.swapaxes(1, 2)
    wishart = g.swapaxes(1, 2) @ g
    density = []
    for energy in grid:
        h = wishart - dof * energy * np.eye(p) + np.sqrt(dof * energy / 2) * noise
        positive = np.linalg.eigvalsh(h)[:, 0] > 0
        density.append(np.mean(np.linalg.det(h) * positive))
    density = np.array(density) * grid ** (4 - p / 2 - 1) * np.exp(-4 * grid)
    mean = (grid * density).sum() / density.sum()
    law = asymptotic_minima_law(dof, p, 2, seed=6)
    assert near(law.mean(), law.standard_error, mean, rounding=0.004)


# --- against trained circuits -----------------------------------------------------------------


@functools.cache
def _searched(case):
    return observed(*QUICK[case], 1)


def observed(sectors, p, count, starts, seed):
    """Mean E of all distinct minima with its error over circuits; number; descents."""
    found = descents.all_minima(sectors, p, count, starts, seed)
    ground = sum(w * min(v) for v, _, _, w in sectors)
    center = sum(w * np.dot(v, m) / sum(m) for v, m, _, w in sectors)
    energies = [
        (losses - ground) / (center - ground)
        for losses, done in zip(found.losses, found.exhausted, strict=True)
        if done
    ]
    sums = np.array([e.sum() for e in energies])
    sizes = np.array([e.size for e in energies])
    mean = sums.sum() / sizes.sum()
    error = np.sqrt(((sums - mean * sizes) ** 2).sum()) / sizes.sum()
    everything = np.array([losses.size for losses in found.losses])
    ends = ((found.descents - ground) / (center - ground)).mean(axis=1)
    return {
        "mean": mean,
        "error": error,
        "share": len(energies) / count,
        "number": everything.mean(),
        "number_error": everything.std() / np.sqrt(count),
        "descent": ends.mean(),
        "descent_error": ends.std() / np.sqrt(count),
    }


def agrees(seen, sectors, p, seed=1):
    """Hold the law against trained circuits."""
    law = minima_law_sectors(sectors, p, seed=seed)
    mean, error = in_e(law)
    assert seen["share"] > 0.95, "too few circuits were searched to the end"
    assert near(mean, np.hypot(error, seen["error"]), seen["mean"])
    counts = np.hypot(law.expected_number_error, seen["number_error"])
    # A circuit not searched to the end lacks a minimum or two.
    missing = 2 * (1 - seen["share"])
    assert near(law.expected_number, counts, seen["number"], missing)
    tilted = minima_law_sectors(sectors, p, seed=seed, weighting="descent").in_units_of_E()
    assert abs(tilted.mean() - seen["descent"]) < 0.25 * tilted.std() + 4 * seen["descent_error"]


QUICK = {
    "pauli complex": ([(*PAULI, 2, 1.0)], 3, 100, 40),
    "pauli real": ([(*PAULI, 1, 1.0)], 3, 120, 40),
    "pauli quaternionic": ([([-1, 1], [4, 4], 4, 1.0)], 3, 60, 40),
    "one level apart": ([([0, 1, 6], [4, 11, 1], 2, 1.0)], 3, 80, 40),
    "two real sectors": ([(*PAULI, 1, 0.5), ([-1, 1], [4, 4], 1, 0.5)], 3, 100, 40),
}


@pytest.mark.parametrize("case", QUICK)
def test_all_minima_of_random_circuits(case):
    agrees(_searched(case), *QUICK[case][:2])


SLOW = {
    "pauli complex p=5": ([(*PAULI, 2, 1.0)], 5, 150, 400),
    "pauli real p=4": ([(*PAULI, 1, 1.0)], 4, 300, 200),
    "even complex p=4": ([(np.arange(16), [1] * 16, 2, 1.0)], 4, 200, 150),
    "projector complex p=4": ([([0, 1], [12, 4], 2, 1.0)], 4, 200, 200),
    "quaternionic p=4": ([([-1, 1], [4, 4], 4, 1.0)], 4, 200, 150),
    "mixed sectors p=3": ([([-1, 1], [4, 4], 2, 0.6), ([0, 1], [6, 2], 2, 0.4)], 3, 500, 60),
    "pauli complex p=3": ([(*PAULI, 2, 1.0)], 3, 1500, 50),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", SLOW)
def test_all_minima_of_random_circuits_in_depth(case):
    agrees(observed(*SLOW[case], 1), *SLOW[case][:2])


def test_full_coupling_is_needed_for_the_number_of_minima():
    """The simpler Hessian overcounts at N = 16; the full one does not."""
    seen = _searched("pauli complex")
    full = minima_law(*PAULI, 3, 2, seed=1)
    simple = minima_law(*PAULI, 3, 2, seed=1, coupling="independent")
    assert simple.expected_number > 1.08 * full.expected_number
    gap = [abs(law.expected_number - seen["number"]) for law in (full, simple)]
    assert gap[0] < gap[1]
    assert full.expected_number == pytest.approx(2**full.log2_expected_number)


def test_descent_finds_deeper_minima_than_the_count_law():
    laws = {w: minima_law(*PAULI, 5, 2, seed=1, weighting=w, n_samples=16384) for w in ("count", "basin", "descent")}
    means = {w: law.in_units_of_E().mean() for w, law in laws.items()}
    assert means["descent"] < means["basin"] < means["count"]
    assert np.isnan(laws["basin"].log2_expected_number)
    assert laws["descent"].log2_expected_number == laws["count"].log2_expected_number


@pytest.mark.slow
@pytest.mark.parametrize("sector, p", [(([-1, 1], [32, 32], 2, 1.0), 32), (([-1, 1], [2**19, 2**19], 2, 1.0), 20)])
def test_many_parameters_reach_two_per_cent(sector, p):
    mean, error = in_e(minima_law_sectors([sector], p, seed=1))
    assert error < 0.02 * mean


def test_huge_sectors_keep_their_proportions():
    """Two sectors of 2^60 and 2^62 behave as 2^30 and 2^32, in units of their spread."""

    def depth(k):
        two = [([-1, 1], [2**k, 2**k], 2, 0.5), ([-1, 1], [2 ** (k + 2)] * 2, 2, 0.5)]
        law = minima_law_sectors(two, 4, seed=k, n_samples=16384)
        return -law.deviation * 2.0 ** (k / 2), law.standard_error * 2.0 ** (k / 2)

    (small, small_error), (large, large_error) = depth(29), depth(59)
    assert near(large, np.hypot(small_error, large_error), small, rounding=0.005)


def test_states_near_a_middle_level_do_not_swamp_the_law():
    """σ^-p grows towards every eigenspace: without states drawn there one of them carried 5%."""
    law = minima_law([0, 1, 6], [4, 11, 1], 6, 2, seed=1)
    mean, error = in_e(law)
    # Mean of five other seeds, 2·10^5 states: 0.3763 ± 0.0006.
    assert error < 0.01 * mean and near(mean, np.hypot(error, 0.0006), 0.3763)


# ------------------------------------------------------------------ hundreds of parameters
def test_limit_energy_is_where_a_large_hessian_becomes_positive():
    """Two levels, β = 2, p = 600 of D = 1200: smallest eigenvalue of H at E∞ within 2% of the scale."""
    dim, p, rng = 1200, 600, np.random.default_rng(3)
    values, counts = np.array([0.0, 1.0]), (800, 400)
    energy = limit_energy([(values, counts, 2, 1.0)], p)
    e = energy * 400 / dim
    share = np.array([1 - e, e])  # level weights of a state of energy e
    sigma = np.sqrt(share @ (values - e) ** 2)
    hessian = np.zeros((p, p))
    for value, count in zip(values, counts, strict=True):
        g = rng.standard_normal((2 * count, p)) / np.sqrt(2 * dim)
        hessian += (value - e) * g.T @ g
    a = rng.standard_normal((p, p))
    hessian += sigma * (a + a.T) / np.sqrt(2) / np.sqrt(2 * dim)
    assert abs(np.linalg.eigvalsh(hessian)[0]) < 0.02 * 400 / dim


def test_limit_energy_of_few_degrees_of_freedom_is_the_published_one():
    """r ≪ D: one level of small rank, K = βr."""
    found = limit_energy([([0.0, 1.0], [10**7, 1000], 2, 1.0)], 500)
    assert found == pytest.approx(concentration_energy(0.25), rel=2e-3)


@pytest.mark.parametrize(
    "sectors, p, expected, error",
    [
        # minima_law with 8,192 states, seed 1
        ([([-1, 1], [128, 128], 2, 1.0)], 64, 0.2480, 0.0014),
        ([([-1, 1], [512, 512], 2, 1.0)], 64, 0.5851, 0.0017),
    ],
)
def test_extrapolated_law_agrees_with_the_integral(sectors, p, expected, error):
    """Within three standard errors."""
    law = large_minima_law(sectors, p, seed=2).in_units_of_E()
    assert abs(law.mean() - expected) < 3 * np.hypot(law.standard_error, error)
    assert law.standard_error < 0.05 * law.mean() and law.status is Status.ESTIMATED
    assert law.ppf(0.5) == pytest.approx(law.mean(), rel=0.1)


def test_extrapolated_law_next_to_the_transition_says_so():
    """p = 100 of p* = 128: 0.0075 by the integral; the error of the extrapolation is above 5%."""
    law = large_minima_law([([-1, 1], [64, 64], 2, 1.0)], 100, seed=2).in_units_of_E()
    assert law.status is Status.NOT_CONVERGED
    assert abs(law.mean() - 0.00753) < 3 * law.standard_error


def test_extrapolated_law_of_huge_sectors():
    law = large_minima_law([([-1, 1], [2**999, 2**999], 2, 1.0)], 200, seed=1)
    assert law.mean() == pytest.approx(0.0, abs=1e-100) and law.deviation < 0


@pytest.mark.slow
def test_extrapolated_law_of_two_sectors():
    two = large_minima_law([([-1, 1], [64, 64], 2, 0.5)] * 2, 80, seed=1)
    assert -1 < two.mean() < 0 and two.transition == 256


def test_extrapolated_law_errors():
    with pytest.raises(InputError, match="use minima_law"):
        large_minima_law([([-1, 1], [64, 64], 2, 1.0)], 20)
    with pytest.raises(InputError, match="not below"):
        large_minima_law([([-1, 1], [64, 64], 2, 1.0)], 128)
    with pytest.raises(InputError, match="many states"):
        large_minima_law([([0, 1, 200], [2000, 2000, 1], 2, 1.0)], 400)
    with pytest.raises(InputError, match="two levels"):
        limit_energy([([1.0], [8], 2, 1.0)], 3)
