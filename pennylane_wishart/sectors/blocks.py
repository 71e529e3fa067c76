"""Generators as sparse blocks: the invariant sets of basis states that they never leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array, diags_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import expm_multiply

from pennylane_wishart.paulis import PauliSum

__all__ = ["Block", "GroupElement", "full_blocks", "group_elements", "reachable_block", "restrict"]

_TOL = 1e-12
_PHASES = np.array([1, 1j, -1, -1j])


@dataclass(frozen=True, eq=False)
class Block:
    """Basis states that no generator leaves, and the generators restricted to them."""

    states: np.ndarray
    """int64 ``(N_b,)``: indices of computational basis states, sorted."""
    generators: tuple[csr_array, ...]
    observable: csr_array

    @property
    def dim(self) -> int:
        """N_b."""
        return len(self.states)


def full_blocks(generators: Sequence[PauliSum], observable: PauliSum, n_qubits: int) -> list[Block]:
    """Split all 2^n basis states into the smallest sets that no operator leaves."""
    dim = 2**n_qubits
    everything = np.arange(dim)
    matrices = [restrict(g, everything) for g in (*generators, observable)]
    pattern = csr_array((dim, dim), dtype=float)
    for matrix in matrices:
        pattern = pattern + abs(matrix)
    count, labels = connected_components(pattern, directed=False)
    blocks = []
    for b in range(count):
        states = np.flatnonzero(labels == b)
        cut = [csr_array(m[states][:, states]) for m in matrices]
        blocks.append(Block(states, tuple(cut[:-1]), cut[-1]))
    return blocks


def reachable_block(
    generators: Sequence[PauliSum], observable: PauliSum, support: np.ndarray, limit: int
) -> Block | None:
    """Return the basis states that the operators reach from ``support``; None past ``limit``.

    Exact matrix elements decide, so number conservation and the like need not be declared.
    """
    states = np.unique(np.asarray(support, dtype=np.int64))
    frontier = states
    operators = (*generators, observable)
    while len(frontier):
        reached = np.unique(np.concatenate([_targets(g, frontier) for g in operators]))
        frontier = np.setdiff1d(reached, states)
        states = np.union1d(states, frontier)
        if len(states) > limit:
            return None
    cut = [restrict(g, states) for g in operators]
    return Block(states, tuple(cut[:-1]), cut[-1])


def _masks(operator: PauliSum) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return int64 x masks, z masks and coefficients times i^(x·z) of each term."""
    x, z = operator.words.bits()
    powers = 1 << np.arange(operator.n_qubits - 1, -1, -1, dtype=np.int64)
    x_mask, z_mask = x.astype(np.int64) @ powers, z.astype(np.int64) @ powers
    phases = _PHASES[np.bitwise_count(x_mask & z_mask) % 4]
    return x_mask, z_mask, operator.coefficients * phases


def _entries(operator: PauliSum, columns: np.ndarray):
    """Yield (targets, values) per distinct flip pattern: flips add up before being tested."""
    x_mask, z_mask, amplitude = _masks(operator)
    for flip in np.unique(x_mask):
        value = np.zeros(len(columns), dtype=complex)
        for t in np.flatnonzero(x_mask == flip):
            value += amplitude[t] * (1 - 2.0 * (np.bitwise_count(columns & z_mask[t]) & 1))
        yield columns ^ flip, value


def _targets(operator: PauliSum, columns: np.ndarray) -> np.ndarray:
    scale = _TOL * np.abs(operator.coefficients).max(initial=1e-300)
    parts = [target[np.abs(value) > scale] for target, value in _entries(operator, columns)]
    return np.concatenate(parts) if parts else columns[:0]


def restrict(operator: PauliSum, states: np.ndarray) -> csr_array:
    """Return the sparse matrix of an operator between the given (sorted) basis states."""
    dim = len(states)
    scale = _TOL * np.abs(operator.coefficients).max(initial=1e-300)
    rows, columns, values = [], [], []
    for target, value in _entries(operator, states):
        position = np.minimum(np.searchsorted(states, target), dim - 1)
        keep = (np.abs(value) > scale) & (states[position] == target)
        rows.append(position[keep])
        columns.append(np.flatnonzero(keep))
        values.append(value[keep])
    if not rows:
        return csr_array((dim, dim), dtype=complex)
    index = (np.concatenate(rows), np.concatenate(columns))
    return csr_array((np.concatenate(values), index), shape=(dim, dim))


# ------------------------------------------------------------------ group elements
@dataclass(frozen=True, eq=False)
class GroupElement:
    """A product of exp(−iθG) in a fixed order: the same element can be built on any block."""

    order: np.ndarray
    angles: np.ndarray

    def on(self, block: Block) -> np.ndarray:
        """Return the dense unitary ``(N_b, N_b)`` on a block."""
        out = np.eye(block.dim, dtype=complex)
        for k, angle in zip(self.order, self.angles, strict=True):
            out = _rotate(block.generators[k], angle, out)
        return out


def group_elements(n_generators: int, count: int, rounds: int, rng, scales) -> list[GroupElement]:
    """Draw random group elements in which every generator appears ``rounds`` times.

    ``scales`` (one per generator, such as its norm) makes the angles of order one.
    """
    out = []
    for _ in range(count):
        order = np.concatenate([rng.permutation(n_generators) for _ in range(rounds)])
        angles = rng.uniform(0.4, 2.2, len(order)) * rng.choice([-1.0, 1.0], len(order))
        out.append(GroupElement(order, angles / np.asarray(scales)[order]))
    return out


def _rotate(generator: csr_array, angle: float, columns: np.ndarray) -> np.ndarray:
    """Return exp(−i·angle·G)·columns, in closed form where G² or G³ is a multiple of 1 or G."""
    dim = generator.shape[0]
    diagonal = generator.diagonal()
    if generator.nnz == np.count_nonzero(diagonal):
        return np.exp(-1j * angle * diagonal)[:, None] * columns
    square = csr_array(generator @ generator)
    a = float(np.abs(square.diagonal()).max())
    if abs(square - diags_array(np.full(dim, a))).max() < _TOL * a:
        root = np.sqrt(a)
        return np.cos(root * angle) * columns - 1j * np.sin(root * angle) / root * (
            generator @ columns
        )
    if abs(csr_array(square @ generator) - a * generator).max() < _TOL * a**1.5:
        root = np.sqrt(a)
        out = columns - 1j * np.sin(root * angle) / root * (generator @ columns)
        return out + (np.cos(root * angle) - 1) / a * (square @ columns)
    steps = max(1, int(np.ceil(abs(angle) * np.sqrt(a) / 10)))
    for _ in range(steps):
        columns = expm_multiply(-1j * (angle / steps) * generator, columns, traceA=0.0)
    return columns
