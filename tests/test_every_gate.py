"""Every operation that takes an angle, in every form, through the whole of ``diagnose``.

The oracle of the loss is a dense matrix of the operation itself, built by PennyLane from plain
numbers: inverse and powers are those of the matrix, not of any rule about angles.
"""

from __future__ import annotations

import warnings

import numpy as np
import pennylane as qml
import pytest
from operations import GATES, Gate
from pennylane import numpy as pnp

import pennylane_wishart as pw
from pennylane_wishart.errors import UnsupportedCircuitError, WishartError

TOLERANCE = 1e-9


def sum_of_words():
    return qml.Hamiltonian([0.7, -0.4, 0.3], [qml.Z(0) @ qml.Z(1), qml.X(0), qml.Y(1)])


def timed(time, wires):
    qml.RX(time, wires[0])
    qml.CNOT(wires[:2])
    qml.RY(time, wires[1])


EXTRA = [
    Gate("ArbitraryUnitary", 2, 15, lambda t, w: qml.ArbitraryUnitary(t, wires=w)),
    Gate("ArbitraryStatePreparation", 2, 6, lambda t, w: qml.ArbitraryStatePreparation(t, wires=w)),
    Gate("FermionicSingleExcitation", 3, 1, lambda t, w: qml.FermionicSingleExcitation(t[0], wires=w)),
    Gate(
        "FermionicDoubleExcitation", 4, 1,
        lambda t, w: qml.FermionicDoubleExcitation(t[0], wires1=w[:2], wires2=w[2:]),
    ),
    Gate(
        "SelectPauliRot", 3, 4,
        lambda t, w: qml.SelectPauliRot(t, control_wires=w[:2], target_wire=w[2], rot_axis="Y"),
    ),
    Gate("Reflection", 2, 1, lambda t, w: qml.Reflection(qml.Hadamard(w[0]) @ qml.Hadamard(w[1]), t[0])),
    Gate("ControlledSequence", 3, 1, lambda t, w: qml.ControlledSequence(qml.RX(t[0], w[2]), control=w[:2])),
    Gate("QDrift", 2, 1, lambda t, w: qml.QDrift(sum_of_words(), t[0], n=3, seed=5)),
    Gate("TrotterizedQfunc", 2, 1, lambda t, w: qml.TrotterizedQfunc(t[0], qfunc=timed, n=2, order=2, wires=w)),
    Gate("PCPhase", 2, 1, lambda t, w: qml.PCPhase(t[0], dim=3, wires=w)),
    Gate("GQSP", 2, 6, lambda t, w: qml.GQSP(qml.RX(0.3, w[1]), t.reshape(3, 2), control=w[0])),
    Gate("IQP", 2, 3, lambda t, w: qml.IQP(t, num_wires=2, pattern=[[[0]], [[1]], [[0, 1]]])),
    Gate("QuantumPhaseEstimation", 3, 1, lambda t, w: qml.QuantumPhaseEstimation(
        qml.RX(t[0], w[2]), estimation_wires=w[:2]
    )),
    Gate("Select", 3, 2, lambda t, w: qml.Select([qml.RX(t[0], w[2]), qml.RY(t[1], w[2])], control=w[:1])),
    Gate("prod", 2, 2, lambda t, w: qml.prod(qml.RX(t[0], w[0]), qml.RY(t[1], w[1]), qml.CNOT(w))),
    Gate("ctrl-PSWAP", 3, 1, lambda t, w: qml.ctrl(qml.PSWAP(t[0], w[1:]), w[0])),
]  # fmt: skip
ELEMENTARY = [g for g in GATES.values() if 1 <= g.params <= 3 and "Trotter" not in g.name and "Embedding" not in g.name]
ELEMENTARY = [g for g in ELEMENTARY if g.name not in ("UCCSD", "AllSinglesDoubles", "ApproxTimeEvolution")]
TEMPLATES = [g for g in GATES.values() if g.params and g not in ELEMENTARY] + EXTRA
SLOW = {"ParticleConservingU1", "MERA", "QuantumPhaseEstimation", "kUpCCGSD"}

