"""Device calls that fail: bounded retries with back-off, time-outs, and checked results."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from pennylane_wishart.conventions.arrays import Floats
from pennylane_wishart.errors import DeviceError, InputError, WishartError

__all__ = ["RetryPolicy", "checked_values", "wait_for"]

log = logging.getLogger("pennylane_wishart")
_T = TypeVar("_T")


def wait_for(finished: threading.Event, timeout: float) -> bool:
    """Wait until a call has finished; False where the time is up before."""
    return finished.wait(timeout)


@dataclass(frozen=True)
class RetryPolicy:
    """How often a failed device call is tried again, and how long one may take."""

    retries: int = 2
    backoff: float = 0.5
    """Seconds before the first retry; doubled for each further one."""
    timeout: float | None = None
    """Seconds that one device call may take; None: no limit."""

    def __post_init__(self) -> None:
        if self.retries < 0 or self.backoff < 0 or (self.timeout is not None and self.timeout <= 0):
            raise InputError(f"retries and backoff must be >= 0 and timeout > 0; got {self}.")

    def pause(self, attempt: int) -> None:
        """Wait before the next try."""
        time.sleep(self.backoff * 2**attempt)

    def call(self, action: Callable[[], _T], what: str) -> _T:
        """Return ``action()``, retried on any failure; DeviceError when every try failed."""
        for attempt in range(self.retries + 1):
            try:
                return self._within_time(action)
            except WishartError as error:
                # Of our own errors only those of the device may pass by themselves: a bad argument stays bad.
                if not isinstance(error, DeviceError):
                    raise
                failure: Exception = error
            except Exception as error:
                failure = error
            if attempt < self.retries:
                log.warning("%s failed (%s); trying again", what, failure)
                self.pause(attempt)
        raise DeviceError(
            f"{what} failed {self.retries + 1} times; the last failure was "
            f"{type(failure).__name__}: {failure}. Samples measured so far are kept; raise retries= or "
            "timeout=, or measure the rest later with store=."
        ) from failure

    def _within_time(self, action: Callable[[], _T]) -> _T:
        if self.timeout is None:
            return action()
        values: list[_T] = []
        errors: list[BaseException] = []
        finished = threading.Event()

        def run() -> None:
            try:
                values.append(action())
            except BaseException as error:
                errors.append(error)
            finished.set()

        # A device that hangs cannot be stopped from here; its thread is left behind.
        threading.Thread(target=run, daemon=True).start()
        if not wait_for(finished, self.timeout):
            raise DeviceError(f"the device gave no answer within timeout={self.timeout} s")
        if errors:
            raise errors[0]
        return values[0]


def checked_values(result: Any, count: int, what: str) -> Floats:
    """Return ``count`` finite numbers, or raise DeviceError saying what came instead."""
    try:
        values = np.asarray(result, dtype=float)
    except (TypeError, ValueError) as error:
        raise DeviceError(f"{what} returned {type(result).__name__}, not numbers") from error
    values = np.squeeze(values).reshape(-1)
    if values.size != count:
        raise DeviceError(f"{what} returned {np.shape(result)} where {count} values were due")
    # A NaN would go into every mean that it meets: it is a failure, and may pass.
    if not np.all(np.isfinite(values)):
        raise DeviceError(f"{what} returned {int(np.sum(~np.isfinite(values)))} values that are not finite")
    return values
