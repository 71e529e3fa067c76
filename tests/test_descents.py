"""Where descents end: certificates, intervals of ends, the reachable optimum, and what a verdict says of them."""

from __future__ import annotations

import json

import numpy as np
import pennylane as qml
import pytest
from measured_circuits import node
from pennylane import numpy as pnp
from remedy_cases import qaoa

import pennylane_wishart as pw
from pennylane_wishart.conventions import Evidence
from pennylane_wishart.errors import InputError
from pennylane_wishart.outlook import OutlookOptions, lowest_eigenvalue, outlook_of
from pennylane_wishart.outlook.ends import at_best, distinct_levels, fraction_interval, median_interval
from pennylane_wishart.paulis import PauliSum, PauliWords


def ring(n, letters="Z"):
    return [qml.prod(getattr(qml, a)(q), getattr(qml, a)((q + 1) % n)) for a in letters for q in range(n)]


def ring_qaoa(n=6, layers=2):
    return qaoa(n, layers)


def xxz(n=6, layers=2):
    """XXZ ring at Δ = 1 from the Néel state, generators of its own terms: it keeps total momentum and spin."""

    def body(x):
        for q in range(0, n, 2):
            qml.X(q)
        for a, b in x:
            for first in (0, 1):
                for q in range(first, n, 2):
                    pair = [q, (q + 1) % n]
                    qml.IsingXX(a, pair)
                    qml.IsingYY(a, pair)
                    qml.IsingZZ(b, pair)

    return node(n, body, qml.sum(*ring(n, "XYZ")), (layers, 2))


def entanglers(n=6, layers=3):
    def body(x):
        qml.BasicEntanglerLayers(x, range(n))

    return node(n, body, qml.sum(*ring(n)), (layers, n))


def strongly(layers=4):
    def body(x):
        qml.StronglyEntanglingLayers(x, range(2))

    return node(2, body, qml.Z(0), (layers, 2, 3))


def found_of(make, **options):
    circuit, x = make()
    return outlook_of(pw.predict(circuit)(x), OutlookOptions(how={"progress": False}, **options))


# ---------------------------------------------------------------------- what is found
def test_two_layers_of_ring_qaoa_reach_two_thirds():
    """p layers on a ring cut at most (2p + 1)/(2p + 2) of its edges (Wang et al., arXiv:1706.02998): −4 of −6."""
    found = found_of(ring_qaoa)
    assert found.evidence is Evidence.DESCENTS and found.has_traps is False
    assert found.best == pytest.approx(-4, abs=1e-3) and found.ground == pytest.approx(-6)
    assert found.reaches_ground is False and found.reach_gap == pytest.approx(2 / 6, abs=1e-3)
    assert found.blocked_by and found.hits >= 3 and found.gradients_spent > 0


def test_a_symmetry_holds_the_loss_above_the_ground():
    """Half of the Néel state lies in the other momentum sector: −9.8416 for −11.2111 (THEORY §7g)."""
    found = found_of(xxz)
    assert found.reachable_ground == pytest.approx(-9.8416, abs=1e-3)
    assert found.ground == pytest.approx(-11.2111, abs=1e-3)
    assert found.reaches_ground is False and "50% of the input" in found.blocked_by
    assert np.all(found.ends >= found.reachable_ground - 1e-6)


def test_a_certificate_is_what_descents_find():
    found = found_of(strongly)
    assert found.evidence is Evidence.CERTIFICATE and len(found.ends) == 0 and found.decided
    assert found.trap_interval == (0, 0) and found.best == pytest.approx(-1) == found.ground
    circuit, x = strongly()
    ends = pw.find_minima(circuit, starts=6, hessian=False, progress=False)(x).losses
    np.testing.assert_allclose(ends, -1, atol=1e-6)


def test_traps_are_found_and_said():
    circuit, x = entanglers()
    diag = pw.diagnose(circuit, samples=30, progress=False)(x)
    assert diag.descent.has_traps is True and diag.trainable is False
    assert diag.headline.startswith("Not trainable: half of") and "descents end" in diag.headline
    assert len(diag.descent.levels) > 1 and diag.descent.fraction_at_best < 0.5


def test_a_loss_that_is_to_become_large():
    least, most = found_of(ring_qaoa), found_of(ring_qaoa, sense="max")
    assert most.sense == "max" and most.ground == pytest.approx(6) and most.best == pytest.approx(4, abs=1e-3)
    assert np.all(most.ends <= 4 + 1e-6) and most.reach_gap == pytest.approx(least.reach_gap, abs=1e-3)


def test_a_tolerance_in_units_of_the_observable():
    assert found_of(ring_qaoa, tolerance=2.5).reaches_ground is True
    assert found_of(ring_qaoa, tolerance=1.5).reaches_ground is False


def test_what_is_not_assessed_stands_in_the_headline():
    circuit, x = ring_qaoa()
    diag = pw.diagnose(circuit, run=False, descent_budget=0)(x)
    assert diag.trainable is None and diag.reaches_ground is None
    assert diag.headline.startswith("Cannot tell: where descents end was not assessed")
    assert "descent_budget=0" in diag.headline
    assert diag.descent.evidence in (Evidence.NONE, Evidence.LAW)
    # the bound of the sectors holds without any descent
    assert diag.descent.reachable_ground >= diag.descent.ground - 1e-9


def test_shots_of_the_device_decide_and_exact_simulators_do_not():
    circuit, x = strongly()
    exact = pw.diagnose(circuit, run=False)(x)
    assert exact.thresholds.shots is None and exact.trainable is True
    assert "gradients are exact here" in exact.headline
    few = pw.diagnose(circuit, run=False, shots=2)(x)
    assert few.trainable is False and "more than 2" in few.headline
    limited = pw.diagnose(qml.set_shots(circuit, 5000), run=False)(x)
    assert limited.thresholds.shots == 5000 and limited.trainable is True