FORMS = {
    "plain": (lambda op, c: op, lambda u: u, False),
    "adjoint": (lambda op, c: qml.adjoint(op), lambda u: u.conj().T, False),
    "power 2": (lambda op, c: qml.pow(op, 2), lambda u: u @ u, False),
    "power -1": (lambda op, c: qml.pow(op, -1), lambda u: u.conj().T, False),
    "power 3 of the adjoint": (lambda op, c: qml.pow(qml.adjoint(op), 3), lambda u: (u @ u @ u).conj().T, False),
    "adjoint of power -2": (lambda op, c: qml.adjoint(qml.pow(op, -2)), lambda u: u @ u, False),
    "controlled": (lambda op, c: qml.ctrl(op, c), lambda u: u, True),
    "controlled adjoint": (lambda op, c: qml.ctrl(qml.adjoint(op), c), lambda u: u.conj().T, True),
    "adjoint of controlled": (lambda op, c: qml.adjoint(qml.ctrl(op, c)), lambda u: u.conj().T, True),
}


def built(gate, t, wires):
    with qml.queuing.QueuingManager.stop_recording():
        return gate.apply(t, wires)


def matrix_of(gate, t, wires):
    op = built(gate, t, wires)
    if op.has_matrix:
        return np.asarray(qml.matrix(op, wire_order=wires))
    return np.asarray(qml.matrix(qml.tape.QuantumScript(op.decomposition()), wire_order=wires))


def around(body, n):
    """Return a QNode with ``body`` between fixed rotations of every wire."""

    @qml.qnode(qml.device("default.qubit", wires=n))
    def f(t):
        for q in range(n):
            qml.RY(0.4 + 0.3 * q, q)
        body(t)
        for q in range(n):
            qml.RX(0.7 - 0.2 * q, q)
        return qml.expval(qml.Z(0) @ qml.X(n - 1) + 0.5 * qml.Y(n - 1) + 0.2 * qml.Z(0))

    return f


def form_of(gate, name):
    """Return (circuit, oracle) of one operation in one form, on as many wires as it needs."""
    wrap, power, controlled = FORMS[name]
    wires, n = list(range(gate.wires)), max(2, gate.wires + controlled)

    def body(t):
        qml.apply(wrapped(t))

    def wrapped(t):
        with qml.queuing.QueuingManager.stop_recording():
            return wrap(gate.apply(t, wires), n - 1)

    def truth(t):
        u = power(matrix_of(gate, t, wires))
        if not controlled:
            qml.QubitUnitary(u, wires=wires)
            return
        off, on = np.diag([1.0, 0.0]), np.diag([0.0, 1.0])
        qml.QubitUnitary(np.kron(np.eye(len(u)), off) + np.kron(u, on), wires=range(n))

    return around(body, n), around(truth, n)


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("gate", ELEMENTARY, ids=lambda g: g.name)
def test_loss_of_every_form(gate, name, rng):
    if name.startswith("controlled") or name.endswith("controlled"):
        if gate.wires > 3:
            pytest.skip("five wires")
    if gate.name == "GlobalPhase" and "controlled" not in name:
        pytest.skip("drives nothing: refused, see test_cancelling_angles")
    circuit, oracle = form_of(gate, name)
    form = pw.normal_form(circuit)(pnp.array(rng.uniform(0.3, 2.5, gate.params), requires_grad=True))
    for t in rng.uniform(-9, 9, (2, gate.params)):
        assert abs(float(form.loss(form.angles_of(t))) - float(oracle(t))) < TOLERANCE


def diagnosed(qnode, t):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = pw.diagnose(qnode, samples=20, progress=False)(pnp.array(t, requires_grad=True))
    assert str(found) and found.to_dict()["verdict"] == found.verdict.name
    return found


