"""A progress bar where someone is watching, nothing elsewhere."""

from __future__ import annotations

import sys

__all__ = ["progress_bar"]


class _Silent:
    def update(self, n: int = 1):
        """Do nothing."""

    def close(self):
        """Do nothing."""


def progress_bar(progress: bool | None, total: int, done: int, what: str):
    """Return a tqdm bar, or a silent stand-in.

    Args:
        progress: True or False; None: only in a terminal or notebook, and with tqdm installed.
    """
    if progress is None:
        progress = "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())
    if progress:
        try:
            from tqdm.auto import tqdm
        except ImportError:
            return _Silent()
        return tqdm(total=total, initial=done, desc=what, unit="sample", leave=False)
    return _Silent()
