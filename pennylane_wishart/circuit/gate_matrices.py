"""What an operation is, read from its matrix: generators, Clifford tableaux, and keys of equal gates."""

from __future__ import annotations

import logging
from collections.abc import Hashable
from typing import Any

import numpy as np
import pennylane as qml
import stim
from pennylane.operation import Operator
from scipy.linalg import expm, schur
from scipy.sparse import csr_array, issparse

from pennylane_wishart.conventions import circuit as limits
from pennylane_wishart.paulis import PauliSum, PauliWords

__all__ = [
    "array_bytes",
    "classes_of",
    "fixed_generator",
    "gate_matrix",
    "generator_of",
    "operation_key",
    "tableau_of",
    "tableau_of_matrix",
]

_logger = logging.getLogger("pennylane_wishart")
_PLAIN = {
    "CNOT", "CZ", "CY", "CH", "Hadamard", "PauliX", "PauliY", "PauliZ", "S", "T", "SX", "SWAP",
    "ISWAP", "SISWAP", "ECR", "Toffoli", "CCZ", "CSWAP", "CRX", "CRY", "CRZ",
}  # fmt: skip
"""Gates that their name alone determines, up to wires and angle."""


def operation_key(op: Operator) -> tuple[Hashable, ...]:
    """Return a key that is equal for equal gates up to wires and parameters."""
    if op.name in _PLAIN:
        return (op.name,)
    wires = {w: i for i, w in enumerate(op.wires)}
    extra: list[Hashable] = [type(op).__name__, len(op.wires)]
    for name, value in sorted(op.hyperparameters.items()):
        if name == "base":
            extra.append((operation_key(value), tuple(wires.get(w, -1) for w in value.wires)))
        elif "wires" in name:
            extra.append((name, len(value) if hasattr(value, "__len__") else str(value)))
        else:
            extra.append((name, str(value)))
    for name in ("control_values", "z"):
        if hasattr(op, name):
            extra.append((name, str(getattr(op, name))))
    return tuple(extra)


_GENERATORS: dict[Hashable, PauliSum | None] = {}


def classes_of(op: Operator) -> tuple[type, ...]:
    """Return the classes of an operation and of what it wraps: two of the user's may share a name, not a matrix."""
    found = []
    while op is not None:
        found.append(type(op))
        op = getattr(op, "base", None)
    return tuple(found)


def generator_of(key: Hashable, op: Operator, zero: np.ndarray | None = None) -> PauliSum | None:
    """Return G with U(t) = U(0)·exp(−itG), U(0) the identity where ``zero`` is not given; None if there is none."""
    at = (classes_of(op), key)
    if at not in _GENERATORS:
        _GENERATORS[at] = _derive_generator(op, zero)
    return _GENERATORS[at]


def _derive_generator(op: Operator, zero: np.ndarray | None = None) -> PauliSum | None:
    """Derive G from the matrix at one angle; check U(t) = U(0)·exp(−itG) at others; None if not.

    ``zero`` is U(0), the identity where it is not given.
    """

    def unitary(t: float) -> np.ndarray:
        new = qml.ops.functions.bind_new_parameters(op, [t])
        out = np.asarray(qml.matrix(new, wire_order=op.wires), complex)
        return out if zero is None else zero.conj().T @ out

    try:
        step = 0.5
        g = _hermitian_log(unitary(step)) / step
        # angles on both sides of 0 that are no special ones: a gate with another period or phase fails
        ok = all(np.allclose(unitary(t), expm(-1j * t * g), atol=limits.GENERATOR) for t in (0.0, 1.37, -2.6))
    except Exception:  # no matrix, or a gate of the user's that raises anything: decompose instead
        _logger.debug("The generator of %s cannot be read from its matrix", op.name, exc_info=True)
        return None
    return PauliSum.from_matrix(g, tol=limits.GENERATOR_TERM).trace_free() if ok else None


def _hermitian_log(unitary: np.ndarray) -> np.ndarray:
    """Return Hermitian G with exp(−iG) = U and eigenvalues in (−π, π]."""
    # Schur keeps the basis unitary where eigenvalues coincide
    triangle, basis = schur(unitary, output="complex")
    phases = -np.angle(np.diagonal(triangle))
    return np.asarray((basis * phases) @ basis.conj().T)


def array_bytes(value: Any) -> bytes:
    """Return the bytes of an array rounded to 1e-12: equal for equal gate data, sparse matrices included."""
    if issparse(value):
        rows = csr_array(value, copy=True)
        rows.sum_duplicates()
        return b"".join(array_bytes(a) for a in (rows.data, rows.indices, rows.indptr))
    return np.round(np.asarray(qml.math.toarray(qml.math.unwrap([value])[0]), complex), 12).tobytes()


_TABLEAUX: dict[Hashable, stim.Tableau | None] = {}


def tableau_of(key: Hashable, op: Operator) -> stim.Tableau | None:
    """Return the stim tableau of a fixed gate; None where it is not Clifford."""
    at = (classes_of(op), key)
    if at not in _TABLEAUX:
        _TABLEAUX[at] = tableau_of_matrix(gate_matrix(op))
    return _TABLEAUX[at]


def gate_matrix(op: Operator) -> np.ndarray:
    """Return the dense matrix of an operation on its own wires."""
    return np.asarray(qml.math.toarray(qml.matrix(op, wire_order=op.wires)), complex)


def tableau_of_matrix(matrix: np.ndarray) -> stim.Tableau | None:
    """Return the stim tableau of a unitary matrix; None where it is not Clifford.

    stim's own test is loose (it takes RX(0.37) for the identity), so the images of all X_k and
    Z_k are checked in double precision.
    """
    try:
        tableau = stim.Tableau.from_unitary_matrix(matrix, endian="big")
    except ValueError:
        return None
    n = len(tableau)
    for q in range(n):
        for letter, image in (("X", tableau.x_output(q)), ("Z", tableau.z_output(q))):
            # U·X_q·U† and U·Z_q·U† must be the words that the tableau says
            word = PauliWords.from_strings(["I" * q + letter + "I" * (n - q - 1)])
            x, z = image.to_numpy()
            mapped = image.sign.real * PauliWords.from_bits(x, z).matrices()[0]
            if np.abs(matrix @ word.matrices()[0] - mapped @ matrix).max() > limits.CLIFFORD:
                return None
    return tableau


def fixed_generator(op: Operator) -> PauliSum:
    """Return G with exp(−iG) equal to a small fixed gate up to a phase."""
    return PauliSum.from_matrix(_hermitian_log(gate_matrix(op)), tol=limits.GENERATOR_TERM).trace_free()
