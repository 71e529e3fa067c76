"""Five changes that those who come after will want, done on a copy of the package and tried there.

Each is edits of files and a program that shows that the change arrived; what is counted is files touched.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from house import imports

_CIRCUIT = """
import numpy as np, pennylane as qml, pennylane_wishart as pw
from pennylane import numpy as pnp
w = pnp.array([0.3, 0.7], requires_grad=True)
"""


@dataclass(frozen=True)
class Change:
    """One change: what it is, how many files it may touch, its edits and the program that tries it."""

    what: str
    most: int
    probe: str
    new: Mapping[str, str] = field(default_factory=dict)
    """Contents of new files."""
    edits: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """What is replaced by what, once a file."""

    def arrives(self) -> str:
        """Make the change on a copy and run its program; return what went wrong, nothing where it works."""
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / imports.PACKAGE
            shutil.copytree(imports.ROOT / imports.PACKAGE, root, ignore=shutil.ignore_patterns("__pycache__"))
            for name, text in self.new.items():
                (root / name).write_text(text)
            for name, (old, new) in self.edits.items():
                before = (root / name).read_text()
                if before.count(old) != 1:
                    return f"{name} does not hold {old!r} once"
                (root / name).write_text(before.replace(old, new))
            environment = {**os.environ, "PYTHONPATH": folder}
            done = subprocess.run(
                [sys.executable, "-c", _CIRCUIT + self.probe],
                capture_output=True,
                text=True,
                cwd=folder,
                env=environment,
            )
        return done.stderr.strip().splitlines()[-1] if done.returncode else ""

    @property
    def touched(self) -> int:
        """Files that it adds or edits."""
        return len(self.new) + len(self.edits)


GATE = Change(
    "a gate that PennyLane does not have",
    3,
    # e^{-iθ(X⊗X + Y⊗Z)/2}, from its matrix alone; the mean square of the derivative over a grid of its frequencies
    """
from scipy.linalg import expm
X, Y, Z = (qml.matrix(p(0)) for p in (qml.X, qml.Y, qml.Z))
G = (np.kron(X, X) + np.kron(Y, Z)) / 2
class Twist(qml.operation.Operation):
    num_params, num_wires, grad_method, parameter_frequencies = 1, 2, "A", [(1, 2)]
    @staticmethod
    def compute_matrix(theta):
        return expm(-1j * float(qml.math.unwrap([theta])[0]) * G)
@qml.qnode(qml.device("default.qubit", wires=2))
def q(w):
    qml.RY(w[0], 0); qml.RX(0.4, 1); Twist(w[1], [0, 1])
    return qml.expval(qml.Z(0) @ qml.X(1))
@qml.qnode(qml.device("default.qubit", wires=2))
def state(a, b):
    qml.RY(a, 0); qml.RX(0.4, 1); qml.QubitUnitary(expm(-1j * b * G), [0, 1])
    return qml.expval(qml.Z(0) @ qml.X(1))
grid = 2 * np.pi * np.arange(16) / 16
table = np.array([[float(state(a, b)) for b in grid] for a in grid])
k = np.fft.fftfreq(16, 1 / 16)
power = np.abs(np.fft.fft2(table) / 256) ** 2
wanted = [(k[:, None] ** 2 * power).sum(), (k[None, :] ** 2 * power).sum()]
assert np.allclose(pw.predict(q)(w).gradient_variance, wanted, atol=1e-10)
""",
)
CHANNEL = Change(
    "a channel that PennyLane does not have",
    1,
    # half of the coherence goes: E[(∂⟨X⟩)²] = (1/2)²·1/2
    """
class Fade(qml.operation.Channel):
    num_params, num_wires = 1, 1
    @staticmethod
    def compute_kraus_matrices(p):
        return [np.sqrt(1 - p) * np.eye(2), np.sqrt(p) * np.diag([1.0, -1.0])]
@qml.qnode(qml.device("default.mixed", wires=1))
def q(w):
    qml.RY(w[0], 0); Fade(0.25, 0); qml.RX(w[1], 0)
    return qml.expval(qml.X(0))
assert np.allclose(pw.predict(q)(w).gradient_variance, [0.125, 0])
""",
)
LAW = Change(
    "a law of losses",
    3,
    """
