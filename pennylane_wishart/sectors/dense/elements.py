"""Generic elements: of the group, and of the associative algebra 𝒜 that it spans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from scipy.sparse import csr_array, issparse

from pennylane_wishart.conventions import sectors as limits

__all__ = ["GroupElements", "Matrix", "combination", "group_elements", "hermitian_element"]

Matrix: TypeAlias = Any
"""numpy array, or scipy's sparse csr_array, which has no types yet."""


@dataclass(frozen=True, eq=False)
class GroupElements:
    """Products exp(−i a_j H_j) exp(−i b_j H_{j+1}), H_j = Σ_k c_jk G_k: the same can be built on any sector.

    Each H_j stands in two products, at angles of their own: a product of two subgroups costs one eigenproblem.
    """

    coefficients: np.ndarray
    """float64 ``(elements, n_generators)``: c."""
    angles: np.ndarray
    """float64 ``(elements, 2)``: a and b, of either sign."""

    def on(self, generators: Sequence[Matrix]) -> tuple[np.ndarray, ...]:
        """Return the unitaries ``(N, N)``."""
        spectra = [np.linalg.eigh(_dense(combination(generators, row))) for row in self.coefficients]
        out = []
        for j, turns in enumerate(self.angles):
            left, right = (
                (vectors * np.exp(-1j * angle * values)) @ vectors.conj().T
                for angle, (values, vectors) in zip(turns, (spectra[j], spectra[(j + 1) % len(spectra)]), strict=True)
            )
            out.append(left @ right)
        return tuple(out)


def group_elements(n_generators: int, count: int, scales: np.ndarray, rng: np.random.Generator) -> GroupElements:
    """Draw random group elements; ``scales``, one per generator, make the angles of order one."""
    shapes = ((count, n_generators), (count, 2))
    # neither small nor near a period, of both signs
    c, angles = (rng.uniform(0.4, 2.2, shape) * rng.choice([-1.0, 1.0], shape) for shape in shapes)
    return GroupElements(c / np.asarray(scales), angles)


def hermitian_element(
    generators: Sequence[Sequence[Matrix]], scales: np.ndarray, attempt: int, rng: np.random.Generator
) -> list[np.ndarray]:
    """Return one generic Hermitian element of 𝒜, the same in every block, dense.

    The first attempt is a polynomial of degree three in random combinations of the generators,
    real where they are; the second adds a commutator, which real matrices cannot hold; later
    ones take products of unitaries, which reach every degree.

    Args:
        generators: per block, the restricted generators, sparse or dense.
        scales: a size per generator, to divide by.
    """
    n = len(scales)
    draws = rng.normal(size=(5, n)) / scales / np.sqrt(n)
    weights = rng.normal(size=(2, 4)) + 1j * rng.normal(size=(2, 4))
    out = []
    for given in generators:
        parts = [combination(given, row) for row in draws]
        if attempt >= limits.UNITARY_ATTEMPT:
            # not a palindrome: that could not tell an irrep from the transposed one, G → Gᵀ
            turns = [_unitary(3 * _dense(p)) for p in parts]
            left, right = (sum(w * u for w, u in zip(row, turns, strict=False)) for row in weights)
            z = left @ turns[-1] @ right
        else:
            product = _dense(parts[1] @ parts[2])
            cube = parts[3] @ _dense(parts[4] @ parts[3])
            # sizes of order one, so that no degree hides another
            z = _dense(parts[0]) / 2 + product + weights[0, 0].real * cube / 2
            if attempt:
                z = z + 1j * weights[0, 1].real * product
        out.append(z + z.conj().T)
    return out


def combination(generators: Sequence[Matrix], coefficients: np.ndarray) -> Any:
    """Return Σ c_k G_k, sparse where the G_k are."""
    if issparse(generators[0]):
        # one sum of all entries: a sparse sum a generator takes longer than everything that is done with it
        parts = [g.tocoo() for g in generators]
        values = np.concatenate([c * p.data for c, p in zip(coefficients, parts, strict=True)])
        at = tuple(np.concatenate([p.coords[axis] for p in parts]) for axis in (0, 1))
        return csr_array((values, at), shape=generators[0].shape)
    return sum(c * g for c, g in zip(coefficients, generators, strict=True))


def _dense(matrix: Matrix) -> np.ndarray:
    return np.asarray(matrix.toarray() if issparse(matrix) else matrix)


def _unitary(hermitian: np.ndarray) -> np.ndarray:
    """Return exp(−iH)."""
    values, vectors = np.linalg.eigh(hermitian)
    return np.asarray((vectors * np.exp(-1j * values)) @ vectors.conj().T)
