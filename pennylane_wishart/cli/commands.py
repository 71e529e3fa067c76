"""The ``wishart`` command: check, demo, scale, quote, resume.

Exit status: 0 trainable, 1 not trainable, 2 could not tell or could not run, 130 interrupted.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import sys
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import pennylane as qml

from pennylane_wishart.cli.loading import evaluate, load, read_args, what_came
from pennylane_wishart.cli.streams import flush, say, users_prints_aside, write_out
from pennylane_wishart.conventions import diagnosis as limits
from pennylane_wishart.conventions import levels, outlook
from pennylane_wishart.diagnosis import Diagnosis, diagnose, options_of
from pennylane_wishart.errors import InputError, MeasurementInterrupted, WishartError
from pennylane_wishart.families import scaling
from pennylane_wishart.measurement import quote, resume
from pennylane_wishart.report import Ink, Painter, check_target, plain, write_text

__all__ = ["coloured", "main"]

_STATUS = """exit status:
  0  trainable (scale: no exponential decay; quote, resume: done)
  1  not trainable (scale: exponential decay)
  2  could not tell, or could not run; the reason is on standard error
  130  interrupted (Ctrl-C)

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


def demo_circuit() -> tuple[qml.QNode, tuple[Any, ...]]:
    """The built-in six-qubit circuit: rotations and CNOTs on a ring, one local observable."""
    n, layers = 6, 6

    def demo(weights: Any) -> Any:
        for layer in range(layers):
            for q in range(n):
                qml.RX(weights[layer, q, 0], q)
                qml.RZ(weights[layer, q, 1], q)
            for q in range(n):
                qml.CNOT([q, (q + 1) % n])
        return qml.expval(qml.Z(0))

    return qml.QNode(demo, qml.device("lightning.qubit", wires=n)), (
        qml.numpy.zeros((layers, n, 2), requires_grad=True),
    )


