"""Matrix products over Pauli words, for circuits on a line of qubits."""
