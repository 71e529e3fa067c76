"""The ``wishart`` command: check, demo, scale, quote, resume.

Exit status: 0 trainable, 1 not trainable, 2 could not tell or could not run, 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import sys
import traceback
import warnings
from pathlib import Path

import pennylane as qml

from pennylane_wishart.diagnosis import Diagnosis, diagnose, options_of
from pennylane_wishart.errors import InputError, WishartError
from pennylane_wishart.families import scaling
from pennylane_wishart.measurement import quote, resume
from pennylane_wishart.report import plain

__all__ = ["main"]

_STATUS = """exit status:
  0  trainable (scale: no exponential decay; quote, resume: done)
  1  not trainable (scale: exponential decay)
  2  could not tell, or could not run; the reason is on standard error

set NO_COLOR to switch colours off, WISHART_TRACEBACK=1 to see where an error comes from
"""
_EXAMPLES = {
    "": """  wishart demo --html report.html
  wishart check train.py:circuit --args "np.zeros((2, 4, 3))"
  wishart scale families.py:make_qnode --sizes 4,6,8 --args "np.zeros(n)"
  wishart quote train.py:circuit --args "w" --samples 200 --shots 1000
  wishart resume run.db train.py:circuit --args "w"
""",
    "check": """  wishart check train.py:circuit --args "np.zeros((2, 4, 3))"
  wishart check train.py:circuit --args "x, w" --html report.html
  wishart check train.py:circuit --args "w" --json - | jq .verdict
  wishart check train.py:circuit --args "w" --shots 5000 && python train.py
""",
    "demo": """  wishart demo
  wishart demo --samples 1000 --html report.html
""",
    "scale": """  wishart scale families.py:make_qnode --sizes 4,6,8 --args "np.zeros((2, n))"
  wishart scale families.py:make_qnode --sizes 4,5,6,7,8 --json study.json
      (families.py then defines args(n) beside make_qnode(n))
""",
    "quote": """  wishart quote train.py:circuit --args "w" --samples 200 --shots 1000
  wishart quote train.py:circuit --args "w" --shots 1000 --device default.mixed
""",
    "resume": """  wishart resume run.db train.py:circuit --args "w"
""",
}


# ---------------------------------------------------------------------- what the user names
def load(target: str):
    """Load ``FILE.py:NAME``; return the object and the module's namespace.

    Raises:
        InputError: if the file is missing, does not run, or has no such name.
    """
    path, _, name = target.rpartition(":")
    if not path or not name:
        raise InputError(f"{target!r}: give FILE.py:NAME.")
    file = Path(path)
    if not file.is_file():
        raise InputError(f"{path!r} does not exist.")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise InputError(f"{path!r} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(file.parent.resolve()))
    sys.modules.setdefault(file.stem, module)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as err:
        raise InputError(f"{path!r} does not run: {type(err).__name__}: {err}{_line(err, file)}") from err
    if not hasattr(module, name):
        raise InputError(f"{path!r} has no {name!r}; it has {sorted(n for n in vars(module) if n[0] != '_')}.")
    return getattr(module, name), vars(module)


def _line(err: BaseException, file: Path) -> str:
    """Where in the user's file an error came from."""
    lines = [f.lineno for f in traceback.extract_tb(err.__traceback__) if f.filename.endswith(file.name)]
    return f" (line {lines[-1]})" if lines and "line" not in str(err) else ""


def read_args(expression: str | None, namespace: dict) -> tuple:
    """Evaluate ``--args`` in the file's namespace, with ``np`` as PennyLane's numpy."""
    if not expression:
        return ()
    return _evaluate(expression, namespace)


def _evaluate(expression: str, namespace: dict) -> tuple:
    try:
        return eval(f"({expression},)", {**namespace, "np": qml.numpy, "qml": qml})  # noqa: S307
    except Exception as err:
        raise InputError(f"--args {expression!r} does not evaluate ({type(err).__name__}: {err}).") from err


