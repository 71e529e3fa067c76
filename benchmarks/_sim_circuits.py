"""The nineteen circuits of Sim, Johnson and Aspuru-Guzik (arXiv:1905.10876) on four qubits, one layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pennylane as qml

__all__ = ["LAYER", "PAPER"]

PAPER = {
    1: 0.2999, 2: 0.2860, 3: 0.2396, 4: 0.1343, 5: 0.0602, 6: 0.0061, 7: 0.0977, 8: 0.0858, 9: 0.6773, 10: 0.2286,
    11: 0.1312, 12: 0.1984, 13: 0.0516, 14: 0.0144, 15: 0.1892, 16: 0.2602, 17: 0.1359, 18: 0.2340, 19: 0.0809,
}  # fmt: skip
"""Expressibilities of one layer, as in doi 10.1002/qute.201900070: 75 bins, 5,000 pairs."""
EVERY = range(4)
RING = ((3, 0), (2, 3), (1, 2), (0, 1))
BACK = ((3, 2), (0, 3), (1, 0), (2, 1))
LADDER = ((3, 2), (2, 1), (1, 0))
PAIRS = ((1, 0), (3, 2))
ALL = tuple((a, b) for a in (3, 2, 1, 0) for b in (3, 2, 1, 0) if a != b)
Layer = list[tuple[Any, Any]]
XZ: Layer = [(qml.RX, EVERY), (qml.RZ, EVERY)]
YZ: Layer = [(qml.RY, EVERY), (qml.RZ, EVERY)]
INNER: Layer = [(qml.RY, (1, 2)), (qml.RZ, (1, 2))]
Y: Layer = [(qml.RY, EVERY)]

_CIRCUITS: dict[int, Layer] = {
    1: XZ,
    2: [*XZ, (qml.CNOT, LADDER)],
    3: [*XZ, (qml.CRZ, LADDER)],
    4: [*XZ, (qml.CRX, LADDER)],
    5: [*XZ, (qml.CRZ, ALL), *XZ],
    6: [*XZ, (qml.CRX, ALL), *XZ],
    7: [*XZ, (qml.CRZ, PAIRS), *XZ, (qml.CRZ, ((2, 1),))],
    8: [*XZ, (qml.CRX, PAIRS), *XZ, (qml.CRX, ((2, 1),))],
    9: [(qml.Hadamard, EVERY), (qml.CZ, LADDER), (qml.RX, EVERY)],
    10: [*Y, (qml.CZ, (*LADDER, (3, 0))), *Y],
    11: [*YZ, (qml.CNOT, PAIRS), *INNER, (qml.CNOT, ((2, 1),))],
    12: [*YZ, (qml.CZ, PAIRS), *INNER, (qml.CZ, ((2, 1),))],
    13: [*Y, (qml.CRZ, RING), *Y, (qml.CRZ, BACK)],
    14: [*Y, (qml.CRX, RING), *Y, (qml.CRX, BACK)],
    15: [*Y, (qml.CNOT, RING), *Y, (qml.CNOT, BACK)],
    16: [*XZ, (qml.CRZ, (*PAIRS, (2, 1)))],
    17: [*XZ, (qml.CRX, (*PAIRS, (2, 1)))],
    18: [*XZ, (qml.CRZ, RING)],
    19: [*XZ, (qml.CRX, RING)],
}
_FIXED = (qml.Hadamard, qml.CNOT, qml.CZ)


def _made(layer: Layer) -> tuple[int, Callable[[Any], None]]:
    """Return the number of parameters and the gates."""

    def gates(w: Any) -> None:
        numbers: Iterator[int] = iter(range(len(w)))
        for gate, places in layer:
            for wires in places:
                if gate in _FIXED:
                    gate(wires)
                else:
                    gate(w[next(numbers)], wires)

    return sum(len(places) for gate, places in layer if gate not in _FIXED), gates


LAYER = {number: _made(layer) for number, layer in _CIRCUITS.items()}
