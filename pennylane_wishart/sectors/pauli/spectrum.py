"""Spectra of sums of Pauli words, with exact multiplicities, at any number of qubits."""

from __future__ import annotations

import numpy as np
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from pennylane_wishart.conventions import sectors as limits
from pennylane_wishart.paulis import PauliSum, PauliWords, Reduced, reduce_words
from pennylane_wishart.sectors.observables import OperatorFacts, clustered

__all__ = ["word_sum_facts"]


def word_sum_facts(reduced: Reduced, coefficients: np.ndarray, log2_size: int) -> OperatorFacts:
    """Return what is known of Σ c_i·word_i, whose centre is 0.

    Args:
        reduced: the words.
        coefficients: float64, one per word.
        log2_size: the sum acts on a space of dimension 2^log2_size.
    """
    variance = float(np.sum(coefficients**2))
    live = np.flatnonzero(np.abs(coefficients) > limits.WORD * max(1.0, np.abs(coefficients).max(initial=0.0)))
    if len(live) == 0:
        return OperatorFacts(0.0, 0.0, 0.0, "exact", (np.zeros(1), (2**log2_size,)))
    words, c = reduced.words[live], coefficients[live] * reduced.signs[live]
    anti = words.anticommutation(words)
    if np.all(anti | np.eye(len(live), dtype=bool)):  # all anticommute: the square is Σc² · 1
        size = float(np.sqrt(variance))
        half = 2 ** (log2_size - 1)
        return OperatorFacts(0.0, variance, -size, "exact", (np.array([-size, size]), (half, half)))
    if len(live) < len(coefficients):  # fewer words may need fewer qubits
        reduced = reduce_words(words)
    else:  # signs stand in the coefficients already
        reduced = Reduced(reduced.pairs, reduced.labels, words, np.ones(len(words)))
    pairs, labels = reduced.pairs, reduced.labels
    if labels <= limits.SPECTRUM_LABELS and labels + 3 * pairs <= limits.SPECTRUM_COST:
        values, counts = clustered(reduced.eigenvalues(c))
        share = 2 ** (log2_size - pairs - labels)
        return OperatorFacts(0.0, variance, float(values[0]), "exact", (values, tuple(m * share for m in counts)))
    ground = _lanczos(reduced.words, c * reduced.signs) if pairs + labels <= limits.LANCZOS_QUBITS else None
    if ground is not None:
        return OperatorFacts(0.0, variance, ground, "Lanczos", None)
    return OperatorFacts(0.0, variance, -float(np.abs(c).sum()), "bound", None)


def _lanczos(words: PauliWords, c: np.ndarray) -> float | None:
    """Return the lowest eigenvalue by Lanczos iteration; None if it did not converge."""
    size = 2**words.n_qubits
    tables = PauliSum(words, c).flips
    real = all(np.abs(np.imag(d)).max() == 0 for _, d in tables)  # a real matrix is half the work
    kind = float if real else complex
    tables = [(target, np.ascontiguousarray(np.real(d) if real else d)) for target, d in tables]

    def apply(v: np.ndarray) -> np.ndarray:
        v = v.reshape(-1)
        out = np.zeros(size, dtype=kind)
        for target, d in tables:
            out[target] += d * v
        return out

    start = np.random.default_rng(0).normal(size=size).astype(kind)
    operator = LinearOperator((size, size), matvec=apply, dtype=kind)
    try:
        found = eigsh(operator, k=1, which="SA", v0=start, return_eigenvectors=False, tol=limits.LANCZOS)
    except ArpackNoConvergence:
        return None
    return float(found[0])
