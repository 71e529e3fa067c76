"""Spectra of sums of Pauli words, with exact multiplicities, at any number of qubits.

Only the words' own commutation relations matter: a sum of P words lives on at most P logical
qubits, however large the sector is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from pennylane_wishart.paulis import F2Basis, PauliSum, PauliWords
from pennylane_wishart.sectors.observables import clustered
from pennylane_wishart.sectors.pauli_frame import coordinates, ordered_product

__all__ = ["Reduced", "reduce_words", "word_sum_facts"]

_MAX_COST = 30
_MAX_LABELS = 16
_MAX_LANCZOS = 20
_PHASES = np.array([1, 1j, -1, -1j])


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
    _, bits = coordinates(basis, words)
    _, phase = ordered_product(basis, bits)
    pairs, labels = len(e), len(z)
    n = max(pairs + labels, 1)
    x_bits, z_bits = np.zeros((len(basis), n), np.uint8), np.zeros((len(basis), n), np.uint8)
    x_bits[np.arange(pairs), np.arange(pairs)] = 1
    z_bits[pairs + np.arange(pairs + labels), np.arange(pairs + labels)] = 1
    image, image_phase = ordered_product(PauliWords.from_bits(x_bits, z_bits), bits)
    # product = i^phase·word and i^image_phase·image: word ↦ i^(image_phase − phase)·image
    signs = 1.0 - ((image_phase - phase) % 4)
    return Reduced(pairs, labels, image, signs)


def _gram_schmidt(words: PauliWords) -> tuple[PauliWords, PauliWords, PauliWords]:
    """Return hyperbolic pairs (e_i, f_i) and commuting leftovers that span the words."""
    n = words.n_qubits
    pool, first, second, rest = words.packed, [], [], []
    while len(pool):
        head, pool = pool[:1], pool[1:]
        if not head.any():
            continue
        a = PauliWords.from_packed(head, n)
        w = PauliWords.from_packed(pool, n)
        anti = a.anticommutation(w)[0] if len(pool) else np.zeros(0, bool)
        if not anti.any():
            rest.append(head)
            continue
        j = int(np.argmax(anti))
        b = w[j]
        anti_b = b.anticommutation(w)[0]
        pool = pool.copy()
        pool[anti] ^= b.packed
        pool[anti_b] ^= head
        pool = np.delete(pool, j, axis=0)
        first.append(head)
        second.append(b.packed)
    width = words.packed.shape[1]

    def stack(rows):
        return PauliWords.from_packed(np.concatenate([np.zeros((0, width), np.uint64), *rows]), n)

    labels = stack(rest)
    return stack(first), stack(second), PauliWords.from_packed(F2Basis(labels.packed).rows, n)


def word_sum_facts(reduced: Reduced, coefficients: np.ndarray, log2_size: int) -> dict:
    """Return ``variance``, ``ground``, ``ground_status`` and ``spectrum`` of Σ c_i·word_i.

    Args:
        reduced: the words.
        coefficients: float64, one per word.
        log2_size: the sum acts on a space of dimension 2^log2_size.
    """
    variance = float(np.sum(coefficients**2))
    live = np.flatnonzero(np.abs(coefficients) > 1e-14 * max(1.0, np.abs(coefficients).max(initial=0.0)))
    out = {"variance": variance, "ground_status": "exact"}
    if len(live) == 0:
        return out | {"ground": 0.0, "spectrum": (np.zeros(1), (2**log2_size,)), "variance": 0.0}
    words = reduced.words[live]
    c = coefficients[live] * reduced.signs[live]
    anti = words.anticommutation(words)
    if np.all(anti | np.eye(len(live), dtype=bool)):
        size = float(np.sqrt(variance))
        half = 2 ** (log2_size - 1)
        return out | {"ground": -size, "spectrum": (np.array([-size, size]), (half, half))}
    if len(live) < len(coefficients):  # fewer words may need fewer qubits
        again = reduce_words(words)
        words, c, reduced = again.words, c * again.signs, again
    if reduced.labels <= _MAX_LABELS and reduced.labels + 3 * reduced.pairs <= _MAX_COST:
        values, counts = clustered(_eigenvalues(words, c, reduced.pairs, reduced.labels))
        share = 2 ** (log2_size - reduced.pairs - reduced.labels)
        spectrum = (values, tuple(m * share for m in counts))
        return out | {"ground": float(values[0]), "spectrum": spectrum}
    if reduced.pairs + reduced.labels <= _MAX_LANCZOS:
        ground = _lanczos(words, c)
        if ground is not None:
            return out | {"ground": ground, "ground_status": "Lanczos", "spectrum": None}
    return out | {"ground": -float(np.abs(c).sum()), "ground_status": "bound", "spectrum": None}


def _eigenvalues(words: PauliWords, c: np.ndarray, pairs: int, labels: int) -> np.ndarray:
    """Return all eigenvalues, block by block over the commuting signs."""
    _, z = words.bits()
    label_bits = z[:, pairs : pairs + labels].astype(np.int64)
    signs_of = (np.arange(2**labels)[:, None] >> np.arange(labels)) & 1
    if pairs == 0:
        out = np.zeros(2**labels)
        for row, value in zip(label_bits, c, strict=True):
            out += value * (1 - 2.0 * ((signs_of @ row) & 1))
        return out
    small, inverse = words.restrict(range(pairs)).unique()
    values = []
    for s in signs_of:
        weights = np.zeros(len(small))
        np.add.at(weights, inverse, c * (1 - 2.0 * ((label_bits @ s) & 1)))
        values.append(np.linalg.eigvalsh(PauliSum(small, weights).matrix()))
    return np.concatenate(values)


def _lanczos(words: PauliWords, c: np.ndarray) -> float | None:
    """Return the lowest eigenvalue by Lanczos iteration; None if it did not converge."""
    n = words.n_qubits
    x, z = words.bits()
    powers = 1 << np.arange(n - 1, -1, -1, dtype=np.int64)
    flips, signs = x.astype(np.int64) @ powers, z.astype(np.int64) @ powers
    index = np.arange(2**n, dtype=np.int64)
    diagonals: dict[int, np.ndarray] = {}
    for flip, sign, value in zip(flips, signs, c, strict=True):
        column = value * _PHASES[int(flip & sign).bit_count() % 4]
        part = column * (1 - 2.0 * (np.bitwise_count(index & sign) & 1))
        diagonals[int(flip)] = diagonals.get(int(flip), 0) + part
    real = all(np.abs(np.imag(d)).max() == 0 for d in diagonals.values())
    kind = float if real else complex
    tables = {flip: np.ascontiguousarray(np.real(d) if real else d) for flip, d in diagonals.items()}

    def apply(v):
        v = v.reshape(-1)
        out = np.zeros(2**n, dtype=kind)
        for flip, d in tables.items():
            out += (d * v)[index ^ flip]
        return out

    start = np.random.default_rng(0).normal(size=2**n).astype(kind)
    operator = LinearOperator((2**n, 2**n), matvec=apply, dtype=kind)
    try:
        return float(eigsh(operator, k=1, which="SA", v0=start, return_eigenvectors=False, tol=1e-10)[0])
    except ArpackNoConvergence:
        return None
