"""Reports as plain values and as files."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from pennylane_wishart.errors import InputError
from pennylane_wishart.report.page import to_html
from pennylane_wishart.report.parts import Section
from pennylane_wishart.report.text import to_text

__all__ = ["plain", "save", "to_dict"]


def to_dict(sections: Sequence[Section]) -> list[dict]:
    """Return the words and numbers as plain Python values; figures are left out."""
    return [
        {"title": s.title, "sentences": [str(t) for t in s.sentences], "rows": [asdict(r) for r in s.rows]}
        for s in sections
    ]


def plain(value):
    """Return a value that strict JSON can hold: NaN becomes null, infinities become words."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if hasattr(value, "item") and not isinstance(value, (str, bytes)):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    return value


def save(path: str | Path, title: str, sections: Sequence[Section], data: dict) -> Path:
    """Write the report; the format follows the suffix: .html, .json, .txt or .md.

    Raises:
        InputError: for another suffix, or where the file cannot be written.
    """
    path = Path(path)
    if path.suffix in (".html", ".htm"):
        content = to_html(title, sections, page=True)
    elif path.suffix == ".json":
        content = json.dumps(data, indent=1, allow_nan=False)
    elif path.suffix in (".txt", ".md"):
        content = to_text(title, sections) + "\n"
    else:
        raise InputError(f"save({str(path)!r}): the suffix must be .html, .json, .txt or .md.")
    try:
        path.write_text(content, encoding="utf-8")
    except OSError as err:
        raise InputError(f"save({str(path)!r}): the file cannot be written ({err.strerror}).") from err
    return path
