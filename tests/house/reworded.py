"""Every sentence of the package reworded while it is imported: what code decides must stay the same.

``install()`` appends a mark to every string literal with a word and a space, a different one at every
occurrence. A branch that compares, searches or splits such a text then goes another way, or a table that is
keyed by it finds nothing. ``typed_results()`` runs a handful of small diagnoses and returns what was decided:
verdicts, checks, values, statuses, classes of exceptions, exit codes; no words.

Left alone: docstrings, annotations, ``conventions/identities.py`` (whose values are identities), SQL, regular
expressions, format specifications, lists of names (``"a b".split()``), names of places in a figure (``loc=``),
and literals without a letter (separators of lists).
"""

from __future__ import annotations

import ast
import contextlib
import importlib.machinery
import importlib.util
import io
import itertools
import json
import re
import sys
import tempfile
import warnings
from importlib.abc import MetaPathFinder
from pathlib import Path

PACKAGE = "pennylane_wishart"
MARK = "\u2051"
_IDENTITIES = f"{PACKAGE}.conventions.identities"
_SQL = re.compile(
    r"\s*(SELECT|INSERT|CREATE|UPDATE|DELETE|PRAGMA|BEGIN|COMMIT|ROLLBACK|ALTER|DROP|WHERE|WITH|VACUUM|TABLE)\b"
)
_numbers = itertools.count()


def _is_text(value: object) -> bool:
    return isinstance(value, str) and " " in value and any(c.isalpha() for c in value) and not _SQL.match(value)


class _Reword(ast.NodeTransformer):
    """Appends a mark to every text of a module."""

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.copy_location(ast.Constant(f"{MARK} {node.value}{_mark()}"), node) if _is_text(node.value) else node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        for part in node.values:
            if isinstance(part, ast.FormattedValue):  # its format specification is no text
                part.value = self.visit(part.value)
        words = [part.value for part in node.values if isinstance(part, ast.Constant)]
        if any(map(_is_text, words)) and not _SQL.match(words[0]):
            node.values = [ast.Constant(f"{MARK} "), *node.values, ast.Constant(_mark())]
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        # docstrings, those below attributes included
        return node if isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        alias = isinstance(node.annotation, ast.Name) and node.annotation.id == "TypeAlias"
        if node.value is not None and not alias:
            node.value = self.visit(node.value)
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return node

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        # a place in a figure, as matplotlib names it
        return node if node.arg == "loc" else self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        owner = node.func.value if isinstance(node.func, ast.Attribute) else None
        if isinstance(owner, ast.Name) and owner.id == "re":
            node.args[1:] = [self.visit(arg) for arg in node.args[1:]]
            return node
        if isinstance(owner, ast.Constant) and node.func.attr == "split" and not node.args:
            return node  # a list of names, written in one string
        return self.generic_visit(node)

    def visit_Match(self, node: ast.Match) -> ast.AST:
        node.subject = self.visit(node.subject)
        for case in node.cases:  # patterns take no expressions
            case.body = [self.visit(part) for part in case.body]
        return node


def _mark() -> str:
    return f" {MARK}{next(_numbers)}"


def reword(source: str | bytes) -> ast.AST:
    """Return a module's code with every text reworded."""
    return ast.fix_missing_locations(_Reword().visit(ast.parse(source)))


class _Loader(importlib.machinery.SourceFileLoader):
    def get_code(self, fullname: str):
        path = self.get_filename(fullname)
        source = self.get_data(path)
        tree = ast.parse(source) if fullname == _IDENTITIES else reword(source)
        return compile(tree, path, "exec", dont_inherit=True)


class _Finder(MetaPathFinder):
    def find_spec(self, fullname, path=None, target=None):
        if fullname.split(".")[0] != PACKAGE:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.origin is not None and spec.origin.endswith(".py"):
            spec.loader = _Loader(fullname, spec.origin)
        return spec


def install() -> None:
    """Reword every module of the package that is imported from now on."""
    assert PACKAGE not in sys.modules, "too late: the package has been imported as it is written"
    sys.meta_path.insert(0, _Finder())


