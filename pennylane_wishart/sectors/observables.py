"""Spectra and moments of operators on a sector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import issparse

from pennylane_wishart.conventions import sectors as limits
from pennylane_wishart.sectors.records import Levels

__all__ = ["OperatorFacts", "clustered", "density_spectrum", "generator_facts", "hermitian", "spectrum_facts"]


@dataclass(frozen=True, eq=False)
class OperatorFacts:
    """What a ``Sector`` says of its observable."""

    center: float
    variance: float
    ground: float
    ground_status: str
    spectrum: Levels | None


def hermitian(matrix: np.ndarray) -> np.ndarray:
    """Return the Hermitian part: what rounding has added is left out."""
    return np.asarray((matrix + matrix.conj().T) / 2)


def clustered(values: np.ndarray, multiplicities: Sequence[int] | None = None) -> Levels:
    """Merge values that agree to 1e-9 of the largest; return (values ascending, exact counts)."""
    values = np.asarray(values, float)
    order = np.argsort(values, kind="stable")
    counts = [1] * len(values) if multiplicities is None else [int(m) for m in multiplicities]
    scale = max(1.0, float(np.abs(values).max(initial=0.0)))
    merged: list[list[float]] = []
    totals: list[int] = []
    for i in order:
        # chained: values that differ by rounding stand in one row of neighbours
        if merged and values[i] - merged[-1][-1] <= limits.EQUAL_VALUES * scale:
            merged[-1].append(float(values[i]))
            totals[-1] += counts[i]
        else:
            merged.append([float(values[i])])
            totals.append(counts[i])
    means = np.array([float(np.mean(m)) for m in merged])
    # the rounding noise of a zero eigenvalue would print as -0
    return np.where(np.abs(means) < limits.ZERO_VALUE * scale, 0.0, means), tuple(totals)


def spectrum_facts(operator: np.ndarray) -> OperatorFacts:
    """Return what is known of a Hermitian matrix: everything."""
    values, counts = clustered(np.linalg.eigvalsh(operator))
    shares = np.array(counts, float) / len(operator)
    center = float(values @ shares)
    # one level is a constant exactly: its variance must not be the rounding of a mean
    variance = 0.0 if len(values) == 1 else float(((values - center) ** 2) @ shares)
    return OperatorFacts(center, variance, float(values[0]), "exact", (values, counts))


def generator_facts(generators: Sequence[Any]) -> tuple[np.ndarray, dict[int, Levels]]:
    """Return (Tr G/N, Tr G²/N) rows and, where cheap, the spectra of restricted generators."""
    traces = np.zeros((len(generators), 2))
    spectra: dict[int, Levels] = {}
    for k, g in enumerate(generators):
        n = g.shape[0]
        traces[k] = g.trace().real / n, float((abs(g) ** 2).sum()) / n
        if n <= limits.SPECTRUM_DIM:
            spectra[k] = clustered(np.linalg.eigvalsh(g.toarray() if issparse(g) else g))
            continue
        # a word in a large sector has two levels ±root, whose multiplicities its trace gives
        root = float(np.sqrt(traces[k, 1]))
        probe = np.random.default_rng(0).normal(size=(n, 4))  # G² = root²·1 on random vectors
        if root > 0 and np.abs(g @ (g @ probe) - root**2 * probe).max() < limits.SQUARE * root**2:
            up = round(n * (traces[k, 0] / root + 1) / 2)
            levels = {-root: n - up, root: up}
            spectra[k] = clustered(np.array([v for v, m in levels.items() if m]), [m for m in levels.values() if m])
    return traces, spectra


def density_spectrum(amplitudes: np.ndarray, form: np.ndarray | None, beta: int | None) -> np.ndarray:
    """Return the non-zero eigenvalues over F of the Jordan part of ρ = φφ†.

    Args:
        amplitudes: φ, complex ``(N, I)``.
        form: S of the sector's antiunitary symmetry, for β = 1 and 4.
    """
    if form is not None and beta in (1, 4):
        # the Jordan part (ρ + S ρ̄ S†)/2 is φ'φ'† with φ' = [φ, S φ̄]/√2
        amplitudes = np.concatenate([amplitudes, form @ amplitudes.conj()], axis=1) / np.sqrt(2)
    a, b = amplitudes.shape
    gram = amplitudes.conj().T @ amplitudes if b < a else amplitudes @ amplitudes.conj().T
    values = np.linalg.eigvalsh(gram)[::-1]
    if beta == 4:  # Kramers pairs (p, p) are one quaternionic eigenvalue 2p
        values = 2 * values[: 2 * (len(values) // 2) : 2]
    return np.asarray(values[values > limits.SPECTRUM])
