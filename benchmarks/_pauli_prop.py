"""One propagation by the package pauli-prop, run by an interpreter that has it; the case comes as JSON on stdin."""

from __future__ import annotations

import json
import sys
import time

from pauli_prop.propagation import propagate_through_circuit
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

case = json.load(sys.stdin)
circuit = QuantumCircuit(case["qubits"])
for maps, angle in zip(case["maps"], case["angles"], strict=True):
    name = "r" + "".join(letter for _, letter in maps).lower()
    getattr(circuit, name)(angle, *[q for q, _ in maps])
observable = SparsePauliOp.from_sparse_list([("Z", [case["measured"]], 1.0)], case["qubits"])
start = time.process_time()
found, lost = propagate_through_circuit(observable, circuit, max_terms=case["words"], atol=1e-9, frame="h")
seconds = time.process_time() - start
value = found.coeffs[~found.paulis.x.any(axis=1)].sum().real
print(f"{seconds:.2f} s, {len(found)} words, value {value:.6f}, one-norm left out {lost:.2g}")
