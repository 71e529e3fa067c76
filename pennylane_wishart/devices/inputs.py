"""Expectation values of many words in one input state."""

from __future__ import annotations

import numpy as np

from pennylane_wishart.circuit.states import DenseBlock, InputState
from pennylane_wishart.conventions import devices as limits
from pennylane_wishart.paulis import PauliWords

__all__ = ["state_values"]


def state_values(state: InputState, words: PauliWords) -> np.ndarray:
    """Return ⟨P⟩ of each word, float64 ``(m,)``.

    Cost: O(m·n) for product states; for a given vector on k qubits, one pass over it per flip
    pattern of the words and one matrix–vector product of size 2^k per word.
    """
    large = [b for b in state.blocks if isinstance(b, DenseBlock) and len(b.qubits) > limits.SMALL_BLOCK]
    if not large:
        return state.expectation(words)
    out = np.ones(len(words))
    # blocks are independent, so values multiply; a word that vanishes on one is dropped at once
    for block in state.blocks:
        alive = np.flatnonzero(out)
        part = words[alive].restrict(block.qubits)
        if isinstance(block, DenseBlock) and len(block.qubits) > limits.SMALL_BLOCK:
            out[alive] *= _dense_values(block.vector, part)
        else:
            out[alive] *= block.expectation(part)
    return out


def _dense_values(vector: np.ndarray, words: PauliWords) -> np.ndarray:
    """⟨i^(x·z) X^x Z^z⟩ = Σ_b i^(x·z) (−1)^(z·b) ψ*(b ⊕ x) ψ(b), b split into high and low bits."""
    k = words.n_qubits
    high = k // 2
    x, z = (_halves(bits, high) for bits in words.bits())
    matrix = vector.reshape(2**high, -1)
    rows, columns = np.arange(2**high), np.arange(2 ** (k - high))
    out = np.empty(len(words))
    flips, inverse = np.unique(np.stack(x, axis=1), axis=0, return_inverse=True)
    order = np.argsort(inverse.reshape(-1), kind="stable")
    cuts = np.searchsorted(inverse.reshape(-1)[order], np.arange(len(flips) + 1))
    for f, (xh, xl) in enumerate(flips):
        product = matrix[rows ^ xh][:, columns ^ xl].conj()
        product *= matrix
        for i in order[cuts[f] : cuts[f + 1]]:
            ys = int(np.bitwise_count(x[0][i] & z[0][i])) + int(np.bitwise_count(x[1][i] & z[1][i]))
            total = _signs(rows, z[0][i]) @ (product @ _signs(columns, z[1][i]))
            out[i] = (total * 1j**ys).real
    return out


def _halves(bits: np.ndarray, high: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first ``high`` qubits and the others as integers, first qubit most significant."""
    low = bits.shape[1] - high
    powers = [1 << np.arange(m - 1, -1, -1, dtype=np.int64) for m in (high, low)]
    return bits[:, :high] @ powers[0], bits[:, high:] @ powers[1]


def _signs(index: np.ndarray, mask: int) -> np.ndarray:
    return np.asarray((1 - 2 * (np.bitwise_count(index & mask) & 1).astype(np.int64)).astype(complex))
