"""The range that random angles are drawn from: one period of the loss in each parameter.

Periods come from the eigenvalue gaps of the generators. Where the gates of a parameter have no
common period (weighted QAOA), the range is one period of the slowest of them: it is what a user
would start in, and moments are exact for any range.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from typing import TYPE_CHECKING

import numpy as np

from pennylane_wishart.circuit.affine import significant
from pennylane_wishart.paulis import F2Basis, PauliSum, unpack_bits

if TYPE_CHECKING:
    from pennylane_wishart.circuit.records import RotationCircuit

__all__ = ["Ranges", "generator_frequencies", "parameter_ranges", "ranges_of"]

_MAX_RANK = 10
_MAX_DENOMINATOR = 64
"""Rates whose ratios have larger denominators have no period that a user would call one."""
_MAX_TURNS = 24
"""A common period of more turns of the slowest rate than this is none that a user would start in."""
_EQUAL = 1e-9
"""Relative: rates are read to 1e-11 or better, and come from eigenvalues that carry 1e-14."""


@dataclass(frozen=True, eq=False)
class Ranges:
    """Where each angle is drawn from."""

    width: np.ndarray
    """radians ``(n_params,)``: angles are uniform over [0, width)."""
    incommensurate: tuple[int, ...]
    """Parameters whose gates have no common period: ``width`` is one period of the slowest gate."""


def generator_eigenvalues(generator: PauliSum) -> np.ndarray | None:
    """Return the distinct eigenvalues of a generator; None where it is too large.

    Commuting terms: signs of independent words determine all the others (rank ≤ 10);
    otherwise a dense matrix on the support (at most 8 qubits).
    """
    words = generator.words
    if not words.anticommutation(words).any():
        basis = F2Basis(words.packed, track=True)
        if basis.rank > _MAX_RANK:
            return None
        return _distinct(_commuting_spectrum(generator, basis))
    support = words.support()
    if len(support) > 8:
        return None
    local = PauliSum.of(words.restrict(support), generator.coefficients)
    return _distinct(np.linalg.eigvalsh(local.matrix()))


def _distinct(values: np.ndarray, gap: float = 1e-10) -> np.ndarray:
    """Return the means of values that differ by rounding only, ascending.

    Not values rounded to decimals: 1/3 would move by 3e-11, and a period of 6π off by that is not exact.
    """
    values = np.sort(values)
    groups = np.split(values, np.flatnonzero(np.diff(values) > gap) + 1)
    return np.array([g.mean() for g in groups])


def _commuting_spectrum(generator: PauliSum, basis: F2Basis) -> np.ndarray:
    words, m = generator.words, len(generator)
    # Pick independent words; every other word is ± a product of these.
    chosen: list[int] = []
    for i in range(m):
        if len(chosen) == basis.rank:
            break
        if F2Basis(words[[*chosen, i]].packed).rank == len(chosen) + 1:
            chosen.append(i)
    r = len(chosen)
    signs = 1 - 2 * ((np.arange(2**r)[:, None] >> np.arange(r)) & 1)
    solver = F2Basis(words[chosen].packed, track=True)
    total = np.zeros(2**r)
    for i in range(m):
        row = words[i].packed
        tag = np.zeros(solver.combinations.shape[1], np.uint64)  # type: ignore[union-attr]
        for k, (word, bit) in enumerate(solver.pivots):
            if row[0, word] & bit:
                row = row ^ solver.rows[k]
                tag ^= solver.combinations[k]  # type: ignore[index]
        members = np.flatnonzero(unpack_bits(tag[None], r)[0])
        product, phase = words[chosen[members[0]]], 0
        for j in members[1:]:
            product, k4 = product.multiply(words[chosen[j]])
            phase += int(k4[0])
        total += generator.coefficients[i] * (-1) ** (phase % 4 // 2) * signs[:, members].prod(axis=1)
    return total


def generator_frequencies(generator: PauliSum) -> np.ndarray:
    """Return the positive gaps between eigenvalues: the frequencies of ℓ in the angle.

    Where the generator is too large for its spectrum, twice each coefficient: every
    frequency is an integer combination of these.
    """
    if len(generator) == 1:
        return np.abs(2 * generator.coefficients)
    # gaps are told from rounding errors by the size of the generator
    size = float(np.abs(generator.coefficients).max(initial=0.0))
    if size == 0:
        return np.zeros(0)
    unit = PauliSum(generator.words, generator.coefficients / size)
    values = generator_eigenvalues(unit)
    if values is None:
        return np.unique(np.abs(2 * generator.coefficients))
    gaps = _distinct(np.abs(values[:, None] - values[None, :]).ravel(), 1e-9)
    return size * gaps[gaps > 1e-9]


def common_period(frequencies: np.ndarray) -> float | None:
    """Return the smallest common period of some positive frequencies, radians; None where there is none.

    2π where that is a whole number of periods.
    """
    slowest = float(np.min(frequencies))
    ratios = [Fraction(float(f) / slowest).limit_denominator(_MAX_DENOMINATOR) for f in frequencies]
    if any(abs(float(q) * slowest - f) > _EQUAL * f for q, f in zip(ratios, frequencies, strict=True)):
        return None
    denominator = lcm(*(q.denominator for q in ratios))
    if denominator > _MAX_DENOMINATOR:
        return None
    turns = Fraction(gcd(*(int(q * denominator) for q in ratios)), denominator)
    if turns * _MAX_TURNS < 1:
        return None
    base = slowest * float(turns)
    # [0, 2π) is a whole number of periods whenever the fundamental frequency is an integer.
    nearest = round(base)
    if nearest >= 1 and abs(base - nearest) <= _EQUAL * base:
        return 2 * np.pi
    exact = Fraction(base).limit_denominator(_MAX_DENOMINATOR)
    base = float(exact) if abs(float(exact) - base) <= 1e-14 * base else base
    return float(2 * np.pi / base)


def ranges_of(n_params: int, rates: dict[int, list], slowest: dict[int, float] | None = None) -> Ranges:
    """Return the ranges of parameters whose losses have given frequencies.

    Args:
        rates: parameter → arrays of positive frequencies; 2π for those that are not listed.
        slowest: parameter → frequency of its slowest gate, where gates are not the frequencies.
    """
    out = np.full(n_params, 2 * np.pi)
    loose = []
    for p, parts in rates.items():
        found = np.unique(significant(np.concatenate([np.atleast_1d(a) for a in parts]), 10))
        found = found[found > 0]
        if not len(found):
            continue
        exact = np.unique(np.concatenate([np.atleast_1d(a) for a in parts])) if len(found) == 1 else found
        period = common_period(exact[:1] if len(found) == 1 else found)
        if period is None:
            loose.append(p)
            period = 2 * np.pi / (slowest or {}).get(p, float(found.min()))
        out[p] = period
    return Ranges(out, tuple(sorted(loose)))


def parameter_ranges(circuit: RotationCircuit) -> Ranges:
    """Return where each parameter is drawn from: [0, 2π) unless its gates say otherwise."""
    driven = np.flatnonzero(circuit.parameter_of >= 0)
    sizes = np.diff(circuit.starts)[driven]
    found: dict[int, list[np.ndarray]] = {}
    slowest: dict[int, float] = {}
    cache: dict[bytes, np.ndarray] = {}
    for k, p, terms in zip(driven, circuit.parameter_of[driven].tolist(), sizes, strict=True):
        slope = abs(float(circuit.coefficients[k]))
        words = 2 * slope * np.abs(circuit.term_coefficients[circuit.starts[k] : circuit.starts[k + 1]])
        slowest[p] = min(slowest.get(p, np.inf), float(words.min(initial=np.inf)))
        if terms == 1:
            if circuit.shared[p] or abs(words[0] - 1) > 1e-12:
                found.setdefault(p, []).append(words)
            continue
        generator = circuit.generator(int(k))
        key = generator.words.packed.tobytes() + generator.coefficients.tobytes()
        if key not in cache:
            cache[key] = generator_frequencies(generator)
        found.setdefault(p, []).append(cache[key] * slope)
    return ranges_of(circuit.n_params, found, slowest)