# ---------------------------------------------------------------------- what is written
def coloured(stream: TextIO) -> bool:
    """Tell whether a stream is a terminal that wants colours."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


_COLOURS = {0: 32, 1: 31, 2: 33}
"""ANSI colours of the exit statuses: green, red, yellow."""


def _painter(status: int) -> Painter:
    codes = {Ink.HEADING: 1, Ink.JUDGEMENT: _COLOURS[status], Ink.ALARM: _COLOURS[1]}
    return lambda text, ink: f"\033[{codes[ink]}m{text}\033[0m"


@dataclass(frozen=True)
class Outcome:
    """What a command found, before any of it is written."""

    status: int
    text: str
    data: dict[str, Any] | None = None
    """For ``--json``."""
    diagnosis: Diagnosis | None = None


def _check_targets(options: argparse.Namespace) -> None:
    """Find out before the work what cannot be written after it."""
    json_file, page = getattr(options, "json", None), getattr(options, "html", None)
    if json_file not in (None, "-"):
        check_target(json_file, f"--json {json_file!r}")
    if page is not None:
        check_target(page, f"--html {page!r}", report=True)


def _deliver(found: Outcome, options: argparse.Namespace) -> int:
    json_file, page = getattr(options, "json", None), getattr(options, "html", None)
    if json_file == "-":  # one document and nothing else, for whoever reads the pipe
        write_out(json.dumps(plain(found.data), allow_nan=False))
    else:
        diag = found.diagnosis if coloured(sys.stdout) else None
        write_out(found.text if diag is None else diag.to_text(_painter(found.status)))
        if json_file is not None:
            text = json.dumps(plain(found.data), indent=1, allow_nan=False) + "\n"
            write_text(json_file, text, f"--json {json_file!r}")
    if page is not None and found.diagnosis is not None:
        say(f"wrote {found.diagnosis.save(page)}")
    return found.status


# ---------------------------------------------------------------------- the commands
def _given(options: argparse.Namespace, *names: str) -> dict[str, Any]:
    """Options that were given on the command line."""
    values = {name: getattr(options, name, None) for name in names}
    out = {name: value for name, value in values.items() if value is not None}
    if getattr(options, "quiet", False):
        out["progress"] = False
    return out


_DIAGNOSE = (
    "samples",
    "seed",
    "shots",
    "minima_tolerance",
    "tolerance",
    "sense",
    "starts",
    "descent_budget",
    "output",
    "device",
)


def _check(options: argparse.Namespace) -> Outcome:
    qnode, namespace = load(options.target)
    args = read_args(options.args, namespace)
    return _judged(diagnose(qnode, **{**options_of(qnode), **_given(options, *_DIAGNOSE)})(*args), options.profile)


def _demo(options: argparse.Namespace) -> Outcome:
    qnode, args = demo_circuit()
    return _judged(diagnose(qnode, **_given(options, *_DIAGNOSE))(*args), options.profile)


def _judged(diag: Diagnosis, profile: bool) -> Outcome:
    if profile:
        width = max(map(len, diag.timings))
        for step, seconds in (*diag.timings.items(), ("in all", sum(diag.timings.values()))):
            say(f"{step:<{width}} {seconds:8.2f} s of the processor")
    return Outcome({True: 0, False: 1, None: 2}[diag.trainable], str(diag), diag.to_dict(), diag)


def _args_at(expression: str, namespace: dict[str, Any], n: int) -> tuple[Any, ...]:
    return evaluate(expression, {**namespace, "n": n})


def _scale(options: argparse.Namespace) -> Outcome:
    try:
        sizes = [int(s) for s in options.sizes.split(",")]
    except ValueError:
        raise InputError(f"--sizes {options.sizes!r}: give whole numbers with commas, such as 4,6,8.") from None
    factory, namespace = load(options.target)
    make = functools.partial(_args_at, options.args, namespace) if options.args else namespace.get("args")
    if make is None:
        raise InputError('scale needs --args, an expression in n such as "np.zeros(n)", or args(n) in the file.')
    study = scaling(factory, sizes=sizes, args=make, **_given(options, "seed"))
    return Outcome({True: 1, False: 0, None: 2}[study.plateau], str(study), study.to_dict())


def _quote(options: argparse.Namespace) -> Outcome:
    qnode, namespace = load(options.target)
    args = read_args(options.args, namespace)
    found = _given(options, "samples", "shots", "device")
    found.pop("progress", None)  # counting shows no bar
    return Outcome(0, str(quote(qnode, **found)(*args)))


def _resume(options: argparse.Namespace) -> Outcome:
    if not Path(options.store).is_file():
        raise InputError(f"{options.store!r} does not exist: there is nothing to resume.")
    qnode, namespace = load(options.target)
    args = read_args(options.args, namespace)
    return Outcome(0, str(resume(qnode, options.store, **_given(options, "device", "run"))(*args)))


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


def _command(
    commands: Any, name: str, function: Callable[[argparse.Namespace], Outcome], text: str
) -> argparse.ArgumentParser:
    sub: argparse.ArgumentParser = commands.add_parser(
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
        sub.add_argument("--samples", type=_positive, help=f"random angle sets to measure ({limits.SAMPLES})")
        sub.add_argument("--seed", type=_seed, help="seed of everything sampled (7)")
        sub.add_argument("--shots", type=float, help="shots per gradient that you are ready to pay (the device's)")
        shown = f"how far descents may end above the best one ({levels.TRAP_TOLERANCE:g})"
        sub.add_argument("--minima-tolerance", type=float, help=shown)
        sub.add_argument("--tolerance", type=float, help="the same in the observable's units")
        sub.add_argument("--sense", choices=("min", "max"), help="whether the loss is to become small or large")
        sub.add_argument("--starts", type=int, help=f"descents at first ({outlook.STARTS})")
        shown = f"seconds that descents may take ({outlook.BUDGET:g}); 0: none"
        sub.add_argument("--descent-budget", type=float, help=shown)
        if name == "check":
            sub.add_argument("--output", type=int, help="which of several expectation values")
            sub.add_argument("--device", metavar="NAME", help="measure here instead of on the QNode's device")
        sub.add_argument("--profile", action="store_true", help="write the seconds of each step to standard error")
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


def _show_warning(message: Warning | str, category: type[Warning], *_where: Any, **_line: Any) -> None:
    say(f"wishart: {category.__name__}: {message}")


def _read(argv: list[str] | None) -> argparse.Namespace:
    try:
        return _parser().parse_args(argv)
    except SystemExit:  # usage and help
        flush()
        raise


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    options = _read(argv)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = _show_warning
        try:
            # minutes of work must not end at a folder that does not exist
            _check_targets(options)
            with users_prints_aside():
                found = options.function(options)
            return _deliver(found, options)
        except BaseException as err:  # the user's code may raise anything; an exit status is a verdict, or 2
            if os.environ.get("WISHART_TRACEBACK"):
                say(traceback.format_exc().rstrip())
            if _is_interrupt(err):
                kept = f" {err}" if isinstance(err, MeasurementInterrupted) else ""
                say(f"wishart: interrupted.{kept}")
                return 130
            say(f"wishart: {err if isinstance(err, WishartError) else what_came(err)}")
            return 2


def _is_interrupt(err: BaseException | None) -> bool:
    """Tell whether Ctrl-C is behind an error: a measurement that is stopped keeps what it has and says so."""
    while err is not None:
        if isinstance(err, KeyboardInterrupt):
            return True
        err = err.__cause__
    return False
