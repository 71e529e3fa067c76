"""Does any code read what is meant for people? Searched in the source, and shown by rewording."""

from __future__ import annotations

import ast

from house.imports import modules

_READERS = {"startswith", "endswith", "split", "partition", "rpartition", "find", "index", "removeprefix"}
# Bare names "engine", "text" and "name" are options and local variables far more often than displayed text.
_SHOWN = {"reason", "engine", "headline", "advice", "note", "name", "text", "message", "sentence", "title", "err"}

# Cuts a sentence for its layout and decides nothing: the mark behind the last word stays with it.
_LAYOUT = {("pennylane_wishart.report.page", "sentence.rpartition(…)")}


def text_readers() -> list[str]:
    """Return places that look inside a displayed string, or an exception's message, to decide."""
    out = []
    for module, path in modules().items():
        for node in ast.walk(ast.parse(path.read_text())):
            found = _reads_method(node) or _reads_contains(node)
            if found and (module, found) not in _LAYOUT:
                out.append(f"{module}:{node.lineno}: {found}")
    return out


def _shown(node: ast.AST) -> str:
    """Name of a displayed field, or str(exception)."""
    if isinstance(node, ast.Attribute) and node.attr in _SHOWN - {"name", "err"}:
        return node.attr
    if isinstance(node, ast.Name) and node.id in _SHOWN - {"name", "engine", "text"}:
        return node.id
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "str" and node.args:
        inner = node.args[0]
        if isinstance(inner, ast.Name) and inner.id in {"err", "error", "exc", "e"}:
            return f"str({inner.id})"
    return ""


def _reads_method(node: ast.AST) -> str:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _READERS:
        shown = _shown(node.func.value)
        return f"{shown}.{node.func.attr}(…)" if shown else ""
    return ""


def _reads_contains(node: ast.AST) -> str:
    if isinstance(node, ast.Compare) and any(isinstance(op, (ast.In, ast.NotIn)) for op in node.ops):
        for side in node.comparators:
            shown = _shown(side)
            if shown and isinstance(node.left, ast.Constant) and isinstance(node.left.value, str):
                return f"{node.left.value!r} in {shown}"
    if isinstance(node, ast.Compare) and any(isinstance(op, (ast.Eq, ast.NotEq)) for op in node.ops):
        for a, b in ((node.left, node.comparators[0]), (node.comparators[0], node.left)):
            if _shown(a) and isinstance(b, ast.Constant) and isinstance(b.value, str) and b.value:
                return f"{_shown(a)} == {b.value!r}"
    return ""
