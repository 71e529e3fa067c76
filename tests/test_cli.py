"""The command line: exit statuses, JSON that round-trips, messages."""

import io
import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import pennylane_wishart as pw
from pennylane_wishart.cli import coloured, load, main
from pennylane_wishart.cli.spelling import encodable

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
    return qml.state()

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


COSTS = """
def fine(x):
    return good(x) ** 2

def stepped(x):
    return np.sign(good(x))
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "circuits_for_cli.py"
    path.write_text(FILE)
    return str(path)


def test_exit_statuses(file, capsys):
    assert main(["check", f"{file}:good", "--args", "x", "--samples", "30", "--profile"]) == 0
    shown = capsys.readouterr()
    assert "Trainable" in shown.out
    # the seconds of each step go to standard error, whatever the report is written to
    assert "predicting" in shown.err and "in all" in shown.err
    assert main(["check", f"{file}:dead", "--args", "np.array(0.3)", "--samples", "30", "--json", "-"]) == 1
    data = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert data["trainable"] is False
    assert main(["check", f"{file}:dead", "--args", "np.array(0.3)", "--samples", "30"]) == 1
    assert "Not trainable" in capsys.readouterr().out
    assert main(["check", f"{file}:broken", "--args", "np.array(0.3)"]) == 2
    assert "probs" in capsys.readouterr().err


def test_costs(file, capsys):
    Path(file).write_text(FILE + COSTS)
    assert main(["check", f"{file}:fine", "--cost", "--args", "x", "--samples", "20"]) == 0
    shown = capsys.readouterr().out
    assert "Nothing wrong" in shown and shown.rstrip().endswith("More: --details, or --html report.html.")
    assert main(["check", f"{file}:stepped", "--cost", "--args", "x", "--samples", "20", "--json", "-"]) == 1
    assert json.loads(capsys.readouterr().out)["cause"] == "classical step with zero derivative"
    assert main(["check", f"{file}:fine", "--cost", "--args", "x", "--shots", "10"]) == 2
    assert "--shots is asked of a QNode: leave it out with --cost" in capsys.readouterr().err


def test_json_round_trips(file, capsys):
    assert main(["check", f"{file}:good", "--args", "x", "--samples", "30", "--json", "-"]) == 0
    text = capsys.readouterr().out
    data = json.loads(text)
    assert data["verdict"] == "TRAINABLE" and data["schema_version"] == 1
    assert json.loads(json.dumps(data)) == data
    assert data["prediction"]["gradient_variance"] == pytest.approx([0.25, 0.25], abs=1e-12)


def test_a_point_and_a_profile(file, capsys):
    argv = ["check", f"{file}:good", "--args", "x", "--at", "np.zeros(2)", "--profile", "--quiet", "--samples", "20"]
    assert main([*argv, "--remedy-budget", "0"]) == 0
    said = capsys.readouterr()
    assert "At the given point" in said.out and "The loss is 1 here" in said.out
    assert "s of the processor" in said.err and "descending" in said.err


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


# ---------------------------------------------------------------------- statuses: a verdict, or 2, or 130
UNRULY = """
import os, sys, atexit
import pennylane as qml
from pennylane import numpy as np
from stub_devices import FaultyHardware

print("a line of the file")
print("another, past the redirection", file=sys.__stdout__)
os.system("echo and one of a child")
x = np.array([0.1, 0.2])
dev = qml.device("default.qubit", wires=2)

def node(device, action):
    @qml.qnode(device)
    def f(x):
        action()
        qml.RX(x[0], 0)
        qml.RY(x[1], 0)
        return qml.expval(qml.Z(0))
    return f

def stop():
    raise KeyboardInterrupt

class Leaving(BaseException):
    pass

def leave():
    raise Leaving("for good")

talking = node(dev, lambda: print("a line of the circuit"))
leaving = node(dev, leave)
exiting = node(dev, lambda: sys.exit(0))
quitting = node(dev, lambda: exit())
stopped = node(dev, stop)
stopped_device = node(FaultyHardware(wires=2, fault="Ctrl-C", every=5), lambda: None)

