"""Every notebook has a percent twin that says the same, and is kept without outputs."""

from pathlib import Path

import pytest

jupytext = pytest.importorskip("jupytext")

DEMOS = Path(__file__).resolve().parent.parent / "demos"
NOTEBOOKS = sorted(DEMOS.glob("demo_*.ipynb"))


def cells_of(path: Path) -> list[tuple[str, str]]:
    """Return (type, source) of every cell."""
    return [(cell.cell_type, cell.source.strip()) for cell in jupytext.read(path).cells]


def test_every_demo_is_numbered_once():
    """demo_1 … demo_7, no number missing or given twice, each with its twin."""
    numbers = [int(path.name.split("_")[1]) for path in NOTEBOOKS]
    assert numbers == list(range(1, 8))
    assert [path.with_suffix(".py") for path in NOTEBOOKS] == sorted(DEMOS.glob("demo_*.py"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_equals_its_twin(notebook):
    """The notebook is what ``jupytext --to ipynb`` makes of the script."""
    assert cells_of(notebook) == cells_of(notebook.with_suffix(".py"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_has_no_outputs_and_checks_its_numbers(notebook):
    """No stored output; at least five assertions; a fast mode."""
    cells = [cell for cell in jupytext.read(notebook).cells if cell.cell_type == "code"]
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in cells)
    text = "\n".join(cell.source for cell in cells)
    assert text.count("assert ") >= 5
    assert "WISHART_DEMO_FAST" in text