@pytest.mark.parametrize("gate", ELEMENTARY, ids=lambda g: g.name)
def test_every_gate_and_its_inverses_diagnosed(gate, rng):
    """Plain, adjoint, power −1 and power 2 in one circuit, each with its own angles."""
    wires, k = list(range(gate.wires)), gate.params
    forms = ["plain", "adjoint", "power -1", "power 2"][: 4 if k == 1 else 2]

    def body(t):
        for i, name in enumerate(forms):
            with qml.queuing.QueuingManager.stop_recording():
                op = FORMS[name][0](gate.apply(t[i * k : (i + 1) * k], wires), None)
            qml.apply(op)
            qml.RX(0.3 + 0.2 * i + (t[0] if gate.name == "GlobalPhase" else 0.0), 0)

    qnode = around(body, max(2, gate.wires))
    found = diagnosed(qnode, rng.uniform(0.3, 2.5, k * len(forms)))
    data = found.measurement
    form = found.prediction.circuit
    np.testing.assert_allclose(data.losses, form.loss(form.angles_of(data.angles)), rtol=0, atol=TOLERANCE)
    assert found.comparison.agrees


@pytest.mark.parametrize(
    "gate", [pytest.param(g, id=g.name, marks=pytest.mark.slow if g.name in SLOW else ()) for g in TEMPLATES]
)
def test_every_template_diagnosed(gate, rng):
    n = max(2, gate.wires)
    qnode = around(lambda t: gate.apply(t, list(range(gate.wires))), n)
    found = diagnosed(qnode, rng.uniform(0.3, 2.5, gate.params))
    form, t = found.prediction.circuit, rng.uniform(-9, 9, gate.params)
    assert abs(float(form.loss(form.angles_of(t))) - float(qnode(t))) < TOLERANCE
    assert found.comparison.agrees


@pytest.mark.parametrize("gate", [GATES["U2"], GATES["U3"]], ids=lambda g: g.name)
def test_adjoint_of_a_template_of_gates_that_wrap_their_angles(gate, rng):
    """``U3.adjoint()`` of PennyLane takes angles modulo 2π; angles far outside are read all the same."""

    def layer(t):
        gate.apply(t[: gate.params], [0])
        qml.CNOT([0, 1])
        qml.ctrl(qml.adjoint(built(gate, t[gate.params :], [1])), 0)

    qnode = around(lambda t: qml.adjoint(layer)(t), 2)
    form = pw.normal_form(qnode)(pnp.array(rng.uniform(0, 1, 2 * gate.params), requires_grad=True))
    for t in rng.uniform(-40, 40, (3, 2 * gate.params)):
        assert abs(float(form.loss(form.angles_of(t))) - float(qnode(t))) < TOLERANCE


def rotation_matrix(t):
    return qml.math.stack([[qml.math.cos(t), -qml.math.sin(t)], [qml.math.sin(t), qml.math.cos(t)]])


REFUSED = {
    "QubitUnitary": lambda t: qml.QubitUnitary(rotation_matrix(t[0]), wires=0),
    "DiagonalQubitUnitary": lambda t: qml.DiagonalQubitUnitary(qml.math.exp(1j * qml.math.stack([t[0], -t[0]])), 0),
    "AmplitudeEmbedding": lambda t: qml.AmplitudeEmbedding(t, wires=[0, 1], normalize=True),
    "SingleExcitation": lambda t: qml.BasisRotation(wires=[0, 1], unitary_matrix=rotation_matrix(t[0])),
    "MultiRZ": lambda t: qml.IQPEmbedding(t[:2], wires=[0, 1]),
    "SpecialUnitary": lambda t: qml.SpecialUnitary(t[:3], wires=0),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_angle_is_refused_by_name(name):
    @qml.qnode(qml.device("default.qubit", wires=2))
    def f(t):
        REFUSED[name](t)
        qml.RX(t[0], 0)
        return qml.expval(qml.Z(0))

    with pytest.raises(UnsupportedCircuitError) as caught:
        pw.diagnose(f, samples=20, progress=False)(pnp.array([0.3, 0.4, 0.5, 0.6], requires_grad=True))
    assert name in str(caught.value)
    assert isinstance(caught.value, WishartError)
