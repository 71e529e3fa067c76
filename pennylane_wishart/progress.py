"""A progress bar where someone is watching, nothing elsewhere."""

from __future__ import annotations

import contextlib
import importlib.util
import math
import sys
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Protocol

from pennylane_wishart.conventions import display

__all__ = ["asked", "progress_bar", "step_bar"]

_ASKED: ContextVar[bool | None] = ContextVar("progress", default=None)


class Bar(Protocol):
    """What is used of a tqdm bar."""

    def update(self, n: int = 1) -> object:
        """Count further units."""

    def set_description(self, what: str) -> object:
        """Say what is going on."""

    def close(self) -> object:
        """Take the bar away."""


class _Silent:
    def update(self, n: int = 1) -> None:
        """Do nothing."""

    def set_description(self, what: str) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class _Late:
    """A bar that is made when it has been waited for: what ends before shows nothing and leaves nothing."""

    def __init__(self, make: Callable[[int, str], Bar], done: int, what: str, delay: float):
        self._make, self._done, self._what = make, done, what
        self._from = time.monotonic() + delay
        self._bar: Bar | None = None

    def update(self, n: int = 1) -> None:
        """Count further units."""
        self._done += n
        if self._bar is not None:
            self._bar.update(n)
        self._look()

    def set_description(self, what: str) -> None:
        """Say what is going on."""
        self._what = what
        if self._bar is not None:
            self._bar.set_description(what)
        self._look()

    def _look(self) -> None:
        if self._bar is None and time.monotonic() >= self._from:
            self._bar = self._make(self._done, self._what)

    def close(self) -> None:
        """Take the bar away."""
        self._from = math.inf
        if self._bar is not None:
            self._bar.close()


def progress_bar(progress: bool | None, total: int, done: int, what: str, unit: str = "sample") -> Bar:
    """Return a tqdm bar, or a silent stand-in.

    Args:
        progress: True or False; None: only in a terminal or notebook, with tqdm installed, and only for
            what takes longer than a second.
        total, done: how many units there are, and how many were done before.
        what: what is going on, left of the bar.
        unit: what is counted.
    """
    # asked for, it comes at once; unasked, only where it is waited for
    delay = 0.0
    progress = _ASKED.get() if progress is None else progress
    if progress is None:
        progress = "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())
        delay = display.PATIENCE
    if progress:
        try:
            # without widgets tqdm.auto warns in a notebook, and draws text all the same
            if importlib.util.find_spec("ipywidgets") is None:
                from tqdm import tqdm
            else:
                from tqdm.auto import tqdm
        except ImportError:
            return _Silent()

        def make(initial: int, description: str) -> Bar:
            bar: Bar = tqdm(total=total, initial=initial, desc=description, unit=unit, leave=False)
            return bar

        return _Late(make, done, what, delay) if delay else make(done, what)
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
