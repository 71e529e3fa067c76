"""Calls that are commonly mistaken say what to write."""

import numpy as np
import pennylane as qml
import pytest

import pennylane_wishart as pw


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