def demo_circuit():
    """The built-in six-qubit circuit: rotations and CNOTs on a ring, one local observable."""
    n, layers = 6, 6

    @qml.qnode(qml.device("lightning.qubit", wires=n))
    def demo(weights):
        for layer in range(layers):
            for q in range(n):
                qml.RX(weights[layer, q, 0], q)
                qml.RZ(weights[layer, q, 1], q)
            for q in range(n):
                qml.CNOT([q, (q + 1) % n])
        return qml.expval(qml.Z(0))

    return demo, (qml.numpy.zeros((layers, n, 2), requires_grad=True),)


# ---------------------------------------------------------------------- what is written
def coloured(stream) -> bool:
    """Tell whether a stream is a terminal that wants colours."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _paint(text: str, diag: Diagnosis) -> str:
    verdict = {True: "32", False: "31", None: "33"}[diag.trainable]
    lines, hot = [], False
    for line in text.splitlines():
        if line in ("Verdict", "What to change"):
            line = f"\033[1m{line}\033[0m"
        elif re.match(r"(Trainable|Not trainable|Cannot tell)\b", line) or (hot and line[:1].strip()):
            line, hot = f"\033[{verdict}m{line}\033[0m", not line.endswith(".")
        lines.append(re.sub(r"\b(FAIL|DISAGREES|NO)\b", "\033[31m\\1\033[0m", line))
    return "\n".join(lines)


def _write_json(target: str, data: dict) -> None:
    text = json.dumps(plain(data), indent=None if target == "-" else 1, allow_nan=False)
    if target == "-":
        print(text)
        return
    try:
        Path(target).write_text(text + "\n", encoding="utf-8")
    except OSError as err:
        raise InputError(f"--json {target!r}: the file cannot be written ({err.strerror}).") from err


def _finish(diag: Diagnosis, options) -> int:
    if options.json != "-":
        print(_paint(str(diag), diag) if coloured(sys.stdout) else diag)
    if options.json:
        _write_json(options.json, diag.to_dict())
    if options.html:
        path = diag.save(options.html)
        print(f"wrote {path}", file=sys.stderr)
    return {True: 0, False: 1, None: 2}[diag.trainable]


# ---------------------------------------------------------------------- the commands
def _given(options, *names: str) -> dict:
    """Options that were given on the command line."""
    values = {name: getattr(options, name, None) for name in names}
    out = {name: value for name, value in values.items() if value is not None}
    if getattr(options, "quiet", False):
        out["progress"] = False
    return out


_DIAGNOSE = ("samples", "seed", "shots", "minima_tolerance", "output", "device")


def _check(options) -> int:
    qnode, namespace = load(options.target)
    args = read_args(options.args, namespace)
    return _finish(diagnose(qnode, **{**options_of(qnode), **_given(options, *_DIAGNOSE)})(*args), options)


def _demo(options) -> int:
    qnode, args = demo_circuit()
    return _finish(diagnose(qnode, **_given(options, *_DIAGNOSE))(*args), options)


def _scale(options) -> int:
    factory, namespace = load(options.target)
    try:
        sizes = [int(s) for s in options.sizes.split(",")]
    except ValueError:
        raise InputError(f"--sizes {options.sizes!r}: give whole numbers with commas, such as 4,6,8.") from None
    make = namespace.get("args")
    if options.args:
        make = lambda n: _evaluate(options.args, {**namespace, "n": n})  # noqa: E731
    if make is None:
        raise InputError('scale needs --args, an expression in n such as "np.zeros(n)", or args(n) in the file.')
    study = scaling(factory, sizes=sizes, args=make, **_given(options, "seed"))
    if options.json != "-":
        print(study)
    if options.json:
        _write_json(options.json, study.to_dict())
    return {"exponential": 1, "cannot tell": 2}.get(study.verdict, 0)


def _quote(options) -> int:
    qnode, namespace = load(options.target)
    args = read_args(options.args, namespace)
    found = _given(options, "samples", "shots", "device")
    found.pop("progress", None)
    print(quote(qnode, **found)(*args))
    return 0


def _resume(options) -> int:
    if not Path(options.store).is_file():
        raise InputError(f"{options.store!r} does not exist: there is nothing to resume.")
    qnode, namespace = load(options.target)
    args = read_args(options.args, namespace)
    print(resume(qnode, options.store, **_given(options, "device", "run"))(*args))
    return 0


# ---------------------------------------------------------------------- the command line
def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not positive")
    return value


def _seed(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is negative")
    return value


_positive.__name__, _seed.__name__ = "positive integer", "seed"  # argparse names the type in its messages


def _command(commands, name: str, function, text: str) -> argparse.ArgumentParser:
    sub = commands.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog=f"examples:\n{_EXAMPLES[name]}\n{_STATUS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    sub.set_defaults(function=function)
    if name == "resume":
        sub.add_argument("store", metavar="JOURNAL", help="journal file of the interrupted run")
    if name != "demo":
        sub.add_argument("target", metavar="FILE.py:NAME", help="where the QNode is" if name != "scale" else
                         "where make_qnode(n) is")  # fmt: skip
        sub.add_argument("--args", metavar="EXPR", help="arguments, a Python expression in the names of the file, np "
                         "and qml" + (" and n" if name == "scale" else ""))  # fmt: skip
    if name != "quote":
        sub.add_argument("--quiet", action="store_true", help="no progress bar")
    return sub


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wishart",
        description="Will this QNode train, how well, and why?",
        epilog=f"examples:\n{_EXAMPLES['']}\n{_STATUS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, function, text in (
        ("check", _check, "diagnose a QNode"),
        ("demo", _demo, "diagnose a built-in six-qubit circuit"),
    ):
        sub = _command(commands, name, function, text)
        sub.add_argument("--samples", type=_positive, help="random angle sets to measure (300)")
        sub.add_argument("--seed", type=_seed, help="seed of everything sampled (7)")
        sub.add_argument("--shots", type=float, help="shots per gradient that you are ready to pay (1000)")
        sub.add_argument("--minima-tolerance", type=float, help="allowed height of the median minimum (0.1)")
        if name == "check":
            sub.add_argument("--output", type=int, help="which of several expectation values")
            sub.add_argument("--device", metavar="NAME", help="measure here instead of on the QNode's device")
        sub.add_argument("--html", metavar="FILE", help="write the report as one page")
        sub.add_argument("--json", metavar="FILE", help="write JSON; - for standard output")
    sub = _command(commands, "scale", _scale, "study gradients over a family of sizes")
    sub.add_argument("--sizes", required=True, help="numbers of qubits, for instance 4,6,8")
    sub.add_argument("--seed", type=_seed, help="seed of everything sampled (7)")
    sub.add_argument("--json", metavar="FILE", help="write JSON; - for standard output")
    sub = _command(commands, "quote", _quote, "count circuits, executions and shots of a measurement before it runs")
    sub.add_argument("--samples", type=_positive, help="random angle sets (500)")
    sub.add_argument("--shots", type=_positive, help="shots per circuit (1000)")
    sub.add_argument("--device", metavar="NAME", help="instead of the QNode's device")
    sub = _command(commands, "resume", _resume, "finish an interrupted measurement from its journal")
    sub.add_argument("--run", type=int, help="which run of the journal; the latest of this circuit")
    sub.add_argument("--device", metavar="NAME", help="instead of the QNode's device")
    return parser


def _show_warning(message, category, filename, lineno, file=None, line=None) -> None:
    print(f"wishart: {category.__name__}: {message}", file=sys.stderr)


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    options = _parser().parse_args(argv)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = _show_warning
        try:
            return options.function(options)
        except KeyboardInterrupt:
            print("wishart: interrupted.", file=sys.stderr)
            return 130
        except Exception as err:
            if os.environ.get("WISHART_TRACEBACK"):
                traceback.print_exc()
            kind = "" if isinstance(err, WishartError) else f"{type(err).__name__}: "
            print(f"wishart: {kind}{err}", file=sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main())