# ---------------------------------------------------------------------- what is decided
FILE = """
import pennylane as qml
from pennylane import numpy as np

@qml.qnode(qml.device("lightning.qubit", wires=2))
def good(x):
    qml.RX(x[0], 0)
    qml.RY(x[1], 0)
    return qml.expval(qml.Z(0))

@qml.qnode(qml.device("lightning.qubit", wires=2))
def dead(x):
    qml.RZ(x, 0)
    return qml.expval(qml.Z(0))

x = np.array([0.1, 0.2])
"""


def _circuits():
    import pennylane as qml
    from pennylane import numpy as np

    def qnode(wires, gates):
        def f(x):
            gates(x)
            return qml.expval(qml.Z(0))

        return qml.QNode(f, qml.device("lightning.qubit", wires=wires))

    def turn(x):
        qml.RX(x[0], 0)
        qml.RY(x[1], 0)

    def late(x):
        turn(x)
        qml.RZ(x[2], 0)
        qml.RX(x[3], 1)

    def layers(x):
        for layer in x:
            for w in range(3):
                qml.RX(layer[w, 0], w)
                qml.RZ(layer[w, 1], w)
            for w in range(3):
                qml.CNOT([w, (w + 1) % 3])

    def product(n):
        def f(x):
            for w in range(n):
                qml.RY(x[w], w)
            return qml.expval(qml.prod(*[qml.Z(w) for w in range(n)]))

        return qml.QNode(f, qml.device("default.qubit"))

    def unreadable(x):
        qml.RX(x, 0)
        qml.measure(0)

    ones = np.ones
    return {
        "in theory, measured": (qnode(1, turn), ones(2), {"samples": 40}),
        "out of theory": (qnode(1, lambda x: qml.RX(x, 0)), np.array(0.3), {"samples": 40}),
        "dead parameters": (qnode(2, late), ones(4), {"samples": 40}),
        "all dead": (qnode(1, lambda x: qml.RZ(x, 0)), np.array(0.3), {"run": False}),
        "layers, not measured": (qnode(3, layers), ones((3, 3, 2)), {"run": False}),
        "nothing descended": (qnode(3, layers), ones((2, 3, 2)), {"run": False, "descent_budget": 0}),
        "the largest": (qnode(3, layers), ones((2, 3, 2)), {"run": False, "sense": "max", "tolerance": 0.01}),
        "few shots": (qnode(3, layers), ones((2, 3, 2)), {"run": False, "shots": 2.0}),
        "narrow angles": (qnode(1, turn), ones(2), {"samples": 40, "angles": ("normal", 0.1)}),
        "a family": (
            product(3),
            ones(3),
            {"run": False, "family": product, "sizes": [2, 3, 4, 5, 6], "family_args": lambda n: ones(n)},
        ),
        "cannot be read": (qnode(1, unreadable), np.array(0.3), {}),
        "no seed": (qnode(1, turn), ones(2), {"seed": -1}),
        "no law of angles": (qnode(1, turn), ones(2), {"angles": "no such law"}),
    }


def _number(value: object) -> object:
    """A number that JSON holds exactly."""
    return None if value is None else repr(float(value))


def _judged(diag) -> dict[str, object]:
    pred, study = diag.prediction, diag.family
    found = {name: pred.find(name) for name in ("loss", "gradient", "minima", "transition")}
    rank = pred.n_independent_status.name
    return {
        "verdict": diag.verdict.name,
        "trainable": diag.trainable,
        "checks": [(str(c.id), c.passed, _number(c.value), c.fatal, c.side.name) for c in diag.checks],
        "in theory": pred.in_theory,
        "dead": [list(pred.dead_parameters), [[r.name for r in codes] for codes in pred.dead_codes]],
        "exact": pred.moments.is_exact,
        "descent": None if diag.descent is None else [
            diag.descent.evidence.name, diag.descent.has_traps, diag.reaches_ground, _number(diag.descent.best)
        ],
        "variances": [_number(v) for v in pred.log2_gradient_variance],
        "statuses": [s.name for s in pred.moments.status] + [rank],
        "shots": [_number(v) for v in pred.log2_shots_to_resolve] + [pred.shot_variance.method.name],
        "laws": {k: type(v).__name__ if not isinstance(v, (int, float)) else _number(v) for k, v in found.items()},
        "compared": None if diag.comparison is None else [
            (q.agrees, _number(q.statistic), _number(q.pvalue), q.n) for q in diag.comparison.quantities
        ],
        "depth": None if diag.depth is None else [diag.depth.reached, _number(diag.depth.deep_limit)],
        "family": None if study is None else [
            study.verdict.name, study.plateau, [_number(w) for w in study.trend.weights]
        ],
        "sections": [(len(s.rows), len(s.figures), s.tone) for s in diag.sections],
    }  # fmt: skip


