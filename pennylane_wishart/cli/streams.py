"""Standard output belongs to the report: what the user's code prints goes to standard error.

A reader that went away (``| head``) changes nothing about the verdict; a full disk behind standard
output does, because the report is lost.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TextIO

from pennylane_wishart.cli.spelling import encodable
from pennylane_wishart.errors import InputError

__all__ = ["coloured", "flush", "say", "users_prints_aside", "write_out"]


def coloured(stream: TextIO) -> bool:
    """Tell whether a stream is a terminal that wants colours."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def write_out(text: str) -> None:
    """Write a line to standard output; in silence where nobody reads it any more.

    Raises:
        InputError: where it cannot be written for another reason.
    """
    err = _put(sys.stdout, text)
    # who closed the pipe has read enough; anything else has lost the report
    if err is not None and not isinstance(err, BrokenPipeError):
        raise InputError(f"The report cannot be written to standard output ({err.strerror}).") from err


def say(text: str) -> None:
    """Write a line to standard error, if anybody can read it."""
    _put(sys.stderr, text)


def _put(stream: TextIO, text: str) -> OSError | None:
    """Write a line, in letters that the stream has; return what went wrong."""
    try:
        stream.write(encodable(text, getattr(stream, "encoding", None)) + "\n")
        stream.flush()
    except OSError as err:
        _to_nowhere(stream)
        return err
    return None


def flush() -> None:
    """Write out what argparse printed, which Python would otherwise do at its end, and complain."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            _to_nowhere(stream)


def _to_nowhere(stream: TextIO) -> None:
    """Let what is still in the buffer go: Python would try it again at its end, and exit with 120."""
    with contextlib.suppress(OSError, ValueError):  # no file behind it: then there is no buffer either
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


@contextlib.contextmanager
def users_prints_aside() -> Iterator[None]:
    """Send to standard error whatever is printed meanwhile, also by libraries and child processes."""
    real = _descriptors()
    if real is None:
        with contextlib.redirect_stdout(sys.stderr):
            yield
        return
    flush()
    # the descriptor itself: libraries in C and child processes know nothing of sys.stdout
    kept = os.dup(real[0])
    os.dup2(real[1], real[0])
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        flush()  # while what was printed past the redirection still goes to standard error
        os.dup2(kept, real[0])
        os.close(kept)


def _descriptors() -> tuple[int, int] | None:
    """Those of standard output and error, where these are the process's own and not somebody's capture."""
    out, err = sys.__stdout__, sys.__stderr__
    if out is None or err is None or sys.stdout is not out or sys.stderr is not err:
        return None
    try:
        return out.fileno(), err.fileno()
    except (OSError, ValueError):  # no file behind them
        return None
