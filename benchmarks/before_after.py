"""Outputs of benchmarks before and after a change, in one table.

    python benchmarks/before_after.py OLD_FOLDER NEW_FOLDER [--all]

Both hold outputs as docs/benchmarks does, ``<benchmark>.txt``. Lines with a goal are paired by what they
measure; shown are those that differ, or all. Exit status 1 where a goal that was met is met no more, or a
line is gone.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

GOAL = re.compile(
    r"^\s*(?P<what>\S.*?\S)\s{2,}(?P<value>\S.*?)\s+goal\s+(?P<goal>.*?)(?P<met>NOT MET|not met|met)\b.*$"
)
NUMBER = re.compile(r"-?\d[\d,]*\.?\d*(?:e[-+]?\d+)?")


def figures(path: Path) -> Iterator[tuple[str, str, bool]]:
    """Yield (what, value, whether its goal is met) of every line with a goal; equal names are numbered."""
    seen: dict[str, int] = {}
    for line in path.read_text().splitlines():
        found = GOAL.match(line)
        if found:
            # measured numbers inside a name ("-3.895 bits", "56 errors") are no part of what is measured
            what = re.sub(r"\(-?\d[^)]*\)|\d+ (?=gradients too)", "", found["what"])
            seen[what] = seen.get(what, 0) + 1
            yield f"{what} [{seen[what]}]", found["value"].rstrip(": "), found["met"] == "met"


def ratio(before: str, after: str) -> str:
    """The quotient of the first numbers of two values, where there are any."""
    numbers = [NUMBER.search(text) for text in (before, after)]
    if not all(numbers):
        return ""
    old, new = (float(m.group().replace(",", "")) for m in numbers if m)
    return f"×{new / old:.3g}" if old else ""


def main() -> int:
    """Print the table; return 1 where something is worse or gone."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--all", action="store_true", help="also figures that did not change")
    options = parser.parse_args()
    worse = total = same = 0
    for path in sorted(options.after.glob("*.txt")):
        old = {what: (value, met) for what, value, met in figures(options.before / path.name)}
        new = {what: (value, met) for what, value, met in figures(path)}
        print(f"\n{path.stem}: {len(new)} figures, before {len(old)}")
        for what, (value, met) in old.items():
            if what not in new:
                worse += 1
                print(f"  GONE     {what}: {value}")
                continue
            after, still = new[what]
            total, same = total + 1, same + (value == after)
            lost = met and not still
            worse += lost
            if lost or options.all or value != after:
                said = "met    " if still else "NOT MET"
                print(f"  {said}  {what:<84} {value:>16} → {after:<16} {ratio(value, after)}")
    print(f"\n{total} figures, {same} equal to every digit, {worse} worse or gone")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
