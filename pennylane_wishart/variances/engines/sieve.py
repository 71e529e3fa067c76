"""Branches that a later average removes, known before they are followed.

A rotation by one word W at a uniform angle removes every tuple whose product anticommutes with W. Between that
rotation and the last gate behind it whose words do not all commute with W, nothing can change whether the product
does: so it is asked right behind that gate, frame or not, and what a gate scatters only to be averaged away is never
carried.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from pennylane_wishart.conventions import variances as limits
from pennylane_wishart.paulis import PauliWords
from pennylane_wishart.variances.actions import Transform, WordAction

__all__ = ["Gate", "watched_words"]


class Gate(Protocol):
    """What a sieve reads of a gate."""

    @property
    def action(self) -> WordAction:
        """What it makes of words."""
        ...

    @property
    def transform(self) -> Transform | None:
        """E[exp(i·f·angle)]; None where the angle is drawn, together with others."""
        ...


def watched_words(gates: Sequence[Gate], n_qubits: int, power: int) -> list[PauliWords]:
    """Return, for every gate, the words that the product of a tuple must commute with once it is undone.

    Args:
        gates: first gate first.
        power: words a tuple; 1 for means, where a word is its own product.
    Returns:
        One batch a gate, and a last one for the tuples that the observable starts with.
    Cost: O(rotations by one word · gates) word operations.
    """
    kinds = [_kind(gate, power) for gate in gates]
    removing = [k for k, (removes, _) in enumerate(kinds) if removes]
    changing = [k for k, (_, changes) in enumerate(kinds) if changes]
    watched: list[list[int]] = [[] for _ in range(len(gates) + 1)]
    if removing:
        words = PauliWords.concatenate([gates[k].action.probes for k in removing])
        # whether any product of a gate's words anticommutes is decided by the words that span them
        anti = np.zeros((len(removing), len(changing)), bool)
        for column, k in enumerate(changing):
            anti[:, column] = words.anticommutation(gates[k].action.probes).any(axis=1)
        anti &= np.asarray(changing)[None, :] > np.asarray(removing)[:, None]
        for row in range(len(removing)):
            met = np.flatnonzero(anti[row])
            watched[changing[met[0]] if len(met) else len(gates)].append(row)
        return [words[np.array(rows, np.int64)] for rows in watched]
    return [PauliWords.identity(n_qubits, 0)] * (len(gates) + 1)


def _kind(gate: Gate, power: int) -> tuple[bool, bool]:
    """Whether a gate removes products that anticommute with its word, and whether it can change a product."""
    if gate.transform is None or len(gate.action.probes) != 1:
        return False, True
    moving = np.abs(gate.action.row(1).frequencies).max(initial=0.0)
    if moving == 0:
        return False, True
    # in a product of ``power`` words an odd number turns, or an even one: E of e^{iφ} to that power
    orders = moving * np.arange(1, power + 1)
    waves = np.abs(gate.transform(orders)) < limits.ZERO
    removes = bool(waves[::2].all())
    symmetric = bool(np.abs(gate.transform(orders).imag).max() < limits.ZERO)
    # of an odd number of words a derivative moves one more than the value does
    return removes, not (symmetric and (removes or power % 2 == 0))
