"""Spin factors: the observable turns as a vector of SO(d) (THEORY §5).

Found from the observable's module alone. With word generators: if each generator
anticommutes with two words of the observable's orbit or with none, it turns one plane, and
turns of planes that connect d directions generate all of so(d). With sums: the module is
spanned by commutators, and the certificate of ``certificates.py`` decides.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg import expm

from pennylane_wishart.algebra.wordtable import AdjointTable
from pennylane_wishart.paulis import PauliSum, PauliWords
from pennylane_wishart.sectors.certificates import certify, lie_coefficients, lie_element
from pennylane_wishart.sectors.problem import Problem
from pennylane_wishart.sectors.records import SPIN_FACTOR, Sector, SpinFactor

__all__ = ["find_spin_factor", "spin_sector"]

_MAX_SUM_DIM = 64
_MAX_SUM_WORDS = 4096
_RANK = 1e-9


def find_spin_factor(problem: Problem, rng) -> SpinFactor | None:
    """Return the spin factor that the observable turns in; None if it is not one."""
    words = problem.relevant_words
    if words is not None:
        return _from_words(problem, words)
    return _from_sums(problem, rng)


def _conserved(problem: Problem) -> tuple[PauliSum, PauliSum]:
    """Split the observable's words into those that move and those no generator touches."""
    observable = problem.observable
    terms = PauliWords.concatenate([problem.generators[k].words for k in problem.relevant])
    moving = terms.anticommutation(observable.words).any(axis=0)
    parts = [PauliSum(observable.words[m], observable.coefficients[m]) for m in (moving, ~moving)]
    return parts[0], parts[1]


def _expectation(observable: PauliSum, problem: Problem) -> float:
    return float(observable.coefficients @ problem.circuit.state.expectation(observable.words))


def _from_words(problem: Problem, words: PauliWords) -> SpinFactor | None:
    moving, still = _conserved(problem)
    if len(moving) == 0:
        return None
    orbit = _plane_orbit(words, moving.words[0])
    if orbit is None:
        return None
    index = {row.tobytes(): i for i, row in enumerate(orbit.packed)}
    if any(row.tobytes() not in index for row in moving.words.packed):
        return None
    a = problem.circuit.state.expectation(orbit)
    return SpinFactor(
        d=len(orbit),
        amplitude=float(np.linalg.norm(a)),
        norm=float(np.linalg.norm(moving.coefficients)),
        expectations=a,
        offset=_expectation(still, problem),
    )


def _plane_orbit(generators: PauliWords, word: PauliWords) -> PauliWords | None:
    """Return a word's orbit if every generator turns at most one plane of it, else None."""
    met = np.zeros(len(generators), dtype=np.int64)
    found = {word.packed.tobytes()}
    rows, queue = [word.packed], [word]
    while queue:
        current = queue.pop()
        anti = np.flatnonzero(generators.anticommutes(current))
        met[anti] += 1
        if np.any(met > 2):
            return None
        packed = np.unique(generators[anti].packed ^ current.packed, axis=0)
        for row in packed:
            key = row.tobytes()
            if key not in found:
                found.add(key)
                rows.append(row[None])
                queue.append(PauliWords.from_packed(row[None], word.n_qubits))
    return PauliWords.from_packed(np.concatenate(rows), word.n_qubits)


def _from_sums(problem: Problem, rng) -> SpinFactor | None:
    moving, still = _conserved(problem)
    generators = [problem.generators[k] for k in problem.relevant]
    module = _module(generators, moving)
    if module is None:
        return None
    basis, turns = module
    if not _turns_fully(turns, rng):
        return None
    a = np.array([_expectation(b, problem) for b in basis])
    return SpinFactor(
        d=len(basis),
        amplitude=float(np.linalg.norm(a)),
        norm=float(np.sqrt(moving.norm_squared)),
        expectations=a,
        offset=_expectation(still, problem),
    )


def _module(generators: Sequence[PauliSum], observable: PauliSum):
    """Return (orthonormal basis of the module, real antisymmetric matrix of each i·ad G).

    The basis is a list of Pauli sums; None where it has more than 64 elements.
    """
    if len(observable) == 0:
        return None
    adjoint = AdjointTable([g.words for g in generators], [2.0 * g.coefficients for g in generators])
    adjoint.table.index(observable.words)
    basis = adjoint.coordinates([observable.scale(1 / np.sqrt(observable.norm_squared))])
    done = 0
    while done < len(basis):
        adjoint.expand(np.flatnonzero(np.abs(basis[done:]).max(axis=0) > _RANK))
        if len(adjoint.table) > _MAX_SUM_WORDS:
            return None
        maps = adjoint.matrices()
        basis = np.pad(basis, ((0, 0), (0, len(adjoint.table) - basis.shape[1])))
        fresh, done = basis[done:], len(basis)
        for g, turn in zip(generators, maps, strict=True):
            for image in (turn @ fresh.T).T / max(1.0, np.sqrt(g.norm_squared)):
                for _ in range(2):
                    image = image - (basis @ image) @ basis
                size = np.linalg.norm(image)
                if size**2 > _RANK:
                    basis = np.concatenate([basis, image[None] / size])
                if len(basis) > _MAX_SUM_DIM:
                    return None
    return _sums_of(basis, adjoint.table.words), [basis @ (turn @ basis.T) for turn in maps]


def _sums_of(rows: np.ndarray, words: PauliWords) -> list[PauliSum]:
    """Return coordinate rows as Pauli sums."""
    return [PauliSum.of(words, row) for row in rows]


def _turns_fully(turns: Sequence[np.ndarray], rng) -> bool:
    """Tell whether real antisymmetric matrices generate all of so(d)."""
    d = len(turns[0])
    if d < 2:
        return False
    hermitian = [1j * (t - t.T) / 2 for t in turns]
    if d == 2:
        return any(np.abs(h).max() > 1e-9 for h in hermitian)
    elements = []
    for _ in range(3):
        u = np.eye(d)
        for k in rng.permutation(len(turns)):
            u = u @ expm(rng.normal(scale=1.5) * (turns[k] - turns[k].T) / 2)
        elements.append(u)
    draws = [lie_coefficients(len(turns), len(elements), rng) for _ in range(2)]
    x, y = (lie_element(hermitian, elements, c) for c in draws)
    return certify(x, y, 1).kind == "so"


def spin_sector(factor: SpinFactor, n_qubits: int, n_generators: int) -> Sector:
    """Return the sector of a spin factor: a Jordan algebra of rank 2, states points of a ball."""
    a = min(factor.amplitude, 1.0)
    density = np.array([(1 + a) / 2, (1 - a) / 2])
    if a < 1e-12:
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
