"""Generators and observable seen through the fixed rotations: what the algebra is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pennylane_wishart.errors import UnsupportedCircuitError
from pennylane_wishart.paulis import PauliSum, PauliWords

if TYPE_CHECKING:
    from pennylane_wishart.circuit.records import RotationCircuit

__all__ = ["effective_generators"]

_MAX_TERMS = 2**14


def effective_generators(circuit: RotationCircuit) -> tuple[list[PauliSum], PauliSum, np.ndarray]:
    """Return (distinct trainable generators, observable, index of each rotation's generator).

    Each is conjugated by the fixed rotations before it: G̃ = F†GF (THEORY §1). The index is
    int64 ``(n_rotations,)``, −1 for fixed rotations and for those without a generator. Signs are
    dropped where generators differ only by a factor: the algebra does not see it.

    Raises:
        UnsupportedCircuitError: if a conjugated generator has more than 16,384 terms.
    """
    still = (circuit.parameter_of < 0) & (circuit.random_of < 0)
    empty = np.diff(circuit.starts) == 0
    fixed, moving = np.flatnonzero(still & ~empty), np.flatnonzero(~still & ~empty)
    index = np.full(circuit.n_rotations, -1)
    if len(fixed) == 0 and circuit.is_pauli:
        words, inverse = circuit.terms.unique()
        index[:] = inverse
        one = np.ones(1)
        return [PauliSum(words[i], one) for i in range(len(words))], circuit.observable, index
    found: dict[bytes, int] = {}
    out: list[PauliSum] = []
    for k in moving:
        generator = circuit.generator(int(k))
        for f in fixed[fixed < k][::-1]:
            generator = conjugate(generator, circuit.generator(f), float(circuit.offsets[f]))
        generator = generator.scale(1 / generator.coefficients[np.argmax(np.abs(generator.coefficients))])
        key = generator.words.packed.tobytes() + np.round(generator.coefficients, 9).tobytes()
        index[k] = found.setdefault(key, len(out))
        if index[k] == len(out):
            out.append(generator)
    observable = circuit.observable
    for f in fixed[::-1]:
        observable = conjugate(observable, circuit.generator(f), float(circuit.offsets[f]))
    return out, observable, index


def conjugate(operator: PauliSum, generator: PauliSum, angle: float) -> PauliSum:
    """Return e^{iaG} A e^{−iaG} as a Pauli sum."""
    words = generator.words
    if words.anticommutation(words).any():
        return _conjugate_dense(operator, generator, angle)
    for m, c in enumerate(generator.coefficients):
        anti = words[m].anticommutation(operator.words)[0]
        if not anti.any():
            continue
        moved, phase = words[m].multiply(operator.words[anti])
        # i·P·Q is Hermitian for anticommuting P, Q: the product's phase is ±i.
        sign = np.where((phase + 1) % 4 == 0, 1.0, -1.0)
        phi = 2 * angle * c
        values = operator.coefficients.copy()
        values[anti] = values[anti] * np.cos(phi)
        operator = PauliSum.of(
            PauliWords.concatenate([operator.words, moved]),
            np.concatenate([values, np.sin(phi) * sign * operator.coefficients[anti]]),
        )
        if len(operator) > _MAX_TERMS:
            raise _too_large(len(operator))
    return operator


def _conjugate_dense(operator: PauliSum, generator: PauliSum, angle: float) -> PauliSum:
    support = np.union1d(operator.words.support(), generator.words.support())
    if len(support) > 8:
        raise UnsupportedCircuitError(
            f"A fixed gate whose generator does not commute with itself term by term meets an operator on "
            f"{len(support)} qubits (limit 8): too large to conjugate. Write it in smaller gates."
        )
    a = PauliSum.of(operator.words.restrict(support), operator.coefficients).matrix()
    values, basis = np.linalg.eigh(PauliSum.of(generator.words.restrict(support), generator.coefficients).matrix())
    unitary = (basis * np.exp(1j * angle * values)) @ basis.conj().T
    local = PauliSum.from_matrix(unitary @ a @ unitary.conj().T, tol=1e-12)
    maps = [{int(support[q]): p for q, p in m.items()} for m in local.words.maps()]
    return PauliSum.of(PauliWords.from_maps(maps, operator.n_qubits), local.coefficients)


def _too_large(terms: int) -> UnsupportedCircuitError:
    return UnsupportedCircuitError(
        f"Conjugating by the fixed non-Clifford gates makes an operator of {terms} Pauli words (limit "
        f"{_MAX_TERMS}): these fixed gates are too large to conjugate. Put them before the first trainable gate, or "
        "make them trainable."
    )
