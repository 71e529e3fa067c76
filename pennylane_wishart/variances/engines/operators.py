"""A real basis of the observable's module, with every generator as a skew matrix on it.

``d/da e^{iaG} X e^{−iaG} = i[G, X]`` keeps the span of everything that the rotations make of
the observable, so one small skew matrix per generator replaces the circuit. Three bases are
offered: the reachable words, the span inside them, and the span of operators on the smallest
subspace that holds the input (a particle-number sector, say).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse

from pennylane_wishart.circuit import RotationCircuit
from pennylane_wishart.conventions import EngineId
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.errors import ModuleTooLargeError
from pennylane_wishart.paulis import PauliSum
from pennylane_wishart.variances.actions import WordAction, noise_actions
from pennylane_wishart.variances.reach import Reach, WordIndex, closed_reach, linear_keys, reach

__all__ = [
    "OperatorModule",
    "distinct_generators",
    "invariant_subspace",
    "module_in_light_cone",
    "module_on_subspace",
    "module_on_words",
]

Applier = Callable[[np.ndarray], np.ndarray]
"""A linear map of operators, given as rows."""


@dataclass(frozen=True, eq=False)
class OperatorModule:
    """The circuit on a real basis of m operators: ``ℓ = end · R_1 … R_L · start``."""

    start: np.ndarray
    """float64 ``(m,)``: the observable."""
    end: np.ndarray
    """float64 ``(m,)``: the expectation of each basis operator on the input."""
    generators: tuple[sparse.csr_array, ...]
    """Skew ``(m, m)``, one per distinct generator: X → i[G, X]."""
    distinct: np.ndarray
    """int64 ``(n_rotations,)``: which of them each rotation is."""
    engine: EngineId
    channels: tuple[tuple[int, sparse.csr_array], ...] = ()
    """Noise: rotations before it, and its map of the basis."""

    @property
    def dim(self) -> int:
        """Number of basis operators."""
        return len(self.start)


def distinct_generators(circuit: RotationCircuit) -> tuple[list[PauliSum], np.ndarray]:
    """Return the distinct generators and which one each rotation is."""
    found: dict[bytes, int] = {}
    sums: list[PauliSum] = []
    index = np.empty(circuit.n_rotations, np.int64)
    for k in range(circuit.n_rotations):
        generator = circuit.generator(k)
        key = generator.words.packed.tobytes() + np.round(generator.coefficients, limits.GENERATOR_DIGITS).tobytes()
        if key not in found:
            found[key] = len(sums)
            sums.append(generator)
        index[k] = found[key]
    return sums, index


def module_in_light_cone(circuit: RotationCircuit, max_dim: int) -> OperatorModule:
    """Build the module on the words that the observable reaches in the circuit's own order.

    Each rotation acts on the words reachable once it is undone and leaves the others alone:
    those carry no weight yet when its turn comes. Small for shallow circuits at any n.

    Raises:
        ModuleTooLargeError: if more than ``max_dim`` words are reachable.
    """
    _refuse_noise(circuit)
    _, distinct = distinct_generators(circuit)
    found = reach(circuit.terms, circuit.observable.words, max_dim)
    ads: list[sparse.csr_array] = []
    index = np.empty(circuit.n_rotations, np.int64)
    seen: dict[tuple[int, int], int] = {}
    for k in range(circuit.n_rotations):
        rows = np.arange(circuit.starts[k], circuit.starts[k + 1])
        size = int(found.sizes[rows[0]])
        key = (int(distinct[k]), size)
        # the same generator acts on more words the earlier it stands: one matrix per size
        if key not in seen:
            seen[key] = len(ads)
            ads.append(_ad(found, rows, circuit.term_coefficients, size))
        index[k] = seen[key]
    start = np.zeros(len(found.words))
    start[: len(circuit.observable)] = circuit.observable.coefficients
    end = circuit.state.expectation(found.words)
    return OperatorModule(start, end, tuple(ads), index, EngineId.MODULE)


def module_on_words(circuit: RotationCircuit, max_dim: int, max_words: int = limits.MAX_MODULE_WORDS) -> OperatorModule:
    """Build the module on the words reachable through the terms of the generators.

    The words themselves are the basis where there are at most ``max_dim``; else the span of
    the observable's orbit inside them. Noise adds the words that its channels lead to.

    Raises:
        ModuleTooLargeError: if neither fits.
    """
    sums, distinct = distinct_generators(circuit)
    terms = circuit.terms
    if circuit.channels:
        return _module_with_noise(circuit, sums, distinct, max_dim)
    if len(terms) == 0:
        words = circuit.observable.words
        ads: list[sparse.csr_array] = []
    else:
        found = closed_reach(terms, circuit.observable.words, max_words)
        words, ads = found.words, []
        for g in range(len(sums)):
            rotation = int(np.flatnonzero(distinct == g)[0])
            rows = np.arange(circuit.starts[rotation], circuit.starts[rotation + 1])
            ads.append(_ad(found, rows, circuit.term_coefficients))
    start = np.zeros(len(words))
    start[: len(circuit.observable)] = circuit.observable.coefficients
    end = circuit.state.expectation(words)
    # words are sparse, the span inside them is dense: smaller only pays where words do not fit
    if len(words) <= max_dim:
        return OperatorModule(start, end, tuple(ads), distinct, EngineId.MODULE)
    basis = _span(start, [_applier(a) for a in ads], max_dim)
    small = tuple(sparse.csr_array(_clean(basis @ (a @ basis.T))) for a in ads)
    return OperatorModule(basis @ start, basis @ end, small, distinct, EngineId.MODULE)


def _refuse_noise(circuit: RotationCircuit) -> None:
    """Noise leads out of light cones of rotations and of subspaces alike."""
    if circuit.channels:
        raise ModuleTooLargeError("A circuit with noise is averaged on the module of its words (module_on_words).")


def _module_with_noise(
    circuit: RotationCircuit, sums: list[PauliSum], distinct: np.ndarray, max_dim: int
) -> OperatorModule:
    """Build the module on all words that generators and channels make of the observable's."""
    noise = noise_actions(circuit)
    kinds = list({id(action): action for _, action in noise}.values())
    words, size = circuit.observable.words, 0
    # rotations lead to words that channels turn into others, and so on: each round adds some
    while len(words) > size:
        size = len(words)
        found = closed_reach(circuit.terms, words, max_dim)
        index = WordIndex(found.words)
        for action in kinds:
            _channel_entries(action, index)
        if len(index) > max_dim:
            raise ModuleTooLargeError(f"The circuit with its noise reaches more than {max_dim} words.")
        words = index.words()
    found = closed_reach(circuit.terms, words, max_dim)
    ads = []
    for g in range(len(sums)):
        rotation = int(np.flatnonzero(distinct == g)[0])
        ads.append(_ad(found, np.arange(*circuit.starts[rotation : rotation + 2]), circuit.term_coefficients))
    shape = (len(words), len(words))
    index = WordIndex(words)
    maps = {id(action): sparse.csr_array(_channel_entries(action, index), shape=shape) for action in kinds}
    start = np.zeros(len(words))
    start[: len(circuit.observable)] = circuit.observable.coefficients
    channels = tuple((position, maps[id(action)]) for position, action in noise)
    end = circuit.state.expectation(words)
    return OperatorModule(start, end, tuple(ads), distinct, EngineId.MODULE, channels)


