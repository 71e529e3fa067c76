"""PennyLane operators → Pauli sums on a given wire order."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import pennylane as qml
from pennylane.operation import Operator

from pennylane_wishart.conventions import circuit as limits
from pennylane_wishart.errors import UnsupportedCircuitError
from pennylane_wishart.paulis import PauliSum, PauliWords, subsets

__all__ = ["operator_to_sum"]


def _basis_projector(bits: np.ndarray, positions: list[int], n: int) -> PauliSum:
    """|b⟩⟨b| = Π (1 ± Z)/2: all 2^k words of I and Z, with signs."""
    k = len(bits)
    chosen = subsets(k)
    z = np.zeros((2**k, n), np.uint8)
    z[:, positions] = chosen
    signs = 1.0 - 2 * (chosen @ np.asarray(bits, int) % 2)
    return PauliSum.of(PauliWords.from_bits(np.zeros_like(z), z), signs / 2**k)


def operator_to_sum(operator: Operator, wires: Sequence[Hashable]) -> PauliSum:
    """Convert a PennyLane operator to a :class:`PauliSum` on the given wire order."""
    wires = list(wires)
    sentence = operator.pauli_rep
    if isinstance(operator, qml.Projector) and len(operator.wires) <= limits.PROJECTOR_WIRES:
        # a projector on a basis state has a closed form; its matrix would be 4^k numbers
        vector = np.asarray(operator.parameters[0])
        if len(vector) == len(operator.wires) and np.all(np.isin(vector, (0, 1))):
            return _basis_projector(vector, [wires.index(w) for w in operator.wires], len(wires))
    if sentence is None:
        if len(operator.wires) > limits.OPERATOR_WIRES:
            raise UnsupportedCircuitError(
                f"{operator.name} on {len(operator.wires)} wires has no Pauli form and is too large "
                f"for a matrix ({limits.OPERATOR_WIRES} wires): give it as a sum of Pauli words."
            )
        local = list(operator.wires)
        found = PauliSum.from_matrix(qml.matrix(operator, wire_order=local))
        words = found.words.spread([wires.index(w) for w in local], len(wires))
        return PauliSum.of(words, found.coefficients)
    index = {w: i for i, w in enumerate(wires)}
    maps = [{index[w]: p for w, p in word.items()} for word in sentence]
    values = [complex(qml.math.toarray(qml.math.unwrap([c])[0])) for c in sentence.values()]
    if not maps:
        return PauliSum(PauliWords.identity(len(wires), 0), np.zeros(0))
    return PauliSum.of(PauliWords.from_maps(maps, len(wires)), np.array(values))
