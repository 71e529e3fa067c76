"""What is shipped, and habits of the whole source: types for users, no cause of an error swallowed."""

import ast
import importlib.metadata
import inspect
import logging
import subprocess
import sys
import zipfile
from configparser import ConfigParser
from pathlib import Path
from shutil import copy, copytree, ignore_patterns

import pytest

import pennylane_wishart as pw

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "pennylane_wishart").rglob("*.py"))


# ---------------------------------------------------------------------- the wheel
def test_types_are_offered():
    """Without py.typed, type checkers ignore every annotation of an installed package."""
    assert (Path(inspect.getfile(pw)).parent / "py.typed").is_file()


def built(tmp_path, *options) -> zipfile.ZipFile:
    """The wheel, built from a copy: an in-tree build leaves folders that the next one would pack as well."""
    tree = tmp_path / "tree"
    copytree(ROOT / "pennylane_wishart", tree / "pennylane_wishart", ignore=ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        copy(ROOT / name, tree)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", *options, "-w", tmp_path, tree]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    return zipfile.ZipFile(wheel)


def check_content(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    package = {n for n in names if not n.split("/")[0].endswith(".dist-info")}
    folder = ROOT / "pennylane_wishart"
    wanted = {str(f.relative_to(ROOT)) for f in folder.rglob("*") if f.suffix in (".py", ".toml", ".typed")}
    assert package == wanted and "pennylane_wishart/py.typed" in wanted
    (entries,) = (n for n in names if n.endswith("entry_points.txt"))
    assert "wishart = pennylane_wishart.cli:main" in wheel.read(entries).decode()


def test_wheel_holds_every_source_file_the_types_and_the_device_description(tmp_path):
    version = tuple(int(v) for v in importlib.metadata.version("setuptools").split(".")[:2])
    if version < (70, 1):
        pytest.skip("setuptools here cannot build a wheel by itself; install the extra test")
    check_content(built(tmp_path, "--no-build-isolation"))


@pytest.mark.slow
def test_wheel_as_pip_builds_it(tmp_path):
    check_content(built(tmp_path))


# ---------------------------------------------------------------------- what is promised to run
def extras(name: str) -> dict[str, str]:
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    lines = config["options.extras_require"][name].split()
    parts = [line.replace(">", " >", 1).split() if ">" in line else [line, ""] for line in lines]
    return {name: bounds for name, bounds in parts}


def test_interfaces_have_bounds_that_the_matrix_runs():
    """An extra without bounds, tested on one version, is a promise nobody checks."""
    pytest.importorskip("packaging")
    from packaging.specifiers import SpecifierSet

    makefile = (ROOT / "Makefile").read_text()
    for name in ("jax", "jaxlib"):
        bounds = SpecifierSet(extras("interfaces")[name])
        tested = {word.split("==")[1] for word in makefile.split() if word.startswith(f"{name}==")}
        assert {"0.7.0", "0.10.2"} <= tested and all(v in bounds for v in tested)
        assert "0.6.2" not in bounds and "0.11.0" not in bounds and "2.0" not in bounds
        assert extras("all")[name] == str(extras("interfaces")[name])
    assert "2.13.0" in SpecifierSet(extras("interfaces")["torch"]) and "torch==2.13.0" in makefile


def test_the_conda_recipe_asks_for_what_setup_asks_for():
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    recipe = (ROOT / "conda" / "meta.yaml").read_text()
    wanted = {line.replace(">=", " >=") for line in config["options"]["install_requires"].split()}
    found = {line.strip()[2:] for line in recipe.split("  run:")[1].split("test:")[0].splitlines() if "- " in line}
    assert found == wanted | {f"python {config['options']['python_requires']}"}
    assert f'version = "{config["metadata"]["version"]}"' in recipe and config["metadata"]["version"] == pw.__version__


# ---------------------------------------------------------------------- causes are told
def broad_handlers(tree: ast.AST):
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            if node.type is None or any(getattr(k, "id", "") in ("Exception", "BaseException") for k in kinds):
                yield node


def tells_the_cause(handler: ast.ExceptHandler) -> bool:
    """It raises, or uses the error that it caught, or logs it with the traceback."""
    inside = [n for part in handler.body for n in ast.walk(part)]
    logged = any(isinstance(n, ast.keyword) and n.arg == "exc_info" for n in inside)
    used = any(isinstance(n, ast.Name) and n.id == handler.name for n in inside)
    return logged or used or any(isinstance(n, ast.Raise) for n in inside)


def silent(source: str) -> list[int]:
    return [h.lineno for h in broad_handlers(ast.parse(source)) if not tells_the_cause(h)]


def test_no_broad_except_hides_its_cause():
    found = {str(f.relative_to(ROOT)): lines for f in SOURCES if (lines := silent(f.read_text()))}
    assert found == {}


@pytest.mark.parametrize("kind", ["Exception", "BaseException", "(ValueError, Exception)", ""])
def test_the_search_finds_what_it_looks_for(kind):
    assert silent(f"try:\n    x\nexcept {kind}:\n    y = False\n") == [3]
    assert silent(f"try:\n    x\nexcept {kind}:\n    log.debug('no', exc_info=True)\n") == []
    assert silent("try:\n    x\nexcept ValueError:\n    pass\n") == []


def test_an_argument_that_is_no_array_says_why_when_asked(caplog):
    class Odd:
        shape = ()

        def __array__(self, *args, **kwargs):
            raise RuntimeError("I am no array")

    from pennylane_wishart.circuit.arguments import _is_float

    with caplog.at_level(logging.DEBUG, "pennylane_wishart"):
        assert not _is_float(Odd())
    assert "Odd" in caplog.text and "Traceback" in caplog.text
