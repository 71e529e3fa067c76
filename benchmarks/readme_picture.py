"""Draw the README's picture, a verdict on a circuit, from the built-in demo: python benchmarks/readme_picture.py."""

import textwrap
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

import pennylane_wishart as pw  # noqa: E402
from pennylane_wishart import plots  # noqa: E402
from pennylane_wishart.cli.commands import demo_circuit  # noqa: E402

qnode, args = demo_circuit()
diag = pw.diagnose(qnode, progress=False)(*args)
size = plots.drawn_size(diag.prediction)
figure, ax = plt.subplots(figsize=size, layout="constrained")
plots.circuit_map(diag.prediction, ax)
figure.suptitle("\n".join(textwrap.wrap(diag.headline, 120)), fontsize=13, ha="left", x=0.02)
path = Path(__file__).resolve().parent.parent / "docs" / "readme.png"
figure.savefig(path, dpi=90)
print(diag)
print(f"wrote {path}")
