"""The line and the evidence behind a verdict: known laws, spoiled laws, honest doubt."""

import json
import math

import numpy as np
import pytest
from references.families import evidence_by_grid

from pennylane_wishart.errors import InputError
from pennylane_wishart.families import line_fit, trend_of
from pennylane_wishart.families.evidence import log_evidence

EVEN = np.array([4, 6, 8, 10, 12])
ALL = np.arange(4, 13)


def binomial_bits(n, k):
    return np.array([math.log2(math.comb(int(a), int(b))) for a, b in np.broadcast(n, k)])


# ---------------------------------------------------------------------- the line
def test_line_is_least_squares():
    x, y = np.array([1.0, 2, 3, 5]), np.array([0.2, -1.1, -1.7, -4.2])
    fit = line_fit(x, y)
    slope, intercept = np.polyfit(x, y, 1)
    assert fit.slope == pytest.approx(slope, abs=1e-12)
    assert fit.intercept == pytest.approx(intercept, abs=1e-12)
    residual = y - slope * x - intercept
    standard = np.sqrt(residual @ residual / 2 / np.sum((x - x.mean()) ** 2))
    assert fit.slope_error == pytest.approx(standard, rel=1e-6)


def test_line_weights_by_error():
    error = np.array([0.1, 0.1, 0.1, 3.0])
    y = np.array([-1.0, -2.0, -3.0, -1.0])
    assert line_fit([1, 2, 3, 4], y, error).slope == pytest.approx(-1, abs=0.05)
    assert line_fit([1, 2, 3, 4], y).slope > -0.5


def test_line_interval_covers():
    """95% interval, 400 draws: 93% to 100% covered (false alarm below 1e-2)."""
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(400):
        error = rng.uniform(0.1, 0.6, 6)
        fit = line_fit(np.arange(6), -0.7 * np.arange(6) + error * rng.normal(size=6), error)
        covered += fit.low <= -0.7 <= fit.high
    assert covered / 400 > 0.93


def test_line_never_certain_of_exact_points():
    fit = line_fit(EVEN, -EVEN)
    assert fit.low < -1 < fit.high
    assert fit.high - fit.low > 0.01
    assert line_fit([4, 6], [-4, -6]).low == -math.inf


def test_line_refuses_one_size():
    with pytest.raises(InputError, match="two different x"):
        line_fit([4, 4], [-1, -2])


# ---------------------------------------------------------------------- the evidence
@pytest.mark.parametrize("model", ["exponential", "polynomial"])
@pytest.mark.parametrize("law", [-EVEN, -0.5 * EVEN + 0.3, -2 * np.log2(EVEN)])
def test_evidence_against_plain_sums(model, law):
    """The closed form takes the prior density at its peak: right to 10% of the likelihood."""
    noise = np.array([0.05, -0.1, 0.08, 0.0, -0.04])
    mine = log_evidence(EVEN.astype(float), law + noise, np.zeros(5), np.full(5, np.nan), model)
    assert mine == pytest.approx(evidence_by_grid(EVEN, law + noise, model), abs=0.1)


