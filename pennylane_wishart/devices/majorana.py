"""Free fermions: two-Majorana observables as an antisymmetric matrix that rotations turn in planes.

Where the generators are iγ_aγ_b of d Majorana operators, an observable iγ_iγ_j stays a
combination of such pairs, and the generator's rotation by φ turns rows and columns a and b of
the matrix of their expectation values. A layer of gates that share no Majorana is one step.

The Majoranas are found in the generators' own anticommutation graph (``algebra.classify``),
whatever the order of the wires. Generators may carry words that commute with everything
(``iγ_aγ_b·R``: the boundary term of a ring): these are ±1 in each of the 2^h sectors of the h
independent ones, and every sector has its own matrix and signs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pennylane_wishart.algebra import Component, LieAlgebra, classify
from pennylane_wishart.circuit.states import InputState
from pennylane_wishart.conventions import devices as limits
from pennylane_wishart.devices.inputs import state_values
from pennylane_wishart.paulis import F2Basis, PauliWords

__all__ = ["MajoranaModule", "find_majorana_module"]


@dataclass(frozen=True, eq=False)
class Layer:
    """Gates that share no Majorana: planes (a, b), one per term, with a sign per sector."""

    a: np.ndarray
    b: np.ndarray
    terms: np.ndarray
    signs: np.ndarray
    """float64 ``(n_terms, n_sectors)``."""


@dataclass(frozen=True, eq=False)
class _Frame:
    """The Majoranas of one component and the words that commute with all its generators."""

    points: PauliWords
    """P_i with iγ_0γ_i = P_i (P_0 is the identity)."""
    center: PauliWords
    """h independent words R_i; R(v) is the plain word of the product of those with v_i = 1."""

    def pairs(self, words: PauliWords) -> np.ndarray | None:
        """Return the two Majoranas ``(m, 2)`` of each word, (−1, −1) where it has none.

        None if some word moves, but not as a pair of Majoranas.
        """
        d = len(self.points)
        pattern = words.anticommutation(self.points)
        sizes = pattern.sum(axis=1)
        pair, last = sizes == 2, (sizes == d - 2) & (sizes != 2)
        if not np.all(pair | last | (sizes == 0)):
            return None
        marked = np.where(last[:, None], ~pattern, pattern)
        marked[last, 0] = True  # point 0 commutes with itself: it is in the pair with the one left out
        first = np.argmax(marked, axis=1)
        second = d - 1 - np.argmax(marked[:, ::-1], axis=1)
        out = np.stack([first, second], axis=1)
        out[sizes == 0] = -1
        return out

    def bilinears(self, a: np.ndarray, b: np.ndarray) -> tuple[PauliWords, np.ndarray]:
        """Return the words of iγ_aγ_b and their signs, a < b."""
        words, k = self.points[a].multiply(self.points[b])
        # iγ_aγ_b = i·P_a·P_b, and iγ_0γ_b = P_b
        signs = np.where(a == 0, 1.0, np.where(k == 3, 1.0, -1.0))
        return words, signs


def _times(first: PauliWords, second: PauliWords) -> tuple[PauliWords, np.ndarray]:
    """Multiply commuting words: word and sign ±1."""
    words, k = first.multiply(second)
    return words, np.where(k == 0, 1.0, -1.0)


class MajoranaModule:
    """Pairs of Majoranas with their cofactors, one antisymmetric matrix per sector.

    Arrays are ``(d, d, sectors, …, batch)``; sectors are 2^h characters of the centre times
    the distinct cofactors of the observables.
    """

    engine = "majorana"

    def __init__(self, frame: _Frame, observables: PauliWords, generators: PauliWords):
        self.frame = frame
        self.d = len(frame.points)
        self._span = F2Basis(frame.center.packed)
        self.characters = self._all_characters()
        pairs = frame.pairs(observables)
        assert pairs is not None
        self.moving = np.flatnonzero(pairs[:, 0] >= 0)
        self.still = np.flatnonzero(pairs[:, 0] < 0)
        self.constants = observables[self.still]
        self.pairs = pairs[self.moving]
        self.cofactors, self.block, self.weights = self._observables(observables[self.moving], self.pairs)
        self.n_words = len(observables)
        distinct, inverse = generators.unique()
        planes = frame.pairs(distinct)
        assert planes is not None
        self.layers = self._layers(planes[inverse], self._generator_signs(distinct, planes)[inverse])

    # ------------------------------------------------------------------ sizes
    @property
    def n_sectors(self) -> int:
        """Characters of the centre times cofactors."""
        return len(self.characters) * max(1, len(self.cofactors))

    @property
    def dim(self) -> int:
        """Number of words in the module."""
        return self.n_sectors * self.d * (self.d - 1) // 2 + len(self.constants)

    @property
    def size(self) -> int:
        """Numbers held per batch entry."""
        return self.n_sectors * self.d**2 + len(self.constants)

    @property
    def nbytes(self) -> int:
        """Memory of what is kept."""
        return sum(layer.signs.nbytes + 24 * len(layer.a) for layer in self.layers) + 8 * self.size

    # ------------------------------------------------------------------ the centre
    def _all_characters(self) -> np.ndarray:
        """Return R(v) in every sector: float64 ``(sectors χ, elements v)``, rows and columns 2^h."""
        h = len(self.frame.center)
        bits = (np.arange(2**h)[:, None] >> np.arange(h)) & 1
        table = 1.0 - 2.0 * ((bits @ bits.T) & 1)
        self.elements, self.element_signs = self._elements(bits)
        return np.asarray(table * self.element_signs)

    def _elements(self, bits: np.ndarray) -> tuple[PauliWords, np.ndarray]:
        """Return the words R(v) and their signs against the product of the R_i in order."""
        words = PauliWords.identity(self.frame.points.n_qubits, len(bits))
        signs = np.ones(len(bits))
        for i in range(len(self.frame.center)):
            on = np.flatnonzero(bits[:, i])
            moved, sign = _times(words[on], self.frame.center[np.full(len(on), i)])
            words.x[on], words.z[on] = moved.x, moved.z
            signs[on] *= sign
        return words, signs

    def _element_of(self, words: PauliWords) -> np.ndarray:
        """Return which R(v) each word is."""
        lookup = {row.tobytes(): v for v, row in enumerate(self.elements.packed)}
        return np.array([lookup[row.tobytes()] for row in words.packed], np.int64)

    def _split(self, words: PauliWords, pairs: np.ndarray) -> tuple[PauliWords, np.ndarray, np.ndarray]:
        """Write words as sign · iγ_aγ_b · R(v) · C, C reduced modulo the centre."""
        bilinear, sign = self.frame.bilinears(pairs[:, 0], pairs[:, 1])
        rest, sign_rest = _times(bilinear, words)
        cofactor = PauliWords.from_packed(self._span.reduce(rest.packed), words.n_qubits)
        element, sign_element = _times(rest, cofactor)
        # words = bilinear·rest, rest = element·cofactor; ± signs are their own inverse
        return cofactor, self._element_of(element), sign * sign_rest * sign_element

    def _observables(self, words: PauliWords, pairs: np.ndarray) -> tuple[PauliWords, np.ndarray, np.ndarray]:
        """Return distinct cofactors, the block of each observable and its weights per character."""
        cofactor, element, sign = self._split(words, pairs)
        distinct, block = cofactor.unique()
        return distinct, block, (sign[:, None] * self.characters[:, element].T) / len(self.characters)

    def _generator_signs(self, words: PauliWords, planes: np.ndarray) -> np.ndarray:
        """Return the sign of each generator in every sector ``(m, n_sectors)``."""
        _, element, sign = self._split(words, planes)
        per_character = sign[:, None] * self.characters[:, element].T
        return np.tile(per_character, (1, max(1, len(self.cofactors))))

    def _layers(self, planes: np.ndarray, signs: np.ndarray) -> list[Layer]:
        """Gather consecutive gates that share no Majorana."""
        cuts, last, begin = [0], np.full(self.d, -1), 0
        for t, (a, b) in enumerate(planes.tolist()):
            if max(last[a], last[b]) >= begin:
                cuts.append(t)
                begin = t
            last[a] = last[b] = t
        cuts.append(len(planes))
        return [
            Layer(planes[i:j, 0], planes[i:j, 1], np.arange(i, j), signs[i:j])
            for i, j in zip(cuts[:-1], cuts[1:], strict=True)
            if j > i
        ]

    # ------------------------------------------------------------------ what engines share
    def renumber(self, active: np.ndarray) -> None:
        """Number the terms as in the whole program."""
        self.layers = [Layer(x.a, x.b, active[x.terms], x.signs) for x in self.layers]

    def inputs(self, state: InputState) -> np.ndarray:
        """Return the flattened expectation values in an input state, the still words last."""
        rows, columns = np.triu_indices(self.d, 1)
        n_characters = len(self.characters)
        out = np.zeros((self.d, self.d, max(1, len(self.cofactors)), n_characters))
        for block in range(len(self.cofactors)):
            for begin in range(0, len(rows), limits.PAIRS_AT_ONCE):
                a, b = rows[begin : begin + limits.PAIRS_AT_ONCE], columns[begin : begin + limits.PAIRS_AT_ONCE]
                bilinear, sign = self.frame.bilinears(a, b)
                values = np.empty((len(a), n_characters))
                for v in range(n_characters):
                    copy = np.full(len(a), v)
                    word, sign_v = _times(bilinear, self.elements[copy])
                    word, sign_c = _times(word, self.cofactors[np.full(len(a), block)])
                    values[:, v] = sign * sign_v * sign_c * state_values(state, word)
                by_sector = values @ self.characters.T
                out[a, b, block], out[b, a, block] = by_sector, -by_sector
        return np.concatenate([out.reshape(-1), state_values(state, self.constants)])

    def _matrices(self, x: np.ndarray) -> np.ndarray:
        return x[: self.d**2 * self.n_sectors].reshape(self.d, self.d, self.n_sectors, *x.shape[1:])

    def _sectors_of(self, observable: int) -> slice:
        size = len(self.characters)
        return slice(self.block[observable] * size, (self.block[observable] + 1) * size)

    def read(self, x: np.ndarray) -> np.ndarray:
        """Return the values at the observables' words ``(n_observables, batch)``."""
        out = np.empty((self.n_words, *x.shape[1:]))
        out[self.still] = x[len(x) - len(self.still) :]
        matrices = self._matrices(x)
        for i, (at, (a, b)) in enumerate(zip(self.moving, self.pairs, strict=True)):
            out[at] = np.tensordot(self.weights[i], matrices[a, b, self._sectors_of(i)], axes=1)
        return out

    def covectors(self, coefficients: np.ndarray) -> np.ndarray:
        """Return combinations of the moving words as matrices, ``(d, d, sectors, …)``."""
        out = np.zeros((self.d, self.d, self.n_sectors, *coefficients.shape[1:]))
        for i, (at, (a, b)) in enumerate(zip(self.moving, self.pairs, strict=True)):
            part = np.multiply.outer(self.weights[i], coefficients[at])
            out[a, b, self._sectors_of(i)] += part
            out[b, a, self._sectors_of(i)] -= part
        return out

    def forward(self, x: np.ndarray, cos: np.ndarray, sin: np.ndarray) -> np.ndarray:
        """Carry expectation values ``(…, batch)`` from the input to the end, in place."""
        matrices = self._matrices(x)
        for layer in self.layers:
            c = cos[layer.terms][:, None]
            s = sin[layer.terms][:, None] * layer.signs[:, :, None]
            _turn(matrices, layer, c, s)
        return x

    def backward(self, x: np.ndarray, v: np.ndarray, cos: np.ndarray, sin: np.ndarray) -> np.ndarray:
        """Undo ``forward`` while observables go back, and differentiate.

        Returns:
            dℓ/dφ, float64 ``(n_terms, k, batch)``.
        """
        batch, k = x.shape[1], v.shape[3]
        both = np.empty((self.d, self.d, self.n_sectors, 1 + k, batch))
        both[:, :, :, 0] = self._matrices(x)
        both[:, :, :, 1:] = v
        out = np.zeros((len(cos), k, batch))
        for layer in reversed(self.layers):
            signs = layer.signs[:, :, None, None]
            _turn(both, layer, cos[layer.terms][:, None, None], -sin[layer.terms][:, None, None] * signs)
            a, b = both[layer.a], both[layer.b]
            slope = np.einsum("pjsb,pjskb->pskb", b[:, :, :, 0], a[:, :, :, 1:])
            slope -= np.einsum("pjsb,pjskb->pskb", a[:, :, :, 0], b[:, :, :, 1:])
            out[layer.terms] = (slope * signs).sum(axis=1)
        return out


