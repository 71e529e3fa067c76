"""The registry of named QNodes that the tests of every room parametrise over.

Each :class:`Case` builds a fresh QNode with its arguments (``pennylane.numpy`` arrays with
``requires_grad=True``, drawn from a seed of its own), and carries what is known of it
together with where that comes from. Nothing here imports pennylane_wishart.

Dimensions in the notes: su(N) has N² − 1, so(N) N(N−1)/2, sp(D) D(2D+1) with D the
quaternionic dimension. "By dense closure" is numerical: an orthogonal basis of nested
commutators of the generators' matrices, and the commutant of that algebra for the sectors.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pennylane as qml
from pennylane import numpy as pnp

__all__ = ["CASES", "REAL_CIRCUITS", "Case", "case", "names", "trainable"]


@dataclass(frozen=True)
class Case:
    """One named QNode and what is known of it."""

    name: str
    make: Callable[[], tuple[qml.QNode, tuple]]
    """Returns a fresh (qnode, args)."""
    tags: frozenset[str] = field(default_factory=frozenset)
    algebra_dim: int | None = None
    """Dimension of the real Lie algebra of the generators, centre included."""
    notes: str = ""
    """Where each number comes from."""
    in_theory: bool | None = None
    """Whether the Wishart (or spin factor) description applies; None where nobody has decided."""

    @property
    def deep(self) -> bool:
        """Whether the circuit is deep enough for the deep-limit laws."""
        return "deep" in self.tags


CASES: dict[str, Case] = {}


def trainable(values) -> pnp.tensor:
    """Return an array that PennyLane differentiates."""
    return pnp.array(values, requires_grad=True)


def uniform(name: str, *shape: int) -> pnp.tensor:
    """Return angles uniform on [0, 2π), seeded by the name of the case."""
    generator = np.random.default_rng(list(name.encode()))
    return trainable(generator.uniform(0, 2 * np.pi, shape))


def register(name: str, *tags: str, algebra_dim=None, in_theory=None, notes: str):
    """Register the decorated maker under ``name``."""

    def decorate(make):
        CASES[name] = Case(name, make, frozenset(tags), algebra_dim, notes, in_theory)
        return make

    return decorate


def case(name: str) -> Case:
    """Return the case called ``name``."""
    return CASES[name]


def names(*tags: str) -> list[str]:
    """Return the names of all cases that carry every one of ``tags``."""
    return [n for n, c in CASES.items() if set(tags) <= c.tags]


def device(n: int) -> qml.devices.Device:
    """Return the simulator that the registry's QNodes run on."""
    return qml.device("default.qubit", wires=n)


def ring(n: int) -> list[tuple[int, int]]:
    """Return the edges of a ring."""
    return [(i, (i + 1) % n) for i in range(n)]


def chain(n: int) -> list[tuple[int, int]]:
    """Return the edges of an open chain."""
    return [(i, i + 1) for i in range(n - 1)]


# ------------------------------------------------------------------ the six real circuits
@register(
    "sel_4",
    "real", "deep", "su", "pauli",
    algebra_dim=255,
    in_theory=True,
    notes="dim: universal gate set, su(16) = 16² − 1. One sector N = 16, β = 2, O = Z₀ is a "
    "traceless word: r = 8, m = 16. 12 layers.",
)  # fmt: skip
def sel_4():
    """StronglyEntanglingLayers on 4 qubits."""

    @qml.qnode(device(4))
    def circuit(weights):
        qml.StronglyEntanglingLayers(weights, wires=range(4))
        return qml.expval(qml.Z(0))

    return circuit, (uniform("sel_4", 12, 4, 3),)


@register(
    "ry_cnot_ring",
    "real", "deep", "so", "pauli",
    algebra_dim=120,
    in_theory=True,
    notes="dim: every generator is a word with an odd number of Y (CNOTs are real), and 20 layers "
    "generate all of so(16) = 16·15/2. Real input: one sector N = 16, β = 1.",
)  # fmt: skip
def ry_cnot_ring():
    """Layers of RY with a ring of CNOTs, 4 qubits."""

    @qml.qnode(device(4))
    def circuit(weights):
        for layer in weights:
            for q in range(4):
                qml.RY(layer[q], wires=q)
            for a, b in ring(4):
                qml.CNOT(wires=[a, b])
        return qml.expval(qml.Z(0))

    return circuit, (uniform("ry_cnot_ring", 20, 4),)


