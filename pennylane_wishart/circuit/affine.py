"""Recover a sparse affine map from a few evaluations: which parameter drives which gate.

Gate parameters are affine in the QNode parameters (a gate's angle may be −2x + 0.3, x₀ + x₁,
data·x). Two probes along weighted directions identify the parameter of every gate that
depends on one; gates that depend on several are resolved by probing random groups.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_array

from pennylane_wishart.errors import UnsupportedCircuitError

__all__ = ["affine_map"]

_TOL = 1e-9


def affine_map(
    function: Callable[[np.ndarray], np.ndarray],
    x0: np.ndarray,
    f0: np.ndarray,
    describe: Callable[[int], str],
) -> csr_array:
    """Return the sparse J ``(m, n)`` of f(x) = f0 + J (x − x0).

    Args:
        function: x ``(n,)`` → gate parameters ``(m,)``; raises if the structure changes.
        x0: float64 ``(n,)``.
        f0: the outputs at x0.
        describe: name of output i for messages.
    Raises:
        UnsupportedCircuitError: if an output is not affine in x.
    Cost: three evaluations, plus 64 per round where outputs depend on several parameters.
    """
    n = len(x0)
    if n == 0:
        return csr_array((len(f0), 0))
    rng = np.random.default_rng(20241121)
    weight = rng.uniform(0.5, 1.5, n)
    ramp = weight * (np.arange(n) + 1) / n
    check = rng.uniform(-1.7, 2.3, n)
    d1, d2, d3 = (function(x0 + v) - f0 for v in (weight, ramp, check))
    scale = 1 + np.abs(f0)
    live = np.flatnonzero((np.abs(d1) + np.abs(d2) + np.abs(d3)) > _TOL * scale)
    with np.errstate(divide="ignore", invalid="ignore"):
        position = d2[live] / d1[live] * n - 1
    index = np.clip(np.nan_to_num(np.round(position), nan=0, posinf=0, neginf=0), 0, n - 1).astype(int)
    slope = d1[live] / weight[index]
    good = (np.abs(slope * ramp[index] - d2[live]) < _TOL * scale[live] * 10) & (
        np.abs(slope * check[index] - d3[live]) < _TOL * scale[live] * 10
    )
    rows, columns, data = live[good], index[good], slope[good]
    rest = live[~good]
    if len(rest):
        several = _several(function, x0, f0, rest, rng)
        predicted = several @ check
        wrong = np.abs(predicted - d3[rest]) > 1e-7 * scale[rest] * max(1, np.sqrt(n))
        if wrong.any():
            raise UnsupportedCircuitError(
                f"The angle of {describe(int(rest[wrong][0]))} is not an affine function of the trainable "
                "parameters: make the non-linear expression itself the trainable argument."
            )
        extra = several.tocoo()
        rows = np.concatenate([rows, rest[extra.row]])
        columns = np.concatenate([columns, extra.col])
        data = np.concatenate([data, extra.data])
    return csr_array((data, (rows, columns)), shape=(len(f0), n))


def _several(function, x0, f0, rest, rng, buckets: int = 32, rounds: int = 6) -> csr_array:
    """Resolve outputs that depend on several parameters, by random groups of parameters.

    A group that holds just one parameter of an output shows it by the ratio of two probes;
    what is found is subtracted before the next round.
    """
    n = len(x0)
    found = csr_array((len(rest), n))
    for r in range(rounds):
        direct = n <= buckets or r == rounds - 1 and n <= 400
        group = np.arange(n) if direct else rng.integers(0, buckets, n)
        rows, columns, data = [], [], []
        for b in range(group.max() + 1):
            members = np.flatnonzero(group == b)
            weight, ramp = np.zeros(n), np.zeros(n)
            weight[members] = rng.uniform(0.5, 1.5, len(members))
            ramp[members] = weight[members] * (np.arange(len(members)) + 1) / max(1, len(members))
            d1 = (function(x0 + weight) - f0)[rest] - found @ weight
            hit = np.flatnonzero(np.abs(d1) > 1e-8)
            if len(hit) == 0:
                continue
            d2 = (function(x0 + ramp) - f0)[rest] - found @ ramp if len(members) > 1 else d1
            place = d2[hit] / d1[hit] * len(members) - 1
            k = np.round(place).astype(int)
            ok = (np.abs(place - k) < 1e-6) & (k >= 0) & (k < len(members))
            rows.append(hit[ok])
            columns.append(members[k[ok]])
            data.append(d1[hit[ok]] / weight[members[k[ok]]])
        if rows:
            new = (np.concatenate(data), (np.concatenate(rows), np.concatenate(columns)))
            found = found + csr_array(new, shape=found.shape)
        if direct:
            break
    return csr_array(found)
