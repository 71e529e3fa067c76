"""Six to ten qubits: walkers against the exact engines, and wishart.lie against default.qubit.

Here the references are the package's exact engines, which ``checks.py`` holds against the dense
oracle at n ≤ 4, and PennyLane's own simulator. A comparison of an estimate fails beyond 5 standard
errors: 6·10⁻⁷ a comparison where the mean of 64 batches is normal, so below 0.5% for the joint
verdict on 100 circuits of 2 walks × 3 laws × at most 14 numbers.
"""

from __future__ import annotations

import numpy as np
import pennylane as qml
from checks import LAWS, Report, law_name
from generator import Drawn, draw

import pennylane_wishart as pw
from pennylane_wishart.errors import ModuleTooLargeError, Status, UnsupportedCircuitError
from pennylane_wishart.variances import can_walk, exact_moments, pair_walk, walk

__all__ = ["draw_large", "lie_differences", "walker_differences"]

SIGMAS = 5.0
WALKERS = 20_000
_FAMILIES = ("anything", "words", "number", "words", "real")


def draw_large(seed: int) -> Drawn:
    """Draw a circuit on 6 to 10 qubits with up to 12 parameters and a sum as observable."""
    return draw(seed, n_max=10, n_min=6, family=_FAMILIES[seed % 5], sums=True, max_params=12)


def walker_differences(seed: int, report: Report | None = None) -> Report:
    """Hold ``walk`` and ``pair_walk`` against ``exact_moments`` under three laws."""
    report = report or Report()
    drawn = draw_large(seed)
    circuit = pw.normal_form(drawn.qnode)(*drawn.args)
    for spec in LAWS:
        law = circuit.angle_law(spec)
        try:
            exact = exact_moments(circuit, law, max_support=20_000, max_dim=300, max_work=5e8)
        except ModuleTooLargeError:
            report.notes.append("no exact engine within the limits")
            continue
        for name, engine in (("walk", walk), ("pair walk", pair_walk)):
            if engine is walk and can_walk(circuit, law):
                continue
            try:
                got = engine(circuit, law, WALKERS, seed=seed)
            except UnsupportedCircuitError:
                report.notes.append(f"{name} does not apply")
                continue
            _within(report, f"{name} {law_name(spec)}", got, exact)
    return report


def _within(report: Report, name: str, got, exact) -> None:
    slack = 1e-9 * max(1.0, exact.loss_second_moment)
    for quantity in ("loss_mean", "loss_second_moment"):
        if np.isnan(getattr(got, quantity)):  # only a bound is known
            continue
        allowed = SIGMAS * getattr(got, f"{quantity}_error") + slack
        report.hold(f"{name}: {quantity}", getattr(got, quantity), getattr(exact, quantity), allowed)
    bound = np.array([s in (Status.BOUND, Status.UPPER_BOUND) for s in got.status], bool)
    allowed = np.where(bound, np.inf, SIGMAS * got.gradient_variance_error + slack)
    report.hold(f"{name}: gradient_variance", np.where(bound, exact.gradient_variance, got.gradient_variance),
                exact.gradient_variance, allowed)  # fmt: skip
    # An upper limit holds at 97.5%: what breaks it tenfold is wrong at any confidence.
    limit = np.exp2(got.gradient_variance_upper.at_most_log2)
    report.same(f"{name}: bounds", np.flatnonzero(bound & (exact.gradient_variance > 10 * limit + slack)).tolist(), [])


def lie_differences(seed: int, report: Report | None = None) -> Report:
    """Hold values and gradients of the device ``wishart.lie`` against ``default.qubit``."""
    report = report or Report()
    drawn = draw_large(seed)
    try:
        device = qml.QNode(drawn.qnode.func, qml.device("wishart.lie"))
        value = device(*drawn.args)
    except (qml.exceptions.DeviceError, ModuleTooLargeError) as err:
        report.notes.append(f"wishart.lie refuses: {type(err).__name__} {err}"[:110])
        return report
    plain = [np.array(a, float) for a in drawn.args]
    report.hold("wishart.lie: value", value, drawn.qnode(*plain), 1e-9)
    got = np.concatenate([np.ravel(g) for g in _gradient(device, drawn.args)])
    if "exp" in drawn.tags:
        report.hold("wishart.lie: gradient", got, _differences(drawn.qnode, plain), 1e-7)
    else:
        reference = qml.QNode(drawn.qnode.func, qml.device("default.qubit"), diff_method="backprop")
        expected = np.concatenate([np.ravel(g) for g in _gradient(reference, drawn.args)])
        report.hold("wishart.lie: gradient", got, expected, 1e-9)
    return report


def _differences(qnode, args, step: float = 1e-2) -> np.ndarray:
    """Return the gradient by differences of eighth order.

    default.qubit's own matrix of exp(sum of words) is wrong at a trainable coefficient (PennyLane
    0.45.1), so its values are taken at plain numbers.
    """
    weights = ((1, 4 / 5), (2, -1 / 5), (3, 4 / 105), (4, -1 / 280))
    out = []
    for a in args:
        for i in range(a.size):
            total = 0.0
            for k, w in weights:
                for sign in (1, -1):
                    moved = [b.copy() for b in args]
                    moved[[b is a for b in args].index(True)].flat[i] += sign * k * step
                    total += sign * w * float(qnode(*moved))
            out.append(total / step)
    return np.array(out)


def _gradient(qnode, args) -> tuple:
    out = qml.grad(qnode)(*args)
    return out if isinstance(out, tuple) else (out,)