@register(
    "qaoa_ring_6",
    "real", "shared", "sums",
    algebra_dim=17,
    in_theory=False,
    notes="dim 17 with shared angles (132 with the individual words), measured with qml.lie_closure. "
    "Free fermions in momentum space: su(2) ideals, one per pair of momenta, that act as a tensor "
    "product, so no sector is su(N) in its defining representation.",
)  # fmt: skip
def qaoa_ring_6():
    """QAOA for MaxCut on a 6-ring: one γ and one β per layer."""
    cost = qml.sum(*[qml.Z(a) @ qml.Z(b) for a, b in ring(6)])
    mixer = qml.sum(*[qml.X(q) for q in range(6)])

    @qml.qnode(device(6))
    def circuit(gammas, betas):
        for q in range(6):
            qml.Hadamard(q)
        for gamma, beta in zip(gammas, betas, strict=True):
            qml.qaoa.cost_layer(gamma, cost)
            qml.qaoa.mixer_layer(beta, mixer)
        return qml.expval(cost)

    return circuit, (uniform("qaoa_gamma", 6), uniform("qaoa_beta", 6))


@register(
    "tfim_hva",
    "real", "shared", "sums",
    algebra_dim=16,
    in_theory=False,
    notes="dim: TFIM on an open chain with one angle for all ZZ and one for all X has n² (exact "
    "arithmetic mod p, n up to 16): 16 at n = 4. u(4) on fermions: the sectors are the exterior "
    "powers of C⁴. The input lies in the sixfold one, where su(4) acts as so(6); but O, itself in the "
    "algebra, is antisymmetric there and so outside the real Jordan algebra.",
)  # fmt: skip
def tfim_hva():
    """Hamiltonian variational ansatz of the transverse-field Ising chain, 4 qubits."""
    hamiltonian = qml.Hamiltonian(
        [-1.0] * 3 + [-0.8] * 4,
        [qml.Z(a) @ qml.Z(b) for a, b in chain(4)] + [qml.X(q) for q in range(4)],
    )

    @qml.qnode(device(4))
    def circuit(weights):
        for q in range(4):
            qml.Hadamard(q)
        for zz, x in weights:
            for a, b in chain(4):
                qml.IsingZZ(zz, wires=[a, b])
            for q in range(4):
                qml.RX(x, wires=q)
        return qml.expval(hamiltonian)

    return circuit, (uniform("tfim_hva", 8, 2),)


@functools.cache
def h2_hamiltonian() -> tuple[qml.operation.Operator, int]:
    """Return (electronic Hamiltonian of H₂ at 0.70 Å in STO-3G, qubits), computed by qml.qchem."""
    # The two atoms lie 1.3228 bohr apart, on the z axis.
    coordinates = np.array([[0.0, 0.0, -0.6614], [0.0, 0.0, 0.6614]])
    return qml.qchem.molecular_hamiltonian(qml.qchem.Molecule(["H", "H"], coordinates))


def uccsd_h2_qnode(n_repeats: int) -> tuple[qml.QNode, int]:
    """Return (QNode, number of excitations) of UCCSD on H₂ from the Hartree–Fock state."""
    hamiltonian, n = h2_hamiltonian()
    singles, doubles = qml.qchem.excitations(2, n)
    s_wires, d_wires = qml.qchem.excitations_to_wires(singles, doubles)
    reference = qml.qchem.hf_state(2, n)

    @qml.qnode(device(n))
    def circuit(weights):
        qml.UCCSD(weights, range(n), s_wires, d_wires, reference, n_repeats=n_repeats)
        return qml.expval(hamiltonian)

    return circuit, len(singles) + len(doubles)


_H2_NOTES = (
    "dim 8 = so(4) + centre 2, by dense closure: two singles and one double rotate the four real "
    "states |1100⟩, |1001⟩, |0110⟩, |0011⟩ as so(4), β = 1, and give phases to the other sectors. "
    "The Hamiltonian is real there; its lowest eigenvalue is −1.13619 Ha by diagonalisation."
)


