"""The subspace that an input reaches: everything that the circuit can make of it.

K = 𝒜ψ, 𝒜 the associative algebra of the generators. The loss is that of the observable
compressed to K, whatever the observable does elsewhere. K holds, of each sector, as many copies
as the input's block has rank: particle number, total spin, parities and lattice symmetries all
make it small without being declared.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg import qr
from scipy.sparse import csr_array

from pennylane_wishart.conventions import sectors as limits
from pennylane_wishart.paulis import PauliSum
from pennylane_wishart.sectors.dense.blocks import Block, filled, reachable_states, restrict
from pennylane_wishart.sectors.observables import hermitian

__all__ = ["reachable_block"]


def reachable_block(
    generators: Sequence[PauliSum],
    observable: PauliSum,
    support: np.ndarray,
    values: np.ndarray,
    limit: int,
    rng: np.random.Generator,
) -> Block | None:
    """Return the subspace that the generators reach from an input; None past ``limit`` dimensions.

    Random elements of 𝒜 are applied to random vectors of what is known until nothing new comes
    out, to 1e-8 (sectors of weight below 1e-16 are not seen); that the generators do not leave
    the result is then verified.

    Args:
        support: basis states on which the input lives, sorted.
        values: their amplitudes.
        limit: largest dimension of the subspace.
    Cost: O(K² · states) flops, 8 or 16 · K · states bytes, with at most 3·10⁷ entries.
    """
    # more states than this are refused before the first stage, whatever the generators' entries: not listed at all
    passes = (
        limits.KRYLOV_ORDER * limits.KRYLOV_COLUMNS[0] * limits.KRYLOV_WARM * limits.KRYLOV_PASSES * len(generators)
    )
    states = reachable_states(
        generators, support, min(limits.MAX_STATES, int(limits.KRYLOV_WARM_WORK / max(1, passes)))
    )
    if states is None:
        return None
    matrices = [restrict(g, states) for g in generators]
    seen = restrict(observable, states)
    *inner, observed = filled([*matrices, seen])
    whole = Block(states, None, tuple(inner), observed)
    start = whole.part(support, values)
    limit = min(limit, limits.MAX_ENTRIES // len(states))
    basis = _span(matrices, start, min(limit, len(states)), rng)
    if basis is None:
        return None
    # nothing is left out: the matrices on basis states are kept
    if basis.shape[1] == len(states):
        return whole
    inside = []
    for matrix in matrices:
        image = matrix @ basis
        small = basis.conj().T @ image
        scale = max(1.0, float(np.abs(matrix.data).max(initial=0.0)))
        if np.abs(image - basis @ small).max() > limits.INVARIANT * scale:
            return None
        inside.append(hermitian(small))
    small = basis.conj().T @ (seen @ basis)
    return Block(states, basis, tuple(inside), hermitian(small))


def _span(matrices: Sequence[csr_array], start: np.ndarray, limit: int, rng: np.random.Generator) -> np.ndarray | None:
    """Return an orthonormal basis of 𝒜·start ``(states, K)``; None if K > limit, or too much work."""
    # a real input times a phase must not make the space complex
    phase = start[np.argmax(np.abs(start))]
    start = start * np.conj(phase) / abs(phase)
    real = all(not np.iscomplexobj(m.data) for m in matrices) and np.abs(start.imag).max() < limits.REAL_START
    basis = np.zeros((len(start), 0), dtype=float if real else complex)
    probes = np.repeat(start[:, None], limits.KRYLOV_COLUMNS[0], axis=1).astype(complex)
    work = 0.0
    # a product with a sparse matrix, and a few passes over the vectors themselves
    entries = sum(m.nnz + limits.KRYLOV_PASSES * len(start) for m in matrices)
    each = float(limits.KRYLOV_ORDER * sum(m.nnz for m in matrices))
    # long sums of words are not sparse: mixing them alone could take minutes
    if limits.KRYLOV_ORDER * entries * probes.shape[1] * limits.KRYLOV_WARM > limits.KRYLOV_WARM_WORK:
        return None
    for _ in range(limits.KRYLOV_WARM):
        probes = _mixed(_step(matrices, probes, rng), rng)
    while True:
        # real generators: real and imaginary parts are reached each by itself
        fresh = np.concatenate([probes.real, probes.imag], axis=1) if real else probes
        if _expected(basis, fresh) > limits.KRYLOV_BEYOND * limit:
            return None
        added = _orthonormal(basis, fresh)
        if basis.shape[1] + added.shape[1] > limit:
            return None
        basis = np.concatenate([basis, added], axis=1)
        if added.shape[1] == 0 or basis.shape[1] == len(start):
            return basis
        # each stage multiplies what rounding has added, so stages are few: they grow with K
        columns = min(max(limits.KRYLOV_COLUMNS[0], basis.shape[1]), limits.KRYLOV_COLUMNS[1])
        work += each * columns * limits.KRYLOV_ROUNDS
        if work > limits.KRYLOV_WORK:
            return None
        probes = _mixed(basis, rng, columns)
        for _ in range(limits.KRYLOV_ROUNDS):
            probes = _step(matrices, probes, rng)


def _expected(basis: np.ndarray, fresh: np.ndarray) -> float:
    """Return about how large the whole space is, or less: random vectors of it lie in K of D dimensions to K/D.

    Vectors that are not mixed enough lie in what is known by more, so that a space is thought too small rather.
    """
    inside = float(np.sum(np.abs(basis.conj().T @ fresh) ** 2) / np.sum(np.abs(fresh) ** 2))
    return basis.shape[1] / inside if inside else 0.0


def _mixed(vectors: np.ndarray, rng: np.random.Generator, columns: int | None = None) -> np.ndarray:
    """Return random combinations of vectors, normalised (as many as given if not said)."""
    shape = (vectors.shape[1], vectors.shape[1] if columns is None else columns)
    out = vectors @ (rng.normal(size=shape) + 1j * rng.normal(size=shape))
    return np.asarray(out / np.linalg.norm(out, axis=0))


def _orthonormal(basis: np.ndarray, fresh: np.ndarray) -> np.ndarray:
    """Return orthonormal columns that ``fresh`` adds to a basis: none if all residuals are noise.

    Only residuals near the largest are taken: small ones carry rounding errors, and come again.
    """
    for _ in range(2):
        fresh = fresh - basis @ (basis.conj().T @ fresh)
    q, r, _ = qr(fresh, mode="economic", pivoting=True)
    size = np.abs(np.diag(r))
    if size[0] < limits.NO_DIRECTION:
        return np.asarray(q[:, :0])
    added = q[:, : int(np.sum(size > limits.NEW_DIRECTION * size[0]))]
    added = added - basis @ (basis.conj().T @ added)
    return np.linalg.qr(added)[0]


def _step(matrices: Sequence[csr_array], probes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Turn every probe by all generators, angles of its own; columns are normalised.

    A short Taylor series of exp(−iθG) is not quite unitary, but an element of 𝒜 all the same.
    """
    for k in rng.permutation(len(matrices)):
        # the largest row sum bounds ‖G‖
        size = float(abs(matrices[k]).sum(axis=1).max(initial=0.0))
        if size == 0.0:
            continue
        angles = rng.uniform(0.3, 1.0, probes.shape[1]) * rng.choice([-1.0, 1.0], probes.shape[1])
        diagonal = matrices[k].diagonal()
        if matrices[k].nnz == np.count_nonzero(diagonal):
            probes = probes * np.exp(-1j * limits.KRYLOV_ANGLE / size * np.outer(diagonal.real, angles))
            continue
        term, total = probes, probes
        for j in range(1, limits.KRYLOV_ORDER + 1):
            term = (matrices[k] @ term) * (-1j * limits.KRYLOV_ANGLE / size / j * angles)
            total = total + term
        # not unitary, so it is normalised
        probes = total / np.linalg.norm(total, axis=0)
    return probes
