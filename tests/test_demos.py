"""Every notebook is kept without outputs and checks the numbers that it prints."""

from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")

DEMOS = Path(__file__).resolve().parent.parent / "demos"
NOTEBOOKS = sorted(DEMOS.glob("demo_*.ipynb"))


def test_every_demo_is_numbered_once():
    """demo_1 … demo_8, no number missing or given twice, and nothing else beside them."""
    numbers = [int(path.name.split("_")[1]) for path in NOTEBOOKS]
    assert numbers == list(range(1, 9))
    assert NOTEBOOKS == sorted(DEMOS.glob("demo_*"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_has_no_outputs_and_checks_its_numbers(notebook):
    """No stored output; at least five assertions; a fast mode."""
    cells = [cell for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in cells)
    text = "\n".join(cell.source for cell in cells)
    assert text.count("assert ") >= 5
    assert "WISHART_DEMO_FAST" in text
