"""Input states: tensor products of dense and stabiliser blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import stim

from pennylane_wishart.conventions import circuit as limits
from pennylane_wishart.conventions.showing import Shown
from pennylane_wishart.errors import InputError
from pennylane_wishart.paulis import F2Basis, PauliWords, pack_bits

__all__ = ["DenseBlock", "InputState", "StabilizerBlock"]


@dataclass(frozen=True, eq=False)
class DenseBlock:
    """A state vector on a few qubits."""

    qubits: tuple[int, ...]
    vector: np.ndarray
    """``complex128 (2^k,)``, first qubit most significant."""

    @cached_property
    def bloch(self) -> np.ndarray:
        """(⟨X⟩, ⟨Y⟩, ⟨Z⟩) of a one-qubit block."""
        a, b = self.vector
        return np.array([2 * (a.conj() * b).real, 2 * (a.conj() * b).imag, abs(a) ** 2 - abs(b) ** 2])

    def expectation(self, words: PauliWords) -> np.ndarray:
        """Return ⟨P⟩ of words cut down to this block, float64 ``(m,)``."""
        x, z = words.bits()
        if len(self.qubits) == 1:
            table = np.array([[1.0, self.bloch[2]], [self.bloch[0], self.bloch[1]]])
            return np.asarray(table[x[:, 0], z[:, 0]])
        # words cut down to a block repeat: each is applied once
        unique, inverse = words.unique()
        values = [np.vdot(self.vector, unique.apply(m, self.vector)).real for m in range(len(unique))]
        return np.array(values)[inverse] if len(words) else np.zeros(0)


@dataclass(frozen=True, eq=False)
class StabilizerBlock:
    """The pure state T|0…0⟩ of a Clifford tableau T on some qubits."""

    qubits: tuple[int, ...]
    tableau: stim.Tableau

    @cached_property
    def _inverse(self) -> stim.Tableau:
        return self.tableau.inverse()

    @cached_property
    def stabilizers(self) -> tuple[PauliWords, np.ndarray]:
        """Return (k generator words on the block, signs ±1)."""
        k = len(self.qubits)
        outputs = [self.tableau.z_output(q) for q in range(k)]
        bits = [p.to_numpy() for p in outputs]
        words = PauliWords.from_bits(np.array([b[0] for b in bits]), np.array([b[1] for b in bits]))
        return words, np.array([p.sign.real for p in outputs])

    @cached_property
    def _group(self) -> F2Basis:
        return F2Basis(self.stabilizers[0].packed)

    def expectation(self, words: PauliWords) -> np.ndarray:
        """Return ⟨P⟩ ∈ {−1, 0, 1} of words cut down to this block."""
        out = np.zeros(len(words))
        # a word outside ± the group has expectation 0, one inside ±1
        inside = np.flatnonzero(self._group.contains(words.packed))
        x, z = words[inside].bits()
        for row, i in enumerate(inside):
            word = stim.PauliString.from_numpy(xs=x[row].astype(bool), zs=z[row].astype(bool))
            out[i] = self._inverse(word).sign.real
        return out


@dataclass(frozen=True, eq=False)
class InputState(Shown):
    """A pure product of blocks that together cover ``n_qubits`` qubits.

    Example:
        >>> state = InputState.basis([0, 1])
        >>> state.expectation(PauliWords.from_strings(["ZI", "IZ", "XI"])).tolist()
        [1.0, -1.0, 0.0]
    """

    n_qubits: int
    blocks: tuple[DenseBlock | StabilizerBlock, ...]

    def __post_init__(self) -> None:
        covered = sorted(q for b in self.blocks for q in b.qubits)
        if covered != list(range(self.n_qubits)):
            raise InputError(f"The blocks of a state must cover qubits 0..{self.n_qubits - 1} once.")

    @classmethod
    def basis(cls, bits: Sequence[int]) -> InputState:
        """A computational basis state."""
        vectors = (np.array([1.0, 0.0], complex), np.array([0.0, 1.0], complex))
        return cls(len(bits), tuple(DenseBlock((q,), vectors[int(b)]) for q, b in enumerate(bits)))

    @classmethod
    def from_vector(cls, vector: Any) -> InputState:
        """Any pure state, n ≤ 20."""
        vector = np.asarray(vector, complex).reshape(-1)
        n = int(vector.size).bit_length() - 1
        if vector.size != 2**n or n > limits.STATE_QUBITS:
            raise InputError(f"A state vector has 2^n entries with n ≤ {limits.STATE_QUBITS}; got {vector.size}.")
        norm = np.linalg.norm(vector)
        if not np.isclose(norm, 1.0, atol=limits.NORM):
            raise InputError(f"A state vector has norm 1; got {norm:.6g}: normalise it.")
        return cls(n, (DenseBlock(tuple(range(n)), vector / norm),))

    @cached_property
    def bloch(self) -> np.ndarray | None:
        """(⟨X⟩, ⟨Y⟩, ⟨Z⟩) per qubit, ``(n, 3)``, of a product state; None otherwise."""
        if any(isinstance(b, StabilizerBlock) or len(b.qubits) > 1 for b in self.blocks):
            return None
        out = np.zeros((self.n_qubits, 3))
        for b in self.blocks:
            if isinstance(b, DenseBlock):
                out[b.qubits[0]] = b.bloch
        return out

    @cached_property
    def basis_bits(self) -> np.ndarray | None:
        """The bits ``(n,)`` of a computational basis state; None otherwise."""
        if self.bloch is None or not np.allclose(np.abs(self.bloch[:, 2]), 1.0, atol=limits.BASIS_STATE):
            return None
        return (self.bloch[:, 2] < 0).astype(np.uint8)

    @property
    def kind(self) -> str:
        """One of "basis", "product", "stabilizer", "blocks"."""
        if self.basis_bits is not None:
            return "basis"
        if self.bloch is not None:
            return "product"
        if all(isinstance(b, StabilizerBlock) for b in self.blocks):
            return "stabilizer"
        return "blocks"

    def expectation(self, words: PauliWords) -> np.ndarray:
        """Return ⟨P⟩ of each word, float64 ``(m,)``. Cost O(m·n) for product states."""
        if words.n_qubits != self.n_qubits:
            raise InputError(f"Words on {words.n_qubits} qubits, state on {self.n_qubits}.")
        out = np.ones(len(words))
        if self.basis_bits is not None:
            # ⟨b|P|b⟩ is 0 for a word that flips a bit, else the sign of its Zs on b
            out[~words.is_diagonal()] = 0.0
            flips = words.z & np.atleast_2d(pack_bits(self.basis_bits))
            return np.asarray(out * (1 - 2.0 * (np.bitwise_count(flips).sum(axis=1) & 1)))
        if self.bloch is not None:
            x, z = words.bits()
            b = self.bloch
            table = np.stack([np.ones(self.n_qubits), b[:, 2], b[:, 0], b[:, 1]], axis=1)
            return np.asarray(np.prod(table[np.arange(self.n_qubits), 2 * x + z], axis=1))
        for block in self.blocks:
            # a factor of 0 ends a product: later blocks need not look at it
            alive = np.flatnonzero(out)
            out[alive] *= block.expectation(words[alive].restrict(block.qubits))
        return out

    def vector(self) -> np.ndarray:
        """Return the state vector ``complex128 (2^n,)``; n ≤ 20."""
        if self.n_qubits > limits.STATE_QUBITS:
            raise InputError(f"No state vector is built for {self.n_qubits} > {limits.STATE_QUBITS} qubits.")
        out = np.ones(1, complex)
        order: list[int] = []
        for block in self.blocks:
            if isinstance(block, StabilizerBlock):
                # amplitudes are 0 or c·i^k, which stim gives in single precision
                v = block.tableau.to_state_vector(endian="big").astype(complex)
                size = np.abs(v)
                v = np.where(size > 0.5 * size.max(), np.exp(0.5j * np.pi * np.round(np.angle(v) / (np.pi / 2))), 0)
                v = v / np.linalg.norm(v)
            else:
                v = block.vector
            out = np.multiply.outer(out, v).reshape(-1)
            # blocks hold their qubits in their own order; the axes are put back at the end
            order += block.qubits
        tensor = out.reshape((2,) * self.n_qubits)
        return np.ascontiguousarray(np.transpose(tensor, np.argsort(order))).reshape(-1)
