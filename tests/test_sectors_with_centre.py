"""Jordan sectors on which the group is U(1) × Sp or U(1) × SO: the phase hides neither from the certificates.

A generator with a part in the centre of the algebra has a trace on a sector. No loss sees it, but
with it no antiunitary operator commutes with the group, and Sp(2) or SO(4) on C^4 had β = None.
"""

from __future__ import annotations

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp

import pennylane_wishart as pw

DEVICE = qml.device("default.qubit")


def symplectic(x):
    qml.ISWAP([2, 0])
    qml.SingleExcitation(0.37, wires=[0, 1])
    qml.IsingYY(x[0], wires=[1, 2])
    qml.RX(x[0], wires=[0])
    qml.SingleExcitation(x[0], wires=[2, 1])
    qml.RY(-x[0] + 1.1, wires=1)
    return qml.expval(0.5 * qml.Y(1))


def symplectic_three(x):
    qml.adjoint(qml.FermionicSWAP(0.37, wires=[1, 0]))
    qml.T(2)
    qml.PhaseShift(x[0], wires=2)
    qml.PSWAP(x[0], wires=[1, 0])
    qml.U3(x[1], x[1], x[1], wires=0)
    qml.MultiRZ(x[1], wires=[0, 2, 1])
    qml.RY(x[1], wires=1)
    return qml.expval(qml.Z(2) @ qml.Z(1))


def orthogonal(x):
    qml.StatePrep(np.array([-0.72, -0.3]), wires=2, normalize=True)
    qml.adjoint(qml.IsingXY(x[3] + 0.3, wires=[0, 2]))
    qml.adjoint(qml.PhaseShift(x[3], wires=1))
    qml.CCZ([0, 2, 3])
    qml.RX(x[1], wires=2)
    qml.IsingYY(0.37, wires=[0, 2])
    qml.IsingXX(2 * x[2], wires=[0, 2])
    qml.SWAP([3, 1])
    qml.CY([2, 1])
    qml.RX(x[2], wires=3)
    return qml.expval(2.0 * (qml.Y(0) @ qml.X(1) @ qml.Y(3)) + 0.3 * qml.Y(3))


def orthogonal_real(x):
    """so(4) by RY, CZ-dressed; the Z on a third qubit that always joins the first generator is the centre."""
    qml.RY(2 * x[0], 0)
    qml.RZ(1.4 * x[0], 2)
    qml.RY(x[1], 1)
    qml.PauliRot(x[2], "YX", [0, 1])
    qml.PauliRot(x[3], "XY", [0, 1])
    return qml.expval(qml.Z(0) @ qml.Z(1) + 0.5 * qml.X(0))


CIRCUITS = {
    "Sp(2)": (symplectic, 1, 4, (10, 1)),
    "Sp(2), three qubits": (symplectic_three, 2, 4, (10, 1)),
    "SO(4)": (orthogonal, 4, 1, (3, 2)),
    "SO(4), real": (orthogonal_real, 4, 1, (3, 2)),
}
OUTSIDE = ("Sp(2)", "SO(4)")
"""The observable is in another part than the Jordan algebra: second moments hold."""


def groups_moments(circuit, rng, count=4000, length=60):
    """Mean, variance, third and fourth central moment of the loss over random long words of the group.

    Dense matrices of the trainable rotations in the frame of the fixed gates, no sector theory.
    """
    dim = 2**circuit.n_qubits
    generators, before = [], np.eye(dim, dtype=complex)
    for k in range(circuit.n_rotations):
        g = circuit.generator(k).matrix()
        if circuit.parameter_of[k] < 0:
            values, basis = np.linalg.eigh(g)
            before = (basis * np.exp(-1j * circuit.offsets[k] * values)) @ basis.conj().T @ before
        else:
            generators.append(np.linalg.eigh(before.conj().T @ g @ before))
    observable = before.conj().T @ circuit.observable.matrix() @ before
    psi = np.tile(circuit.state.vector(), (count, 1))
    for i in range(length):
        values, basis = generators[i % len(generators)]
        angles = rng.uniform(0, 60, (count, 1))
        psi = ((psi @ basis.conj()) * np.exp(-1j * angles * values)) @ basis.T
    losses = np.einsum("ki,ij,kj->k", psi.conj(), observable, psi).real
    centred = losses - losses.mean()
    return losses.mean(), *(float(np.mean(centred**p)) for p in (2, 3, 4))


@pytest.mark.parametrize("name", CIRCUITS)
def test_sector_with_a_phase_of_its_own_is_certified(name, rng):
    body, size, beta, (ideal, copies) = CIRCUITS[name]
    args = (pnp.array(np.linspace(0.4, 1.3, size), requires_grad=True),)
    diagnosis = pw.diagnose(qml.QNode(body, DEVICE))(*args)
    signature = diagnosis.signature
    loaded = [s for s in signature.sectors if s.weight > 1e-9]
    assert {(s.dim, s.beta) for s in loaded} == {(4, beta)}
    for s in loaded:  # r of THEORY §5: traces over the field
        values, counts = s.spectrum
        shifted = np.repeat(values - values.min(), counts)
        complex_dof = shifted.sum() ** 2 / (shifted**2).sum()
        assert s.dof == pytest.approx(complex_dof / (2 if beta == 4 else 1), abs=1e-9)
    assert str(diagnosis) and diagnosis.to_dict()
    # so(4) = su(2) + su(2)
    assert any(i.dim == ideal and i.copies >= copies for i in signature.algebra.ideals)
    assert signature.algebra.center_dim >= 1
    if name in OUTSIDE:
        assert not signature.in_theory and "not in the Jordan algebra" in signature.reason
    prediction = pw.predict(signature)
    mean, variance, _, fourth = groups_moments(signature.circuit, rng)
    slack = 5 * np.sqrt((fourth - variance**2) / 4000)
    assert prediction.deep.mean == pytest.approx(mean, abs=5 * np.sqrt(variance / 4000))
    assert prediction.deep.variance == pytest.approx(variance, abs=slack)
    if name in OUTSIDE:
        return
    assert signature.in_theory
    law = prediction.loss
    assert law.mean() == pytest.approx(prediction.deep.mean, abs=1e-9)
    assert law.var() == pytest.approx(prediction.deep.variance, abs=1e-9)
    for k in range(signature.circuit.n_params):
        if np.sum(signature.circuit.parameter_of == k) == 1:
            spread = prediction.gradient_of(k).var()
            assert spread == pytest.approx(prediction.deep.gradient_variance[k], abs=1e-8)
