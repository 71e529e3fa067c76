"""Measured second derivatives held against those predicted: variances, ends of the spectrum, and where neither is."""

from dataclasses import replace

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp

import pennylane_wishart as pw
from pennylane_wishart.comparison.hessians import separated_block


def layered(n, layers, observable, device="default.qubit"):
    @qml.qnode(qml.device(device, wires=n))
    def f(w):
        qml.StronglyEntanglingLayers(w, wires=range(n))
        return qml.expval(observable)

    return f, pnp.array(np.zeros((layers, n, 3)), requires_grad=True)


@pytest.fixture(scope="module")
def deep():
    qnode, w = layered(3, 6, qml.Z(0) @ qml.Z(1))
    return pw.predict(qnode)(w), pw.measure(qnode, samples=150, hessian=True)(w)


def test_right_ones_agree_and_wrong_ones_do_not(deep):
    pred, data = deep
    found = pw.compare(pred, data)
    assert [q.name for q in found.hessian] == [
        "variances of second derivatives at this depth",
        "smallest eigenvalue of the Hessian",
        "largest eigenvalue of the Hessian",
    ]
    assert found.agrees and found.hessian[0].agrees and "second derivatives" in str(found)
    assert 0.8 < found.hessian[0].ratio_of_variances < 1.25
    assert any(q.agrees for q in found.hessian[1:]), "no end of the spectrum was compared"
    assert pw.Comparison.from_dict(found.to_dict()).hessian[0].pvalue == found.hessian[0].pvalue
    wrong = pw.compare(pred, replace(data, hessians=1.5 * data.hessians))
    assert wrong.hessian[0].agrees is False and all(q.agrees in (False, None) for q in wrong.hessian)


def test_the_block_is_that_of_the_prediction_and_separated(deep):
    law = deep[0].hessian_law
    block = separated_block(law, np.arange(54), 7)
    # of thirteen stretches every second: four rotations or more lie between two
    assert 2 <= len(block) <= 6 and law.of(block).separated and np.diff(block).min() > 4
    assert not set(block) & set(deep[0].dead_parameters)


def test_shallow_or_noisy_ones_have_no_law_of_the_spectrum():
    qnode, w = layered(2, 1, qml.Z(0))
    pred = pw.predict(qnode)(w)
    found = pw.compare(pred, pw.measure(qnode, samples=60, hessian=True)(w)).hessian
    assert found[0].agrees and [q.agrees for q in found[1:]] == [None, None]
    noisy = pw.compare(pred, pw.measure(qnode, samples=30, hessian=True, shots=100)(w)).hessian
    assert noisy[0].agrees and all(q.agrees is None for q in noisy[1:])
    few = pw.compare(pred, pw.measure(qnode, samples=25, hessian=True, shots=2)(w)).hessian
    assert few[0].agrees is None and "2 shots" in few[0].note
    assert pw.compare(pred, pw.measure(qnode, samples=25)(w)).hessian == ()


@pytest.mark.slow
def test_false_alarms_of_variances():
    """60 records of 60 samples at 5%: more than 9 false alarms come once in 1,000 times at most."""
    from pennylane_wishart.comparison.hessians import _variances
    from pennylane_wishart.comparison.reference import reference_hessians

    for observable in (qml.Z(0), qml.Projector([0, 0], wires=[0, 1])):
        qnode, w = layered(2, 2, observable)
        pred, data = pw.predict(qnode)(w), pw.measure(qnode, samples=3600, hessian=True)(w)
        own, alarms = reference_hessians(pred), 0
        for low in range(0, 3600, 60):
            at = slice(low, low + 60)
            part = {k: getattr(data, k)[at] for k in data.held}
            piece = replace(data, **part, plan=data.plan.restrict(np.arange(low, low + 60)))
            alarms += not _variances(pred, piece, own, 0.05).agrees
        assert alarms <= 9
