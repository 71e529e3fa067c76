"""The table of operations and observables that a normal form must exist for.

Each gate is a small builder ``apply(t, w)`` that queues one operation with trainable values
``t`` on wires ``w`` and returns it. Nothing here imports pennylane_wishart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pennylane as qml

__all__ = ["GATES", "OBSERVABLES", "VARIANTS", "Gate", "apply_variant"]


@dataclass(frozen=True)
class Gate:
    """One operation: how many wires and trainable values it takes, and how to queue it."""

    name: str
    wires: int
    params: int
    apply: Callable
    variants: tuple[str, ...] = ("plain", "adjoint", "ctrl", "ctrl0", "pow2")
    """The forms that default.qubit itself can run, so that there is a loss to compare with."""


VARIANTS: dict[str, Callable] = {
    "plain": lambda gate, t, w, c: gate.apply(t, w),
    "adjoint": lambda gate, t, w, c: qml.adjoint(gate.apply)(t, w),
    "ctrl": lambda gate, t, w, c: qml.ctrl(gate.apply, control=c)(t, w),
    "ctrl0": lambda gate, t, w, c: qml.ctrl(gate.apply, control=c, control_values=[0])(t, w),
    "pow2": lambda gate, t, w, c: qml.pow(gate.apply(t, w), 2),
    "pow-1": lambda gate, t, w, c: qml.pow(gate.apply(t, w), -1),
    "pow-half": lambda gate, t, w, c: qml.pow(gate.apply(t, w), 0.5),
}


def apply_variant(variant: str, gate: Gate, t, w, c) -> None:
    """Queue a gate, its adjoint, its controlled form (control wire ``c``) or a power."""
    VARIANTS[variant](gate, t, w, c)


def _hamiltonian(w):
    """Return terms that do not all commute."""
    return qml.Hamiltonian([0.7, -0.4, 0.3], [qml.Z(w[0]) @ qml.Z(w[1]), qml.X(w[0]), qml.Y(w[1])])


def _commuting(w):
    """Return XX, ZZ and YY, which commute, with frequencies that differ."""
    pairs = [p(w[0]) @ p(w[1]) for p in (qml.X, qml.Z, qml.Y)]
    return qml.Hamiltonian([0.5, 0.25, 1.0], pairs)


# PennyLane defines negative and fractional powers of these only.
_ANY_POWER = """
    RX RY RZ PhaseShift U1 MultiRZ IsingXX IsingYY IsingZZ IsingXY CRX CRY CRZ ControlledPhaseShift CPhaseShift00
    CPhaseShift01 CPhaseShift10 SingleExcitation DoubleExcitation FermionicSWAP GlobalPhase
