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
from typing import Any

import pennylane as qml

from pennylane_wishart.cli.loading import evaluate, load, read_args, what_came
from pennylane_wishart.cli.streams import coloured, say, users_prints_aside, write_out
from pennylane_wishart.conventions import CostCause
from pennylane_wishart.costs import CostDiagnosis, diagnose_cost
from pennylane_wishart.diagnosis import Diagnosis, diagnose, options_of
from pennylane_wishart.errors import InputError, MeasurementInterrupted, WishartError
from pennylane_wishart.families import scaling
from pennylane_wishart.measurement import quote, resume
from pennylane_wishart.report import Ink, Painter, check_target, plain, write_text

__all__ = ["demo_circuit", "run"]


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
_MORE = "More: --details, or --html report.html."
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
    """Nothing where ``diagnosis`` has a report of its own."""
    data: dict[str, Any] | None = None
    """For ``--json``."""
    diagnosis: Diagnosis | CostDiagnosis | None = None


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
        write_out(found.text or _report(found, options))
        if json_file is not None:
            text = json.dumps(plain(found.data), indent=1, allow_nan=False) + "\n"
            write_text(json_file, text, f"--json {json_file!r}")
    if page is not None and found.diagnosis is not None:
        say(f"wrote {found.diagnosis.save(page)}")
    if options.command == "demo" and not options.quiet:
        say('Next: wishart check train.py:circuit --args "weights" --html report.html, or the notebooks of demos/.')
    return found.status


def _report(found: Outcome, options: argparse.Namespace) -> str:
    if found.diagnosis is None:
        return ""
    how: dict[str, Any] = {"paint": _painter(found.status)} if coloured(sys.stdout) else {}
    return found.diagnosis.to_text(**how, details=options.details, more=_MORE)


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
    "remedy_budget",
    "output",
    "device",
    "encoding",
)
_COST = ("samples", "seed")
_FROM_FILE = ("family", "noise")
"""Options that name an object of the user's file."""


def _check(options: argparse.Namespace) -> Outcome:
    qnode, namespace = load(options.target)
    args = read_args(options.args, namespace)
    if options.cost:
        return _cost(qnode, args, options, namespace)
    asked = {**options_of(qnode), **_given(options, *_DIAGNOSE), **_evaluated(options, namespace)}
    return _judged(diagnose(qnode, **asked)(*args), options)


def _cost(cost: Any, args: tuple[Any, ...], options: argparse.Namespace, namespace: dict[str, Any]) -> Outcome:
    for name in (*_DIAGNOSE, *_FROM_FILE, "at", "profile"):
        if name not in _COST and getattr(options, name):
            raise InputError(f"--{name.replace('_', '-')} is asked of a QNode: leave it out with --cost.")
    found = diagnose_cost(cost, **_given(options, *_COST), **_evaluated(options, namespace))(*args)
    return Outcome(int(found.cause is not CostCause.NOTHING), "", found.to_dict(), found)


def _evaluated(options: argparse.Namespace, namespace: dict[str, Any]) -> dict[str, Any]:
    """Options that are no plain numbers: names of the file, names of arguments, laws."""
    found: dict[str, Any] = {}
    for name in _FROM_FILE:
        wanted = getattr(options, name, None)
        if wanted is not None:
            if wanted not in namespace:
                raise InputError(f"--{name} {wanted!r}: {options.target.rpartition(':')[0]!r} has no such name.")
            found[name] = namespace[wanted]
    if options.family is not None:
        found["family_args"] = _size_args(options.family_args, namespace, "--family needs --family-args")
    if options.argnums is not None:
        found["argnums"] = [int(a) if a.strip().isdigit() else a.strip() for a in options.argnums.split(",")]
    if options.at is not None:
        point = evaluate(options.at, namespace, "--at")
        found["at"] = point if len(point) > 1 else point[0]
    if options.angles is not None:
        # a plain word is a law's name, anything else an expression
        plain = options.angles.isidentifier()
        found["angles"] = options.angles if plain else evaluate(options.angles, namespace, "--angles")[0]
    return found


def _demo(options: argparse.Namespace) -> Outcome:
    qnode, args = demo_circuit()
    return _judged(diagnose(qnode, **_given(options, *_DIAGNOSE))(*args), options)


def _judged(diag: Diagnosis, options: argparse.Namespace) -> Outcome:
    if options.profile:
        width = max(map(len, diag.timings))
        for step, seconds in (*diag.timings.items(), ("in all", sum(diag.timings.values()))):
            say(f"{step:<{width}} {seconds:8.2f} s of the processor")
    return Outcome({True: 0, False: 1, None: 2}[diag.trainable], "", diag.to_dict(), diag)


def _size_args(expression: str | None, namespace: dict[str, Any], needs: str) -> Callable[..., Any]:
    """The arguments of a circuit of n qubits: an expression in n, or args(n) of the file."""
    make = functools.partial(_args_at, expression, namespace) if expression else namespace.get("args")
    if make is None:
        raise InputError(f'{needs}, an expression in n such as "np.zeros(n)", or args(n) in the file.')
    return make


def _args_at(expression: str, namespace: dict[str, Any], n: int) -> tuple[Any, ...]:
    return evaluate(expression, {**namespace, "n": n})


def _scale(options: argparse.Namespace) -> Outcome:
    try:
        sizes = [int(s) for s in options.sizes.split(",")]
    except ValueError:
        raise InputError(f"--sizes {options.sizes!r}: give whole numbers with commas, such as 4,6,8.") from None
    factory, namespace = load(options.target)
    make = _size_args(options.args, namespace, "scale needs --args")
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


_COMMANDS: dict[str, Callable[[argparse.Namespace], Outcome]] = {
    "check": _check,
    "demo": _demo,
    "scale": _scale,
    "quote": _quote,
    "resume": _resume,
}


# ---------------------------------------------------------------------- running one
def _show_warning(message: Warning | str, category: type[Warning], *_where: Any, **_line: Any) -> None:
    say(f"wishart: {category.__name__}: {message}")


def run(options: argparse.Namespace) -> int:
    """Run one command; return the exit status."""
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = _show_warning
        try:
            # minutes of work must not end at a folder that does not exist
            _check_targets(options)
            with users_prints_aside():
                found = _COMMANDS[options.command](options)
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
