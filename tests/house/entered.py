"""Which files of the package a default diagnosis enters: any function of theirs runs."""

from __future__ import annotations

import subprocess
import sys

from house import imports

_PROGRAM = """
import os, sys, numpy as np, pennylane as qml, pennylane_wishart as pw
from pennylane import numpy as pnp
pw.diagnose  # importing is not entering
root, files = os.path.dirname(pw.__file__), set()
@qml.qnode(qml.device("lightning.qubit", wires=4))
def circuit(w):
    qml.StronglyEntanglingLayers(w, wires=range(4))
    return qml.expval(qml.Z(0))
weights = pnp.array(np.random.default_rng(0).uniform(0, 6.28, (2, 4, 3)), requires_grad=True)
def hook(frame, event, arg):
    code = frame.f_code
    if event == "call" and code.co_filename.startswith(root) and not code.co_name.startswith("<"):
        files.add(code.co_filename)
sys.setprofile(hook)
str(pw.diagnose(circuit)(weights))
sys.setprofile(None)
print(len(files))
"""


def entered() -> int:
    """Count them for a 4-qubit circuit of two layers, diagnosed and printed."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, cwd=imports.ROOT, check=True
    )
    return int(done.stdout.split()[-1])