@register(
    "uccsd_h2",
    "real", "sums", "shallow", "fixed_number",
    algebra_dim=8,
    in_theory=True,
    notes="One repeat, three parameters. " + _H2_NOTES,
)  # fmt: skip
def uccsd_h2():
    """UCCSD for H₂ from qml.qchem."""
    circuit, n_excitations = uccsd_h2_qnode(1)
    return circuit, (uniform("uccsd_h2", n_excitations),)


def xxz_layers(weights, n: int):
    """Queue layers of IsingXY and IsingZZ on a chain, and RZ: they keep the particle number."""
    edges = chain(n)
    for layer in weights:
        for k, (a, b) in enumerate(edges):
            qml.IsingXY(layer[2 * k], wires=[a, b])
            qml.IsingZZ(layer[2 * k + 1], wires=[a, b])
        for q in range(n):
            qml.RZ(layer[2 * len(edges) + q], wires=q)


@register(
    "xxz_fixed_number",
    "real", "deep", "su", "sums", "fixed_number",
    algebra_dim=67,
    in_theory=True,
    notes="dim 67 = su(4) + su(6) + su(4) + centre 2, by dense closure. Input in the sector of two "
    "particles, N = 6, β = 2, O = Z₀Z₁ (eigenvalue 1 twice, −1 four times): mean −1/3, "
    "r = (2·2)²/(2·4) = 2, m = 3. Measured over 1,200 samples at 14 layers: gradient variances "
    "0.042/0.0572/0.064 for IsingXY/IsingZZ/RZ, loss variance 0.134 for 0.127.",
)  # fmt: skip
def xxz_fixed_number():
    """XXZ ansatz on 4 qubits started in |0110⟩."""

    @qml.qnode(device(4))
    def circuit(weights):
        qml.BasisState(np.array([0, 1, 1, 0]), wires=range(4))
        xxz_layers(weights, 4)
        return qml.expval(qml.Z(0) @ qml.Z(1))

    return circuit, (uniform("xxz_fixed_number", 14, 10),)


REAL_CIRCUITS = tuple(names("real"))


# ------------------------------------------------------------------ more circuits inside the theory
@register(
    "uccsd_h2_deep",
    "deep", "so", "sums", "fixed_number",
    algebra_dim=8,
    in_theory=True,
    notes="Sixteen repeats, 48 parameters. " + _H2_NOTES,
)  # fmt: skip
def uccsd_h2_deep():
    """UCCSD for H₂, repeated until the group is covered."""
    circuit, n_excitations = uccsd_h2_qnode(16)
    return circuit, (uniform("uccsd_h2_deep", 16, n_excitations),)


def entangling_qnode(n: int, observable) -> qml.QNode:
    """Return StronglyEntanglingLayers on ``n`` qubits with the observable that a function makes."""

    @qml.qnode(device(n))
    def circuit(weights):
        qml.StronglyEntanglingLayers(weights, wires=range(n))
        return qml.expval(observable())

    return circuit


@register(
    "su4_hamiltonian",
    "deep", "su",
    algebra_dim=15,
    in_theory=True,
    notes="su(4) = 4² − 1. O is traceless with Tr O² = 4(1 + ¼ + 1/16) = 5.25: variance "
    "5.25/(4·5) = 0.2625.",
)  # fmt: skip
def su4_hamiltonian():
    """Two qubits, universal, with a small Hamiltonian."""

    def observable():
        return qml.Hamiltonian([1.0, 0.5, 0.25], [qml.Z(0) @ qml.Z(1), qml.X(0), qml.Y(1)])

    return entangling_qnode(2, observable), (uniform("su4_hamiltonian", 12, 2, 3),)


@register(
    "su8_pauli",
    "deep", "su", "pauli",
    algebra_dim=63,
    in_theory=True,
    notes="su(8) = 8² − 1; O = X₀Z₂ is a traceless word: r = 4, m = 8, variance 1/9.",
)  # fmt: skip
def su8_pauli():
    """Three qubits, universal, Pauli-word observable."""
    return entangling_qnode(3, lambda: qml.X(0) @ qml.Z(2)), (uniform("su8_pauli", 12, 3, 3),)


