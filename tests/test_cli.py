"""The command line: exit statuses, JSON that round-trips, messages."""

import io
import json
import re

import pytest

import pennylane_wishart as pw
from pennylane_wishart.cli import coloured, load, main

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


def test_scale(file, tmp_path, capsys):
    assert main(["scale", f"{file}:make_qnode", "--sizes", "2,3,4,5,6", "--quiet"]) in (0, 2)
    assert capsys.readouterr().out.strip()
    out = tmp_path / "s.json"
    main(["scale", f"{file}:make_qnode", "--sizes", "2,3", "--args", "np.zeros(n)", "--json", str(out)])
    assert json.loads(out.read_text())["record"] == "ScalingStudy"
    assert main(["scale", f"{file}:make_qnode", "--sizes", "2,x"]) == 2
    assert "whole numbers" in capsys.readouterr().err


def test_resume(file, tmp_path, capsys):
    store = tmp_path / "run.db"
    qnode, names = load(f"{file}:good")
    first = pw.measure(qnode, samples=30, seed=0, store=str(store), progress=False)(names["x"])
    assert main(["resume", str(store), f"{file}:good", "--args", "x", "--quiet"]) == 0
    assert "30 angle sets" in capsys.readouterr().out
    again = pw.measure(qnode, samples=30, seed=0, store=str(store), progress=False)(names["x"])
    assert (again.losses == first.losses).all()
    assert main(["resume", str(store), f"{file}:dead", "--args", "np.array(0.3)"]) == 2
    assert "none of this circuit" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["check", "demo", "scale", "quote", "resume"])
def test_help_has_examples(command, capsys):
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert f"  wishart {command} " in text.split("examples:")[1] or f"  wishart {command}\n" in text
    assert "exit status:" in text


@pytest.mark.parametrize("argv", [["demo", "--samples", "0"], ["demo", "--seed", "-1"], ["nothing"], []])
def test_usage_errors_exit_with_2(argv, capsys):
    with pytest.raises(SystemExit) as end:
        main(argv)
    assert end.value.code == 2
    assert "usage: wishart" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "words"),
    [("def f(:\n", "does not run: SyntaxError"), ("x = 1\n1 / 0\n", r"ZeroDivisionError: division by zero \(line 2\)"),
     ("raise SystemExit(3)", "does not run: SystemExit")],
)  # fmt: skip
def test_a_file_that_does_not_run(text, words, tmp_path, capsys):
    path = tmp_path / "broken_for_cli.py"
    path.write_text(text)
    assert main(["check", f"{path}:f"]) == 2
    error = capsys.readouterr().err
    assert re.search(words, error) and "Traceback" not in error


def test_colours_only_on_a_terminal_that_wants_them(file, capsys, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    assert coloured(Terminal()) and not coloured(io.StringIO())
    argv = ["check", f"{file}:dead", "--args", "np.array(0.3)", "--samples", "30"]
    main(argv)
    assert "\033[" not in capsys.readouterr().out
    screen = Terminal()
    monkeypatch.setattr("sys.stdout", screen)
    main(argv)
    assert "\033[31mNot trainable" in screen.getvalue() and "\033[31mFAIL\033[0m" in screen.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not coloured(screen)


def test_interrupt(file, monkeypatch, capsys):
    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("pennylane_wishart.cli.commands.diagnose", stop)
    assert main(["check", f"{file}:good", "--args", "x"]) == 130
    assert "interrupted" in capsys.readouterr().err


def test_files_that_cannot_be_written(file, tmp_path, capsys):
    argv = ["check", f"{file}:good", "--args", "x", "--samples", "30"]
    assert main([*argv, "--json", str(tmp_path / "no" / "a.json")]) == 2
    assert "cannot be written" in capsys.readouterr().err
    assert main([*argv, "--html", str(tmp_path / "a.pdf")]) == 2
    assert "suffix" in capsys.readouterr().err
