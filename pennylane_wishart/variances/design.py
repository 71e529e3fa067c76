"""Frame potentials of order 2, and the depth at which outputs are those of a 2-design.

Under uniform angles the average of ρ⊗ρ keeps the products of its pairs of words: what E⟨Q⟩⟨QC⟩ becomes behind a
rotation is an average over Q and PQ where C commutes with P, and nothing where it does not. All words are carried
forward at once, the circuit again and again; the ratio of successive changes is the second eigenvalue.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pennylane_wishart.circuit import AngleLaw, RotationCircuit, conjugated
from pennylane_wishart.conventions import levels
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.errors import ModuleTooLargeError, UnsupportedCircuitError
from pennylane_wishart.paulis import PauliSum, PauliWords
from pennylane_wishart.paulis.f2 import f2_nullspace, subsets
from pennylane_wishart.variances.drivers import clean_moments, drivers_of

__all__ = ["TwoDesign", "two_design"]


@dataclass(frozen=True)
class TwoDesign(Shown):
    """How near a circuit's outputs come to a 2-design as its layers are repeated; exact."""

    potential: float
    """Frame potential of order 2, E F² of two outputs, of the circuit as it is."""
    limit: float
    """… repeated without end."""
    haar: float
    """… of random states of all qubits, the least that there is."""
    second_eigenvalue: float
    """Second largest modulus of an eigenvalue of the averaged map of one layer that the input sees."""
    layers: int
    """Repeated blocks that the circuit has; 1 where none was found."""
    depth: float
    """Layers after which the potential is within 5% of its limit."""

    @property
    def is_design(self) -> bool:
        """Whether the limit is that of random states of all qubits."""
        return self.limit <= self.haar * (1 + limits.DESIGN_SETTLED)


def two_design(circuit: RotationCircuit, law: AngleLaw, layers: int = 1) -> TwoDesign:
    """Average ρ⊗ρ over the angles, exactly, for the circuit once and repeated.

    Args:
        circuit: single words as generators, an angle of its own each, no noise; at most 8 qubits.
        law: uniform over periods.
        layers: repeated blocks in the circuit.
    Raises:
        UnsupportedCircuitError: for other circuits and laws, and where repetition does not settle.
        ModuleTooLargeError: for too many qubits or conserved products.
    Cost: O(passes · rotations · 4^n · conserved products).
    Source: the averaged map is that of arXiv:2309.09342 in the basis of words; its use forward is ours.
    Example:
        >>> c = RotationCircuit.from_words(["Z", "Y", "Z"], {"Z": 1.0})
        >>> found = two_design(c, c.angle_law())
        >>> round(found.potential, 6), round(found.haar, 6), round(found.second_eigenvalue, 6)
        (0.34375, 0.333333, 0.25)
    """
    pairs = _Pairs(circuit, law)
    n = circuit.n_qubits
    potentials, steps = [pairs.potential], [0.0]
    start = math.sqrt(pairs.potential)
    most = max(2, min(limits.DESIGN_PASSES, int(limits.DESIGN_WORK / max(1, pairs.values.size * circuit.n_rotations))))
    ratio = 0.0
    for _ in range(most):
        before = pairs.values
        pairs.step()
        potentials.append(pairs.potential)
        steps.append(float(np.linalg.norm(pairs.values - before)) / 2**n)
        if steps[-1] < limits.DESIGN_NOTHING * start:
            break
        if len(steps) > 2:
            ratio, last = steps[-1] / steps[-2], ratio
            if ratio < 1 and abs(ratio - last) < limits.DESIGN_SETTLED * ratio:
                break
    else:
        raise UnsupportedCircuitError(f"two_design: repeated {most} times, the circuit has not settled.")
    # what is left decays by the square of the eigenvalue
    left = (potentials[-2] - potentials[-1]) * ratio**2 / (1 - ratio**2)
    limit = potentials[-1] - max(0.0, left)
    return TwoDesign(
        potential=potentials[1],
        limit=limit,
        haar=2 / (2**n * (2**n + 1)),
        second_eigenvalue=float(ratio ** (1 / layers)),
        layers=layers,
        depth=layers * _passes(np.array(potentials) / limit - 1, ratio),
    )


def _passes(excess: np.ndarray, ratio: float) -> float:
    """Return after how many passes the excess is within the level, between passes and beyond them geometrically."""
    below = np.flatnonzero(excess <= levels.DEEP)
    if not len(below):
        return len(excess) - 1 + math.log(levels.DEEP / float(excess[-1])) / (2 * math.log(ratio))
    k = int(below[0])
    if k == 0:
        return 0.0
    after = max(float(excess[k]), limits.DESIGN_NOTHING)
    return k - 1 + math.log(float(excess[k - 1]) / levels.DEEP) / math.log(float(excess[k - 1]) / after)


