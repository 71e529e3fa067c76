"""Words on as few qubits as their relations allow: only products and commutation relations matter.

A sum of P words lives on at most P qubits, however many qubits its words are spread over. Spectra and
products are found there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pennylane_wishart.paulis.f2 import F2Basis, subsets
from pennylane_wishart.paulis.sums import PauliSum
from pennylane_wishart.paulis.words import PauliWords

__all__ = ["Reduced", "gram_schmidt", "reduce_words"]


@dataclass(frozen=True, eq=False)
class Reduced:
    """Words mapped to ``pairs`` qubits and ``labels`` commuting signs: word ↦ sign·image, relations kept."""

    pairs: int
    labels: int
    words: PauliWords
    """On ``pairs + labels`` qubits; only I and Z on the last ``labels``."""
    signs: np.ndarray

    def eigenvalues(self, coefficients: np.ndarray) -> np.ndarray:
        """Return all eigenvalues of Σ c_i·word_i, float64 ``(2^(pairs + labels),)``, one block a choice of signs."""
        c = coefficients * self.signs
        _, z = self.words.bits()
        label_bits = z[:, self.pairs : self.pairs + self.labels].astype(np.int64)
        choices = subsets(self.labels)
        if self.pairs == 0:
            out = np.zeros(len(choices))
            for row, value in zip(label_bits, c, strict=True):
                out += value * (1 - 2.0 * ((choices @ row) & 1))
            return out
        small, inverse = self.words.restrict(range(self.pairs)).unique()
        values = []
        for choice in choices:
            weights = np.zeros(len(small))
            # words that differ on labels only are one word here, with the signs of the block
            np.add.at(weights, inverse, c * (1 - 2.0 * ((label_bits @ choice) & 1)))
            values.append(np.linalg.eigvalsh(PauliSum(small, weights).matrix()))
        return np.concatenate(values)


def reduce_words(words: PauliWords) -> Reduced:
    """Map words to as few qubits as their products and commutation relations allow."""
    e, f, z = gram_schmidt(words)
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


def gram_schmidt(words: PauliWords) -> tuple[PauliWords, PauliWords, PauliWords]:
    """Return hyperbolic pairs (e_i, f_i) and commuting leftovers that span the words. Cost: O(m² · n / 64)."""
    rows = words.packed
    half = rows.shape[1] // 2
    live = np.ones(len(rows), dtype=bool)
    first, second, rest = [], [], []

    def meets(row: np.ndarray) -> np.ndarray:
        swapped = np.concatenate([row[half:], row[:half]])
        used = np.flatnonzero(swapped)  # few, where words are local
        odd = np.bitwise_count(rows[:, used] & swapped[used]).sum(axis=1) & 1
        return np.asarray(live & odd.astype(bool))

    for i in range(len(rows)):
        if not live[i] or not rows[i].any():
            continue
        live[i] = False
        anti = meets(rows[i])
        if not anti.any():
            rest.append(i)
            continue
        j = int(np.argmax(anti))
        live[j] = anti[j] = False
        # w → w·b^ω(a,w)·a^ω(b,w) commutes with both
        other = meets(rows[j])
        rows[anti] ^= rows[j]
        rows[other] ^= rows[i]
        first.append(i)
        second.append(j)
    # the leftovers may depend on each other; the pairs never do
    labels = F2Basis(rows[rest]).rows
    e, f, z = (PauliWords.from_packed(part, words.n_qubits) for part in (rows[first], rows[second], labels))
    return e, f, z
