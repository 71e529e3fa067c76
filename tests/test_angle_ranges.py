"""Ranges of random angles: one period, or one period of the slowest gate where rates are incommensurate."""

from __future__ import annotations

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp

import pennylane_wishart as pw
from pennylane_wishart.circuit import AngleLaw
from pennylane_wishart.circuit.periods import common_period, ranges_of

SQRT2 = float(np.sqrt(2))


@pytest.mark.parametrize(
    "rates, period",
    [
        ([1.0], 2 * np.pi),
        ([0.5], 4 * np.pi),
        ([3.0, 2.0], 2 * np.pi),
        ([0.5, 0.75], 8 * np.pi),
        ([1 / 3], 6 * np.pi),
        ([np.pi], 2.0),
        ([0.7312], 2 * np.pi / 0.7312),
        ([0.7312, 2 * 0.7312], 2 * np.pi / 0.7312),
        ([1e-10], 2e10 * np.pi),
        ([1e6], 2 * np.pi),
        ([1.0, SQRT2], None),
        ([1.0, np.pi], None),
        ([0.001, 1.0000003], None),
    ],
)
def test_common_period(rates, period):
    found = common_period(np.array(rates))
    assert found == (period if period is None else pytest.approx(period, rel=1e-12))


def test_ranges_name_the_parameters_without_a_period():
    found = ranges_of(3, {0: [np.array([1.0, SQRT2])], 2: [np.array([0.25])]})
    assert found.incommensurate == (0,)
    assert found.width == pytest.approx([2 * np.pi, 2 * np.pi, 8 * np.pi])


WEIGHTS, FIELDS = (0.7312, 1.371, 0.613), (0.411, -1.13, 0.257)


def weighted_qaoa(t):
    """Two layers on three qubits: every weight is a rate of its own."""
    for q in range(3):
        qml.Hadamard(q)
    for layer in range(2):
        for i, w in enumerate(WEIGHTS):
            qml.IsingZZ(2 * w * t[2 * layer], [i, (i + 1) % 3])
        for i, h in enumerate(FIELDS):
            qml.RZ(2 * h * t[2 * layer], i)
        for i in range(3):
            qml.RX(2 * t[2 * layer + 1], i)


def ising():
    words = [qml.Z(i) @ qml.Z((i + 1) % 3) for i in range(3)] + [qml.Z(i) for i in range(3)]
    return qml.dot([*WEIGHTS, *FIELDS], words)


def portfolio(t):
    """RY columns with incommensurate data, and a shared angle on two axes."""
    for q in range(3):
        qml.RY(t[0] * (1.0, SQRT2, 2.7183)[q], q)
    qml.CNOT([0, 1])
    qml.CNOT([1, 2])
    for q in range(3):
        qml.RX(t[1] * (0.3, 1.9, 40.01)[q], q)
    qml.RY(t[2], 0)
    qml.RY(t[3] / 3, 1)


CASES = {
    # slowest gate: 2·0.257 for both costs; mixers have the common rate 2
    "weighted QAOA": (weighted_qaoa, [2 * np.pi / 0.514, 2 * np.pi] * 2, (0, 2)),
    "portfolio": (portfolio, [2 * np.pi, 2 * np.pi / 0.3, 2 * np.pi, 6 * np.pi], (0, 1)),
}


def qnode_of(name):
    @qml.qnode(qml.device("default.qubit", wires=3))
    def f(t):
        CASES[name][0](t)
        return qml.expval(ising())

    return f


def start():
    return pnp.array([0.3, 0.4, 0.5, 0.6], requires_grad=True)


@pytest.mark.parametrize("name", CASES)
def test_ranges_are_those_of_the_slowest_gate(name):
    _, widths, loose = CASES[name]
    circuit = pw.normal_form(qnode_of(name))(start())
    assert circuit.periods == pytest.approx(widths)
    assert circuit.ranges.incommensurate == loose
    law = circuit.angle_law()
    assert law.incommensurate == loose
    again = AngleLaw.from_dict(law.to_dict())
    assert again == law
    assert again.incommensurate == loose


@pytest.mark.parametrize("name", CASES)
def test_moments_are_exact_for_that_law(name):
    """Against 4,000 angle sets of default.qubit, broadcast; five standard errors."""
    f = qnode_of(name)
    pred = pw.predict(f)(start())
    assert np.all(pred.gradient_variance_error == 0)
    rng = np.random.default_rng(6)
    angles = rng.random((4000, 4)) * CASES[name][1]
    loss = np.asarray(f(angles.T))
    assert abs(loss.mean() - pred.moments.loss_mean) < 5 * loss.std() / np.sqrt(4000)
    spread = np.square(loss - loss.mean())
    assert abs(spread.mean() - pred.moments.loss_variance) < 5 * spread.std() / np.sqrt(4000)
    for k in range(4):
        step = 1e-5 * (np.arange(4) == k)
        slope = (np.asarray(f((angles + step).T)) - np.asarray(f((angles - step).T))) / 2e-5
        squares = np.square(slope - slope.mean())
        assert abs(squares.mean() - pred.gradient_variance[k]) < 5 * squares.std() / np.sqrt(4000)


@pytest.mark.parametrize("name", CASES)
def test_one_law_is_shared_and_said_once(name):
    f = qnode_of(name)
    found = pw.diagnose(f, samples=20, progress=False)(start())
    assert found.prediction.angles == found.measurement.law == pw.normal_form(f)(start()).angle_law()
    assert np.all(found.measurement.angles < CASES[name][1])
    assert " ".join(str(found).split()).count("one period of the slowest") == 1
    assert found.comparison.agrees


def test_commensurate_circuits_say_nothing():
    @qml.qnode(qml.device("default.qubit", wires=1))
    def f(t):
        qml.RX(t[0], 0)
        qml.RY(t[1] / 3, 0)
        return qml.expval(qml.Z(0))

    found = pw.diagnose(f, samples=20, progress=False)(pnp.array([0.1, 0.2], requires_grad=True))
    assert found.prediction.angles.incommensurate == ()
    assert "slowest" not in str(found)


def test_starts_of_descents_are_drawn_where_a_user_starts():
    """The law of the starts is the same one, and ends are folded back only where the loss has a period."""
    f = qnode_of("weighted QAOA")
    found = pw.find_minima(f, starts=6, progress=False)(start())
    assert found.law == pw.normal_form(f)(start()).angle_law()
    assert found.periods[[0, 2]].tolist() == [0.0, 0.0]
    assert found.periods[[1, 3]] == pytest.approx([2 * np.pi] * 2)
    for point, loss in zip(found.parameters, found.losses, strict=True):
        assert float(f(point)) == pytest.approx(loss, abs=1e-8)
