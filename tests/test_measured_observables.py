"""What is measured: projectors, sparse matrices, and sums in every form, against dense matrices."""

from __future__ import annotations

import numpy as np
import pennylane as qml
import pytest
from pennylane import numpy as pnp
from scipy.sparse import csr_matrix

import pennylane_wishart as pw
from pennylane_wishart.errors import UnsupportedCircuitError
from pennylane_wishart.measurement import measure

A, B, C = WIRES = ["alice", "b b", -3]
COUPLING = np.array([[1, 0.2, 0, 0.1], [0.2, -1, 0.3, 0], [0, 0.3, 0.5, 0.1], [0.1, 0, 0.1, 0]])


def gates(x):
    """Every wire turned, joined and turned again."""
    ops = [qml.RY(x[q], w) for q, w in enumerate(WIRES)] + [qml.CNOT([A, B]), qml.CNOT([B, C])]
    return ops + [qml.RX(x[3 + q], w) for q, w in enumerate(WIRES)]


def circuit_of(observable, device):
    @qml.qnode(qml.device(device, wires=WIRES))
    def circuit(x):
        gates(x)
        return qml.expval(observable)

    return circuit


def exact(observable, x):
    with qml.queuing.QueuingManager.stop_recording():
        state = qml.matrix(qml.tape.QuantumScript(gates(x)), wire_order=WIRES)[:, 0]
        return (state.conj() @ qml.matrix(observable, wire_order=WIRES) @ state).real


def holds(observable, device):
    """Measured losses and gradients are those of dense matrices."""
    w = pnp.array(np.linspace(0.1, 1.1, 6), requires_grad=True)
    data = measure(circuit_of(observable, device), samples=2, seed=1, progress=False)(w)
    for point, loss, slopes in zip(data.angles, data.losses, data.gradients, strict=True):
        assert abs(exact(observable, point) - loss) < 1e-12
        # every gate is a rotation of frequency one: the difference of a quarter turn is exact
        turned = np.pi / 2 * np.eye(6)
        wanted = [(exact(observable, point + t) - exact(observable, point - t)) / 2 for t in turned]
        np.testing.assert_allclose(slopes, wanted, atol=1e-9)


def coupled():
    return qml.Hermitian(COUPLING, [A, B]), qml.Hermitian(COUPLING, [B, C])


SUMS = {
    "sum": lambda: qml.sum(qml.Y(B) @ qml.Z(C), qml.Z(A) @ qml.X(B)),
    "a multiple": lambda: -2.0 * qml.sum(qml.Y(B) @ qml.Z(C), qml.Z(A) @ qml.X(B)),
    "coefficients that could be trained": lambda: qml.dot(
        pnp.array([1.0, 1.0]), [qml.Y(B) @ qml.Z(C), qml.Z(A) @ qml.X(B)]
    ),
    "product of sums": lambda: qml.prod(qml.Z(A) + qml.X(A), qml.Y(B) + qml.Z(B)),
    "an identity": lambda: qml.sum(qml.Y(B) @ qml.Z(C), qml.Z(A) @ qml.X(B), 0.3 * qml.I(A)),
    "matrices": lambda: qml.sum(*coupled()[::-1]),
    "a multiple of matrices": lambda: -1.0 * qml.sum(*coupled()[::-1]),
    "a list": lambda: qml.Hamiltonian([1.0, 1.0], [qml.Y(B) @ qml.Z(C), qml.Z(A) @ qml.X(B)]),
}


@pytest.mark.parametrize("form", SUMS)
@pytest.mark.parametrize("device", ["default.qubit", "default.mixed", "lightning.qubit"])
def test_a_sum_in_another_order_is_another_sum(device, form):
    """PennyLane 0.45 keeps eigenvectors of a sum by its terms, whatever the order of its wires."""
    for other in (qml.sum(qml.Z(A) @ qml.X(B), qml.Y(B) @ qml.Z(C)), qml.sum(*coupled())):
        circuit_of(other, device)(np.linspace(0.1, 1.1, 6))
    holds(SUMS[form](), device)


