"""Rare walkers of a large weight: errors of walks cover what the sample did not see.

Under narrow laws a derivative's weight is cos²/sin² on the few walkers that moved; signed pairs grow
a factor a word. A sample without them has a small spread and a wrong mean. The references are the
exact engine's numbers, which other tests hold against dense averages.
"""

from __future__ import annotations

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp

import pennylane_wishart as pw
from pennylane_wishart.conventions import UpperBound
from pennylane_wishart.errors import Status
from pennylane_wishart.variances import exact_moments, pair_walk, walk

NARROW = (("normal", 0.4), ("normal", 0.2), ("uniform", -0.5, 0.5))
WALKERS = 20_000
DEVICE = qml.device("default.qubit")


@qml.qnode(DEVICE)
def clifford_between(w):
    """Twelve single words on eight qubits; terms that need several rare moves each."""
    qml.RY(w[0], 0)
    qml.RY(-w[1], 0)
    qml.RX(2 * w[2], 1)
    qml.RX(w[3], 2)
    qml.CY([3, 1])
    qml.H(4)
    qml.SWAP([5, 6])
    qml.RY(-w[4], 3)
    qml.S(0)
    qml.RZ(w[5], 1)
    qml.PauliRot(w[6], "ZX", [0, 2])
    qml.CY([3, 7])
    qml.S(5)
    qml.CZ([7, 2])
    qml.RY(2 * w[7], 4)
    qml.RX(w[8], 7)
    qml.RY(w[9], 7)
    qml.RX(w[10], 5)
    qml.RZ(-w[11], 5)
    terms = [
        qml.Z(4) @ qml.Z(2) @ qml.Y(1) @ qml.Z(6),
        qml.Z(6) @ qml.X(5) @ qml.X(2) @ qml.Z(3) @ qml.X(0) @ qml.Z(1),
        qml.Y(6) @ qml.X(4) @ qml.X(7) @ qml.X(3),
        qml.Y(2),
        qml.X(3),
    ]
    return qml.expval(qml.Hamiltonian([2.0, 0.5, -1.0, 0.3, 1.0], terms))


@qml.qnode(DEVICE)
def brick(w):
    """Two layers of RY, RZ and a chain of ZX rotations on six qubits: walks that meet many angles."""
    at = iter(range(33))
    for _ in range(2):
        for q in range(6):
            qml.RY(w[next(at)], q)
        for q in range(5):
            qml.PauliRot(w[next(at)], "ZX", [q, q + 1])
    return qml.expval(qml.Hamiltonian([0.3, 2.0, 1.0], [qml.X(0) @ qml.X(3), qml.Y(2) @ qml.Z(4), qml.Z(5)]))


@qml.qnode(DEVICE)
def controlled_sums(x):
    """Generators that are sums, one parameter twice: pairs weigh up to thousands, and few come home."""
    qml.RY(x[0], 4)
    qml.ctrl(qml.DoubleExcitationPlus(x[0], [1, 2, 4, 5]), control=0, control_values=[0])
    qml.RZ(1.2, 3)
    qml.CRX(x[1], [0, 3])
    qml.CRZ(x[2], [5, 4])
    qml.RZ(-2 * x[1] + 2.2, 2)
    qml.RX(0.37, 3)
    qml.SingleExcitation(-x[3], [4, 0])
    qml.CZ([0, 4])
    qml.IsingZZ(x[4], [1, 2])
    words = [qml.X(2), qml.Y(2) @ qml.Y(4) @ qml.Z(1) @ qml.X(3) @ qml.X(5), qml.X(4), qml.Z(0) @ qml.Z(2) @ qml.Y(1)]
    return qml.expval(qml.Hamiltonian([1.0, 2.0, -1.0, -1.0], words))


@qml.qnode(DEVICE)
def excitations(x):
    """Excitations and controlled rotations around a fixed turn."""
    for q in range(4):
        qml.RX(x[q], q)
    qml.SingleExcitation(x[4], [0, 1])
    qml.CRY(x[5], [1, 2])
    qml.RY(0.9, 2)
    qml.IsingXY(x[4], [2, 3])
    qml.CRX(x[6], [3, 0])
    return qml.expval(qml.Hamiltonian([1.0, 0.7], [qml.Z(0) @ qml.Z(3), qml.X(1) @ qml.Y(2)]))


