"""Second derivatives and tangent kernels at the circuit's own depth, against dense sums over angles."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pennylane as qml
import pytest
import random_rotations as rotations
from hessian_cases import drawn
from pennylane import numpy as pnp
from references import second

import pennylane_wishart as pw
from pennylane_wishart.circuit import AngleLaw
from pennylane_wishart.conventions import EngineId, ReasonCode, Unavailable
from pennylane_wishart.errors import UnsupportedCircuitError
from pennylane_wishart.prediction import Prediction, facts
from pennylane_wishart.variances import hessian_moments, tangent_kernel
from pennylane_wishart.variances.hessian.walked import hessian_by_walk
from pennylane_wishart.variances.problem import Problem

KINDS = ("plain", "shared", "fixed", "sums", "normal", "shared sums")


def check(rng, kind, n):
    found, law, rules = drawn(rng, kind, n)
    c = found.circuit
    if np.prod([len(x) for x, _ in rules]) > 1200:
        return None
    mean, square = second.hessian_averages(found, rules)
    got = hessian_moments(c, law)
    assert got.is_exact
    np.testing.assert_allclose(got.mean, mean, atol=1e-9)
    np.testing.assert_allclose(np.nan_to_num(got.variance), square - mean**2, atol=1e-9)
    assert not (got.dead & (square > 1e-12)).any()
    return got.engine


@pytest.mark.parametrize("kind", KINDS)
def test_variances_equal_the_sum_over_all_angles(kind):
    rng = np.random.default_rng(KINDS.index(kind))
    engines = [check(rng, kind, int(rng.integers(1, 4))) for _ in range(9)]
    assert sum(e is not None for e in engines) >= 3


def test_walkers_agree_with_exact_values():
    rng, scores = np.random.default_rng(3), []
    for t in range(10):
        d = rotations.pauli_circuit(rng, 4, 10, 1 + t % 3, ("basis", "product", "stabilizer", "vector")[t % 4])
        law = AngleLaw.normal(0.6, 10) if t % 3 == 0 else d.circuit.angle_law()
        exact = hessian_moments(d.circuit, law)
        walked = hessian_by_walk(Problem(d.circuit, law), 64_000, np.random.default_rng(t))
        np.testing.assert_allclose(walked.mean, exact.mean, atol=1e-12)
        use = walked.known & (walked.error > 0)
        scores += list((walked.variance - exact.variance)[use] / walked.error[use])
        # where no walker hit a pair its value is below the limit
        open_ = ~walked.known
        assert (exact.log2[open_] <= walked.log2_upper[open_] + 1e-9).all()
    # 500 dependent scores: five errors are exceeded by chance once in 4,000 runs
    assert np.abs(scores).max() < 5 and 0.5 < np.std(scores) < 1.2


def test_sampled_values_and_their_errors():
    rng = np.random.default_rng(11)
    d = rotations.pauli_circuit(rng, 3, 5, 2, shared=2)
    exact = hessian_moments(d.circuit, d.circuit.angle_law())
    from pennylane_wishart.variances.hessian.sampled import hessian_by_sampling

    got = hessian_by_sampling(Problem(d.circuit, d.circuit.angle_law()), 1500, np.random.default_rng(2))
    use = got.known & (got.error > 0)
    assert use.any() and np.abs((got.variance - exact.variance)[use] / got.error[use]).max() < 5


def test_terms_that_share_no_parameter_make_dead_pairs():
    def f(w):
        for q in range(30):
            qml.RY(w[q], q)
        return qml.expval(qml.sum(*[qml.Z(q) for q in range(30)]))

    got = pw.predict(qml.QNode(f, qml.device("default.qubit")))(pnp.ones(30))
    assert np.array_equal(got.hessian.dead, ~np.eye(30, dtype=bool))
    np.testing.assert_allclose(np.diag(got.hessian_variance), 0.5, atol=1e-12)
    assert np.isneginf(got.log2_hessian_variance[0, 1]) and got.hessian_variance_error.max() == 0


@qml.qnode(qml.device("default.qubit"))
def layered(w):
    qml.StronglyEntanglingLayers(w, wires=range(3))
    return qml.expval(qml.Z(0) @ qml.X(1))


def test_a_prediction_keeps_its_hessian():
    pred = pw.predict(layered)(pnp.array(np.zeros((2, 3, 3)), requires_grad=True))
    before = pred.hessian_variance
    assert before.shape == (18, 18)
    # a Pauli rotation's second derivative is as large as its first
    np.testing.assert_allclose(np.diag(before), pred.gradient_variance, atol=1e-12)
    for copy in (pickle.loads(pickle.dumps(pred)), Prediction.from_dict(pred.to_dict())):
        assert "hessian" in vars(copy) and np.array_equal(copy.hessian_variance, before)


def test_what_no_engine_gives_is_said():
    def f(w):
        for q in range(30):
            qml.CRX(w[q % 2], [q, (q + 1) % 30])
            qml.RY(w[2 + q], q)
        return qml.expval(qml.sum(*[qml.Z(q) for q in range(30)]))

    circuit = pw.normal_form(qml.QNode(f, qml.device("default.qubit")))(pnp.ones(32))
    with pytest.raises(UnsupportedCircuitError, match="30 qubits and 32 parameters"):
        hessian_moments(circuit)


def test_where_no_engine_applies_a_prediction_says_so(monkeypatch):
    def refuse(*_):
        raise UnsupportedCircuitError("No engine.")

    monkeypatch.setattr(facts, "hessian_moments", refuse)
    monkeypatch.setattr(facts, "tangent_kernel", refuse)
    pred = pw.predict(layered)(pnp.array(np.zeros((1, 3, 3)), requires_grad=True))
    for found in (pred.hessian_variance, pred.log2_hessian_variance, pred.ntk()):
        assert isinstance(found, Unavailable) and found.reason.code is ReasonCode.TOO_LARGE


# ------------------------------------------------------------------ tangent kernel
@pytest.mark.parametrize("kind", ("plain", "sums", "normal"))
def test_tangent_kernel_equals_the_sum_over_all_angles(kind):
    rng = np.random.default_rng(40 + KINDS.index(kind))
    found, law, rules = drawn(rng, kind, 3)
    while np.prod([len(x) for x, _ in rules]) > 800:
        found, law, rules = drawn(rng, kind, 3)
    states = [rotations.state(rng, 3, k) for k in ("basis", "product", "stabilizer", "vector")]
    want = second.kernel_averages(found, rules, [s.vector() for s in states])
    got = tangent_kernel(found.circuit, law, states)
    assert got.engine.is_exact
    np.testing.assert_allclose(got.value, want, atol=1e-10)


def test_tangent_kernel_of_one_input_is_the_sum_of_squares():
    w = pnp.array(np.zeros((2, 3, 3)), requires_grad=True)
    pred = pw.predict(layered)(w)
    np.testing.assert_allclose(pred.ntk(), [[pred.gradient_variance.sum()]], atol=1e-12)
    states = np.eye(8)[:3]
    assert pred.ntk(states).shape == (3, 3) and np.linalg.eigvalsh(pred.ntk(states)).min() > -1e-12


def test_walked_and_sampled_kernels_agree_with_exact_ones():
    from pennylane_wishart.variances import tangent

    rng = np.random.default_rng(6)
    d = rotations.pauli_circuit(rng, 4, 8, 1)
    states = [rotations.state(rng, 4, k) for k in ("basis", "product", "vector")]
    for law in (d.circuit.angle_law(), AngleLaw.normal(0.7, 8)):
        want = tangent_kernel(d.circuit, law, states).value
        walked = tangent._by_walk(d.circuit, law, states, 64_000, np.random.default_rng(1))
        sampled = tangent._by_sampling(d.circuit, law, states, np.random.default_rng(1))
        assert (walked.engine, sampled.engine) == (EngineId.WALKERS, EngineId.SAMPLED)
        for got in (walked, sampled):
            assert (np.abs(got.value - want) <= 5 * got.error + 1e-12).all()


@pytest.mark.slow
def test_three_hundred_circuits():
    rng, engines = np.random.default_rng(1), []
    for _, kind in zip(range(60), itertools.cycle(KINDS), strict=False):
        engines += [check(rng, kind, int(rng.integers(1, 5))) for _ in range(8)]
    assert sum(e is not None for e in engines) >= 300
