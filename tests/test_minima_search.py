"""find_minima: end points are minima, told apart as they should be, by every route."""

from __future__ import annotations

import concurrent.futures
import json

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp
from scipy.optimize import minimize
from stub_devices import StubHardware

from pennylane_wishart.errors import InputError
from pennylane_wishart.measurement import MinimaMeasurement, find_minima, measure
from pennylane_wishart.measurement.grouping import _true_periods


def rotations(x):
    """ℓ = cos x₀ + ½ cos x₁: one minimum modulo 2π, at (π, π)."""
    qml.RX(x[0], 0)
    qml.RY(x[1], 1)
    return qml.expval(qml.Z(0) + 0.5 * qml.Z(1))


def traps(x):
    """Two qubits, few parameters: several minima of different loss."""
    qml.RX(x[0], 0)
    qml.RY(x[1], 1)
    qml.IsingZZ(x[2], wires=[0, 1])
    qml.RX(x[3], 0)
    qml.RY(x[0] + 0.4, 1)
    return qml.expval(qml.Z(0) @ qml.X(1) + 0.6 * qml.Z(1) + 0.3 * qml.X(0))


def on(function, device="lightning.qubit", wires=2):
    return qml.QNode(function, qml.device(device, wires=wires))


def test_one_minimum_modulo_its_periods():
    found = find_minima(on(rotations), starts=12)(pnp.zeros(2))
    assert np.allclose(found.losses, -1.5, atol=1e-12)
    assert np.allclose(found.parameters, np.pi, atol=1e-6)
    assert np.all(found.cluster == 0) and len(found.distinct) == 1
    assert np.allclose(found.hessian_min, 0.5, atol=1e-5)
    assert found.converged.all() and found.is_minimum.all()


def dense_traps(x) -> float:
    """The same loss from 4 × 4 matrices."""
    one, sx, sz = np.eye(2), np.array([[0, 1], [1, 0]]), np.diag([1, -1])

    def rx(t):
        return np.cos(t / 2) * one - 1j * np.sin(t / 2) * sx

    def ry(t):
        return np.array([[np.cos(t / 2), -np.sin(t / 2)], [np.sin(t / 2), np.cos(t / 2)]])

    zz = np.exp(-0.5j * x[2] * np.diag(np.kron(sz, sz)))
    state = np.kron(rx(x[3]), ry(x[0] + 0.4)) @ (zz * np.kron(rx(x[0]), ry(x[1]))[:, 0])
    observable = np.kron(sz, sx) + 0.6 * np.kron(one, sz) + 0.3 * np.kron(sx, one)
    return float(np.real(state.conj() @ observable @ state))


def test_distinct_minima_against_exhaustive_search():
    """Levels equal those of an independent search: dense matrices, SciPy's BFGS, numerical slopes."""
    found = find_minima(on(traps), starts=150)(pnp.zeros(4))
    assert found.is_minimum.all()
    rng = np.random.default_rng(1)
    starts = rng.uniform(0, 2 * np.pi, (40, 4))
    ends = [minimize(dense_traps, x, jac="3-point", method="BFGS", options={"gtol": 1e-7}) for x in starts]
    levels = [round(e.fun, 5) for e in ends]
    mine = {round(v, 5) for v in found.losses}
    # One level has a basin of 1%: only those that are seen again and again must be in both.
    assert {v for v in levels if levels.count(v) > 3} <= mine <= {-1.23999, -1.2201, -1.16881, -1.16619}
    assert len(mine) >= 3
    for row in range(0, found.starts, 10):
        x = found.parameters[row]
        slope = [(dense_traps(x + h) - dense_traps(x - h)) / 2e-5 for h in 1e-5 * np.eye(4)]
        assert abs(dense_traps(x) - found.losses[row]) < 1e-10
        assert np.abs(slope).max() < 1e-6
    # Ends of one cluster share their loss; ends of different clusters are far apart or differ in loss.
    for i in range(found.starts):
        for j in range(i):
            step = found.parameters[i] - found.parameters[j]
            step -= found.periods * np.round(step / found.periods)
            near = np.linalg.norm(step) < 1e-3
            if near:
                assert found.cluster[i] == found.cluster[j]
            if found.cluster[i] == found.cluster[j]:
                assert abs(found.losses[i] - found.losses[j]) < 1e-6


def test_curvature_equals_a_dense_hessian():
    found = find_minima(on(traps), starts=4)(pnp.zeros(4))
    hessian = qml.jacobian(qml.grad(on(traps, "default.qubit")))
    for row in range(4):
        dense = np.linalg.eigvalsh(hessian(pnp.array(found.parameters[row], requires_grad=True)))
        assert abs(found.hessian_min[row] - dense[0]) < 1e-4


