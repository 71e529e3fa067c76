"""Generators on invariant subspaces: what the dense route splits further."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array, hstack
from scipy.sparse.csgraph import connected_components

from pennylane_wishart.conventions import sectors as limits
from pennylane_wishart.conventions.numbers import TINY
from pennylane_wishart.paulis import PHASES, PauliSum, PauliWords, f2_nullspace
from pennylane_wishart.sectors.dense.elements import Matrix

__all__ = ["Block", "filled", "full_blocks", "reachable_states", "restrict"]


@dataclass(frozen=True, eq=False)
class Block:
    """A subspace that no generator leaves, and the operators restricted to it.

    Real matrices are kept real: the symmetric ones among them then stay so.
    """

    states: np.ndarray
    """int64 ``(m,)``: indices of computational basis states, sorted."""
    basis: Matrix | None
    """Isometry ``(m, N_b)`` from the block to those basis states; None for the identity."""
    generators: tuple[Matrix, ...]
    """``(N_b, N_b)`` each, sparse or dense."""
    observable: Matrix

    @property
    def dim(self) -> int:
        """N_b."""
        return int(self.observable.shape[0])

    def part(self, support: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Return the part of an input in the block, complex ``(N_b,)``.

        Args:
            support: sorted basis states on which the input lives.
            values: their amplitudes.
        """
        out = np.zeros(len(self.states), dtype=complex)
        position = np.minimum(np.searchsorted(self.states, support), len(self.states) - 1)
        inside = self.states[position] == support
        out[position[inside]] = values[inside]
        return out if self.basis is None else np.asarray(self.basis.conj().T @ out)


def full_blocks(generators: Sequence[PauliSum], observable: PauliSum, n_qubits: int) -> list[Block]:
    """Split all 2^n basis states into the smallest sets that no operator leaves.

    Words that commute with every word of every operator are symmetries, of any letters: the
    sets are of their joint eigenvectors, not of computational basis states.
    """
    everything = np.arange(2**n_qubits)
    matrices = [restrict(g, everything) for g in (*generators, observable)]
    turn = _symmetric_basis([*generators, observable], n_qubits)
    if turn is not None:
        matrices = [_clean(turn.conj().T @ m @ turn) for m in matrices]
    # connected sets of the joint pattern of non-zero elements are invariant
    pattern = csr_array(matrices[0].shape, dtype=float)
    for matrix in matrices:
        pattern = pattern + abs(matrix)
    count, labels = connected_components(pattern, directed=False)
    order = np.argsort(labels, kind="stable")
    matrices = [m[order][:, order] for m in matrices]
    ends = np.cumsum(np.bincount(labels, minlength=count))
    blocks = []
    for members, end in zip(np.split(order, ends[:-1]), ends, strict=True):
        own = slice(end - len(members), end)
        *cut, observed = filled([csr_array(m[own, own]) for m in matrices])
        states, basis = (members, None) if turn is None else (everything, turn[:, members])
        blocks.append(Block(states, basis, tuple(cut), observed))
    return blocks


def filled(matrices: Sequence[csr_array]) -> Sequence[Matrix]:
    """Return dense matrices where they are small."""
    return [m.toarray() for m in matrices] if matrices[0].shape[0] <= limits.FILLED_DIM else matrices


def _symmetric_basis(operators: Sequence[PauliSum], n: int) -> csr_array | None:
    """Return joint eigenvectors of the symmetries that flip qubits, sparse ``(2^n, 2^n)``.

    Symmetries of Z and 1 alone need no basis: basis states are their eigenvectors.
    """
    words = _commuting_symmetries(PauliWords.concatenate([o.words for o in operators]))
    x, _ = words.bits()
    pivots: list[int] = []
    chosen: list[int] = []
    rows = x.copy()
    for i in range(len(rows)):  # each symmetry kept flips a qubit that no other one flips
        for p, row in zip(pivots, chosen, strict=True):
            if rows[i, p]:
                rows[i] ^= rows[row]
        if rows[i].any() and len(chosen) < limits.MAX_SYMMETRIES:
            pivots.append(int(np.argmax(rows[i])))
            chosen.append(i)
    if not chosen:
        return None
    everything = np.arange(2**n)
    free = np.ones(2**n, dtype=bool)
    for p in pivots:
        # one basis state of each orbit of the flips
        free &= (everything >> (n - 1 - p)) & 1 == 0
    basis = csr_array((np.ones(free.sum()), (everything[free], np.arange(free.sum()))), shape=(2**n, free.sum()))
    for i in chosen:  # (1 ± S)/√2 makes two eigenvectors of each vector so far
        turned = restrict(PauliSum(words[[i]], np.ones(1)), everything) @ basis
        basis = csr_array(hstack([basis + turned, basis - turned])) / np.sqrt(2)
    return csr_array(basis)


