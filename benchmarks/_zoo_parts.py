"""Pieces that the zoo's circuits share: graphs, observables, molecules, and numbers that stand for data."""

from __future__ import annotations

import functools
import zlib

import numpy as np
import pennylane as qml
from _zoo import Circuit, pauli_sum

__all__ = ["chain", "circuit", "ising", "molecule", "projector", "ring", "some", "spin_glass", "tfim"]

_ANGSTROM = 1.8897259886
_MOLECULES = {
    # symbols, coordinates in bohr, charge, active electrons and orbitals
    "H2": (["H", "H"], [[0, 0, -0.66140414], [0, 0, 0.66140414]], 0, None, None),
    "HeH+": (["He", "H"], [[0, 0, 0], [0, 0, 0.772 * _ANGSTROM]], 1, None, None),
    "H3+": (["H"] * 3, [[0.028, 0.054, 0.0], [0.986, 1.610, 0.0], [1.855, 0.002, 0.0]], 1, None, None),
    "H4": (["H"] * 4, [[0, 0, k * _ANGSTROM] for k in range(4)], 0, None, None),
    "LiH": (["Li", "H"], [[0, 0, 0], [0, 0, 2.969280527]], 0, 2, 5),
}


def circuit(name, n, n_params, body, observable, source="") -> Circuit:
    """Return a circuit under its name."""
    return Circuit(f"{name} p={n_params}", n, int(n_params), body, observable, source)


def chain(n):
    """Return the edges of an open chain."""
    return [(q, q + 1) for q in range(n - 1)]


def ring(n):
    """Return the edges of a ring."""
    return [(q, (q + 1) % n) for q in range(n if n > 2 else 1)]


def ising(n, edges=None, weights=None):
    """Return Σ w·ZZ over edges, a ring by default."""
    edges = ring(n) if edges is None else edges
    weights = [1.0] * len(edges) if weights is None else weights
    return pauli_sum([(float(w), {a: "Z", b: "Z"}) for w, (a, b) in zip(weights, edges, strict=True)])


def tfim(n, field, edges=None):
    """Return −Σ ZZ − field·Σ X."""
    edges = ring(n) if edges is None else edges
    return pauli_sum([*((-1.0, {a: "Z", b: "Z"}) for a, b in edges), *((-field, {q: "X"}) for q in range(n))])


def spin_glass(n, seed, field=0.0):
    """Return a Sherrington–Kirkpatrick model with normal couplings and fields."""
    rng = np.random.default_rng([4, seed])
    pairs = [(a, b) for a in range(n) for b in range(a)]
    terms = [(float(rng.normal()), {a: "Z", b: "Z"}) for a, b in pairs]
    return pauli_sum([*terms, *((field * float(rng.normal()), {q: "Z"}) for q in range(n) if field)])


def projector(n):
    """Return |0…0⟩⟨0…0|."""
    return qml.Projector([0] * n, wires=range(n))


def some(count, name):
    """Return numbers in [−1, 1) that stand for data, the same for the same name."""
    return np.random.default_rng(zlib.crc32(name.encode())).uniform(-1, 1, count)


@functools.cache
def molecule(name):
    """Return (Hamiltonian, qubits, electrons): differentiable Hartree–Fock in the STO-3G basis, or a Hubbard chain."""
    if name.startswith("Hubbard"):
        sites = {"Hubbard dimer": 2, "Hubbard trimer": 3}[name]
        return qml.spin.fermi_hubbard("chain", [sites], 1.0, 4.0).simplify(), 2 * sites, 2
    symbols, where, charge, electrons, orbitals = _MOLECULES[name]
    made = qml.qchem.Molecule(symbols, np.array(where, float), charge=charge)
    kwargs = {"active_electrons": electrons, "active_orbitals": orbitals, "method": "dhf"}
    hamiltonian, n = qml.qchem.molecular_hamiltonian(made, **kwargs)
    return hamiltonian, n, electrons or made.n_electrons