def make_exiting(n):
    sys.exit(0)

def args(n):
    return (np.zeros(n),)
"""


@pytest.fixture
def unruly(tmp_path):
    path = tmp_path / "unruly_for_cli.py"
    path.write_text(UNRULY)
    return str(path)


@pytest.mark.parametrize(
    "expression", ["exit(0)", "x, exit()", "__import__('sys').exit(0)", "(_ for _ in ()).throw(GeneratorExit)"]
)
@pytest.mark.parametrize("command", ["check", "quote", "scale"])
def test_an_expression_that_ends_the_program_is_no_verdict(expression, command, file, capsys):
    name = ["make_qnode", "--sizes", "2,3"] if command == "scale" else ["good"]
    assert main([command, f"{file}:{name[0]}", *name[1:], "--args", expression]) == 2
    assert re.search(r"--args .* does not evaluate \((SystemExit|GeneratorExit)", capsys.readouterr().err)


@pytest.mark.parametrize(
    ("argv", "words"),
    [(["check", "exiting", "--args", "x"], "SystemExit: 0"), (["check", "quitting", "--args", "x"], "SystemExit"),
     (["check", "leaving", "--args", "x"], "Leaving: for good"), (["quote", "exiting", "--args", "x"], "SystemExit: 0"),
     (["scale", "make_exiting", "--sizes", "2,3"], "SystemExit: 0")],
)  # fmt: skip
def test_a_circuit_that_ends_the_program_is_no_verdict(argv, words, unruly, capsys):
    assert main([argv[0], f"{unruly}:{argv[1]}", *argv[2:]]) == 2
    out, err = capsys.readouterr()
    assert f"wishart: {words}" in err and "Traceback" not in err


def test_ctrl_c_is_130_wherever_it_comes(unruly, tmp_path, capsys):
    assert main(["check", f"{unruly}:stopped", "--args", "x"]) == 130
    assert main(["check", f"{unruly}:stopped_device", "--args", "x", "--samples", "30"]) == 130
    err = capsys.readouterr().err
    assert err.count("wishart: interrupted.") == 2 and "Measured" in err
    assert main(["check", f"{unruly}:talking", "--args", "stop()"]) == 130
    path = tmp_path / "stopped_for_cli.py"
    path.write_text("raise KeyboardInterrupt")
    assert main(["check", f"{path}:f"]) == 130


# ---------------------------------------------------------------------- standard output is the report's
def shell(command, folder, **environment):
    """Run a line of shell with the command as ``wishart``; return its status, output and errors."""
    here = Path(__file__).parent
    python = f"{sys.executable} -m pennylane_wishart.cli"
    path = os.pathsep.join([str(here.parent), str(here), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        ["bash", "-c", command.replace("wishart", python)], cwd=folder, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": path, **environment},
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_what_a_file_prints_does_not_touch_the_json(unruly, capsys):
    """In the process's own streams, where also children and what goes past sys.stdout are heard."""
    argv = "check unruly_for_cli.py:talking --args x --samples 30 --quiet --json -"
    status, out, err = shell(f"wishart {argv}", Path(unruly).parent)
    assert status == 0 and json.loads(out)["verdict"] == "TRAINABLE"
    for line in ("a line of the file", "another, past the redirection", "and one of a child", "a line of the circuit"):
        assert line in err


def test_a_reader_that_leaves_changes_nothing(file):
    folder = Path(file).parent
    check = "wishart check circuits_for_cli.py:{} --args '{}' --samples 30 --quiet 2>&1"
    line = check.format("dead", "np.array(0.3)") + " | head -n 1; echo ${PIPESTATUS[0]}; "
    line += (
        check.format("good", "x") + " | true; echo ${PIPESTATUS[0]}; wishart check --help | true; echo ${PIPESTATUS[0]}"
    )
    _, out, err = shell(line, folder)
    assert out.split("\n") == ["Trainability of dead", "1", "0", "0", ""] and err == ""