PLATEAUS = {
    "1/2^n": -EVEN,
    "(3/8)^n": np.log2(3 / 8) * EVEN,
    "2^(-n/2)": -EVEN / 2,
    "1/(2^n + 1)": -np.log2(2.0**EVEN + 1),
    "1/dim so(2^n)": -np.log2(2.0**EVEN * (2.0**EVEN - 1) / 2),
    "half filling": -binomial_bits(EVEN, EVEN // 2),
    "n 2^-n": np.log2(EVEN) - EVEN,
    "2^-n / n^2": -2 * np.log2(EVEN) - EVEN,
}
OTHERS = {
    "1/n": -np.log2(EVEN),
    "1/n^2": -2 * np.log2(EVEN),
    "1/n^4": -4 * np.log2(EVEN),
    "so(2n)": -binomial_bits(2 * EVEN, 2),
    "quartic in Majoranas": -binomial_bits(2 * EVEN, 4),
    "permutations": -binomial_bits(EVEN + 3, 3),
    "constant": 0.0 * EVEN,
    "saturating": -3 - 2.0 ** (-EVEN / 2),
    "growing": np.log2(EVEN),
}


@pytest.mark.parametrize("name", PLATEAUS)
def test_plateaus_are_seen(name):
    found = trend_of(EVEN, PLATEAUS[name])
    assert found.verdict == "exponential" and found.plateau is True
    assert sum(found.weights) == pytest.approx(1)


@pytest.mark.parametrize("name", OTHERS)
def test_other_laws_are_not_called_plateaus(name):
    found = trend_of(EVEN, OTHERS[name])
    assert found.plateau is False
    flat = name in ("constant", "saturating", "growing")
    assert found.verdict == ("no decay" if flat else "polynomial")


@pytest.mark.parametrize("rate", [0.2, 0.3, 0.5, 0.8, 1.0])
def test_a_law_between_the_two_is_not_told(rate):
    """2^(-c log2(n)²) falls faster than any power and slower than any exponential."""
    found = trend_of(EVEN, -rate * np.log2(EVEN) ** 2)
    assert found.verdict == "cannot tell" and found.plateau is None
    assert "add sizes up to n =" in found.reason


def test_three_small_sizes_do_not_decide_a_square():
    assert trend_of([4, 6, 8], -2 * np.log2([4, 6, 8])).verdict == "cannot tell"
    assert trend_of([4, 8], [-4, -8]).verdict == "cannot tell"


def test_larger_sizes_decide():
    sizes = np.array([4, 8, 16, 32, 64])
    assert trend_of(sizes, -0.5 * np.log2(sizes)).weights[0] < 1e-3
    assert trend_of(sizes, -0.25 * sizes).weights[0] > 0.999


@pytest.mark.parametrize("rate", [0.05, 0.15])
def test_slow_exponentials_need_large_sizes(rate):
    assert trend_of(ALL, -rate * ALL).verdict != "exponential"
    sizes = np.array([4, 8, 16, 32, 64])
    assert trend_of(sizes, -rate * sizes).verdict == "exponential"


@pytest.mark.parametrize("name", list(PLATEAUS)[:3])
def test_verdict_ignores_units_and_order(name):
    y = PLATEAUS[name]
    shuffled = [3, 0, 4, 2, 1]
    base = trend_of(EVEN, y).weights
    assert trend_of(EVEN, y + 37.0).weights == pytest.approx(base, abs=1e-9)
    assert trend_of(EVEN[shuffled], y[shuffled]).weights == pytest.approx(base, abs=1e-9)


@pytest.mark.parametrize("sizes", [EVEN, ALL])
def test_seldom_wrong_on_spoiled_laws(sizes):
    """160 seeded laws with misfit of up to half a bit: at most 5% wrong, most of them told."""
    rng = np.random.default_rng(11)
    wrong = told = 0
    for k in range(160):
        truth = k % 2 == 0
        if truth:
            y = -sizes * np.exp(rng.uniform(np.log(0.4), np.log(2))) + 0.5 * rng.normal() * np.log2(sizes)
        else:
            y = -rng.choice([0, 1, 2, 3, 4]) * np.log2(sizes + rng.uniform(-1, 2))
        spoil = rng.choice(3)
        size = rng.choice([0.02, 0.1, 0.25])
        if spoil == 0:
            y = y + size * rng.normal(size=len(sizes))
        elif spoil == 1:
            y = y + size * (-1.0) ** sizes
        else:
            y = y + 2 * size * np.exp(-(sizes - 4) / 2)
        found = trend_of(sizes, y).plateau
        told += found is not None
        wrong += found is not None and found != truth
    assert wrong <= 0.05 * 160
    assert told >= 0.75 * 160


def test_rounded_depth_is_not_evidence():
    depth = np.ceil(np.log2(EVEN))
    law = -np.log2(EVEN) - 0.8 * depth
    assert trend_of(EVEN, law).verdict == "cannot tell"
    assert trend_of(EVEN, law, layers=depth).plateau is False


def test_smooth_depth_explains_nothing():
    for depth in (2 * EVEN, EVEN**2, 3 + 0 * EVEN):
        assert trend_of(EVEN, -EVEN, layers=depth).verdict == "exponential"
        assert trend_of(EVEN, -2 * np.log2(EVEN), layers=depth).verdict == "polynomial"


def test_noise_makes_it_doubt():
    assert trend_of(EVEN, -2 * np.log2(EVEN), np.full(5, 0.5)).verdict == "cannot tell"


def test_upper_limits_are_used_and_are_not_values():
    sizes = [4, 6, 8, 20, 40]
    y = np.array([-4, -5.2, -6.2, -15, -15])
    upper = [np.nan, np.nan, np.nan, -15, -15]
    found = trend_of(sizes, y, [0, 0, 0, np.nan, np.nan], upper)
    alone = trend_of(sizes[:3], y[:3])
    assert found.exponential == alone.exponential
    assert found.weights[0] > alone.weights[0] + 0.1


def test_dead_families_are_not_judged():
    found = trend_of(EVEN, np.full(5, -np.inf))
    assert found.verdict == "cannot tell" and "dead" in found.reason
    assert np.isnan(found.weights).all()
    json.dumps(found.to_dict(), allow_nan=False)


def test_trend_checks_its_input():
    with pytest.raises(InputError, match="same length"):
        trend_of([4, 6], [1.0])
    with pytest.raises(InputError, match="confidence"):
        trend_of(EVEN, -EVEN, confidence=1.5)


# ---------------------------------------------------------------------- alternations
@pytest.mark.parametrize("sizes", [EVEN, ALL], ids=["even", "all"])
@pytest.mark.parametrize("bits", [(0, 0.5, 1, 0.5), (0, 0, 1, 1), (0, 1, 0.3, 0.6), (0, 0, 2, 0)])
def test_a_flat_family_that_alternates_is_flat(sizes, bits):
    found = trend_of(sizes, -3.0 + np.array(bits)[sizes % 4])
    assert found.verdict == "no decay" and found.plateau is False


@pytest.mark.parametrize("bits", [(0, 0.5, 1, 0.5), (0, 0, 1, 1), (0, 0, 2, 0)])
def test_a_plateau_that_alternates_is_a_plateau(bits):
    wave = np.array(bits)
    assert trend_of(ALL, -1.0 * ALL + wave[ALL % 4]).verdict == "exponential"
    assert trend_of(ALL, -2 * np.log2(ALL) + wave[ALL % 4]).plateau is not True
    # four sizes cannot tell an alternation from a slope: nothing is claimed
    few = EVEN[:4]
    assert trend_of(few, -3.0 + 2 * wave[few % 4]).plateau is not True
