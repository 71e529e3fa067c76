"""The circuit as the picture: every gate has the colour of its parameter's variance, dead gates are grey."""

import matplotlib.pyplot as plt
import numpy as np
import pennylane as qml
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

import pennylane_wishart as pw
from pennylane_wishart import plots
from pennylane_wishart.conventions import display
from pennylane_wishart.errors import InputError


@qml.qnode(qml.device("default.qubit", wires=["a", "b"]))
def circuit(x, w):
    qml.RY(x, "a")  # fixed: no colour
    qml.RX(w[0], "a")
    qml.CNOT(["a", "b"])
    qml.RX(w[1], "b")  # dead: Z on a does not see it
    qml.CRX(w[2], ["b", "a"])
    return qml.expval(qml.Z("a"))


def predicted(layers=1):
    @qml.qnode(qml.device("default.qubit", wires=1))
    def deep(w):
        for k in range(len(w)):
            qml.RX(w[k], 0) if k % 2 else qml.RY(w[k], 0)
        return qml.expval(qml.Z(0))

    return pw.predict(deep)(qml.numpy.zeros(layers, requires_grad=True))


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def rectangles(ax, colour):
    return [p for p in ax.patches if isinstance(p, Rectangle) and to_hex(p.get_facecolor()) == colour]


def test_colours_follow_the_variances():
    args = qml.numpy.array(0.3, requires_grad=False), qml.numpy.zeros(3, requires_grad=True)
    pred = pw.predict(circuit)(*args)
    ax = plots.circuit_map(pred)
    live = [k for k in range(3) if k not in pred.dead_parameters]
    coloured = sorted(rectangles(ax, plots.PREDICTED), key=lambda p: p.get_x())
    assert len(coloured) == len(live) and len(rectangles(ax, plots.LINE)) == len(pred.dead_parameters)
    shades = [p.get_alpha() for p in coloured]
    np.testing.assert_array_equal(np.argsort(shades), np.argsort(pred.gradient_variance[live]))
    assert [t.get_text() for t in ax.texts[:2]] == ["a", "b"]
    labels = [t.get_text() for t in ax.get_legend().get_texts()]
    assert any(label.startswith("Var") for label in labels) and "light cone of the observable" in labels


def test_the_light_cone_is_what_the_observable_reaches():
    @qml.qnode(qml.device("default.qubit", wires=3))
    def ladder(w):
        for q in range(3):
            qml.RX(w[q], q)
        qml.CNOT([0, 1])
        qml.CNOT([1, 2])
        return qml.expval(qml.Z(1))

    ax = plots.circuit_map(pw.predict(ladder)(qml.numpy.zeros(3, requires_grad=True)))
    shaded = {(round(p.get_x() + 0.5), round(p.get_y() + 0.5)) for p in rectangles(ax, plots.OTHER)}
    # layer 3: after all gates only wire 1 is measured; CNOT(1, 2) joins wire 2, CNOT(0, 1) wire 0
    assert {q for layer, q in shaded if layer == 3} == {1}
    assert {q for layer, q in shaded if layer == 2} == {1, 2}
    assert {q for layer, q in shaded if layer == 1} == {0, 1, 2}


def test_of_a_long_circuit_the_last_layers_are_drawn():
    ax = plots.circuit_map(predicted(display.CIRCUIT_LAYERS + 7))
    assert "7 earlier gates are not drawn" in ax.get_title()
    assert len(rectangles(ax, plots.PREDICTED)) + len(rectangles(ax, plots.LINE)) == display.CIRCUIT_LAYERS


def test_what_has_no_qnode_is_refused():
    pred = pw.predict(pw.RotationCircuit.from_words(["X"], {"Z": 1.0}))
    assert plots.drawn_size(pred) is None
    with pytest.raises(InputError, match="draws the gates of a QNode"):
        plots.circuit_map(pred)
