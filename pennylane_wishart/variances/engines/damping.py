"""What noise leaves of words at each place of a circuit, where it only scales them (Pauli channels)."""

from __future__ import annotations

import numpy as np

from pennylane_wishart.circuit import Channel, RotationCircuit
from pennylane_wishart.paulis import PauliWords
from pennylane_wishart.variances.actions import syndromes_of

__all__ = ["Damping"]


class Damping:
    """The Pauli fidelities of a circuit's channels on some words; all channels must be diagonal."""

    def __init__(self, circuit: RotationCircuit, words: PauliWords):
        self.words = words
        self.at: dict[int, list[Channel]] = {}
        for channel in circuit.channels:
            self.at.setdefault(channel.position, []).append(channel)

    def __call__(self, position: int, products: PauliWords | None = None) -> np.ndarray | None:
        """Return what the channels behind ``position`` rotations leave of each word; None where there are none.

        Args:
            products: pairs (Q, Q·product) instead of words Q: the product of what is left of both.
        Returns:
            float64 ``(words, 1)``, or ``(words, len(products))``.
        Cost: O(words · channels); nothing is kept, deep circuits would fill the memory.
        """
        if position not in self.at:
            return None
        out = np.ones((len(self.words), 1 if products is None else len(products)))
        for channel in self.at[position]:
            own, left = syndromes_of(channel.frame, self.words)[:, None], channel.fidelities
            out *= left[own]
            if products is not None:
                # the syndrome of a product of words is the sum of theirs
                out *= left[own ^ syndromes_of(channel.frame, products)[None, :]]
        return out
