"""Planes of losses: values, directions, scale and picture."""

import json

import matplotlib
import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp

import pennylane_wishart as pw
from pennylane_wishart import plots
from pennylane_wishart.errors import InputError


@qml.qnode(qml.device("default.qubit", wires=2))
def f(x, y):
    qml.RX(x[0], 0)
    qml.RY(x[1], 1)
    qml.CNOT([0, 1])
    qml.RY(y, 0)
    return qml.expval(qml.Z(0) @ qml.X(1) + 0.5 * qml.Z(0))


ARGS = (pnp.array([0.3, 0.2], requires_grad=True), pnp.array(-0.4, requires_grad=True))


def value(point):
    return float(f(point[:2], point[2]))


def test_losses_lie_on_the_plane_and_the_scale_is_that_of_random_angles():
    found = pw.slices(f, points=4, seed=2)(*ARGS)
    assert np.allclose(found.directions @ found.directions.T, np.eye(2))
    point = found.parameters + found.first[1] * found.directions[0] + found.second[3] * found.directions[1]
    assert abs(found.losses[1, 3] - value(point)) < 1e-12
    losses = [value(x) for x in np.random.default_rng(1).uniform(0, 2 * np.pi, (100, 3))]
    # five standard errors of a sample's spread of 100 values
    assert abs(np.std(losses) / found.scale - 1) < 5 / np.sqrt(200) and found.scale_error == 0
    assert np.allclose(found.heights * found.scale + found.mean, found.losses)
    back = pw.Slices.from_dict(json.loads(json.dumps(found.to_dict())))
    assert np.array_equal(back.losses, found.losses) and str(back) == str(found)


def test_curvature_along_the_hessians_eigenvectors_is_its_eigenvalues():
    found = pw.slices(f, directions="hessian", points=3, reach=1e-3)(*ARGS)
    for line, label in ((found.losses[:, 1], found.labels[0]), (found.losses[1], found.labels[1])):
        bent = (line[0] - 2 * line[1] + line[2]) / 1e-6
        assert abs(bent - float(label.split("(")[1].strip(")"))) < 5e-3 * max(1, abs(bent))


def test_a_descents_line_goes_from_the_point_to_its_end():
    found = pw.slices(f, directions="descent", points=5)(*ARGS)
    (_, *start), (_, *end) = found.marks
    assert start == [0, 0] and np.isclose(found.first[[0, -1]], [0, end[0]]).all() and found.second[2] == 0
    assert abs(found.losses[0, 2] - value(found.parameters)) < 1e-12
    assert found.losses[-1, 2] <= found.losses[:, 2].min() + 1e-9


def test_pictures_are_in_predicted_deviations():
    matplotlib.use("Agg")
    found = pw.slices(f, directions=[[1, 0, 0], [0, 1, 0]], points=3, at=np.zeros(3))(*ARGS)
    ax = plots.plot_slices(found)
    assert ax.get_xlabel() == "the first direction (rad)"
    assert "predicted standard deviations" in ax.figure.axes[1].get_ylabel()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"directions": "down"}, "use one of"),
        ({"directions": [[1, 0, 0], [2, 0, 0]]}, "parallel"),
        ({"directions": [[1, 0]]}, r"shape \(2, 3\)"),
        ({"reach": -1}, "reach"),
        ({"points": 1}, "points"),
        ({"at": np.zeros(7)}, "at= has shape"),
    ],
)
def test_what_makes_no_plane_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        pw.slices(f, **options)(*ARGS)
