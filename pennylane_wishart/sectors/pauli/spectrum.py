"""Spectra of sums of Pauli words, with exact multiplicities, at any number of qubits.

Only the words' own commutation relations matter: a sum of P words lives on at most P logical
qubits, however large the sector is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from pennylane_wishart.conventions import sectors as limits
from pennylane_wishart.paulis import F2Basis, PauliSum, PauliWords, subsets
from pennylane_wishart.sectors.observables import OperatorFacts, clustered

__all__ = ["Reduced", "reduce_words", "word_sum_facts"]


@dataclass(frozen=True, eq=False)
class Reduced:
    """Words mapped to ``pairs`` qubits and ``labels`` commuting signs, relations kept."""

    pairs: int
    labels: int
    words: PauliWords
    """On ``pairs + labels`` qubits; only I and Z on the last ``labels``."""
    signs: np.ndarray


def reduce_words(words: PauliWords) -> Reduced:
    """Map words to as few qubits as their products and commutation relations allow."""
    e, f, z = _gram_schmidt(words)
    basis = PauliWords.concatenate([e, f, z])
    _, bits = basis.coordinates(words)
    _, phase = basis.products(bits)
    pairs, labels = len(e), len(z)
    n = max(pairs + labels, 1)
    # e_i ↦ X_i, f_i ↦ Z_i, and the commuting rest ↦ Z on qubits of their own
    x_bits, z_bits = np.zeros((len(basis), n), np.uint8), np.zeros((len(basis), n), np.uint8)
    x_bits[np.arange(pairs), np.arange(pairs)] = 1
    z_bits[pairs + np.arange(pairs + labels), np.arange(pairs + labels)] = 1
    image, image_phase = PauliWords.from_bits(x_bits, z_bits).products(bits)
    # product = i^phase·word and i^image_phase·image: word ↦ i^(image_phase − phase)·image
    return Reduced(pairs, labels, image, 1.0 - ((image_phase - phase) % 4))


def _gram_schmidt(words: PauliWords) -> tuple[PauliWords, PauliWords, PauliWords]:
    """Return hyperbolic pairs (e_i, f_i) and commuting leftovers that span the words."""
    n = words.n_qubits
    none = PauliWords.identity(n, 0)
    pool, first, second, rest = words, [none], [none], [none]
    while len(pool):
        a, pool = pool[0], pool[1:]
        if a.is_identity()[0]:
            continue
        anti = a.anticommutation(pool)[0]
        if not anti.any():
            rest.append(a)
            continue
        j = int(np.argmax(anti))
        b = pool[j]
        packed = pool.packed
        # w → w·b^ω(a,w)·a^ω(b,w) commutes with both
        packed[anti] ^= b.packed
        packed[b.anticommutation(pool)[0]] ^= a.packed
        pool = PauliWords.from_packed(np.delete(packed, j, axis=0), n)
        first.append(a)
        second.append(b)
    labels = PauliWords.from_packed(F2Basis(PauliWords.concatenate(rest).packed).rows, n)
    return PauliWords.concatenate(first), PauliWords.concatenate(second), labels


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
    words = reduced.words[live]
    c = coefficients[live] * reduced.signs[live]
    anti = words.anticommutation(words)
    if np.all(anti | np.eye(len(live), dtype=bool)):  # all anticommute: the square is Σc² · 1
        size = float(np.sqrt(variance))
        half = 2 ** (log2_size - 1)
        return OperatorFacts(0.0, variance, -size, "exact", (np.array([-size, size]), (half, half)))
    if len(live) < len(coefficients):  # fewer words may need fewer qubits
        again = reduce_words(words)
        words, c, reduced = again.words, c * again.signs, again
    pairs, labels = reduced.pairs, reduced.labels
    if labels <= limits.SPECTRUM_LABELS and labels + 3 * pairs <= limits.SPECTRUM_COST:
        values, counts = clustered(_eigenvalues(words, c, pairs, labels))
        share = 2 ** (log2_size - pairs - labels)
        return OperatorFacts(0.0, variance, float(values[0]), "exact", (values, tuple(m * share for m in counts)))
    ground = _lanczos(words, c) if pairs + labels <= limits.LANCZOS_QUBITS else None
    if ground is not None:
        return OperatorFacts(0.0, variance, ground, "Lanczos", None)
    return OperatorFacts(0.0, variance, -float(np.abs(c).sum()), "bound", None)


def _eigenvalues(words: PauliWords, c: np.ndarray, pairs: int, labels: int) -> np.ndarray:
    """Return all eigenvalues, block by block over the commuting signs."""
    _, z = words.bits()
    label_bits = z[:, pairs : pairs + labels].astype(np.int64)
    choices = subsets(labels)
    if pairs == 0:
        out = np.zeros(2**labels)
        for row, value in zip(label_bits, c, strict=True):
            out += value * (1 - 2.0 * ((choices @ row) & 1))
        return out
    small, inverse = words.restrict(range(pairs)).unique()
    values = []
    for s in choices:
        weights = np.zeros(len(small))
        np.add.at(weights, inverse, c * (1 - 2.0 * ((label_bits @ s) & 1)))
        values.append(np.linalg.eigvalsh(PauliSum(small, weights).matrix()))
    return np.concatenate(values)


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