@register(
    "su8_ising",
    "deep", "su",
    algebra_dim=63,
    in_theory=True,
    notes="su(8) = 8² − 1; O = Z₀Z₁ + Z₁Z₂: eigenvalues 2, 0, −2 with multiplicities 2, 4, 2.",
)  # fmt: skip
def su8_ising():
    """Three qubits, universal, classical Ising chain as observable."""
    return entangling_qnode(3, lambda: qml.Z(0) @ qml.Z(1) + qml.Z(1) @ qml.Z(2)), (uniform("su8_ising", 12, 3, 3),)


@register(
    "su16_projector",
    "deep", "su", "two_level",
    algebra_dim=255,
    in_theory=True,
    notes="su(16) = 16² − 1; O = |1010⟩⟨1010| has rank 1: ℓ ~ Beta(1, 15), r = 1, m = 16/15.",
)  # fmt: skip
def su16_projector():
    """Four qubits, universal, probability of one bit string."""
    return entangling_qnode(4, lambda: qml.Projector([1, 0, 1, 0], wires=range(4))), (
        uniform("su16_projector", 12, 4, 3),
    )


@register(
    "so8_ry_cz",
    "deep", "so", "pauli",
    algebra_dim=28,
    in_theory=True,
    notes="dim: RY, CZ and CNOT are real: words with an odd number of Y, so(8) = 8·7/2. β = 1, O = X₀ "
    "is symmetric: m = 8, variance 1/5 = (2/8)·8/(8 + 2).",
)  # fmt: skip
def so8_ry_cz():
    """Real circuit: layers of RY with a CZ and two CNOTs in between, 3 qubits."""

    @qml.qnode(device(3))
    def circuit(weights):
        for layer in weights:
            for q in range(3):
                qml.RY(layer[q], wires=q)
            qml.CZ(wires=[0, 1])
            qml.CNOT(wires=[1, 2])
            qml.CNOT(wires=[2, 0])
        return qml.expval(qml.X(0))

    return circuit, (uniform("so8_ry_cz", 24, 3),)


@register(
    "sp_4",
    "deep", "sp", "pauli",
    algebra_dim=36,
    in_theory=True,
    notes="dim: the words P with J Pᵀ J⁻¹ = −P for J = Y⊗1⊗1 are those with a symmetric word behind "
    "X, Y or Z (30) or an antisymmetric one behind 1 (6): sp(4) = 4·9. β = 4, D = 4. O = Z₁ has "
    "J Oᵀ J⁻¹ = +O, so it lies in the Jordan algebra; D-level spectrum ±1 twice each.",
)  # fmt: skip
def sp_4():
    """Symplectic circuit on 3 qubits: quaternionic, β = 4."""
    words = ["XII", "ZXI", "YIX", "ZZI", "XIZ", "IYI", "IIY", "IYX", "IZY", "XYY"]

    @qml.qnode(device(3))
    def circuit(weights):
        for layer in weights:
            for word, angle in zip(words, layer, strict=True):
                qml.PauliRot(angle, word, wires=range(3))
        return qml.expval(qml.Z(1))

    return circuit, (uniform("sp_4", 12, len(words)),)


def matchgate_qnode(n: int, prepare: bool) -> qml.QNode:
    """Return RZ fields and IsingXX couplings on a chain, observing the first Majorana, X₀."""

    @qml.qnode(device(n))
    def circuit(weights):
        if prepare:
            for q in range(n):
                qml.Hadamard(q)
        for layer in weights:
            for q in range(n):
                qml.RZ(layer[q], wires=q)
            for k, (a, b) in enumerate(chain(n)):
                qml.IsingXX(layer[n + k], wires=[a, b])
        return qml.expval(qml.X(0))

    return circuit


@register(
    "spin_factor",
    "deep", "spin", "pauli",
    algebra_dim=28,
    in_theory=True,
    notes="dim: a path of 7 generators, so(8) = 8·7/2. O = X₀ is a Majorana, d = 8. Of the 8 "
    "Majoranas only X₀ has an expectation value in |++++⟩, 1: |a| = 1 and the variance is 1/8.",
)  # fmt: skip
def spin_factor():
    """Transverse-field Ising circuit with a Majorana as observable, from |++++⟩."""
    return matchgate_qnode(4, True), (uniform("spin_factor", 16, 7),)