def _exit_codes(folder: Path) -> list[int]:
    from pennylane_wishart.cli import main

    file, page = folder / "circuits.py", folder / "report.html"
    file.write_text(FILE)
    few = ["--samples", "30", "--quiet"]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return [
            main(["check", f"{file}:good", "--args", "x", *few, "--json", str(folder / "out.json")]),
            main(["check", f"{file}:dead", "--args", "np.array(0.3)", *few, "--html", str(page)]),
            main(["check", f"{file}:missing", "--args", "x", *few]),
            main(["check", f"{file}:good", "--args", "1 +", *few]),
            main(["quote", f"{file}:good", "--args", "x", "--shots", "100"]),
        ]


def _resumed(folder: Path) -> list[object]:
    """A measurement that is taken up from its journal, merged and read back."""
    import pennylane_wishart as pw

    qnode, x, _ = _circuits()["in theory, measured"]
    store = folder / "run.db"
    first = pw.measure(qnode, samples=20, store=str(store))(x)
    whole = pw.measure(qnode, samples=30, store=str(store))(x)
    again = type(whole).from_dict(whole.to_dict())
    inits = pw.compare_inits(qnode, {"wide": "uniform", "narrow": ("normal", 0.1)})(x)
    return [
        first.content_hash == pw.measure(qnode, samples=20)(x).content_hash,
        _number(whole.losses.sum()),
        _number(again.gradients.sum()),
        [_number(r.median.value) for r in inits.rows],
    ]


def _compared() -> list[object]:
    """Descents, shots, and engines that give way to others when their limits are small."""
    import pennylane_wishart as pw
    from pennylane_wishart.circuit import RotationCircuit
    from pennylane_wishart.prediction import prediction_of

    qnode, x, _ = _circuits()["in theory, measured"]
    pred = pw.predict(qnode)(x)
    found = pw.find_minima(qnode, starts=4, progress=False)(x)
    shots = pw.compare(pred, pw.measure(qnode, samples=30, shots=50, device="default.qubit", progress=False)(x))
    words = ["XIIII", "ZZIII", "IYIII", "IZZII", "IIXII", "IIZZI", "IIIYI", "IIIZZ", "IIIIX"] * 2
    circuit = RotationCircuit.from_words(words, {"ZZZZZ": 1.0})
    walked = prediction_of(pw.signature(circuit), max_support=4, max_work=1e3, n_walkers=200)
    return [
        [_number(found.losses.sum()), pw.compare(pred, found).agrees],
        [(q.agrees, q.n) for q in shots.quantities],
        [[s.name for s in walked.moments.status], walked.moments.known.tolist(), walked.shot_variance.method.name],
        [_number(v) for v in walked.log2_shots_to_resolve],
    ]


def typed_results() -> dict[str, object]:
    """Return what was decided in every case; with it the headlines, to show that they are reworded."""
    import pennylane_wishart as pw

    out: dict[str, object] = {}
    words = []
    for name, (qnode, x, options) in _circuits().items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                diag = pw.diagnose(qnode, progress=False, **options)(x)
                out[name] = _judged(diag)
                words.append(diag.headline)
            except pw.errors.WishartError as err:
                out[name] = [cls.__name__ for cls in type(err).__mro__]
                words.append(str(err))
    with tempfile.TemporaryDirectory() as folder:
        out["exit codes"] = _exit_codes(Path(folder))
        out["resumed"] = _resumed(Path(folder))
    out["compared"] = _compared()
    return {"decided": json.loads(json.dumps(out)), "words": words}


if __name__ == "__main__":
    install()
    print(json.dumps(typed_results()))
