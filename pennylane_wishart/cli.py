"""The ``wishart`` command: check, demo, scale, quote, resume.

Exit status: 0 trainable, 1 not trainable, 2 could not tell or could not run.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import warnings
from pathlib import Path

import pennylane as qml

from pennylane_wishart.diagnosis import Diagnosis, diagnose, options_of
from pennylane_wishart.errors import InputError, WishartError
from pennylane_wishart.families import scaling
from pennylane_wishart.measurement import measure, quote

__all__ = ["main"]

_EXAMPLES = """examples:
  wishart check train.py:circuit --args "np.zeros((2, 4, 3))"
  wishart check train.py:circuit --args "x, w" --html report.html --json -
  wishart scale families.py:make_qnode --sizes 4,6,8
  wishart quote train.py:circuit --args "w" --samples 200 --shots 1000
  wishart resume run.db train.py:circuit --args "w"
  wishart demo --html report.html

exit status: 0 trainable, 1 not trainable, 2 could not tell or could not run
"""


def load(target: str):
    """Load ``FILE.py:NAME``; return the object and the module's namespace."""
    path, _, name = target.rpartition(":")
    if not path or not name:
        raise InputError(f"{target!r}: give FILE.py:NAME.")
    file = Path(path)
    if not file.exists():
        raise InputError(f"{path!r} does not exist.")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise InputError(f"{path!r} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(file.parent.resolve()))
    sys.modules.setdefault(file.stem, module)
    spec.loader.exec_module(module)
    if not hasattr(module, name):
        raise InputError(f"{path!r} has no {name!r}; it has {sorted(n for n in vars(module) if n[0] != '_')}.")
    return getattr(module, name), vars(module)


def read_args(expression: str | None, namespace: dict) -> tuple:
    """Evaluate ``--args`` in the file's namespace, with ``np`` as PennyLane's numpy."""
    if not expression:
        return ()
    try:
        value = eval(f"({expression},)", {**namespace, "np": qml.numpy, "qml": qml})  # noqa: S307
    except Exception as err:
        raise InputError(f"--args {expression!r} does not evaluate ({type(err).__name__}: {err}).") from err
    return value


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


def _finish(diag: Diagnosis, options) -> int:
    if options.json == "-":
        print(json.dumps(diag.to_dict(), allow_nan=False))
    else:
        print(_coloured(str(diag), diag) if sys.stdout.isatty() else diag)
        if options.json:
            diag.save(options.json)
    if options.html:
        path = diag.save(options.html)
        print(f"wrote {path}", file=sys.stderr)
    return {True: 0, False: 1, None: 2}[diag.trainable]


def _coloured(text: str, diag: Diagnosis) -> str:
    code = {True: "32", False: "31", None: "33"}[diag.trainable]
    return text.replace(diag.headline, f"\033[{code}m{diag.headline}\033[0m", 1)


def _diagnose_options(options, qnode) -> dict:
    out = options_of(qnode)
    for name in ("samples", "seed", "shots", "minima_tolerance", "output"):
        value = getattr(options, name, None)
        if value is not None:
            out[name] = value
    return out


def _check(options) -> int:
    qnode, namespace = load(options.target)
    args = read_args(options.args, namespace)
    return _finish(diagnose(qnode, **_diagnose_options(options, qnode))(*args), options)


def _demo(options) -> int:
    qnode, args = demo_circuit()
    return _finish(diagnose(qnode, **_diagnose_options(options, qnode))(*args), options)


def _scale(options) -> int:
    factory, namespace = load(options.target)
    sizes = [int(s) for s in options.sizes.split(",")]
    make = namespace.get("args")
    if options.args:
        code = compile(f"({options.args},)", "--args", "eval")
        make = lambda n: eval(code, {**namespace, "np": qml.numpy, "n": n})  # noqa: E731, S307
    if make is None:
        raise InputError("scale needs --args as an expression in n, or a function args(n) in the file.")
    study = scaling(factory, sizes=sizes, args=make, seed=options.seed or 7)
    print(json.dumps(study.to_dict()) if options.json == "-" else study)
    return {"exponential": 1, "cannot tell": 2}.get(study.verdict, 0)


def _quote(options) -> int:
    qnode, namespace = load(options.target)
    args = read_args(options.args, namespace)
    result = quote(qnode, samples=options.samples or 500, shots=int(options.shots or 1000))(*args)
    print(result)
    return 0


def _resume(options) -> int:
    if not Path(options.store).exists():
        raise InputError(f"{options.store!r} does not exist: there is nothing to resume.")
    qnode, namespace = load(options.target)
    args = read_args(options.args, namespace)
    data = measure(
        qnode,
        samples=options.samples or 500,
        seed=options.seed or 7,
        shots=int(options.shots) if options.shots else None,
        store=options.store,
    )(*args)
    print(data)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wishart",
        description="Will this QNode train, how well, and why?",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name, function, text, target=True):
        sub = commands.add_parser(name, help=text, description=text, epilog=_EXAMPLES,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
        sub.set_defaults(function=function)
        if name == "resume":
            sub.add_argument("store", help="journal file of the interrupted run")
        if target:
            sub.add_argument("target", metavar="FILE.py:NAME")
            sub.add_argument("--args", help="arguments of the QNode, a Python expression")
        sub.add_argument("--samples", type=int)
        sub.add_argument("--seed", type=int)
        sub.add_argument("--shots", type=float)
        return sub

    for name, function, text in (
        ("check", _check, "diagnose a QNode"),
        ("demo", _demo, "diagnose a built-in six-qubit circuit"),
    ):
        sub = command(name, function, text, target=name == "check")
        sub.add_argument("--minima-tolerance", type=float)
        sub.add_argument("--output", type=int, help="which of several expectation values")
        sub.add_argument("--html", metavar="FILE", help="write the report as one page")
        sub.add_argument("--json", metavar="FILE", help="write JSON; - for standard output")
    sub = command("scale", _scale, "study gradients over a family of sizes")
    sub.add_argument("--sizes", required=True, help="for instance 4,6,8")
    sub.add_argument("--json", metavar="FILE")
    command("quote", _quote, "circuits, executions and shots of a measurement, before it runs")
    command("resume", _resume, "finish an interrupted measurement from its journal")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    options = _parser().parse_args(argv)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        try:
            return options.function(options)
        except WishartError as err:
            print(f"wishart: {err}", file=sys.stderr)
            return 2
        except Exception as err:
            print(f"wishart: {type(err).__name__}: {err}", file=sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main())
