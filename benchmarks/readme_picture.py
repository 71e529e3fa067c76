"""Draw the README's picture from the built-in demo circuit: python benchmarks/readme_picture.py."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

import pennylane_wishart as pw  # noqa: E402
from pennylane_wishart import plots  # noqa: E402
from pennylane_wishart.cli import demo_circuit  # noqa: E402

qnode, args = demo_circuit()
diag = pw.diagnose(qnode, samples=1000, progress=False)(*args)
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.0), layout="constrained")
plots.plot_gradient_law(diag.prediction, diag.measurement, left)
plots.plot_parameter_variances(diag.prediction, diag.measurement, right)
left.set_title("gradients of the deep parameters: no fit", pad=24)
right.set_title("every parameter, at this circuit's own depth", pad=38)
path = Path(__file__).resolve().parent.parent / "docs" / "readme.png"
figure.savefig(path, dpi=110)
print(f"wrote {path}")
