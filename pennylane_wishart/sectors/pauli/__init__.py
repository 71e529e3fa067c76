"""Sectors of single Pauli words, at any number of qubits, by linear algebra over F2."""
