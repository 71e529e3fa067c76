"""The period of the loss in each parameter, from the eigenvalue gaps of its generators."""

from __future__ import annotations

from fractions import Fraction
from math import gcd, lcm
from typing import TYPE_CHECKING

import numpy as np

from pennylane_wishart.paulis import F2Basis, PauliSum, unpack_bits

if TYPE_CHECKING:
    from pennylane_wishart.circuit.records import RotationCircuit

__all__ = ["generator_frequencies", "parameter_periods"]

_MAX_RANK = 10
_MAX_DENOMINATOR = 64


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
        return np.unique(np.round(_commuting_spectrum(generator, basis), 10))
    support = words.support()
    if len(support) > 8:
        return None
    local = PauliSum.of(words.restrict(support), generator.coefficients)
    return np.unique(np.round(np.linalg.eigvalsh(local.matrix()), 10))


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
    values = generator_eigenvalues(generator)
    if values is None:
        return np.unique(np.abs(2 * generator.coefficients))
    gaps = np.unique(np.round(np.abs(values[:, None] - values[None, :]), 9))
    return gaps[gaps > 1e-9]


def common_period(frequencies: np.ndarray) -> float:
    """Return the smallest common period of some frequencies, radians; 2π where it is a multiple of it."""
    fractions = [Fraction(float(f)).limit_denominator(_MAX_DENOMINATOR) for f in frequencies]
    exact = all(abs(float(q) - f) < 1e-8 * max(1, f) for q, f in zip(fractions, frequencies, strict=True))
    if not fractions or not exact or any(q == 0 for q in fractions):
        # Incommensurate: no period exists, so a window long against the slowest frequency.
        return float(2 * np.pi / frequencies.min() * 16) if len(frequencies) else 2 * np.pi
    denominator = lcm(*(q.denominator for q in fractions))
    numerator = gcd(*(int(q * denominator) for q in fractions))
    base = Fraction(numerator, denominator)
    # [0, 2π) is a whole number of periods whenever the fundamental frequency is an integer.
    return 2 * np.pi if base.denominator == 1 else float(2 * np.pi / base)


def parameter_periods(circuit: RotationCircuit) -> np.ndarray:
    """Return radians ``(n_params,)``: 2π unless the gates of a parameter say otherwise."""
    out = np.full(circuit.n_params, 2 * np.pi)
    driven = np.flatnonzero(circuit.parameter_of >= 0)
    single = np.diff(circuit.starts)[driven] == 1
    found: dict[int, list[np.ndarray]] = {}
    for k, p in zip(driven[single], circuit.parameter_of[driven[single]], strict=True):
        rate = abs(2 * circuit.term_coefficients[circuit.starts[k]] * circuit.coefficients[k])
        if abs(rate - 1) > 1e-12:
            found.setdefault(int(p), []).append(np.array([rate]))
        elif circuit.shared[p]:
            found.setdefault(int(p), []).append(np.array([1.0]))
    cache: dict[bytes, np.ndarray] = {}
    for k in driven[~single]:
        generator = circuit.generator(k)
        key = generator.words.packed.tobytes() + np.round(generator.coefficients, 12).tobytes()
        if key not in cache:
            cache[key] = generator_frequencies(generator)
        frequencies = cache[key] * abs(circuit.coefficients[k])
        found.setdefault(int(circuit.parameter_of[k]), []).append(frequencies)
    for p, frequencies in found.items():
        out[p] = common_period(np.unique(np.round(np.concatenate(frequencies), 9)))
    return out
