"""Rotations of single qubits next to a product input, averaged exactly behind walks of tuples.

While only rotations by one-qubit words have met a qubit of a product input, what the input makes of a tuple's letters
there is a table of 4^power entries, whatever the law of their angles. Walkers stop at that boundary and take the
product of the tables: many rare hits become a few numbers, and each rotation's derivative is a table of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np

from pennylane_wishart.circuit import InputState
from pennylane_wishart.paulis import PauliWords
from pennylane_wishart.variances.engines.walks.signed import InputZone, QubitEnd, WalkedGate
from pennylane_wishart.variances.engines.walks.zone import one_qubit_blocks

__all__ = ["input_zone"]

_LETTERS = PauliWords.from_strings(["I", "Z", "X", "Y"])
"""Numbered by 2·x + z."""


def input_zone(gates: Sequence[WalkedGate], state: InputState, power: int) -> InputZone:
    """Find the rotations that see one qubit of a product input each, and average them.

    Args:
        gates: first gate first.
        power: words a tuple.
    """
    blochs = one_qubit_blocks(state)
    blocked = np.array([q not in blochs for q in range(state.n_qubits)])
    ends: dict[int, QubitEnd] = {}
    walked: list[int] = []
    for k, gate in enumerate(gates):
        support = gate.action.probes.support()
        alone = gate.transform is not None and len(support) == 1 and len(gate.action.probes) == 1
        if not alone or blocked[support[0]]:
            walked.append(k)
            blocked[support] = True
            continue
        q = int(support[0])
        if q not in ends:
            b = blochs[q]
            one = np.array([1.0, b[2], b[0], b[1]])
            table = one
            for _ in range(power - 1):
                table = np.kron(table, one)
            ends[q] = QubitEnd(q, table, {})
        _behind(ends[q], gate, power)
    return InputZone(tuple(ends.values()), tuple(walked))


def _behind(end: QubitEnd, gate: WalkedGate, power: int) -> None:
    """Put one more rotation between the tuple and the input."""
    assert gate.transform is not None
    frequencies, parts = _components(gate, end.qubit)
    turn, slope = _averaged(frequencies, parts, gate.transform, power)
    # derivatives by the rotations before it are averaged over it
    for p, table in end.slopes.items():
        end.slopes[p] = table @ turn
    if gate.parameter >= 0:
        end.slopes[gate.parameter] = gate.scale**power * (end.table @ slope)
    end.table = end.table @ turn


def _components(gate: WalkedGate, qubit: int) -> tuple[np.ndarray, np.ndarray]:
    """Return frequencies ``(F,)`` and what each adds to a letter, complex ``(F, 4, 4)``: to, from."""
    words = _LETTERS.spread([qubit], gate.action.probes.n_qubits)
    codes = gate.action.syndromes(words)
    rows = [gate.action.row(int(s)) for s in codes]
    frequencies = np.concatenate([row.frequencies for row in rows])
    frequencies, which = np.unique(frequencies, return_inverse=True)
    parts = np.zeros((len(frequencies), 4, 4), complex)
    low = 0
    for letter, row in enumerate(rows):
        own = which[low : low + len(row.frequencies)]
        low += len(row.frequencies)
        for b, shift in enumerate(row.shifts):
            found, sign = gate.action.image(words[letter : letter + 1], int(shift), bool(row.odd[b]))
            x, z = found.bits()
            to = int(2 * x[0, qubit] + z[0, qubit])
            for at, amplitude in zip(own, row.amplitudes[:, b], strict=True):
                parts[at, to, letter] += sign[0] * amplitude
    return frequencies, parts


def _averaged(
    frequencies: np.ndarray, parts: np.ndarray, transform: Callable[[np.ndarray], np.ndarray], power: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return E of the product of ``power`` copies, and of their angle derivatives, ``(4^power, 4^power)`` each."""
    size = 4**power
    turn, slope = np.zeros((2, size, size))
    for choice in product(range(len(frequencies)), repeat=power):
        one = np.ones((1, 1))
        for f in choice:
            one = np.kron(one, parts[f])
        own = frequencies[list(choice)]
        mean = transform(np.array([own.sum()]))[0]
        turn += (mean * one).real
        slope += (mean * np.prod(1j * own) * one).real
    return turn, slope