def test_redundant_parameters_do_not_multiply_minima():
    """A rotation about Z on |0⟩ changes nothing: the minimum is a line, and counts once."""

    def redundant(x):
        qml.RZ(x[0], 0)
        return rotations(x[1:])

    found = find_minima(on(redundant), starts=8)(pnp.zeros(3))
    assert np.ptp(found.parameters[:, 0]) > 1
    assert len(found.distinct) == 1
    assert np.all(found.hessian_zeros == 1) and np.abs(found.hessian_min).max() < 1e-5


def test_bent_valleys_count_once():
    """Overparametrised: the global minima form one curved manifold."""

    def over(w):
        qml.StronglyEntanglingLayers(w, wires=range(2))
        return qml.expval(qml.Z(0))

    found = find_minima(on(over), starts=6)(pnp.zeros((3, 2, 3)))
    assert np.allclose(found.losses, -1, atol=1e-9)
    assert np.all(found.hessian_zeros > 3) and len(found.distinct) == 1


def test_saddles_are_told():
    """Starts at the maximum stay there: a stationary point, no minimum."""
    from pennylane_wishart.circuit import AngleLaw

    law = AngleLaw.fixed([0.0, np.pi])
    found = find_minima(on(rotations), starts=2, angles=law)(pnp.zeros(2))
    assert found.converged.all() and not found.is_minimum.any() and len(found.distinct) == 0
    assert np.allclose(found.hessian_min, -1, atol=1e-5)


@pytest.mark.parametrize("device", ["default.qubit", StubHardware(wires=2)])
def test_other_routes_find_the_same_minima(device):
    expected = find_minima(on(traps), starts=4)(pnp.zeros(4))
    found = find_minima(on(traps), starts=4, device=device)(pnp.zeros(4))
    assert found.route in ("broadcast-adjoint", "parameter-shift")
    assert np.allclose(found.losses, expected.losses, atol=1e-9)


def test_executors_and_seeds():
    alone = find_minima(on(traps), starts=6)(pnp.zeros(4))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        found = find_minima(on(traps), starts=6, executor=pool)(pnp.zeros(4))
    assert np.array_equal(found.parameters, alone.parameters)
    assert np.array_equal(found.cluster, alone.cluster)
    more = find_minima(on(traps), starts=8)(pnp.zeros(4))
    assert np.array_equal(more.parameters[:6], alone.parameters)
    starts = measure(on(traps), samples=6)(pnp.zeros(4))
    assert np.all(alone.losses < starts.losses)
    assert alone.law == starts.law and alone.circuit_hash == starts.circuit_hash


def test_records_round_trip():
    for options in ({}, {"hessian": False}):
        found = find_minima(on(traps), starts=3, **options)(pnp.zeros(4))
        back = MinimaMeasurement.from_dict(json.loads(json.dumps(found.to_dict())))
        for name in (
            "losses",
            "parameters",
            "gradient_norm",
            "hessian_min",
            "cluster",
            "hessian_zeros",
        ):
            assert np.array_equal(getattr(back, name), getattr(found, name), equal_nan=True)
        assert str(back) == str(found)
    with pytest.raises(InputError, match="schema"):
        MinimaMeasurement.from_dict({"kind": "Measurement"})


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"starts": 0}, "starts"),
        ({"tolerance": 0.0}, "tolerance"),
        ({"max_iterations": 0}, "max_iterations"),
    ],
)
def test_bad_arguments_are_named(options, text):
    with pytest.raises(InputError, match=text):
        find_minima(on(rotations), **options)(pnp.zeros(2))


class _Waves:
    """Losses Σ cos(rate·θ), some of which have another period than 2π."""

    def __init__(self, rates: np.ndarray):
        self.rates = rates

    def losses(self, points: np.ndarray) -> np.ndarray:
        return np.cos(points * self.rates).sum(axis=1)


@pytest.mark.parametrize("count", [3, 60])
def test_false_periods_are_found_among_many(count):
    """Periods are tried in random sets; one that is false is found, and true ones stay."""
    periods = np.full(count, 2 * np.pi)
    rates = np.ones(count)
    np.testing.assert_array_equal(_true_periods(_Waves(rates), periods), periods)
    rates[1] = 0.5
    found = _true_periods(_Waves(rates), periods)
    assert found[1] == 0 and np.delete(found, 1).all()