def _turn(x: np.ndarray, layer: Layer, c: np.ndarray, s: np.ndarray) -> None:
    """x_a ← c·x_a + s·x_b, x_b ← c·x_b − s·x_a, on rows and on columns, in place."""
    left, right = x[layer.a], x[layer.b]
    x[layer.a] = c[:, None] * left + s[:, None] * right
    x[layer.b] = c[:, None] * right - s[:, None] * left
    left, right = x[:, layer.a], x[:, layer.b]
    x[:, layer.a] = c * left + s * right
    x[:, layer.b] = c * right - s * left


def find_majorana_module(
    observables: PauliWords, generators: PauliWords, algebra: LieAlgebra | None = None
) -> MajoranaModule | None:
    """Return the module as pairs of Majoranas, or None where it is not of that kind.

    Args:
        observables: words, each a pair of Majoranas of the one component of the generators, or
            commuting with all of them.
        generators: words that reach some observable, first gate first.
        algebra: ``classify(generators)``, where known.
    Cost: F2 linear algebra; nothing is enumerated.
    """
    algebra = classify(generators) if algebra is None else algebra
    components: Sequence[Component] = algebra.components or ()
    if len(components) != 1 or components[0].kind != "A" or algebra.central_words is None or len(algebra.central_words):
        return None
    component = components[0]
    assert component.majoranas is not None and component.copy_basis is not None
    center = component.copy_basis
    if 2 ** len(center) > limits.MAX_SECTORS or len(component.majoranas) < limits.FEWEST_MAJORANAS:
        return None
    if observables.anticommutation(center).any():
        return None
    frame = _Frame(component.majoranas, center)
    if frame.pairs(observables) is None or frame.pairs(generators.unique()[0]) is None:
        return None
    module = MajoranaModule(frame, observables, generators)
    return module if module.n_sectors <= limits.MAX_SECTORS else None
