"""Calls that are commonly mistaken say what to write."""

import numpy as np
import pennylane as qml
import pytest

import pennylane_wishart as pw
from pennylane_wishart.errors import InputError, UnsupportedCircuitError


@qml.qnode(qml.device("default.qubit", wires=1))
def circuit(weights):
    qml.RX(weights[0], 0)
    return qml.expval(qml.Z(0))


WEIGHTS = qml.numpy.array([0.1], requires_grad=True)
DOORS = (
    "normal_form",
    "signature",
    "predict",
    "measure",
    "find_minima",
    "quote",
    "diagnose",
    "simulability",
    "expressibility",
    "best_init",
)


@pytest.mark.parametrize("door", DOORS)
def test_arguments_among_the_options(door):
    with pytest.raises(TypeError, match=rf"write pw\.{door}\(circuit\)\(weights\)"):
        getattr(pw, door)(circuit, WEIGHTS)


@pytest.mark.parametrize("door", DOORS)
def test_a_forgotten_second_call(door):
    asked = getattr(pw, door)(circuit)
    assert repr(asked) == f"<nothing has run yet: write pw.{door}(circuit)(weights)>"
    with pytest.raises(AttributeError, match=rf"write pw\.{door}\(circuit\)\(weights\)\.trainable"):
        _ = asked.trainable
    assert not hasattr(asked, "_repr_html_") and callable(asked)


@pytest.mark.parametrize(
    ("door", "option", "near"),
    [("predict", "angle", "angles"), ("signature", "seeds", "seed"), ("normal_form", "encodings", "encoding"),
     ("diagnose", "start", "starts"), ("measure", "sample", "samples")],
)  # fmt: skip
def test_misspelt_options(door, option, near):
    with pytest.raises(TypeError, match=f"unexpected keyword argument '{option}'; did you mean '{near}'"):
        getattr(pw, door)(circuit, **{option: 1})


def test_an_argument_of_the_qnode_among_the_options_by_name():
    with pytest.raises(TypeError, match=r"'weights': it is the QNode's own, write pw\.diagnose\(circuit\)\(weights\)"):
        pw.diagnose(circuit, weights=WEIGHTS)


@pytest.mark.parametrize(
    ("value", "words"),
    [("0.1", "weights is a str"), (None, "weights is None"), ([1, 2], "weights holds integers"), ({}, "is a dict"),
     (np.arange(2), "weights holds integers"), (np.array([True]), "weights holds truth values"), ([], "is empty"),
     (np.array([1j]), "weights holds complex numbers"), (qml.numpy.array([]), "weights is empty"),
     (qml.numpy.array([0.1], requires_grad=False), "weights is marked as data"), (["a"], "weights holds no numbers")],
)  # fmt: skip
def test_what_keeps_an_argument_from_being_trained(value, words):
    with pytest.raises(UnsupportedCircuitError, match=f"No trainable parameter: {'.*' * (words[0] == 'i')}{words}"):
        pw.normal_form(circuit)(value)


def test_options_of_decorators_and_doors():
    with pytest.raises(InputError, match=r"unknown options \['onfail'\]; did you mean 'on_fail'"):
        pw.preflight(onfail="raise")(circuit)
    with pytest.raises(InputError, match="eps needs a positive number"):
        pw.simulability(circuit, eps="a")


def test_nothing_to_train():
    with pytest.raises(InputError, match=r"argnums= names no argument"):
        pw.normal_form(circuit, argnums=[])(WEIGHTS)
    free = qml.QNode(lambda: qml.expval(qml.Z(0)), qml.device("default.qubit", wires=1))
    with pytest.raises(UnsupportedCircuitError, match="No trainable parameter: the call has no arguments"):
        pw.normal_form(free)()
    unused = qml.QNode(lambda x, w: qml.expval(qml.Z(0)), qml.device("default.qubit", wires=1))
    with pytest.raises(UnsupportedCircuitError, match=r"no gate depends on the trainable arguments \(w\)"):
        pw.normal_form(unused)(0.1, WEIGHTS)


def test_one_line_of_a_diagnosis_is_its_verdict():
    options = {"samples": 5, "descent_budget": 0.0, "progress": False}
    assert repr(pw.diagnose(circuit, **options)(WEIGHTS)).startswith("<Trainability of circuit: Cannot tell: where")
    born = qml.QNode(lambda w: (qml.RX(w[0], 0), qml.probs(0))[1], qml.device("default.qubit", wires=1))
    with pytest.raises(AttributeError, match=r"'gamma': it is diag\.prediction\.gamma"):
        _ = pw.diagnose(circuit, **options)(WEIGHTS).gamma
    several = repr(pw.diagnose(born, **options)(WEIGHTS))
    assert several.startswith("<Trainability of ") and len(several) <= 400


def test_sizes_of_a_family_may_be_an_array():
    def make(n):
        return pw.RotationCircuit.from_words(["X" + "I" * (n - 1)], {"Z" + "I" * (n - 1): 1.0})

    assert pw.scaling(make, np.array([2, 3]), lambda n: ()).sizes == (2, 3)


def test_names_of_the_package():
    assert set(pw.__all__) <= set(dir(pw)) and not [n for n in dir(pw) if n.startswith("_") and n != "__version__"]
    with pytest.raises(AttributeError, match="has no attribute 'diagnos'; did you mean 'diagnose'"):
        _ = pw.diagnos
    for name in pw.__all__:
        assert getattr(pw, name).__doc__, name
