"""Circuits that nobody tuned to, held against dense oracles that share no code with the package.

The seeds below are those of the first ones that cost less than a second; ``make fuzz N=2000`` runs
any number of others, and prints every difference with its snippet's seed.
"""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import checks
import oracle
import oracle_algebra as dense
import oracle_sectors as blocks
from checks import LAWS, check, own_characteristic
from generator import FAMILIES, draw
from large import lie_differences, walker_differences

SEEDS = [
    0, 6, 7, 9, 10, 13, 14, 17, 19, 21, 22, 24, 25, 28, 29, 31, 33, 36, 39, 42, 44, 46, 51, 52, 53, 54, 55, 56,
    57, 58, 59, 63, 64, 65, 68, 69, 70, 71, 73, 75, 76, 77, 78, 79, 81, 83, 84, 85, 87, 88, 89, 91, 95, 96, 98,
    99, 100, 102, 103, 104, 105, 106, 108, 109, 110, 112, 115, 116, 118, 119, 121, 124, 125, 130, 131, 133, 134,
    135, 136, 137, 138, 139, 140, 141, 142, 143, 146, 147, 148, 149, 150, 151, 152, 153, 155, 158, 160, 161, 162,
    163, 164, 166, 167, 168, 170, 171, 173, 174, 177, 182, 185, 187, 255, 305,
]  # fmt: skip
"""A fixed choice: every family, all of them in the four parts of ``check``."""

