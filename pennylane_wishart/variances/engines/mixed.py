"""Exact second moments where fixed rotations or asymmetric angles mix pairs of words.

The average of O⊗O is a weight on pairs (Q, R). It is kept per product T = QR as a vector over
Q. A rotation by P with E[sin φ cos φ] or E[sin φ] ≠ 0 moves weight from T to T·P; an earlier
rotation with uniform angle removes every T that anticommutes with it, so few products are
alive at one time although all 4^n could be.
"""

from __future__ import annotations

import numpy as np

from pennylane_wishart.circuit import RotationCircuit, RotationMoments
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import ModuleTooLargeError
from pennylane_wishart.paulis import PauliWords
from pennylane_wishart.variances.engines.words import RawMoments, step_blocks, word_means
from pennylane_wishart.variances.reach import Reach, linear_keys

__all__ = ["mixed_moments"]


class _Pairs:
    """The products alive at each step, and the maps Q → Q·T of each."""

    def __init__(self, circuit: RotationCircuit, m: RotationMoments, reached: Reach, max_work: float):
        self.m, self.reached = m, reached
        self.state, self.n_qubits = circuit.state, circuit.n_qubits
        self.words = circuit.words.packed
        self.size = len(reached.words)
        own, _ = linear_keys(reached.words, reached.words)
        self._order = np.argsort(own)
        self._keys, self._own = own[self._order], own
        self._partner: dict[bytes, np.ndarray] = {}
        self._signs: dict[int, np.ndarray] = {}
        self.live = self._alive(circuit, max_work)

    def anti(self, key: bytes, k: int) -> bool:
        product, row = np.frombuffer(key, np.uint64), self.words[k]
        half = len(row) // 2
        count = np.bitwise_count((product[:half] & row[half:]) ^ (product[half:] & row[:half])).sum()
        return bool(count & 1)

    def times(self, key: bytes, k: int) -> bytes:
        return (np.frombuffer(key, np.uint64) ^ self.words[k]).tobytes()

    def _alive(self, circuit: RotationCircuit, max_work: float) -> list[set[bytes]]:
        """live[k]: products with weight after the rotations l ≥ k were undone."""
        words = circuit.observable.words.packed
        a, b = np.triu_indices(len(words))
        current = {r.tobytes() for r in np.unique(words[a] ^ words[b], axis=0)}
        out, work = [current], 0.0
        for k in range(circuit.n_rotations - 1, -1, -1):
            fresh = set()
            for key in current:
                anti = self.anti(key, k)
                if not anti or self.m.cos[k]:
                    fresh.add(key)
                if self.m.sin[k] if anti else self.m.sincos[k]:
                    fresh.add(self.times(key, k))
            current = fresh
            out.append(current)
            work += limits.MIXED_COST * len(current) * self.size
            if work > max_work or len(current) * self.size > limits.MIXED_SHARE * limits.BLOCK_FLOATS:
                raise ModuleTooLargeError("Too many products of words are alive for the exact route.")
        return out[::-1]

    def partner(self, key: bytes) -> np.ndarray:
        """Return the number of Q·T for every Q, −1 where it is not reachable."""
        if key not in self._partner:
            if len(self._partner) * self.size > limits.BLOCK_FLOATS:
                self._partner.clear()
            word = PauliWords.from_packed(np.frombuffer(key, np.uint64)[None].copy(), self.n_qubits)
            wanted = self._own ^ linear_keys(word, word)[0][0]
            at = np.searchsorted(self._keys, wanted)
            at[at == self.size] = 0
            self._partner[key] = np.where(self._keys[at] == wanted, self._order[at], -1)
        return self._partner[key]

    def signs(self, k: int) -> np.ndarray:
        """Return, per word, the sign of iP·word, 0 where it commutes with P."""
        d = int(self.reached.distinct[k])
        if d not in self._signs:
            i, _, sign = self.reached.pairs[d]
            self._signs[d] = np.zeros(self.size, np.int8)
            self._signs[d][i] = sign
        return self._signs[d]

    def right_signs(self, key: bytes, k: int) -> np.ndarray:
        """Return, per Q, the sign of iP·R with R = Q·T."""
        partner = self.partner(key)
        return np.where(partner >= 0, self.signs(k)[partner], 0)

    def starts(self, circuit: RotationCircuit) -> dict[bytes, np.ndarray]:
        packed, c = circuit.observable.words.packed, circuit.observable.coefficients
        out: dict[bytes, np.ndarray] = {}
        for a in range(len(c)):
            for b in range(len(c)):
                key = (packed[a] ^ packed[b]).tobytes()
                out.setdefault(key, np.zeros(self.size))[a] += c[a] * c[b]
        return out

    def ends(self, expectation: np.ndarray) -> dict[bytes, np.ndarray]:
        out = {}
        for key in self.live[0]:
            partner = self.partner(key)
            out[key] = expectation * np.where(partner >= 0, expectation[partner], 0.0)
        return out

    # -------------------------------------------------------------- one rotation
    def backward(self, k: int, v: dict[bytes, np.ndarray]) -> dict[bytes, np.ndarray]:
        m = self.m
        i, j, sign = self.reached.step(k)
        out: dict[bytes, np.ndarray] = {}

        def target(key):
            return out.setdefault(key, np.zeros(self.size))

        for key, values in v.items():
            right = self.right_signs(key, k)
            if self.anti(key, k):
                if m.cos[k]:
                    np.add(target(key), m.cos[k] * values, out=target(key))
                if m.sin[k]:
                    other = target(self.times(key, k))
                    other += m.sin[k] * right * values
                    other[j] += m.sin[k] * sign * values[i]
                continue
            weights, both = values[i], sign * right[i]
            own = target(key)
            own += values
            own[i] += (m.cos2[k] - 1) * weights
            own[j] += m.sin2[k] * both * weights
            if m.sincos[k]:
                other = target(self.times(key, k))
                other[j] += m.sincos[k] * sign * weights
                other[i] += m.sincos[k] * right[i] * weights
        return out

    def forward(self, k: int, f: dict[bytes, np.ndarray]) -> dict[bytes, np.ndarray]:
        m = self.m
        i, j, sign = self.reached.step(k)
        none = np.zeros(self.size)
        out = {}
        for key in self.live[k + 1]:
            right = self.right_signs(key, k)
            own, other = f.get(key, none), f.get(self.times(key, k), none)
            if self.anti(key, k):
                value = m.cos[k] * own + m.sin[k] * right * other
                value[i] += m.sin[k] * sign * other[j]
            else:
                value = own.copy()
                value[i] = m.cos2[k] * own[i] + m.sin2[k] * sign * right[i] * own[j]
                value[i] += m.sincos[k] * (sign * other[j] + right[i] * other[i])
            out[key] = value
        return out

    def slope(self, k: int, v: dict[bytes, np.ndarray], f: dict[bytes, np.ndarray]) -> float:
        """E[(∂ℓ/∂φ_k)²]: cos → −sin and sin → cos on both words."""
        m = self.m
        i, j, sign = self.reached.step(k)
        none = np.zeros(self.size)
        total = 0.0
        for key, values in v.items():
            if self.anti(key, k):
                continue
            right = self.right_signs(key, k)[i]
            own, other = f.get(key, none), f.get(self.times(key, k), none)
            value = m.sin2[k] * own[i] + m.cos2[k] * sign * right * own[j]
            value = value - m.sincos[k] * (sign * other[j] + right * other[i])
            total += float(values[i] @ value)
        return total


