"""The verdicts' benchmark: its simulator, what it calls true, and its tables."""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pennylane as qml
import pytest

FOLDER = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture(scope="module")
def zoo():
    """The benchmark's modules, which import one another by bare names."""
    sys.path.insert(0, str(FOLDER))
    yield lambda name: importlib.import_module(name)
    sys.path.remove(str(FOLDER))


def test_simulator_gives_the_losses_and_gradients_of_the_qnode(zoo):
    truth, demos, templates = zoo("_zoo_truth"), zoo("_zoo_demos"), zoo("_zoo_templates")
    # shared angles, controlled rotations, Clifford gates, data, templates that are lowered
    for circuit in (
        demos._equivariant_graph(4, 1),
        demos._expressive(3, 3, 1, qml.Z(0)),
        templates._embedding(2, 1, "Y"),
    ):
        loss = truth.Loss(circuit)  # compares losses itself
        x = np.random.default_rng(0).uniform(0, 6, loss.n_params)
        qnode, _ = circuit.qnode()
        wanted = qml.grad(qnode)(qml.numpy.array(x, requires_grad=True))
        assert np.allclose(loss(x[None])[1][0], wanted, atol=1e-9)


def test_descents_find_what_is_known(zoo):
    truth, models = zoo("_zoo_truth"), zoo("_zoo_models")
    # QAOA on a ring of 2p + 2 qubits or more reaches (2p + 1)/(2p + 2) of the cut: energy −n·2p/(2p + 2)
    loss = truth.Loss(models._qaoa("ring 6", 1))
    assert truth.descents(loss, 4, 0, 6.0).min() == pytest.approx(-3.0, abs=1e-6)


def test_truth_on_the_edge_is_not_told(zoo):
    Truth = zoo("_zoo_truth").Truth

    def made(high, low, level=-0.5, ground=-1.0):
        return Truth((-1.0,) * low + (level,) * high, -1.0, ground, ground, 0.0, 1.0)

    assert made(30, 10).traps is True and made(10, 30).traps is False and made(20, 20).traps is None
    assert made(30, 10, level=-0.905).traps is None  # a tolerance hardly different tells the opposite
    assert made(0, 40).reaches is True and made(0, 40, ground=-1.2).reaches is False
    assert made(39, 1, ground=-1.2).reaches is None  # hit once: from above only
    again = Truth.from_dict(json.loads(json.dumps(made(30, 10).to_dict())))
    assert again == made(30, 10)


def test_tables_count_what_is_wrong(zoo):
    tables = zoo("_zoo_tables")
    truth = zoo("_zoo_truth").Truth((-1.0,) * 10 + (-0.5,) * 30, -1.0, -1.0, -1.0, 0.0, 1.0)
    row = {
        **{
            "name": "a",
            "n": 2,
            "n_params": 2,
            "source": "",
            "seconds": 1.0,
            "said": "",
            "in_theory": True,
            "parts": {},
        },
        **{"evidence": "descents", "traps": True, "reach": True, "height": 0.5, "gap": 0.0, "missed": 0.0, "starts": 8},
        **{"fraction": [0.1, 0.5], "scale": 1.0, "below bound": False, "certified wrong": False, "trainable": False},
        **{"parts": {}, "truth": truth.to_dict()},
    }
    assert tables.wrong_of(row) == []
    assert tables.wrong_of({**row, "traps": False, "trainable": True}) == ["traps", "trainable is True above traps"]
    assert any("right of the decided 1/1" in line for line in tables.tables([row]))


def test_every_named_circuit_has_a_truth(zoo):
    kept = json.loads((FOLDER / "data" / "verdicts.json").read_text())
    assert len(kept) >= 120
    assert all(len(t["ends"]) >= 40 for t in kept.values())