class Stream:
    """Standard output with another file behind it."""

    def __init__(self, monkeypatch, descriptor, encoding="utf-8"):
        self.text = io.TextIOWrapper(io.FileIO(descriptor, "w"), encoding=encoding)
        monkeypatch.setattr("sys.stdout", self.text)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_behind_standard_output(file, monkeypatch, capsys):
    for more in ([], ["--json", "-"]):
        stream = Stream(monkeypatch, os.open("/dev/full", os.O_WRONLY))
        assert main(["check", f"{file}:good", "--args", "x", "--samples", "30", *more]) == 2
        assert "cannot be written to standard output (No space left on device)" in capsys.readouterr().err
        stream.text.close()  # nothing is left in it that could not be written


@pytest.mark.parametrize("name", ["good", "dead"])
def test_a_terminal_without_the_symbols_gets_the_whole_report(name, file, monkeypatch, tmp_path, capsys):
    argv = ["check", f"{file}:{name}", "--args", "x" if name == "good" else "np.array(0.3)", "--samples", "30"]
    status = main(argv)
    report = capsys.readouterr().out
    assert not report.isascii()
    for encoding in ("ascii", "latin-1", "cp1252"):
        path = tmp_path / encoding
        stream = Stream(monkeypatch, os.open(path, os.O_WRONLY | os.O_CREAT), encoding)
        assert main(argv) == status
        stream.text.close()
        found = path.read_text(encoding=encoding)
        assert "?" not in found and len(found.split("\n")) == len(report.split("\n"))
        assert "loss: mean +- standard deviation" in found or "mean ± standard deviation" in found


@pytest.mark.parametrize(
    ("text", "spelt"),
    [("1.5·10⁻¹² ≤ ‖∇ℓ‖²", "1.5*10^-12 <= ||grad l||^2"), ("θ₁ → π/2 ± ½", "theta1 -> pi/2 +- 1/2"),
     ("su(2) ⊕ u(1)", "su(2) (+) u(1)"), ("ō − Σλ²", "o - Sigmalambda^2"), ("naïve “ﬁt”", 'naive "fit"'), ("字", "?")],
)  # fmt: skip
def test_spelling(text, spelt):
    assert encodable(text, "ascii") == spelt
    assert encodable(text, "utf-8") == encodable(text, None) == text


def test_every_symbol_of_the_package_can_be_spelt():
    source = "".join(f.read_text() for f in Path(pw.__file__).parent.rglob("*.py"))
    symbols = {c for c in source if not c.isascii()} - {"字"}
    assert len(symbols) > 50 and {c for c in symbols if "?" in encodable(c, "ascii")} == set()


# ---------------------------------------------------------------------- files
@pytest.fixture
def no_work(monkeypatch):
    """The diagnosis must not begin."""
    monkeypatch.setattr("pennylane_wishart.cli.commands.diagnose", lambda *a, **k: pytest.fail("the work was begun"))
    monkeypatch.setattr("pennylane_wishart.cli.commands.scaling", lambda *a, **k: pytest.fail("the work was begun"))


def test_files_that_cannot_be_written_are_found_before_the_work(file, tmp_path, capsys, no_work):
    argv = ["check", f"{file}:good", "--args", "x", "--samples", "30"]
    bad = [("--json", tmp_path / "no" / "a.json", "does not exist"),
           ("--html", tmp_path / "no" / "a.html", "does not exist"), ("--json", tmp_path, "it is a folder"),
           ("--html", tmp_path / "a.pdf", "suffix"),
           ("--json", tmp_path / ("a" * 300), "name too long"), ("--json", tmp_path / "nul\0", "null"),
           ("--html", Path(file) / "a.html", "does not exist")]  # fmt: skip
    for option, path, words in bad:
        assert main([*argv, option, str(path)]) == 2
        err = capsys.readouterr().err
        assert words in err and ("cannot be written" in err or words == "suffix"), err
    assert main(["scale", f"{file}:make_qnode", "--sizes", "2,3", "--json", str(tmp_path)]) == 2
    assert "it is a folder" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir() if "draft" in p.name] == []