# Parts of PennyLane warn on their own: |0⟩ prepared twice, complex casts of exp.
pytestmark = [pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize("seed", SEEDS)
def test_random_circuit(seed):
    """Normal form, moments under three laws, dead list, algebra, deep limit and sectors, all at once."""
    drawn = draw(seed)
    report = check(drawn)
    assert not report.findings, "\n".join([*map(str, report.findings), repr(drawn)])
    assert len(report.compared) >= 15


def test_seeds_cover_every_family():
    """The choice of cheap seeds leaves no family out, and no seed twice."""
    families = {draw(seed).family for seed in SEEDS}
    assert families == {name for name, share, _ in FAMILIES if share}
    assert len(set(SEEDS)) == len(SEEDS) >= 100


def test_same_seed_same_source():
    """A circuit is its source text, and the text depends on the seed alone."""
    assert draw(11).source == draw(11).source != draw(12).source


# ---------------------------------------------------------------------- the oracle itself
@pytest.mark.parametrize("seed", SEEDS[:12])
def test_expansion_is_the_loss(seed):
    """The Fourier series equals default.qubit at angles that it was not made from."""
    drawn = draw(seed)
    model = oracle.read(drawn.qnode, drawn.args)
    fourier = oracle.Fourier(model)
    theta = np.random.default_rng(seed).uniform(-9, 9, model.n_params)
    cuts = np.cumsum([a.size for a in drawn.args])[:-1]
    args = [part.reshape(a.shape) for part, a in zip(np.split(theta, cuts), drawn.args, strict=True)]
    assert abs(fourier(theta) - float(drawn.qnode(*args))) < 1e-10


def test_expansion_averages_as_sampling_does():
    """Exact averages against 4,000 samples of the series under each law: 5 standard errors, fixed seed."""
    drawn = draw(28)
    fourier = oracle.Fourier(oracle.read(drawn.qnode, drawn.args))
    rng = np.random.default_rng(2)
    for spec in LAWS:
        exact = fourier.moments([own_characteristic(spec, 24 * np.pi)] * fourier.n_params)
        shape = (4000, fourier.n_params)
        theta = {
            "uniform": lambda s: rng.uniform(0, 24 * np.pi, s),
            "normal": lambda s: rng.normal(0, 0.4, s),
            "range": lambda s: rng.uniform(-0.7, 0.7, s),
        }[spec if isinstance(spec, str) else ("normal" if spec[0] == "normal" else "range")](shape)
        values = np.array([fourier(t) for t in theta])
        assert abs(values.mean() - exact.loss_mean) < 5 * values.std() / np.sqrt(len(values)) + 1e-12
        squares = values**2
        assert abs(squares.mean() - exact.loss_second) < 5 * squares.std() / np.sqrt(len(values)) + 1e-12


def _word(letters: str) -> np.ndarray:
    table = {"I": np.eye(2), "X": [[0, 1], [1, 0]], "Y": [[0, -1j], [1j, 0]], "Z": [[1, 0], [0, -1]]}
    out = np.eye(1)
    for letter in letters:
        out = np.kron(out, table[letter])
    return out.astype(complex)


def test_dense_algebra_of_known_cases():
    """su(4) from a universal set, so(2n) of a transverse-field Ising chain, sp(2) on two qubits."""
    assert dense.close([_word(w) for w in ("XI", "ZI", "IX", "IZ", "ZZ")]).dim == 15
    assert dense.close([_word(w) for w in ("XII", "IXI", "IIX", "ZZI", "IZZ")]).dim == 15
    shared = [_word("XII") + _word("IXI") + _word("IIX"), _word("ZZI") + _word("IZZ")]
    assert dense.close(shared).dim == 9
    assert dense.center_dimension(dense.close(shared), shared) == 1


def test_dense_deep_limit_is_a_two_design():
    """The full unitary group: Var ℓ = 1/(N+1), and f = N²/(2(N²−1)) of it for a gradient (THEORY §3)."""
    generators = [_word(w) / 2 for w in ("XI", "ZI", "IX", "IZ", "ZZ")]
    got = dense.deep_moments(generators, _word("ZI"), np.eye(4)[0].astype(complex), generators[:1])
    assert abs(got.mean) < 1e-9 and abs(got.variance - 1 / 5) < 1e-9
    assert abs(got.gradient_variance[0] - 16 / 30 / 5) < 1e-9


def test_dense_sectors_of_a_fixed_number():
    """IsingXY and RZ on three qubits: sectors of 1, 3, 3, 1 states; the input in one of 3."""
    hop = [(_word("XXI") + _word("YYI")) / 4, (_word("IXX") + _word("IYY")) / 4]
    generators = [*hop, _word("ZII") / 2, _word("IZI") / 2, _word("IIZ") / 2]
    found, connects = blocks.sectors(generators, _word("ZII"), np.eye(8)[4].astype(complex))
    assert not connects
    assert sorted((s.dim, s.multiplicity) for s in found) == [(1, 1), (1, 1), (3, 1), (3, 1)]
    heavy = next(s for s in found if s.weight > 0.5)
    # Z₀ on {100, 010, 001}: −1, 1, 1
    assert (heavy.dim, heavy.beta) == (3, 2)
    assert np.allclose([heavy.center, heavy.ground, heavy.mean, heavy.dof], [1 / 3, -1, 4 / 3, 2])


def test_a_planted_error_is_found(monkeypatch):
    """A law that is 1% too wide, and a parameter wrongly taken for dead, do not pass."""
    drawn = draw(28)
    assert not check(drawn, ("moments",)).findings
    wide = lambda spec, t: own_characteristic(("normal", 0.404) if spec[0] == "normal" else spec, t)  # noqa: E731
    monkeypatch.setattr(checks, "own_characteristic", wide)
    monkeypatch.setattr(oracle, "DEAD", 10.0)
    kinds = {f.kind for f in check(drawn, ("moments",)).findings}
    assert "moments normal law: Var loss" in kinds and "dead uniform" in kinds
    assert not any(k.startswith("moments uniform") for k in kinds)


# ---------------------------------------------------------------------- six to ten qubits
@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13])
def test_lie_device(seed):
    """wishart.lie gives the values and gradients of default.qubit."""
    report = lie_differences(seed)
    assert report.compared and not report.findings, "\n".join(map(str, report.findings))


@pytest.mark.parametrize("seed", [1, 3, 4, 7, 8, 11, 13, 16, 17, 21])
def test_walkers(seed):
    """Walkers and pair walkers lie within five standard errors of the exact engines under three laws."""
    report = walker_differences(seed)
    assert report.compared and not report.findings, "\n".join(map(str, report.findings))
