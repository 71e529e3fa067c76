"""Nodes and weights that average trigonometric polynomials of a shared angle exactly, under any law.

ℓ² is a trigonometric polynomial in every parameter, so finitely many nodes, with weights made from
the law's characteristic function, replace the integral.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pennylane_wishart.circuit import AngleLaw
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import ModuleTooLargeError
from pennylane_wishart.variances.building import CLOSED_FORM

__all__ = ["Nodes", "averaging_of", "common_unit", "least_nodes", "quadrature_nodes"]

Nodes = tuple[np.ndarray, np.ndarray]
"""Angles and their weights."""


def quadrature_nodes(law: AngleLaw, parameter: int, unit: float, degree: int, uniform_data: bool = False) -> Nodes:
    """Return nodes and weights, exact for E of a trigonometric polynomial under the law.

    Args:
        unit: the fundamental frequency; the polynomial has frequencies unit·(−degree … degree).
    """

    def phi(f: np.ndarray) -> np.ndarray:
        if uniform_data:
            return np.asarray((np.abs(f) < limits.SAME_FREQUENCY).astype(complex))
        return law.characteristic(f, np.full(np.shape(f), parameter))

    if not uniform_data and law.kind[parameter] == "fixed":
        return np.array([law.low[parameter]]), np.ones(1)
    orders = np.arange(-degree, degree + 1)
    moments = phi(unit * orders.astype(float))
    flat = np.abs(moments[orders != 0]).max(initial=0.0) < limits.ZERO
    # a law without these frequencies is a uniform one: equal weights, and half the nodes, integrate it
    # n equal steps see frequency f as f mod n: the polynomial's must not fold onto each other
    n = degree + 1 if flat else 2 * degree + 1
    nodes = 2 * np.pi * np.arange(n) / (unit * n)
    if flat:
        return nodes, np.full(n, 1.0 / n)
    phases = np.exp(-1j * unit * nodes[:, None] * orders[None, :])
    return nodes, (phases @ moments).real / n


def least_nodes(law: AngleLaw, driver: np.ndarray, shared: np.ndarray) -> float:
    """Return how many joint nodes shared angles need at least: every rotation adds a multiple of its frequency unit.

    Args:
        driver: of each living rotation, each of which turns something.
        shared: the drivers that are averaged by nodes.
    """
    drawn = [d for d in shared if d >= len(law) or law.kind[d] != "fixed"]
    return float(np.prod([2.0 * np.count_nonzero(driver == d) + 1.0 for d in drawn]))


def common_unit(rates: np.ndarray) -> float:
    """Return the largest frequency of which all given ones are multiples."""
    rates = np.unique(rates)
    if len(rates) == 0:
        return 1.0
    refused = ModuleTooLargeError("A shared parameter drives gates of incommensurate frequencies: use sampling.")
    least = float(rates[0])
    # in units of the smallest one, where rounding of all others is comparable
    rates = np.unique(np.round(rates / least, limits.RATIO_DIGITS))
    if rates[-1] > limits.FREQUENCY_RATIO:
        raise refused
    # Euclid's algorithm on numbers that carry rounding
    unit = 1.0
    for rate in rates[1:]:
        a, b = rate, unit
        while b > limits.FREQUENCY_MATCH:
            a, b = b, a % b
            if min(b, abs(a - b)) < limits.FREQUENCY_MATCH:
                b = 0.0
        unit = a
        if unit < limits.FREQUENCY_STEP:
            raise refused
    return unit * least


def averaging_of(n_params: int, shared: np.ndarray, grids: Sequence[Nodes]) -> str:
    """Say which set of angles averages each shared parameter exactly."""
    if len(shared) == 0:
        return CLOSED_FORM
    parts = []
    for d, (nodes, weights) in list(zip(shared, grids, strict=True))[: limits.NAMED_PARAMETERS]:
        name = f"parameter {d}" if d < n_params else f"data input {d - n_params}"
        if len(nodes) == 1:
            parts.append(f"{name} at {nodes[0]:.6g}")
            continue
        kind = "equal" if np.ptp(weights) < limits.ZERO else "signed"
        step = (nodes[1] - nodes[0]) / np.pi
        parts.append(f"{name} at {len(nodes)} angles {step:.6g}·π apart with {kind} weights")
    more = f" and {len(shared) - limits.NAMED_PARAMETERS} more" if len(shared) > limits.NAMED_PARAMETERS else ""
    return (
        "shared parameters averaged jointly, exactly for their frequencies: "
        f"{'; '.join(parts)}{more}; the others in closed form"
    )
