"""The range that random angles are drawn from: one period of the loss in each parameter.

Periods come from the eigenvalue gaps of the generators. Where the gates of a parameter have no
common period (weighted QAOA), the range is one period of the slowest of them: it is what a user
would start in, and moments are exact for any range.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm

import numpy as np

from pennylane_wishart.circuit.affine import significant
from pennylane_wishart.circuit.rotations import Rotations
from pennylane_wishart.conventions import circuit as limits
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.paulis import PauliSum, reduce_words

__all__ = ["Ranges", "generator_frequencies", "parameter_ranges", "ranges_of"]


@dataclass(frozen=True, eq=False)
class Ranges(Shown):
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
        reduced = reduce_words(words)
        fits = reduced.labels <= limits.SPECTRUM_RANK
        return _distinct(reduced.eigenvalues(generator.coefficients)) if fits else None
    support = words.support()
    # too large for its eigenvalues: the caller falls back to the coefficients
    if len(support) > limits.LOCAL_QUBITS:
        return None
    local = PauliSum.of(words.restrict(support), generator.coefficients)
    return _distinct(np.linalg.eigvalsh(local.matrix()))


def _distinct(values: np.ndarray, gap: float = limits.EQUAL_LEVELS) -> np.ndarray:
    """Return the means of values that differ by rounding only, ascending.

    Not values rounded to decimals: 1/3 would move by 3e-11, and a period of 6π off by that is not exact.
    """
    values = np.sort(values)
    groups = np.split(values, np.flatnonzero(np.diff(values) > gap) + 1)
    return np.array([g.mean() for g in groups])


def generator_frequencies(generator: PauliSum) -> np.ndarray:
    """Return the positive gaps between eigenvalues: the frequencies of ℓ in the angle.

    Where the generator is too large for its spectrum, twice each coefficient: every
    frequency is an integer combination of these.
    """
    if len(generator) == 1:
        return np.asarray(np.abs(2 * generator.coefficients))
    # gaps are told from rounding errors by the size of the generator
    size = float(np.abs(generator.coefficients).max(initial=0.0))
    if size == 0:
        return np.zeros(0)
    unit = PauliSum(generator.words, generator.coefficients / size)
    values = generator_eigenvalues(unit)
    if values is None:
        return np.unique(np.abs(2 * generator.coefficients))
    gaps = _distinct(np.abs(values[:, None] - values[None, :]).ravel(), limits.EQUAL_GAPS)
    return np.asarray(size * gaps[gaps > limits.EQUAL_GAPS])


def common_period(frequencies: np.ndarray) -> float | None:
    """Return the smallest common period of some positive frequencies, radians; None where there is none.

    2π where that is a whole number of periods.
    """
    slowest = float(np.min(frequencies))
    # rates are commensurate if they are small fractions of the slowest
    ratios = [Fraction(float(f) / slowest).limit_denominator(limits.PERIOD_DENOMINATOR) for f in frequencies]
    if any(abs(float(q) * slowest - f) > limits.EQUAL_RATES * f for q, f in zip(ratios, frequencies, strict=True)):
        return None
    denominator = lcm(*(q.denominator for q in ratios))
    if denominator > limits.PERIOD_DENOMINATOR:
        return None
    # the period in turns of the slowest rate: gcd of numerators over the common denominator
    turns = Fraction(gcd(*(int(q * denominator) for q in ratios)), denominator)
    if turns * limits.PERIOD_TURNS < 1:
        return None
    # the fundamental frequency: every rate is a whole multiple of it
    base = slowest * float(turns)
    # [0, 2π) is a whole number of periods whenever the fundamental frequency is an integer.
    nearest = round(base)
    if nearest >= 1 and abs(base - nearest) <= limits.EQUAL_RATES * base:
        return 2 * np.pi
    # a base of 1/3 read as 0.33333333333333326 is 1/3: its period must be exact
    exact = Fraction(base).limit_denominator(limits.PERIOD_DENOMINATOR)
    base = float(exact) if abs(float(exact) - base) <= limits.EXACT_RATE * base else base
    return float(2 * np.pi / base)


def ranges_of(
    n_params: int, rates: Mapping[int, Sequence[float | np.ndarray]], slowest: dict[int, float] | None = None
) -> Ranges:
    """Return the ranges of parameters whose losses have given frequencies.

    Args:
        rates: parameter → arrays of positive frequencies; 2π for those that are not listed.
        slowest: parameter → frequency of its slowest gate, where gates are not the frequencies.
    """
    out = np.full(n_params, 2 * np.pi)
    loose = []
    for p, parts in rates.items():
        exact = np.unique(np.concatenate([np.atleast_1d(a) for a in parts]))
        found = np.unique(significant(exact, limits.RATE_DIGITS))
        found = found[found > 0]
        if not len(found):
            continue
        # one rate keeps all its digits: rounding it would move the period
        period = common_period(exact[:1] if len(found) == 1 else found)
        if period is None:
            loose.append(p)
            period = 2 * np.pi / (slowest or {}).get(p, float(found.min()))
        out[p] = period
    return Ranges(out, tuple(sorted(loose)))


def parameter_ranges(circuit: Rotations) -> Ranges:
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
            # a plain rotation of one word has period 2π: nothing to find out
            if circuit.shared[p] or abs(words[0] - 1) > limits.UNIT_RATE:
                found.setdefault(p, []).append(words)
            continue
        generator = circuit.generator(int(k))
        key = generator.words.packed.tobytes() + generator.coefficients.tobytes()
        if key not in cache:
            cache[key] = generator_frequencies(generator)
        found.setdefault(p, []).append(cache[key] * slope)
    return ranges_of(circuit.n_params, found, slowest)
