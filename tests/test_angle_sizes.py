"""Slopes of angles: parameters, slopes and offsets of any size, and what is not affine refused at any size."""

from __future__ import annotations

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp

import pennylane_wishart as pw
from pennylane_wishart.circuit import trace_qnode
from pennylane_wishart.circuit.affine import affine_map, significant
from pennylane_wishart.errors import UnsupportedCircuitError

VALUES = np.array([0.0, 1e-12, 1e10, 1e15, -1e10, -3.0, 0.3, 1e-300, -1e-12, 5e5])
SLOPES = np.array([1e-10, 1 / 3, np.pi, 1e6, -1e-10, -2.5, 1.0, 1e-3, 7e4, -1 / 7])
OFFSETS = np.array([0.0, 0.5, -1.3, 1e6])


def mapped(function, x):
    return affine_map(function, x, function(x), str)


@pytest.mark.parametrize("trial", range(12))
def test_one_parameter_an_angle(trial):
    rng = np.random.default_rng(trial)
    x, slope = rng.choice(VALUES, 10), rng.choice(SLOPES, 10)
    offset = rng.choice(OFFSETS, 10) if trial % 2 else np.zeros(10)
    found = mapped(lambda v: slope * v + offset, x)
    assert (found.matrix.toarray() != 0).tolist() == (np.diag(slope) != 0).tolist()
    np.testing.assert_allclose(found.matrix.diagonal(), slope, rtol=1e-11)
    np.testing.assert_allclose(found.offsets, offset, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("trial", range(12))
def test_sums_of_parameters(trial):
    """Every entry that is not below the rounding error of its own angle is found, at any size of the values."""
    rng = np.random.default_rng(100 + trial)
    x = rng.choice(VALUES, 6)
    matrix = rng.choice(SLOPES, (5, 6)) * (rng.random((5, 6)) < 0.6)
    offset = rng.choice(OFFSETS[:3], 5)
    found = mapped(lambda v: np.array([sum(a * b for a, b in zip(row, v, strict=True)) for row in matrix]) + offset, x)
    got = found.matrix.toarray()
    seen = got != 0
    np.testing.assert_allclose(got[seen], matrix[seen], rtol=1e-6)
    missed = np.abs(matrix * np.maximum(np.abs(x), 1.0))[~seen]
    floor = np.broadcast_to(np.abs(matrix).max(axis=1)[:, None], matrix.shape)[~seen]
    assert np.all(missed <= 1e-13 * np.maximum(floor, 1.0))


def test_dense_sums_over_many_parameters():
    rng = np.random.default_rng(4)
    matrix = rng.normal(size=(3, 60)) * 10.0 ** rng.integers(-3, 3, (3, 60))
    x = rng.choice(VALUES[5:], 60)
    found = mapped(lambda v: matrix @ v + 0.2, x)
    np.testing.assert_allclose(found.matrix.toarray(), matrix, rtol=1e-8)


def test_groups_that_hold_a_small_slope_beside_a_large_one():
    """Beyond 32 parameters random groups are probed, and a reading of two at once is corrected, not added."""
    rng = np.random.default_rng(40)
    matrix = rng.normal(size=(6, 90))
    matrix[:, ::7] *= 1e-6
    x = np.where(rng.random(90) < 0.2, 1e9, rng.uniform(-3, 3, 90))
    found = mapped(lambda v: matrix @ v + 0.1, x)
    np.testing.assert_allclose(found.matrix.toarray(), matrix, rtol=1e-7)


NOT_AFFINE = {
    "x**2": lambda x: x[0] ** 2,
    "1e-10 x**2": lambda x: 1e-10 * x[0] ** 2,
    "0.5 + 1e-9 x**2": lambda x: 0.5 + 1e-9 * x[0] ** 2,
    "x + 1e-8 x**2": lambda x: x[0] + 1e-8 * x[0] ** 2,
    "sin": lambda x: np.sin(x[0]),
    "exp": lambda x: np.exp(x[0]),
    "arctan": lambda x: np.arctan(x[0]),
    "x*y": lambda x: x[0] * x[1],
    "1e6 x*y": lambda x: 1e6 * x[0] * x[1],
    "abs": lambda x: abs(x[0]),
    "mod 2π": lambda x: x[0] % (2 * np.pi),
    "sqrt": lambda x: np.sqrt(x[0]),
    "log": lambda x: np.log(x[0]),
    "x/y": lambda x: x[0] / x[1],
}


@pytest.mark.parametrize("value", [0.0, 1e-12, 0.3, -2.0, 50.0, 1e3, 1e10, 1e15, -1e10])
@pytest.mark.parametrize("name", NOT_AFFINE)
def test_what_is_not_affine_is_refused_at_any_size(name, value):
    for other in (0.0, 1e-12, 0.7, 1e10):
        x = np.array([value, other])
        with np.errstate(all="ignore"), pytest.raises(UnsupportedCircuitError, match="not an affine function"):
            mapped(lambda v: np.array([NOT_AFFINE[name](v), v[0]]), x)


def test_angles_that_cancel_up_to_rounding_are_constants():
    found = mapped(lambda v: np.array([v[0] - 3 * (v[0] / 3), v[1] - v[1] * (1 + 1e-17), v[0]]), np.array([0.3, 1e15]))
    assert found.matrix.toarray().tolist() == [[0, 0], [0, 0], [1, 0]]


def test_single_precision_functions_are_affine_in_single_precision():
    def single(v):
        return (np.float32([0.1, -1.7, 3.3]) * v.astype(np.float32) + np.float32(0.2)).astype(float)

    found = mapped(single, np.array([0.3, 0.4, 0.5]))
    np.testing.assert_allclose(found.matrix.toarray(), np.diag([0.1, -1.7, 3.3]), atol=1e-5)


def test_fixed_data_may_multiply_a_parameter():
    @qml.qnode(qml.device("default.qubit"))
    def f(x, data):
        qml.RX(x[0] * data[0] + data[1] ** 2, 0)
        return qml.expval(qml.Z(0))

    trace = trace_qnode(f, (pnp.array([0.4], requires_grad=True), pnp.array([3e9, 0.5], requires_grad=False)))
    assert trace.map.toarray() == pytest.approx(np.array([[3e9]]))
    assert trace.offsets == pytest.approx([0.25], abs=1e-5)


def test_significant_digits_tell_small_slopes_apart():
    assert significant(np.array([1e-13, 0.0, -2.5e7])).tolist() == [1e-13, 0.0, -2.5e7]
    assert significant(np.array([1 / 3])) == significant(np.array([1 / 3 + 1e-15]))


def rotations(slopes, offsets):
    @qml.qnode(qml.device("default.qubit", wires=2))
    def f(x):
        for k, (s, b) in enumerate(zip(slopes, offsets, strict=True)):
            (qml.RX if k % 2 else qml.RY)(s * x[k] + b, k % 2)
            qml.CNOT([k % 2, (k + 1) % 2])
        return qml.expval(qml.Z(0) + 0.3 * qml.X(1))

    return f


@pytest.mark.parametrize(
    "slopes, offsets, values",
    [
        ([1, 1, 1], [0, 0, 0], [1e10, 0.3, -1e15]),
        ([1e-10, 1, 2], [0, 0.3, 0], [0.3, 0.1, 0.2]),
        ([1 / 3, np.pi, -1 / 7], [0.1, 0, 0], [0.3, 0.0, 1e12]),
        ([1e6, 1, 1e-3], [0.1, 0, 0], [1e-12, 0.1, 0.2]),
    ],
    ids=["huge parameters", "a slope of 1e-10", "thirds and pi", "a slope of 1e6"],
)
def test_diagnosis_at_every_size(slopes, offsets, values):
    """Every variance is the slope squared times that of the same circuit with slopes of one."""
    f = rotations(slopes, offsets)
    found = pw.diagnose(f, samples=20, progress=False)(pnp.array(values, requires_grad=True))
    assert str(found)
    pred = found.prediction
    assert pred.dead_parameters == ()
    plain = pw.predict(rotations([1, 1, 1], offsets))(pnp.array([0.1, 0.2, 0.3], requires_grad=True))
    assert pred.gradient_variance == pytest.approx(np.square(slopes) * plain.gradient_variance, rel=1e-9)
    assert pred.n_independent == plain.n_independent
    assert found.comparison.agrees
    angles = found.measurement.angles
    want = [float(f(a)) for a in angles[:5]]
    assert found.measurement.losses[:5] == pytest.approx(want, abs=1e-8)
