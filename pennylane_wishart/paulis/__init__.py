"""Bit-packed Pauli words and sums, and linear algebra over F2 on packed rows.

A word on n qubits is two rows of ``uint64``, ``x`` and ``z``: bit ``q % 64`` of entry
``q // 64`` belongs to qubit ``q``. The word is the Hermitian operator
``i^(x·z) X^x Z^z`` (both bits set is Y), so words carry no phase; products return one.
Qubit 0 is the leftmost letter of a string and the most significant bit of a matrix index,
as in PennyLane.
"""

from pennylane_wishart.paulis.f2 import F2Basis, f2_nullspace, pack_bits, subsets, unpack_bits
from pennylane_wishart.paulis.reduction import Reduced, gram_schmidt, reduce_words
from pennylane_wishart.paulis.sums import PauliSum
from pennylane_wishart.paulis.words import PHASES, PauliWords

__all__ = [
    "F2Basis",
    "PHASES",
    "PauliSum",
    "PauliWords",
    "Reduced",
    "f2_nullspace",
    "gram_schmidt",
    "pack_bits",
    "reduce_words",
    "subsets",
    "unpack_bits",
]