""".split()


def _single(name, op, n_wires=1, n_params=1):
    variants = (*Gate.variants, "pow-1", "pow-half") if name in _ANY_POWER else Gate.variants
    return Gate(name, n_wires, n_params, lambda t, w: op(*[t[i] for i in range(n_params)], wires=w), variants)


# qml.exp has a `pow` that qml.pow cannot use (PennyLane 0.45.1), so no QNode runs it.
_NO_POWER = ("plain", "adjoint", "ctrl", "ctrl0")

_PLAIN = [
    _single("RX", qml.RX),
    _single("RY", qml.RY),
    _single("RZ", qml.RZ),
    _single("Rot", qml.Rot, 1, 3),
    _single("PhaseShift", qml.PhaseShift),
    _single("U1", qml.U1),
    _single("U2", qml.U2, 1, 2),
    _single("U3", qml.U3, 1, 3),
    _single("MultiRZ", qml.MultiRZ, 3),
    _single("IsingXX", qml.IsingXX, 2),
    _single("IsingYY", qml.IsingYY, 2),
    _single("IsingZZ", qml.IsingZZ, 2),
    _single("IsingXY", qml.IsingXY, 2),
    _single("CRX", qml.CRX, 2),
    _single("CRY", qml.CRY, 2),
    _single("CRZ", qml.CRZ, 2),
    _single("CRot", qml.CRot, 2, 3),
    _single("ControlledPhaseShift", qml.ControlledPhaseShift, 2),
    _single("CPhaseShift00", qml.CPhaseShift00, 2),
    _single("CPhaseShift01", qml.CPhaseShift01, 2),
    _single("CPhaseShift10", qml.CPhaseShift10, 2),
    _single("SingleExcitation", qml.SingleExcitation, 2),
    _single("SingleExcitationPlus", qml.SingleExcitationPlus, 2),
    _single("SingleExcitationMinus", qml.SingleExcitationMinus, 2),
    _single("DoubleExcitation", qml.DoubleExcitation, 4),
    _single("DoubleExcitationPlus", qml.DoubleExcitationPlus, 4),
    _single("DoubleExcitationMinus", qml.DoubleExcitationMinus, 4),
    _single("FermionicSWAP", qml.FermionicSWAP, 2),
    _single("OrbitalRotation", qml.OrbitalRotation, 4),
    _single("PSWAP", qml.PSWAP, 2),
    _single("GlobalPhase", qml.GlobalPhase, 1),
    Gate("PauliRot-XYZ", 3, 1, lambda t, w: qml.PauliRot(t[0], "XYZ", wires=w), (*Gate.variants, "pow-1", "pow-half")),
    Gate("PauliRot-IXI", 3, 1, lambda t, w: qml.PauliRot(t[0], "IXI", wires=w)),
    Gate("exp-word", 2, 1, lambda t, w: qml.exp(qml.X(w[0]) @ qml.Y(w[1]), 0.5j * t[0]), _NO_POWER),
    Gate("exp-sum", 2, 1, lambda t, w: qml.exp(_hamiltonian(w), -1j * t[0]), _NO_POWER),
    Gate("evolve-word", 2, 1, lambda t, w: qml.evolve(qml.Z(w[0]) @ qml.X(w[1]), t[0]), _NO_POWER),
    Gate("evolve-sum", 2, 1, lambda t, w: qml.evolve(_hamiltonian(w), t[0]), _NO_POWER),
    Gate("evolve-commuting", 2, 1, lambda t, w: qml.evolve(_commuting(w), t[0]), _NO_POWER),
    Gate("ApproxTimeEvolution", 2, 1, lambda t, w: qml.ApproxTimeEvolution(_hamiltonian(w), t[0], 2)),
    Gate("CommutingEvolution", 2, 1, lambda t, w: qml.CommutingEvolution(_commuting(w), t[0])),
    Gate("TrotterProduct-1", 2, 1, lambda t, w: qml.TrotterProduct(_hamiltonian(w), t[0], n=2, order=1)),
    Gate("TrotterProduct-2", 2, 1, lambda t, w: qml.TrotterProduct(_hamiltonian(w), t[0], n=1, order=2)),
    Gate("TrotterProduct-4", 2, 1, lambda t, w: qml.TrotterProduct(_hamiltonian(w), t[0], n=1, order=4)),
]


def _block(weights, wires):
    qml.RY(weights[0], wires=wires[0])
    qml.RX(weights[1], wires=wires[1])
    qml.CNOT(wires=wires)


def _tree(template, n_blocks):
    """Return a builder of a tensor network of two-wire blocks."""
    return lambda t, w: template(
        w, n_block_wires=2, block=_block, n_params_block=2, template_weights=t.reshape(n_blocks, 2)
    )


_HF4 = np.array([1, 1, 0, 0])

# Templates that prepare a basis state first are not unitary as they stand, so they have no
# controlled form or power to compare with: only what the QNode itself can run is tested.
_PREPARES = ("plain", "adjoint")
_TEMPLATES = [
    Gate("StronglyEntanglingLayers", 3, 18, lambda t, w: qml.StronglyEntanglingLayers(t.reshape(2, 3, 3), wires=w)),
    Gate(
        "StronglyEntanglingLayers-CZ", 3, 18,
        lambda t, w: qml.StronglyEntanglingLayers(t.reshape(2, 3, 3), wires=w, ranges=[2, 1], imprimitive=qml.CZ),
    ),
    Gate("BasicEntanglerLayers", 3, 6, lambda t, w: qml.BasicEntanglerLayers(t.reshape(2, 3), wires=w)),
    Gate(
        "BasicEntanglerLayers-RZ", 3, 6,
        lambda t, w: qml.BasicEntanglerLayers(t.reshape(2, 3), wires=w, rotation=qml.RZ),
    ),
    Gate("SimplifiedTwoDesign", 3, 7, lambda t, w: qml.SimplifiedTwoDesign(t[:3], t[3:].reshape(1, 2, 2), wires=w)),
    Gate("RandomLayers", 3, 8, lambda t, w: qml.RandomLayers(t.reshape(2, 4), wires=w, seed=7)),
    Gate("QAOAEmbedding", 3, 6, lambda t, w: qml.QAOAEmbedding(np.array([0.3, 0.9, 1.7]), t.reshape(1, 6), wires=w)),
    Gate(
        "QAOAEmbedding-X", 2, 6,
        lambda t, w: qml.QAOAEmbedding(np.array([0.3, 0.9]), t.reshape(2, 3), wires=w, local_field="X"),
    ),
    Gate("AngleEmbedding-X", 3, 3, lambda t, w: qml.AngleEmbedding(t, wires=w, rotation="X")),
    Gate("AngleEmbedding-Y", 3, 2, lambda t, w: qml.AngleEmbedding(t, wires=w, rotation="Y")),
    Gate("AngleEmbedding-Z", 3, 3, lambda t, w: qml.AngleEmbedding(t, wires=w, rotation="Z")),
    Gate("IQPEmbedding", 3, 0, lambda t, w: qml.IQPEmbedding(np.array([0.3, 0.9, 1.7]), wires=w, n_repeats=2)),
    Gate("MPS", 4, 6, _tree(qml.MPS, 3)),
    Gate("TTN", 4, 6, _tree(qml.TTN, 3)),
    Gate("MERA", 4, 10, _tree(qml.MERA, 5)),
    Gate(
        "ParticleConservingU1", 3, 8,
        lambda t, w: qml.ParticleConservingU1(t.reshape(2, 2, 2), wires=w, init_state=np.array([1, 0, 1])), _PREPARES,
    ),
    Gate(
        "ParticleConservingU2", 3, 10,
        lambda t, w: qml.ParticleConservingU2(t.reshape(2, 5), wires=w, init_state=np.array([0, 1, 1])), _PREPARES,
    ),
    Gate(
        "UCCSD", 4, 3,
        lambda t, w: qml.UCCSD(
            t, w, [[w[0], w[1], w[2]], [w[1], w[2], w[3]]], [[[w[0], w[1]], [w[2], w[3]]]], init_state=_HF4
        ), _PREPARES,
    ),
    Gate(
        "kUpCCGSD", 4, 12,
        lambda t, w: qml.kUpCCGSD(t.reshape(2, 6), wires=w, k=2, delta_sz=0, init_state=_HF4), _PREPARES,
    ),
    Gate(
        "AllSinglesDoubles", 4, 3,
        lambda t, w: qml.AllSinglesDoubles(
            t, w, hf_state=_HF4, singles=[[w[0], w[2]], [w[1], w[3]]], doubles=[[w[0], w[1], w[2], w[3]]]
        ), _PREPARES,
    ),
    Gate(
        "GateFabric", 4, 4,
        lambda t, w: qml.GateFabric(t.reshape(2, 1, 2), wires=w, init_state=_HF4, include_pi=True), _PREPARES,
    ),
]  # fmt: skip


def _haar(n: int, seed: int) -> np.ndarray:
    from scipy.stats import unitary_group

    return unitary_group.rvs(2**n, random_state=seed)


_VECTOR = np.array([0.5, 0.1 - 0.3j, 0.7j, -0.2])
_VECTOR = _VECTOR / np.linalg.norm(_VECTOR)

# Fixed gates: nothing trainable in them, so they are conjugated, or kept as fixed rotations.
_FIXED = [
    Gate("T", 1, 0, lambda t, w: qml.T(w), (*Gate.variants, "pow-1", "pow-half")),
    Gate("S", 1, 0, lambda t, w: qml.S(w), (*Gate.variants, "pow-1", "pow-half")),
    Gate("SX", 1, 0, lambda t, w: qml.SX(w), (*Gate.variants, "pow-1", "pow-half")),
    Gate("Hadamard", 1, 0, lambda t, w: qml.Hadamard(w), ("plain", "ctrl", "adjoint")),
    Gate("fixed RX", 1, 0, lambda t, w: qml.RX(0.37, wires=w)),
    Gate("fixed Rot", 1, 0, lambda t, w: qml.Rot(0.37, 1.1, -0.4, wires=w)),
    Gate("SWAP", 2, 0, lambda t, w: qml.SWAP(w), ("plain", "ctrl", "adjoint")),
    Gate("ISWAP", 2, 0, lambda t, w: qml.ISWAP(w)),
    Gate("ECR", 2, 0, lambda t, w: qml.ECR(w), ("plain", "ctrl", "adjoint")),
    Gate("CY", 2, 0, lambda t, w: qml.CY(w), ("plain", "ctrl", "adjoint")),
    Gate("CH", 2, 0, lambda t, w: qml.CH(w), ("plain", "ctrl", "adjoint")),
    Gate("Toffoli", 3, 0, lambda t, w: qml.Toffoli(w), ("plain", "ctrl", "adjoint")),
    Gate("CSWAP", 3, 0, lambda t, w: qml.CSWAP(w), ("plain", "ctrl", "adjoint")),
    Gate("CCZ", 3, 0, lambda t, w: qml.CCZ(w), ("plain", "ctrl", "adjoint")),
    Gate("QFT", 3, 0, lambda t, w: qml.QFT(wires=w)),
    Gate("QubitUnitary-1", 1, 0, lambda t, w: qml.QubitUnitary(_haar(1, 3), wires=w)),
    Gate("QubitUnitary-2", 2, 0, lambda t, w: qml.QubitUnitary(_haar(2, 4), wires=w)),
    Gate("QubitUnitary-3", 3, 0, lambda t, w: qml.QubitUnitary(_haar(3, 5), wires=w), ("plain", "adjoint", "ctrl")),
    Gate(
        "DiagonalQubitUnitary", 2, 0,
        lambda t, w: qml.DiagonalQubitUnitary(np.exp(1j * np.array([0.1, 0.7, -2.0, 1.3])), wires=w),
        ("plain", "adjoint"),
    ),
    Gate(
        "MultiControlledX", 3, 0,
        lambda t, w: qml.MultiControlledX(wires=w, control_values=[0, 1]), ("plain", "adjoint", "ctrl"),
    ),
    Gate("Barrier", 3, 0, lambda t, w: qml.Barrier(wires=w), ("plain",)),
    Gate("Identity", 1, 0, lambda t, w: qml.Identity(w), ("plain", "ctrl")),
    Gate("Permute", 3, 0, lambda t, w: qml.Permute([w[2], w[0], w[1]], wires=w), ("plain", "adjoint")),
]  # fmt: skip

GATES: dict[str, Gate] = {g.name: g for g in (*_PLAIN, *_TEMPLATES, *_FIXED)}


def _hermitian(n: int, seed: int) -> np.ndarray:
    a = np.random.default_rng(seed).normal(size=(2, 2**n, 2**n))
    matrix = a[0] + 1j * a[1]
    return matrix + matrix.conj().T


OBSERVABLES: dict[str, Callable] = {
    "X": lambda w: qml.X(w[0]),
    "Y": lambda w: qml.Y(w[1]),
    "Z": lambda w: qml.Z(w[2]),
    "Hadamard": lambda w: qml.Hadamard(w[1]),
    "word": lambda w: qml.X(w[0]) @ qml.Y(w[1]) @ qml.Z(w[2]),
    "prod with a square": lambda w: qml.prod(qml.X(w[0]), qml.Z(w[1]), qml.X(w[0]), qml.Z(w[2])),
    "scaled word": lambda w: -1.7 * qml.X(w[0]) @ qml.Z(w[2]),
    "sum": lambda w: qml.X(w[0]) + 0.5 * qml.Z(w[1]) @ qml.Y(w[2]),
    "sum with identity": lambda w: qml.sum(qml.Z(w[0]), 0.25 * qml.I(w[1]), 2 * qml.X(w[1])),
    "nested": lambda w: 2 * (qml.X(w[0]) + qml.Z(w[1])) @ (qml.Y(w[2]) - 0.5 * qml.X(w[2])),
    "Hamiltonian": lambda w: qml.Hamiltonian([0.3, -1.2, 0.7], [qml.Z(w[0]), qml.X(w[1]) @ qml.X(w[2]), qml.Y(w[2])]),
    "Hamiltonian with equal terms": lambda w: qml.Hamiltonian([0.3, -1.2], [qml.Z(w[0]), qml.Z(w[0])]),
    "Hermitian-1": lambda w: qml.Hermitian(_hermitian(1, 1), wires=w[1]),
    "Hermitian-2": lambda w: qml.Hermitian(_hermitian(2, 2), wires=[w[2], w[0]]),
    "Hermitian-3": lambda w: qml.Hermitian(_hermitian(3, 3), wires=[w[1], w[2], w[0]]),
    "Hermitian and word": lambda w: qml.Hermitian(_hermitian(1, 4), wires=w[0]) @ qml.Z(w[2]) + 0.3 * qml.X(w[1]),
    "Projector": lambda w: qml.Projector([1, 0, 1], wires=[w[0], w[1], w[2]]),
    "Projector on one wire": lambda w: qml.Projector([0], wires=[w[1]]),
    "Projector on a state": lambda w: qml.Projector(_VECTOR, wires=[w[2], w[0]]),
    "Projector and word": lambda w: qml.Projector([1, 0], wires=[w[0], w[1]]) @ qml.Y(w[2]),
    "Hamiltonian of projectors": lambda w: qml.Hamiltonian([1.0, -0.5], [qml.Projector([1], wires=w[0]), qml.Z(w[1])]),
    "particle number": lambda w: qml.sum(*[0.5 * (qml.I(q) - qml.Z(q)) for q in w]),
    "outside": lambda w: qml.Z("outside"),
}  # fmt: skip
