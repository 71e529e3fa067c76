"""One plan on every device that this environment has: same law where there is no noise, quotes kept.

    python benchmarks/device_matrix.py            the whole plan
    python benchmarks/device_matrix.py --fast     40 samples each
    python benchmarks/device_matrix.py --only cirq

The plugins do not share one environment: ``make test-devices`` builds one for each group and runs
this in every one of them. Three qubits, five entangling layers, 45 parameters, 100 shots a circuit;
the same angles (seed 7) everywhere. Columns: circuits and shots as quoted before anything ran and
as counted at the last call before the simulator or provider; measured over predicted variance of
the gradients, shot noise removed, with its 95% interval; the slope of measured on exact losses
(1 where nothing but shot noise is in the way).
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import warnings
from pathlib import Path

os.environ.setdefault("OMP_PROC_BIND", "false")
_ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(_ROOT / "tests_devices"), str(_ROOT / "tests")]

import numpy as np  # noqa: E402
import pennylane as qml  # noqa: E402
from machines import Machine, installed  # noqa: E402
from plan import PARAMETERS, Outcome, ansatz, exact, run_plan  # noqa: E402

import pennylane_wishart as pw  # noqa: E402

_HEAD = (
    ("device", 28), ("version", 8), ("route", 16), ("samples", 7), ("circuits quoted/run", 19),
    ("shots quoted/run", 17), ("variance ratio [95%]", 20), ("slope", 12), ("verdict", 15), ("seconds", 7),
)  # fmt: skip
FAILED: list[str] = []


def analytic_gap(machine: Machine) -> str:
    """Return how far analytic numbers lie from lightning.qubit's, in words."""
    if machine.samples_only:
        return "samples only"
    qnode, weights = ansatz()
    data = pw.measure(qnode, samples=3, seed=7, device=machine.make(3), parameters=PARAMETERS)(weights)
    truth = exact(3)
    gap = max(np.abs(data.losses - truth.losses).max(), np.nanmax(np.abs(data.gradients - truth.gradients)))
    if machine.noisy:
        return f"{gap:.2g} away (noise)"
    good = gap <= machine.precision
    if not good:
        FAILED.append(f"{machine}: analytic numbers")
    return f"{gap:.0e} away, goal {machine.precision:.0e}: {'met' if good else 'NOT MET'} ({data.route})"


def verdict_of(outcome: Outcome) -> str:
    """Judge a row: noise-free devices must agree, noisy ones must show a discrepancy."""
    agrees = outcome.comparison.agrees
    if agrees is not (not outcome.machine.noisy):
        FAILED.append(f"{outcome.machine}: law")
    if (outcome.executed, outcome.shots) != (outcome.quote.executions, outcome.quote.shots):
        FAILED.append(f"{outcome.machine}: quote")
    if agrees:
        return "same law"
    return "noise reported" if outcome.machine.noisy else "DISAGREES"


def row_of(outcome: Outcome) -> str:
    """Format one row of the table."""
    variances, (slope, error) = outcome.comparison.variances, outcome.signal
    cells = (
        outcome.machine.name,
        outcome.machine.version,
        outcome.data.route,
        str(outcome.data.samples),
        f"{outcome.quote.executions:,}/{outcome.executed:,}",
        f"{outcome.quote.shots:,}/{outcome.shots:,}",
        f"{variances.ratio_of_variances:.2f} [{variances.interval[0]:.2f}, {variances.interval[1]:.2f}]",
        f"{slope:.3f}±{error:.3f}",
        verdict_of(outcome),
        f"{outcome.seconds:.1f}",
    )
    return " | ".join(cell.ljust(width) for cell, (_, width) in zip(cells, _HEAD, strict=True)).rstrip()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fast", action="store_true", help="40 samples each")
    parser.add_argument("--only", default="", help="devices whose name holds this")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning)
    here, missing = installed()
    chosen = [m for m in here if options.only in m.name]
    print(f"PennyLane {qml.__version__}, Python {platform.python_version()}, one plan, seed 7")
    print(" | ".join(name.ljust(width) for name, width in _HEAD).rstrip())
    for machine in chosen:
        np.random.seed(7)
        samples = 40 if options.fast else machine.samples
        print(row_of(run_plan(machine, samples)), flush=True)
    print("Analytic numbers beside lightning.qubit's, 3 angle sets:")
    for machine in chosen:
        print(f"  {machine.name:<28} {analytic_gap(machine)}", flush=True)
    for name, reason in missing.items():
        print(f"  {name}: skipped, {reason}")
    print("All as it must be." if not FAILED else "NOT MET: " + "; ".join(FAILED))
    return 1 if FAILED else 0


if __name__ == "__main__":
    sys.exit(main())
