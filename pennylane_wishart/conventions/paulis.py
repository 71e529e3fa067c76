"""Tolerances and limits of the arithmetic of Pauli words, read by every room that builds on it."""

ZERO_TERM = 1e-12
"""A coefficient below this part of the largest is rounding: sums of a few thousand products keep 1e-13."""
MAX_MATRIX_QUBITS = 12
"""A dense matrix of 12 qubits is 256 MB; one more is four times that, and minutes to diagonalise."""
