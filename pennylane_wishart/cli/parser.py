"""What the ``wishart`` command understands. Imports nothing that computes: help comes at once."""

from __future__ import annotations

import argparse
from typing import Any

from pennylane_wishart import __version__
from pennylane_wishart.cli.completion import SHELLS, script
from pennylane_wishart.cli.streams import flush, write_out
from pennylane_wishart.conventions import diagnosis as limits
from pennylane_wishart.conventions import levels, outlook

__all__ = ["read"]

_STATUS = """exit status:
  0  trainable (--cost: nothing wrong; scale: no exponential decay; quote, resume: done)
  1  not trainable (--cost: its gradient is lost; scale: exponential decay)
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
  wishart check train.py:cost --cost --args "w"
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
_COMPLETION = """  eval "$(wishart completion bash)"     in ~/.bashrc
  eval "$(wishart completion zsh)"      in ~/.zshrc, after compinit
  wishart completion fish > ~/.config/fish/completions/wishart.fish
"""


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


def _command(commands: Any, name: str, text: str) -> argparse.ArgumentParser:
    sub: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog=f"examples:\n{_EXAMPLES[name]}\n{_STATUS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if name == "resume":
        sub.add_argument("store", metavar="JOURNAL", help="journal file of the interrupted run")
    if name != "demo":
        sub.add_argument("target", metavar="FILE.py:NAME", help="where the QNode is" if name != "scale" else
                         "where make_qnode(n) is")  # fmt: skip
        sub.add_argument("--args", metavar="EXPR", help="arguments, a Python expression in the names of the file, np "
                         "and qml" + (" and n" if name == "scale" else ""))  # fmt: skip
    sub.add_argument("--quiet", action="store_true", help="no progress bar")
    return sub


def _reading(sub: argparse.ArgumentParser) -> None:
    """What of the QNode is read, and for which angles."""
    sub.add_argument("--argnums", metavar="LIST", help="arguments that are trained, by position or name: 1 or x,w")
    sub.add_argument("--output", type=int, help="which of several expectation values")
    sub.add_argument(
        "--encoding", choices=("fixed", "random"), help="data at the values of --args, or at random angles"
    )
    sub.add_argument("--noise", metavar="NAME", help="a qml.NoiseModel of the file: also under its noise")
    sub.add_argument("--angles", metavar="LAW", help="law of the random angles: uniform, small, or an expression such "
                     "as \"('normal', 0.1)\"")  # fmt: skip


def _family(sub: argparse.ArgumentParser) -> None:
    """The same circuit at other sizes."""
    sub.add_argument("--family", metavar="NAME", help="make_qnode(n) of the file: assess how gradients scale with n")
    sub.add_argument(
        "--family-args", metavar="EXPR", help="its arguments, an expression in n; args(n) of the file else"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wishart",
        description="Will this QNode train, how well, and why?",
        epilog=f"examples:\n{_EXAMPLES['']}\n{_STATUS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"wishart {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in (("check", "diagnose a QNode"), ("demo", "diagnose a built-in six-qubit circuit")):
        sub = _command(commands, name, text)
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
        shown = f"seconds that remedies may take to be tried ({outlook.REMEDY_BUDGET:g}); 0: none"
        sub.add_argument("--remedy-budget", type=float, help=shown)
        if name == "check":
            _reading(sub)
            sub.add_argument("--at", metavar="EXPR", help="look at this point as well: the trainable arguments")
            _family(sub)
            sub.add_argument("--device", metavar="NAME", help="measure here instead of on the QNode's device")
            sub.add_argument("--cost", action="store_true", help="NAME is a cost made of QNodes, or a torch module: "
                             "find where its gradient is lost")  # fmt: skip
        sub.add_argument(
            "--details", action="store_true", help="print every number, not only what is behind the verdict"
        )
        sub.add_argument("--profile", action="store_true", help="write the seconds of each step to standard error")
        sub.add_argument("--html", metavar="FILE", help="write the report as one page")
        sub.add_argument("--json", metavar="FILE", help="write JSON; - for standard output")
    sub = _command(commands, "scale", "study gradients over a family of sizes")
    sub.add_argument("--sizes", required=True, help="numbers of qubits, for instance 4,6,8")
    sub.add_argument("--seed", type=_seed, help="seed of everything sampled (7)")
    sub.add_argument("--json", metavar="FILE", help="write JSON; - for standard output")
    sub = _command(commands, "quote", "count circuits, executions and shots of a measurement before it runs")
    sub.add_argument("--samples", type=_positive, help="random angle sets (500)")
    sub.add_argument("--shots", type=_positive, help="shots per circuit (1000)")
    sub.add_argument("--device", metavar="NAME", help="instead of the QNode's device")
    sub = _command(commands, "resume", "finish an interrupted measurement from its journal")
    sub.add_argument("--run", type=int, help="which run of the journal; the latest of this circuit")
    sub.add_argument("--device", metavar="NAME", help="instead of the QNode's device")
    sub = commands.add_parser(
        "completion",
        help="print what completes this command in a shell",
        epilog=f"examples:\n{_COMPLETION}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    sub.add_argument("shell", choices=SHELLS)
    return parser


def read(argv: list[str] | None) -> argparse.Namespace | None:
    """Return what was asked; None where it has been answered here (completion).

    Raises:
        SystemExit: for a usage error, --help and --version, as argparse does.
    """
    parser = _parser()
    try:
        found = parser.parse_args(argv)
    except SystemExit:  # usage and help
        flush()
        raise
    if found.command != "completion":
        return found
    write_out(script(found.shell, parser))
    return None
