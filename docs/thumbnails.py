"""Draw the demos' thumbnails, first figures of the notebooks in their short form: python docs/thumbnails.py."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import matplotlib

os.environ.setdefault("WISHART_DEMO_FAST", "1")
matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.transforms import Bbox  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
PIXELS = 560
"""Width: sharp on a card of 280 points."""
TALL = 0.6
"""Of the width: of a taller figure the top is shown."""


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
    """Write ``docs/demos/<notebook>.png`` for every notebook, or those that are named, and say what each took."""
    wanted = sys.argv[1:] or ["demo_"]
    (ROOT / "docs" / "demos").mkdir(exist_ok=True)
    os.chdir(ROOT / "demos")
    for notebook in sorted(n for n in Path().glob("demo_*.ipynb") if n.stem.startswith(tuple(wanted))):
        since = time.process_time()
        figure = first_figure(notebook)
        path = ROOT / "docs" / "demos" / f"{notebook.stem}.png"
        width, height = figure.get_size_inches()
        top = Bbox([[0, max(0, height - TALL * width)], [width, height]])
        figure.savefig(path, dpi=PIXELS / width, facecolor="white", bbox_inches=top)
        plt.close("all")
        print(f"{path.relative_to(ROOT)}  {time.process_time() - since:.1f} s of processor")


if __name__ == "__main__":
    main()