@register(
    "spin_factor_zero",
    "deep", "spin", "pauli", "constant",
    algebra_dim=28,
    in_theory=True,
    notes="As spin_factor, from a basis state, where every Majorana has expectation value 0: ℓ ≡ 0.",
)  # fmt: skip
def spin_factor_zero():
    """The same from |0000⟩: a loss that is 0 everywhere."""
    return matchgate_qnode(4, False), (uniform("spin_factor_zero", 16, 7),)


@register(
    "mixed_sector",
    "deep", "su", "sums", "mixed",
    algebra_dim=67,
    in_theory=True,
    notes="As xxz_fixed_number; Hadamards on wires 0 and 2 of |0100⟩ put weight ¼ on one particle, ½ "
    "on two, ¼ on three: sectors N = 4, 6, 4 with independent su(4), su(6), su(4).",
)  # fmt: skip
def mixed_sector():
    """XXZ ansatz on an input spread over three particle numbers."""

    @qml.qnode(device(4))
    def circuit(weights):
        qml.Hadamard(0)
        qml.X(1)
        qml.Hadamard(2)
        xxz_layers(weights, 4)
        return qml.expval(qml.Z(0) @ qml.Z(1))

    return circuit, (uniform("mixed_sector", 14, 10),)


# ------------------------------------------------------------------ outside the theory
def product_qnode(n: int) -> qml.QNode:
    """Return layers of RX and RZ without any entangler, observing Z on every qubit at once."""

    @qml.qnode(device(n))
    def circuit(weights):
        for layer in weights:
            for q in range(n):
                qml.RX(layer[q, 0], wires=q)
                qml.RZ(layer[q, 1], wires=q)
        return qml.expval(qml.prod(*[qml.Z(q) for q in range(n)]))

    return circuit


@register(
    "tensor_product",
    "deep", "pauli", "product",
    algebra_dim=9,
    in_theory=False,
    notes="su(2)³ acts on C² ⊗ C² ⊗ C² irreducibly but not as su(8), so(8) or sp(4); ℓ is a product "
    "of three independent uniform numbers on [−1, 1]: variance 1/27.",
)  # fmt: skip
def tensor_product():
    """Three qubits, no entangler, correlated observable."""
    return product_qnode(3), (uniform("tensor_product", 16, 3, 2),)


@register(
    "tensor_product_2",
    "deep", "pauli", "product",
    algebra_dim=6,
    in_theory=True,
    notes="su(2) ⊕ su(2) = so(4) acts on C⁴ in its defining representation (magic basis), and Z₀Z₁ is "
    "real symmetric there: one sector N = 4, β = 1. |00⟩ is complex in that basis, Tr (Re ρ)² = ½: "
    "variance 4·¼/9 = 1/9, as for a product of two independent uniform numbers.",
)  # fmt: skip
def tensor_product_2():
    """Two qubits, no entangler, Z₀Z₁: inside the theory by the coincidence so(4) = su(2)²."""
    return product_qnode(2), (uniform("tensor_product_2", 16, 2, 2),)


@register(
    "ry_cz_chain",
    "deep", "pauli",
    algebra_dim=12,
    in_theory=False,
    notes="Layers of RY with the same CZs on an open chain of 3 do not generate so(8): two so(4), by "
    "dense closure, on two sectors of N = 4 that the observable X₀ does not keep apart.",
)  # fmt: skip
def ry_cz_chain():
    """RY and a fixed chain of CZ: real, but far smaller than so(8)."""

    @qml.qnode(device(3))
    def circuit(weights):
        for layer in weights:
            for q in range(3):
                qml.RY(layer[q], wires=q)
            for a, b in chain(3):
                qml.CZ(wires=[a, b])
        return qml.expval(qml.X(0))

    return circuit, (uniform("ry_cz_chain", 24, 3),)


@register(
    "heisenberg_shared",
    "shared", "sums", "constant", "dead",
    algebra_dim=8,
    in_theory=None,
    notes="dim 8 = two su(2) and centre 2, by dense closure. One angle per bond colour of an open Heisenberg "
    "chain from |0000⟩, an eigenstate of every bond: ℓ ≡ 3 = the number of bonds "
    "(XX + YY gives 0, ZZ gives 1), every parameter dead.",
)  # fmt: skip
def heisenberg_shared():
    """Heisenberg ansatz that acts trivially on its input."""
    hamiltonian = qml.sum(*[w(a) @ w(b) for a, b in chain(4) for w in (qml.X, qml.Y, qml.Z)])

    @qml.qnode(device(4))
    def circuit(weights):
        for even, odd in weights:
            for angle, bonds in ((even, [(0, 1), (2, 3)]), (odd, [(1, 2)])):
                for bond in bonds:
                    for gate in (qml.IsingXX, qml.IsingYY, qml.IsingZZ):
                        gate(angle, wires=bond)
        return qml.expval(hamiltonian)

    return circuit, (uniform("heisenberg_shared", 6, 2),)


