"""Pin linear algebra to one thread, find the registry of circuits, and seed what plugins draw from."""

import os
import sys
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("OMP_PROC_BIND", "false")

_HERE = Path(__file__).resolve().parent
for _folder in (_HERE, _HERE.parent / "tests"):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))

import numpy as np  # noqa: E402
import pytest  # noqa: E402


@pytest.fixture(autouse=True)
def seeded():
    """Plugins of the old interface draw their shots from NumPy's global stream."""
    np.random.seed(7)
