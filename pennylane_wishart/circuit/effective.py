"""Generators and observable seen through the fixed rotations: what the algebra is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pennylane_wishart.circuit.records import RotationCircuit
from pennylane_wishart.circuit.simulate import local_unitary
from pennylane_wishart.conventions import circuit as limits
from pennylane_wishart.errors import UnsupportedCircuitError
from pennylane_wishart.paulis import PauliSum, PauliWords

__all__ = ["Effective", "effective_generators"]


@dataclass(frozen=True, eq=False)
class Effective:
    """What the algebra of a circuit is made of."""

    generators: list[PauliSum]
    """Distinct; the largest coefficient of each is 1."""
    observable: PauliSum
    index: np.ndarray
    """int64 ``(n_rotations,)``: each rotation's generator; −1 for fixed rotations, and for all but one of those
    of a parameter that were merged."""
    rates: np.ndarray
    """float64 ``(n_rotations,)``: a rotation's part of dU/dθ is made by rate·generator; 0 where it has none.
    Rotations by random data have a slope of 1."""


def effective_generators(circuit: RotationCircuit) -> Effective:
    """Return the distinct trainable generators and the observable, seen through the fixed rotations.

    Each is conjugated by the fixed rotations before it: G̃ = F†GF (THEORY §1). Rotations of one
    parameter that fixed gates kept apart in the normal form are one generator here where they commute
    and one of them commutes with all between.

    Raises:
        UnsupportedCircuitError: if a conjugated generator has more than 16,384 terms, or past 10 qubits all of
            them more than 20,000.
    """
    still = (circuit.parameter_of < 0) & (circuit.random_of < 0)
    empty = np.diff(circuit.starts) == 0
    fixed, moving = np.flatnonzero(still & ~empty), np.flatnonzero(~still & ~empty)
    index, rates = np.full(circuit.n_rotations, -1), np.zeros(circuit.n_rotations)
    # nothing to conjugate: the words themselves, whatever their number
    if len(fixed) == 0 and circuit.is_pauli:
        words, inverse = circuit.terms.unique()
        index[:] = inverse
        rates[:] = circuit.term_coefficients * np.where(circuit.coefficients == 0, 1.0, circuit.coefficients)
        one = np.ones(1)
        return Effective([PauliSum(words[i], one) for i in range(len(words))], circuit.observable, index, rates)
    items, terms = [], 0
    for k in moving.tolist():
        generator = _through(circuit, circuit.generator(k), fixed[fixed < k])
        items.append(_Item(k, int(circuit.parameter_of[k]), generator, float(circuit.coefficients[k] or 1.0)))
        terms += len(generator) if len(fixed) else 0
        if circuit.n_qubits > limits.MATRIX_QUBITS and terms > limits.CONJUGATED_TOTAL:
            raise _too_large(terms, limits.CONJUGATED_TOTAL)
    # without fixed gates between them the normal form has merged them already
    if len(fixed) and circuit.shared.any():
        items = _merged(items)
    found: dict[bytes, int] = {}
    out: list[PauliSum] = []
    for item in items:
        # scaled to one, so that gates with other slopes share their generator
        largest = float(item.generator.coefficients[np.argmax(np.abs(item.generator.coefficients))])
        generator = item.generator.scale(1 / largest)
        key = generator.words.packed.tobytes() + np.round(generator.coefficients, limits.GENERATOR_DIGITS).tobytes()
        index[item.rotation] = found.setdefault(key, len(out))
        rates[item.rotation] = largest * item.rate
        if index[item.rotation] == len(out):
            out.append(generator)
    return Effective(out, _through(circuit, circuit.observable, fixed), index, rates)


def _through(circuit: RotationCircuit, operator: PauliSum, fixed: np.ndarray) -> PauliSum:
    for f in fixed[::-1]:
        operator = conjugate(operator, circuit.generator(f), float(circuit.offsets[f]))
    return operator


@dataclass
class _Item:
    rotation: int
    parameter: int
    generator: PauliSum
    rate: float

    def commutes(self, other: _Item) -> bool:
        return self.generator.commutes_with(other.generator)


def _merged(items: list[_Item]) -> list[_Item]:
    """Merge rotations of one parameter that commute and can be brought together, until none is left."""
    if sum(len(item.generator) for item in items) > limits.CONJUGATED_TERMS or len(items) > limits.MERGED_ITEMS:
        return items
    out: list[_Item] = []
    for new in items:
        at = next((i for i in range(len(out))[::-1] if _can_join(out, i, new)), None)
        if at is None:
            out.append(new)
            continue
        old = out[at]
        total = old.generator.scale(old.rate).add(new.generator.scale(new.rate))
        joined = _Item(old.rotation, old.parameter, total, 1.0)
        # the later one moves to the earlier place, or else the earlier one to the later
        stays = all(other.commutes(new) for other in out[at + 1 :])
        out[at : at + 1] = [joined] if stays else []
        if not stays:
            out.append(joined)
    out = [item for item in out if len(item.generator)]
    # a merge may free others to meet
    return out if len(out) == len(items) else _merged(out)


def _can_join(items: list[_Item], at: int, new: _Item) -> bool:
    old, between = items[at], items[at + 1 :]
    if new.parameter < 0 or old.parameter != new.parameter or not old.commutes(new):
        return False
    return any(all(other.commutes(one) for other in between) for one in (new, old))


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
        # e^{iaG} Q e^{−iaG} = cos φ·Q + sin φ·(iPQ) for anticommuting P, Q
        values = operator.coefficients.copy()
        values[anti] = values[anti] * np.cos(phi)
        operator = PauliSum.of(
            PauliWords.concatenate([operator.words, moved]),
            np.concatenate([values, np.sin(phi) * sign * operator.coefficients[anti]]),
        )
        if len(operator) > limits.CONJUGATED_TERMS:
            raise _too_large(len(operator), limits.CONJUGATED_TERMS)
    return operator


def _conjugate_dense(operator: PauliSum, generator: PauliSum, angle: float) -> PauliSum:
    support = np.union1d(operator.words.support(), generator.words.support())
    if len(support) > limits.LOCAL_QUBITS:
        raise UnsupportedCircuitError(
            f"A fixed gate whose generator does not commute with itself term by term meets an operator on "
            f"{len(support)} qubits (limit {limits.LOCAL_QUBITS}): too large to conjugate. Write it in smaller gates."
        )
    a = PauliSum.of(operator.words.restrict(support), operator.coefficients).matrix()
    unitary = local_unitary(generator, -angle, support)
    local = PauliSum.from_matrix(unitary @ a @ unitary.conj().T)
    return PauliSum.of(local.words.spread(support, operator.n_qubits), local.coefficients)


def _too_large(terms: int, most: int) -> UnsupportedCircuitError:
    return UnsupportedCircuitError(
        f"Conjugating by the fixed non-Clifford gates makes operators of {terms} Pauli words (limit {most}): these "
        f"fixed gates are too large to conjugate. Put them before the first "
        "trainable gate, or make them trainable."
    )