@register(
    "reuploading",
    "data", "pauli",
    algebra_dim=15,
    in_theory=None,
    notes="dim: su(4), the generators conjugated by the fixed data rotations. Data enter between "
    "trainable gates three times at fixed values that are no Clifford angles.",
)  # fmt: skip
def reuploading():
    """Two qubits with data re-uploaded between trainable layers."""

    @qml.qnode(device(2))
    def circuit(weights, data):
        for layer in weights:
            qml.AngleEmbedding(data, wires=range(2), rotation="X")
            for q in range(2):
                qml.RY(layer[q, 0], wires=q)
                qml.RZ(layer[q, 1], wires=q)
            qml.CNOT(wires=[0, 1])
        return qml.expval(qml.Z(1))

    data = pnp.array([0.37, 1.91], requires_grad=False)
    return circuit, (uniform("reuploading", 3, 2, 2), data)


@register(
    "angle_embedding",
    "data", "pauli",
    algebra_dim=63,
    in_theory=True,
    notes="Data only at the start: an input state that is a product. su(8) = 8² − 1.",
)  # fmt: skip
def angle_embedding():
    """Three features embedded as angles, then a universal ansatz of four layers."""

    @qml.qnode(device(3))
    def circuit(data, weights):
        qml.AngleEmbedding(data, wires=range(3), rotation="Y")
        qml.StronglyEntanglingLayers(weights, wires=range(3))
        return qml.expval(qml.Z(0))

    data = pnp.array([0.3, 1.1, 2.0], requires_grad=False)
    return circuit, (data, uniform("angle_embedding", 4, 3, 3))


@register(
    "shallow_sel",
    "shallow", "pauli", "dead",
    algebra_dim=12,
    in_theory=False,
    notes="One layer: su(2) on each of four qubits, with an entangled observable. Parameters 0, 3, 6, "
    "9 (the first RZ on |0⟩) are dead, and so are 2, 5, 8, 11: the observable behind the CNOTs is "
    "Z₁Z₂Z₃ (so 0, 1, 2 are dead too).",
)  # fmt: skip
def shallow_sel():
    """One layer of StronglyEntanglingLayers: far from the deep limit."""
    return entangling_qnode(4, lambda: qml.Z(0)), (uniform("shallow_sel", 1, 4, 3),)


@register(
    "shallow_ry",
    "shallow", "pauli", "dead",
    algebra_dim=4,
    in_theory=False,
    notes="One layer of RY before the CNOTs: four commuting rotations, u(1)⁴. The observable behind "
    "the CNOTs is Z₁Z₂Z₃: ℓ is a product of three cosines, variance 1/8, and parameter 0 is dead.",
)  # fmt: skip
def shallow_ry():
    """One layer of RY and a ring of CNOTs."""

    @qml.qnode(device(4))
    def circuit(weights):
        for q in range(4):
            qml.RY(weights[q], wires=q)
        for a, b in ring(4):
            qml.CNOT(wires=[a, b])
        return qml.expval(qml.Z(0))

    return circuit, (uniform("shallow_ry", 4),)


@register(
    "dead_first_rz",
    "dead", "pauli",
    algebra_dim=6,
    in_theory=True,
    notes="Parameters 0 and 1, and no others, are dead: RZ on |0⟩ acts trivially on the input. Algebra "
    "and sector as in tensor_product_2.",
)  # fmt: skip
def dead_first_rz():
    """RZ on |00⟩ before anything else, then a live ansatz without entangler."""

    @qml.qnode(device(2))
    def circuit(weights):
        for layer in weights:
            for q in range(2):
                qml.RZ(layer[0, q], wires=q)
            for q in range(2):
                qml.RX(layer[1, q], wires=q)
        return qml.expval(qml.Z(0) @ qml.Z(1))

    return circuit, (uniform("dead_first_rz", 3, 2, 2),)