def _commuting_symmetries(terms: PauliWords) -> PauliWords:
    """Return independent commuting words that commute with all ``terms``."""
    n = terms.n_qubits
    x, z = terms.unique()[0].bits()
    # words that commute with all terms: a symplectic orthogonal complement
    null = f2_nullspace(np.concatenate([z, x], axis=1))  # ω(term, word) = z·x' + x·z'
    found = PauliWords.from_bits(null[:, :n], null[:, n:])
    while True:  # greedily: each step drops what does not commute with the word taken
        anti = found.anticommutation(found) if len(found) else np.zeros((0, 0), bool)
        clash = np.flatnonzero(anti.any(axis=1))
        if len(clash) == 0:
            return found
        first = int(clash[0])
        partner = int(np.flatnonzero(anti[first])[0])
        packed = found.packed.copy()
        packed[anti[first]] ^= found.packed[partner]  # now only the partner meets the first
        kept = [k for k in range(len(found)) if k != partner]
        found = PauliWords.from_packed(packed[kept], n)


def reachable_states(generators: Sequence[PauliSum], support: np.ndarray, limit: int) -> np.ndarray | None:
    """Return the basis states that the generators reach from ``support``; None past ``limit``.

    Exact matrix elements decide, so number conservation and the like need not be declared.
    """
    states = np.unique(np.asarray(support, dtype=np.int64))
    frontier = states
    while len(frontier):
        if len(states) > limit:
            return None
        reached = np.unique(np.concatenate([_targets(g, frontier) for g in generators]))
        frontier = np.setdiff1d(reached, states)
        states = np.union1d(states, frontier)
    return states if len(states) <= limit else None


def _masks(operator: PauliSum) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return int64 x masks, z masks and coefficients times i^(x·z) of each term."""
    x, z = operator.words.bits()
    powers = 1 << np.arange(operator.n_qubits - 1, -1, -1, dtype=np.int64)
    x_mask, z_mask = x.astype(np.int64) @ powers, z.astype(np.int64) @ powers
    phases = PHASES[np.bitwise_count(x_mask & z_mask) % 4]
    return x_mask, z_mask, operator.coefficients * phases


def _entries(operator: PauliSum, columns: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (targets, values) per distinct flip pattern: flips add up before being tested."""
    x_mask, z_mask, amplitude = _masks(operator)
    for flip in np.unique(x_mask):
        terms = np.flatnonzero(x_mask == flip)
        value = np.zeros(len(columns), dtype=complex)
        step = max(1, limits.TERM_ENTRIES // max(len(columns), 1))
        for part in np.split(terms, np.arange(step, len(terms), step)):
            odd = np.bitwise_count(columns[:, None] & z_mask[part]) & 1
            # terms with one flip pattern act on the same element: they may cancel
            value += (1 - 2.0 * odd) @ amplitude[part]
        yield columns ^ flip, value


def _targets(operator: PauliSum, columns: np.ndarray) -> np.ndarray:
    scale = limits.ENTRY * np.abs(operator.coefficients).max(initial=TINY)
    parts = [target[np.abs(value) > scale] for target, value in _entries(operator, columns)]
    return np.concatenate(parts) if parts else columns[:0]


def restrict(operator: PauliSum, states: np.ndarray) -> csr_array:
    """Return the sparse matrix of an operator between the given (sorted) basis states."""
    dim = len(states)
    scale = limits.ENTRY * np.abs(operator.coefficients).max(initial=TINY)
    rows, columns, values = [], [], []
    for target, value in _entries(operator, states):
        position = np.minimum(np.searchsorted(states, target), dim - 1)
        # targets outside the given states leave the space; the caller knows that they do not, or why they may
        keep = (np.abs(value) > scale) & (states[position] == target)
        rows.append(position[keep])
        columns.append(np.flatnonzero(keep))
        values.append(value[keep])
    if not rows:
        return csr_array((dim, dim), dtype=float)
    index = (np.concatenate(rows), np.concatenate(columns))
    return _clean(csr_array((np.concatenate(values), index), shape=(dim, dim)))


def _clean(matrix: csr_array) -> csr_array:
    """Drop rounding noise, and the imaginary part where it is zero."""
    matrix = csr_array(matrix)
    scale = np.abs(matrix.data).max(initial=0.0)
    matrix.data[np.abs(matrix.data) <= limits.ENTRY * scale] = 0.0
    matrix.eliminate_zeros()
    if np.iscomplexobj(matrix.data) and np.abs(matrix.data.imag).max(initial=0.0) <= limits.ENTRY * scale:
        matrix = csr_array((matrix.data.real, matrix.indices, matrix.indptr), shape=matrix.shape)
    return matrix
