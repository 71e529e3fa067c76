"""Reports as plain values and as files."""

from __future__ import annotations

import contextlib
import json
import math
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pennylane_wishart.errors import InputError
from pennylane_wishart.report.page import to_html
from pennylane_wishart.report.parts import Section
from pennylane_wishart.report.text import to_text

__all__ = ["check_target", "plain", "save", "to_dict", "write_text"]

_PAGES, _TEXTS = (".html", ".htm"), (".txt", ".md")


def to_dict(sections: Sequence[Section]) -> list[dict[str, Any]]:
    """Return the words and numbers as plain Python values; figures are left out."""
    return [
        {"title": s.title, "sentences": [str(t) for t in s.sentences], "rows": [asdict(r) for r in s.rows]}
        for s in sections
    ]


def plain(value: Any) -> Any:
    """Return a value that strict JSON can hold: NaN becomes null, infinities become words."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    # numpy scalars, whose JSON encoders differ by version
    if hasattr(value, "item") and not isinstance(value, (str, bytes)):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    return value


def save(path: str | Path, title: str, sections: Sequence[Section], data: dict[str, Any]) -> Path:
    """Write the report; the format follows the suffix: .html, .json, .txt or .md.

    The file is whole or as it was before: a full disk leaves no half report.

    Raises:
        InputError: for another suffix, or where the file cannot be written.
    """
    path = Path(path)
    _check_suffix(path)
    if path.suffix in _PAGES:
        content = to_html(title, sections, page=True)
    elif path.suffix in _TEXTS:
        content = to_text(title, sections) + "\n"
    else:
        content = json.dumps(data, indent=1, allow_nan=False)
    write_text(path, content, f"save({str(path)!r})")
    return path


def _check_suffix(path: Path) -> None:
    if path.suffix not in (*_PAGES, *_TEXTS, ".json"):
        raise InputError(f"save({str(path)!r}): the suffix must be .html, .json, .txt or .md.")


def check_target(path: str | Path, asked: str, report: bool = False) -> None:
    """Find out before the work whether a file can be written after it.

    Args:
        path: the file; one that exists stays as it is.
        asked: what asks for it, the beginning of the message.
        report: also look at the suffix, as :func:`save` does.
    Raises:
        InputError: where the folder is missing or may not be written, or the path is a folder.
    """
    if report:
        _check_suffix(Path(path))
    with _writing(path, asked) as target:
        if not _in_place(target):
            with _draft(target):
                pass
        elif not os.access(target, os.W_OK):
            raise PermissionError(0, "it may not be written")


def write_text(path: str | Path, content: str, asked: str) -> None:
    """Write UTF-8 text beside the file and put it in its place once it is whole.

    Args:
        path: the file; a device or pipe is written to as it is.
        content: the text.
        asked: what asks for it, the beginning of the message.
    Raises:
        InputError: where it cannot be written; the file is then as it was before.
    """
    with _writing(path, asked) as target:
        if _in_place(target):
            target.write_text(content, encoding="utf-8")
            return
        with _draft(target) as draft:
            draft.write_text(content, encoding="utf-8")
            if target.exists():  # who could read the old report can read the new one
                shutil.copymode(target, draft)
            os.replace(draft, target)


@contextlib.contextmanager
def _writing(path: str | Path, asked: str) -> Iterator[Path]:
    """The file itself, not a link to it: a link is kept, and what it names is replaced."""
    cannot = f"{asked}: the file cannot be written"
    try:
        target = Path(os.path.realpath(path))
        folder, there = target.is_dir(), target.parent.is_dir()
    except (OSError, ValueError) as err:  # a name too long, or with a zero in it
        raise InputError(f"{cannot} ({err}).") from err
    if folder:
        raise InputError(f"{cannot} (it is a folder).")
    if not there:
        raise InputError(f"{cannot} (folder {str(target.parent)!r} does not exist).")
    try:
        yield target
    except OSError as err:
        raise InputError(f"{cannot} ({err.strerror}).") from err


def _in_place(target: Path) -> bool:
    """Devices and pipes may not be replaced by a file; nor can a file whose folder may not be written."""
    return target.exists() and (not target.is_file() or not os.access(target.parent, os.W_OK))


@contextlib.contextmanager
def _draft(target: Path) -> Iterator[Path]:
    """An empty file in the same folder, gone at the end unless it was moved."""
    draft = target.with_name(f".{secrets.token_hex(8)}.draft")
    with open(draft, "x", encoding="utf-8"):
        pass
    try:
        yield draft
    finally:
        draft.unlink(missing_ok=True)
