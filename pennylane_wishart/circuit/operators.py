"""PennyLane operators → Pauli sums on a given wire order."""

from __future__ import annotations

import numpy as np
import pennylane as qml

from pennylane_wishart.errors import UnsupportedCircuitError
from pennylane_wishart.paulis import PauliSum, PauliWords

__all__ = ["operator_to_sum"]

_MAX_PROJECTOR = 14


def _basis_projector(bits, positions: list[int], n: int) -> PauliSum:
    """|b⟩⟨b| = Π (1 ± Z)/2: all 2^k words of I and Z, with signs."""
    k = len(bits)
    subsets = (np.arange(2**k)[:, None] >> np.arange(k)) & 1
    z = np.zeros((2**k, n), np.uint8)
    z[:, positions] = subsets
    signs = 1.0 - 2 * (subsets @ np.asarray(bits, int) % 2)
    return PauliSum.of(PauliWords.from_bits(np.zeros_like(z), z), signs / 2**k)


def operator_to_sum(operator, wires) -> PauliSum:
    """Convert a PennyLane operator to a :class:`PauliSum` on the given wire order."""
    wires = list(wires)
    sentence = operator.pauli_rep
    if isinstance(operator, qml.Projector) and len(operator.wires) <= _MAX_PROJECTOR:
        vector = np.asarray(operator.parameters[0])
        if len(vector) == len(operator.wires) and np.all(np.isin(vector, (0, 1))):
            return _basis_projector(vector, [wires.index(w) for w in operator.wires], len(wires))
    if sentence is None:
        if len(operator.wires) > 10:
            raise UnsupportedCircuitError(
                f"{operator.name} on {len(operator.wires)} wires has no Pauli form and is too large "
                "for a matrix (10 wires): give it as a sum of Pauli words."
            )
        local = list(operator.wires)
        found = PauliSum.from_matrix(qml.matrix(operator, wire_order=local))
        positions = [wires.index(w) for w in local]
        maps = [{positions[q]: p for q, p in m.items()} for m in found.words.maps()]
        return PauliSum.of(PauliWords.from_maps(maps, len(wires)), found.coefficients)
    index = {w: i for i, w in enumerate(wires)}
    maps = [{index[w]: p for w, p in word.items()} for word in sentence]
    values = [complex(qml.math.toarray(qml.math.unwrap([c])[0])) for c in sentence.values()]
    if not maps:
        return PauliSum(PauliWords.identity(len(wires), 0), np.zeros(0))
    return PauliSum.of(PauliWords.from_maps(maps, len(wires)), np.array(values))