def mixed_moments(circuit: RotationCircuit, moments: RotationMoments, reached: Reach, max_work: float) -> RawMoments:
    """Return exact moments for any laws of independent angles.

    Raises:
        ModuleTooLargeError: if the live products times the reachable words exceed the limits.
    Cost: O(rotations · live products · reachable words).
    """
    pairs = _Pairs(circuit, moments, reached, max_work)
    n_rot = circuit.n_rotations
    expectation = circuit.state.expectation(reached.words)
    v = pairs.starts(circuit)
    blocks = step_blocks([len(s) * pairs.size for s in pairs.live[1:]])
    saved = []
    for low, high in reversed(blocks):
        saved.append(v)
        for k in range(high - 1, low - 1, -1):
            v = pairs.backward(k, v)
    f = pairs.ends(expectation)
    second = float(sum(values @ f[key] for key, values in v.items()))
    slopes = np.zeros(n_rot)
    for low, high in blocks:
        v, held = saved.pop(), {}
        for k in range(high - 1, low - 1, -1):
            held[k] = v
            v = pairs.backward(k, v)
        for k in range(low, high):
            slopes[k] = pairs.slope(k, held.pop(k), f)
            f = pairs.forward(k, f)
    mean, first = word_means(circuit, moments, reached, expectation)
    return RawMoments(mean, second, first, slopes)
