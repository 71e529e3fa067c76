"""A progress bar where someone is watching, nothing elsewhere."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar

__all__ = ["asked", "progress_bar", "step_bar"]

_ASKED: ContextVar[bool | None] = ContextVar("progress", default=None)

_PATIENCE = 1.0
"""Seconds that a call may take before a bar appears unasked."""


class _Silent:
    def update(self, n: int = 1):
        """Do nothing."""

    def set_description(self, what: str):
        """Do nothing."""

    def close(self):
        """Do nothing."""


def progress_bar(progress: bool | None, total: int, done: int, what: str, unit: str = "sample"):
    """Return a tqdm bar, or a silent stand-in.

    Args:
        progress: True or False; None: only in a terminal or notebook, with tqdm installed, and only for
            what takes longer than a second.
        total, done: how many units there are, and how many were done before.
        what: what is going on, left of the bar.
        unit: what is counted.
    """
    delay = 0.0
    progress = _ASKED.get() if progress is None else progress
    if progress is None:
        progress = "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())
        delay = _PATIENCE
    if progress:
        try:
            from tqdm.auto import tqdm
        except ImportError:
            return _Silent()
        return tqdm(total=total, initial=done, desc=what, unit=unit, leave=False, delay=delay)
    return _Silent()


@contextlib.contextmanager
def asked(progress: bool | None) -> Iterator[None]:
    """Let what was asked of a call hold for everything below it that was asked nothing."""
    token = _ASKED.set(_ASKED.get() if progress is None else progress)
    try:
        yield
    finally:
        _ASKED.reset(token)


@contextlib.contextmanager
def step_bar(progress: bool | None, total: int, first: str) -> Iterator[Callable[[str], None]]:
    """Show a bar over named steps; call the value with the name of the next step."""
    bar = progress_bar(progress, total, 0, first, unit="step")

    def step(what: str) -> None:
        bar.update(1)
        bar.set_description(what)

    try:
        yield step
    finally:
        bar.close()