def test_a_folder_that_may_not_be_written_is_found_before_the_work(file, tmp_path, capsys, no_work, monkeypatch):
    """Whoever runs the tests may be root, who may write anywhere: the system's answer is stubbed."""

    def refuse(*args, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pennylane_wishart.report.files.open", refuse, raising=False)
    assert main(["check", f"{file}:good", "--args", "x", "--json", str(tmp_path / "a.json")]) == 2
    assert "cannot be written (Permission denied)" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_said(file, tmp_path, capsys):
    argv = ["check", f"{file}:good", "--args", "x", "--samples", "30"]
    link = tmp_path / "full.html"
    link.symlink_to("/dev/full")
    for option, path in (("--json", "/dev/full"), ("--html", str(link))):
        assert main([*argv, option, path]) == 2
        out, err = capsys.readouterr()
        assert "Trainable" in out and "cannot be written (No space left on device)" in err
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode) and link.is_symlink()  # neither was replaced by a file


@pytest.mark.parametrize("suffix", ["html", "json", "txt"])
def test_a_disk_that_fills_up_leaves_the_file_as_it_was(suffix, file, tmp_path, monkeypatch):
    """The first bytes go through, then there is no space: the old report is still there, whole."""
    qnode, names = load(f"{file}:good")
    diag = pw.diagnose(qnode, samples=30, progress=False)(names["x"])
    path = tmp_path / f"r.{suffix}"
    diag.save(path)
    before = path.read_bytes()
    path.chmod(0o640)

    def filling(self, content, encoding):
        with open(self, "wb") as draft:
            draft.write(content.encode()[:100])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", filling)
        with pytest.raises(pw.errors.InputError, match="No space left"):
            diag.save(path)
        with pytest.raises(pw.errors.InputError, match="No space left"):
            diag.save(tmp_path / f"new.{suffix}")
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir() if p.suffix != ".py"] == [path.name]
    link = tmp_path / f"link.{suffix}"
    link.symlink_to(path)
    diag.save(link)  # a link stays a link, a mode stays a mode
    assert link.is_symlink() and stat.S_IMODE(path.stat().st_mode) == 0o640 and path.read_bytes() == before


# ---------------------------------------------------------------------- what a shell sees first
def test_help_imports_nothing_that_computes():
    code = "import sys, pennylane_wishart.cli.parser as p; p._parser().format_help(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pennylane", "scipy", "stim", "autograd"} & set(loaded)


def test_version(capsys):
    with pytest.raises(SystemExit) as done:
        main(["--version"])
    assert done.value.code == 0 and capsys.readouterr().out == f"wishart {pw.__version__}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell, capsys):
    assert main(["completion", shell]) == 0
    text = capsys.readouterr().out
    assert "check" in text and "descent-budget" in text
    if shell == "bash":
        asked = "COMP_WORDS=(wishart check --desc); COMP_CWORD=2; _wishart; echo ${COMPREPLY[@]}"
        found = subprocess.run(["bash", "-c", f"{text}\n{asked}"], capture_output=True, text=True, check=True)
        assert found.stdout.strip() == "--descent-budget"


def test_options_of_reading(tmp_path, capsys):
    path = tmp_path / "two_arguments.py"
    path.write_text(
        FILE
        + """
@qml.qnode(dev)
def two(a, b):
    qml.RX(a, 0)
    qml.RY(b, 0)
    return qml.expval(qml.Z(0))
"""
    )
    call = ["check", f"{path}:two", "--args", "0.1, 0.2", "--samples", "20", "--quiet"]
    assert main([*call, "--argnums", "b", "--angles", "('normal', 0.5)", "--details"]) == 0
    out = capsys.readouterr().out
    assert "Trained: b. Fixed: a = 0.1." in out and "Signature" in out
    assert main([*call, "--argnums", "c"]) == 2 and "'c' is not a float argument" in capsys.readouterr().err
    assert main([*call, "--argnums", "1", "--angles", "odd"]) == 2 and "angles='odd'" in capsys.readouterr().err
    assert main([*call, "--argnums", "1", "--family", "none"]) == 2 and "has no such name" in capsys.readouterr().err
    assert main([*call, "--argnums", "1", "--family", "make_qnode", "--family-args", "np.zeros(n)"]) in (0, 2)
