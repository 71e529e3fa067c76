"""Spin factors: the observable turns as a vector of SO(d) (THEORY §5).

Found from the observable's module alone. With word generators: if each generator
anticommutes with two words of the observable's orbit or with none, it turns one plane, and
turns of planes that connect d directions generate all of so(d). With sums: the module is
spanned by commutators, and the certificate of ``dense/certificates.py`` decides.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg import expm

from pennylane_wishart.algebra.wordtable import AdjointTable
from pennylane_wishart.conventions import sectors as limits
from pennylane_wishart.paulis import PauliSum, PauliWords
from pennylane_wishart.sectors.dense.certificates import certify, lie_coefficients, lie_element
from pennylane_wishart.sectors.problem import Problem
from pennylane_wishart.sectors.records import SPIN_FACTOR, Sector, SpinFactor

__all__ = ["find_spin_factor", "spin_sector"]


def find_spin_factor(problem: Problem, rng: np.random.Generator) -> SpinFactor | None:
    """Return the spin factor that the observable turns in; None if it is not one."""
    state, observable = problem.circuit.state, problem.observable
    generators, words = problem.moving, problem.relevant_words
    terms = words if words is not None else PauliWords.concatenate([g.words for g in generators])
    # words of the observable that no generator touches add a constant
    moves = terms.anticommutation(observable.words).any(axis=0)
    moving, still = (PauliSum(observable.words[m], observable.coefficients[m]) for m in (moves, ~moves))
    if len(moving) == 0:
        return None
    if words is not None:
        orbit = _plane_orbit(words, moving.words[0])
        if orbit is None or not {r.tobytes() for r in moving.words.packed} <= {r.tobytes() for r in orbit.packed}:
            return None
        a, norm = state.expectation(orbit), float(np.linalg.norm(moving.coefficients))
    else:
        module = _module(generators, moving)
        if module is None or not _turns_fully(module[1], rng):
            return None
        a = np.array([float(b.coefficients @ state.expectation(b.words)) for b in module[0]])
        norm = float(np.sqrt(moving.norm_squared))
    offset = float(still.coefficients @ state.expectation(still.words))
    return SpinFactor(len(a), float(np.linalg.norm(a)), norm, a, offset)


def _plane_orbit(generators: PauliWords, word: PauliWords) -> PauliWords | None:
    """Return a word's orbit if every generator turns at most one plane of it, else None."""
    met = np.zeros(len(generators), dtype=np.int64)
    found = {word.packed.tobytes()}
    rows, queue = [word.packed], [word]
    while queue:
        current = queue.pop()
        anti = np.flatnonzero(generators.anticommutes(current))
        met[anti] += 1
        if np.any(met > 2):  # a third direction: the generator turns two planes at once
            return None
        packed = np.unique(generators[anti].packed ^ current.packed, axis=0)
        for row in packed:
            key = row.tobytes()
            if key not in found:
                found.add(key)
                rows.append(row[None])
                queue.append(PauliWords.from_packed(row[None], word.n_qubits))
    return PauliWords.from_packed(np.concatenate(rows), word.n_qubits)


def _module(generators: Sequence[PauliSum], observable: PauliSum) -> tuple[list[PauliSum], list[np.ndarray]] | None:
    """Return (orthonormal basis of the module, real antisymmetric matrix of each i·ad G).

    The basis is a list of Pauli sums; None where it has more than 64 elements.
    """
    adjoint = AdjointTable([g.words for g in generators], [2.0 * g.coefficients for g in generators])
    # the observable first, so that its coordinates are the first columns
    adjoint.table.index(observable.words)
    basis = adjoint.coordinates([observable.scale(1 / np.sqrt(observable.norm_squared))])
    done = 0
    while done < len(basis):
        # only words that new directions hold
        adjoint.expand(np.flatnonzero(np.abs(basis[done:]).max(axis=0) > limits.SPIN_RANK))
        if len(adjoint.table) > limits.SPIN_WORDS:
            return None
        maps = adjoint.matrices()
        basis = np.pad(basis, ((0, 0), (0, len(adjoint.table) - basis.shape[1])))
        fresh, done = basis[done:], len(basis)
        for g, turn in zip(generators, maps, strict=True):
            for image in (turn @ fresh.T).T / max(1.0, np.sqrt(g.norm_squared)):
                for _ in range(2):  # once more: Gram–Schmidt loses digits where little is left
                    image = image - (basis @ image) @ basis
                size = np.linalg.norm(image)
                if size**2 > limits.SPIN_RANK:
                    basis = np.concatenate([basis, image[None] / size])
                if len(basis) > limits.SPIN_DIM:
                    return None
    sums = [PauliSum.of(adjoint.table.words, row) for row in basis]
    return sums, [basis @ (turn @ basis.T) for turn in maps]


def _turns_fully(turns: Sequence[np.ndarray], rng: np.random.Generator) -> bool:
    """Tell whether real antisymmetric matrices generate all of so(d)."""
    d = len(turns[0])
    if d < 2:
        return False
    hermitian = [1j * (t - t.T) / 2 for t in turns]
    if d == 2:
        return any(np.abs(h).max() > limits.SPIN_TURN for h in hermitian)
    elements = []
    for _ in range(3):
        u = np.eye(d)
        for k in rng.permutation(len(turns)):
            u = u @ expm(rng.normal(scale=1.5) * (turns[k] - turns[k].T) / 2)
        elements.append(u)
    # two generic elements of the group's algebra, for the certificate of so(d)
    draws = [lie_coefficients(len(turns), len(elements), rng) for _ in range(2)]
    x, y = (lie_element(hermitian, elements, c) for c in draws)
    return certify(x, y, 1).kind == "so"


def spin_sector(factor: SpinFactor, n_qubits: int, n_generators: int) -> Sector:
    """Return the sector of a spin factor: a Jordan algebra of rank 2, states points of a ball."""
    a = min(factor.amplitude, 1.0)
    density = np.array([(1 + a) / 2, (1 - a) / 2])
    if a < limits.WEIGHT:
        reason = (
            "Spin factor, but the input has no expectation on any word that the observable "
            "becomes: the loss is constant."
        )
    else:
        reason = f"Spin factor: the observable turns as a vector of SO({factor.d})."
    return Sector(
        dim=2,
        multiplicity=2 ** (n_qubits - 1),
        beta=None,
        kind=SPIN_FACTOR,
        center=factor.offset,
        variance=factor.norm**2,
        ground=factor.offset - factor.norm,
        ground_status="exact",
        weight=1.0,
        purity=(1 + a**2) / 2,
        rho_spectrum=density[density > 0],
        spectrum=(np.array([-factor.norm, factor.norm]) + factor.offset, (1, 1)),
        in_theory=True,
        reason=reason,
        generator_traces=np.zeros((n_generators, 2)),
        label=f"d={factor.d}",
    )