@register(
    "dead_light_cone",
    "dead", "pauli", "shallow",
    algebra_dim=14,
    in_theory=None,
    notes="Brick wall of two layers on 6 qubits observing Z₀: the light cone is qubits 0, 1 and 2 at "
    "the first layer and 0, 1 at the second, so exactly parameters 3, 4, 5 and 8 to 11 are dead.",
)  # fmt: skip
def dead_light_cone():
    """A shallow brick wall whose far qubits the observable cannot see."""

    @qml.qnode(device(6))
    def circuit(weights):
        for layer, start in zip(weights, (1, 0), strict=True):
            for q in range(6):
                qml.RY(layer[q], wires=q)
            for q in range(start, 5, 2):
                qml.CZ(wires=[q, q + 1])
        for q in range(6):
            qml.Hadamard(q)
        return qml.expval(qml.Z(0))

    return circuit, (uniform("dead_light_cone", 2, 6),)


# ------------------------------------------------------------------ the laws, at more fields and sizes
SP8_WORDS = (
    "XIII", "ZXII", "YIXI", "ZZII", "XIIX", "YIIZ", "IYII", "IIYX", "IZYI", "XYYI", "ZIXZ", "YXIX", "IXZY", "XIYY",
)  # fmt: skip
"""Words behind which J Pᵀ J⁻¹ = −P, J = Y⊗1⊗1⊗1."""


def symplectic_qnode(observable) -> qml.QNode:
    """Return layers of the words of sp(8) on 4 qubits."""

    @qml.qnode(device(4))
    def circuit(weights):
        for layer in weights:
            for word, angle in zip(SP8_WORDS, layer, strict=True):
                qml.PauliRot(angle, word, wires=range(4))
        return qml.expval(observable())

    return circuit


@register(
    "sp_8",
    "deep", "sp", "pauli", "laws",
    algebra_dim=136,
    in_theory=True,
    notes="sp(8) = 8·17, as sp_4 with one qubit more. β = 4, D = 8, O = Z₁: ±1 four times each over H.",
)  # fmt: skip
def sp_8():
    """Symplectic circuit on 4 qubits."""
    return symplectic_qnode(lambda: qml.Z(1)), (uniform("sp_8", 12, len(SP8_WORDS)),)


@register(
    "sp_8_hamiltonian",
    "deep", "sp", "pauli", "laws",
    algebra_dim=136,
    in_theory=True,
    notes="sp(8) as in sp_8. O = Z₁ + ½Z₂Z₃ commutes with J: levels ±3/2, ±1/2, two times each over H.",
)  # fmt: skip
def sp_8_hamiltonian():
    """Symplectic circuit on 4 qubits with an observable of four levels."""

    def observable():
        return qml.Hamiltonian([1.0, 0.5], [qml.Z(1), qml.Z(2) @ qml.Z(3)])

    return symplectic_qnode(observable), (uniform("sp_8_hamiltonian", 12, len(SP8_WORDS)),)


@register(
    "su16_ising",
    "deep", "su", "laws",
    algebra_dim=255,
    in_theory=True,
    notes="su(16). O = Z₀Z₁ + Z₁Z₂ + Z₂Z₃: three independent signs, levels 3, 1, −1, −3 with "
    "multiplicities 2, 6, 6, 2.",
)  # fmt: skip
def su16_ising():
    """Four qubits, universal, classical Ising chain as observable."""

    def observable():
        return qml.Hamiltonian([1.0] * 3, [qml.Z(a) @ qml.Z(b) for a, b in chain(4)])

    return entangling_qnode(4, observable), (uniform("su16_ising", 16, 4, 3),)


@register(
    "su16_entangled",
    "deep", "su", "pauli", "mixed", "laws",
    algebra_dim=255,
    in_theory=True,
    notes="su(16) on wires 0 to 3; wire 4 is a copy that no gate touches, entangled with wire 0 by "
    "RY(0.9) and a CNOT: the input's block has the eigenvalues cos²(0.45) and sin²(0.45).",
)  # fmt: skip
def su16_entangled():
    """Four qubits, universal, on half of an entangled pair: a mixed input."""

    @qml.qnode(device(5))
    def circuit(weights):
        qml.RY(0.9, wires=0)
        qml.CNOT(wires=[0, 4])
        qml.StronglyEntanglingLayers(weights, wires=range(4))
        return qml.expval(qml.Z(0) @ qml.Z(1))

    return circuit, (uniform("su16_entangled", 16, 4, 3),)


