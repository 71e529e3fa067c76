"""What the user names on the command line: an object in a file, and an expression in its names.

Both run the user's code, which may do anything: also end the program. An exit status is a verdict here,
so nothing of theirs ends it, except Ctrl-C.
"""

from __future__ import annotations

import importlib.util
import sys
import traceback
from pathlib import Path
from typing import Any

from pennylane_wishart.errors import InputError

__all__ = ["evaluate", "load", "read_args", "what_came"]


def load(target: str) -> tuple[Any, dict[str, Any]]:
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
    # as if it were run: its neighbours can be imported, and pickled functions find their module
    sys.path.insert(0, str(file.parent.resolve()))
    sys.modules.setdefault(file.stem, module)
    try:
        spec.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as err:
        raise InputError(f"{path!r} does not run: {what_came(err)}{_line(err, file)}") from err
    if not hasattr(module, name):
        raise InputError(f"{path!r} has no {name!r}; it has {sorted(n for n in vars(module) if n[0] != '_')}.")
    return getattr(module, name), vars(module)


def _line(err: BaseException, file: Path) -> str:
    """Where in the user's file an error came from."""
    lines = [f.lineno for f in traceback.extract_tb(err.__traceback__) if f.filename.endswith(file.name)]
    # a SyntaxError says its own line, which is not one that was run
    return f" (line {lines[-1]})" if lines and not isinstance(err, SyntaxError) else ""


def what_came(err: BaseException) -> str:
    """Name an exception: "SystemExit: 0", "ValueError: …"."""
    return f"{type(err).__name__}: {err}"


def read_args(expression: str | None, namespace: dict[str, Any]) -> tuple[Any, ...]:
    """Evaluate ``--args`` in the file's namespace, with ``np`` as PennyLane's numpy."""
    if not expression:
        return ()
    return evaluate(expression, namespace)


def evaluate(expression: str, namespace: dict[str, Any], option: str = "--args") -> tuple[Any, ...]:
    """Evaluate a list of arguments.

    Raises:
        InputError: whatever the expression raises, the end of the program included.
    """
    import pennylane as qml  # seconds, which help need not wait for

    try:
        # the user's own shell command, in the user's own names: evaluating it is what was asked
        found: tuple[Any, ...] = eval(f"({expression},)", {**namespace, "np": qml.numpy, "qml": qml})  # noqa: S307
        return found
    except KeyboardInterrupt:
        raise
    except BaseException as err:
        raise InputError(f"{option} {expression!r} does not evaluate ({what_came(err)}).") from err
