"""``make house``: print every measure of the house beside its goal; exit 1 where one is missed."""

from __future__ import annotations

import subprocess
import sys

from house import imports, shape, text
from house.changes import CHANGES
from house.entered import entered


def _line(what: str, found: object, goal: str, good: bool) -> bool:
    print(f"{what:<58} {found!s:>10}   goal {goal:<10} {'ok' if good else 'NOT MET'}")
    return good


def _listed(what: str, rows: list[str], show: bool) -> bool:
    good = _line(what, len(rows), "0", not rows)
    for row in rows if show else rows[:8]:
        print(f"    {row}")
    if not show and len(rows) > 8:
        print(f"    … and {len(rows) - 8} more (--all)")
    return good


def _tool(*command: str) -> tuple[int, str]:
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, cwd=imports.ROOT)
    lines = (done.stdout or done.stderr).strip().splitlines()
    return done.returncode, lines[-1] if lines else ""


def main() -> int:
    """Measure and print."""
    show = "--all" in sys.argv
    results = [
        _listed("import circles, lazy imports counted", [" ".join(c) for c in imports.circles()], show),
        _listed("imports of a later room", imports.upward(), show),
        _listed("places that read displayed text", text.text_readers(), show),
        _listed(
            f"functions over {shape.MAX_LINES} lines or {shape.MAX_PARAMETERS} parameters", shape.too_large(), show
        ),
        _listed("numbers that stand outside conventions", shape.literal_thresholds(), show),
    ]
    for what, command in (
        ("mypy --strict", ("mypy", "--strict")),
        ("ruff format --check", ("ruff", "format", "--check", ".")),
        ("ruff check", ("ruff", "check", ".")),
    ):
        code, last = _tool(*command)
        results.append(_line(what, "clean" if code == 0 else last[:40], "clean", code == 0))
    total, code_lines, comments = shape.sizes()
    results.append(_line("lines of the package", f"{total:,}", "< 36,000", total < 36_000))
    share = comments / code_lines
    results.append(_line("comments per line of code", f"{share:.1%}", ">= 2.7%", share >= 0.027))
    files = entered()
    results.append(_line("files that a default diagnosis enters", files, "<= 70", files <= 70))
    for change in CHANGES:
        wrong = change.arrives()
        good = not wrong and change.touched <= change.most
        results.append(_line(f"files touched by {change.what}", wrong or change.touched, f"<= {change.most}", good))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
