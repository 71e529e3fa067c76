"""A diagnosis at one point: gradients, curvature, neighbourhoods against formulas and dense matrices."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp

import pennylane_wishart as pw
from pennylane_wishart.conventions import Unavailable
from pennylane_wishart.errors import InputError
from pennylane_wishart.outlook import point_of

X = {"X": np.array([[0, 1], [1, 0]]), "Y": np.array([[0, -1j], [1j, 0]]), "Z": np.diag([1.0, -1.0])}


@qml.qnode(qml.device("default.qubit", wires=1))
def two_axes(a, b):
    """ℓ = cos a · cos b."""
    qml.RX(a, 0)
    qml.RY(b, 0)
    return qml.expval(qml.Z(0))


@qml.qnode(qml.device("default.qubit", wires=2))
def pool(x):
    """Gates that an adaptive ansatz might add, at angle 0 after a fixed state."""
    qml.RY(0.4, 0)
    qml.CNOT([0, 1])
    qml.PauliRot(x[0], "XY", [0, 1])
    qml.RY(x[1], 1)
    qml.RZ(x[2], 0)
    return qml.expval(qml.Z(0) @ qml.X(1) + 0.5 * qml.Z(1))


def at(circuit, args, point, **options):
    return point_of(pw.predict(circuit)(*args), point, **options)


def test_the_gradient_list_of_a_pool():
    """⟨i[G, O]⟩ of each generator at angle 0, by matrices."""
    found = at(pool, (pnp.zeros(3),), np.zeros(3))
    one, kron = np.eye(2), np.kron
    psi = np.array([np.cos(0.2), 0, 0, np.sin(0.2)])
    o = kron(X["Z"], X["X"]) + 0.5 * kron(one, X["Z"])
    for k, g in enumerate((kron(X["X"], X["Y"]), kron(one, X["Y"]), kron(X["Z"], one))):
        slope = (psi.conj() @ (1j / 2 * (g @ o - o @ g)) @ psi).real
        assert found.gradient[k] == pytest.approx(slope, abs=1e-12)
    assert np.all(np.diff(np.abs(found.gradient[list(found.order)])) <= 0)
    assert found.names == ("x[0]", "x[1]", "x[2]") and found.gates[0] == "PauliRot XY on wires 0, 1"
    assert found.to_dict()["gradients"][0]["name"] == found.names[found.order[0]]


def test_curvature_and_neighbourhoods_of_a_product_of_cosines():
    a, b = 0.3, 1.1
    found = at(two_axes, (pnp.array(0.0), pnp.array(0.0)), (a, b))
    assert found.loss == pytest.approx(np.cos(a) * np.cos(b), abs=1e-12)
    off = np.sin(a) * np.sin(b)
    wanted = np.linalg.eigvalsh([[-found.loss, off], [off, -found.loss]])
    np.testing.assert_allclose(found.curvature, wanted, atol=1e-7)
    assert found.end == pytest.approx(-1, abs=1e-6) and found.converged
    for width, norm, error in zip(found.widths, found.gradient_norm, found.gradient_norm_error, strict=True):
        ca, cb = (np.cos(2 * v) * np.exp(-2 * width**2) for v in (a, b))  # E cos 2θ around the point
        square = ((1 - ca) * (1 + cb) + (1 + ca) * (1 - cb)) / 4
        assert abs(norm - np.sqrt(square)) < 5 * error + 1e-3  # false-alarm rate below 1e-3 for all five
    assert found.random_norm == pytest.approx(np.sqrt(1 / 4 + 1 / 4))


def test_the_way_up():
    found = at(two_axes, (pnp.array(0.0), pnp.array(0.0)), [0.3, 1.1], sense="max")
    assert found.end == pytest.approx(1, abs=1e-6) and found.loss == pytest.approx(np.cos(0.3) * np.cos(1.1))


def test_a_stationary_point_is_said():
    args = (pnp.array(0.1, requires_grad=True), pnp.array(0.2, requires_grad=True))
    diag = pw.diagnose(two_axes, samples=20, at=(0.0, 0.0), remedy_budget=0, progress=False)(*args)
    assert diag.point.is_stationary and "No gradient is left here" in diag.details()
    assert "At the given point" in diag.details() and diag.to_dict()["point"]["loss"] == pytest.approx(1)
    for back in (pickle.loads(pickle.dumps(diag)), type(diag).from_dict(json.loads(json.dumps(diag.to_dict())))):
        assert back.point.gradient.tolist() == diag.point.gradient.tolist() and back.point.names == diag.point.names
    assert pw.diagnose(two_axes, run=False)(*args).point is None


@pytest.mark.interfaces
@pytest.mark.parametrize("interface", ["jax", "torch"])
def test_points_of_every_interface(interface):
    module = pytest.importorskip("jax.numpy" if interface == "jax" else "torch")
    point = module.asarray([0.2, 0.3, 0.4])
    args = (point.requires_grad_(),) if interface == "torch" else (point,)
    assert at(pool, args, point).gradient == pytest.approx(at(pool, (pnp.zeros(3),), [0.2, 0.3, 0.4]).gradient)


def test_wrong_points_are_refused_before_anything_runs(monkeypatch):
    args = (pnp.array(0.1, requires_grad=True), pnp.array(0.2, requires_grad=True))
    monkeypatch.setattr(pw.Signature, "__init__", None)  # nothing is computed
    with pytest.raises(InputError, match=r"at= has shape \(3,\): give the trainable arguments, \(\), \(\)"):
        pw.diagnose(two_axes, at=np.zeros(3), progress=False)(*args)
    with pytest.raises(InputError, match="NaN"):
        pw.diagnose(two_axes, at=(0.0, np.nan), progress=False)(*args)


def test_many_parameters_have_no_hessian_and_words_no_point(monkeypatch):
    monkeypatch.setattr("pennylane_wishart.conventions.outlook.HESSIAN_PARAMETERS", 2)
    found = at(pool, (pnp.zeros(3),), np.zeros(3))
    assert isinstance(found.curvature, Unavailable) and "3 parameters" in str(found.curvature)
    words = pw.RotationCircuit.from_words(["X", "Z"], {"Z": 1.0})
    assert isinstance(point_of(pw.predict(pw.signature(words)), [0.0, 0.0]), Unavailable)
