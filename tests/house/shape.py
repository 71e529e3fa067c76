"""How long files and functions are, how much is said about why, and where numbers stand."""

from __future__ import annotations

import ast
import io
import tokenize

from house.imports import PACKAGE, modules

MAX_LINES, MAX_PARAMETERS = 60, 8
STRUCTURAL = {0, 1, 2, 3, 4, -1, -2, 0.5, -0.5}
"""Numbers of the mathematics itself: signs, halves, counts of letters and of sides."""


def functions() -> list[tuple[str, str, int, int]]:
    """Return (module, function, lines, parameters) of every function."""
    out = []
    for name, path in modules().items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                a = node.args
                every = [*a.posonlyargs, *a.args, *a.kwonlyargs, *filter(None, (a.vararg, a.kwarg))]
                bound = bool(a.args) and a.args[0].arg in ("self", "cls")
                out.append((name, node.name, node.end_lineno - node.lineno + 1, len(every) - bound))
    return out


def too_large() -> list[str]:
    """Return functions over the limits of length or of parameters."""
    return [
        f"{module}.{name}: {lines} lines, {parameters} parameters"
        for module, name, lines, parameters in functions()
        if lines > MAX_LINES or parameters > MAX_PARAMETERS
    ]


def sizes() -> tuple[int, int, int]:
    """Return (lines of all files, lines that hold code or text, comments)."""
    total = code = comments = 0
    for path in modules().values():
        text = path.read_text()
        lines = text.splitlines()
        total += len(lines)
        code += sum(bool(line.strip()) for line in lines)
        comments += sum(t.type == tokenize.COMMENT for t in tokenize.generate_tokens(io.StringIO(text).readline))
    return total, code, comments


def _number(node: ast.AST) -> float | None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _number(node.operand)
        return None if inner is None else -inner
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
        return node.value
    return None


def literal_thresholds() -> list[str]:
    """Return comparisons with a number of their own, and constants named outside conventions."""
    out = []
    for module, path in modules().items():
        if module.startswith(f"{PACKAGE}.conventions"):
            continue
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if not isinstance(node, ast.Compare):
                continue
            for side in (node.left, *node.comparators):
                for part in ast.walk(side):
                    value = _number(part)
                    if value is not None and value not in STRUCTURAL:
                        out.append(f"{module}:{node.lineno}: compares with {value}")
        for node in tree.body:
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and _constant(node.value):
                out.append(f"{module}:{node.lineno}: a number of its own")
    return out


def _constant(node: ast.AST | None) -> bool:
    """Whether an expression is made of numbers alone."""
    if isinstance(node, ast.BinOp):
        return _constant(node.left) and _constant(node.right)
    return node is not None and _number(node) is not None