def deviations(engine, circuit, law, exact, seed):
    """Differences of every number given as a value, in its standard errors; bounds must hold."""
    got = engine(circuit, law, WALKERS, seed=seed)
    valued = np.array([s is Status.ESTIMATED for s in got.status])
    bounded = np.array([s is Status.UPPER_BOUND for s in got.status])
    # a limit at 97.5% of E[g²]: what breaks it by half is wrong
    squares = exact.gradient_mean**2
    limits = 1.5 * (np.exp2(got.gradient_variance_upper.at_most_log2) + squares) + 1e-12
    assert np.all((exact.gradient_variance + squares)[bounded] <= limits[bounded])
    assert np.isnan(got.gradient_variance[bounded]).all()
    z = list((got.gradient_variance - exact.gradient_variance)[valued] / got.gradient_variance_error[valued])
    z.append((got.loss_mean - exact.loss_mean) / (got.loss_mean_error + 1e-9))
    if isinstance(got.loss(), UpperBound):
        assert exact.loss_variance <= 1.5 * 2.0 ** got.loss().at_most_log2
    else:
        z.append((got.loss_second_moment - exact.loss_second_moment) / (got.loss_second_moment_error + 1e-12))
    return z


@pytest.mark.parametrize("law_spec", NARROW, ids=str)
@pytest.mark.parametrize(("qnode", "n", "seeds"), [(clifford_between, 12, 60), (brick, 22, 20)])
def test_errors_under_narrow_laws_cover_the_exact_variances(qnode, n, seeds, law_spec):
    circuit = pw.normal_form(qnode)(pnp.full(n, 0.3, requires_grad=True))
    law = circuit.angle_law(law_spec)
    exact = exact_moments(circuit, law)
    found = [deviations(walk, circuit, law, exact, seed) for seed in range(seeds)]
    assert np.abs(np.concatenate(found)).max() < 5
    assert np.mean([len(z) for z in found]) > 2.5  # not everything is a bound


def test_uniform_errors_are_the_spread_of_the_walkers():
    """cos² and sin² weigh alike: a walker carries 0 or 1, and N hits have the error √(N(1 − N/n))."""
    circuit = pw.normal_form(brick)(pnp.full(22, 0.3, requires_grad=True))
    got = walk(circuit, circuit.angle_law(), 6_400, seed=4)
    mass = 0.3**2 + 2.0**2 + 1.0
    known = got.known & ~got.dead
    rate = got.gradient_variance[known] / mass
    spread = mass * np.sqrt(rate * (1 - rate) / got.n_samples)
    assert known.sum() > 10
    # end values between 0 and 1 spread less than coins of the same mean
    assert np.all(got.gradient_variance_error[known] <= spread * (1 + 1e-9))


@pytest.mark.parametrize("law_spec", ["uniform", *NARROW], ids=str)
@pytest.mark.parametrize(("qnode", "n"), [(controlled_sums, 5), (excitations, 7)])
def test_errors_of_pairs_cover_the_exact_variances(qnode, n, law_spec):
    circuit = pw.normal_form(qnode)(pnp.full(n, 0.3, requires_grad=True))
    law = circuit.angle_law(law_spec)
    exact = exact_moments(circuit, law)
    found = [deviations(pair_walk, circuit, law, exact, seed) for seed in range(10)]
    assert np.abs(np.concatenate(found)).max() < 5


def test_pairs_that_never_come_home_leave_only_a_bound_on_the_loss():
    """Ten seeds: E[l²] = 0.132 is not 0 ± a spread of walkers that all ended at 0."""
    circuit = pw.normal_form(controlled_sums)(pnp.full(5, 0.3, requires_grad=True))
    law = circuit.angle_law(("normal", 0.4))
    exact = exact_moments(circuit, law)
    assert exact.loss_second_moment > 0.1
    for seed in range(10):
        got = pair_walk(circuit, law, WALKERS, seed=seed)
        far = abs(got.loss_second_moment - exact.loss_second_moment) > 5 * got.loss_second_moment_error
        assert isinstance(got.loss(), UpperBound) or not far


@pytest.mark.parametrize("turns", [(0.37, 0.6), (1.1, -0.4)])
def test_the_square_of_an_estimated_constant_carries_its_error(turns):
    """The loss is the constant cos a·cos b, whose value pairs only estimate: its square is not exact."""

    @qml.qnode(DEVICE)
    def turned(x):
        qml.RZ(x[0], 0)
        qml.IsingZZ(x[1], [0, 1])
        qml.RX(turns[0], 0)
        qml.RY(turns[1], 0)
        return qml.expval(qml.Z(0))

    circuit = pw.normal_form(turned)(pnp.full(2, 0.3, requires_grad=True))
    got = pair_walk(circuit, circuit.angle_law(), 2_000, seed=1)
    value = np.cos(turns[0]) * np.cos(turns[1])
    assert got.loss_variance == 0 and got.dead.all()
    assert abs(got.loss_mean - value) <= 5 * got.loss_mean_error + 1e-12
    assert abs(got.loss_second_moment - value**2) <= 5 * got.loss_second_moment_error + 1e-12
