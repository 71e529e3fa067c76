"""What circuits have in common that differ in their observable alone, as the outputs of one QNode do."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from pennylane_wishart.circuit.records import RotationCircuit
from pennylane_wishart.circuit.states import DenseBlock

__all__ = ["Ansatz"]


@dataclass(frozen=True, eq=False)
class Ansatz:
    """A circuit for what does not depend on its observable; equal, and hashed alike, where all else is the same.

    For ``functools.lru_cache``: what one output has asked for is there for the next.
    """

    circuit: RotationCircuit

    def __post_init__(self) -> None:
        # kept in caches: a QNode need not live as long
        object.__setattr__(self, "circuit", replace(self.circuit, trace=None))

    @cached_property
    def key(self) -> tuple[Hashable, ...]:
        """All but the observable and the noise, bit for bit: rounded numbers could be those of another circuit."""
        c = self.circuit
        arrays = [c.terms.packed, c.term_coefficients, c.starts, c.coefficients, c.offsets, c.parameter_of, c.random_of]
        words: list[Hashable] = [c.n_qubits, c.n_params, repr(c.wires)]
        for block in (block for state in c.states for block in state.blocks):
            words.append(block.qubits)
            if isinstance(block, DenseBlock):
                arrays.append(block.vector)
            else:
                words.append(repr(block.tableau))
        return (*words, *(np.ascontiguousarray(a).tobytes() for a in arrays))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ansatz) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)
