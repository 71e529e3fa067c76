"""Spectra and moments of dense operators on a sector."""

from __future__ import annotations

import numpy as np

__all__ = ["clustered", "density_spectrum", "generator_facts", "spectrum_facts"]

_SAME = 1e-9
_MAX_SPECTRUM = 256


def clustered(values: np.ndarray, multiplicities=None) -> tuple[np.ndarray, tuple[int, ...]]:
    """Merge values that agree to 1e-9 of the largest; return (values ascending, exact counts)."""
    values = np.asarray(values, float)
    order = np.argsort(values, kind="stable")
    counts = [1] * len(values) if multiplicities is None else [int(m) for m in multiplicities]
    scale = max(1.0, float(np.abs(values).max(initial=0.0)))
    merged: list[list[float]] = []
    totals: list[int] = []
    for i in order:
        if merged and values[i] - merged[-1][-1] <= _SAME * scale:
            merged[-1].append(float(values[i]))
            totals[-1] += counts[i]
        else:
            merged.append([float(values[i])])
            totals.append(counts[i])
    means = np.array([float(np.mean(m)) for m in merged])
    # the rounding noise of a zero eigenvalue would print as -0
    return np.where(np.abs(means) < 1e-3 * _SAME * scale, 0.0, means), tuple(totals)


def spectrum_facts(operator: np.ndarray) -> dict:
    """Return the ``center``, ``variance``, ``ground`` and ``spectrum`` of a Hermitian matrix."""
    values, counts = clustered(np.linalg.eigvalsh(operator))
    shares = np.array(counts, float) / len(operator)
    center = float(values @ shares)
    variance = float(((values - center) ** 2) @ shares)
    if len(values) == 1:
        variance = 0.0
    return {
        "center": center,
        "variance": variance,
        "ground": float(values[0]),
        "ground_status": "exact",
        "spectrum": (values, counts),
    }


def generator_facts(generators) -> tuple[np.ndarray, dict]:
    """Return (Tr G/N, Tr G²/N) rows and, where cheap, the spectra of restricted generators."""
    traces = np.zeros((len(generators), 2))
    spectra = {}
    for k, g in enumerate(generators):
        n = len(g)
        traces[k] = np.trace(g).real / n, float(np.sum(np.abs(g) ** 2)) / n
        if n <= _MAX_SPECTRUM:
            spectra[k] = clustered(np.linalg.eigvalsh(g))
            continue
        root = float(np.sqrt(traces[k, 1]))
        probe = np.random.default_rng(0).normal(size=(n, 4))  # G² = root²·1 on random vectors
        if root > 0 and np.abs(g @ (g @ probe) - root**2 * probe).max() < 1e-9 * root**2:
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
        amplitudes = np.concatenate([amplitudes, form @ amplitudes.conj()], axis=1) / np.sqrt(2)
    a, b = amplitudes.shape
    gram = amplitudes.conj().T @ amplitudes if b < a else amplitudes @ amplitudes.conj().T
    values = np.linalg.eigvalsh(gram)[::-1]
    if beta == 4:  # Kramers pairs (p, p) are one quaternionic eigenvalue 2p
        values = 2 * values[: 2 * (len(values) // 2) : 2]
    values = values[values > 1e-12]
    return values