class _Pairs:
    """E⟨Q⟩⟨QC⟩ for every word Q and every conserved product C."""

    def __init__(self, circuit: RotationCircuit, law: AngleLaw) -> None:
        n = circuit.n_qubits
        moments = clean_moments(circuit, law) if circuit.is_pauli else None
        if circuit.channels or moments is None or not drivers_of(circuit).independent:
            raise UnsupportedCircuitError("two_design: sums as generators, shared angles and noise are not followed.")
        if max(np.abs(m).max(initial=0.0) for m in (moments.cos, moments.sin, moments.sincos)) > 0:
            raise UnsupportedCircuitError("two_design: angles must be uniform over a period, and none fixed.")
        if n > limits.DESIGN_QUBITS:
            raise ModuleTooLargeError(f"two_design: {n} qubits (limit {limits.DESIGN_QUBITS}).")
        self.n, self.index = n, np.arange(4**n)
        self.rotations = rows = _numbers(circuit.words)
        bits = (rows[:, None] >> np.arange(2 * n)) & 1
        swapped = np.concatenate([bits[:, n:], bits[:, :n]], axis=1)
        kernel = f2_nullspace(swapped) if len(rows) else np.eye(2 * n, dtype=np.uint8)
        if 2 ** len(kernel) * 4**n > limits.DESIGN_FLOATS:
            raise ModuleTooLargeError("two_design: too many products of words are conserved.")
        kept = (subsets(len(kernel)) @ kernel.astype(np.int64)) & 1
        self.products = kept @ (1 << np.arange(2 * n, dtype=np.int64))
        self.values = self._start(circuit)
        self.image = self._image(circuit)

    def _start(self, circuit: RotationCircuit) -> np.ndarray:
        psi = circuit.state.vector()
        found = PauliSum.from_matrix(np.outer(psi, psi.conj()))
        seen = np.zeros(4**self.n)
        seen[_numbers(found.words)] = 2**self.n * np.real(found.coefficients)
        bits = (self.index[:, None] >> np.arange(2 * self.n)) & 1
        words = PauliWords.from_bits(bits[:, : self.n], bits[:, self.n :])
        out = []
        for c in self.products:
            one = words[np.full(4**self.n, int(c))]
            _, k = words.multiply(one)
            # Q·C, or i·Q·C where they anticommute, is ± a word
            k = (k + self._clash(int(c)).astype(np.int64)) % 4
            out.append(seen * seen[self.index ^ int(c)] * (1 - k))
        return np.array(out)

    def _clash(self, word: int) -> np.ndarray:
        """Which words anticommute with this one."""
        low = 2**self.n - 1
        swapped = (word >> self.n) | ((word & low) << self.n)
        return np.asarray(np.bitwise_count(self.index & swapped) & 1, bool)

    def _image(self, circuit: RotationCircuit) -> np.ndarray:
        """Number W†QW of every word Q, W all fixed Clifford gates."""
        n = self.n
        basis = PauliWords.from_bits(np.eye(2 * n, dtype=np.uint8)[:, :n], np.eye(2 * n, dtype=np.uint8)[:, n:])
        moved, _ = conjugated(circuit, basis, np.full(2 * n, circuit.n_rotations), outward=False)
        out = np.zeros(4**n, np.int64)
        for bit, number in enumerate(_numbers(moved)):
            out ^= np.where((self.index >> bit) & 1, int(number), 0)
        return out

    @property
    def potential(self) -> float:
        """E F² of two outputs."""
        return float(np.sum(self.values**2)) / 4.0**self.n

    def step(self) -> None:
        """Go through the circuit once more."""
        values = self.values.copy()
        for word in self.rotations:
            clash = self._clash(int(word))
            # a product that has been turned away by the fixed gates need not commute any longer
            values[clash[self.products]] = 0.0
            at = self.index[clash]
            values[:, at] = (values[:, at] + values[:, at ^ word]) / 2
        self.values = values[:, self.image]
        back = np.empty_like(self.image)
        back[self.image] = self.index
        self.products = back[self.products]


def _numbers(words: PauliWords) -> np.ndarray:
    """Number words by their x bits, then z bits, first qubit lowest."""
    x, z = words.bits()
    return np.concatenate([x, z], axis=1).astype(np.int64) @ (1 << np.arange(2 * words.n_qubits, dtype=np.int64))