@pytest.mark.parametrize("wires", [[A, B], [C, A]])
@pytest.mark.parametrize("device", ["lightning.qubit", "default.qubit", "default.mixed"])
def test_sparse_observables_are_measured(device, wires):
    """Lightning 0.45 raises on fewer wires than the device's, and of sums and multiples it ends the process."""
    sparse = qml.SparseHamiltonian(csr_matrix(COUPLING), wires)
    for form in (
        sparse,
        qml.s_prod(-2.0, sparse),
        qml.sum(sparse, qml.Z(B)),
        qml.Hamiltonian([1.0, 0.5], [sparse, qml.X(C)]),
    ):
        holds(form, device)


def test_sparse_observables_are_measured_where_gates_are_lowered():
    """The device decomposes the template, and its matrix is the same at every probe."""

    def made(observable):
        @qml.qnode(qml.device("lightning.qubit", wires=3))
        def circuit(x):
            qml.StronglyEntanglingLayers(x, range(3))
            return qml.expval(observable)

        return circuit

    w = pnp.array(np.linspace(0.1, 1.0, 9).reshape(1, 3, 3), requires_grad=True)
    kinds = (qml.SparseHamiltonian(csr_matrix(COUPLING), [2, 0]), qml.Hermitian(COUPLING, [2, 0]))
    sparse, dense = (measure(made(kind), samples=4, progress=False)(w) for kind in kinds)
    np.testing.assert_allclose(sparse.losses, dense.losses, atol=1e-12)
    np.testing.assert_allclose(sparse.gradients, dense.gradients, atol=1e-12)


def test_the_highest_value_of_a_sparse_observable():
    kinds = (qml.SparseHamiltonian(csr_matrix(COUPLING), [C, A]), qml.Hermitian(COUPLING, [C, A]))
    options = {"sense": "max", "samples": 10, "remedy_budget": 0, "progress": False}
    sparse, dense = (pw.diagnose(circuit_of(o, "default.qubit"), **options)(pnp.ones(6)).descent for o in kinds)
    assert sparse.ground == pytest.approx(np.linalg.eigvalsh(COUPLING)[-1], abs=1e-9)
    assert sparse.best == pytest.approx(dense.best, abs=1e-6) and sparse.best <= sparse.ground + 1e-9


def test_shots_of_a_sparse_observable_are_quoted_as_of_the_dense_one():
    kinds = (qml.SparseHamiltonian(csr_matrix(COUPLING), [C, A]), qml.Hermitian(COUPLING, [C, A]))
    sparse, dense = (pw.quote(circuit_of(o, "lightning.qubit"), samples=10, shots=100)(pnp.ones(6)) for o in kinds)
    assert (sparse.circuits, sparse.shots) == (dense.circuits, dense.shots)


def test_an_observable_among_the_gates_is_refused():
    """PennyLane leaves what a number is multiplied with inside a QNode in the queue, and applies it."""

    @qml.qnode(qml.device("default.qubit", wires=WIRES))
    def circuit(x):
        gates(x)
        return qml.expval(2.0 * qml.SparseHamiltonian(csr_matrix(COUPLING), [C, A]))

    with pytest.raises(UnsupportedCircuitError, match="stands among the gates"):
        pw.predict(circuit)(pnp.ones(6))


@pytest.mark.parametrize(("bits", "wires"), [([1, 0, 1], ["b", "a", "c"]), ([0, 1], ["c", "a"])])
def test_projectors_on_a_basis_state_by_the_fast_route(bits, wires):
    @qml.qnode(qml.device("lightning.qubit", wires=["a", "b", "c"]))
    def circuit(x):
        for k, wire in enumerate("abc"):
            qml.RX(x[k], wire)
        qml.IsingXY(x[3], ["c", "a"])
        return qml.expval(qml.Projector(bits, wires))

    w = pnp.array([0.3, 0.9, -0.7, 0.4], requires_grad=True)
    data = measure(circuit, samples=3, seed=2, progress=False)(w)
    assert data.route == "lightning-cpp-adjoint"
    dense = circuit.update(device=qml.device("default.qubit", wires=["a", "b", "c"]))
    for point, loss, slopes in zip(data.angles, data.losses, data.gradients, strict=True):
        x = pnp.array(point, requires_grad=True)
        assert abs(dense(x) - loss) < 1e-12
        assert np.abs(qml.grad(dense)(x) - slopes).max() < 1e-12
