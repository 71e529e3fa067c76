"""Which module imports which, lazy imports and names re-exported by a room's face included."""

from __future__ import annotations

import ast
import configparser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "pennylane_wishart"


def module_name(path: Path) -> str:
    """Return the dotted name of a file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules() -> dict[str, Path]:
    """Return every module of the package."""
    return {module_name(p): p for p in sorted((ROOT / PACKAGE).rglob("*.py"))}


def _imports(path: Path) -> list[tuple[str, str]]:
    """(module, name) of every import statement, at any depth of the file."""
    out = []
    folder = list(path.relative_to(ROOT).parent.parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            above = folder[: len(folder) + 1 - node.level] if node.level else []
            source = ".".join([*above, *filter(None, [node.module])])
            if source.startswith(PACKAGE):
                out += [(source, alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            out += [(alias.name, "") for alias in node.names if alias.name.startswith(PACKAGE)]
    return out


def graph() -> dict[str, set[str]]:
    """Return who imports whom; a name taken from a room's face counts as taken from its home."""
    every = modules()
    faces = {
        name: {what: home for home, what in _imports(path)}
        for name, path in every.items()
        if path.name == "__init__.py"
    }

    def home(module: str, name: str) -> str:
        # a face may name its own files, as conventions does: those are home already
        while module in faces and name in faces[module] and f"{module}.{name}" not in every:
            module = faces[module][name]
        return f"{module}.{name}" if f"{module}.{name}" in every else module

    out: dict[str, set[str]] = {}
    for name, path in every.items():
        if path.name == "__init__.py":
            continue
        out[name] = {home(m, n) for m, n in _imports(path)} - {name, PACKAGE}
    return out


def circles() -> list[list[str]]:
    """Return every set of modules that import one another, directly or not."""
    edges = graph()
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(v: str) -> None:
        index[v] = low[v] = len(index)
        stack.append(v)
        for w in sorted(edges.get(v, ())):
            if w not in index:
                visit(w)
                low[v] = min(low[v], low[w])
            elif w in stack:
                low[v] = min(low[v], index[w])
        if low[v] == index[v]:
            part = []
            while True:
                part.append(stack.pop())
                if part[-1] == v:
                    break
            if len(part) > 1:
                found.append(sorted(part))

    for v in sorted(edges):
        if v not in index:
            visit(v)
    return found


def rooms() -> list[str]:
    """Return the rooms as setup.cfg lists them, lowest first."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = config["importlinter:contract:rooms"]["layers"].split()
    return [name.split(".")[1] for name in reversed(listed)]


def upward() -> list[str]:
    """Return every import of a room that stands later in the list, and rooms that are not in it."""
    order = {room: k for k, room in enumerate(rooms())}
    out = []
    for name, targets in graph().items():
        room = name.split(".")[1]
        if room not in order:
            out.append(f"{name}: its room is not in the list")
            continue
        for target in targets:
            other = target.split(".")[1] if "." in target else ""
            if other in order and order[other] > order[room]:
                out.append(f"{name} -> {target}")
    return sorted(out)
