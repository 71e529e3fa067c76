"""The command line: exit statuses, JSON that round-trips, messages."""

import json

import pytest

from pennylane_wishart.cli import main

FILE = """
import pennylane as qml
from pennylane import numpy as np

dev = qml.device("default.qubit", wires=2)

@qml.qnode(dev)
def good(x):
    qml.RX(x[0], 0)
    qml.RY(x[1], 0)
    return qml.expval(qml.Z(0))

@qml.qnode(dev)
def dead(x):
    qml.RZ(x, 0)
    return qml.expval(qml.Z(0))

@qml.qnode(dev)
def broken(x):
    qml.RX(x, 0)
    return qml.probs(0)

x = np.array([0.1, 0.2])

def make_qnode(n):
    @qml.qnode(qml.device("default.qubit", wires=n))
    def f(w):
        for q in range(n):
            qml.RY(w[q], q)
        return qml.expval(qml.Z(0))
    return f

def args(n):
    return (np.zeros(n),)
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "circuits_for_cli.py"
    path.write_text(FILE)
    return str(path)


def test_exit_statuses(file, capsys):
    assert main(["check", f"{file}:good", "--args", "x", "--samples", "30"]) == 0
    assert "Trainable" in capsys.readouterr().out
    assert main(["check", f"{file}:dead", "--args", "np.array(0.3)", "--samples", "30", "--json", "-"]) == 1
    data = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert data["trainable"] is False
    assert main(["check", f"{file}:dead", "--args", "np.array(0.3)", "--samples", "30"]) == 1
    assert "Not trainable" in capsys.readouterr().out
    assert main(["check", f"{file}:broken", "--args", "np.array(0.3)"]) == 2
    assert "probs" in capsys.readouterr().err


def test_json_round_trips(file, capsys):
    assert main(["check", f"{file}:good", "--args", "x", "--samples", "30", "--json", "-"]) == 0
    text = capsys.readouterr().out
    data = json.loads(text)
    assert data["verdict"] == "TRAINABLE" and data["schema_version"] == 1
    assert json.loads(json.dumps(data)) == data
    assert data["prediction"]["gradient_variance"] == pytest.approx([0.25, 0.25], abs=1e-12)


def test_html(file, tmp_path, capsys):
    page = tmp_path / "r.html"
    assert main(["check", f"{file}:good", "--args", "x", "--samples", "30", "--html", str(page)]) == 0
    text = page.read_text()
    assert text.startswith("<!doctype html>") and "<svg" in text and "http-equiv" not in text
    assert "src=" not in text  # self-contained
    capsys.readouterr()


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["check", "nowhere.py:f"], "does not exist"),
        (["check", "nowhere"], "FILE.py:NAME"),
        (["resume", "nowhere.db", "x.py:f"], "nothing to resume"),
    ],
)
def test_messages(argv, words, capsys):
    assert main(argv) == 2
    assert words in capsys.readouterr().err


def test_missing_name_and_bad_args(file, capsys):
    assert main(["check", f"{file}:nothing"]) == 2
    assert "has no 'nothing'" in capsys.readouterr().err
    assert main(["check", f"{file}:good", "--args", "y"]) == 2
    assert "does not evaluate" in capsys.readouterr().err


def test_quote(file, capsys):
    assert main(["quote", f"{file}:good", "--args", "x", "--samples", "10", "--shots", "100"]) == 0
    assert "shots" in capsys.readouterr().out


def test_scale(file, capsys):
    assert main(["scale", f"{file}:make_qnode", "--sizes", "2,3,4,5,6"]) in (0, 2)
    assert capsys.readouterr().out.strip()


def test_resume(file, tmp_path, capsys):
    store = tmp_path / "run.db"
    import pennylane_wishart as pw
    from pennylane_wishart.cli import load

    qnode, names = load(f"{file}:good")
    first = pw.measure(qnode, samples=30, seed=7, store=str(store), progress=False)(names["x"])
    assert main(["resume", str(store), f"{file}:good", "--args", "x", "--samples", "30"]) == 0
    assert capsys.readouterr().out
    again = pw.measure(qnode, samples=30, seed=7, store=str(store), progress=False)(names["x"])
    assert (again.losses == first.losses).all()