def _channel_entries(action: WordAction, index: WordIndex) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Return (values, (image, word)) of a channel on all words of an index, to which its images are added."""
    words = index.words()
    codes, keys = action.syndromes(words), linear_keys(action.shifts)
    entries = []
    for s in np.unique(codes):
        members, row = np.flatnonzero(codes == s), action.row(int(s))
        for shift, odd, value in zip(row.shifts, row.odd, row.amplitudes.real.sum(axis=0), strict=True):
            found, sign = action.image(words[members], int(shift), bool(odd))
            entries.append((value * sign, index.number(found, index.keys[members] ^ keys[shift]), members))
    values, images, sources = (np.concatenate(column) for column in zip(*entries, strict=True))
    return values, (images, sources)


def _ad(found: Reach, rows: np.ndarray, coefficients: np.ndarray, size: int | None = None) -> sparse.csr_array:
    """Return X → i[G, X] on the first ``size`` words, 0 on the others.

    Raises:
        ModuleTooLargeError: if a generator of non-commuting words leads out of them.
    """
    m = len(found.words)
    size = m if size is None else size
    out = sparse.csr_array((m, m))
    for row in rows:
        i, j, sign = found.pairs[found.distinct[row]]
        i, j, sign = i[i < size], j[i < size], sign[i < size]
        word = found.words[:size].anticommutation(found.generator(row))
        # a sum of non-commuting words turns words into ones that its terms, one at a time, would not reach
        if len(i) != word.sum() or (j >= size).any():
            raise ModuleTooLargeError("A generator of non-commuting words needs its whole closure.")
        out = out + sparse.csr_array((2 * coefficients[row] * sign, (j, i)), shape=(m, m))
    return out


def _applier(matrix: sparse.csr_array) -> Applier:
    return lambda block: (matrix @ block.T).T


def _clean(matrix: np.ndarray) -> np.ndarray:
    # skew up to rounding of the basis: made exactly so, because its spectrum is taken as imaginary
    matrix = (matrix - matrix.T) / 2
    matrix[np.abs(matrix) < limits.CLEAN * max(1.0, np.abs(matrix).max(initial=0.0))] = 0.0
    return matrix


def _span(start: np.ndarray, appliers: Sequence[Applier], max_dim: int) -> np.ndarray:
    """Return orthonormal rows spanning the closure of an operator under linear maps."""
    if not np.linalg.norm(start):
        return np.zeros((1, len(start)))
    max_floats = min(max_dim, limits.MAX_SPAN_FLOATS // len(start))
    refusal = f"The observable's module is larger than {max_dim} operators: use sampling."
    return _closure(start, appliers, max_floats, limits.MAX_SPAN_WORK, refusal)


def _closure(start: np.ndarray, appliers: Sequence[Applier], max_dim: int, max_work: float, refusal: str) -> np.ndarray:
    """Return orthonormal rows spanning everything that linear maps make of a vector.

    Raises:
        ModuleTooLargeError: with this refusal, if they are more than ``max_dim`` or cost too much.
    """
    frontier = start[None] / np.linalg.norm(start)
    # room for more rows: copying the basis for every map would cost more than projecting on it
    room, size, work = frontier, 1, 0.0
    while len(frontier):
        old = size
        for apply in appliers:
            image = apply(frontier)
            work += limits.PROJECTION_COST * image.size * size
            # twice: once leaves rounding of the size of what was projected out
            for _ in range(2):
                image = image - (image @ room[:size].conj().T) @ room[:size]
            image = _independent(image)
            if size + len(image) > max_dim or work > max_work:
                raise ModuleTooLargeError(refusal)
            if size + len(image) > len(room):
                grown = np.empty((min(max_dim, 2 * (size + len(image))), len(start)), image.dtype)
                grown[:size] = room[:size]
                room = grown
            room[size : size + len(image)] = image
            size += len(image)
        frontier = room[old:size]
    return np.array(room[:size])


def _independent(rows: np.ndarray) -> np.ndarray:
    keep = np.linalg.norm(rows, axis=1) > limits.INDEPENDENT
    if not keep.any():
        return rows[:0]
    # pivoting puts independent rows first: a small diagonal entry ends the rank. Of the small factor, where it is fast
    q, r = linalg.qr(rows[keep].T, mode="economic", check_finite=False)
    turn, r, _ = linalg.qr(r, mode="economic", pivoting=True, check_finite=False)
    size = np.abs(np.diag(r))
    return np.asarray((q @ turn[:, : int(np.sum(size > limits.INDEPENDENT * max(1.0, size[0])))]).T)


# ------------------------------------------------------------------ invariant subspace
def module_on_subspace(
    circuit: RotationCircuit, max_hilbert: int = limits.MAX_SUBSPACE, max_dim: int = limits.MAX_SUBSPACE_MODULE
) -> OperatorModule:
    """Build the module of operators on the smallest invariant subspace that holds the input.

    Raises:
        ModuleTooLargeError: if the subspace has more than ``max_hilbert`` dimensions or the
            module more than ``max_dim``; or beyond 14 qubits.
    """
    _refuse_noise(circuit)
    most = limits.MAX_VECTOR_QUBITS
    if circuit.n_qubits > most:
        raise ModuleTooLargeError(f"No subspace is searched on {circuit.n_qubits} > {most} qubits.")
    sums, distinct = distinct_generators(circuit)
    isometry = invariant_subspace(circuit.state.vector(), sums, max_hilbert)
    small = [isometry.conj() @ g.apply(isometry.T) for g in sums]
    observable = isometry.conj() @ circuit.observable.apply(isometry.T)
    d = len(isometry)
    appliers = [_commutator_applier(g, d) for g in small]
    start = _flatten(observable[None])[0]
    basis = _span(start, appliers, max_dim)
    ads = tuple(sparse.csr_array(_clean(basis @ apply(basis).T)) for apply in appliers)
    # basis @ image.T has entry (row b, column a) = <b, A a>.
    vector = isometry.conj() @ circuit.state.vector()
    operators = _unflatten(basis, d)
    end = np.einsum("i,mij,j->m", vector.conj(), operators, vector).real
    return OperatorModule(basis @ start, end, ads, distinct, EngineId.TENSOR)


def invariant_subspace(vector: np.ndarray, sums: list[PauliSum], limit: int) -> np.ndarray:
    """Return orthonormal rows ``(d, 2^n)`` spanning what the generators make of a state.

    Raises:
        ModuleTooLargeError: if they are more than ``limit``.
    """
    appliers = [_state_applier(g) for g in sums]
    return _closure(vector, appliers, limit, np.inf, f"The input explores more than {limit} dimensions.")


def _state_applier(generator: PauliSum) -> Applier:
    return lambda rows: np.asarray(generator.apply(rows.T).T)


def _flatten(operators: np.ndarray) -> np.ndarray:
    flat = operators.reshape(len(operators), -1)
    # Hermitian operators are a real space, so real coordinates keep the dimension at d²
    return np.concatenate([flat.real, flat.imag], axis=1)


def _unflatten(rows: np.ndarray, d: int) -> np.ndarray:
    half = rows.shape[1] // 2
    return (rows[:, :half] + 1j * rows[:, half:]).reshape(-1, d, d)


def _commutator_applier(generator: np.ndarray, d: int) -> Applier:
    def apply(rows: np.ndarray) -> np.ndarray:
        x = _unflatten(rows, d)
        return _flatten(1j * (generator @ x - x @ generator))

    return apply