law = pw.ensembles.UniformLoss(-1.0, 3.0)
assert law.mean() == 1 and abs(law.var() - 16 / 12) < 1e-12 and abs(law.cdf(0.0) - 0.25) < 1e-12
assert abs(law.ppf(0.75) - 2) < 1e-9 and abs(law.rvs(4000, 1).mean() - 1) < 0.1
assert law.with_shots(100, 1.0).var() > law.var()
""",
    new={
        "ensembles/uniform.py": '''"""A loss that takes every value between two ends with the same probability."""

from dataclasses import dataclass

import numpy as np

from pennylane_wishart.ensembles.law import Law
from pennylane_wishart.ensembles.scaled import Scaled


@dataclass(frozen=True)
class UniformLoss(Law):
    """Hold the two ends."""

    low: float
    high: float
    engine = "uniform"
    validity = "Where it was chosen."

    def mean(self):
        return (self.low + self.high) / 2

    @property
    def _variance(self):
        return Scaled((self.high - self.low) ** 2 / 12)

    def skewness(self):
        return 0.0

    def kurtosis(self):
        return -1.2

    def support(self):
        return self.low, self.high

    def _log_tails(self, y):
        share = np.clip((y - self.low) / (self.high - self.low), 0, 1)
        with np.errstate(divide="ignore"):
            return np.log(share), np.log1p(-share)

    def _log_density(self, y):
        inside = (y >= self.low) & (y <= self.high)
        return np.where(inside, -np.log(self.high - self.low), -np.inf)

    def _cdf_error(self, y):
        return np.zeros_like(y)

    def _draw(self, size, rng):
        return rng.uniform(self.low, self.high, size)
'''
    },
    edits={
        "ensembles/__init__.py": (
            "from pennylane_wishart.ensembles.variance_gamma",
            "from pennylane_wishart.ensembles.uniform import UniformLoss\n"
            "from pennylane_wishart.ensembles.variance_gamma",
        )
    },
)
_DIAGNOSED = """
@qml.qnode(qml.device("default.qubit", wires=2))
def q(w):
    qml.RY(w[0], 0); qml.CNOT([0, 1]); qml.RX(w[1], 1)
    return qml.expval(qml.Z(0) @ qml.Z(1))
diag = pw.diagnose(q)(w)
"""
CHECK = Change(
    "a check",
    1,
    _DIAGNOSED
    + """
assert "qubits to pay for" in diag._repr_html_() and "qubits to pay for" in str(diag.details())
assert "there are two of them" in diag.headline
""",
    new={
        "diagnosis/checks/width.py": '''"""How many qubits?"""

from pennylane_wishart.conventions import CheckId
from pennylane_wishart.diagnosis.checks.kinds import Check, CheckKind


def _judge(case):
    n = case.prediction.circuit.n_qubits
    return Check(CheckId("width"), "qubits to pay for", n, 1, n <= 1, "Use fewer.", wanted="1",
                 definition="Qubits that the circuit touches.", failing="there are two of them")


CHECK = CheckKind(35, _judge)
'''
    },
)
SECTION = Change(
    "a section of the report",
    2,
    _DIAGNOSED + 'assert "Weather" in diag._repr_html_() and "Weather" in str(diag.details())\n',
    new={
        "diagnosis/sections/weather.py": '''"""The weather."""

from pennylane_wishart.report import Section


def weather_section(diag):
    return Section("Weather", (f"Fine, with {diag.prediction.n_params} parameters.",))
'''
    },
    edits={
        "diagnosis/sections/__init__.py": (
            "    terms_section,\n)",
            "    terms_section,\n    __import__(f'{__name__}.weather', fromlist=['x']).weather_section,\n)",
        )
    },
)
LEVEL = Change(
    "5% that counts as deep to 4%",
    1,
    _DIAGNOSED
    + 'text = str(diag.details()) + diag._repr_html_()\nassert "within 4%" in text and "within 5%" not in text\n',
    edits={"conventions/levels.py": ("DEEP = 0.05\n", "DEEP = 0.04\n")},
)
CHANGES = (GATE, CHANNEL, LAW, CHECK, SECTION, LEVEL)
