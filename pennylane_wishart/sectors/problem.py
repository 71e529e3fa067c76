"""What every route starts from: distinct generators, the observable, and which of them meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pennylane_wishart.algebra import LieAlgebra, classify
from pennylane_wishart.circuit import RotationCircuit
from pennylane_wishart.circuit.effective import effective_generators
from pennylane_wishart.conventions import sectors as limits
from pennylane_wishart.paulis import PauliSum, PauliWords
from pennylane_wishart.sectors.dense.blocks import restrict

__all__ = ["Problem", "pose", "words_of"]


@dataclass(frozen=True, eq=False)
class Problem:
    """A circuit reduced to what its sectors depend on.

    The generators fall into groups that commute with each other ("components"). One that
    commutes with the observable commutes with all that the observable becomes, so its
    generators never change the loss: only the others are *relevant*.
    """

    circuit: RotationCircuit
    generators: tuple[PauliSum, ...]
    generator_of: np.ndarray
    generator_scale: np.ndarray
    observable: PauliSum
    component_of: np.ndarray
    """int64 ``(n_generators,)``."""
    relevant: np.ndarray
    """int64: indices of the generators in components that move the observable."""
    words: PauliWords | None
    """The generators, where every one is a single word."""
    algebra: LieAlgebra | None
    """The classified algebra of all generators, where every one is a single word."""

    @property
    def n_qubits(self) -> int:
        """Number of qubits."""
        return self.circuit.n_qubits

    @property
    def moving(self) -> list[PauliSum]:
        """The relevant generators."""
        return [self.generators[k] for k in self.relevant]

    @property
    def relevant_words(self) -> PauliWords | None:
        """The relevant generators as words; None if one of them is a sum."""
        return words_of(self.moving, self.n_qubits)


def words_of(generators: Sequence[PauliSum], n_qubits: int) -> PauliWords | None:
    """Return generators as one batch of words; None if one of them is a sum."""
    if any(len(g) != 1 for g in generators):
        return None
    return PauliWords.concatenate([PauliWords.identity(n_qubits, 0), *(g.words for g in generators)])


def pose(circuit: RotationCircuit) -> Problem:
    """Reduce a circuit to its distinct generators and find those that move the observable."""
    effective = effective_generators(circuit)
    generators, observable = effective.generators, effective.observable
    algebra = None
    words = words_of(generators, circuit.n_qubits)
    if words is not None:
        algebra = classify(words)
        component_of = _classified_components(algebra, len(words))
        meets = words.anticommutation(observable.words).any(axis=1)
    else:
        component_of = _components(generators)
        meets = np.array([not _commute(g, observable) for g in generators], dtype=bool)
    # a whole component is relevant if one of its generators meets the observable
    relevant = np.flatnonzero(np.isin(component_of, component_of[meets]))
    # in the rotation's own scale: its slope is the circuit's business
    slopes = np.where(circuit.coefficients == 0, 1.0, np.abs(circuit.coefficients))
    scale = np.abs(effective.rates) / slopes
    index = np.asarray(effective.index)
    return Problem(circuit, tuple(generators), index, scale, observable, component_of, relevant, words, algebra)


def _commute(a: PauliSum, b: PauliSum) -> bool:
    """Tell whether two sums commute; long ones by what they make of random vectors.

    A commutator that is not zero maps a random vector to zero with probability zero.
    """
    if len(a) * len(b) <= limits.COMMUTATOR_PRODUCTS or a.n_qubits > limits.COMMUTATOR_QUBITS:
        return a.commutes_with(b)
    everything = np.arange(2**a.n_qubits)
    first, second = restrict(a, everything), restrict(b, everything)
    vectors = np.random.default_rng(0).normal(size=(len(everything), 2))
    there, back = first @ (second @ vectors), second @ (first @ vectors)
    return bool(np.linalg.norm(there - back) <= limits.COMMUTATOR * np.linalg.norm(there))


def _classified_components(algebra: LieAlgebra, count: int) -> np.ndarray:
    """Number the components of a classified algebra; words that commute with all stay alone."""
    out = -1 - np.arange(count)
    for number, component in enumerate(algebra.components):
        out[list(component.generators)] = number
    return out


def _components(generators: Sequence[PauliSum]) -> np.ndarray:
    """Number the connected components of "does not commute with"."""
    root = np.arange(len(generators))
    for i, generator in enumerate(generators):
        for j in range(i):
            # long sums are dear to multiply, and most circuits are one component after a few pairs
            if root[j] != root[i] and not _commute(generator, generators[j]):
                low, high = sorted((root[i], root[j]))
                root[root == high] = low
    return np.unique(root, return_inverse=True)[1].astype(np.int64)
