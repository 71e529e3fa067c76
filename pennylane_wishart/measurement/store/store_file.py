"""The file behind ``store=``: what may be given, and a connection that reads or writes it.

A file on read-only media is opened as it is, without locks or side files; what a killed process left in
its write-ahead log is read from a copy.
"""

from __future__ import annotations

import contextlib
import enum
import os
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from pennylane_wishart.conventions import measurement as limits
from pennylane_wishart.errors import InputError, StoreError

__all__ = ["StoreFile", "StoreProblem", "guard", "problem_of", "store_file"]


@dataclass(frozen=True)
class StoreFile:
    """A checked ``store=``."""

    path: Path
    read_only: bool = False
    """Whether an SQLite URI asked for that."""

    @property
    def name(self) -> str:
        """How messages call it."""
        return f"store={str(self.path)!r}"

    def check_place(self) -> None:
        """Refuse a place where no journal can be.

        Raises:
            StoreError: if it is a folder, a device, or in no folder that exists.
        """
        try:
            exists, is_file = self.path.exists(), self.path.is_file()
            fits = is_file or (not exists and self.path.parent.is_dir())
        except OSError as error:
            raise StoreError(f"{self.name} cannot be reached ({error}): give the path of a file.") from error
        if not fits:
            raise StoreError(f"{self.name}: give the path of a file in an existing folder.")

    def connect(self) -> tuple[sqlite3.Connection, bool, contextlib.ExitStack]:
        """Return a connection, whether it can only read, and what to close with it."""
        closing = contextlib.ExitStack()
        if not self.read_only and self._may_write():
            return _opened(self.path, timeout=limits.BUSY_TIMEOUT), False, closing
        return self.connect_to_read()

    def connect_to_read(self) -> tuple[sqlite3.Connection, bool, contextlib.ExitStack]:
        """Return a connection that leaves the file and its folder as they are."""
        closing, path = contextlib.ExitStack(), self.path
        log = path.with_name(path.name + "-wal")
        if log.exists() and log.stat().st_size:
            # Rows that were acknowledged before a kill are in the log, and reading it takes a writable folder.
            folder = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="wishart-store-")))
            for source in (path, log):
                shutil.copyfile(source, folder / source.name)
            return _opened(folder / path.name), True, closing
        # Immutable: SQLite then takes no lock and leaves no side file, which a read-only medium could not hold.
        address = f"file:{quote(str(path.resolve()))}?mode=ro&immutable=1"
        return _opened(address, uri=True), True, closing

    def _may_write(self) -> bool:
        if not self.path.exists():
            return True
        return os.access(self.path, os.W_OK) and os.access(self.path.parent, os.W_OK)


def _opened(place: str | Path, **options: Any) -> sqlite3.Connection:
    # Transactions are ours, and a lock of ours lets the thread that keeps leases alive use the connection.
    found: sqlite3.Connection = sqlite3.connect(place, isolation_level=None, check_same_thread=False, **options)
    return found


def store_file(value: Any) -> StoreFile:
    """Check what was given as ``store=``: a path, or an SQLite URI (``file:run.db?mode=ro``).

    Raises:
        InputError: if it can be no path.
    """
    if isinstance(value, StoreFile):
        return value
    # bytes would pass for a path in some calls and not in others.
    if isinstance(value, bytes) or not isinstance(value, (str, os.PathLike)):
        raise InputError(f"store needs the path of a file; got {value!r}.")
    text = os.fspath(value)
    if not isinstance(text, str) or not text or "\0" in text:
        raise InputError(f"store needs the path of a file, not empty and without NUL characters; got {value!r}.")
    if text == ":memory:" or (text.startswith("file:") and "mode=memory" in text) or text == "file::memory:":
        raise InputError(
            f"store={text!r} is a database in memory, which would be lost with this process: give the path of a file, "
            "or store=None to keep nothing."
        )
    if not (isinstance(value, str) and text.startswith("file:")):
        return StoreFile(Path(text))
    parts = urlsplit(text)
    wanted = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    # Modes of a cache or of a virtual file system would change what a lock means.
    others = wanted.keys() - {"mode", "immutable"}
    path = unquote(parts.path)
    if others or parts.netloc not in ("", "localhost") or not path or "\0" in path:
        raise InputError(
            f"store={text!r}: an SQLite URI may name a local file, with mode= and immutable= only; or give a path."
        )
    return StoreFile(Path(path), wanted.get("mode") == "ro" or wanted.get("immutable") in ("1", "true", "yes", "on"))


class StoreProblem(enum.Enum):
    """Why SQLite refuses a file; the value is what to do about it."""

    CORRUPT = "it is corrupt or of another kind; it was left as it was, give the path of a new file"
    READ_ONLY = "it cannot be written; check the permissions of the file and its folder"
    DISK = "the disk is full or failing; free some space and call again to resume"
    BUSY = "another process holds it; wait for that to finish"
    OTHER = "see that the file is on a healthy local disk"


_PROBLEMS = {
    sqlite3.SQLITE_NOTADB: StoreProblem.CORRUPT,
    sqlite3.SQLITE_CORRUPT: StoreProblem.CORRUPT,
    sqlite3.SQLITE_READONLY: StoreProblem.READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: StoreProblem.READ_ONLY,
    sqlite3.SQLITE_FULL: StoreProblem.DISK,
    sqlite3.SQLITE_IOERR: StoreProblem.DISK,
    sqlite3.SQLITE_BUSY: StoreProblem.BUSY,
    sqlite3.SQLITE_LOCKED: StoreProblem.BUSY,
}


def problem_of(error: BaseException | None) -> StoreProblem:
    """Return what an exception of SQLite says about the file."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        # The low byte is the kind of error, the rest says where it happened.
        return _PROBLEMS.get(code & 0xFF, StoreProblem.OTHER)
    # Python itself, reading a row whose bytes are no text.
    unreadable = isinstance(error, (sqlite3.OperationalError, UnicodeDecodeError))
    return StoreProblem.CORRUPT if unreadable else StoreProblem.OTHER


@contextlib.contextmanager
def guard(name: str, action: str) -> Iterator[None]:
    """Turn what SQLite says into one sentence."""
    try:
        yield
    except (sqlite3.Error, sqlite3.Warning, UnicodeDecodeError, OverflowError) as error:
        problem = problem_of(error)
        if hasattr(error, "sqlite_errorcode") or problem is not StoreProblem.CORRUPT:
            text = re.sub(r"\s+", " ", str(error))
        else:
            # Python's own words would quote the damaged bytes, however many there are.
            text = "a row holds what could not be decoded"
        raise StoreError(f"{name} cannot be {action} ({text}): {problem.value}.") from error
