"""Records are values: pickled, written to JSON and read back, they say the same without their QNode."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp

import pennylane_wishart as pw
from pennylane_wishart.comparison import Comparison
from pennylane_wishart.diagnosis import Diagnosis
from pennylane_wishart.errors import InputError, OutOfTheoryError
from pennylane_wishart.prediction import Prediction


def deep(layers=8):
    @qml.qnode(qml.device("default.qubit", wires=2))
    def circuit(w):
        qml.StronglyEntanglingLayers(w, range(2))
        return qml.expval(qml.Z(0))

    return circuit, pnp.zeros((layers, 2, 3), requires_grad=True)


def chemistry():
    """Outside the theory's easy part: several groups of words, dead parameters, a number sector."""

    @qml.qnode(qml.device("default.qubit", wires=4))
    def circuit(x):
        qml.BasisState(np.array([1, 1, 0, 0]), range(4))
        qml.DoubleExcitation(x[0], [0, 1, 2, 3])
        qml.SingleExcitation(x[1], [0, 2])
        qml.RZ(x[2], 3)
        return qml.expval(qml.Hamiltonian([0.5, -1.0, 0.3], [qml.Z(0), qml.X(0) @ qml.X(2), qml.Z(1) @ qml.Z(3)]))

    return circuit, pnp.zeros(3, requires_grad=True)


def outside():
    @qml.qnode(qml.device("default.qubit", wires=2))
    def circuit(x):
        qml.RX(x[0], 0)
        qml.RY(x[0], 1)
        qml.CNOT([0, 1])
        return qml.expval(qml.Z(0) @ qml.Z(1) + 0.5 * qml.X(0))

    return circuit, pnp.zeros(1, requires_grad=True)


CASES = {"deep": deep, "chemistry": chemistry, "outside": outside}


@pytest.fixture(scope="module", params=CASES)
def diag(request):
    circuit, x = CASES[request.param]()
    return pw.diagnose(circuit, samples=20, progress=False)(x)


WAYS = {
    "pickle": lambda v: pickle.loads(pickle.dumps(v)),
    "json": lambda v: type(v).from_dict(json.loads(json.dumps(v.to_dict()))),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_prediction_comes_back(diag, way):
    pred, back = diag.prediction, WAYS[way](diag.prediction)
    assert isinstance(back, Prediction) and back.dead_codes == pred.dead_codes
    for name in ("gradient_variance", "log2_shots_to_resolve", "deep_variance", "shift_costs"):
        np.testing.assert_array_equal(getattr(back, name), getattr(pred, name))
    assert back.shot_variance.value == pred.shot_variance.value and back.is_deep == pred.is_deep
    assert back.engine["gradient_variance"] == pred.engine["gradient_variance"]
    try:
        assert back.loss.var() == pred.loss.var()
    except OutOfTheoryError:
        with pytest.raises(OutOfTheoryError):
            _ = back.loss
    assert back.gradient_variance.tobytes() == pred.gradient_variance.tobytes()


@pytest.mark.parametrize("way", WAYS)
def test_a_diagnosis_comes_back(diag, way):
    back = WAYS[way](diag)
    assert isinstance(back, Diagnosis)
    assert (back.trainable, back.reaches_ground, back.verdict) == (diag.trainable, diag.reaches_ground, diag.verdict)
    assert back.headline == diag.headline and back.checks == diag.checks
    assert back.descent.ends.tolist() == diag.descent.ends.tolist()
    assert back.measurement.content_hash == diag.measurement.content_hash
    assert np.array_equal(back.measurement.gradients, diag.measurement.gradients, equal_nan=True)
    assert len(back.sections) == len(diag.sections) and str(back)


@pytest.mark.parametrize("way", WAYS)
def test_a_comparison_comes_back(diag, way):
    back = WAYS[way](diag.comparison)
    quantities = [json.dumps(c.to_dict()["quantities"]) for c in (back, diag.comparison)]  # NaN equals NaN there
    assert isinstance(back, Comparison) and quantities[0] == quantities[1]
    assert back.agrees == diag.comparison.agrees


def test_what_was_computed_is_not_computed_again(diag, monkeypatch):
    data = diag.prediction.to_dict()
    back = Prediction.from_dict(data)
    for name in ("mean_shot_variance", "shift_costs", "shots_at_least"):
        monkeypatch.setattr(f"pennylane_wishart.prediction.facts.{name}", None)
    assert back.shot_variance.value == diag.prediction.shot_variance.value
    assert back.to_dict()["record"]["computed"] == data["record"]["computed"]


def test_printing_computes_nothing_that_was_not_asked_for(monkeypatch):
    """A diagnosis that has been made prints from what it holds: no closure, no moments, no laws of minima."""
    circuit, x = chemistry()
    diag = pw.diagnose(circuit, samples=20, progress=False)(x)
    for place in (
        "pennylane_wishart.algebra.closure.close_span",
        "pennylane_wishart.prediction.record.predicted_minima",
        "pennylane_wishart.prediction.facts.mean_shot_variance",
        "pennylane_wishart.prediction.laws.deep_limit",
    ):
        monkeypatch.setattr(place, None)
    assert "Verdict" in str(diag)


def test_what_is_no_record_is_refused():
    for cls in (Prediction, Diagnosis, Comparison):
        with pytest.raises(InputError, match=f"{cls.__name__}.from_dict needs what {cls.__name__}.to_dict wrote"):
            cls.from_dict({"schema_version": 1})
