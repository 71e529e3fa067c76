"""Dead rotations: those whose derivative is proved to vanish at every setting of the angles.

A proof is an argument about supports and commutation, never about a small number:
a rotation is dead when it commutes with every operator that the later rotations can make of
the observable, when it only changes the phase of every state that the earlier rotations can
make of the input, or when a symmetry keeps every word that passes through it from having an
expectation on the input. That no sample hit a parameter is never a reason.
"""

from __future__ import annotations

import numpy as np

from pennylane_wishart.circuit import RotationCircuit
from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.paulis import PauliSum, PauliWords
from pennylane_wishart.variances.active import ActiveWords
from pennylane_wishart.variances.dead.reasons import DeadReason
from pennylane_wishart.variances.dead.symmetry import invisible_rotations
from pennylane_wishart.variances.parts import subcircuit
from pennylane_wishart.variances.reach import Reach

__all__ = ["by_commutation", "dead_rotations", "support_paths"]


def _touches(active: ActiveWords, terms: PauliWords) -> bool:
    return any(active.anticommutes(x, z) for x, z in zip(terms.x, terms.z, strict=True))


class _Commutant:
    """Operators met so far, asked whether a generator commutes with all of them.

    Termwise first; where that fails and the sums are small, as operators.
    """

    def __init__(self, circuit: RotationCircuit, start: list[PauliSum]):
        empty = PauliWords.identity(circuit.n_qubits, 0)
        self.active = ActiveWords(empty)
        self.operators: list[PauliSum] = []
        self.holding: list[list[int]] = []
        """Numbers of the operators that hold each active word."""
        self.terms = 0
        self.as_operators = not circuit.is_pauli
        for operator in start:
            self.add(operator)

    def add(self, operator: PauliSum) -> None:
        for x, z in zip(operator.words.x, operator.words.z, strict=True):
            number = self.active.add(x, z)
            if number == len(self.holding):
                self.holding.append([])
            self.holding[number].append(len(self.operators))
        if self.as_operators:
            self.operators.append(operator)
            self.terms += len(operator)

    def commutes(self, generator: PauliSum) -> bool:
        if not _touches(self.active, generator.words):
            return True
        if not self.as_operators:
            return False
        # products of sums grow quickly; giving up only leaves a parameter unproved
        if len(generator) * self.terms > limits.MAX_OPERATOR_COST:
            return False
        # most operators of a wide circuit do not meet the generator in any word
        met = {o for number in self.active.meeting(generator.words) for o in self.holding[number]}
        return all(len(generator.commutator(self.operators[o])) == 0 for o in sorted(met))


def _fixes_input(circuit: RotationCircuit, generator: PauliSum, signs: np.ndarray) -> bool:
    """Whether the input is an eigenstate of the generator."""
    if np.all(np.abs(np.abs(signs) - 1) < limits.SEEN):
        return True
    if circuit.is_pauli or circuit.n_qubits > limits.MAX_EIGEN_QUBITS or len(generator) > limits.MAX_EIGEN_TERMS:
        return False
    vector = circuit.state.vector()
    image = generator.apply(vector)
    residue = image - np.vdot(vector, image) * vector
    return bool(np.linalg.norm(residue) < limits.SEEN * max(1.0, np.abs(generator.coefficients).sum()))


def dead_rotations(circuit: RotationCircuit) -> tuple[DeadReason | None, ...]:
    """Return one reason per rotation, None where none was proved, by commutation and symmetry.

    The loss does not depend on a dead rotation, so it is left out before the next round of proofs.

    Cost: O(rotations · distinct words) at worst, milliseconds at a hundred qubits.
    """
    reasons = by_commutation(circuit)
    # what one round removes no longer hides others from the next
    for _ in range(limits.MAX_ROUNDS):
        live = np.flatnonzero([not r for r in reasons])
        if len(live) == 0:
            break
        small = subcircuit(circuit, live)
        dead, everything = invisible_rotations(small)
        if not dead.any():
            break
        for k in live[dead]:
            reasons[k] = DeadReason.SYMMETRY if everything else DeadReason.SILENT
        live = live[~dead]
        for k, reason in zip(live, by_commutation(subcircuit(circuit, live)), strict=True):
            reasons[k] = reason
    return tuple(reasons)


def by_commutation(circuit: RotationCircuit) -> list[DeadReason | None]:
    """Return one reason per rotation by commutation alone, None where none was proved."""
    n_rot = circuit.n_rotations
    reasons: list[DeadReason | None] = [None] * n_rot
    later = _Commutant(circuit, [circuit.observable])
    # from the observable: what commutes with all that is later cannot be seen by it
    for k in range(n_rot - 1, -1, -1):
        generator = circuit.generator(k)
        if later.commutes(generator):
            reasons[k] = DeadReason.OUTSIDE
        else:
            later.add(generator)
    # A state vector block would make each expectation cost 2^n; those are left to the exact route.
    signs = np.zeros(len(circuit.terms))
    # only the words still in question are asked of the input: expectations can be dear
    live = np.repeat([r is None for r in reasons], np.diff(circuit.starts))
    rows = np.flatnonzero(live)
    if len(rows):
        words, inverse = circuit.terms[rows].unique()
        signs[rows] = circuit.state.expectation(words)[inverse]
    earlier = _Commutant(circuit, [])
    for k in range(n_rot):
        if reasons[k]:
            continue
        generator = circuit.generator(k)
        own = signs[circuit.starts[k] : circuit.starts[k + 1]]
        if _fixes_input(circuit, generator, own) and earlier.commutes(generator):
            reasons[k] = DeadReason.TRIVIAL
        else:
            earlier.add(generator)
    return reasons


def support_paths(reached: Reach, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which rotations can act, and which can act on a word that the input sees.

    Args:
        reached: the reachable words of the circuit.
        seen: bool ``(words,)``: words with non-zero expectation on the input.
    Returns:
        ``(touched, live)``, bool ``(L,)``: some reachable word anticommutes with the
        generator; and some path from the observable through it ends in a seen word.
    """
    n_rot = len(reached.distinct)
    touched, live = np.zeros(n_rot, bool), np.zeros(n_rot, bool)
    ends = seen.copy()
    for k in range(n_rot):
        i, j, _ = reached.step(k)
        touched[k] = len(i) > 0
        either = ends[i] | ends[j]
        live[k] = either.any()
        ends[i] = either
    return touched, live