def test_same_seed_same_numbers_and_plain_values():
    first, second = found_of(ring_qaoa), found_of(ring_qaoa)
    assert first.ends.tolist() == second.ends.tolist()
    data = json.loads(json.dumps(first.to_dict()))
    assert data["evidence"] == "descents" and data["decided"] == first.decided
    assert len(data["ends"]) == len(first.ends)


def test_nothing_to_descend():
    def body(x):
        qml.RZ(x, 0)

    circuit, x = node(1, body, qml.Z(0), ())
    diag = pw.diagnose(circuit, run=False)(x)
    assert diag.descent is None and diag.trainable is False and "every parameter is dead" in diag.headline


@pytest.mark.parametrize(
    "options, words",
    [
        ({"sense": "up"}, 'sense=\'up\': use "min" or "max"'),
        ({"starts": 0}, "starts needs a positive integer; got 0"),
        ({"descent_budget": -1}, "descent_budget needs seconds"),
        ({"tolerance": 0.0}, "tolerance must be"),
    ],
)
def test_options_are_checked_at_the_door(options, words):
    circuit, _ = strongly()
    with pytest.raises(InputError, match=words):
        pw.diagnose(circuit, **options)


@pytest.mark.parametrize("sense, ground, best", [("min", -1.3, -1.3), ("max", 2.3, -0.7)])
def test_words_of_a_gap_are_those_of_the_sense(sense, ground, best):
    """One excitation on three qubits: the highest level is that of a sector of weight zero, the lowest is not."""

    def body(w):
        qml.X(0)
        for q in (0, 1):
            qml.IsingXY(w[q], [q, q + 1])

    circuit, x = node(3, body, qml.Projector([0, 0, 0], range(3)) + qml.prod(*map(qml.Z, range(3))) + 0.3 * qml.Z(1), 2)
    found = pw.diagnose(circuit, run=False, sense=sense)(x).descent
    assert found.ground == pytest.approx(ground) and found.best == pytest.approx(best, abs=1e-3)
    assert found.reaches_ground is (sense == "min")
    assert ("a symmetry of the gates" in found.blocked_by) is (sense == "max")


def test_random_data_have_no_one_loss_to_descend():
    @qml.qnode(qml.device("default.qubit", wires=2))
    def circuit(data, w):
        qml.AngleEmbedding(data, range(2))
        qml.StronglyEntanglingLayers(w, range(2))
        return qml.expval(qml.Z(0))

    data, w = pnp.array([0.3, 0.5], requires_grad=False), pnp.zeros((2, 2, 3), requires_grad=True)
    diag = pw.diagnose(circuit, run=False, encoding="random")(data, w)
    assert diag.trainable is None and "the data count as random" in diag.headline
    assert "descent_budget" not in next(c.advice for c in diag.checks if c.id == "traps")


# ---------------------------------------------------------------------- ends
def test_levels_and_hits():
    ends = np.array([-4.0, -3.999, -2.0, -1.0, -1.004])
    assert distinct_levels(ends, 1.0).tolist() == [-4.0, -2.0, -1.004]
    assert at_best(ends, 1.0) == 2
    low, high = fraction_interval(8, 8)
    assert low == pytest.approx(0.6306, abs=1e-4) and high == 1


@pytest.mark.parametrize("n", [8, 16, 32])
def test_the_median_lies_in_its_interval(n, rng):
    """At least 95% of 2,000 samples, three standard errors below allowed."""
    inside = 0
    for _ in range(2000):
        low, high = median_interval(rng.normal(size=n))
        inside += low <= 0 <= high
    assert inside / 2000 >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 2000)


@pytest.mark.parametrize("words", [["ZZI", "IZZ", "ZIZ"], ["XXI", "YYI", "IIZ"], ["XII", "IYI", "IIZ", "III"]])
def test_lowest_eigenvalue_is_that_of_the_matrix(words, rng):
    observable = PauliSum.of(PauliWords.from_strings(words), rng.normal(size=len(words)))
    assert lowest_eigenvalue(observable) == pytest.approx(np.linalg.eigvalsh(observable.matrix())[0], abs=1e-9)


def test_lowest_eigenvalue_of_many_qubits():
    """Apart where no qubit is shared, by a transform where diagonal, by Lanczos below 15 qubits; else not known."""
    n = 60
    chain = PauliWords.from_maps([{q: "X"} for q in range(n)], n)
    assert lowest_eigenvalue(PauliSum.of(chain, np.ones(n))) == pytest.approx(-n)
    bonds = PauliWords.from_maps([{q: "Z", q + 1: "Z"} for q in range(15)], 16)
    assert lowest_eigenvalue(PauliSum.of(bonds, np.ones(15))) == pytest.approx(-15)
    tfim = PauliWords.from_maps([{q: "Z", q + 1: "Z"} for q in range(9)] + [{q: "X"} for q in range(10)], 10)
    # open transverse-field Ising chain at its critical point: 1 − 1/sin(π/(2(2n + 1)))
    assert lowest_eigenvalue(PauliSum.of(tfim, np.ones(19))) == pytest.approx(1 - 1 / np.sin(np.pi / 42), abs=1e-8)
    large = PauliWords.from_maps([{q: "Z", q + 1: "X"} for q in range(29)], 30)
    assert np.isnan(lowest_eigenvalue(PauliSum.of(large, np.ones(29))))
