"""Pin linear algebra to one thread, and let every test file import the registry and oracles.

BLAS threads fighting for cores make small matrices 10–25 times slower. The libraries read
these variables when they are loaded, so they are set before numpy is.
"""

import gc
import os
import sys
from pathlib import Path

for _name in (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
):
    os.environ.setdefault(_name, "1")

# `import circuits` and `from references import …` work from any directory pytest is called in.
_HERE = str(Path(__file__).resolve().parent)
if _HERE not in sys.path:
    sys.path.insert(0, _HERE)

import numpy as np  # noqa: E402
import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

# No clock decides: the same examples at any speed of the machine.
settings.register_profile(
    "steady", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")


@pytest.fixture
def rng(request) -> np.random.Generator:
    """A generator whose seed is the test's own name: the same numbers in any order of tests."""
    return np.random.default_rng(list(request.node.nodeid.split("::")[-1].encode()))


@pytest.fixture(autouse=True)
def _no_signature_kept():
    """A test that changes a limit must not be answered with what another one found."""
    door = sys.modules.get("pennylane_wishart.sectors.door")
    if door is not None:
        door.forget()


@pytest.fixture(autouse=True)
def _few_remedies(request, monkeypatch):
    """Changes of a circuit are tried for a moment only, but by the tests that are about them."""
    if not request.module.__name__.split(".")[-1].startswith(("test_remedies", "test_report", "test_zoo")):
        from pennylane_wishart.conventions import outlook

        monkeypatch.setattr(outlook, "REMEDY_BUDGET", 0.1)


@pytest.fixture(autouse=True)
def _same_precision_after():
    """A test that switches jax to double precision switches it for itself alone."""
    jax = sys.modules.get("jax")
    before = None if jax is None else jax.config.jax_enable_x64
    yield
    jax = sys.modules.get("jax")
    if jax is not None:
        jax.config.update("jax_enable_x64", bool(before))


_SLOW = {line for line in (Path(_HERE) / "slow_tests.txt").read_text().splitlines() if not line.startswith("#")}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark the tests of slow_tests.txt, which were measured, beside those that say so themselves."""
    for item in items:
        if item.nodeid in _SLOW or item.nodeid.removeprefix("tests/") in _SLOW:
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.listed)


def pytest_collection_finish():
    """Take imports out of the collector's rounds: it walks a million objects, a sixth of the suite's time."""
    gc.collect()
    gc.freeze()
