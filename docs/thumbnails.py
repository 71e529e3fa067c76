"""Draw the demos' thumbnails, first figures of the notebooks in their short form: python docs/thumbnails.py."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import matplotlib

os.environ.setdefault("WISHART_DEMO_FAST", "1")
matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
PIXELS = 560
"""Width: sharp on a card of 280 points."""


def first_figure(notebook: Path) -> matplotlib.figure.Figure:
    """Run the cells of a notebook until one has drawn."""
    names: dict[str, object] = {"__name__": "__main__", "display": lambda *_: None}
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), notebook.name, "exec"), names)  # noqa: S102  # our own notebooks
        if plt.get_fignums():
            return plt.figure(plt.get_fignums()[0])
    raise SystemExit(f"{notebook.name} draws no figure.")


def main() -> None:
    """Write ``docs/demos/<notebook>.png`` for every notebook, and say what each took."""
    (ROOT / "docs" / "demos").mkdir(exist_ok=True)
    os.chdir(ROOT / "demos")
    for notebook in sorted(Path().glob("demo_*.ipynb")):
        since = time.process_time()
        figure = first_figure(notebook)
        path = ROOT / "docs" / "demos" / f"{notebook.stem}.png"
        figure.savefig(path, dpi=PIXELS / figure.get_figwidth(), facecolor="white")
        plt.close("all")
        print(f"{path.relative_to(ROOT)}  {time.process_time() - since:.1f} s of processor")


if __name__ == "__main__":
    main()