@register(
    "su256_pauli",
    "deep", "su", "pauli", "laws",
    in_theory=True,
    notes="su(256): 4⁸ − 1 words, the Pauli route. O = X₀Z₅ is a traceless word: r = 128, m = 256, "
    "variance 1/257.",
)  # fmt: skip
def su256_pauli():
    """Eight qubits, universal, Pauli-word observable."""
    return entangling_qnode(8, lambda: qml.X(0) @ qml.Z(5)), (uniform("su256_pauli", 14, 8, 3),)


@register(
    "xxz_6",
    "deep", "su", "sums", "fixed_number", "laws",
    in_theory=True,
    notes="Two particles on 6 sites: N = 15, β = 2. O = Σ Z_iZ_{i+1} on the open chain, diagonal: levels "
    "3, 1, −1, −3 (adjacent pairs at an end, ...) by counting the 15 basis states.",
)  # fmt: skip
def xxz_6():
    """XXZ ansatz on 6 qubits with two particles, its own classical part as observable."""

    @qml.qnode(device(6))
    def circuit(weights):
        qml.BasisState(np.array([0, 1, 0, 0, 1, 0]), wires=range(6))
        xxz_layers(weights, 6)
        return qml.expval(qml.Hamiltonian([1.0] * 5, [qml.Z(a) @ qml.Z(b) for a, b in chain(6)]))

    return circuit, (uniform("xxz_6", 24, 16),)


@register(
    "spin_factor_5",
    "deep", "spin", "pauli", "laws",
    algebra_dim=45,
    in_theory=True,
    notes="dim: a path of 9 generators, so(10) = 10·9/2. O = X₀ is a Majorana, d = 10, |a| = 1 in "
    "|+…+⟩: variance 1/10. 64 layers: angles mix along the path like a random walk.",
)  # fmt: skip
def spin_factor_5():
    """Transverse-field Ising circuit on 5 qubits with a Majorana as observable."""
    return matchgate_qnode(5, True), (uniform("spin_factor_5", 64, 9),)


# ------------------------------------------------------------------ one ideal on two sectors
@register(
    "joint_halfspins",
    "deep", "pauli", "joint",
    algebra_dim=15,
    in_theory=False,
    notes="Five words in a path: so(6) = su(4), by dense closure. It acts on both half-spins, C⁴ and its "
    "conjugate, inequivalent sectors of one ideal, and the input has weight in both: not independent.",
)  # fmt: skip
def joint_halfspins():
    """One su(4) that turns two inequivalent sectors at once."""
    words = ("XZY", "YZZ", "IIZ", "XIX", "XXX")

    @qml.qnode(device(3))
    def circuit(weights):
        for q, angle in enumerate((0.7, 1.9, 1.1)):
            qml.RY(angle, wires=q)
        qml.CNOT(wires=[0, 1])
        for layer in weights:
            for angle, word in zip(layer, words, strict=True):
                qml.PauliRot(angle, word, wires=range(3))
        return qml.expval(qml.X(0) @ qml.Z(1) @ qml.Y(2))

    return circuit, (uniform("joint_halfspins", 16, 5),)


@register(
    "joint_copies",
    "deep", "pauli", "joint",
    algebra_dim=15,
    in_theory=False,
    notes="su(4) on wires 0 and 1. Wire 2 is a copy that no gate touches, but O = Z₀ + 0.6 X₁Z₂ tells Z₂ = ±1 "
    "apart: two equivalent sectors N = 4 of one ideal, with weights cos²(0.45) and sin²(0.45).",
)  # fmt: skip
def joint_copies():
    """One su(4) that turns two equal sectors with different observables."""

    @qml.qnode(device(3))
    def circuit(weights):
        qml.RY(0.9, wires=0)
        qml.CNOT(wires=[0, 2])
        qml.StronglyEntanglingLayers(weights, wires=range(2))
        return qml.expval(qml.Hamiltonian([1.0, 0.6], [qml.Z(0), qml.X(1) @ qml.Z(2)]))

    return circuit, (uniform("joint_copies", 12, 2, 3),)
